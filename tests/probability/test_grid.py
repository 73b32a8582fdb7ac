"""The values that real data have, and examples that are brought to them."""

from __future__ import annotations

import pytest
import torch

from sparring.probability.grid import MOST, grid_of


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_seventeen_grey_levels() -> None:
    levels = torch.linspace(0, 255, 17).byte()
    real = levels[torch.randint(17, (50, 1, 8, 8), generator=random())]
    grid = grid_of(real)
    assert grid.values is not None
    assert torch.equal(grid.values, levels)
    made = torch.randint(256, (30, 1, 8, 8), generator=random(1), dtype=torch.uint8)
    snapped = grid.snap(made)
    assert (snapped.dtype, snapped.shape) == (torch.uint8, made.shape)
    apart = (made.double()[..., None] - levels.double()).abs()
    assert torch.equal((snapped.double() - made.double()).abs(), apart.amin(-1))  # no level is nearer
    assert torch.equal(grid.snap(real), real)
    assert torch.equal(grid.snap(snapped), snapped)


def test_all_256_values_change_nothing() -> None:
    grid = grid_of(torch.arange(256, dtype=torch.uint8).repeat(4)[None])
    made = torch.randint(256, (9, 3, 4, 4), generator=random(), dtype=torch.uint8)
    assert torch.equal(grid.snap(made), made)


def test_numbers_with_floating_point() -> None:
    values = torch.tensor([-1.5, 0.0, 0.25, 3.0])
    grid = grid_of(values[torch.randint(4, (40, 6), generator=random())])
    assert grid.values is not None
    assert torch.equal(grid.values, values)
    made = torch.tensor([[-9.0, -0.76, -0.74, 0.124, 0.126, 9.0]])
    assert grid.snap(made).tolist() == [[-1.5, -1.5, 0.0, 0.0, 0.25, 3.0]]


@pytest.mark.parametrize("count", [100, 2000])
def test_numbers_of_which_hardly_two_are_equal_have_none(count: int) -> None:
    """However few they are."""
    real = torch.randn(count, 2, generator=random())
    grid = grid_of(real)
    assert grid.values is None
    made = torch.randn(5, 2, generator=random(1))
    assert torch.equal(grid.snap(made), made)


def test_more_values_than_a_grid_has() -> None:
    real = torch.arange(MOST + 1).float().repeat(10)
    assert grid_of(real[None]).values is None
    assert grid_of(real[real < MOST][None]).values is not None


def test_characters_have_none() -> None:
    assert grid_of(torch.randint(40, (20, 256), generator=random())).values is None


def test_one_value() -> None:
    grid = grid_of(torch.full((4, 2), 7, dtype=torch.uint8))
    assert grid.snap(torch.tensor([[0, 255]], dtype=torch.uint8)).tolist() == [[7, 7]]
