"""What all rows begin with is run once, also by models that read pictures as well, which are asked for text alone."""

import numpy as np
import pytest
import torch
import transformers

import tiny
from spex_widget.games import LogOdds, TextGame
from text_reference import log_probability, plain

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
