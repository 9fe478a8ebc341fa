/** Pane 2: the text in reading order, with a signed bar of fixed width over or under the start of each unit. */

import { make, makeButton, setAttribute } from "../marks/dom";
import { paint } from "../marks/palette";
import { watch } from "../marks/watch";
import { outputName } from "../marks/wording";
import type { ViewState } from "../state";
import { keyWords, textFoot, unitWords } from "./foot";
import { Lanes } from "./lanes";
import { measure, nearTo, UNKNOWN } from "./layout";
import { pictureButtons } from "./picture";
import { lanesFor, PITCH } from "./stretches";
import { fill, listen } from "./units";

export function textPane(state: ViewState): HTMLElement {
  const { header } = state;
  const pane = make("section", "spex-text");
  pane.setAttribute("aria-label", "Text");
  const text = make("div", "spex-running");
  text.setAttribute("role", "group");
  text.setAttribute("aria-label", "units, which are taken out when they are pressed");
  text.dir = "auto";
  const units = fill(text, header);
  const drawUnits = unitsDrawer(units, state);
  const lanes = new Lanes(state);
  const scroll = make("div", "spex-scroll");
  scroll.append(lanes.element, text); // in this order: an arc passes under the bars

  let layout = UNKNOWN;
  let view = { top: 0, height: 0 };
  const scrolled = () => {
    view = { top: scroll.scrollTop, height: scroll.clientHeight };
    state.invalidate();
  };
  const remeasure = () => {
    layout = measure(units, text, lanes.element);
    scrolled();
  };
  const observer = new ResizeObserver(remeasure);
  observer.observe(text);
  state.onDispose(() => observer.disconnect());
  scroll.addEventListener("scroll", scrolled, { passive: true });
  void document.fonts?.ready.then(remeasure);
  listen(text, units, state, () => layout);

  const toggle = makeButton("lanes", () => reserve(!lanes.shown), "lanes");
  toggle.title = "Show under the text what acts together";
  /** The room of the lanes is there before they come, so that the text does not move. */
  const reserve = (shown: boolean) => {
    lanes.shown = shown;
    setAttribute(toggle, "aria-pressed", String(shown));
    pane.style.setProperty("--spex-lanes", `${shown ? lanesFor(header.players.length) * PITCH : 0}px`);
    state.invalidate();
  };
  reserve(true);

  const pictures = pictureButtons(state, text, lanes, () => {
    drawUnits(() => true); // a picture shows the whole text
    return keyWords(state, lanes);
  });
  const foot = textFoot(state, lanes, [toggle, ...pictures]);
  pane.append(scroll, foot.element);

  /** Bring a chosen interaction into view where none of it is. */
  const follow = () => {
    const tops = state.person.selected.flatMap((player) => layout.lines[layout.spots[player]?.line ?? -1]?.top ?? []);
    const seen = tops.some((top) => top >= view.top && top < view.top + view.height);
    if (tops.length > 0 && !seen) scroll.scrollTop = Math.min(...tops) - view.height / 3;
  };

  let effects: Float32Array | null = null;
  const changed = watch();
  const chosen = watch();
  let marked: readonly number[] = [];
  state.subscribe(() => {
    const { frame, playerScale, whatIf } = state;
    const output = outputName(header, frame);
    const next = frame?.effects ?? null;
    if (!next?.every((effect, player) => effect === effects?.[player])) effects = next;
    if (changed(effects, playerScale.full, output, whatIf, layout, view)) drawUnits(nearTo(view, layout));
    if (state.marked !== marked) {
      for (const unit of marked.flatMap((player) => units[player] ?? [])) setAttribute(unit, "data-marked", null);
      marked = state.marked;
      for (const unit of marked.flatMap((player) => units[player] ?? [])) setAttribute(unit, "data-marked", "");
    }
    if (chosen(state.person.selected)) follow();
    lanes.draw(layout);
    foot.draw();
  });
  return pane;
}

/** Brings units up to date: all of them in what they say, and those that are near in how they look. */
function unitsDrawer(units: readonly HTMLElement[][], state: ViewState) {
  const said: string[] = [];
  const shown: string[] = [];
  return (isNear: (player: number) => boolean): void => {
    const { header, frame, playerScale: scale } = state;
    const output = outputName(header, frame);
    const out = new Set(state.whatIf);
    units.forEach((parts, player) => {
      const effect = frame?.effects?.[player];
      const now = [effect, scale.full, output, out.has(player)].join();
      if (said[player] !== now) {
        said[player] = now;
        if (parts[0]) setAttribute(parts[0], "aria-label", unitWords(state, player));
      }
      if (shown[player] === now || !isNear(player)) return;
      shown[player] = now;
      for (const part of parts) {
        paint(part, effect ?? 0, scale);
        setAttribute(part, "aria-pressed", String(out.has(player)));
        setAttribute(part, "data-out", out.has(player) ? "" : null);
      }
    });
  };
}
