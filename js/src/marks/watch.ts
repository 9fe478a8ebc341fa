/** Tell, each time, whether what something is drawn from is other than the time before. */
export function watch(): (...parts: readonly unknown[]) => boolean {
  let before: readonly unknown[] | null = null;
  return (...parts) => {
    const same = before?.length === parts.length && parts.every((part, i) => part === before?.[i]);
    before = parts;
    return !same;
  };
}
