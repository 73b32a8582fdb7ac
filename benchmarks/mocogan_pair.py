"""A pair of players as MoCoGAN has them (Tulyakov et al. 2018), to compare costs and results with: a recurrent motion
code, all frames made, one discriminator of single frames and one of whole clips by convolutions over time."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from sparring.core.adversarial_loss import AdversarialLoss
from sparring.core.adversarial_recipe import AdversarialRecipe
from sparring.core.game import Player, Step
from sparring.networks.lean import SLOPE, LeanDiscriminator, LeanGenerator

MOTION = 16  # numbers of the recurrent code


class Frames(nn.Module):
    """Content ``(batch, latent)`` and noise ``(batch, frames, MOTION)`` to clips ``(batch, frames, 3, side, side)``."""

    def __init__(self, latent: int, side: int, base: int) -> None:
        super().__init__()
        self.unit = nn.GRU(MOTION, MOTION, batch_first=True)
        self.decoder = LeanGenerator(latent=latent + MOTION, height=side, width=side, channels=3, base=base)

    def forward(self, content: Tensor, noise: Tensor) -> Tensor:
        """Content ``(batch, latent)`` and noise ``(batch, frames, MOTION)`` to clips."""
        codes, _ = self.unit(noise)
        latents = torch.cat([content[:, None].expand(-1, codes.shape[1], -1), codes], 2)
        made: Tensor = self.decoder(latents.flatten(0, 1))
        return made.view(*codes.shape[:2], *made.shape[1:])


class Convolutions(nn.Module):
    """Clips ``(batch, frames, 3, side, side)`` to logits ``(batch,)``, by four convolutions over time and space whose
    kernels have four steps along each axis, of strides 1, 2, 2 (section 3.2 and the appendix)."""

    def __init__(self, frames: int, side: int, base: int) -> None:
        super().__init__()
        widths = [3, base, 2 * base, 4 * base, 8 * base]
        self.layers = nn.ModuleList(
            nn.Conv3d(before, after, 4, (1, 2, 2), (0, 1, 1)) for before, after in pairwise(widths)
        )
        self.verdict = nn.Linear(widths[-1] * (frames - 12) * (side // 16) ** 2, 1)

    def forward(self, clips: Tensor, labels: Tensor | None = None) -> Tensor:
        """Clips ``(batch, frames, 3, side, side)`` to logits ``(batch,)``."""
        x = clips.transpose(1, 2)
        for layer in self.layers:
            x = leaky_relu(layer(x), SLOPE)
        logits: Tensor = self.verdict(x.flatten(1))[:, 0]
        return logits


class MocoganPair:
    """Both players under the recipe's objective and penalties; ``play`` makes one step on clips ``(batch, frames, 3,
    side, side)`` in [-1, 1]."""

    def __init__(self, recipe: AdversarialRecipe, frames: int, side: int, base: int) -> None:
        self.recipe, self.frames = recipe, frames
        self.generator = Frames(recipe.latent, side, base)
        of_frames = LeanDiscriminator(height=side, width=side, channels=3, base=base)
        self.losses = [AdversarialLoss(each, recipe) for each in (of_frames, Convolutions(frames, side, base))]
        self.players = [Player(self.generator), Player(nn.ModuleList([loss.discriminator for loss in self.losses]))]

    def play(self, real: Tensor, number: int) -> None:
        """One turn of both discriminators, then one of the generator."""
        count, at = len(real), number * len(real)
        step = Step([], examples_seen=at, seed=number, global_batch=count, part=slice(0, count), device=real.device)
        fake = self.generator(step.normal(self.recipe.latent), step.normal(self.frames, MOTION))
        middle = self.frames // 2
        views = [(real[:, middle], fake[:, middle]), (real, fake)]
        generator, discriminators = self.players
        for player, turn in ((discriminators, "discriminator_loss"), (generator, "generator_loss")):
            for each in self.players:
                each.network.requires_grad_(each is player)
                each.optimizer.zero_grad()
            pairs = zip(self.losses, views, strict=True)
            sum(getattr(loss, turn)(step, *view, None) for loss, view in pairs).backward()
            player.move(self.recipe.learning_rate(at), (self.recipe.beta1, self.recipe.beta2(at)))
