import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { milestone } from "../src/milestones";
import { decodeFrame } from "../src/protocol";
import { drawn, frame, KNOWN, type Known, mount, SURE, type Sure, unmountAll } from "./model";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  unmountAll();
  vi.useRealTimers();
});

const verifying = (done: number, chosen: number, ablations = 0, error = "") => ({ done, chosen, ablations, error });

test("the button says what it will cost, and asks the kernel to measure", () => {
  const view = mount();
  const button = view.action("verify");
  // With four players in all: pairs in 4 contexts of 4 coalitions, the triple in 2 contexts of 8.
  expect(button.textContent).toBe("verify top 10: 48 ablations");
  expect(button.title).toContain("Measure the 3 largest interactions on the model itself");
  expect(button.title).toContain("about 48 ablations more");
  button.click();
  button.click();
  drawn();
  expect(view.sent.slice(1)).toEqual([{ type: "verify", top: 10, contexts: 16 }]);
  expect([button.textContent, button.getAttribute("aria-disabled")]).toEqual(["verifying…", "true"]);
  vi.advanceTimersByTime(420);
  expect(view.find(".spex-busy").textContent).toContain("the kernel is busy");
});

test("where there is little room the price is short", () => {
  const twenty = { players: Array.from({ length: 20 }, (_, i) => `w${i}`) };
  const rows: [number[], number][] = [
    [[0, 1, 2, 3, 4, 5], 3],
    [[1, 2, 3, 4, 5, 6], 2],
  ];
  expect(mount(frame({}, { ...KNOWN, rows }), twenty).action("verify").dataset.price).toBe(": 2.0k");
  expect(mount().action("verify").dataset.price).toBe(": 48");
});

test("once all are measured it says that these would be more contexts", () => {
  const sure: Sure = { verdict: "confirmed", measured: [3, 2, 4, 16, 0] };
  const rows: Known["rows"] = [
    [[0, 1], 3, "mixed", sure],
    [[0, 2], 2, "mixed", sure],
    [[0], 1, "single"],
  ];
  const button = mount(frame({}, { ...KNOWN, rows })).action("verify");
  expect(button.textContent).toBe("verify top 10: 16 more contexts each");
  expect(button.title).toContain("in 16 more random contexts each: about 32 ablations");
});

test("while it measures it says how far it is, and cannot be asked again", () => {
  const view = mount();
  const button = view.action("verify");
  button.click();
  view.show(frame({ seq: 2, turns: 1, verifying: verifying(0, 3) }, KNOWN));
  expect(view.find(".spex-busy").textContent).toBe("");
  view.show(frame({ seq: 3, turns: 1, verifying: verifying(1, 3, 1216) }, KNOWN));
  expect([button.textContent, button.getAttribute("aria-busy")]).toEqual(["verifying 1 / 3", "true"]);
  expect(view.find(".spex-done").textContent).toContain("1,216 more to measure");
  button.click();
  expect(view.sent.filter(({ type }) => type === "verify")).toHaveLength(1);
  view.show(frame({ seq: 4, turns: 1, verifying: verifying(0, 0, 1280) }, SURE));
  expect([button.textContent, button.hasAttribute("aria-disabled")]).toEqual(["verify top 10: 48 ablations", false]);
  expect(view.find(".spex-done").textContent).toContain("1,280 more to measure");
});

test.each([
  ["exact", { exact: true, r2: null }, KNOWN, "Every coalition was evaluated"],
  ["without an interaction", {}, { ...KNOWN, rows: [[[0], 1, "single"]] }, "No interaction was found"],
  ["with large sets alone", {}, { ...KNOWN, rows: [[[0, 1, 2, 3, 4, 5, 6], 1]] }, "Sets of more than 6 units"],
  ["before the first estimate", { r2: null }, undefined, "There is no ranking yet"],
] as [string, object, Known | undefined, string][])(
  "%s there is nothing to measure, and it says so",
  (_, head, known, why) => {
    const view = mount(frame(head, known));
    const button = view.action("verify");
    expect([button.textContent, button.title]).toEqual(["verify top 10", expect.stringContaining(why)]);
    button.click();
    expect(view.sent).toEqual([{ type: "hello" }]);
  },
);

test("what the model raised stands in words until the next try", () => {
  const view = mount(frame({ verifying: verifying(0, 0, 0, "OSError: <b>no route") }, KNOWN));
  const alert = () => view.find("[role=alert]");
  expect([alert().hidden, alert().textContent]).toEqual([false, "measuring failed: OSError: <b>no route"]);
  view.show(frame({ seq: 2, verifying: verifying(0, 3) }, KNOWN));
  expect(alert().hidden).toBe(true);
});

test("what a person asked is counted beside what was measured", () => {
  const asked = { pending: 0, ablations: 1216, flip: null, error: "" };
  const view = mount(frame({ rate: 0, asked, verifying: verifying(0, 0, 9) }, KNOWN));
  expect(view.find(".spex-done").textContent).toBe("312 / 800 ablations · 9 more to measure · 1,216 more asked by you");
});

test("the status of a row that was measured has the figures in its tooltip", () => {
  const view = mount(frame({}, SURE));
  const title = view.find('tr[data-members="1,2,3"] .spex-status').title;
  expect(title.split("\n")).toEqual([
    "measured on the model itself: it has not this sign, or next to nothing of this size",
    "measured: +0.25 (−0.50 to +1.00) in 16 contexts",
  ]);
  expect(view.find('tr[data-members="0,1"] .spex-status').title).not.toContain("contexts");
});

test("the end is said aloud, but not a failure, which is an alert", () => {
  const going = decodeFrame(frame({ verifying: verifying(2, 3) }, KNOWN));
  const ended = (error: string) => decodeFrame(frame({ verifying: verifying(0, 0, 9, error) }, SURE));
  expect(milestone(going, ended(""))).toBe("measured on the model so far: 1 contradicted, 1 undecided");
  expect(milestone(going, decodeFrame(frame({ verifying: verifying(0, 0, 9) }, KNOWN)))).toBe(""); // stopped at once
  expect(milestone(going, ended("OSError"))).toBe("");
});
