/** A recording's moments, to play, step through and scrub: where no kernel sends frames, the person does. */

import { make, makeButton, makeSelect, setAttribute, setText } from "../marks/dom";
import { count } from "../marks/numbers";
import type { Frame } from "../protocol";
import type { ViewState } from "../state";

/** What the model of a recording offers; hosts that have JSON alone write the frames as base64. */
export interface Recording {
  frames: readonly (DataView | string)[];
  /** When each frame was, from the beginning of the run. */
  seconds: readonly number[];
}

const SPEEDS = [0.5, 1, 2, 4];

/** A moment is seen at least so long, and no wait of the run's takes longer; at single speed. */
export const SHORTEST_MS = 250;
export const LONGEST_MS = 1500;

/** The pane; it shows the last moment at first, and nothing plays by itself. */
export function replayPane(state: ViewState, { frames, seconds }: Recording): HTMLElement {
  const pane = make("section", "spex-replay");
  pane.setAttribute("aria-label", "Replay");
  const last = frames.length - 1;
  pane.hidden = last < 1;
  let at = last;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const back = makeButton("back", () => jump(at - 1), "‹");
  back.setAttribute("aria-label", "one moment back");
  const play = makeButton("play", () => (timer === undefined ? begin() : stop()));
  const forward = makeButton("forward", () => jump(at + 1), "›");
  forward.setAttribute("aria-label", "one moment forward");
  const slider = make("input");
  slider.type = "range";
  slider.max = String(last);
  slider.setAttribute("aria-label", "moment of the run");
  slider.addEventListener("input", () => jump(Number(slider.value)));
  const where = make("span", "spex-number spex-where");
  const speed = makeSelect(
    "speed",
    SPEEDS.map((times) => [`${times} ×`, String(times)]),
  );
  speed.setAttribute("aria-label", "speed");
  speed.value = "1";
  pane.append(back, play, forward, speed, slider, where);

  const bytesAt = (moment: number) => toBytes(frames[moment] ?? "");

  function jump(moment: number): void {
    stop();
    at = Math.min(last, Math.max(0, moment));
    state.show(bytesAt(at));
  }

  function begin(): void {
    if (at === last) jump(0);
    wait();
    state.invalidate();
  }

  function wait(): void {
    const gap = 1000 * ((seconds[at + 1] ?? 0) - (seconds[at] ?? 0));
    timer = setTimeout(step, Math.min(LONGEST_MS, Math.max(SHORTEST_MS, gap)) / Number(speed.value));
  }

  function step(): void {
    at += 1;
    if (at < last) wait();
    else stop();
    state.receive(bytesAt(at)); // as it came in the run: rows move no faster than they did
  }

  function stop(): void {
    clearTimeout(timer);
    timer = undefined;
    state.invalidate();
  }

  state.subscribe(() => {
    const words = state.frame ? wordsOf(state.frame) : "";
    setText(where, words);
    setText(play, timer === undefined ? "play" : "pause");
    slider.value = String(at);
    setAttribute(slider, "aria-valuetext", words);
    setAttribute(back, "aria-disabled", at === 0 ? "true" : null);
    setAttribute(forward, "aria-disabled", at === last ? "true" : null);
  });
  state.onDispose(() => clearTimeout(timer));
  jump(last);
  return pane;
}

/** Ablations run ahead of the surrogate, which is what differs from moment to moment. */
function wordsOf({ fitted, budget, before }: Frame): string {
  return `${fitted > 0 ? "fitted to " : ""}${count(fitted)} of ${count(budget - before)} ablations`;
}

function toBytes(frame: DataView | string): DataView {
  if (typeof frame !== "string") return frame;
  return new DataView(Uint8Array.from(atob(frame), (letter) => letter.charCodeAt(0)).buffer);
}
