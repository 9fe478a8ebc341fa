import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { drawn, frame, KNOWN, type Known, mount, over, press, unmountAll } from "./model";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  unmountAll();
  vi.useRealTimers();
});

type View = ReturnType<typeof mount>;

// The answer to a question, cut into tokens ------------------------------------------------------------------------

const ANSWER = ["The", " critic", "\n", "<img src=x onerror=alert(1)>", "."];
const TOKENS = { answer: ANSWER, outputs: ANSWER };
const chosen = (view: View) => view.all('.spex-token[aria-selected="true"]').map((token) => Number(token.dataset.at));
const stops = (view: View) => view.all(".spex-token").filter((token) => token.tabIndex === 0);
const waits = (view: View) => view.find(".spex-answer > [aria-live]").textContent;
const token = (view: View, at: number) => view.all(".spex-token")[at] as HTMLElement;

function pointer(target: EventTarget, type: string, init: object = {}): void {
  target.dispatchEvent(Object.assign(new Event(type, { bubbles: true }), { button: 0, shiftKey: false, ...init }));
}

function click(view: View, at: number, init: object = {}): void {
  pointer(token(view, at), "pointerdown", init);
  pointer(window, "pointerup");
  drawn();
}

test("the answer stands as running text, token by token, and as text alone", () => {
  const view = mount(undefined, TOKENS, { output: 1 });
  expect(view.find("[role=listbox]").textContent).toBe(ANSWER.join(""));
  expect(view.el.querySelector("img")).toBeNull();
  expect(view.find(".spex-answer > .spex-muted").textContent).toBe("answer: click a token, or drag over several");
  expect(token(view, 2).getAttribute("aria-label")).toBe("white space");
  expect([chosen(view), view.all("[data-pick=output]")]).toEqual([[1], []]);
});

test("a click chooses one token, which is computed until a frame speaks of it", () => {
  const view = mount(frame({ output: 0 }, KNOWN), TOKENS, { output: 0 });
  expect(waits(view)).toBe("");
  click(view, 3);
  expect([view.traits.output, chosen(view), waits(view)]).toEqual([3, [3], "computing…"]);
  view.show(frame({ seq: 2, output: 0, turns: 1 }, KNOWN));
  expect(waits(view)).toBe("computing…");
  view.show(frame({ seq: 3, output: 3, turns: 1 }, KNOWN));
  expect(waits(view)).toBe("");
});

test("dragging chooses a span, once the pointer lets go", () => {
  const view = mount(frame({ output: 0 }, KNOWN), TOKENS, { output: 0 });
  pointer(token(view, 3), "pointerdown");
  over(token(view, 1));
  drawn();
  expect([chosen(view), view.traits.output]).toEqual([[1, 2, 3], 0]);
  pointer(window, "pointerup");
  drawn();
  expect([view.traits.output, waits(view)]).toEqual([[1, 4], "computing…"]);
  view.show(frame({ seq: 2, output: -1, output_label: "a sum of 3 outputs" }, KNOWN));
  expect(waits(view)).toBe("");
  click(view, 0, { shiftKey: true }); // from where the last one began
  expect(view.traits.output).toEqual([0, 4]);
  // Two sums may have one label: what it is of tells them apart.
  view.show(frame({ seq: 3, output: -1, output_label: "a sum of 3 outputs" }, KNOWN));
  expect(waits(view)).toBe("computing…");
  const other: Known = { ...KNOWN, effects: [0, 1, 0, 0] };
  view.show(frame({ seq: 4, output: -1, output_label: "a sum of 3 outputs" }, other));
  expect(waits(view)).toBe("");
});

test("a drag that the host breaks off chooses nothing", () => {
  const view = mount(undefined, TOKENS, { output: 0 });
  pointer(token(view, 2), "pointerdown");
  pointer(window, "pointercancel");
  pointer(window, "pointerup");
  drawn();
  expect([view.traits.output, chosen(view)]).toEqual([0, [0]]);
});

test("all by keyboard: one token is in the tab order, arrows walk, Shift extends, Enter chooses", () => {
  const view = mount(undefined, TOKENS, { output: 0 });
  expect(stops(view)).toEqual([token(view, 0)]);
  token(view, 0).focus();
  press("ArrowRight");
  press("ArrowRight");
  expect([stops(view), document.activeElement]).toEqual([[token(view, 2)], token(view, 2)]);
  expect(view.traits.output).toBe(0);
  press("Enter");
  expect(view.traits.output).toBe(2);
  press("ArrowRight", { shiftKey: true });
  press("ArrowRight", { shiftKey: true });
  press("ArrowRight", { shiftKey: true });
  drawn();
  expect([view.traits.output, chosen(view)]).toEqual([
    [2, 5],
    [2, 3, 4],
  ]);
  press("Home");
  press(" ");
  expect(view.traits.output).toBe(0);
  press("End", { shiftKey: true });
  expect(view.traits.output).toEqual([0, 5]);
  press("ArrowLeft", { ctrlKey: true });
  expect(document.activeElement).toBe(token(view, 4));
});

test("the whole answer is one button, which says that it is chosen", () => {
  const view = mount(undefined, TOKENS, { output: 0 });
  const whole = view.action("whole");
  expect(whole.getAttribute("aria-pressed")).toBe("false");
  whole.click();
  drawn();
  expect([view.traits.output, whole.getAttribute("aria-pressed")]).toEqual([[0, 5], "true"]);
});

test("a recording shows what was explained, and cannot explain another", () => {
  const recording = { frames: [frame({}, KNOWN)], seconds: [0] };
  const view = mount(undefined, TOKENS, { output: 1, recording });
  click(view, 3);
  view.action("whole").click();
  expect([view.traits.output, view.find("[role=listbox]").getAttribute("aria-disabled")]).toEqual([1, "true"]);
  expect(view.find("[role=listbox]").title).toContain("no kernel");
  expect(view.find(".spex-answer > .spex-muted").textContent).toBe("answer");
  const one = { frames: [frame({ output: 1, output_terms: [[1, 1]] }, KNOWN)], seconds: [0] };
  const labels = mount(undefined, { outputs: ["a", "b"] }, { recording: one });
  const select = labels.find<HTMLSelectElement>("[data-pick=output]");
  expect([select.disabled, select.value, select.title]).toEqual([true, "1", expect.stringContaining("no kernel")]);
});

test("the picker of a recording follows the moment on screen, as the header does", () => {
  const sum = { output: -1, output_label: "“ critic”" };
  const moments: [object, number[]][] = [
    [{ output: 2, output_terms: [[2, 1]] }, [2]],
    [
      {
        ...sum,
        output_terms: [
          [1, 1],
          [2, 1],
          [3, 1],
        ],
      },
      [1, 2, 3],
    ],
    [
      {
        ...sum,
        output_terms: [
          [1, 1],
          [3, 1],
        ],
      },
      [],
    ],
    [
      {
        ...sum,
        output_terms: [
          [1, 1],
          [2, -1],
        ],
      },
      [],
    ],
  ];
  const frames = moments.map(([head], seq) => frame({ seq, ...head }, KNOWN));
  const view = mount(undefined, TOKENS, { recording: { frames, seconds: [0, 1, 2, 3] } });
  for (const [, places] of [...moments].reverse()) {
    drawn();
    expect(chosen(view)).toEqual(places);
    view.action("back").click();
  }
  const labels = mount(undefined, { outputs: ["a", "b", "c"] }, { recording: { frames, seconds: [0, 1, 2, 3] } });
  const select = labels.find<HTMLSelectElement>("[data-pick=output]");
  expect([select.value, select.options[0]?.textContent]).toEqual(["", "“ critic”"]);
  for (let i = 0; i < 3; i++) labels.action("back").click();
  drawn();
  expect([select.value, labels.find(".spex-what strong").textContent]).toEqual(["2", "c"]);
});

test("several outputs have a choice of labels; one output has none", () => {
  expect(mount().all(".spex-answer")).toEqual([]);
  const view = mount(undefined, { outputs: ["POSITIVE", "<b>NEGATIVE"] }, { output: 0 });
  const select = view.find<HTMLSelectElement>("[data-pick=output]");
  expect(select.closest("label")?.textContent).toContain("output");
  select.value = "1";
  select.dispatchEvent(new Event("change"));
  drawn();
  expect([view.traits.output, waits(view)]).toEqual([1, "computing…"]);
  view.change({ output: { POSITIVE: 1, "<b>NEGATIVE": -1 } });
  view.show(frame({ seq: 2, output: -1, output_label: "POSITIVE − <b>NEGATIVE" }, KNOWN));
  expect([select.value, select.options[0]?.textContent]).toEqual(["", "POSITIVE − <b>NEGATIVE"]);
});

// The index ---------------------------------------------------------------------------------------------------------

const pick = (view: View, name: string) => view.find<HTMLSelectElement>(`[data-pick=${name}]`);

function choose(select: HTMLSelectElement, value: string): void {
  select.value = value;
  select.dispatchEvent(new Event("change"));
  drawn();
}

test("the index on screen is named, and its order where that is a part of what it is", () => {
  const view = mount(frame({ index: "FBII", max_order: 3 }, KNOWN));
  const [index, order] = [pick(view, "index"), pick(view, "max_order")];
  expect([index.value, order.value, order.closest("label")?.hidden]).toEqual(["FBII", "3", false]);
  view.show(frame({ seq: 2, index: "k-SII", max_order: 9 }, KNOWN));
  expect([index.value, order.value]).toEqual(["k-SII", "9"]);
  view.show(frame({ seq: 3, index: "BII", max_order: null }, KNOWN));
  expect([index.value, order.value, order.closest("label")?.hidden]).toEqual(["BII", "", true]);
});

test("where the kernel is gone no index is waited for", () => {
  const view = mount(frame({ index: "BII", max_order: null }, KNOWN), {}, { index: "BII", max_order: null });
  view.trouble.error = new Error("Cannot send");
  const index = pick(view, "index");
  choose(index, "FSII");
  drawn();
  expect([index.value, view.find(".spex-index > [aria-live]").textContent]).toEqual(["BII", ""]);
});

test("another index is asked for, and named as coming until a frame has it", () => {
  const view = mount(frame({ index: "BII", max_order: null }, KNOWN), {}, { index: "BII", max_order: null });
  const [index, order, wait] = [pick(view, "index"), pick(view, "max_order"), view.find(".spex-index > [aria-live]")];
  choose(index, "FSII");
  expect([view.traits.index, view.traits.max_order]).toEqual(["FSII", null]);
  expect(wait.textContent).toBe("computing… this is still BII");
  choose(order, "2");
  expect([view.traits.index, view.traits.max_order]).toEqual(["FSII", 2]);
  view.show(frame({ seq: 2, index: "FSII", max_order: null }, KNOWN));
  expect([order.value, wait.textContent]).toEqual(["2", "computing… this is still FSII"]);
  view.show(frame({ seq: 3, index: "FSII", max_order: 2 }, KNOWN));
  expect(wait.textContent).toBe("");
  choose(index, "SII"); // has no order of its own
  expect([view.traits.index, view.traits.max_order]).toEqual(["SII", null]);
  view.change({ index: "STII" }); // in Python
  view.show(frame({ seq: 4, index: "STII", max_order: null }, KNOWN));
  expect([index.value, wait.textContent]).toEqual(["STII", ""]);
});

test("an index of single players ranks these, and the former orders come back after it", () => {
  const single: Known = { ...KNOWN, rows: [[[0], 0.5, "single"]] };
  const view = mount(frame({ index: "BII" }, KNOWN));
  const pressed = () => view.find('[data-order][aria-pressed="true"]').dataset.order;
  view.find('[data-order="all"]').click();
  view.show(frame({ seq: 2, index: "SV", max_order: null }, single));
  expect([pressed(), view.ranking()]).toEqual(["1", ["0"]]);
  view.find('[data-order="all"]').click();
  view.show(frame({ seq: 3, index: "SV", max_order: null }, single));
  expect(pressed()).toBe("all"); // a person may still choose
  view.show(frame({ seq: 4, index: "BII" }, KNOWN));
  expect(pressed()).toBe("all");
});

test("a recording is ranked by the index that it was ranked by", () => {
  const recording = { frames: [frame({}, KNOWN)], seconds: [0] };
  const view = mount(undefined, {}, { recording });
  for (const select of [pick(view, "index"), pick(view, "max_order")]) {
    expect([select.disabled, select.title]).toEqual([true, expect.stringContaining("no kernel")]);
  }
});
