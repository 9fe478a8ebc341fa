"""How the text game's inputs are batched, and that nobody can tell from the values."""

import copy
import itertools
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

import tiny
from spex_widget.games import LogOdds, TextGame
from spex_widget.games.model.batching import Batcher
from spex_widget.games.model.subject import Subject
from text_reference import CLASSIFIERS, LANGUAGE, MODELS, TEXT, ablated, coalitions_of, load, logits_of


@pytest.mark.parametrize(
    ("kind", "rows_at_once", "tokens_at_once", "logits_at_once"),
    [
        (CLASSIFIERS[1], 3, 10**9, 10**9),
        (CLASSIFIERS[1], 64, 50, 10**9),
        ("LlamaForCausalLM", 64, 50, 10**9),
        ("GPT2LMHeadModel", 64, 10**9, 4_000),
        ("GPT2LMHeadModel", 64, 1, 1),
    ],
)
def test_values_come_back_in_order_however_the_batches_are_cut(kind, rows_at_once, tokens_at_once, logits_at_once):
    target = LogOdds(" yes no", " no") if kind in LANGUAGE else "POSITIVE"
    game = TextGame(*load(kind), TEXT, target=target, ablation="remove")
    rows = coalitions_of(game.n, 40)
    whole = game(rows)
    game._batcher.rows_at_once = rows_at_once
    game._batcher.room.tokens = tokens_at_once
    game._batcher.room.logits = logits_at_once
    with watched(game) as seen:
        cut = game(rows)
    np.testing.assert_allclose(cut, whole, rtol=1e-6, atol=1e-5)
    assert len(seen) > 5
    assert all(len(x) <= rows_at_once for x in seen)
    assert all(x.numel() <= tokens_at_once or len(x) == 1 for x in seen)


class watched:
    """The token ids of every pass through a game's model."""

    def __init__(self, game):
        self.model = game._subject.model

    def __enter__(self):
        seen = []
        self.hook = self.model.register_forward_pre_hook(
            lambda module, args, kwargs: seen.append(kwargs["input_ids"]), with_kwargs=True
        )
        return seen

    def __exit__(self, *problem):
        self.hook.remove()


def test_equal_inputs_are_evaluated_once_and_padding_is_small():
    game = TextGame(*load(CLASSIFIERS[0]), "not not bad bad", ablation="remove", target=0)
    rows = np.array(list(itertools.product([False, True], repeat=4)) * 5)
    game._batcher.rows_at_once = 3
    game(rows)
    with watched(game) as seen:
        game(rows)
    assert sum(len(x) for x in seen) == 9  # 0 to 2 of "not" before 0 to 2 of "bad"
    assert [x.shape[1] for x in seen] == sorted((x.shape[1] for x in seen), reverse=True)


@pytest.mark.parametrize(
    ("target", "passes"),
    [(" yes", 1), (LogOdds(" yes", " no"), 1), (LogOdds(" yes no", " yes"), 1), (LogOdds(" yes no", " no yes"), 2)],
)
def test_continuations_share_passes_where_they_can(target, passes):
    game = TextGame(*load("GPT2LMHeadModel"), "not bad at all", target=target)
    with watched(game) as seen:
        game(np.ones(4, bool))
    assert len(seen) == passes


def test_a_decoder_classifier_without_a_padding_token_is_evaluated_one_at_a_time(caplog):
    tokenizer = tiny.byte_level()
    model = tiny.build("GPT2ForSequenceClassification", tokenizer, pad_token_id=None)
    with caplog.at_level(logging.WARNING, "spex_widget"):
        game = TextGame(model, tokenizer, TEXT, target=1)
    assert "one at a time; setting model.config.pad_token_id" in caplog.text
    rows = coalitions_of(game.n)
    with watched(game) as seen:
        values = game(rows)
    assert {len(x) for x in seen} == {1}
    expected = [[logits_of(model, ablated("GPT2LMHeadModel", "word", "remove", x))[1]] for x in rows]
    np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-5)
    half = TextGame(copy.deepcopy(model).to(torch.bfloat16), tokenizer, TEXT, target=1)
    assert not half.moves_with_batch  # so that no run repeats what cannot differ
    np.testing.assert_array_equal(half(rows), np.vstack([half(row) for row in rows]))


@pytest.mark.parametrize("kind", ["FNetForSequenceClassification", "XLNetForSequenceClassification"])
def test_a_model_that_does_not_take_padding_gets_none(kind, caplog):
    """FNet knows no attention mask; XLNet reads its last position, padding or not."""
    tokenizer = tiny.wordpiece()
    model = tiny.build(kind, tokenizer)
    game = TextGame(model, tokenizer, TEXT, target=1, ablation="remove")
    rows = coalitions_of(game.n)
    with caplog.at_level(logging.WARNING, "spex_widget"):
        values = game(rows)
    assert "only inputs of equal length share a batch" in caplog.text
    expected = [[logits_of(model, ablated(CLASSIFIERS[0], "word", "remove", x))[1]] for x in rows]
    np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("kind", [CLASSIFIERS[0], "GPT2LMHeadModel"])
def test_training_is_resumed_as_it_was_and_dropout_plays_no_part(kind):
    model, tokenizer = load(kind)
    quiet = TextGame(model, tokenizer, TEXT)
    rows = coalitions_of(quiet.n)
    model = copy.deepcopy(model).train()
    frozen = next(m for m in model.modules() if isinstance(m, torch.nn.LayerNorm)).eval()
    before = {name: m.training for name, m in model.named_modules()}
    game = TextGame(model, tokenizer, TEXT)
    np.testing.assert_array_equal(game(rows), quiet(rows))
    assert {name: m.training for name, m in model.named_modules()} == before
    assert not frozen.training

    def fail(*_):
        raise KeyboardInterrupt

    hook = model.register_forward_hook(fail)
    with pytest.raises(KeyboardInterrupt):
        game(rows)
    hook.remove()
    assert {name: m.training for name, m in model.named_modules()} == before
    assert all(p.grad is None and p.requires_grad for p in model.parameters())


def test_values_are_as_fine_as_the_model():
    rows = coalitions_of(len(TEXT.split()))
    for kind in (CLASSIFIERS[0], "GPT2LMHeadModel"):
        model, tokenizer = load(kind)
        single = TextGame(model, tokenizer, TEXT, ablation="remove")(rows)
        double = TextGame(copy.deepcopy(model).double(), tokenizer, TEXT, ablation="remove")
        values = double(rows)
        np.testing.assert_allclose(values, single, atol=1e-4)
        alone = np.vstack([double(x) for x in rows])
        np.testing.assert_allclose(values, alone, rtol=0, atol=1e-11)
        half = TextGame(copy.deepcopy(model).bfloat16(), tokenizer, TEXT, ablation="remove")(rows)
        assert half.dtype == np.float64
        assert np.isfinite(half).all()


def test_games_of_one_model_are_asked_from_many_threads_at_once():
    """The model is training: one game that ends sets it to training again, and another still in it would meet dropout.

    And each counts what it took.
    """
    kind, many = CLASSIFIERS[0], 6
    model, tokenizer = copy.deepcopy(load(kind)[0]).train(), load(kind)[1]
    games = [TextGame(model, tokenizer, TEXT, target=label, ablation="remove") for label in (0, 1, 2)]
    rows = [coalitions_of(games[0].n, seed=seed) for seed in range(many)]
    expected = [
        [logits_of(load(kind)[0], ablated(kind, "word", "remove", x)).tolist() for x in asked] for asked in rows
    ]
    together, before = threading.Barrier(many), [game.work for game in games]

    def ask(k):
        together.wait(30)
        return [games[k % 3](rows[k]) for _ in range(5)]

    with ThreadPoolExecutor(many) as pool:
        found = list(pool.map(ask, range(many)))
    for k, values in enumerate(found):
        for each in values:
            np.testing.assert_allclose(each[:, 0], np.array(expected[k])[:, k % 3], rtol=1e-6, atol=1e-5)
    assert [game.work.rows - was.rows for game, was in zip(games, before, strict=True)] == [2 * 5 * len(rows[0])] * 3
    assert model.training


def test_the_fingerprint_tells_games_apart_and_knows_one_again():
    model, tokenizer = load(CLASSIFIERS[0])
    text = "not bad at all"
    tuned = copy.deepcopy(model)
    tuned.classifier.bias.data[0] += 0.5
    prints = [
        TextGame(*args, **{"target": "POSITIVE", **options}).fingerprint()
        for args, options in [
            ((model, tokenizer, text), {}),
            ((tuned, tokenizer, text), {}),
            ((model, tokenizer, text + "!"), {}),
            ((model, tokenizer, text), {"ablation": "remove"}),
            ((model, tokenizer, text), {"protect": "at"}),
            ((model, tokenizer, text), {"target": "NEGATIVE"}),
        ]
    ]
    assert len(set(prints)) == len(prints)
    again = TextGame(tiny.build(CLASSIFIERS[0], tokenizer), tokenizer, text, target="POSITIVE")
    assert again.fingerprint() == prints[0]


@pytest.mark.parametrize("m", [4, 12, 40])  # no batch is full
@pytest.mark.parametrize("kind", [CLASSIFIERS[0], "GPT2LMHeadModel"])
def test_padding_is_worth_the_passes_that_it_saves(kind, m):
    game = TextGame(*load(kind), TEXT, ablation="remove", target=" yes" if kind in LANGUAGE else 0)
    rows = coalitions_of(game.n, m, seed=m)
    game._batcher.pass_tokens = 10.0
    game(rows)  # padding is tried
    passes = []

    def count(module, args, kwargs):
        passes.append(kwargs["attention_mask"])

    hook = game._subject.model.register_forward_pre_hook(count, with_kwargs=True)
    before = game.work
    game(rows)
    hook.remove()
    lengths = {int(length) for mask in passes for length in mask.sum(dim=1)}
    padding = sum(int((mask == 0).sum()) for mask in passes)
    # A pass for each length would pad nothing.
    assert padding <= 10 * (len(lengths) - len(passes))
    assert game.work.padding - before.padding == padding
    assert len(passes) < len(lengths)


def test_where_logits_are_the_limit_rows_are_shared_out_evenly():
    game = TextGame(*load("GPT2LMHeadModel"), TEXT, ablation="neutral", target=" yes no")
    rows = np.array(list(itertools.product([False, True], repeat=4)))
    rows = np.pad(rows, ((0, 0), (0, game.n - 4)))
    game._batcher.room.logits = 7 * 2 * game._subject.vocabulary  # of 7 rows, two tokens each
    with watched(game) as seen:
        game(rows)
    assert sorted(len(x) for x in seen) == [5, 5, 6]


def test_a_batcher_answers_for_rows_of_any_order():
    subject = Subject.of(*load("GPT2LMHeadModel"))
    rows = [np.array([[7, 8, 9]]), np.array([[7]]), np.array([[7, 8, 9]]), np.array([[9, 8]])]
    values = Batcher(subject)(rows, lambda answers: answers[0].output[:, 0])
    assert values.shape == (4, subject.vocabulary)
    for row, value in zip(rows, values, strict=True):
        np.testing.assert_allclose(value, logits_of(subject.model, row[0].tolist())[-1], atol=1e-5)


@pytest.mark.parametrize("kind", MODELS)
def test_inputs_of_unequal_length_share_batches(kind, caplog):
    game = TextGame(*load(kind), TEXT, ablation="remove", target=" yes" if kind in LANGUAGE else 0)
    rows = coalitions_of(game.n, 60)
    game(rows)
    with caplog.at_level(logging.WARNING, "spex_widget"), watched(game) as seen:
        game(rows)
    assert not caplog.records
    assert len(seen) <= 8
