/** Rows that slide to their new places, so that the eye can follow them (first, last, invert, play). */

const DURATION_MS = 250;

/** Change the places of elements in `change`, and let each slide from where it stood. */
export function slide(elements: readonly HTMLElement[], change: () => void): void {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
    change();
    return;
  }
  const before = new Map(elements.filter((e) => e.isConnected).map((e) => [e, e.getBoundingClientRect().top]));
  change();
  for (const [element, top] of before) {
    const by = top - element.getBoundingClientRect().top;
    if (by === 0 || !element.isConnected) continue;
    element.animate?.([{ transform: `translateY(${by}px)` }, { transform: "none" }], {
      duration: DURATION_MS,
      easing: "ease-out",
    });
  }
}
