"""Games of several outputs: each explained beside the others, and as if it were the only one."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

import ours
from cache import Cache
from games import and_or
from results import setting, table, write_section
from runs import FRESH, r2
from spex_widget.algorithms import Output, ProxySPEX

BUDGETS = (64, 128, 256, 512)
LOOKED_AT = 4  # outputs of each game

Values = Callable[[np.ndarray], np.ndarray]


def answer(seed: int) -> tuple[int, Values]:
    """The log-probability of each token of the shipped causal model's answer to a question on a story."""
    import spex_widget as spex

    model, tokenizer = spex.demo.load_causal()
    text = spex.demo.stories(1, seed=9_000 + seed)[0].text
    question = text[text.rindex(". ") + 2 :]
    game = spex.TextGame(model, tokenizer, text, target=spex.Answer(), protect=question)
    return game.n, game


def next_token(seed: int, n: int = 32, tokens: int = 8) -> tuple[int, Values]:
    """The log-probabilities of eight tokens after n others, of which the absent are another: a random GPT-2."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(vocab_size=64, n_positions=n, n_embd=48, n_layer=3, n_head=4, bos_token_id=0, eos_token_id=0)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = GPT2LMHeadModel(config).eval()
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.data *= 5
        ids = torch.randint(1, config.vocab_size, (n,))

    def values(x: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            logits = model(torch.where(torch.from_numpy(x), ids, 0)).logits[:, -1]
            return torch.log_softmax(logits, -1)[:, :tokens].double().numpy()

    return n, values


def heads(seed: int, n: int = 64, relevant: int = 12, outputs: int = 6) -> tuple[int, Values]:
    """Six heads, 16 → 8 → 1, on one hidden layer that looks at twelve of the players."""
    rng = np.random.default_rng(seed)
    seen = rng.choice(n, relevant, replace=False)
    first = rng.normal(size=(relevant, 16)) * 1.5 / np.sqrt(relevant)
    second, last = rng.normal(size=(outputs, 16, 8)) * 1.5 / 4, rng.normal(size=(outputs, 8))

    def values(x: np.ndarray) -> np.ndarray:
        hidden = np.tanh((1.0 - 2.0 * x[:, seen]) @ first)
        return np.einsum("omh,oh->mo", np.tanh(hidden @ second), last)

    return n, values


def readouts(seed: int, n: int = 48, outputs: int = 6) -> tuple[int, Values]:
    """Six linear read-outs of one squashed softmax over the present players."""
    rng = np.random.default_rng(seed)
    queries, values, weights = rng.normal(size=(n, 8)), rng.normal(size=n), rng.normal(size=8)
    scores, last = np.exp(queries @ weights), rng.normal(size=(8, outputs))

    def read(x: np.ndarray) -> np.ndarray:
        attention = np.where(x, scores, 1e-3)
        attention /= attention.sum(axis=1, keepdims=True)
        return np.tanh(3 * attention @ (values[:, None] * queries)) @ last

    return n, read


def strangers(seed: int, n: int = 64, outputs: int = 4) -> tuple[int, Values]:
    """Sums of conjunctions and disjunctions that have nothing in common."""
    each = [and_or(n, 1000 * output + seed) for output in range(outputs)]
    return n, lambda x: np.stack([function(x) for function in each], axis=1)


GAMES = {
    "answer of the demo model, a token an output": answer,
    "random GPT-2, 8 tokens, n = 32": next_token,
    "6 heads on one layer, n = 64": heads,
    "6 read-outs of an attention, n = 48": readouts,
    "4 and/or games with nothing in common, n = 64": strangers,
}


def outputs(args: argparse.Namespace, cache: Cache) -> None:
    rows = []
    for name, make in GAMES.items():
        found = [score for seed in args.seeds for score in _scores(*make(seed), seed)]
        for alone, beside, budget in zip(*np.mean(found, axis=0).T, BUDGETS, strict=True):
            rows.append((name, budget, len(found), float(alone), float(beside), f"{beside - alone:+.3f}"))
    lines = [
        setting("python benchmarks/engine.py outputs", "transformers"),
        f"Seeds {args.seeds[0]} to {args.seeds[-1]}; the engine is at {ours.engine_version()} (a digest of its",
        f"sources). R² of the surrogate of up to {LOOKED_AT} outputs a game on {FRESH:,} fresh coalitions, the mean of",
        "all seeds and outputs: each *alone*, as if the game had no other, and *beside the others*, with which the",
        "Gaussian process shares what rates they have in common. The ablations are the same.",
        "",
        *table(("game", "ablations", "outputs", "R², alone", "R², beside the others", "difference"), rows),
    ]
    write_section("Several outputs", lines, args.out)


def _scores(n: int, values: Values, seed: int) -> list[list[tuple[float, float]]]:
    """R² of each output looked at, by budget: alone, and beside the others."""
    x = np.random.default_rng([4242, seed]).random((FRESH, n)) < 0.5
    truth = values(x)
    differ = np.flatnonzero(np.ptp(truth, axis=0) > 0)[:LOOKED_AT]
    beside = _told(n, values, seed)
    scores = []
    for position in differ:
        alone = _told(n, lambda x, position=position: values(x)[:, [position]], seed)
        looked_at = Output(((int(position), 1.0),))
        scores.append([
            tuple(
                r2(truth[:, position], estimate.spectrum(x))
                for estimate in (alone.finish(most=budget), beside.finish(looked_at, most=budget))
            )
            for budget in BUDGETS
        ])  # fmt: skip
    return scores


def _told(n: int, values: Values, seed: int) -> ProxySPEX:
    """The engine, told the values of as many ablations as the largest budget."""
    algorithm = ProxySPEX(n, seed=seed)
    told = 0
    while told < BUDGETS[-1]:
        batch = algorithm.ask(BUDGETS[-1] - told)
        algorithm.tell(batch, values(batch.coalitions))
        told += len(batch)
    return algorithm
