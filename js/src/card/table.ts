/** The table of an interaction: one row a way for its members to be there or not, two columns of values on one scale. */

import { assignment } from "../marks/chips";
import { make, setAttribute, setText } from "../marks/dom";
import { figure, spreadOf } from "../marks/numbers";
import { paint } from "../marks/palette";
import { LockedScale } from "../marks/scale";
import { type Frame, modelValue, type Spectrum } from "../protocol";
import { bits, valueWithout } from "../surrogate";

/** Larger sets have no table: it doubles with each member. */
export const LARGEST = 4;

const HEADS = [
  ["units", "", ""],
  [
    "rest present",
    "model · surrogate",
    "The value while all other units are there: the model's own, where it was asked, and the surrogate's",
  ],
  [
    "averaged over the rest",
    "surrogate",
    "The surrogate's average over all ways for the other units to be there or not: an index speaks of this",
  ],
] as const;

interface Row {
  readonly position: number;
  readonly ablated: readonly number[];
  readonly model: Value;
  readonly surrogate: HTMLElement;
  readonly average: Value;
}

export class CardTable {
  readonly element = make("table");
  readonly #body: HTMLTableSectionElement;
  /** Whose values the first column holds. */
  readonly #whose: HTMLElement;
  /** Of the bars, which begin at 0. */
  readonly #scale = new LockedScale();
  /** Of the figures, which differ by less than they are where they share a level. */
  readonly #spread = new LockedScale();
  #rows: readonly Row[] = [];
  #members: readonly number[] = [];

  constructor(readonly players: readonly string[]) {
    this.element.setAttribute("aria-label", "Values with and without each of the units");
    const head = this.element.createTHead().insertRow();
    for (const [name, whose, title] of HEADS) {
      const cell = make("th", "", name);
      if (whose) cell.append(make("span", "spex-whose", ` ${whose}`));
      cell.scope = "col";
      if (title) cell.title = title;
      head.append(cell);
    }
    this.#whose = head.querySelector(".spex-whose") as HTMLElement;
    this.#body = this.element.createTBody();
  }

  /** Show the newest values; returns the coalitions that the model is to be asked about, by who is ablated. */
  draw(
    members: readonly number[],
    averages: Float64Array,
    spectrum: Spectrum,
    frame: Frame,
    live: boolean,
  ): (readonly number[])[] {
    if (members !== this.#members) this.#build(members);
    // Where every coalition was evaluated, what the surrogate says is what the model has said.
    const exact = frame.exact && spectrum.leftOut === 0;
    const values = this.#rows.map(({ position, ablated }) => {
      const surrogate = valueWithout(spectrum, ablated);
      const model = modelValue(frame, ablated) ?? (exact ? surrogate : null);
      return { model, surrogate, average: averages[position] ?? 0 };
    });
    const alone = !live && values.every(({ model }) => model === null);
    setText(this.#whose, alone ? " surrogate, no model" : " model · surrogate");
    const known = values.flatMap(({ model, surrogate, average }) => [model ?? surrogate, surrogate, average]);
    this.#scale.take(Math.max(...known.map(Math.abs)), false);
    this.#spread.take(spreadOf(known), false);
    const spread = this.#spread.full;
    const none = !live ? "not asked" : frame.asked.error && frame.asked.pending === 0 ? "no answer" : "…";
    this.#rows.forEach((row, i) => {
      const { model, surrogate, average } = values[i] as (typeof values)[number];
      row.model.draw(alone ? surrogate : model, this.#scale, spread, none);
      setText(row.surrogate, alone ? "" : figure(surrogate, spread));
      row.average.draw(average, this.#scale, spread);
    });
    return exact ? [] : this.#rows.map(({ ablated }) => ablated);
  }

  #build(members: readonly number[]): void {
    this.#members = members;
    this.#scale.release();
    this.#spread.release();
    // From all ablated to all present, so that what each one adds is read downwards.
    const positions = Array.from({ length: 1 << members.length }, (_, position) => position);
    positions.sort((a, b) => bits(a) - bits(b) || a - b);
    const rows = positions.map((position) => {
      const head = make("th");
      head.scope = "row";
      head.append(...assignment(position, members, this.players));
      const [model, average] = [new Value(), new Value()];
      const surrogate = make("span", "spex-muted spex-number");
      surrogate.title = "the surrogate's value";
      model.element.querySelector(".spex-value")?.after(surrogate);
      const element = make("tr");
      element.append(head, model.element, average.element);
      const ablated = members.filter((_, i) => !((position >> i) & 1));
      return { row: { position, ablated, model, surrogate, average }, element };
    });
    this.#rows = rows.map(({ row }) => row);
    this.#body.replaceChildren(...rows.map(({ element }) => element));
  }
}

/** A cell with a value and its bar. */
class Value {
  readonly element = make("td");
  readonly #bar = make("span", "spex-bar");
  readonly #number = make("span", "spex-number spex-value");

  constructor() {
    this.#bar.setAttribute("aria-hidden", "true");
    this.element.append(this.#number, this.#bar);
  }

  /** Show a value; where there is none, a word in its place. */
  draw(value: number | null, scale: LockedScale, spread: number, none = ""): void {
    setText(this.#number, value === null ? none : figure(value, spread));
    setAttribute(this.element, "data-pending", value === null && none === "…" ? "" : null);
    paint(this.#bar, value ?? 0, scale);
  }
}
