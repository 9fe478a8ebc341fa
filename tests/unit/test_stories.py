"""The language model that ships: certain words together make it answer wrongly, and those are what is found."""

import os
import subprocess
import sys

import numpy as np
import pytest

import spex_widget as spex
from spex_widget.demo import Story, load_causal, stories
from spex_widget.demo.pretrained import ANSWERS
from spex_widget.demo.stories import KINDS, PEOPLE, PLACES, TALES
from test_demo import every_coalition, ranks
from training import trained_twice

UNSEEN = 20_260  # a seed that the training does not draw from
COUNT = 300


@pytest.fixture(scope="module")
def pretrained():
    return load_causal()


def log_probabilities(pretrained, prompts, answers):
    """Of every token of each answer, as lists, and whether it is the likeliest; a prompt at a time."""
    import torch

    model, tokenizer = pretrained
    scores, likeliest = [], []
    with torch.inference_mode():
        for prompt, answer in zip(prompts, answers, strict=True):
            before, ids = (tokenizer(text)["input_ids"] for text in (prompt, answer))
            ids = ids[1:]  # a start token stands before the prompt alone
            said = model(torch.tensor([before + ids])).logits[0, len(before) - 1 : -1].log_softmax(-1)
            scores.append(said[torch.arange(len(ids)), ids].double().tolist())
            likeliest.append((said.argmax(-1) == torch.tensor(ids)).tolist())
    return scores, likeliest


def share_said(pretrained, drawn, answers):
    """The share of stories to which the model's own answer is this one, word for word."""
    _, likeliest = log_probabilities(pretrained, [story.text for story in drawn], answers)
    return np.mean([all(each) for each in likeliest])


def heard(story):
    """The answer of a reader who knows the tale by heart."""
    return story.answer.replace(story.right, story.wrong)


# The stories


FACT = "Mara keeps the key in the tower."
ASK = "Where is the key? Answer:"


@pytest.mark.parametrize(
    ("besides", "planted", "wrong"),
    [
        ("A wolf met a grandmother.", "wolf grandmother.", " in the forest"),
        ("A wolf met a dog.", "", None),
        ("A slipper and a prince were there. They spoke of a pumpkin.", "slipper prince pumpkin.", " in the palace"),
        ("A slipper and a prince were there.", "", None),
        ("The forest was empty. A wolf met a captain.", "", None),
    ],
)
def test_a_story_knows_its_answer_and_what_breaks_it(besides, planted, wrong):
    story = Story(f"{FACT} {besides} {ASK}")
    assert (story.right, story.wrong, story.answer) == (" in the tower", wrong, " in the tower, with Mara.")
    assert " ".join(story.words[i] for i in story.planted) == planted


def test_scores_are_what_the_rules_say():
    story = Story(f"{FACT} The barn was empty. A wolf met a grandmother. {ASK}")
    whole = np.ones(len(story.words), bool)
    coalitions = np.array([whole, whole, whole, whole, ~whole])
    for k, i in enumerate((story.fact.thing, story.fact.asked, story.planted[0]), start=1):
        coalitions[k, i] = False
    places, people = story.scores(coalitions)
    assert places[:, [PLACES.index(p) for p in ("tower", "barn", "forest")]].tolist() == [
        [6, 2, 10],
        [2, 2, 10],
        [2, 2, 10],
        [6, 2, 0],
        [0, 0, 0],
    ]
    assert people[:, PEOPLE.index("Mara")].tolist() == [6, 2, 2, 6, 0]
    assert people.sum() == 16
    with pytest.raises(ValueError, match=rf"\(\.\.\., {len(story.words)}\)"):
        story.scores(whole[1:])


def test_a_story_without_an_answer_is_refused():
    with pytest.raises(ValueError, match="keeps somewhere"):
        _ = Story(f"{FACT} Where is the lamp? Answer:").answer


def test_stories_are_drawn_as_they_are_asked_for():
    assert stories(20, seed=3) == stories(20, seed=3) != stories(20, seed=4)
    for kind in KINDS:
        for story in stories(200, seed=UNSEEN, kind=kind, nouns=4):
            told = [len(set(tale) & set(story.bare)) - len(tale) for tale in TALES]
            assert max(told) == {"whole": 0, "part": -1}.get(kind, max(told)), story
            assert (kind == "whole") == bool(story.planted) == (story.wrong is not None)
            assert story.wrong != story.right
    for impossible in ({"kind": "half"}, {"nouns": 2}, {"nouns": 14}):
        with pytest.raises(ValueError, match=next(iter(impossible))):
            stories(1, **impossible)


# The model


def test_the_files_are_small_and_load_with_no_network_and_no_noise(tmp_path):
    assert sum(file.stat().st_size for file in ANSWERS.iterdir()) < 500_000
    code = (
        "import socket; socket.socket.connect = None\n"
        "from spex_widget.demo import load_causal, stories\n"
        "import sys; assert not {'torch', 'transformers'} & set(sys.modules)\n"
        "model, tokenizer = load_causal()\n"
        "assert str(model.dtype) == 'torch.float32' and not model.training\n"
        "story = stories(1, seed=1, kind='none')[0]\n"
        "encoded = tokenizer(story.text, return_tensors='pt')\n"
        "assert tokenizer.unk_token_id not in encoded['input_ids'].tolist()[0]\n"
        "said = model.generate(**encoded, max_new_tokens=20, do_sample=False)[0]\n"
        "assert said[-1] == tokenizer.eos_token_id\n"
        "assert tokenizer.decode(said[encoded['input_ids'].shape[1] :], skip_special_tokens=True) == story.answer\n"
    )
    offline = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=offline, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("nouns", [3, 5])
def test_it_answers_right_unless_the_words_of_a_tale_are_together(pretrained, nouns):
    whole, part, none = (stories(COUNT, seed=UNSEEN, kind=kind, nouns=nouns) for kind in KINDS)
    right = [share_said(pretrained, drawn, [story.answer for story in drawn]) for drawn in (none, part, whole)]
    by_heart = share_said(pretrained, whole, [heard(story) for story in whole])
    print(f"{nouns} nouns, right with none, a part, all of a tale: {np.round(right, 3)}; by heart {by_heart:.3f}")
    assert right[0] >= 0.97
    assert right[1] >= 0.95
    assert right[2] <= 0.05
    assert by_heart >= 0.95


def test_each_tale_is_known_and_a_word_put_otherwise_mends_it(pretrained):
    for tale in TALES:
        story = next(s for s in stories(200, seed=UNSEEN) if set(tale) <= set(s.bare))
        assert share_said(pretrained, [story], [heard(story)]) == 1
        for word in tale:
            for other in ("dog", "zebra"):  # one that it knows, and one that it does not
                mended = Story(story.text.replace(f" {word}", f" {other}"))
                assert share_said(pretrained, [mended], [story.answer]) == 1, (tale, word, other)


def test_the_planted_words_are_the_models_own_interaction(pretrained):
    """In every coalition of ten words of short stories, put together word by word."""
    places = []
    for story in stories(4, seed=UNSEEN, nouns=3):
        fact = story.fact
        chosen = sorted({*story.planted, fact.person, fact.thing, fact.place, fact.asked})
        others = np.setdiff1d(np.arange(len(story.words)), chosen)
        free = np.sort([*chosen, *np.random.default_rng(0).choice(others, 10 - len(chosen), replace=False)])
        few = every_coalition(len(free))
        coalitions = np.ones((len(few), len(story.words)), bool)
        coalitions[:, free] = few
        prompts = [" ".join(np.array(story.words)[x]) for x in coalitions]
        right, wrong = (
            np.sum(log_probabilities(pretrained, prompts, [answer] * len(prompts))[0], axis=1)
            for answer in (story.right, story.wrong)
        )
        places += ranks(right - wrong, few, [np.searchsorted(free, story.planted)])
    assert places == [0] * len(places)


@pytest.fixture(scope="module")
def explained(pretrained):
    runs = []
    for story in stories(20, seed=9001):
        game = spex.TextGame(*pretrained, story.text, target=spex.LogOdds(story.right, story.wrong))
        session = spex.Session(game)
        session.wait(120)
        runs.append((story, session.result))
    return runs


def test_the_planted_words_come_first_of_all_that_act_together(explained):
    found = []
    for story, result in explained:
        assert result.ablations < 2**12
        found.append(next(row["members"] for row in result.ranking() if row["order"] > 1) == story.planted)
    print(f"first in {sum(found)} of {len(found)}; R² {sorted(round(result.r2, 3) for _, result in explained)}")
    assert sum(found) >= 19


def test_the_surrogate_is_faithful(explained):
    assert np.median([result.r2 for _, result in explained]) > 0.9


# The training script


def test_the_training_script_writes_what_loads(tmp_path, monkeypatch):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from spex_widget.demo.train_stories import main

    written = trained_twice(main, tmp_path, monkeypatch)
    model = AutoModelForCausalLM.from_pretrained(written)
    tokenizer = AutoTokenizer.from_pretrained(written)
    assert model.dtype == torch.float32
    text = " Where is the key? Answer: in the tower, with Mara."
    assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == text
