/** What the person owns is shared with the kernel as synced traits: whoever changes one, the others hear of it. */

import type { AnyModel } from "@anywidget/types";
import type { Person, ViewState } from "./state";

const NAMES = ["selected", "what_if", "output", "index", "max_order"] as const satisfies (keyof Person)[];

/** Bind the person's state to the model's traits, as far as it has them; the function returned ends it. */
export function shareWithModel(state: ViewState, model: AnyModel<Partial<Person>>): () => void {
  const shared = NAMES.filter((name) => model.get(name) !== undefined);
  const bound = shared.map((name) => {
    const take = () => state.adopt({ [name]: model.get(name) });
    take();
    model.on(`change:${name}`, take);
    return () => model.off(`change:${name}`, take);
  });
  state.onPerson((changed) => {
    const known = shared.filter((name) => name in changed);
    for (const name of known) model.set(name, changed[name]);
    if (known.length > 0) model.save_changes(); // MyST's model has none of them, and throws
  });
  return () => {
    for (const unbind of bound) unbind();
  };
}
