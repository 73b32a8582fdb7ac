"""The game on sounds: what the players see of them, and which pair plays."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from sparring.audio.augment import SoundAugment
from sparring.audio.form import FULL, AudioForm
from sparring.audio.networks.wavegan import WaveDiscriminator, WaveGenerator
from sparring.audio.recipes import AudioRecipe
from sparring.audio.representation import Complex, LogMagnitude, Representation, ShortTime, Waveform
from sparring.core.augmented import AugmentedGame
from sparring.core.errors import UserError
from sparring.core.game import Batch
from sparring.networks.lean import LeanDiscriminator, LeanGenerator

PART = 32  # sounds that phases are found for at a time: more of them do not fit into a processor's cache
WINDOW = 0.032  # seconds that a window takes, about, where the recipe says auto


class AudioGame(AugmentedGame):
    """Sounds ``(batch, channels, samples)`` in [-1, 1], which the players see as the recipe says. Raises
    :class:`UserError` where recipe and form do not go together."""

    def __init__(self, recipe: AudioRecipe, form: AudioForm) -> None:
        classes = len(form.labels) if recipe.conditional else 0
        if recipe.conditional and classes < 2:
            raise UserError(
                f"conditional: {recipe.data} has no labels to condition on; sort the sounds into one folder a label, "
                "give a --label-pattern for their names, or leave conditional out"
            )
        self.rate, self.representation = form.rate, representation(recipe, form)
        generator, discriminator = networks(recipe, form, self.representation, classes)
        augment = SoundAugment(self.representation)
        super().__init__(generator, discriminator, recipe, always=augment.always, adaptive=augment, classes=classes)

    def real(self, batch: Batch) -> Tensor:
        """What the players see of the batch's sounds, ``(batch, ...)``."""
        return self.representation.encode(batch["sounds"].float() / FULL)

    def finish(self, generated: Tensor) -> Tensor:
        """Sounds ``(n, channels, samples)`` in [-1, 1] of what the players see of them ``(n, ...)``."""
        return torch.cat([self.representation.decode(part).clamp(-1, 1) for part in torch.split(generated, PART)])


def representation(recipe: AudioRecipe, form: AudioForm) -> Representation:
    """What the players see of sounds of this form. Raises :class:`UserError` for sounds too short for the window."""
    if recipe.representation == "waveform":
        return Waveform(form.channels, form.samples)
    window = recipe.window or 2 ** round(math.log2(form.rate * WINDOW))
    hop = window // recipe.overlap
    if form.samples < window:
        raise UserError(
            f"window: {window} samples are longer than the sounds, which have {form.samples}; give a smaller --window "
            "or more --seconds"
        )
    transform = ShortTime(form.samples, window, hop)
    if recipe.representation == "complex":
        return Complex(form.channels, transform)
    return LogMagnitude(form.channels, transform, recipe.phase_iterations)


def networks(recipe: AudioRecipe, form: AudioForm, seen: Representation, classes: int) -> tuple[nn.Module, nn.Module]:
    """The generator and the discriminator for examples of that representation and ``classes`` labels (0 for players
    that are shown none)."""
    if recipe.representation == "waveform":
        size = {"samples": form.samples, "channels": form.channels, "classes": classes, "width": recipe.width}
        return WaveGenerator(latent=recipe.latent, **size), WaveDiscriminator(**size)
    channels, bins, frames = seen.shape
    bound = "tanh" if recipe.representation == "log-magnitude" else "free"
    grid: dict[str, Any] = {"height": bins, "width": frames, "channels": channels}
    pair: dict[str, Any] = {"classes": classes, "base": recipe.width, **grid}
    return LeanGenerator(latent=recipe.latent, bound=bound, **pair), LeanDiscriminator(**pair)
