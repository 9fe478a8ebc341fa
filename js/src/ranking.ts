/** Pane 4: the interactions by size, in a table that holds still while it is read. */

import { make, makeButton, onKeys, setText } from "./dom";
import { orderFilter } from "./filters";
import { slide } from "./flip";
import { indexHelp } from "./indexhelp";
import { type Frame, type Interaction, isFinal } from "./protocol";
import { rescaleButton } from "./rescale";
import { Row } from "./row";
import { advance, apply, changes, EVERY_MS, NOBODY, type Standing } from "./stability";
import { subject, type ViewState } from "./state";

/** Rows shown before a person asks for all. */
const FIRST = 10;

export function rankingPane(state: ViewState): HTMLElement {
  const pane = make("section", "spex-ranking");
  pane.setAttribute("aria-label", "Ranking");
  const { table, body } = makeTable();
  const rows = new Map<string, Row>();
  let standing = NOBODY;
  let about = "";
  let all = false;
  const reader = { inside: false, focused: false };
  const limit = () => (all ? Number.POSITIVE_INFINITY : FIRST);
  const isFrozen = () => reader.inside || reader.focused;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const filter = orderFilter(() => {
    standing = NOBODY;
    draw();
  });
  const help = indexHelp();
  const offer = makeButton("apply", () => {
    adopt(apply(sizes(shown()), state.now()));
    draw();
    if (reader.focused) body.querySelector("tr")?.focus();
  });
  const more = makeButton("more", () => {
    all = !all;
    draw();
  });
  const empty = make("p", "spex-muted");
  const head = make("div", "spex-head");
  const rescale = rescaleButton(state, state.rankingScale);
  head.append(make("strong", "", "Acting together"), filter.element, help.element, rescale.element, offer);
  pane.append(head, table, empty, more);

  /** The newest frame's interactions that pass the filter, largest first. */
  function shown(): Interaction[] {
    const kept = (state.frame?.interactions ?? []).filter((row) => filter.passes(row.members.length));
    return kept.sort((a, b) => Math.abs(b.effect) - Math.abs(a.effect)); // stable: ties stay as the kernel ranks them
  }

  /** Let rows stand in a new order, which holds sets of the newest frame and of the order before only. */
  function adopt(next: Standing): void {
    standing = next;
    const kept = new Set(next.order);
    for (const key of rows.keys()) if (!kept.has(key)) rows.delete(key);
    for (const row of shown()) {
      if (kept.has(row.key) && !rows.has(row.key)) rows.set(row.key, new Row(row, state.header.players));
    }
  }

  function place(frame: Frame): void {
    if (subject(frame) !== about) standing = NOBODY;
    about = subject(frame);
    const newest = shown();
    const at = { now: state.now(), frozen: isFrozen(), final: isFinal(frame.state) };
    adopt(advance(standing, sizes(newest), at));
    clearTimeout(timer);
    if (standing.order !== standing.wanted && !at.frozen) {
      timer = setTimeout(() => state.invalidate(), Math.max(0, standing.at + EVERY_MS - at.now));
    }
    const visible = standing.order.slice(0, limit()).flatMap((key) => rows.get(key) ?? []);
    arrange(visible.map((row) => row.element));
    state.retain(({ key }) => visible.some((row) => row.interaction.key === key));
    const byKey = new Map(newest.map((row) => [row.key, row]));
    visible.forEach((row, i) => {
      row.update(byKey.get(row.interaction.key) ?? null, i + 1, frame, state.rankingScale);
      row.highlight(row.interaction.key === state.selected?.key, state.pointedPlayer);
    });
  }

  function arrange(wanted: HTMLElement[]): void {
    const before = [...body.children];
    if (wanted.length === before.length && wanted.every((row, i) => row === before[i])) return;
    const holder = document.activeElement;
    slide(wanted, () => body.replaceChildren(...wanted));
    if (holder instanceof HTMLElement && wanted.includes(holder)) holder.focus();
    if (wanted[0] && !wanted.some((row) => row.tabIndex === 0)) wanted[0].tabIndex = 0;
  }

  function draw(): void {
    const frame = state.frame;
    const known = !!frame?.effects;
    if (known) {
      place(frame);
      help.draw(frame);
    }
    head.hidden = table.hidden = !known;
    rescale.draw();
    const waiting = changes(standing, limit());
    setText(offer, `${waiting} ${waiting === 1 ? "change" : "changes"} – apply`);
    offer.hidden = waiting === 0 || !isFrozen();
    setText(more, all ? `show the first ${FIRST}` : `show all ${standing.order.length}`);
    more.hidden = standing.order.length <= FIRST;
    setText(
      empty,
      known ? "No interaction of this order was found." : "The first ranking comes with the first estimate.",
    );
    empty.hidden = standing.order.length > 0;
  }

  read(pane, table, body, rows, state, reader);
  state.subscribe(draw);
  state.onDispose(() => clearTimeout(timer));
  return pane;
}

/** Follow the reader's pointer and focus, which freeze the table, point at rows and choose them. */
function read(
  pane: HTMLElement,
  table: HTMLElement,
  body: HTMLElement,
  rows: ReadonlyMap<string, Row>,
  state: ViewState,
  reader: { inside: boolean; focused: boolean },
): void {
  const rowAt = (target: EventTarget | null) => {
    const element = (target as Element | null)?.closest<HTMLElement>("tr[data-members]");
    return element ? (rows.get(element.dataset.members ?? "") ?? null) : null;
  };
  // The whole pane counts as the table, or the way to the button that applies the changes would apply them.
  pane.addEventListener("pointerenter", () => {
    reader.inside = true;
  });
  pane.addEventListener("pointerleave", () => {
    reader.inside = false;
    state.invalidate();
  });
  table.addEventListener("focusin", (event) => {
    reader.focused = true;
    const row = rowAt(event.target);
    if (!row) return;
    for (const other of rows.values()) other.element.tabIndex = other === row ? 0 : -1;
    state.pointAtRow(row.interaction);
  });
  pane.addEventListener("focusout", (event) => {
    if (pane.contains(event.relatedTarget as Node | null)) return;
    reader.focused = false;
    state.pointAtRow(null);
    state.invalidate();
  });
  body.addEventListener("pointerover", (event) => state.pointAtRow(rowAt(event.target)?.interaction ?? null));
  body.addEventListener("pointerleave", () => state.pointAtRow(null));
  body.addEventListener("click", (event) => {
    const row = rowAt(event.target);
    if (row) state.select(row.interaction);
  });
  onKeys(body, ({ key, target }) => {
    const row = rowAt(target);
    if (!row) return false;
    const { nextElementSibling: next, previousElementSibling: before } = row.element;
    const to = { ArrowDown: next, ArrowUp: before }[key];
    if (key === "Enter" || key === " ") state.select(row.interaction);
    else if (to instanceof HTMLElement) to.focus();
    return to !== undefined || key === "Enter" || key === " ";
  });
}

function sizes(interactions: readonly Interaction[]) {
  return interactions.map((row) => ({ key: row.key, size: Math.abs(row.effect) }));
}

function makeTable() {
  const table = make("table");
  table.setAttribute("role", "grid"); // in a plain table a row cannot be selected
  table.setAttribute("aria-label", "Interactions, the largest effect first");
  const row = table.createTHead().insertRow();
  for (const name of ["rank", "members", "order", "effect", "kind", "status"]) {
    const cell = make("th", `spex-${name}`, name === "rank" ? "" : name);
    cell.scope = "col";
    if (name === "rank") cell.setAttribute("aria-label", "rank");
    row.append(cell);
  }
  return { table, body: table.createTBody() };
}
