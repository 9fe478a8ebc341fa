"""A run that is saved opens again without its model, and says the same; nothing else opens."""

import base64
import dataclasses
import gzip
import hashlib
import io
import json
import pickle
import re
import zipfile
from types import SimpleNamespace

import mistune
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spex_widget as spex
from runs import Gate, N, Watched, finished, planted
from spex_widget.algorithms import Output
from spex_widget.games import FunctionGame
from spex_widget.report import Result
from spex_widget.session import Session
from spex_widget.session.history import History
from spex_widget.snapshot import Asked, Flip, Header, Measured, Probe, Recording, Snapshot, decode, encode
from spex_widget.snapshot.plain import from_plain, to_plain
from spex_widget.spectrum import INDICES, SparseSpectrum

HOSTILE = "</script><script>alert(1)</script>"


def two_outputs(x):
    return np.column_stack([planted(x), -0.5 * planted(x) + x[:, 3]])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of two outputs that was verified and probed, its result, and the file that it was saved to."""
    folder = tmp_path_factory.mktemp("run")
    players = [HOSTILE, *(f"word{i}" for i in range(1, N))]
    game = FunctionGame(two_outputs, N, players=players, outputs=["a", "b"])
    session = finished(game, budget=400, log=folder / "log", output={"a": 1, "b": -1})
    session.verify(3, 4)
    session.probe(np.ones(N, dtype=bool))
    result = session.result
    return SimpleNamespace(session=session, result=result, path=result.save(folder / "run.spex"))


def same(a, b):
    """Whether two values of the house are equal in every bit."""
    if dataclasses.is_dataclass(a):
        return type(a) is type(b) and all(same(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, tuple):
        return type(b) is tuple and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and repr(a) == repr(b)  # NaN is itself, and −0 is not 0


# What comes back ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", INDICES)
def test_every_ranking_is_the_same(run, index):
    loaded = spex.load(run.path).result
    for max_order in (None, 2):
        assert run.result.ranking(index, max_order).to_dicts() == loaded.ranking(index, max_order).to_dicts()


def test_what_is_read_off_a_result_is_the_same(run):
    loaded, x = spex.load(run.path).result, np.random.default_rng(0).random((50, N)) < 0.5
    assert (run.result.predict(x) == loaded.predict(x)).all()
    assert (loaded.r2, loaded.exact, loaded.ablations) == (run.result.r2, False, 400)
    assert repr(loaded) == repr(run.result)
    assert loaded.diagnostics() == run.result.diagnostics()
    assert loaded.chart.convergence().to_dict() == run.result.chart.convergence().to_dict()
    assert loaded.chart.ranking().to_dict() == run.result.chart.ranking().to_dict()
    assert {row["verified"] for row in loaded.ranking("BII")} > {"confirmed"}
    assert any(row["settled"] and row["low"] is not None for row in loaded.ranking("BII"))


def test_a_recording_comes_back_in_every_bit_and_can_be_saved_again(run, tmp_path):
    recording = run.result.recording
    loaded = Recording.load(run.path)
    assert same(loaded, dataclasses.replace(recording, seconds=loaded.seconds))
    assert spex.load(run.path).result.save(tmp_path / "again").read_bytes() == run.path.read_bytes()


def test_it_holds_the_uniform_ablations_with_all_outputs(run):
    loaded = spex.load(run.path).run
    assert loaded.coalitions.shape == (400, N)
    assert len(np.unique(loaded.coalitions, axis=0)) == 400
    assert (loaded.values == two_outputs(loaded.coalitions)).all()


def test_an_exact_result_comes_back_exact_and_the_log_is_one_file_still(tmp_path):
    session = finished(FunctionGame(lambda x: 1.0 * (x[:, 0] & x[:, 1]), 3), log=tmp_path / "log")
    assert [file.name for file in tmp_path.iterdir()] == ["log"]
    loaded = spex.load(session.result.save(tmp_path / "run")).result
    assert sorted(file.name for file in tmp_path.iterdir()) == ["log", "run"]
    assert loaded.exact
    assert loaded.ranking().to_dicts() == session.result.ranking().to_dicts()


def test_a_result_of_one_snapshot_is_a_recording_of_one_moment(run, tmp_path):
    alone = Result(run.result.header, run.result.snapshot)
    loaded = spex.load(alone.save(tmp_path / "alone"))
    assert loaded.run.frames == (encode(run.result.snapshot),)
    assert loaded.run.coalitions.shape == (0, N)
    assert loaded.result.ranking().to_dicts() == run.result.ranking().to_dicts()


floats = st.floats(allow_nan=True)
counts = st.integers(0, 2**53)
players = st.lists(st.integers(0, 5), max_size=3, unique=True).map(lambda some: tuple(sorted(some)))
probes = st.builds(Probe, st.lists(st.booleans(), min_size=6, max_size=6).map(np.array), floats)
flips = st.builds(Flip, floats, st.booleans(), players, st.none() | floats, st.booleans(), counts)
snapshots = st.builds(
    Snapshot,
    seq=counts,
    state=st.sampled_from(["running", "done"]),
    reason=st.text(),
    ablations=counts,
    budget=counts,
    rate=floats,
    max_order=st.none() | counts,
    measured=st.dictionaries(players, st.builds(Measured, floats, floats, floats, counts)),
    floor=st.none() | floats,
    asked=st.builds(Asked, st.lists(probes, max_size=3).map(tuple), counts, counts, st.none() | flips, st.text()),
)


@given(snapshots)
def test_any_snapshot_comes_back_in_every_bit(snapshot):
    arrays = []
    text = json.dumps(to_plain(snapshot, arrays))
    assert same(from_plain(Snapshot, json.loads(text), arrays), snapshot)


@pytest.mark.parametrize(
    "change",
    [{"seq": "1"}, {"seq": True}, {"seq": 1.5}, {"rate": "fast"}, {"measured": {}}, {"more": 1}, {"asked": None}],
)
def test_what_is_not_of_its_type_is_refused(change):
    plain = to_plain(Snapshot(3, "running", "", 64, 400), [])
    with pytest.raises((ValueError, TypeError, LookupError)):
        from_plain(Snapshot, {**plain, **change}, [])


def test_an_array_of_another_type_is_refused():
    plain = {"coalition": 0, "value": 1.0}
    assert from_plain(Probe, plain, [np.zeros(3, dtype=bool)]).value == 1
    with pytest.raises(ValueError, match="an array of bool was expected, and is one of float64"):
        from_plain(Probe, plain, [np.zeros(3)])


# The moments ----------------------------------------------------------------------------------------------------------


def test_every_round_is_a_moment_and_the_last_is_the_end(run):
    recording = run.result.recording
    heads = [decode(frame)[0] for frame in recording.frames]
    rounds = [head["round"] for head in heads]
    assert rounds == sorted(rounds)
    assert set(rounds) == set(range(rounds[-1] + 1))
    assert (heads[0]["fitted"], heads[0]["state"]) == (0, "running")
    assert (heads[-1]["fitted"], heads[-1]["state"]) == (400, "done")
    assert [head["seq"] for head in heads] == sorted({head["seq"] for head in heads})
    assert list(recording.seconds) == sorted(recording.seconds)
    assert recording.frames[-1] == encode(run.result.snapshot)


def test_a_pause_is_a_moment():
    game = FunctionGame(planted, N)
    gate = Gate(game)
    session = Session(game, budget=100, evaluator=gate)
    session.pause()
    session.resume()
    gate.open.release(1000)
    session.wait(60)
    states = [decode(frame)[0]["state"] for frame in session.result.recording.frames]
    assert states[:3] == ["running", "paused", "running"]
    assert states[-1] == "done"


def test_a_result_is_saved_up_to_its_own_moment():
    game = FunctionGame(planted, N)
    gate = Gate(game)
    session = Session(game, budget=200, evaluator=gate)
    watched = Watched(session)
    gate.open.release(12)
    early = watched.until(lambda snapshot: snapshot.estimate is not None)
    result = session.result
    gate.open.release(1000)
    session.wait(60)
    heads = [decode(frame)[0] for frame in result.recording.frames]
    assert [head["seq"] for head in heads] == sorted({head["seq"] for head in heads})
    assert early.seq <= heads[-1]["seq"] == result.snapshot.seq < session.result.snapshot.seq
    assert heads[-1]["fitted"] < 200 == decode(session.result.recording.frames[-1])[0]["fitted"]


@given(st.integers(1, 12), st.integers(1, 300))
@settings(deadline=None)
def test_a_history_is_bounded_even_and_ends_with_the_newest(most, many):
    history = History(most)
    for i in range(many):
        history.take(float(i), Snapshot(i, "running" if i % 2 else "paused", "", i, many))
    kept = [snapshot.seq for _, snapshot in history.moments]
    assert len(kept) <= most + 1
    assert (kept[0], kept[-1]) == (0, many - 1)
    steps = np.diff(kept)
    assert len(set(steps[:-1])) <= 1
    assert not len(steps) or steps[-1] <= steps[0]
    assert 2 * len(kept) >= min(many, most), "no more is left out than has to be"


def test_a_moment_is_a_new_estimate_or_state_only():
    history = History()
    for seq, state in enumerate(["running", "running", "paused", "paused", "running"]):
        history.take(0.0, Snapshot(seq, state, "", seq, 10))
    assert [snapshot.seq for _, snapshot in history.moments] == [0, 2, 4]
    told_later = Snapshot(5, "running", "", 4, 10)
    assert [snapshot.seq for _, snapshot in history.until(9.0, told_later)] == [0, 2, 5]
    assert [seconds for seconds, _ in history.until(9.0, told_later)] == [0.0, 0.0, 0.0]


# The file -------------------------------------------------------------------------------------------------------------


def test_a_file_is_arrays_and_json_without_a_pickle(run):
    with np.load(run.path, allow_pickle=False) as file:
        assert {file[name].dtype.kind for name in file.files} <= set("biuf")
        assert json.loads(file["about"].tobytes())["version"] == 1


def test_no_file_says_where_the_log_was(run, tmp_path):
    log = str(run.session.log.path).encode()
    assert run.result.header.log.encode() == log
    with zipfile.ZipFile(run.path) as file:
        assert not any(log in file.read(name) for name in file.namelist())
    assert log not in run.result.save_json(tmp_path / "run.json").read_bytes()
    assert json.dumps(packed(run.result.save_html(tmp_path / "run.html").read_text())).encode().find(log) < 0


class Trap:
    sprung = False

    def __reduce__(self):
        return spring, ()


def spring():
    Trap.sprung = True


def with_about(path, **changes):
    """The bytes of a recording whose JSON was changed."""
    with np.load(path) as file:
        members = {name: file[name] for name in file.files}
    about = {**json.loads(members["about"].tobytes()), **changes}
    members["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    file = io.BytesIO()
    np.savez(file, **members)
    return file.getvalue()


def pickled():
    file = io.BytesIO()
    np.savez(file, about=np.array([Trap()], dtype=object))
    return file.getvalue()


def one_array():
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"not a zip", pickle.dumps(Trap()), pickled(), one_array(), b"PK\x03\x04" + bytes(200)],
    ids=["empty", "text", "pickle", "pickle in npz", "npy", "zip of nothing"],
)
def test_anything_else_is_refused_in_one_sentence_and_never_run(tmp_path, content):
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"other is no recording of spex_widget, or a broken one: ") as raised:
        spex.load(path)
    assert not Trap.sprung
    # Where it is no zip at all, numpy would tell a person to allow pickles.
    assert content == pickled() or str(raised.value).endswith("it is no zip of arrays")


@pytest.mark.parametrize("path", [None, 3, b"run.spex"])
def test_what_is_no_path_is_named(path):
    with pytest.raises(TypeError, match=f"path must be that of a file, got {path!r}"):
        spex.load(path)


def test_another_version_is_named(run, tmp_path):
    path = tmp_path / "newer"
    path.write_bytes(with_about(run.path, version=99))
    with pytest.raises(ValueError, match=r"newer was written by another version of spex_widget: its format is 99"):
        spex.load(path)
    path.write_bytes(with_about(run.path, frames=98))
    with pytest.raises(ValueError, match=r"frames of version 98"):
        spex.load(path)
    path.write_bytes(with_about(run.path, kind="a cake"))
    with pytest.raises(ValueError, match=r"it calls itself 'a cake'"):
        spex.load(path)


def test_frames_and_ablations_have_to_be_whole(run, tmp_path):
    path = tmp_path / "broken"
    with np.load(run.path) as file:
        plain = json.loads(file["about"].tobytes())["run"]
    short = {**plain, "lengths": plain["lengths"][:-1], "seconds": plain["seconds"][:-1]}
    path.write_bytes(with_about(run.path, run=short))
    with pytest.raises(ValueError, match="its frames are not all there"):
        spex.load(path)
    fewer = {**plain, "header": {**plain["header"], "players": plain["header"]["players"][:-1]}}
    path.write_bytes(with_about(run.path, run=fewer))
    with pytest.raises(ValueError, match="its ablations are not those of its players and outputs"):
        spex.load(path)
    shifted = {**plain, "lengths": [plain["lengths"][0] + 1, plain["lengths"][1] - 1, *plain["lengths"][2:]]}
    path.write_bytes(with_about(run.path, run=shifted))
    with pytest.raises(ValueError, match="are not a frame"):
        spex.load(path)


@given(st.floats(0, 1, exclude_max=True))
@settings(max_examples=60, deadline=None)
def test_a_file_that_was_cut_off_is_refused(run, tmp_path_factory, share):
    content = run.path.read_bytes()
    path = tmp_path_factory.getbasetemp() / "cut"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match="no recording of spex_widget, or a broken one"):
        spex.load(path)


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 255))
@settings(max_examples=100, deadline=None)
def test_a_changed_byte_is_refused_or_means_nothing(run, tmp_path_factory, share, change):
    content = bytearray(run.path.read_bytes())
    content[int(share * len(content))] ^= change
    path = tmp_path_factory.getbasetemp() / "changed"
    path.write_bytes(content)
    try:
        loaded = Recording.load(path)
    except ValueError as error:
        assert "no recording of spex_widget, or a broken one" in str(error)  # noqa: PT017
    else:
        assert same(loaded, Recording.load(run.path))  # a date in the zip's directory, say


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda r: {"header": dataclasses.replace(r.header, pieces=(("x", 99),))}, "text speaks of players"),
        (lambda r: {"snapshot": dataclasses.replace(r.snapshot, state="asleep")}, "moments are none of a run"),
        (lambda r: {"seconds": (float("nan"),) * len(r.seconds)}, "moments are none of a run"),
        (lambda r: {"snapshot": changed(r.snapshot, output=Output(((7, 1.0),)))}, "surrogate is not one of"),
        (
            lambda r: {"snapshot": changed(r.snapshot, spectrum=SparseSpectrum.from_sets(3, {(0,): 1.0}))},
            "surrogate is not one of",
        ),
    ],
)
def test_what_does_not_belong_together_is_refused(run, tmp_path, change, why):
    recording = run.result.recording
    dataclasses.replace(recording, **change(recording)).save(tmp_path / "odd")
    with pytest.raises(ValueError, match=why):
        spex.load(tmp_path / "odd")


def changed(snapshot, **fields):
    return dataclasses.replace(snapshot, estimate=dataclasses.replace(snapshot.estimate, **fields))


def test_no_file_at_all(tmp_path):
    with pytest.raises(FileNotFoundError):
        spex.load(tmp_path / "none")


@pytest.mark.parametrize("verb", ["save", "save_html", "save_json"])
def test_a_file_appears_whole_or_not_at_all(run, tmp_path, monkeypatch, verb):
    save = getattr(run.result, verb)
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*missing; make it first"):
        save(tmp_path / "missing" / "run")
    with pytest.raises(IsADirectoryError, match="name a file in it"):
        save(tmp_path)
    with pytest.raises(TypeError, match="path must be that of a file, got 3"):
        save(3)
    path = tmp_path / "run"
    path.write_text("before")

    def full(self, content):
        with self.open("wb") as file:
            file.write(content[:10])
        raise OSError("no space left")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(OSError, match="no space left"):
        save(path)
    assert path.read_text() == "before"
    assert [file.name for file in tmp_path.iterdir()] == ["run"]
    monkeypatch.undo()
    assert save(str(path)) == path
    assert path.read_bytes() != b"before"


# The widget and the page ----------------------------------------------------------------------------------------------


def test_a_recording_opens_in_a_widget_without_the_model(run):
    view = spex.load(run.path)
    assert view.frame == run.result.recording.frames[-1]
    assert view.recording["frames"] == list(run.result.recording.frames)
    assert (view.output, view.index, view.max_order) == ({"a": 1.0, "b": -1.0}, "BII", None)
    assert repr(view) == f"RecordedWidget({len(view.run.frames)} moments, {run.result!r})"
    view.wait()
    view.selected = [1, 0]
    assert view.selected == [0, 1]


@pytest.mark.parametrize(
    "verb", ["pause", "resume", "stop", "add_budget", "select", "probe", "verify", "add_evidence", "smallest_flip"]
)
def test_what_needs_the_model_says_that_it_is_not_here(run, verb):
    view = spex.load(run.path)
    assert callable(getattr(spex.widget.SpexWidget, verb)), "a verb of the live widget"
    with pytest.raises(RuntimeError, match="this is a recording, and the model is not here"):
        getattr(view, verb)([True])


def packed(page):
    """What is packed in a page."""
    text = re.search(r'id="run">([^<]*)</script>', page)[1]
    return json.loads(gzip.decompress(base64.b64decode(text, validate=True)))


def test_a_page_holds_the_module_and_the_run_and_nothing_breaks_out(run, tmp_path):
    page = run.result.save_html(tmp_path / "why.html").read_text(encoding="utf-8")
    assert page.count("<script") == page.count("</script>") == 2
    assert "&lt;/script&gt;" in page, "the static rendering names the player"
    state = packed(page)
    static = spex.widget.SpexWidget._esm
    assert base64.b64decode(state["module"]).decode() == str(static)
    assert state["header"]["players"][0] == HOSTILE
    frames = [base64.b64decode(frame) for frame in state["recording"]["frames"]]
    assert tuple(frames) == run.result.recording.frames


def test_no_word_of_the_header_is_markup(run, tmp_path):
    words = dict.fromkeys(("model", "value", "ablation", "lens"), HOSTILE)
    header = dataclasses.replace(run.result.header, outputs=(HOSTILE, HOSTILE), **words)
    page = Result(header, run.result.snapshot).save_html(tmp_path / "why.html").read_text(encoding="utf-8")
    assert page.count("<script") == page.count("</script>") == 2
    assert page.count("<title>") == page.count("</title>") == 1


def test_a_page_may_run_its_own_script_only_and_reach_nobody(run, tmp_path):
    page = run.result.save_html(tmp_path / "why.html").read_text(encoding="utf-8")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1]
    script = re.search(r'<script type="module">(.*?)</script>', page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.split("; ")[:2] == ["default-src 'none'", f"script-src 'sha256-{digest}' data:"]
    assert not re.findall(r"<(?:a|img|link|base|form|iframe|object|embed)\b|@import|url\(", page)


def test_the_json_is_what_the_module_asks_its_model_for(run, tmp_path):
    state = json.loads(run.result.save_json(tmp_path / "why.json").read_text(encoding="utf-8"))
    assert set(state) == {"header", "recording"}
    assert state["header"]["players"][0] == HOSTILE
    assert {field.name for field in dataclasses.fields(Header)} < set(state["header"])
    assert len(state["recording"]["seconds"]) == len(state["recording"]["frames"])
    assert base64.b64decode(state["recording"]["frames"][-1]) == run.result.recording.frames[-1]


def test_markdown_takes_the_json_for_code(run, tmp_path):
    """MyST parses a directive's body as markdown first; as text, 60 KB of base64 take it a minute."""
    body = run.result.save_json(tmp_path / "why.json").read_text(encoding="utf-8")
    (block,) = mistune.create_markdown(renderer=None)(body)
    assert block["type"] == "block_code"
    assert block["raw"].strip() == body.strip()
