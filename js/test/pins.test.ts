import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { TOP } from "../src/protocol";
import { drawn, frame, KNOWN, mount, press, TURNED, unmountAll } from "./model";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  unmountAll();
  vi.useRealTimers();
});

type View = ReturnType<typeof mount>;
const pinOf = (view: View, key: string) => view.find<HTMLButtonElement>(`[data-members="${key}"] [data-action="pin"]`);
const under = (view: View) => view.find(".spex-ranking").dispatchEvent(new Event("pointerenter"));

test("pinned rows gather at the top in the order of pinning, and keep their rank", () => {
  const view = mount();
  pinOf(view, "0,3").click();
  pinOf(view, "1,2,3").click();
  expect(view.ranking()).toEqual(["0,3", "1,2,3", "0,1"]);
  expect(view.all("tr[data-members]").map((row) => row.dataset.rank)).toEqual(["3", "2", "1"]);
  expect(view.all("tr[data-pinned]")).toHaveLength(2);
});

test("the button says what it pins and whether it has, and does not choose the row", () => {
  const view = mount();
  const pin = pinOf(view, "1,2,3");
  expect(pin.getAttribute("aria-label")).toBe("pin “bad” “at” “all”");
  expect(pin.getAttribute("aria-pressed")).toBe("false");
  pin.click();
  drawn();
  expect(pin.getAttribute("aria-pressed")).toBe("true");
  expect(view.find('[data-members="1,2,3"]').getAttribute("aria-selected")).toBe("false");
});

test("a pinned row stands still while the others change places, and its rank and numbers live on", () => {
  const view = mount();
  pinOf(view, "0,1").click();
  vi.advanceTimersByTime(2100);
  view.show(frame({ seq: 2, state: "done" }, { ...KNOWN, rows: TURNED.rows ?? [] }));
  expect(view.ranking()).toEqual(["0,1", "0,3", "2,3"]);
  expect(view.find('[data-members="0,1"]').dataset.rank).toBe("2");
});

test("a pinned row that left the frame stays with its last values, and says so", () => {
  const view = mount();
  pinOf(view, "1,2,3").click();
  view.show(frame({ seq: 2, state: "done" }, TURNED));
  expect(view.ranking()).toEqual(["1,2,3", "0,3", "0,1", "2,3"]);
  const row = view.find('[data-members="1,2,3"]');
  expect([...row.children].map((cell) => cell.textContent)).toEqual([
    "–",
    "badatall",
    "3",
    "−2.00",
    "redundant",
    "not found now",
  ]);
  expect(row.dataset.rank).toBeUndefined();
  expect(row.title).toBe("These are the last known values");
  pinOf(view, "1,2,3").click();
  expect(view.ranking()).toEqual(["0,3", "0,1", "2,3"]);
});

test("it says whether the frame is full or the estimate lacks the set", () => {
  const pairs = Array.from({ length: TOP }, (_, i): [number[], number] => [[i + 1, i + 2], TOP - i]);
  const players = Array.from({ length: TOP + 2 }, (_, i) => `w${i}`);
  const view = mount(
    frame({}, { effects: players.map(() => 1), rows: [[[0, 1], 2 * TOP], ...pairs.slice(1), [[0], 1]] }),
    {
      players,
    },
  );
  const status = (key: string) => view.find(`[data-members="${key}"] .spex-status`).textContent;
  view.find('[data-order="1"]').click();
  pinOf(view, "0").click();
  view.find('[data-order="2+"]').click();
  pinOf(view, "0,1").click();
  view.show(frame({ seq: 2 }, { effects: players.map(() => 1), rows: [...pairs, [[1], 1]] }));
  expect(status("0,1")).toBe(`out of top ${TOP}`);
  expect(status("0")).toBe("not found now");
});

test("unpinned, a row goes back to its place", () => {
  const view = mount();
  pinOf(view, "0,3").click();
  under(view);
  pinOf(view, "0,3").click();
  expect(view.ranking()).toEqual(["0,1", "1,2,3", "0,3"]);
  expect(view.all("tr[data-pinned]")).toEqual([]);
});

test("no filter hides a pinned row", () => {
  const view = mount();
  pinOf(view, "1,2,3").click();
  view.find('[data-order="2"]').click();
  expect(view.ranking()).toEqual(["1,2,3", "0,1", "0,3"]);
  view.find('[data-order="4+"]').click();
  expect(view.ranking()).toEqual(["1,2,3"]);
  expect(view.find('[data-members="1,2,3"]').dataset.gone).toBeUndefined();
});

test("what waits does not count the pinned", () => {
  const view = mount();
  pinOf(view, "1,2,3").click();
  under(view);
  view.show(frame({ seq: 2, state: "done" }, TURNED));
  expect(view.action("apply").textContent).toBe("2 changes – apply"); // 0,3 over 0,1, and 2,3 in
  view.action("apply").click();
  expect(view.ranking()).toEqual(["1,2,3", "0,3", "0,1", "2,3"]);
});

test("the pinned of the first ten make no room for others, one from below comes on top of them", () => {
  const rows = Array.from({ length: 14 }, (_, i): [number[], number] => [[i, i + 1], 20 - i]);
  const players = Array.from({ length: 15 }, (_, i) => `w${i}`);
  const view = mount(frame({}, { effects: players.map(() => 1), rows }), { players });
  pinOf(view, "3,4").click();
  expect(view.ranking()).toHaveLength(10);
  view.action("more").click();
  pinOf(view, "12,13").click();
  view.action("more").click();
  expect(view.ranking().slice(0, 3)).toEqual(["3,4", "12,13", "0,1"]);
  expect(view.ranking()).toHaveLength(11);
});

test("Tab reaches the button of the row that it reaches, and the focus goes with the row", () => {
  const view = mount();
  const stops = () => view.all("tbody [tabindex='0']").map((element) => element.closest("tr")?.dataset.members);
  expect(stops()).toEqual(["0,1", "0,1"]);
  view.find('[data-members="0,1"]').focus();
  press("ArrowDown");
  press("ArrowDown");
  expect(stops()).toEqual(["0,3", "0,3"]);
  const pin = pinOf(view, "0,3");
  pin.focus();
  pin.click();
  expect(document.activeElement).toBe(pin);
  expect(stops()).toEqual(["0,3", "0,3"]);
  press("ArrowDown");
  expect(document.activeElement).toBe(view.find('[data-members="0,1"]'));
});

test.each(["Enter", " "])("the key %j on the button is the button's own", (key) => {
  const view = mount();
  const pin = pinOf(view, "0,3");
  pin.focus();
  const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
  pin.dispatchEvent(event);
  drawn();
  expect(event.defaultPrevented).toBe(false);
  expect(view.all("[aria-selected=true]")).toEqual([]);
});

test("where unpinning takes the row away, the focus goes to the one in its place", () => {
  const view = mount();
  const pin = pinOf(view, "1,2,3");
  pin.focus();
  pin.click();
  view.find('[data-order="2"]').click();
  pin.click();
  expect(view.ranking()).toEqual(["0,1", "0,3"]);
  expect(document.activeElement).toBe(view.find('[data-members="0,1"]'));
});

test("another output lets go of the pins: their values were of the first", () => {
  const view = mount(frame({}, KNOWN), { outputs: ["POSITIVE", "NEGATIVE"] });
  pinOf(view, "1,2,3").click();
  view.show(frame({ seq: 2, output: 1 }, TURNED));
  expect(view.ranking()).toEqual(["0,3", "0,1", "2,3"]);
});
