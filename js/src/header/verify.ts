/** The buttons that have interactions measured on the model itself; they say what that costs, and how far it is. */

import type { Commands } from "../commands";
import { make, makeButton, setAttribute, setText, showButton } from "../marks/dom";
import { count } from "../marks/numbers";
import { type Frame, MOST_PLAYERS } from "../protocol";
import type { ViewState } from "../state";

/** How many interactions are measured, and in how many contexts each: as `view.verify()` has it (see test_wire.py). */
const LARGEST = 10;
const CONTEXTS = 16;

/** In how many contexts one interaction is measured when a person asks for evidence: as `view.add_evidence()` has it. */
const EVIDENCE = 64;

export function verifyButton(state: ViewState, commands: Commands): HTMLButtonElement {
  const element = makeButton("verify", () => commands.ask({ type: "verify", top: LARGEST, contexts: CONTEXTS }));
  const [label, tag] = [make("span"), make("span", "spex-price")];
  element.append(label, tag);
  const players = state.header.players.length;
  state.subscribe(() => {
    const frame = state.frame;
    const { done, chosen } = frame?.verifying ?? { done: 0, chosen: 0 };
    const going = commands.isPending("verify") || chosen > 0;
    const rows = (frame?.interactions ?? []).filter(({ members }) => members.length > 1).slice(0, LARGEST);
    const sets = rows.map(({ members }) => members);
    const again = rows.every(({ members, measured }) => measured || members.length > MOST_PLAYERS);
    const ablations = cost(sets, players, CONTEXTS);
    const why = frame ? whyNot(frame, sets.length, ablations) : "";
    showButton(element, frame !== null, !going && !why);
    setText(label, chosen > 0 ? `verifying ${done} / ${chosen}` : going ? "verifying…" : `verify top ${LARGEST}`);
    const silent = going || why || !frame;
    setText(tag, silent ? "" : again ? `: ${CONTEXTS} more contexts each` : `: ${count(ablations)} ablations`);
    setAttribute(element, "data-price", silent ? null : `: ${thousands(ablations)}`);
    setAttribute(element, "aria-busy", going ? "true" : null);
    setAttribute(element, "title", why || promise(sets.length, ablations, again));
  });
  return element;
}

/** Measures the interaction that is chosen in more contexts. */
export function evidenceButton(state: ViewState, commands: Commands): HTMLButtonElement {
  const { person, header } = state;
  const element = makeButton("evidence", () =>
    commands.ask({ type: "evidence", members: [...person.selected], contexts: EVIDENCE }),
  );
  state.subscribe(() => {
    const frame = state.frame;
    const { done, chosen } = frame?.verifying ?? { done: 0, chosen: 0 };
    const going = commands.isPending("evidence") || chosen > 0;
    const ablations = cost([person.selected], header.players.length, EVIDENCE);
    let why = "";
    if (!frame?.effects) why = "There is no estimate yet";
    else if (frame.exact) why = EXACT;
    else if (ablations === 0) why = LARGE;
    showButton(element, state.live, !going && !why);
    const label = why ? "add evidence" : `add evidence: ${count(ablations)} ablations`;
    setText(element, chosen > 0 ? `measuring ${done} / ${chosen}` : going ? "measuring…" : label);
    setAttribute(element, "aria-busy", going ? "true" : null);
    const what = `Measure this set on the model itself, in ${EVIDENCE} new contexts`;
    setAttribute(element, "title", why || `${what}: ${price(ablations)}`);
  });
  return element;
}

const EXACT = "Every coalition was evaluated: the effects are the model's own, and nothing is left to measure";
const LARGE = `Sets of more than ${MOST_PLAYERS} units take too many ablations to be measured`;

/** Why there is nothing to measure; empty where there is. */
function whyNot(frame: Frame, sets: number, ablations: number): string {
  if (!frame.effects) return "There is no ranking yet whose interactions could be measured";
  if (frame.exact) return EXACT;
  if (sets === 0) return "No interaction was found that could be measured";
  return ablations === 0 ? LARGE : "";
}

function promise(sets: number, ablations: number, again: boolean): string {
  const which = sets === 1 ? "largest interaction" : `${sets} largest interactions`;
  return `Measure the ${which} on the model itself, in ${CONTEXTS}${again ? " more" : ""} random contexts each: ${price(ablations)}`;
}

function price(ablations: number): string {
  return `about ${count(ablations)} ablations more, from which the surrogate does not learn`;
}

/** A price where there is little room: "4.9k". */
function thousands(ablations: number): string {
  return ablations < 1000 ? count(ablations) : `${(ablations / 1000).toFixed(1)}k`;
}

/** How many ablations it takes: every way for the members to be there or not, in each context of the others. */
function cost(sets: readonly (readonly number[])[], players: number, contexts: number): number {
  const measurable = sets.map((members) => members.length).filter((order) => order <= MOST_PLAYERS);
  return measurable.reduce((sum, k) => sum + 2 ** k * Math.min(contexts, 2 ** (players - k)), 0);
}
