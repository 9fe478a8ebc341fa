"""On a GPU: how near the text game comes to a model's bare forward passes, and how long the device stands idle."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
import transformers

import spex_widget as spex
from evaluate import Cell, coalitions_of, text_of, tokenizer
from results import RESULTS, setting, table, write_section

AUTO = {
    "causal": transformers.AutoModelForCausalLM,
    "classifier": transformers.AutoModelForSequenceClassification,
}
TARGET = {"causal": " yes no", "classifier": 0}
SHARE, IDLE = 0.8, 0.05  # the aims


# What is explained: models from configurations, with random weights. --------------------------------------------------
def gpt2(layers: int, width: int, vocabulary: int) -> Any:
    return transformers.GPT2Config(
        n_layer=layers, n_embd=width, n_head=width // 64, vocab_size=vocabulary, n_positions=1024, bos_token_id=0,
        eos_token_id=0, pad_token_id=0, initializer_range=0.05,
    )  # fmt: skip


def llama(layers: int, width: int, vocabulary: int) -> Any:
    return transformers.LlamaConfig(
        num_hidden_layers=layers, hidden_size=width, intermediate_size=4 * width, num_attention_heads=width // 64,
        num_key_value_heads=max(1, width // 256), vocab_size=vocabulary, bos_token_id=0, eos_token_id=0,
        pad_token_id=0, initializer_range=0.05,
    )  # fmt: skip


def bert(layers: int, width: int, vocabulary: int) -> Any:
    return transformers.BertConfig(
        num_hidden_layers=layers, hidden_size=width, intermediate_size=4 * width, num_attention_heads=width // 64,
        vocab_size=vocabulary, num_labels=2, pad_token_id=0, initializer_range=0.05,
    )  # fmt: skip


MODELS = {
    "GPT-2, 12×768": ("causal", gpt2(12, 768, 50_257)),
    "Llama, 16×2048": ("causal", llama(16, 2048, 128_256)),
    "BERT, 12×768": ("classifier", bert(12, 768, 30_522)),
}
TINY = {
    "GPT-2, 2×64": ("causal", gpt2(2, 64, 1_100)),
    "Llama, 2×64": ("causal", llama(2, 64, 1_100)),
    "BERT, 2×64": ("classifier", bert(2, 64, 1_100)),
}


def build(kind: str, config: Any, device: str) -> Any:
    torch.manual_seed(0)
    with torch.device(device):
        return AUTO[kind].from_config(config, dtype=torch.bfloat16).eval()


# The text game beside the bare passes. --------------------------------------------------------------------------------
def passes_of(model: Any, game: Any, coalitions: np.ndarray) -> list[dict[str, Any]]:
    """What the model is given in each pass when the game evaluates coalitions; tensors stay on the device."""
    given: list[dict[str, Any]] = []
    hook = model.register_forward_pre_hook(lambda _module, _args, inputs: given.append(inputs), with_kwargs=True)
    game(coalitions)
    hook.remove()
    assert not any("past_key_values" in inputs for inputs in given), "a cache grows with each pass, and is not ready"
    return given


@torch.inference_mode()
def run_bare(model: Any, given: list[dict[str, Any]]) -> None:
    for inputs in given:
        model(**inputs)
    if model.device.type == "cuda":
        torch.cuda.synchronize(model.device)


def seconds(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def compare(model: Any, game: Any, coalitions: np.ndarray, rounds: int) -> dict[str, float]:
    """Tokens a second, padding apart, of the game and of the bare passes on the very batches that it makes.

    In an order drawn anew for each turn, after one that is not timed; medians, and that of the ratios within a turn.
    """
    game(coalitions)  # tries what the model honours, and finds out what fits
    before = game.work
    given = passes_of(model, game, coalitions)
    work = game.work - before
    calls = {"game": lambda: game(coalitions), "bare": lambda: run_bare(model, given)}
    rng = np.random.default_rng(3)
    turns = []
    for _ in range(rounds + 1):
        turn = {name: seconds(calls[name]) for name in rng.permutation(list(calls))}
        turns.append((turn["game"], turn["bare"]))
    game_took, bare_took = np.array(turns[1:]).T
    return {
        "game": work.tokens / float(np.median(game_took)),
        "bare": work.tokens / float(np.median(bare_took)),
        "share": float(np.median(bare_took / game_took)),
        "padding": work.padding / (work.tokens + work.padding),
        "passes": len(given),
    }


# A whole run. ---------------------------------------------------------------------------------------------------------
class Busy:
    """The time of a model's passes, by the device's own clock: from the start of each to its end."""

    def __init__(self, model: Any) -> None:
        self._on_gpu = model.device.type == "cuda"
        self._spans: list[list[Any]] = []
        self._hooks = [
            model.register_forward_pre_hook(lambda *_: self._spans.append([self._stamp()])),
            model.register_forward_hook(lambda *_: self._spans[-1].append(self._stamp()), always_call=True),
        ]

    def _stamp(self) -> Any:
        if not self._on_gpu:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def end(self) -> tuple[float, float]:
        """Seconds of all passes, and from the start of the first to the end of the last."""
        for hook in self._hooks:
            hook.remove()
        if self._on_gpu:
            torch.cuda.synchronize()
        busy = sum(self._between(began, ended) for began, ended in self._spans)
        return busy, self._between(self._spans[0][0], self._spans[-1][1])

    def _between(self, began: Any, ended: Any) -> float:
        return began.elapsed_time(ended) / 1e3 if self._on_gpu else ended - began


def watch(model: Any, game: Any, budget: int) -> dict[str, float | None]:
    """A run from first to last ablation, while the proxy refits: the device's idle share as it says, and as measured.

    Its noise floor as well, and how far its values lie apart.
    """
    with tempfile.TemporaryDirectory() as folder:
        busy = Busy(model)
        session = spex.Session(game, budget=budget, log=Path(folder) / "log")
        session.wait()
        took, wall = busy.end()
        snapshot = session.snapshot()
        values = [row.values[0] for row in session.log.of("uniform") if row.values is not None]
    return {
        "said": snapshot.idle,
        "idle": 1 - took / wall,
        "wall": wall,
        "rate": snapshot.work.tokens / wall,
        "floor": snapshot.floor,
        "spread": float(np.std(values)),
    }


COLUMNS = (
    "model", "parameters", "passes", "padding", "game, tokens/s", "bare, tokens/s", "game over bare", "aim",
    "run, s", "run over bare", "idle, as said", "idle, measured", "aim", "noise floor", "deviation of the values",
)  # fmt: skip


def measure(
    name: str, kind: str, model: Any, words: int, coalitions: int, budget: int, rounds: int
) -> list[str | int | None]:
    """A line of the table."""
    cell = Cell(name, kind, "remove", "even", coalitions, words)
    game = spex.TextGame(model, tokenizer(kind), text_of(cell), ablation="remove", target=TARGET[kind])
    side, run = compare(model, game, coalitions_of(cell), rounds), watch(model, game, budget)
    return [
        name, f"{sum(p.numel() for p in model.parameters()) / 1e6:,.1f} M", side["passes"], f"{side['padding']:.1%}",
        f"{side['game']:,.0f}", f"{side['bare']:,.0f}", f"{side['share']:.0%}", f"{SHARE:.0%}", f"{run['wall']:.2f}",
        f"{run['rate'] / side['bare']:.0%}", f"{run['said']:.1%}", f"{run['idle']:.1%}", f"{IDLE:.0%}",
        None if run["floor"] is None else f"{run['floor']:.2g}", f"{run['spread']:.2g}",
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", choices=("cuda", "cpu"))
    parser.add_argument("--quick", action="store_true", help="tiny models and few ablations, to see that it runs")
    parser.add_argument("--words", type=int, default=256)
    parser.add_argument("--coalitions", type=int, default=2048, help="in one call, beside the bare passes")
    parser.add_argument("--budget", type=int, default=4000, help="ablations of a whole run")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    if args.quick:
        args.words, args.coalitions, args.budget, args.rounds = 16, 64, 200, 2
    rows = []
    for name, (kind, config) in (TINY if args.quick else MODELS).items():
        model = build(kind, config, args.device)
        rows.append(measure(name, kind, model, args.words, args.coalitions, args.budget, args.rounds))
        print(rows[-1], flush=True)
    lines = [
        setting("python benchmarks/device.py", "transformers"),
        f"Random weights in bfloat16; texts of {args.words} words, a token each, of which coalitions keep half on",
        f"average. The game evaluates {args.coalitions:,} coalitions in one call; *bare* are forward passes on the",
        "very batches that it makes, ready on the device, with one synchronisation at the end. Tokens are counted",
        f"without padding, which both run; medians of {args.rounds} turns, in an order drawn anew for each. A *run* is",
        f"a session of {args.budget:,} ablations, from the start of its first pass to the end of its last, while the",
        "proxy refits and some are evaluated again, alone, for the noise floor; *run over bare* are its tokens a",
        "second over those of the bare passes. *Idle* is the share of that time in which no pass is on the device, by",
        "what the run itself says, and by CUDA events around each pass. Where the device waits for the host within a",
        "pass it is not idle by either; *run over bare* tells of that too. The *noise floor* is what the run shows, in",
        "the values' own unit.",
        "",
        *table(COLUMNS, rows),
    ]
    print("\n".join(lines))
    if args.device == "cuda" and not args.quick:
        write_section("On a GPU", lines, args.out)
    else:
        print("Nothing is written: these figures are not a GPU's, or of tiny models.")


if __name__ == "__main__":
    main()
