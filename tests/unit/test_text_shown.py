"""What the text game shows to a person and to the model, whatever the tokenizer's ways."""

import copy

import numpy as np
import pytest
import torch

import tiny
from spex_widget.games import Answer, LogOdds, TextGame
from text_reference import (
    CLASSIFIERS,
    LANGUAGE,
    MODELS,
    ROBERTA,
    TEXT,
    coalitions_of,
    load,
    log_probability,
    logits_of,
    plain,
    reference_logits,
)


def test_what_a_classifier_game_says_of_itself():
    game = TextGame(*load(CLASSIFIERS[0]), " Not bad,\nat all! ", target="positive")
    assert game.players == ("Not", "bad,", "at", "all!")
    assert [(p.text, p.player) for p in game.pieces][:4] == [(" ", None), ("Not", 0), (" ", None), ("bad,", 1)]
    assert "".join(p.text for p in game.pieces) == game.text == " Not bad,\nat all! "
    assert game.outputs == ("POSITIVE",)
    assert (game.model, game.value) == ("BertForSequenceClassification", "logit of POSITIVE")
    assert game.ablation == "replaced by [MASK]"
    assert game.show([True, False, True, True]) == "[CLS] not [MASK] [MASK] at all ! [SEP]"


def test_what_a_language_game_says_of_itself():
    game = TextGame(*load("LlamaForCausalLM"), "the plot was not bad", target=LogOdds(" yes", " no"))
    assert game.outputs == (" yes /  no",)
    assert game.value == "log-odds of ' yes' against ' no'"
    assert game.ablation == "removed"
    assert game.show([True, True, True, False, True]) == "<s> the plot was bad"
    assert game.show(np.ones(5, bool)) == "<s> the plot was not bad"
    assert TextGame(*load("LlamaForCausalLM"), "not bad", target=" yes").value == "log-probability of ' yes'"


def test_a_game_in_a_line():
    game = TextGame(*load(CLASSIFIERS[0]), "not bad,\n at all", target="positive")
    assert repr(game) == "<TextGame 'not bad, at all': 4 players, ablated: replaced by [MASK]; logit of POSITIVE>"
    assert repr(game.restrict([0, 2])).startswith("<RestrictedGame 'not bad, at all': 2 players, ")
    long = TextGame(*load("GPT2LMHeadModel"), TEXT, target=Answer(" yes no yes"))
    assert repr(long) == (
        "<TextGame 'I expected a dull evening, but the plot was good…': 20 players, ablated: removed; "
        "log-probability of 3 outputs>"
    )


def test_a_classifier_is_asked_for_the_label_that_it_gives_the_whole_text():
    for kind in CLASSIFIERS:
        predicted = tiny.LABELS[int(reference_logits(kind, "word", "remove")[0].argmax())]
        game = TextGame(*load(kind), TEXT)
        assert (game.outputs, game.value) == ((predicted,), f"logit of {predicted}")


def test_the_name_a_model_was_loaded_by_is_shown_without_its_folders():
    model = copy.copy(load(CLASSIFIERS[0])[0])
    model.config = copy.deepcopy(model.config)
    for name in ("org/tiny-bert", "/home/someone/models/tiny-bert/", "C:\\models\\tiny-bert"):
        model.config.name_or_path = name
        assert TextGame(model, tiny.wordpiece(), "not bad", target=0).model == "tiny-bert"


@pytest.mark.parametrize("text", ["  good 🎉 日本語の映画\n\nwas not bad ", "👩‍👩‍👧 e\u0301 ﬁne\u00a0film\r\n"])
@pytest.mark.parametrize("units", ["word", "token"])
@pytest.mark.parametrize("kind", MODELS)
def test_any_text_is_shown_whole_and_seen_by_the_model_as_the_tokenizer_has_it(kind, units, text):
    model, tokenizer = load(kind)
    game = TextGame(model, tokenizer, text, units=units, target=" yes" if kind in LANGUAGE else "POSITIVE")
    assert "".join(p.text for p in game.pieces) == text
    assert [p.text for p in game.pieces if p.player is not None] == list(game.players)
    whole = tokenizer(text)["input_ids"]
    assert game.show(np.ones(game.n, bool)) == tokenizer.decode(whole)
    if kind not in LANGUAGE:
        np.testing.assert_allclose(game(np.ones(game.n, bool))[0, 0], logits_of(model, whole)[2], atol=1e-5)


def test_protected_words_are_always_there_and_no_players():
    game = TextGame(*load(CLASSIFIERS[0]), "Is it good? Say yes or no.", protect=["Say", (19, 26)], target="POSITIVE")
    assert game.players == ("Is", "it", "good?", "yes")
    assert game.pieces[-1].text == " or no."
    assert "".join(p.text for p in game.pieces) == game.text
    assert game.show(np.zeros(4, bool)) == "[CLS] [MASK] [MASK] [MASK] [MASK] say [MASK] or no . [SEP]"
    removed = TextGame(
        *load(CLASSIFIERS[0]), game.text, protect=["Say", (19, 26)], target="POSITIVE", ablation="remove"
    )
    assert removed.show(np.zeros(4, bool)) == "[CLS] say or no . [SEP]"
    np.testing.assert_allclose(
        removed(np.zeros(4, bool))[0, 0],
        logits_of(load(CLASSIFIERS[0])[0], [2, *plain(tiny.wordpiece(), "say or no."), 3])[2],
        atol=1e-5,
    )


def test_the_rest_of_a_restricted_game_is_present():
    game = TextGame(*load(CLASSIFIERS[0]), "not bad at all", target="POSITIVE")
    assert game.restrict([1, 3]).show([False, False]) == "[CLS] not [MASK] at [MASK] [SEP]"
    np.testing.assert_array_equal(game.restrict([1, 3])([[False, True]]), game([[True, False, True, True]]))


def test_a_prompt_with_a_start_token_of_its_own_gets_no_second():
    game = TextGame(*load("LlamaForCausalLM"), "<s>not bad at all", target=" yes")
    assert game.show(np.ones(game.n, bool)).count("<s>") == 1
    assert game.players == ("not", "bad", "at", "all")


def test_a_language_model_goes_on_from_the_text_and_not_from_an_end_token():
    tokenizer = ROBERTA()
    model = tiny.build("GPT2LMHeadModel", tokenizer)
    game = TextGame(model, tokenizer, "the plot was not bad", target=" yes", ablation="remove")
    assert game.show(np.ones(5, bool)) == "<s>the plot was not bad"
    ids = [0, *plain(tokenizer, "the plot was not bad")]
    expected = log_probability(model, ids, plain(tokenizer, " yes"))
    np.testing.assert_allclose(game(np.ones(5, bool))[0, 0], expected, atol=1e-5)


def test_a_continuation_is_tokenised_as_it_follows_the_text():
    tokenizer = tiny.byte_fallback()
    model = tiny.build("LlamaForCausalLM", tokenizer)
    value = TextGame(model, tokenizer, "the plot was", target=" good")([True] * 3)[0, 0]
    ids = tokenizer("the plot was")["input_ids"]
    assert plain(tokenizer, " good") != plain(tokenizer, "good")  # alone, white space would count twice
    np.testing.assert_allclose(value, log_probability(model, ids, plain(tokenizer, "good")), atol=1e-5)
    # Where the text's own last token would change, the continuation is tokenised alone.
    model, tokenizer = load("GPT2LMHeadModel")
    before, after = "the plot was g", "ood"
    assert plain(tokenizer, before + after)[: len(plain(tokenizer, before))] != plain(tokenizer, before)
    value = TextGame(model, tokenizer, before, target=after)(np.ones(4, bool))[0, 0]
    np.testing.assert_allclose(
        value, log_probability(model, plain(tokenizer, before), plain(tokenizer, after)), atol=1e-5
    )


def test_a_language_model_without_a_token_left_starts_from_its_start_token():
    model, tokenizer = load("GPT2LMHeadModel")
    game = TextGame(model, tokenizer, "not bad at all", target=" yes")
    assert game.show(np.zeros(4, bool)) == "<|endoftext|>"
    expected = log_probability(model, [tokenizer.bos_token_id], plain(tokenizer, " yes"))
    np.testing.assert_allclose(game(np.zeros(4, bool))[0, 0], expected, atol=1e-5)


def test_token_types_are_handed_on_where_the_tokenizer_sets_them_and_left_out_where_it_does_not():
    from tokenizers.processors import TemplateProcessing

    model = load(CLASSIFIERS[0])[0]
    tokenizer = copy.deepcopy(tiny.wordpiece())
    tokenizer.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A:1 [SEP]:0", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    rows = coalitions_of(4)
    for ablation in ("mask_token", "remove"):
        values = TextGame(model, tokenizer, "not bad at all", target=0, ablation=ablation)(rows)
        for x, value in zip(rows, values, strict=True):
            words = plain(tiny.wordpiece(), "not bad at all")
            kept = [w if p else 4 for w, p in zip(words, x, strict=True) if p or ablation == "mask_token"]
            types = torch.tensor([[0, *(1 for _ in kept), 0]])
            with torch.no_grad():
                expected = model(torch.tensor([[2, *kept, 3]]), token_type_ids=types).logits[0, 0]
            np.testing.assert_allclose(value[0], expected, atol=1e-5)
    # To GPT-2 types of zero are not nothing: it would add the embedding of token 0 everywhere.
    model, tokenizer = load("GPT2LMHeadModel")
    typed = copy.deepcopy(tokenizer)
    typed.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    assert "token_type_ids" in typed("a")
    np.testing.assert_array_equal(
        TextGame(model, typed, "not bad", target=" yes")(rows[:, :2]),
        TextGame(model, tokenizer, "not bad", target=" yes")(rows[:, :2]),
    )


@pytest.mark.parametrize("kind", ["GPT2LMHeadModel", CLASSIFIERS[0]])
def test_the_side_that_the_tokenizer_pads_on_is_of_no_account(kind):
    model, tokenizer = load(kind)
    left = copy.deepcopy(tokenizer)
    left.padding_side = "left"
    rows = coalitions_of(len(TEXT.split()))
    one, other = (TextGame(model, t, TEXT, ablation="remove")(rows) for t in (tokenizer, left))
    np.testing.assert_array_equal(one, other)
