"""The first promise: far below 2^n ablations, planted words are found in texts that were not trained on."""

import pytest

import spex_widget as spex

SENTENCES = 20


@pytest.fixture(scope="module")
def explained():
    model, tokenizer = spex.demo.load()
    runs = []
    for sentence in spex.demo.sentences(SENTENCES, seed=9001, words=(24, 40)):
        session = spex.Session(spex.TextGame(model, tokenizer, sentence.text, target="POSITIVE"))
        session.wait(120)
        runs.append((sentence, session.result))
    return runs


def test_the_planted_set_is_in_the_top_3_of_order_2_and_more(explained):
    found = []
    for sentence, result in explained:
        assert len(sentence.words) >= 24
        assert result.ablations < 2**12
        top = [row["members"] for row in result.ranking() if row["order"] > 1][:3]
        found.append(any(planted.members in top for planted in sentence.planted))
    print(f"found in {sum(found)} of {len(found)}")
    assert sum(found) >= 0.8 * SENTENCES


def test_the_surrogate_is_faithful_and_interactions_matter(explained):
    r2 = sorted(result.r2 for _, result in explained)
    linear = sorted(result.estimate.history[-1].r2_linear for _, result in explained)
    assert r2[SENTENCES // 2] > 0.95 > linear[SENTENCES // 2] + 0.1
