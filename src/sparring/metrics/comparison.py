"""What was compared, for a modality to draw: a number is believed sooner beside the examples that it is of."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from sparring.data.source import Form


@dataclass(frozen=True)
class Comparison:
    """``reference`` ``(m, ...)`` and ``samples`` ``(n, ...)`` as they were measured, with their features.

    ``logits`` ``(n,)`` are the discriminator's, where there is one; ``labels`` ``(n,)``, indices into ``names``, where
    samples were made under labels; ``form`` is that of the examples.
    """

    reference: Tensor
    samples: Tensor
    reference_features: Tensor
    sample_features: Tensor
    logits: Tensor | None = None
    labels: Tensor | None = None
    names: tuple[str, ...] = ()
    form: Form | None = None
