/**
 * Pane 4: the interactions by size, in a table that holds still while it is read. Pinned rows stand above all others, in
 * the order in which they were pinned, whatever the ranking and the filters do below them.
 */

import { focused, make, makeButton, setText, showButton } from "../marks/dom";
import { rescaleButton } from "../marks/rescale";
import { type Frame, type Interaction, isFinal } from "../protocol";
import { subject, type ViewState } from "../state";
import { rowFilters } from "./filters";
import { indexPicker } from "./indexpicker";
import { orderChoice } from "./orders";
import { Reader } from "./reader";
import { Row } from "./row";
import { slide } from "./slide";
import { advance, apply, changes, EVERY_MS, NOBODY, type Standing } from "./stability";

/** Rows shown before a person asks for all. */
const FIRST = 10;

export function rankingPane(state: ViewState): HTMLElement {
  const pane = make("section", "spex-ranking");
  pane.setAttribute("aria-label", "Ranking");
  const { table, body } = makeTable();
  const held = make("div");
  const rows = new Map<string, Row>();
  const pins = new Set<string>();
  const reader = new Reader(pane, held, table, body, rows, state);
  let standing = NOBODY;
  let about = "";
  let all = false;
  const limit = () => (all ? Number.POSITIVE_INFINITY : FIRST);
  let timer: ReturnType<typeof setTimeout> | undefined;

  const begin = () => {
    standing = NOBODY;
    state.draw(); // the lanes show the same rows
  };
  const orders = orderChoice(begin);
  const filters = rowFilters(state.header.players, begin);
  const index = indexPicker(state);
  const rescale = rescaleButton(state, state.rankingScale);
  const offer = makeButton("apply", () => {
    const reading = reader.focused; // which hiding this button ends
    adopt(apply(sizes(shown()), state.now()));
    draw();
    if (reading) body.querySelector("tr")?.focus();
  });
  const head = make("div", "spex-head");
  const heading = make("strong");
  head.append(heading, index.element, index.help, orders.element);
  const empty = make("p", "spex-muted");
  const more = makeButton("more", () => {
    all = !all;
    draw();
  });
  const matching = make("span", "spex-muted spex-number");
  const clear = makeButton("clear", () => filters.clear(), "clear filters");
  const tail = make("div", "spex-tail");
  tail.append(more, matching, clear, rescale.element, offer); // below the rows, which it does not move
  held.append(table, empty, tail);
  pane.append(head, filters.element, held);

  /** The newest frame's interactions of the orders that are ranked. */
  function ofOrder(): Interaction[] {
    return (state.frame?.interactions ?? []).filter((row) => orders.passes(row.members.length));
  }

  /** Those that pass the filters, largest first. */
  function shown(): Interaction[] {
    const kept = ofOrder().filter(filters.passes);
    return kept.sort((a, b) => Math.abs(b.effect) - Math.abs(a.effect)); // stable: ties stay as the kernel ranks them
  }

  function pin(key: string): void {
    if (!pins.delete(key)) pins.add(key);
    draw();
  }

  /** Let rows stand in a new order, which holds sets of the newest frame and of the order before only. */
  function adopt(next: Standing): void {
    standing = next;
    const kept = new Set([...pins, ...next.order]);
    for (const key of rows.keys()) if (!kept.has(key)) rows.delete(key);
    for (const row of shown()) {
      if (kept.has(row.key) && !rows.has(row.key)) {
        rows.set(row.key, new Row(row, state.header.players, () => pin(row.key)));
      }
    }
  }

  function place(frame: Frame): void {
    if (subject(frame) !== about) {
      standing = NOBODY;
      pins.clear();
    }
    about = subject(frame);
    const at = { now: state.now(), frozen: reader.reads, final: isFinal(frame.state) || state.jumped };
    adopt(advance(standing, sizes(shown()), at));
    clearTimeout(timer);
    if (standing.order !== standing.wanted && !at.frozen) {
      timer = setTimeout(() => state.invalidate(), Math.max(0, standing.at + EVERY_MS - at.now));
    }
    const live = standing.order.slice(0, limit()).filter((key) => !pins.has(key));
    const visible = [...pins, ...live].flatMap((key) => rows.get(key) ?? []);
    arrange(visible);
    const newest = new Map(frame.interactions.map((row) => [row.key, row]));
    const ranks = new Map(standing.order.map((key, i) => [key, i + 1]));
    state.standing = standing.order.flatMap((key, i) => {
      const row = newest.get(key);
      return row && row.members.length > 1 ? [{ row, rank: i + 1 }] : [];
    });
    const onScreen = new Set([
      ...visible.map((row) => row.interaction.key),
      ...state.standing.map(({ row }) => row.key),
    ]);
    state.retain(({ key }) => onScreen.has(key)); // in the table, or in a lane under the text
    for (const row of visible) {
      const { key } = row.interaction;
      row.update(newest.get(key) ?? null, ranks.get(key) ?? null, frame, state.rankingScale);
      row.mark({ pinned: pins.has(key), selected: state.isSelected(row.interaction), player: state.pointedPlayer });
    }
  }

  function arrange(wanted: readonly Row[]): void {
    const before = [...body.children];
    const next = wanted.map((row) => row.element);
    if (next.length === before.length && next.every((row, i) => row === before[i])) return;
    const holder = focused(body);
    const at = before.findIndex((row) => row.contains(holder));
    slide(next, () => body.replaceChildren(...next));
    const heir = body.contains(holder) ? holder : next[Math.min(at, next.length - 1)];
    if (at >= 0 && heir instanceof HTMLElement) heir.focus({ preventScroll: true }); // the reader's eyes stay
    // Tab enters where the reader left, else at the top.
    const entry = wanted.find((row) => row.element.contains(focused(body))) ?? wanted[0];
    for (const row of wanted) row.tabStop = row === entry;
  }

  function draw(): void {
    const frame = state.frame;
    const known = !!frame?.effects;
    if (known) {
      orders.follow(frame.index);
      place(frame);
      index.draw(frame);
    }
    setText(heading, orders.heading);
    head.hidden = filters.element.hidden = table.hidden = tail.hidden = !known;
    rescale.draw();
    const waiting = changes(standing, limit(), pins);
    setText(offer, `${waiting} ${waiting === 1 ? "change" : "changes"} – apply`);
    offer.hidden = waiting === 0 || !reader.reads;
    setText(more, all ? `show the first ${FIRST}` : `show all ${standing.order.length}`);
    more.hidden = standing.order.length <= FIRST;
    setText(matching, `${shown().length} of ${ofOrder().length} rows match`);
    matching.hidden = !filters.active;
    showButton(clear, filters.active);
    setText(empty, standing.order.length > 0 ? "" : whyEmpty(frame));
    empty.hidden = empty.textContent === "";
  }

  /** Why there is no row; empty where the count of matching rows says it. */
  function whyEmpty(frame: Frame | null): string {
    if (!frame?.effects) {
      return frame && isFinal(frame.state)
        ? "There is no ranking: the run ended before its first estimate."
        : "The first ranking comes with the first estimate.";
    }
    if (ofOrder().length === 0) return "No interaction of this order was found.";
    if (!filters.settledOnly || ofOrder().some((row) => row.settled)) return "";
    return isFinal(frame.state) ? "None is settled." : "None is settled yet.";
  }

  state.subscribe(draw);
  state.onDispose(() => clearTimeout(timer));
  return pane;
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
    const cell = make("th", `spex-${name}`);
    cell.scope = "col";
    cell.append(make("span", name === "rank" ? "spex-unseen" : "", name));
    row.append(cell);
  }
  return { table, body: table.createTBody() };
}
