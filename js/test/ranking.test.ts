import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { drawn, frame, KNOWN, mount, over, press, SURE, TURNED, unmountAll } from "./model";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  unmountAll();
  vi.useRealTimers();
});

test("rows say members, order, effect, kind and status, and the index is named", () => {
  const view = mount();
  expect(view.ranking()).toEqual(["0,1", "1,2,3", "0,3"]);
  const row = view.find('[data-members="1,2,3"]');
  expect(row.dataset.rank).toBe("2");
  expect([...row.children].map((cell) => cell.textContent)).toEqual([
    "2",
    "badatall",
    "3",
    "−2.00",
    "redundant",
    "provisional",
  ]);
  expect(view.action("meaning").getAttribute("aria-label")).toBe("what BII means");
  expect(view.action("meaning").title).toContain("raises the output");
  expect(view.action("meaning").title).toContain("2ᵏ times as large as their Fourier coefficient, so larger sets are");
  expect(view.action("meaning").title).not.toContain("interval");
  const words = view.find(".spex-meaning .spex-help");
  const open = () => [words.hidden, view.action("meaning").getAttribute("aria-expanded")];
  expect(open()).toEqual([true, "false"]);
  view.action("meaning").click();
  expect(open()).toEqual([false, "true"]);
  view.action("meaning").click();
  expect(open()).toEqual([true, "false"]);
  expect(view.find('[data-members="0,1"] .spex-kind').title).toContain("turns another round");
});

test("an interval is a whisker on the bar, and numbers for who points or listens", () => {
  const view = mount(frame({}, SURE));
  const bar = view.find('[data-members="0,1"] .spex-bar'); // a full bar is 4
  expect([bar.style.getPropertyValue("--low"), bar.style.getPropertyValue("--high")]).toEqual(["0.62", "0.82"]);
  expect(view.find('[data-members="0,1"] td.spex-effect').title).toBe("95 % interval: +2.50 to +3.25");
  expect(view.find('[data-members="0,1"] td.spex-effect').textContent).toBe("+3.00 95 % interval +2.50 to +3.25");
  expect(view.all(".spex-bar").map((each) => each.dataset.beyond)).toEqual([undefined, "low", undefined]);
  view.show(frame({ seq: 2, exact: true }, KNOWN));
  expect([bar.dataset.interval, bar.style.getPropertyValue("--low")]).toEqual([undefined, ""]);
  expect(view.find('[data-members="0,1"] td.spex-effect').textContent).toBe("+3.00");
});

test("the status: what was measured beats settled, and noise is named", () => {
  const view = mount(frame({}, SURE));
  view.find('[data-order="all"]').click();
  const status = () => view.all("td.spex-status").map((cell) => cell.textContent);
  expect(status()).toEqual(["settled", "contradicted", "provisional", "undecided"]);
  expect(view.find("td.spex-status").title).toContain("settled for this surrogate and this ablation");
  expect(view.all("tr[data-members]:not([data-pale])").map((row) => row.dataset.members)).toEqual(["0,1", "1,2,3"]);
  const rows = [...(SURE.rows ?? [])];
  rows[2] = [[0, 3], 1, "mixed", { noise: true }];
  view.show(frame({ seq: 2, exact: true }, { ...SURE, rows }));
  expect(status()).toEqual(["exact", "contradicted", "noise", "undecided"]);
});

test.each([
  ["all", ["0,1", "1,2,3", "0,3", "0"]],
  ["1", ["0"]],
  ["2", ["0,1", "0,3"]],
  ["3", ["1,2,3"]],
  ["4+", []],
])("the filter of order %s", (order, keys) => {
  const view = mount();
  view.find(`[data-order="${order}"]`).click();
  expect(view.ranking()).toEqual(keys);
  expect(view.find(`[data-order="${order}"]`).getAttribute("aria-pressed")).toBe("true");
  expect(view.find('[data-order="2+"]').getAttribute("aria-pressed")).toBe("false");
});

test("the heading says what is listed: sets, single players, or both", () => {
  const view = mount();
  const heading = () => view.find(".spex-ranking strong").textContent;
  expect(heading()).toBe("Acting together");
  view.find('[data-order="all"]').click();
  expect(heading()).toBe("Alone or together");
  view.find('[data-order="2"]').click();
  view.show(frame({ seq: 2, index: "SV", max_order: 1 }, KNOWN));
  expect(heading()).toBe("Each on its own");
  view.show(frame({ seq: 3 }, KNOWN));
  expect(heading()).toBe("Acting together");
});

test("numbers change in place at once, places every two seconds", () => {
  const view = mount();
  const row = view.find('[data-members="0,3"]');
  view.show(frame({ seq: 2 }, TURNED));
  expect(view.ranking()).toEqual(["0,1", "0,3"]); // the third is no longer in the frame
  expect(row.querySelector(".spex-effect")?.textContent).toBe("+5.00");
  vi.advanceTimersByTime(2100);
  expect(view.ranking()).toEqual(["0,3", "0,1", "2,3"]);
  expect(view.find('[data-members="0,3"]')).toBe(row);
});

test("the table holds still under the pointer, and offers what waits", () => {
  const view = mount();
  view.find(".spex-ranking").dispatchEvent(new Event("pointerenter"));
  vi.advanceTimersByTime(5000);
  view.show(frame({ seq: 2, state: "done" }, TURNED));
  expect(view.ranking()).toEqual(["0,1", "1,2,3", "0,3"]);
  expect(view.action("apply").textContent).toBe("3 changes – apply");
  view.action("apply").click();
  expect(view.ranking()).toEqual(["0,3", "0,1", "2,3"]);
  expect(view.action("apply").hidden).toBe(true);
});

test("it moves again once the pointer has left", () => {
  const view = mount();
  view.find(".spex-ranking").dispatchEvent(new Event("pointerenter"));
  view.show(frame({ seq: 2, state: "done" }, TURNED));
  view.find(".spex-ranking").dispatchEvent(new Event("pointerleave"));
  drawn();
  expect(view.ranking()).toEqual(["0,3", "0,1", "2,3"]);
});

test("focus in the table freezes it too, and arrow keys walk its rows", () => {
  const view = mount();
  const [first, second] = view.all("tr[data-members]");
  first?.focus();
  first?.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true }));
  expect(document.activeElement).toBe(second);
  view.show(frame({ seq: 2, state: "done" }, TURNED));
  expect(view.ranking()).toEqual(["0,1", "1,2,3", "0,3"]);
  expect(view.action("apply").hidden).toBe(false);
  view.action("apply").focus();
  drawn();
  expect(view.ranking()).toEqual(["0,1", "1,2,3", "0,3"]);
  view.find("[data-filter=unit]").focus();
  drawn();
  expect(view.ranking()).toEqual(["0,3", "0,1", "2,3"]); // a filter is not among the rows
});

test("another output is another ranking, on another scale, at once", () => {
  const view = mount(frame({}, KNOWN), { outputs: ["POSITIVE", "NEGATIVE"] });
  view.find('[data-members="0,1"]').click();
  view.find(".spex-ranking").dispatchEvent(new Event("pointerenter"));
  view.show(frame({ seq: 2, output: 1 }, { ...TURNED, effects: [-50, 20, 0, 0] }));
  expect(view.ranking()).toEqual(["0,3", "0,1", "2,3"]);
  expect(view.all("[data-clipped]")).toEqual([]);
  expect(view.find('[data-members="0,1"]').getAttribute("aria-selected")).toBe("true"); // of this output as well
  expect(view.find(".spex-what strong").textContent).toBe("NEGATIVE");
});

test("a contrast is named, and another contrast is another ranking", () => {
  const view = mount(frame({ output: -1, output_label: "good − bad" }, KNOWN));
  expect(view.find(".spex-what strong").textContent).toBe("good − bad");
  view.find(".spex-ranking").dispatchEvent(new Event("pointerenter"));
  view.show(frame({ seq: 2, output: -1, output_label: "good − fair" }, TURNED));
  expect(view.ranking()).toEqual(["0,3", "0,1", "2,3"]);
});

test("keys with a modifier are left to the host", () => {
  const view = mount();
  const row = view.find("tr[data-members]");
  row.focus();
  press("Enter", { shiftKey: true });
  drawn();
  expect(row.getAttribute("aria-selected")).toBe("false");
});

test("a chosen interaction stays chosen when its row leaves the table", () => {
  const view = mount();
  const marked = () => view.all(".spex-unit[data-marked]").map((unit) => unit.textContent);
  view.find('[data-members="1,2,3"]').click();
  view.show(frame({ seq: 2, state: "done" }, TURNED));
  expect(view.ranking()).not.toContain("1,2,3");
  expect(marked()).toEqual(["bad", "at", "all"]);
});

test("the table is a grid with a name, and its rows say whether they are chosen", () => {
  const view = mount();
  const table = view.find("table");
  expect([table.getAttribute("role"), table.getAttribute("aria-label")]).toEqual([
    "grid",
    "Interactions, the largest effect first",
  ]);
  view.find('[data-members="0,3"]').click();
  drawn();
  const said = view.all("tr[data-members]").map((row) => row.getAttribute("aria-selected"));
  expect(said).toEqual(["false", "false", "true"]);
});

test("the final frame ranks at once", () => {
  const view = mount();
  view.show(frame({ seq: 2, state: "stopped" }, TURNED));
  expect(view.ranking()).toEqual(["0,3", "0,1", "2,3"]);
  expect(view.find("tr[data-members] .spex-status").textContent).toBe("provisional");
});

test("a row under the pointer marks its members in the text; a chosen one keeps them marked", () => {
  const view = mount();
  const marked = () => view.all(".spex-unit[data-marked]").map((unit) => unit.textContent);
  const row = view.find('[data-members="1,2,3"]');
  over(row);
  drawn();
  expect(marked()).toEqual(["bad", "at", "all"]);
  row.click();
  view.find("tbody").dispatchEvent(new Event("pointerleave"));
  drawn();
  expect(marked()).toEqual(["bad", "at", "all"]);
  expect(row.getAttribute("aria-selected")).toBe("true");
  row.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
  drawn();
  expect(marked()).toEqual([]);
});

test("ten rows are shown until a person asks for all", () => {
  const rows = Array.from({ length: 14 }, (_, i): [number[], number] => [[i, i + 1], 20 - i]);
  const players = Array.from({ length: 15 }, (_, i) => `w${i}`);
  const view = mount(frame({}, { effects: players.map(() => 1), rows }), { players });
  expect(view.ranking()).toHaveLength(10);
  expect(view.action("more").textContent).toBe("show all 14");
  view.action("more").click();
  expect(view.ranking()).toHaveLength(14);
});

test("before the first estimate it says so", () => {
  const view = mount(frame({ r2: null }));
  expect(view.find("table").hidden).toBe(true);
  expect(view.find(".spex-ranking").textContent).toContain("The first ranking comes with the first estimate.");
});

test.each(["failed", "stopped"] as const)("a run that %s before the first estimate promises no ranking", (state) => {
  const view = mount(frame({ r2: null, state }));
  expect(view.find(".spex-ranking").textContent).not.toContain("comes with");
  expect(view.find(".spex-ranking").textContent).toContain("the run ended before its first estimate");
});

test("Tab enters the table at its top, also once rows have changed places", () => {
  const view = mount();
  const entry = () => view.all("tr[data-members]").filter((row) => row.tabIndex === 0);
  expect(entry().map((row) => row.dataset.members)).toEqual(["0,1"]);
  view.show(frame({ seq: 2, state: "done" }, TURNED));
  expect(entry().map((row) => row.dataset.members)).toEqual(["0,3"]);
});

test("by an index without intervals nothing is called provisional", () => {
  const view = mount(frame({ index: "FBII" }, KNOWN));
  expect(view.find(".spex-meaning").textContent).toContain(
    "It has no interval that can be trusted; Fourier, BV and BII",
  );
  const status = view.find("tr[data-members] .spex-status");
  expect(status.textContent).toBe("no interval");
  expect(status.title).toContain("by this index nothing can be settled");
  expect(view.all("tr[data-pale]")).toEqual([]);
});
