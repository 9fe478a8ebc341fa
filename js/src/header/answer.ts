/** Which output is explained: tokens of the model's answer, where there is one, or an output of several by its label. */

import { make, makeButton, makeOption, makeSelect, setAttribute, setText } from "../marks/dom";
import type { Frame } from "../protocol";
import type { Person, ViewState } from "../state";

type Output = Person["output"];

/** The outputs from one position up to another. */
type Span = readonly [start: number, stop: number];

const NO_KERNEL = "A recording has no kernel that could explain another output";

/** The pane; null where there is nothing to choose. */
export function answerPane(state: ViewState): HTMLElement | null {
  const { answer, outputs } = state.header;
  if (answer.length === 0 && outputs.length < 2) return null;
  const pane = make("section", "spex-answer");
  pane.setAttribute("aria-label", "Explained output");
  const wait = make("span", "spex-muted");
  wait.setAttribute("aria-live", "polite");
  pane.append(...(answer.length > 0 ? tokens(state) : labels(state)), wait);
  const pending = pendingOutput(state);
  state.subscribe(() => {
    const waits = pending();
    setText(wait, waits ? "computing…" : "");
    setAttribute(pane, "aria-busy", waits ? "true" : null);
  });
  return pane;
}

/** Whether the person has chosen an output that the newest frame does not yet speak of. */
function pendingOutput(state: ViewState): () => boolean {
  let chosen = state.person.output;
  let before = "";
  let waits = false;
  // A sum has no position: it is there once the frame is of something else than when it was chosen.
  const print = ({ output, outputLabel, effects }: Frame) => [output, outputLabel, effects?.join()].join("/");
  state.onPerson(({ output }) => {
    if (output === undefined || same(output, chosen)) return;
    waits = true;
    before = state.frame ? print(state.frame) : "";
  });
  return () => {
    const { frame, person } = state;
    chosen = person.output;
    if (waits && frame) {
      waits = typeof chosen === "number" ? frame.output !== chosen : frame.output >= 0 || print(frame) === before;
    }
    return waits && state.live;
  };
}

function labels(state: ViewState): HTMLElement[] {
  const sum = makeOption("", "");
  const select = makeSelect(
    "output",
    state.header.outputs.map((name, at) => [name, String(at)]),
  );
  select.prepend(sum);
  const label = make("label", "", "output ");
  label.append(select);
  select.disabled = !state.live;
  if (!state.live) select.title = NO_KERNEL;
  select.addEventListener("change", () => state.change({ output: Number(select.value) }));
  state.subscribe(() => {
    const output = shownOutput(state);
    setText(sum, state.frame?.outputLabel || "a sum");
    sum.hidden = sum.disabled = true; // it can be shown, but is set in Python alone
    const value = typeof output === "number" ? String(output) : "";
    if (select.value !== value) select.value = value;
  });
  return [label];
}

/** The answer as running text: click a token, or drag over a span, or press Shift with an arrow. */
function tokens(state: ViewState): HTMLElement[] {
  const { answer } = state.header;
  const last = answer.length - 1;
  const list = make("div", "spex-tokens");
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-multiselectable", "true");
  list.setAttribute("aria-label", "the model's answer: choose a token or a span of it");
  setAttribute(list, "aria-disabled", state.live ? null : "true");
  if (!state.live) list.title = NO_KERNEL;
  list.dir = "auto";
  const options = answer.map((token, at) => {
    const option = make("span", token.trim() ? "spex-token" : "spex-token spex-blank", token);
    option.setAttribute("role", "option");
    if (!token.trim()) option.setAttribute("aria-label", "white space");
    option.dataset.at = String(at);
    option.tabIndex = -1;
    return option;
  });
  list.append(...options);
  const whole = makeButton("whole", () => choose([0, last + 1]), "whole answer");
  setAttribute(whole, "aria-disabled", state.live ? null : "true");
  if (!state.live) whole.title = NO_KERNEL;

  let anchor = 0;
  let current = 0;
  /** What is being dragged over, until the pointer lets go. */
  let dragged: Span | null = null;

  function choose(span: Span): void {
    const output: Output = span[1] - span[0] === 1 ? span[0] : span;
    if (state.live && !same(output, state.person.output)) state.change({ output });
  }

  function walk(to: number, extend: boolean): void {
    current = Math.max(0, Math.min(last, to));
    if (extend) choose(between(anchor, current));
    else anchor = current;
    focus();
    options[current]?.focus();
  }

  function focus(): void {
    options.forEach((option, at) => {
      option.tabIndex = at === current ? 0 : -1;
    });
  }

  const at = (target: EventTarget | null) => {
    const option = (target as Element | null)?.closest<HTMLElement>("[data-at]");
    return option ? Number(option.dataset.at) : null;
  };
  list.addEventListener("pointerdown", (event) => {
    const place = at(event.target);
    if (place === null || event.button !== 0) return;
    current = place;
    if (!event.shiftKey) anchor = place;
    dragged = between(anchor, place);
    state.invalidate();
  });
  list.addEventListener("pointerover", (event) => {
    const place = at(event.target);
    if (!dragged || place === null) return;
    dragged = between(anchor, place);
    state.invalidate();
  });
  const release = () => {
    if (!dragged) return;
    choose(dragged);
    dragged = null;
    state.invalidate();
  };
  const forget = () => {
    dragged = null;
    state.invalidate();
  };
  window.addEventListener("pointerup", release);
  window.addEventListener("pointercancel", forget);
  state.onDispose(() => {
    window.removeEventListener("pointerup", release);
    window.removeEventListener("pointercancel", forget);
  });
  list.addEventListener("focusin", ({ target }) => {
    current = at(target) ?? current;
    focus();
  });
  list.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const to = { ArrowLeft: current - 1, ArrowRight: current + 1, Home: 0, End: last }[event.key];
    const picks = (event.key === "Enter" && !event.shiftKey) || event.key === " ";
    if (to === undefined && !picks) return;
    event.preventDefault();
    if (to !== undefined) walk(to, event.shiftKey);
    else choose(between(event.shiftKey ? anchor : current, current));
  });
  focus();

  state.subscribe(() => {
    const [start, stop] = dragged ?? spanOf(shownOutput(state));
    options.forEach((option, place) => {
      setAttribute(option, "aria-selected", String(place >= start && place < stop));
    });
    setAttribute(whole, "aria-pressed", String(start === 0 && stop === last + 1));
  });
  const hint = state.live ? "answer: click a token, or drag over several" : "answer";
  return [make("span", "spex-muted", hint), list, whole];
}

/** What is shown as chosen: where no kernel answers, what the moment on screen speaks of. */
function shownOutput({ live, person, frame }: ViewState): Output {
  if (live || !frame) return person.output;
  const { output, outputTerms } = frame;
  const [start, last] = [outputTerms[0]?.[0] ?? 0, outputTerms.at(-1)?.[0] ?? 0];
  if (output >= 0) return output;
  const whole = outputTerms.length === last - start + 1 && outputTerms.every(([, weight]) => weight === 1);
  return whole ? [start, last + 1] : {};
}

function between(one: number, other: number): Span {
  return [Math.min(one, other), Math.max(one, other) + 1];
}

/** The positions that an output speaks of; of weights by label, none. */
function spanOf(output: Output): Span {
  if (typeof output === "number") return [output, output + 1];
  return Array.isArray(output) ? (output as unknown as Span) : [0, 0];
}

function same(one: Output, other: Output): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
