"""``sample --min-probability`` on pictures: all believed by the discriminator, no two alike, and refused in one line
where the discriminator knows no probability."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from table import smallest
from torch import Tensor

from sparring.cli import main
from sparring.modalities import load
from sparring.model import ATTEMPTS, Model
from sparring.verbs.train import train

COUNT = 60


@pytest.fixture(scope="module", params=["images", "digits"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Of pictures, without labels and with four of them."""
    place = tmp_path_factory.mktemp(request.param)
    recipe = smallest(request.param, place, objective="non-saturating", steps=2)
    return load(train(recipe, out=place / "run").run, "cpu")


def probabilities(model: Model, samples: Tensor, label: str | None = None) -> Tensor:
    """Of being real, ``(n,)``, by the discriminator."""
    conditions = model.game.conditions(len(samples), model.label_index(label))
    with torch.no_grad():
        logits = model.output.logits(model.networks, conditions, samples)
    assert logits is not None
    return logits.sigmoid()


def threshold(model: Model, share: float) -> float:
    """What this share of samples does not reach, of the label whose samples are believed least."""
    labels = model.labels or (None,)
    return min(
        float(probabilities(model, model.sample(200, seed=9, label=label), label).quantile(share)) for label in labels
    )


@pytest.mark.parametrize("share", [0.3, 0.8])
def test_samples_reach_the_probability_and_differ_from_each_other(model: Model, share: float) -> None:
    least = threshold(model, share)
    plain = probabilities(model, model.sample(COUNT, seed=1))
    assert 3 < (plain < least).sum() < COUNT  # some are drawn again, and not all
    samples = model.sample(COUNT, seed=1, min_probability=least)
    assert samples.shape == (COUNT, 1, 8, 8)
    assert (probabilities(model, samples) >= least - 1e-5).all()
    assert len(torch.unique(samples.flatten(1), dim=0)) == COUNT
    assert torch.pdist(samples.flatten(1)).min() > 1e-3
    assert torch.equal(samples, model.sample(COUNT, seed=1, min_probability=least))
    assert not torch.equal(samples, model.sample(COUNT, seed=2, min_probability=least))


def test_a_probability_that_all_reach_draws_once(model: Model) -> None:
    samples = model.sample(COUNT, seed=1, min_probability=1e-6)
    assert len(torch.unique(samples.flatten(1), dim=0)) == COUNT


def test_samples_keep_the_label_that_was_asked_for(model: Model) -> None:
    label = "2" if model.labels else None
    least = float(probabilities(model, model.sample(400, seed=9, label=label), label).quantile(0.5))
    samples = model.sample(COUNT, seed=1, label=label, min_probability=least)
    assert (probabilities(model, samples, label) >= least - 1e-5).all()
    assert len(torch.unique(samples.flatten(1), dim=0)) == COUNT


def test_what_the_discriminator_never_believes(model: Model, mistake: Callable[..., str]) -> None:
    line = mistake(model.sample, 8, min_probability=1 - 1e-12)
    assert line.startswith(f"min_probability: after {ATTEMPTS} draws 8 of 8 samples are still below 1; ask ")


@pytest.mark.parametrize("least", [1.0, 1.5, -0.1])
def test_what_is_no_probability(least: float, model: Model, mistake: Callable[..., str]) -> None:
    assert mistake(model.sample, COUNT, min_probability=least).startswith(f"min_probability: {least} is no probability")


def test_a_discriminator_that_only_compares_is_not_asked(
    finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert load(finished_run).recipe.to_dict()["objective"] == "relativistic"
    words = ["sample", finished_run, "--min-probability", 0.5, "--out", tmp_path / "x.npz"]
    capsys.readouterr()
    assert main([*map(str, words)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert line.startswith("sparring: min_probability: this model's objective gives no log odds; ")
    assert not (tmp_path / "x.npz").exists()


def test_by_the_command_line(model: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = shutil.copytree(model.path, tmp_path / "run")
    least = threshold(model, 0.5)
    words = ["sample", run, "-n", COUNT, "--seed", 1, "--device", "cpu", "--min-probability", least]
    assert main([*map(str, words), "--out", str(tmp_path / "x.npz")]) == 0
    with np.load(tmp_path / "x.npz") as arrays:
        images = arrays["images"]
    expected = model.sample(COUNT, seed=1, min_probability=least)[:, 0]
    np.testing.assert_array_equal(images, ((expected + 1) * 127.5).round().clamp(0, 255).byte().numpy())
    for filtered in ([], ["--min-probability", str(least)]):  # neither takes the other's place
        assert main(["sample", str(run), "-n", "4", *filtered]) == 0
    assert len(list((run / "generated").iterdir())) == 2
    capsys.readouterr()
