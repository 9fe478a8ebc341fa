"""Models whose weights are not simply there: offloaded (accelerate, device_map), quantised, with adapters (peft)."""

import copy
import logging
import warnings

import numpy as np
import pytest
import torch
from accelerate import cpu_offload, disk_offload
from peft import LoraConfig, PromptTuningConfig, get_peft_model
from transformers import AutoModelForCausalLM

import tiny
from spex_widget.games import Answer, Custom, Infill, LogOdds, Perplexity, Similarity, TextGame
from spex_widget.games.model.weights import digest_weights
from text_reference import ROBERTA, TEXT, ablated, coalitions_of, log_probability, logits_of, plain

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

# peft's and transformers' own affair.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")


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
    np.testing.assert_allclose(elsewhere(rows), values, rtol=1e-6, atol=1e-5)
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
    np.testing.assert_allclose(games[1](rows), games[0](rows), rtol=1e-6, atol=1e-5)
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


# Quantised


@pytest.fixture
def quantised():
    """A model whose linear layers reckon in bytes, scaled by the largest number of a pass."""

    def quantise(model):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch is to hand this over to a library of its own
            return torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)

    return quantise


@pytest.mark.parametrize("kind", [BERT, LLAMA])
def test_a_quantised_model_is_evaluated_as_it_is(kind, quantised, caplog):
    tokenizer = TOKENIZERS[kind]()
    whole = tiny.build(kind, tokenizer)
    model = quantised(whole)
    with caplog.at_level(logging.WARNING, "spex_widget"):
        game = TextGame(model, tokenizer, TEXT, target=" yes" if kind == LLAMA else 1, ablation="remove")
    assert "quantised dynamically" in caplog.text
    rows = coalitions_of(game.n)
    values = game(rows)
    answer = plain(tokenizer, "yes")

    def value_of(model, ids):
        if kind != LLAMA:
            return float(logits_of(model, ids)[1])
        with torch.no_grad():
            given = torch.tensor([ids + answer[:-1]])  # a token more would be rounded with the others
            scores = model(given, logits_to_keep=len(answer)).logits[0].double().log_softmax(-1)
        return float(sum(score[token] for score, token in zip(scores, answer, strict=True)))

    rounded, fine = ([[value_of(each, ablated(kind, "word", "remove", x))] for x in rows] for each in (model, whole))
    np.testing.assert_allclose(values, rounded, rtol=1e-6, atol=1e-5)
    assert np.abs(values - fine).max() > 1e-3


def test_quantised_weights_tell_models_apart(quantised):
    model = tiny.build(BERT, tiny.wordpiece())
    tuned = copy.deepcopy(model)
    with torch.no_grad():
        tuned.bert.encoder.layer[1].intermediate.dense.weight[3] += 0.5
    prints = [
        TextGame(each, tiny.wordpiece(), TEXT, target=0).fingerprint()
        for each in (model, tuned, quantised(model), quantised(tuned), quantised(model))
    ]
    assert len(set(prints)) == 4
    assert prints[2] == prints[4]


# With an adapter around it


def adapted(model, **options):
    """A model with an adapter that is not idle, as one that was trained."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return get_peft_model(model, LoraConfig(r=2, init_lora_weights=False, **options)).eval()


def counted(model):
    """Of how many tokens each pass of a model makes logits."""
    made = []
    model.get_base_model().lm_head.register_forward_hook(
        lambda module, given, output: made.append(output.shape[:-1].numel())
    )
    return made


def test_a_model_with_an_adapter_shares_its_prefix_and_makes_only_the_logits_that_are_read():
    tokenizer = tiny.unigram()
    model = adapted(tiny.build(LLAMA, tokenizer), task_type="CAUSAL_LM", target_modules=["q_proj", "down_proj"])
    text = f"{FIXED} was not bad at all"
    game = TextGame(model, tokenizer, text, target=" yes no", protect=FIXED, ablation="remove")
    rows = coalitions_of(game.n)
    values, before, made = game(rows), game.work, counted(model)
    expected = []
    for x in rows:
        kept = [word for word, here in zip("was not bad at all".split(), x, strict=True) if here]
        ids = tokenizer(" ".join([FIXED, *kept]))["input_ids"]
        expected.append([log_probability(model, ids, plain(tokenizer, "yes no"))])
    made.clear()
    np.testing.assert_allclose(game(rows), values, rtol=0, atol=1e-6)
    np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-5)
    assert game.work.tokens - before.tokens < game.work.evaluated - before.evaluated + 4 * len(plain(tokenizer, text))
    assert made[0] == 1  # of all the prefix's tokens; then those behind the shortest row


def test_which_adapter_is_switched_on_tells_games_apart():
    model = adapted(tiny.build(BERT, tiny.wordpiece()), task_type="SEQ_CLS", target_modules=["query"])
    model.add_adapter("other", LoraConfig(r=2, init_lora_weights=False, task_type="SEQ_CLS", target_modules=["query"]))
    game = TextGame(model, tiny.wordpiece(), TEXT, target=0)

    def seen():
        return game.fingerprint(), float(game(np.ones(game.n, bool))[0, 0])

    first = seen()
    model.set_adapter("other")
    other = seen()
    with model.disable_adapter():
        none = seen()
    model.set_adapter("default")
    assert seen() == first
    for kinds in zip(first, other, none, strict=True):
        assert len(set(kinds)) == 3


def test_an_adapter_that_puts_tokens_in_front():
    tokenizer = tiny.byte_level()
    model = tiny.build(GPT2, tokenizer)
    config = PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3)
    model = get_peft_model(model, config).eval()
    game = TextGame(model, tokenizer, "the plot was not bad", target=" yes no", ablation="remove")
    rows = coalitions_of(game.n)
    words = ["the", " plot", " was", " not", " bad"]
    virtual = model.get_prompt(batch_size=1)[0]
    expected = []
    for x in rows:
        ids = [i for word, here in zip(words, x, strict=True) if here for i in plain(tokenizer, word)]
        ids = ids or [tokenizer.bos_token_id]
        answer = plain(tokenizer, " yes no")
        with torch.no_grad():
            given = torch.cat([virtual, model.get_input_embeddings()(torch.tensor(ids + answer))])
            scores = model.get_base_model()(inputs_embeds=given[None]).logits[0].double().log_softmax(-1)
        at = 3 + len(ids) - 1
        expected.append([float(sum(scores[at + j, token] for j, token in enumerate(answer)))])
    np.testing.assert_allclose(game(rows), expected, rtol=1e-6, atol=1e-5)


class Odd(torch.nn.Module):
    """Weights that are kept in ways of which nothing is known here."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 2)
        self.register_buffer("sparse", torch.eye(2).to_sparse())

    def state_dict(self, *args, **kwargs):
        return super().state_dict(*args, **kwargs) | {"layer.weight.absmax": torch.zeros(2, device="meta")}


def test_weights_that_cannot_be_read_are_no_other_models():
    model, other = Odd(), Odd()
    other.load_state_dict(model.state_dict(), strict=False)
    assert digest_weights(model) == digest_weights(model)
    assert digest_weights(model) != digest_weights(other)
