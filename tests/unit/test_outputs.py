"""Several outputs from the same ablations: one, a contrast, a sum."""

import numpy as np
import pytest

from runs import N, finished, planted, ranking
from spex_widget.algorithms import Output
from spex_widget.games import FunctionGame
from spex_widget.report.static import static_html, static_text
from spex_widget.session import Session
from spex_widget.session.arguments import check_output
from spex_widget.snapshot import decode, encode

LABELS = ("POSITIVE", "NEGATIVE", "NEUTRAL")


def three(x):
    return np.column_stack([planted(x), 2.0 * (x[:, 3] & x[:, 4]) - x[:, 0], 1.0 * x[:, 8]])


@pytest.mark.parametrize(
    ("output", "weights", "words"),
    [
        ("NEGATIVE", (0, 1, 0), "NEGATIVE"),
        (np.int64(2), (0, 0, 1), "NEUTRAL"),
        ({"POSITIVE": 1, "NEGATIVE": -1}, (1, -1, 0), "POSITIVE − NEGATIVE"),
        ([-1, 0.5, 0], (-1, 0.5, 0), "−POSITIVE + 0.5 NEGATIVE"),
        (np.array([1.0, 1.0, 1.0]), (1, 1, 1), "POSITIVE + NEGATIVE + NEUTRAL"),
        (slice(1, None), (0, 1, 1), "NEGATIVE + NEUTRAL"),
    ],
)
def test_an_output_is_explained_about_as_if_the_game_had_no_other(output, weights, words):
    session = finished(FunctionGame(three, N, outputs=LABELS), budget=200, output=output)
    alone = finished(FunctionGame(lambda x: three(x) @ np.array(weights, float), N), budget=200)
    assert session.result.value == f"value of {words}"
    ours, theirs = dict(ranking(session)), dict(ranking(alone))
    for members in {*ours, *theirs}:
        assert ours.get(members, 0.0) == pytest.approx(theirs.get(members, 0.0), abs=0.05)


def test_selecting_pays_for_nothing_and_back_is_what_it_was():
    session = finished(FunctionGame(three, N, outputs=LABELS), budget=200)
    before, paid = ranking(session), len(session.log)
    session.select({"POSITIVE": 1, "NEGATIVE": -1})
    session.wait(60)
    assert session.result.value == "value of POSITIVE − NEGATIVE"
    assert ranking(session) != before
    session.select("POSITIVE")
    session.wait(60)
    assert ranking(session) == before
    assert len(session.log) == paid


def test_the_frame_says_which_in_words():
    session = finished(FunctionGame(three, N, outputs=LABELS), budget=100, output=[1, 0, 1])
    head, _ = decode(encode(session.snapshot()))
    assert (head["output"], head["output_label"]) == (-1, "POSITIVE + NEUTRAL")


def test_what_outlives_the_kernel_says_which():
    session = finished(FunctionGame(three, N, outputs=LABELS), budget=100, output={"POSITIVE": 1, "NEGATIVE": -1})
    said = session.header, session.snapshot()
    assert static_text(*said).splitlines()[0].endswith(": value of POSITIVE − NEGATIVE")
    assert "<b>value of POSITIVE − NEGATIVE</b>" in static_html(*said, "uid")


def test_the_only_output_turned_round_does_not_go_by_its_name():
    session = finished(budget=64, output=[-1])
    assert session.result.value == "value of −value"
    assert finished(budget=64).result.value == "value"


def test_sums_of_many_are_told_in_short():
    labels = tuple(map(str, range(9)))
    assert check_output(slice(None), labels).label == "a sum of 9 outputs"
    assert check_output(np.arange(9), labels).label == "8 outputs, weighted"


def test_what_an_output_is_does_not_depend_on_how_it_is_said():
    said = [1, "NEGATIVE", [0, 1, 0], {"NEGATIVE": 1}, slice(1, 2), {"NEGATIVE": 1.0, "NEUTRAL": 0}]
    assert {check_output(output, LABELS) for output in said} == {Output(((1, 1.0),))}
    assert {check_output(output, LABELS).label for output in said} == {"NEGATIVE"}


@pytest.mark.parametrize(
    "output",
    [
        3,
        -1,
        1.5,
        True,
        "positive",
        [1, 0],
        [1, 0, 0, 0],
        [0, 0, 0],
        [1, float("nan"), 0],
        ["a", "b", "c"],
        np.eye(3),
        slice(3, 9),
        {"GOOD": 1},
        {"POSITIVE": "much"},
    ],
    ids=repr,
)
def test_what_is_no_output_meets_one_clear_error(output, tmp_path):
    game = FunctionGame(three, N, outputs=LABELS)
    with pytest.raises(ValueError, match=r"output must be one of .* or its position, got"):
        Session(game, output=output, log=tmp_path / "log")
    assert not (tmp_path / "log").exists()
