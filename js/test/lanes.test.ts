import { expect, test } from "vitest";
import { arc } from "../src/text/arcs";
import { across, inLines, type Layout, nearTo } from "../src/text/layout";
import { assign, type Claim, lanesFor, shape, stretches } from "../src/text/stretches";

/** A text of words of one width, so many in a line. */
function page(players: number, inLine: number, rtl = false): Layout {
  const boxes = Array.from({ length: players }, (_, player) => {
    const at = 40 * (player % inLine);
    const left = rtl ? 40 * inLine - at : at;
    const top = 80 * Math.floor(player / inLine);
    return { left, right: left + 30, top, bottom: top + 16 };
  });
  return inLines(boxes, rtl);
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function random(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function claim(members: number[], rank: number, layout: Layout): Claim {
  return { key: members.join(), stretches: stretches(members, rank, layout) };
}

function randomClaims(players: number, layout: Layout, next: () => number): Claim[] {
  const sets = Array.from({ length: 60 }, () => {
    const members = new Set(Array.from({ length: 2 + Math.floor(4 * next()) }, () => Math.floor(players * next())));
    return [...members].sort((a, b) => a - b);
  });
  const unlike = [...new Map(sets.map((members) => [members.join(), members])).values()];
  return unlike.map((members, i) => claim(members, i + 1, layout));
}

test("boxes make lines, whatever order they come in", () => {
  const { lines, spots } = inLines(
    [
      { left: 0, right: 30, top: 80, bottom: 96 },
      { left: 0, right: 30, top: 0, bottom: 16 },
      undefined,
      { left: 40, right: 90, top: 3, bottom: 17 }, // another font sits a little lower
    ],
    false,
  );
  expect(lines.map(({ top }) => top)).toEqual([0, 80]);
  expect(spots.map((spot) => spot?.line)).toEqual([1, 0, undefined, 0]);
});

test("up and down lead to the nearest unit of the next line", () => {
  const layout = page(10, 4);
  expect(across(layout, 1, 1)).toBe(5);
  expect(across(layout, 7, 1)).toBe(9); // the last line is shorter
  expect(across(layout, 9, -1)).toBe(5);
  expect(across(layout, 2, -1)).toBeNull();
  expect(across(layout, 8, 1)).toBeNull();
});

test("only what is within one height of the view is near", () => {
  const layout = page(100, 1);
  const isNear = nearTo({ top: 4000, height: 800 }, layout);
  expect(layout.spots.flatMap((_, player) => (isNear(player) ? [player] : []))).toEqual(
    Array.from({ length: 30 }, (_, i) => 40 + i),
  );
  expect(nearTo({ top: 0, height: 0 }, layout)(99)).toBe(true); // nothing is known of the view
});

test("an interaction is cut at the ends of the lines, and says where it goes on", () => {
  const layout = page(12, 4);
  const parts = stretches([1, 2, 5, 8], 7, layout);
  expect(parts.map(({ line, dots, back, on }) => ({ line, dots, back, on }))).toEqual([
    { line: 0, dots: [55, 95], back: false, on: true },
    { line: 1, dots: [55], back: true, on: true },
    { line: 2, dots: [15], back: true, on: false },
  ]);
  const [first, second, third] = parts;
  expect(first && first.rank < first.start && first.start === 55 && first.end > 95).toBe(true);
  expect(second && second.start < 55 && second.end > 55).toBe(true);
  expect(third && third.start < 15 && third.end === 15).toBe(true);
});

test("in a text from right to left all is mirrored", () => {
  const [first, second] = stretches([0, 2, 5], 7, page(8, 4, true));
  expect(first?.dots).toEqual([175, 95]);
  expect(first && first.rank > first.start && first.start === 175 && first.end < 95).toBe(true);
  expect(second && second.rank > second.start && second.start > second.end).toBe(true);
});

test("a rank takes the room of its digits", () => {
  const layout = page(8, 8);
  const width = (rank: number) => stretches([3, 4], rank, layout).map(({ left, right }) => right - left)[0] ?? 0;
  expect(width(100)).toBeGreaterThan(width(10));
  expect(width(10)).toBeGreaterThan(width(9));
});

test.each([1, 2, 3, 4, 5, 6, 7, 8])("no two segments of a lane overlap under a line (seed %i)", (seed) => {
  const next = random(seed);
  const layout = page(90, 11, seed % 2 === 0);
  let lanes: ReadonlyMap<string, number> = new Map();
  for (let frame = 0; frame < 4; frame++) {
    const claims = randomClaims(90, layout, next);
    lanes = assign(claims, lanes, 5);
    const drawn = claims.filter(({ key }) => lanes.has(key));
    expect(drawn.length).toBeGreaterThan(5);
    const laid = drawn.flatMap(({ key, stretches }) =>
      stretches.map((part) => ({ key, lane: lanes.get(key), ...part })),
    );
    for (const one of laid) {
      expect(one.lane).toBeLessThan(5);
      for (const other of laid) {
        if (one === other || one.line !== other.line || one.lane !== other.lane) continue;
        expect(one.right < other.left || other.right < one.left).toBe(true);
      }
    }
  }
});

test("what is left out would overlap in every lane with something that comes before it", () => {
  const layout = page(30, 10);
  const claims = randomClaims(30, layout, random(9));
  const lanes = assign(claims, new Map(), 3);
  const left = claims.findIndex(({ key }) => !lanes.has(key));
  expect(left).toBeGreaterThan(0);
  const near = claims[left]?.stretches ?? [];
  for (let lane = 0; lane < 3; lane++) {
    const before = claims.slice(0, left).filter(({ key }) => lanes.get(key) === lane);
    const meets = before.some(({ stretches }) =>
      stretches.some((a) => near.some((b) => a.line === b.line && a.left < b.right + 5 && b.left < a.right + 5)),
    );
    expect(meets).toBe(true);
  }
});

test("an interaction keeps its lane while others come, go and change places", () => {
  const layout = page(20, 10);
  const [a, b, c, d] = [
    [0, 3],
    [1, 2],
    [4, 6],
    [0, 1, 2],
  ].map((members, i) => claim(members, i + 1, layout)) as Claim[];
  if (!a || !b || !c || !d) throw new Error();
  const first = assign([a, b, c], new Map(), 5);
  expect([...first]).toEqual([
    ["0,3", 0],
    ["1,2", 1],
    ["4,6", 0],
  ]);
  expect(assign([c, b, a], first, 5)).toEqual(first);
  expect(assign([b], first, 5).get("1,2")).toBe(1); // though lane 0 is free now
  expect(assign([d, a, b, c], first, 5)).toEqual(new Map([...first, ["0,1,2", 2]])); // the newcomer drives out nobody
});

test("where there is no other room, what comes first has it", () => {
  const layout = page(20, 10);
  const [a, b, c] = [
    [0, 3],
    [1, 2],
    [0, 4],
  ].map((members, i) => claim(members, i + 1, layout)) as Claim[];
  if (!a || !b || !c) throw new Error();
  const full = assign([a, b], new Map(), 2);
  expect(assign([c, a, b], full, 2)).toEqual(
    new Map([
      ["0,4", 0],
      ["0,3", 1],
    ]),
  );
});

test("members that are not in the text are passed over", () => {
  const layout = inLines([{ left: 0, right: 30, top: 0, bottom: 16 }, undefined], false);
  expect(stretches([0, 1], 1, layout)[0]?.dots).toEqual([15]);
  expect(assign([claim([1], 1, layout)], new Map(), 5).size).toBe(0);
});

test("a shape has a dot a member, an arrowhead for each line it goes on in, and a rank a line", () => {
  const layout = page(12, 4);
  const drawn = shape(stretches([1, 2, 5, 8], 7, layout), 2, layout);
  expect(drawn.dots.match(/M/g)).toHaveLength(4);
  expect(drawn.heads.match(/M/g)).toHaveLength(4);
  expect(drawn.joins.match(/M/g)).toHaveLength(3);
  expect(drawn.ranks).toHaveLength(3);
  expect(shape(stretches([1, 2], 7, layout), 2, layout).heads).toBe("");
});

test("a longer text has fewer lanes", () => {
  expect(lanesFor(40)).toBe(5);
  expect(lanesFor(2000)).toBe(3);
});

test("the arc between two units goes over the letters of one line, or between two that are neighbours", () => {
  const layout = page(12, 4);
  const numbers = (path: string) => (path.match(/-?\d+/g) ?? []).map(Number);
  const [x, y, , peak, , , to, end] = numbers(arc([4, 6], layout));
  expect([x, y, to, end]).toEqual([15, 80, 95, 80]);
  expect(peak).toBeLessThan(80);
  expect(peak).toBeGreaterThan(16);
  expect(numbers(arc([4, 1], layout)).slice(0, 2)).toEqual([55, 16]); // from the upper one down
  expect(arc([8, 1], layout)).toBe(""); // it would strike through the line between
  expect(arc([0, 99], layout)).toBe("");
});
