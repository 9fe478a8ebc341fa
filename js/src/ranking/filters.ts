/** Which rows the ranking lets through: a person's choices, which live in the page alone. */

import { make, makeSelect } from "../marks/dom";
import { type Interaction, KINDS } from "../protocol";

interface Filters {
  readonly element: HTMLElement;
  /** Whether any was set. */
  readonly active: boolean;
  /** Whether only settled rows are let through. */
  readonly settledOnly: boolean;
  passes(row: Interaction): boolean;
  clear(): void;
}

export function rowFilters(players: readonly string[], changed: () => void): Filters {
  const element = make("div", "spex-filters");
  element.setAttribute("role", "group");
  element.setAttribute("aria-label", "filters");
  const sign = makeChoice("sign", "any sign", ["+", "−"]);
  // The kind of a single player is its order, which is chosen beside.
  const kind = makeChoice(
    "kind",
    "any kind",
    KINDS.filter((name) => name !== "single"),
  );
  const unit = makeInput("unit", "search", "contains the unit");
  unit.placeholder = "contains …";
  const least = makeInput("least", "number", "smallest size of an effect");
  least.min = "0";
  least.step = "any";
  least.placeholder = "0";
  const settled = makeInput("settled", "checkbox");
  element.append(sign, kind, unit, labelled("|effect| ≥", least), labelled(settled, "settled only"));
  element.addEventListener("input", changed);

  const written = [sign, kind, unit, least];
  const labels = players.map((label) => label.toLowerCase());
  const contains = (row: Interaction, part: string) => row.members.some((player) => labels[player]?.includes(part));
  return {
    element,
    get active() {
      return settled.checked || written.some((field) => field.value !== "");
    },
    get settledOnly() {
      return settled.checked;
    },
    passes: (row) =>
      (!sign.value || sign.value === signOf(row.effect)) &&
      (!kind.value || kind.value === row.kind) &&
      contains(row, unit.value.trim().toLowerCase()) &&
      Math.abs(row.effect) >= Number(least.value) &&
      (!settled.checked || row.settled),
    clear() {
      for (const field of written) field.value = "";
      settled.checked = false;
      changed();
    },
  };
}

function signOf(effect: number): string {
  return effect > 0 ? "+" : effect < 0 ? "−" : "";
}

function makeChoice(name: string, any: string, values: readonly string[]): HTMLSelectElement {
  const select = makeSelect(name, [[any, ""], ...values.map((value): [string, string] => [value, value])]);
  select.dataset.filter = name;
  select.setAttribute("aria-label", name);
  return select;
}

function makeInput(name: string, type: string, label = ""): HTMLInputElement {
  const input = make("input");
  input.type = type;
  input.dataset.filter = name;
  if (label) input.setAttribute("aria-label", label);
  return input;
}

function labelled(...parts: (string | HTMLElement)[]): HTMLElement {
  const label = make("label");
  label.append(...parts);
  return label;
}
