"""The game on chords: twelve numbers, one for each note, and two small networks."""

from __future__ import annotations

import torch
from sparring.chords.data import NOTES, ChordForm
from sparring.chords.recipes import ChordRecipe
from torch import Tensor, nn

from sparring.core.adversarial import AdversarialGame
from sparring.core.game import Batch


class ChordGenerator(nn.Module):
    """Latents ``(batch, latent)`` and labels ``(batch,)`` to how much of each note there is, ``(batch, 12)`` in [0,
    1]."""

    def __init__(self, latent: int, hidden: int, labels: int) -> None:
        super().__init__()
        self.labels = nn.Embedding(labels, latent)
        self.body = nn.Sequential(nn.Linear(latent, hidden), nn.Tanh(), nn.Linear(hidden, len(NOTES)), nn.Sigmoid())

    def forward(self, latent: Tensor, labels: Tensor) -> Tensor:
        return self.body(latent + self.labels(labels))


class ChordDiscriminator(nn.Module):
    """Chords ``(batch, 12)`` and labels ``(batch,)`` to logits ``(batch,)``."""

    def __init__(self, hidden: int, labels: int) -> None:
        super().__init__()
        self.labels = nn.Embedding(labels, hidden)
        self.inner, self.outer = nn.Linear(len(NOTES), hidden), nn.Linear(hidden, 1)

    def forward(self, chords: Tensor, labels: Tensor) -> Tensor:
        return self.outer(torch.tanh(self.inner(chords) + self.labels(labels)))[:, 0]


class ChordGame(AdversarialGame):
    """Chords ``(batch, 12)`` under their kind."""

    def __init__(self, recipe: ChordRecipe, form: ChordForm) -> None:
        labels = max(1, len(form.labels))
        generator = ChordGenerator(recipe.latent, recipe.hidden, labels)
        super().__init__(generator, ChordDiscriminator(recipe.hidden, labels), recipe, classes=labels)

    def real(self, batch: Batch) -> Tensor:
        """The batch's chords, float ``(rows, 12)`` of 0 and 1."""
        return batch["notes"].float()

    def finish(self, generated: Tensor) -> Tensor:
        """Chords ``(n, 12)`` of notes that are there, 1, or not, 0."""
        return (generated > 0.5).float()
