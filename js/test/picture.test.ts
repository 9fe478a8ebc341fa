import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Drawn } from "../src/text/lanes";
import { type Look, picture, type Run, type Scene } from "../src/text/picture";
import { drawn, frame, KNOWN, mount, unmountAll } from "./model";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  unmountAll();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const EVIL = "<img src=x onerror=alert(1)>";
const PLAIN: Look = { fixed: false, out: false, sign: "", mark: "", height: 0, bar: true };

function run(text: string, left: number, look: Partial<Look> = {}): Run {
  return { text, left, right: left + 30, top: 20, bottom: 36, look: { ...PLAIN, ...look } };
}

function lane(effect: number, dashed: boolean): Drawn {
  const shape = { joins: "M0 50H60", heads: "M60 50l3 3", dots: "M0 50z", ranks: [[-5, 53]] as const, reach: "" };
  return { row: { key: "0,1", effect } as Drawn["row"], rank: 7, shape, width: 2, dashed };
}

const SCENE: Scene = {
  title: EVIL,
  about: `log-odds · ${EVIL}`,
  key: [`each unit's own effect: + raises ${EVIL} & "more"`, "lanes"],
  width: 500,
  rtl: false,
  bottom: 80,
  runs: [run(EVIL, 0, { sign: "+", mark: "+", height: 1 }), run("bad", 40, { sign: "−", height: 0.5, out: true })],
  lanes: [lane(2, false), lane(-1, true)],
};

/** Read the file again, as a program would. */
function saved(scene: Scene): Document {
  const markup = new XMLSerializer().serializeToString(picture(scene));
  const page = new DOMParser().parseFromString(markup, "image/svg+xml");
  expect(page.querySelector("parsererror")).toBeNull();
  return page;
}

const texts = (page: Document) => [...page.querySelectorAll("text")].map((node) => node.textContent);

test("the saved picture is well formed and holds the text as text", () => {
  const page = saved(SCENE);
  expect(page.documentElement.tagName).toBe("svg");
  expect(page.querySelector("img, script, style, image, foreignObject")).toBeNull();
  expect(page.querySelector("title")?.textContent).toBe(EVIL);
  expect(texts(page)).toContain(EVIL);
  expect(texts(page)).toContain("bad");
  expect(texts(page).join(" ")).toContain(`+ raises ${EVIL} & "more"`);
});

test("letters that XML may not hold are not in the file", () => {
  const odd = "a\fb\0c\u001bd\ud83de\uffff\tf📈";
  const look = { sign: "+", mark: "+", height: 1 };
  const page = saved({ ...SCENE, title: odd, about: odd, key: [odd], runs: [run(odd, 0, look)] });
  expect([...(page.documentElement.textContent ?? "")].filter((letter) => letter < " " || letter === "\uffff")).toEqual(
    [],
  );
  const clean = "a b\ufffdc\ufffdd\ufffde\ufffd f📈";
  expect(page.querySelector("title")?.textContent).toBe(clean);
  expect(texts(page).filter((text) => text === clean)).toHaveLength(2); // the run's, and the key's
  expect(texts(page).join("")).toContain(clean + clean);
});

test.each([
  ["too large for this browser", () => Promise.resolve()],
  ["could not be drawn", () => Promise.reject(new DOMException("broken", "EncodingError"))],
])("a PNG that is %s says so", async (words, decode) => {
  vi.stubGlobal(
    "Image",
    class {
      [name: string]: unknown;
      decode = decode;
      width = 10;
      height = 10;
    },
  );
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue(null);
  vi.spyOn(HTMLCanvasElement.prototype, "toBlob").mockImplementation((give) => give(null));
  const view = mount(frame({ state: "done" }, KNOWN));
  view.action("png").click();
  await vi.advanceTimersByTimeAsync(1);
  expect(view.action("png").textContent).toBe(`PNG: ${words}`);
});

test("nothing in it refers to anything outside", () => {
  const page = saved(SCENE);
  for (const element of page.querySelectorAll("*")) {
    for (const { name, value } of element.attributes) {
      expect(name).not.toMatch(/href|^on|src/);
      if (!name.startsWith("xmlns")) expect(value).not.toMatch(/:\/\/|url\(/);
    }
  }
});

test("words keep the widths that they have on the page, and what is taken out is struck through", () => {
  const page = saved(SCENE);
  const bad = [...page.querySelectorAll("text")].find((node) => node.textContent === "bad");
  expect(bad?.getAttribute("textLength")).toBe("30");
  expect(bad?.getAttribute("text-decoration")).toBe("line-through");
});

test("lanes have signs without colour, ranks, and dashes while provisional", () => {
  const page = saved(SCENE);
  const [up, down] = ["#1b5fb4", "#ad4e00"].map((colour) => [...page.querySelectorAll(`path[stroke="${colour}"]`)]);
  expect(up?.map((path) => path.getAttribute("stroke-dasharray"))).toEqual([null, null, null]);
  expect(down?.[0]?.getAttribute("stroke-dasharray")).toBe("3 3");
  expect(up?.[2]?.getAttribute("fill")).toBe("#1b5fb4");
  expect(down?.[2]?.getAttribute("fill")).toBe("#ffffff");
  expect(texts(page).filter((text) => text === "7")).toHaveLength(2);
});

test("a text from right to left begins at the right", () => {
  const page = saved({ ...SCENE, rtl: true });
  const bad = [...page.querySelectorAll("text")].find((node) => node.textContent === "bad");
  expect([bad?.getAttribute("x"), bad?.getAttribute("direction")]).toEqual(["70", "rtl"]);
});

test("the button saves the whole text with the name of the output, index and effects", async () => {
  const view = mount(frame({ state: "done" }, KNOWN), { outputs: ["not / bad"] });
  drawn();
  let blob: Blob | undefined;
  vi.spyOn(URL, "createObjectURL").mockImplementation((given) => {
    blob = given as Blob;
    return "blob:here";
  });
  const revoke = vi.spyOn(URL, "revokeObjectURL").mockImplementation(() => {});
  let name = "";
  vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
    name = this.download;
  });
  view.action("svg").click();
  expect(name).toBe("spex-not-bad.svg");
  expect(blob?.type).toBe("image/svg+xml");
  const markup = ((await blob?.text()) ?? "").replaceAll("&nbsp;", "\u00a0"); // which happy-dom writes, as no browser does
  const page = new DOMParser().parseFromString(markup, "image/svg+xml");
  for (const word of ["[CLS]", "not", "bad", "at", "all", "."]) expect(texts(page)).toContain(word);
  expect(texts(page).join(" ")).toMatch(/raises “not” over “bad”.*BII, order ≤ 3/);
  vi.advanceTimersByTime(60_000);
  expect(revoke).toHaveBeenCalledWith("blob:here");
});

test("what lies far below the view is in the picture too", async () => {
  let measure = () => {};
  vi.stubGlobal(
    "ResizeObserver",
    class {
      constructor(call: () => void) {
        measure = call;
      }
      observe() {}
      disconnect() {}
    },
  );
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(60);
  vi.spyOn(HTMLElement.prototype, "getClientRects").mockImplementation(function (this: HTMLElement) {
    const box = new DOMRect(0, 8000 * Number(this.dataset.player), 40, 16);
    return [box] as unknown as DOMRectList;
  });
  const view = mount(new DataView(new ArrayBuffer(0)));
  measure();
  view.show(frame({}, { ...KNOWN, effects: [1, 1, 1, 1] }));
  expect(view.all(".spex-unit[data-sign]").map((unit) => unit.textContent)).toEqual(["not"]);
  let blob: Blob | undefined;
  vi.spyOn(URL, "createObjectURL").mockImplementation((given) => {
    blob = given as Blob;
    return "blob:here";
  });
  view.action("svg").click();
  expect((await blob?.text())?.match(/width="7"/g)).toHaveLength(4);
});
