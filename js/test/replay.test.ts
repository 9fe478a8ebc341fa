import type { RenderProps } from "@anywidget/types";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LONGEST_MS, type Recording, SHORTEST_MS } from "../src/replay/replay";
import widget, { type Traits } from "../src/widget";
import { drawn, frame, HEADER, KNOWN, TURNED } from "./model";

const ended: (() => void)[] = [];

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  for (const end of ended.splice(0)) end();
  document.body.replaceChildren();
  vi.useRealTimers();
});

/** A model as MyST's pages have it: the JSON of a directive, a `set` that tells at once, and no more. */
class MystModel {
  readonly #target = new EventTarget();

  constructor(readonly state: Record<string, unknown>) {}

  get(name: string) {
    return this.state[name];
  }

  set(name: string, value: unknown) {
    this.state[name] = value;
    this.#target.dispatchEvent(new CustomEvent(`change:${name}`, { detail: value }));
  }

  on(name: string, call: () => void) {
    this.#target.addEventListener(name, call);
  }

  off() {
    throw new Error("MystAnyModel.off not implemented yet.");
  }

  save_changes() {
    throw new Error("MystAnyModel.save_changes not implemented yet.");
  }

  send() {
    throw new Error("MystAnyModel.send not implemented yet.");
  }
}

const MOMENTS = [
  frame({ seq: 0, state: "running", ablations: 0, budget: 800, fitted: 0, r2: null }),
  frame({ seq: 3, state: "running", ablations: 400, budget: 800, fitted: 312 }, KNOWN),
  frame({ seq: 4, state: "running", ablations: 800, budget: 800, fitted: 512 }, TURNED),
  frame({ seq: 9, state: "done", ablations: 800, budget: 800, fitted: 800 }, KNOWN),
];
const SECONDS = [0, 0.4, 0.41, 1000];

const base64 = (bytes: DataView) => btoa(String.fromCharCode(...new Uint8Array(bytes.buffer)));

/** A recording as MyST shows it: in a shadow root. */
function open(recording: Recording = { frames: MOMENTS.map(base64), seconds: SECONDS }) {
  const host = document.createElement("div");
  document.body.append(host);
  const el = document.createElement("div");
  host.attachShadow({ mode: "open" }).append(el);
  const model = new MystModel({ header: { ...HEADER, uid: "" }, recording });
  ended.push(widget.render({ model, el } as unknown as RenderProps<Traits>) as () => void);
  const find = <E extends HTMLElement = HTMLElement>(selector: string) => {
    const found = el.querySelector<E>(selector);
    if (!found) throw new Error(`there is no ${selector}`);
    return found;
  };
  const slider = find<HTMLInputElement>("[type=range]");
  return {
    el,
    find,
    slider,
    model,
    where: () => find(".spex-where").textContent,
    seq: () => find("[data-spex]").dataset.seq,
    top: () => find("tr[data-members]").dataset.members,
    press(action: string) {
      find(`[data-action="${action}"]`).click();
      drawn();
    },
    scrub(moment: number) {
      slider.value = String(moment);
      slider.dispatchEvent(new Event("input", { bubbles: true }));
      drawn();
    },
  };
}

test("the last moment is shown, and nothing plays by itself", () => {
  const view = open();
  expect([view.seq(), view.where(), view.slider.value]).toEqual(["9", "fitted to 800 of 800 ablations", "3"]);
  vi.advanceTimersByTime(60_000);
  expect(view.seq()).toBe("9");
  expect(view.find("[data-spex]").dataset.frames).toBe("1");
});

test("frames are taken as binary too", () => {
  const view = open({ frames: MOMENTS, seconds: SECONDS });
  view.press("back");
  expect(view.seq()).toBe("4");
});

test("steps go back and forward, and end at the ends", () => {
  const view = open();
  const disabled = () =>
    ["back", "forward"].map((name) => view.find(`[data-action=${name}]`).getAttribute("aria-disabled"));
  expect(disabled()).toEqual([null, "true"]);
  const seen = ["back", "back", "back", "back", "forward"].map((action) => {
    view.press(action);
    return view.seq();
  });
  expect(seen).toEqual(["4", "3", "0", "0", "3"]);
  view.press("back");
  expect(disabled()).toEqual(["true", null]);
  expect(view.where()).toBe("0 of 800 ablations");
  for (let i = 0; i < 9; i++) view.find("[data-action=forward]").click(); // faster than the button is drawn
  drawn();
  view.press("back");
  expect(view.seq()).toBe("4");
});

test("the slider scrubs, and says where it stands", () => {
  const view = open();
  view.scrub(1);
  expect(view.seq()).toBe("3");
  expect(view.slider.getAttribute("aria-label")).toBe("moment of the run");
  expect(view.slider.getAttribute("aria-valuetext")).toBe("fitted to 312 of 800 ablations");
  expect([view.slider.min || "0", view.slider.max]).toEqual(["0", "3"]);
  view.press("forward");
  expect(view.slider.value).toBe("2");
});

test("rows stand at once as the moment that was asked for has them, and move no faster than in the run while it plays", () => {
  const view = open();
  expect(view.top()).toBe("0,1");
  view.scrub(2);
  expect(view.top()).toBe("0,3");
  view.scrub(1);
  expect(view.top()).toBe("0,1");
  view.press("play");
  vi.advanceTimersByTime(SHORTEST_MS);
  drawn();
  expect([view.seq(), view.top()]).toEqual(["4", "0,1"]);
});

test("it plays from the start to the end, each wait as long as the run's within bounds, and stops there", () => {
  const view = open();
  const play = view.find("[data-action=play]");
  expect(play.textContent).toBe("play");
  view.press("play");
  expect([view.seq(), play.textContent]).toEqual(["0", "pause"]);
  const wait = (ms: number) => {
    vi.advanceTimersByTime(ms - 20);
    const before = view.seq();
    vi.advanceTimersByTime(40);
    return [before, view.seq()];
  };
  expect(wait(400 - 20)).toEqual(["0", "3"]); // 20 ms went by while the button was drawn
  expect(wait(SHORTEST_MS - 20)).toEqual(["3", "4"]);
  expect(wait(LONGEST_MS - 20)).toEqual(["4", "9"]);
  expect(play.textContent).toBe("play");
  vi.advanceTimersByTime(60_000);
  expect(view.seq()).toBe("9");
});

test("at another speed waits are shorter", () => {
  const view = open();
  const speed = view.find<HTMLSelectElement>("select[aria-label=speed]");
  expect([...speed.options].map((option) => option.text)).toEqual(["0.5 ×", "1 ×", "2 ×", "4 ×"]);
  expect([speed.value, speed.dataset.pick]).toEqual(["1", "speed"]);
  speed.value = "4";
  view.press("play");
  vi.advanceTimersByTime(100);
  expect(view.seq()).toBe("3");
});

test("a step, a scrub or a second press ends the playing", () => {
  const view = open();
  const halts = [() => view.press("back"), () => view.press("forward"), () => view.scrub(2), () => view.press("play")];
  const where = halts.map((halt) => {
    view.scrub(1);
    view.press("play");
    halt();
    expect(view.find("[data-action=play]").textContent).toBe("play");
    vi.advanceTimersByTime(60_000);
    return view.seq();
  });
  expect(where).toEqual(["0", "4", "4", "3"]);
});

test("a view that goes while it plays leaves nothing behind", () => {
  const view = open();
  view.press("play");
  for (const end of ended.splice(0)) end();
  expect(view.el.children).toHaveLength(0);
  expect(vi.getTimerCount()).toBe(0);
});

test("one moment is nothing to replay", () => {
  const view = open({ frames: [base64(MOMENTS[3] as DataView)], seconds: [2] });
  expect(view.find(".spex-replay").hidden).toBe(true);
  expect(view.seq()).toBe("9");
});

test("where no kernel answers there is no button that asks one, and a choice stays on the page", () => {
  const view = open();
  expect(view.find(".spex-buttons").children).toHaveLength(0);
  const row = view.find('tr[data-members="0,1"]');
  row.click();
  drawn();
  expect(view.find('tr[data-members="0,1"]').getAttribute("aria-selected")).toBe("true");
  expect(view.model.get("selected")).toBeUndefined();
});
