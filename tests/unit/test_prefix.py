"""What all rows begin with is run once, also by models that read pictures as well, which are asked for text alone."""

from contextlib import contextmanager

import numpy as np
import pytest
import torch
import transformers

import tiny
from spex_widget.games import LogOdds, TextGame
from spex_widget.session import Session
from test_text_work import ALL, GPT2, one_at_a_time, overwritten, with_prefix
from text_reference import load, log_probability, plain

FIXED = "Is it good? Say yes or no. I expected a dull evening, but the plot"
TEXT = {"vocab_size": 330, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2} | {
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 200,
    "initializer_range": 0.3,
    "pad_token_id": 0,
}
SEEN = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 28}
QWEN = {"depth": 1, "hidden_size": 16, "intermediate_size": 32, "num_heads": 2, "out_hidden_size": 32}
TURNING = {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [2, 1, 1], "mrope_interleaved": True}
LINEAR = {f"linear_{of}_head_dim": 8 for of in ("key", "value")} | {
    f"linear_num_{of}_heads": 2 for of in ("key", "value")
}
PICTURES = {
    "Llava": lambda: transformers.LlavaConfig(
        text_config=transformers.LlamaConfig(**TEXT),
        vision_config=transformers.CLIPVisionConfig(**SEEN, patch_size=14),
        image_token_index=329,
    ),
    "InternVL": lambda: transformers.InternVLConfig(
        text_config=transformers.Qwen2Config(**TEXT),
        vision_config=transformers.InternVLVisionConfig(**{**SEEN, "image_size": [28, 28]}, patch_size=[14, 14]),
        image_token_id=329,
    ),
    "Qwen3VL": lambda: transformers.Qwen3VLConfig(
        text_config={**TEXT, "rope_parameters": TURNING},
        vision_config={**QWEN, "deepstack_visual_indexes": [0]},
        image_token_id=329,
    ),
    "Qwen3_5": lambda: transformers.Qwen3_5Config(
        text_config={
            **TEXT,
            **LINEAR,
            "layer_types": ["linear_attention", "full_attention"],
            "rope_parameters": {**TURNING, "partial_rotary_factor": 1.0},
        },
        vision_config=QWEN,
        image_token_id=329,
    ),
}


@pytest.mark.parametrize("family", PICTURES)
def test_a_model_that_reads_pictures_too_goes_on_from_a_prefix(family):
    torch.manual_seed(0)
    model = getattr(transformers, f"{family}ForConditionalGeneration")(PICTURES[family]()).eval()
    tokenizer = tiny.byte_level()
    yes, no = (plain(tokenizer, word) for word in (" yes", " no"))
    game = TextGame(
        model, tokenizer, f"{FIXED} was not bad all", protect=FIXED, ablation="remove", target=LogOdds(" yes", " no")
    )
    fixed, words = plain(tokenizer, FIXED), [plain(tokenizer, word) for word in (" was", " not", " bad", " all")]
    coalitions = np.random.default_rng(0).random((12, 4)) < 0.5
    rows = [fixed + [i for word, here in zip(words, x, strict=True) if here for i in word] for x in coalitions]
    game(coalitions)  # the first tries whether the prefix may be shared
    before, values = game.work.tokens, game(coalitions)
    expected = [[log_probability(model, row, yes) - log_probability(model, row, no)] for row in rows]
    np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-5)
    once = len(fixed) - 1  # a token of its own is left to every row
    assert game.work.tokens - before == once + sum(len(row) - once for row in {tuple(row) for row in rows})
    assert np.ptp(values) > 0.01


@contextmanager
def prefixes(model):
    """How many tokens each prefix has that is run."""
    lengths = []

    def note(module, args, options):
        if options.get("use_cache"):
            lengths.append(options["input_ids"].shape[1])

    hook = model.register_forward_pre_hook(note, with_kwargs=True)
    try:
        yield lengths
    finally:
        hook.remove()


def test_where_the_model_does_not_change_a_prefix_is_kept_from_call_to_call():
    model = tiny.build(GPT2, tiny.byte_level())
    game = with_prefix(model)
    rows = np.random.default_rng(0).permutation(ALL)
    with prefixes(model) as run, game.unchanged():
        values = [game(row) for row in rows]
    # Rows of one call each: two that begin alike by chance are told from the rest by a third.
    assert 1 <= len(run) <= 4
    assert run[-1] == len(plain(tiny.byte_level(), FIXED)) - 1
    np.testing.assert_allclose(np.vstack(values), one_at_a_time(model, rows), rtol=1e-6, atol=1e-5)
    overwritten(model)
    np.testing.assert_allclose(game(ALL), one_at_a_time(model, ALL), rtol=1e-6, atol=1e-5)


def test_a_run_keeps_its_prefix():
    model = tiny.build(GPT2, tiny.byte_level())
    with prefixes(model) as run:
        Session(with_prefix(model), budget=16, log=None).wait(60)
        assert 1 <= len(run) <= 4


def test_what_a_restriction_holds_present_is_a_prefix_too():
    model, _ = load(GPT2)
    whole = TextGame(model, tiny.byte_level(), f"{FIXED} was not bad all", target=" yes")
    game, same = whole.restrict(range(whole.n - 4, whole.n)), with_prefix(model)
    game(ALL), same(ALL)  # the first tries whether the prefix may be shared
    before = game.work.tokens, same.work.tokens
    np.testing.assert_allclose(game(ALL), same(ALL), rtol=1e-6, atol=1e-5)
    assert game.work.tokens - before[0] == same.work.tokens - before[1]
