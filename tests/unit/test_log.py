"""The log keeps every ablation, and knows whose it is."""

import sqlite3

import numpy as np
import pytest

from spex_widget.games import FunctionGame
from spex_widget.session import AblationLog


def game(n=11, **kwargs):
    return FunctionGame(lambda x: x.sum(axis=1), n, **kwargs)


def test_what_is_written_is_read_back(tmp_path):
    rows = np.random.default_rng(0).random((5, 11)) < 0.5
    values = np.arange(10.0).reshape(5, 2)
    with_two = game(outputs=2)
    log = AblationLog(with_two, seed=3, path=tmp_path / "log")
    log.append(rows, values, purpose="uniform", round=2, seconds=5.0)
    log.append(rows[:1], None, purpose="probe", seconds=0.5)
    log.close()
    read = list(AblationLog(with_two, seed=3, path=tmp_path / "log"))
    assert [row.seq for row in read] == [1, 2, 3, 4, 5, 6]
    assert np.array_equal([row.coalition for row in read[:5]], rows)
    assert np.array_equal([row.values for row in read[:5]], values)
    assert {(row.purpose, row.status, row.round, row.seconds) for row in read[:5]} == {("uniform", "ok", 2, 1.0)}
    assert (read[5].purpose, read[5].status, read[5].values) == ("probe", "failed", None)


def test_a_value_that_is_not_finite_is_kept_as_failed(tmp_path):
    log = AblationLog(game(), path=tmp_path / "log")
    log.append(np.ones((2, 11), bool), np.array([[1.0], [np.nan]]), purpose="uniform")
    assert [row.status for row in log] == ["ok", "failed"]


LETTERS = list("abcdefghijk")


def named(**words):
    other = game(players=LETTERS)
    vars(other).update(words)
    return other


@pytest.mark.parametrize(
    ("other", "seed", "said"),
    [
        (named(players=(*LETTERS[:-1], "x" * 99)), 0, f": its player 10 is 'k', and this one's is '{'x' * 40}…'"),
        (game(12), 0, ", of 11 players, and this one has 12"),
        (named(outputs=("score",)), 0, ": its output 0 is 'value', and this one's is 'score'"),
        (named(model="bert"), 0, ": its model is 'function', and this one's is 'bert'"),
        (named(value="logit"), 0, ": its value is 'value', and this one's is 'logit'"),
        (named(ablation="removed"), 0, ": its ablation is 'absent', and this one's is 'removed'"),
        (
            FunctionGame(lambda x: -x.sum(axis=1), 11, players=LETTERS),
            0,
            ": all labels are the same, but not what is behind them (weights, text, code)",
        ),
        (named(), 1, "its seed is 0, and this run's is 1"),
    ],
)
def test_a_log_of_another_run_is_refused_with_what_differs(tmp_path, other, seed, said):
    AblationLog(named(), seed=0, path=tmp_path / "log").close()
    with pytest.raises(ValueError, match="give a log of the same game and seed, or a new path") as refused:
        AblationLog(other, seed=seed, path=tmp_path / "log")
    assert said in str(refused.value)
    if seed == 0:
        prints = [one.fingerprint()[:8] for one in (named(), other)]
        assert "it is of another game (fingerprint {}…, not {}…)".format(*prints) in str(refused.value)
    assert named().fingerprint() not in str(refused.value)


def test_a_file_that_is_no_log_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("these are notes, not a log of ablations " * 50)
    with pytest.raises(ValueError, match=r"notes\.txt cannot be used as a log"):
        AblationLog(game(), path=tmp_path / "notes.txt")


def test_an_unknown_purpose_is_refused(tmp_path):
    log = AblationLog(game(), path=tmp_path / "log")
    with pytest.raises(sqlite3.IntegrityError):
        log.append(np.ones((1, 11), bool), np.ones((1, 1)), purpose="fun")


def test_the_write_ahead_log_is_used_here(tmp_path):
    AblationLog(game(), path=tmp_path / "log")
    connection = sqlite3.connect(tmp_path / "log")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_by_default_each_run_has_a_new_file_in_the_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first, second = AblationLog(game()), AblationLog(game())
    assert first.path != second.path
    assert first.path.is_relative_to(tmp_path)


def test_without_a_cache_folder_the_log_is_kept_elsewhere(monkeypatch, tmp_path, caplog):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    log = AblationLog(game())
    log.append(np.ones((1, 11), bool), np.ones((1, 1)), purpose="uniform")
    assert len(log) == 1
    assert "the cache folder cannot be used" in caplog.text


def test_a_database_of_something_else_is_refused_and_left_alone(tmp_path):
    connection = sqlite3.connect(tmp_path / "shop")
    connection.execute("CREATE TABLE sales (amount)")
    connection.close()
    with pytest.raises(ValueError, match=r"a database of something else, with the tables \['sales'\]"):
        AblationLog(game(), path=tmp_path / "shop")
    connection = sqlite3.connect(tmp_path / "shop")
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("sales",)]
    connection.close()


@pytest.mark.parametrize("path", ["missing/folder/log", "."])
def test_a_path_that_cannot_be_a_file_is_refused(tmp_path, path):
    with pytest.raises(ValueError, match="cannot be used as a log of ablations"):
        AblationLog(game(), path=tmp_path / path)


def test_what_is_no_path_is_refused():
    with pytest.raises(TypeError, match="log must be the path of a file, got 5"):
        AblationLog(game(), path=5)


def test_a_closed_log_is_one_whole_file_and_opens_again(tmp_path):
    log = AblationLog(game(), path=tmp_path / "log")
    log.append(np.ones((3, 11), bool), np.ones((3, 1)), purpose="uniform")
    log.close()
    assert [file.name for file in tmp_path.iterdir()] == ["log"]
    log.append(np.ones((2, 11), bool), np.ones((2, 1)), purpose="probe")
    assert len(log) == 5


def test_a_batch_that_fails_leaves_the_log_usable(tmp_path):
    log = AblationLog(game(), path=tmp_path / "log")
    with pytest.raises(sqlite3.IntegrityError):
        log.append(np.ones((2, 11), bool), np.ones((2, 1)), purpose="fun")
    log.append(np.ones((2, 11), bool), np.ones((2, 1)), purpose="uniform")
    assert len(log) == 2
