import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Asked } from "../src/protocol";
import { drawn, frame, KNOWN, type Known, mount, unmountAll } from "./model";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  unmountAll();
  vi.useRealTimers();
});

/** v = n (2 b − 1), with n and b whether “not” and “bad” are there. */
const TURNS: Known = {
  ...KNOWN,
  spectrum: [
    [[], 0],
    [[1], -0.5],
    [[0, 1], 0.5],
  ],
};
const NOTHING: Asked = { pending: 0, ablations: 0, flip: null, error: "" };
const FLIP = { threshold: 0, searching: false, ablated: [1], value: -0.75, minimal: true, tried: 12 };

const line = (view: ReturnType<typeof mount>) => view.find(".spex-answer-line").textContent;
const at = (view: ReturnType<typeof mount>, mark: string) => {
  const one = view.find(`[data-mark=${mark}]`);
  return one.hidden ? null : Number.parseFloat(one.style.left);
};

test("with nothing taken out there is one quiet line, and the model is asked nothing", () => {
  const view = mount(frame({}, TURNS), {}, { what_if: [] });
  expect(view.find(".spex-out").textContent).toContain("click units to take them out");
  expect([line(view), view.find(".spex-ruler").hidden, view.action("restore").hidden]).toEqual(["", true, true]);
  expect(view.sent).toEqual([{ type: "hello" }]);
});

test("the surrogate answers at once, then the model, with what lies between them", () => {
  const view = mount(frame({}, TURNS), {}, { what_if: [] });
  view.change({ what_if: [1] });
  drawn();
  expect(line(view)).toBe("○ surrogate −1.00 (−2.00 from all present) · ● asking the model…");
  expect(view.sent.slice(1)).toEqual([{ type: "probe", ablated: [[]] }]); // the kernel asks about the rest by itself
  expect([at(view, "model"), at(view, "threshold")]).toEqual([null, null]);
  view.show(frame({ seq: 2 }, { ...TURNS, probes: [[[1], -0.75]] }));
  expect(line(view)).toBe("○ surrogate −1.00 (−2.00 from all present) · ● model −0.75 (residual +0.250)");
  view.change({ what_if: [0, 1] });
  drawn();
  expect(view.sent).toHaveLength(2);
});

test("on the ruler values lie as far apart as they differ", () => {
  const known: Known = { ...TURNS, probes: [[[1], -0.5]] };
  const view = mount(frame({}, known), { threshold: 0 }, { what_if: [1] });
  const [all, none, surrogate, model, threshold] = ["all", "none", "surrogate", "model", "threshold"].map(
    (mark) => at(view, mark) ?? Number.NaN,
  ) as [number, number, number, number, number];
  expect(all).toBeGreaterThan(surrogate);
  expect((all - model) / (all - surrogate)).toBeCloseTo(0.75, 2);
  expect(none).toBeCloseTo((all + surrogate) / 2, 1);
  expect(threshold).toBe(none);
  expect(view.find("[data-mark=threshold]").textContent).toBe("threshold 0");
});

test("crossing the threshold is said in words, on the model's word once it has spoken", () => {
  const view = mount(frame({}, TURNS), { threshold: 0 }, { what_if: [1] });
  expect(line(view)).toContain(": by the surrogate this flips the answer");
  view.show(frame({ seq: 2 }, { ...TURNS, probes: [[[1], -0.75]] }));
  expect(line(view)).toMatch(/\): this flips the answer$/);
  view.show(frame({ seq: 3 }, { ...TURNS, probes: [[[1], 0.5]] }));
  expect(line(view)).not.toContain("flips");
  view.change({ what_if: [2] });
  drawn();
  expect(line(view)).not.toContain("flips");
});

test("a threshold of the person's own is crossed, whatever the answer is", () => {
  const view = mount(frame({ asked: { ...NOTHING, flip: { ...FLIP, threshold: 0.5 } } }, TURNS), {}, { what_if: [1] });
  expect(line(view)).toContain(": by the surrogate this crosses +0.50");
});

test("what the frame had no room for is a margin of the surrogate's value", () => {
  const view = mount(frame({ left_out: 0.125 }, TURNS), {}, { what_if: [1] });
  expect(line(view)).toContain("surrogate −1.00 ± 0.125 (");
});

test("it is said aloud when the person or the model changes it, and not with each refit", () => {
  const view = mount(frame({}, TURNS), {}, { what_if: [1] });
  const said = () => view.find(".spex-whatif > .spex-unseen").textContent;
  expect(said()).toContain("surrogate −1.00");
  const refit: Known = { ...TURNS, spectrum: [[[1], -0.25]] };
  view.show(frame({ seq: 2 }, refit));
  expect(line(view)).toContain("surrogate −0.25");
  expect(said()).toContain("surrogate −1.00");
  view.show(frame({ seq: 3 }, { ...refit, probes: [[[1], -0.75]] }));
  expect(said()).toContain("model −0.75");
});

test("units go back one by one, or all at once", () => {
  const view = mount(frame({}, TURNS), {}, { what_if: [0, 1] });
  const backs = () => view.all("[data-action=put-back]");
  expect(backs().map((one) => one.getAttribute("aria-label"))).toEqual(["put “not” back", "put “bad” back"]);
  backs()[0]?.click();
  drawn();
  expect(view.traits.what_if).toEqual([1]);
  view.action("restore").click();
  drawn();
  expect([view.traits.what_if, backs()]).toEqual([[], []]);
});

test("the focus stays among the buttons when the one that has it goes", () => {
  const view = mount(frame({}, TURNS), {}, { what_if: [0, 1, 3] });
  const press = (player: number) => {
    const button = view.all("[data-action=put-back]").find(({ title }) => title.startsWith(`unit ${player + 1}:`));
    button?.focus();
    button?.click();
    drawn();
    return (document.activeElement as HTMLElement).getAttribute("aria-label") ?? document.activeElement?.textContent;
  };
  expect([press(0), press(3), press(1)]).toEqual(["put “bad” back", "put “bad” back", "find the smallest set"]);
});

test("in a recording the surrogate answers alone", () => {
  const recording = { frames: [frame({}, TURNS)], seconds: [0] };
  const view = mount(undefined, {}, { what_if: [1], recording });
  expect(line(view)).toBe("○ surrogate −1.00 (−2.00 from all present) · no model here: the surrogate alone");
  expect([view.find(".spex-search").hidden, view.sent]).toEqual([true, []]);
});

test("where the kernel is gone the surrogate answers alone, and nothing is waited for", () => {
  const view = mount(frame({}, TURNS));
  view.trouble.error = new Error("Cannot send");
  view.find(".spex-unit").click();
  drawn();
  expect(line(view)).toContain("no model here: the surrogate alone");
  expect(view.find(".spex-search").hidden).toBe(true);
  expect(view.find(".spex-busy").textContent).toBe("the kernel of this view is gone: run the cell again");
  view.abort.abort();
  expect(view.heard.size).toBe(0);
});

test("why the model gave no answer is an alert, as text", () => {
  const view = mount(frame({ asked: { ...NOTHING, error: "OSError: <b>no" } }, TURNS), {}, { what_if: [1] });
  const alert = view.find(".spex-whatif [role=alert]");
  expect([alert.hidden, alert.textContent]).toEqual([false, "the model gave no answer: OSError: <b>no"]);
  expect(line(view)).toContain("the model gave no answer");
  view.show(frame({ seq: 2, asked: { ...NOTHING, pending: 1 } }, TURNS));
  expect([alert.hidden, line(view).includes("asking the model…")]).toEqual([true, true]);
});

test.each([
  [0.5, "0.5", "0.25", 0.25],
  [null, "half way", "", null],
  [0, "0", "", null],
])("the search crosses the threshold %s, unless the person has another", (threshold, written, typed, asked) => {
  const view = mount(frame({}, TURNS), { threshold });
  const field = view.find<HTMLInputElement>(".spex-search input");
  expect([field.value, field.placeholder]).toEqual(["", written]); // what the kernel takes where nothing is typed
  field.value = typed;
  field.dispatchEvent(new Event("input"));
  view.action("flip").click();
  view.action("flip").click();
  drawn();
  expect(view.sent.slice(1)).toEqual([{ type: "flip", threshold: asked }]);
  expect(view.action("flip").textContent).toBe("searching…");
  view.show(frame({ seq: 2 }, TURNS));
  expect(field.value).toBe(typed); // the person's own
});

test("where the answer changes is not known of a sum", () => {
  const sum = { output: -1, output_label: "a − b" };
  const view = mount(frame(sum, TURNS), { threshold: 0 }, { what_if: [1] });
  const field = view.find<HTMLInputElement>(".spex-search input");
  expect([field.placeholder, at(view, "threshold"), line(view).includes("flips")]).toEqual(["half way", null, false]);
  view.show(frame({ seq: 2 }, TURNS));
  expect([field.placeholder, at(view, "threshold"), line(view).includes("this flips the answer")]).toEqual([
    "0",
    50,
    true,
  ]);
  const searched = { ...NOTHING, flip: FLIP }; // of the sum, across the same number
  view.show(frame({ seq: 3, ...sum, asked: searched }, TURNS));
  expect([field.placeholder, line(view).includes("this crosses 0")]).toEqual(["half way", true]);
});

test.each<[number[], string]>([
  [[1, -1], "0"],
  [[0.5, 0.5], "half way"],
  [[1, -0.5], "half way"],
])("a contrast is even at 0: weights %s", (weights, written) => {
  const terms = weights.map((weight, at): [number, number] => [at, weight]);
  const view = mount(frame({ output: -1, output_terms: terms }, TURNS), { threshold: 0.25 });
  expect(view.find<HTMLInputElement>(".spex-search input").placeholder).toBe(written);
});

test("values that share a level are written to the places at which they differ, and differences to their own", () => {
  const spectrum: Known["spectrum"] = [
    [[], -120],
    [[1], -0.25],
    [[0, 1], 0.125],
  ];
  const view = mount(frame({}, { ...TURNS, spectrum, probes: [[[1], -120.95]] }), {}, { what_if: [1] });
  expect(line(view)).toBe("○ surrogate −120.38 (−0.750 from all present) · ● model −120.95 (residual −0.575)");
  expect(view.find("[data-mark=all]").textContent).toBe("all present −119.63");
  const flip = { ...FLIP, threshold: -120.5, value: -120.95 };
  view.show(frame({ seq: 2, asked: { ...NOTHING, flip } }, { ...TURNS, spectrum, probes: [[[], -119.6]] }));
  expect(view.find(".spex-flip").textContent).toContain("from −119.60 to −120.95, across −120.50, on");
});

test("an answer that the frame no longer holds is asked for again, once until the kernel has heard of it", () => {
  const asks = () => view.sent.filter(({ type }) => type === "probe");
  const both: Known = {
    ...TURNS,
    probes: [
      [[1], -0.75],
      [[], 1],
    ],
  };
  const view = mount(frame({ turns: 3 }, both), {}, { what_if: [1] });
  expect(asks()).toEqual([]);
  view.show(frame({ seq: 2, turns: 3 }, { ...TURNS, probes: [[[], 1]] }));
  expect([asks(), line(view).includes("● asking the model…")]).toEqual([[{ type: "probe", ablated: [[1]] }], true]);
  view.show(frame({ seq: 3, turns: 3 }, { ...TURNS, probes: [[[], 1]] })); // sent before it heard
  view.show(frame({ seq: 4, turns: 4, asked: { ...NOTHING, pending: 1 } }, { ...TURNS, probes: [[[], 1]] }));
  view.show(frame({ seq: 5, turns: 4 }, both));
  expect([asks().length, line(view).includes("● model −0.75")]).toEqual([1, true]);
  view.show(frame({ seq: 6, turns: 5, asked: { ...NOTHING, error: "OSError" } }, TURNS));
  expect(asks()).toHaveLength(1); // a model that fails is not pressed
  view.show(frame({ seq: 7, turns: 6 }, TURNS)); // another question was answered
  expect(asks().slice(1)).toEqual([{ type: "probe", ablated: [[], [1]] }]);
});

test("what the kernel is about to ask by itself is left to it, until it has heard and has no answer", () => {
  const asks = () => view.sent.filter(({ type }) => type === "probe");
  const known: Known = { ...TURNS, probes: [[[], 1]] };
  const view = mount(frame({}, known), {}, { what_if: [] });
  view.change({ what_if: [1] });
  drawn();
  view.show(frame({ seq: 2 }, known));
  expect(asks()).toEqual([]);
  view.show(frame({ seq: 3, turns: 1 }, known));
  expect(asks()).toEqual([{ type: "probe", ablated: [[1]] }]);
});

test("the search says how many it has tried, then what it found, on the model itself", () => {
  const view = mount(frame({}, TURNS), {}, { what_if: [] });
  const [button, result] = [view.action("flip"), view.find(".spex-flip")];
  expect(result.hidden).toBe(true);
  const asked = { ...NOTHING, flip: { ...FLIP, searching: true, ablated: [], value: null } };
  view.show(frame({ seq: 2, asked }, TURNS));
  expect([button.textContent, button.getAttribute("aria-disabled")]).toEqual(["searching… 12 tried", "true"]);
  const known: Known = { ...TURNS, probes: [[[], 1.25]] };
  view.show(frame({ seq: 3, asked: { ...NOTHING, flip: FLIP } }, known));
  expect(result.textContent).toBe(
    "Taking out “bad” takes POSITIVE from +1.25 to −0.75, across 0, on the model itself; putting it back undoes it.show",
  );
  view.action("show-flip").click();
  drawn();
  expect([view.traits.what_if, view.action("show-flip").hidden]).toEqual([[1], true]);
  const needless = { ...FLIP, ablated: [0, 1], minimal: false };
  view.show(frame({ seq: 4, asked: { ...NOTHING, flip: needless } }, known));
  expect(result.textContent).toContain("Taking out “not” and “bad” takes");
  expect(result.textContent).not.toContain("undoes");
});

test("a search that found nothing says of how many", () => {
  const flip = { ...FLIP, ablated: [], value: null, minimal: false, tried: 64 };
  const view = mount(frame({ asked: { ...NOTHING, flip } }, TURNS));
  expect(view.find(".spex-flip").textContent).toContain(
    "No set was found that takes POSITIVE across 0, of 64 that the model was asked about.",
  );
  expect(view.action("show-flip").hidden).toBe(true);
});
