import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { drawn, frame, HEADER, KNOWN, mount, over, unmountAll } from "./model";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  unmountAll();
  vi.useRealTimers();
});

test("the text on the page is the text that was given, before and after frames", () => {
  const view = mount(new DataView(new ArrayBuffer(0)));
  const given = HEADER.pieces.map(([text]) => text).join("");
  expect(view.find(".spex-running").textContent).toBe(given);
  view.show(frame({}, KNOWN));
  expect(view.find(".spex-running").textContent).toBe(given);
});

test("text from a model is text, wherever it is shown", () => {
  const evil = "<img src=x onerror=alert(1)>";
  const view = mount(frame({ reason: evil, state: "failed" }, KNOWN), {
    players: [evil, "b", "c", "d"],
    outputs: [evil],
    model: evil,
    pieces: [
      [evil, 0],
      [`<b>${evil}</b>`, -1],
    ],
  });
  over(view.find(".spex-unit"));
  drawn();
  expect(view.el.querySelector("img, b")).toBeNull();
  expect(view.find(".spex-running").textContent).toBe(`${evil}<b>${evil}</b>`);
  expect(view.find(".spex-chip").textContent).toBe(evil);
  expect(view.find("[role=alert]").textContent).toContain(evil);
});

test("white space stays outside of a unit, and what is always present is greyed", () => {
  const view = mount();
  expect(view.all(".spex-unit").map((unit) => unit.textContent)).toEqual(["not", "bad", "at", "all"]);
  expect(view.all(".spex-fixed").map((piece) => piece.textContent)).toEqual(["[CLS]", "."]);
});

test("a unit made of white space alone is still a unit", () => {
  const view = mount(frame({}, KNOWN), {
    pieces: [
      ["\n", 0],
      ["a", 1],
      [" ", 2],
      ["b", 3],
    ],
  });
  expect(view.all(".spex-unit").map((unit) => unit.textContent)).toEqual(["\n", "a", " ", "b"]);
});

test("bars tell sign and size without colour", () => {
  const view = mount();
  const [not, bad, at, all] = view.all(".spex-unit");
  expect(not?.dataset).toMatchObject({ sign: "+", mark: "+" });
  expect(bad?.dataset).toMatchObject({ sign: "−", mark: "−" });
  expect(at?.dataset.sign).toBeUndefined();
  expect(all?.dataset.sign).toBeUndefined();
  expect(Number(bad?.dataset.h)).toBeCloseTo(2 * Number(not?.dataset.h), 1);
});

test("the scale is locked while running: what overflows is clipped until a person rescales", () => {
  const view = mount();
  const not = view.find('[data-player="0"]');
  const before = not.dataset.h;
  expect(view.find(".spex-text [data-action=rescale]").hidden).toBe(true);
  view.show(frame({ seq: 2 }, { ...KNOWN, effects: [0.5, -9, 0, 0] }));
  expect(not.dataset.h).toBe(before);
  expect(view.find('[data-player="1"]').dataset.h).toBe("1");
  expect(view.find('[data-player="1"]').dataset.clipped).toBe("");
  view.find(".spex-text [data-action=rescale]").click();
  drawn();
  expect(view.find('[data-player="1"]').dataset.clipped).toBeUndefined();
  expect(Number(not.dataset.h)).toBeLessThan(Number(before));
});

test("the scale fits itself once nothing runs any more", () => {
  const view = mount();
  view.show(frame({ seq: 2, state: "done" }, { ...KNOWN, effects: [0.5, -9, 0, 0] }));
  expect(view.find('[data-player="1"]').dataset.clipped).toBeUndefined();
  expect(view.find(".spex-text [data-action=rescale]").hidden).toBe(true);
});

test("one unit is in the tab order, arrow keys walk, and the readout says its effect", () => {
  const view = mount();
  const units = view.all(".spex-unit");
  expect(units.map((unit) => unit.tabIndex)).toEqual([0, -1, -1, -1]);
  units[0]?.focus();
  units[0]?.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
  drawn();
  expect(document.activeElement).toBe(units[1]);
  expect(units.map((unit) => unit.tabIndex)).toEqual([-1, 0, -1, -1]);
  expect(view.find(".spex-reading").textContent).toBe("“bad” lowers POSITIVE by 1.00 on average");
  units[1]?.dispatchEvent(new KeyboardEvent("keydown", { key: "End", bubbles: true }));
  expect(document.activeElement).toBe(units[3]);
});

test("a unit says its effect before it is focused", () => {
  const view = mount(frame({ r2: null }));
  const label = () => view.find('[data-player="1"]').getAttribute("aria-label");
  expect(label()).toBe("“bad” has no estimate yet");
  view.show(frame({ seq: 2 }, KNOWN));
  expect(label()).toBe("“bad” lowers POSITIVE by 1.00 on average");
  view.show(frame({ seq: 3 }, { ...KNOWN, effects: [0.5, 0.25, 0, 0] }));
  expect(label()).toBe("“bad” raises POSITIVE by 0.25 on average");
});

test("a unit under the pointer marks the rows that hold it", () => {
  const view = mount();
  over(view.find('[data-player="3"]'));
  drawn();
  expect(view.all("tr[data-holds]").map((row) => row.dataset.members)).toEqual(["1,2,3", "0,3"]);
});

test("two thousand units: a frame touches only those that changed", async () => {
  const n = 2000;
  const players = Array.from({ length: n }, (_, i) => `w${i}`);
  const pieces = players.flatMap((word, i): [string, number][] => [
    [word, i],
    [" ", -1],
  ]);
  const effects = players.map((_, i) => Math.sin(i));
  const view = mount(frame({}, { effects, rows: [[[0, 1], 1]] }), { players, pieces });
  const touched = new Set<Node>();
  const observer = new MutationObserver((records) => {
    for (const record of records) touched.add(record.target);
  });
  observer.observe(view.find(".spex-running"), { attributes: true, childList: true, subtree: true });
  effects[7] = -1;
  view.show(frame({ seq: 2 }, { effects, rows: [[[0, 1], 1]] }));
  await vi.advanceTimersByTimeAsync(20);
  observer.disconnect();
  expect([...touched].map((node) => (node as HTMLElement).dataset.player)).toEqual(["7"]);
});
