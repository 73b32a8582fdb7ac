"""A model that is loaded computes as fast as the one that was trained, and the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from table import smallest

from sparring import load
from sparring.core.processes import Process
from sparring.core.run import create
from sparring.verbs.session import Session


@pytest.mark.parametrize("name", ["digits", "images", "gaussians", "cyclegan", "topics"])
def test_weights_lie_in_memory_as_those_that_were_trained(name: str, tmp_path: Path) -> None:
    recipe = smallest(name, tmp_path, precision="float32", device="cpu")
    trainer = Session(recipe, Process(), lambda: create(tmp_path / "run", recipe)).trainer
    trainer.save()
    loaded = load(tmp_path / "run", device="cpu").networks
    for player, trained in trainer.averages.networks.items():
        strides = [
            {key: value.stride() for key, value in net.state_dict().items()} for net in (trained, loaded[player])
        ]
        assert strides[0] == strides[1]
        assert not loaded[player].training


@pytest.mark.parametrize("name", ["digits", "images"])
def test_samples_are_those_of_weights_as_the_file_holds_them(name: str, tmp_path: Path) -> None:
    recipe = smallest(name, tmp_path, precision="float32", device="cpu")
    Session(recipe, Process(), lambda: create(tmp_path / "run", recipe)).trainer.save()
    placed, plain = (load(tmp_path / "run", device="cpu") for _ in range(2))
    for network in plain.networks.values():
        network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    first = placed.sample(150, seed=3)
    assert torch.equal(first, placed.sample(150, seed=3))
    assert torch.equal(first[:130], placed.sample(130, seed=3))  # be the last chunk as small as it may
    torch.testing.assert_close(first, plain.sample(150, seed=3), rtol=0, atol=1e-5)
