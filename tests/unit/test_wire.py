"""The wire: what Python writes, and that `js/src/protocol.ts` reads the same.

`js/test/fixtures/frame.bin` is a frame that Python wrote, `frame.json` what is in it; vitest decodes the one and
compares it with the other. After a change of the wire: ``python tests/unit/test_wire.py`` writes both anew.
"""

import inspect
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spex_widget.algorithms import FIRST, R2, Estimate, Mark, Output
from spex_widget.algorithms.evidence import HONEST
from spex_widget.games.work import Work
from spex_widget.session import Session
from spex_widget.session.verify import MOST_PLAYERS
from spex_widget.snapshot import (
    FINAL,
    KINDS,
    STATES,
    TOP,
    VERDICTS,
    Asked,
    Flip,
    Measured,
    Probe,
    Ranked,
    Snapshot,
    Verifying,
    decode,
    encode,
    kind_of,
)
from spex_widget.snapshot.frame import NO_PLAYER, VERSION
from spex_widget.snapshot.ranked import player_effects
from spex_widget.spectrum import INDICES, SparseSpectrum, interactions
from spex_widget.spectrum.weights import OF_PLAYERS, fourier_weights
from spex_widget.widget import SpexWidget

JS = Path(__file__).parents[2] / "js"
FIXTURES = JS / "test" / "fixtures"


class Known(Estimate):
    """Says intervals that are exact in binary."""

    def intervals(self, sets: Any, index: str = "BII", max_order: int | None = None) -> Any:
        effects = interactions(self.spectrum, index, max_order).at(sets)
        return effects - 0.5, effects + 0.25

    def settled(self, top: int = 10, **_: Any) -> tuple[tuple[int, ...], ...]:
        return ((0, 7), (7, 8, 299), (299,), (0,))


def fixture_snapshot() -> Snapshot:
    """A snapshot whose every number is exact in binary, so that its frame is the same on every machine."""
    terms = {(): 0.5, (0,): -0.25, (7,): 0.125, (299,): 0.375, (0, 7): 0.5, (0, 299): -0.125, (7, 8, 299): 0.0625}
    history = (
        Mark(64, R2(-0.25, -0.5, 0.125), -0.5),
        Mark(128, R2(0.5, 0.375, 0.625), 0.25),
        Mark(192, R2(0.75, 0.6875, 0.8125), 0.5),
    )
    spectrum, output = SparseSpectrum.from_sets(300, terms), Output(((1, 1.0),), "so „gut“")
    weights, notes = {"lasso": 0.75, "process": 0.125}, ("Only so many „ablations“ count.", "And <so> on.")
    estimate = Known(output, 3, 192, spectrum, history=history, weights=weights, notes=notes)
    measured = {(0, 7): Measured(1.75, 1.5, 2.0, 16), (7, 8, 299): Measured(0.25, 0.0, 0.5, 8, 4)}
    verifying = Verifying(2, 10, 128, "OSError: <no>")
    without = np.ones((2, 300), dtype=bool)
    without[0, [0, 7]] = without[1, 299] = False
    asked = Asked((Probe(without[0], -0.5), Probe(without[1], 0.25)), 1, 5, Flip(0.0, False, (0, 7), -0.5, True, 4))
    taken = (verifying, Work(300, 256, 12, 4096, 128, 0.75, 0.125), 1.0, 32, asked)
    return Snapshot(7, "running", "„R²“ rises 📈", 256, 1024, 1240.5, 2, estimate, "BII", 3, measured, 0.125, *taken)


def content(frame: bytes) -> dict[str, Any]:
    """What is in a frame, as JSON has it."""
    head, arrays = decode(frame)
    return {"head": head, "arrays": {name: array.tolist() for name, array in arrays.items()}}


def write_fixtures() -> None:
    frame = encode(fixture_snapshot())
    FIXTURES.mkdir(parents=True, exist_ok=True)
    (FIXTURES / "frame.bin").write_bytes(frame)
    (FIXTURES / "frame.json").write_text(json.dumps(content(frame), ensure_ascii=False, indent=1) + "\n")


def test_python_writes_the_bytes_that_the_page_is_tested_on() -> None:
    frame = encode(fixture_snapshot())
    assert frame == (FIXTURES / "frame.bin").read_bytes()
    assert content(frame) == json.loads((FIXTURES / "frame.json").read_text())


def is_of_an_order(index: str) -> bool:
    """Whether sets of one and two players have other weights when sets of three have an effect of their own."""
    return not np.array_equal(*(fourier_weights(index, limit, 4)[1:3] for limit in (2, 3)))


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("VERSION", VERSION),
        ("NO_PLAYER", NO_PLAYER),
        ("KINDS", list(KINDS)),
        ("VERDICTS", list(VERDICTS)),
        ("STATES", list(STATES)),
        ("HONEST", list(HONEST)),
        ("INDICES", list(INDICES)),
        ("OF_PLAYERS", list(OF_PLAYERS)),
        ("OF_AN_ORDER", [index for index in INDICES if index not in OF_PLAYERS and is_of_an_order(index)]),
        ("MOST_PLAYERS", MOST_PLAYERS),
    ],
)
def test_protocol_ts_says_the_same(name: str, ours: Any) -> None:
    protocol = (JS / "src" / "protocol.ts").read_text()
    found = re.search(rf"^export const {name} = (.+?)(?: as const)?;$", protocol, re.MULTILINE)
    assert found, f"protocol.ts has no {name}"
    assert json.loads(found[1]) == ours


@pytest.mark.parametrize("verb", [Session.verify, Session.start_verifying, SpexWidget.verify])
def test_the_button_asks_for_what_python_measures_by_default(verb: Callable[..., Any]) -> None:
    source = (JS / "src" / "header" / "verify.ts").read_text()
    theirs = [re.findall(rf"^const {name} = (\d+);$", source, re.MULTILINE) for name in ("LARGEST", "CONTEXTS")]
    ours = inspect.signature(verb).parameters
    assert theirs == [[str(ours["top"].default)], [str(ours["contexts"].default)]]


def test_the_card_asks_for_as_much_evidence_as_python_takes_by_default() -> None:
    theirs = re.findall(r"^const EVIDENCE = (\d+);$", (JS / "src" / "header" / "verify.ts").read_text(), re.MULTILINE)
    assert theirs == [str(inspect.signature(SpexWidget.add_evidence).parameters["contexts"].default)]


def test_protocol_ts_knows_the_final_states() -> None:
    body = re.search(r"function isFinal.+?\{(.+?)\n\}", (JS / "src" / "protocol.ts").read_text(), re.DOTALL)
    assert body
    assert set(re.findall(r'"(\w+)"', body[1])) == set(FINAL)


finite = st.floats(-1e6, 1e6, allow_nan=False)
r2s = st.builds(R2, finite, finite, finite)
marks = st.builds(Mark, st.integers(1, 10**6), r2s, finite)


@st.composite
def estimates(draw: st.DrawFn) -> Estimate:
    n = draw(st.integers(2, 400))
    sets = st.sets(st.integers(0, n - 1), max_size=4).map(lambda s: tuple(sorted(s)))
    spectrum = SparseSpectrum.from_sets(n, draw(st.dictionaries(sets, finite, max_size=8)))
    exact = draw(st.booleans())
    history = () if exact else tuple(draw(st.lists(marks, max_size=3)))
    counts = st.integers(0, 10**6)
    return Estimate(Output(((draw(st.integers(0, 5)), 1.0),)), draw(counts), draw(counts), spectrum, exact, history)


snapshots = st.builds(
    Snapshot,
    seq=st.integers(0, 2**40),
    state=st.sampled_from(STATES),
    reason=st.text(max_size=30),
    ablations=st.integers(0, 10**6),
    budget=st.integers(0, 10**6),
    rate=st.floats(0, 1e6),
    turns=st.integers(0, 10**6),
    estimate=st.none() | estimates(),
    index=st.sampled_from(["FBII", "Fourier", "SII"]),
    max_order=st.none() | st.integers(1, 4),
    floor=st.none() | st.floats(0, 1e6),
    verifying=st.builds(Verifying, st.integers(0, 99), st.integers(0, 99), st.integers(0, 10**6), st.text(max_size=9)),
    work=st.none() | st.builds(Work, *[st.integers(0, 10**9)] * 5, st.floats(0, 1e6), st.floats(0, 1e6)),
    seconds=st.floats(0, 1e6),
    before=st.integers(0, 10**6),
)


@given(snapshots)
def test_a_frame_holds_what_the_snapshot_says(snapshot: Snapshot) -> None:
    head, arrays = decode(encode(snapshot))
    assert Verifying(**head["verifying"]) == snapshot.verifying
    assert (head["work"] and Work(**head["work"])) == snapshot.work
    assert head["idle"] == snapshot.idle
    assert head["idle"] is None or 0 <= head["idle"] <= 1
    assert "measured" not in arrays
    for name in (
        "seq",
        "state",
        "reason",
        "ablations",
        "budget",
        "before",
        "rate",
        "turns",
        "index",
        "max_order",
    ):
        assert head[name] == getattr(snapshot, name)
    estimate = snapshot.estimate
    if estimate is None:
        assert arrays == {}
        assert (head["fitted"], head["round"], head["exact"], head["r2"]) == (0, 0, False, None)
        return
    said = (head["fitted"], head["round"], head["exact"], head["output"])
    assert said == (estimate.ablations, estimate.round, estimate.exact, estimate.output.position)
    assert head["r2"] == ([estimate.r2.value, estimate.r2.low, estimate.r2.high] if estimate.r2 else None)
    spectrum = estimate.spectrum
    np.testing.assert_array_equal(arrays["effects"], player_effects(spectrum).astype("f4"))
    energy, shares = spectrum.energy_by_order()[1:], arrays["energy"]
    if energy.any() and len(shares):  # orders that are but rounding have none
        shares = np.pad(shares, (0, len(energy) - len(shares)))
        np.testing.assert_allclose(shares, energy / energy.sum(), rtol=1e-6, atol=1e-6)
    assert arrays["history"].shape == (len(estimate.history), 5)

    ranked = Ranked.of(spectrum, snapshot.index, snapshot.max_order)
    ranking = dict(zip(ranked.sets(), ranked.effects, strict=True))
    shown = [tuple(int(i) for i in row if i != NO_PLAYER) for row in arrays["members"]]
    assert len(shown) == sum(min(TOP, int(part.sum())) for part in (ranked.orders > 1, ranked.orders == 1))
    for players, effect, kind, verdict in zip(shown, *(arrays[k] for k in ("effect", "kind", "verdict")), strict=True):
        assert effect == np.float32(ranking[players])
        assert KINDS[kind] == kind_of(spectrum, players)
        assert verdict == 0
        assert "low" not in arrays


def test_before_the_first_estimate_a_frame_names_the_output_that_was_chosen() -> None:
    contrast = Output(((0, 1.0), (2, -1.0)), "good − bad")
    for output in (Output(((1, 1.0),), "fair"), contrast):
        head, _ = decode(encode(Snapshot(1, "running", "", 3, 9, output=output)))
        assert (head["output"], head["output_label"]) == (output.position, output.label)
        assert [tuple(term) for term in head["output_terms"]] == list(output.terms)
    head, _ = decode(encode(replace(fixture_snapshot(), output=contrast)))
    assert head["output"] == 1  # what the estimate speaks of


def test_a_frame_says_what_was_verified() -> None:
    _, arrays = decode(encode(fixture_snapshot()))
    shown = [tuple(int(i) for i in row if i != NO_PLAYER) for row in arrays["members"]]
    said = {players: int(code) for players, code in zip(shown, arrays["verdict"], strict=True) if code}
    assert {players: VERDICTS[code - 1] for players, code in said.items()} == {
        (0, 7): "confirmed",
        (7, 8, 299): "undecided",
    }
    figures = {players: row for players, row in zip(shown, arrays["measured"].tolist(), strict=True) if any(row)}
    assert figures == {(0, 7): [1.75, 1.5, 2.0, 16.0, 0.0], (7, 8, 299): [0.25, 0.0, 0.5, 8.0, 4.0]}


def test_a_frame_says_how_sure_each_row_is() -> None:
    head, arrays = decode(encode(fixture_snapshot()))
    assert head["weights"] == {"lasso": 0.75, "process": 0.125}
    shown = [tuple(int(i) for i in row if i != NO_PLAYER) for row in arrays["members"]]
    np.testing.assert_array_equal(arrays["low"], arrays["effect"] - np.float32(0.5))
    np.testing.assert_array_equal(arrays["high"], arrays["effect"] + np.float32(0.25))
    settled = {players for players, said in zip(shown, arrays["settled"], strict=True) if said}
    assert settled == {(0, 7), (7, 8, 299), (299,), (0,)}


@pytest.mark.parametrize(("floor", "settled"), [(None, [1, 1, 1]), (0.2, [0, 1, 0])])
def test_what_is_exact_is_settled_but_for_noise(floor: float | None, settled: list[int]) -> None:
    spectrum = SparseSpectrum.from_sets(2, {(0,): 0.25, (1,): 0.02, (0, 1): -0.01})
    estimate = Estimate(FIRST, 1, 4, spectrum, exact=True)
    _, arrays = decode(encode(Snapshot(1, "done", "", 4, 4, estimate=estimate, floor=floor)))
    assert arrays["settled"].tolist() == settled
    assert arrays["noise"].tolist() == [1 - flag for flag in settled]
    assert "low" not in arrays


@given(snapshots)
def test_arrays_start_at_multiples_of_eight(snapshot: Snapshot) -> None:
    frame = encode(snapshot)
    head = json.loads(frame[4 : 4 + int.from_bytes(frame[:4], "little")])
    assert all(offset % 8 == 0 for _, _, offset in head["arrays"].values())


def test_a_frame_of_two_thousand_players_is_small() -> None:
    rng = np.random.default_rng(0)
    terms = {tuple(sorted(rng.choice(2000, 8, replace=False).tolist())): float(rng.normal()) for _ in range(100)}
    spectrum = SparseSpectrum.from_sets(2000, terms)
    history = tuple(Mark(i, R2(0.9, 0.8, 0.95), 0.5) for i in range(400))
    estimate = Estimate(FIRST, 400, 4000, spectrum, history=history)
    assert len(encode(Snapshot(1, "done", "x" * 500, 4000, 4000, 12.5, 0, estimate))) < 100_000


@pytest.mark.parametrize("nonsense", [b"", b"abc", b"\x00\x00\x00\x00", b"\xff\xff\xff\xff{}", b"\x02\x00\x00\x00{}"])
def test_what_is_no_frame_is_refused(nonsense: bytes) -> None:
    with pytest.raises(ValueError, match="not a frame"):
        decode(nonsense)


if __name__ == "__main__":
    write_fixtures()
