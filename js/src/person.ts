/** What the person owns is shared with the kernel as synced traits: whoever changes one, the others hear of it. */

import type { AnyModel } from "@anywidget/types";
import type { Person, ViewState } from "./state";

const NAMES = ["selected", "what_if", "output", "index", "max_order"] as const satisfies (keyof Person)[];

/** Bind the person's state to the model's traits, as far as it has them; the function returned ends it. */
export function shareWithModel(state: ViewState, model: AnyModel<Partial<Person>>): () => void {
  const bound = NAMES.map((name) => {
    const take = () => {
      const value = model.get(name);
      if (value !== undefined) state.adopt({ [name]: value });
    };
    take();
    model.on(`change:${name}`, take);
    return () => model.off(`change:${name}`, take);
  });
  state.onPerson((changed) => {
    for (const name of NAMES) if (name in changed) model.set(name, changed[name]);
    model.save_changes();
  });
  return () => {
    for (const unbind of bound) unbind();
  };
}
