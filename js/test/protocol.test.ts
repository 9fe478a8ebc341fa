import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { decodeFrame, KINDS, NO_PLAYER, TOP, VERDICTS, VERSION } from "../src/protocol";
import { frame } from "./model";

const at = (name: string) => join(import.meta.dirname, "fixtures", name);
const python = readFileSync(at("frame.bin"));
const { head, arrays } = JSON.parse(readFileSync(at("frame.json"), "utf8"));

function view(bytes: Uint8Array, shift = 0): DataView {
  const moved = new Uint8Array(bytes.length + shift);
  moved.set(bytes, shift);
  return new DataView(moved.buffer, shift);
}

const pick = (from: Record<string, number>, ...names: string[]) =>
  Object.fromEntries(names.map((name) => [name, from[name]]));
const figures = ([effect, low, high, contexts, targeted]: number[]) => ({ effect, low, high, contexts, targeted });

test.each([0, 1, 4])("reads what Python wrote, %i bytes into a buffer", (shift) => {
  const read = decodeFrame(view(python, shift));
  expect(read).toMatchObject({
    seq: head.seq,
    state: head.state,
    reason: head.reason,
    ablations: head.ablations,
    budget: head.budget,
    before: head.before,
    rate: head.rate,
    turns: head.turns,
    index: head.index,
    maxOrder: head.max_order,
    fitted: head.fitted,
    round: head.round,
    exact: head.exact,
    output: head.output,
    outputLabel: head.output_label,
    outputTerms: head.output_terms,
    weights: head.weights,
    remarks: head.remarks,
    verifying: head.verifying,
    work: { ...pick(head.work, "rows", "evaluated", "passes", "tokens", "padding"), seconds: 0.75, idle: 0.25 },
    r2: { value: head.r2[0], low: head.r2[1], high: head.r2[2] },
    energy: arrays.energy,
    asked: head.asked,
    probes: [
      { key: "0,7", value: -0.5 },
      { key: "299", value: 0.25 },
    ],
    spectrum: { leftOut: head.left_out },
  });
  const { orders, members: players, coefficients } = read?.spectrum ?? {};
  const sets = [orders, players, coefficients].map((array) => [...(array ?? [])]);
  expect(sets).toEqual([arrays.spectrum_orders, arrays.spectrum_members, arrays.spectrum]);
  expect([...(read?.effects ?? [])]).toEqual(arrays.effects);
  expect(read?.history.map((m) => [m.ablations, m.r2, m.low, m.high, m.linear])).toEqual(arrays.history);
  const members = arrays.members.map((row: number[]) => row.filter((player) => player !== NO_PLAYER));
  expect(read?.interactions).toEqual(
    members.map((players: number[], i: number) => ({
      key: players.join(","),
      members: players,
      effect: arrays.effect[i],
      interval: [arrays.low[i], arrays.high[i]],
      kind: KINDS[arrays.kind[i]],
      settled: arrays.settled[i] === 1,
      noise: arrays.noise[i] === 1,
      verdict: VERDICTS[arrays.verdict[i] - 1] ?? null,
      measured: arrays.verdict[i] ? figures(arrays.measured[i]) : null,
    })),
  );
});

test("an empty frame is nothing known, and one before the first estimate has no effects", () => {
  expect(decodeFrame(new DataView(new ArrayBuffer(0)))).toBeNull();
  expect(decodeFrame(frame())).toMatchObject({ effects: null, interactions: [], history: [] });
});

test("a frame of another version is refused in words", () => {
  expect(() => decodeFrame(frame({ version: 1 }))).toThrow(`version ${VERSION} and the kernel sends version 1`);
});

test("the top is as long as Python makes it", () => {
  const source = readFileSync(join(import.meta.dirname, "../../spex_widget/snapshot/frame.py"), "utf8");
  expect(source).toMatch(new RegExp(`^TOP = ${TOP}$`, "m"));
});
