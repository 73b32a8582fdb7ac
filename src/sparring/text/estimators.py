"""How a judge's opinion of written lines reaches whoever wrote them, although units are chosen by chance.

``relaxed``: the straight-through Gumbel softmax (Jang et al. 2017; Maddison et al. 2017), as RelGAN (Nie et al. 2019)
uses it. ``policy_loss``: REINFORCE with a reward for every unit (de Masson d'Autume et al. 2019) and a learned
baseline. Both take lines that were written before, without gradients; their probabilities are computed anew, whole
lines at once.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from sparring.text.networks.writer import Writer
from sparring.text.vocabulary import PAD

SEEDS = 1 << 24  # what a uniform float32 can tell apart
SMALLEST = 0.5 / SEEDS  # in place of a uniform number that is 0


def relaxed(
    writer: Writer, lines: Tensor, labels: Tensor | None, table: Tensor, chance: Tensor, temperature: float
) -> Tensor:
    """``lines`` ``(batch, places)`` by the vectors of ``table`` ``(units, channels)``: ``(batch, places, channels)``.

    Gradients reach the writer as if each unit were a softmax at ``temperature`` of its logits under Gumbel noise. The
    noise is drawn among that for which the unit that was written is the likeliest (Paulus, Maddison & Krause 2021,
    section 3), the same in law as to draw noise first and write by it; from ``chance`` ``(batch,)``, uniform.
    """
    written = lines != PAD
    found = writer.read(lines, labels)[written]
    seeds, lengths = (chance * SEEDS).long().tolist(), written.sum(1).tolist()
    vectors = Relaxation.apply(  # type: ignore[no-untyped-call]
        writer.leave(found),
        writer.vectors.weight,
        writer.bias + writer.never,
        lines[written],
        table,
        temperature,
        seeds,
        lengths,
    )
    return table[lines].masked_scatter(written[..., None], vectors)


class Relaxation(torch.autograd.Function):
    """The vectors of what was chosen; only their gradients know of the softmax, computed line by line, so that no
    logits of all units at all places are ever held."""

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
        """``(n, channels)`` for ``chosen`` ``(n,)``, lines of ``lengths`` one after the other."""
        ctx.save_for_backward(hidden, vectors, bias, chosen, table)
        ctx.temperature, ctx.seeds, ctx.lengths = temperature, seeds, lengths
        return table[chosen]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, wanted: Tensor) -> tuple[Tensor | None, ...]:
        """That of a softmax y of logits over t: y (g - <y, g>) / t, g the gradient of each unit's share.

        Matrices are multiplied in the format of ``hidden``, everything else is in that of ``bias``.
        """
        hidden, vectors, bias, chosen, table = ctx.saved_tensors
        of_hidden, of_vectors, of_bias = torch.empty_like(hidden), torch.zeros_like(vectors), torch.zeros_like(bias)
        down = vectors.to(hidden.dtype)
        across, judged = down.T.contiguous(), table.T.to(hidden.dtype).contiguous()
        wanted = wanted.to(hidden.dtype)
        start = 0
        for seed, length in zip(ctx.seeds, ctx.lengths, strict=True):
            line = slice(start, start := start + length)
            logits = (hidden[line] @ across).to(bias.dtype).add_(bias)
            random = torch.Generator(logits.device).manual_seed(seed)
            soft = (with_noise(logits, chosen[line], random) / ctx.temperature).softmax(1)
            share = (wanted[line] @ judged).to(bias.dtype)
            share = soft * (share - (soft * share).sum(1, keepdim=True)) / ctx.temperature
            of_bias += share.sum(0)
            share = share.to(hidden.dtype)
            of_hidden[line] = share @ down
            of_vectors += share.T @ hidden[line]
        return of_hidden, of_vectors, of_bias, None, None, None, None, None


def with_noise(logits: Tensor, chosen: Tensor, random: torch.Generator) -> Tensor:
    """Logits ``(n, units)`` under Gumbel noise, given that ``chosen`` ``(n,)`` came out highest."""
    waits = torch.rand(logits.shape, generator=random, device=logits.device).clamp_(min=SMALLEST).log_().neg_()
    first, total = waits.gather(1, chosen[:, None]), logits.logsumexp(1, keepdim=True)
    others = -torch.logaddexp(waits.log_() - logits, first.log() - total)
    return others.scatter_(1, chosen[:, None], total - first.log())


def policy_loss(
    writer: Writer, lines: Tensor, labels: Tensor | None, verdicts: Tensor, discount: float, mean_units: float
) -> Tensor:
    """What to minimise so that units become likelier that led to more than was expected; by unit, where lines have
    ``mean_units``.

    ``verdicts`` ``(batch, places)`` are the judge's logits after each unit of ``lines``; a unit's reward is
    2 sigmoid(logit) - 1, and what it led to that of the following ones too, each ``discount`` times less.
    """
    written = lines != PAD
    found = writer.read(lines, labels)[written]
    chances = writer.chances(found, lines[written])
    led_to = returns(2 * verdicts.detach().sigmoid() - 1, written, discount)[written]
    assert writer.value is not None
    expected = writer.value(found.detach())[:, 0].float()
    surprise = (expected - led_to).square() - chances * (led_to - expected.detach())
    loss: Tensor = surprise.sum() / (len(lines) * mean_units)
    return loss


def returns(rewards: Tensor, written: Tensor, discount: float) -> Tensor:
    """Sums of the rewards ``(batch, places)`` from each place on, each ``discount`` times less than the one before."""
    summed, total = [], torch.zeros_like(rewards[:, 0])
    for reward, there in zip(reversed(rewards.unbind(1)), reversed(written.unbind(1)), strict=True):
        total = reward * there + discount * total
        summed.append(total)
    return torch.stack(summed[::-1], 1)
