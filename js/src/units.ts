/** The units of a text as elements in it: made once, pointed at, walked with the keyboard, and taken out. */

import { make, onKeys } from "./dom";
import { across, type Layout } from "./layout";
import type { Header } from "./protocol";
import type { ViewState } from "./state";

/** Put the pieces into the page; the elements of each player, the first first. */
export function fill(text: HTMLElement, { pieces, players }: Header): HTMLElement[][] {
  const units: HTMLElement[][] = players.map(() => []);
  let begun = false;
  for (const [piece, player] of pieces) {
    const core = piece.trim();
    const fixed = player < 0;
    if (fixed && !core) {
      text.append(piece);
      continue;
    }
    const before = piece.slice(0, piece.length - piece.trimStart().length);
    const element = make("span", fixed ? "spex-fixed" : "spex-unit", core || piece);
    text.append(core ? before : "", element, core ? piece.slice(before.length + core.length) : "");
    if (fixed) {
      if (!begun) element.dir = "auto"; // "[CLS]" does not make a text one that is read from left to right
      continue;
    }
    begun = true;
    element.dataset.player = String(player);
    element.setAttribute("role", "button");
    element.setAttribute("aria-pressed", "false");
    if (/\s/.test(core)) element.classList.add("spex-long");
    if (!core) element.classList.add("spex-blank");
    if (units[player]?.length) element.classList.add("spex-again");
    units[player]?.push(element);
  }
  return units;
}

/** Point with the mouse, or walk with the arrow keys: one unit at a time is in the tab order. A click takes it out. */
export function listen(text: HTMLElement, units: HTMLElement[][], state: ViewState, layout: () => Layout): void {
  const list = [...text.querySelectorAll<HTMLElement>(".spex-unit:not(.spex-again)")];
  const playerOf = (target: EventTarget | null) => {
    const unit = (target as Element | null)?.closest<HTMLElement>(".spex-unit");
    return unit ? Number(unit.dataset.player) : null;
  };
  let current = list[0];
  for (const unit of list) unit.tabIndex = unit === current ? 0 : -1;

  text.addEventListener("pointerover", (event) => state.pointAtPlayer(playerOf(event.target)));
  text.addEventListener("pointerleave", () => state.pointAtPlayer(null));
  text.addEventListener("focusout", () => state.pointAtPlayer(null));
  text.addEventListener("focusin", (event) => {
    const player = playerOf(event.target);
    const unit = player === null ? undefined : units[player]?.[0];
    if (!unit || player === null) return;
    if (current) current.tabIndex = -1;
    unit.tabIndex = 0;
    current = unit;
    state.pointAtPlayer(player);
  });
  text.addEventListener("click", ({ target, detail }) => {
    const player = playerOf(target);
    // What ends a selection takes nothing out, and the second click of two puts back what the first took out.
    const selects = getSelection()?.isCollapsed === false;
    if (player !== null && (!selects || detail === 2)) state.toggle(player);
  });

  /** Where a key leads; null for one that is not ours. */
  const target = (key: string): HTMLElement | undefined | null => {
    const at = list.indexOf(current as HTMLElement);
    const { rtl } = layout();
    const next = { ArrowRight: rtl ? -1 : 1, ArrowLeft: rtl ? 1 : -1 }[key];
    if (next) return list[at + next];
    if (key === "Home") return list[0];
    if (key === "End") return list.at(-1);
    const step = ({ ArrowUp: -1, ArrowDown: 1 } as const)[key];
    if (!step) return null;
    const player = across(layout(), playerOf(current ?? null) ?? -1, step);
    return player === null ? undefined : units[player]?.[0];
  };
  onKeys(text, ({ key }) => {
    const player = playerOf(document.activeElement);
    if ((key === "Enter" || key === " ") && player !== null) {
      state.toggle(player);
      return true;
    }
    const to = target(key);
    to?.focus();
    return to !== null;
  });
}
