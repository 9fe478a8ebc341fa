/** Numbers as they are written on screen. */

const MINUS = "−";

/** Made once: a frame has thousands of numbers, and to make one takes longer than all of them. */
const GROUPS = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

export function count(x: number): string {
  return GROUPS.format(Math.round(x));
}

/** A full bar of a power outside of these has its effects written with a power of ten. */
const [SMALLEST, LARGEST] = [-4, 5];

/** Single precision, as the wire has it, tells so many digits apart. */
const DIGITS = 7;

/** The power of ten of a number once it is rounded to so many digits. */
function powerOf(x: number, digits = 3): number {
  return Number(x.toExponential(digits - 1).split("e")[1]);
}

/** A number with its sign, in groups of thousands. */
function fixed(x: number, places: number): string {
  const [whole, ...rest] = Math.abs(Number(x.toPrecision(DIGITS)))
    .toFixed(places)
    .split(".");
  const size = [Number(whole) < 1000 ? whole : count(Number(whole)), ...rest].join(".");
  return Number(size) === 0 ? size : `${x < 0 ? MINUS : "+"}${size}`;
}

/** An effect with its sign, to the places of the full bar's three digits. */
export function signed(x: number, full: number): string {
  const power = powerOf(full);
  if (SMALLEST <= power && power <= LARGEST) return fixed(x, Math.max(0, 2 - power));
  const size = fixed(x / 10 ** power, 2);
  return Number(size) === 0 ? "0" : `${size}e${power < 0 ? MINUS : ""}${Math.abs(power)}`;
}

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
  const [size, power] = [Math.abs(x), powerOf(spread)];
  if (size >= 1e15) return signed(x, size);
  // With a power of ten that belongs to the differences, a level would be a number of many digits times that.
  if (size < 10 ** (power + 1)) return signed(x, spread);
  return fixed(x, Math.max(0, Math.min(2 - power, DIGITS - 1 - powerOf(size, DIGITS))));
}

/** A level that effects are seen from: as a value is written, but nought is "0". */
export function level(x: number, spread: number): string {
  return x === 0 ? "0" : figure(x, spread);
}

/** What lies between two values, to the places of its own size; "0" where that is but rounding. */
export function between(from: number, to: number): string {
  const [change, level] = [Math.abs(to - from), Math.max(Math.abs(from), Math.abs(to))];
  if (change <= ROUNDING * level) return "0";
  const power = powerOf(change);
  // Beside values that are written with no power of ten, it has none either, however small it is.
  if (power >= SMALLEST || powerOf(level) < SMALLEST || powerOf(level) > LARGEST) return signed(to - from, change);
  return fixed(to - from, Math.min(2 - power, DIGITS - 1 - powerOf(level, DIGITS)));
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
