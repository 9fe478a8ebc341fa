/** What one view on the page knows: the newest frame, the locked scale, and where the reader points. */

import { decodeFrame, type Frame, type Header, type Interaction, isFinal } from "./protocol";
import { LockedScale } from "./scale";

const NOBODY: readonly number[] = [];

export class ViewState {
  /** The newest frame; null while nothing is known. */
  frame: Frame | null = null;
  /** Why the newest bytes could not be read; empty while all is well. */
  broken = "";
  /** How many frames were drawn. */
  drawn = 0;
  /** Of the bars over the text, which show each player's own effect. */
  readonly playerScale = new LockedScale();
  /** Of the bars in the ranking: another index, so another scale. */
  readonly rankingScale = new LockedScale();
  /** The row that was chosen. */
  selected: Interaction | null = null;
  /** The row under the pointer or the focus. */
  pointedRow: Interaction | null = null;
  /** The unit under the pointer or the focus. */
  pointedPlayer: number | null = null;

  #fresh = false;
  #request = 0;
  readonly #draws: (() => void)[] = [];
  readonly #ends: (() => void)[] = [];

  constructor(
    readonly header: Header,
    readonly now: () => number = () => performance.now(),
  ) {}

  /** Call `draw` in an animation frame after each change. */
  subscribe(draw: () => void): void {
    this.#draws.push(draw);
  }

  /** Call `end` when the view goes. */
  onDispose(end: () => void): void {
    this.#ends.push(end);
  }

  /** Take the bytes of a frame; older ones than the newest are left aside. */
  receive(bytes: DataView | null | undefined): void {
    try {
      const frame = bytes ? decodeFrame(bytes) : null;
      if (!frame || (this.frame && frame.seq < this.frame.seq)) return;
      if (this.frame && subject(this.frame) !== subject(frame)) this.#forget();
      this.frame = frame;
      const locked = !isFinal(frame.state);
      this.playerScale.take(largest(frame.effects ?? []), locked);
      this.rankingScale.take(largest(frame.interactions.map((row) => row.effect)), locked);
      this.#fresh = true;
      this.broken = "";
    } catch (error) {
      this.broken = error instanceof Error ? error.message : String(error);
    }
    this.invalidate();
  }

  /** What was measured and chosen for another output or index says nothing of this one. */
  #forget(): void {
    this.playerScale.release();
    this.rankingScale.release();
    this.selected = this.pointedRow = null;
  }

  /** Ask to be drawn; many calls make one drawing. */
  invalidate(): void {
    this.#request ||= requestAnimationFrame(() => this.draw());
  }

  /** Draw now. */
  draw(): void {
    cancelAnimationFrame(this.#request);
    this.#request = 0;
    if (this.#fresh) this.drawn++;
    this.#fresh = false;
    for (const draw of this.#draws) draw();
  }

  /** Choose a row, or let go of it when it was chosen already. */
  select(row: Interaction): void {
    this.selected = this.selected?.key === row.key ? null : row;
    this.invalidate();
  }

  /** Let go of rows that are no longer on screen: what they mark in the text could not be unmarked. */
  retain(onScreen: (row: Interaction) => boolean): void {
    if (this.selected && !onScreen(this.selected)) this.select(this.selected);
    if (this.pointedRow && !onScreen(this.pointedRow)) this.pointAtRow(null);
  }

  pointAtRow(row: Interaction | null): void {
    if (this.pointedRow?.key === row?.key) return;
    this.pointedRow = row;
    this.invalidate();
  }

  pointAtPlayer(player: number | null): void {
    if (this.pointedPlayer === player) return;
    this.pointedPlayer = player;
    this.invalidate();
  }

  /** Players to be highlighted in the text: of the row that is pointed at, else of the chosen one. */
  get marked(): readonly number[] {
    return (this.pointedRow ?? this.selected)?.members ?? NOBODY;
  }

  dispose(): void {
    cancelAnimationFrame(this.#request);
    this.#draws.length = 0;
    for (const end of this.#ends.splice(0)) end();
  }
}

/** What a frame's effects are effects on, and by which index. */
export function subject(frame: Frame): string {
  return [frame.output, frame.outputLabel, frame.index, frame.maxOrder].join();
}

function largest(effects: Iterable<number>): number {
  let size = 0;
  for (const effect of effects) size = Math.max(size, Math.abs(effect));
  return size;
}
