"""From coarse to fine: what is left are the words of the stretches that matter, and each ablation is counted."""

import numpy as np
import pytest

import spex_widget as spex
import tiny
from spex_widget.demo.passages import passages
from spex_widget.games import FunctionGame, Replace, TextGame
from spex_widget.report import Result
from spex_widget.report.static import static_text
from spex_widget.session import AblationLog, Session, plan, screen, zoom
from spex_widget.session.zooming import spent_before
from text_reference import CLASSIFIERS, load, logits_of, plain

BERT = CLASSIFIERS[0]
TEXT = (
    "the film was good. it was at all.\n\nI expected a dull evening. the plot was bad.\n\n"
    "Is it a film? Say it.\n\nyes it was. no it was."
)


class Counting:
    """A classifier that answers how many of some words it sees: what matters is known."""

    def __new__(cls, words):
        import torch

        model = tiny.build(BERT, tiny.wordpiece())
        ids = {tiny.wordpiece().convert_tokens_to_ids(word): weight for word, weight in words.items()}

        def forward(input_ids=None, attention_mask=None, **_):
            score = sum(weight * (input_ids == i).sum(1) for i, weight in ids.items()).float()
            return type("Output", (), {"logits": torch.stack([score, -score, 0 * score], dim=1)})()

        model.forward = forward
        return model


def game_of(words, units="paragraph"):
    return TextGame(Counting(words), tiny.wordpiece(), TEXT, units=units, target=0)


def test_smaller_units_of_some_players_with_the_rest_present():
    coarse = TextGame(*load(BERT), TEXT, units="sentence", target="POSITIVE", ablation="remove")
    game = coarse.within([3, 0], "word")
    assert game.players == ("the", "film", "was", "good.", "the", "plot", "was", "bad.")
    assert "".join(piece.text for piece in game.pieces) == TEXT
    assert coarse.n == 8
    assert coarse.units == "sentence"
    row = np.array([1, 0, 1, 1, 1, 1, 0, 1], bool)
    left = "".join(p.text for p in game.pieces if p.player is None or row[p.player])
    ids = [2, *plain(tiny.wordpiece(), left), 3]
    assert game.show(row) == tiny.wordpiece().decode(ids)
    np.testing.assert_allclose(game(row)[0, 0], logits_of(load(BERT)[0], ids)[2], atol=1e-5)
    assert len({g.fingerprint() for g in (coarse, game, coarse.within([0], "word"))}) == 3


@pytest.mark.parametrize(
    ("players", "error", "match"),
    [
        ([], ValueError, r"players must be indices from 0 to 7, at least one, got \[\]"),
        ([8], ValueError, r"players must be indices from 0 to 7, .* got \[8\]"),
        (3, TypeError, r"players must be indices of at least one player, got 3"),
        ([1.5], TypeError, r"a player"),
    ],
)
def test_players_that_there_are_not(players, error, match):
    coarse = TextGame(*load(BERT), TEXT, units="sentence", target="POSITIVE")
    with pytest.raises(error, match=match):
        coarse.within(players, "word")


def test_the_words_that_matter_are_left_and_every_ablation_is_counted_and_logged(tmp_path):
    game = game_of({"dull": 2.0, "bad": 1.0, "yes": 3.0})
    zoomed = zoom(game, ["sentence", "word"], keep=2, budget=80, log=tmp_path / "log")
    assert zoomed.players == ("I", "expected", "a", "dull", "evening.", "yes", "it", "was.")
    assert [step.players for step in zoomed.steps] == [
        ("I expected a dull evening. the plot was bad.", "yes it was. no it was."),
        ("I expected a dull evening.", "yes it was."),
    ]
    assert [step.ablations for step in zoomed.steps] == [16, 16]  # all that there are of four players
    assert zoomed.ablations == 32
    logs = [AblationLog(step.whole, path=step.log) for step in zoomed.steps]
    assert [log.count("screen") for log in logs] == [16, 16]
    for log in logs:
        log.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["log.1", "log.2"]
    assert repr(zoomed) == "ZoomedGame(8 players, after 2 steps and 32 ablations)"
    session = Session(zoomed, budget=256, log=tmp_path / "run")
    session.wait(60)
    effects = {row["labels"]: row["effect"] for row in session.result.ranking(index="FBII", max_order=1)}
    assert effects["dull",] == pytest.approx(2.0)
    assert effects["yes",] == pytest.approx(3.0)


def test_what_is_few_already_is_divided_without_an_ablation():
    zoomed = zoom(game_of({"dull": 1.0}), "sentence", keep=4)
    assert (zoomed.n, zoomed.steps, zoomed.ablations) == (8, (), 0)


def test_the_budget_is_shared_by_all_steps(tmp_path):
    zoomed = zoom(game_of({"dull": 2.0, "yes": 3.0}), ["sentence", "word"], keep=3, budget=20, log=tmp_path / "log")
    assert [step.ablations for step in zoomed.steps] == [10, 10]


@pytest.fixture
def long_text(monkeypatch):
    """Five reviews as one text of 182 words, whose value is that two words of two of them are there, less a third."""
    import torch

    model, tokenizer = spex.demo.load()
    terrible, brilliant, nobody = tokenizer.convert_tokens_to_ids(["terrible", "brilliant", "nobody"])

    def forward(input_ids=None, attention_mask=None, **_):
        there = [(input_ids == token).any(1) for token in (terrible, brilliant, nobody)]
        score = 3.0 * (there[0] & there[1]) - 1.0 * there[2]
        return type("Output", (), {"logits": torch.stack([-score, score], dim=1)})()

    monkeypatch.setattr(model, "forward", forward)
    monkeypatch.setattr(model.config, "max_position_embeddings", 512)
    text = "\n\n".join(review.text for review in passages().values())
    return TextGame(model, tokenizer, text, units="paragraph", target=1)


def test_a_budget_is_for_zooming_and_explaining_together(long_text, tmp_path):
    zoomed = zoom(long_text, ["sentence", "word"], keep=3, budget=300, log=tmp_path / "log")
    assert [step.ablations for step in zoomed.steps] == [32, 268]  # all that there are of five, and the rest
    view = spex.explain(zoomed, budget=1000, log=tmp_path / "run")
    view.wait(60)
    snapshot = view.session.snapshot()
    assert (snapshot.ablations, snapshot.budget, snapshot.before) == (1000, 1000, zoomed.ablations)
    assert (view.session.ablations, view.session.budget) == (1000, 1000)
    logs = [AblationLog(step.whole, path=step.log) for step in zoomed.steps]
    assert sum(map(len, [*logs, view.session.log])) == 1000
    for log in logs:
        log.close()
    assert view.result.ablations == 1000 - zoomed.ablations
    assert view.result.ranking("BII", order=2)[0]["labels"] == ("terrible.", "brilliant.")
    assert f"1000 of 1000 ablations · {zoomed.ablations} of them to zoom" in static_text(view.session.header, snapshot)
    view.add_budget(50)
    view.wait(60)
    assert (view.session.ablations, view.session.budget, view.result.ablations) == (1050, 1050, 1050 - snapshot.before)


def test_beside_what_zooming_took_there_is_the_usual_budget(tmp_path):
    zoomed = zoom(game_of({"dull": 2.0, "yes": 3.0}), ["sentence", "word"], keep=2, log=tmp_path / "log")
    session = Session(zoomed, log=tmp_path / "run")
    session.wait(60)
    snapshot = session.snapshot()
    assert (snapshot.budget, snapshot.before) == (256 + zoomed.ablations, zoomed.ablations)
    assert Result(session.header, snapshot).exact  # all coalitions of eight words


def test_a_budget_that_zooming_has_spent_is_refused(tmp_path):
    zoomed = zoom(game_of({"dull": 2.0, "yes": 3.0}), ["sentence", "word"], keep=2, budget=32, log=tmp_path / "log")
    with pytest.raises(ValueError, match="budget must be at least 34, since zoom has spent 32 of it, got 33"):
        Session(zoomed, budget=33, log=tmp_path / "run")
    session = Session(zoomed, budget=34, log=tmp_path / "run")
    session.wait(60)
    assert (session.ablations, len(session.log)) == (34, 2)


def test_a_plan_of_what_was_zoomed_is_of_what_is_left(tmp_path):
    zoomed = zoom(game_of({"dull": 2.0, "yes": 3.0}), ["sentence", "word"], keep=2, budget=32, log=tmp_path / "log")
    assert plan(zoomed, budget=132, log=tmp_path / "plan").budget == 100
    assert plan(zoomed, budget=132, r2=0.99, log=tmp_path / "other").pilot == 100


@pytest.mark.parametrize(
    ("of", "units", "match"),
    [
        ("sentence", ["sentence"], "'sentence' is not smaller than 'sentence'; .* into 'clause', 'word', 'token'"),
        ("sentence", ["paragraph", "word"], "'paragraph' is not smaller than 'sentence'"),
        ("paragraph", ["word", "clause"], "'clause' is not smaller than 'word'; that can be divided into 'token'"),
        ("word", ["token", "token"], "'token' is not smaller than 'token'; that cannot be divided"),
    ],
)
def test_units_that_are_not_smaller_are_refused_before_anything_is_paid_for(of, units, match, tmp_path):
    with pytest.raises(ValueError, match=f"units must become smaller with each step, and {match}"):
        zoom(game_of({"dull": 1.0}, of), units, keep=2, log=tmp_path / "log")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("units", "ablation", "match"),
    [
        (["sentence", "verse"], "auto", "units must be one of .* got 'verse'"),
        (["sentence", {"nobody": "nowhere"}], "auto", "nowhere"),
        ("word", [""] * 4, "replacements were given for each of its 4 units"),
        (
            "word",
            Replace(dict.fromkeys(range(4), "it")),
            r"of its 4 units; Replace\('…'\) puts one text",
        ),
    ],
)
def test_what_a_later_step_would_refuse_is_refused_before_anything_is_paid_for(units, ablation, match, tmp_path):
    ablation = dict(enumerate(ablation)) if isinstance(ablation, list) else ablation
    model = Counting({"dull": 1.0})
    game = TextGame(model, tiny.wordpiece(), TEXT, units="paragraph", target=0, ablation=ablation)
    before = game.work
    with pytest.raises(ValueError, match=match):
        zoom(game, units, keep=2, log=tmp_path / "log")
    assert (game.work, list(tmp_path.iterdir())) == (before, [])


def test_one_text_for_every_unit_is_one_for_smaller_ones(tmp_path):
    game = TextGame(
        Counting({"dull": 1.0}), tiny.wordpiece(), TEXT, units="paragraph", target=0, ablation=Replace("it")
    )
    assert "dull" in zoom(game, ["sentence", "word"], keep=2, log=tmp_path / "log").players


def test_what_zooming_took_counts_among_some_of_the_words_too(tmp_path):
    zoomed = zoom(game_of({"dull": 2.0, "yes": 3.0}), ["sentence", "word"], keep=2, budget=32, log=tmp_path / "log")
    some = zoomed.restrict(range(6))
    kept = screen(some, keep=4, log=tmp_path / "screen")
    for game in (some, some.restrict([3, 5]), kept):
        assert spent_before(game) == 32
    assert spent_before(zoomed.whole.restrict([0, 1])) == 0
    session = Session(kept, budget=40, log=tmp_path / "run")
    session.wait(60)
    assert (session.ablations, session.snapshot().before, len(session.log)) == (40, 32, 8)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"units": []}, ValueError, r"units must name at least one kind of smaller unit, got none"),
        ({"units": "verse"}, ValueError, r"units must be one of .* got 'verse'"),
        ({"keep": 1}, ValueError, r"keep"),
        ({"budget": 3}, ValueError, r"budget"),
        ({"units": 3}, TypeError, r"units must be those of each step, as in \('sentence', 'word'\), got 3"),
        ({"units": None}, TypeError, r"units must be those of each step, .* got None"),
        ({"log": 4}, TypeError, r"log must be the path of a file, got 4"),
    ],
)
def test_what_cannot_be_zoomed(options, error, match):
    with pytest.raises(error, match=match):
        zoom(game_of({"dull": 1.0}), **{"keep": 4, **options})


def test_only_texts_have_units_that_can_be_divided():
    with pytest.raises(TypeError, match=r"game must be a TextGame, whose units can be divided, got FunctionGame"):
        zoom(FunctionGame(lambda x: x.sum(axis=1), 4))
