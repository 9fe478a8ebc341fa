/** What is drawn of each lens, between the header and the ranking: a file a view. */

import type { Commands } from "./commands";
import type { ViewState } from "./state";
import { textPane } from "./text/text";

export type Pane = (state: ViewState, commands: Commands) => HTMLElement;

/** By the class of the game; what is not named here is read as text. */
const LENSES: Readonly<Record<string, readonly Pane[]>> = {
  TextGame: [textPane],
};

export function panesOf(lens: string): readonly Pane[] {
  return LENSES[lens] ?? [textPane];
}
