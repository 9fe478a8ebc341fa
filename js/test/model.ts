/** A stand-in for the kernel: frames written as frame.py writes them, and a model of five methods. */

import type { RenderProps } from "@anywidget/types";
import { vi } from "vitest";
import {
  type Asked,
  type Header,
  KINDS,
  type Kind,
  NO_PLAYER,
  type RunState,
  VERDICTS,
  VERSION,
  type Verdict,
  type Verifying,
} from "../src/protocol";
import widget, { type Traits } from "../src/widget";

/** How sure a row is. */
export interface Sure {
  interval?: [low: number, high: number];
  settled?: boolean;
  noise?: boolean;
  verdict?: Verdict;
  measured?: [effect: number, low: number, high: number, contexts: number, targeted: number];
}

export interface Known {
  effects?: number[];
  rows?: [members: number[], effect: number, kind?: Kind, sure?: Sure][];
  history?: [ablations: number, r2: number, low: number, high: number, linear: number][];
  energy?: number[];
  /** The surrogate: sets of players and their coefficients. */
  spectrum?: [players: number[], coefficient: number][];
  /** What was probed: who was ablated, and the model's value. */
  probes?: [ablated: number[], value: number][];
}

export interface Head {
  seq: number;
  state: RunState;
  reason: string;
  ablations: number;
  budget: number;
  before: number;
  rate: number;
  turns: number;
  index: string;
  max_order: number | null;
  fitted: number;
  round: number;
  exact: boolean;
  output: number;
  output_label: string;
  output_terms: [number, number][];
  weights: Record<string, number>;
  remarks: string[];
  verifying: Verifying;
  work: Record<string, number> | null;
  idle: number | null;
  asked: Asked;
  left_out: number;
  r2: [number, number, number] | null;
  version: number;
}

const HEAD: Head = {
  version: VERSION,
  seq: 1,
  state: "running",
  reason: "",
  ablations: 312,
  budget: 800,
  before: 0,
  rate: 1240,
  turns: 0,
  index: "BII",
  max_order: 3,
  fitted: 256,
  round: 4,
  exact: false,
  output: 0,
  output_label: "POSITIVE",
  output_terms: [[0, 1]],
  weights: {},
  remarks: [],
  verifying: { done: 0, chosen: 0, ablations: 0, error: "" },
  work: null,
  idle: null,
  asked: { pending: 0, ablations: 0, flip: null, error: "" },
  left_out: 0,
  r2: [0.93, 0.9, 0.95],
};

type Part = [name: string, dtype: string, shape: number[], data: ArrayBufferView];

/** A frame; without `known`, one from before the first estimate. */
export function frame(head: Partial<Head> = {}, known?: Known): DataView {
  const rows = known?.rows ?? [];
  const width = Math.max(0, ...rows.map(([members]) => members.length));
  const spans = rows.some(([, , , sure]) => sure?.interval);
  const flags = (of: (sure: Sure) => number) => new Uint8Array(rows.map(([, , , sure]) => of(sure ?? {})));
  const ends = (i: 0 | 1) => new Float32Array(rows.map(([, effect, , sure]) => sure?.interval?.[i] ?? effect));
  const arrays: Part[] = known
    ? [
        ["effects", "<f4", [known.effects?.length ?? 0], new Float32Array(known.effects ?? [])],
        ["members", "<u2", [rows.length, width], new Uint16Array(rows.flatMap(([m]) => pad(m, width)))],
        ["effect", "<f4", [rows.length], new Float32Array(rows.map(([, effect]) => effect))],
        ...(spans
          ? ([
              ["low", "<f4", [rows.length], ends(0)],
              ["high", "<f4", [rows.length], ends(1)],
            ] satisfies Part[])
          : []),
        [
          "measured",
          "<f4",
          [rows.length, 5],
          new Float32Array(rows.flatMap(([, , , sure]) => sure?.measured ?? [0, 0, 0, 0, 0])),
        ],
        ["settled", "|u1", [rows.length], flags((sure) => Number(sure.settled ?? false))],
        ["noise", "|u1", [rows.length], flags((sure) => Number(sure.noise ?? false))],
        ["verdict", "|u1", [rows.length], flags((sure) => (sure.verdict ? VERDICTS.indexOf(sure.verdict) + 1 : 0))],
        ["kind", "|u1", [rows.length], new Uint8Array(rows.map(([, , kind]) => KINDS.indexOf(kind ?? "mixed")))],
        ["history", "<f4", [known.history?.length ?? 0, 5], new Float32Array((known.history ?? []).flat())],
        ["energy", "<f4", [known.energy?.length ?? 0], new Float32Array(known.energy ?? [])],
        ...surrogate(known.spectrum ?? []),
        ...probed(known.probes ?? [], known.effects?.length ?? 0),
      ]
    : [];
  let offset = 4096;
  const layout: Record<string, unknown> = {};
  for (const [name, dtype, shape, data] of arrays) {
    layout[name] = [dtype, shape, offset];
    offset += Math.ceil(data.byteLength / 8) * 8;
  }
  const text = new TextEncoder().encode(JSON.stringify({ ...HEAD, ...head, arrays: layout }));
  const bytes = new Uint8Array(offset);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 4);
  for (const [name, , , data] of arrays) {
    const [, , start] = layout[name] as [string, number[], number];
    bytes.set(new Uint8Array(data.buffer), start);
  }
  return new DataView(bytes.buffer);
}

function surrogate(spectrum: [number[], number][]): Part[] {
  const members = spectrum.flatMap(([players]) => players);
  return [
    ["spectrum_orders", "|u1", [spectrum.length], new Uint8Array(spectrum.map(([players]) => players.length))],
    ["spectrum_members", "<u2", [members.length], new Uint16Array(members)],
    ["spectrum", "<f4", [spectrum.length], new Float32Array(spectrum.map(([, coefficient]) => coefficient))],
  ];
}

function probed(probes: [number[], number][], players: number): Part[] {
  if (probes.length === 0) return [];
  const width = Math.ceil(players / 8);
  const bits = probes.flatMap(([ablated]) => {
    const row = new Uint8Array(width);
    for (let player = 0; player < players; player++)
      if (!ablated.includes(player)) row[player >> 3] = (row[player >> 3] ?? 0) | (1 << (player & 7));
    return [...row];
  });
  return [
    ["probed", "|u1", [probes.length, width], new Uint8Array(bits)],
    ["probed_values", "<f4", [probes.length], new Float32Array(probes.map(([, value]) => value))],
  ];
}

function pad(members: number[], width: number): number[] {
  return [...members, ...Array(width - members.length).fill(NO_PLAYER)];
}

export const HEADER: Header = {
  players: ["not", "bad", "at", "all"],
  outputs: ["POSITIVE"],
  pieces: [
    ["[CLS]", -1],
    [" ", -1],
    ["not", 0],
    [" bad", 1],
    [" ", -1],
    ["at", 2],
    ["\n", -1],
    ["all", 3],
    [".", -1],
  ],
  lens: "TextGame",
  model: "tiny-bert",
  value: "log-odds",
  ablation: "[MASK]",
  log: "/tmp/log.sqlite",
  answer: [],
  threshold: null,
  uid: "a1b2",
};

export const KNOWN: Known = {
  effects: [0.5, -1, 0.01, 0],
  rows: [
    [[0, 1], 3, "reversal"],
    [[1, 2, 3], -2, "redundant"],
    [[0, 3], 1],
    [[0], 0.5, "single"],
  ],
  history: [
    [128, 0.8, 0.7, 0.9, 0.5],
    [256, 0.93, 0.9, 0.95, 0.6],
  ],
  energy: [0.6, 0.2, 0.2],
};

/** The same rows, with all that may be said of how sure they are. */
export const SURE: Known = {
  ...KNOWN,
  rows: [
    [[0, 1], 3, "reversal", { interval: [2.5, 3.25], settled: true }],
    [
      [1, 2, 3],
      -2,
      "redundant",
      { interval: [-9, -1.5], settled: true, verdict: "contradicted", measured: [0.25, -0.5, 1, 16, 0] },
    ],
    [[0, 3], 1, "mixed", { interval: [-0.5, 1.5] }],
    [[0], 0.5, "single", { interval: [0.25, 0.5], verdict: "undecided" }],
  ],
};

/** A later frame: other sets lead, and one has left. */
export const TURNED: Known = {
  ...KNOWN,
  rows: [
    [[0, 3], 5],
    [[0, 1], 3],
    [[2, 3], 1],
  ],
};

const views: AbortController[] = [];

/** Take all views off the page, as the host does when their outputs go. */
export function unmountAll(): void {
  for (const view of views.splice(0)) view.abort();
  document.body.replaceChildren();
}

/** Put a view on the page and drive it as a kernel would. */
export function mount(
  first: DataView = frame({}, KNOWN),
  header: Partial<Header> = {},
  others: Omit<Partial<Traits>, "header" | "frame"> = {},
) {
  const traits: Traits = { header: { ...HEADER, ...header }, frame: first, ...others };
  const heard = new Map<string, () => void>();
  const sent: { type: string }[] = [];
  const trouble = { error: null as Error | null };
  const model = {
    get: (key: keyof Traits) => traits[key],
    on: (event: string, call: () => void) => heard.set(event, call),
    off: (event: string) => heard.delete(event),
    send(message: { type: string }) {
      if (trouble.error) throw trouble.error;
      sent.push(message);
    },
    set: (key: keyof Traits, value: unknown) => Object.assign(traits, { [key]: value }),
    save_changes: () => {},
  };
  const el = document.createElement("div");
  document.body.append(el);
  const abort = new AbortController();
  views.push(abort);
  widget.render({ model, el, signal: abort.signal } as unknown as RenderProps<Traits>);

  /** Change a trait as the kernel does. */
  const change = (changed: Partial<Traits>) => {
    Object.assign(traits, changed);
    for (const name of Object.keys(changed)) heard.get(`change:${name}`)?.();
  };
  const give = (bytes: DataView) => {
    change({ frame: bytes });
  };
  const find = <E extends HTMLElement = HTMLElement>(selector: string) => {
    const found = el.querySelector<E>(selector);
    if (!found) throw new Error(`there is no ${selector}`);
    return found;
  };
  return {
    el,
    /** What sending raises, once there is no kernel. */
    trouble,
    sent,
    traits,
    heard,
    abort,
    find,
    all: (selector: string) => [...el.querySelectorAll<HTMLElement>(selector)],
    /** The row keys from the top. */
    ranking: () => [...el.querySelectorAll<HTMLElement>("tr[data-members]")].map((row) => row.dataset.members),
    action: (name: string) => find<HTMLButtonElement>(`[data-action="${name}"]`),
    give,
    change,
    /** Hand over a frame and let the page draw it. */
    show(bytes: DataView) {
      give(bytes);
      drawn();
    },
  };
}

/** Let a pending animation frame run. */
export function drawn(): void {
  vi.advanceTimersByTime(20);
}

/** Press a key where the focus is. */
export function press(key: string, modifiers: KeyboardEventInit = {}): void {
  document.activeElement?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, ...modifiers }));
}

export function over(element: Element): void {
  element.dispatchEvent(new Event("pointerover", { bubbles: true }));
}
