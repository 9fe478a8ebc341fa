/** Where the units stand on the page: measured when the layout changes, and kept, for reading it in a frame costs a reflow. */

/** Where a unit begins: a long one goes on in lines below. */
interface Spot {
  readonly line: number;
  readonly left: number;
  readonly right: number;
}

interface Line {
  readonly top: number;
  readonly bottom: number;
}

export interface Layout {
  /** The lines in which a unit begins, from the top; the ends of their letters, not of the room between them. */
  readonly lines: readonly Line[];
  /** By player; those that are not in the text have none. */
  readonly spots: readonly (Spot | undefined)[];
  /** Whether the text is read from right to left. */
  readonly rtl: boolean;
}

export const UNKNOWN: Layout = { lines: [], spots: [], rtl: false };

type Box = Pick<DOMRect, "left" | "right" | "top" | "bottom">;

/** Measure the first element of each player, from the upper left corner of `origin`. */
export function measure(units: readonly HTMLElement[][], text: HTMLElement, origin: Element): Layout {
  const { left: x, top: y } = origin.getBoundingClientRect();
  const boxes = units.map(([unit]) => {
    const box = unit?.getClientRects()[0];
    return box && { left: box.left - x, right: box.right - x, top: box.top - y, bottom: box.bottom - y };
  });
  return inLines(boxes, getComputedStyle(text).direction === "rtl");
}

/** Gather boxes into lines: those whose middles are less than half a box apart. */
export function inLines(boxes: readonly (Box | undefined)[], rtl: boolean): Layout {
  const spots: (Spot | undefined)[] = boxes.map(() => undefined);
  const lines: Line[] = [];
  const downwards = boxes.flatMap((box, player) => (box ? [{ box, player, middle: (box.top + box.bottom) / 2 }] : []));
  downwards.sort((a, b) => a.middle - b.middle);
  let last = Number.NEGATIVE_INFINITY;
  for (const { box, player, middle } of downwards) {
    if (middle - last > (box.bottom - box.top) / 2) {
      lines.push({ top: box.top, bottom: box.bottom });
      last = middle;
    }
    spots[player] = { line: lines.length - 1, left: box.left, right: box.right };
  }
  return { lines, spots, rtl };
}

/** Which players are in view or within one height of it: to draw others would be in vain. All, where nothing is known. */
export function nearTo(
  { top, height }: { readonly top: number; readonly height: number },
  { lines, spots }: Layout,
): (player: number) => boolean {
  return (player) => {
    const spot = spots[player];
    const line = spot && lines[spot.line];
    return !line || height === 0 || (line.bottom > top - height && line.top < top + 2 * height);
  };
}

export function middleOf(spot: Spot): number {
  return (spot.left + spot.right) / 2;
}

/** The player nearest to a player in the line above (−1) or below (1); null where there is no such line. */
export function across({ spots }: Layout, player: number, step: 1 | -1): number | null {
  const from = spots[player];
  if (!from) return null;
  let nearest: number | null = null;
  let least = Number.POSITIVE_INFINITY;
  spots.forEach((spot, other) => {
    if (spot?.line !== from.line + step) return;
    const far = Math.abs(middleOf(spot) - middleOf(from));
    if (far < least) [nearest, least] = [other, far];
  });
  return nearest;
}
