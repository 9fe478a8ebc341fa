/** Numbers as they are written on screen. */

const MINUS = "−";

export function count(x: number): string {
  return Math.round(x).toLocaleString("en-US");
}

/** An effect with its sign, to as many places as the full bar asks for. */
export function signed(x: number, full: number): string {
  const places = full > 0 ? Math.max(0, Math.min(6, 2 - Math.floor(Math.log10(full)))) : 2;
  const text = Math.abs(x).toFixed(Math.min(places, 6));
  return Number(text) === 0 ? text : `${x < 0 ? MINUS : "+"}${text}`;
}

/** A level that effects are seen from: as an effect is written, but nought is "0". */
export function level(x: number, full: number): string {
  return x === 0 ? "0" : signed(x, full);
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
