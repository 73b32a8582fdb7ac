"""Monotone rational-quadratic splines of [0, 1] onto itself: Durkan, Bekasov, Murray, Papamakarios, "Neural Spline
Flows", NeurIPS 2019 (section 3.1).

Both directions are closed forms, so a flow of them samples as fast as it scores.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import softplus

BINS = 8
PARAMETERS = 3 * BINS + 1  # widths and heights of the bins, slopes at their ends
LEAST = 1e-5  # of a bin's width, its height, and a slope: what no value may be rarer than, so it is seen in samples
SLOPE_ONE = math.log(math.expm1(1 - LEAST))  # what softplus makes the slope 1 of


def spline(values: Tensor, parameters: Tensor, *, inverse: bool = False) -> tuple[Tensor, Tensor]:
    """Values ``(...)`` in [0, 1] through splines of ``parameters`` ``(..., PARAMETERS)``, any real numbers, or back;
    with the logarithm of the derivative of what was done, ``(...)``. Parameters of 0 are the identity."""
    widths, heights, slopes = torch.split(parameters, [BINS, BINS, BINS + 1], -1)
    widths, heights = shares(widths), shares(heights)
    rights, tops = widths.cumsum(-1), heights.cumsum(-1)
    slopes = LEAST + softplus(slopes + SLOPE_ONE)

    # The bin of each value
    chosen = (values[..., None] >= (tops if inverse else rights)[..., :-1]).sum(-1, keepdim=True)
    width, height, right, top, slope, slope_after = (
        each.gather(-1, index).squeeze(-1)
        for each, index in (
            (widths, chosen), (heights, chosen), (rights, chosen), (tops, chosen), (slopes, chosen),
            (slopes, chosen + 1),
        )
    )  # fmt: skip
    left, bottom, mean = right - width, top - height, height / width

    # How far along the bin, from 0 to 1
    bend = slope + slope_after - 2 * mean
    if inverse:
        risen = torch.minimum((values - bottom).clamp(min=0), height)
        a, b, c = height * (mean - slope) + risen * bend, height * slope - risen * bend, -mean * risen
        along = (2 * c / (-b - (b.square() - 4 * a * c).clamp(min=0).sqrt())).clamp(0, 1)
    else:
        along = ((values - left) / width).clamp(0, 1)

    # The value there, and the derivative
    both = along * (1 - along)
    scale = mean + bend * both
    rise = slope_after * along.square() + 2 * mean * both + slope * (1 - along).square()
    log_derivative = 2 * mean.log() + rise.log() - 2 * scale.log()
    if inverse:
        return left + along * width, -log_derivative
    return bottom + height * (mean * along.square() + slope * both) / scale, log_derivative


def shares(numbers: Tensor) -> Tensor:
    """Positive shares ``(..., BINS)`` of 1, each ``LEAST`` or more, from any real numbers ``(..., BINS)``."""
    return LEAST + (1 - LEAST * BINS) * numbers.softmax(-1)
