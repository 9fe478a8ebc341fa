/** What stands under the text: the keys to its bars and lanes, what is pointed at in words, and the buttons. */

import { quoted } from "../marks/chips";
import { make, setAttribute, setText } from "../marks/dom";
import { count, signed } from "../marks/numbers";
import { rescaleButton } from "../marks/rescale";
import { indexName, mayBeNothing, spokenOutput, statusOf } from "../marks/wording";
import type { ViewState } from "../state";
import type { Lanes } from "./lanes";

export function textFoot(state: ViewState, lanes: Lanes, buttons: readonly HTMLElement[]) {
  const element = make("div", "spex-foot");
  const bars = make("span", "spex-muted");
  bars.title = "What a unit adds, averaged over the presence of all others";
  const rescale = rescaleButton(state, state.playerScale);
  const barKey = make("div", "spex-keys");
  barKey.append(bars, rescale.element);
  const laneKey = make("div", "spex-keys spex-muted");
  const reading = make("div", "spex-number spex-reading");
  const tools = make("div", "spex-tools");
  tools.append(...buttons);
  const [above, below] = [make("div"), make("div")];
  above.append(barKey, reading);
  below.append(laneKey, tools);
  element.append(above, below);
  return {
    element,
    draw(): void {
      setText(bars, barWords(state));
      setText(laneKey, laneWords(state, lanes));
      laneKey.hidden = !lanes.shown;
      setText(reading, pointedWords(state));
      setAttribute(reading, "title", reading.textContent || null);
      rescale.draw();
    },
  };
}

/** How to read the text, a line for each thing that is drawn. */
export function keyWords(state: ViewState, lanes: Lanes): string[] {
  return lanes.shown ? [barWords(state), laneWords(state, lanes)] : [barWords(state)];
}

function barWords(state: ViewState): string {
  const { full } = state.playerScale;
  const bar = full ? ` · full\u00a0bar\u00a0=\u00a0${full < 1000 ? full : count(full)}` : "";
  return `each unit's own effect (Banzhaf value): + raises ${briefOutput(state)}, − lowers it${bar}`;
}

/** The output in few letters, or there would be no room for what is pointed at. */
function briefOutput({ header, frame }: ViewState): string {
  return spokenOutput(header, frame, 23);
}

function laneWords({ frame, standing }: ViewState, { drawn }: Lanes): string {
  if (frame && mayBeNothing(frame)) return "no lanes: R² may be 0";
  const index = frame ? ` (${indexName(frame)})` : "";
  const most = standing.length > 0 ? ` · ${drawn.length} of ${standing.length} drawn` : "";
  return `acting together, by rank${index}: ●\u00a0+, ○\u00a0−, dashed while provisional${most}`;
}

function pointedWords(state: ViewState): string {
  const { pointedRow: row, pointedPlayer: player, frame, rankingScale, header } = state;
  if (player !== null) return unitWords(state, player);
  if (!row || !frame) return "";
  const members = row.members.map((member) => quoted(member, header.players)).join(" ");
  return `${members} ${signed(row.effect, rankingScale.full)} · ${row.kind} · ${statusOf(row, frame)}`;
}

/** What is known of a unit by itself. */
export function unitWords(state: ViewState, player: number): string {
  const taken = state.whatIf.includes(player) ? " is taken out;" : "";
  return `${quoted(player, state.header.players)}${taken} ${effectWords(state, player)}`;
}

function effectWords(state: ViewState, player: number): string {
  const { frame, playerScale } = state;
  const effect = frame?.effects?.[player];
  if (effect === undefined) return "has no estimate yet";
  const size = signed(effect, playerScale.full);
  if (!/^[+−]/.test(size)) return "has no effect of its own";
  return `${effect > 0 ? "raises" : "lowers"} ${briefOutput(state)} by ${size.slice(1)} on average`;
}
