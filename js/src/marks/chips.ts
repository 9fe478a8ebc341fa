/** Units as words in a box each. */

import { make, makeButton, setAttribute } from "./dom";

/** Chips shown before the rest is only counted. */
const MOST = 12;

export function chip(player: number, players: readonly string[]): HTMLElement {
  const element = make("span", "spex-chip");
  element.title = place(player, players);
  element.append(make("span", "", word(player, players)), ...numeral(player, players));
  return element;
}

/** Which it is of the units with its name, where there are several. */
function numeral(player: number, players: readonly string[]): HTMLElement[] {
  const nth = namesakes(players)[player];
  return nth ? [make("sub", "", String(nth))] : [];
}

/** The chip of a unit that is out, which puts it back. */
export function outChip(player: number, players: readonly string[], putBack: () => void): HTMLButtonElement {
  const button = makeButton("put-back", putBack);
  button.className = "spex-chip";
  button.title = place(player, players);
  button.setAttribute("aria-label", `put ${quoted(player, players)} back`);
  button.append(make("s", "", word(player, players)), ...numeral(player, players), make("span", "", "\u00a0×"));
  return button;
}

/** What a unit is shown as, where it is white space alone too. */
export function word(player: number, players: readonly string[]): string {
  return unturned(players[player] ?? "").trim() || "␣";
}

/** Text without the letters that are not seen, and turn round what stands beside it: U+202E is one. */
export function unturned(text: string): string {
  return text.replace(/[\u202a-\u202e\u2066-\u2069]/g, "");
}

function place(player: number, players: readonly string[]): string {
  return `unit ${player + 1}: ${players[player]}`;
}

/** The members as words in reading order, with a mark where other units stand between them. */
export function chips(members: readonly number[], players: readonly string[]): HTMLElement[] {
  const shown = members.slice(0, MOST).flatMap((player, i) => {
    const one = chip(player, players);
    return i > 0 && members[i - 1] !== player - 1 ? [make("span", "spex-gap"), one] : [one];
  });
  return members.length > MOST ? [...shown, make("span", "spex-muted", `and ${members.length - MOST} more`)] : shown;
}

/** A way for members to be there or not, bit i of a position for member i: what is ablated is struck through. */
export function assignment(
  position: number,
  members: readonly number[],
  players: readonly string[],
): (HTMLElement | Text)[] {
  const isIn = (i: number) => (position >> i) & 1;
  const shown = members.map((player, i) => {
    const one = chip(player, players);
    setAttribute(one, "data-out", isIn(i) ? null : "");
    one.setAttribute("aria-hidden", "true");
    return one;
  });
  const said = members.map((player, i) => `${isIn(i) ? "with" : "without"} ${quoted(player, players)}`).join(", ");
  return [...shown, make("span", "spex-unseen", said)];
}

/** A unit by name, numbered where others have the same: as `numbered` of spex_widget/report/ranking.py writes it. */
export function quoted(player: number, players: readonly string[]): string {
  const nth = namesakes(players)[player];
  return `“${word(player, players)}${nth ? `\u00a0(${nth})` : ""}”`;
}

const known = new WeakMap<readonly string[], readonly number[]>();

/** Which each unit is of those with its name, from 1 in reading order; 0 where no other has it. Made once, for every row asks. */
function namesakes(players: readonly string[]): readonly number[] {
  const found = known.get(players);
  if (found) return found;
  const many = new Map<string, number>();
  const nth = players.map((_, player) => {
    const name = word(player, players);
    many.set(name, (many.get(name) ?? 0) + 1);
    return many.get(name) ?? 0;
  });
  const all = nth.map((n, player) => (many.get(word(player, players)) === 1 ? 0 : n));
  known.set(players, all);
  return all;
}

/** Units by name: “a”, “b” and “c”. */
export function named(players: readonly number[], labels: readonly string[]): string {
  const names = players.slice(0, MOST).map((player) => quoted(player, labels));
  return joined(players.length > MOST ? [...names, `${players.length - MOST} more`] : names);
}

export function joined(names: readonly string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
