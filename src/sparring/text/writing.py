"""Lines written unit by unit: by chance, as sharp as one likes, after a prompt."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from sparring.text.networks.writer import START, Writer
from sparring.text.vocabulary import END, PAD, UNKNOWN


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
    likely, order = (logits / temperature).softmax(1).sort(1, descending=True, stable=True)
    summed = likely.cumsum(1)
    kept = summed - likely < top_p  # the first is always kept
    summed = (likely * kept).cumsum(1)
    place = (summed < (chance * summed[:, -1])[:, None]).sum(1)
    return order.gather(1, place[:, None].clamp(max=logits.shape[1] - 1))[:, 0]
