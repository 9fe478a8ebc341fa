/** Pane 6: how faithful the surrogate became, beside one without interactions, and where its energy lies. */

import { make, makeSvg, setAttribute, setText } from "../marks/dom";
import { count, percent, share } from "../marks/numbers";
import { faithWords } from "../marks/wording";
import { type Frame, isFinal, type Mark } from "../protocol";
import type { ViewState } from "../state";

/** Below this R² the surrogate misses most of what the model does. */
const LOW = 0.5;

/** The least distance between the two labels at the right, as a share of the height. */
const APART = 0.17;

export function convergencePane(state: ViewState): HTMLElement {
  const pane = make("section", "spex-convergence");
  pane.setAttribute("aria-label", "Convergence");
  const title = make("div");
  const measure = make("span", "spex-muted", "held-out R²");
  title.append(make("strong", "", "How faithful "), measure);
  const sentence = make("p", "spex-muted");
  const warning = make("p", "spex-warning");
  const plot = makePlot();
  const energy = makeEnergy();
  const remarks = makeRemarks();
  pane.append(title, sentence, plot.element, warning, energy.element, remarks.element);

  let drawn: Frame | null | undefined;
  state.subscribe(() => {
    const frame = state.frame;
    if (frame === drawn) return;
    drawn = frame;
    const exact = frame?.exact === true;
    measure.hidden = exact;
    setAttribute(measure, "title", (frame && faithWords(frame)) || null);
    plot.element.hidden = exact || !frame?.history.length;
    if (frame && !plot.element.hidden) plot.draw(frame);
    setText(
      sentence,
      exact
        ? `Exact: all ${count(frame.fitted)} coalitions were evaluated, so there is no error to show.`
        : frame?.history.length
          ? ""
          : whyNone(frame),
    );
    sentence.hidden = sentence.textContent === "";
    const low = !!frame?.r2 && frame.r2.value < LOW;
    setText(
      warning,
      low
        ? "R² is low: the surrogate misses most of what the model does here. Take the ranking as a hint, or give it more ablations."
        : "",
    );
    warning.hidden = !low;
    energy.draw(frame?.energy ?? []);
    remarks.draw(frame?.remarks ?? []);
  });
  return pane;
}

/** Why there is no held-out R². */
function whyNone(frame: Frame | null): string {
  const over = frame && isFinal(frame.state);
  if (over && !frame.effects) return "There is no surrogate to judge.";
  if (frame && frame.round > 1) return "There is no held-out R²: all values held out are equal.";
  if (!over) return "Held-out R² comes with the second round.";
  return "There is no held-out R²: the run ended before its second round. Take what it found as a hint.";
}

function makePlot() {
  const element = make("figure", "spex-plot");
  const area = make("div", "spex-area");
  // Words stand outside of it, so only lines are stretched.
  const svg = makeSvg("svg", { viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" });
  const path = (className: string) => svg.appendChild(makeSvg("path", { class: className }));
  const grid = path("spex-grid");
  const band = path("spex-band");
  const linear = path("spex-linear");
  const line = path("spex-line");
  grid.setAttribute("d", "M0 0H1M0 .5H1M0 1H1");
  const word = (className: string, text = "") => {
    const label = make("span", className, text);
    area.append(label);
    return label;
  };
  area.append(svg);
  for (const [text, top] of [
    ["1", 0],
    [".5", 50],
    ["0", 100],
  ] as const)
    word("spex-tick spex-y", text).style.top = `${top}%`;
  const here = word("spex-label");
  const first = word("spex-label spex-label-linear");
  const below = word("spex-below", "▾ below 0");
  below.title = "Below 0 a surrogate foretells worse than the mean of the values does";
  const end = word("spex-tick spex-x");
  word("spex-tick spex-x spex-zero", "0");
  element.append(area);

  function draw(frame: Frame): void {
    const marks = frame.history.filter((mark) => Number.isFinite(mark.r2));
    const x = (mark: Mark) => Math.min(1, mark.ablations / Math.max(1, frame.budget - frame.before));
    const y = (r2: number) => 1 - Math.max(0, Math.min(1, r2));
    const through = (points: readonly Mark[], value: (mark: Mark) => number) =>
      points.map((mark) => `${x(mark).toFixed(4)} ${y(value(mark)).toFixed(4)}`);
    const draws = (target: SVGPathElement, points: string[], close = "") => {
      const [only, ...more] = points;
      const alone = only !== undefined && more.length === 0; // a point, which a line to itself draws with round ends
      target.setAttribute("d", only === undefined ? "" : `M${(alone ? [only, only] : points).join("L")}${close}`);
      setAttribute(target, "data-point", alone ? "" : null);
    };
    const flat = marks.filter((mark) => Number.isFinite(mark.linear));
    draws(
      line,
      through(marks, (mark) => mark.r2),
    );
    draws(
      linear,
      through(flat, (mark) => mark.linear),
    );
    draws(band, [...through(marks, (mark) => mark.low), ...through([...marks].reverse(), (mark) => mark.high)], "Z");

    const last = marks.at(-1);
    const lastFlat = flat.at(-1);
    if (!last) return;
    let [a, b] = [y(last.r2), lastFlat ? y(lastFlat.linear) : 1];
    if (Math.abs(a - b) < APART) {
      const middle = Math.min(1 - APART / 2, Math.max(APART / 2, (a + b) / 2));
      const up = a <= b ? -1 : 1;
      [a, b] = [middle + (up * APART) / 2, middle - (up * APART) / 2];
    }
    const label = (target: HTMLElement, top: number, text: string) => {
      target.style.left = `${x(last) * 100}%`;
      target.style.top = `${top * 100}%`;
      setText(target, text);
    };
    label(here, a, `R² ${share(last.r2)}`);
    label(first, b, lastFlat ? `order 1 only ${share(lastFlat.linear)}` : "");
    below.hidden = !marks.some((mark) => mark.r2 < 0) && !flat.some((mark) => mark.linear < 0);
    setText(end, `${count(frame.budget - frame.before)} ablations`);
    element.setAttribute(
      "aria-label",
      `held-out R² ${share(last.r2)} after ${count(last.ablations)} ablations${lastFlat ? `; with order 1 only ${share(lastFlat.linear)}` : ""}`,
    );
    element.setAttribute("role", "img");
  }
  return { element, draw };
}

/** What the kernel says of the surrogate: where it is not what the method counts on, and what it was not made from. */
function makeRemarks() {
  const element = make("div", "spex-remarks spex-muted");
  function draw(remarks: readonly string[]): void {
    const same =
      remarks.length === element.children.length && remarks.every((r, i) => r === element.children[i]?.textContent);
    if (!same) element.replaceChildren(...remarks.map((remark) => make("p", "", remark)));
    element.hidden = remarks.length === 0;
  }
  return { element, draw };
}

function makeEnergy() {
  const element = make("div", "spex-energy");
  element.title = "How much of the surrogate's variation comes from sets of each order";
  const bar = make("div", "spex-stack");
  const words = make("div", "spex-number spex-muted");
  element.append(bar, words);

  function draw(energy: readonly number[]): void {
    element.hidden = energy.length === 0;
    if (element.hidden) return;
    const shares = energy.map((part, i) => ({ order: i + 1, part })).filter(({ part }) => part >= 0.005);
    while (bar.children.length < energy.length) bar.append(make("div"));
    [...bar.children].forEach((segment, i) => {
      (segment as HTMLElement).style.flexGrow = String(energy[i] ?? 0);
    });
    setText(
      words,
      shares.map(({ order, part }, i) => `${i ? "" : "energy at order "}${order}:\u00a0${percent(part)}`).join(" · "),
    );
  }
  return { element, draw };
}
