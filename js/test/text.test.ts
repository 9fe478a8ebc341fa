import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { drawn, frame, HEADER, KNOWN, mount, over, press, SURE, unmountAll } from "./model";

/** Calls those who watch the size of something. */
let resize: (() => void)[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  resize = [];
  vi.stubGlobal(
    "ResizeObserver",
    class {
      constructor(call: () => void) {
        resize.push(call);
      }
      observe() {}
      disconnect() {}
    },
  );
});
afterEach(() => {
  unmountAll();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** Give the units places on the page, two in a line; counts how often anyone asks for them. */
function layOut() {
  const places = vi.spyOn(HTMLElement.prototype, "getClientRects").mockImplementation(function (this: HTMLElement) {
    const player = Number(this.dataset.player);
    const box = new DOMRect(50 * (player % 2), 80 * Math.floor(player / 2), 40, 16);
    return [box] as unknown as DOMRectList;
  });
  for (const call of resize) call();
  drawn();
  return places;
}

test("the text on the page is the text that was given, before and after frames", () => {
  const view = mount(new DataView(new ArrayBuffer(0)));
  const given = HEADER.pieces.map(([text]) => text).join("");
  expect(view.find(".spex-running").textContent).toBe(given);
  view.show(frame({}, KNOWN));
  expect(view.find(".spex-running").textContent).toBe(given);
});

test("text from a model is text, wherever it is shown", () => {
  const evil = "<img src=x onerror=alert(1)>";
  const view = mount(frame({ reason: evil, state: "failed" }, KNOWN), {
    players: [evil, "b", "c", "d"],
    outputs: [evil],
    model: evil,
    pieces: [
      [evil, 0],
      [`<b>${evil}</b>`, -1],
    ],
  });
  over(view.find(".spex-unit"));
  drawn();
  expect(view.el.querySelector("img, b")).toBeNull();
  expect(view.find(".spex-running").textContent).toBe(`${evil}<b>${evil}</b>`);
  expect(view.find(".spex-chip").textContent).toBe(evil);
  expect(view.find("[role=alert]").textContent).toContain(evil);
});

test("white space stays outside of a unit, and what is always present is greyed", () => {
  const view = mount();
  expect(view.all(".spex-unit").map((unit) => unit.textContent)).toEqual(["not", "bad", "at", "all"]);
  expect(view.all(".spex-fixed").map((piece) => piece.textContent)).toEqual(["[CLS]", "."]);
});

test("what is always present is cut at its lines, so that a blank one is as high as a blank line is", () => {
  const view = mount(frame({}, KNOWN), {
    pieces: [
      ["Sort:\n\n  one of\n", -1],
      ["not\n\nbad", 0],
      [" \n\n ", -1],
    ],
  });
  expect(view.all(".spex-fixed").map((line) => line.textContent)).toEqual(["Sort:", "one of"]);
  expect(view.all(".spex-unit").map((unit) => unit.textContent)).toEqual(["not\n\nbad"]);
  expect(view.find(".spex-running").textContent).toBe("Sort:\n\n  one of\nnot\n\nbad \n\n ");
});

test("a short unit of several words stays in one line", () => {
  const view = mount(frame({}, KNOWN), {
    pieces: [
      ["switch 11", 0],
      [" one\ntwo", 1],
      [" a sentence that is too long for one line", 2],
      [" word", 3],
    ],
  });
  expect(view.all(".spex-unit").map((unit) => unit.classList[1])).toEqual([
    "spex-short",
    "spex-long",
    "spex-long",
    undefined,
  ]);
});

test("a unit made of white space alone is still a unit", () => {
  const view = mount(frame({}, KNOWN), {
    pieces: [
      ["\n", 0],
      ["a", 1],
      [" ", 2],
      ["b", 3],
    ],
  });
  expect(view.all(".spex-unit").map((unit) => unit.textContent)).toEqual(["\n", "a", " ", "b"]);
});

test("bars tell sign and size without colour", () => {
  const view = mount();
  const [not, bad, at, all] = view.all(".spex-unit");
  expect(not?.dataset).toMatchObject({ sign: "+", mark: "+" });
  expect(bad?.dataset).toMatchObject({ sign: "−", mark: "−" });
  expect(at?.dataset.sign).toBeUndefined();
  expect(all?.dataset.sign).toBeUndefined();
  expect(Number(bad?.dataset.h)).toBeCloseTo(2 * Number(not?.dataset.h), 1);
});

test("the scale is locked while running: what overflows is clipped until a person rescales", () => {
  const view = mount();
  const not = view.find('[data-player="0"]');
  const before = not.dataset.h;
  expect(view.find(".spex-text [data-action=rescale]").hidden).toBe(true);
  view.show(frame({ seq: 2 }, { ...KNOWN, effects: [0.5, -9, 0, 0] }));
  expect(not.dataset.h).toBe(before);
  expect(view.find('[data-player="1"]').dataset.h).toBe("1");
  expect(view.find('[data-player="1"]').dataset.clipped).toBe("");
  view.find(".spex-text [data-action=rescale]").click();
  drawn();
  expect(view.find('[data-player="1"]').dataset.clipped).toBeUndefined();
  expect(Number(not.dataset.h)).toBeLessThan(Number(before));
});

test("the scale fits itself once nothing runs any more", () => {
  const view = mount();
  view.show(frame({ seq: 2, state: "done" }, { ...KNOWN, effects: [0.5, -9, 0, 0] }));
  expect(view.find('[data-player="1"]').dataset.clipped).toBeUndefined();
  expect(view.find(".spex-text [data-action=rescale]").hidden).toBe(true);
});

test("one unit is in the tab order, arrow keys walk, and the readout says its effect", () => {
  const view = mount();
  const units = view.all(".spex-unit");
  expect(units.map((unit) => unit.tabIndex)).toEqual([0, -1, -1, -1]);
  units[0]?.focus();
  units[0]?.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
  drawn();
  expect(document.activeElement).toBe(units[1]);
  expect(units.map((unit) => unit.tabIndex)).toEqual([-1, 0, -1, -1]);
  expect(view.find(".spex-reading").textContent).toBe("“bad” lowers POSITIVE by 1.00 on average");
  units[1]?.dispatchEvent(new KeyboardEvent("keydown", { key: "End", bubbles: true }));
  expect(document.activeElement).toBe(units[3]);
});

test("no unit can be focused while the pointer is down, or no text could be selected from it", () => {
  const view = mount();
  const stops = () => view.all(".spex-unit[tabindex]").map((unit) => unit.textContent);
  expect(stops()).toEqual(["not"]);
  view.find('[data-player="2"]').dispatchEvent(new PointerEvent("pointerdown", { bubbles: true }));
  expect(stops()).toEqual([]);
  window.dispatchEvent(new PointerEvent("pointerup"));
  expect(stops()).toEqual(["not"]);
  view.find('[data-player="2"]').click();
  expect(stops()).toEqual(["at"]);
  expect(document.activeElement).toBe(view.find('[data-player="2"]'));
});

test("a unit says its effect before it is focused", () => {
  const view = mount(frame({ r2: null }));
  const label = () => view.find('[data-player="1"]').getAttribute("aria-label");
  expect(label()).toBe("“bad” has no estimate yet");
  view.show(frame({ seq: 2 }, KNOWN));
  expect(label()).toBe("“bad” lowers POSITIVE by 1.00 on average");
  view.show(frame({ seq: 3 }, { ...KNOWN, effects: [0.5, 0.25, 0, 0] }));
  expect(label()).toBe("“bad” raises POSITIVE by 0.25 on average");
  view.show(frame({ seq: 4 })); // another output, of which nothing is known yet
  expect(label()).toBe("“bad” has no estimate yet");
});

test("a unit under the pointer marks the rows that hold it", () => {
  const view = mount();
  over(view.find('[data-player="3"]'));
  drawn();
  expect(view.all("tr[data-holds]").map((row) => row.dataset.members)).toEqual(["1,2,3", "0,3"]);
});

test("two thousand units: a frame touches only those that changed", async () => {
  const n = 2000;
  const players = Array.from({ length: n }, (_, i) => `w${i}`);
  const pieces = players.flatMap((word, i): [string, number][] => [
    [word, i],
    [" ", -1],
  ]);
  const effects = players.map((_, i) => Math.sin(i));
  const view = mount(frame({}, { effects, rows: [[[0, 1], 1]] }), { players, pieces });
  const touched = new Set<Node>();
  const observer = new MutationObserver((records) => {
    for (const record of records) touched.add(record.target);
  });
  observer.observe(view.find(".spex-running"), { attributes: true, childList: true, subtree: true });
  effects[7] = -1;
  view.show(frame({ seq: 2 }, { effects, rows: [[[0, 1], 1]] }));
  await vi.advanceTimersByTimeAsync(20);
  observer.disconnect();
  expect([...touched].map((node) => (node as HTMLElement).dataset.player)).toEqual(["7"]);
});

const lanesOf = (view: ReturnType<typeof mount>) => view.all(".spex-lanes [data-key]").map((lane) => lane.dataset.key);

test("interactions of order 2 and more lie in lanes, with their ranks, signs and how sure they are", () => {
  const view = mount(frame({}, SURE));
  expect(lanesOf(view)).toEqual([]); // nothing is known of where the units stand
  layOut();
  expect(lanesOf(view)).toEqual(["0,1", "1,2,3", "0,3"]);
  const lane = (key: string) => view.find(`.spex-lanes [data-key="${key}"]`);
  const look = (key: string) => [lane(key).dataset.sign, lane(key).dataset.dashed];
  expect(look("0,1")).toEqual(["+", undefined]);
  expect(look("1,2,3")).toEqual(["−", ""]); // settled, but the model contradicted it
  expect(look("0,3")).toEqual(["+", ""]);
  expect([...lane("1,2,3").querySelectorAll("tspan")].map((rank) => rank.textContent)).toEqual(["2", "2"]);
  const width = (key: string) => Number(lane(key).querySelector(".spex-joins")?.getAttribute("stroke-width"));
  expect(width("0,1")).toBeGreaterThan(width("1,2,3"));
  expect(view.find(".spex-foot").textContent).toContain("3 of 3 drawn");
});

test("what finds no lane is said, and a chosen interaction always has one", () => {
  const players = ["a", "b"].concat(Array.from({ length: 12 }, (_, i) => `w${i}`));
  const pieces = players.map((word, i): [string, number] => [`${word} `, i]);
  const rows = players.slice(2).map((_, i): [number[], number] => [[0, 1, i + 2], 5 - i / 10]);
  const view = mount(frame({}, { effects: players.map(() => 1), rows }), { players, pieces });
  layOut();
  expect(lanesOf(view)).toEqual(["0,1,2", "0,1,3", "0,1,4", "0,1,5", "0,1,6"]);
  expect(view.find(".spex-foot").textContent).toContain("5 of 12 drawn");
  view.find('tr[data-members="0,1,11"]').click();
  drawn();
  expect(lanesOf(view)).toContain("0,1,11");
  expect(lanesOf(view)).toHaveLength(5);
});

test("a lane has the rank of its row in the table, also where single units are ranked among them", () => {
  const view = mount(
    frame(
      {},
      {
        ...KNOWN,
        rows: [
          [[0, 1], 3],
          [[2, 3], 1],
          [[0], 2, "single"],
        ],
      },
    ),
  );
  layOut();
  view.find('[data-order="all"]').click();
  drawn();
  const rankOf = (key: string) => view.find(`.spex-lanes [data-key="${key}"] tspan`).textContent;
  expect([rankOf("0,1"), rankOf("2,3")]).toEqual(["1", "3"]);
  expect(view.find('tr[data-members="2,3"]').dataset.rank).toBe("3");
});

test("lanes keep their places while the run goes on, and stand by rank at its end", () => {
  const view = mount(
    frame(
      {},
      {
        ...KNOWN,
        rows: [
          [[0, 2], 3],
          [[0, 1], 2],
        ],
      },
    ),
  );
  layOut();
  const height = (key: string) => Number(view.find(`.spex-lanes [data-key="${key}"] tspan`).getAttribute("y"));
  expect(height("0,2")).toBeLessThan(height("0,1"));
  const turned: [number[], number][] = [
    [[0, 1], 3],
    [[0, 2], 2],
  ];
  vi.advanceTimersByTime(3000);
  view.show(frame({ seq: 2 }, { ...KNOWN, rows: turned }));
  expect(view.ranking()).toEqual(["0,1", "0,2"]);
  expect(height("0,2")).toBeLessThan(height("0,1"));
  view.show(frame({ seq: 3, state: "done" }, { ...KNOWN, rows: turned }));
  expect(height("0,1")).toBeLessThan(height("0,2"));
  view.find('tr[data-members="0,2"]').click();
  drawn();
  expect(height("0,1")).toBeLessThan(height("0,2")); // and hold still when one is chosen
});

test("the elements of a lane stay while its numbers change, and go with it", () => {
  const view = mount();
  layOut();
  const lane = view.find('.spex-lanes [data-key="0,1"]');
  view.show(frame({ seq: 2 }, { ...KNOWN, rows: [[[0, 1], -3]] }));
  expect(view.find('.spex-lanes [data-key="0,1"]')).toBe(lane);
  expect(lane.dataset.sign).toBe("−");
  expect(lanesOf(view)).toEqual(["0,1"]);
});

test("a frame reads no layout", () => {
  const view = mount();
  const places = layOut();
  const read = places.mock.calls.length;
  view.show(frame({ seq: 2 }, { ...KNOWN, effects: [1, 1, 1, 1] }));
  over(view.find('[data-player="1"]'));
  drawn();
  expect(read).toBe(4);
  expect(places.mock.calls.length).toBe(read);
});

test("pointing at a lane marks its units, fades the others, draws an arc between two, and a click chooses it", () => {
  const view = mount();
  layOut();
  const reach = (key: string) => view.find(`.spex-lanes [data-key="${key}"] .spex-reach`);
  over(reach("0,3"));
  drawn();
  expect(view.all("[data-marked]").map((unit) => unit.dataset.player)).toEqual(["0", "3"]);
  expect(view.all(".spex-lanes [data-on]").map((lane) => lane.dataset.key)).toEqual(["0,3"]);
  expect(view.find(".spex-lanes").dataset.fade).toBe("");
  const arc = view.find(".spex-arc");
  expect(arc.getAttribute("d")).toMatch(/^M/);
  const order = arc.compareDocumentPosition(view.find(".spex-running")); // what follows is drawn over it, bars too
  expect(order & Node.DOCUMENT_POSITION_FOLLOWING).toBeTruthy();
  expect(view.find(".spex-reading").textContent).toBe("“not” “all” +1.00 · mixed · provisional");
  over(reach("1,2,3"));
  drawn();
  expect(view.find(".spex-arc").getAttribute("d")).toBeNull();
  view.find(".spex-lanes").dispatchEvent(new PointerEvent("pointerout", { bubbles: true, relatedTarget: view.el }));
  drawn();
  expect(view.all("[data-marked]")).toEqual([]);
  expect(view.find(".spex-lanes").dataset.fade).toBeUndefined();
  reach("1,2,3").dispatchEvent(new MouseEvent("click", { bubbles: true }));
  drawn();
  expect(view.find('tr[data-members="1,2,3"]').getAttribute("aria-selected")).toBe("true");
  expect(view.all(".spex-lanes [data-on]").map((lane) => lane.dataset.key)).toEqual(["1,2,3"]);
});

test("a lane may be pointed at whose row the table does not show", () => {
  const players = Array.from({ length: 24 }, (_, i) => `w${i}`);
  const pieces = players.map((word, i): [string, number] => [`${word} `, i]);
  const rows = Array.from({ length: 12 }, (_, i): [number[], number] => [[2 * i, 2 * i + 1], 5 - i / 10]);
  const known = { effects: players.map(() => 1), rows };
  const view = mount(frame({}, known), { players, pieces });
  layOut();
  expect(view.ranking()).toHaveLength(10);
  over(view.find('.spex-lanes [data-key="22,23"] .spex-reach'));
  drawn();
  view.show(frame({ seq: 2 }, known));
  expect(view.all("[data-marked]").map((unit) => unit.textContent)).toEqual(["w22", "w23"]);
});

test("a lane that goes under the pointer lets go of its row", () => {
  const view = mount();
  layOut();
  over(view.find('.spex-lanes [data-key="0,3"] .spex-reach'));
  drawn();
  view.find("[data-action=lanes]").click();
  vi.advanceTimersByTime(40);
  expect(lanesOf(view)).toEqual([]);
  expect(view.all("[data-marked]")).toEqual([]);
});

test("the room of the lanes is there before they are, and the button gives it back", () => {
  const view = mount(new DataView(new ArrayBuffer(0)));
  const room = () => view.find(".spex-text").style.getPropertyValue("--spex-lanes");
  const before = room();
  expect(Number.parseInt(before, 10)).toBeGreaterThan(0);
  view.show(frame({}, KNOWN));
  expect(room()).toBe(before);
  expect(view.action("lanes").getAttribute("aria-pressed")).toBe("true");
  view.action("lanes").click();
  drawn();
  expect(room()).toBe("0px");
  expect(view.action("lanes").getAttribute("aria-pressed")).toBe("false");
});

test("a click, Enter and Space take a unit out and put it back, in words and not by colour alone", () => {
  const view = mount();
  const bad = view.find('[data-player="1"]');
  const out = () => view.all("[data-out]").map((unit) => `${unit.textContent} ${unit.getAttribute("aria-pressed")}`);
  bad.click();
  drawn();
  expect(out()).toEqual(["bad true"]);
  expect(bad.getAttribute("aria-label")).toBe("“bad” is taken out; lowers POSITIVE by 1.00 on average");
  expect(document.activeElement).toBe(bad);
  press("Enter");
  drawn();
  expect(out()).toEqual([]);
  expect(bad.getAttribute("aria-pressed")).toBe("false");
  press("End");
  press(" ");
  drawn();
  expect(out()).toEqual(["all true"]);
  press("Enter", { ctrlKey: true }); // the host's
  drawn();
  expect(out()).toEqual(["all true"]);
});

test("to select text takes nothing out: by dragging, with Shift, or by clicks in a row", () => {
  const view = mount();
  const bad = view.find('[data-player="1"]');
  const out = (click: MouseEventInit) => {
    bad.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true, clientX: 10 }));
    bad.dispatchEvent(new MouseEvent("click", { bubbles: true, clientX: 10, detail: 1, ...click }));
    drawn();
    return view.all("[data-out]").map((unit) => unit.textContent);
  };
  expect(out({ clientX: 25 })).toEqual([]);
  expect(out({ shiftKey: true })).toEqual([]);
  expect(out({ clientX: 12 })).toEqual(["bad"]); // a hand is never quite still
  expect(out({ detail: 2 })).toEqual([]);
  expect(out({ detail: 3 })).toEqual([]);
});

test("up and down walk the lines, left and right go with the text's direction", () => {
  const view = mount();
  layOut();
  const at = () => (document.activeElement as HTMLElement).dataset.player;
  view.find('[data-player="0"]').focus();
  press("ArrowRight");
  press("ArrowDown");
  expect(at()).toBe("3");
  press("ArrowDown");
  expect(at()).toBe("3"); // there is no line below
  press("ArrowUp");
  expect(at()).toBe("1");
  view.find(".spex-running").style.direction = "rtl";
  layOut();
  press("ArrowRight");
  expect(at()).toBe("0");
});

test("a chosen interaction is scrolled into view where none of it is", () => {
  const view = mount();
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(60);
  layOut();
  const scroll = view.find(".spex-scroll");
  view.find('tr[data-members="1,2,3"]').click(); // the first of them is in view
  drawn();
  expect(scroll.scrollTop).toBe(0);
  scroll.scrollTop = 70;
  scroll.dispatchEvent(new Event("scroll"));
  view.find('tr[data-members="0,1"]').click();
  drawn();
  expect(scroll.scrollTop).toBe(-20);
});

test("a long name of an output leaves room for what is pointed at", () => {
  const name = "price in dollars of the house as of the last sale";
  const view = mount(frame({ output_label: "" }, KNOWN), { outputs: [name] });
  over(view.find('[data-player="1"]'));
  drawn();
  expect(view.find(".spex-keys").textContent).toContain("+ raises price in dollars of the…, − lowers it");
  expect(view.find(".spex-reading").textContent).toBe("“bad” lowers price in dollars of the… by 1.00 on average");
  expect(view.find(".spex-what strong").textContent).toBe(name);
});

test("words that stand there twice are numbered, each of them, wherever they are named", () => {
  const players = ["not", "bad", "not ", "all"];
  const view = mount(frame({}, { ...KNOWN, rows: [[[0, 1, 2], 3]] }), { players });
  over(view.find(".spex-ranking tr[data-members]"));
  drawn();
  const words = "“not\u00a0(1)” “bad” “not\u00a0(2)” +3.00";
  expect(view.find(".spex-reading").textContent?.startsWith(words)).toBe(true);
  const row = view.find(".spex-ranking tr[data-members]");
  expect(row.querySelector("button")?.getAttribute("aria-label")).toBe("pin “not\u00a0(1)” “bad” “not\u00a0(2)”");
  const numerals = (within: string) =>
    view.all(`${within} .spex-chip`).map((one) => one.querySelector("sub")?.textContent);
  expect(numerals(".spex-ranking")).toEqual(["1", undefined, "2"]);
  row.click();
  view.find('.spex-unit[data-player="2"]').click();
  drawn();
  expect(numerals(".spex-title")).toEqual(["1", undefined, "2"]);
  expect(numerals(".spex-whatif")).toEqual(["2"]);
  expect(view.find('.spex-unit[data-player="2"]').getAttribute("aria-label")).toContain("“not\u00a0(2)” is taken out");
});

test("while R² may be 0 no lane is drawn, and it says so", () => {
  const view = mount(frame({ r2: [0.3, -0.1, 0.6] }, KNOWN));
  layOut();
  expect(view.all(".spex-lanes [data-key]")).toEqual([]);
  expect(view.find(".spex-foot").textContent).toContain("no lanes: R² may be 0");
  view.show(frame({ seq: 2, r2: [0.5, 0.2, 0.7] }, KNOWN));
  expect(view.all(".spex-lanes [data-key]")).toHaveLength(3);
  expect(view.find(".spex-foot").textContent).toContain("3 of 3 drawn");
  view.show(frame({ seq: 3, state: "done", r2: [0.5, 0, 0.7] }, KNOWN));
  expect(view.all(".spex-lanes [data-key]")).toEqual([]);
  view.show(frame({ seq: 4, state: "done", exact: true, r2: [0.5, 0, 0.7] }, KNOWN));
  expect(view.all(".spex-lanes [data-key]")).toHaveLength(3);
});

test("a sentence names a ratio by its two sides, which are cut where they are long", () => {
  const outputs = ["in the tower / in the forest behind the seven mountains"];
  const view = mount(frame({}, KNOWN), { outputs });
  over(view.find('[data-player="1"]'));
  drawn();
  const sides = "“in the tower” over “in the forest behind th…”";
  expect(view.find(".spex-reading").textContent).toBe(`“bad” lowers ${sides} by 1.00 on average`);
  expect(view.find(".spex-what strong").textContent).toBe(outputs[0]);
});

test("letters that turn round the order of others do so in their own unit alone", () => {
  const evil = "rtl\u202eoverride";
  const view = mount(frame({}, { ...KNOWN, rows: [[[0, 1], 3]] }), {
    players: [evil, "bad", "at", "all"],
    pieces: [
      [evil, 0],
      [" bad", 1],
      [" \u2067fixed", -1],
    ],
  });
  expect(view.all(".spex-apart").map((piece) => piece.textContent)).toEqual([evil, "\u2067fixed"]);
  over(view.find(".spex-unit"));
  drawn();
  expect(view.find(".spex-reading").textContent).toMatch(/^“rtloverride” raises/);
  expect(view.find("tr[data-members] .spex-chip").textContent).toBe("rtloverride");
});

test("special tokens before the text do not decide its direction", () => {
  const view = mount();
  expect(view.all(".spex-fixed").map((piece) => piece.getAttribute("dir"))).toEqual(["auto", null]);
});
