/** Pane 2: the text in reading order, with a signed bar of fixed width over or under the start of each unit. */

import { make, onKeys, setAttribute, setText } from "./dom";
import { signed } from "./numbers";
import { paint } from "./palette";
import type { Frame } from "./protocol";
import { rescaleButton } from "./rescale";
import type { ViewState } from "./state";
import { outputName } from "./wording";

export function textPane(state: ViewState): HTMLElement {
  const { header } = state;
  const pane = make("section", "spex-text");
  pane.setAttribute("aria-label", "Text");
  const text = make("div", "spex-running");
  text.setAttribute("role", "list");
  text.dir = "auto";
  const units = fill(text, header.pieces, header.players);

  const foot = make("div", "spex-foot");
  const key = make("span", "spex-muted");
  key.title = "What a unit adds, averaged over the presence of all others";
  const reading = make("span", "spex-number spex-reading");
  const rescale = rescaleButton(state, state.playerScale);
  foot.append(key, rescale.element, reading);
  pane.append(text, foot);

  listen(text, units, state);

  let drawn: Frame["effects"] | undefined;
  let full = 0;
  let named = "";
  let marked: readonly number[] = [];
  state.subscribe(() => {
    const { frame, playerScale: scale } = state;
    const output = outputName(header, frame);
    const effects = frame?.effects ?? null;
    const anew = drawn === undefined || scale.full !== full || output !== named;
    if (anew || effects !== drawn) {
      units.forEach((parts, player) => {
        if (!anew && effects?.[player] === drawn?.[player]) return;
        for (const part of parts) paint(part, effects?.[player] ?? 0, scale);
        if (parts[0]) setAttribute(parts[0], "aria-label", unitWords(state, player, output));
      });
      [drawn, full, named] = [effects, scale.full, output];
    }
    if (state.marked !== marked) {
      for (const unit of marked.flatMap((player) => units[player] ?? [])) setAttribute(unit, "data-marked", null);
      marked = state.marked;
      for (const unit of marked.flatMap((player) => units[player] ?? [])) setAttribute(unit, "data-marked", "");
    }
    const bar = full ? ` · full\u00a0bar\u00a0=\u00a0${full}` : "";
    setText(key, `each unit's own effect (Banzhaf value): + raises ${output}, − lowers it${bar}`);
    setText(reading, readUnit(state, output));
    rescale.draw();
  });
  return pane;
}

/** Put the pieces into the page; the elements of each player. */
function fill(
  text: HTMLElement,
  pieces: readonly (readonly [string, number])[],
  players: readonly string[],
): HTMLElement[][] {
  const units: HTMLElement[][] = players.map(() => []);
  for (const [piece, player] of pieces) {
    if (player < 0) {
      text.append(piece.trim() ? make("span", "spex-fixed", piece) : piece);
      continue;
    }
    const core = piece.trim();
    const before = piece.slice(0, piece.length - piece.trimStart().length);
    const unit = make("span", "spex-unit", core || piece);
    unit.dataset.player = String(player);
    unit.setAttribute("role", "listitem");
    if (/\s/.test(core)) unit.classList.add("spex-long");
    if (!core) unit.classList.add("spex-blank");
    if (units[player]?.length) unit.classList.add("spex-again");
    units[player]?.push(unit);
    text.append(core ? before : "", unit, core ? piece.slice(before.length + core.length) : "");
  }
  return units;
}

/** Point with the mouse, or walk with the arrow keys: one unit at a time is in the tab order. */
function listen(text: HTMLElement, units: HTMLElement[][], state: ViewState): void {
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
  onKeys(text, ({ key }) => {
    const at = list.indexOf(current as HTMLElement);
    const steps: Record<string, number> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    const to = { Home: 0, End: list.length - 1 }[key] ?? at + (steps[key] ?? Number.NaN);
    list[Math.max(0, Math.min(list.length - 1, to))]?.focus();
    return !Number.isNaN(to);
  });
}

function readUnit(state: ViewState, output: string): string {
  const player = state.pointedPlayer;
  if (player === null) return "";
  return unitWords(state, player, output);
}

function unitWords(state: ViewState, player: number, output: string): string {
  return `“${state.header.players[player]?.trim()}” ${effectWords(state, player, output)}`;
}

function effectWords(state: ViewState, player: number, output: string): string {
  const effect = state.frame?.effects?.[player];
  if (effect === undefined) return "has no estimate yet";
  const size = signed(effect, state.playerScale.full);
  if (!/^[+−]/.test(size)) return "has no effect of its own";
  return `${effect > 0 ? "raises" : "lowers"} ${output} by ${size.slice(1)} on average`;
}
