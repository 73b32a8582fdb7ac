"""How the gradient of an adversarial loss reaches the generator, although it samples discrete tokens.

``relaxed``: the straight-through Gumbel softmax (Jang et al. 2017; Maddison et al. 2017), as RelGAN (Nie et al. 2019)
uses it. ``policy_loss``: REINFORCE with a reward for every token (de Masson d'Autume et al. 2019) and a learned
baseline. Both take lines that were generated before, without gradients; their probabilities are computed anew, whole
lines at once.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from sparring.text.networks.generator import TextGenerator
from sparring.text.vocabulary import PAD

SEEDS = 1 << 24  # what a uniform float32 can tell apart
SMALLEST = 0.5 / SEEDS  # in place of a uniform number that is 0


def relaxed(
    generator: TextGenerator, lines: Tensor, labels: Tensor | None, table: Tensor, uniform: Tensor, temperature: float
) -> Tensor:
    """``lines`` ``(batch, length)`` as the embeddings of ``table`` ``(tokens, channels)``: ``(batch, length,
    channels)``.

    Gradients reach the generator as if each token were a softmax at ``temperature`` of its logits under Gumbel noise.
    The noise is drawn among that for which the token at hand is the likeliest (Paulus, Maddison & Krause 2021, section
    3), the same in law as to draw noise first and choose tokens by it; each line's from its number of ``uniform``
    ``(batch,)``, in [0, 1).
    """
    there = lines != PAD
    hidden = generator.hidden_before(lines, labels)[there]
    seeds, lengths = (uniform * SEEDS).long().tolist(), there.sum(1).tolist()
    vectors = Relaxation.apply(  # type: ignore[no-untyped-call]
        generator.leave(hidden),
        generator.vectors.weight,
        generator.bias + generator.never,
        lines[there],
        table,
        temperature,
        seeds,
        lengths,
    )
    return table[lines].masked_scatter(there[..., None], vectors)


class Relaxation(torch.autograd.Function):
    """The embeddings of chosen tokens; only their gradients know of the softmax, computed line by line, so that no
    logits of all tokens at all positions are ever held."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        vectors: Tensor,
        bias: Tensor,
        chosen: Tensor,
        table: Tensor,
        temperature: float,
        seeds: list[int],
        lengths: list[int],
    ) -> Tensor:
        """The embeddings ``(n, channels)`` of ``chosen`` ``(n,)``, lines of ``lengths`` one after the other."""
        ctx.save_for_backward(hidden, vectors, bias, chosen, table)
        ctx.temperature, ctx.seeds, ctx.lengths = temperature, seeds, lengths
        return table[chosen]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, wanted: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients by ``hidden``, ``vectors`` and ``bias``, in their shapes, from ``wanted`` ``(n, channels)``:
        that of a softmax y of logits over t is y (g - <y, g>) / t, g the gradient of each token's share.

        Matrices are multiplied in the format of ``hidden``, everything else is in that of ``bias``.
        """
        hidden, vectors, bias, chosen, table = ctx.saved_tensors
        of_hidden, of_vectors, of_bias = torch.empty_like(hidden), torch.zeros_like(vectors), torch.zeros_like(bias)
        down = vectors.to(hidden.dtype)
        across, embeddings = down.T.contiguous(), table.T.to(hidden.dtype).contiguous()
        wanted = wanted.to(hidden.dtype)
        start = 0
        for seed, length in zip(ctx.seeds, ctx.lengths, strict=True):
            line = slice(start, start := start + length)
            logits = (hidden[line] @ across).to(bias.dtype).add_(bias)
            random = torch.Generator(logits.device).manual_seed(seed)
            soft = (with_noise(logits, chosen[line], random) / ctx.temperature).softmax(1)
            share = (wanted[line] @ embeddings).to(bias.dtype)
            share = soft * (share - (soft * share).sum(1, keepdim=True)) / ctx.temperature
            of_bias += share.sum(0)
            share = share.to(hidden.dtype)
            of_hidden[line] = share @ down
            of_vectors += share.T @ hidden[line]
        return of_hidden, of_vectors, of_bias, None, None, None, None, None


def with_noise(logits: Tensor, chosen: Tensor, random: torch.Generator) -> Tensor:
    """Logits ``(n, tokens)`` under Gumbel noise, of this shape, given that ``chosen`` ``(n,)`` came out highest."""
    waits = torch.rand(logits.shape, generator=random, device=logits.device).clamp_(min=SMALLEST).log_().neg_()
    first, total = waits.gather(1, chosen[:, None]), logits.logsumexp(1, keepdim=True)
    others = -torch.logaddexp(waits.log_() - logits, first.log() - total)
    return others.scatter_(1, chosen[:, None], total - first.log())


def policy_loss(
    generator: TextGenerator,
    lines: Tensor,
    labels: Tensor | None,
    logits: Tensor,
    discount: float,
    mean_tokens: float,
) -> Tensor:
    """The loss, a scalar, by which tokens become likelier whose return is more than the baseline expects, together with
    the baseline's squared error; a mean over tokens, where a line has ``mean_tokens``.

    ``logits`` ``(batch, length)`` are the discriminator's after each token of ``lines`` ``(batch, length)``; a token's
    reward is 2 sigmoid(logit) - 1, its return that of the following ones too, each ``discount`` times less.
    """
    there = lines != PAD
    hidden = generator.hidden_before(lines, labels)[there]
    log_likelihoods = generator.token_log_likelihoods(hidden, lines[there])
    gained = returns(2 * logits.detach().sigmoid() - 1, there, discount)[there]
    assert generator.value is not None
    expected = generator.value(hidden.detach())[:, 0].float()
    losses = (expected - gained).square() - log_likelihoods * (gained - expected.detach())
    loss: Tensor = losses.sum() / (len(lines) * mean_tokens)
    return loss


def returns(rewards: Tensor, there: Tensor, discount: float) -> Tensor:
    """Sums of the rewards ``(batch, length)`` from each position on, each ``discount`` times less than the one before,
    ``(batch, length)``; only positions where ``there`` ``(batch, length)`` is true have a reward."""
    summed, total = [], torch.zeros_like(rewards[:, 0])
    for reward, counts in zip(reversed(rewards.unbind(1)), reversed(there.unbind(1)), strict=True):
        total = reward * counts + discount * total
        summed.append(total)
    return torch.stack(summed[::-1], 1)
