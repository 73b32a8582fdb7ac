"""The classic introductory pair: what most people's first GAN looks like.

As usually printed, the generator's transposed convolutions have stride 1 and no padding, so 7x7 grows by
``kernel - 1`` each time and ends at 13x13: such a generator cannot meet a discriminator of 28x28 pictures. Here the
first keeps 7x7 (padded), and two of stride 2 double it, 7 -> 14 -> 28, as the layout was meant (the shapes of
DCGAN, Radford et al. 2016).
"""

from __future__ import annotations

from torch import Tensor, nn

from sparring.core.errors import UserError
from sparring.networks.layers import BOUNDS, ConditionedLatent, ProjectionHead

QUARTER = 4  # the generator starts at a quarter of the picture's height and width


def check_size(height: int, width: int) -> None:
    """Raise :class:`UserError` for a size that two doublings of at least 2x2 cannot reach.

    On grids of 1x1 torch's bfloat16 gradients of 5x5 convolutions are not reliable on every CPU.
    """
    if height % QUARTER or width % QUARTER or min(height, width) < 2 * QUARTER:
        raise UserError(
            f"size: the tutorial pair makes sides from {2 * QUARTER} on that {QUARTER} divides, not {height}x{width}; "
            "choose another --size or --network lean"
        )


class TutorialGenerator(nn.Module):
    """Latents ``(batch, latent)``, labels ``(batch,)`` -> images ``(batch, channels, height, width)``, float32.

    ``bound`` is one of ``BOUNDS``; the recipe's is ``tanh``. Raises :class:`UserError` for a size that it cannot make.
    """

    def __init__(
        self, *, latent: int, height: int, width: int, channels: int, classes: int = 0, bound: str = "free"
    ) -> None:
        super().__init__()
        check_size(height, width)
        self.bound = bound
        self.start = (256, height // QUARTER, width // QUARTER)
        self.latent = ConditionedLatent(latent, classes)
        features = self.start[0] * self.start[1] * self.start[2]
        self.dense = nn.Sequential(
            nn.Linear(self.latent.features, features, bias=False), nn.BatchNorm1d(features), nn.LeakyReLU(0.3)
        )
        self.body = nn.Sequential(
            nn.ConvTranspose2d(256, 128, 5, padding=2, bias=False),  # 7x7
            nn.BatchNorm2d(128),
            nn.LeakyReLU(0.3),
            nn.ConvTranspose2d(128, 64, 5, stride=2, padding=2, output_padding=1, bias=False),  # 14x14
            nn.BatchNorm2d(64),
            nn.LeakyReLU(0.3),
            nn.ConvTranspose2d(64, channels, 5, stride=2, padding=2, output_padding=1, bias=False),  # 28x28
        )

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        """Latents ``(batch, latent)`` and labels ``(batch,)`` to images ``(batch, channels, height, width)``."""
        images: Tensor = self.body(self.dense(self.latent(latent, labels)).view(-1, *self.start))
        return BOUNDS[self.bound](images.float())


class TutorialDiscriminator(nn.Module):
    """Images ``(batch, channels, height, width)`` -> logits ``(batch,)``: two convolutions, each with leaky ReLU,
    the first max-pooled, the second dropped out."""

    def __init__(self, *, height: int, width: int, channels: int, classes: int = 0, dropout: float = 0.3) -> None:
        super().__init__()
        check_size(height, width)
        self.body = nn.Sequential(
            nn.Conv2d(channels, 64, 5, padding=2),
            nn.LeakyReLU(0.3),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 128, 5, stride=2, padding=2),
            nn.LeakyReLU(0.3),
            nn.Dropout(dropout),
            nn.Flatten(),
        )
        self.verdict = ProjectionHead(128 * (height // QUARTER) * (width // QUARTER), classes, projected=128)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images ``(batch, channels, height, width)`` and labels ``(batch,)`` to logits ``(batch,)``."""
        logits: Tensor = self.verdict(self.body(images), labels)
        return logits
