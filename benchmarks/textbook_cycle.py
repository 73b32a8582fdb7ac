"""CycleGAN's loop as a careful PyTorch tutorial would write it: what Sparring's translation is compared with.

float32, contiguous pictures, a DataLoader for each domain, one pass of a translator for each use, a list of past fakes,
an optimiser for both translators and one for both discriminators (Zhu et al. 2017), and a running average of the
translators.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss, mse_loss
from torch.utils.data import DataLoader, TensorDataset


class TextbookCycle:
    """Two domains of pictures ``(count, channels, height, width)`` uint8; the networks' names are Sparring's."""

    def __init__(
        self,
        translators: nn.ModuleDict,
        discriminators: nn.ModuleDict,
        average: nn.Module,
        domains: dict[str, Tensor],
        *,
        batch: int,
        learning_rate: float,
        cycle: float,
        identity: float,
        pool: int,
        average_half_life: float,
        device: torch.device,
    ) -> None:
        self.forth, self.back = translators["a2b"].to(device), translators["b2a"].to(device)
        self.discriminator_a, self.discriminator_b = discriminators["a"].to(device), discriminators["b"].to(device)
        self.translators, self.average = translators, average.to(device)
        self.cycle, self.identity, self.pool, self.device = cycle, identity, pool, device
        self.decay = 0.5 ** (batch / average_half_life)
        self.loaders = {
            name: DataLoader(TensorDataset(pictures), batch, shuffle=True, drop_last=True)
            for name, pictures in domains.items()
        }
        self.batches: dict[str, Iterator[list[Tensor]]] = {name: iter(loader) for name, loader in self.loaders.items()}
        self.past: dict[str, list[Tensor]] = {"a": [], "b": []}
        self.translators_optimizer = torch.optim.Adam(translators.parameters(), learning_rate, betas=(0.5, 0.999))
        self.discriminators_optimizer = torch.optim.Adam(discriminators.parameters(), learning_rate, betas=(0.5, 0.999))

    def play(self, steps: int) -> None:
        """Train for that many steps."""
        for _ in range(steps):
            self.step()

    def step(self) -> None:
        """The translators move, then the discriminators, then the average follows."""
        a, b = self.next_batch("a"), self.next_batch("b")
        fake_b, fake_a = self.forth(a), self.back(b)

        for weight in (*self.discriminator_a.parameters(), *self.discriminator_b.parameters()):
            weight.requires_grad_(False)
        self.translators_optimizer.zero_grad()
        loss = translators_loss(self.discriminator_b(fake_b)) + translators_loss(self.discriminator_a(fake_a))
        loss = loss + self.cycle * (l1_loss(self.back(fake_b), a) + l1_loss(self.forth(fake_a), b))
        loss = loss + self.identity * (l1_loss(self.forth(b), b) + l1_loss(self.back(a), a))
        loss.backward()  # type: ignore[no-untyped-call]
        self.translators_optimizer.step()
        for weight in (*self.discriminator_a.parameters(), *self.discriminator_b.parameters()):
            weight.requires_grad_(True)

        self.discriminators_optimizer.zero_grad()
        past_b = self.swapped("b", fake_b.detach())
        loss = discriminator_loss(self.discriminator_b(b), self.discriminator_b(past_b))
        loss = loss + discriminator_loss(
            self.discriminator_a(a), self.discriminator_a(self.swapped("a", fake_a.detach()))
        )
        loss.backward()  # type: ignore[no-untyped-call]
        self.discriminators_optimizer.step()

        with torch.no_grad():
            for average, weight in zip(self.average.parameters(), self.translators.parameters(), strict=True):
                average.lerp_(weight, 1 - self.decay)

    def next_batch(self, domain: str) -> Tensor:
        """Real pictures ``(batch, channels, height, width)`` of a domain, in [-1, 1], half of them mirrored."""
        try:
            (pictures,) = next(self.batches[domain])
        except StopIteration:
            self.batches[domain] = iter(self.loaders[domain])
            (pictures,) = next(self.batches[domain])
        pictures = pictures.to(self.device).float() / 127.5 - 1
        return torch.stack([picture.flip(2) if random.random() < 0.5 else picture for picture in pictures])

    def swapped(self, domain: str, fakes: Tensor) -> Tensor:
        """The fakes ``(batch, channels, height, width)``, about half of them exchanged for past ones (Shrivastava et
        al. 2017)."""
        shown, past = [], self.past[domain]
        for fake in fakes:
            if len(past) < self.pool:
                past.append(fake)
                shown.append(fake)
            elif random.random() < 0.5:
                index = random.randrange(self.pool)
                shown.append(past[index])
                past[index] = fake
            else:
                shown.append(fake)
        return torch.stack(shown)


def translators_loss(logits: Tensor) -> Tensor:
    """E[(D(G(x)) - 1)^2] / 2, a scalar, of the logits ``(batch, patches)`` of translations."""
    return mse_loss(logits, torch.ones_like(logits)) / 2


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """E[(D(y) - 1)^2] / 2 + E[D(G(x))^2] / 2, a scalar, of logits ``(batch, patches)``."""
    return (mse_loss(real, torch.ones_like(real)) + mse_loss(fake, torch.zeros_like(fake))) / 2
