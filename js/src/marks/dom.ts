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

/** Make an element of SVG with attributes; those that are null are left out. */
export function makeSvg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string | number | null>> = {},
  text = "",
): SVGElementTagNameMap[K] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes))
    setAttribute(element, name, value === null ? null : `${value}`);
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

/** Make a button that acts while it is not said to be disabled. */
export function makeButton(action: string, press: () => void, text = ""): HTMLButtonElement {
  const button = make("button", "", text);
  button.type = "button";
  button.dataset.action = action;
  button.addEventListener("click", () => {
    if (!button.hasAttribute("aria-disabled")) press();
  });
  return button;
}

/** Make a choice of a list, by the name of what is picked. */
export function makeSelect(pick: string, options: Iterable<readonly [text: string, value: string]>): HTMLSelectElement {
  const select = make("select");
  select.dataset.pick = pick;
  for (const [text, value] of options) select.append(makeOption(text, value));
  return select;
}

export function makeOption(text: string, value: string): HTMLOptionElement {
  const option = make("option", "", text);
  option.value = value;
  return option;
}

/** Show a button or hide it. One that the keyboard is on stays, disabled, until it is left, or the focus would be lost. */
export function showButton(button: HTMLButtonElement, shown: boolean, enabled = shown): void {
  button.hidden = !shown && !button.matches(":focus-visible");
  setAttribute(button, "aria-disabled", enabled ? null : "true");
}

/** Where the focus is, as seen from an element: from outside of a shadow root, which some hosts draw in, only that is seen. */
export function focused(from: Element): Element | null {
  return (from.getRootNode() as Document | ShadowRoot).activeElement ?? null;
}

/** Let an element answer keys; `press` says whether it did. Those with a modifier are left to the host. */
export function onKeys(element: HTMLElement, press: (event: KeyboardEvent) => boolean): void {
  element.addEventListener("keydown", (event) => {
    if (!isModified(event) && press(event)) event.preventDefault();
  });
}

/**
 * While the focus is in an element, keep JupyterLab from taking keys for its cells: X would cut one, D D delete one.
 * Its attribute for that must stand on the focused element itself, whose :focus its shortcuts look for, and would silence
 * Ctrl+S too: so it is decided anew for each key. The function returned ends this.
 */
export function keepKeys(element: HTMLElement): () => void {
  const decide = (event: KeyboardEvent) => {
    if (!(event.target instanceof Element && element.contains(event.target))) return;
    setAttribute(event.target, "data-lm-suppress-shortcuts", isModified(event) ? null : "true");
  };
  window.addEventListener("keydown", decide, true); // JupyterLab listens on the document, in either phase
  return () => window.removeEventListener("keydown", decide, true);
}

/** Whether a key is a shortcut of the host's: Ctrl+S or Shift+Enter, but not Shift+M, which is only a letter. */
function isModified({ ctrlKey, metaKey, altKey, shiftKey, key }: KeyboardEvent): boolean {
  return ctrlKey || metaKey || altKey || (shiftKey && key.length > 1);
}
