/** Pane 1: what is explained, how far the run is, how faithful the surrogate is, and the buttons. */

import type { Asked, Commands } from "../commands";
import { make, makeButton, setAttribute, setText, showButton } from "../marks/dom";
import { count, percent, perSecond, share, timeLeft } from "../marks/numbers";
import { faithWords, outputName, STATE_WORDS, workWords } from "../marks/wording";
import { type Frame, type Header, isFinal } from "../protocol";
import type { ViewState } from "../state";
import { verifyButton } from "./verify";

export function headerPane(state: ViewState, commands: Commands): HTMLElement {
  const pane = make("section", "spex-header");
  pane.setAttribute("aria-label", "Run");
  const what = make("div", "spex-what");
  const output = make("strong");
  what.append(output, make("span", "spex-muted", describe(state.header)));
  what.title = describe(state.header) + (state.header.log && `\nEvery ablation is kept in ${state.header.log}`);

  const bar = make("div", "spex-progress");
  bar.setAttribute("role", "progressbar");
  bar.setAttribute("aria-label", "ablations");
  bar.append(make("div"));

  const status = make("div", "spex-now");
  const word = make("span", "spex-state");
  const progress = make("span", "spex-number spex-done");
  const work = make("span", "spex-muted spex-number spex-work");
  const fitting = make("span", "spex-muted");
  const faithful = make("span", "spex-number spex-faithful");
  const busy = make("span", "spex-muted spex-busy");
  busy.setAttribute("aria-live", "polite");
  status.append(word, progress, work, fitting, busy, faithful);
  const alert = make("div", "spex-alert");
  alert.setAttribute("role", "alert");
  pane.append(what, buttons(state, commands), bar, status, alert);

  state.subscribe(() => {
    const frame = state.frame;
    setText(output, outputName(state.header, frame));
    setText(word, frame ? wordsOfState(frame, commands) : "waiting for the first ablations…");
    setAttribute(word, "data-state", frame?.state ?? "waiting");
    setText(progress, frame ? wordsOfProgress(frame, commands.busy) : "");
    setText(work, frame ? wordsOfWork(frame) : "");
    setAttribute(work, "title", frame?.work?.rows ? workWords(frame.work) : null);
    setText(fitting, frame && isFitting(frame) ? `fitting the surrogate, round ${frame.round + 1}` : "");
    setText(faithful, frame ? wordsOfFaith(frame) : "");
    setAttribute(faithful, "title", (frame && faithWords(frame)) || null);
    const done = frame ? Math.min(1, frame.ablations / Math.max(1, frame.budget)) : 0;
    bar.style.setProperty("--done", String(done));
    setAttribute(bar, "data-state", frame?.state ?? "waiting");
    setAttribute(bar, "aria-valuenow", String(frame?.ablations ?? 0));
    setAttribute(bar, "aria-valuemax", String(frame?.budget ?? 0));
    setText(busy, wordsOfSilence(commands));
    setText(alert, state.broken || (frame ? wordsOfFailure(frame) : ""));
    alert.hidden = alert.textContent === "";
  });
  return pane;
}

function describe(header: Header): string {
  const ablated = header.ablation && `ablated: ${header.ablation}`;
  const value = header.outputs.includes(header.value) ? "" : header.value; // an output is named already
  return [value, header.model, ablated].filter(Boolean).join(" · ");
}

function wordsOfState(frame: Frame, commands: Commands): string {
  if (commands.isPending("stop") || frame.state === "stopping") return "stopping…";
  if (commands.isPending("pause")) return "pausing…";
  if (commands.isPending("resume")) return "resuming…";
  const words = STATE_WORDS[frame.state];
  const reason = frame.state === "failed" ? "" : frame.reason; // that one has a line of its own
  if (reason.startsWith(frame.state)) return words.replace(frame.state, reason); // "stopped by you, results kept"
  return reason ? `${words}: ${reason}` : words;
}

function wordsOfFailure({ state, reason, verifying }: Frame): string {
  if (state === "failed") return reason || "No reason was given.";
  return verifying.error && `measuring failed: ${verifying.error}`;
}

function wordsOfProgress(frame: Frame, short: boolean): string {
  const left = frame.budget - frame.ablations;
  const parts = [`${count(frame.ablations)} / ${count(frame.budget)} ablations`];
  if (frame.state === "running" && frame.rate > 0 && left > 0 && !short) {
    parts.push(perSecond(frame.rate), timeLeft(left / frame.rate));
  }
  if (frame.before > 0) parts.push(`${count(frame.before)} of them to zoom`);
  if (frame.verifying.ablations > 0) parts.push(`${count(frame.verifying.ablations)} more to measure`);
  if (frame.asked.ablations > 0) parts.push(`${count(frame.asked.ablations)} more asked by you`);
  return parts.join(" · ");
}

function wordsOfWork({ work }: Frame): string {
  if (!work) return "";
  // A space before there is anything to say: the line must not come later, and move the text.
  return work.rows > 0 ? `${count(work.tokens)} tokens · model idle ${percent(work.idle)}` : "\u00a0";
}

/** Why nothing answers; empty where something does. */
function wordsOfSilence({ lost, busy }: Commands): string {
  if (lost) return "the kernel of this view is gone: run the cell again";
  return busy ? "the kernel is busy: it will act when the cell ends" : "";
}

function isFitting(frame: Frame): boolean {
  const last = frame.state === "stopping" || (!isFinal(frame.state) && frame.ablations >= frame.budget);
  return last && frame.fitted < frame.ablations - frame.before;
}

function wordsOfFaith(frame: Frame): string {
  if (frame.exact) return "exact: every coalition evaluated";
  if (!frame.r2) return frame.effects ? `no held-out R²${isFinal(frame.state) ? "" : " yet"}` : "";
  return `held-out R² ${share(frame.r2.value)} (${share(frame.r2.low)} to ${share(frame.r2.high)})`;
}

function buttons(state: ViewState, commands: Commands): HTMLElement {
  const group = make("div", "spex-buttons");
  if (!state.live) return group; // nobody would answer
  // Pause and resume are one button, which keeps the focus while its meaning changes.
  let turn: "pause" | "resume" = "pause";
  const onOff = makeButton(turn, () => commands.ask({ type: turn }));
  const stop = makeButton("stop", () => commands.ask({ type: "stop" }));
  const more = makeButton("add_budget", () => commands.ask({ type: "add_budget", ablations: moreBudget() }));
  stop.title = "Stop ablating and keep what is known so far";
  // As many ablations again as the run first had, as far as there are coalitions left.
  let first = 0;
  const moreBudget = () => {
    const budget = state.frame ? state.frame.budget - state.frame.before : 0;
    first ||= budget;
    return Math.max(0, Math.min(first, 2 ** state.header.players.length - budget));
  };
  group.append(onOff, stop, more, verifyButton(state, commands)); // what stays is at the end, which does not move

  const show = (element: HTMLButtonElement, action: Asked, shown: boolean, label: string, pressed: string) => {
    const pending = commands.isPending(action);
    showButton(element, shown || pending, shown && !pending);
    setText(element, pending ? pressed : label);
    setAttribute(element, "data-action", action);
    setAttribute(element, "aria-busy", pending ? "true" : null);
  };
  state.subscribe(() => {
    const frame = state.frame;
    const now = frame?.state;
    const k = moreBudget();
    const unfinished = now === "paused" || (now === "stopped" && !!frame && frame.ablations < frame.budget);
    const resumes = unfinished || now === "failed";
    const grows = !!frame && k > 0 && now !== "failed" && now !== "stopping";
    if (!commands.isPending(turn)) turn = resumes ? "resume" : "pause";
    if (turn === "pause") show(onOff, turn, now === "running", "pause", "pausing…");
    else show(onOff, turn, resumes, now === "failed" ? "try again" : "resume", "resuming…");
    show(stop, "stop", now === "running" || now === "paused", "stop and keep", "stopping…");
    show(more, "add_budget", grows, `+ ${count(k)} ablations`, `+ ${count(k)}…`);
  });
  return group;
}
