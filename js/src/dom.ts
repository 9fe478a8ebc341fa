/** Elements made and changed with text alone: nothing from a model or a file reaches the page as markup. */

/** Make an element of a class, with text where given. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = "",
  text = "",
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

/** Set an element's text where it changes. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Set an attribute where it changes; null takes it away. */
export function setAttribute(element: Element, name: string, value: string | null): void {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** Let an element have the keys for itself: JupyterLab would take arrow keys and Enter for the notebook. */
export function ownKeys(element: HTMLElement, press: (event: KeyboardEvent) => boolean): void {
  element.dataset.lmSuppressShortcuts = "true";
  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (press(event)) event.preventDefault();
  });
}
