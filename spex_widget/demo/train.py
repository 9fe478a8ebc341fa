"""Train the sentiment classifier that ships: ``python -m spex_widget.demo.train`` (about a minute on one core).

The model learns the *meaning of the present words*, for coalitions of every size, so that what the grammar planted are
the interactions of the model itself, and an ablated text is nothing new to it.
"""

from __future__ import annotations

import argparse
import json
import logging
import re
import time
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from spex_widget.demo.grammar import INTENSIFIERS, KINDS, SPEAKING, VALENCE, Sentence, opinions
from spex_widget.demo.pretrained import WEIGHTS
from spex_widget.demo.templates import RULES, sentences

if TYPE_CHECKING:
    from torch import Tensor

logger = logging.getLogger(__name__)

STEPS = 1500
BATCH = 64
COALITIONS = 8  # of each text
LENGTHS = {(4, 14): 5 / 8, (15, 28): 2 / 8, (29, 60): 1 / 8}  # in words, and the share of such texts
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
PAD, UNK, CLS, SEP, MASK = range(len(SPECIAL))


class Rows(NamedTuple):
    """Texts of which some words are ablated, and what the rest says.

    Attributes
    ----------
    tokens : (m, length) int64
        Padded with `PAD`.
    parts : (m, length) float32
        What each opinion adds, at the token of its adjective; 0 elsewhere.
    """

    tokens: npt.NDArray[np.int64]
    parts: npt.NDArray[np.float32]


def build_tokenizer() -> Any:
    """Make a fast tokenizer of the templates' words: lower case, punctuation apart, a token a word."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.normalizers import BertNormalizer
    from tokenizers.pre_tokenizers import BertPreTokenizer
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    split = BertPreTokenizer()
    text = " ".join(re.sub(r"{[^}]*}", " ", template) for rule in RULES.values() for template in rule)
    text += " ".join(("", *VALENCE, *INTENSIFIERS, "but", "an", "."))
    words = {piece for piece, _ in split.pre_tokenize_str(text.lower())}
    tokenizer = Tokenizer(WordLevel({w: i for i, w in enumerate((*SPECIAL, *sorted(words)))}, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = split
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B [SEP]",
        special_tokens=[("[CLS]", CLS), ("[SEP]", SEP)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=128,
        model_input_names=["input_ids", "attention_mask"],
        **{f"{name[1:-1].lower()}_token": name for name in SPECIAL},
    )


def build_model(size: int) -> Any:
    """Make an untrained ModernBERT of three layers, 64 wide, for a vocabulary of this size."""
    from transformers import ModernBertConfig, ModernBertForSequenceClassification

    labels = ("NEGATIVE", "POSITIVE")
    config = ModernBertConfig(
        vocab_size=size,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=3,
        num_attention_heads=4,
        # The middle layer sees the neighbourhood, a clause's length. Written in the way of transformers 5 and of 4.
        layer_types=["full_attention", "sliding_attention", "full_attention"],
        global_attn_every_n_layers=2,
        local_attention=16,
        max_position_embeddings=128,
        classifier_pooling="cls",
        pad_token_id=PAD,
        cls_token_id=CLS,
        bos_token_id=CLS,
        sep_token_id=SEP,
        eos_token_id=SEP,
        id2label=dict(enumerate(labels)),
        label2id={label: i for i, label in enumerate(labels)},
    )
    return ModernBertForSequenceClassification(config)


def draw_rows(texts: Sequence[Sentence], tokenizer: Any, rng: np.random.Generator) -> Rows:
    """Ablate words of each text in `COALITIONS` ways: a fifth whole, else at a rate between 0 and .9."""

    @cache
    def pieces(word: str) -> list[int]:
        return list(tokenizer(word, add_special_tokens=False)["input_ids"])

    punctuation = tokenizer.convert_tokens_to_ids([".", ",", "'"])
    split = [[pieces(word) for word in text.words] for text in texts]
    m, length = len(texts) * COALITIONS, max(sum(map(len, ids)) for ids in split) + 2
    rows = Rows(np.full((m, length), PAD), np.zeros((m, length), np.float32))
    for k, (text, ids) in enumerate(zip(texts, split, strict=True)):
        n = len(text.words)
        neutral = np.array([word not in SPEAKING for word in text.bare])
        # Rates of their own for the words that speak and for the rest: every combination of the few that speak is
        # seen often, among much and among little else.
        rates = np.where(neutral, rng.random((COALITIONS, 1)), rng.uniform(0, 0.9, (COALITIONS, 1)))
        present = rng.random((COALITIONS, n)) >= rates
        present[rng.random(COALITIONS) < 0.2] = True
        ablated = np.where(rng.random((COALITIONS, 1)) < 0.15, UNK, MASK)
        # Now and then neutral words are unknown ones, so that people may write their own.
        unknown = neutral & (rng.random((COALITIONS, n)) < rng.choice((0, 0.3), (COALITIONS, 1)))

        flat = np.array([i for word in ids for i in word])
        owner = np.repeat(np.arange(n), [len(word) for word in ids])
        flat = np.where(unknown[:, owner] & ~np.isin(flat, punctuation), UNK, flat)
        flat = np.where(present[:, owner], flat, ablated)
        here = slice(k * COALITIONS, (k + 1) * COALITIONS)
        rows.tokens[here, 0] = CLS
        rows.tokens[here, 1 : len(owner) + 1] = flat
        rows.tokens[here, len(owner) + 1] = SEP
        adjectives, scores = opinions(text.words, present)
        rows.parts[here, 1 + np.searchsorted(owner, adjectives)] = scores
    return rows


def draw_batches(count: int, tokenizer: Any, rng: np.random.Generator) -> Iterator[Rows]:
    """Yield batches of rows of about the same length, in random order."""
    kinds = (*KINDS, "contrast", "plain")  # a contrast is the hardest: two opinions, each with words of its own
    texts: list[Sentence] = []
    for words, share in LENGTHS.items():
        number = round(count * BATCH / COALITIONS * share)
        texts += sentences(number, seed=int(rng.integers(2**31)), kinds=kinds, words=words)
    texts.sort(key=lambda text: len(text.words))
    batches = []
    for start in range(0, len(texts), 4 * BATCH):
        rows = draw_rows(texts[start : start + 4 * BATCH], tokenizer, rng)
        order = rng.permutation(len(rows.tokens))
        batches += [Rows(rows.tokens[o], rows.parts[o]) for o in np.split(order, range(BATCH, len(order), BATCH))]
    for i in rng.permutation(len(batches)):
        yield batches[i]


def train(steps: int = STEPS, seed: int = 0) -> tuple[Any, Any]:
    """Train a classifier from nothing.

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

    rng = np.random.default_rng(seed)
    tokenizer = build_tokenizer()
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        model = build_model(len(tokenizer))
        reader = torch.nn.Linear(model.config.hidden_size, 1)
    batches = draw_batches(steps, tokenizer, rng)
    losses = (_loss(model, reader, torch.from_numpy(rows.tokens), torch.from_numpy(rows.parts)) for rows in batches)
    descend([*model.parameters(), *reader.parameters()], losses, steps)
    return model.eval(), tokenizer


def descend(parameters: Sequence[Tensor], losses: Iterator[Tensor], steps: int) -> None:
    """Take a step down each loss as it comes; the next is computed only then."""
    import torch

    optimizer = torch.optim.AdamW(parameters, lr=3e-3, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=3e-3, total_steps=steps, pct_start=0.1)
    start = time.monotonic()
    for step, loss in enumerate(losses):
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        if step % 100 == 0 or step == steps - 1:
            logger.info("step %d of %d, loss %.3f, %.0f s", step, steps, loss.item(), time.monotonic() - start)


def _loss(model: Any, reader: Any, tokens: Tensor, parts: Tensor) -> Tensor:
    """Squared error of the log-odds, and of each opinion's part as read at its adjective in the last layer but one.

    Without the second it takes several times as long to find out which words act on which.
    """
    output = model(input_ids=tokens, attention_mask=(tokens != PAD).long(), output_hidden_states=True)
    # Each logit takes half of it, so that either of them means something, not only their difference.
    half = parts.sum(dim=1, keepdim=True) / 2
    total = ((output.logits - half * half.new_tensor([-1.0, 1.0])) ** 2).sum(dim=1) * 2
    read = reader(output.hidden_states[-2]).squeeze(-1)
    return (total + ((read - parts) ** 2).sum(dim=1)).mean()


def save(model: Any, tokenizer: Any, folder: Path, **older: object) -> None:
    """Write what `from_pretrained` reads, the weights in half precision, to be computed with in single precision.

    `older` are entries of the configuration as transformers 4 spells them.
    """
    from safetensors.torch import save_file

    model.config.architectures = [type(model).__name__]
    model.config.save_pretrained(folder)
    _amend(folder / "config.json", dtype="float32", **older)  # transformers 5 would take over the file's precision
    tied = set(model._tied_weights_keys or ())
    weights = {name: w.detach().half().contiguous() for name, w in model.state_dict().items() if name not in tied}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)  # it is made for its owner only, but will be installed for everyone
    tokenizer.save_pretrained(folder)
    _amend(folder / "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")  # a name that both know


def _amend(path: Path, **entries: object) -> None:
    """Set entries of a JSON file."""
    path.write_text(json.dumps(json.loads(path.read_text()) | entries, indent=2, sort_keys=True) + "\n")


def options(about: str, out: Path, steps: int, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read a training script's command line, and make ready for a run on one thread that says how it goes."""
    import torch

    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--out", type=Path, default=out, help="folder to write to (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=steps)
    read = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)  # a second thread does not pay for matrices this small
    return read


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    read = options(__doc__ or "", WEIGHTS, STEPS, arguments)
    model, tokenizer = train(read.steps, read.seed)
    save(model, tokenizer, read.out, global_attn_every_n_layers=2, reference_compile=False)
    logger.info("written to %s", read.out)


if __name__ == "__main__":
    main()
