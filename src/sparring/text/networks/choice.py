"""The log-likelihood of chosen units, without ever holding the logits of all units at all places.

A batch's logits are tens of megabytes that are written, read and thrown away; here some rows at a time stay in the
processor's cache, and are computed again for the gradients.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

NUMBERS = 1 << 19  # logits held at a time


def log_likelihood(hidden: Tensor, vectors: Tensor, bias: Tensor, chosen: Tensor) -> Tensor:
    """``log softmax(hidden @ vectors.T + bias)`` at ``chosen``: ``hidden`` ``(n, channels)``, ``vectors`` ``(units,
    channels)``, ``bias`` ``(units,)``, ``chosen`` ``(n,)`` give ``(n,)``. Not differentiable twice.

    Matrices are multiplied in the format of ``hidden``, everything else is in that of ``bias``.
    """
    found: Tensor = Choice.apply(hidden, vectors, bias, chosen)  # type: ignore[no-untyped-call]
    return found


class Choice(torch.autograd.Function):
    """What :func:`log_likelihood` is."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, vectors: Tensor, bias: Tensor, chosen: Tensor) -> Tensor:
        """Row by row, some at a time."""
        totals, found = bias.new_empty(len(hidden)), bias.new_empty(len(hidden))
        across = vectors.T.to(hidden.dtype).contiguous()
        for some in chunks(len(hidden), len(vectors)):
            logits = (hidden[some] @ across).to(bias.dtype).add_(bias)
            totals[some] = logits.logsumexp(1)
            found[some] = logits.gather(1, chosen[some, None])[:, 0]
        ctx.save_for_backward(hidden, vectors, bias, chosen, totals)
        return found - totals

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, wanted: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        """The gradient of a log-softmax is one at what was chosen, less the probabilities."""
        hidden, vectors, bias, chosen, totals = ctx.saved_tensors
        of_hidden, of_vectors, of_bias = torch.empty_like(hidden), torch.zeros_like(vectors), torch.zeros_like(bias)
        down = vectors.to(hidden.dtype)
        across = down.T.contiguous()
        for some in chunks(len(hidden), len(vectors)):
            share = (hidden[some] @ across).to(bias.dtype).add_(bias).sub_(totals[some, None]).exp_()
            share.mul_(-wanted[some, None])
            share.scatter_add_(1, chosen[some, None], wanted[some, None])
            of_bias += share.sum(0)
            share = share.to(hidden.dtype)
            of_hidden[some] = share @ down
            of_vectors += share.T @ hidden[some]
        return of_hidden, of_vectors, of_bias, None


def chunks(rows: int, units: int) -> list[slice]:
    """The rows that are computed together."""
    some = max(1, NUMBERS // units)
    return [slice(start, start + some) for start in range(0, rows, some)]
