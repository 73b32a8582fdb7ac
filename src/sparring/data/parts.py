"""Many examples some at a time, so that memory is taken for few of them at once, however large one is."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from sparring.data.source import Source

READ, NUMBERS = 4096, 1 << 24  # examples of a part, at most, and numbers in it: 64 MiB in single precision


def parts_of(source: Source, indices: np.ndarray, most: int = READ) -> list[np.ndarray]:
    """Indices ``(n,)`` of examples in parts, one or more, of ``most`` examples each at most, fewer of large ones."""
    numbers = max(values.numel() for values in source.batch(indices[:1]).values())
    count = max(1, min(most, NUMBERS // max(1, numbers)))
    return np.split(indices, range(count, len(indices), count))


def joined(parts: Iterable[Tensor], count: int) -> Tensor:
    """Parts ``(n, ...)`` of ``count`` examples together, ``(count, ...)``: each is laid where it stays as it comes,
    which takes half the memory of concatenating all of them. Raises ValueError for another number of examples."""
    whole, done = torch.empty(0), 0
    for part in parts:
        if not done:
            whole = part.new_empty(count, *part.shape[1:])
        if part.dtype != whole.dtype or part.shape[1:] != whole.shape[1:] or done + len(part) > count:
            raise ValueError(f"{tuple(part.shape)} of {part.dtype} do not fit after {done} of {tuple(whole.shape)}")
        whole[done : done + len(part)] = part
        done += len(part)
    if done != count:
        raise ValueError(f"{done} examples instead of {count}")
    return whole
