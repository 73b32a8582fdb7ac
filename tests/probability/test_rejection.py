"""Samples that the judge keeps are distributed as real examples are, where both densities are known."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
import torch
from scipy.stats import chisquare, kstest
from torch import Tensor

from sparring.core.game import Batch, Networks, Output
from sparring.kind import Kind
from sparring.probability.calibration import Calibrator
from sparring.probability.grid import Grid
from sparring.probability.kept import Calibration
from sparring.probability.rejection import JudgedOutput, ceiling_for

COUNT = 4000


class Uniform(Output):
    """Numbers that are uniform from 0 to 1, ``(rows, 1)``."""

    def real(self, batch: Batch) -> Tensor:
        return batch["examples"]

    def generate(self, networks: Networks, conditions: Batch, *, seed: int, **options: Any) -> Tensor:
        random = torch.Generator().manual_seed(seed)
        return torch.rand(len(conditions["row"]), 1, dtype=torch.float64, generator=random)

    def logits(self, networks: Networks, conditions: Batch, examples: Tensor) -> Tensor | None:
        return None


class Knows:
    """The logits of real examples with the density ``2 x`` among uniform ones."""

    def logits(self, examples: Tensor) -> np.ndarray:
        return np.log(2 * examples[:, 0].double().numpy() + 1e-12)


class Plain:
    """Examples are compared as they are."""

    def comparable(self, finished: Tensor) -> Tensor:
        return finished


def judged(way: str, proposals: float) -> JudgedOutput:
    even = (np.arange(2000) + 0.5) / 2000
    calibration = Calibration(
        model="", judge=cast(Any, Knows()), calibrator=Calibrator("platt", (1.0, 0.0), 50.0), grid=Grid(None),
        shape=(1,), usual=np.zeros(1), labels=np.zeros(1), real=np.log(2 * np.sqrt(even)), made=np.log(2 * even),
        temperature=1.0, facts={},
    )  # fmt: skip
    return JudgedOutput(Uniform(), cast(Kind, Plain()), calibration, way, proposals)


def drawn(output: JudgedOutput, count: int = COUNT, seed: int = 0) -> np.ndarray:
    return output.generate({}, {"row": torch.arange(count)}, seed=seed)[:, 0].numpy()


def test_rejection_without_a_ceiling_below_the_ratio_is_exact() -> None:
    """The ratio is 2 at most: with two proposals for each that is kept nothing is cut."""
    output = judged("rejection", 2.0)
    assert kstest(drawn(output), lambda x: x**2).pvalue > 0.01
    assert output.kept == COUNT
    assert output.generated / output.kept == pytest.approx(2.0, abs=0.1)


def test_with_fewer_proposals_the_density_is_the_lesser_of_both() -> None:
    """``min(2 x, c)`` with ``c`` so that its integral is ``c / proposals``: ``c - c^2 / 4 = c / 1.25``, so c = 0.8."""
    output = judged("rejection", 1.25)
    assert ceiling_for(output.calibration.made, 1.25) == pytest.approx(np.log(0.8), abs=1e-3)
    edges = np.linspace(0, 1, 11)
    mass = np.where(edges < 0.4, edges**2, 0.16 + 0.8 * (edges - 0.4)) / (0.8 - 0.16)
    seen = np.histogram(drawn(output), edges)[0]
    assert chisquare(seen, COUNT * np.diff(mass)).pvalue > 0.01
    assert output.generated / output.kept == pytest.approx(1.25, abs=0.05)


def test_a_chain_is_distributed_as_real_examples() -> None:
    output = judged("chain", 30)
    assert kstest(drawn(output), lambda x: x**2).pvalue > 0.01
    assert output.generated == 30 * COUNT


@pytest.mark.parametrize("way", ["rejection", "chain"])
def test_the_same_seed_keeps_the_same_samples_and_none_comes_twice(way: str) -> None:
    first = drawn(judged(way, 0), 300, seed=3)
    np.testing.assert_array_equal(first, drawn(judged(way, 0), 300, seed=3))
    assert len(np.unique(first)) == 300
    assert not np.array_equal(first, drawn(judged(way, 0), 300, seed=4))


def test_a_chain_that_never_moved_begins_anew_at_a_generated_example() -> None:
    output = judged("chain", 1)
    moved = drawn(output)
    assert output.kept == COUNT < output.generated < 2 * COUNT
    assert len(np.unique(moved)) == COUNT
