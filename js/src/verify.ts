/** The button that has the largest interactions measured on the model itself; it says what that costs, and how far it is. */

import type { Commands } from "./commands";
import { makeButton, setAttribute, setText, showButton } from "./dom";
import { count } from "./numbers";
import { type Frame, type Interaction, MOST_PLAYERS } from "./protocol";
import type { ViewState } from "./state";

/** How many interactions are measured, and in how many contexts each: as `view.verify()` has it (see test_wire.py). */
const LARGEST = 10;
const CONTEXTS = 16;

export function verifyButton(state: ViewState, commands: Commands): HTMLButtonElement {
  const element = makeButton("verify", () => commands.ask({ type: "verify", top: LARGEST, contexts: CONTEXTS }));
  const players = state.header.players.length;
  state.subscribe(() => {
    const frame = state.frame;
    const { done, chosen } = frame?.verifying ?? { done: 0, chosen: 0 };
    const going = commands.isPending("verify") || chosen > 0;
    const sets = (frame?.interactions ?? []).filter(({ members }) => members.length > 1).slice(0, LARGEST);
    const why = frame ? whyNot(frame, sets, players) : "";
    showButton(element, frame !== null, !going && !why);
    setText(element, chosen > 0 ? `verifying ${done} / ${chosen}` : going ? "verifying…" : `verify top ${LARGEST}`);
    setAttribute(element, "aria-busy", going ? "true" : null);
    setAttribute(element, "title", why || promise(sets, players));
  });
  return element;
}

/** Why there is nothing to measure; empty where there is. */
function whyNot(frame: Frame, sets: readonly Interaction[], players: number): string {
  if (!frame.effects) return "There is no ranking yet whose interactions could be measured";
  if (frame.exact)
    return "Every coalition was evaluated: the effects are the model's own, and nothing is left to measure";
  if (sets.length === 0) return "No interaction was found that could be measured";
  if (cost(sets, players) === 0)
    return `Sets of more than ${MOST_PLAYERS} units take too many ablations to be measured`;
  return "";
}

function promise(sets: readonly Interaction[], players: number): string {
  const which = sets.length === 1 ? "largest interaction" : `${sets.length} largest interactions`;
  return (
    `Measure the ${which} on the model itself, in ${CONTEXTS} random contexts each: ` +
    `about ${count(cost(sets, players))} ablations more, from which the surrogate does not learn`
  );
}

/** How many ablations it takes: every way for the members to be there or not, in each context of the others. */
function cost(sets: readonly Interaction[], players: number): number {
  const measurable = sets.map(({ members }) => members.length).filter((order) => order <= MOST_PLAYERS);
  return measurable.reduce((sum, k) => sum + 2 ** k * Math.min(CONTEXTS, 2 ** (players - k)), 0);
}
