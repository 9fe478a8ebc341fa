/** The name of the index on screen, opening to what its sign and the kinds mean. */

import { make, setText } from "./dom";
import type { Frame } from "./protocol";
import { indexName, indexWords, KIND_WORDS } from "./wording";

export function indexHelp() {
  const element = make("details", "spex-help");
  const name = make("summary");
  const meaning = make("p");
  const kinds = make("dl");
  for (const [kind, words] of Object.entries(KIND_WORDS)) kinds.append(make("dt", "", kind), make("dd", "", words));
  element.append(name, meaning, kinds);

  function draw(frame: Frame): void {
    setText(name, `effect: ${indexName(frame)}`);
    name.title = indexWords(frame.index);
    setText(meaning, indexWords(frame.index));
  }
  return { element, draw };
}
