import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { drawn, frame, KNOWN, type Known, mount, press, SURE, unmountAll } from "./model";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  unmountAll();
  vi.useRealTimers();
});

/** v = n (2 b − 1), with n and b whether “not” and “bad” are there: “bad” turns round what “not” does. */
const SPECTRUM: Known["spectrum"] = [
  [[], 0],
  [[1], -0.5],
  [[0, 1], 0.5],
];
const TURNS: Known = { ...KNOWN, rows: [[[0, 1], 2, "reversal"]], spectrum: SPECTRUM };

const table = (view: ReturnType<typeof mount>) =>
  view.all(".spex-card tbody tr").map((row) => [...row.children].map((cell) => cell.textContent));
const chips = (view: ReturnType<typeof mount>) =>
  view
    .all(".spex-card tbody th")
    .map((head) =>
      [...head.querySelectorAll<HTMLElement>(".spex-chip")].map(
        (one) => one.dataset.out === undefined && one.textContent,
      ),
    );
const probes = (view: ReturnType<typeof mount>) => view.sent.filter(({ type }) => type === "probe");

test("there is no card until an interaction is chosen; it closes by its button and by Escape", () => {
  const view = mount(frame({}, TURNS), {}, { selected: [] });
  const card = view.find(".spex-card");
  expect(card.hidden).toBe(true);
  const row = view.find('tr[data-members="0,1"]');
  row.click();
  drawn();
  expect([card.hidden, view.traits.selected]).toEqual([false, [0, 1]]);
  expect(view.all(".spex-set .spex-chip").map((chip) => chip.textContent)).toEqual(["not", "bad"]);
  view.action("close").click();
  drawn();
  expect([card.hidden, view.traits.selected, document.activeElement]).toEqual([true, [], row]);
  row.click();
  view.action("take-out").focus();
  press("Escape");
  drawn();
  expect([card.hidden, document.activeElement]).toEqual([true, row]);
});

test("the table has a row for each way of being there, the model's value once it has come, and the surrogate's", () => {
  const view = mount(frame({ index: "BII", max_order: null }, TURNS), {}, { selected: [0, 1] });
  expect(probes(view)).toEqual([{ type: "probe", ablated: [[0, 1], [1], [0], []] }]);
  expect(view.sent[0]).toEqual({ type: "hello" });
  expect(chips(view)).toEqual([
    [false, false],
    ["not", false],
    [false, "bad"],
    ["not", "bad"],
  ]);
  expect(view.find(".spex-card tbody tr:nth-child(2) .spex-unseen").textContent).toBe("with “not”, without “bad”");
  const figures = () => table(view).map(([, ...values]) => values);
  expect(figures()).toEqual([
    ["…0.00", "0.00"],
    ["…−1.00", "−1.00"],
    ["…0.00", "0.00"],
    ["…+1.00", "+1.00"],
  ]);
  const known: Known = {
    ...TURNS,
    probes: [
      [[0, 1], 0.5],
      [[], 0.75],
    ],
  };
  view.show(frame({ seq: 2 }, known));
  expect(figures()[0]?.[0]).toBe("+0.500.00");
  expect(figures()[1]?.[0]).toBe("…−1.00");
  expect(figures()[3]?.[0]).toBe("+0.75+1.00");
  expect(probes(view)).toHaveLength(1); // what is pending is not asked for again
  view.find('tr[data-members="0,1"]').click();
  drawn();
  view.find('tr[data-members="0,1"]').click();
  drawn();
  expect(probes(view)[1]).toEqual({ type: "probe", ablated: [[1], [0]] });
});

test("values that share a level are written to the places at which they differ", () => {
  const spectrum: Known["spectrum"] = [
    [[], -120],
    [[0], -0.0625],
    [[1], -0.125],
    [[0, 1], 0.0752],
  ];
  const rows: Known["rows"] = [[[0, 1], 0.3, "reinforcing"]];
  const known: Known = { ...TURNS, rows, spectrum, probes: [[[], -119.625]] };
  const view = mount(frame({ index: "BII", max_order: null }, known), {}, { selected: [0, 1] });
  expect(table(view).map(([, ...values]) => values)).toEqual([
    ["…−120.112", "−120.112"],
    ["…−120.138", "−120.138"],
    ["…−120.013", "−120.013"],
    ["−119.625−119.737", "−119.737"],
  ]);
  expect(view.find(".spex-card strong").textContent).toBe("+0.300");
});

test("values that the frame no longer holds are asked for again while the card is open", () => {
  const all: Known["probes"] = [
    [[0, 1], 0.5],
    [[1], 0.5],
    [[0], 0.5],
    [[], 0.5],
  ];
  const view = mount(frame({}, { ...TURNS, probes: all }), {}, { selected: [0, 1] });
  expect(probes(view)).toEqual([]);
  view.show(frame({ seq: 2, turns: 8 }, { ...TURNS, probes: all.slice(2) }));
  view.show(frame({ seq: 3, turns: 8 }, { ...TURNS, probes: all.slice(2) }));
  expect(probes(view)).toEqual([{ type: "probe", ablated: [[0, 1], [1]] }]);
  expect(table(view)[0]?.[1]).toBe("…0.00");
  const error = { pending: 0, ablations: 0, flip: null, error: "OSError" };
  view.show(frame({ seq: 4, turns: 9, asked: error }, { ...TURNS, probes: all.slice(2) }));
  expect([table(view)[0]?.[1], probes(view).length]).toEqual(["no answer0.00", 1]);
  view.show(frame({ seq: 5, turns: 10 }, { ...TURNS, probes: all.slice(2) })); // another question was answered
  expect([table(view)[0]?.[1], probes(view).length]).toEqual(["…0.00", 2]);
});

test("the others are averaged over in the second column alone", () => {
  const spectrum: Known["spectrum"] = [...(SPECTRUM ?? []), [[2], -1]];
  const view = mount(frame({}, { ...TURNS, spectrum }), {}, { selected: [0, 1] });
  expect(table(view).at(-1)?.slice(1)).toEqual(["…+2.00", "+1.00"]);
  const known: Known = { ...TURNS, spectrum, probes: [[[], -1.5]] };
  view.show(frame({ seq: 2 }, known));
  const bars = view.all(".spex-card tr:last-child .spex-bar").map(({ dataset }) => [dataset.sign, dataset.h]);
  expect(bars).toEqual([
    ["−", "0.6"],
    ["+", "0.4"],
  ]); // on one scale, of which 2.5 is a full bar
});

test("a question that had no answer is said to have none, and a recording asks nothing", () => {
  const asked = { pending: 0, ablations: 0, flip: null, error: "OSError" };
  const view = mount(frame({ asked }, TURNS), {}, { selected: [0, 1] });
  expect(table(view)[0]?.[1]).toBe("no answer0.00");
  const recording = { frames: [frame({}, TURNS)], seconds: [0] };
  const replay = mount(undefined, {}, { selected: [0, 1], recording });
  expect(replay.sent).toEqual([]);
  expect(replay.action("evidence").hidden).toBe(true);
});

test("a recording in which the model was not asked about a set has the surrogate's values alone", () => {
  const heads = (view: ReturnType<typeof mount>) => view.all(".spex-whose").map((whose) => whose.textContent);
  const replay = (known: Known) =>
    mount(undefined, {}, { selected: [0, 1], recording: { frames: [frame({}, known)], seconds: [0] } });
  const view = replay(TURNS);
  expect(heads(view)).toEqual([" surrogate, no model", " surrogate"]);
  expect(table(view)[1]?.slice(1)).toEqual(["−1.00", "−1.00"]);
  expect(view.all(".spex-card tbody tr")[1]?.querySelectorAll("td:nth-child(2) .spex-bar[data-sign]")).toHaveLength(1);
  const asked = replay({ ...TURNS, probes: [[[1], -0.75]] });
  expect(heads(asked)[0]).toBe(" model · surrogate");
  expect(table(asked).map(([, model]) => model)).toEqual([
    "not asked0.00",
    "−0.75−1.00",
    "not asked0.00",
    "not asked+1.00",
  ]);
});

test("where every coalition was evaluated, the model's values are known without asking", () => {
  const head = { exact: true, r2: null, state: "done" } as const;
  const recording = { frames: [frame(head, TURNS)], seconds: [0] };
  const values = ["0.000.00", "−1.00−1.00", "0.000.00", "+1.00+1.00"];
  const view = mount(frame(head, TURNS), {}, { selected: [0, 1] });
  for (const shown of [view, mount(undefined, {}, { selected: [0, 1], recording })])
    expect(table(shown).map(([, model]) => model)).toEqual(values);
  expect(probes(view)).toEqual([]);
  view.show(frame({ ...head, seq: 2, left_out: 0.1 }, TURNS)); // of a surrogate that is not all here, they are not
  expect(table(view)[0]?.[1]).toBe("…0.00");
});

test("effect, interval, kind, status and the sentence are of this very set", () => {
  const view = mount(
    frame({ index: "BII", max_order: null }, { ...SURE, spectrum: SPECTRUM }),
    {},
    { selected: [0, 1] },
  );
  const text = view.find(".spex-card").textContent;
  expect(text).toContain("+3.00(+2.50 to +3.25) BII · reversal");
  expect(text).toContain("settled for this surrogate and this ablation");
  expect(view.find(".spex-sentence").textContent).toBe(
    "On average over the rest, without “bad”, “not” lowers POSITIVE by 1.00; with it, it raises it by 1.00: a reversal.",
  );
  expect(view.find(".spex-card .spex-help summary").textContent).toBe("what “reversal” means");
  expect(view.find(".spex-formula").textContent).toContain("alone(i) · together(i) < 0");
});

test("what was measured is told with its contexts, and targeted evidence is marked", () => {
  const rows: Known["rows"] = [
    [[0, 1], 2, "reversal", { verdict: "confirmed", measured: [1.5, 1, 2, 32, 16] }],
    [[0, 3], 1, "mixed", { verdict: "confirmed", measured: [1, 0.5, 1.5, 16, 0] }],
  ];
  const view = mount(frame({}, { ...TURNS, rows }), {}, { selected: [0, 1] });
  const text = () => view.find(".spex-card").textContent;
  expect(text()).toContain(
    "Measured: +1.50 (+1.00 to +2.00) in 32 contexts, 16 of them asked for of this set (targeted).",
  );
  view.change({ selected: [0, 3] });
  drawn();
  expect(text()).toContain("Measured: +1.00 (+0.50 to +1.50) in 16 contexts.");
});

test("of a set that the frame does not hold, the surrogate speaks", () => {
  const view = mount(frame({}, TURNS), {}, { selected: [0, 2] });
  const text = view.find(".spex-card").textContent;
  expect(text).toContain("BII by the surrogate, not among the interactions shown · mixed");
  expect(table(view)).toHaveLength(4);
});

test("beyond order 4 there is no table, and it says why", () => {
  const players = ["a", "b", "c", "d", "e"];
  const rows: Known["rows"] = [[[0, 1, 2, 3, 4], 2, "redundant"]];
  const known = { effects: [0, 0, 0, 0, 0], rows, spectrum: SPECTRUM };
  const view = mount(frame({}, known), { players }, { selected: [0, 1, 2, 3, 4] });
  expect(view.find(".spex-card table").hidden).toBe(true);
  expect(view.find(".spex-sentence").textContent).toContain("together each of them does less than it does alone");
  expect(view.find(".spex-sentence").textContent).toContain("With 5 units");
  expect(view.find(".spex-sentence").textContent).toContain("32 rows");
  expect(probes(view)).toEqual([]);
});

test("before the first estimate it shows the members, and asks nothing yet", () => {
  const view = mount(frame(), {}, { selected: [0, 1] });
  expect(view.find(".spex-card").textContent).toContain("The figures come with the first estimate.");
  expect(probes(view)).toEqual([]);
  view.show(frame({ seq: 2 }, TURNS));
  expect(probes(view)).toHaveLength(1);
});

test("evidence: what it costs, how far it is, and when it cannot be had", () => {
  const view = mount(frame({}, TURNS), {}, { selected: [0, 1] });
  const button = view.action("evidence");
  expect(button.textContent).toBe("add evidence: 16 ablations"); // 4 players: 4 contexts of 4
  expect(button.title).toContain("in 64 new contexts: about 16 ablations more");
  button.click();
  button.click();
  drawn();
  expect(view.sent.filter(({ type }) => type === "evidence")).toEqual([
    { type: "evidence", members: [0, 1], contexts: 64 },
  ]);
  expect([button.textContent, button.getAttribute("aria-disabled")]).toEqual(["measuring…", "true"]);
  const verifying = { done: 0, chosen: 1, ablations: 9, error: "" };
  view.show(frame({ seq: 2, turns: 1, verifying }, TURNS));
  expect([button.textContent, button.getAttribute("aria-busy")]).toEqual(["measuring 0 / 1", "true"]);
  view.show(frame({ seq: 3, turns: 1, verifying: { ...verifying, chosen: 0 } }, TURNS));
  expect([button.textContent, button.hasAttribute("aria-disabled")]).toEqual(["add evidence: 16 ablations", false]);
  view.show(frame({ seq: 4, turns: 1, exact: true }, TURNS));
  expect([button.textContent, button.getAttribute("aria-disabled"), button.title.slice(0, 27)]).toEqual([
    "add evidence",
    "true",
    "Every coalition was evaluat",
  ]);
  button.click();
  expect(view.sent.filter(({ type }) => type === "evidence")).toHaveLength(1);
});

test.each([
  ["below its row", 500, 1],
  ["beside it", 40, 0],
])("a card that opens %s is brought into sight where that is needed, for who chose in the table", (_, top, times) => {
  const view = mount();
  const [card, row, other] = [view.find(".spex-card"), ...view.all("tr[data-members]")] as HTMLElement[];
  if (!card || !row || !other) throw new Error();
  for (const one of [row, other]) one.getBoundingClientRect = () => new DOMRect(0, 80, 400, 20);
  card.getBoundingClientRect = () => new DOMRect(0, top, 400, 300);
  const reveal = vi.spyOn(card, "scrollIntoView");
  row.focus(); // as a click does
  row.click();
  drawn();
  expect(reveal).toHaveBeenCalledTimes(times);
  view.show(frame({ seq: 2 }, TURNS));
  view.change({ selected: [0, 3] }); // by the kernel, though the focus is in the table
  drawn();
  other.blur();
  view.find(".spex-unit").focus();
  other.click(); // as a lane is, from elsewhere
  drawn();
  expect(reveal).toHaveBeenCalledTimes(times);
  expect(reveal.mock.calls.every(([how]) => (how as ScrollIntoViewOptions).block === "nearest")).toBe(true);
});

test("its units can be taken out", () => {
  const view = mount(frame({}, TURNS), {}, { selected: [0, 1], what_if: [] });
  view.action("take-out").click();
  drawn();
  expect(view.traits.what_if).toEqual([0, 1]);
  expect(view.all(".spex-whatif [data-action=put-back]")).toHaveLength(2);
});

test("text from a model is text", () => {
  const players = ["<img src=x onerror=alert(1)>", "bad", "at", "all"];
  const view = mount(frame({}, TURNS), { players }, { selected: [0, 1], what_if: [0] });
  expect(view.el.querySelector("img")).toBeNull();
  expect(view.find(".spex-set").textContent).toContain("<img src=x onerror=alert(1)>");
  expect(view.find(".spex-sentence").textContent).toContain("“<img src=x onerror=alert(1)>”");
  expect(view.find(".spex-out").textContent).toContain("<img src=x onerror=alert(1)>");
});
