"""A model that is loaded computes as fast as the one that was trained, and the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from table import smallest
from torch import nn

from sparring import load
from sparring.core.processes import Process
from sparring.core.run import create
from sparring.core.trainer import Trainer
from sparring.verbs.session import Session


def begun(name: str, place: Path) -> Trainer:
    """The trainer of a run in ``run`` that has a model and was not trained."""
    recipe = smallest(name, place, precision="float32", device="cpu")
    trainer = Session(recipe, Process(), lambda: create(place / "run", recipe)).trainer
    trainer.save()
    return trainer


def strides(network: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: value.stride() for name, value in network.state_dict().items()}


@pytest.mark.parametrize("name", ["digits", "images", "gaussians", "cyclegan", "topics"])
def test_weights_lie_in_memory_as_those_that_were_trained(name: str, tmp_path: Path) -> None:
    trained = begun(name, tmp_path).averages.networks
    loaded = load(tmp_path / "run", device="cpu").networks
    for player, network in loaded.items():
        assert strides(network) == strides(trained[player])
        assert not network.training


@pytest.mark.parametrize("name", ["digits", "images"])
def test_samples_are_those_of_weights_as_the_file_holds_them(name: str, tmp_path: Path) -> None:
    begun(name, tmp_path)
    placed, plain = (load(tmp_path / "run", device="cpu") for _ in range(2))
    for network in plain.networks.values():
        network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    samples = placed.sample(150, seed=3)
    assert torch.equal(samples, placed.sample(150, seed=3))
    assert samples.std() > 0.1
    torch.testing.assert_close(samples, plain.sample(150, seed=3), rtol=0, atol=1e-5)
    torch.testing.assert_close(samples[:130], placed.sample(130, seed=3), rtol=0, atol=1e-5)
