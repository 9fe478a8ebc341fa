/** What one view on the page knows: the newest frame, the locked scales, and what the person points at and chose. */

import { LockedScale } from "./marks/scale";
import { decodeFrame, type Frame, type Header, type Interaction, isFinal } from "./protocol";

/** The shortest time between two drawings. */
const FRAME_MS = 16;

const NOBODY: readonly number[] = [];

/** What the person owns; the kernel hears of each change, and may make one (see person.ts). */
export interface Person {
  /** The members of the interaction that was chosen; none where it is empty. */
  selected: readonly number[];
  /** The players that were taken out, ascending. */
  what_if: readonly number[];
  /** Which output is explained: a position, the first and the last but one of a span, or weights by label. */
  output: number | readonly [number, number] | Readonly<Record<string, number>>;
  index: string;
  max_order: number | null;
}

/** A row and its place in the ranking, from 1. */
export interface Standing {
  readonly row: Interaction;
  readonly rank: number;
}

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
  readonly person: Person = { selected: NOBODY, what_if: NOBODY, output: 0, index: "BII", max_order: null };
  /** Interactions of order 2 and more as they stand in the ranking, from the top. */
  standing: readonly Standing[] = [];
  /** Whether a kernel answers: a recording has none, and one that was restarted knows nothing of this view. */
  live = true;
  /** Whether the person has asked for this very moment: nothing is held back then for the eyes to follow. */
  jumped = false;
  /** The row under the pointer or the focus. */
  pointedRow: Interaction | null = null;
  /** The unit under the pointer or the focus. */
  pointedPlayer: number | null = null;

  #fresh = false;
  #request = 0;
  #drawnAt = Number.NEGATIVE_INFINITY;
  readonly #draws: (() => void)[] = [];
  readonly #ends: (() => void)[] = [];
  readonly #hears: ((changed: Partial<Person>) => void)[] = [];

  constructor(
    readonly header: Header,
    readonly now: () => number = () => performance.now(),
  ) {}

  /** Call `draw` after changes, at most once an animation frame. */
  subscribe(draw: () => void): void {
    this.#draws.push(draw);
  }

  /** Call `end` when the view goes. */
  onDispose(end: () => void): void {
    this.#ends.push(end);
  }

  /** Take the bytes of a frame; older ones than the newest are left aside. */
  receive(bytes: DataView | null | undefined): void {
    this.#take(bytes, false);
  }

  /** Take the bytes of a moment that a person has asked for, older or newer. */
  show(bytes: DataView): void {
    this.#take(bytes, true);
  }

  #take(bytes: DataView | null | undefined, asked: boolean): void {
    try {
      const frame = bytes ? decodeFrame(bytes) : null;
      if (!frame || (!asked && this.frame && frame.seq < this.frame.seq)) return;
      this.jumped = asked;
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
    // At once where the last drawing is a frame ago: to wait for the next would be half of all the way from the kernel.
    if (this.now() - this.#drawnAt >= FRAME_MS && !document.hidden) this.draw();
    else this.invalidate();
  }

  /** Sizes and rows of another output or index say nothing of this one. */
  #forget(): void {
    this.playerScale.release();
    this.rankingScale.release();
    this.pointedRow = null;
  }

  /** Ask to be drawn; many calls make one drawing. */
  invalidate(): void {
    this.#request ||= requestAnimationFrame(() => this.draw());
  }

  /** Draw now. */
  draw(): void {
    cancelAnimationFrame(this.#request);
    this.#request = 0;
    this.#drawnAt = this.now();
    if (this.#fresh) this.drawn++;
    this.#fresh = false;
    for (const draw of this.#draws) draw();
  }

  /** Be told of what the person changes on this page. */
  onPerson(hear: (changed: Partial<Person>) => void): void {
    this.#hears.push(hear);
  }

  /** The person changes something here: whoever listens is told. */
  change(changed: Partial<Person>): void {
    this.adopt(changed);
    for (const hear of this.#hears) hear(changed);
  }

  /** Take what was changed elsewhere. */
  adopt(changed: Partial<Person>): void {
    Object.assign(this.person, changed);
    this.invalidate();
  }

  /** Choose an interaction, or let go of it when it was chosen already. */
  select({ key, members }: Pick<Interaction, "key" | "members">): void {
    this.change({ selected: this.person.selected.join() === key ? NOBODY : members });
  }

  isSelected(row: Interaction): boolean {
    return this.person.selected.join() === row.key;
  }

  /** The players that were taken out. */
  get whatIf(): readonly number[] {
    return this.person.what_if;
  }

  /** Take a player out, or put it back. */
  toggle(player: number): void {
    const left = this.whatIf.filter((other) => other !== player);
    const taken = left.length === this.whatIf.length ? [...left, player].sort((a, b) => a - b) : left;
    this.change({ what_if: taken });
  }

  /** Put all players back. */
  restore(): void {
    this.change({ what_if: NOBODY });
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
    return this.pointedRow?.members ?? this.person.selected;
  }

  /** Let go of the row that is pointed at where it is no longer on screen: no pointer would ever leave it. */
  retain(onScreen: (row: Interaction) => boolean): void {
    if (this.pointedRow && !onScreen(this.pointedRow)) this.pointAtRow(null);
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
