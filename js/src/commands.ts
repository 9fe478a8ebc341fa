/** What a person asks of the kernel, and whether it has answered. */

import { type Command, modelValue } from "./protocol";
import type { ViewState } from "./state";

/** A kernel that has not answered by then is busy with a cell. */
const BUSY_AFTER_MS = 400;

/** What the run obeys, and counts; probes are answered by their values instead. */
type Verb = Exclude<Command, { type: "hello" | "probe" }>;
export type Asked = Verb["type"];

interface Pending {
  /** The run has obeyed so many verbs once this one is among them. */
  turn: number;
  timer: ReturnType<typeof setTimeout>;
}

export class Commands {
  /** Something was asked a while ago, and the kernel has not answered. */
  busy = false;
  /** There is no kernel any more that knows of this view. */
  lost = false;
  readonly #pending = new Map<Asked, Pending>();
  /** How many verbs the run had obeyed when the kernel was asked about a coalition: a probe counts as one. */
  readonly #probed = new Map<string, number>();

  constructor(
    readonly state: ViewState,
    readonly send: (command: Command) => void,
  ) {
    // A trait that is set goes nowhere in silence where the kernel is gone; a message does not.
    state.onPerson(() => state.live && this.#tell({ type: "hello" }));
  }

  /** Send a command; until a frame acknowledges it, it is pending and cannot be sent again. */
  ask(command: Verb): void {
    const frame = this.state.frame;
    if (!frame || !this.state.live || this.#pending.has(command.type)) return;
    this.state.invalidate();
    if (!this.#tell(command)) return;
    const timer = setTimeout(() => {
      this.busy = true;
      this.state.invalidate();
    }, BUSY_AFTER_MS);
    const turn = 1 + Math.max(frame.turns, ...[...this.#pending.values()].map((before) => before.turn));
    this.#pending.set(command.type, { turn, timer });
  }

  /** Have the model's own values at these coalitions; the newest frame may hold some of them already. */
  probe(ablated: readonly (readonly number[])[]): void {
    const frame = this.state.frame;
    if (!frame || !this.state.live) return;
    const unknown = ablated.filter((players) => modelValue(frame, players) === null).map((players) => [...players]);
    if (unknown.length > 0 && !this.#tell({ type: "probe", ablated: unknown })) return;
    for (const players of unknown) this.expect(players);
  }

  /** Send, and say whether there was anyone to send to: a kernel that was restarted knows nothing of this view. */
  #tell(command: Command): boolean {
    try {
      this.send(command);
    } catch {
      this.lost = true;
      this.state.live = false;
      this.state.invalidate();
    }
    return !this.lost;
  }

  /** Know that the kernel will ask about this coalition by itself. */
  expect(players: readonly number[]): void {
    this.#probed.set(players.join(), this.state.frame?.turns ?? 0);
  }

  /**
   * Have these values again where they are gone from the frame, which keeps the newest, and where a question failed
   * before another was answered. What the kernel has yet to hear of is left to it.
   */
  keepProbed(ablated: readonly (readonly number[])[]): void {
    const frame = this.state.frame;
    if (!frame || frame.asked.pending > 0 || frame.asked.error) return;
    const gone = ablated.filter((players) => {
      const key = players.join();
      if (modelValue(frame, players) !== null) this.#probed.delete(key);
      return (this.#probed.get(key) ?? -1) < frame.turns;
    });
    this.probe(gone);
  }

  isPending(type: Asked): boolean {
    return this.#pending.has(type);
  }

  /** Strike off what the newest frame acknowledges. */
  settle(): void {
    const frame = this.state.frame;
    for (const [type, pending] of this.#pending) {
      if (!frame || frame.turns < pending.turn) continue;
      clearTimeout(pending.timer);
      this.#pending.delete(type);
    }
    if (this.#pending.size === 0) this.busy = false;
  }

  dispose(): void {
    for (const { timer } of this.#pending.values()) clearTimeout(timer);
    this.#pending.clear();
  }
}
