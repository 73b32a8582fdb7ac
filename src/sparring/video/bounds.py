"""How likely clips are under a generator, by annealed importance sampling (``probability/``)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sparring.core.game import Batch
from sparring.metrics.score import Metric
from sparring.probability.bounds import fixed
from sparring.probability.byte_bounds import ByteBoundsTarget
from sparring.probability.likelihood import Decoder, on_unit_scale
from sparring.video.game import VideoGame
from sparring.video.networks.layered import LayeredGenerator

LOG_LIKELIHOOD = Metric("log_likelihood", "high", "of all frames of a real clip, scale [0, 1], nats: a lower bound")
BITS = Metric("bits_per_dimension", "low", "the same in bits for each byte of a clip: an upper bound")


class VideoBoundsTarget(ByteBoundsTarget):
    """A generator of clips whose likelihood is asked for too."""

    metrics = (LOG_LIKELIHOOD, BITS)

    def decoder(self) -> Decoder:
        """The generator as a density model of dequantised bytes."""
        assert isinstance(self.model.game, VideoGame)
        return decoder_of(self.model.game, self.model.networks["generator"])

    def as_bytes(self, batch: Batch) -> Tensor:
        """The batch's clips, bytes ``(batch, frames, channels, height, width)``."""
        return batch["frames"].cpu()


def decoder_of(game: VideoGame, generator: nn.Module) -> Decoder:
    """The generator of a game on clips as a density model of all frames from the start: its latents are those of the
    content, and after them the random numbers of the motion. Its edges are soft, as they were in training: chains of
    latents follow gradients, and hard edges have none of how layers move."""
    made, times = fixed(generator), torch.arange(game.form.frames)
    if isinstance(made, LayeredGenerator):
        made.hard_edges = False
    made.get_submodule("motion").train()  # cuDNN has no gradient of a recurrent network otherwise; nothing else changes
    length, size = game.motion.length(game.form.frames - 1), game.settings.motion_latent

    def decode(latents: Tensor, labels: Tensor | None) -> Tensor:
        content, motion = torch.split(latents, [game.latent, length * size], 1)
        every = times.to(latents.device).expand(len(latents), -1)
        return on_unit_scale(made(content, motion.reshape(-1, length, size), every, labels))

    return Decoder(decode, game.latent + length * size)
