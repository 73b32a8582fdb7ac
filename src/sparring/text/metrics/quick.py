"""Quick features of lines, in which a run is watched while it trains: how often runs of three characters occur.

They do not depend on how tokens are numbered. ``sparring evaluate`` compares in features of whole words
(``text/metrics/encoder.py``).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from sparring.metrics.features import Features

DIMENSIONS = 128
COMPARED = 256  # characters of a line
RUN = 3  # characters that are looked at together
PRIMES = np.array([0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D], dtype=np.uint64)


def trigram_features() -> Features:
    """The features of :func:`hashed_trigrams`, for characters ``(n, longest)``."""
    return Features("character-trigrams", "none", hashed_trigrams)


def hashed_trigrams(characters: Tensor) -> Tensor:
    """How often each run of three characters occurs in lines ``(n, longest)`` of code points, 0 where they are over:
    hashed to 128 numbers with signs (Weinberger et al. 2009), float32 ``(n, 128)``, every row of length 1."""
    codes = characters.numpy().astype(np.uint64)
    codes = np.pad(codes[:, : max(1, int((codes > 0).sum(1).max()))], ((0, 0), (1, RUN)))
    runs = np.lib.stride_tricks.sliding_window_view(codes, RUN, axis=1)
    hashes = (runs * PRIMES).sum(2) % np.uint64(1 << 32)
    hashes ^= hashes >> np.uint64(15)
    there = runs[:, :, 1] > 0
    rows = np.broadcast_to(np.arange(len(codes))[:, None], there.shape)[there]
    counts = np.zeros((len(codes), DIMENSIONS), dtype=np.float32)
    sign = 1.0 - 2.0 * ((hashes[there] >> np.uint64(9)) & np.uint64(1))
    np.add.at(counts, (rows, (hashes[there] % np.uint64(DIMENSIONS)).astype(np.int64)), sign)
    return torch.from_numpy(counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1e-9))


def first_characters(characters: Tensor) -> Tensor:
    """The first 256 characters of each line ``(n, longest)``, on the CPU, ``(n, 256)``, filled up with 0."""
    first = characters.cpu()[:, :COMPARED]
    return torch.nn.functional.pad(first, (0, COMPARED - first.shape[1]))
