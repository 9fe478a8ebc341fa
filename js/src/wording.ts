/** What the screen says in words. */

import type { Frame, Header, Kind, RunState } from "./protocol";

export const STATE_WORDS: Record<RunState, string> = {
  running: "running",
  paused: "paused",
  stopping: "stopping",
  stopped: "stopped, results kept",
  done: "done",
  failed: "failed",
};

export const KIND_WORDS: Record<Kind, string> = {
  single: "one unit on its own",
  reinforcing: "together each of them does more than it does alone",
  redundant: "they say the same thing: together each of them does less than it does alone",
  reversal:
    "one turns another round: a part's effect has one sign alone and the opposite sign when the others are there",
  mixed: "none of these: together some do more than alone, and others less",
};

const SUM =
  "What a set adds when all its members are there, beyond what its smaller parts add. + raises the output, − lowers it.";

const INDEX_WORDS: Record<string, string> = {
  FBII: `${SUM} All effects up to this order are chosen together, so that their sum comes closest to the surrogate.`,
  FSII: `${SUM} All effects up to this order are chosen together, so that their sum comes closest to the surrogate, by Shapley's weights.`,
  Moebius: `${SUM} All other units are ablated.`,
  BII: `${SUM} Averaged over the presence of all other units.`,
  SII: `${SUM} Averaged over the presence of all other units, by Shapley's weights.`,
  BV: "What a unit adds, averaged over the presence of all others. + raises the output, − lowers it.",
  SV: "What a unit adds, averaged over the orders in which units could join. + raises the output, − lowers it.",
  Fourier:
    "A coefficient of the Fourier expansion. Beware: its sign turns round with the number of members. For even orders + means that presence together raises the output, for odd orders that it lowers it.",
};

export function indexName(frame: Frame): string {
  return frame.maxOrder === null ? frame.index : `${frame.index}, order ≤ ${frame.maxOrder}`;
}

export function indexWords(index: string): string {
  return INDEX_WORDS[index] ?? SUM;
}

/** Which output the bars speak of. */
export function outputName(header: Header, frame: Frame | null): string {
  return header.outputs[frame?.output ?? 0] ?? "the output";
}
