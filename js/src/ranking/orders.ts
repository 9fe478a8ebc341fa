/** Which orders are ranked. */

import { make, makeButton, setAttribute } from "../marks/dom";
import { OF_PLAYERS } from "../protocol";

const PASSES = new Map<string, (order: number) => boolean>([
  ["2+", (order) => order >= 2],
  ["all", () => true],
  ["1", (order) => order === 1],
  ["2", (order) => order === 2],
  ["3", (order) => order === 3],
  ["4+", (order) => order >= 4],
]);

const HEADINGS: Record<string, string> = { "1": "Each on its own", all: "Alone or together" };

interface OrderChoice {
  readonly element: HTMLElement;
  /** What sets of the orders that are ranked do. */
  readonly heading: string;
  passes(order: number): boolean;
  /** Rank single players while the index speaks of nothing else; afterwards what was ranked before. */
  follow(index: string): void;
}

/** A group of buttons, one of them pressed; interactions of every order from 2 at first. */
export function orderChoice(changed: () => void): OrderChoice {
  const element = make("div", "spex-orders");
  element.setAttribute("role", "group");
  element.setAttribute("aria-label", "orders ranked");
  element.append(make("span", "spex-muted", "show orders"));
  let chosen = "2+";
  /** What was chosen before an index of single players came. */
  let before: string | null = null;
  const buttons = [...PASSES.keys()].map((name) => {
    const choose = () => {
      chosen = name;
      press();
      changed();
    };
    const button = makeButton("order", choose, name);
    button.dataset.order = name;
    return button;
  });
  const press = () => {
    for (const button of buttons) setAttribute(button, "aria-pressed", String(button.dataset.order === chosen));
  };
  press();
  element.append(...buttons);
  return {
    element,
    get heading() {
      return HEADINGS[chosen] ?? "Acting together";
    },
    passes: (order) => PASSES.get(chosen)?.(order) ?? true,
    follow(index) {
      const alone = OF_PLAYERS.some((one) => one === index);
      if (alone === (before !== null)) return;
      [chosen, before] = alone ? ["1", chosen] : [before ?? chosen, null];
      press();
    },
  };
}
