/** Pane 2: the text in reading order, with a signed bar of fixed width over or under the start of each unit. */

import { make, makeButton, setAttribute, setText } from "./dom";
import { Lanes } from "./lanes";
import { measure, nearTo, UNKNOWN } from "./layout";
import { signed } from "./numbers";
import { paint } from "./palette";
import { pictureButtons } from "./picture";
import { rescaleButton } from "./rescale";
import type { ViewState } from "./state";
import { lanesFor, PITCH } from "./stretches";
import { fill, listen } from "./units";
import { watch } from "./watch";
import { indexName, outputName, statusOf } from "./wording";

export function textPane(state: ViewState): HTMLElement {
  const { header } = state;
  const pane = make("section", "spex-text");
  pane.setAttribute("aria-label", "Text");
  const text = make("div", "spex-running");
  text.setAttribute("role", "group");
  text.setAttribute("aria-label", "units, which are taken out when they are pressed");
  text.dir = "auto";
  const units = fill(text, header);
  const lanes = new Lanes(state);
  const scroll = make("div", "spex-scroll");
  scroll.append(text, lanes.element);

  const key = make("span", "spex-muted");
  key.title = "What a unit adds, averaged over the presence of all others";
  const rescale = rescaleButton(state, state.playerScale);
  const barKey = make("div", "spex-keys");
  barKey.append(key, rescale.element);
  const laneKey = make("div", "spex-keys spex-muted");
  const reading = make("div", "spex-number spex-reading");
  const tools = make("div", "spex-tools");
  const toggle = makeButton("lanes", () => reserve(!lanes.shown), "lanes");
  toggle.title = "Show under the text what acts together";
  const foot = make("div", "spex-foot");
  const rows = [make("div"), make("div")] as const;
  rows[0].append(barKey, reading);
  rows[1].append(laneKey, tools);
  foot.append(...rows);
  pane.append(scroll, foot);

  let layout = UNKNOWN;
  let view = { top: 0, height: 0 };
  const scrolled = () => {
    view = { top: scroll.scrollTop, height: scroll.clientHeight };
    state.invalidate();
  };
  const look = () => {
    layout = measure(units, text, lanes.element);
    scrolled();
  };
  const observer = new ResizeObserver(look);
  observer.observe(text);
  state.onDispose(() => observer.disconnect());
  scroll.addEventListener("scroll", scrolled, { passive: true });
  void document.fonts?.ready.then(look);
  listen(text, units, state, () => layout);

  /** The room of the lanes is there before they come, so that the text does not move. */
  const reserve = (shown: boolean) => {
    lanes.shown = shown;
    setAttribute(toggle, "aria-pressed", String(shown));
    pane.style.setProperty("--spex-lanes", `${shown ? lanesFor(header.players.length) * PITCH : 0}px`);
    state.invalidate();
  };
  reserve(true);

  const said: string[] = [];
  const shown: string[] = [];
  /** Bring units up to date: all in what they say, and the near ones in how they look. */
  const drawUnits = (isNear: (player: number) => boolean) => {
    const { frame, playerScale: scale } = state;
    const output = outputName(header, frame);
    const out = new Set(state.whatIf);
    units.forEach((parts, player) => {
      const effect = frame?.effects?.[player];
      const look = [effect, scale.full, output, out.has(player)].join();
      if (said[player] !== look) {
        said[player] = look;
        if (parts[0]) setAttribute(parts[0], "aria-label", unitWords(state, player, output));
      }
      if (shown[player] === look || !isNear(player)) return;
      shown[player] = look;
      for (const part of parts) {
        paint(part, effect ?? 0, scale);
        setAttribute(part, "aria-pressed", String(out.has(player)));
        setAttribute(part, "data-out", out.has(player) ? "" : null);
      }
    });
  };
  const pictures = pictureButtons(state, text, lanes, () => {
    drawUnits(() => true); // a picture shows the whole text
    return [unitKey(state), lanes.shown ? laneWords(state, lanes) : ""].filter((line) => line !== "");
  });
  tools.append(toggle, ...pictures);

  /** Bring a chosen interaction into view where none of it is. */
  const follow = () => {
    const tops = state.person.selected.flatMap((player) => layout.lines[layout.spots[player]?.line ?? -1]?.top ?? []);
    const seen = tops.some((top) => top >= view.top && top < view.top + view.height);
    if (tops.length > 0 && !seen) scroll.scrollTop = Math.min(...tops) - view.height / 3;
  };

  const changed = watch();
  const chosen = watch();
  let marked: readonly number[] = [];
  state.subscribe(() => {
    const { frame, playerScale } = state;
    const output = outputName(header, frame);
    if (changed(frame?.effects, playerScale.full, output, state.whatIf, layout, view)) drawUnits(nearTo(view, layout));
    if (state.marked !== marked) {
      for (const unit of marked.flatMap((player) => units[player] ?? [])) setAttribute(unit, "data-marked", null);
      marked = state.marked;
      for (const unit of marked.flatMap((player) => units[player] ?? [])) setAttribute(unit, "data-marked", "");
    }
    if (chosen(state.person.selected)) follow();
    lanes.draw(layout);
    setText(key, unitKey(state));
    setText(laneKey, laneWords(state, lanes));
    laneKey.hidden = !lanes.shown;
    setText(reading, readOut(state, output));
    setAttribute(reading, "title", reading.textContent || null);
    rescale.draw();
  });
  return pane;
}

function unitKey({ header, frame, playerScale: { full } }: ViewState): string {
  const bar = full ? ` · full\u00a0bar\u00a0=\u00a0${full}` : "";
  return `each unit's own effect (Banzhaf value): + raises ${outputName(header, frame)}, − lowers it${bar}`;
}

function laneWords({ frame, standing }: ViewState, { drawn }: Lanes): string {
  const index = frame ? ` (${indexName(frame)})` : "";
  const most = standing.length > 0 ? ` · ${drawn.length} of ${standing.length} drawn` : "";
  return `acting together, by rank${index}: ●\u00a0+, ○\u00a0−, dashed while provisional${most}`;
}

/** What is pointed at, in words. */
function readOut(state: ViewState, output: string): string {
  const { pointedRow: row, pointedPlayer: player, frame, rankingScale, header } = state;
  if (player !== null) return unitWords(state, player, output);
  if (!row || !frame) return "";
  const members = row.members.map((member) => `“${header.players[member]?.trim()}”`).join(" ");
  return `${members} ${signed(row.effect, rankingScale.full)} · ${row.kind} · ${statusOf(row, frame)}`;
}

function unitWords(state: ViewState, player: number, output: string): string {
  const taken = state.whatIf.includes(player) ? " is taken out;" : "";
  return `“${state.header.players[player]?.trim()}”${taken} ${effectWords(state, player, output)}`;
}

function effectWords(state: ViewState, player: number, output: string): string {
  const effect = state.frame?.effects?.[player];
  if (effect === undefined) return "has no estimate yet";
  const size = signed(effect, state.playerScale.full);
  if (!/^[+−]/.test(size)) return "has no effect of its own";
  return `${effect > 0 ? "raises" : "lowers"} ${output} by ${size.slice(1)} on average`;
}
