"""How likely sounds are under a generator, by annealed importance sampling (``probability/``): densities of what the
players see of a sound. They say how one representation of it is made, and nothing of another one."""

from __future__ import annotations

from torch import Tensor

from sparring.audio.game import AudioGame
from sparring.audio.recipes import AudioRecipe
from sparring.audio.representation import LOUDEST, QUIETEST
from sparring.core.game import Batch
from sparring.media.pictures.sheets import to_bytes
from sparring.metrics.score import Metric
from sparring.probability.bounds import fixed
from sparring.probability.byte_bounds import ByteBoundsTarget
from sparring.probability.likelihood import VARIANCES, Decoder, on_unit_scale

SEEN = {
    "log-magnitude": ("spectrogram", f"spectrogram, {QUIETEST:.0f} to {LOUDEST:.0f} decibels as [0, 1]"),
    "complex": ("complex", "compressed complex spectrogram, its range as [0, 1]"),
    "waveform": ("waveform", "waveform, its range as [0, 1]"),
}
"""What the rows of each representation begin with, and what they are densities of."""


class AudioBoundsTarget(ByteBoundsTarget):
    """A generator of sounds whose likelihood is asked for too. What the players see of sounds is brought to the scale
    [0, 1] by its own range, and to 256 levels there, so that all is told of it that is told of bytes."""

    variances = (*VARIANCES, 1e-3, 1e-4)  # most of a waveform is near 0

    @property
    def game(self) -> AudioGame:
        """The model's game."""
        assert isinstance(self.model.game, AudioGame)
        return self.model.game

    @property
    def metrics(self) -> tuple[Metric, Metric]:
        """Rows named after the representation."""
        recipe = self.game.recipe
        assert isinstance(recipe, AudioRecipe)
        name, seen = SEEN[recipe.representation]
        return (
            Metric(f"{name}_likelihood", "high", f"of a real sound's {seen}, nats: a lower bound"),
            Metric(f"{name}_bits", "low", "the same in bits for each of its numbers, at 256 levels: an upper bound"),
        )

    def decoder(self) -> Decoder:
        """The generator as a density model of what the players see."""
        made, extent = fixed(self.model.networks["generator"]), self.game.representation.extent
        return Decoder(lambda latents, labels: on_unit_scale(made(latents, labels) / extent), self.game.latent)

    def as_bytes(self, batch: Batch) -> Tensor:
        """What the players see of the batch's sounds, bytes ``(batch, ...)``."""
        return to_bytes(self.game.real(batch) / self.game.representation.extent)
