/**
 * Interactions as horizontal segments under the lines of a text (linear diagrams): a dot under each member, a line that
 * joins them, in as few lanes as they need. All numbers are pixels of the page.
 */

import { type Layout, middleOf } from "./layout";

/** How many segments may lie under one another, known before any is: in a longer text they lie farther apart. */
export function lanesFor(players: number): number {
  return players > 150 ? 3 : 5;
}

/** From one lane to the next. */
export const PITCH = 8;

/** From the letters down to the first lane: bars hang there. */
const BELOW = 14;

const DOT = 3;
const STUB = 9;

/** Segments of one lane are at least so far apart. */
const APART = 5;

const DIGIT = 5.5;

/** The part of an interaction that lies under one line of text. */
interface Stretch {
  readonly line: number;
  readonly dots: readonly number[];
  /** The ends of what joins the dots, in reading order: beyond them where it goes on in another line. */
  readonly start: number;
  readonly end: number;
  /** Whether there are members in lines before, and in lines after. */
  readonly back: boolean;
  readonly on: boolean;
  /** Where its rank stands, which ends there in a text from left to right and begins there in one from right to left. */
  readonly rank: number;
  /** What it takes up, rank included. */
  readonly left: number;
  readonly right: number;
}

/** Cut an interaction at the ends of the lines. */
export function stretches(members: readonly number[], rank: number, { spots, rtl }: Layout): Stretch[] {
  const dots = new Map<number, number[]>();
  for (const spot of members.flatMap((player) => spots[player] ?? [])) {
    dots.set(spot.line, [...(dots.get(spot.line) ?? []), middleOf(spot)]);
  }
  const lines = [...dots.keys()].sort((a, b) => a - b);
  const forth = rtl ? -1 : 1;
  return lines.map((line, i) => {
    const read = (dots.get(line) ?? []).sort((a, b) => forth * (a - b));
    const [back, on] = [i > 0, i < lines.length - 1];
    const start = (read[0] ?? 0) - (back ? forth * STUB : 0);
    const end = (read.at(-1) ?? 0) + (on ? forth * STUB : 0);
    const place = start - forth * (back ? 3 : DOT + 2);
    const ends = [place - forth * DIGIT * String(rank).length, end + forth * DOT];
    return { line, dots: read, start, end, back, on, rank: place, left: Math.min(...ends), right: Math.max(...ends) };
  });
}

/** What asks for a lane. */
export interface Claim {
  readonly key: string;
  readonly stretches: readonly Stretch[];
}

/**
 * Give claims a lane each, the same under all lines that they touch; the first come first. Each keeps the lane that it had
 * where that is free, and what is new goes where it drives out nothing, if it can. Those that find no room are left out.
 */
export function assign(
  claims: readonly Claim[],
  before: ReadonlyMap<string, number>,
  count: number,
): Map<string, number> {
  const taken = new Room();
  const hoped = new Room();
  for (const claim of claims) {
    const lane = before.get(claim.key);
    if (lane !== undefined) hoped.take(lane, claim);
  }
  const lanes = new Map<string, number>();
  const all = Array.from({ length: count }, (_, lane) => lane);
  for (const claim of claims) {
    const held = before.get(claim.key);
    const free = claim.stretches.length > 0 ? all.filter((lane) => taken.isFree(lane, claim)) : [];
    const kept = free.find((lane) => lane === held);
    const lane = kept ?? free.find((lane) => hoped.isFree(lane, claim)) ?? free[0];
    if (lane === undefined) continue;
    taken.take(lane, claim);
    lanes.set(claim.key, lane);
  }
  return lanes;
}

/** What is taken of each lane under each line. */
class Room {
  readonly #held = new Map<string, { key: string; stretch: Stretch }[]>();

  take(lane: number, { key, stretches }: Claim): void {
    for (const stretch of stretches) {
      const place = `${stretch.line}/${lane}`;
      const held = this.#held.get(place);
      if (held) held.push({ key, stretch });
      else this.#held.set(place, [{ key, stretch }]);
    }
  }

  /** Whether nothing but the claim's own is in its way. */
  isFree(lane: number, { key, stretches }: Claim): boolean {
    return stretches.every((one) =>
      (this.#held.get(`${one.line}/${lane}`) ?? []).every(
        (held) => held.key === key || one.left >= held.stretch.right + APART || one.right + APART <= held.stretch.left,
      ),
    );
  }
}

/** The paths of an interaction in its lane. */
export interface Shape {
  readonly joins: string;
  /** Open arrowheads, where it goes on in another line. */
  readonly heads: string;
  readonly dots: string;
  readonly ranks: readonly (readonly [x: number, y: number])[];
  /** Where a pointer meets it. */
  readonly reach: string;
}

export function shape(parts: readonly Stretch[], lane: number, { lines, rtl }: Layout): Shape {
  const forth = rtl ? -1 : 1;
  const drawn = parts.map((part) => ({ ...part, y: round((lines[part.line]?.bottom ?? 0) + BELOW + PITCH * lane) }));
  const head = (tip: number, y: number, way: number) =>
    `M${round(tip - way * 3.5)} ${y - 3}L${round(tip)} ${y}l${-way * 3.5} 3`;
  const dot = (x: number, y: number) =>
    `M${round(x - DOT)} ${y}a${DOT} ${DOT} 0 1 0 ${2 * DOT} 0a${DOT} ${DOT} 0 1 0 ${-2 * DOT} 0z`;
  return {
    joins: drawn.map(({ start, end, y }) => (start === end ? "" : `M${round(start)} ${y}H${round(end)}`)).join(""),
    heads: drawn
      .map(({ start, end, back, on, y }) => (back ? head(start, y, -forth) : "") + (on ? head(end, y, forth) : ""))
      .join(""),
    dots: drawn.map(({ dots, y }) => dots.map((x) => dot(x, y)).join("")).join(""),
    ranks: drawn.map(({ rank, y }) => [round(rank), y + 3]),
    reach: drawn.map(({ left, right, y }) => `M${round(left)} ${y}H${round(right)}`).join(""),
  };
}

function round(x: number): number {
  return Math.round(x * 10) / 10;
}
