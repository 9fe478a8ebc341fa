"""A snapshot as bytes: the wire between kernel and page, mirrored by `js/src/protocol.ts`.

A frame is a little-endian uint32 with the length of a JSON head, the head, and the arrays that the head names by dtype,
shape and byte offset from the start of the frame; each array starts at a multiple of eight.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, astuple
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from spex_widget.algorithms.algorithm import Estimate
from spex_widget.snapshot.asked import Asked
from spex_widget.snapshot.diagnostics import energy_shares
from spex_widget.snapshot.measured import VERDICTS, Measured
from spex_widget.snapshot.ranked import Ranked, player_effects
from spex_widget.snapshot.snapshot import Snapshot, trusted_intervals
from spex_widget.spectrum import SparseSpectrum
from spex_widget.spectrum.sets import stack_sets

VERSION = 3
"""Raised whenever a page of the old code would misread a frame of the new."""

TOP = 100
"""How many interactions a frame carries: so many of order 2 and more, and as many single players."""

NO_PLAYER = 65535
"""Pads the sets of a frame."""

SPECTRUM_BYTES = 60_000
"""What the surrogate may take of a frame; of a larger one the smallest coefficients stay behind."""


def encode(snapshot: Snapshot) -> bytes:
    """A snapshot as a frame.

    Examples
    --------
    >>> head, arrays = decode(encode(Snapshot(3, "running", "", 64, 400)))
    >>> head["state"], head["ablations"], arrays
    ('running', 64, {})
    """
    estimate = snapshot.estimate
    output = (estimate or snapshot).output
    r2 = estimate.r2 if estimate else None
    head: dict[str, Any] = {
        "version": VERSION,
        "seq": snapshot.seq,
        "state": snapshot.state,
        "reason": snapshot.reason,
        "ablations": snapshot.ablations,
        "budget": snapshot.budget,
        "before": snapshot.before,
        "rate": snapshot.rate,
        "turns": snapshot.turns,
        "index": snapshot.index,
        "max_order": snapshot.max_order,
        "fitted": estimate.ablations if estimate else 0,
        "round": estimate.round if estimate else 0,
        "exact": bool(estimate and estimate.exact),
        "output": output.position,
        "output_terms": [list(term) for term in output.terms],
        "output_label": output.label,
        "r2": [_number(r2.value), _number(r2.low), _number(r2.high)] if r2 else None,
        "weights": dict(estimate.weights) if estimate else {},
        "remarks": list(snapshot.remarks),
        "verifying": asdict(snapshot.verifying),
        "work": asdict(snapshot.work) if snapshot.work else None,
        "idle": snapshot.idle,
        "asked": _asked(snapshot.asked),
        "left_out": 0.0,
    }
    if estimate is None:
        return _pack(head, {})
    arrays = _arrays(estimate, snapshot.index, snapshot.max_order)
    surrogate, head["left_out"] = _surrogate(estimate.spectrum)
    return _pack(head, {**arrays, **surrogate, **_standing(snapshot, arrays), **_probes(snapshot.asked)})


def decode(frame: bytes) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """The head and the arrays of a frame; ValueError where it is none, or of another version."""
    try:
        end = 4 + int.from_bytes(frame[:4], "little")
        head = json.loads(frame[4:end])
        layout = head.pop("arrays")
        arrays = {
            name: np.frombuffer(frame, dtype, math.prod(shape), offset).reshape(shape)
            for name, (dtype, shape, offset) in layout.items()
        }
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"these {len(frame)} bytes are not a frame: {error}") from error
    if head["version"] != VERSION:
        raise ValueError(f"a frame of version {head['version']} was met by code that reads version {VERSION}")
    return head, arrays


@lru_cache(maxsize=4)
def _arrays(estimate: Estimate, index: str, max_order: int | None) -> dict[str, npt.NDArray[Any]]:
    # Many frames show one estimate: progress moves faster than the surrogate.
    ranked = Ranked.of(estimate.spectrum, index, max_order)
    shown = [ranked.head(ranked.orders > 1, TOP), ranked.head(ranked.orders == 1, TOP)]
    members = stack_sets(ranked.n, *(part.members for part in shown))
    effects = np.concatenate([part.effects for part in shown])
    kinds = np.concatenate([part.kinds(estimate.spectrum) for part in shown])
    intervals = trusted_intervals(estimate, members, index, max_order)
    history = [(m.ablations, m.r2.value, m.r2.low, m.r2.high, m.r2_linear) for m in estimate.history]
    return {
        "effects": _float32(player_effects(estimate.spectrum)),
        "members": np.where(members < ranked.n, members, NO_PLAYER).astype("<u2"),
        "effect": _float32(effects),
        **({} if intervals is None else {"low": _float32(intervals[0]), "high": _float32(intervals[1])}),
        "kind": kinds,
        "history": _float32(np.array(history, dtype=np.float64).reshape(len(history), 5)),
        "energy": _float32(np.array(energy_shares(estimate.spectrum))),
    }


@lru_cache(maxsize=4)
def _surrogate(spectrum: SparseSpectrum) -> tuple[dict[str, npt.NDArray[Any]], float]:
    """The surrogate, so that the page can evaluate it, and the root mean square of what there was no room for.

    The sets one after the other: `spectrum_orders` says how many of `spectrum_members` each takes.
    """
    bytes_each = 5 + 2 * spectrum.orders
    by_size = np.argsort(-np.abs(spectrum.coefficients), kind="stable")
    sent = np.sort(by_size[np.cumsum(bytes_each[by_size]) <= SPECTRUM_BYTES])
    members = spectrum.members[sent]
    arrays = {
        "spectrum_orders": spectrum.orders[sent].astype(np.uint8),
        "spectrum_members": members[members < spectrum.n].astype("<u2"),
        "spectrum": _float32(spectrum.coefficients[sent]),
    }
    return arrays, float(np.linalg.norm(np.delete(spectrum.coefficients, sent)))


def _asked(asked: Asked) -> dict[str, Any]:
    flip = asked.flip and {**asdict(asked.flip), "value": asked.flip.value and _number(asked.flip.value)}
    return {"pending": asked.pending, "ablations": asked.ablations, "flip": flip, "error": asked.error}


def _probes(asked: Asked) -> dict[str, npt.NDArray[Any]]:
    """Probed coalitions as packed bits, little end first, and the model's own values."""
    if not asked.probes:
        return {}
    coalitions = np.stack([probe.coalition for probe in asked.probes])
    return {
        "probed": np.packbits(coalitions, axis=1, bitorder="little"),
        "probed_values": _float32(np.array([probe.value for probe in asked.probes])),
    }


def _standing(snapshot: Snapshot, arrays: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """Whether each row is settled, whether it is noise, what measuring it says (0 for nothing, else its place in
    `VERDICTS`, from 1), and where any was measured the figures: effect, low, high, contexts, how many of these were
    targeted.
    """
    codes: dict[str | None, int] = {None: 0, **{verdict: code for code, verdict in enumerate(VERDICTS, 1)}}
    sets = [tuple(int(i) for i in row if i != NO_PLAYER) for row in arrays["members"]]
    rows = list(zip(sets, map(float, arrays["effect"]), strict=True))
    settled = [bool(snapshot.is_settled(*row, snapshot.index, snapshot.max_order)) for row in rows]
    noise = [snapshot.is_noise(*row) for row in rows]
    verdict = [codes[snapshot.verdict(*row)] for row in rows]
    flags = {"settled": settled, "noise": noise, "verdict": verdict}
    standing = {name: np.array(flag, dtype=np.uint8) for name, flag in flags.items()}
    if not any(verdict):
        return standing
    figures = [snapshot.measured.get(players, Measured(0.0, 0.0, 0.0, 0)) for players, _ in rows]
    return {**standing, "measured": _float32(np.array([astuple(one) for one in figures], dtype=np.float64))}


def _float32(array: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    largest = np.finfo(np.float32).max
    return np.clip(array, -largest, largest).astype("<f4")


def _number(x: float) -> float | None:
    return x if math.isfinite(x) else None


def _pack(head: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> bytes:
    # Offsets stand in the head, and the head's length decides them: leave each the room of its largest value.
    room = len(json.dumps(head)) + 128 * (len(arrays) + 1)
    offset = start = 4 + room + (-(4 + room)) % 8
    layout = {}
    for name, array in arrays.items():
        layout[name] = (array.dtype.str, array.shape, offset)
        offset += array.nbytes + (-array.nbytes) % 8
    text = json.dumps({**head, "arrays": layout}).encode().ljust(start - 4)
    body = b"".join(a.tobytes().ljust(a.nbytes + (-a.nbytes) % 8, b"\0") for a in arrays.values())
    return len(text).to_bytes(4, "little") + text + body
