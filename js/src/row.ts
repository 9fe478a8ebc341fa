/** One row of the ranking: its cells, kept in place while the numbers in them change. */

import { make, setAttribute, setText } from "./dom";
import { signed } from "./numbers";
import { paint } from "./palette";
import { type Frame, type Interaction, isFinal } from "./protocol";
import type { LockedScale } from "./scale";
import { KIND_WORDS } from "./wording";

/** Chips shown before the rest is only counted. */
const CHIPS = 12;

export class Row {
  readonly element = make("tr");
  interaction: Interaction;
  readonly #rank = make("td", "spex-rank spex-number");
  readonly #bar = make("span", "spex-bar");
  readonly #effect = make("span", "spex-number");
  readonly #kind = make("td", "spex-kind");
  readonly #status = make("td", "spex-status");

  constructor(interaction: Interaction, players: readonly string[]) {
    this.interaction = interaction;
    this.element.dataset.members = interaction.key;
    this.element.tabIndex = -1;
    const members = make("td", "spex-members");
    members.append(...chips(interaction.members, players));
    const order = make("td", "spex-order spex-number", String(interaction.members.length));
    const effect = make("td", "spex-effect");
    this.#bar.setAttribute("aria-hidden", "true");
    effect.append(this.#bar, this.#effect);
    this.element.append(this.#rank, members, order, effect, this.#kind, this.#status);
  }

  /** Show the newest values; null where the frame no longer holds this set. */
  update(newest: Interaction | null, rank: number, frame: Frame, scale: LockedScale): void {
    if (newest) this.interaction = newest;
    const { effect, kind } = this.interaction;
    setText(this.#rank, String(rank));
    setAttribute(this.element, "data-rank", String(rank));
    setAttribute(this.element, "data-gone", newest ? null : "");
    setText(this.#effect, signed(effect, scale.full));
    paint(this.#bar, effect, scale);
    setText(this.#kind, kind);
    setAttribute(this.#kind, "title", KIND_WORDS[kind]);
    setText(this.#status, newest ? statusOf(frame) : "gone");
    setAttribute(this.#status, "title", newest ? null : "The newest estimate no longer has this set among its largest");
  }

  /** Show whether the reader chose this row, and whether it holds the unit that is pointed at. */
  highlight(selected: boolean, player: number | null): void {
    setAttribute(this.element, "aria-selected", String(selected));
    const holds = player !== null && this.interaction.members.includes(player);
    setAttribute(this.element, "data-holds", holds ? "" : null);
  }
}

function statusOf(frame: Frame): string {
  if (frame.exact) return "exact";
  return isFinal(frame.state) ? "estimated" : "provisional";
}

/** The members as words in reading order, with a mark where other units stand between them. */
function chips(members: readonly number[], players: readonly string[]): HTMLElement[] {
  const shown = members.slice(0, CHIPS).flatMap((player, i) => {
    const chip = make("span", "spex-chip", players[player]?.trim() || "␣");
    chip.title = `unit ${player + 1}: ${players[player]}`;
    return i > 0 && members[i - 1] !== player - 1 ? [make("span", "spex-gap"), chip] : [chip];
  });
  return members.length > CHIPS ? [...shown, make("span", "spex-muted", `and ${members.length - CHIPS} more`)] : shown;
}
