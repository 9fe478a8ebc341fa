"""Tokenizers without offsets: the spans that are found for them beside those of the same tokenizer with offsets."""

import numpy as np
import pytest
from transformers import ByT5Tokenizer, PreTrainedTokenizer

import tiny
from spex_widget.games import TextGame
from spex_widget.games.model.offsets import token_spans
from text_reference import CLASSIFIERS, ROBERTA, load


class Slow(PreTrainedTokenizer):
    """A tokenizer in Python that has the tokens of another and knows nothing of characters."""

    def __init__(self, fast):
        self.fast = fast
        super().__init__(**{name: str(token) for name, token in fast.special_tokens_map.items()})

    @property
    def vocab_size(self):
        return len(self.fast)

    def get_vocab(self):
        return self.fast.get_vocab()

    def tokenize(self, text, **_):
        return self.fast.convert_ids_to_tokens(self.fast(text, add_special_tokens=False)["input_ids"])

    def _convert_token_to_id(self, token):
        return self.fast.convert_tokens_to_ids(token)

    def _convert_id_to_token(self, index):
        return self.fast.convert_ids_to_tokens(index)

    def build_inputs_with_special_tokens(self, ids, *_):
        around = self.fast("")["input_ids"]
        cut = 1 if around else 0
        return [*around[:cut], *ids, *around[cut:]]

    def convert_tokens_to_string(self, tokens):
        return self.fast.convert_tokens_to_string(tokens)


TEXTS = ["It was not bad at all! Say yes or no.", "  The film,\nreally: good", "café 日本語の映画は良かった。 über"]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("make", [tiny.wordpiece, tiny.byte_level, ROBERTA, tiny.unigram])
def test_spans_are_those_of_the_same_tokenizer_with_offsets(make, text):
    fast = make()
    slow = Slow(fast)
    batch = fast(text, return_offsets_mapping=True, return_special_tokens_mask=True)
    assert slow(text)["input_ids"] == batch["input_ids"]
    if make is tiny.unigram and "\n" in text:  # to which the line's end is an unknown token amid others
        with pytest.raises(ValueError, match="Slow neither has offsets"):
            token_spans(slow, text, batch["input_ids"])
        return
    spans, added = token_spans(slow, text, batch["input_ids"])
    assert added == [bool(put) for put in batch["special_tokens_mask"]]
    for (start, end), (a, b), put in zip(spans, batch["offset_mapping"], added, strict=True):
        if not put and text[a:b].strip() and fast.unk_token_id not in batch["input_ids"]:
            inner = text[a:b].strip()
            a += text[a:b].index(inner)
            assert (start, end) == (a, a + len(inner))


def test_bytes_cover_their_character():
    spans, added = token_spans(ByT5Tokenizer(), "né 日", ByT5Tokenizer()("né 日")["input_ids"])
    assert spans[:3] == [(0, 1), (1, 2), (1, 2)]
    assert spans[-4:-1] == [(3, 4)] * 3
    assert added == [False] * 7 + [True]


@pytest.mark.parametrize("units", ["word", "token"])
def test_a_game_is_the_same_with_a_tokenizer_without_offsets(units):
    model, fast = load(CLASSIFIERS[0])
    slow, text = Slow(fast), "It was not bad at all! Say yes or no."
    games = [TextGame(model, tokenizer, text, units=units, target=1) for tokenizer in (fast, slow)]
    assert games[0].players == games[1].players
    rows = np.random.default_rng(0).random((20, games[0].n)) < 0.5
    np.testing.assert_array_equal(games[0](rows), games[1](rows))


def test_tokens_of_white_space_stay_with_a_tokenizer_without_offsets():
    model, fast = load("GPT2LMHeadModel")
    for text in ("\tdef f(x):\n\t\treturn x", "not\n\nbad  at\r\n all \n"):
        games = [TextGame(model, tokenizer, text, target=" yes") for tokenizer in (fast, Slow(fast))]
        assert games[0].players == games[1].players
        for present in (False, True):
            coalition = np.full(games[0].n, present)
            assert games[0].show(coalition) == games[1].show(coalition)
            assert games[1].show(coalition).count("\n") == text.count("\n")
        np.testing.assert_array_equal(*(game(np.eye(game.n) > 0) for game in games))


def test_a_tokenizer_that_does_not_lead_back_to_the_text():
    class Mute(Slow):
        def tokenize(self, text, **_):
            return super().tokenize(text)[::-1]

        def convert_tokens_to_string(self, tokens):
            return "?"

    with pytest.raises(ValueError, match=r"where in the text its tokens stand, and Mute neither has offsets"):
        TextGame(load(CLASSIFIERS[0])[0], Mute(tiny.wordpiece()), "not bad at all")
