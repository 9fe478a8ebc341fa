/** Pane 7: units are taken out, and the surrogate answers at once, then the model; and the smallest set that flips it. */

import type { Commands } from "../commands";
import { outChip } from "../marks/chips";
import { focused, make, makeButton, setText, showButton } from "../marks/dom";
import { between, figure, level } from "../marks/numbers";
import { watch } from "../marks/watch";
import { type Frame, modelValue, thresholdOf } from "../protocol";
import type { ViewState } from "../state";
import { valueOfNone, valueWithout } from "../surrogate";
import { flipSearch } from "./flipsearch";
import { ruler, spreadOfAnswer } from "./ruler";

const NOBODY: readonly number[] = [];

/** What is known of a coalition and of the two that it is compared with. */
export interface Answer {
  readonly all: number;
  readonly none: number;
  readonly surrogate: number;
  /** Null while the model has not been heard. */
  readonly model: number | null;
  readonly modelAll: number | null;
  readonly threshold: number | null;
  /** The root mean square of what the surrogate on the page leaves out. */
  readonly leftOut: number;
}

export function whatIfPane(state: ViewState, commands: Commands): HTMLElement {
  const { header } = state;
  const everyone = header.players.map((_, player) => player);
  const pane = make("section", "spex-whatif");
  pane.setAttribute("aria-label", "What if");
  const units = make("span", "spex-taken");
  const back = makeButton("restore", () => state.restore(), "put all back");
  const out = make("span", "spex-out");
  out.append(units, back);
  const top = make("div", "spex-row");
  const search = flipSearch(state, commands);
  top.append(make("strong", "", "What if"), out, search.form);
  const line = make("p", "spex-number spex-answer-line");
  const heard = make("div", "spex-unseen");
  heard.setAttribute("aria-live", "polite");
  const alert = make("div", "spex-alert");
  alert.setAttribute("role", "alert");
  const scale = ruler();
  pane.append(top, line, heard, scale.element, search.result, alert);

  const moved = watch();
  const other = watch();
  let asked = false;
  /** What was taken out when this was last drawn; null at first. */
  let before: readonly number[] | null = null;
  let said = "";
  state.subscribe(() => {
    const { frame, whatIf } = state;
    showButton(back, whatIf.length > 0);
    if (other(whatIf)) replace(takenOut(state));
    if (moved(frame, whatIf)) draw(frame, whatIf);
  });

  /** A unit that is put back takes its button with it: the focus goes to the one in its place. */
  function replace(next: readonly HTMLElement[]): void {
    const holder = focused(units);
    const held = holder ? [...units.children].indexOf(holder) : -1;
    units.replaceChildren(...next);
    if (held < 0) return;
    const heir = state.whatIf.length > 0 ? next[Math.min(held, next.length - 1)] : search.form.querySelector("button");
    heir?.focus();
  }

  function draw(frame: Frame | null, whatIf: readonly number[]): void {
    const used = whatIf.length > 0;
    const answer = used && frame ? answerOf(frame, whatIf, everyone, thresholdOf(header, frame)) : null;
    if (before && before.join() !== whatIf.join()) commands.expect(whatIf);
    before = whatIf;
    if (answer && !asked) commands.probe([NOBODY]); // what it is compared with; the kernel itself asks about the rest
    asked ||= !!answer;
    if (answer) commands.keepProbed([NOBODY, whatIf]);
    setText(line, used ? wordsOf(answer, state) : "");
    line.hidden = !used;
    scale.draw(answer);
    setText(alert, frame?.asked.error ? `the model gave no answer: ${frame.asked.error}` : "");
    alert.hidden = alert.textContent === "";
    // Said when the person or the model has changed it, not with each refit of the surrogate.
    const about = answer ? `${whatIf.join()}/${answer.model}` : "";
    if (about !== said) setText(heard, line.textContent);
    said = about;
  }
  return pane;
}

/** Those that are out, each with a button that puts it back. */
function takenOut(state: ViewState): HTMLElement[] {
  if (state.whatIf.length === 0) {
    const how = make("span", "spex-muted", "click units to take them out");
    how.title = `The surrogate answers at once${state.live ? ", then the model" : ""}`;
    return [how];
  }
  const { players } = state.header;
  return state.whatIf.map((player) => outChip(player, players, () => state.toggle(player)));
}

function answerOf(
  frame: Frame,
  ablated: readonly number[],
  everyone: readonly number[],
  known: number | null,
): Answer | null {
  const { spectrum } = frame;
  if (!spectrum) return null;
  return {
    all: valueWithout(spectrum, NOBODY),
    none: modelValue(frame, everyone) ?? valueOfNone(spectrum),
    surrogate: valueWithout(spectrum, ablated),
    model: modelValue(frame, ablated),
    modelAll: modelValue(frame, NOBODY),
    threshold: frame.asked.flip?.threshold ?? known,
    leftOut: spectrum.leftOut,
  };
}

/** The answer in one line: ○ and ● are its marks on the ruler. */
function wordsOf(answer: Answer | null, { frame, live, header }: ViewState): string {
  if (!answer) return live ? "The surrogate answers once there is a first estimate." : "There is no estimate yet.";
  const { all, surrogate, model, leftOut } = answer;
  const spread = spreadOfAnswer(answer);
  const wide = leftOut > 0 ? ` ± ${between(surrogate, surrogate + leftOut).replace("+", "")}` : "";
  const parts = [`○ surrogate ${figure(surrogate, spread)}${wide} (${between(all, surrogate)} from all present)`];
  if (model !== null) parts.push(`● model ${figure(model, spread)} (residual ${between(surrogate, model)})`);
  else if (!live) parts.push("no model here: the surrogate alone");
  else if (frame?.asked.error && frame.asked.pending === 0) parts.push("the model gave no answer");
  else parts.push("● asking the model…");
  const flips =
    answer.threshold === thresholdOf(header, frame)
      ? "this flips the answer"
      : `this crosses ${level(answer.threshold ?? 0, spread)}`;
  return parts.join(" · ") + crossing(answer, flips);
}

/** Whether the threshold was crossed, on whose word. */
function crossing({ all, surrogate, model, modelAll, threshold }: Answer, words: string): string {
  if (threshold === null) return "";
  const from = (modelAll ?? all) - threshold;
  const to = (model ?? surrogate) - threshold;
  if (from === 0 || to === 0 || from > 0 === to > 0) return "";
  return model === null ? `: by the surrogate ${words}` : `: ${words}`;
}
