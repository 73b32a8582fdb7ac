"""What only shows on another device than the CPU: a tensor that was left behind on it.

PyTorch's meta device, whose tensors have a shape and no numbers, refuses to mix with others, so it stands in for a GPU
where there is none. What it takes, as GPUs do, is an index that lies on the CPU.
"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from playing import played
from table import SMALLEST, smallest
from torch import Tensor

from sparring.core.game import Step
from sparring.modalities import RECIPES, modality_of

META = torch.device("meta")
LOOKS_AT_NUMBERS = {name for name, recipe in RECIPES.items() if recipe.kind == "text"}  # how long its lines are


class StepWithoutNumbers(Step):
    """A step whose random numbers are on the meta device, which has no generators."""

    def __init__(self, batches: list[dict[str, Tensor]], batch: int) -> None:
        here = {"global_batch": batch, "part": slice(0, batch)}
        super().__init__(batches, examples_seen=0, seed=0, device=torch.device("cpu"), **here)  # type: ignore[arg-type]

    def normal(self, *shape: int) -> Tensor:
        return super().normal(*shape).to(META)

    def uniform(self, *shape: int) -> Tensor:
        return super().uniform(*shape).to(META)


@pytest.mark.parametrize("name", sorted(set(SMALLEST) - LOOKS_AT_NUMBERS))
def test_a_step_leaves_nothing_on_the_cpu(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())  # the meta device has none
    recipe = smallest(name, tmp_path)
    modality = modality_of(recipe.kind)
    source = modality.open_source(recipe)
    with META:
        game = modality.build_game(recipe, source.form)
    batch = {key: values.to(META) for key, values in source.batch(np.arange(recipe.batch)).items()}
    step = StepWithoutNumbers([batch] * game.batches, recipe.batch)
    for turn in played(game, step):
        gradients = [weight.grad for weight in game.players[turn.mover].weights if weight.grad is not None]
        assert gradients
        assert {gradient.device for gradient in gradients} == {META}
    assert {value.device for value in step.report.values()} == {META}
