/** Numbers as they are written on screen. */

const MINUS = "−";

export function count(x: number): string {
  return Math.round(x).toLocaleString("en-US");
}

/** With more places than this a figure is written with a power of ten. */
const PLACES = 4;

/** An effect with its sign, to as many places as the full bar asks for. */
export function signed(x: number, full: number): string {
  const power = full > 0 ? Math.floor(Math.log10(full)) : 0;
  const small = 2 - power > PLACES;
  const size = Math.abs(small ? x / 10 ** power : x).toFixed(small ? 1 : Math.max(0, 2 - power));
  if (Number(size) === 0) return small ? "0" : size;
  return `${x < 0 ? MINUS : "+"}${size}${small ? `e${MINUS}${-power}` : ""}`;
}

/** Single precision, as the wire has it, tells so many digits apart. */
const DIGITS = 7;

/** Values that differ by less, as a share of the largest, are equal in single precision. */
const ROUNDING = 2 ** -23;

/** How far values lie apart, which says to how many places they are written: they may be −120 and differ by a tenth. */
export function spreadOf(values: readonly number[]): number {
  const size = Math.max(...values.map(Math.abs));
  const spread = Math.max(...values) - Math.min(...values);
  return spread > ROUNDING * size ? spread : size;
}

/** One of several values, to the places at which they differ. */
export function figure(x: number, spread: number): string {
  const power = spread > 0 ? Math.floor(Math.log10(spread)) : 0;
  if (2 - power <= PLACES || Math.abs(x) < 10 ** (power + 1)) return signed(x, spread);
  // With a power of ten that belongs to the differences, a level would be a number of many digits times that.
  const places = Math.max(0, Math.min(2 - power, DIGITS - 1 - Math.floor(Math.log10(Math.abs(x)))));
  return `${x < 0 ? MINUS : "+"}${Math.abs(x).toFixed(places)}`;
}

/** A level that effects are seen from: as a value is written, but nought is "0". */
export function level(x: number, spread: number): string {
  return x === 0 ? "0" : figure(x, spread);
}

/** What lies between two values, to the places of its own size; "0" where that is but rounding. */
export function between(from: number, to: number): string {
  const size = Math.abs(to - from);
  return size > ROUNDING * Math.max(Math.abs(from), Math.abs(to)) ? signed(to - from, size) : "0";
}

/** A share such as R²: ".93", "1.00", "−.12". */
export function share(x: number): string {
  const text = Math.abs(x).toFixed(2).replace(/^0/, "");
  return x < 0 && Number(text) !== 0 ? MINUS + text : text;
}

export function perSecond(rate: number): string {
  return `${rate >= 10 ? count(rate) : rate.toFixed(1)}/s`;
}

export function percent(part: number): string {
  return part > 0 && part < 0.01 ? "<\u00a01\u00a0%" : `${Math.round(part * 100)}\u00a0%`;
}

export function timeLeft(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s left`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min left`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min left`;
}
