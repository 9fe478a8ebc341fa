/**
 * Pane 5: the interaction that was chosen. Up to order 4 it shows every way for the members to be there or not: what the
 * model itself says when all others are present, and the surrogate's average over the others, which is what an index is of.
 */

import type { Commands } from "../commands";
import { evidenceButton } from "../header/verify";
import { chips, quoted } from "../marks/chips";
import { focused, make, makeButton, onKeys, setAttribute, setText, showButton } from "../marks/dom";
import { count, signed } from "../marks/numbers";
import { watch } from "../marks/watch";
import { capital, indexName, KIND_WORDS, measuredWords, STATUS_WORDS, spokenOutput, statusOf } from "../marks/wording";
import type { Frame, Interaction, Kind } from "../protocol";
import type { ViewState } from "../state";
import { averaged, effectOf } from "../surrogate";
import { FORMULA_WORDS, KIND_FORMULAS, kindOf, kindSentence, partsOf } from "./kinds";
import { CardTable, LARGEST } from "./table";

export function cardPane(state: ViewState, commands: Commands): HTMLElement {
  const { header } = state;
  const pane = make("section", "spex-card");
  pane.setAttribute("aria-label", "Chosen interaction");
  const close = () => {
    const key = state.person.selected.join();
    state.change({ selected: [] });
    // The focus goes back to where the reader came from.
    pane.closest(".spex-widget")?.querySelector<HTMLElement>(`tr[data-members="${key}"]`)?.focus();
  };
  onKeys(pane, ({ key }) => {
    if (key === "Escape") close();
    return key === "Escape";
  });
  const shut = makeButton("close", close, "×");
  shut.setAttribute("aria-label", "close");
  const members = make("span", "spex-set");
  const title = make("div", "spex-title");
  title.append(members, shut);
  const effect = make("strong", "spex-number");
  const about = make("span", "spex-muted");
  const facts = make("p");
  facts.append(effect, about);
  const standing = make("p", "spex-muted");
  const table = new CardTable(header.players);
  const sentence = make("p", "spex-sentence");
  const help = kindHelp();
  const takeOut = makeButton("take-out", () => state.change({ what_if: [...state.person.selected] }), "take these out");
  takeOut.title = "Ask what the model says without these units";
  const buttons = make("div", "spex-row");
  buttons.append(takeOut, evidenceButton(state, commands));
  pane.append(title, facts, standing, table.element, sentence, help.element, buttons);

  /** The row in which the person has just chosen it: below the table it may open out of sight. */
  let from: Element | null = null;
  state.onPerson(({ selected }) => {
    if (selected) from = focused(pane)?.closest(".spex-ranking tr") ?? null;
  });

  let asked = "";
  const moved = watch();
  const other = watch();
  state.subscribe(() => {
    const { frame, person, rankingScale } = state;
    pane.hidden = person.selected.length === 0;
    showButton(takeOut, true, person.what_if.join() !== person.selected.join());
    if (other(person.selected)) members.replaceChildren(...chips(person.selected, header.players));
    const row = from;
    from = null;
    if (!moved(frame, person.selected, rankingScale.full)) return;
    if (pane.hidden) asked = "";
    else draw(frame, person.selected);
    if (row && row.getBoundingClientRect().bottom < pane.getBoundingClientRect().top) reveal(pane);
  });

  function draw(frame: Frame | null, selected: readonly number[]): void {
    const key = selected.join();
    const row = frame?.interactions.find((one) => one.key === key) ?? null;
    const small = selected.length <= LARGEST;
    const averages = frame?.spectrum && small ? averaged(frame.spectrum, selected) : null;
    const parts = averages && partsOf(averages);
    const kind = row?.kind ?? (parts && kindOf(parts));
    setText(effect, frame ? effectWords(frame, row, averages) : "");
    setText(about, frame?.effects ? aboutWords(frame, row, kind) : "The figures come with the first estimate.");
    setText(standing, frame && row ? standingWords(row, frame) : "");
    standing.hidden = standing.textContent === "";
    table.element.hidden = !averages;
    if (frame?.spectrum && averages) {
      const lone = table.draw(selected, averages, frame.spectrum, frame, state.live);
      if (asked !== key)
        commands.probe(lone); // as it opens, whatever else is pending
      else if (state.live) commands.keepProbed(lone);
      asked = key;
    }
    const names = selected.map((player) => quoted(player, header.players));
    const told = kind && parts ? kindSentence(kind, parts, names, spokenOutput(header, frame)) : "";
    const tall = `With ${selected.length} units the table of all ways for them to be there or not would have ${count(2 ** selected.length)} rows.`;
    setText(sentence, small ? told : kind ? `${capital(KIND_WORDS[kind])}. ${tall}` : tall);
    help.draw(kind);
  }

  function effectWords(frame: Frame, row: Interaction | null, averages: Float64Array | null): string {
    const { full } = state.rankingScale;
    if (row) return signed(row.effect, full);
    return frame.spectrum && averages ? signed(effectOf(averages), full) : "";
  }

  function aboutWords(frame: Frame, row: Interaction | null, kind: Kind | null): string {
    const ends = row?.interval?.map((end) => signed(end, state.rankingScale.full)).join(" to ");
    const name = row ? indexName(frame) : "BII by the surrogate, not among the interactions shown";
    return [ends && `(${ends})`, [name, kind].filter(Boolean).join(" · ")].filter(Boolean).join(" ");
  }

  function standingWords(row: Interaction, frame: Frame): string {
    const status = statusOf(row, frame);
    const words = STATUS_WORDS[status];
    const said = words.startsWith(status) ? words : `${status}: ${words}`;
    const { full } = state.rankingScale;
    return row.measured ? `${said}. Measured: ${measuredWords(row.measured, full)}.` : `${said}.`;
  }
  return pane;
}

/** Bring what stands below into sight, by no more than it takes. */
function reveal(pane: HTMLElement): void {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  pane.scrollIntoView({ block: "nearest", behavior: still ? "auto" : "smooth" });
}

/** The kind's formula, a click away. */
function kindHelp() {
  const element = make("details", "spex-help");
  const name = make("summary");
  const words = make("p");
  const formula = make("p", "spex-formula");
  element.append(name, words, formula, make("p", "", FORMULA_WORDS));
  return {
    element,
    draw(kind: Kind | null): void {
      element.hidden = !kind;
      if (!kind) return;
      setText(name, `what “${kind}” means`);
      setText(words, `${capital(KIND_WORDS[kind])}.`);
      setText(formula, KIND_FORMULAS[kind]);
      setAttribute(element, "data-kind", kind);
    },
  };
}
