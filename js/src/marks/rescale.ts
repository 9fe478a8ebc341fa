/** A locked scale is changed by a person alone: this button is there when another would show the effects better. */

import type { ViewState } from "../state";
import { makeButton, showButton } from "./dom";
import type { LockedScale } from "./scale";

export function rescaleButton(state: ViewState, scale: LockedScale) {
  const refit = () => {
    scale.refit();
    state.invalidate();
  };
  const element = makeButton("rescale", refit, "rescale");
  element.title = "The bars keep their scale while the run goes on; fit it to the newest effects";
  return {
    element,
    draw(): void {
      showButton(element, !scale.fits);
    },
  };
}
