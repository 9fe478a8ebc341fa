"""Answers token by token, and models whose decoder answers, against plain Hugging Face calls on one text at a time."""

import copy
import functools

import numpy as np
import pytest
import torch

import tiny
from spex_widget.games import Answer, Continuation, LogOdds, Perplexity, TextGame
from spex_widget.games.model.batching import Batcher
from spex_widget.games.model.subject import Subject
from spex_widget.games.targets.generation import token_texts
from spex_widget.games.targets.readout import Prompt
from spex_widget.session import Session
from test_text_models import CAUSAL
from text_reference import CLASSIFIERS, LANGUAGE, ROBERTA, TEXT, ablated, coalitions_of, load, logits_of, plain

GPT2 = "GPT2LMHeadModel"
ROWS = coalitions_of(len(TEXT.split()))
SEQ2SEQ = {"T5ForConditionalGeneration": tiny.unigram, "BartForConditionalGeneration": ROBERTA}


@functools.cache
def answering(kind):
    """A model with a decoder of its own, and what that starts with."""
    tokenizer = SEQ2SEQ[kind]()
    if kind.startswith("T5"):
        # Of this seed the answer is not one token over and over.
        return tiny.build(kind, tokenizer, seed=1, pad_token_id=0, decoder_start_token_id=0), tokenizer, [0]
    model = tiny.build(kind, tokenizer, decoder_start_token_id=2, forced_eos_token_id=2)
    model.generation_config.forced_bos_token_id = 0
    return model, tokenizer, [2, 0]


@torch.no_grad()
def token_scores(kind, x, ids):
    """The log-probability of each token of an answer to one coalition of TEXT."""
    if kind in LANGUAGE:
        given = ablated(kind, "word", "remove", x)
        scores = logits_of(load(kind)[0], given + ids).log_softmax(-1)[len(given) - 1 : -1]
    else:
        model, _, start = answering(kind)
        like = "LlamaForCausalLM" if kind.startswith("T5") else CLASSIFIERS[1]
        given = torch.tensor([ablated(like, "word", "remove", x)])
        scores = model(input_ids=given, decoder_input_ids=torch.tensor([start + ids])).logits[0].double()
        scores = scores.log_softmax(-1)[len(start) - 1 : -1]
    return [float(score[token]) for score, token in zip(scores, ids, strict=True)]


@torch.no_grad()
def greedy(kind, length):
    """The likeliest token, again and again, with nothing cached."""
    ids = []
    while len(ids) < length:
        if kind in LANGUAGE:
            model, tokenizer = load(kind)
            logits = logits_of(model, tokenizer(TEXT)["input_ids"] + ids)
        else:
            model, tokenizer, start = answering(kind)
            given = torch.tensor([tokenizer(TEXT)["input_ids"]])
            logits = model(input_ids=given, decoder_input_ids=torch.tensor([start + ids])).logits[0]
        ids.append(int(logits[-1].argmax()))
    return ids


def made(kind, **options):
    model, tokenizer = load(kind) if kind in LANGUAGE else answering(kind)[:2]
    return TextGame(model, tokenizer, TEXT, ablation="remove", **options)


def ids_of(kind, text):
    tokenizer = load(kind)[1] if kind in LANGUAGE else answering(kind)[1]
    # Behind a text SentencePiece has put the white space in front already.
    return plain(tokenizer, text if kind in (GPT2, "BartForConditionalGeneration") else text.strip())


@pytest.mark.parametrize(
    ("kind", "continuation", "warned"), [(GPT2, "yes", True), (GPT2, " yes", False), (GPT2, "不", False),
    ("T5ForConditionalGeneration", "yes", False)],
)  # fmt: skip
def test_a_continuation_without_a_space_before_it_is_wondered_at(kind, continuation, warned, caplog):
    made(kind, target=continuation)
    assert (f"is {' ' + continuation!r} meant?" in caplog.text) == warned


@pytest.mark.parametrize("length", [1, 6])
@pytest.mark.parametrize("kind", [*LANGUAGE, *SEQ2SEQ])
def test_every_token_of_the_models_own_answer_is_an_output(kind, length):
    ids = greedy(kind, length)
    game = made(kind, target=Answer(max_new_tokens=length))
    values = game(ROWS)
    np.testing.assert_allclose(values, [token_scores(kind, x, ids) for x in ROWS], rtol=1e-6, atol=1e-5)
    assert values.shape == (len(ROWS), length)
    assert len(set(game.outputs)) == length
    assert (np.ptp(values, axis=0) > 1e-3).all()


@pytest.mark.parametrize("kind", CAUSAL)
def test_architectures_answer_as_if_nothing_were_cached(kind):
    tokenizer = CAUSAL[kind]()
    model = tiny.build(kind, tokenizer)
    given = tokenizer(TEXT)["input_ids"]
    ids = []
    for _ in range(8):
        ids.append(int(logits_of(model, given + ids)[-1].argmax()))
    game = TextGame(model, tokenizer, TEXT, target=Answer(max_new_tokens=8), ablation="remove")
    scores = logits_of(model, given + ids).log_softmax(-1)[len(given) - 1 : -1]
    expected = [float(score[token]) for score, token in zip(scores, ids, strict=True)]
    np.testing.assert_allclose(game(np.ones(game.n, bool))[0], expected, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("kind", [*LANGUAGE, *SEQ2SEQ])
def test_a_given_answer_token_by_token_and_as_a_whole(kind):
    text = " maybe the plot"
    ids = ids_of(kind, text)
    values = made(kind, target=Answer(text))(ROWS)
    np.testing.assert_allclose(values, [token_scores(kind, x, ids) for x in ROWS], rtol=1e-6, atol=1e-5)
    whole = made(kind, target=Continuation(text))(ROWS)
    np.testing.assert_allclose(values.sum(axis=1, keepdims=True), whole, rtol=1e-6, atol=1e-5)
    np.testing.assert_allclose(made(kind, target=Perplexity(text))(ROWS), -whole / len(ids), rtol=1e-6, atol=1e-5)
    np.testing.assert_array_equal(made(kind, target=text)(ROWS), whole)


def test_all_of_an_answer_is_explained_until_a_part_is_chosen(tmp_path):
    game = made(GPT2, target=Answer(" maybe the plot"))
    session = Session(game, budget=16, log=tmp_path / "log")
    session.wait(60)
    assert "".join(session.header.answer) == game.answer == " maybe the plot"
    assert session.output.label == "“maybe the plot”"
    whole = made(GPT2, target=Continuation(" maybe the plot"))(np.ones((1, game.n), dtype=bool))
    assert session.output.of(session.probe([[True] * game.n])) == pytest.approx(whole[0], abs=1e-4)
    session.select(game.span("the plot"))
    assert session.output.label == "“the plot”"
    session.select(1)
    assert session.output.label == f"“{session.header.answer[1]}”"


@pytest.mark.parametrize("kind", SEQ2SEQ)
def test_log_odds_of_what_a_decoder_writes(kind):
    values = made(kind, target=LogOdds(" yes", " maybe the plot"))(ROWS)
    a, b = (ids_of(kind, text) for text in (" yes", " maybe the plot"))
    expected = [[sum(token_scores(kind, x, a)) - sum(token_scores(kind, x, b))] for x in ROWS]
    np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-5)
    assert np.ptp(values) > 1e-3


@pytest.mark.parametrize("kind", [*LANGUAGE, *SEQ2SEQ])
def test_without_a_target_the_first_token_is_measured(kind):
    expected = [token_scores(kind, x, greedy(kind, 1)) for x in ROWS]
    np.testing.assert_allclose(made(kind)(ROWS), expected, rtol=1e-6, atol=1e-5)


def test_an_answer_takes_one_pass():
    game = made(GPT2, target=Answer(max_new_tokens=8))
    model, passes = load(GPT2)[0], []
    hook = model.register_forward_pre_hook(lambda *_: passes.append(1))
    game(np.ones(game.n, bool))
    hook.remove()
    assert len(passes) == 1


def test_a_span_is_chosen_afterwards_with_no_new_ablation(tmp_path):
    model, tokenizer = load(GPT2)
    game = TextGame(model, tokenizer, "the plot was not bad", target=Answer(max_new_tokens=7))
    session = Session(game, log=tmp_path / "log")
    session.wait(60)
    everything = np.array([[bool(code >> i & 1) for i in range(5)] for code in range(32)])
    values, paid = game(everything), len(session.log)
    for which, expected in [
        (2, values[:, 2]),
        (game.outputs[4], values[:, 4]),
        (slice(3, 7), values[:, 3:7].sum(1)),
        (game.span(game.answer), values.sum(1)),
        (slice(None), values.sum(1)),
        ({game.outputs[0]: 1, game.outputs[1]: -0.5}, values[:, 0] - values[:, 1] / 2),
    ]:
        session.select(which)
        session.wait(60)
        np.testing.assert_allclose(session.result.predict(everything), expected, atol=1e-6)
    assert len(session.log) == paid == 32


@pytest.mark.parametrize("kind", [*LANGUAGE, *SEQ2SEQ])
def test_a_stretch_of_the_answer_is_found_by_its_text(kind):
    text = " maybe the plot was not bad, not good"
    game = made(kind, target=Answer(text))
    assert game.answer.strip() == text.strip()
    ids = ids_of(kind, text)
    decode = (load(kind) if kind in LANGUAGE else answering(kind))[1].decode
    for stretch in ("maybe", "the plot", "lot w", "was not bad, not", "good"):
        found = game.span(stretch)
        assert stretch.strip() in decode(ids[found])
        # No token less would do.
        for less in (slice(found.start + 1, found.stop), slice(found.start, found.stop - 1)):
            assert stretch.strip() not in decode(ids[less])
    assert game.span(game.answer) == slice(0, len(ids))
    with pytest.raises(ValueError, match=r"must occur in the answer just once, and 'not' does 2 times in '"):
        game.span("not")
    for absent in ("film", ""):
        with pytest.raises(ValueError, match=r"does 0 times in '"):
            game.span(absent)
    with pytest.raises(TypeError, match="given by its text, got int"):
        game.span(3)


def test_stretches_that_overlap_are_two():
    game = made(GPT2, target=Answer(" not not not"))
    with pytest.raises(ValueError, match="does 2 times"):
        game.span("not not")


def test_a_character_of_several_tokens_is_found_whole():
    game = made(GPT2, target=Answer("🙂 not"))
    assert game.answer == "🙂 not"
    assert (game.span("🙂"), game.span("not")) == (slice(0, 4), slice(4, 5))
    with pytest.raises(ValueError, match=r"0 times in '', for the target is no answer: Answer\(…\) measures one token"):
        made(GPT2, target=Continuation(" yes")).span("yes")
    assert made(GPT2).answer == made(GPT2).outputs[0]


# Where an answer ends


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("kind", [*LANGUAGE, *SEQ2SEQ])
def test_an_answer_ends_before_its_end_token(kind, several):
    model, tokenizer, *_ = load(kind) if kind in LANGUAGE else answering(kind)
    ids = greedy(kind, 12)
    first = next(k for k, token in enumerate(ids) if k and token not in ids[:k])
    model = copy.deepcopy(model)
    model.generation_config.eos_token_id = [len(tokenizer) - 1, ids[first]] if several else ids[first]
    make = functools.partial(TextGame, model, tokenizer, TEXT, target=Answer(), ablation="remove")
    np.testing.assert_allclose(make()(ROWS[:1])[0], token_scores(kind, ROWS[0], ids[:first]), atol=1e-5)
    model.generation_config.eos_token_id = ids[0]
    with pytest.raises(ValueError, match=r"at least one token, and \w+ ends its own at once; give one, as in Answer"):
        make()


def test_an_answer_is_no_longer_than_the_model_has_positions_for():
    model, tokenizer = load(GPT2)
    text = " ".join(["a"] * (tiny.POSITIONS - 4))
    game = TextGame(model, tokenizer, text, target=Answer())
    assert len(game.outputs) == 5  # the last one is only predicted
    assert np.isfinite(game(np.ones(game.n, bool))).all()
    kind = "BartForConditionalGeneration"
    model, tokenizer, start = answering(kind)
    game = TextGame(model, tokenizer, TEXT, target=Answer(max_new_tokens=500), ablation="remove")
    assert len(game.outputs) <= tiny.POSITIONS - len(start) + 1
    assert np.isfinite(game(np.ones(game.n, bool))).all()


@pytest.mark.parametrize(
    ("kind", "words", "most"),
    [(GPT2, tiny.POSITIONS - 4, 5), ("BartForConditionalGeneration", tiny.POSITIONS - 2, tiny.POSITIONS - 1)],
)
def test_a_continuation_of_just_the_length_that_the_model_takes(kind, words, most):
    """Behind the text of a causal model, behind the decoder's start (two tokens) of another; the last is not shown."""
    model, tokenizer, *_ = load(kind) if kind in LANGUAGE else answering(kind)
    assert len(plain(tokenizer, " a a")) == 2
    make = functools.partial(TextGame, model, tokenizer, " ".join(["a"] * words))
    game = make(target=" a" * most)
    assert np.isfinite(game(np.ones(game.n, bool))).all()
    with pytest.raises(ValueError, match=r"the (text with its )?continuation,?.* makes 97 tokens"):
        make(target=" a" * (most + 1))


@pytest.mark.parametrize(
    "search",
    [
        {"do_sample": True, "temperature": 9.0, "top_k": 3, "num_beams": 3},
        {"do_sample": True, "num_return_sequences": 3},
        {"num_beams": 4, "num_return_sequences": 2, "early_stopping": True, "length_penalty": 2.0},
        {"return_dict_in_generate": True, "output_scores": True, "output_logits": True},
        {"prompt_lookup_num_tokens": 3},
        {"penalty_alpha": 0.6, "top_k": 4},
        {"dola_layers": "high"},
        {"min_new_tokens": 100, "min_length": 300},
        {"max_length": 5},
        {"token_healing": True},
        {"stop_strings": ["not there"]},
    ],
    ids=lambda search: next(iter(search)),
)
def test_how_the_model_searches_is_of_no_account_and_training_goes_on(search):
    model = copy.deepcopy(load(GPT2)[0]).train()
    model.generation_config.update(**search)
    said = copy.deepcopy(model.generation_config)
    game = TextGame(model, tiny.byte_level(), TEXT, target=Answer(max_new_tokens=6))
    expected = made(GPT2, target=Answer(max_new_tokens=6))
    assert game.outputs == expected.outputs
    np.testing.assert_array_equal(game(ROWS), expected(ROWS))
    assert all(module.training for module in model.modules())
    assert model.generation_config == said


def test_which_tokens_the_model_is_not_to_write_is_heeded_and_what_it_ends_with():
    outputs = made(GPT2, target=Answer(max_new_tokens=6)).outputs
    assert outputs[3] == "was"
    assert "was" not in "".join(outputs[:3])
    model = copy.deepcopy(load(GPT2)[0])
    make = functools.partial(TextGame, model, tiny.byte_level(), TEXT, target=Answer(max_new_tokens=6))
    model.generation_config.suppress_tokens = greedy(GPT2, 1)
    assert outputs[0] not in make().outputs
    model.generation_config.update(suppress_tokens=None, stop_strings=["was"])
    assert make().outputs == outputs[:4]


# What its tokens are called


def texts_of(kind, text, continuation):
    subject = Subject.of(*load(kind))
    prompt = Prompt(Batcher(subject), text, subject.encode(text).inputs)
    return token_texts(prompt, subject.continuation(text, continuation))


@pytest.mark.parametrize("kind", LANGUAGE)
def test_tokens_go_by_their_text_with_its_white_space(kind):
    texts = texts_of(kind, "the plot was", " not bad at all not bad")
    assert "".join(text.split(" (")[0] for text in texts) == " not bad at all not bad"
    assert len(set(texts)) == len(texts)
    assert any(text.endswith(" (2)") for text in texts)


def test_a_token_without_a_text_goes_by_its_name():
    assert texts_of(GPT2, "the plot was", "\n") == ("Ċ",)
    smile = texts_of(GPT2, "the plot was", "🙂 not")
    assert len(smile) == 5
    assert all("\N{REPLACEMENT CHARACTER}" not in text and text for text in smile)
    assert smile[-1] == " not"


def test_a_token_that_the_tokenizer_does_not_know_goes_by_its_number():
    tokenizer = tiny.byte_level()
    model = tiny.build(GPT2, tokenizer, vocab_size=len(tokenizer) + 4)
    prompt = Prompt(Batcher(Subject.of(model, tokenizer)), "not bad", np.array([plain(tokenizer, "not bad")]))
    beyond = len(tokenizer) + 2
    assert token_texts(prompt, (beyond, beyond)) == (f"token {beyond}", f"token {beyond} (2)")


def test_what_is_left_of_an_answer_game_has_its_answer():
    game = TextGame(*load(GPT2), TEXT, target=Answer(" yes or no"), units="sentence")
    for part in (game.restrict([0, 2]), game.restrict([0, 1, 2]).restrict([2, 0])):
        assert part.answer == "".join(part.answer_tokens) == " yes or no"
        assert (part.span("or"), part.span("yes or")) == (game.span("or"), game.span("yes or"))
    other = TextGame(*load(GPT2), TEXT, target=" yes", units="sentence").restrict([0, 1])
    assert other.answer == TextGame(*load(CLASSIFIERS[0]), TEXT).answer == ""


def test_what_an_answer_game_says_of_itself():
    game = made(GPT2, target=Answer(" yes no yes"))
    assert game.outputs == (" yes", " no", " yes (2)")
    assert game.value == "log-probability"
    one = made(GPT2, target=Answer(" yes"))
    assert (one.outputs, one.value) == ((" yes",), "log-probability of ' yes'")
    prints = {made(GPT2, target=Answer(text)).fingerprint() for text in (" yes no", " yes yes", " no no")}
    assert len(prints) == 3


# What cannot be answered


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: Answer(3), TypeError, r"a continuation must be a str, got int"),
        (lambda: Answer(max_new_tokens=0), ValueError, r"max_new_tokens must be .*at least 1, got 0"),
        (lambda: Answer(max_new_tokens=2.5), TypeError, r"max_new_tokens must be .* got"),
        (lambda: made(GPT2, target=Answer("")), ValueError, r"a continuation must have at least one token, got ''"),
        (
            lambda: TextGame(*load(CLASSIFIERS[0]), TEXT, target=Answer()),
            ValueError,
            r"is a classifier, which writes nothing, got Answer\(\); Label or LogOdds measure one of its labels: 'NEG",
        ),
        (
            lambda: made("BartForConditionalGeneration", target=" yes no" * 60),
            ValueError,
            r"the continuation, with the decoder's start, makes .* takes 96 at most",
        ),
        (
            lambda: made("T5ForConditionalGeneration", target=""),
            ValueError,
            r"a continuation must have at least one token, got ''",
        ),
    ],
)
def test_answers_that_cannot_be(make, error, match):
    with pytest.raises(error, match=match):
        make()
