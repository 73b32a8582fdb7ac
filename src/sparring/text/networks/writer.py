"""The generator: writes a line unit by unit, under a label.

The vectors of the units are shared by what is read and what is written (Press & Wolf 2017); the label's vector is
given at every place, so that it cannot be forgotten on the way; dropout has one mask for all places of a line (Gal &
Ghahramani 2016).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sparring.text.networks.bodies import BODIES, State
from sparring.text.networks.choice import log_likelihood
from sparring.text.vocabulary import PAD, START

NEVER = (PAD, START)  # what is never written


class Writer(nn.Module):
    """Lines ``(batch, places)`` of units' numbers, each ending with END and filled up with PAD."""

    never: Tensor

    def __init__(
        self,
        *,
        units: int,
        labels: int,
        places: int,
        body: str,
        embedding: int,
        width: int,
        layers: int,
        dropout: float,
        valued: bool,
    ) -> None:
        super().__init__()
        self.vectors = nn.Embedding(units, embedding)
        self.labels = nn.Embedding(labels, embedding) if labels else None
        self.body = BODIES[body](embedding * (2 if labels else 1), width, layers, places)
        self.leave = nn.Linear(width, embedding)
        self.bias = nn.Parameter(torch.zeros(units))
        self.value = nn.Linear(width, 1) if valued else None
        self.dropout = dropout
        nn.init.normal_(self.vectors.weight, 0.0, embedding**-0.5)
        never = torch.zeros(units)
        never[list(NEVER)] = -torch.inf
        self.register_buffer("never", never, persistent=False)

    def forward(self, lines: Tensor, labels: Tensor | None, state: State | None = None) -> tuple[Tensor, State]:
        """What the body makes of units ``(batch, places)``, ``(batch, places, width)``, and its state after them."""
        inputs = locked(self.vectors(lines), self.dropout, self.training)
        if self.labels is not None:
            inputs = torch.cat([inputs, self.labels(labels)[:, None].expand(inputs.shape)], 2)
        found, state = self.body(inputs, state)
        return locked(found, self.dropout, self.training), state

    def logits(self, found: Tensor) -> Tensor:
        """Of the next unit, float32 ``(..., units)``, from what the body found ``(..., width)``."""
        logits: Tensor = self.leave(found) @ self.vectors.weight.T
        return logits.float() + self.bias + self.never

    def read(self, lines: Tensor, labels: Tensor | None) -> Tensor:
        """What the body found before each unit of whole lines, ``(batch, places, width)``."""
        found: Tensor = self(after_start(lines), labels)[0]
        return found

    def log_likelihoods(self, lines: Tensor, labels: Tensor | None) -> Tensor:
        """Of each unit given those before it, in nats, ``(batch, places)``; 0 where a line is over."""
        written = lines != PAD
        chosen = self.chances(self.read(lines, labels)[written], lines[written])  # what is over need not be computed
        return torch.zeros(lines.shape, device=lines.device).masked_scatter(written, chosen)

    def chances(self, found: Tensor, chosen: Tensor) -> Tensor:
        """Log-likelihoods ``(n,)`` of units ``(n,)`` after what the body found ``(n, width)``, float32."""
        return log_likelihood(self.leave(found), self.vectors.weight, self.bias + self.never, chosen)


def after_start(lines: Tensor) -> Tensor:
    """What stands before each unit."""
    return torch.cat([torch.full_like(lines[:, :1], START), lines[:, :-1]], 1)


def locked(values: Tensor, share: float, training: bool) -> Tensor:
    """Dropout of whole channels of ``(batch, places, channels)``: one mask for all places."""
    if not share or not training:
        return values
    mask = torch.rand(len(values), 1, values.shape[2], device=values.device) >= share
    return values * mask / (1 - share)
