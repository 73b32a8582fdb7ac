"""Bits per dimension of independent histograms: counted by hand, and those of MNIST."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from sparring.images.reading.sets import local_arrays
from sparring.probability import histogram
from sparring.probability.histogram import Histograms


def test_probabilities_are_counted_with_one_more_of_each_value() -> None:
    training = torch.tensor([[[0, 255]], [[0, 7]], [[3, 7]]], dtype=torch.uint8)
    test = torch.tensor([[[0, 7]], [[3, 255]], [[9, 9]]], dtype=torch.uint8)
    probabilities = [(3 / 259, 3 / 259), (2 / 259, 2 / 259), (1 / 259, 1 / 259)]
    expected = [-sum(map(math.log2, pair)) / 2 for pair in probabilities]
    assert Histograms([training]).bits_per_dimension(test).tolist() == pytest.approx(expected)


def test_every_dimension_has_a_distribution_that_sums_to_one() -> None:
    random = np.random.default_rng(0)
    examples = torch.from_numpy(random.integers(0, 256, (50, 3, 4, 5), dtype=np.uint8))
    histograms = Histograms(torch.split(examples, 7))  # which does not divide them
    torch.testing.assert_close(histograms.bits, Histograms([examples]).bits)
    torch.testing.assert_close((-histograms.bits * math.log(2)).exp().sum(1), torch.ones(60, dtype=torch.float64))


def test_even_bytes_cost_eight_bits() -> None:
    every = torch.arange(256).byte()[:, None].expand(-1, 3)
    assert Histograms([every]).bits_per_dimension(every).tolist() == pytest.approx([8.0] * 256)


def test_dimensions_are_counted_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(1)
    known, examples = (torch.from_numpy(random.integers(0, 256, (count, 3, 4, 5), dtype=np.uint8)) for count in (30, 6))
    expected = Histograms([known]).bits_per_dimension(examples)
    for name, size in (("COLUMNS", 7), ("CHUNK", 4)):
        monkeypatch.setattr(histogram, name, size)
        torch.testing.assert_close(histogram.bits_by_histograms(known, examples), expected)


def test_mnist() -> None:
    """All 10,000 test digits by the 60,000 others; the first 2,000, which are easier, have fewer bits."""
    place = os.environ.get("SPARRING_TEST_MNIST", "")
    if not place:
        pytest.skip("SPARRING_TEST_MNIST does not name a folder with MNIST's four official files")
    pixels = [local_arrays(Path(place) / f"{part}-images-idx3-ubyte.gz")[0] for part in ("train", "t10k")]
    training, test = (torch.from_numpy(part.copy()) for part in pixels)
    bits = Histograms([training]).bits_per_dimension(test)
    assert bits.mean().item() == pytest.approx(1.690, abs=0.005)
    assert bits[:2000].mean().item() == pytest.approx(1.643, abs=0.005)
