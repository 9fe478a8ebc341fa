/** What an interaction does to its parts, in words and figures: `kind_of` of spex_widget/snapshot/ranked.py says which is which. */

import { joined } from "../marks/chips";
import { signed } from "../marks/numbers";
import { capital, KIND_WORDS } from "../marks/wording";
import type { Kind } from "../protocol";

/** A part turns round when its smaller effect is at least this share of the larger. */
const TURNS = 0.1;

/** Effects that differ by less, as a share of the larger, are equal: ranked.py has double precision, the wire single. */
const ROUNDING = 1e-6;

export const KIND_FORMULAS: Record<Kind, string> = {
  single: "alone(i) = g({i}) − g(∅)",
  reinforcing: "|together(i)| > |alone(i)| for every i",
  redundant: "|together(i)| < |alone(i)| for every i",
  reversal: "alone(i) · together(i) < 0 for some i, the smaller of the two at least a tenth of the larger",
  mixed: "none of the others: no part turns round, and the parts are not all stronger, nor all weaker",
};

export const FORMULA_WORDS =
  "g(A) is the surrogate when of these units just those of A are present, averaged over all the others. " +
  "A part i has an effect alone, g({i}) − g(∅), and one together with the rest of the set S, g(S) − g(S without i).";

/** A part's effect by itself, and with all other parts there. */
export interface Part {
  readonly alone: number;
  readonly together: number;
}

/** The parts of a set, from the table of its averages (see `averaged`). */
export function partsOf(table: Float64Array): Part[] {
  const all = table.length - 1;
  const at = (position: number) => table[position] ?? 0;
  const order = Math.round(Math.log2(table.length));
  return Array.from({ length: order }, (_, i) => ({
    alone: at(1 << i) - at(0),
    together: at(all) - at(all ^ (1 << i)),
  }));
}

export function kindOf(parts: readonly Part[]): Kind {
  if (parts.length < 2) return "single";
  if (parts.some(turns)) return "reversal";
  if (parts.every((part) => growth(part) > 0)) return "reinforcing";
  return parts.every((part) => growth(part) < 0) ? "redundant" : "mixed";
}

/**
 * One sentence of a kind with the figures of this very set, to the places of the largest effect; `names` are quoted.
 * The kind is the kernel's where it has sent one, and has the last word: figures that do not bear it out are left away.
 */
export function kindSentence(kind: Kind, parts: readonly Part[], names: readonly string[], output: string): string {
  if (kind !== kindOf(parts)) return `${capital(KIND_WORDS[kind])}.`;
  const full = Math.max(...parts.flatMap(({ alone, together }) => [alone, together]).map(Math.abs));
  const does = (effect: number, what: string) => {
    const size = signed(effect, full);
    if (!/^[+−]/.test(size)) return `does nothing to ${what}`;
    return `${effect > 0 ? "raises" : "lowers"} ${what} by ${size.slice(1)}`;
  };
  if (kind === "single") return `${names[0]} ${does(parts[0]?.alone ?? 0, output)}, averaged over all other units.`;
  const pair = parts.length === 2;
  const [it, others] = pair ? ["it", "the other"] : ["them", "the others"];
  if (kind === "reversal") {
    const turned = [...parts].sort((a, b) => turn(a) - turn(b))[0] as Part;
    const i = parts.indexOf(turned);
    const rest = joined(names.filter((_, other) => other !== i));
    return `On average over the rest, without ${rest}, ${names[i]} ${does(turned.alone, output)}; with ${it}, it ${does(turned.together, "it")}: a reversal.`;
  }
  const clauses = parts.map((part, i) => {
    const before = `${names[i]} ${does(part.alone, i === 0 ? output : "it")}`;
    if (growth(part) === 0 && turn(part) >= 0) return `${before} without ${others} and with ${it}`;
    return `${before} without ${others}, and ${does(part.together, "it")} with ${it}`;
  });
  return `On average over the rest, ${clauses.join("; ")}: ${moral(kind, parts)}.`;
}

function moral(kind: Kind, parts: readonly Part[]): string {
  if (kind === "reinforcing") return "each does more together than alone";
  if (kind === "redundant") return "each does less together than alone";
  const [more, less] = [parts.some((part) => growth(part) > 0), parts.some((part) => growth(part) < 0)];
  if (more && less) return "some do more together than alone, and others less";
  if (!more && !less) return "each does together what it does alone";
  return `some do ${more ? "more" : "less"} together than alone, and others the same`;
}

function turns(part: Part): boolean {
  const [alone, together] = [Math.abs(part.alone), Math.abs(part.together)];
  return turn(part) < 0 && Math.min(alone, together) >= TURNS * Math.max(alone, together);
}

/** How far a part turns round: below 0 where it does. */
function turn({ alone, together }: Part): number {
  return Math.sign(alone * together) * Math.min(Math.abs(alone), Math.abs(together));
}

/** By how much a part does more together than alone; 0 where the two are equal. */
function growth({ alone, together }: Part): number {
  const change = Math.abs(together) - Math.abs(alone);
  return Math.abs(change) <= ROUNDING * Math.max(Math.abs(alone), Math.abs(together)) ? 0 : change;
}
