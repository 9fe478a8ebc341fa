"""What is measured of a model, against plain Hugging Face calls on one text at a time."""

import copy
import functools

import numpy as np
import pytest
import torch

import tiny
from spex_widget import demo
from spex_widget.games import Continuation, Custom, Label, LogOdds, Perplexity, Similarity, TextGame
from text_reference import (
    CLASSIFIERS,
    LANGUAGE,
    ROBERTA,
    TEXT,
    ablated,
    coalitions_of,
    load,
    log_probability,
    plain,
    reference_logits,
)

BERT, GPT2 = CLASSIFIERS[0], "GPT2LMHeadModel"
ROWS = coalitions_of(len(TEXT.split()))


def check(game, expected, atol=1e-5):
    values = game(ROWS)
    np.testing.assert_allclose(values, expected, rtol=0, atol=atol)
    assert (np.ptp(values, axis=0) > 1e-3).all()


# Labels


@pytest.mark.parametrize("label", tiny.LABELS.values())
@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_the_probability_of_a_label(kind, label):
    game = TextGame(*load(kind), TEXT, target=Label(label, "probability"), ablation="remove")
    place = list(tiny.LABELS.values()).index(label)
    check(game, [[float(z.softmax(0)[place])] for z in reference_logits(kind, "word", "remove")])
    assert (game.outputs, game.value) == ((label,), f"probability of {label}")


def test_the_probability_of_one_label_among_independent_ones():
    model = copy.deepcopy(load(BERT)[0])
    model.config.problem_type = "multi_label_classification"
    game = TextGame(model, tiny.wordpiece(), TEXT, target=Label(2, "probability"), ablation="remove")
    check(game, [[float(z[2].sigmoid())] for z in reference_logits(BERT, "word", "remove")])


@pytest.mark.parametrize("scale", ["logit", "probability"])
def test_the_label_that_the_model_gives_the_whole_text(scale):
    best = int(reference_logits(BERT, "word", "remove")[0].argmax())
    own, named = (TextGame(*load(BERT), TEXT, target=target) for target in (Label(scale=scale), Label(best, scale)))
    np.testing.assert_array_equal(own(ROWS), named(ROWS))
    assert own.fingerprint() == named.fingerprint()


def test_several_labels_are_as_many_outputs():
    labels = list(tiny.LABELS.values())
    game = TextGame(*load(BERT), TEXT, target=[labels[2], Label(labels[0], "probability")], ablation="remove")
    logits = reference_logits(BERT, "word", "remove")
    check(game, [[float(z[2]), float(z.softmax(0)[0])] for z in logits])
    assert game.outputs == (labels[2], labels[0])
    assert game.value == f"logit of {labels[2]}; probability of {labels[0]}"
    assert TextGame(*load(BERT), TEXT, target=labels[:2], ablation="remove").value == "logit"
    with pytest.raises(ValueError, match="name each output once"):
        TextGame(*load(BERT), TEXT, target=[labels[0], labels[0]])


# Perplexity


@pytest.mark.parametrize("text", [" yes", " maybe the plot was good"])
@pytest.mark.parametrize("kind", LANGUAGE)
def test_perplexity_is_a_mean_over_tokens(kind, text):
    model, tokenizer = load(kind)
    ids = plain(tokenizer, text if kind == GPT2 else text.strip())
    surprise = [[-log_probability(model, ablated(kind, "word", "remove", x), ids) / len(ids)] for x in ROWS]
    make = functools.partial(TextGame, model, tokenizer, TEXT)
    check(make(target=Perplexity(text)), surprise)
    np.testing.assert_allclose(make(target=Perplexity(text, log=False))(ROWS), np.exp(surprise), rtol=1e-5)
    assert make(target=Perplexity(text)).value == f"log-perplexity of {text!r}"
    assert make(target=Perplexity(text, log=False)).value == f"perplexity of {text!r}"


# Similarity


@functools.cache
def encoder(kind):
    tokenizer = {"BertModel": tiny.wordpiece, "RobertaModel": ROBERTA, "GPT2Model": tiny.byte_level}[kind]()
    return tiny.build(kind, tokenizer), tokenizer


# Another model of the same tokenizer, whose ablated texts `ablated` knows.
LIKE = {"BertModel": BERT, "RobertaModel": CLASSIFIERS[1], "GPT2Model": GPT2}


@torch.no_grad()
def states_of(model, ids):
    return model(input_ids=torch.tensor([ids])).last_hidden_state[0].double()


def cosine(a, b):
    return float(a @ b / (a.norm() * b.norm()))


POOLED = {"mean": lambda h: h.mean(0), "cls": lambda h: h[0], "last": lambda h: h[-1]}


@torch.no_grad()
def embedding_of(model, pool, ids):
    if pool == "pooler":
        return model(input_ids=torch.tensor([ids])).pooler_output[0].double()
    return POOLED[pool](states_of(model, ids))


@pytest.mark.parametrize("query", ["a dull film", None])
@pytest.mark.parametrize(
    ("kind", "pool"),
    # A causal model has no pooler, and what it makes of its first token, it makes of that token alone.
    [(kind, pool) for kind in ("BertModel", "RobertaModel") for pool in (*POOLED, "pooler")]
    + [("GPT2Model", "mean"), ("GPT2Model", "last")],
)
def test_similarity_is_the_cosine_of_embeddings(kind, pool, query):
    model, tokenizer = encoder(kind)
    embed = functools.partial(embedding_of, model, pool)
    other = embed(tokenizer(query or TEXT)["input_ids"])
    game = TextGame(model, tokenizer, TEXT, target=Similarity(query, pool), ablation="remove")
    check(game, [[cosine(embed(ablated(LIKE[kind], "word", "remove", x)), other)] for x in ROWS])
    if query is None:
        np.testing.assert_allclose(game(ROWS[:1]), 1, atol=1e-6)


def test_a_string_is_a_query_and_nothing_the_text_itself():
    model, tokenizer = encoder("BertModel")
    for given, meant in [("a dull film", Similarity("a dull film")), (None, Similarity())]:
        games = [TextGame(model, tokenizer, TEXT, target=target) for target in (given, meant)]
        np.testing.assert_array_equal(games[0](ROWS), games[1](ROWS))
        assert games[0].fingerprint() == games[1].fingerprint()
    assert games[0].value == "similarity to itself, whole (mean of the tokens)"
    assert games[0].outputs == ("the whole text",)


@pytest.mark.parametrize(("kind", "pool"), [("BertModel", "mean"), ("GPT2Model", "mean"), ("GPT2Model", "last")])
def test_what_the_attention_mask_hides_is_no_part_of_an_embedding(kind, pool):
    model, tokenizer = encoder(kind)
    game = TextGame(
        model, tokenizer, "the plot was not bad", target=Similarity("a dull film", pool), ablation="attention"
    )
    around = kind == "BertModel"
    tokens = [plain(tokenizer, word if around or not i else " " + word) for i, word in enumerate(game.text.split())]
    other = embedding_of(model, pool, tokenizer("a dull film")["input_ids"])
    rows = coalitions_of(5)[[0, *range(2, 12)]]
    rows = rows[rows.any(1)]
    for x, value in zip(rows, game(rows), strict=True):
        here = [bool(p) for word, p in zip(tokens, x, strict=True) for _ in word]
        ids = [token for word in tokens for token in word]
        here, ids = ([True, *here, True], [2, *ids, 3]) if around else (here, ids)
        with torch.no_grad():
            states = model(
                torch.tensor([ids]),
                attention_mask=torch.tensor([here]).long(),
                position_ids=torch.arange(len(ids))[None],
            ).last_hidden_state[0]
        np.testing.assert_allclose(value, [cosine(POOLED[pool](states[here].double()), other)], atol=1e-5)


def test_the_body_of_a_classifier_is_an_encoder():
    model, tokenizer = load(BERT)
    assert np.ptp(TextGame(model.base_model, tokenizer, TEXT, target="a dull film")(ROWS)) > 1e-3


# Any function


def entropy(logits):
    return torch.distributions.Categorical(logits=logits).entropy()


def test_any_function_of_a_classifiers_logits():
    names = list(tiny.LABELS.values())
    game = TextGame(*load(BERT), TEXT, target=Custom(lambda z: z, names, "logit"), ablation="remove")
    check(game, np.array([z.numpy() for z in reference_logits(BERT, "word", "remove")]))
    assert (game.outputs, game.value) == (tuple(names), "logit")
    game = TextGame(*load(BERT), TEXT, target=Custom(entropy, value="entropy"), ablation="remove")
    check(game, [[float(entropy(z))] for z in reference_logits(BERT, "word", "remove")])
    assert (game.outputs, game.value) == (("value",), "entropy")


@pytest.mark.parametrize("kind", LANGUAGE)
def test_any_function_of_a_language_models_logits(kind):
    model, tokenizer = load(kind)
    make = functools.partial(TextGame, model, tokenizer, TEXT)
    check(
        make(target=Custom(lambda z: entropy(z[:, 0]))),
        [[float(entropy(z[-1]))] for z in reference_logits(kind, "word", "remove")],
    )
    text = " maybe the plot"
    ids = plain(tokenizer, text if kind == GPT2 else text.strip())

    def read(z):
        assert z.shape[1:] == (1 + len(ids), len(tokenizer))
        return entropy(z)[:, -2:]

    said = [
        model(torch.tensor([ablated(kind, "word", "remove", x) + ids])).logits[0, -2:].detach().double() for x in ROWS
    ]
    check(make(target=Custom(read, ["before", "after"], continuation=text)), [entropy(z).numpy() for z in said])


def test_any_function_of_an_encoders_hidden_states():
    model, tokenizer = encoder("BertModel")
    probe = torch.nn.Linear(16, 2)
    game = TextGame(model, tokenizer, TEXT, target=Custom(lambda h: probe(h.sum(1)), ["a", "b"]), ablation="remove")
    with torch.no_grad():
        expected = [probe(states_of(model, ablated(BERT, "word", "remove", x)).sum(0).float()).numpy() for x in ROWS]
    check(game, expected, atol=1e-4)


def test_a_function_whose_values_round_otherwise_beside_another_row():
    def rounded(logits):
        return (logits[:, 0] * (1 + 1e-5 * (len(logits) > 1)))[:, None]

    game = TextGame(*load(BERT), TEXT, target=Custom(rounded), ablation="remove")
    check(game, [[float(z[0])] for z in reference_logits(BERT, "word", "remove")], atol=1e-3)


def test_answers_that_the_tokenizer_does_not_tell_apart():
    tokenizer = tiny.wordpiece()
    model = tiny.build("BertLMHeadModel", tokenizer, is_decoder=True)
    with pytest.raises(
        ValueError, match=r"'Yes' and 'yes' are both the tokens \['##y', '##e', '##s'\]: the tokenizer does not tell"
    ):
        TextGame(model, tokenizer, "not bad at all", target=LogOdds("Yes", "yes"))


def test_an_index_of_numpys_is_an_index():
    for target in (np.int64(1), Label(np.int64(1)), Label(np.uint8(1))):
        assert TextGame(*load(BERT), "not bad", target=target).outputs == ("NEUTRAL",)
    assert TextGame(*load(BERT), "not bad", target=LogOdds(np.int64(1), 0)).outputs == ("NEUTRAL / NEGATIVE",)
    with pytest.raises(ValueError, match="target 3 is none of the labels"):
        TextGame(*load(BERT), "not bad", target=Label(np.int64(3)))


def test_functions_that_go_by_the_same_words_make_different_games():
    prints = [
        TextGame(*load(BERT), TEXT, target=Custom(f)).fingerprint()
        for f in (lambda z: z[:, 0], lambda z: z[:, 1], lambda z: z[:, 0])
    ]
    assert prints[0] == prints[2] != prints[1]


# What cannot be measured

CAUSAL, CLASSIFIER, HEADLESS = r"is a language model, which ", r"is a classifier, which ", r"is an encoder .*, which "


@pytest.mark.parametrize(
    ("kind", "target", "error", "match"),
    [
        (GPT2, Label(), ValueError, CAUSAL + r"has no labels.*; Continuation, Answer, Perplexity, or LogOdds"),
        (GPT2, Similarity("x"), ValueError, CAUSAL + r"has no embedding of a text, got Similarity\(query='x'"),
        (GPT2, Perplexity(""), ValueError, r"a continuation must have at least one token, got ''"),
        (GPT2, Custom(lambda z: z[:, 0, 0], continuation="x" * 200), ValueError, r"takes 96 at most"),
        (BERT, Perplexity(" x"), ValueError, CLASSIFIER + r"continues no text, got the continuation ' x'; Label or"),
        (BERT, Similarity(), ValueError, CLASSIFIER + r"has no embedding of a text.*'NEGATIVE', 'NEUTRAL', 'POSI"),
        (BERT, Custom(lambda z: z, continuation=" x"), ValueError, CLASSIFIER + r"continues no text"),
        ("BertModel", Label("x"), ValueError, HEADLESS + r"has no labels, got 'x'; Similarity to a query"),
        ("BertModel", LogOdds("x", "y"), ValueError, HEADLESS + r"has no labels, got 'x'"),
        ("BertModel", Continuation("x"), ValueError, HEADLESS + r"continues no text, got the continuation 'x'; Simi"),
        ("BertModel", "", ValueError, r"a query must have at least one token, got ''"),
        ("BertModel", " \n", ValueError, r"a query must have at least one token, got ' \\n'"),
        ("BertModel", "not " * 95, ValueError, r"the query makes 97 tokens"),
        ("GPT2Model", Similarity("x", "pooler"), ValueError, r"needs a model with a pooler .*, and GPT2Model has none"),
        ("BertModel", 1, TypeError, r"target must be a query \(a str\), .* got int"),
        (BERT, Custom(lambda z: z), ValueError, r"f must answer \(2, 3\) with \(2, 1\) .*, got \(2, 3\); outputs=\['v"),
        (BERT, Custom(lambda z: z.sum()), ValueError, r"f must answer .*, got \(\)"),
        (BERT, Custom(lambda z: z.mean(0), "abc"), ValueError, r"f must answer \(2, 3\) with \(2, 1\).*, got \(3,\)"),
        (BERT, Custom(lambda z: z.sum().reshape(1, 1)), ValueError, r"f must answer .*, got \(1, 1\)"),
        (BERT, Custom(lambda z: z.tolist()), TypeError, r"f must answer with a torch.Tensor, got list"),
        (BERT, Custom(lambda z: z[:, 0] - z[:, 0].mean()), ValueError, r"f must answer each row from its own alone"),
        (
            BERT,
            Custom(lambda z: z.softmax(0), ["a", "b", "c"]),
            ValueError,
            r"f must answer each row from its own alone",
        ),
        (BERT, Custom(lambda z: z[:, 0] - z[0, 0]), ValueError, r"f must answer each row from its own alone"),
        (BERT, Custom(lambda z: z.cumsum(0)[:, 0]), ValueError, r"f must answer each row from its own alone"),
        (BERT, Custom(lambda z: z[:, 0] + 1j), ValueError, r"f must answer with real numbers, got complex ones"),
        (BERT, Label, TypeError, r"or None, got the class Label; Label\(…\) makes a target of it"),
        (BERT, int, TypeError, r"or None, got type"),
        (BERT, Custom(lambda z: z[:, 0] / 0), ValueError, r"f must answer with finite numbers, got \[-?inf\]"),
        (BERT, Custom(lambda z: z[:, 0] * float("nan")), ValueError, r"finite numbers, got \[nan\] for the whole"),
    ],
)
def test_a_target_that_a_model_has_not_meets_one_error(kind, target, error, match):
    model, tokenizer = encoder(kind) if kind in LIKE else load(kind)
    with pytest.raises(error, match=match) as caught:
        TextGame(model, tokenizer, "not bad at all", target=target)
    assert "spex_widget" in str(caught.traceback[-1].path)


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: Perplexity(None), TypeError, r"a continuation must be a str, got NoneType"),
        (lambda: Perplexity("x", log="yes"), TypeError, r"log must be True or False, got str 'yes'"),
        (lambda: Similarity(3), TypeError, r"a query must be a str, got int"),
        (lambda: Similarity("x", pool="max"), ValueError, r"pool must be one of 'mean', 'cls', 'last', 'pooler', got"),
        (lambda: Similarity("x", pool=["mean"]), ValueError, r"pool must be one of .* got \['mean'\]"),
        (lambda: Custom("f"), TypeError, r"f must be a function of the model's output, got str"),
        (lambda: Custom(len, 3), TypeError, r"outputs must be a label \(a str\) for each output, got 3"),
        (lambda: Custom(len, []), ValueError, r"outputs must name at least one output, and each once, got \[\]"),
        (lambda: Custom(len, ["a", "a"]), ValueError, r"and each once, got \['a', 'a'\]"),
        (lambda: Custom(len, value=3), TypeError, r"value must be a str, got int"),
        (lambda: Custom(len, continuation=None), TypeError, r"continuation must be a str, got NoneType"),
    ],
)
def test_targets_that_cannot_be(make, error, match):
    with pytest.raises(error, match=match):
        make()


def test_a_threshold_is_known_where_even_odds_turn_the_answer():
    two = functools.partial(TextGame, *demo.load(), "not bad at all")
    known = {"logit": None, "logprob": np.log(0.5), "logodds": 0.0, "probability": 0.5}
    for scale, threshold in known.items():
        assert two(target=Label("POSITIVE", scale)).threshold == threshold
    game = two(target=[Label("POSITIVE", "logodds"), Label("NEGATIVE", "logodds")])
    assert (game.threshold, game.restrict([0, 1]).threshold) == (0.0, 0.0)
    assert two(target=[Label("POSITIVE", "logodds"), Label("NEGATIVE", "probability")]).threshold is None
    # Of three labels the likeliest may have less than even odds; of two of them 0 says which is likelier.
    three = functools.partial(TextGame, *load(BERT), TEXT, ablation="remove")
    labels = list(tiny.LABELS.values())
    assert three(target=Label(labels[0], "logodds")).threshold is None
    assert three(target=LogOdds(labels[0], labels[1])).threshold == 0.0
