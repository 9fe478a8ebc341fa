/** An arc in the text between two units that act together. */

import { type Layout, middleOf } from "./layout";

/**
 * The path of the arc between two players; empty where one of them is not in the text, and where whole lines lie between
 * them, whose words it would strike through.
 */
export function arc([first, second]: readonly [number, number], { lines, spots }: Layout): string {
  const ends = [first, second].flatMap((player) => {
    const spot = spots[player];
    const line = spot && lines[spot.line];
    return spot && line ? [{ x: middleOf(spot), line, of: spot.line }] : [];
  });
  const [a, b] = ends.sort((p, q) => p.of - q.of);
  if (!a || !b || b.of - a.of > 1) return "";
  const points =
    a.of === b.of
      ? [a.line.top, a.line.top - rise(a.x, b.x), b.line.top - rise(a.x, b.x), b.line.top]
      : [a.line.bottom, (a.line.bottom + b.line.top) / 2, (a.line.bottom + b.line.top) / 2, b.line.top];
  const [y0, y1, y2, y3] = points.map(Math.round);
  const [from, to] = [Math.round(a.x), Math.round(b.x)];
  return `M${from} ${y0}C${from} ${y1} ${to} ${y2} ${to} ${y3}`;
}

/** The farther apart the ends, the higher: but not into the letters of the line above. */
function rise(from: number, to: number): number {
  return Math.min(22, 10 + Math.abs(to - from) / 12);
}
