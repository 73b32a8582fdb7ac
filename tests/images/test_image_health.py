"""Collapse and overfitting, provoked in pictures and noticed by what is measured while a game is trained."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sparring.core.game import Step
from sparring.core.health import COLLAPSED, LASTING, OVERFITTED, PATIENCE, Watch
from sparring.core.precision import choose
from sparring.data.source import Source
from sparring.images.game import ImageGame
from sparring.images.modality import Images
from sparring.images.recipes import RECIPES, ImageRecipe
from sparring.measurements import QuickMeasurements

CPU = torch.device("cpu")
SIDE, MEMBERS, HELD_OUT = 8, 32, 128


class Perfect(nn.Module):
    """Latents ``(batch, 64)`` to pictures that no discriminator can tell from uniform noise."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(1 / math.sqrt(2)))

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        return torch.erf(latent * self.weight).view(-1, 1, SIDE, SIDE)


@pytest.fixture
def recipe(tmp_path: Path) -> ImageRecipe:
    """On uniform noise: nothing about it can be learned but by heart."""
    random = np.random.default_rng(0)
    np.save(tmp_path / "noise.npy", random.integers(0, 256, (MEMBERS + HELD_OUT, SIDE, SIDE), dtype=np.uint8))
    settings = {"width": 16, "latent": SIDE * SIDE, "objective": "non-saturating", "r1": 0, "r2": 0}
    return RECIPES["images"].changed({"data": str(tmp_path / "noise.npy"), "batch": MEMBERS, **settings})


def opened(recipe: ImageRecipe) -> tuple[Source, ImageGame, QuickMeasurements]:
    modality, indices = Images(), np.arange(MEMBERS + HELD_OUT)
    source = modality.open_source(recipe)
    torch.manual_seed(0)
    game = modality.build_game(recipe, source.form)
    assert isinstance(game, ImageGame)
    players = [player.network for player in game.players.values()]
    precision = choose("float32", CPU, players)
    return source, game, QuickMeasurements(modality, game, source, indices[:MEMBERS], indices[MEMBERS:], 0, precision)


def measured(source: Source, game: ImageGame, measurements: QuickMeasurements) -> dict[str, float]:
    networks = {name: player.network.eval() for name, player in game.players.items()}
    with torch.no_grad():
        return measurements.health(networks, source.batch(np.arange(MEMBERS)), HELD_OUT)


def warnings(found: dict[str, float]) -> list[str]:
    watch = Watch()
    looks: list[dict[str, Any]] = [watch.look(found, LASTING * number) for number in range(PATIENCE)]
    return [kind for look in looks for kind in look]


def test_a_generator_of_one_picture_is_called_collapsed(recipe: ImageRecipe) -> None:
    source, game, measurements = opened(recipe)
    generator = game.players["generator"].network
    with torch.no_grad():
        for weight in generator.parameters():
            weight.mul_(0)
        generator.ups[-1].bias.fill_(0.3)
    found = measured(source, game, measurements)
    assert found["diversity"] < COLLAPSED / 10
    assert warnings(found) == ["collapse"]


def test_a_perfect_generator_and_a_new_discriminator_are_in_good_health(recipe: ImageRecipe) -> None:
    source, game, measurements = opened(recipe)
    game.players["generator"].network = Perfect()
    found = measured(source, game, measurements)
    assert found["diversity"] == pytest.approx(1, abs=0.15)
    assert found["overfitting"] < OVERFITTED
    assert warnings(found) == []


def test_a_discriminator_that_learns_32_pictures_by_heart_is_called_overfitted(recipe: ImageRecipe) -> None:
    source, game, measurements = opened(recipe)
    game.players["generator"].network = Perfect()
    discriminator, batch = game.players["discriminator"], source.batch(np.arange(MEMBERS))
    for number in range(200):
        step = Step([batch], examples_seen=number, seed=number, global_batch=MEMBERS, part=slice(None), device=CPU)
        next(iter(game.turns(step))).loss().backward()
        discriminator.move(0.002, (0.5, 0.99))
        discriminator.optimizer.zero_grad()
    found = measured(source, game, measurements)
    assert found["overfitting"] > OVERFITTED
    assert found["diversity"] > COLLAPSED
    assert warnings(found) == ["overfitting"]
