"""Memory that runs out before, beside or within the batches of a text."""

import itertools
import logging
import weakref

import numpy as np
import pytest
import torch

import tiny
from spex_widget.games import Answer, TextGame
from spex_widget.games.model.evaluating import evaluating
from test_text_work import ALL, GPT2, Narrow, one_at_a_time, with_prefix
from text_reference import load

EVERY = np.array(list(itertools.product([False, True], repeat=7)))


def test_where_memory_does_not_do_for_a_prefix_rows_are_run_whole(caplog):
    model, _ = load(GPT2)
    game = with_prefix(model)
    tried = []

    def ask(module, args, options):
        if options["use_cache"]:
            tried.append(options["input_ids"].shape)
            torch.empty(2**50)

    hook = model.register_forward_pre_hook(ask, with_kwargs=True)
    try:
        with caplog.at_level(logging.INFO, "spex_widget"):
            values = [game(ALL), game(ALL)]
    finally:
        hook.remove()
    np.testing.assert_allclose(values, [one_at_a_time(model, ALL)] * 2, rtol=1e-6, atol=1e-5)
    assert len(tried) == 1
    assert "or memory does not do for one, so every row is run whole" in caplog.text


def test_where_memory_is_gone_later_a_prefix_is_left_out_and_tried_again():
    model, _ = load(GPT2)
    game = with_prefix(model)
    game(ALL)  # the first tries whether the prefix may be shared
    passes = []
    for fails in (False, True, False):

        def ask(module, args, options, fails=fails):
            if options.get("use_cache") and fails:
                raise torch.OutOfMemoryError("CUDA out of memory")

        hook, before = model.register_forward_pre_hook(ask, with_kwargs=True), game.work.tokens
        try:
            np.testing.assert_allclose(game(ALL), one_at_a_time(model, ALL), rtol=1e-6, atol=1e-5)
        finally:
            hook.remove()
        passes.append(game.work.tokens - before)
    assert passes[0] == passes[2] < passes[1] / 3


def test_memory_that_does_not_do_for_an_answer_of_the_models_own():
    model = tiny.build(GPT2, tiny.byte_level())
    text = "the plot was good, it was not bad at all"
    narrow = Narrow(model, 9)  # which does for the trial of what it says of a few tokens
    with pytest.raises(MemoryError, match=r"^GPT2LMHeadModel runs out of memory; a shorter text, a smaller dtype or"):
        TextGame(model, tiny.byte_level(), text, target=Answer(max_new_tokens=3))
    narrow.hook.remove()
    assert TextGame(model, tiny.byte_level(), text, target=Answer(max_new_tokens=3)).answer


def test_the_model_within_a_wrapper_is_named():
    model = torch.compile(tiny.build(GPT2, tiny.byte_level()), backend="eager")
    with pytest.raises(MemoryError, match=r"^GPT2LMHeadModel runs out"), evaluating(model):
        raise torch.OutOfMemoryError("CUDA out of memory")


def test_memory_that_was_short_for_a_while_is_used_again():
    model = tiny.build(GPT2, tiny.byte_level())
    game = TextGame(model, tiny.byte_level(), "it was not bad at all then", target=" yes", ablation="remove")
    expected, passes = game(EVERY), game.work.passes
    game(EVERY)
    usual = game.work.passes - passes
    narrow = Narrow(model, 14)
    game(EVERY[-2:])  # two rows at a time are too many now
    narrow.hook.remove()
    passes = game.work.passes
    for _ in range(4):
        np.testing.assert_allclose(game(EVERY), expected, rtol=1e-6, atol=1e-5)
    assert game.work.passes - passes < 4 * usual + 60
    passes = game.work.passes
    game(EVERY)
    assert game.work.passes - passes == usual


def test_memory_that_stays_short_is_tried_less_and_less():
    model = tiny.build(GPT2, tiny.byte_level())
    game = TextGame(model, tiny.byte_level(), "it was not bad at all then", target=" yes", ablation="remove")
    narrow = Narrow(model, 40)
    for _ in range(30):
        game(EVERY)
    narrow.hook.remove()
    failed = [i for i, shape in enumerate(narrow.seen) if shape.numel() > 40]
    assert len(narrow.seen) > 500
    assert len(failed) <= 10
    assert (np.diff(failed[-4:]) > 50).all()


def test_an_error_about_memory_keeps_nothing_of_the_failed_pass():
    model = tiny.build(GPT2, tiny.byte_level())
    game = with_prefix(model)
    made = []

    def fail(hidden):
        twice = torch.cat([hidden, hidden])
        made.append(weakref.ref(twice))
        raise torch.OutOfMemoryError("CUDA out of memory")

    model.transformer.h[0].mlp.forward = fail
    with pytest.raises(MemoryError) as caught:
        game(ALL[:1])
    assert caught.value.__cause__ is not None
    assert made
    assert all(output() is None for output in made)
