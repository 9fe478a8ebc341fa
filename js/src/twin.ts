/** Beside the widget stands a static output for readers without a kernel: it is hidden while a view of it lives. */

/** Hide the static output of a widget; the function returned shows it again once the last view is gone. */
export function hideTwin(uid: string): () => void {
  if (!uid) return () => {};
  const known = [...document.head.querySelectorAll<HTMLStyleElement>("style[data-spex-twin]")];
  const style = known.find((s) => s.dataset.spexTwin === uid) ?? addStyle(uid);
  style.dataset.views = String(Number(style.dataset.views ?? 0) + 1);
  let hidden = true;
  return () => {
    if (!hidden) return;
    hidden = false;
    style.dataset.views = String(Number(style.dataset.views) - 1);
    if (style.dataset.views === "0") style.remove();
  };
}

function addStyle(uid: string): HTMLStyleElement {
  const twin = `.spex-static-${CSS.escape(uid)}`;
  const row = ".jp-OutputArea-child"; // JupyterLab would leave an empty one: the innermost that holds the twin goes too
  const style = document.createElement("style");
  style.dataset.spexTwin = uid;
  style.textContent =
    `${twin}{display:none !important}\n` +
    `${row}:has(${twin}):not(:has(${row} ${twin})):not(:has(.spex-widget)){display:none !important}`;
  document.head.append(style);
  return style;
}
