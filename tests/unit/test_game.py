"""Games: what goes in is checked, what comes out is checked, and the messages say what to do."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

import brute
from spex_widget.games import FunctionGame, Game, Piece
from spex_widget.games.game import NonFiniteValueError

WORDS = ["not", "very", "good", "."]


def binary(x):
    return x @ (2.0 ** np.arange(x.shape[1]))


class Named(Game):
    """Labels of every kind, to tell fingerprints apart."""

    def __init__(self, players=("a", "b"), outputs=("value",), identity="", **words):
        super().__init__(players, outputs, **words)
        self._said = identity

    def evaluate(self, coalitions):
        return np.zeros((len(coalitions), len(self.outputs)))

    def _identity(self):
        return self._said


# Values


def test_values_have_a_row_a_coalition_and_a_column_an_output():
    x = brute.coalitions(4)
    one = FunctionGame(binary, 4)(x)
    assert one.shape == (16, 1)
    assert one.dtype == np.float64
    np.testing.assert_array_equal(one[:, 0], np.arange(16))
    two = FunctionGame(lambda x: np.stack([binary(x), -binary(x)], axis=1).astype(np.float32), 4, outputs=2)
    np.testing.assert_array_equal(two(x), np.stack([np.arange(16), -np.arange(16)], axis=1))
    assert two.outputs == ("output 0", "output 1")


@pytest.mark.parametrize("x", [[True, False, True, False], [[1, 0, 1, 0]], np.array([1.0, 0, 1, 0])])
def test_coalitions_may_be_lists_zeros_and_ones_and_a_single_row(x):
    assert FunctionGame(binary, 4)(x).tolist() == [[5.0]]


def test_no_coalitions_have_no_values_and_cost_nothing():
    def never(x):
        raise AssertionError

    assert FunctionGame(never, 4, outputs=3)(np.zeros((0, 4), dtype=bool)).shape == (0, 3)


def test_a_function_that_writes_to_its_coalitions_changes_only_its_own():
    def scribbles(x):
        x[:] = True
        return x.sum(axis=1)

    x = np.zeros((2, 3), dtype=bool)
    assert FunctionGame(scribbles, 3)(x).tolist() == [[3.0], [3.0]]
    assert not x.any()


@pytest.mark.parametrize(
    ("x", "match"),
    [
        (np.zeros((2, 3), dtype=bool), r"shape \(m, 4\), a column a player, got \(2, 3\)"),
        (np.zeros((1, 2, 4), dtype=bool), r"got \(1, 2, 4\)"),
        ([], r"got \(0,\)"),
        (True, r"got \(\)"),
        ([0, 1, 2, 3], "np.isin"),
        ([0.5, 0, 0, 0], "got dtype float64"),
        ([np.nan, 0, 0, 0], "got dtype float64"),
        (["a", "b", "c", "d"], "got dtype <U1"),
        ([None] * 4, "got dtype object"),
    ],
)
def test_what_is_no_coalition_is_refused(x, match):
    with pytest.raises(ValueError, match=match):
        FunctionGame(binary, 4)(x)


@pytest.mark.parametrize(
    ("outputs", "answer"),
    [
        (1, lambda x: 0.0),
        (1, lambda x: np.zeros(len(x) + 1)),
        (1, lambda x: np.zeros((len(x), 2))),
        (2, lambda x: np.zeros(len(x))),
        (2, lambda x: np.zeros((2, len(x)))),
    ],
)
def test_an_answer_of_the_wrong_shape_is_refused(outputs, answer):
    with pytest.raises(ValueError, match=rf"3 coalitions .* shape \(3, {outputs}\) \(m, outputs\), got"):
        FunctionGame(answer, 4, outputs=outputs)(np.zeros((3, 4), dtype=bool))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_an_answer_that_is_not_finite_is_refused_and_kept(bad):
    game = FunctionGame(lambda x: np.where(x[:, 1], bad, binary(x)), 3)
    with pytest.raises(NonFiniteValueError, match=r"4 of 8 coalitions .* players \[1\]") as caught:
        game(brute.coalitions(3))
    values = caught.value.values
    assert values.shape == (8, 1)
    np.testing.assert_array_equal(np.flatnonzero(np.isfinite(values[:, 0])), [0, 1, 4, 5])
    assert values[5, 0] == 5


# Players


def test_a_function_game_names_its_players_and_itself():
    game = FunctionGame(binary, 4, players=WORDS, outputs="score")
    assert (game.n, game.players, game.outputs, game.model) == (4, tuple(WORDS), ("score",), "binary")
    assert "".join(piece.text for piece in game.pieces) == "not very good ."
    assert [(p.text, p.player) for p in game.pieces if p.player is not None] == [(w, i) for i, w in enumerate(WORDS)]
    assert game.show([True, False, True, False]) == "not good"
    assert FunctionGame(binary, 3).players == ("0", "1", "2")
    assert FunctionGame(lambda x: x[:, 0], 2).model == "function"


@pytest.mark.parametrize(
    ("error", "match", "arguments"),
    [
        (TypeError, "function of coalitions, .* got int", {"f": 3, "n": 4}),
        (ValueError, "at least 2, got 1", {"f": binary, "n": 1}),
        (ValueError, "at least 2, got -3", {"f": binary, "n": -3}),
        (ValueError, "all n = 4 players, got 2 labels", {"f": binary, "n": 4, "players": ["a", "b"]}),
        (ValueError, "at least 1 output", {"f": binary, "n": 4, "outputs": []}),
        (ValueError, "outputs must be at least 1, got 0", {"f": binary, "n": 4, "outputs": 0}),
        (
            ValueError,
            r"name each output once, got \['a', 'b', 'a'\]",
            {"f": binary, "n": 4, "outputs": ["a", "b", "a"]},
        ),
        (ValueError, "name each output once", {"f": binary, "n": 4, "outputs": [1, "1"]}),
        (ValueError, "a label of players must be valid Unicode", {"f": binary, "n": 2, "players": ["a", "\ud83d"]}),
        (TypeError, "whole number, got 4.5", {"f": binary, "n": 4.5}),
        (TypeError, "players must be labels", {"f": binary, "n": 4, "players": 4}),
    ],
)
def test_a_game_that_cannot_be_is_refused(error, match, arguments):
    with pytest.raises(error, match=match):
        FunctionGame(**arguments)


# Restriction


def test_a_restricted_game_holds_the_others_present():
    part = FunctionGame(binary, 4, players=WORDS).restrict([3, 1])
    assert part.players == (".", "very")
    assert part(brute.coalitions(2)).ravel().tolist() == [5, 13, 7, 15]
    assert part.show([False, False]) == "not good"


def test_restrictions_nest():
    whole = FunctionGame(binary, 4, players=WORDS)
    nested, direct = whole.restrict([3, 1, 0]).restrict([2, 0]), whole.restrict([0, 3])
    x = brute.coalitions(2)
    np.testing.assert_array_equal(nested(x), direct(x))
    assert nested.players == direct.players
    assert nested.show([True, False]) == direct.show([True, False]) == "not very good"


def test_what_is_read_stays_whole_in_a_restricted_game():
    pieces = [Piece("a", 0), Piece(" "), Piece("b", 1), Piece("c", 2)]
    part = Named(players=("a", "b", "c"), pieces=pieces).restrict([2, 0])
    assert part.pieces == (Piece("a", 1), Piece(" "), Piece("b"), Piece("c", 0))


@pytest.mark.parametrize(
    ("players", "error", "match"),
    [
        ([0, 0, 1], ValueError, "once each"),
        ([0, 4], ValueError, "from 0 to 3"),
        ([-1, 2], ValueError, "at least 0, got -1"),
        ([2], ValueError, "at least 2"),
        ([], ValueError, "at least 2"),
        ([0.5, 1], TypeError, "whole number, got 0.5"),
        ([True, False], TypeError, "whole number, got True"),
        (2, TypeError, "indices of at least two players"),
    ],
)
def test_a_restriction_that_cannot_be_is_refused(players, error, match):
    with pytest.raises(error, match=match):
        FunctionGame(binary, 4).restrict(players)


# Fingerprints

TOLD_APART = {
    "plain": lambda: Named(),
    "another player": lambda: Named(("a", "c")),
    "players in another order": lambda: Named(("b", "a")),
    "another output": lambda: Named(outputs=("score",)),
    "an empty output more": lambda: Named(("a", "b"), ("value", "")),
    "an empty player more": lambda: Named(("", "a", "b"), ("value",)),
    "labels that run together": lambda: Named(("a\x1fb", "b")),
    "an output for a player": lambda: Named(("a", "b"), ("value", "a")),
    "another model": lambda: Named(model="m"),
    "another value": lambda: Named(value="m"),
    "another ablation": lambda: Named(ablation="m"),
    "another identity": lambda: Named(identity="weights"),
    "a lone surrogate": lambda: Named(("\ud800", "b")),
    "a question mark": lambda: Named(("?", "b")),
    "another lens": lambda: FunctionGame(lambda x: x[:, 0], 2, players=["a", "b"]),
    "restricted": lambda: Named(("a", "b", "c")).restrict([0, 1]),
    "restricted otherwise": lambda: Named(("a", "b", "c")).restrict([1, 0]),
    "restricted twice": lambda: Named(("a", "b", "c")).restrict([1, 0]).restrict([1, 0]),
}


def test_fingerprints_tell_games_apart():
    prints = {name: make().fingerprint() for name, make in TOLD_APART.items()}
    assert len(set(prints.values())) == len(prints)
    assert {name: make().fingerprint() for name, make in TOLD_APART.items()} == prints


def test_a_fingerprint_is_the_same_in_another_process():
    code = (
        "from spex_widget.games import FunctionGame\n"
        "def f(x, *, kind='a', thing=object()): return x[:, 0] * (kind in {'a', 'b', 'c'})\n"
        "game = FunctionGame(f, 3, players=['größer', 'b', 'c'])\n"
        "print(game.fingerprint(), game.restrict([2, 0]).fingerprint())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed}
        ).stdout.split()
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert len(set(runs[0])) == 2


def closing_over(weight):
    return lambda x: x[:, 0] * weight


def by_default(weight):
    return lambda x, w=weight: x[:, 0] * w


def by_keyword(weight):
    return lambda x, *, w=weight: x[:, 0] * w


def of_its_own(x):
    def later():
        return unknown_yet

    if len(x) < 0:
        unknown_yet = 1
    return later


FUNCTIONS = {
    "first": lambda: lambda x: x[:, 0],
    "second": lambda: lambda x: x[:, 1],
    "another name": lambda: lambda x: np.cumsum(x[:, 0]),
    "yet another name": lambda: lambda x: np.cumprod(x[:, 0]),
    "inside": lambda: lambda x: [row[0] for row in x],
    "inside, otherwise": lambda: lambda x: [row[1] for row in x],
    "closes over 1": lambda: closing_over(1),
    "closes over 2": lambda: closing_over(2),
    "closes over weights": lambda: closing_over(np.arange(3.0)),
    "closes over other weights": lambda: closing_over(np.arange(3.0) + 1),
    "closes over what is not there yet": lambda: of_its_own([]),
    "by default 1": lambda: by_default(1),
    "by default 2": lambda: by_default(np.int64(2)),
    "by keyword 1": lambda: by_keyword((1,)),
    "by keyword 2": lambda: by_keyword((2,)),
    "compiled": lambda: np.sum,
}


def test_functions_of_one_name_are_told_apart_by_what_they_do():
    prints = {name: FunctionGame(make(), 3).fingerprint() for name, make in FUNCTIONS.items()}
    assert len(set(prints.values())) == len(prints)
    assert {name: FunctionGame(make(), 3).fingerprint() for name, make in FUNCTIONS.items()} == prints


def test_an_error_comes_back_from_another_process():
    error = pickle.loads(pickle.dumps(NonFiniteValueError("why", np.array([[np.nan]]))))
    assert (str(error), error.values.shape) == ("why", (1, 1))


def test_a_long_answer_is_not_read_out_in_full():
    game = FunctionGame(
        lambda x: np.where(x.sum(axis=1, keepdims=True) > 9, np.full(40, np.nan), 0.0), 2008, outputs=40
    )
    with pytest.raises(NonFiniteValueError) as raised:
        game(np.ones((1, 2008), dtype=bool))
    said = str(raised.value)
    assert "of players [0, 1, 2, 3, 4, 5, 6, 7, … and 2,000 more]" in said
    assert "first [nan, nan, nan, nan, nan, nan, nan, nan, … and 32 more]" in said
    assert len(said) < 400
    with pytest.raises(NonFiniteValueError, match=r"of players \[1, 2, 4, 5, 6, 7, 8, 9\];"):
        FunctionGame(lambda x: np.full(len(x), np.nan), 10)([[0, 1, 1, 0, 1, 1, 1, 1, 1, 1]])


@pytest.mark.parametrize("answer", [np.array([1 + 2j, 3]), [1j, 2.0], np.array([1 + 0j, 2], dtype=np.complex64)])
def test_complex_numbers_are_refused_rather_than_halved(answer):
    with pytest.raises(ValueError, match="the game must answer with real numbers, got complex ones"):
        FunctionGame(lambda x: answer, 2)([[0, 0], [1, 1]])


@pytest.mark.parametrize("answer", [[1, 2], [True, 2], (1.0, "2"), np.array([1, 2], np.float16), [np.int8(1), 2]])
def test_real_numbers_of_any_type_are_taken(answer):
    values = FunctionGame(lambda x: answer, 2)([[0, 0], [1, 1]])
    assert (values.dtype, values.tolist()) == (np.float64, [[1.0], [2.0]])


@pytest.mark.parametrize("answer", [["a", "b"], [[1.0], [1.0, 2.0]], None, [object(), object()]])
def test_an_answer_that_is_no_array_of_numbers_is_named(answer):
    with pytest.raises(
        ValueError, match=r"must answer with (an array of numbers|values of shape)|answered with values"
    ):
        FunctionGame(lambda x: answer, 3)(np.ones((2, 3), bool))
