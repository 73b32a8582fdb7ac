"""Bounds of the likelihood of what the players see of sounds: scale, range and names of each representation."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from sparring.audio.bounds import AudioBoundsTarget
from sparring.audio.form import FULL, AudioForm
from sparring.audio.game import AudioGame
from sparring.audio.recipes import RECIPES
from sparring.probability.annealing import Annealing, Sampler
from sparring.probability.likelihood import ceiling, dequantised, simulate

SAMPLES, VARIANCE = 128, 0.01
SEEN = [("audio", "log-magnitude"), ("audio", "complex"), ("wavegan", "waveform")]


def target_of(recipe: str, representation: str) -> AudioBoundsTarget:
    """A target whose generator, linear in three latents, is not trained."""
    settings = {"representation": representation, "latent": 3, "width": 4}
    settings |= {} if representation == "waveform" else {"window": 32}
    game = AudioGame(RECIPES[recipe].changed(settings), AudioForm(rate=2000, samples=SAMPLES))
    weight = torch.randn(3, math.prod(game.representation.shape), generator=torch.Generator().manual_seed(0)) / 10
    target = AudioBoundsTarget.__new__(AudioBoundsTarget)
    target.model = SimpleNamespace(  # type: ignore[assignment]
        game=game, networks={"generator": Linear(weight, game.representation.shape)}
    )
    return target


class Linear(nn.Module):
    def __init__(self, weight: Tensor, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.weight, self.shape = nn.Parameter(weight), shape

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        return (latents @ self.weight).unflatten(1, self.shape)  # type: ignore[no-untyped-call,no-any-return]


def sounds(count: int = 4) -> Tensor:
    time = torch.arange(SAMPLES) / 2000
    pitches = 97.3 * (1 + torch.arange(count))[:, None, None]
    return (0.5 * FULL * (2 * math.pi * pitches * time).sin()).short()


@pytest.mark.parametrize(("recipe", "representation"), SEEN)
def test_the_density_is_that_of_what_the_players_see(recipe: str, representation: str) -> None:
    """In closed form, where a unit of what they see is 127.5 / 256 / extent as long as on the scale [0, 1]."""
    target = target_of(recipe, representation)
    decoder, extent = target.decoder(), target.game.representation.extent
    like = torch.zeros(16, *target.game.representation.shape)
    examples = simulate(decoder.under(None), like, 3, VARIANCE, seed=1)[1]
    stretch = 256 * extent / 127.5
    seen = extent * ((examples.flatten(1).double() * 256 - 0.5) / 127.5 - 1)
    weight = target.model.networks["generator"].weight.detach().double()
    assert isinstance(weight, Tensor)
    numbers = weight.shape[1]
    covariance = weight.T @ weight + VARIANCE * stretch**2 * torch.eye(numbers, dtype=torch.float64)
    normal = torch.distributions.MultivariateNormal(torch.zeros(numbers, dtype=torch.float64), covariance)
    exact = normal.log_prob(seen) + numbers * math.log(stretch)
    found = Sampler(decoder.under(None), examples, 3, VARIANCE, Annealing(4, 100), 0, lambda line: None).lower().nats
    assert (found - exact).mean().abs() < 0.5
    assert exact.std() > 2


@pytest.mark.parametrize(("recipe", "representation"), SEEN)
def test_bytes_are_what_the_generator_would_have_to_make(recipe: str, representation: str) -> None:
    """Where it makes what the players see of a sound, no more than half a level is missing to the ceiling."""
    target = target_of(recipe, representation)
    batch = {"sounds": sounds()}
    seen = target.game.real(batch)
    assert seen.abs().max() <= target.game.representation.extent + 1e-6
    levels = target.as_bytes(batch)
    assert levels.dtype == torch.uint8
    assert levels.shape == seen.shape
    assert levels.unique().numel() > 20
    target.model.networks["generator"].forward = lambda latents, labels=None: seen[labels] + 0 * latents.sum()
    made = target.decoder().decode(torch.zeros(4, 3), torch.arange(4))
    assert (made * 256 - 0.5 - levels).abs().max() < 0.5 + 1e-3
    away = (dequantised(levels, 0) - made).flatten(1).square().sum(1) / (2 * VARIANCE)
    assert away.max() < 0.001 * ceiling(seen[0].numel(), VARIANCE)


def test_rows_are_named_after_what_they_are_densities_of() -> None:
    named = [[metric.name for metric in target_of(*each).metrics] for each in SEEN]
    assert named == [
        ["spectrogram_likelihood", "spectrogram_bits"], ["complex_likelihood", "complex_bits"],
        ["waveform_likelihood", "waveform_bits"],
    ]  # fmt: skip
    assert "-80 to -6 decibels" in target_of(*SEEN[0]).metrics[0].about
