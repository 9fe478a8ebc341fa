/** The search for the smallest ablation that takes the output across a threshold: its button, and what was found. */

import type { Commands } from "../commands";
import { named } from "../marks/chips";
import { make, makeButton, setAttribute, setText, showButton } from "../marks/dom";
import { count, figure, level, spreadOf } from "../marks/numbers";
import { roundUp } from "../marks/scale";
import { spokenOutput } from "../marks/wording";
import { type Flip, type Frame, modelValue, thresholdOf } from "../protocol";
import type { ViewState } from "../state";
import { valueWithout } from "../surrogate";

export function flipSearch(state: ViewState, commands: Commands) {
  const { header } = state;
  const form = make("span", "spex-search");
  const field = make("input");
  field.type = "number";
  field.step = "any";
  field.title =
    "What the output has to cross. Where it is empty: what is written in grey, which is where the answer turns, " +
    "or half way between all and none of the units";
  const label = make("label", "spex-muted", "across ");
  label.append(field);
  const find = makeButton("flip", () => {
    commands.ask({ type: "flip", threshold: field.value === "" ? null : Number(field.value) });
  });
  find.title =
    "Search the surrogate for the fewest units whose absence takes the output across, and try them on the model";
  form.append(find, label);

  const words = make("span");
  words.setAttribute("aria-live", "polite");
  const show = makeButton("show-flip", () => state.change({ what_if: state.frame?.asked.flip?.ablated ?? [] }), "show");
  const result = make("p", "spex-flip");
  result.append(words, show);

  state.subscribe(() => {
    const { frame } = state;
    form.hidden = !state.live; // nobody would answer
    const flip = frame?.asked.flip ?? null;
    const known = thresholdOf(header, frame);
    setAttribute(field, "placeholder", String(known ?? "half way"));
    const going = commands.isPending("flip") || flip?.searching === true;
    showButton(find, true, !going && !!frame?.spectrum);
    const tried = flip?.searching ? ` ${count(flip.tried)} tried` : "";
    setText(find, going ? `searching…${tried}` : `find the smallest ${known === null ? "set" : "flip"}`);
    setAttribute(find, "aria-busy", going ? "true" : null);
    setText(words, frame && flip && !flip.searching ? wordsOfFlip(frame, flip, state) : "");
    const found = !!flip && flip.ablated.length > 0;
    showButton(show, found && flip.ablated.join() !== state.whatIf.join());
    result.hidden = words.textContent === "" && show.hidden;
  });
  return { form, result };
}

/** What the search came to, on the model's own word. */
function wordsOfFlip(frame: Frame, flip: Flip, { header }: ViewState): string {
  const output = spokenOutput(header, frame);
  const all = modelValue(frame, []) ?? (frame.spectrum && valueWithout(frame.spectrum, [])) ?? flip.threshold;
  const spread = roundUp(spreadOf([all, flip.value ?? all, flip.threshold]));
  const across = level(flip.threshold, spread);
  if (flip.ablated.length === 0 || flip.value === null) {
    if (flip.tried === 0) return `By the surrogate no set takes ${output} across ${across}.`;
    return `No set was found that takes ${output} across ${across}, of ${count(flip.tried)} that the model was asked about.`;
  }
  const way = `Taking out ${named(flip.ablated, header.players)} takes ${output} from ${figure(all, spread)} to ${figure(flip.value, spread)}`;
  const undoes = flip.ablated.length > 1 ? "putting any of them back undoes it" : "putting it back undoes it";
  return `${way}, across ${across}, on the model itself${flip.minimal ? `; ${undoes}` : ""}.`;
}
