"""What is measured while two domains of unequal size are trained on: no collapse where a source repeats the smaller
domain, and one where a translator makes the same of everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from translating import Known, build

from sparring.core.health import COLLAPSED, LASTING, PATIENCE, Watch
from sparring.core.monitor import CHECKED
from sparring.core.precision import choose
from sparring.data.order import held_out_count, split
from sparring.images.reading.arrays import ImageArrays
from sparring.measurements import QuickMeasurements, distinct
from sparring.modalities import RECIPES, modality_of
from sparring.translation.data import TwoDomains

SIDE = 16


def noise(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)


def measured(a: int, b: int, change: Callable[[Tensor], Tensor]) -> tuple[QuickMeasurements, dict[str, Any], Any]:
    """Measurements of domains of so many pictures of noise, networks that translate by ``change``, a batch."""
    recipe = RECIPES["cyclegan"].changed({"width": 4, "blocks": 1, "shift": 0, "patch": "16"})
    source = TwoDomains("two", *(ImageArrays((noise(count, count), None), recipe) for count in (a, b)), recipe)
    torch.manual_seed(0)
    game = build(recipe, source.form)
    networks = {name: player.network.eval() for name, player in game.players.items()}
    networks["generator"] = nn.ModuleDict({way: Known(change) for way in ("a2b", "b2a")})
    members, held_out = split(len(source), 0, held_out_count(256, len(source)))
    precision = choose("float32", torch.device("cpu"), [])
    measurements = QuickMeasurements(modality_of("translation"), game, source, members, held_out, 0, precision)
    return measurements, networks, source.batch(members[:4])


def warnings(measurements: QuickMeasurements, networks: dict[str, Any], recent: Any) -> tuple[float, set[str]]:
    watch = Watch()
    with torch.no_grad():
        looks = [measurements.health(networks, recent, CHECKED) for _ in range(PATIENCE)]
    named = {kind for number, look in enumerate(looks) for kind in watch.look(look, LASTING * number)}
    return looks[-1]["diversity"], named


@pytest.mark.parametrize(("a", "b"), [(300, 800), (800, 300), (400, 400)])
def test_domains_of_unequal_size_are_no_collapse(a: int, b: int) -> None:
    """Translations that change nothing of noise are as varied as noise, whichever domain is repeated."""
    diversity, named = warnings(*measured(a, b, lambda pictures: pictures))
    assert diversity == pytest.approx(1, abs=0.1)
    assert "collapse" not in named  # what the discriminator thinks is chance: it has not learned


@pytest.mark.parametrize(("a", "b"), [(300, 800), (800, 300)])
def test_a_collapse_is_still_named(a: int, b: int) -> None:
    diversity, named = warnings(*measured(a, b, lambda pictures: 0.01 * pictures))
    assert diversity < COLLAPSED / 2
    assert "collapse" in named


def test_a_domain_that_holds_out_too_few_is_not_measured() -> None:
    """Sixteen of 160 are enough, six of 60 are not."""
    measurements, networks, recent = measured(60, 160, lambda pictures: pictures)
    with torch.no_grad():
        assert measurements.health(networks, recent, CHECKED) == {}


def test_distances_are_taken_of_distinct_pictures_to_distinct_ones() -> None:
    measurements, _, _ = measured(300, 800, lambda pictures: pictures)
    both = measurements.outputs
    rows = {way: (len(next(iter(output.conditions.values()))), len(output.real)) for way, output in both.items()}
    assert rows == {"a2b": (270, 720), "b2a": (720, 270)}  # what each domain does not hold out


def test_the_first_of_equal_examples_is_kept() -> None:
    examples = torch.tensor([[1.0, 2], [3, 4], [1, 2], [3, 5], [3, 4]])
    assert distinct(examples).tolist() == [0, 1, 3]
