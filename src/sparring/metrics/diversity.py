"""How many different things a set holds, by its own variety alone: the Vendi score (Friedman & Dieng 2023)."""

from __future__ import annotations

import torch
from torch import Tensor

from sparring.metrics.score import Estimate, NotComputable, blocks, error_without_each, need


def vendi(reference: Tensor, samples: Tensor, seed: int = 0) -> dict[str, Estimate]:
    """``vendi``: exp of the entropy of the eigenvalues of K / n, K the cosine similarity of ``(n, d)`` features seen
    from the reference's mean; between 1 (all alike) and d. Compare it with the floor, which is that of real examples.

    K / n has the eigenvalues of the (d, d) second moment of the normalised features, which is what is decomposed.
    Raises :class:`NotComputable` for fewer than 20 samples and where features have no direction.
    """
    need(len(samples), 20)
    centred = samples.double() - reference.double().mean(0)
    norms = centred.norm(dim=1, keepdim=True)
    if not (norms > 0).any():
        raise NotComputable("all features are the same")
    unit = centred / norms.clamp(min=1e-12)
    parts = [(part.T @ part, len(part)) for part in blocks(unit)]
    return {"vendi": Estimate(effective_number(parts), error_without_each(parts, effective_number))}


def effective_number(parts: list[tuple[Tensor, int]]) -> float:
    """The effective number of different samples, from second moments ``(d, d)`` (sums) and counts."""
    total = torch.stack([moment for moment, _ in parts]).sum(0) / sum(count for _, count in parts)
    shares = torch.linalg.eigvalsh(total).clamp(min=0)
    shares = shares[shares > 0] / shares.sum()
    return float((-(shares * shares.log()).sum()).exp())
