/** Which index is ranked, up to which order; and what its sign and the kinds mean. */

import { make, makeButton, makeOption, makeSelect, setAttribute, setText } from "../marks/dom";
import { indexName, indexWords, KIND_WORDS } from "../marks/wording";
import { type Frame, INDICES, OF_AN_ORDER } from "../protocol";
import type { ViewState } from "../state";

/** The largest order that can be chosen here. */
const LARGEST = 6;

const NO_KERNEL = "A recording has no kernel that could rank by another index";

export function indexPicker(state: ViewState) {
  const element = make("div", "spex-index");
  const index = makeSelect(
    "index",
    INDICES.map((name) => [name, name]),
  );
  const orders = Array.from({ length: LARGEST }, (_, i) => String(i + 1));
  const order = makeSelect("max_order", [["any", ""], ...orders.map((name): [string, string] => [name, name])]);
  const wait = make("span", "spex-muted");
  wait.setAttribute("aria-live", "polite");
  const indexLabel = make("label", "spex-muted", "effect ");
  indexLabel.append(index);
  const orderLabel = make("label", "spex-muted", "order ≤ ");
  orderLabel.append(order);
  orderLabel.title = "The largest order of its sets, which is a part of what this index is";
  const meaning = make("p");
  const kinds = make("dl");
  for (const [kind, words] of Object.entries(KIND_WORDS)) kinds.append(make("dt", "", kind), make("dd", "", words));
  const words = make("div", "spex-help");
  words.append(meaning, kinds);
  const open = (shown: boolean) => {
    words.hidden = !shown;
    setAttribute(name, "aria-expanded", String(shown));
  };
  const name = makeButton("meaning", () => open(words.hidden), "?");
  open(false);
  const help = make("div", "spex-meaning");
  help.append(name, words);
  element.append(indexLabel, orderLabel, wait);

  /** What was asked for, until a frame has it. */
  let wanted = "";
  const ask = () => {
    const chosen = {
      index: index.value,
      max_order: isOfAnOrder(index.value) && order.value ? Number(order.value) : null,
    };
    wanted = print(chosen.index, chosen.max_order);
    state.change(chosen);
  };
  for (const select of [index, order]) {
    select.addEventListener("change", ask);
    select.disabled = !state.live;
    if (!state.live) select.title = NO_KERNEL;
  }

  function draw(frame: Frame): void {
    const { person } = state;
    const dropped = wanted !== print(person.index, person.max_order); // by another hand
    if (dropped || !state.live || wanted === print(frame.index, frame.maxOrder)) wanted = "";
    if (!wanted) show(frame);
    orderLabel.hidden = !isOfAnOrder(index.value);
    setText(wait, wanted ? `computing… this is still ${indexName(frame)}` : "");
    setAttribute(element, "aria-busy", wanted ? "true" : null);
    setAttribute(name, "aria-label", `what ${frame.index} means`);
    name.title = indexWords(frame.index);
    setText(meaning, indexWords(frame.index));
  }

  function show(frame: Frame): void {
    const most = frame.maxOrder === null ? "" : String(frame.maxOrder);
    if (index.value !== frame.index) index.value = frame.index;
    if (![...order.options].some((option) => option.value === most)) order.append(makeOption(most, most));
    if (order.value !== most) order.value = most;
  }
  return { element, help, draw };
}

function isOfAnOrder(index: string): boolean {
  return OF_AN_ORDER.some((one) => one === index);
}

function print(index: string, order: number | null): string {
  return `${index}/${order}`;
}
