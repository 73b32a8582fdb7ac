"""CycleGAN's loop as a careful PyTorch tutorial would write it: what Sparring's translation is compared with.

float32, contiguous pictures, a DataLoader for each world, one pass of a translator for each use, a list of past fakes,
an optimiser for both translators and one for both judges (Zhu et al. 2017), and a running average of the translators.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss, mse_loss
from torch.utils.data import DataLoader, TensorDataset


class TextbookCycle:
    """Two worlds of pictures ``(count, channels, height, width)`` uint8; the networks' names are ours."""

    def __init__(
        self,
        translators: nn.ModuleDict,
        judges: nn.ModuleDict,
        average: nn.Module,
        worlds: dict[str, Tensor],
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
        self.judge_a, self.judge_b = judges["a"].to(device), judges["b"].to(device)
        self.translators, self.average = translators, average.to(device)
        self.cycle, self.identity, self.pool, self.device = cycle, identity, pool, device
        self.decay = 0.5 ** (batch / average_half_life)
        self.loaders = {
            name: DataLoader(TensorDataset(pictures), batch, shuffle=True, drop_last=True)
            for name, pictures in worlds.items()
        }
        self.batches: dict[str, Iterator[list[Tensor]]] = {name: iter(loader) for name, loader in self.loaders.items()}
        self.past: dict[str, list[Tensor]] = {"a": [], "b": []}
        self.translators_optimizer = torch.optim.Adam(translators.parameters(), learning_rate, betas=(0.5, 0.999))
        self.judges_optimizer = torch.optim.Adam(judges.parameters(), learning_rate, betas=(0.5, 0.999))

    def play(self, steps: int) -> None:
        """Train for that many steps."""
        for _ in range(steps):
            self.step()

    def step(self) -> None:
        """The translators move, then the judges, then the average follows."""
        a, b = self.next_batch("a"), self.next_batch("b")
        fake_b, fake_a = self.forth(a), self.back(b)

        for weight in (*self.judge_a.parameters(), *self.judge_b.parameters()):
            weight.requires_grad_(False)
        self.translators_optimizer.zero_grad()
        loss = convinced(self.judge_b(fake_b)) + convinced(self.judge_a(fake_a))
        loss = loss + self.cycle * (l1_loss(self.back(fake_b), a) + l1_loss(self.forth(fake_a), b))
        loss = loss + self.identity * (l1_loss(self.forth(b), b) + l1_loss(self.back(a), a))
        loss.backward()  # type: ignore[no-untyped-call]
        self.translators_optimizer.step()
        for weight in (*self.judge_a.parameters(), *self.judge_b.parameters()):
            weight.requires_grad_(True)

        self.judges_optimizer.zero_grad()
        loss = told_apart(self.judge_b(b), self.judge_b(self.swapped("b", fake_b.detach())))
        loss = loss + told_apart(self.judge_a(a), self.judge_a(self.swapped("a", fake_a.detach())))
        loss.backward()  # type: ignore[no-untyped-call]
        self.judges_optimizer.step()

        with torch.no_grad():
            for average, weight in zip(self.average.parameters(), self.translators.parameters(), strict=True):
                average.lerp_(weight, 1 - self.decay)

    def next_batch(self, world: str) -> Tensor:
        """Real pictures in [-1, 1], half of them mirrored."""
        try:
            (pictures,) = next(self.batches[world])
        except StopIteration:
            self.batches[world] = iter(self.loaders[world])
            (pictures,) = next(self.batches[world])
        pictures = pictures.to(self.device).float() / 127.5 - 1
        return torch.stack([picture.flip(2) if random.random() < 0.5 else picture for picture in pictures])

    def swapped(self, world: str, fakes: Tensor) -> Tensor:
        """About half of the fakes in exchange for past ones (Shrivastava et al. 2017)."""
        shown, past = [], self.past[world]
        for fake in fakes:
            if len(past) < self.pool:
                past.append(fake)
                shown.append(fake)
            elif random.random() < 0.5:
                place = random.randrange(self.pool)
                shown.append(past[place])
                past[place] = fake
            else:
                shown.append(fake)
        return torch.stack(shown)


def convinced(logits: Tensor) -> Tensor:
    """E[(D(G(x)) - 1)^2] / 2."""
    return mse_loss(logits, torch.ones_like(logits)) / 2


def told_apart(real: Tensor, fake: Tensor) -> Tensor:
    """E[(D(y) - 1)^2] / 2 + E[D(G(x))^2] / 2."""
    return (mse_loss(real, torch.ones_like(real)) + mse_loss(fake, torch.zeros_like(fake))) / 2
