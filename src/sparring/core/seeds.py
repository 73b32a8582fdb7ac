"""Seeds from seeds: every use of randomness draws from numbers of its own, all decided by the recipe's seed."""

from __future__ import annotations

from enum import IntEnum

import torch


class Stream(IntEnum):
    """What sets one use of a seed apart from every other use of it. Changing a number changes results."""

    EVALUATION = 1
    MEASUREMENT = 2
    DOMAINS = 3
    CALIBRATION = 4


def mixed(*numbers: int) -> int:
    """A 63-bit seed from several whole numbers (the multiply-xorshift of SplitMix64, folded over them)."""
    state = 0
    for number in numbers:
        state = (state ^ number) + 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
        state = (state ^ state >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
        state ^= state >> 31
    return state >> 1


def seed_torch(seed: int, device: torch.device) -> None:
    """Seed torch's own random numbers on the CPU and on ``device``; ``torch.manual_seed`` would look for every kind of
    device, which is slow where it is done at every step."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)
