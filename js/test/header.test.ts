import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { drawn, frame, KNOWN, mount, unmountAll } from "./model";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  unmountAll();
  vi.useRealTimers();
});

const EMPTY = new DataView(new ArrayBuffer(0));

test("before the first frame it waits, with no buttons", () => {
  const view = mount(EMPTY);
  expect(view.find(".spex-now").textContent).toBe("waiting for the first ablations…");
  expect(view.all(".spex-buttons button:not([hidden])")).toEqual([]);
});

test("a run says what is explained, how far it is and how faithful", () => {
  const view = mount();
  expect(view.find(".spex-what").textContent).toBe("POSITIVElog-odds · tiny-bert · ablated: [MASK]");
  expect(view.find(".spex-what").title).toContain("/tmp/log.sqlite");
  const said = view.find(".spex-now").textContent;
  expect(said).toContain("running312 / 800 ablations · 1,240/s · 1 s left");
  expect(said).toContain("held-out R² .93 (.90 to .95)");
  expect(view.find("[role=progressbar]").getAttribute("aria-valuenow")).toBe("312");
});

test("what zooming has spent is a part of the budget, and not of what the surrogate learns from", () => {
  const view = mount(frame({ ablations: 10, budget: 12, before: 4, fitted: 6, rate: 0 }, KNOWN));
  expect(view.find(".spex-done").textContent).toBe("10 / 12 ablations · 4 of them to zoom");
  expect(view.action("add_budget").textContent).toBe("+ 8 ablations"); // 8 of the 16 that there are, are in the budget
  view.show(frame({ seq: 2, state: "stopping", ablations: 10, budget: 12, before: 4, fitted: 6 }, KNOWN));
  expect(view.find(".spex-now").textContent).not.toContain("fitting");
});

test("what the run has taken of the model is one quiet line, in full in its tooltip", () => {
  const view = mount();
  const line = () => view.find(".spex-work");
  expect([line().textContent, line().hasAttribute("title")]).toEqual(["", false]); // a game that does not count it
  const counted = { rows: 1000, evaluated: 640, passes: 34, tokens: 12300, padding: 210 };
  const work = { ...counted, forward_seconds: 9.3, other_seconds: 0.5 };
  const nothing = { rows: 0, evaluated: 0, passes: 0, tokens: 0, padding: 0, forward_seconds: 0, other_seconds: 0 };
  view.show(frame({ seq: 2, work: nothing, idle: null }, KNOWN));
  expect([line().textContent, line().hasAttribute("title")]).toEqual(["\u00a0", false]); // its place is kept
  view.show(frame({ seq: 3, work, idle: 0.07 }, KNOWN));
  expect(line().textContent).toBe("12,300 tokens · model idle 7\u00a0%");
  expect(line().title.split("\n")).toEqual([
    "inputs asked for: 1,000, evaluated: 640, for the others were equal to one of these",
    "passes: 34, tokens: 12,300, padding beside them: 210",
    "seconds in the model's forward: 9.3",
    expect.stringMatching(/^Idle, 7\u00a0%, is the share of the time since the first ablation/),
  ]);
  view.show(frame({ seq: 4, work: { ...work, rows: 640 }, idle: 0 }, KNOWN));
  expect(line().title.split("\n")[0]).toBe("inputs asked for: 640");
  expect(line().textContent).toBe("12,300 tokens · model idle 0\u00a0%");
});

test("the tooltip of R² says what the surrogate is made of", () => {
  const weights = { linear: 1e-9, lasso: 0.13, parities: 0.34, process: 0.7, novel: 0.01 };
  const view = mount(frame({ weights }, KNOWN));
  const title = () => view.find(".spex-faithful").title;
  expect(title()).toContain("Each round's ablations are foretold");
  expect(title()).toContain("R² is projected to the newest surrogate");
  expect(view.find(".spex-convergence [title]").title).toBe(title());
  expect(title().split("\n")[1]).toBe(
    "The surrogate is a sum: Gaussian process × .70 + few parities × .34 + LASSO × .13 + novel × .01.",
  );
  view.show(frame({ seq: 2, exact: true, r2: null }, KNOWN));
  expect(title()).toBe("");
});

test.each([
  ["running", ["pause", "stop", "add_budget", "verify"]],
  ["paused", ["resume", "stop", "add_budget", "verify"]],
  ["stopping", ["verify"]],
  ["stopped", ["resume", "add_budget", "verify"]],
  ["failed", ["resume", "verify"]],
] as const)("buttons while %s", (state, actions) => {
  const view = mount(frame({ state, budget: 10, ablations: 5 }, KNOWN));
  expect(view.all(".spex-buttons button:not([hidden])").map((button) => button.dataset.action)).toEqual(actions);
});

test("more budget is never more than there are coalitions", () => {
  const view = mount(frame({ budget: 10, ablations: 10, state: "done" }, KNOWN));
  expect(view.action("add_budget").textContent).toBe("+ 6 ablations");
  view.action("add_budget").click();
  expect(view.sent).toContainEqual({ type: "add_budget", ablations: 6 });
  view.show(frame({ seq: 2, budget: 16, ablations: 10, turns: 1 }, KNOWN));
  expect(view.action("add_budget").hidden).toBe(true);
});

test("exact, failed and still fitting are said in words", () => {
  const view = mount(frame({ exact: true, r2: null, state: "done" }, KNOWN));
  expect(view.find(".spex-now").textContent).toContain("exact: every coalition evaluated");
  view.show(frame({ seq: 2, state: "running", ablations: 800, fitted: 512, round: 6 }, KNOWN));
  expect(view.find(".spex-now").textContent).toContain("fitting the surrogate, round 7");
  expect(view.find("[role=alert]").hidden).toBe(true);
  view.show(frame({ seq: 3, state: "stopping", ablations: 300, fitted: 256, round: 4 }, KNOWN));
  expect(view.find(".spex-now").textContent).toContain("fitting the surrogate, round 5");
  view.show(frame({ seq: 4, state: "failed", reason: "CUDA out of memory" }, KNOWN));
  expect(view.find("[role=alert]").hidden).toBe(false);
  expect(view.find("[role=alert]").textContent).toBe("CUDA out of memory");
  expect(view.find(".spex-state").textContent).toBe("failed");
});

test("why a run has ended is said once", () => {
  const view = mount(frame({ state: "stopped", reason: "stopped by you" }, KNOWN));
  expect(view.find(".spex-state").textContent).toBe("stopped by you, results kept");
  view.show(frame({ seq: 2, state: "done", reason: "the budget is spent" }, KNOWN));
  expect(view.find(".spex-state").textContent).toBe("done: the budget is spent");
  view.show(frame({ seq: 3, state: "failed" }, KNOWN));
  expect(view.find("[role=alert]").textContent).toBe("No reason was given.");
});

test("a click shows at once, and a busy kernel is named until it answers", () => {
  const view = mount();
  const busy = () => view.find(".spex-busy").textContent;
  view.action("pause").click();
  view.action("pause").click();
  drawn();
  expect(view.sent).toEqual([{ type: "hello" }, { type: "pause" }]);
  expect(view.action("pause").textContent).toBe("pausing…");
  expect(view.action("pause").getAttribute("aria-busy")).toBe("true");
  expect(busy()).toBe("");
  vi.advanceTimersByTime(420);
  expect(busy()).toBe("the kernel is busy: it will act when the cell ends");
  view.show(frame({ seq: 2, ablations: 400 }, KNOWN)); // not an answer
  expect(busy()).toBe("the kernel is busy: it will act when the cell ends");
  view.show(frame({ seq: 3, state: "paused", turns: 1 }, KNOWN));
  expect(busy()).toBe("");
  expect(view.action("resume").hidden).toBe(false);
});

test("a kernel that answers in time is not called busy", () => {
  const view = mount();
  view.action("stop").click();
  drawn();
  expect(view.find(".spex-state").textContent).toBe("stopping…");
  view.show(frame({ seq: 2, state: "stopping", turns: 1 }, KNOWN));
  vi.advanceTimersByTime(1000);
  expect(view.find(".spex-busy").textContent).toBe("");
});

test("a try that fails at once is answered all the same: the run counts the verbs that it obeys", () => {
  const view = mount(frame({ state: "failed", turns: 4 }, KNOWN));
  view.action("resume").click();
  drawn();
  expect(view.action("resume").textContent).toBe("resuming…");
  view.give(frame({ seq: 2, state: "running", turns: 5 }, KNOWN));
  view.show(frame({ seq: 3, state: "failed", turns: 5 }, KNOWN));
  expect(view.action("resume").textContent).toBe("try again");
  expect(view.action("resume").hasAttribute("aria-disabled")).toBe(false);
  vi.advanceTimersByTime(1000);
  expect(view.find(".spex-busy").textContent).toBe("");
});

test("of two verbs the first turn answers the first", () => {
  const view = mount();
  view.action("pause").click();
  view.action("stop").click();
  view.show(frame({ seq: 2, state: "paused", turns: 1 }, KNOWN));
  expect(view.action("resume").textContent).toBe("resume");
  expect(view.action("stop").textContent).toBe("stopping…");
  view.show(frame({ seq: 3, state: "stopping", turns: 2 }, KNOWN));
  expect(view.action("stop").hidden).toBe(true);
});

test("pause and resume are one button, so that the focus stays on it", () => {
  const view = mount();
  const button = view.action("pause");
  button.focus();
  button.click();
  view.show(frame({ seq: 2, state: "paused", turns: 1 }, KNOWN));
  expect(view.action("resume")).toBe(button);
  expect(document.activeElement).toBe(button);
  expect([button.hidden, button.textContent]).toEqual([false, "resume"]);
  button.click();
  expect(view.sent.at(-1)).toEqual({ type: "resume" });
});

test("a button that goes while the keyboard is on it waits, without effect, until it is left", () => {
  const view = mount();
  const stop = view.action("stop");
  stop.focus();
  stop.click();
  view.show(frame({ seq: 2, state: "stopped", turns: 1 }, KNOWN));
  expect([stop.hidden, stop.getAttribute("aria-disabled")]).toEqual([false, "true"]);
  stop.click();
  expect(view.sent.filter(({ type }) => type === "stop")).toHaveLength(1);
  stop.blur();
  drawn();
  expect(stop.hidden).toBe(true);
});

test("a frame that cannot be read shows as a failure", () => {
  const view = mount(frame({ version: 1 }, KNOWN));
  expect(view.find("[role=alert]").hidden).toBe(false);
  expect(view.find("[role=alert]").textContent).toContain("version 1");
});

test("before the first estimate it names the output that was chosen", () => {
  const outputs = ["NEGATIVE", "POSITIVE"];
  const view = mount(frame({ output: 1, output_label: "POSITIVE", fitted: 0, round: 0, r2: null }), { outputs });
  expect(view.find(".spex-what strong").textContent).toBe("POSITIVE");
  expect(view.find(".spex-keys").textContent).toContain("+ raises POSITIVE, − lowers it");
});

test("a stretch of an answer goes by how it reads, and tiny effects are written by their power of ten", () => {
  const effects = [0.000012, -0.000003, 0, 0];
  const rows: [number[], number][] = [[[0, 1], 0.0000034]];
  const said = frame({ output: -1, output_label: "“in the forest”" }, { ...KNOWN, effects, rows });
  const view = mount(said, { outputs: [" in", " the", " forest"], answer: [" in", " the", " forest"] });
  expect(view.find(".spex-what strong").textContent).toBe("“in the forest”");
  expect(view.find("tbody .spex-effect .spex-number").textContent).toBe("+3.40e−6");
});

const MANY = { players: Array.from({ length: 20 }, (_, i) => `w${i}`) };

test("where the kernel of a view is gone, that is said, and nothing is left pending", () => {
  const view = mount(frame({ state: "done" }, KNOWN), MANY);
  view.trouble.error = new Error("Cannot send");
  view.action("add_budget").click();
  drawn();
  expect(view.find(".spex-busy").textContent).toBe("the kernel of this view is gone: run the cell again");
  expect(view.action("add_budget").getAttribute("aria-busy")).toBeNull();
});

test("the button offers as many ablations as the run first had, each time", () => {
  const view = mount(frame({ budget: 400 }, KNOWN), MANY);
  expect(view.action("add_budget").textContent).toContain("+ 400");
  view.show(frame({ seq: 2, budget: 800 }, KNOWN));
  expect(view.action("add_budget").textContent).toContain("+ 400");
});
