/** What the screen says in words. */

import {
  type Frame,
  type Header,
  HONEST,
  type Interaction,
  type Kind,
  type Measured,
  type RunState,
  type Verdict,
  type Work,
} from "../protocol";
import { count, percent, share, signed } from "./numbers";

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

const SOME_HAVE = `${HONEST.slice(0, -1).join(", ")} and ${HONEST.at(-1)} can have one`;

type Status = Verdict | "noise" | "exact" | "settled" | "provisional" | "no interval";

/** What is known of a row: a measurement on the model says more than the surrogate does. */
export function statusOf(row: Interaction, frame: Frame): Status {
  if (row.verdict) return row.verdict;
  if (row.noise) return "noise";
  if (frame.exact) return "exact";
  if (row.settled) return "settled";
  return isHonest(frame.index) ? "provisional" : "no interval";
}

export const STATUS_WORDS: Record<Status, string> = {
  confirmed: "measured on the model itself: it is of this sign, and within a factor of 3 of this size",
  contradicted: "measured on the model itself: it has not this sign, or next to nothing of this size",
  undecided: "measured on the model itself, over too few contexts to tell",
  noise: "so small that the noise between two values of one coalition may make it",
  exact: "every coalition was evaluated: nothing is estimated",
  settled:
    "settled for this surrogate and this ablation: it is among the ten largest for sure, its sign has held, its interval leaves out 0, and R² is high enough",
  "no interval": `by this index nothing can be settled, for it has no interval that can be trusted; ${SOME_HAVE}`,
  provisional: "not settled: more ablations may still change its place, its size or its sign",
};

/** What the status of a row means; of one that was measured, with the figures. */
export function statusWords({ measured }: Interaction, status: Status, full: number): string {
  return measured ? `${STATUS_WORDS[status]}\nmeasured: ${measuredWords(measured, full)}` : STATUS_WORDS[status];
}

/** What was measured, over how many contexts, and how many of these were chosen because of this very set. */
export function measuredWords({ effect, low, high, contexts, targeted }: Measured, full: number): string {
  const [mean, from, to] = [effect, low, high].map((x) => signed(x, full));
  const asked = targeted > 0 ? `, ${count(targeted)} of them asked for of this set (targeted)` : "";
  return `${mean} (${from} to ${to}) in ${count(contexts)} contexts${asked}`;
}

const FAITH =
  "How much of the model's variation the surrogate explains, with a 95 % interval. Each round's ablations are foretold " +
  "by the surrogate of the round before, which has not seen them; from how fast these misses shrink, R² is projected to " +
  "the newest surrogate, which no ablation has judged yet.";

const REFINERS: Record<string, string> = {
  linear: "first order",
  parities: "few parities",
  conjunctions: "few conjunctions",
  lasso: "LASSO",
  process: "Gaussian process",
};

/** Whether it is not sure that the surrogate explains anything: then what it finds together may be luck. */
export function mayBeNothing({ exact, r2 }: Frame): boolean {
  return !exact && r2 !== null && r2.low <= 0;
}

/** What R² means, and who speaks in the surrogate that it judges. */
export function faithWords(frame: Frame): string {
  if (frame.exact) return "";
  const speak = Object.entries(frame.weights)
    .filter(([, weight]) => weight >= 0.005)
    .sort(([, a], [, b]) => b - a)
    .map(([name, weight]) => `${REFINERS[name] ?? name} × ${share(weight)}`);
  return speak.length ? `${FAITH}\nThe surrogate is a sum: ${speak.join(" + ")}.` : FAITH;
}

/** What the run has taken of the model, in full, and what idle means. */
export function workWords({ rows, evaluated, passes, tokens, padding, seconds, idle }: Work): string {
  const spared = evaluated < rows ? `, evaluated: ${count(evaluated)}, for the others were equal to one of these` : "";
  return (
    `inputs asked for: ${count(rows)}${spared}\n` +
    `passes: ${count(passes)}, tokens: ${count(tokens)}, padding beside them: ${count(padding)}\n` +
    `seconds in the model's forward: ${seconds.toFixed(1)}\n` +
    `Idle, ${percent(idle)}, is the share of the time since the first ablation in which no forward was running. ` +
    "No time counts while the run waits for you, paused or ended."
  );
}

const SUM =
  "What a set adds when all its members are there, beyond what its smaller parts add. + raises the output, − lowers it.";

const SCALES =
  "larger sets are on a larger scale: compare sets of one order, or choose Fourier, which weighs all orders alike.";

const INDEX_WORDS: Record<string, string> = {
  FBII: `${SUM} All effects up to this order are chosen together, so that their sum comes closest to the surrogate.`,
  FSII: `${SUM} All effects up to this order are chosen together, so that their sum comes closest to the surrogate, by Shapley's weights.`,
  Moebius: `${SUM} All other units are ablated. Beware: ${SCALES}`,
  BII: `${SUM} Averaged over the presence of all other units. The BII of k units is 2ᵏ times as large as their Fourier coefficient, so ${SCALES}`,
  SII: `${SUM} Averaged over the presence of all other units, by Shapley's weights.`,
  BV: "What a unit adds, averaged over the presence of all others. + raises the output, − lowers it.",
  SV: "What a unit adds, averaged over the orders in which units could join. + raises the output, − lowers it.",
  Fourier:
    "A coefficient of the Fourier expansion. Beware: its sign turns round with the number of members. For even orders + means that presence together raises the output, for odd orders that it lowers it.",
};

export function indexName(frame: Frame): string {
  return frame.maxOrder === null ? frame.index : `${frame.index}, order ≤ ${frame.maxOrder}`;
}

/** Whether effects by an index can have intervals. */
function isHonest(index: string): boolean {
  return HONEST.some((honest) => honest === index);
}

export function indexWords(index: string): string {
  const meaning = INDEX_WORDS[index] ?? SUM;
  if (isHonest(index)) return meaning;
  return `${meaning} It has no interval that can be trusted; ${SOME_HAVE}.`;
}

export function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** An output as a sentence names it, a ratio by its two sides; each name in at most so many letters. */
export function spokenOutput(header: Header, frame: Frame | null, most = Number.POSITIVE_INFINITY): string {
  const sides = outputName(header, frame).split(" / ");
  const brief = (name: string) => {
    const letters = [...name];
    return letters.length > most + 1 ? `${letters.slice(0, most).join("")}…` : name;
  };
  return sides.length === 2 ? sides.map((side) => `“${brief(side.trim())}”`).join(" over ") : brief(sides.join(" / "));
}

/** Which output the bars speak of. */
export function outputName(header: Header, frame: Frame | null): string {
  const said = frame?.outputLabel;
  if (said && (header.answer.length > 0 || frame.output < 0)) return said; // how a stretch of the answer reads
  return header.outputs[frame?.output ?? 0] ?? "the output";
}
