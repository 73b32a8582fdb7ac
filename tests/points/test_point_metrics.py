"""How points are measured: modes counted on clouds whose modes are known, and only where the truth is known."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from sparring.core.errors import UserError
from sparring.metrics.compare import compare, without_shape
from sparring.metrics.comparison import Comparison
from sparring.points.data import MIXTURES, SIGMA, PointSource, grid_centres, mixture, open_source, ring_centres
from sparring.points.metrics import MODES, modes, one_gaussian
from sparring.points.modality import Points
from sparring.points.recipes import RECIPES

CPU = torch.device("cpu")
POINTS = Points()


def source_of(name: str) -> PointSource:
    return open_source(RECIPES["gaussians"].changed({"data": name}))


def around(centres: np.ndarray, counts: list[int]) -> np.ndarray:
    """So many points at each of the first centres, exactly."""
    return centres[: len(counts)].repeat(counts, axis=0)


@pytest.mark.parametrize("name", MIXTURES)
@pytest.mark.parametrize("each", [1, 7])
def test_all_centres_are_all_modes(name: str, each: int) -> None:
    centres = MIXTURES[name]()
    found = modes(centres.repeat(each, axis=0), centres)
    assert found == {"modes": len(centres), "high_quality": 1.0, "reverse_kl": pytest.approx(0, abs=1e-12)}


@pytest.mark.parametrize("present", [1, 5, 24])
def test_missing_centres_are_missing_modes(present: int) -> None:
    """Equal shares of k of 25: the divergence is log(25 / k)."""
    found = modes(around(grid_centres(), [4] * present), grid_centres())
    assert (found["modes"], found["high_quality"]) == (present, 1.0)
    assert found["reverse_kl"] == pytest.approx(math.log(25 / present))


@pytest.mark.parametrize("counts", [[1, 1, 1, 1, 1, 1, 1, 2], [100, 1], [5, 0, 3, 0, 9, 1, 1, 1]])
def test_reverse_kl_of_given_shares(counts: list[int]) -> None:
    shares = [count / sum(counts) for count in counts]
    expected = sum(share * math.log(share / (1 / 8)) for share in shares if share)
    found = modes(around(ring_centres(), counts), ring_centres())
    assert found["reverse_kl"] == pytest.approx(expected, abs=1e-12)
    assert found["modes"] == sum(count > 0 for count in counts)


@pytest.mark.parametrize(("sigmas", "good"), [(0.0, True), (2.99, True), (3.01, False), (20.0, False)])
def test_within_three_sigma_is_of_high_quality(sigmas: float, good: bool) -> None:
    direction = np.array([math.cos(1), math.sin(1)])
    found = modes(grid_centres()[3:4] + sigmas * SIGMA * direction, grid_centres())
    assert (found["high_quality"], found["modes"]) == ((1.0, 1) if good else (0.0, 0))


def test_far_points_count_for_quality_and_for_nothing_else() -> None:
    near, far = around(grid_centres(), [3] * 25), np.full((25, 2), 1.0)  # midway between four centres
    found = modes(np.concatenate([near, far]), grid_centres())
    assert found == {"modes": 25, "high_quality": 0.75, "reverse_kl": pytest.approx(0, abs=1e-12)}


def test_far_points_alone_are_no_mode() -> None:
    found = modes(np.full((10, 2), 100.0), grid_centres())
    assert (found["modes"], found["high_quality"]) == (0, 0.0)


def test_far_points_alone_do_not_score_as_the_best_shares_do() -> None:
    samples = torch.full((40, 2), 100.0)
    real = source_of("gaussians-25").points[:80]
    (family,) = POINTS.families(source_of("gaussians-25"))
    scores = {score.name: score for score in compare(real[:40], samples, real[40:], families=[family])}
    assert scores["reverse_kl"].value is None or scores["reverse_kl"].value > math.log(25)


def test_the_mixture_itself_reaches_the_floor() -> None:
    found = modes(mixture(grid_centres(), 20_000, seed=5), grid_centres())
    assert found["modes"] == 25
    assert found["high_quality"] == pytest.approx(1 - math.exp(-4.5), abs=0.003)
    assert found["reverse_kl"] == pytest.approx(24 / 2 / 20_000, abs=6e-4)  # what the number of points alone adds


@pytest.mark.parametrize(("name", "count"), [("gaussians-25", 25), ("gaussians-8", 8)])
def test_modes_are_counted_for_the_known_mixtures(name: str, count: int) -> None:
    (family,) = POINTS.families(source_of(name))
    assert family.metrics == MODES
    samples = source_of(name).points[:1000]
    found = family.measure(samples, samples, 0)
    assert found["modes"].value == count
    share = found["high_quality"].value
    assert found["high_quality"].error == pytest.approx(math.sqrt(share * (1 - share) / 1000))
    assert found["reverse_kl"].error is None


@pytest.mark.parametrize("name", ["mine.npy", "gaussians-25.npy", "gaussians-25"])
def test_of_other_points_the_modes_are_not_known(name: str, tmp_path: Path) -> None:
    with (tmp_path / name).open("wb") as file:
        np.save(file, np.random.default_rng(0).normal(size=(50, 3)))
    assert POINTS.families(source_of(str(tmp_path / name))) == ()


def test_points_are_their_own_features() -> None:
    source = source_of("gaussians-8")
    points = source.batch(np.arange(30))["examples"]
    for features in (POINTS.quick_features(points, CPU), POINTS.find_features(source, "auto", CPU, print)):
        assert torch.equal(features(points), points)
    assert torch.equal(POINTS.comparable(points), points)


@pytest.mark.parametrize("asked", ["net.pt", "timm:pool", "Auto"])
def test_no_other_features_of_points(asked: str) -> None:
    with pytest.raises(UserError, match="leave it at auto"):
        POINTS.find_features(source_of("gaussians-8"), asked, CPU, print)


@pytest.mark.parametrize("dimensions", [1, 2, 5])
def test_both_clouds_are_shown(dimensions: int) -> None:
    def cloud(seed: int, count: int) -> Tensor:
        return torch.randn(count, dimensions, generator=torch.Generator().manual_seed(seed))

    real, made = cloud(0, 200), cloud(1, 100)
    shown = POINTS.figures(Comparison(real, made, real, made, torch.zeros(100)))
    assert [(each.name, each.ending) for each in shown] == [("samples", ".png"), ("real", ".png")]
    assert all(each.caption for each in shown)
    again = POINTS.figures(Comparison(real[:100], made, real[:100], made))
    assert [each.data for each in shown] == [each.data for each in again]  # as many real ones as samples
    pictures = [Image.open(io.BytesIO(each.data)).tobytes() for each in shown]
    assert pictures[0] != pictures[1]


def test_a_cloud_has_no_shape_and_some_of_the_modes_have() -> None:
    """Of 25 Gaussians: samples are nearer to points of one Gaussian only where they are a cloud themselves."""
    centres, random = grid_centres(), np.random.default_rng(0)
    reference, real, made, few = (
        torch.from_numpy(random.normal(around(centres, [40] * count), SIGMA)).float() for count in (25, 25, 25, 5)
    )
    shapeless = one_gaussian(reference, 0)
    torch.testing.assert_close(shapeless.mean(0), reference.mean(0), atol=0.4, rtol=0)
    torch.testing.assert_close(shapeless.T.cov(), reference.T.cov(), atol=0.8, rtol=0)
    cloud, blob = (torch.from_numpy(random.normal(0, size, (1000, 2))).float() for size in (3.0, 0.3))
    shares = [without_shape(reference, shapeless, real, each).value or 0 for each in (made, few, cloud, blob)]
    assert max(shares[:2]) < 0.05
    assert min(shares[2:]) > 0.7
