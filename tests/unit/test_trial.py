"""What is tried out before it is relied on (padding, sharing, hiding): right in every precision, however small the
weights, as models of known ways tell."""

import copy
import functools
import itertools
import logging

import numpy as np
import pytest
import torch

import tiny
from spex_widget.games import TextGame
from spex_widget.games.model.trial import in_float32
from test_text_work import OfAnotherMind, Stubborn
from text_reference import ROBERTA, coalitions_of, plain

TEXT = "the plot was not bad at all"
FIXED = "Is it good? Say yes or no. I expected a dull evening, but the plot"
TYPES = [torch.float32, torch.float16, torch.bfloat16]
WIDE, SMALL = 0.4, 0.02  # the standard deviation of the weights; transformers' own default is the smaller
BERT, GPT2 = "BertForSequenceClassification", "GPT2LMHeadModel"

HIDE = {
    BERT: tiny.wordpiece,
    "RobertaForSequenceClassification": ROBERTA,
    "DistilBertForSequenceClassification": tiny.wordpiece,
    GPT2: tiny.byte_level,
    "LlamaForCausalLM": tiny.unigram,
    "Qwen3ForCausalLM": tiny.byte_level,
    "Gemma3ForCausalLM": tiny.unigram,
    "GptOssForCausalLM": tiny.byte_level,
}
DO_NOT_HIDE = {
    "Qwen3_5ForCausalLM": tiny.byte_level,  # one of its layers is linear attention
    "BartForSequenceClassification": ROBERTA,  # its decoder sees all tokens
    "FNetForSequenceClassification": tiny.wordpiece,  # takes no mask
}


@functools.cache
def built(kind, tokenizer, weights, dtype):
    name = "init_std" if kind.startswith("Bart") else "initializer_range"
    return tiny.build(kind, tokenizer(), **{name: weights}).to(dtype)


def cases(table):
    return [
        pytest.param(kind, tokenizer, weights, dtype, id=f"{kind}-{weights}-{dtype}")
        for (kind, tokenizer), weights, dtype in itertools.product(table.items(), (WIDE, SMALL), TYPES)
        if (kind[:4], dtype == torch.float32) != ("FNet", False)  # its Fourier transform knows no other
    ]


def hiding(kind, tokenizer, weights, dtype, text=TEXT):
    target = " yes" if "LM" in kind else 1
    return TextGame(built(kind, tokenizer, weights, dtype), tokenizer(), text, ablation="attention", target=target)


@pytest.mark.parametrize(("kind", "tokenizer", "weights", "dtype"), cases(HIDE))
def test_models_that_hide_are_taken_in_any_precision(kind, tokenizer, weights, dtype):
    assert hiding(kind, tokenizer, weights, dtype).n == 7


@pytest.mark.parametrize(("kind", "tokenizer", "weights", "dtype"), cases(DO_NOT_HIDE))
def test_models_that_do_not_hide_are_refused_in_any_precision(kind, tokenizer, weights, dtype, monkeypatch):
    # By what they answer, not by what the configuration says of their layers.
    monkeypatch.setattr("spex_widget.games.ablation.hiding._other_layers", lambda subject: False)
    for text in (TEXT, "Is it good? Say yes or no."):
        with pytest.raises(ValueError, match=f"'attention' would not hide a player from {kind}"):
            hiding(kind, tokenizer, weights, dtype, text)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("weights", [WIDE, SMALL])
@pytest.mark.parametrize(
    ("kind", "changes", "keeps"),
    [
        ("FalconForCausalLM", {"alibi": True}, False),  # counts the tokens that are present, whatever position_ids say
        ("FalconForCausalLM", {}, True),
        ("FalconForSequenceClassification", {"alibi": True}, False),
        ("BloomForSequenceClassification", {}, False),
        ("MptForSequenceClassification", {}, True),  # counts all tokens
    ],
)
def test_hiding_that_closes_the_gaps_is_refused(kind, changes, keeps, weights, dtype):
    tokenizer = tiny.byte_level()
    model = tiny.build(kind, tokenizer, initializer_range=weights, **changes).to(dtype)
    # Of two tokens one is left alone: there is no gap to be closed.
    for text in (TEXT, "not bad"):
        make = functools.partial(TextGame, model, tokenizer, text, target=" yes" if "LM" in kind else 1)
        if keeps or len(plain(tokenizer, text)) == 2:
            assert make(ablation="attention").n == len(text.split())
            continue
        with pytest.raises(ValueError, match=f"would not hide a player from {kind}: .* or moves the rest .*ALiBi"):
            make(ablation="attention")


def test_a_model_that_answers_everything_alike_cannot_be_seen_to_hide():
    for dtype in TYPES:
        model = tiny.build(BERT, tiny.wordpiece()).to(dtype)
        torch.nn.init.zeros_(model.classifier.weight)
        with pytest.raises(ValueError, match="'attention' would not hide a player"):
            TextGame(model, tiny.wordpiece(), TEXT, ablation="attention", target=0)


@pytest.mark.parametrize("dtype", TYPES[1:])
@pytest.mark.parametrize(("kind", "tokenizer"), list(HIDE.items()))
def test_computed_in_float32_as_by_a_model_of_float32(kind, tokenizer, dtype):
    model = built(kind, tokenizer, WIDE, dtype)
    ids = torch.tensor([tokenizer()(TEXT)["input_ids"]])
    mask = torch.arange(ids.shape[1])[None] % 3 != 1
    with torch.no_grad():
        with in_float32():
            answer = model(ids, attention_mask=mask.long()).logits
        torch.testing.assert_close(answer, copy.deepcopy(model).float()(ids, attention_mask=mask.long()).logits)
        assert model(ids).logits.dtype == dtype
    assert {weight.dtype for weight in model.parameters()} == {dtype}


@pytest.mark.parametrize("dtype", TYPES[1:])
def test_a_model_of_half_precision_alone_is_tried_in_its_own(dtype):
    """As some kinds of attention are."""

    def only(module, given):
        if given[0].dtype != dtype:
            raise RuntimeError("half precision only")

    for kind, tokenizer, hidden in [(GPT2, tiny.byte_level, True), ("BartForSequenceClassification", ROBERTA, False)]:
        model = copy.deepcopy(built(kind, tokenizer, WIDE, dtype))
        norm = next(module for module in model.modules() if isinstance(module, torch.nn.LayerNorm))
        norm.register_forward_pre_hook(only)
        make = functools.partial(TextGame, model, tokenizer(), TEXT, ablation="attention")
        if hidden:
            assert make(target=" yes").n == 7
        else:
            with pytest.raises(ValueError, match="would not hide"):
                make(target=0)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("weights", [WIDE, SMALL])
@pytest.mark.parametrize("kind", [BERT, "XLNetForSequenceClassification"])
def test_padding_is_taken_by_those_that_pass_over_it(kind, weights, dtype, caplog):
    """BERT does; XLNet reads its last position, padding or not."""
    model = built(kind, tiny.wordpiece, weights, dtype)
    game = TextGame(model, tiny.wordpiece(), TEXT, target=1, ablation="remove")
    with caplog.at_level(logging.WARNING, "spex_widget"):
        game(coalitions_of(game.n))
    assert ("only inputs of equal length share a batch" in caplog.text) == (kind != BERT)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("weights", [WIDE, SMALL])
@pytest.mark.parametrize("of", [OfAnotherMind, Stubborn, None])
def test_a_prefix_is_shared_where_the_model_goes_on_from_it(of, weights, dtype):
    model = built(GPT2, tiny.byte_level, weights, dtype)
    if of is not None:
        state, model = model.state_dict(), of(model.config).to(dtype).eval()
        model.load_state_dict(state)
    game = TextGame(model, tiny.byte_level(), f"{FIXED} was not bad all", protect=FIXED, target=" yes")
    rows = np.array(list(itertools.product([False, True], repeat=4)))
    game(rows)
    before = game.work
    game(rows)
    whole = len(rows) * len(plain(tiny.byte_level(), FIXED))
    assert (game.work.tokens - before.tokens < whole) == (of is None)


@pytest.mark.parametrize("dtype", TYPES)
def test_a_model_that_reads_ahead_is_told_from_one_that_does_not(dtype):
    tokenizer = tiny.wordpiece()
    for kind in ("BertLMHeadModel", "XLNetLMHeadModel"):
        with pytest.raises(ValueError, match="model must be causal"):
            TextGame(built(kind, tiny.wordpiece, WIDE, dtype), tokenizer, TEXT, target=" good")
    for kind, tokenizer in [(k, t) for k, t in (HIDE | DO_NOT_HIDE).items() if "CausalLM" in k or k == GPT2]:
        for weights in (WIDE, SMALL):
            assert TextGame(built(kind, tokenizer, weights, dtype), tokenizer(), TEXT, target=" yes").n == 7


def test_what_is_written_into_half_precision_is_refused_rather_than_lost():
    half, whole = torch.zeros(3, dtype=torch.bfloat16), torch.zeros(3)
    with in_float32():
        whole[1] = 5
        whole.add_(1)
        assert (half + 1).dtype == torch.float32
        for write in (lambda: half.add_(1), lambda: half.__setitem__(1, 5), lambda: torch.add(half, 1, out=half)):
            with pytest.raises(TypeError, match="half precision"):
                write()
    assert whole.tolist() == [1, 6, 1]
    assert not half.any()
