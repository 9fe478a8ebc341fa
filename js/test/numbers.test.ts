import { expect, test } from "vitest";
import { between, figure, signed, spreadOf } from "../src/marks/numbers";

test.each([
  [120_000, 150_000, "+120,000"],
  [-80_000.004, 150_000, "−80,000"],
  [1234.5678, 12, "+1,234.6"],
  [999_999, 800_000, "+999,999"],
  [1_000_000, 1_200_000, "+1.00e6"],
  [-300_000, 1_200_000, "−0.30e6"],
  [1e9, 1e9, "+1.00e9"],
  [0, 1e9, "0"],
  [3, 4, "+3.00"],
  [-0.001, 4, "0.00"],
  [0.0123, 0.015, "+0.0123"],
  [0.1234, 0.0412, "+0.1234"],
  [0.000999, 0.000999, "+0.000999"],
  [0.0000999, 0.0000999, "+9.99e−5"],
  [0.000009999, 0.000009999, "+1.00e−5"],
  [1e-9, 1.2e-9, "+1.00e−9"],
  [-3e-10, 1.2e-9, "−0.30e−9"],
  [0.0000034, 0.000005, "+3.40e−6"],
  [0, 0, "0.00"],
])("an effect of %d is written on a full bar of %d as %s", (x, full, words) => expect(signed(x, full)).toBe(words));

test("what lies between two values takes its power of ten once it is rounded", () => {
  expect(between(7e-10, -2.99999e-10)).toBe("−1.00e−9");
  expect(between(0, 9.96)).toBe("+9.96");
});

test("what lies between two values of size about 1 has no power of ten", () => {
  expect(between(0.99112, 1)).toBe("+0.00888");
  expect(between(-5.77, -5.7701)).toBe("−0.000100"); // as single precision has it
  expect(between(1, 1.000005)).toBe("+0.000005");
  expect(between(3e-5, 4e-5)).toBe("+1.00e−5"); // neither has a value
});

test("a value has no more digits than single precision", () => {
  const values = [1_000_700_032, 999_699_968, 999_999_968]; // 1,000,700,000 and so on, as the wire has them
  const write = (all: number[]) => all.map((x) => figure(x, spreadOf(all)));
  expect(write(values)).toEqual(["+1,000,700,000", "+999,700,000", "+1,000,000,000"]);
  expect(write([123_456.789, 123_456.5])).toEqual(["+123,456.8", "+123,456.5"]);
  expect(write([-120.04, -120.14])).toEqual(["−120.040", "−120.140"]);
  expect(write([0.3, 0.30004])).toEqual(["+0.3000000", "+0.3000400"]);
});
