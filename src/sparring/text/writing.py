"""Lines written unit by unit: by chance, as sharp as one likes, after a prompt."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from sparring.text.networks.writer import Writer
from sparring.text.vocabulary import END, PAD, START, UNKNOWN


@torch.no_grad()
def write(
    writer: Writer,
    chance: Tensor,
    labels: Tensor | None,
    *,
    temperature: float = 1.0,
    top_p: float = 1.0,
    prompt: Sequence[int] = (),
    unknown: bool = True,
) -> Tensor:
    """Lines ``(batch, places)`` from uniform numbers ``chance`` of that shape, under ``labels`` ``(batch,)``.

    Probabilities are sharpened by ``temperature`` (0: always the likeliest), then cut to the likeliest units that make
    up ``top_p`` together (Holtzman et al. 2020). Lines begin with ``prompt``. Without ``unknown`` the unknown unit is
    never written. A line that is full before its end is left open.
    """
    lines = torch.full(chance.shape, PAD, device=chance.device)
    last, state = torch.full_like(lines[:, 0], START), None
    over = torch.zeros_like(last, dtype=torch.bool)
    for place in range(chance.shape[1]):
        found, state = writer(last[:, None], labels, state)
        if place < len(prompt):
            chosen = torch.full_like(last, prompt[place])
        else:
            logits = writer.logits(found[:, 0])
            if not unknown:
                logits[:, UNKNOWN] = -torch.inf
            chosen = choose(logits, chance[:, place], temperature, top_p)
        last = torch.where(over, PAD, chosen)
        lines[:, place] = last
        over |= last == END
        if bool(over.all()):
            break
    return lines


def choose(logits: Tensor, chance: Tensor, temperature: float, top_p: float) -> Tensor:
    """A unit for each row of logits ``(batch, units)``: where a uniform number falls among the summed probabilities."""
    if temperature == 0:
        return logits.argmax(1)
    likely = (logits / temperature).softmax(1)
    if top_p < 1:
        likely = nucleus(likely, top_p)
    summed = likely.cumsum(1)
    at = torch.searchsorted(summed, (chance * summed[:, -1])[:, None], right=True)  # none without a chance of its own
    return at[:, 0].clamp(max=likely.shape[1] - 1)


def nucleus(likely: Tensor, share: float) -> Tensor:
    """Probabilities ``(batch, units)`` with 0 for all but the likeliest that make up ``share`` together."""
    ranked, order = likely.sort(dim=1, descending=True, stable=True)
    kept = ranked.cumsum(1) - ranked < share  # the first is always kept
    return torch.zeros_like(likely).scatter(1, order, ranked * kept)
