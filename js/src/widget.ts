/** The entry: a view of one run, drawn from its newest frame. Works in any host that gives it a model. */

import type { AnyModel, Render } from "@anywidget/types";
import { cardPane } from "./card/card";
import { Commands } from "./commands";
import { convergencePane } from "./convergence/convergence";
import { answerPane } from "./header/answer";
import { headerPane } from "./header/header";
import { panesOf } from "./lenses";
import { keepKeys, make, setAttribute } from "./marks/dom";
import { milestonesPane } from "./milestones";
import { shareWithModel } from "./person";
import type { Command, Header } from "./protocol";
import { rankingPane } from "./ranking/ranking";
import { type Recording, replayPane } from "./replay/replay";
import { type Person, ViewState } from "./state";
import { hideTwin } from "./twin";
import { whatIfPane } from "./whatif/whatif";

/** What the kernel and the page share. */
export interface Traits extends Partial<Person> {
  header: Header;
  frame: DataView;
  /** Where this is a run of the past: its moments, and no kernel that answers. */
  recording?: Recording | null;
}

const render: Render<Traits> = ({ model, el, signal }) => {
  const state = new ViewState(model.get("header"));
  const recording = model.get("recording") ?? null;
  state.live = !recording;
  const commands = new Commands(state, (command: Command) => model.send(command));
  const root = make("div", "spex-widget");
  root.dataset.spex = state.header.uid;
  state.subscribe(() => {
    commands.settle();
    const frame = state.frame;
    setAttribute(root, "data-state", frame?.state ?? "waiting");
    setAttribute(root, "data-seq", String(frame?.seq ?? ""));
    setAttribute(root, "data-frames", String(state.drawn));
    setAttribute(root, "data-ablations", String(frame?.ablations ?? 0));
    setAttribute(root, "data-r2", String(frame?.r2?.value ?? ""));
  });
  const panes = make("div", "spex-panes");
  const ranking = rankingPane(state); // draws first, for lanes show the rows as they stand in it
  const side = make("div", "spex-side");
  side.append(cardPane(state, commands), convergencePane(state));
  const answer = answerPane(state);
  panes.append(
    headerPane(state, commands),
    ...(recording ? [replayPane(state, recording)] : []),
    ...(answer ? [answer] : []),
    ...panesOf(state.header.lens).map((pane) => pane(state, commands)),
    whatIfPane(state, commands),
    ranking,
    side,
    milestonesPane(state),
  );
  root.append(panes);
  el.append(root);
  root.addEventListener("focusout", () => state.invalidate()); // a button that waited for that may go

  const endSharing = shareWithModel(state, model as unknown as AnyModel<Partial<Person>>);
  const take = () => state.receive(model.get("frame"));
  if (!recording) model.on("change:frame", take);
  const showTwin = hideTwin(state.header.uid);
  const giveKeys = keepKeys(root);
  const dispose = () => {
    if (!recording) model.off("change:frame", take);
    endSharing();
    commands.dispose();
    state.dispose();
    showTwin();
    giveKeys();
    root.remove();
  };
  signal?.addEventListener("abort", dispose, { once: true });

  // The kernel answers clicks beside a busy cell only once the page has spoken.
  if (state.live) model.send({ type: "hello" } satisfies Command);
  if (state.live) take();
  state.draw();
  return dispose;
};

export default { render };
