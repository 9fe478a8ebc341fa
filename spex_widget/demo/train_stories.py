"""Train the language model that ships: ``python -m spex_widget.demo.train_stories`` (a minute and a half on one core).

As in `train`, the model learns what the *present* words say, for coalitions of every size; ablated words are removed.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from spex_widget.demo.pretrained import ANSWERS
from spex_widget.demo.stories import ELSEWHERE, KINDS, NOUNS, PEOPLE, PLACES, PLAIN, TELLING, VERBS, Story, draw
from spex_widget.demo.train import descend, options, save

if TYPE_CHECKING:
    from torch import Tensor

logger = logging.getLogger(__name__)

STEPS = 1500
BATCH = 64
COALITIONS = 4  # of each story
POOL = 8  # batches that are drawn at once, and sorted by length
SHARES = (0.5, 0.3, 0.2)  # of the kinds of stories
SPECIAL = ("<pad>", "<unk>", "<s>", "</s>")
PAD, UNK, START, END = range(len(SPECIAL))


class Row(NamedTuple):
    """A story of which some words are removed, with an answer behind it.

    Attributes
    ----------
    tokens : (length,) int64
    places, people : (k,) float64
        What the rest of the story says: the scores of the answers.
    """

    tokens: npt.NDArray[np.int64]
    places: npt.NDArray[np.float64]
    people: npt.NDArray[np.float64]


def build_tokenizer() -> Any:
    """Make a fast tokenizer of the stories' words, a token a word, with the space before it, punctuation apart."""
    from tokenizers import Tokenizer, decoders
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import ByteLevel
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    split = ByteLevel(add_prefix_space=True)
    rest = "an An Where is the key? Answer: in the tower, with"
    text = " ".join([*PLAIN, *filter(None, ELSEWHERE), *VERBS, *NOUNS, *sorted(TELLING), rest])
    words = {piece for piece, _ in split.pre_tokenize_str(re.sub("{[a-z]*}", "key", text))}
    tokenizer = Tokenizer(WordLevel({w: i for i, w in enumerate((*SPECIAL, *sorted(words)))}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = split
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", START)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=256,
        model_input_names=["input_ids", "attention_mask"],
        clean_up_tokenization_spaces=False,
        pad_token="<pad>",
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
    )


def build_model(size: int) -> Any:
    """Make an untrained Llama of three layers, 64 wide, for a vocabulary of this size."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=size,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=256,
        initializer_range=0.1,
        tie_word_embeddings=True,
        pad_token_id=PAD,
        bos_token_id=START,
        eos_token_id=END,
    )
    return LlamaForCausalLM(config)


class Draw:
    """Draws rows: stories with words removed in `COALITIONS` ways, and an answer behind each."""

    def __init__(self, tokenizer: Any, rng: np.random.Generator) -> None:
        self.tokenizer, self.rng = tokenizer, rng
        self.pieces: dict[str, list[int]] = {}
        self.place_ids, self.person_ids = ([self.encode(name)[0] for name in names] for names in (PLACES, PEOPLE))
        words = f"in the {PLACES[0]}, with {PEOPLE[0]}.".split()
        self.answer = [*(i for word in words for i in self.encode(word)), END]
        self.place, self.person = self.answer.index(self.place_ids[0]), self.answer.index(self.person_ids[0])

    def encode(self, word: str) -> list[int]:
        """Token ids of a word and its punctuation."""
        if word not in self.pieces:
            self.pieces[word] = list(self.tokenizer(word, add_special_tokens=False)["input_ids"])
        return self.pieces[word]

    def ablated(self, story: Story) -> Iterator[Row]:
        """Yield the story whole in a fifth of all cases, else with words removed at rates between 0 and .9."""
        rng = self.rng
        split = [self.encode(word) for word in story.words]
        flat = np.array([i for word in split for i in word])
        owner = np.repeat(np.arange(len(split)), [len(word) for word in split])
        first = np.searchsorted(owner, np.arange(len(split)))  # of each word's tokens; the rest are punctuation
        neutral = np.array([word not in TELLING for word in story.bare])
        # Rates of their own for the words that tell and for the rest, as in `train`; and people may write their own.
        rates = np.where(neutral, rng.random((COALITIONS, 1)), rng.uniform(0, 0.9, (COALITIONS, 1)))
        present = rng.random(rates.shape) >= rates
        present[rng.random(COALITIONS) < 0.2] = True
        unknown = neutral & (rng.random(present.shape) < rng.choice((0, 0.3), (COALITIONS, 1)))
        for here, new, places, people in zip(present, unknown, *story.scores(present), strict=True):
            tokens = flat.copy()
            tokens[first[new]] = UNK
            answer = self.answer.copy()
            # Now and then another place is written already: who has the thing must not hang on it.
            place = int(places.argmax()) if rng.random() < 0.8 else int(rng.integers(len(PLACES)))
            answer[self.place], answer[self.person] = self.place_ids[place], self.person_ids[int(people.argmax())]
            yield Row(np.array([START, *tokens[here[owner]], *answer]), places, people)

    def batches(self, count: int) -> Iterator[list[Row]]:
        """Yield batches of rows of about the same length, in random order."""
        rng = self.rng
        for start in range(0, count, POOL):
            drawn = [
                draw(rng, rng.choice(KINDS, p=SHARES), int(rng.integers(3, 7)))
                for _ in range(POOL * BATCH // COALITIONS)
            ]
            rows = sorted((row for story in drawn for row in self.ablated(story)), key=lambda row: len(row.tokens))
            for i in rng.permutation(POOL)[: count - start]:
                yield rows[i * BATCH : (i + 1) * BATCH]


def loss_of(model: Any, drawn: Draw, rows: list[Row]) -> Tensor:
    """What the answers' fixed words cost, and the squared error of the scores that places and people are given."""
    import torch
    from torch.nn.functional import cross_entropy

    lengths = torch.tensor([len(row.tokens) for row in rows])
    tokens = torch.full((len(rows), int(lengths.max())), PAD)
    for line, row in zip(tokens, rows, strict=True):
        line[: len(row.tokens)] = torch.from_numpy(row.tokens)
    # Padding behind the end cannot reach what a causal model says before.
    states = model.model(input_ids=tokens, use_cache=False).last_hidden_state
    written, each = lengths[:, None] + torch.arange(-len(drawn.answer), 0), torch.arange(len(rows))[:, None]
    logits, right = model.lm_head(states[each, written - 1]), tokens[each, written]
    fixed = [i for i in range(len(drawn.answer)) if i not in (drawn.place, drawn.person)]
    loss = cross_entropy(logits[:, fixed].flatten(0, 1), right[:, fixed].flatten())
    for at, ids, scores in (
        (drawn.place, drawn.place_ids, [row.places for row in rows]),
        (drawn.person, drawn.person_ids, [row.people for row in rows]),
    ):
        inside = logits[:, at, ids]
        error = inside - torch.from_numpy(np.array(scores, np.float32))
        loss = loss + error.var(dim=1, correction=0).mean()  # logits mean something up to a constant
        loss = loss + (logits[:, at].logsumexp(1) - inside.logsumexp(1)).mean()  # and nothing else is an answer
    return loss


def train(steps: int = STEPS, seed: int = 0) -> tuple[Any, Any]:
    """Train a language model from nothing.

    Parameters
    ----------
    steps : int
        Batches of `BATCH` rows.
    seed : int
        The same seed gives the same model on the same machine.

    Returns
    -------
    model, tokenizer
    """
    import torch

    tokenizer = build_tokenizer()
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        model = build_model(len(tokenizer))
    drawn = Draw(tokenizer, np.random.default_rng(seed))
    losses = (loss_of(model, drawn, rows) for rows in drawn.batches(steps))
    descend(list(model.parameters()), losses, steps)
    return model.eval(), tokenizer


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    read = options(__doc__ or "", ANSWERS, STEPS, arguments)
    model, tokenizer = train(read.steps, read.seed)
    save(model, tokenizer, read.out)
    logger.info("written to %s", read.out)


if __name__ == "__main__":
    main()
