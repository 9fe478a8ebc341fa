"""What the text game cannot do, and how it says so: one error, at the call, that says what would do."""

import copy

import numpy as np
import pytest
import torch

import tiny
from spex_widget.games import (
    Answer,
    Continuation,
    Custom,
    Label,
    LogOdds,
    Neutral,
    Perplexity,
    Replace,
    Similarity,
    TextGame,
)
from text_reference import CLASSIFIERS, load, plain

BERT, GPT2 = CLASSIFIERS[0], "GPT2LMHeadModel"


@pytest.mark.parametrize(
    ("kind", "text", "options", "error", "match"),
    [
        (BERT, "", {}, ValueError, r"text must hold at least 2 words, got ''"),
        (BERT, " \n\t", {}, ValueError, r"text must hold at least 2 words, got ' \\n\\t'"),
        (BERT, "ok \x00 fine", {}, ValueError, "no NUL character, got one at 3"),
        (BERT, "good", {}, ValueError, r"at least 2 words to have an interaction, got 1: 'good'; units='token'"),
        (BERT, "not bad", {"units": "sentence"}, ValueError, r"2 sentences .* got 1: 'not bad'; units='word'"),
        (BERT, "good", {"units": "token"}, ValueError, r"2 tokens .* got 1: 'good'; give a longer one"),
        (BERT, ["not", "bad"], {}, TypeError, r"text must be a str, or a chat, .* got list"),
        (BERT, b"not bad", {}, TypeError, r"text must be a str, .* got bytes"),
        (BERT, "not \ud83c bad", {}, ValueError, r"text must be valid Unicode, got half a surrogate pair.* at 4"),
        (
            BERT,
            "not bad",
            {"units": "words"},
            ValueError,
            r"units must be one of 'token', 'word', 'clause', 'sentence', 'line', 'paragraph', .* got 'words'",
        ),
        (BERT, "not bad", {"units": None}, ValueError, r"units must be one of .* got None"),
        (
            BERT,
            "not bad",
            {"ablation": "zero"},
            ValueError,
            r"ablation must be one of 'auto', 'mask_token', 'remove', 'neutral', 'attention', or .* got 'zero'",
        ),
        (GPT2, "not bad", {"ablation": "mask_token"}, ValueError, r"mask token, and .* has none; ablation='remove'"),
        (BERT, "not bad", {"protect": "good"}, ValueError, r"protect must be found in the text, got 'good'"),
        (
            BERT,
            "not bad",
            {"protect": "bad"},
            ValueError,
            r"protect must leave at least 2 words as players, got 1 of 2",
        ),
        (
            BERT,
            "not bad",
            {"protect": (0, 7)},
            ValueError,
            r"protect must leave at least 2 words as players, got 0 of 2",
        ),
        (BERT, "not bad", {"protect": 3}, TypeError, r"protect must be a string of the text.* got 3"),
        (BERT, "not " * 95, {}, ValueError, r"text makes 97 tokens.* takes 96 at most; shorten it by at least 1"),
        (CLASSIFIERS[1], "a " * 100, {}, ValueError, r"tokens, special tokens included, .* takes 96 at most"),
        (GPT2, " not" * 100, {}, ValueError, r"takes 96 at most"),
        (
            GPT2,
            "a b",
            {"target": " yes no" * 60},
            ValueError,
            r"the text with its continuation makes .* takes 96 at most",
        ),
        (
            BERT,
            "not bad",
            {"target": "GOOD"},
            ValueError,
            r"'GOOD' is none of .*'NEGATIVE' \(0\), 'NEUTRAL' \(1\), 'POSI",
        ),
        (BERT, "not bad", {"target": 3}, ValueError, r"target 3 is none of the labels"),
        (BERT, "not bad", {"target": -1}, ValueError, r"target -1 is none of the labels"),
        (BERT, "not bad", {"target": LogOdds("x")}, ValueError, r"target 'x' is none of the labels"),
        (BERT, "not bad", {"target": LogOdds(0, "x")}, ValueError, r"target 'x' is none of the labels"),
        (
            BERT,
            "not bad",
            {"target": LogOdds(0, "negative")},
            ValueError,
            r"two different labels, got 'NEGATIVE' twice",
        ),
        (BERT, "not bad", {"target": 1.5}, TypeError, r"target must be a label \(a str, or its index\).* got float"),
        (BERT, "not bad", {"target": True}, TypeError, r"must be a name or an index, got bool"),
        (
            BERT,
            "not bad",
            {"target": Continuation(" x")},
            ValueError,
            r"is a classifier, .* ' x'; Label or LogOdds .*'POSI",
        ),
        (GPT2, "not bad", {"target": Label("x")}, ValueError, r"is a language model, which has no labels, got 'x'"),
        (GPT2, "not bad", {"target": 1}, TypeError, r"target must be a continuation \(a str\).* got int"),
        (GPT2, "not bad", {"target": [" yes"]}, TypeError, r"target must be a continuation .* got list"),
        (GPT2, "not bad", {"target": ""}, ValueError, r"a continuation must have at least one token, got ''"),
        (
            GPT2,
            "not bad",
            {"target": LogOdds(" a")},
            ValueError,
            r"must be between two continuations, got ' a' and None",
        ),
        (GPT2, "not bad", {"target": LogOdds(" a", "")}, ValueError, r"at least one token, got ''"),
    ],
)
def test_bad_input_meets_one_error_that_says_what_would_do(kind, text, options, error, match):
    with pytest.raises(error, match=match) as caught:
        TextGame(*load(kind), text, **options)
    assert "spex_widget" in str(caught.traceback[-1].path)  # raised here, not within a library


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: Label(1.5), TypeError, r"a label must be a name or an index, got float 1.5"),
        (lambda: Label("x", "percent"), ValueError, r"one of .logit., .logprob., .logodds., .probability., got"),
        (lambda: Label("x", ["logit"]), ValueError, r"scale must be one of .* got \['logit'\]"),
        (lambda: Continuation(3), TypeError, r"a continuation must be a str, got int"),
        (lambda: LogOdds("yes", "yes"), ValueError, r"two different answers, got 'yes' twice"),
        (lambda: LogOdds(None), TypeError, r"a label must be a name or an index, got NoneType"),
    ],
)
def test_targets_that_cannot_be(make, error, match):
    with pytest.raises(error, match=match):
        make()


@pytest.mark.parametrize(
    ("bad", "match"),
    [("not \ud800 bad", r"be valid Unicode, got half a surrogate pair, .* at 4"), ("a\0b", "have no NUL .* at 1")],
    ids=["surrogate", "NUL"],
)
@pytest.mark.parametrize(
    ("make", "what"),
    [
        (Continuation, "a continuation"),
        (Answer, "a continuation"),
        (Perplexity, "a continuation"),
        (LogOdds, "an answer"),
        (lambda text: LogOdds(" yes", text), "an answer"),
        (Label, "a label"),
        (Similarity, "a query"),
        (lambda text: Custom(len, continuation=text), "continuation"),
        (lambda text: Custom(len, text), "outputs"),
        (Neutral, "a neutral token"),
        (Replace, "a replacement"),
        (lambda text: Replace({"bad": "good", "not": text}), "a replacement"),
        (lambda text: TextGame(*load(GPT2), "not bad", target=text), "a continuation"),
        (lambda text: TextGame(*load(BERT), "not bad", target=text), "a label"),
        (lambda text: TextGame(*load(BERT), "not bad", ablation={"not": text, "bad": ""}), "a replacement"),
        (lambda text: TextGame(*load(BERT), text), "text"),
    ],
)
def test_what_no_tokenizer_takes_is_refused_where_it_is_given(make, what, bad, match):
    with pytest.raises(ValueError, match=f"^{what} must {match}"):
        make(bad)


def test_models_and_tokenizers_that_will_not_do():
    model, tokenizer = load(BERT)
    masked = tiny.build("BertForMaskedLM", tokenizer)
    for wrong, match in [
        ("bert-base", r"got the str 'bert-base'; load it with AutoModelForSequenceClassification, .*'bert-base'"),
        (type(model), r"got the class BertForSequenceClassification"),
        (
            masked,
            r"got BertForMaskedLM; AutoModelForSequenceClassification, .* or, for an encoder, AutoModel load such",
        ),
        (torch.nn.Linear(2, 2), r"got Linear"),
        (None, r"got NoneType"),
        (tiny.build("T5Model", tiny.unigram()), r"or encoder without a head, got T5Model"),
    ]:
        with pytest.raises(TypeError, match=match):
            TextGame(wrong, tokenizer, "not bad")
    for wrong, match in [
        ("bert-base", r"got the str 'bert-base'; load it with AutoTokenizer.from_pretrained\('bert-base'\)"),
        (model, r"got BertForSequenceClassification; the order is model, tokenizer, text"),
        (str.split, r"tokenizer must be a loaded Hugging Face tokenizer"),
    ]:
        with pytest.raises(TypeError, match=match):
            TextGame(model, wrong, "not bad")


def test_a_pipeline_is_followed_by_a_text_with_its_name():
    from transformers import pipeline

    model, tokenizer = load(BERT)
    piped = pipeline("text-classification", model=model, tokenizer=tokenizer)
    expected = TextGame(model, tokenizer, "not bad at all").fingerprint()
    for game in (
        TextGame(piped, text="not bad at all"),
        TextGame(piped, None, "not bad at all"),
        TextGame(piped, tokenizer, "not bad at all"),
    ):
        assert game.fingerprint() == expected
    for text in ("not bad at all", [{"role": "user", "content": "not bad"}]):
        with pytest.raises(TypeError, match=r"with a pipeline, text is named, as in TextGame\(pipeline, text='…'\)"):
            TextGame(piped, text)
    with pytest.raises(TypeError, match=r"text must be a str, or a chat, .* got NoneType"):
        TextGame(piped)
    with pytest.raises(TypeError, match="tokenizer must be a loaded Hugging Face tokenizer, got NoneType"):
        TextGame(model, text="not bad")


def test_models_without_weights_or_without_embeddings():
    from transformers import CanineConfig, CanineForSequenceClassification, CanineTokenizer

    with pytest.raises(
        ValueError, match=r"model must have weights, and those of BertForSeq.* are nowhere \(on the dev"
    ):
        TextGame(tiny.build(BERT, tiny.wordpiece()).to("meta"), tiny.wordpiece(), "not bad")
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    canine = CanineForSequenceClassification(CanineConfig(num_hash_buckets=64, **sizes))
    with pytest.raises(TypeError, match=r"must have a table of input embeddings, .* CanineForSequenceClass.* has none"):
        TextGame(canine, CanineTokenizer(), "not bad")


def test_limits_that_go_by_names_of_their_own():
    from transformers import LEDConfig, LEDForConditionalGeneration

    tokenizer = tiny.byte_level()
    game = TextGame(tiny.build("MptForCausalLM", tokenizer), tokenizer, "a " * 48, target=" a")
    assert game.n == 48
    with pytest.raises(
        ValueError, match=r"the text makes 98 tokens, .* MptForCausalLM takes 96 at most; shorten it by"
    ):
        TextGame(tiny.build("MptForCausalLM", tokenizer), tokenizer, "a b" * 49, target=" a")

    sizes = {
        f"{part}_{name}": 2 for part in ("encoder", "decoder") for name in ("layers", "attention_heads", "ffn_dim")
    }
    limits = {"max_encoder_position_embeddings": 32, "max_decoder_position_embeddings": 8, "attention_window": 4}
    names = {"vocab_size": len(tokenizer), "decoder_start_token_id": 0, "eos_token_id": 0, "bos_token_id": None}
    torch.manual_seed(0)
    model = LEDForConditionalGeneration(LEDConfig(d_model=16, pad_token_id=1, **sizes, **limits, **names)).eval()
    assert len(TextGame(model, tokenizer, " not" * 32, target=Answer(max_new_tokens=20)).outputs) == 8
    assert np.isfinite(TextGame(model, tokenizer, " not" * 32, target=" not" * 8)(np.ones(32, bool))).all()
    with pytest.raises(ValueError, match=r"the text makes 33 tokens, .* takes 32 at most"):
        TextGame(model, tokenizer, " not" * 33, target=" not")
    with pytest.raises(ValueError, match=r"the continuation, with the decoder's start, makes 9 tokens, .* 8 at most"):
        TextGame(model, tokenizer, " not" * 32, target=" not" * 9)


def test_a_language_model_that_reads_ahead():
    tokenizer = tiny.wordpiece()
    for kind in ("BertLMHeadModel", "XLNetLMHeadModel"):
        with pytest.raises(ValueError, match=rf"model must be causal, and what {kind} says of a token changes"):
            TextGame(tiny.build(kind, tokenizer), tokenizer, "not bad at all", target=" good")
    decoder = tiny.build("BertLMHeadModel", tokenizer, is_decoder=True)
    assert np.isfinite(TextGame(decoder, tokenizer, "not bad at all", target=" good")(np.zeros(4, bool))).all()


def test_a_tokenizer_that_does_not_fit_the_model():
    model = tiny.build(BERT, tiny.wordpiece(), vocab_size=40)
    with pytest.raises(ValueError, match=r"the text has the token id \d+ \('.*'\), and .* knows ids up to 39 only"):
        TextGame(model, tiny.wordpiece(), "not bad at all")
    tokenizer = copy.deepcopy(tiny.byte_level())
    tokenizer.add_special_tokens({"mask_token": "<mask>"})
    model, _ = load(GPT2)
    with pytest.raises(ValueError, match=r"the mask token has the token id 330 \('<mask>'\)"):
        TextGame(model, tokenizer, "not bad at all")
    small = tiny.build(GPT2, tiny.byte_level(), vocab_size=300)
    assert max(plain(tiny.byte_level(), "a a")) < 300 <= max(plain(tiny.byte_level(), " evening"))
    with pytest.raises(ValueError, match=r"the continuation ' evening' has the token id"):
        TextGame(small, tiny.byte_level(), "a a", target=" evening")


def test_nothing_left_and_nothing_to_start_from():
    tokenizer = copy.deepcopy(tiny.byte_level())
    tokenizer.bos_token = tokenizer.eos_token = None
    model, _ = load(GPT2)
    with pytest.raises(
        ValueError, match=r"no token at all, and .* no start or end token .*; protect a part of the text"
    ):
        TextGame(model, tokenizer, "not bad at all", target=" yes")
    game = TextGame(model, tokenizer, "not bad at all", target=" yes", protect="not")
    assert game.show(np.zeros(3, bool)) == "not"


def test_probabilities_of_a_regression():
    model = tiny.build(BERT, tiny.wordpiece(), id2label={0: "stars"})
    assert TextGame(model, tiny.wordpiece(), "not bad").value == "logit of stars"
    for target in (Label(0, "logprob"), LogOdds("stars")):
        with pytest.raises(ValueError, match=r"has 1 output\(s\) without any; Label\(0, scale='logit'\)"):
            TextGame(model, tiny.wordpiece(), "not bad", target=target)


def test_labels_that_letter_case_alone_tells_apart():
    model = tiny.build(BERT, tiny.wordpiece(), id2label={0: "pos", 1: "Pos"})
    assert TextGame(model, tiny.wordpiece(), "not bad", target="Pos").outputs == ("Pos",)
    with pytest.raises(ValueError, match=r"target 'POS' is ambiguous among the labels .*'pos' \(0\), 'Pos' \(1\)"):
        TextGame(model, tiny.wordpiece(), "not bad", target="POS")


def test_a_label_that_is_no_text_can_be_written_all_the_same():
    model = tiny.build(BERT, tiny.wordpiece(), id2label={0: "half \ud83d", 1: "whole"})
    assert TextGame(model, tiny.wordpiece(), "not bad", target=0).outputs == ("half ?",)


@pytest.mark.parametrize(("kind", "fits", "filler"), [(BERT, 94, "not"), (CLASSIFIERS[1], 94, "a"), (GPT2, 96, "a")])
def test_a_text_of_just_the_length_that_the_model_takes(kind, fits, filler):
    model, tokenizer = load(kind)
    text = " ".join([filler] * fits)
    assert len(tokenizer(text)["input_ids"]) == tiny.POSITIONS
    game = TextGame(model, tokenizer, text)
    assert np.isfinite(game([np.ones(fits, bool), np.zeros(fits, bool)])).all()
    with pytest.raises(ValueError, match="makes 97 tokens"):
        TextGame(model, tokenizer, f"{text} {filler}")
