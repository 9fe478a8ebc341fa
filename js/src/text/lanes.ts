/**
 * Pane 3: under each line of the text, the interactions of order 2 and more, a lane each. The table of the ranking says the
 * same to a screen reader and to the keyboard, so this drawing is for the eye and the pointer alone.
 */

import { makeSvg, setAttribute, setText } from "../marks/dom";
import type { LockedScale } from "../marks/scale";
import { watch } from "../marks/watch";
import { mayBeNothing, statusOf } from "../marks/wording";
import { type Frame, type Interaction, isFinal } from "../protocol";
import type { ViewState } from "../state";
import { arc } from "./arcs";
import { type Layout, UNKNOWN } from "./layout";
import { assign, lanesFor, type Shape, shape, stretches } from "./stretches";

/** Lanes look for room for so many, from the top of the ranking. */
const MOST = 200;

/** A smaller share of the scale than this is too little to be drawn. */
const LEAST = 0.05;

/** The thinnest and the thickest line, in pixels. */
const [THIN, THICK] = [1, 4];

/** One interaction as it is drawn. */
export interface Drawn {
  readonly row: Interaction;
  /** Its place in the ranking. */
  readonly rank: number;
  readonly shape: Shape;
  readonly width: number;
  /** Whether more ablations, or the model itself, may still say otherwise. */
  readonly dashed: boolean;
}

export class Lanes {
  readonly element = makeSvg("svg", { class: "spex-lanes", "aria-hidden": "true" });
  /** What lies in the lanes, the first of the ranking first. */
  drawn: readonly Drawn[] = [];
  /** Whether the person wants them. */
  shown = true;
  #layout = UNKNOWN;
  readonly #changed = watch();
  #before: ReadonlyMap<string, number> = new Map();
  #final = false;
  readonly #marks = new Map<string, Mark>();
  readonly #arc = makeSvg("path", { class: "spex-arc" });
  /** The pointer is on this one. */
  #pointed = "";

  constructor(readonly state: ViewState) {
    this.element.append(this.#arc);
    const rowAt = (target: EventTarget | null) => {
      const key = (target as Element | null)?.closest<SVGElement>("[data-key]")?.dataset.key;
      return this.drawn.find(({ row }) => row.key === key)?.row ?? null;
    };
    const point = (row: Interaction | null) => {
      this.#pointed = row?.key ?? "";
      state.pointAtRow(row);
    };
    this.element.addEventListener("pointerover", ({ target }) => point(rowAt(target)));
    this.element.addEventListener("pointerout", ({ relatedTarget }) => {
      if (!rowAt(relatedTarget)) point(null);
    });
    this.element.addEventListener("click", ({ target }) => {
      const row = rowAt(target);
      if (row) state.select(row);
    });
  }

  draw(layout: Layout): void {
    const { state } = this;
    const { frame, standing, rankingScale, person } = state;
    const rows = frame ? standing.flatMap(({ row, rank }) => [row.key, rank, row.effect, statusOf(row, frame)]) : [];
    if (this.#changed(layout, this.shown, rankingScale.full, frame?.state, frame?.r2?.low, person.selected, ...rows)) {
      this.#layout = layout;
      this.#place(frame);
    }
    this.#emphasise();
  }

  /** Give interactions their lanes anew; a chosen one comes first, so that it is seen. */
  #place(frame: Frame | null): void {
    const layout = this.#layout;
    const scale = this.state.rankingScale;
    const any = this.shown && frame && !mayBeNothing(frame) && layout.lines.length > 0;
    const ranked = any ? this.state.standing : [];
    const chosen = ranked.filter(({ row }) => this.state.isSelected(row));
    const large = ranked.slice(0, MOST).filter(({ row }) => Math.abs(scale.share(row.effect)) >= LEAST);
    const claims = [...chosen, ...large.filter((one) => !chosen.includes(one))].map(({ row, rank }) => ({
      ...{ key: row.key, row, rank },
      stretches: stretches(row.members, rank, layout),
    }));
    const final = !!frame && isFinal(frame.state);
    // At its end the ranking is the result's own, and so are the lanes: the largest lie nearest to the text.
    const lanes = assign(claims, final && !this.#final ? new Map() : this.#before, lanesFor(layout.spots.length));
    [this.#before, this.#final] = [lanes, final];
    this.drawn = claims.flatMap(({ key, row, rank, stretches }) => {
      const lane = lanes.get(key);
      if (lane === undefined || !frame) return [];
      const dashed = !["settled", "exact", "confirmed", "no interval"].includes(statusOf(row, frame));
      return { row, rank, shape: shape(stretches, lane, layout), width: widthOf(row, scale), dashed };
    });
    for (const [key, mark] of this.#marks) {
      if (lanes.has(key)) continue;
      mark.element.remove();
      this.#marks.delete(key);
    }
    for (const one of this.drawn) {
      let mark = this.#marks.get(one.row.key);
      if (!mark) {
        mark = new Mark(one.row.key);
        this.#marks.set(one.row.key, mark);
        this.#arc.before(mark.element);
      }
      mark.update(one);
    }
    // The pointer does not leave what was taken away under it.
    if (this.#pointed && !lanes.has(this.#pointed)) {
      this.#pointed = "";
      this.state.pointAtRow(null);
    }
  }

  /** The one that is pointed at or chosen stands out, else those that hold the unit that is pointed at. */
  #emphasise(): void {
    const { marked, pointedPlayer } = this.state;
    const key = marked.join();
    const about = this.#marks.has(key);
    let any = about;
    for (const { row } of this.drawn) {
      const on = about ? row.key === key : pointedPlayer !== null && row.members.includes(pointedPlayer);
      any ||= on;
      setAttribute(this.#marks.get(row.key)?.element ?? this.element, "data-on", on ? "" : null);
    }
    setAttribute(this.element, "data-fade", any ? "" : null);
    const [first, second, ...more] = marked;
    const pair = first !== undefined && second !== undefined && more.length === 0;
    setAttribute(this.#arc, "d", (pair && arc([first, second], this.#layout)) || null);
  }
}

/** The elements of one interaction, kept while it is drawn. */
class Mark {
  readonly element: SVGGElement;
  readonly #joins = makeSvg("path", { class: "spex-joins" });
  readonly #heads = makeSvg("path", { class: "spex-heads" });
  readonly #dots = makeSvg("path", { class: "spex-dots" });
  readonly #rank = makeSvg("text");
  readonly #reach = makeSvg("path", { class: "spex-reach" });

  constructor(key: string) {
    this.element = makeSvg("g", { "data-key": key });
    this.element.append(this.#joins, this.#heads, this.#dots, this.#rank, this.#reach);
  }

  update({ row, rank, shape, width, dashed }: Drawn): void {
    setAttribute(this.element, "data-sign", row.effect > 0 ? "+" : "−");
    setAttribute(this.element, "data-dashed", dashed ? "" : null);
    setAttribute(this.#joins, "d", shape.joins);
    setAttribute(this.#joins, "stroke-width", String(width));
    setAttribute(this.#heads, "d", shape.heads);
    setAttribute(this.#dots, "d", shape.dots);
    setAttribute(this.#reach, "d", shape.reach);
    while (this.#rank.childElementCount > shape.ranks.length) this.#rank.lastElementChild?.remove();
    shape.ranks.forEach(([x, y], i) => {
      const word = this.#rank.children[i] ?? this.#rank.appendChild(makeSvg("tspan"));
      setText(word, String(rank));
      setAttribute(word, "x", String(x));
      setAttribute(word, "y", String(y));
    });
  }
}

/** In steps that can be seen, so that a frame touches only what a person could see change. */
function widthOf({ effect }: Interaction, scale: LockedScale): number {
  return Math.round(2 * (THIN + (THICK - THIN) * Math.abs(scale.share(effect)))) / 2;
}
