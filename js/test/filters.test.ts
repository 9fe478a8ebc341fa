import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { frame, KNOWN, mount, SURE, unmountAll } from "./model";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  unmountAll();
  vi.useRealTimers();
});

type View = ReturnType<typeof mount>;
type Field = HTMLInputElement & HTMLSelectElement;
const field = (view: View, name: string) => view.find<Field>(`[data-filter="${name}"]`);

function set(view: View, name: string, value: string | boolean): void {
  const input = field(view, name);
  if (typeof value === "boolean") input.checked = value;
  else input.value = value;
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

test.each([
  ["sign", "+", ["0,1", "0,3"]],
  ["sign", "−", ["1,2,3"]],
  ["kind", "reversal", ["0,1"]],
  ["kind", "mixed", ["0,3"]],
  ["unit", "BAD ", ["0,1", "1,2,3"]],
  ["unit", "a", ["0,1", "1,2,3", "0,3"]],
  ["unit", "nobody", []],
  ["least", "2", ["0,1", "1,2,3"]],
  ["settled", true, []],
])("the filter of %s at %s", (name, value, keys) => {
  const view = mount();
  set(view, name, value);
  expect(view.ranking()).toEqual(keys);
  expect(view.find(".spex-tail").textContent).toContain(`${keys.length} of 3 rows match`);
});

test("filters narrow each other and the orders, and are cleared at once, but for the order", () => {
  const view = mount();
  const tail = () => view.find(".spex-tail .spex-muted");
  expect([tail().hidden, view.action("clear").hidden]).toEqual([true, true]);
  view.find('[data-order="all"]').click();
  expect(tail().hidden).toBe(true); // it is said by the pressed button
  set(view, "sign", "+");
  set(view, "least", "0.6");
  expect(view.ranking()).toEqual(["0,1", "0,3"]);
  expect([tail().hidden, tail().textContent]).toEqual([false, "2 of 4 rows match"]);
  view.action("clear").click();
  expect(view.ranking()).toEqual(["0,1", "1,2,3", "0,3", "0"]);
  expect([field(view, "sign").value, field(view, "least").value]).toEqual(["", ""]);
  expect([tail().hidden, view.action("clear").hidden]).toEqual([true, true]);
});

test("settled only: says why there is none, and lets settled rows through", () => {
  const view = mount();
  const empty = () => view.find(".spex-ranking table + p");
  set(view, "settled", true);
  expect([empty().hidden, empty().textContent]).toEqual([false, "None is settled yet."]);
  view.show(frame({ seq: 2, state: "done" }, KNOWN));
  expect(empty().textContent).toBe("None is settled.");
  view.show(frame({ seq: 3, state: "done" }, SURE));
  expect(view.ranking()).toEqual(["0,1", "1,2,3"]);
  expect(empty().hidden).toBe(true);
  view.action("clear").click();
  expect(field(view, "settled").checked).toBe(false);
});

test("where nothing matches the count says so, and where there is nothing a sentence does", () => {
  const view = mount();
  set(view, "unit", "nobody");
  expect(view.find(".spex-ranking table + p").hidden).toBe(true);
  view.find('[data-order="4+"]').click();
  expect(view.find(".spex-ranking table + p").textContent).toBe("No interaction of this order was found.");
});

test("filters outlast frames and outputs", () => {
  const view = mount(frame({}, KNOWN), { outputs: ["POSITIVE", "NEGATIVE"] });
  set(view, "sign", "−");
  view.show(frame({ seq: 2, output: 1 }, KNOWN));
  expect(view.ranking()).toEqual(["1,2,3"]);
});

test("a row that no longer matches goes, or stays under the pointer with its newest number", () => {
  const smaller = { ...KNOWN, rows: [[[0, 1], 3] as [number[], number], [[1, 2, 3], -0.5] as [number[], number]] };
  const view = mount();
  set(view, "least", "1");
  view.find(".spex-ranking").dispatchEvent(new Event("pointerenter"));
  view.show(frame({ seq: 2 }, smaller));
  const row = view.find('[data-members="1,2,3"]');
  expect(row.querySelector(".spex-effect")?.textContent).toBe("−0.50");
  expect(row.dataset.gone).toBeUndefined(); // the frame still has it
  expect(view.find('[data-members="0,3"]').dataset.gone).toBe("");
  view.find(".spex-ranking").dispatchEvent(new Event("pointerleave"));
  vi.advanceTimersByTime(20);
  expect(view.ranking()).toEqual(["0,1"]);
});

test("every control has a name", () => {
  const view = mount();
  const names = view
    .all("[data-filter]")
    .map((control) => control.getAttribute("aria-label") ?? control.closest("label")?.textContent);
  expect(names).toEqual(["sign", "kind", "contains the unit", "smallest size of an effect", "settled only"]);
  expect(view.find(".spex-filters").getAttribute("aria-label")).toBe("filters");
});
