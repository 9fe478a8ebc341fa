/** The text with its bars and lanes as a picture of its own: SVG, or PNG made from it. Nothing in it refers to anything outside. */

import { makeButton, makeSvg, setText } from "../marks/dom";
import { outputName } from "../marks/wording";
import type { ViewState } from "../state";
import type { Drawn, Lanes } from "./lanes";

/** A picture is seen on white paper, whatever the theme: the light theme's colours. */
const COLOURS = { ink: "#202124", muted: "#5f6368", paper: "#ffffff", "+": "#1b5fb4", "−": "#ad4e00" } as const;

const FONT = "system-ui, sans-serif";
const MARGIN = 16;

/** From the top of the picture to the letters of the first line. */
const HEAD = 64;

/** From one line of the key to the next; its letters are about so wide. */
const [LEADING, LETTER] = [16, 6.3];

const NARROWEST = 420;

/** No browser draws a canvas longer than this. */
const LONGEST = 16000;

/** Letters that stand together in one line. */
export interface Run {
  readonly text: string;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly look: Look;
}

export interface Look {
  /** Always present. */
  readonly fixed: boolean;
  readonly out: boolean;
  /** Of the unit's own effect; empty where nothing is drawn of it. */
  readonly sign: string;
  readonly mark: string;
  /** The length of its bar, 0 to 1. */
  readonly height: number;
  /** Whether the bar stands here, at the beginning of the unit. */
  readonly bar: boolean;
}

export interface Scene {
  readonly title: string;
  readonly about: string;
  readonly key: readonly string[];
  readonly width: number;
  readonly rtl: boolean;
  /** Where the last line ends, with its lanes. */
  readonly bottom: number;
  readonly runs: readonly Run[];
  readonly lanes: readonly Drawn[];
}

export function pictureButtons(
  state: ViewState,
  text: HTMLElement,
  lanes: Lanes,
  key: () => string[],
): HTMLButtonElement[] {
  const scene = (): Scene => {
    const { header, frame } = state;
    const words = key(); // which brings the text up to date
    const box = text.getBoundingClientRect();
    const origin = lanes.element.getBoundingClientRect();
    return {
      title: outputName(header, frame),
      about: [header.value, header.model, `ablated: ${header.ablation}`].filter((part) => part !== "").join(" · "),
      key: words,
      width: box.width,
      rtl: getComputedStyle(text).direction === "rtl",
      bottom: box.bottom - origin.top,
      runs: runsOf(text, origin),
      lanes: lanes.drawn,
    };
  };
  const name = () => `spex-${outputName(state.header, state.frame).replace(/[^\p{L}\p{N}]+/gu, "-")}`;
  const svg = makeButton(
    "svg",
    () => save(new Blob([markup(picture(scene()))], { type: TYPE }), `${name()}.svg`),
    "SVG",
  );
  const savePng = async () => {
    try {
      save(await drawn(picture(scene())), `${name()}.png`);
    } catch (error) {
      setText(png, `PNG: ${error instanceof TooLarge ? "too large for this browser" : "could not be drawn"}`);
    }
  };
  const png = makeButton("png", () => void savePng(), "PNG");
  svg.title = png.title = "Save the whole text with its bars and lanes as a picture";
  return [svg, png];
}

const TYPE = "image/svg+xml";

/** The picture of a scene. Text is set as text: the serializer escapes it. */
export function picture({ width, rtl, bottom, runs, lanes, ...words }: Scene): SVGSVGElement {
  const [title, about, key] = [legal(words.title), legal(words.about), words.key.map(legal)];
  const whole = Math.ceil(Math.max(width, NARROWEST) + 2 * MARGIN);
  const lines = key.flatMap((words) => wrap(words, Math.floor((whole - 2 * MARGIN) / LETTER)));
  const top = HEAD - Math.min(...runs.map((run) => run.top), bottom);
  const tall = Math.ceil(top + bottom + LEADING * (lines.length + 1.5));
  const svg = makeSvg("svg", { width: whole, height: tall, viewBox: `0 0 ${whole} ${tall}`, "font-family": FONT });
  const heading = makeSvg("text", { x: MARGIN, y: 24, "font-size": 14, fill: COLOURS.ink });
  heading.append(
    makeSvg("tspan", { "font-weight": 700 }, title),
    makeSvg("tspan", { dx: 10, fill: COLOURS.muted, "font-size": 12 }, about),
  );
  const body = makeSvg("g", { transform: `translate(${MARGIN} ${top})` });
  body.append(...runs.flatMap((run) => runNodes(run, rtl)), ...lanes.flatMap((lane) => laneNodes(lane, rtl)));
  const below = lines.map((words, i) =>
    makeSvg("text", { x: MARGIN, y: top + bottom + LEADING * (i + 1.25), "font-size": 12, fill: COLOURS.muted }, words),
  );
  svg.append(makeSvg("title", {}, title), makeSvg("rect", { width: whole, height: tall, fill: COLOURS.paper }));
  svg.append(heading, body, ...below);
  return svg;
}

/** Text as XML may hold it: a form feed in it, or half a letter, and no program would read the file. */
function legal(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}\ufffe\uffff]/gu, (letter) => (/\s/.test(letter) ? " " : "\ufffd"));
}

function runNodes({ text, left, right, top, bottom, look }: Run, rtl: boolean): SVGElement[] {
  const colour = look.sign === "+" || look.sign === "−" ? COLOURS[look.sign] : null;
  const nodes: SVGElement[] = [];
  const box = { x: left, y: top - 1, width: right - left, height: bottom - top + 2, rx: 2 };
  if (colour && !look.out) nodes.push(makeSvg("rect", { ...box, fill: colour, "fill-opacity": 0.26 * look.height }));
  if (colour && look.bar) {
    const up = look.sign === "+";
    const height = 12 * Math.max(0.12, look.height);
    const x = rtl ? right - 7 : left;
    nodes.push(makeSvg("rect", { x, y: up ? top - 1 - height : bottom + 1, width: 7, height, fill: colour }));
    const mark = {
      x: rtl ? x - 6 : x + 8,
      y: up ? top - 4 : bottom + 8,
      "font-size": 10,
      "font-weight": 700,
      fill: colour,
    };
    if (look.mark) nodes.push(makeSvg("text", mark, look.mark));
  }
  if (text) {
    const place = { x: rtl ? right : left, y: top + 0.8 * (bottom - top), "font-size": 14, textLength: right - left };
    const set = { ...place, lengthAdjust: "spacingAndGlyphs", direction: rtl ? "rtl" : null };
    const fill = look.fixed || look.out ? COLOURS.muted : COLOURS.ink;
    nodes.push(makeSvg("text", { ...set, fill, "text-decoration": look.out ? "line-through" : null }, legal(text)));
  }
  return nodes;
}

function laneNodes({ row, rank, shape, width, dashed }: Drawn, rtl: boolean): SVGElement[] {
  const stroke = COLOURS[row.effect > 0 ? "+" : "−"];
  const line = { fill: "none", stroke, "stroke-width": 1.5 };
  const ranks = { "font-size": 9, fill: COLOURS.muted, "text-anchor": rtl ? "start" : "end" };
  return [
    makeSvg("path", { ...line, d: shape.joins, "stroke-width": width, "stroke-dasharray": dashed ? "3 3" : null }),
    makeSvg("path", { ...line, d: shape.heads }),
    makeSvg("path", { ...line, d: shape.dots, fill: row.effect > 0 ? stroke : COLOURS.paper }),
    ...shape.ranks.map(([x, y]) => makeSvg("text", { ...ranks, x, y }, String(rank))),
  ];
}

/** The letters of a text as they stand on the page, whole and not only where it is scrolled to. */
function runsOf(text: HTMLElement, origin: DOMRect): Run[] {
  const walk = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  const runs: Run[] = [];
  while (walk.nextNode()) {
    const node = walk.currentNode as Text;
    const unit = node.parentElement?.closest<HTMLElement>(".spex-unit");
    const begins = runs.length;
    for (const [from, to] of linesOf(node, range)) {
      const words = node.data.slice(from, to);
      if (!words.trim() && !unit) continue;
      const lead = words.length - words.trimStart().length;
      range.setStart(node, words.trim() ? from + lead : from);
      range.setEnd(node, words.trim() ? from + words.trimEnd().length : to);
      const { left, right, top, bottom } = range.getBoundingClientRect();
      runs.push({
        text: words.trim(),
        ...{ left: left - origin.left, right: right - origin.left, top: top - origin.top, bottom: bottom - origin.top },
        look: {
          fixed: !!node.parentElement?.closest(".spex-fixed"),
          out: unit?.dataset.out !== undefined,
          sign: unit?.dataset.sign ?? "",
          mark: unit?.dataset.mark ?? "",
          height: Number(unit?.dataset.h ?? 0),
          bar: !!unit && runs.length === begins && !unit.classList.contains("spex-again"),
        },
      });
    }
  }
  return runs;
}

/** Where a text node begins and ends in each line that it lies in. */
function linesOf(node: Text, range: Range): [from: number, to: number][] {
  range.selectNodeContents(node);
  const tops = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
  if (tops.size < 2) return [[0, node.length]];
  const lines: [number, number][] = [];
  let last: number | undefined;
  for (let at = 0; at < node.length; ) {
    const next = at + ((node.data.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);
    range.setStart(node, at);
    range.setEnd(node, next);
    const top = Math.round(range.getBoundingClientRect().top);
    const line = lines.at(-1);
    if (line && (top === last || !node.data.slice(at, next).trim())) line[1] = next;
    else lines.push([at, next]);
    if (node.data.slice(at, next).trim()) last = top;
    at = next;
  }
  return lines;
}

/** Cut words into lines of so many letters. */
function wrap(words: string, letters: number): string[] {
  const lines: string[] = [];
  for (const word of words.split(" ")) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= letters) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function markup(svg: SVGSVGElement): string {
  return new XMLSerializer().serializeToString(svg);
}

/** A canvas gives no bytes where the browser has no room for it. */
class TooLarge extends Error {}

/** Draw a picture at twice its size, or as large as a canvas can be. */
async function drawn(svg: SVGSVGElement): Promise<Blob> {
  const image = new Image();
  image.src = `data:${TYPE};charset=utf-8,${encodeURIComponent(markup(svg))}`;
  await image.decode();
  const scale = Math.min(2, LONGEST / Math.max(image.width, image.height));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width * scale, image.height * scale];
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((give, fail) => {
    canvas.toBlob((blob) => (blob ? give(blob) : fail(new TooLarge())), "image/png");
  });
}

/** Let the browser save bytes as a file. */
function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000); // a browser may read it after the click
}
