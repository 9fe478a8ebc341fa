"""The classifier that ships: its planted interactions are its own."""

import os
import subprocess
import sys
from itertools import product

import numpy as np
import pytest

from spex_widget.demo import KINDS, Sentence, load, meaning, passage, passages, sentences
from spex_widget.demo.pretrained import WEIGHTS
from training import trained_twice

UNSEEN = 20_260  # a seed that the training does not draw from


@pytest.fixture(scope="module")
def pretrained():
    return load()


def every_coalition(n):
    return np.array(list(product([False, True], repeat=n)))


def moebius(values):
    """The Möbius transform of the values of `every_coalition(n)`, in the same order."""
    table = values.reshape((2,) * int(np.log2(len(values)))).copy()
    for axis in range(table.ndim):
        face = np.moveaxis(table, axis, 0)
        face[1] -= face[0]
    return table.ravel()


def ranks(values, coalitions, sets):
    """Where each set stands among all of order 2 and more by |Möbius|; 0 is the strongest."""
    size = np.where(coalitions.sum(axis=1) >= 2, abs(moebius(values)), 0)
    places = [np.flatnonzero((coalitions == np.isin(np.arange(coalitions.shape[1]), s)).all(axis=1))[0] for s in sets]
    return [int((size > size[k] + 1e-9).sum()) if size[k] else len(size) for k in places]


def log_odds(pretrained, words, coalitions):
    """What the model says of each coalition, an ablated word's tokens each replaced by the mask token."""
    import torch

    model, tokenizer = pretrained
    pieces = [tokenizer(word, add_special_tokens=False)["input_ids"] for word in words]
    owner = np.repeat(np.arange(len(words)), [len(piece) for piece in pieces])
    flat = np.array([token for piece in pieces for token in piece])
    tokens = np.where(coalitions[:, owner], flat, tokenizer.mask_token_id)
    ends = np.full((len(coalitions), 1), tokenizer.cls_token_id), np.full((len(coalitions), 1), tokenizer.sep_token_id)
    tokens = torch.from_numpy(np.hstack((ends[0], tokens, ends[1])))
    with torch.inference_mode():
        logits = torch.cat([model(input_ids=t, attention_mask=torch.ones_like(t)).logits for t in tokens.split(512)])
    return (logits[:, 1] - logits[:, 0]).double().numpy()


# The grammar


@pytest.mark.parametrize(
    ("text", "score", "planted"),
    [
        ("The plot was good.", 2, ()),
        ("The plot was not good.", -2, [("negation", "not good.")]),
        ("The plot was really good.", 6, [("intensifier", "really good.")]),
        ("The plot really wasn't good.", -6, [("intensifier", "really wasn't good.")]),
        ("The plot was not very good.", -2, [("intensifier", "not very good.")]),
        ("Nobody thought the plot was not good.", 2, [("double negation", "Nobody not good.")]),
        ("Nobody thought it was really not good.", 6, [("double negation", "Nobody really not good.")]),
        ("Yeah right, the plot was good.", -2, [("sarcasm", "Yeah right, good.")]),
        ("Yeah, the plot was good.", 2, ()),
        ("The plot was good but the cast was bad.", -4, [("contrast", "good but bad.")]),
        ("It was a good film, but the cast was bad.", -4, [("contrast", "good but bad.")]),
        (
            "The plot was not bad, but the cast was awful.",
            -6,
            [("negation", "not bad,"), ("contrast", "not bad, but awful.")],
        ),
        ("The plot was good. We did not sleep. The cast was fine.", 3, ()),  # a negation ends with its sentence
        ("Nothing was to be seen, but the plot was good.", 2, ()),  # no opinion before the "but"
        ("", 0, ()),
    ],
)
def test_the_grammar_means_what_it_says(text, score, planted):
    sentence = Sentence(text)
    assert sentence.score == score
    assert [(p.kind, " ".join(sentence.words[i] for i in p.members)) for p in sentence.planted] == list(planted)


def test_what_is_planted_is_what_interacts_in_the_meaning():
    for sentence in sentences(150, seed=UNSEEN, words=(5, 11)):
        coalitions = every_coalition(len(sentence.words))
        assert sentence.planted
        sets = [p.members for p in sentence.planted]
        assert max(ranks(meaning(sentence.words, coalitions), coalitions, sets)) < 3, sentence


def test_yeah_and_right_act_only_together():
    words = ["yeah", "right", "the", "plot", "was", "good"]
    coefficients = moebius(meaning(words, every_coalition(6)))
    found = {tuple(np.flatnonzero(x)): c for x, c in zip(every_coalition(6), coefficients, strict=True) if c}
    assert found == {(5,): 2, (0, 1, 5): -4}


def test_meaning_takes_one_coalition_or_many_and_checks_their_width():
    words = ["the", "plot", "was", "not", "good"]
    many = every_coalition(5).reshape(4, 8, 5)
    assert meaning(words, many).shape == (4, 8)
    assert meaning(words, many)[1, 3] == meaning(words, many[1, 3])
    with pytest.raises(ValueError, match=r"\(\.\.\., 5\)"):
        meaning(words, np.ones(4, bool))


# The templates


def test_the_same_seed_gives_the_same_sentences():
    assert sentences(20, seed=3) == sentences(20, seed=3)
    assert sentences(20, seed=3) != sentences(20, seed=4)


def test_every_kind_and_order_is_drawn_and_nothing_else():
    drawn = sentences(400, seed=UNSEEN)
    assert {p.kind for s in drawn for p in s.planted} == set(KINDS)
    assert {len(p.members) for s in drawn for p in s.planted} == {2, 3, 4}
    assert all(5 <= len(s.words) <= 14 for s in drawn)
    assert 0.4 < np.mean([s.label == "POSITIVE" for s in drawn]) < 0.6
    assert not any(s.planted for s in sentences(20, seed=1, kinds=["plain"]))
    assert all(24 <= len(s.words) <= 60 for s in sentences(50, seed=1, words=(24, 60)))


def test_impossible_requests_are_refused():
    for words in ((9, 8), (1, 2)):
        with pytest.raises(ValueError, match="words"):
            sentences(1, words=words)
    with pytest.raises(ValueError, match="irony"):
        sentences(1, kinds=["irony"])


def test_passages_are_about_their_kind():
    assert tuple(passages()) == KINDS
    for kind, review in passages().items():
        assert review.planted[-1].kind == kind
        assert 28 <= len(review.words) <= 40
    assert passages()["intensifier"] == passage()


# The model


def test_the_files_are_small_and_load_with_no_network_and_no_noise(tmp_path):
    assert sum(file.stat().st_size for file in WEIGHTS.iterdir()) < 500_000
    code = (
        "import socket; socket.socket.connect = None\n"
        "from spex_widget.demo import load, passage\n"
        "import sys; assert not {'torch', 'transformers'} & set(sys.modules)\n"
        "model, tokenizer = load()\n"
        "assert str(model.dtype) == 'torch.float32' and not model.training\n"
        "encoded = tokenizer(passage().text, return_tensors='pt', return_offsets_mapping=True)\n"
        "assert (encoded.pop('offset_mapping')[0, 1:-1, 1] > 0).all()\n"
        "assert tokenizer.unk_token_id not in encoded['input_ids'].tolist()[0]\n"
        "assert model.config.id2label[model(**encoded).logits.argmax().item()] == passage().label\n"
    )
    offline = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=offline, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(("words", "count"), [((5, 14), 400), ((24, 60), 150)])
def test_held_out_accuracy(pretrained, words, count):
    drawn = sentences(count, seed=UNSEEN, words=words)
    answers = [log_odds(pretrained, s.words, np.ones((1, len(s.words)), bool))[0] for s in drawn]
    accuracy = np.mean([(a > 0) == (s.label == "POSITIVE") for a, s in zip(answers, drawn, strict=True)])
    print(f"held-out accuracy, {words[0]} to {words[1]} words: {accuracy:.3f}")
    assert accuracy >= 0.98


def test_the_planted_interactions_are_the_models_own(pretrained):
    found = []
    for sentence in sentences(30, seed=UNSEEN, words=(6, 12)):
        coalitions = every_coalition(len(sentence.words))
        values = log_odds(pretrained, sentence.words, coalitions)
        found += [rank < 3 for rank in ranks(values, coalitions, [p.members for p in sentence.planted])]
    print(f"planted sets in the top 3: {np.mean(found):.3f} of {len(found)}")
    assert np.mean(found) >= 0.95


@pytest.mark.parametrize("rest", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_the_passages_interaction_stands_out_whatever_the_rest(pretrained, kind, rest):
    review = passages()[kind]
    members = review.planted[-1].members
    others = np.setdiff1d(np.arange(len(review.words)), members)
    chosen = np.sort([*members, *np.random.default_rng(0).choice(others, 10 - len(members), replace=False)])
    few = every_coalition(10)
    coalitions = np.full((len(few), len(review.words)), rest)
    coalitions[:, chosen] = few
    values = log_odds(pretrained, review.words, coalitions)
    assert ranks(values, few, [np.searchsorted(chosen, members)])[0] < (3 if kind == "contrast" else 1)


def test_words_that_it_does_not_know_are_neutral(pretrained):
    words = ["Our", "zebras", "insisted", "that", "the", "plot", "was", "really", "not", "good."]
    known, unknown = (log_odds(pretrained, w, np.ones((1, len(w)), bool))[0] for w in (words[4:], words))
    assert known == pytest.approx(-6, abs=0.7)
    assert unknown == pytest.approx(known, abs=1)


# The training script


def test_the_training_script_writes_what_loads(tmp_path, monkeypatch):
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from spex_widget.demo.train import main

    written = trained_twice(main, tmp_path, monkeypatch)
    model = AutoModelForSequenceClassification.from_pretrained(written)
    tokenizer = AutoTokenizer.from_pretrained(written)
    assert model.dtype == torch.float32
    assert tokenizer("not good").tokens() == ["[CLS]", "not", "good", "[SEP]"]
