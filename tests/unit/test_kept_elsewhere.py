"""Models whose weights are not simply there: offloaded (accelerate, device_map), quantised, with adapters (peft)."""

import copy

import numpy as np
import pytest
import torch
from accelerate import cpu_offload, disk_offload
from transformers import AutoModelForCausalLM

import tiny
from spex_widget.games import Answer, Custom, Infill, LogOdds, Perplexity, Similarity, TextGame
from text_reference import ROBERTA, TEXT, coalitions_of

BERT, GPT2, LLAMA = "BertForSequenceClassification", "GPT2LMHeadModel", "LlamaForCausalLM"
T5, BART = "T5ForConditionalGeneration", "BartForConditionalGeneration"
TOKENIZERS = {
    BERT: tiny.wordpiece,
    "BertModel": tiny.wordpiece,
    GPT2: tiny.byte_level,
    LLAMA: tiny.unigram,
    T5: tiny.unigram,
    BART: ROBERTA,
}
CPU = torch.device("cpu")
FIXED = "Is it good? Say yes or no. I expected a dull evening, but the plot"
# Whatever target: inputs, queries, an answer that is written, and a shared prefix go to where the model is run.
TARGETS = [
    (BERT, 1, {}),
    (BERT, 1, {"ablation": "attention"}),
    ("BertModel", "a dull film", {}),
    ("BertModel", Similarity("a dull film", "pooler"), {}),
    (GPT2, " yes no", {"protect": FIXED}),
    (GPT2, Answer(max_new_tokens=5), {}),
    (GPT2, None, {"ablation": "attention"}),
    (GPT2, Custom(lambda z: z[:, 0, 0]), {}),
    (LLAMA, Perplexity(" yes no"), {}),
    (T5, Answer(max_new_tokens=5), {}),
    (BART, LogOdds("yes no", "no yes"), {}),
]


def offloaded(model, where, folder):
    copied = copy.deepcopy(model)
    offload = cpu_offload(copied, CPU) if where == "memory" else disk_offload(copied, folder, CPU)
    assert all(parameter.is_meta for parameter in offload.parameters())
    return offload


@pytest.mark.parametrize("where", ["memory", "disk"])
@pytest.mark.parametrize(("kind", "target", "options"), TARGETS)
def test_an_offloaded_model_answers_as_it_does_where_it_is_whole(kind, target, options, where, tmp_path):
    tokenizer = TOKENIZERS[kind]()
    model = tiny.build(kind, tokenizer)
    text = f"{FIXED} was not bad at all"
    whole, elsewhere = (
        TextGame(each, tokenizer, text, target=target, **options) for each in (model, offloaded(model, where, tmp_path))
    )
    rows = coalitions_of(whole.n)
    values = whole(rows)
    np.testing.assert_allclose(elsewhere(rows), values, rtol=0, atol=1e-5)
    assert np.ptp(values) > 1e-3
    assert elsewhere.outputs == whole.outputs
    assert elsewhere.fingerprint() == whole.fingerprint()  # the weights are the same, wherever they are kept


@pytest.mark.parametrize("where", ["memory", "disk"])
def test_offloaded_weights_tell_models_apart(where, tmp_path):
    model = tiny.build(GPT2, tiny.byte_level())
    tuned = copy.deepcopy(model)
    with torch.no_grad():
        tuned.transformer.h[1].mlp.c_fc.weight.mul_(1.01)
    one, other = (
        TextGame(offloaded(each, where, tmp_path / name), tiny.byte_level(), TEXT, target=" yes").fingerprint()
        for each, name in ((model, "one"), (tuned, "other"))
    )
    assert one != other


def test_a_model_that_is_loaded_by_a_device_map_partly_from_disk(tmp_path):
    model = tiny.build(GPT2, tiny.byte_level(), tie_word_embeddings=False)
    model.save_pretrained(tmp_path / "model")
    places = {"wte": "cpu", "wpe": "disk", "h.0": "cpu", "h.1": "disk", "ln_f": "disk"}
    spread = AutoModelForCausalLM.from_pretrained(
        tmp_path / "model",
        device_map={**{f"transformer.{name}": place for name, place in places.items()}, "lm_head": "cpu"},
        offload_folder=tmp_path / "offloaded",
    )
    kept = {parameter.is_meta for parameter in spread.parameters()}
    assert kept == {True, False}
    whole = AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    games = [TextGame(each, tiny.byte_level(), TEXT, target=Answer(max_new_tokens=4)) for each in (whole, spread)]
    rows = coalitions_of(games[0].n)
    np.testing.assert_allclose(games[1](rows), games[0](rows), rtol=0, atol=1e-5)
    assert games[0].fingerprint() == games[1].fingerprint()


def test_a_masked_model_that_fills_in_may_be_offloaded(tmp_path):
    masked = tiny.build("BertForMaskedLM", tiny.wordpiece(), seed=3)
    model = tiny.build(BERT, tiny.wordpiece())
    shown = [
        TextGame(model, tiny.wordpiece(), TEXT, ablation=Infill(each, tiny.wordpiece()), target=0).show([False] * 20)
        for each in (masked, offloaded(masked, "disk", tmp_path))
    ]
    assert shown[0] == shown[1]


def test_weights_that_cannot_be_read_are_taken_for_no_others():
    """Kept where nobody says: then a log may be begun twice, but is never continued by another model."""
    models = [offloaded(tiny.build(GPT2, tiny.byte_level()), "memory", None) for _ in range(2)]
    games = [TextGame(model, tiny.byte_level(), TEXT, target=" yes") for model in models]
    for model in models:
        model.transformer.wpe._hf_hook.weights_map = None
    prints = [game.fingerprint() for game in games]
    assert prints[0] != prints[1]
    assert prints == [game.fingerprint() for game in games]
