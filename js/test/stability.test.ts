import { expect, test } from "vitest";
import { advance, apply, changes, countChanges, EVERY_MS, NOBODY, settle } from "../src/ranking/stability";

const rows = (sizes: Record<string, number>) =>
  Object.entries(sizes)
    .map(([key, size]) => ({ key, size }))
    .sort((a, b) => b.size - a.size);
const calm = { frozen: false, final: false };
const first = advance(NOBODY, rows({ a: 3, b: 2, c: 1 }), { now: 0, ...calm });

test("the first estimate is shown at once, largest first", () => {
  expect(first.order).toEqual(["a", "b", "c"]);
});

test("rows change places at most every two seconds", () => {
  const turned = rows({ c: 9, b: 2, a: 1 });
  const early = advance(first, turned, { now: EVERY_MS - 1, ...calm });
  expect(early.order).toEqual(["a", "b", "c"]);
  expect(changes(early, 10)).toBeGreaterThan(0);
  const due = advance(early, turned, { now: EVERY_MS, ...calm });
  expect(due.order).toEqual(["c", "b", "a"]);
  expect(changes(due, 10)).toBe(0);
  expect(advance(due, rows({ a: 9, b: 2, c: 1 }), { now: EVERY_MS + 1, ...calm }).order).toEqual(["c", "b", "a"]);
});

test("neighbours swap only where the lower leads by more than the margin", () => {
  expect(settle(["a", "b"], rows({ a: 1, b: 1.05 }))).toEqual(["a", "b"]);
  expect(settle(["a", "b"], rows({ a: 1, b: 1.06 }))).toEqual(["b", "a"]);
  expect(settle(["a", "b", "c"], rows({ a: 1, b: 0.99, c: 2 }))).toEqual(["c", "a", "b"]);
});

test("a row rises above the topmost that it leads by the margin, however close the ones between", () => {
  const sizes = Array.from({ length: 10 }, (_, i): [string, number] => [`r${i}`, 1.049 ** i]);
  const settled = settle(
    sizes.map(([key]) => key),
    rows(Object.fromEntries(sizes)),
  );
  const of = Object.fromEntries(sizes);
  settled.forEach((key, i) => {
    for (const above of settled.slice(0, i)) expect((of[key] ?? 0) * 0.95).toBeLessThanOrEqual(of[above] ?? 0);
  });
});

test("a set that left the frame leaves, and a new one finds its place", () => {
  expect(settle(["a", "b", "c"], rows({ a: 3, c: 1, d: 2 }))).toEqual(["a", "d", "c"]);
});

test("nothing moves under the reader, and what waits is counted", () => {
  const turned = rows({ b: 3, a: 1, d: 0.5 });
  const frozen = advance(first, turned, { now: 9000, frozen: true, final: false });
  expect(frozen.order).toEqual(first.order);
  expect(changes(frozen, 10)).toBe(3); // b over a, c out, d in
  expect(apply(turned, 9000)).toMatchObject({ order: ["b", "a", "d"] });
  expect(advance(frozen, turned, { now: 9001, ...calm }).order).toEqual(["b", "a", "d"]);
});

test("a row that left the newest frame goes at once, while the others wait for their turn", () => {
  const early = advance(first, rows({ c: 9, a: 1 }), { now: 1, ...calm });
  expect(early.order).toEqual(["a", "c"]);
  expect(early.at).toBe(first.at);
  const frozen = advance(first, rows({ c: 9, a: 1 }), { now: 1, frozen: true, final: false });
  expect(frozen.order).toEqual(["a", "b", "c"]);
});

test("pinned rows are no changes", () => {
  const frozen = advance(first, rows({ c: 9, a: 3, d: 1 }), { now: 9000, frozen: true, final: false });
  expect(changes(frozen, 10)).toBe(3); // c over a, b out, d in
  expect(changes(frozen, 10, new Set("cb"))).toBe(1);
});

test("only changes among the visible rows are counted", () => {
  const frozen = advance(first, rows({ a: 3, b: 0.1, c: 1 }), { now: 9000, frozen: true, final: false });
  expect(changes(frozen, 1)).toBe(0);
  expect(changes(frozen, 3)).toBe(1);
});

test("the final frame ranks at once and exactly, unless it is being read", () => {
  const close = rows({ b: 2.01, a: 2, c: 1 });
  expect(advance(first, close, { now: 1, frozen: false, final: true }).order).toEqual(["b", "a", "c"]);
  const frozen = advance(first, close, { now: 1, frozen: true, final: true });
  expect(frozen.order).toEqual(first.order);
  expect(changes(frozen, 10)).toBe(1);
});

test("a standing that nothing changes stays the same, so that nothing is waiting", () => {
  const same = advance(first, rows({ a: 3.1, b: 2, c: 1 }), { now: 9000, ...calm });
  expect(same.order).toEqual(first.order);
  expect(same.wanted).toBe(same.order);
  expect(same.at).toBe(first.at);
});

test("the fewest rows that must be lifted out are the ones that moved", () => {
  expect(countChanges(["a", "b", "c", "d"], ["d", "a", "b", "c"])).toBe(1);
  expect(countChanges(["a", "b"], ["a", "b"])).toBe(0);
  expect(countChanges(["a", "b"], ["c"])).toBe(3);
});
