/** The wire: mirrors spex_widget/snapshot/frame.py, snapshot.py, ranked.py, measured.py and asked.py. tests/unit/test_wire.py holds the two together. */

export const VERSION = 3;

/** Pads the sets of a frame. */
export const NO_PLAYER = 65535;

/** A frame carries so many interactions of order 2 and more, and as many single players. */
export const TOP = 100;

export const STATES = ["running", "paused", "stopping", "stopped", "done", "failed"] as const;
export type RunState = (typeof STATES)[number];

/** What an interaction does to its parts. */
export const KINDS = ["single", "reinforcing", "redundant", "reversal", "mixed"] as const;
export type Kind = (typeof KINDS)[number];

/** The interaction indices, as spex_widget/spectrum/weights.py spells them. */
export const INDICES = ["Fourier", "Moebius", "BV", "SV", "BII", "SII", "k-SII", "STII", "FBII", "FSII"] as const;

/** Those that speak of single players only. */
export const OF_PLAYERS = ["BV", "SV"] as const;

/** Those that are another one for each largest order. */
export const OF_AN_ORDER = ["k-SII", "STII", "FBII", "FSII"] as const;

/** The indices whose intervals were found to cover; the others have none. */
export const HONEST = ["Fourier", "BV", "BII"] as const;

/** What a measurement on the model says of an interaction. */
export const VERDICTS = ["confirmed", "contradicted", "undecided"] as const;
export type Verdict = (typeof VERDICTS)[number];

/** Larger sets are not measured: see spex_widget/session/verify.py. */
export const MOST_PLAYERS = 6;

/** What does not change while a run goes on, sent once as a trait of its own. */
export interface Header {
  players: string[];
  outputs: string[];
  /** What is read, in order: text and its player, −1 where it is always present. */
  pieces: [text: string, player: number][];
  lens: string;
  model: string;
  value: string;
  ablation: string;
  log: string;
  /** Where each output is a token of an answer: the answer, cut into these; else empty. */
  answer: string[];
  /** The value at which the model's answer changes; null where none is known to. */
  threshold: number | null;
  /** Names the static output that stands in for the widget when no kernel is there. */
  uid: string;
}

/** One interaction as the ranking shows it. */
export interface Interaction {
  /** The members joined by commas: what a row is known by. */
  key: string;
  /** Players, ascending. */
  members: number[];
  effect: number;
  /** The ends of its 95 % interval, which may leave out the effect; null where there is none. */
  interval: [low: number, high: number] | null;
  kind: Kind;
  /** For this surrogate and this ablation. */
  settled: boolean;
  /** Whether noise makes effects as large. */
  noise: boolean;
  /** Null where it was not measured. */
  verdict: Verdict | null;
  /** What was measured, where there is a verdict. */
  measured: Measured | null;
}

/** The mean effect over contexts of the other players, measured on the model itself, with its interval. */
export interface Measured {
  effect: number;
  low: number;
  high: number;
  contexts: number;
  /** How many of them a person asked for, of this set alone, as evidence. */
  targeted: number;
}

/** The surrogate, v(x) = Σ F(S) χ_S(x): the players of all its sets one after the other. */
export interface Spectrum {
  orders: Uint8Array;
  members: Uint16Array;
  coefficients: Float32Array;
  /** The root mean square of what the frame had no room for. */
  leftOut: number;
}

/** The model's own value at one coalition. */
interface Probe {
  /** Which players were ablated, ascending, joined by commas. */
  key: string;
  value: number;
}

/** What the model said with these players ablated, ascending; null where it was not asked. */
export function modelValue({ probes }: Frame, ablated: readonly number[]): number | null {
  const key = ablated.join();
  return probes.find((probe) => probe.key === key)?.value ?? null;
}

/** A contrast's weights sum to no more than this share of their sizes. */
const EVEN = 1e-9;

/** Where the model's answer changes: the game says so of single outputs, and a contrast is even at 0. */
export function thresholdOf(header: Header, frame: Frame | null): number | null {
  if (!frame || frame.output >= 0) return header.threshold;
  let [sum, size] = [0, 0];
  for (const [, weight] of frame.outputTerms) [sum, size] = [sum + weight, size + Math.abs(weight)];
  return size > 0 && Math.abs(sum) <= EVEN * size ? 0 : null;
}

/** The smallest ablation found that takes the output across a threshold. */
export interface Flip {
  threshold: number;
  searching: boolean;
  /** Empty where none was found, or not yet. */
  ablated: number[];
  /** The model's own value with them ablated. */
  value: number | null;
  /** Whether the model was asked about each of them put back, and none was needless. */
  minimal: boolean;
  /** How many ablations the model was asked about. */
  tried: number;
}

/** What a person has asked of the model beside the run. */
export interface Asked {
  /** How many coalitions the model has yet to answer. */
  pending: number;
  ablations: number;
  flip: Flip | null;
  /** Why the last question had no answer; empty where it had. */
  error: string;
}

/** How a verification stands. */
export interface Verifying {
  /** How many interactions have been measured. */
  done: number;
  /** Of how many; 0 while no verification is under way. */
  chosen: number;
  /** How many ablations all measuring has taken so far: verifying, evidence, the noise floor's. */
  ablations: number;
  /** Why the last one ended early; empty where it did not. */
  error: string;
}

/** What the run has taken of the model, with all that was probed and verified. */
export interface Work {
  /** Inputs that were asked for. */
  rows: number;
  /** Those that went through the model; the others were equal to one of them. */
  evaluated: number;
  passes: number;
  /** In all passes, without padding. */
  tokens: number;
  padding: number;
  /** Within the model's forward. */
  seconds: number;
  /** The share of the time since the first ablation, waits for a person left out, in which no forward was running. */
  idle: number;
}

/** One point of the convergence line. */
export interface Mark {
  ablations: number;
  r2: number;
  low: number;
  high: number;
  /** The same of a surrogate of order 1. */
  linear: number;
}

interface R2 {
  value: number;
  low: number;
  high: number;
}

/** A run at one moment. */
export interface Frame {
  seq: number;
  state: RunState;
  reason: string;
  /** Done and allowed, both with those before the run. */
  ablations: number;
  budget: number;
  /** How many of the ablations were spent before the run, by `zoom` on coarser units. */
  before: number;
  /** Ablations a second of late. */
  rate: number;
  /** How many of a person's verbs the run has obeyed. */
  turns: number;
  index: string;
  maxOrder: number | null;
  /** How many ablations the surrogate was fitted to. */
  fitted: number;
  /** How many round marks are passed. */
  round: number;
  exact: boolean;
  /** Which output the estimate speaks of, before the first the one that was chosen; −1 for a sum of several, which only has a label. */
  output: number;
  outputLabel: string;
  /** The outputs that it is a sum of, by position, and their weights. */
  outputTerms: [output: number, weight: number][];
  /** Which refiners speak in the surrogate, and with what weight. */
  weights: Record<string, number>;
  /** What a person should know beside the numbers, a plain sentence each. */
  remarks: string[];
  verifying: Verifying;
  /** Null where the game does not count it. */
  work: Work | null;
  asked: Asked;
  /** The model's own values that were asked for, the newest last. */
  probes: Probe[];
  /** Null before the first estimate. */
  spectrum: Spectrum | null;
  r2: R2 | null;
  /** Each player's own effect (its Banzhaf value); null before the first estimate. */
  effects: Float32Array | null;
  /** Interactions of order 2 and more by size, then single players by size. */
  interactions: Interaction[];
  history: Mark[];
  /** The shares of the surrogate's energy at order 1, 2, …; none where it is constant. */
  energy: number[];
}

/** What the page asks of the kernel, as custom messages. */
export type Command =
  | { type: "hello" }
  | { type: "pause" }
  | { type: "resume" }
  | { type: "stop" }
  | { type: "add_budget"; ablations: number }
  | { type: "verify"; top: number; contexts: number }
  | { type: "probe"; ablated: number[][] }
  | { type: "evidence"; members: number[]; contexts: number }
  | { type: "flip"; threshold: number | null };

type Layout = Record<string, [dtype: string, shape: number[], offset: number]>;

const TYPES = { "<f4": Float32Array, "<u2": Uint16Array, "|u1": Uint8Array } as const;

/** Whether nothing moves in this state until a person asks for more. */
export function isFinal(state: RunState): boolean {
  return state === "stopped" || state === "done" || state === "failed";
}

/** Read a frame; null where it is empty, since nothing is known yet. Throws on another version. */
export function decodeFrame(bytes: DataView): Frame | null {
  if (bytes.byteLength === 0) return null;
  const length = bytes.getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(slice(bytes, 4, length)));
  if (head.version !== VERSION) {
    throw new Error(
      `this page's code reads frames of version ${VERSION} and the kernel sends version ${head.version}: ` +
        "restart the kernel and reload the page",
    );
  }
  const layout: Layout = head.arrays;
  const numbers = (name: string) => (name in layout ? readArray(bytes, layout, name) : null);
  const [low, value, high] = head.r2 ? [head.r2[1], head.r2[0], head.r2[2]] : [];
  return {
    seq: head.seq,
    state: head.state,
    reason: head.reason,
    ablations: head.ablations,
    budget: head.budget,
    before: head.before ?? 0,
    rate: head.rate,
    turns: head.turns,
    index: head.index,
    maxOrder: head.max_order,
    fitted: head.fitted,
    round: head.round,
    exact: head.exact,
    output: head.output,
    outputLabel: head.output_label,
    outputTerms: head.output_terms,
    weights: head.weights,
    remarks: head.remarks,
    verifying: head.verifying,
    work: head.work ? readWork(head) : null,
    asked: head.asked,
    probes: "probed" in layout ? readProbes(bytes, layout) : [],
    spectrum: "spectrum" in layout ? readSpectrum(bytes, layout, head.left_out) : null,
    r2: value == null ? null : { value, low: low ?? value, high: high ?? value },
    effects: numbers("effects") as Float32Array | null,
    interactions: "members" in layout ? readInteractions(bytes, layout) : [],
    history: "history" in layout ? readHistory(bytes, layout) : [],
    energy: [...(numbers("energy") ?? [])],
  };
}

function readWork({ work, idle }: { work: Record<string, number>; idle: number | null }): Work {
  const { rows = 0, evaluated = 0, passes = 0, tokens = 0, padding = 0, forward_seconds: seconds = 0 } = work;
  return { rows, evaluated, passes, tokens, padding, seconds, idle: idle ?? 0 };
}

function readSpectrum(bytes: DataView, layout: Layout, leftOut: number): Spectrum {
  return {
    orders: readArray(bytes, layout, "spectrum_orders") as Uint8Array,
    members: readArray(bytes, layout, "spectrum_members") as Uint16Array,
    coefficients: readArray(bytes, layout, "spectrum") as Float32Array,
    leftOut,
  };
}

function readProbes(bytes: DataView, layout: Layout): Probe[] {
  const bits = readArray(bytes, layout, "probed");
  const width = layout.probed?.[1][1] ?? 0;
  const players = (readArray(bytes, layout, "effects") as Float32Array).length;
  return Array.from(readArray(bytes, layout, "probed_values"), (value, row) => {
    const present = (player: number) => ((bits[row * width + (player >> 3)] ?? 0) >> (player & 7)) & 1;
    const ablated: number[] = []; // in a loop, for each frame has up to 64 probes of up to thousands of players
    for (let player = 0; player < players; player++) if (!present(player)) ablated.push(player);
    return { key: ablated.join(), value };
  });
}

function readInteractions(bytes: DataView, layout: Layout): Interaction[] {
  const width = layout.members?.[1][1] ?? 0;
  const players = readArray(bytes, layout, "members");
  const [kinds, settled, noise, verdicts] = ["kind", "settled", "noise", "verdict"].map((name) =>
    readArray(bytes, layout, name),
  );
  const figures = "measured" in layout ? readArray(bytes, layout, "measured") : null;
  const [lows, highs] = "low" in layout ? ["low", "high"].map((name) => readArray(bytes, layout, name)) : [];
  return Array.from(readArray(bytes, layout, "effect"), (effect, row) => {
    const members = [...players.slice(row * width, (row + 1) * width)].filter((player) => player !== NO_PLAYER);
    const verdict = VERDICTS[(verdicts?.[row] ?? 0) - 1] ?? null;
    const [mean = 0, low = 0, high = 0, contexts = 0, targeted = 0] = figures?.slice(5 * row, 5 * row + 5) ?? [];
    return {
      key: members.join(),
      members,
      effect,
      interval: lows && highs ? [lows[row] ?? effect, highs[row] ?? effect] : null,
      kind: KINDS[kinds?.[row] ?? 0] ?? "mixed",
      settled: settled?.[row] === 1,
      noise: noise?.[row] === 1,
      verdict,
      measured: verdict && { effect: mean, low, high, contexts, targeted },
    };
  });
}

function readHistory(bytes: DataView, layout: Layout): Mark[] {
  const flat = readArray(bytes, layout, "history");
  return Array.from({ length: flat.length / 5 }, (_, mark) => {
    const [ablations = 0, r2 = 0, low = 0, high = 0, linear = 0] = flat.slice(5 * mark, 5 * mark + 5);
    return { ablations, r2, low, high, linear };
  });
}

function readArray(bytes: DataView, layout: Layout, name: string): Float32Array | Uint16Array | Uint8Array {
  const entry = layout[name];
  if (!entry) throw new Error(`a frame lacks its ${name}`);
  const [dtype, shape, offset] = entry;
  const Type = TYPES[dtype as keyof typeof TYPES];
  if (!Type) throw new Error(`a frame's ${name} are of a type that this code cannot read: ${dtype}`);
  const count = shape.reduce((product, size) => product * size, 1);
  // Copied, since a message's buffer need not begin at a multiple of four.
  return new Type(slice(bytes, offset, count * Type.BYTES_PER_ELEMENT).slice().buffer);
}

function slice(bytes: DataView, offset: number, length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset + offset, length);
}
