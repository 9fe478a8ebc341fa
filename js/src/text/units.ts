/** The units of a text as elements in it: made once, pointed at, walked with the keyboard, and taken out. */

import { unturned } from "../marks/chips";
import { focused, make, onKeys } from "../marks/dom";
import type { Header } from "../protocol";
import type { ViewState } from "../state";
import { across, type Layout } from "./layout";

/** A unit of several words and so many letters stays in one line. */
const SHORT = 24;

/** Put the pieces into the page; the elements of each player, the first first. */
export function fill(text: HTMLElement, { pieces, players }: Header): HTMLElement[][] {
  const units: HTMLElement[][] = players.map(() => []);
  let begun = false;
  for (const [piece, player] of pieces.flatMap(byLines)) {
    const core = piece.trim();
    const fixed = player < 0;
    if (fixed && !core) {
      text.append(piece);
      continue;
    }
    const before = piece.slice(0, piece.length - piece.trimStart().length);
    const element = make("span", fixed ? "spex-fixed" : "spex-unit", core || piece);
    text.append(core ? before : "", element, core ? piece.slice(before.length + core.length) : "");
    if (unturned(piece) !== piece) element.classList.add("spex-apart");
    if (fixed) {
      if (!begun) element.dir = "auto"; // "[CLS]" does not make a text one that is read from left to right
      continue;
    }
    begun = true;
    element.dataset.player = String(player);
    element.setAttribute("role", "button");
    element.setAttribute("aria-pressed", "false");
    if (/\s/.test(core)) element.classList.add(core.length > SHORT || core.includes("\n") ? "spex-long" : "spex-short");
    if (!core) element.classList.add("spex-blank");
    if (units[player]?.length) element.classList.add("spex-again");
    units[player]?.push(element);
  }
  return units;
}

/** What is always present a line at a time: only what stands in an element makes its line as high as one with lanes. */
function byLines([piece, player]: Header["pieces"][number]): Header["pieces"] {
  return player < 0 ? piece.split(/(\n\s*)/).map((line) => [line, player]) : [[piece, player]];
}

/**
 * Point with the mouse, or walk with the arrow keys; a click takes a unit out. One unit at a time is in the tab order, and
 * no other can be focused: a browser selects no text from something that can.
 */
export function listen(text: HTMLElement, units: HTMLElement[][], state: ViewState, layout: () => Layout): void {
  const list = [...text.querySelectorAll<HTMLElement>(".spex-unit:not(.spex-again)")];
  const playerOf = (target: EventTarget | null) => {
    const unit = (target as Element | null)?.closest<HTMLElement>(".spex-unit");
    return unit ? Number(unit.dataset.player) : null;
  };
  let current = list[0];
  if (current) current.tabIndex = 0;
  const goTo = (unit: HTMLElement | undefined, options?: FocusOptions) => {
    if (!unit) return;
    current?.removeAttribute("tabindex");
    current = unit;
    unit.tabIndex = 0;
    unit.focus(options);
  };

  text.addEventListener("pointerover", (event) => state.pointAtPlayer(playerOf(event.target)));
  text.addEventListener("pointerleave", () => state.pointAtPlayer(null));
  text.addEventListener("focusout", () => state.pointAtPlayer(null));
  text.addEventListener("focusin", (event) => state.pointAtPlayer(playerOf(event.target)));
  let pressed: PointerEvent | null = null;
  text.addEventListener("pointerdown", (event) => {
    pressed = event;
    current?.removeAttribute("tabindex");
    const restore = () => current?.setAttribute("tabindex", "0");
    for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, restore, { once: true });
  });
  text.addEventListener("click", (event) => {
    const player = playerOf(event.target);
    // Who selects text takes nothing out: by dragging, with Shift, or by clicks in a row, of which the second puts back.
    const far = pressed ? Math.hypot(event.clientX - pressed.clientX, event.clientY - pressed.clientY) : 0;
    if (player === null || far > 4 || event.shiftKey || event.detail > 2) return;
    state.toggle(player);
    goTo(units[player]?.[0], { preventScroll: true });
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
    const player = playerOf(focused(text));
    if ((key === "Enter" || key === " ") && player !== null) {
      state.toggle(player);
      return true;
    }
    const to = target(key);
    goTo(to ?? undefined);
    return to !== null;
  });
}
