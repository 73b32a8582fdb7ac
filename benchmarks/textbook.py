"""The loop that a careful PyTorch tutorial would write: what Sparring's trainer is compared with.

float32, contiguous pictures, a DataLoader over a TensorDataset, a loss and an optimiser for each network, gradient
penalties by ``torch.autograd.grad``. Nothing here is slower than it has to be in plain code, and nothing is
clever.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus
from torch.utils.data import DataLoader, TensorDataset


class Textbook:
    """A generator against a discriminator on pictures ``(count, channels, height, width)`` uint8.

    ``relativistic`` is RpGAN with R1 and R2 (Huang et al. 2024), else the non-saturating game without
    penalties (Goodfellow et al. 2014).
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        average: nn.Module,
        pictures: Tensor,
        *,
        latent: int,
        batch: int,
        learning_rate: float,
        average_half_life: float,
        relativistic: bool,
        device: torch.device,
    ) -> None:
        self.generator = generator.to(device)
        self.discriminator = discriminator.to(device)
        self.average = average.to(device)
        self.latent, self.batch, self.device = latent, batch, device
        self.decay = 0.5 ** (batch / average_half_life)
        self.relativistic = relativistic
        self.loader = DataLoader(
            TensorDataset(pictures), batch, shuffle=True, drop_last=True, pin_memory=device.type == "cuda"
        )
        self.batches: Iterator[list[Tensor]] = iter(self.loader)
        self.generator_optimizer = torch.optim.Adam(generator.parameters(), learning_rate, betas=(0.0, 0.99))
        self.discriminator_optimizer = torch.optim.Adam(discriminator.parameters(), learning_rate, betas=(0.0, 0.99))

    def play(self, steps: int) -> None:
        """Train for that many steps."""
        for _ in range(steps):
            self.step()

    def step(self) -> None:
        """The discriminator moves, then the generator, then the average follows."""
        real = self.next_batch()

        self.discriminator_optimizer.zero_grad()
        loss = self.discriminator_loss(real)
        loss.backward()  # type: ignore[no-untyped-call]
        self.discriminator_optimizer.step()

        self.generator_optimizer.zero_grad()
        loss = self.generator_loss(real)
        loss.backward()  # type: ignore[no-untyped-call]
        self.generator_optimizer.step()

        self.update_average()

    def next_batch(self) -> Tensor:
        """Real pictures ``(batch, channels, height, width)`` in [-1, 1]."""
        try:
            (images,) = next(self.batches)
        except StopIteration:
            self.batches = iter(self.loader)
            (images,) = next(self.batches)
        return images.to(self.device).float() / 127.5 - 1

    def latents(self) -> Tensor:
        """Standard normal latents ``(batch, latent)``."""
        return torch.randn(self.batch, self.latent, device=self.device)

    def discriminator_loss(self, real: Tensor) -> Tensor:
        """The loss on ``real`` ``(batch, channels, height, width)`` and on generated pictures, a scalar, with both
        penalties where they belong to the game."""
        with torch.no_grad():
            fake = self.generator(self.latents())
        if not self.relativistic:
            real_loss = softplus(-self.discriminator(real)).mean()
            fake_loss: Tensor = softplus(self.discriminator(fake)).mean()
            return real_loss + fake_loss
        real.requires_grad_()
        fake.requires_grad_()
        real_logits = self.discriminator(real)
        fake_logits = self.discriminator(fake)
        loss: Tensor = softplus(fake_logits - real_logits).mean()
        return loss + penalty(real_logits, real) + penalty(fake_logits, fake)

    def generator_loss(self, real: Tensor) -> Tensor:
        """The loss of generated pictures beside ``real`` ``(batch, channels, height, width)``, a scalar."""
        fake_logits = self.discriminator(self.generator(self.latents()))
        loss: Tensor
        if self.relativistic:
            loss = softplus(self.discriminator(real.detach()) - fake_logits).mean()
        else:
            loss = softplus(-fake_logits).mean()
        return loss

    @torch.no_grad()
    def update_average(self) -> None:
        """Move the running average towards the generator's weights."""
        for average, weight in zip(self.average.parameters(), self.generator.parameters(), strict=True):
            average.lerp_(weight, 1 - self.decay)


def penalty(logits: Tensor, images: Tensor) -> Tensor:
    """E[||grad D||^2] / 2, a scalar (Mescheder et al. 2018), of logits ``(batch,)`` and pictures ``(batch, channels,
    height, width)``."""
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.square().sum(dim=[1, 2, 3]).mean() / 2
