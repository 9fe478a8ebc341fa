"""What the benchmarks count, against a count of one's own; their figures are measured elsewhere."""

import sys
import time
from pathlib import Path

import pytest
import torch

import spex_widget as spex

HERE = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def device(monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))
    import device

    return device


@pytest.fixture
def llama(device):
    """A tiny model with its game among 16 words."""
    kind, config = device.TINY["Llama, 2×64"]
    model = device.build(kind, config, "cpu")
    cell = device.Cell("", kind, "remove", "even", 64, 16)
    game = spex.TextGame(model, device.tokenizer(kind), device.text_of(cell), ablation="remove", target=" yes no")
    return model, game, device.coalitions_of(cell)


def test_the_bare_passes_are_the_games_own(device, llama):
    model, game, coalitions = llama
    game(coalitions)
    before = game.work
    given = device.passes_of(model, game, coalitions)
    took = game.work - before
    assert len(given) == took.passes > 0
    assert sum(int(inputs["attention_mask"].sum()) for inputs in given) == took.tokens
    seen = []
    with_hook = model.register_forward_hook(lambda _module, _inputs, answer: seen.append(answer.logits))
    game(coalitions)
    device.run_bare(model, given)
    with_hook.remove()
    assert len(seen) == 2 * len(given)
    assert all(torch.equal(one, two) for one, two in zip(seen[: len(given)], seen[len(given) :], strict=True))


def test_tokens_a_second_are_of_the_tokens_that_are_no_padding(device, llama, monkeypatch):
    model, game, coalitions = llama
    monkeypatch.setattr(device, "seconds", lambda call: (call(), took.pop())[1])
    took = [4.0] * 2 + [2.0] * 6
    kept = {row.tobytes(): int(row.sum()) for row in coalitions}
    tokens = sum(kept.values()) + len(kept)  # words, and of the answer what the last of it follows
    found = device.compare(model, game, coalitions, 3)
    assert (found["game"], found["bare"], found["share"]) == (tokens / 2, tokens / 2, 1.0)


def test_the_idle_share_is_that_of_the_time_between_passes(device, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    model = torch.nn.Linear(1, 1)
    model.device = torch.device("cpu")
    model.register_forward_hook(lambda *_: now.__setitem__(0, now[0] + 3))
    busy = device.Busy(model)
    for _ in range(2):
        model(torch.ones(1, 1))
        now[0] += 2
    assert busy.end() == (6, 8)
    model(torch.ones(1, 1))
    assert busy.end() == (6, 8)


def test_it_runs_and_no_results_are_written_from_a_cpu(device, monkeypatch, tmp_path, capsys):
    out = tmp_path / "RESULTS.md"
    monkeypatch.setattr(sys, "argv", ["device.py", "--device", "cpu", "--quick", "--out", str(out)])
    device.main()
    said = capsys.readouterr().out
    rows = [line.split(" | ") for line in said.splitlines() if line.startswith("| ") and "2×64" in line]
    assert [row[0] for row in rows] == [f"| {name}" for name in device.TINY]
    for row in rows:
        shown = dict(zip(device.COLUMNS, row, strict=True))
        assert 0 <= float(shown["idle, measured"].rstrip("%")) <= 100
        assert float(shown["noise floor"]) >= 0
    assert "no GPU" in said
    assert not out.exists()


def test_what_falls_short_is_named_whoever_it_is_short_of(device):
    import evaluate

    cells = [("small", {"plain loop": 1.2, "captum": 1.99, "shap": 2.0}), ("large", {"plain loop": 0.9, "shap": 0.5})]
    assert evaluate.shortfalls(cells) == [
        "- captum, less than 2 times: 1 of 1 cells: small (1.99).",
        "- shap, less than 2 times: 1 of 2 cells: large (0.50).",
        "- plain loop, less than 0.95 times: 1 of 2 cells: large (0.90).",
        "- captum, less than 0.95 times: none of 1 cells.",
        "- shap, less than 0.95 times: 1 of 2 cells: large (0.50).",
    ]


def test_a_gpu_is_named(device, monkeypatch):
    import results

    assert "no GPU), one thread" in results.setting("it")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "A Fine GPU")
    assert "A Fine GPU), one thread" in results.setting("it")
