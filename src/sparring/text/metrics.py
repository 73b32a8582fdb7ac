"""How text is watched while it is trained; ``sparring evaluate`` measures it in ``verbs/texts.py``."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from sparring.metrics.features import Features

DIMENSIONS = 128
MEASURED = 256  # characters of a line
RUN = 3  # characters that are looked at together
PRIMES = np.array([0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D], dtype=np.uint64)


def quick_features(characters: Tensor, device: torch.device) -> Features:
    """How often runs of three characters occur, hashed to 128 numbers with signs (Weinberger et al. 2009); every line
    of length 1."""
    return Features("character-trigrams", "none", hashed)


def hashed(characters: Tensor) -> Tensor:
    """Lines of characters ``(n, most)``, 0 where they are over, to ``(n, 128)``."""
    codes = characters.numpy().astype(np.uint64)
    codes = np.pad(codes[:, : max(1, int((codes > 0).sum(1).max()))], ((0, 0), (1, RUN)))
    runs = np.lib.stride_tricks.sliding_window_view(codes, RUN, axis=1)
    mixed = (runs * PRIMES).sum(2) % np.uint64(1 << 32)
    mixed ^= mixed >> np.uint64(15)
    there = runs[:, :, 1] > 0
    rows = np.broadcast_to(np.arange(len(codes))[:, None], there.shape)[there]
    found = np.zeros((len(codes), DIMENSIONS), dtype=np.float32)
    sign = 1.0 - 2.0 * ((mixed[there] >> np.uint64(9)) & np.uint64(1))
    np.add.at(found, (rows, (mixed[there] % np.uint64(DIMENSIONS)).astype(np.int64)), sign)
    return torch.from_numpy(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9))


def as_measured(samples: Tensor) -> Tensor:
    """Lines as characters, the first 256 of each."""
    characters = samples.cpu()[:, :MEASURED]
    return torch.nn.functional.pad(characters, (0, MEASURED - characters.shape[1]))
