"""The log-likelihood of chosen tokens, without ever holding the logits of all tokens at all positions.

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
    """``log softmax(hidden @ vectors.T + bias)`` at ``chosen``: ``hidden`` ``(n, channels)``, ``vectors`` ``(tokens,
    channels)``, ``bias`` ``(tokens,)``, ``chosen`` ``(n,)`` give ``(n,)``. Not differentiable twice.

    Matrices are multiplied in the format of ``hidden``, everything else is in that of ``bias``.
    """
    result: Tensor = ChosenLogLikelihood.apply(hidden, vectors, bias, chosen)  # type: ignore[no-untyped-call]
    return result


class ChosenLogLikelihood(torch.autograd.Function):
    """:func:`log_likelihood` with its gradient."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, vectors: Tensor, bias: Tensor, chosen: Tensor) -> Tensor:
        """The log-likelihoods ``(n,)`` of ``chosen`` ``(n,)``, some rows at a time."""
        totals, at_chosen = bias.new_empty(len(hidden)), bias.new_empty(len(hidden))
        across = vectors.T.to(hidden.dtype).contiguous()
        for chunk in chunks(len(hidden), len(vectors)):
            logits = (hidden[chunk] @ across).to(bias.dtype).add_(bias)
            totals[chunk] = logits.logsumexp(1)
            at_chosen[chunk] = logits.gather(1, chosen[chunk, None])[:, 0]
        ctx.save_for_backward(hidden, vectors, bias, chosen, totals)
        return at_chosen - totals

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, wanted: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        """The gradients by ``hidden``, ``vectors`` and ``bias``, in their shapes, from ``wanted`` ``(n,)``: that of a
        log-softmax is one at what was chosen, less the probabilities."""
        hidden, vectors, bias, chosen, totals = ctx.saved_tensors
        of_hidden, of_vectors, of_bias = torch.empty_like(hidden), torch.zeros_like(vectors), torch.zeros_like(bias)
        down = vectors.to(hidden.dtype)
        across = down.T.contiguous()
        for chunk in chunks(len(hidden), len(vectors)):
            share = (hidden[chunk] @ across).to(bias.dtype).add_(bias).sub_(totals[chunk, None]).exp_()
            share.mul_(-wanted[chunk, None])
            share.scatter_add_(1, chosen[chunk, None], wanted[chunk, None])
            of_bias += share.sum(0)
            share = share.to(hidden.dtype)
            of_hidden[chunk] = share @ down
            of_vectors += share.T @ hidden[chunk]
        return of_hidden, of_vectors, of_bias, None


def chunks(rows: int, tokens: int) -> list[slice]:
    """Slices of so many rows, of which each has the logits of all tokens computed together."""
    size = max(1, NUMBERS // tokens)
    return [slice(start, start + size) for start in range(0, rows, size)]
