"""What stands for an ablated player, against token ids put together here and plain Hugging Face calls on them."""

import copy
import functools

import numpy as np
import pytest
import torch

import tiny
from spex_widget.games import Infill, Neutral, Replace, TextGame
from text_reference import CLASSIFIERS, LANGUAGE, MODELS, coalitions_of, load, log_probability, logits_of, plain

BERT, GPT2, LLAMA = CLASSIFIERS[0], "GPT2LMHeadModel", "LlamaForCausalLM"
TEXT = "the plot was not bad at all"
N = 7


def game_of(kind, ablation, text=TEXT, **options):
    return TextGame(*load(kind), text, ablation=ablation, target=" yes" if kind in LANGUAGE else "POSITIVE", **options)


def value_of(kind, ids):
    model, tokenizer = load(kind)
    if kind not in LANGUAGE:
        return float(logits_of(model, ids)[2])
    return log_probability(model, ids, plain(tokenizer, " yes" if kind == GPT2 else "yes"))


def check(game, kind, row, ids):
    assert game.show(row) == load(kind)[1].decode(ids)
    np.testing.assert_allclose(game(row)[0, 0], value_of(kind, ids), atol=1e-5)


# A neutral token


@pytest.mark.parametrize(
    ("kind", "ablation", "token", "words"),
    [
        (BERT, "neutral", "[UNK]", "'[UNK]'"),
        (CLASSIFIERS[1], "neutral", "<unk>", "'<unk>'"),
        (GPT2, "neutral", "Ġ", "' '"),  # its token for unknown words ends a text
        (LLAMA, "neutral", "<unk>", "'<unk>'"),
        (GPT2, Neutral(" was"), "Ġwas", "' was'"),
        (GPT2, Neutral("Ġwas"), "Ġwas", "' was'"),
        (BERT, Neutral("[MASK]"), "[MASK]", "'[MASK]'"),
    ],
)
def test_a_neutral_token_stands_for_each_token_of_an_ablated_player(kind, ablation, token, words):
    tokenizer = load(kind)[1]
    game = game_of(kind, ablation)
    assert game.ablation == f"replaced by {words}"
    whole = tokenizer(TEXT)["input_ids"]
    neutral = tokenizer.convert_tokens_to_ids(token)
    assert len(whole) - N in (0, 1, 2) or kind in (LLAMA, GPT2)
    check(game, kind, np.ones(N, bool), whole)
    special = set(tokenizer.all_special_ids)
    check(game, kind, np.zeros(N, bool), [i if i in special else neutral for i in whole])


# A text in the place of another


@pytest.mark.parametrize("kind", MODELS)
def test_replaced_players_make_the_text_that_a_person_would_write(kind):
    tokenizer = load(kind)[1]
    words = TEXT.split()
    others = {"the": "a", "plot": "dull evening", "was": "is", 3: "really", "bad": "good", "at": "", "all": "the film"}
    instead = ["a", "dull evening", "is", "really", "good", "", "the film"]
    game = game_of(kind, others)
    assert game.ablation == "replaced by a text given for each"
    for row in coalitions_of(N):
        text = " ".join(w for w in (w if x else o for w, o, x in zip(words, instead, row, strict=True)) if w)
        check(game, kind, row, tokenizer(text)["input_ids"])


@pytest.mark.parametrize("kind", [BERT, CLASSIFIERS[1], GPT2, LLAMA])
def test_one_text_for_all_players_stands_at_every_part_of_a_group(kind):
    tokenizer = load(kind)[1]
    game = game_of(kind, Replace("was good"), "not bad, not good", units={"not": "not", "tone": ["bad", "good"]})
    assert game.ablation == "replaced by 'was good'"
    check(game, kind, [False, True], tokenizer("was good bad, was good good")["input_ids"])


def test_players_that_are_replaced_by_nothing_may_leave_nothing():
    game = game_of(GPT2, Replace(""))
    check(game, GPT2, np.zeros(N, bool), [load(GPT2)[1].bos_token_id])
    np.testing.assert_array_equal(game(coalitions_of(N)), game_of(GPT2, "remove")(coalitions_of(N)))


def test_players_of_the_same_label_are_replaced_alike_but_by_index():
    make = functools.partial(game_of, BERT, text="not bad not good")
    assert make({"not": "the", "bad": "film", "good": "plot"}).show([0] * 4) == "[CLS] the film the plot [SEP]"
    others = {"not": "the", 2: "a", "bad": "film", "good": "plot"}
    assert make(others).show([0] * 4) == "[CLS] the film a plot [SEP]"


# Hidden by the attention mask


@torch.no_grad()
def directly(kind, row, suffix=()):
    """The logits of the row's tokens alone, each at the position that it has in the whole text; how many these are."""
    model, tokenizer = load(kind)
    space = "" if kind == LLAMA else " "
    words = [plain(tokenizer, space * (i > 0) + word) for i, word in enumerate(TEXT.split())]
    before, after = {BERT: ([2], [3]), CLASSIFIERS[1]: ([0], [2]), GPT2: ([], []), LLAMA: ([1], [])}[kind]
    owned = [(token, i) for i, word in enumerate(words) for token in word]
    whole = [*((token, None) for token in before), *owned, *((token, None) for token in after)]
    assert [token for token, _ in whole] == tokenizer(TEXT)["input_ids"]
    kept = [(at, token) for at, (token, word) in enumerate(whole) if word is None or row[word]]
    first = 2 if kind == CLASSIFIERS[1] else 0  # RoBERTa counts from behind the padding token, which is 1
    at = [at + first for at, _ in kept]
    at += range(at[-1] + 1, at[-1] + 1 + len(suffix))
    ids = [*(token for _, token in kept), *suffix]
    logits = model(input_ids=torch.tensor([ids]), position_ids=torch.tensor([at])).logits[0]
    return logits.double(), len(kept)


ROWS = [[1, 1, 1, 0, 1, 1, 1], [0, 0, 1, 1, 0, 1, 1], [1, 0, 1, 1, 1, 0, 0], [0, 1, 0, 0, 1, 0, 1], [1] * 7]


@pytest.mark.parametrize("kind", [BERT, CLASSIFIERS[1], GPT2, LLAMA])
def test_hidden_tokens_are_as_if_removed_with_the_positions_of_the_others_kept(kind):
    game = game_of(kind, "attention")
    assert game.ablation == "hidden by the attention mask"
    suffix = plain(load(kind)[1], " yes" if kind == GPT2 else "yes") if kind in LANGUAGE else ()
    values = game(np.array(ROWS))
    for row, value in zip(ROWS, values, strict=True):
        logits, length = directly(kind, row, suffix)
        expected = logits[2]
        if kind in LANGUAGE:
            scores = logits.log_softmax(-1)
            expected = sum(scores[length - 1 + j, token] for j, token in enumerate(suffix))
        np.testing.assert_allclose(value[0], float(expected), atol=1e-5)
    assert np.abs(values - game_of(kind, "remove")(np.array(ROWS)))[:-1].max() > 1e-3  # positions matter


def test_a_text_that_ends_with_the_token_that_it_begins_with_can_be_hidden_too():
    model = tiny.build("Qwen3ForCausalLM", tiny.byte_level())
    game = TextGame(model, tiny.byte_level(), " bad at all not bad", ablation="attention", target=" yes")
    assert game.ablation == "hidden by the attention mask"


def test_what_is_hidden_is_shown():
    assert game_of(GPT2, "attention").show(ROWS[1]) == "[hidden: the plot] was not [hidden: bad] at all"
    assert game_of(BERT, "attention").show(ROWS[0]) == "[CLS] the plot was [hidden: not] bad at all [SEP]"
    assert game_of(LLAMA, "attention").show(ROWS[3]) == (
        "<s> [hidden: the] plot [hidden: was not] bad [hidden: at] all"
    )
    assert game_of(GPT2, "attention").show([0] * 7) == f"<|endoftext|>[hidden: {TEXT}]"


def test_a_text_that_is_hidden_whole_starts_from_the_start_token():
    tokenizer = load(GPT2)[1]
    value = game_of(GPT2, "attention")(np.zeros(N, bool))[0, 0]
    np.testing.assert_allclose(value, value_of(GPT2, [tokenizer.bos_token_id]), atol=1e-5)


@pytest.mark.parametrize("kind", ["DistilBertForSequenceClassification", "T5ForConditionalGeneration"])
def test_what_is_hidden_may_be_anything(kind):
    tokenizer = tiny.wordpiece() if kind.startswith("Distil") else with_end(tiny.unigram())
    changes = {} if kind.startswith("Distil") else {"decoder_start_token_id": 0}
    model = tiny.build(kind, tokenizer, **changes)
    make = functools.partial(
        TextGame, model, tokenizer, ablation="attention", target=0 if kind.startswith("Distil") else "yes"
    )
    one, other = make("the plot was not bad at all"), make("the film was not good at all")  # of as many tokens
    rows = np.array([[1, 0, 1, 1, 0, 1, 1], [0, 0, 1, 0, 0, 0, 1]], bool)
    np.testing.assert_allclose(one(rows), other(rows), atol=1e-5)
    assert abs(one(np.ones(N, bool)) - other(np.ones(N, bool))) > 1e-3


def with_end(tokenizer):
    from tokenizers.processors import TemplateProcessing

    tokenizer = copy.deepcopy(tokenizer)
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 2)])
    return tokenizer


@pytest.mark.parametrize("named", [True, False])
def test_a_hybrid_model_does_not_hide_and_says_so(named, monkeypatch):
    model = tiny.build("Qwen3_5ForCausalLM", tiny.byte_level())
    if not named:  # found out by trying
        monkeypatch.setattr("spex_widget.games.ablation.hiding._other_layers", lambda subject: False)
    with pytest.raises(ValueError, match=r"'attention' would not hide a player from Qwen3_5.*; ablation='remove'"):
        TextGame(model, tiny.byte_level(), TEXT, ablation="attention", target=" yes")


@pytest.mark.parametrize(
    ("kind", "tokenizer"),
    [
        ("FNetForSequenceClassification", tiny.wordpiece),  # takes no mask
        ("BloomForCausalLM", tiny.byte_level),  # counts positions along the mask
        ("BartForSequenceClassification", functools.partial(tiny.byte_level, "roberta")),  # its decoder sees it all
    ],
)
def test_models_that_do_not_hide_are_refused(kind, tokenizer):
    with pytest.raises(ValueError, match=rf"'attention' would not hide a player from {kind}"):
        TextGame(
            tiny.build(kind, tokenizer()), tokenizer(), TEXT, ablation="attention", target=" yes" if "LM" in kind else 0
        )


@pytest.mark.parametrize(
    ("kind", "tokenizer"),
    [
        ("Qwen3ForCausalLM", tiny.byte_level),
        ("Gemma3ForCausalLM", tiny.unigram),
        ("GptOssForCausalLM", tiny.byte_level),
    ],
)
def test_behind_a_shared_prefix_hidden_tokens_are_hidden_as_well(kind, tokenizer):
    model = tiny.build(kind, tokenizer())
    fixed = "Is it good? Say yes or no. I expected a dull evening, but the plot was good."
    make = functools.partial(TextGame, model, tokenizer(), f"{fixed} {TEXT}", ablation="attention", protect=fixed)
    rows = coalitions_of(N)
    alone = make(target="yes")
    values = [alone(row)[0] for row in rows]
    np.testing.assert_allclose(make(target="yes")(rows), values, atol=1e-5)
    assert np.ptp(values) > 1e-3


@pytest.mark.parametrize("first", ["hidden", "shown"])
def test_what_is_hidden_within_a_shared_prefix_stays_hidden(first):
    text = "Is it good? Say yes or no. I expected a dull evening, but the plot was good. It was not bad at all"
    model = tiny.build("Qwen3ForCausalLM", tiny.byte_level())
    make = functools.partial(TextGame, model, tiny.byte_level(), text, ablation="attention", target=" yes")
    free = coalitions_of(6, 20)
    free[:, -1] = True  # a row ends with what is shown
    shown = np.hstack([np.ones((len(free), make().n - 6), bool), free])
    hidden = shown.copy()
    hidden[:, [0, *range(2, make().n - 6)]] = False
    alone, game = make(), make()
    values = {"hidden": [alone(row)[0] for row in hidden], "shown": [alone(row)[0] for row in shown]}
    rows = {"hidden": hidden, "shown": shown}
    for which in (first, *({"hidden", "shown"} - {first})):
        before = game.work.tokens
        with game.unchanged():
            np.testing.assert_allclose(game(rows[which]), values[which], rtol=1e-6, atol=1e-5)
    assert np.ptp(values["hidden"]) > 1e-3
    # What is hidden within it is no reason not to share it.
    assert game.work.tokens - before < len(free) * len(plain(tiny.byte_level(), text)) / 2


def test_what_cannot_be_seen_to_hide_is_refused():
    model = copy.deepcopy(load(BERT)[0])
    torch.nn.init.zeros_(model.classifier.weight)  # says the same of everything, as where the mask is overlooked
    with pytest.raises(ValueError, match=r"'attention' would not hide a player from BertForSequenceClassification"):
        TextGame(model, tiny.wordpiece(), TEXT, ablation="attention", target=0)


# Filled in by a masked language model


@functools.cache
def masked_model(seed=3):
    return tiny.build("BertForMaskedLM", tiny.wordpiece(), seed=seed)


@torch.no_grad()
def guessed(word):
    """The likeliest other token in the place of one, all else being there."""
    tokenizer = tiny.wordpiece()
    ids = tokenizer(TEXT)["input_ids"]
    at = 1 + TEXT.split().index(word)
    assert len(ids) == N + 2
    scores = masked_model()(input_ids=torch.tensor([[*ids[:at], 4, *ids[at + 1 :]]])).logits[0, at]
    ranked = scores.argsort(descending=True).tolist()
    return next(i for i in ranked if i > 4 and i != ids[at])


def test_infill_is_the_likeliest_other_token_given_the_whole_rest():
    tokenizer = tiny.wordpiece()
    game = game_of(BERT, Infill(masked_model(), tokenizer))
    assert game.ablation == "replaced by a language model's guess"
    whole = tokenizer(TEXT)["input_ids"]
    asked = 0
    for i, word in enumerate(TEXT.split()):
        guess = guessed(word)
        if not tokenizer.convert_ids_to_tokens(guess).startswith("##"):
            check(game, BERT, np.arange(N) != i, [*whole[: i + 1], guess, *whole[i + 2 :]])
            asked += 1
    assert asked > 2
    # Computed once a player: what stands for one does not depend on who else is ablated.
    alone = [game.show(np.arange(N) != i).split()[i + 1] for i in range(N)]
    assert game.show(np.zeros(N, bool)).split()[1:-1] == alone


@pytest.mark.parametrize("kind", [GPT2, LLAMA, CLASSIFIERS[1]])
def test_infill_serves_models_of_other_vocabularies(kind):
    game = game_of(kind, Infill(masked_model(), tiny.wordpiece()), units={"a": "plot", "b": ["not", "at"]})
    row, tokenizer = [False, True], load(kind)[1]
    shown = game_of(BERT, Infill(masked_model(), tiny.wordpiece()), units={"a": "plot", "b": ["not", "at"]}).show(row)
    check(game, kind, row, tokenizer(shown.removeprefix("[CLS] ").removesuffix(" [SEP]"))["input_ids"])


def test_infill_is_never_what_was_there():
    model = copy.deepcopy(masked_model())
    with torch.no_grad():
        model.cls.predictions.bias[tiny.wordpiece().convert_tokens_to_ids("not")] = 1e3
    shown = game_of(BERT, Infill(model, tiny.wordpiece())).show(np.zeros(N, bool)).split()[1:-1]
    assert [word == "not" for word in shown] == [word != "not" for word in TEXT.split()]


def test_infill_masks_all_tokens_of_a_player_at_once():
    seen = []
    model = copy.deepcopy(masked_model())
    model.register_forward_pre_hook(lambda _, __, inputs: seen.append(inputs["input_ids"].clone()), with_kwargs=True)
    game_of(GPT2, Infill(model, tiny.wordpiece()), units={"a": ["plot", "bad"], "b": "not"})
    (batch,) = seen
    assert [tiny.wordpiece().decode(row) for row in batch] == [
        "[CLS] the [MASK] was not [MASK] at all [SEP]",
        "[CLS] the plot was [MASK] bad at all [SEP]",
    ]


# What cannot be


@pytest.mark.parametrize(
    ("kind", "ablation", "error", "match"),
    [
        (BERT, lambda: Neutral(3), TypeError, r"a neutral token must be a str, got int 3"),
        (GPT2, lambda: Neutral(" evening"), ValueError, r"must be one token, .* makes 4 of ' evening'; Replace\("),
        (BERT, lambda: Replace(3), TypeError, r"replacements must be a str for all players, or a mapping .* got 3"),
        (BERT, lambda: Replace({"the": 3}), TypeError, r"replacements must be a str .* got \{'the': 3\}"),
        (BERT, lambda: {"the": "a"}, ValueError, r"replacements must be given for each player .*, and 'plot' has none"),
        (BERT, lambda: {"good": "a"}, ValueError, r"replacements must be given for .* and 'good' is none"),
        (BERT, lambda: {9: "a"}, ValueError, r"replacements must be given for .* and 9 is none"),
        (BERT, lambda: Replace("good " * 20), ValueError, r"the text with its replacements makes 142 tokens"),
        (BERT, lambda: Infill("bert", None), TypeError, r"Infill takes a loaded masked language model.*, got str"),
        (BERT, lambda: Infill(load(BERT)[0], tiny.wordpiece()), TypeError, r"masked language model.*, got BertForS"),
        (BERT, lambda: Infill(masked_model(), tiny.byte_level()), ValueError, r"with a mask token and offsets"),
        (BERT, lambda: Infill(masked_model(), "bert"), TypeError, r"takes the model's own tokenizer, .* got str"),
        (BERT, lambda: "infill", ValueError, r"ablation must be one of .*'attention', or Neutral.* got 'infill'"),
        (BERT, lambda: None, ValueError, r"ablation must be one of .* got None"),
    ],
)
def test_ablations_that_cannot_be(kind, ablation, error, match):
    with pytest.raises(error, match=match):
        game_of(kind, ablation())


def test_a_continuation_behind_the_longest_replacement_must_fit():
    assert game_of(GPT2, Replace("not " * 8), "a b").n == 2
    with pytest.raises(ValueError, match=r"takes 96 at most"):
        TextGame(*load(GPT2), "a b", ablation=Replace(" not" * 45), target=" yes no" * 10)


def test_a_text_too_long_to_be_filled_in():
    model = tiny.build("BertForMaskedLM", tiny.wordpiece(), max_position_embeddings=8)
    with pytest.raises(ValueError, match=r"the text, to be filled in, makes 9 tokens.* takes 8 at most"):
        game_of(GPT2, Infill(model, tiny.wordpiece()))


def test_ablations_tell_games_apart():
    ablations = [
        "mask_token",
        "remove",
        "neutral",
        "attention",
        Replace("a"),
        Replace(dict.fromkeys(TEXT.split(), "a")),
    ]
    assert len({game_of(BERT, ablation).fingerprint() for ablation in ablations}) == len(ablations)
