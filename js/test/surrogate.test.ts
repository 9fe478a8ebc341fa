import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { kindOf, kindSentence, partsOf } from "../src/card/kinds";
import { decodeFrame, KINDS, type Kind, type Spectrum } from "../src/protocol";
import { averaged, bits, effectOf, valueOfNone, valueWithout } from "../src/surrogate";

/** The same numbers each time (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function spectrumOf(sets: readonly (readonly [players: number[], coefficient: number])[]): Spectrum {
  return {
    orders: new Uint8Array(sets.map(([players]) => players.length)),
    members: new Uint16Array(sets.flatMap(([players]) => players)),
    coefficients: new Float32Array(sets.map(([, coefficient]) => coefficient)),
    leftOut: 0,
  };
}

function randomSpectrum(n: number, seed: number) {
  const draw = random(seed);
  const sets: [number[], number][] = [];
  for (let set = 0; set < 1 << n; set++) {
    const players = Array.from({ length: n }, (_, player) => player).filter((player) => (set >> player) & 1);
    // Of few binary digits, so that single precision holds it.
    if (draw() < 0.4) sets.push([players, Math.round(64 * (draw() - 0.5)) / 16]);
  }
  return sets;
}

/** v at a coalition, as the definition has it: bit i says that player i is present. */
function bruteForce(sets: readonly (readonly [number[], number])[], coalition: number): number {
  const character = (players: number[]) => players.reduce((sign, i) => sign * (1 - 2 * ((coalition >> i) & 1)), 1);
  return sets.reduce((sum, [players, coefficient]) => sum + coefficient * character(players), 0);
}

test.each([1, 3, 7, 10])("with %d players the value at every coalition is what the definition says", (n) => {
  const sets = randomSpectrum(n, n);
  const spectrum = spectrumOf(sets);
  for (let coalition = 0; coalition < 1 << n; coalition++) {
    const ablated = Array.from({ length: n }, (_, player) => player).filter((player) => !((coalition >> player) & 1));
    expect(valueWithout(spectrum, ablated)).toBe(bruteForce(sets, coalition));
  }
  expect(valueOfNone(spectrum)).toBe(bruteForce(sets, 0));
});

test.each([[[]], [[4]], [[0, 9]], [[1, 3, 8]], [[0, 2, 5, 7]]])("the averages over all others but %j", (members) => {
  const n = 10;
  const sets = randomSpectrum(n, 42);
  const table = averaged(spectrumOf(sets), members);
  expect(table).toHaveLength(1 << members.length);
  const sums = new Float64Array(table.length);
  for (let coalition = 0; coalition < 1 << n; coalition++) {
    const at = members.reduce((position, player, bit) => position | (((coalition >> player) & 1) << bit), 0);
    sums[at] = (sums[at] ?? 0) + bruteForce(sets, coalition);
  }
  for (const [at, sum] of sums.entries()) expect(table[at]).toBeCloseTo(sum / 2 ** (n - members.length), 9);
});

const python = decodeFrame(new DataView(readFileSync(join(import.meta.dirname, "fixtures/frame.bin")).buffer.slice(0)));

test("what Python wrote, it evaluates as Python does", () => {
  const spectrum = python?.spectrum as Spectrum;
  // The values are those of SparseSpectrum.__call__ at these coalitions.
  const { head, arrays } = JSON.parse(readFileSync(join(import.meta.dirname, "fixtures/frame.json"), "utf8"));
  expect(head.left_out).toBe(spectrum.leftOut);
  expect(valueOfNone(spectrum)).toBe(arrays.spectrum.reduce((sum: number, one: number) => sum + one, 0));
  expect(valueWithout(spectrum, [])).toBe(0.5625);
  expect(valueWithout(spectrum, [0, 7])).toBe(0.6875);
});

test("effects and kinds are those that Python wrote beside the surrogate", () => {
  const rows = python?.interactions ?? [];
  expect(rows.length).toBeGreaterThan(4);
  for (const row of rows) {
    const table = averaged(python?.spectrum as Spectrum, row.members);
    expect(effectOf(table)).toBe(row.effect); // the frame's index is BII
    expect(kindOf(partsOf(table))).toBe(row.kind);
  }
});

/** A table from the values of a set function of so many players. */
const tables: [Kind, string, number[]][] = [
  ["single", "“a” raises OUT by 2.00, averaged over all other units.", [1, 3]],
  [
    "reinforcing",
    "On average over the rest, “a” does nothing to OUT without the other, and raises it by 1.00 with it; " +
      "“b” does nothing to it without the other, and raises it by 1.00 with it: each does more together than alone.",
    [0, 0, 0, 1],
  ],
  [
    "redundant",
    "On average over the rest, “a” lowers OUT by 2.00 without the other, and lowers it by 1.00 with it; " +
      "“b” lowers it by 3.00 without the other, and lowers it by 2.00 with it: each does less together than alone.",
    [0, -2, -3, -4],
  ],
  [
    "reversal",
    "On average over the rest, without “b”, “a” lowers OUT by 0.40; with it, it raises it by 2.10: a reversal.",
    [0, -0.4, 0.2, 2.3],
  ],
  [
    "mixed",
    "On average over the rest, “a” raises OUT by 1.00 without the other and with it; “b” raises it by 2.00 without the other and with it: " +
      "each does together what it does alone.",
    [0, 1, 2, 3],
  ],
  [
    "reversal",
    "On average over the rest, without “a” and “b”, “c” raises OUT by 1.00; with them, it lowers it by 2.00: a reversal.",
    [0, 1, 1, 5, 1, 2, 2, 3],
  ],
  [
    "mixed",
    "On average over the rest, “a” raises OUT by 1.00 without the others, and raises it by 3.00 with them; “b” raises it by 1.00 without the " +
      "others, and raises it by 2.00 with them; “c” raises it by 2.00 without the others, and raises it by 1.00 with " +
      "them: some do more together than alone, and others less.",
    [0, 1, 1, 5, 2, 4, 3, 6],
  ],
];

test.each(tables)("%s: %s", (kind, sentence, values) => {
  const parts = partsOf(new Float64Array(values));
  expect(kindOf(parts)).toBe(kind);
  expect(kindSentence(kind, parts, ["“a”", "“b”", "“c”"].slice(0, parts.length), "OUT")).toBe(sentence);
});

test("figures are written to the places of the effects, whatever level they are seen from", () => {
  const parts = partsOf(new Float64Array([-120, -119.9, -119.8, -119.4]));
  expect(kindSentence("reinforcing", parts, ["“a”", "“b”"], "OUT")).toBe(
    "On average over the rest, “a” raises OUT by 0.100 without the other, and raises it by 0.400 with it; “b” raises it by 0.200 without the " +
      "other, and raises it by 0.500 with it: each does more together than alone.",
  );
});

test("a kind of the kernel's that the figures on the page do not bear out is told without them", () => {
  const parts = partsOf(new Float64Array([0, 1, 1, 2 + 1e-8]));
  expect(kindOf(parts)).toBe("mixed");
  expect(kindSentence("reinforcing", parts, ["“a”", "“b”"], "OUT")).toBe(
    "Together each of them does more than it does alone.",
  );
});

test("of every kind, and up to order 4, the sentence has no figure that is not in the table", () => {
  const draw = random(7);
  const seen = new Set<Kind>();
  for (let round = 0; round < 400; round++) {
    const order = 1 + (round % 4);
    const table = Float64Array.from({ length: 1 << order }, (_, at) =>
      Math.round(8 * (bits(at) * 2 * draw() + draw())),
    );
    const parts = partsOf(table);
    const kind = kindOf(parts);
    seen.add(kind);
    const names = ["“a”", "“b”", "“c”", "“d”"].slice(0, order);
    const sentence = kindSentence(kind, parts, names, "OUT");
    const effects = new Set(parts.flatMap(({ alone, together }) => [Math.abs(alone), Math.abs(together)]));
    for (const figure of sentence.match(/\d+(\.\d+)?/g) ?? []) expect(effects).toContain(Number(figure));
    expect(sentence.includes("a reversal")).toBe(kind === "reversal");
    expect(sentence.includes("each does more")).toBe(kind === "reinforcing");
    expect(sentence.includes("each does less")).toBe(kind === "redundant");
  }
  expect([...seen].sort()).toEqual([...KINDS].sort());
});
