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

/** Draw an interval over an element's bar: --low and --high, −1 to 1, and data-beyond, which ends the scale cuts off. */
export function whisker(element: HTMLElement, interval: readonly [number, number] | null, scale: LockedScale): void {
  const ends = interval?.map((end) => Math.round(scale.share(end) * 50) / 50).join() ?? "";
  const beyond = interval?.flatMap((end, i) => (scale.overflows(end) ? [i ? "high" : "low"] : [])).join(" ");
  setAttribute(element, "data-beyond", beyond || null);
  if ((element.dataset.interval ?? "") === ends) return;
  setAttribute(element, "data-interval", ends || null);
  const [low = "", high = ""] = ends.split(",");
  element.style.setProperty("--low", low);
  element.style.setProperty("--high", high);
}
