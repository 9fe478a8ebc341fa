"""The text game's values, against plain Hugging Face calls on one input at a time."""

import copy
import functools

import numpy as np
import pytest

import tiny
from spex_widget.games import Continuation, Label, LogOdds, TextGame
from text_reference import (
    CLASSIFIERS,
    LANGUAGE,
    MODELS,
    TEXT,
    ablated,
    coalitions_of,
    load,
    log_probability,
    plain,
    reference_logits,
)

CLASSIFIER_TARGETS = {
    "logit": ("POSITIVE", lambda z: z[2]),
    "index": (1, lambda z: z[1]),
    "logprob": (Label("neutral", "logprob"), lambda z: z[1] - z.exp().sum().log()),
    "logodds": (Label("NEGATIVE", scale="logodds"), lambda z: z[0] - (z[1].exp() + z[2].exp()).log()),
    "against all": (LogOdds("NEGATIVE"), lambda z: z[0] - (z[1].exp() + z[2].exp()).log()),
    "against one": (LogOdds("positive", 0), lambda z: z[2] - z[0]),
}
SETTINGS = [
    (kind, units, ablation)
    for kind in MODELS
    for units in ("word", "token", "sentence")
    for ablation in ("mask_token", "remove")
    if ablation == "remove" or MODELS[kind]().mask_token_id is not None
]


@pytest.mark.parametrize("target", CLASSIFIER_TARGETS)
@pytest.mark.parametrize(("kind", "units", "ablation"), [s for s in SETTINGS if s[0] not in LANGUAGE])
def test_classifiers_in_batches_as_one_at_a_time(kind, units, ablation, target):
    asked, read = CLASSIFIER_TARGETS[target]
    game = TextGame(*load(kind), TEXT, units=units, ablation=ablation, target=asked)
    values = game(coalitions_of(game.n))
    expected = [[float(read(z))] for z in reference_logits(kind, units, ablation)]
    np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-5)
    assert values.dtype == np.float64
    assert np.ptp(values) > 0.01


@pytest.mark.parametrize("target", [" yes", " maybe the plot", ""])
@pytest.mark.parametrize(("kind", "units", "ablation"), [s for s in SETTINGS if s[0] in LANGUAGE])
def test_language_models_in_batches_as_one_at_a_time(kind, units, ablation, target):
    model, tokenizer = load(kind)
    if target:
        game = TextGame(model, tokenizer, TEXT, units=units, ablation=ablation, target=target)
        continuation = plain(tokenizer, target if kind == "GPT2LMHeadModel" else target.strip())
    else:
        game = TextGame(model, tokenizer, TEXT, units=units, ablation=ablation)
        continuation = [int(reference_logits(kind, units, ablation)[0][-1].argmax())]
    rows = coalitions_of(game.n)
    expected = [[log_probability(model, ablated(kind, units, ablation, x), continuation)] for x in rows]
    values = game(rows)
    np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-5)
    assert np.ptp(values) > 0.01
    assert (values < 0).all()


@pytest.mark.parametrize(("a", "b"), [(" yes", " no"), (" yes", " maybe the plot"), (" yes yes no", " yes no")])
@pytest.mark.parametrize("kind", LANGUAGE)
def test_log_odds_of_continuations(kind, a, b):
    model, tokenizer = load(kind)
    rows = coalitions_of(len(TEXT.split()))
    values = TextGame(model, tokenizer, TEXT, target=LogOdds(a, b))(rows)
    tokens = [plain(tokenizer, t if kind == "GPT2LMHeadModel" else t.strip()) for t in (a, b)]
    prompts = [ablated(kind, "word", "remove", x) for x in rows]
    expected = [[log_probability(model, p, tokens[0]) - log_probability(model, p, tokens[1])] for p in prompts]
    np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-5)
    apart = [TextGame(model, tokenizer, TEXT, target=Continuation(t))(rows) for t in (a, b)]
    np.testing.assert_allclose(values, apart[0] - apart[1], rtol=1e-6, atol=1e-5)
    np.testing.assert_allclose(values, -TextGame(model, tokenizer, TEXT, target=LogOdds(b, a))(rows), rtol=0, atol=1e-9)


@pytest.mark.parametrize("kind", [kind for kind in MODELS if kind not in LANGUAGE])
def test_log_odds_of_labels_are_made_of_their_log_probabilities(kind):
    rows = coalitions_of(len(TEXT.split()))
    make = functools.partial(TextGame, *load(kind), TEXT)
    p = {name: make(target=Label(name, "logprob"))(rows) for name in tiny.LABELS.values()}
    np.testing.assert_allclose(sum(np.exp(x) for x in p.values()), 1, atol=1e-6)
    np.testing.assert_allclose(
        make(target=LogOdds("POSITIVE", "NEUTRAL"))(rows), p["POSITIVE"] - p["NEUTRAL"], atol=1e-5
    )
    np.testing.assert_allclose(
        make(target=LogOdds("POSITIVE"))(rows), p["POSITIVE"] - np.log1p(-np.exp(p["POSITIVE"])), atol=1e-5
    )


@pytest.mark.parametrize(("kind", "units", "ablation"), SETTINGS)
def test_every_player_matters(kind, units, ablation):
    game = TextGame(*load(kind), TEXT, units=units, ablation=ablation)
    one_gone = game(~np.eye(game.n, dtype=bool))
    whole = game(np.ones(game.n, bool))
    assert (np.abs(one_gone - whole) > 1e-4).mean() > 0.9


def test_multi_label_classifiers_have_a_probability_for_each_label():
    model = copy.deepcopy(load(CLASSIFIERS[0])[0])
    model.config.problem_type = "multi_label_classification"
    make = functools.partial(TextGame, model, tiny.wordpiece(), "not bad at all")
    rows = coalitions_of(4)
    z = {name: make(target=name)(rows) for name in tiny.LABELS.values()}
    np.testing.assert_allclose(make(target=LogOdds("POSITIVE"))(rows), z["POSITIVE"], atol=1e-6)
    np.testing.assert_allclose(make(target=Label(2, "logprob"))(rows), -np.log1p(np.exp(-z["POSITIVE"])), atol=1e-5)
    np.testing.assert_allclose(
        make(target=LogOdds("POSITIVE", "NEUTRAL"))(rows),
        np.log1p(np.exp(-z["NEUTRAL"])) - np.log1p(np.exp(-z["POSITIVE"])),
        atol=1e-5,
    )
