"""What batching spares, what it does when memory runs out, and what it counts of itself."""

import itertools
import logging
import threading

import numpy as np
import pytest
import torch
from transformers import GPT2LMHeadModel, Phi3Config, Phi3ForCausalLM, pipeline

import tiny
from spex_widget.games import LogOdds, TextGame
from spex_widget.games.model.evaluating import evaluating
from spex_widget.games.work import Work
from spex_widget.session import Session
from text_reference import CLASSIFIERS, load, log_probability, plain

FIXED = "Is it good? Say yes or no. I expected a dull evening, but the plot"
BERT, GPT2 = CLASSIFIERS[0], "GPT2LMHeadModel"
ALL = np.array(list(itertools.product([False, True], repeat=4)))


class OfAnotherMind(GPT2LMHeadModel):
    """A model that takes a cache and does not look at it, as some that come with code of their own."""

    def forward(self, input_ids=None, past_key_values=None, use_cache=None, attention_mask=None, **options):
        if attention_mask is not None:
            attention_mask = attention_mask[:, -input_ids.shape[1] :]
        return super().forward(input_ids, None, attention_mask=attention_mask, use_cache=use_cache, **options)


class Stubborn(GPT2LMHeadModel):
    def forward(self, input_ids=None, past_key_values=None, use_cache=None, **options):
        if past_key_values is not None:
            raise NotImplementedError("no cache")
        return super().forward(input_ids, use_cache=use_cache, **options)


def with_prefix(model, **options):
    return TextGame(
        model, tiny.byte_level(), f"{FIXED} was not bad all", protect=FIXED, **{"target": " yes", **options}
    )


def kept(rows):
    """The token ids that are left of the text."""
    words = [plain(tiny.byte_level(), word) for word in (" was", " not", " bad", " all")]
    fixed = plain(tiny.byte_level(), FIXED)
    return [fixed + [i for word, here in zip(words, x, strict=True) if here for i in word] for x in rows]


def one_at_a_time(model, rows):
    return [[log_probability(model, row, plain(tiny.byte_level(), " yes"))] for row in kept(rows)]


@pytest.mark.parametrize("kind", [OfAnotherMind, Stubborn])
def test_a_cache_that_does_not_serve_is_not_used(kind, caplog):
    plain_model, _ = load(GPT2)
    model = kind(plain_model.config).eval()
    model.load_state_dict(plain_model.state_dict())
    game = with_prefix(model)
    with caplog.at_level(logging.INFO, "spex_widget"):
        values = game(ALL)
    assert "every row is run whole" in caplog.text
    np.testing.assert_allclose(values, one_at_a_time(plain_model, ALL), rtol=1e-6, atol=1e-5)
    caplog.clear()
    game(ALL)
    assert not caplog.records  # tried once


def test_a_prefix_is_run_once_in_a_call():
    model, _ = load(GPT2)
    game = with_prefix(model)
    game(ALL)
    before = game.work
    game(ALL)
    own = sum(
        len(plain(tiny.byte_level(), " ".join(["", *itertools.compress(["was", "not", "bad", "all"], x)]))) for x in ALL
    )
    shared = len(plain(tiny.byte_level(), FIXED)) - 1  # its last token is in every row
    assert game.work.tokens - before.tokens == shared + own + len(ALL)


def trained(model):
    with torch.no_grad():
        model.transformer.h[0].mlp.c_fc.weight.mul_(0.5)


def overwritten(model):
    model.transformer.h[0].mlp.c_fc.weight.data.mul_(0.5)


def hooked(model):
    model.transformer.h[0].mlp.register_forward_hook(lambda module, args, output: output * 0.5)


@pytest.mark.parametrize("change", [trained, overwritten, hooked])
def test_a_model_that_was_changed_is_not_answered_for_by_what_it_was(change):
    model = tiny.build(GPT2, tiny.byte_level())
    game = with_prefix(model)
    before = game(ALL)
    change(model)
    after = game(ALL)
    assert np.abs(after - before).max() > 0.01
    np.testing.assert_allclose(after, one_at_a_time(model, ALL), rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("kind", [BERT, GPT2])
def test_what_autocast_is_asked_for_elsewhere_is_of_no_account(kind):
    game = TextGame(*load(kind), "not bad at all", target=1 if kind == BERT else " yes")
    expected = game(ALL)
    with torch.autocast("cpu", torch.bfloat16):
        np.testing.assert_array_equal(game(ALL), expected)
        assert torch.is_autocast_enabled("cpu")


class Narrow:
    """A model that asks for more memory than there is once a batch has more tokens than this."""

    def __init__(self, model, tokens):
        self.seen = []

        def ask(module, args, options):
            shape = options["input_ids"].shape
            self.seen.append(shape)
            if shape.numel() > tokens:
                torch.empty(2**50)

        self.hook = model.register_forward_pre_hook(ask, with_kwargs=True)


@pytest.mark.parametrize("kind", [BERT, GPT2])
def test_batches_are_halved_until_they_fit_and_stay_so(kind, caplog):
    model, tokenizer = load(kind)
    game = TextGame(model, tokenizer, "it was not bad at all", target=1 if kind == BERT else LogOdds(" yes", " no no"))
    rows = np.array(list(itertools.product([False, True], repeat=6)))
    expected = game(rows)
    narrow = Narrow(model, 100)
    try:
        with caplog.at_level(logging.WARNING, "spex_widget"):
            values = game(rows)
        assert "memory ran out on a batch of" in caplog.text
        narrow.seen.clear()
        again = game(rows)
        assert all(shape.numel() <= 100 for shape in narrow.seen)
    finally:
        narrow.hook.remove()
    np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-5)
    np.testing.assert_allclose(again, expected, rtol=1e-6, atol=1e-5)


def test_memory_that_does_not_do_for_trying_whether_rows_may_be_padded():
    model, tokenizer = load(BERT)
    expected, game = (TextGame(model, tokenizer, "it was not bad", target=1, ablation="remove") for _ in range(2))
    expected = expected(ALL)

    def ask(module, args, options):
        if len(options["input_ids"]) > 1:
            torch.empty(2**50)

    hook = model.register_forward_pre_hook(ask, with_kwargs=True)
    try:
        values = game(ALL)
    finally:
        hook.remove()
    np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-5)


def test_what_a_failed_call_took_is_not_the_next_ones():
    model, _ = load(GPT2)
    game = with_prefix(model)
    game(ALL)  # the first tries whether the prefix may be shared
    passes = []
    for fails in (False, True, False):

        def ask(*_, fails=fails):
            if fails:
                raise RuntimeError("weights on fire")

        hook, before = model.lm_head.register_forward_hook(ask), game.work
        try:
            game(ALL)
        except RuntimeError:
            assert fails
        finally:
            hook.remove()
        passes.append(game.work.passes - before.passes)
    assert passes[2] == passes[0] > passes[1] > 0


def test_memory_that_does_not_do_for_a_single_row():
    model, tokenizer = load(BERT)
    game = TextGame(model, tokenizer, "it was not bad", target=1)
    narrow = Narrow(model, 1)
    try:
        with pytest.raises(MemoryError, match=r"out of memory on a single input of \d+ tokens; a shorter text"):
            game(ALL)
    finally:
        narrow.hook.remove()


def test_errors_that_are_not_about_memory_are_left_alone():
    model, tokenizer = load(BERT)
    game = TextGame(model, tokenizer, "it was not bad", target=1)

    def fail(*_):
        raise RuntimeError("weights on fire")

    hook = model.register_forward_pre_hook(fail)
    try:
        with pytest.raises(RuntimeError, match="on fire"):
            game(ALL)
    finally:
        hook.remove()


def test_work_counts_rows_passes_and_tokens():
    model, tokenizer = load(BERT)
    game = TextGame(model, tokenizer, "not not bad bad", ablation="remove", target=0)
    game(ALL)  # the trial of padding is over
    before = game.work
    game(ALL)
    work = game.work
    # [CLS] and [SEP] around 0 to 2 of "not" before 0 to 2 of "bad", one token each
    lengths = [2 + a + b for a in range(3) for b in range(3)]
    assert (work.rows - before.rows, work.evaluated - before.evaluated) == (16, 9)
    assert work.deduplicated - before.deduplicated == 7
    assert work.passes - before.passes == 1
    assert work.tokens - before.tokens == sum(lengths)
    assert work.padding - before.padding == 9 * 6 - sum(lengths)
    assert work.forward_seconds > before.forward_seconds
    assert work.other_seconds > before.other_seconds
    assert game.restrict([0, 1]).work == work
    assert Work() + work == work


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_equal_inputs_are_evaluated_once_while_the_model_does_not_change(dtype):
    model = tiny.build(BERT, tiny.wordpiece()).to(dtype)
    game = TextGame(model, tiny.wordpiece(), "not not bad bad", ablation="remove", target=0)
    values = game(ALL)
    before = game.work
    with game.unchanged():
        again = np.vstack([game(row) for row in ALL])
    inputs = {tuple(np.array(["not", "not", "bad", "bad"])[row]) for row in ALL}
    # In half precision a value moves with its batch, and by how much is seen of what is evaluated again.
    assert game.work.evaluated - before.evaluated == (len(inputs) if dtype == torch.float32 else len(ALL))
    assert game.work.rows - before.rows == len(ALL)
    np.testing.assert_allclose(again, values, rtol=1e-6 if dtype == torch.float32 else 0.05, atol=1e-5)
    game(ALL[0])
    assert game.work.passes > before.passes + len(inputs) - 1


def test_a_run_evaluates_equal_inputs_once():
    model = tiny.build(BERT, tiny.wordpiece())
    game = TextGame(model, tiny.wordpiece(), " ".join(["bad"] * 8), ablation="remove", target=0)
    before = game.work
    Session(game, budget=200, log=None).wait(60)
    assert game.work.rows - before.rows == 200
    assert game.work.evaluated - before.evaluated <= 9  # none to eight of "bad"


def test_a_pipeline_brings_its_tokenizer():
    model, tokenizer = load(BERT)
    pipe = pipeline("text-classification", model=model, tokenizer=tokenizer)
    for game in (
        TextGame(pipe, None, "it was not bad", target=1),
        TextGame(pipe, tokenizer, "it was not bad", target=1),
    ):
        np.testing.assert_array_equal(game(ALL), TextGame(model, tokenizer, "it was not bad", target=1)(ALL))


def test_positions_that_turn_with_the_longest_row_are_neither_padded_nor_shared():
    short = {"rope_type": "longrope", "short_factor": [1.0] * 4, "long_factor": [9.0] * 4, "rope_theta": 10_000.0}
    config = Phi3Config(
        vocab_size=len(tiny.byte_level()),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=256,
        original_max_position_embeddings=len(plain(tiny.byte_level(), FIXED)) + 3,
        rope_parameters={**short, "original_max_position_embeddings": len(plain(tiny.byte_level(), FIXED)) + 3},
        initializer_range=0.5,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    torch.manual_seed(0)
    model = Phi3ForCausalLM(config).eval()
    (yes,) = plain(tiny.byte_level(), " yes")
    with torch.no_grad():  # nothing behind the row: one token more would turn them all
        alone = [model(torch.tensor([row])).logits[0, -1].log_softmax(-1)[yes] for row in kept(ALL)]
    np.testing.assert_allclose(with_prefix(model)(ALL)[:, 0], alone, rtol=0, atol=1e-4)


def test_a_model_and_its_body_are_asked_one_at_a_time_and_may_ask_each_other():
    model = tiny.build(GPT2, tiny.byte_level())
    within, done = [], threading.Event()

    def nested():
        with evaluating(model), evaluating(model.base_model):
            within.append(True)
        done.set()

    with evaluating(model.base_model):
        thread = threading.Thread(target=nested, daemon=True)
        thread.start()
        assert not done.wait(0.2)
    assert done.wait(30)
    assert within == [True]
