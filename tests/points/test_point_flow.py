"""The flow of points: its two directions undo each other, its density is one, and what is told of it is true."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from torch import Tensor

from sparring.core.errors import UserError
from sparring.modalities import load
from sparring.networks.couplings import log_normal
from sparring.points.flow import PointFlowGame
from sparring.points.likelihood import PointBoundsTarget, gaussian_nats, gaussian_row
from sparring.points.networks.flow import SPREAD, PointFlow, halves
from sparring.points.recipes import RECIPES
from sparring.verbs.evaluate import evaluate
from sparring.verbs.score import score
from sparring.verbs.train import train

DIMENSIONS = [1, 2, 5]


def flow(dimensions: int, shake: float = 0.3) -> PointFlow:
    """A small flow whose weights are moved from where they begin, which would be one Gaussian."""
    torch.manual_seed(0)
    network = PointFlow(dimensions=dimensions, width=8, depth=1, couplings=4)
    for weight in network.parameters():
        weight.data += shake * torch.randn_like(weight)
    return network


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A flow of a Gaussian of 3 dimensions far from the origin, after 150 steps."""
    place = tmp_path_factory.mktemp("flow")
    points = np.random.default_rng(0).multivariate_normal([50, -20, 7], np.diag([9, 4, 1]), 2000)
    np.save(place / "points.npy", points)
    settings = {"data": str(place / "points.npy"), "width": 16, "couplings": 4, "steps": 150, "time": 0,
                "held_out": 200, "batch": 64, "measure_every": 4000, "average_half_life": "1k",
                "device": "cpu", "precision": "float32"}  # fmt: skip
    return train(RECIPES["gaussians-flow"].changed(settings), out=place / "run").run


@pytest.mark.parametrize("dimensions", DIMENSIONS)
def test_the_determinant_is_that_of_autograds_jacobian(dimensions: int) -> None:
    """Of the way from a latent to its point: density of the latent over the determinant."""
    network, latents = flow(dimensions), torch.randn(3, dimensions, generator=torch.Generator().manual_seed(0))
    for latent in latents:

        def made(flat: Tensor) -> Tensor:
            point: Tensor = network(flat[None])[0]
            return point

        jacobian = torch.autograd.functional.jacobian(made, latent)  # type: ignore[no-untyped-call]
        expected = log_normal(latent[None])[0] - torch.linalg.slogdet(jacobian)[1]
        found = network.log_likelihood(network(latent[None]))[0]
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-2)
    assert network(latents).std(0).min() > 0


@pytest.mark.parametrize("dimensions", [1, 2])
def test_the_density_integrates_to_1(dimensions: int) -> None:
    network, edge, cells = flow(dimensions, shake=0.1), 8.0, 600
    line = -edge + 2 * edge * (torch.arange(cells) + 0.5) / cells
    grid = torch.cartesian_prod(*[line] * dimensions).view(-1, dimensions)
    with torch.no_grad():
        density = network.log_likelihood(grid).double().exp()
    assert density.max() > 10 * density.mean()
    assert density.mean().item() * (2 * edge) ** dimensions == pytest.approx(1, abs=2e-3)


def test_what_has_not_learned_is_a_wide_gaussian() -> None:
    network, points = PointFlow(dimensions=3, width=8, depth=1, couplings=3), torch.randn(20, 3)
    expected = multivariate_normal(np.zeros(3), SPREAD**2 * np.eye(3)).logpdf(points.numpy())
    with torch.no_grad():
        np.testing.assert_allclose(network.log_likelihood(points), expected, rtol=1e-4)


@pytest.mark.parametrize("dimensions", [1, 2, 3, 6])
def test_couplings_change_every_coordinate_in_turn(dimensions: int) -> None:
    parts = halves(dimensions, 6)
    assert all(parts)
    for first, second in zip(parts[::2], parts[1::2], strict=True):
        assert sorted({*first, *second}) == list(range(dimensions))
        assert dimensions == 1 or not {*first} & {*second}


def test_points_and_samples_of_a_run(run: Path, tmp_path: Path) -> None:
    """Its nats are densities in the coordinates of the data, as those of the distribution that these are from."""
    model = load(run, "cpu")
    assert isinstance(model.game, PointFlowGame)
    assert list(model.networks) == ["generator"]
    truth = multivariate_normal([50, -20, 7], np.diag([9, 4, 1]))
    points = truth.rvs(300, random_state=1)
    np.save(tmp_path / "new.npy", points)
    told = score(run, [tmp_path / "new.npy"])
    nats = np.array([row["nats"] for row in told["rows"]])
    assert told["nats"] == pytest.approx(nats.mean())
    assert "mean log-likelihood" in told["summary"]
    assert nats.mean() == pytest.approx(truth.logpdf(points).mean(), abs=0.3)
    assert np.corrcoef(nats, truth.logpdf(points))[0, 1] > 0.8
    samples = model.sample(500)
    assert samples.mean(0).tolist() == pytest.approx([50, -20, 7], abs=1)


def test_an_evaluation_tells_the_likelihood_of_points_that_nobody_saw(run: Path) -> None:
    rows = {row["name"]: row for row in evaluate(run, count=50, device="cpu")["scores"]}
    assert rows["log_likelihood"]["count"] == rows["gaussian_likelihood"]["count"] == 200
    entropy = multivariate_normal([0, 0, 0], np.diag([9, 4, 1])).entropy()
    assert rows["gaussian_likelihood"]["value"] == pytest.approx(-entropy, abs=0.2)
    assert rows["log_likelihood"]["value"] == pytest.approx(-entropy, abs=0.4)
    journal = [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]
    measured = [line["log_likelihood"] for line in journal if line["event"] == "metrics"]
    assert measured[-1] == pytest.approx(rows["log_likelihood"]["value"], abs=0.3)


def test_the_gaussian_is_that_of_scipy() -> None:
    learned, points = (torch.randn(count, 2) @ torch.tensor([[2.0, 0], [1, 0.3]]) + 5 for count in (300, 7))
    expected = multivariate_normal(learned.mean(0).numpy(), np.cov(learned.T.numpy())).logpdf(points.numpy())
    np.testing.assert_allclose(gaussian_nats(learned, points), expected, rtol=1e-3)
    flat = learned[:, :1].expand(-1, 2)
    assert gaussian_row(flat, flat[:5]).value is None


def test_bounds_of_a_generator_that_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that scales its latents: with the noise that is told, points are Gaussian, and the truth is known."""
    np.save(tmp_path / "points.npy", np.random.default_rng(0).normal(3, 2, (400, 2)))
    settings = {"data": str(tmp_path / "points.npy"), "steps": 1, "time": 0, "width": 8, "held_out": 40}
    run = train(RECIPES["gaussians"].changed({**settings, "device": "cpu"}), out=tmp_path / "run").run
    from sparring.points.networks.perceptron import PointGenerator

    monkeypatch.setattr(PointGenerator, "forward", lambda self, latent, labels=None: 0.9 * latent)
    found = evaluate(run, likelihood=True, distributions=60, chains=8, count=30, device="cpu")
    rows = {row["name"]: row for row in found["scores"]}
    variance = rows["noise_variance"]["value"]
    assert variance in PointBoundsTarget.variances
    game = load(run, "cpu").game
    assert isinstance(game.scale, float)  # type: ignore[attr-defined]
    scale = game.scale  # type: ignore[attr-defined]
    assert rows["likelihood_ceiling"]["value"] == pytest.approx(-math.log(2 * math.pi * variance * scale**2))
    entropy = multivariate_normal([0, 0], scale**2 * (0.81 + variance) * np.eye(2)).entropy()
    assert rows["log_likelihood"]["value"] == pytest.approx(-entropy, abs=1)
    assert rows["log_likelihood"]["value"] < rows["likelihood_ceiling"]["value"]
    assert 0 <= rows["likelihood_gap"]["value"] + 0.2 < 1


def test_settings_that_do_not_go_together_are_told() -> None:
    with pytest.raises(UserError, match="latent: has no effect with network flow"):
        RECIPES["gaussians-flow"].changed({"latent": 3})
    with pytest.raises(UserError, match="couplings: has no effect with network perceptron"):
        RECIPES["gaussians"].changed({"couplings": 3})
