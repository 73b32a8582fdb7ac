"""Features of many examples are made of some at a time: fewer, the larger they are."""

from __future__ import annotations

import pytest
import torch

from sparring.metrics.features import CHUNK, NUMBERS, in_chunks


@pytest.mark.parametrize(
    ("count", "size", "most"), [(2 * CHUNK + 1, 3, CHUNK), (5, NUMBERS // 2, 2), (2, NUMBERS + 1, 1), (3, 0, CHUNK)]
)
def test_so_many_at_a_time_and_each_once(count: int, size: int, most: int) -> None:
    examples, seen = torch.arange(count, dtype=torch.uint8)[:, None].expand(count, size), list[int]()

    def features(part: torch.Tensor) -> torch.Tensor:
        seen.append(len(part))
        return part[:, :1].float()

    found = in_chunks(features, examples)
    assert sum(seen) == count
    assert max(seen) == min(most, count)
    assert torch.equal(found, examples[:, :1].float())
