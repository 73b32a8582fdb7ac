"""Where a judge looked: what of an example raises, or lowers, its log odds of being real.

Both methods explain one number, why this judge finds this example real or generated; they say nothing of why a
``p_value`` is small, nor of what would convince a person. Positive parts speak for real, negative ones for generated.

Occlusion hides one patch after the other (Zeiler & Fergus 2014) and looks at the number alone. Integrated gradients
(Sundararajan et al. 2017, eq. 1) share the difference between an example and a baseline out among all of its numbers.
The baseline here is the nearest training example. The mean of all is less like a real one than most of what is to be
explained (of digits its log odds are -74), and maps beside it would tell what is wrong with the mean.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import softplus

from sparring.kind import LogOdds
from sparring.probability.calibration import Calibrator
from sparring.probability.judge import Judge

STEPS = 64  # on the way from a baseline to an example
MISSED = 0.01  # of a difference of log odds, that integrated gradients may miss before they take more steps
SIDES = 8  # patches of the longer side, before others that overlap them by half
NUMBERS = 1 << 22  # of changed examples that are looked at together, about

Patch = tuple[slice, ...]
"""A part of an example by its last dimensions: ``(rows, columns)`` of a picture, in all of its channels."""


def log_odds_of(judge: Judge, calibrator: Calibrator) -> LogOdds:
    """The calibrated log odds of being real at equal odds, without the limit that their certainty has, which would have
    no slope. An isotonic map is one of steps, which has none either: there it is the logit before it."""
    numbers = calibrator.numbers

    def of_features(features: Tensor) -> Tensor:
        logits: Tensor = judge.real(features)[:, 0].float()
        if calibrator.method == "platt":
            return numbers[0] * logits + numbers[1]
        if calibrator.method == "beta":
            return numbers[1] * softplus(logits) - numbers[0] * softplus(-logits) + numbers[2]
        return logits

    name = "logit, before the isotonic map" if calibrator.method == "isotonic" else "log odds"
    return LogOdds(judge.trunk, of_features, name)


# Occlusion


def occlusion(
    log_odds: Callable[[Tensor], Tensor], example: Tensor, baseline: Tensor | None, patches: Sequence[Patch]
) -> Tensor:
    """How far the log odds of an example ``(...)`` fall when each of the patches alone is hidden, ``(patches,)``.

    ``log_odds`` gives ``(n,)`` of examples ``(n, ...)``. A patch is hidden by the ``baseline`` ``(...)`` there, or,
    where that is None, by its own mean, of each channel or whatever else the patch does not bound.
    """
    few = max(1, NUMBERS // example.numel())
    with torch.no_grad():
        whole = log_odds(example[None])
        parts = [patches[start : start + few] for start in range(0, len(patches), few)]
        hidden = [log_odds(torch.stack([without(example, patch, baseline) for patch in part])) for part in parts]
        return whole - torch.cat(hidden)


def without(example: Tensor, patch: Patch, baseline: Tensor | None) -> Tensor:
    """The example ``(...)`` with one patch hidden by the baseline, or by the mean of what the patch bounds."""
    changed = example.clone()
    place: Any = (..., *patch)
    if baseline is not None:
        changed[place] = baseline[place]
        return changed
    bounded = [number - len(patch) for number, part in enumerate(patch) if part != slice(None)]
    changed[place] = example[place].mean(bounded, keepdim=True)
    return changed


def painted(falls: Tensor, patches: Sequence[Patch], shape: Sequence[int]) -> Tensor:
    """A map of this shape: at each place the mean of the ``falls`` ``(patches,)`` of all patches that cover it."""
    total, count = torch.zeros(*shape), torch.zeros(*shape)
    for fall, patch in zip(falls.tolist(), patches, strict=True):
        place: Any = (..., *patch)
        total[place] += fall
        count[place] += 1
    return total / count.clamp(min=1)


def side_of(height: int, width: int) -> int:
    """The side of the square patches of a picture: an eighth of its longer one, 2 pixels at least."""
    return max(2, round(max(height, width) / SIDES))


def patches_of(height: int, width: int) -> list[Patch]:
    """Square patches that cover a picture, each of which overlaps the next by half."""
    side = side_of(height, width)
    rows, columns = (starts(length, min(side, length)) for length in (height, width))
    return [(slice(top, top + side), slice(left, left + side)) for top in rows for left in columns]


def starts(length: int, side: int) -> list[int]:
    """Where patches of a side begin on a length, so that the last one ends with it."""
    return [*range(0, length - side, max(1, side // 2)), length - side]


# Integrated gradients


def integrated_gradients(
    log_odds: Callable[[Tensor], Tensor], example: Tensor, baseline: Tensor, steps: int = STEPS
) -> Tensor:
    """What each number of an example ``(...)`` adds to its log odds, beside those of the ``baseline`` ``(...)``: the
    difference of the two times the mean gradient on the straight way from one to the other, ``(...)``.

    ``log_odds`` gives ``(n,)`` of examples ``(n, ...)``, and can be differentiated. The mean is taken in the middle of
    each of ``steps`` equal parts of the way. All of them add up to the difference of log odds, but for what the steps
    miss.
    """
    way = (torch.arange(steps, dtype=torch.float32, device=example.device) + 0.5) / steps
    total = torch.zeros_like(example)
    with torch.enable_grad():
        for part in torch.split(way, max(1, NUMBERS // example.numel())):
            shares = part.view(-1, *[1] * example.dim())
            points = (baseline + shares * (example - baseline)).requires_grad_()
            total += torch.autograd.grad(log_odds(points).sum(), points)[0].sum(0)
    return (example - baseline) * total / steps


# Both, for people


@dataclass(frozen=True)
class Maps:
    """Why a judge finds an example real or generated: ``log_odds`` of it and of the ``nearest`` training
    example, and maps of its shape: ``occluded`` and ``gradients``."""

    log_odds: float
    nearest: float
    occluded: Tensor
    gradients: Tensor

    def caption(self, name: str, hidden: str) -> str:
        """What the maps show and by which scale, for a person; ``name`` is that of the numbers, ``hidden`` what was
        hidden at a time."""
        return (
            f"{name} of being real: {self.log_odds:+.2f}; of the nearest training example: {self.nearest:+.2f}. Blue "
            f"raises it, red lowers it, white does neither. Occlusion: by how much it falls when {hidden} are replaced "
            "by their mean. Integrated gradients: what each difference from the nearest training example adds, "
            f"together {float(self.gradients.sum()):+.3g} of the {self.log_odds - self.nearest:+.3g} between the two."
        )


def maps_of(log_odds: Callable[[Tensor], Tensor], example: Tensor, nearest: Tensor, patches: Sequence[Patch]) -> Maps:
    """The maps of an example ``(...)``: occlusion of patches by their means, and integrated gradients from the nearest
    training example ``(...)`` on, in 16 times as many steps at most where they do not add up to 1 %; both on the
    CPU."""
    falls = occlusion(log_odds, example, None, patches)
    with torch.no_grad():
        ends = log_odds(torch.stack([example, nearest])).tolist()
    difference = ends[0] - ends[1]
    for steps in (STEPS, 4 * STEPS, 16 * STEPS):
        gradients = integrated_gradients(log_odds, example, nearest, steps)
        if abs(float(gradients.sum()) - difference) <= MISSED * abs(difference):
            break
    return Maps(ends[0], ends[1], painted(falls, patches, example.shape), gradients.cpu())
