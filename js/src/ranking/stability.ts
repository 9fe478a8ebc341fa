/**
 * Which row stands where while the effects still move. A ranking that jumps while one reads it is of no use, so rows
 * change places at most every two seconds, only for a clear lead, and never under the reader's pointer or focus. One that
 * left the newest frame goes at once, since its numbers are no longer true; under the reader it stays, and says so.
 */

/** The shortest time between two re-rankings while ablations arrive. */
export const EVERY_MS = 2000;

/** A row rises above another only where it leads by more than this share of the larger. */
export const MARGIN = 0.05;

interface Ranked {
  readonly key: string;
  readonly size: number;
}

export interface Standing {
  /** Keys from the top. */
  readonly order: readonly string[];
  /** The order that the newest frame asks for; the same array where nothing waits to be applied. */
  readonly wanted: readonly string[];
  /** When rows last changed places. */
  readonly at: number;
}

interface Circumstances {
  readonly now: number;
  /** Pointer or focus is among the rows. */
  readonly frozen: boolean;
  /** Nothing moves any more: the ranking is the result's own. */
  readonly final: boolean;
}

export const NOBODY: Standing = { order: [], wanted: [], at: Number.NEGATIVE_INFINITY };

/** The next standing. `rows` are the newest frame's, largest first. */
export function advance(standing: Standing, rows: readonly Ranked[], at: Circumstances): Standing {
  const held = new Set(rows.map((row) => row.key));
  const order = at.frozen ? standing.order : standing.order.filter((key) => held.has(key));
  const first = order.length === 0;
  const wanted = at.final || first ? rows.map((row) => row.key) : settle(order, rows);
  if (order.length === wanted.length && order.every((key, i) => key === wanted[i])) {
    return { ...standing, order, wanted: order };
  }
  const early = !at.final && at.now - standing.at < EVERY_MS;
  if (!first && (at.frozen || early)) return { ...standing, order, wanted };
  return { order: wanted, wanted, at: at.now };
}

/** Rows stand as the newest frame has them, whatever stood before: a person asked for it. */
export function apply(rows: readonly Ranked[], now: number): Standing {
  const order = rows.map((row) => row.key);
  return { order, wanted: order, at: now };
}

/** How many of the first `visible` rows would enter, leave or move if what waits were applied; pinned ones never do. */
export function changes(standing: Standing, visible: number, pinned: ReadonlySet<string> = new Set()): number {
  if (standing.order === standing.wanted) return 0;
  const live = (keys: readonly string[]) => keys.slice(0, visible).filter((key) => !pinned.has(key));
  return countChanges(live(standing.order), live(standing.wanted));
}

/** The old order with the newest rows, each put above the topmost that it leads by more than the margin. */
export function settle(order: readonly string[], rows: readonly Ranked[]): string[] {
  const size = new Map(rows.map((row) => [row.key, row.size]));
  const known = new Set(order);
  const next = [...order.filter((key) => size.has(key)), ...rows.map((r) => r.key).filter((key) => !known.has(key))];
  const of = (key: string) => size.get(key) ?? 0;
  const settled: string[] = [];
  for (const key of next) {
    const led = settled.findIndex((above) => of(key) - of(above) > MARGIN * of(key));
    settled.splice(led < 0 ? settled.length : led, 0, key);
  }
  return settled;
}

/** Rows that enter, leave, or must be lifted out for the others to keep their order. */
export function countChanges(from: readonly string[], to: readonly string[]): number {
  const place = new Map(to.map((key, i) => [key, i]));
  const kept = from.map((key) => place.get(key)).filter((i) => i !== undefined);
  return from.length - kept.length + (to.length - kept.length) + (kept.length - longestAscent(kept));
}

function longestAscent(places: readonly number[]): number {
  const ends: number[] = []; // ends[k]: the least place at which an ascent of length k + 1 ends
  for (const place of places) {
    const at = ends.findIndex((end) => end >= place);
    ends[at < 0 ? ends.length : at] = place;
  }
  return ends.length;
}
