"""Many examples some at a time: every one once, few large ones together."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sparring.data.parts import NUMBERS, joined, parts_of
from sparring.data.source import BadFile, Form


class Large:
    """A source of examples of ``size`` numbers, which notes how many are asked for at once."""

    name, form, in_memory = "large", Form(), True

    def __init__(self, size: int) -> None:
        self.size, self.bad_files = size, list[BadFile]()

    def __len__(self) -> int:
        return 10_000

    def batch(self, indices: np.ndarray) -> dict[str, torch.Tensor]:
        return {"values": torch.zeros(1).expand(len(indices), self.size)}


@pytest.mark.parametrize(("size", "most", "count"), [(1, 100, 100), (NUMBERS // 8, 100, 8), (3 * NUMBERS, 100, 1)])
def test_parts_hold_every_index_once_and_fewer_of_large_examples(size: int, most: int, count: int) -> None:
    indices = np.arange(1000)[::-1]
    parts = parts_of(Large(size), indices, most)
    np.testing.assert_array_equal(np.concatenate(parts), indices)
    assert {len(part) for part in parts[:-1]} == {count}
    assert 0 < len(parts[-1]) <= count


def test_joined_parts_are_those_that_were_given() -> None:
    values = torch.arange(60, dtype=torch.int16).view(10, 3, 2)
    assert torch.equal(joined(iter(values.split(4)), 10), values)
    assert joined(iter(values.split(4)), 10).dtype is torch.int16
    assert joined(iter([values[:0]]), 0).shape == (0, 3, 2)


@pytest.mark.parametrize("parts", [
    [], [torch.zeros(4, 3), torch.zeros(5, 3)], [torch.zeros(10, 3), torch.zeros(1, 3)],
    [torch.zeros(5, 3), torch.zeros(5, 1)], [torch.zeros(5, 3, dtype=torch.uint8), torch.zeros(5, 3)],
])  # fmt: skip
def test_parts_that_are_not_so_many_alike_are_no_examples(parts: list[torch.Tensor]) -> None:
    with pytest.raises(ValueError, match=r"instead of 10|do not fit"):
        joined(parts, 10)
