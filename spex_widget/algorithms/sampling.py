"""Uniform coalitions without repeats, in an order that the seed alone decides."""

from __future__ import annotations

import numpy as np

from spex_widget.spectrum.arguments import BoolArray

_ENUMERATED = 20  # up to here all 2^n coalitions are held as one permutation


class UniformSampler:
    """A stream of distinct coalitions, each player present with probability one half.

    Small games are a seeded permutation of all 2^n coalitions, so that a stream that is drawn to its end has met each
    once. The stream does not depend on how many coalitions are drawn at a time.

    Examples
    --------
    >>> stream = UniformSampler(2, seed=0)
    >>> len(stream.draw(3)), len(stream.draw(3)), len(stream.draw(3))
    (3, 1, 0)
    """

    def __init__(self, n: int, seed: int) -> None:
        self.n = n
        self.drawn = 0
        self._rng = np.random.default_rng(seed)
        self._permutation = self._rng.permutation(1 << n) if n <= _ENUMERATED else None
        self._seen: set[bytes] = set()

    def draw(self, k: int) -> BoolArray:
        """The next at most k coalitions, (≤ k, n) bool; fewer only when there are no more."""
        if self._permutation is not None:
            numbers = self._permutation[self.drawn : self.drawn + k]
            rows = ((numbers[:, None] >> np.arange(self.n)) & 1).astype(np.bool_)
        else:
            rows = self._fresh(k)
        self.drawn += len(rows)
        return rows

    def _fresh(self, k: int) -> BoolArray:
        words = -(-self.n // 64)
        blocks: list[BoolArray] = []
        missing = k
        while missing:
            bits = self._rng.integers(0, 1 << 64, size=(missing, words), dtype=np.uint64, endpoint=False)
            # Little-endian by name, so that every machine draws the same stream.
            rows = np.unpackbits(bits.astype("<u8").view(np.uint8), axis=1, bitorder="little")[:, : self.n].view(bool)
            new = np.zeros(len(rows), dtype=bool)
            for i, packed in enumerate(np.packbits(rows, axis=1)):
                key = packed.tobytes()
                new[i] = key not in self._seen
                self._seen.add(key)
            blocks.append(rows[new])
            missing -= int(new.sum())
        return np.concatenate(blocks) if blocks else np.zeros((0, self.n), dtype=bool)
