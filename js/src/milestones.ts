/** What a screen reader is told: the few moments that matter, never each frame. */

import { make } from "./marks/dom";
import { count, share } from "./marks/numbers";
import { STATE_WORDS } from "./marks/wording";
import { type Frame, isFinal, VERDICTS } from "./protocol";
import type { ViewState } from "./state";

/** The shortest time between two announcements. */
export const EVERY_MS = 1500;

const PASSES = [0.8, 0.5];
const HIGH = 0.9;

export function milestonesPane(state: ViewState): HTMLElement {
  const line = make("div", "spex-unseen");
  line.setAttribute("role", "status");
  line.setAttribute("aria-live", "polite");
  let last: Frame | null = null;
  let said = Number.NEGATIVE_INFINITY;
  let waiting: { words: string; timer: ReturnType<typeof setTimeout> } | null = null;

  const say = (words: string) => {
    said = state.now();
    line.textContent = words;
    waiting = null;
  };
  state.subscribe(() => {
    if (state.frame === last) return;
    const words = milestone(last, state.frame);
    last = state.frame;
    if (!words) return;
    if (waiting) clearTimeout(waiting.timer);
    const wait = said + EVERY_MS - state.now();
    if (wait <= 0) say(words);
    else waiting = { words, timer: setTimeout(() => say(words), wait) };
  });
  state.onDispose(() => clearTimeout(waiting?.timer));
  return line;
}

/** What is worth saying about a frame, given the one before; empty where nothing is. */
export function milestone(before: Frame | null, now: Frame | null): string {
  if (!now) return "";
  if (isFinal(now.state) && now.state !== before?.state) {
    const how = now.exact ? "exact" : now.r2 ? `held-out R² ${share(now.r2.value)}` : "";
    const parts = [STATE_WORDS[now.state], now.reason, `${count(now.ablations)} ablations`, how];
    return parts.filter(Boolean).join(": ");
  }
  if (before?.verifying.chosen && !now.verifying.chosen) return verified(now);
  if (now.r2) {
    const [value, was] = [now.r2.value, before?.r2?.value ?? Number.NEGATIVE_INFINITY];
    const passed = [HIGH, ...PASSES].find((limit) => value >= limit && was < limit);
    if (passed !== undefined) return `held-out R² passed ${share(passed)}`;
  }
  if (now.effects && !before?.effects) return `first estimate after ${count(now.fitted)} ablations`;
  return "";
}

function verified({ verifying, interactions }: Frame): string {
  if (verifying.error) return ""; // an alert says it
  const found = VERDICTS.map(
    (verdict) => [interactions.filter((row) => row.verdict === verdict).length, verdict] as const,
  );
  const words = found.filter(([many]) => many > 0).map(([many, verdict]) => `${many} ${verdict}`);
  return words.length > 0 ? `measured on the model so far: ${words.join(", ")}` : "";
}
