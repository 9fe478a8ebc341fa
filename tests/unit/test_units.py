"""Units: how a text falls apart into players."""

import functools
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny
from spex_widget.games import Piece
from spex_widget.games.layout import Layout, lay_out
from spex_widget.games.model.subject import Subject
from spex_widget.games.units import UNITS, protected_spans, split, touches

TOKENIZERS = {
    "wordpiece": tiny.wordpiece,
    "byte level": tiny.byte_level,
    "roberta": functools.partial(tiny.byte_level, "roberta"),
    "unigram": tiny.unigram,
    "byte fallback": tiny.byte_fallback,
}
# White space of many kinds, accents that combine, emoji of several bytes and of several characters, scripts without
# spaces, control characters, and special tokens written out.
SPACES = [" ", "  ", "\n", "\t", "\u00a0", "\u3000", "\r\n", "\x00", "\u200b"]
LETTERS = ["not bad at all, really ", "日本語", "の映画", "🎉", "👩\u200d👩\u200d👧", "e\u0301", "é", "ﬁ", "ß", "3.14"]
MARKS = [".", "?!", "… ", "。", "(yes!) ", "“No.”"]
SPECIAL = ["[SEP]", "[MASK]", "[UNK]", "</s>", "<s>", "<|endoftext|>", "<mask>"]
SCRAPS = st.sampled_from([*SPACES, *LETTERS, *MARKS, *SPECIAL])
TEXTS = st.one_of(
    st.lists(SCRAPS, max_size=12).map("".join), st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
)


def encode(tokenizer, text):
    return Subject(None, tokenizer, "classifier").encode(text)


def units_of(text, units, tokenizer):
    encoding = encode(tokenizer, text)
    layout = lay_out(text, units, encoding.spans, encoding.special)
    return list(layout.players), layout.owner.tolist(), tokenizer.convert_ids_to_tokens(encoding.inputs[0])


@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("name", TOKENIZERS)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(text=TEXTS)
def test_units_hold_their_tokens_and_pieces_are_the_whole_text(name, units, text):
    encoding = encode(TOKENIZERS[name](), text)
    layout = lay_out(text, units, encoding.spans, encoding.special)
    spans, owner = layout.parts, layout.owner

    assert layout.players == tuple(text[a:b] for a, b in spans)
    assert "".join(piece.text for piece in layout.pieces()) == text
    assert all(0 <= a < b <= c < d <= len(text) for (a, b), (c, d) in pairwise(spans))
    assert all(text[a:b] and text[a:b] == text[a:b].strip() for a, b in spans)
    assert set(owner.tolist()) - {-1} == set(range(len(spans)))  # nobody is without a token
    for token, (start, end) in enumerate(encoding.spans):
        visible = [at for at in range(start, end) if not text[at].isspace()]
        if encoding.special[token]:
            assert owner[token] == -1
        elif not visible:
            inside = [unit for unit, (a, b) in enumerate(spans) if a <= start < end <= b]
            follower = owner[token + 1] if text[start:end] in ("", " ") and token + 1 < len(owner) else -1
            assert owner[token] in (inside or [-1, follower])
        else:
            a, b = spans[owner[token]]
            assert a <= visible[0] < b
            # all that an ordinary token covers stands within some unit, so that what is ablated is seen to be
            assert all(touches((at, at + 1), spans) for at in visible)


def test_words_keep_their_punctuation():
    text = "  Not bad,\tat all –\u00a0(really)!\n"
    assert [text[a:b] for a, b in split(text, "word")] == ["Not", "bad,", "at", "all", "–", "(really)!"]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Good. Bad! Is it? Well… yes", ["Good.", "Bad!", "Is it?", "Well…", "yes"]),
        ("It cost 3.14?! Wow...  ok.", ["It cost 3.14?!", "Wow...", "ok."]),
        ('He said "no." Then (why?) he left', ['He said "no."', "Then (why?)", "he left"]),
        ("Title\n\nFirst line\nSecond line.\n", ["Title", "First line", "Second line."]),
        ("映画は良かった。本当に！はい", ["映画は良かった。", "本当に！", "はい"]),
        ("هل هذا جيد؟ نعم۔ إنه جيد", ["هل هذا جيد؟", "نعم۔", "إنه جيد"]),
        ("यह अच्छा है। हाँ॥ नहीं", ["यह अच्छा है।", "हाँ॥", "नहीं"]),
        ("a\rb\r\nc", ["a", "b", "c"]),
        (
            "Dr. J. Smith, e.g. of St. Ives, left. So did I. Mrs. Bond, etc. too.",
            ["Dr. J. Smith, e.g. of St. Ives, left.", "So did I.", "Mrs. Bond, etc. too."],
        ),
        (
            "Prof. Ms. Mr. i.e. me. Yes, etc. Then West. Hands up.",
            ["Prof. Ms. Mr. i.e. me.", "Yes, etc.", "Then West.", "Hands up."],
        ),
        ("Plan B? Yes, Dr! E.g. St? No", ["Plan B?", "Yes, Dr!", "E.g. St?", "No"]),
        ("one only", ["one only"]),
        ("...", ["..."]),
    ],
)
def test_sentences(text, sentences):
    assert [text[a:b] for a, b in split(text, "sentence")] == sentences


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("I came, I saw; I won: all – or none", ["I came,", "I saw;", "I won:", "all –", "or none"]),
        (
            "At 12:30, for 3,14 (well, nearly), it – yes—rained!",
            [*"At 12:30,|for 3,14 (well,|nearly),|it –|yes—|rained!".split("|")],
        ),
        ("نعم، إنه جيد؛ جدا", ["نعم،", "إنه جيد؛", "جدا"]),
        ("a well-known film - 映画は、良かった；はい。", ["a well-known film -", "映画は、", "良かった；", "はい。"]),
    ],
)
def test_clauses(text, clauses):
    assert [text[a:b] for a, b in split(text, "clause")] == clauses


def test_lines_and_paragraphs():
    text = "a\n b\r\n\r\n c\n \t\nd"
    assert [text[a:b] for a, b in split(text, "line")] == ["a", "b", "c", "d"]
    assert [text[a:b] for a, b in split(text, "paragraph")] == ["a\n b", "c", "d"]
    text = "a\rb\r \rc\r\nd\re\n"
    assert [text[a:b] for a, b in split(text, "line")] == ["a", "b", "c", "d", "e"]
    assert [text[a:b] for a, b in split(text, "paragraph")] == ["a\rb", "c\r\nd\re"]


def test_tokens_of_wordpiece():
    labels, owner, tokens = units_of("not bad!", "token", tiny.wordpiece())
    assert (labels, owner, tokens) == (["not", "bad", "!"], [-1, 0, 1, 2, -1], ["[CLS]", "not", "bad", "!", "[SEP]"])


def test_the_bytes_of_one_character_are_one_player():
    labels, owner, tokens = units_of("x 🎉 y", "token", tiny.byte_level())
    assert labels == ["x", "🎉", "y"]
    assert len(tokens) > 5
    assert owner.count(1) == 5  # four bytes, and the space before them


def test_tokens_of_white_space_are_nobodys_but_for_the_one_space_before_a_word():
    _, owner, tokens = units_of("a \n  🎉", "word", tiny.byte_level())
    assert tokens[:5] == ["a", "Ġ", "Ċ", "Ġ", "Ġ"]
    assert owner[:5] == [0, -1, -1, -1, 1]
    assert set(owner[5:]) == {1}
    for tokenizer in (tiny.unigram(), tiny.byte_fallback()):  # the mark of a word's beginning, on its own
        labels, owner, tokens = units_of("good 🎉", "word", tokenizer)
        assert labels == ["good", "🎉"]
        assert set(owner[tokens.index("▁") :]) == {1}


def test_a_word_within_the_token_of_another_joins_it():
    layout = lay_out("New York city", "word", [(0, 8), (8, 13)], [False, False])
    assert (layout.parts, layout.owner.tolist()) == (((0, 8), (9, 13)), [0, 1])


def test_a_word_that_the_model_does_not_see_is_no_unit():
    text = "not \x00 bad"  # BERT's normaliser drops control characters
    assert units_of(text, "word", tiny.wordpiece()) == (
        ["not", "bad"],
        [-1, 0, 1, -1],
        ["[CLS]", "not", "bad", "[SEP]"],
    )


@pytest.mark.parametrize("units", UNITS)
def test_special_tokens_in_the_text_are_nobodys_and_bound_the_units(units):
    labels, owner, tokens = units_of("good[SEP]bad film [UNK]", units, tiny.wordpiece())
    assert labels == (["good", "bad", "film"] if units in ("word", "token") else ["good", "bad film"])
    assert [o for t, o in zip(tokens, owner, strict=True) if t.startswith("[")] == [-1] * 4


def test_an_unknown_word_is_a_player_all_the_same():
    labels, owner, tokens = units_of("good 🎉 bad", "word", tiny.wordpiece())
    assert labels == ["good", "🎉", "bad"]
    assert tokens[2] == "[UNK]"
    assert owner[2] == 1


def test_encoding_is_neither_truncated_nor_padded_whatever_the_tokenizer_was_told():
    import copy

    tokenizer = copy.deepcopy(tiny.wordpiece())
    tokenizer("warm up", truncation=True, max_length=4, padding="max_length")
    tokenizer.model_max_length = 4
    assert encode(tokenizer, "not bad at all, not bad at all").inputs.shape == (1, 11)


@pytest.mark.parametrize(
    ("protect", "spans"),
    [
        (None, []),
        ([], []),
        ("not", [(0, 3), (12, 15)]),
        ((4, 7), [(4, 7)]),
        ([4, 7], [(4, 7)]),
        (np.array([4, 7]), [(4, 7)]),
        ([(4, 7), "at"], [(4, 7), (8, 10)]),
        (["bad", ["at"]], [(4, 7), (8, 10)]),
        (" at,", [(7, 11)]),
    ],
)
def test_protected_spans(protect, spans):
    assert protected_spans("not bad at, not", protect) == spans


@pytest.mark.parametrize(
    ("protect", "error", "match"),
    [
        ("good", ValueError, r"protect must be found in the text, got 'good'"),
        ("", ValueError, r"protect must be found in the text, got ''"),
        ((3, 99), ValueError, r"0 <= start < end <= 14.*got \(3, 99\)"),
        ((3, 3), ValueError, r"got \(3, 3\)"),
        ((-2, 3), ValueError, r"got \(-2, 3\)"),
        ({"a": "not"}, TypeError, r"protect must be a string of the text, .* got \{'a': 'not'\}"),
        ({1: 2, 3: 4}, TypeError, r"protect must be a string of the text, .* got \{1: 2"),
        (7, TypeError, r"protect must be a string of the text, a span .* got 7"),
        ([1, 2, 3], TypeError, r"protect must be a string of the text, a span .* got \[1, 2, 3\]"),
        ([("not", 3)], TypeError, r"protect must be .* got \('not', 3\)"),
        ([3.5, 4.5], TypeError, r"protect must be .* got \[3.5, 4.5\]"),
        (["not", b"bad"], TypeError, r"protect must be .* got b'bad'"),
    ],
)
def test_protection_that_cannot_be(protect, error, match):
    with pytest.raises(error, match=match):
        protected_spans("not bad at all", protect)


def pieces_of(text, *parts):
    return Layout(text, (), parts, np.arange(len(parts) + 1), np.array([])).pieces()


def test_pieces_of_a_text_without_players():
    assert pieces_of("ab") == [Piece("ab")]
    assert pieces_of(" a b ", (1, 2), (3, 4)) == [Piece(" "), Piece("a", 0), Piece(" "), Piece("b", 1), Piece(" ")]
