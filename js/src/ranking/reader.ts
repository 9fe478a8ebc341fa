/** The reader of the ranking: pointer and focus freeze it, point at rows, walk them and choose them. */

import { onKeys } from "../marks/dom";
import type { ViewState } from "../state";
import type { Row } from "./row";

export class Reader {
  /** The focus is among the rows, or went from them to the buttons below, of which one applies the changes. */
  focused = false;
  #inside = false;
  readonly #rows: ReadonlyMap<string, Row>;

  constructor(
    pane: HTMLElement,
    held: HTMLElement,
    table: HTMLElement,
    body: HTMLElement,
    rows: ReadonlyMap<string, Row>,
    state: ViewState,
  ) {
    this.#rows = rows;
    // For the pointer the whole pane counts as the table, or the rows would jump on its way to a filter and back.
    pane.addEventListener("pointerenter", () => {
      this.#inside = true;
    });
    pane.addEventListener("pointerleave", () => {
      this.#inside = false;
      state.invalidate();
    });
    table.addEventListener("focusin", (event) => {
      this.focused = true;
      const row = this.#rowAt(event.target);
      if (!row) return;
      for (const other of rows.values()) other.tabStop = other === row;
      state.pointAtRow(row.interaction);
    });
    held.addEventListener("focusout", (event) => {
      if (held.contains(event.relatedTarget as Node | null)) return;
      this.focused = false;
      state.pointAtRow(null);
      state.invalidate();
    });
    body.addEventListener("pointerover", (event) => state.pointAtRow(this.#rowAt(event.target)?.interaction ?? null));
    body.addEventListener("pointerleave", () => state.pointAtRow(null));
    body.addEventListener("click", ({ target }) => {
      const row = this.#rowAt(target);
      if (row && !isButton(target)) state.select(row.interaction);
    });
    onKeys(body, ({ key, target }) => {
      const row = this.#rowAt(target);
      if (!row) return false;
      const { nextElementSibling: next, previousElementSibling: before } = row.element;
      const to = { ArrowDown: next, ArrowUp: before }[key];
      const chooses = (key === "Enter" || key === " ") && !isButton(target);
      if (chooses) state.select(row.interaction);
      else if (to instanceof HTMLElement) to.focus();
      return chooses || to !== undefined;
    });
  }

  /** Whether the rows must hold still. */
  get reads(): boolean {
    return this.#inside || this.focused;
  }

  #rowAt(target: EventTarget | null): Row | null {
    const element = (target as Element | null)?.closest<HTMLElement>("tr[data-members]");
    return element ? (this.#rows.get(element.dataset.members ?? "") ?? null) : null;
  }
}

/** A button in a row acts for itself: it does not choose the row. */
function isButton(target: EventTarget | null): boolean {
  return !!(target as Element | null)?.closest("button");
}
