/** Values of one output on a horizontal line, for the eye: words beside it say the same. */

import { make, setAttribute, setText } from "../marks/dom";
import { level, spreadOf } from "../marks/numbers";
import { roundUp } from "../marks/scale";
import type { Answer } from "./whatif";

/** The ends of the line lie beyond the outermost values by this share of their distance. */
const ROOM = 0.06;

/** All that is known of an answer, on one scale. */
function valuesOf(answer: Answer): number[] {
  const { none, surrogate, model, threshold } = answer;
  return [allOf(answer), none, surrogate, model, threshold].filter((value) => value !== null);
}

/** With all present the model's own value, once it is known. */
function allOf({ all, modelAll }: Answer): number {
  return modelAll ?? all;
}

/** How far they lie apart, which says to how many places they are written, here and in words. */
export function spreadOfAnswer(answer: Answer): number {
  return roundUp(spreadOf(valuesOf(answer)));
}

export function ruler() {
  const element = make("div", "spex-ruler");
  element.setAttribute("aria-hidden", "true");
  const mark = (name: string) => {
    const one = make("span", "spex-at");
    one.dataset.mark = name;
    element.append(one);
    return one;
  };
  const [threshold, none, all, surrogate, model] = ["threshold", "none", "all", "surrogate", "model"].map(mark) as [
    HTMLElement,
    HTMLElement,
    HTMLElement,
    HTMLElement,
    HTMLElement,
  ];

  function draw(answer: Answer | null): void {
    element.hidden = !answer;
    if (!answer) return;
    const known = valuesOf(answer);
    const [low, high] = [Math.min(...known), Math.max(...known)];
    const wide = high - low || 1;
    const spread = spreadOfAnswer(answer);
    const put = (one: HTMLElement, value: number | null, name = "") => {
      one.hidden = value === null;
      if (value === null) return;
      const share = (ROOM + (value - low) / wide) / (1 + 2 * ROOM);
      one.style.left = `${(100 * share).toFixed(1)}%`;
      setAttribute(one, "data-side", share < 0.25 ? "start" : share > 0.75 ? "end" : null);
      setText(one, name && `${name} ${level(value, spread)}`);
    };
    put(all, allOf(answer), "all present");
    const apart = Math.abs(allOf(answer) - answer.none) / wide > 0.3;
    put(none, answer.none, apart ? "none" : ""); // its name would lie on the other's
    put(threshold, answer.threshold, "threshold");
    put(surrogate, answer.surrogate);
    put(model, answer.model);
  }
  return { element, draw };
}
