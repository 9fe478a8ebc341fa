"""The text game's units, against inputs put together by hand: what is left of the text, encoded anew."""

import re

import numpy as np
import pytest

import tiny
from spex_widget.games import TextGame
from text_reference import CLASSIFIERS, load, log_probability, logits_of, plain

BERT, GPT2 = CLASSIFIERS[0], "GPT2LMHeadModel"
TEXT = "The plot was good, but not bad.\nIt was not bad at all: yes; no!\n\nIs it good? Say yes or no."

LINES = ["The plot was good, but not bad.", "It was not bad at all: yes; no!", "Is it good? Say yes or no."]
CLAUSES = ["The plot was good,", "but not bad.", "It was not bad at all:", "yes;", "no!"]


def game_of(text=TEXT, kind=BERT, **options):
    return TextGame(*load(kind), text, target="POSITIVE" if kind == BERT else " yes", ablation="remove", **options)


@pytest.mark.parametrize(
    ("units", "players"),
    [
        ("clause", [*CLAUSES, "Is it good?", "Say yes or no."]),
        ("sentence", [*LINES[:2], "Is it good?", "Say yes or no."]),
        ("line", LINES),
        ("paragraph", [TEXT[:63], LINES[2]]),
        (re.compile("not bad( at all)?"), ["not bad", "not bad at all"]),
        (re.compile(r"Is [^?]*\?|\bbut "), ["but", "Is it good?"]),
        ([(19, 30), (0, 3)], ["but not bad", "The"]),
        (np.array([[0, 3], [19, 30]]), ["The", "but not bad"]),
        ({"negation": "not", "tone": ["good", "bad"]}, ["negation", "tone"]),
        ({"last": (65, 80), "first": [(0, 3), (4, 8)]}, ["last", "first"]),
    ],
)
def test_the_model_is_given_the_text_without_the_ablated_units(units, players):
    game = game_of(units=units)
    assert list(game.players) == players
    assert "".join(piece.text for piece in game.pieces) == TEXT
    model, tokenizer = load(BERT)
    rows = np.random.default_rng(0).random((8, game.n)) < 0.5
    for row, value in zip(rows, game(rows), strict=True):
        left = "".join(p.text for p in game.pieces if p.player is None or row[p.player])
        np.testing.assert_allclose(value[0], logits_of(model, [2, *plain(tokenizer, left), 3])[2], atol=1e-5)
        assert game.show(row) == tokenizer.decode([2, *plain(tokenizer, left), 3])


def test_groups_are_ablated_together_wherever_they_stand():
    game = game_of("not good, not bad", units={"negation": "not", "tone": ["good", (14, 17)]})
    assert [(p.text, p.player) for p in game.pieces if p.player is not None] == [
        ("not", 0),
        ("good", 1),
        ("not", 0),
        ("bad", 1),
    ]
    assert game.show([False, True]) == "[CLS] good , bad [SEP]"
    assert game.show([True, False]) == "[CLS] not , not [SEP]"


def test_a_group_that_is_protected_in_one_place_is_in_all():
    game = game_of("not good, not bad", units={"a": "not", "b": "good", "c": "bad"}, protect=(10, 13))
    assert game.players == ("b", "c")
    assert game.show([False, False]) == "[CLS] not , not [SEP]"


def test_a_unit_reaches_to_the_ends_of_its_tokens():
    assert len(plain(tiny.byte_level(), " good")) == 1
    game = game_of("was it good, not bad", GPT2, units=re.compile("oo|ot b|wa"))
    assert game.players == ("was", "good", "not bad")
    assert game.show([True, False, True]) == "was it, not bad"


def test_few_shot_examples_as_units():
    shots = "Review: good film\nLabel: yes\n\nReview: bad plot\nLabel: no\n\n"
    game = game_of(shots + "Review: not bad\nLabel:", GPT2, units="paragraph", protect="Review: not bad")
    assert game.players == ("Review: good film\nLabel: yes", "Review: bad plot\nLabel: no")
    model, tokenizer = load(GPT2)
    left = plain(tokenizer, "\n\n" + shots[30:] + "Review: not bad\nLabel:")
    value = log_probability(model, left, plain(tokenizer, " yes"))
    np.testing.assert_allclose(game([False, True])[0, 0], value, atol=1e-5)


@pytest.mark.parametrize(
    ("units", "error", "match"),
    [
        ([(0, 5), (3, 8)], ValueError, r"units must not overlap, got \(0, 5\) 'not b' and \(3, 8\)"),
        ({"a": "not", "b": "not bad"}, ValueError, r"units must not overlap, got \(0, 3\) 'not' and \(0, 7\)"),
        ([(0, 3), (4, 99)], ValueError, r"units\[1\] must be .* 0 <= start < end <= 14, .*got \(4, 99\)"),
        ([(0, 3), (4, 4)], ValueError, r"units\[1\] must be .*got \(4, 4\)"),
        ([(0, 3), "bad"], TypeError, r"units\[1\] must be a span .*, got 'bad'; strings go into a mapping"),
        ([(0, 3), 7], TypeError, r"units\[1\] must be a span .*, got 7"),
        ([(0, 3), (3, 4)], ValueError, r"units must each have a token of their own, and ' ' at \(3, 4\) has none"),
        ([(0, 1), (1, 3)], ValueError, r"units must each have a token of their own, and 'ot' at \(1, 3\) has none"),
        ({"a": "not", "b": "good"}, ValueError, r"units\['b'\] must be found in the text, got 'good'"),
        ({"a": "not", "b": []}, ValueError, r"units\['b'\] must name a part of the text, got \[\]"),
        ({"a": "not", "b": 3}, TypeError, r"units\['b'\] must be a string of the text, a span .* got 3"),
        ({"a": "not", "\ud800": "bad"}, ValueError, r"a label of units must be valid Unicode"),
        ({"a": "not", "b": {"c": "bad"}}, TypeError, r"units\['b'\] must be a string of the text, a span .* got \{'c'"),
        ({"a": "not", 3: "bad"}, TypeError, r"units must have a str for each label, got int 3"),
        ({"a": "not"}, ValueError, r"text must have at least 2 units to have an interaction, got 1"),
        ([], ValueError, r"text must have at least 2 units to have an interaction, got 0"),
        (re.compile("good"), ValueError, r"at least 2 matches of 'good' to have an interaction, got 0"),
        (re.compile(b"bad"), TypeError, r"units must be one of .*, got re.compile\(b'bad'\)"),
        (b"word", TypeError, r"units must be one of .*, got b'word'"),
        (3, TypeError, r"units must be one of .*, got 3"),
        ("paragraph", ValueError, r"at least 2 paragraphs .* got 1: 'not bad at all'; units='word' divides it further"),
    ],
)
def test_units_that_cannot_be(units, error, match):
    with pytest.raises(error, match=match):
        game_of("not bad at all", units=units)


def test_what_tells_two_games_of_the_same_labels_apart():
    games = [game_of("not bad, not bad", units={"a": "not", "b": part}) for part in ("bad", (4, 7), (13, 16))]
    assert len({game.fingerprint() for game in games}) == 3
