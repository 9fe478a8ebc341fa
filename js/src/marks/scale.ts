/** The scale of a pane's bars, which holds still while one reads them. */

/** The first scale leaves so much room above the largest effect. */
const ROOM = 1.2;

export class LockedScale {
  /** The effect that a full bar stands for; 0 before the first estimate. */
  full = 0;
  /** The largest effect of the newest frame. */
  #largest = 0;

  /** Take in a frame's largest effect. The scale is chosen once; it fits itself again only while nothing runs. */
  take(largest: number, locked: boolean): void {
    this.#largest = largest;
    if (this.full === 0 || (!locked && !(this.fits && largest >= 0.6 * this.full))) this.refit();
  }

  /** Let go of the scale, since the next frame speaks of something else. */
  release(): void {
    this.full = 0;
  }

  /** Choose the scale anew. */
  refit(): void {
    this.full = roundUp(this.#largest * ROOM);
  }

  /** Whether the newest effects neither overflow nor shrink to nothing. */
  get fits(): boolean {
    return this.#largest <= this.full && this.#largest >= 0.3 * this.full;
  }

  /** An effect as a share of a full bar, −1 … 1. */
  share(effect: number): number {
    return this.full === 0 ? 0 : Math.max(-1, Math.min(1, effect / this.full));
  }

  overflows(effect: number): boolean {
    return this.full > 0 && Math.abs(effect) > this.full;
  }
}

/** The next of 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8 × a power of ten. */
export function roundUp(x: number): number {
  if (!(x > 0)) return 0;
  const power = 10 ** Math.floor(Math.log10(x));
  const step = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8].find((s) => s * power >= x * (1 - 1e-9));
  return Number(((step ?? 10) * power).toPrecision(2));
}
