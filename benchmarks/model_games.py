"""Games that are models: the demo model that ships, and a small transformer of random weights."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

_BATCH = 128


class ModelGame:
    """A function of coalitions that a model answers in batches; with a folder to keep them in, only once.

    Parameters
    ----------
    n : int
    key : str
        Names the model and what is asked of it.
    answer : callable
        Values (m,) of coalitions (m, n).
    """

    folder: Path | None = None

    def __init__(self, n: int, key: str, answer: Callable[[np.ndarray], np.ndarray]) -> None:
        self.n = n
        self.key = key
        self._answer = answer

    def __call__(self, coalitions: np.ndarray) -> np.ndarray:
        digest = hashlib.sha256(self.key.encode() + np.packbits(coalitions).tobytes()).hexdigest()[:24]
        kept = self.folder / f"{digest}.npy" if self.folder else None
        if kept and kept.exists():
            return np.asarray(np.load(kept))
        parts = [self._answer(coalitions[i : i + _BATCH]) for i in range(0, len(coalitions), _BATCH)]
        values = np.concatenate(parts)
        if kept:
            kept.parent.mkdir(parents=True, exist_ok=True)
            partial = kept.with_suffix(f".{os.getpid()}.npy")
            np.save(partial, values)
            partial.replace(kept)
        return values


@lru_cache
def _demo_model():
    import spex_widget as spex

    return spex.demo.load()


def demo(words: int, seed: int) -> ModelGame:
    """The demo model's POSITIVE logit on a passage that it was not trained on, of `words` ± 4 words."""
    import spex_widget as spex

    model, tokenizer = _demo_model()
    passage = spex.demo.sentences(1, 7_000 + seed, words=(words - 4, words + 4))[0]
    game = spex.TextGame(model, tokenizer, passage.text, target="POSITIVE")
    weights = hashlib.sha256()
    for parameter in model.state_dict().values():
        weights.update(parameter.cpu().numpy().tobytes())
    return ModelGame(game.n, f"demo {weights.hexdigest()} {passage.text}", lambda x: game(x)[:, 0])


MOST_LINEAR = 0.8


@lru_cache(maxsize=4)
def transformer(n: int, seed: int) -> ModelGame:
    """A BERT of two layers, width 64, of random weights, on n random tokens; absent ones are a mask token.

    Small weights make main effects, large ones noise: they are scaled by bisection to where least squares on the main
    effects stops to reach R² = .8, and a little past it.
    """
    low, high = 0.02, 0.02
    while linear_r2(_random_bert(n, seed, high), seed) > MOST_LINEAR:
        low, high = high, 1.6 * high
    for _ in range(3):
        middle = (low * high) ** 0.5
        if linear_r2(_random_bert(n, seed, middle), seed) > MOST_LINEAR:
            low = middle
        else:
            high = middle
    return _random_bert(n, seed, high)


def linear_r2(game: ModelGame, seed: int, count: int = 1500) -> float:
    """R² of least squares on the main effects, on fresh coalitions."""
    rng = np.random.default_rng([555, seed])
    fit, fresh = (rng.random((count, game.n)) < 0.5 for _ in range(2))
    design = [np.column_stack([np.ones(count), x]) for x in (fit, fresh)]
    truth = game(fresh)
    beta = np.linalg.lstsq(design[0], game(fit), rcond=None)[0]
    return float(1 - ((truth - design[1] @ beta) ** 2).mean() / truth.var())


def _random_bert(n: int, seed: int, scale: float) -> ModelGame:
    from transformers import BertConfig, BertForSequenceClassification

    config = BertConfig(
        vocab_size=500,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        max_position_embeddings=max(n + 2, 16),
        initializer_range=scale,
        num_labels=1,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = BertForSequenceClassification(config).eval()
    rng = np.random.default_rng([777, seed])
    # Token 0 opens the text, 1 closes it, 2 masks.
    tokens = torch.tensor(rng.integers(3, config.vocab_size, n))

    def answer(x: np.ndarray) -> np.ndarray:
        ids = torch.zeros((len(x), n + 2), dtype=torch.long)
        ids[:, -1] = 1
        ids[:, 1:-1] = torch.where(torch.from_numpy(x), tokens, 2)
        with torch.inference_mode():
            return model(input_ids=ids).logits[:, 0].double().numpy()

    return ModelGame(n, f"bert {n} {seed} {scale} {torch.__version__}", answer)
