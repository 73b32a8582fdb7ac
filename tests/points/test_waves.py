"""Waves of coordinates: each as long as it says, whatever the centre and the scale of the data."""

from __future__ import annotations

import torch

from sparring.points.networks.trunk import OCTAVES, Waves, trunk


def test_a_wave_comes_again_after_its_length() -> None:
    waves = Waves((3.0, -1.0), 2.0)
    points = torch.randn(50, 2, generator=torch.Generator().manual_seed(0)) * 5
    seen = waves(points)
    assert seen.shape == (50, 2 * (1 + 2 * OCTAVES))
    torch.testing.assert_close(seen[:, :2], (points - torch.tensor([3.0, -1.0])) / 2)
    further = waves(points + 4 * 2.0)  # four deviations, the longest wave
    torch.testing.assert_close(further[:, 2:], seen[:, 2:], atol=2e-4, rtol=0)
    half = waves(points + 2 * 2.0)
    torch.testing.assert_close(half[:, 2], -seen[:, 2], atol=2e-4, rtol=0)
    torch.testing.assert_close(half[:, 3], seen[:, 3], atol=2e-4, rtol=0)


def test_points_become_features() -> None:
    assert trunk((0.0, 0.0, 1.0), 1.0)(torch.randn(4, 3)).shape == (4, 128)
