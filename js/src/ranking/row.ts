/** One row of the ranking: its cells, kept in place while the numbers in them change. */

import { chips, quoted } from "../marks/chips";
import { make, makeButton, setAttribute, setText } from "../marks/dom";
import { signed } from "../marks/numbers";
import { paint, whisker } from "../marks/palette";
import type { LockedScale } from "../marks/scale";
import { KIND_WORDS, statusOf, statusWords } from "../marks/wording";
import { type Frame, type Interaction, TOP } from "../protocol";

/** So many members name a row's button. */
const NAMED = 12;

export class Row {
  readonly element = make("tr");
  interaction: Interaction;
  readonly #pin: HTMLButtonElement;
  readonly #rank = make("span");
  readonly #bar = make("span", "spex-bar");
  readonly #effect = make("span", "spex-number");
  /** The interval in words, which the bar only draws. */
  readonly #span = make("span", "spex-unseen");
  readonly #kind = make("td", "spex-kind");
  readonly #status = make("td", "spex-status");

  constructor(interaction: Interaction, players: readonly string[], pin: () => void) {
    this.interaction = interaction;
    this.element.dataset.members = interaction.key;
    this.#pin = makeButton("pin", pin);
    const named = interaction.members.slice(0, NAMED).map((player) => quoted(player, players));
    this.#pin.setAttribute("aria-label", `pin ${named.join(" ")}`);
    this.tabStop = false;
    const rank = make("td", "spex-rank spex-number");
    rank.append(this.#pin, this.#rank);
    const members = make("td", "spex-members");
    members.append(...chips(interaction.members, players));
    const order = make("td", "spex-order spex-number", String(interaction.members.length));
    const effect = make("td", "spex-effect");
    this.#bar.setAttribute("aria-hidden", "true");
    effect.append(this.#bar, this.#effect, this.#span);
    this.element.append(rank, members, order, effect, this.#kind, this.#status);
  }

  /** Whether Tab reaches this row, and its button after it: one row of the table has them at a time. */
  get tabStop(): boolean {
    return this.element.tabIndex === 0;
  }

  set tabStop(reached: boolean) {
    this.element.tabIndex = this.#pin.tabIndex = reached ? 0 : -1;
  }

  /** Show the newest values, null where the frame no longer holds this set, and its rank, null where it is not ranked. */
  update(newest: Interaction | null, rank: number | null, frame: Frame, scale: LockedScale): void {
    if (newest) this.interaction = newest;
    const { effect, interval, kind, settled } = this.interaction;
    setText(this.#rank, rank === null ? "–" : String(rank));
    setAttribute(this.element, "data-rank", rank === null ? null : String(rank));
    setAttribute(this.element, "data-gone", newest ? null : "");
    setAttribute(this.element, "title", newest ? null : "These are the last known values");
    setText(this.#effect, signed(effect, scale.full));
    paint(this.#bar, effect, scale);
    whisker(this.#bar, interval, scale);
    const ends = interval?.map((end) => signed(end, scale.full)).join(" to ");
    setText(this.#span, ends ? ` 95 % interval ${ends}` : "");
    setAttribute(this.#bar.parentElement ?? this.#bar, "title", ends ? `95 % interval: ${ends}` : null);
    setText(this.#kind, kind);
    setAttribute(this.#kind, "title", KIND_WORDS[kind]);
    const status = statusOf(this.interaction, frame);
    setAttribute(this.element, "data-pale", settled || status === "no interval" ? null : "");
    setText(this.#status, newest ? status : absenceOf(this.interaction, frame));
    setAttribute(this.#status, "data-status", newest && status);
    setAttribute(this.#status, "title", newest && statusWords(newest, status, scale.full));
  }

  /** Show whether the reader pinned or chose this row, and whether it holds the unit that is pointed at. */
  mark({ pinned, selected, player }: { pinned: boolean; selected: boolean; player: number | null }): void {
    setAttribute(this.element, "data-pinned", pinned ? "" : null);
    setAttribute(this.#pin, "aria-pressed", String(pinned));
    setAttribute(this.#pin, "title", pinned ? "Let go of this row" : "Keep this row at the top");
    setAttribute(this.element, "aria-selected", String(selected));
    const holds = player !== null && this.interaction.members.includes(player);
    setAttribute(this.element, "data-holds", holds ? "" : null);
  }
}

/** Why a frame lacks a set: it is full, or the estimate does not have the set at all. */
function absenceOf({ members }: Interaction, frame: Frame): string {
  const single = members.length === 1;
  const peers = frame.interactions.filter((other) => (other.members.length === 1) === single);
  return peers.length < TOP ? "not found now" : `out of top ${TOP}`;
}
