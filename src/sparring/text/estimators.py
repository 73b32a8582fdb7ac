"""How a judge's opinion of written lines reaches whoever wrote them, although units are chosen by chance.

``relaxed``: the straight-through Gumbel softmax (Jang et al. 2017; Maddison et al. 2017), as RelGAN (Nie et al. 2019)
uses it. ``policy_loss``: REINFORCE with a reward for every unit (de Masson d'Autume et al. 2019) and a learned
baseline. Both take lines that were written before, without gradients; their probabilities are computed anew, whole
lines at once.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from sparring.text.networks.writer import Writer
from sparring.text.vocabulary import PAD

SMALLEST = 1e-20


def relaxed(logits: Tensor, chosen: Tensor, chance: Tensor, temperature: float) -> Tensor:
    """One-hot rows ``(n, units)`` of ``chosen`` ``(n,)``, with the gradient of a softmax at ``temperature`` of the
    logits ``(n, units)`` under Gumbel noise.

    The noise is drawn, from uniform ``chance`` ``(n, units)``, among that for which ``chosen`` is the likeliest
    (Paulus, Maddison & Krause 2021, section 3): the same in law as to draw the noise first and choose by it.
    """
    with torch.no_grad():
        waits = (-torch.log1p(-chance)).clamp(min=SMALLEST)
        first = waits.gather(1, chosen[:, None])
        total = logits.logsumexp(1, keepdim=True)
        highest = total - first.log()
        others = -torch.logaddexp(waits.log() - logits, first.log() - total)
        noisy = others.scatter(1, chosen[:, None], highest)
        noise = torch.where(logits.isfinite(), noisy - logits, 0.0)
    soft = ((logits + noise) / temperature).softmax(1)
    hard = torch.zeros_like(soft).scatter(1, chosen[:, None], 1.0)
    straight: Tensor = hard + soft - soft.detach()
    return straight


def policy_loss(writer: Writer, lines: Tensor, labels: Tensor | None, verdicts: Tensor, discount: float) -> Tensor:
    """What to minimise so that units become likelier that led to more than was expected.

    ``verdicts`` ``(batch, places)`` are the judge's logits after each unit of ``lines``; a unit's reward is
    2 sigmoid(logit) - 1, and what it led to that of the following ones too, each ``discount`` times less.
    """
    written = lines != PAD
    found = writer.read(lines, labels)
    logits = writer.logits(found[written])
    chances = logits.log_softmax(1).gather(1, lines[written][:, None])[:, 0]
    led_to = returns(2 * verdicts.detach().sigmoid() - 1, written, discount)[written]
    assert writer.value is not None
    expected = writer.value(found[written].detach())[:, 0].float()
    loss: Tensor = mse_loss(expected, led_to) - (chances * (led_to - expected.detach())).mean()
    return loss


def returns(rewards: Tensor, written: Tensor, discount: float) -> Tensor:
    """Sums of the rewards ``(batch, places)`` from each place on, each ``discount`` times less than the one before."""
    summed, total = [], torch.zeros_like(rewards[:, 0])
    for reward, there in zip(reversed(rewards.unbind(1)), reversed(written.unbind(1)), strict=True):
        total = reward * there + discount * total
        summed.append(total)
    return torch.stack(summed[::-1], 1)
