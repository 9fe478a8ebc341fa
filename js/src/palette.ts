/** Signs and sizes as marks on the page; the colours themselves are in widget.css, blue up and orange down. */

import { setAttribute } from "./dom";
import type { LockedScale } from "./scale";

/** Below this share of a full bar nothing is drawn. */
const LEAST = 0.03;

/** From this share on a bar carries its sign as a mark too; below it, only the bar says so by going up or down. */
const MARKED = 0.1;

/**
 * Give an element the look of an effect: data-sign, data-mark, data-clipped and --h, the length of its bar from 0 to 1.
 * What is drawn changes in steps of one fiftieth, so that a frame touches only what a person could see change.
 */
export function paint(element: HTMLElement, effect: number, scale: LockedScale): void {
  const share = scale.share(effect);
  const height = String(Math.round(Math.abs(share) * 50) / 50);
  if (element.dataset.h !== height) {
    element.dataset.h = height;
    element.style.setProperty("--h", height);
  }
  const sign = share > 0 ? "+" : "−";
  setAttribute(element, "data-sign", Math.abs(share) < LEAST ? null : sign);
  setAttribute(element, "data-mark", Math.abs(share) < MARKED ? null : sign);
  setAttribute(element, "data-clipped", scale.overflows(effect) ? "" : null);
}
