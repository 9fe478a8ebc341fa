/** A locked scale is changed by a person alone: this button is there when another would show the effects better. */

import { make } from "./dom";
import type { LockedScale } from "./scale";
import type { ViewState } from "./state";

export function rescaleButton(state: ViewState, scale: LockedScale) {
  const element = make("button", "", "rescale");
  element.type = "button";
  element.dataset.action = "rescale";
  element.title = "The bars keep their scale while the run goes on; fit it to the newest effects";
  element.addEventListener("click", () => {
    scale.refit();
    state.invalidate();
  });
  return {
    element,
    draw(): void {
      element.hidden = scale.fits;
    },
  };
}
