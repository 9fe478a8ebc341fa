import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { roundUp } from "../src/marks/scale";
import { milestone } from "../src/milestones";
import { decodeFrame } from "../src/protocol";
import { drawn, frame, KNOWN, mount, press, unmountAll } from "./model";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  unmountAll();
  vi.useRealTimers();
});

const twins = () => document.head.querySelectorAll("style[data-spex-twin]");

test("the root says what was drawn, for tests in a browser", () => {
  const view = mount();
  const root = view.find("[data-spex]");
  expect(root.dataset).toMatchObject({ spex: "a1b2", state: "running", seq: "1", frames: "1", ablations: "312" });
  expect(root.dataset.r2).toBe("0.93");
  expect(view.sent).toEqual([{ type: "hello" }]);
});

test("many frames between two drawings are one drawing, of the newest", () => {
  const view = mount();
  for (const seq of [2, 4, 3]) view.give(frame({ seq, ablations: 100 * seq }, KNOWN));
  drawn();
  expect(view.find("[data-spex]").dataset).toMatchObject({ seq: "4", ablations: "400", frames: "2" });
});

test("an empty frame, as of a kernel that is only starting, shows the text and no more", () => {
  const view = mount(new DataView(new ArrayBuffer(0)));
  expect(view.find("[data-spex]").dataset).toMatchObject({ state: "waiting", frames: "0" });
  expect(view.find("[data-spex]").getAttribute("data-r2")).toBe("");
  expect(view.find("table").hidden).toBe(true);
  expect(view.find(".spex-plot").hidden).toBe(true);
});

test("the static twin is hidden while a view lives", () => {
  const [one, two] = [mount(), mount()];
  expect(twins()).toHaveLength(1);
  expect(twins()[0]?.textContent).toContain(".spex-static-a1b2{display:none !important}");
  one.abort.abort();
  expect(twins()).toHaveLength(1);
  two.abort.abort();
  expect(twins()).toHaveLength(0);
  expect(two.el.children).toHaveLength(0);
  expect(two.heard.size).toBe(0);
});

test("convergence: a line once there are marks, a warning where R² is low, a sentence where it is exact", () => {
  const view = mount();
  const path = () => view.el.querySelector(".spex-line")?.getAttribute("d");
  expect(path()).toBe("M0.1600 0.2000L0.3200 0.0700");
  expect(view.find(".spex-label").textContent).toBe("R² .93");
  expect(view.find(".spex-energy").textContent).toBe(
    "energy at order 1:\u00a060\u00a0% · 2:\u00a020\u00a0% · 3:\u00a020\u00a0%",
  );
  expect(view.find(".spex-warning").hidden).toBe(true);
  expect(view.find(".spex-below").hidden).toBe(true);
  view.show(frame({ seq: 2, r2: [0.3, 0.2, 0.4] }, { ...KNOWN, history: [[128, -0.3, -0.5, 0, -0.4]] }));
  expect(view.find(".spex-warning").hidden).toBe(false);
  expect(view.find(".spex-below").hidden).toBe(false);
  expect(path()).toBe("M0.1600 1.0000L0.1600 1.0000");
  view.show(frame({ seq: 3, exact: true, r2: null, fitted: 16, state: "done" }, { ...KNOWN, history: [] }));
  expect(view.find(".spex-plot").hidden).toBe(true);
  expect(view.find(".spex-convergence").textContent).toContain("all 16 coalitions were evaluated");
});

test("what the kernel remarks stands in plain words, as text, while it holds", () => {
  const remarks = [
    "Not of low order: 20 % of the energy is in sets of more than 3.",
    "<b>Only</b> 4,000 ablations count.",
  ];
  const view = mount();
  const said = () => view.all(".spex-remarks p").map((line) => line.textContent);
  expect(view.find(".spex-remarks").hidden).toBe(true);
  view.show(frame({ seq: 2, remarks }, KNOWN));
  expect(said()).toEqual(remarks);
  expect(view.find(".spex-remarks").hidden).toBe(false);
  const line = view.find(".spex-remarks p");
  view.show(frame({ seq: 3, remarks }, KNOWN));
  expect(view.find(".spex-remarks p")).toBe(line);
  view.show(frame({ seq: 4, remarks: remarks.slice(1) }, KNOWN));
  expect(said()).toEqual(remarks.slice(1));
  view.show(frame({ seq: 5 }, KNOWN));
  expect(view.find(".spex-remarks").hidden).toBe(true);
});

test("milestones are said once, and not faster than one can listen", () => {
  const view = mount(frame({ r2: null }));
  const said = () => view.find("[role=status]").textContent;
  view.show(frame({ seq: 2, r2: null }, KNOWN));
  expect(said()).toBe("first estimate after 256 ablations");
  view.show(frame({ seq: 3, r2: [0.85, 0.8, 0.9] }, KNOWN));
  view.show(frame({ seq: 4, state: "done" }, KNOWN));
  expect(said()).toBe("first estimate after 256 ablations");
  vi.advanceTimersByTime(1600);
  expect(said()).toBe("done: 312 ablations: held-out R² .93");
});

test("a view that goes leaves no timer behind", () => {
  const view = mount(frame({ r2: null }));
  view.show(frame({ seq: 2 }, KNOWN));
  view.show(frame({ seq: 3, r2: null }, { ...KNOWN, rows: [[[2, 3], 9]] })); // waits for its place
  view.show(frame({ seq: 4 }, { ...KNOWN, rows: [[[2, 3], 9]] })); // waits to be said
  view.action("pause").click();
  expect(vi.getTimerCount()).toBeGreaterThanOrEqual(3);
  view.abort.abort();
  expect(vi.getTimerCount()).toBe(0);
});

test("JupyterLab gets no key of the widget's for its cells, but those with a modifier", () => {
  const view = mount();
  const left: string[] = [];
  const listen = (event: KeyboardEvent) => {
    const target = event.target as Element; // JupyterLab's selectors end in :focus, so no element above it would do
    if (!target.hasAttribute("data-lm-suppress-shortcuts")) left.push(event.key);
  };
  document.addEventListener("keydown", listen);
  for (const focused of [view.action("pause"), view.find("tr[data-members]"), view.find(".spex-unit")]) {
    focused.focus();
    for (const key of ["x", "a", "b", "d", "Escape"]) press(key);
    press("M", { shiftKey: true });
  }
  expect(left).toEqual([]);
  press("s", { ctrlKey: true });
  press("Enter", { shiftKey: true });
  expect(left).toEqual(["s", "Enter"]);
  document.removeEventListener("keydown", listen);
});

test("what is worth saying", () => {
  const read = (...of: Parameters<typeof frame>) => decodeFrame(frame(...of));
  const at = (r2: number) => read({ r2: [r2, 0, 1] }, KNOWN);
  expect(milestone(at(0.4), at(0.6))).toBe("held-out R² passed .50");
  expect(milestone(at(0.4), at(0.95))).toBe("held-out R² passed .90");
  expect(milestone(at(0.6), at(0.7))).toBe("");
  expect(milestone(at(0.9), read({ state: "failed", reason: "out of memory" }, KNOWN))).toContain("out of memory");
});

test.each([
  [0.93, 1],
  [1.01, 1.2],
  [7, 8],
  [8.1, 10],
  [0.0301, 0.04],
  [0, 0],
])("a full bar for %d stands for %d", (largest, full) => expect(roundUp(largest)).toBe(full));

test("where there is no R² it says why, as the header does; one round of it is a point", () => {
  const said = () => [view.find(".spex-convergence p").textContent, view.find(".spex-faithful").textContent];
  const view = mount(frame({ r2: null, round: 1 }, { ...KNOWN, history: [] }));
  expect(said()).toEqual(["Held-out R² comes with the second round.", "no held-out R² yet"]);
  view.show(frame({ seq: 2, state: "done", r2: null, round: 1 }, { ...KNOWN, history: [] }));
  expect(said()[0]).toContain("the run ended before its second round");
  expect(said()[1]).toBe("no held-out R²");
  const constant = { effects: [0, 0, 0, 0], spectrum: [[[], 5]] as [number[], number][] };
  for (const state of ["running", "done"] as const) {
    view.show(frame({ seq: 3, state, r2: null, round: 5 }, constant));
    expect(said()[0]).toBe("There is no held-out R²: all values held out are equal.");
  }
  view.show(frame({ seq: 4, state: "failed", r2: null, round: 0 }));
  expect(said()).toEqual(["There is no surrogate to judge.", ""]);
  view.show(frame({ seq: 5 }, { ...KNOWN, history: [[400, 0.5, 0.25, 0.75, 0]] }));
  expect(view.find(".spex-line").getAttribute("d")).toBe("M0.5000 0.5000L0.5000 0.5000");
  expect(view.find(".spex-line").dataset.point).toBe("");
  view.show(frame({ seq: 6 }, KNOWN));
  expect(view.find(".spex-line").dataset.point).toBeUndefined();
});
