/** The surrogate, v(x) = Σ F(S) χ_S(x), evaluated on the page: χ_S is the product of −1 for each present player of S. */

import { NO_PLAYER, type Spectrum } from "./protocol";

/** Its value with some players ablated and all others present. */
export function valueWithout({ orders, members, coefficients }: Spectrum, ablated: Iterable<number>): number {
  const out = new Uint8Array(NO_PLAYER + 1);
  for (const player of ablated) out[player] = 1;
  let value = 0;
  let at = 0;
  for (let row = 0; row < orders.length; row++) {
    const order = orders[row] as number;
    let present = order;
    for (const end = at + order; at < end; at++) present -= out[members[at] as number] as number;
    const coefficient = coefficients[row] as number;
    value += present & 1 ? -coefficient : coefficient;
  }
  return value;
}

/** Its value with all players ablated: every character is 1 there. */
export function valueOfNone({ coefficients }: Spectrum): number {
  return coefficients.reduce((sum, coefficient) => sum + coefficient, 0);
}

/**
 * Its average over all ways for the other players to be there or not, for each way that the members can be: bit i of a
 * position says that member i is present. Only the sets within the members are left of it.
 */
export function averaged({ orders, members, coefficients }: Spectrum, players: readonly number[]): Float64Array {
  const place = new Int8Array(NO_PLAYER + 1).fill(-1);
  for (const [bit, player] of players.entries()) place[player] = bit;
  const table = new Float64Array(1 << players.length);
  let at = 0;
  for (let row = 0; row < orders.length; row++) {
    const end = at + (orders[row] as number);
    let subset = 0;
    for (; at < end && subset >= 0; at++) {
      const bit = place[members[at] as number] as number;
      subset = bit < 0 ? -1 : subset | (1 << bit);
    }
    at = end;
    if (subset >= 0) table[subset] = (table[subset] as number) + (coefficients[row] as number);
  }
  // From coefficients to values, a member at a time (the fast Walsh–Hadamard transform).
  for (let bit = 1; bit < table.length; bit <<= 1) {
    for (let position = 0; position < table.length; position++) {
      if (position & bit) continue;
      const [even, odd] = [table[position] as number, table[position | bit] as number];
      table[position] = even + odd;
      table[position | bit] = even - odd;
    }
  }
  return table;
}

/** What a set adds when all its members are there, beyond its parts: the BII, from the table of averages. */
export function effectOf(table: Float64Array): number {
  const sign = (position: number) => (bits(position ^ (table.length - 1)) & 1 ? -1 : 1);
  return table.reduce((sum, value, position) => sum + sign(position) * value, 0);
}

/** How many members a position of a table has present. */
export function bits(position: number): number {
  let many = 0;
  for (let rest = position; rest; rest &= rest - 1) many++;
  return many;
}
