"""How likely pictures are under a generator, by annealed importance sampling (``probability/``)."""

from __future__ import annotations

from torch import Tensor, nn

from sparring.core.game import Batch
from sparring.images.game import ImageGame
from sparring.metrics.score import Metric
from sparring.probability.bounds import fixed
from sparring.probability.byte_bounds import ByteBoundsTarget
from sparring.probability.likelihood import Decoder, on_unit_scale

LOG_LIKELIHOOD = Metric("log_likelihood", "high", "of a real picture on the scale [0, 1], nats: a lower bound")
BITS = Metric("bits_per_dimension", "low", "the same in bits for each byte of a picture: an upper bound")


class ImageBoundsTarget(ByteBoundsTarget):
    """A generator of pictures whose likelihood is asked for too."""

    metrics = (LOG_LIKELIHOOD, BITS)

    def decoder(self) -> Decoder:
        """The generator as a density model of dequantised bytes."""
        assert isinstance(self.model.game, ImageGame)
        return decoder_of(self.model.game, self.model.networks["generator"])

    def as_bytes(self, batch: Batch) -> Tensor:
        """The batch's pictures, bytes ``(batch, channels, height, width)``."""
        return self.modality.real_examples(self.output, batch)


def decoder_of(game: ImageGame, generator: nn.Module) -> Decoder:
    """The generator of a game on pictures as a density model."""
    made = fixed(generator)
    return Decoder(lambda latents, labels: on_unit_scale(made(latents, labels)), game.latent)
