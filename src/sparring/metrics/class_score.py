"""The score of Salimans et al. 2016 (section 4) by a classifier of the user's own labels: high where every sample is of
one class for certain, and all classes come up. It says nothing of how varied a class is."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from sparring.metrics.score import Metric, Score, blocks, error_without_each

CLASS_SCORE = Metric("class_score", "high", "exp of the mean KL from the classes of all samples to those of each")


def class_score(parts: Sequence[Tensor]) -> float:
    """exp(E KL(p(y|x) || p(y))) of probabilities ``(n, classes)`` in some parts; from 1 to the number of classes."""
    each = torch.cat(list(parts)).double().clamp(min=1e-12)
    return float((each * (each.log() - each.mean(0).log())).sum(1).mean().exp())


def scored(samples: Tensor, floor: Tensor) -> Score:
    """The row on probabilities ``(n, classes)`` of samples, beside those of real examples."""
    (value, error), (real, real_error) = (
        (class_score(parts), error_without_each(parts, class_score)) for parts in (blocks(samples), blocks(floor))
    )
    return Score(CLASS_SCORE, value, error, real, real_error, count=len(samples))
