/** What a person asks of the kernel, and whether it has answered. */

import { type Command, type Frame, isFinal } from "./protocol";
import type { ViewState } from "./state";

/** A kernel that has not answered by then is busy with a cell. */
export const BUSY_AFTER_MS = 400;

export type Asked = Exclude<Command["type"], "hello">;

interface Pending {
  acknowledged(frame: Frame): boolean;
  timer: ReturnType<typeof setTimeout>;
}

export class Commands {
  /** Something was asked a while ago, and the kernel has not answered. */
  busy = false;
  readonly #pending = new Map<Asked, Pending>();

  constructor(
    readonly state: ViewState,
    readonly send: (command: Command) => void,
  ) {}

  /** Send a command; until a frame acknowledges it, it is pending and cannot be sent again. */
  ask(command: Exclude<Command, { type: "hello" }>): void {
    const frame = this.state.frame;
    if (!frame || this.#pending.has(command.type)) return;
    const timer = setTimeout(() => {
      this.busy = true;
      this.state.invalidate();
    }, BUSY_AFTER_MS);
    this.#pending.set(command.type, { acknowledged: acknowledges(command, frame), timer });
    this.send(command);
    this.state.invalidate();
  }

  isPending(type: Asked): boolean {
    return this.#pending.has(type);
  }

  /** Strike off what the newest frame acknowledges. */
  settle(): void {
    const frame = this.state.frame;
    for (const [type, pending] of this.#pending) {
      if (!frame || !pending.acknowledged(frame)) continue;
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

/** How a frame shows that the kernel has acted, given the frame that was on screen at the click. */
function acknowledges(command: Command, before: Frame): (frame: Frame) => boolean {
  const ended = (frame: Frame) => isFinal(frame.state) && !isFinal(before.state);
  switch (command.type) {
    case "add_budget":
      return (frame) => frame.budget > before.budget || ended(frame);
    case "stop":
      return (frame) => frame.state === "stopping" || ended(frame);
    default:
      return (frame) => frame.state !== before.state;
  }
}
