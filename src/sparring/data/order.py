"""In which order examples come: pure functions of seed and position, so that going on takes one integer."""

from __future__ import annotations

import numpy as np

from sparring.core.errors import UserError

HELD_OUT_STREAM = 1  # sets the split's randomness apart from every epoch's: (seed, epoch) is (seed, epoch, 0)


class Order:
    """Endless epochs over ``members``, indices ``(n,)``, each shuffled anew by ``(seed, epoch)``. Raises ValueError
    without members.

    Position ``p`` is the ``p``-th example ever seen, counted from 0 over all epochs and all processes.
    """

    def __init__(self, members: np.ndarray, seed: int) -> None:
        if len(members) == 0:
            raise ValueError("an order needs at least one member")
        self.members = np.asarray(members, dtype=np.int64)
        self.seed = seed
        self._epoch = -1
        self._shuffled = self.members

    def indices(self, start: int, number: int) -> np.ndarray:
        """Indices of ``number`` examples from position ``start``, int64 ``(number,)``; may cross epochs."""
        parts = []
        while number > 0:
            epoch, offset = divmod(start, len(self.members))
            part = self._members_of(epoch)[offset : offset + number]
            parts.append(part)
            start += len(part)
            number -= len(part)
        return np.concatenate(parts) if parts else np.empty(0, np.int64)

    def _members_of(self, epoch: int) -> np.ndarray:
        if epoch != self._epoch:
            self._shuffled = np.random.default_rng((self.seed, epoch)).permutation(self.members)
            self._epoch = epoch
        return self._shuffled


def held_out_count(wanted: int, count: int) -> int:
    """How many of ``count`` examples are held out when ``wanted`` are asked for: at most a tenth."""
    return min(wanted, count // 10)


def split(count: int, seed: int, held_out: int) -> tuple[np.ndarray, np.ndarray]:
    """Training and held-out indices ``(n,)`` below ``count``: disjoint, complete, ascending, fixed by ``seed``.

    Raises :class:`UserError` when nothing would be left to train on.
    """
    if not 0 <= held_out < count:
        raise UserError(f"held_out: {held_out} of {count} examples leaves none to train on; hold out fewer")
    shuffled = np.random.default_rng((seed, 0, HELD_OUT_STREAM)).permutation(count)
    return np.sort(shuffled[held_out:]), np.sort(shuffled[:held_out])


def evenly(indices: np.ndarray, most: int) -> np.ndarray:
    """At most so many of the indices ``(n,)``, evenly spaced."""
    return indices[np.unique(np.linspace(0, len(indices) - 1, min(most, len(indices))).astype(np.int64))]
