"""Many architectures, in batches as one at a time: plain Hugging Face calls on token ids put together here."""

import itertools
import logging

import numpy as np
import pytest
import torch

import tiny
from spex_widget.games import LogOdds, TextGame
from spex_widget.games.model import forward
from spex_widget.games.model.batching import Batcher
from spex_widget.games.model.subject import Subject
from text_reference import ROBERTA, coalitions_of, log_probability, logits_of, plain

FIXED = "Is it good? Say yes or no. I expected a dull evening, but the plot was good."
FREE = "It was not bad at all!"
# Family by family: its model and a tokenizer of a kind that it may have.
CAUSAL = {
    "GPT2LMHeadModel": tiny.byte_level,
    "LlamaForCausalLM": tiny.unigram,
    "Qwen3ForCausalLM": tiny.byte_level,
    "Qwen3_5ForCausalLM": tiny.byte_level,
    "Gemma3ForCausalLM": tiny.unigram,
    "GptOssForCausalLM": tiny.byte_level,
    "BloomForCausalLM": tiny.byte_level,
}
ENCODERS = {
    "Bert": tiny.wordpiece,
    "Roberta": ROBERTA,
    "DistilBert": tiny.wordpiece,
    "ModernBert": tiny.wordpiece,
}
SEQ2SEQ = {"T5ForConditionalGeneration": tiny.unigram, "BartForConditionalGeneration": ROBERTA}


def parts(tokenizer, words):
    """Each word's own token ids, encoded alone: byte-level tokenizers take the space before it along."""
    space = " " if "Ġ" in tokenizer.get_vocab() else ""
    return [plain(tokenizer, space * (i > 0) + word) for i, word in enumerate(words)]


def around(tokenizer):
    """The special tokens before and after a text."""
    ids, inner = tokenizer("a")["input_ids"], plain(tokenizer, "a")
    before = len(ids) - len(inner) - (ids[-1] in tokenizer.all_special_ids)
    return ids[:before], ids[before + len(inner) :]


def removed(tokenizer, fixed, free, coalition):
    """Token ids of the fixed words and of those free ones that are present."""
    words = parts(tokenizer, [*fixed.split(), *free.split()])
    kept = [*([True] * len(fixed.split())), *coalition]
    before, after = around(tokenizer)
    return [*before, *itertools.chain(*(ids for ids, here in zip(words, kept, strict=True) if here)), *after]


@pytest.fixture(params=["masks", "no masks"])
def masks(request, monkeypatch):
    """Whether a model is given masks that it can do without: on a GPU it is not."""
    if request.param == "no masks":
        monkeypatch.setattr(forward, "_MASKED", ())
    return request.param == "masks"


def watch_masks(model):
    """Whether there was a mask, pass by pass, beside how many rows."""
    seen = []
    model.register_forward_pre_hook(
        lambda module, args, options: seen.append(
            (len(options["input_ids"]), options.get("attention_mask") is not None)
        ),
        with_kwargs=True,
    )
    return seen


@pytest.mark.parametrize("fixed", ["", FIXED], ids=["all free", "shared prefix"])
@pytest.mark.parametrize("kind", CAUSAL)
def test_causal_models_with_and_without_a_shared_prefix(kind, fixed, masks, caplog):
    tokenizer = CAUSAL[kind]()
    model = tiny.build(kind, tokenizer)
    text = f"{fixed} {FREE}".strip()
    protect = (0, len(fixed)) if fixed else None
    with caplog.at_level(logging.INFO, "spex_widget"):
        game = TextGame(model, tokenizer, text, ablation="remove", target=" yes no", protect=protect)
        rows = coalitions_of(game.n, 20)
        seen = watch_masks(model)
        game._batcher.pass_tokens = 5.0
        values = game(rows)
    # A batch with the start token for a prompt of nothing keeps its mask: here it is padding as well.
    assert masks in {masked for count, masked in seen if count > 1}
    continuation = plain(tokenizer, " yes no" if tokenizer is tiny.byte_level() else "yes no")
    expected = []
    for x in rows:
        ids = removed(tokenizer, fixed, FREE, x) or [tokenizer.bos_token_id]
        expected.append([log_probability(model, ids, continuation)])
    np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-5)
    assert np.ptp(values) > 0.01
    whole = sum(len(removed(tokenizer, fixed, FREE, x)) for x in {tuple(x) for x in rows.tolist()})
    assert bool(fixed) == (game.work.tokens < whole)
    np.testing.assert_allclose(np.vstack([game(x) for x in rows]), values, rtol=1e-6, atol=1e-5)
    assert not [record for record in caplog.records if record.name.startswith("spex_widget")]


@pytest.mark.parametrize("family", ENCODERS)
def test_classifiers_and_encoders(family, masks):
    tokenizer = ENCODERS[family]()
    model = tiny.build(f"{family}ForSequenceClassification", tokenizer)
    game = TextGame(model, tokenizer, FREE, ablation="remove", target=1)
    rows = coalitions_of(game.n, 20)
    ids = [removed(tokenizer, "", FREE, x) for x in rows]
    seen = watch_masks(model)
    np.testing.assert_allclose(game(rows)[:, 0], [logits_of(model, i)[1] for i in ids], rtol=1e-6, atol=1e-5)

    game._batcher.pass_tokens = 0.1  # a batch for each length
    seen.clear()
    game(rows)
    assert all(masked == masks for _, masked in seen)

    encoder = tiny.build(f"{family}Model", tokenizer)

    def mean(answers):
        (answer,) = answers
        here = answer.present[..., None]
        return (answer.output * here).sum(1) / here.sum(1)

    values = Batcher(Subject.of(encoder, tokenizer))([np.array([i]) for i in ids], mean)
    with torch.no_grad():
        expected = [encoder(input_ids=torch.tensor([i])).last_hidden_state[0].mean(0).numpy() for i in ids]
    np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("start", [None, 5])
def test_a_decoder_begins_as_generate_has_it_begin(start):
    """T5Gemma is configured with no token for it to begin with: the start token is taken."""
    from transformers import T5GemmaConfig, T5GemmaForConditionalGeneration

    tokenizer = tiny.byte_level("roberta")
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    names = {"vocab_size": len(tokenizer), "bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2}
    each = {**sizes, **names, "num_key_value_heads": 1, "head_dim": 8, "initializer_range": 0.4}
    model = T5GemmaForConditionalGeneration(T5GemmaConfig(encoder=dict(each), decoder=dict(each))).eval()
    model.generation_config.decoder_start_token_id = start
    given = tokenizer(FREE, return_tensors="pt")["input_ids"]
    written = model.generate(given, max_new_tokens=1, do_sample=False)[0].tolist()
    assert written[0] == (start or 0)
    game = TextGame(model, tokenizer, FREE)
    with torch.no_grad():
        logits = model(input_ids=given, decoder_input_ids=torch.tensor([written[:1]])).logits[0, 0]
    np.testing.assert_allclose(game(np.ones(game.n, bool))[0, 0], logits.log_softmax(-1).max(), rtol=1e-6, atol=1e-5)
    for config in (model.generation_config, model.config):
        config.bos_token_id = config.decoder_start_token_id = None
    with pytest.raises(ValueError, match=r"which token its decoder begins with, .*set model.generation_config.decoder"):
        TextGame(model, tokenizer, FREE)


@pytest.mark.parametrize("kind", ["BertForSequenceClassification", "LlamaForCausalLM"])
def test_compiled_models_are_what_they_were_compiled_from(kind):
    tokenizer = tiny.wordpiece() if kind.startswith("Bert") else tiny.unigram()
    model = tiny.build(kind, tokenizer)
    compiled = torch.compile(model, backend="eager")
    target = 1 if kind.startswith("Bert") else " yes no"
    games = [TextGame(each, tokenizer, FREE, ablation="remove", target=target) for each in (model, compiled)]
    rows = coalitions_of(games[0].n)
    np.testing.assert_allclose(*(game(rows) for game in games), rtol=1e-6, atol=1e-5)
    assert games[0].model == games[1].model
    assert Subject.of(compiled, tokenizer).accepts == Subject.of(model, tokenizer).accepts


@pytest.mark.parametrize("kind", SEQ2SEQ)
def test_models_with_a_decoder_of_their_own(kind, masks):
    tokenizer = SEQ2SEQ[kind]()
    model = tiny.build(kind, tokenizer)
    start = [0]
    if kind.startswith("Bart"):  # as it is trained, and as its generation_config.json says
        model.generation_config.forced_bos_token_id = tokenizer.bos_token_id
        start = [tokenizer.eos_token_id, tokenizer.bos_token_id]
    game = TextGame(model, tokenizer, FREE, ablation="remove", target=LogOdds("yes no", "no yes"))
    rows = coalitions_of(game.n, 20)

    def score(ids, answer):
        written = plain(tokenizer, answer)
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids]), decoder_input_ids=torch.tensor([start + written])).logits[0]
        scores = logits.double().log_softmax(-1)
        return float(sum(scores[len(start) - 1 + j, token] for j, token in enumerate(written)))

    expected = []
    for x in rows:
        ids = removed(tokenizer, "", FREE, x)
        expected.append([score(ids, "yes no") - score(ids, "no yes")])
    values = game(rows)
    np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-5)
    assert np.ptp(values) > 0.01
