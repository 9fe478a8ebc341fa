"""Evaluations a second: the text game beside a plain padded loop, captum and shap, on equal models and coalitions."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

import spex_widget as spex
from results import RESULTS, setting, table, write_section

SIZES = {"2×64": (2, 64), "4×128": (4, 128), "6×768": (6, 768)}
BATCHES = (16, 64)  # tried by those that need a batch size; the better one counts
TARGET = " yes no"
WORDS = 32
AIMS = {"even": 1.1, "mixed": 1.5, "prefix": 4.0}
RUN = 128  # ablations
PEERS_AIM, LEAST = 2, 0.95  # against captum and shap, and against everyone in every cell


@dataclass(frozen=True)
class Cell:
    """One comparison: a model, the words in front that stay, how coalitions are drawn, and how many."""

    model: str
    kind: str
    ablation: str
    sizes: str
    m: int
    words: int = WORDS
    fixed: int = 0

    @property
    def name(self) -> tuple[str, ...]:
        text = f"{self.fixed} + {self.words}" if self.fixed else str(self.words)
        return self.kind, self.model, text, self.ablation, self.sizes


CELLS = (
    *(Cell(size, kind, ablation, drawn, 256 if size == "2×64" else 128)
      for size in ("2×64", "4×128") for kind, ablation in (("causal", "remove"), ("classifier", "remove"),
      ("classifier", "mask_token")) for drawn in ("even", "mixed")),
    *(Cell("6×768", "classifier", ablation, "mixed", m) for ablation, m in (("remove", 128), ("mask_token", 32))),
    *(Cell(size, "causal", "remove", "even", 32, words=128, fixed=1024) for size in ("2×64", "4×128")),
)  # fmt: skip


# What is explained. ---------------------------------------------------------------------------------------------------
@cache
def vocabulary() -> list[str]:
    rng = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnoprstuvwyz"))
    words = sorted({"".join(rng.choice(letters, rng.integers(2, 8))) for _ in range(1_000)})
    return [*words, "yes", "no"]


@cache
def tokenizer(kind: str) -> Any:
    """Each word of the vocabulary is a token."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

    if kind == "causal":
        tokens = ["<end>", "Ġ", *(f"Ġ{word}" for word in vocabulary())]
        raw = Tokenizer(models.WordLevel({token: i for i, token in enumerate(tokens)}, unk_token="<end>"))
        raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        raw.decoder = decoders.ByteLevel()
        return transformers.PreTrainedTokenizerFast(
            tokenizer_object=raw, unk_token="<end>", bos_token="<end>", eos_token="<end>", pad_token="<end>"
        )
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    raw = Tokenizer(models.WordLevel({t: i for i, t in enumerate([*special, *vocabulary()])}, unk_token="[UNK]"))
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    raw.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    return transformers.PreTrainedTokenizerFast(tokenizer_object=raw, **dict(zip(names, special, strict=True)))


@cache
def build(kind: str, size: str) -> Any:
    layers, width = SIZES[size]
    torch.manual_seed(0)
    vocab = len(tokenizer(kind))
    if kind == "causal":
        config = transformers.GPT2Config(
            vocab_size=vocab, n_embd=width, n_layer=layers, n_head=width // 32, n_positions=2048,
            bos_token_id=0, eos_token_id=0, pad_token_id=0, initializer_range=0.1,
        )  # fmt: skip
        return transformers.GPT2LMHeadModel(config).eval()
    config = transformers.DistilBertConfig(
        vocab_size=vocab, dim=width, hidden_dim=4 * width, n_layers=layers, n_heads=width // 32, pad_token_id=0,
        num_labels=2, initializer_range=0.1,
    )  # fmt: skip
    return transformers.DistilBertForSequenceClassification(config).eval()


def words_of(cell: Cell) -> list[str]:
    rng = np.random.default_rng(1)
    return [str(word) for word in rng.choice(vocabulary()[:-2], cell.fixed + cell.words)]


def coalitions_of(cell: Cell) -> np.ndarray:
    rng = np.random.default_rng(2)
    rates = np.full((cell.m, 1), 0.5) if cell.sizes == "even" else rng.random((cell.m, 1))
    coalitions = rng.random((cell.m, cell.words)) < rates
    coalitions[:, 0] |= ~coalitions.any(axis=1)  # captum has no prompt without a token
    return coalitions


def text_of(cell: Cell) -> str:
    space = " " if cell.kind == "causal" else ""
    return space + " ".join(words_of(cell))


# Those who answer: each from a cell to a function of coalitions. ------------------------------------------------------
def ours(cell: Cell) -> Any:
    text = text_of(cell)
    free = " ".join(words_of(cell)[cell.fixed :])
    return spex.TextGame(
        build(cell.kind, cell.model),
        tokenizer(cell.kind),
        text,
        ablation=cell.ablation,
        target=TARGET if cell.kind == "causal" else 0,
        protect=(0, len(text) - len(free)) if cell.fixed else None,
    )


def plain(cell: Cell, batch: int) -> Callable[[np.ndarray], np.ndarray]:
    """What one writes first: batches in the order given, padded to the longest, the target read off."""
    model, known = build(cell.kind, cell.model), tokenizer(cell.kind)
    inputs = np.array(known(text_of(cell))["input_ids"])
    owner = np.full(len(inputs), -1)
    first = cell.fixed + (cell.kind == "classifier")
    owner[first : first + cell.words] = np.arange(cell.words)
    suffix = known(TARGET)["input_ids"] if cell.kind == "causal" else []

    def rows(coalitions: np.ndarray) -> Iterator[np.ndarray]:
        for present in np.hstack([coalitions, np.ones((len(coalitions), 1), bool)])[:, owner]:
            kept = inputs[present] if cell.ablation == "remove" else np.where(present, inputs, known.mask_token_id)
            yield np.concatenate([kept, suffix]).astype(np.int64)

    @torch.inference_mode()
    def answer(coalitions: np.ndarray) -> np.ndarray:
        everything, values = list(rows(coalitions)), []
        for start in range(0, len(everything), batch):
            part = [torch.from_numpy(row) for row in everything[start : start + batch]]
            ids = torch.nn.utils.rnn.pad_sequence(part, batch_first=True)
            lengths = torch.tensor([len(row) for row in part])
            here = (torch.arange(ids.shape[1]) < lengths[:, None]).long()
            logits = model(input_ids=ids, attention_mask=here).logits
            if cell.kind == "causal":
                at = lengths[:, None] - 1 - len(suffix) + torch.arange(len(suffix))
                scores = logits[torch.arange(len(part))[:, None], at].log_softmax(-1)
                values.append(scores[:, torch.arange(len(suffix)), torch.tensor(suffix)].sum(1))
            else:
                values.append(logits[:, 0])
        return torch.cat(values).double().numpy()

    return answer


def captum(cell: Cell, batch: int) -> Callable[[np.ndarray], np.ndarray] | None:
    """The function that FeatureAblation calls for each ablation: of an LLMAttribution, which takes one row at a time;
    for a classifier, of token ids, which share a batch where nothing is removed.
    """
    from captum.attr import FeatureAblation, LLMAttribution, TextTemplateInput

    model, known = build(cell.kind, cell.model), tokenizer(cell.kind)
    if cell.kind == "causal":
        words = [f" {word}" for word in words_of(cell)]
        attribution = LLMAttribution(FeatureAblation(model), known)
        prompt = TextTemplateInput(
            "".join(words[: cell.fixed]) + "{}" * cell.words, words[cell.fixed :], baselines=[""] * cell.words
        )
        target = torch.tensor(known(TARGET)["input_ids"])
        forward = partial(attribution.attr_method.forward_func, forward_in_tokens=False)

        @torch.inference_mode()
        def one_by_one(coalitions: np.ndarray) -> np.ndarray:
            rows = torch.from_numpy(coalitions)
            return np.array([float(forward(row[None], prompt, target)[0, 0]) for row in rows])

        return one_by_one
    if cell.ablation == "remove":
        return None
    ids = torch.tensor([known(text_of(cell))["input_ids"]])
    gone = torch.full_like(ids, known.mask_token_id)
    ablation = FeatureAblation(lambda rows: model(rows).logits)

    @torch.inference_mode()
    def in_batches(coalitions: np.ndarray) -> np.ndarray:
        values = []
        for start in range(0, len(coalitions), batch):
            present = torch.from_numpy(
                np.pad(coalitions[start : start + batch], ((0, 0), (1, 1)), constant_values=True)
            )
            values.append(ablation.forward_func(torch.where(present, ids, gone))[:, 0])
        return torch.cat(values).double().numpy()

    return in_batches


def shap(cell: Cell, batch: int) -> Callable[[np.ndarray], np.ndarray]:
    """The masked model that shap's partition explainer calls, around its text masker.

    Causal models are scored by its own teacher forcing, which measures log-odds of each token.
    """
    from shap import links, maskers, models
    from shap.utils import MaskedModel

    model, known = build(cell.kind, cell.model), tokenizer(cell.kind)
    masker = maskers.Text(known, mask_token=" " if cell.ablation == "remove" else "[MASK]", collapse_mask_token=False)
    if cell.kind == "causal":
        teacher = models.TeacherForcing(model, known, batch_size=batch)
        answers = np.array([TARGET])

        def call(texts: np.ndarray) -> np.ndarray:
            return np.asarray(teacher(texts, np.repeat(answers, len(texts)))).sum(1)
    else:
        pipe = transformers.pipeline("text-classification", model=model, tokenizer=known, top_k=None, batch_size=batch)
        call = models.TransformersPipeline(pipe, rescale_to_logits=True)
    masked = MaskedModel(call, masker, links.identity, True, text_of(cell))
    always = (cell.fixed + (cell.kind == "classifier"), int(cell.kind == "classifier"))

    @torch.inference_mode()
    def answer(coalitions: np.ndarray) -> np.ndarray:
        rows = np.pad(coalitions, ((0, 0), always), constant_values=True)
        return np.asarray(masked(rows, batch_size=max(batch, 64))).reshape(len(rows), -1)[:, 0]

    return answer


PEERS = {"plain loop": plain, "captum": captum, "shap": shap}


# Measuring. -----------------------------------------------------------------------------------------------------------
def seconds(answer: Callable[[np.ndarray], Any], coalitions: np.ndarray) -> float:
    began = time.process_time()
    answer(coalitions)
    return time.process_time() - began


def compare(cell: Cell, rounds: int) -> dict[str, Any]:
    """All in turn, several times; what counts is the median of the ratios within a turn.

    In an order drawn anew for each turn, since whoever comes before leaves caches and memory to the next.
    """
    coalitions = coalitions_of(cell)
    game = ours(cell)
    game(coalitions[:4])
    values = game(coalitions)[:, 0]
    before = game.work
    candidates: dict[str, Callable[..., Any]] = {}
    far = {}
    for name, make in PEERS.items():
        alone = cell.kind == "causal" and name == "captum"
        tried = {size: make(cell, size) for size in (BATCHES[:1] if alone else BATCHES)}
        if tried[BATCHES[0]] is not None:
            few = coalitions[:32] if name == "shap" else coalitions
            cost = {size: min(seconds(answer, few) for _ in range(2)) for size, answer in tried.items()}
            candidates[name] = tried[min(cost, key=cost.get)]
            if name != "shap":
                far[name] = float(np.abs(candidates[name](coalitions) - values).max() / np.abs(values).max())
    everyone, rng = {"spex_widget": game, **candidates}, np.random.default_rng(3)
    orders = [rng.permutation(list(everyone)) for _ in range(rounds)]
    turns = [{name: seconds(everyone[name], coalitions) for name in order} for order in orders]
    work, taken = game.work, {}
    for field in ("forward_seconds", "other_seconds", "tokens", "padding"):
        taken[field] = getattr(work, field) - getattr(before, field)
    return {
        "rate": cell.m / np.median([turn["spex_widget"] for turn in turns]),
        "ratios": {name: float(np.median([turn[name] / turn["spex_widget"] for turn in turns])) for name in candidates},
        "far": max(far.values()),
        "outside": taken["other_seconds"] / (taken["other_seconds"] + taken["forward_seconds"]),
        "padding": taken["padding"] / (taken["padding"] + taken["tokens"]),
    }


def peak(m: int) -> None:
    """Print the most memory that so many evaluations take, in MB."""
    cell = Cell("4×128", "causal", "remove", "even", m)
    game = ours(cell)
    for part in np.array_split(coalitions_of(cell), m // 250):
        game(part)
    # Not ru_maxrss, which a process takes over from the one that started it.
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    print(json.dumps(int(line.split()[1]) / 1e3))


def in_a_run(cell: Cell, ablations: int) -> float:
    """How many tokens, padding included, a whole run has the model read for each of so many ablations."""
    game = ours(cell)
    before = game.work
    spex.Session(game, budget=ablations, log=None).wait()
    work = game.work - before
    return (work.tokens + work.padding) / ablations


def shortfalls(cells: Sequence[tuple[str, Mapping[str, float]]]) -> list[str]:
    """The cells that fall short of what is aimed at against each peer; of each, how many times our seconds it takes."""
    lines = []
    for name, least in (("captum", PEERS_AIM), ("shap", PEERS_AIM), *((name, LEAST) for name in PEERS)):
        ratios = {cell: found[name] for cell, found in cells if name in found}
        below = [f"{cell} ({ratio:.2f})" for cell, ratio in ratios.items() if ratio < least]
        count = f"{len(below) or 'none'} of {len(ratios)} cells"
        lines.append(f"- {name}, less than {least:g} times: {count}{': ' if below else ''}{', '.join(below)}.")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="cells whose description holds this")
    parser.add_argument("--peak", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    if args.peak:
        peak(args.peak)
        return
    rows, cells = [], []
    for cell in CELLS:
        if args.only in " ".join(cell.name):
            found = compare(cell, args.rounds)
            cells.append((" ".join(cell.name), found["ratios"]))
            ratios = [f"{found['ratios'][name]:.2f}" if name in found["ratios"] else None for name in PEERS]
            aim = AIMS["prefix"] if cell.fixed else AIMS[cell.sizes] if cell.ablation == "remove" else 0.95
            rows.append([
                *cell.name, f"{found['rate']:,.0f}", *ratios, aim, f"{found['outside']:.0%}", f"{found['padding']:.0%}",
                f"{found['far']:.0e}",
            ])  # fmt: skip
            print(rows[-1], flush=True)
    runs = {cell: in_a_run(cell, RUN) for cell in CELLS if cell.fixed and args.only in " ".join(cell.name)}
    peaks = {}
    for m in (500, 5_000):
        command = [sys.executable, __file__, "--peak", str(m)]
        peaks[m] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    lines = [
        setting("python benchmarks/evaluate.py", "transformers", "captum", "shap"),
        f"Each answers the same coalitions of the same words (a token each), {args.rounds} times in turn, in an order",
        "drawn anew for each turn; processor seconds, since others used the machine at the same time; medians.",
        "*Times* are a peer's seconds over ours: the plain padded loop, captum (`LLMAttribution` around",
        "`FeatureAblation`, `forward_in_tokens=False`, which takes one row at a time; for classifiers",
        "`FeatureAblation`, which cannot remove) and shap (its text masker in a `MaskedModel`, around `TeacherForcing`",
        f"or a pipeline), each at the better batch of {BATCHES} rows. The aim is against the plain loop; for captum",
        f"and shap it is {PEERS_AIM}, and {LEAST} against everyone in every cell; what falls short is named below.",
        "*Outside* is the share of our wall time outside of the model's forward, *padding* that of",
        "all tokens; *differs* is the largest difference of a value from the plain loop's and captum's, over the",
        "largest value. Even coalitions keep each word with .5, mixed ones with a rate from U(0, 1).",
        "",
        *table(
            ("model", "layers × width", "words", "ablation", "coalitions", "ours, rows/s", "plain loop, times",
             "captum, times", "shap, times", "aim", "outside", "padding", "differs"),
            rows,
        ),
        "",
        *shortfalls(cells),
        "",
        f"Tokens that the model reads for an ablation in a whole run of {RUN}, batch by batch, of the tokens it has: "
        + ", ".join(f"{read:.0f} of {cell.fixed + cell.words // 2} ({cell.model})" for cell, read in runs.items())
        + ".",
        "",
        "Peak memory of a process that evaluates "
        + ", ".join(f"{m:,} coalitions: {size:.0f} MB" for m, size in peaks.items())
        + " (causal, 4×128).",
    ]  # fmt: skip
    write_section("Evaluations a second", lines, args.out)


if __name__ == "__main__":
    main()
