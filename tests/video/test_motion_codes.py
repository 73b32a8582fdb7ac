"""Codes of motion: smooth, at any time, never repeating, and no other at the start than later."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sparring.video.networks.motion import FourierMotion, MotionCode, RecurrentMotion, TimedMotion

LATENT = 6


def code(kind: str, period: int = 8, classes: int = 0) -> MotionCode:
    torch.manual_seed(0)
    if kind == "recurrent":
        return RecurrentMotion(latent=LATENT, features=12, classes=classes)
    return FourierMotion(latent=LATENT, features=12, period=period, classes=classes)


def codes(motion: MotionCode, times: Tensor, count: int = 4, labels: Tensor | None = None, seed: int = 0) -> Tensor:
    noise = torch.randn(count, motion.length(int(times.max())), LATENT, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        return motion(noise, times.expand(count, -1), labels)


@pytest.mark.parametrize("kind", ["fourier", "recurrent"])
def test_any_times_in_any_order(kind: str) -> None:
    motion, all_times = code(kind), torch.arange(50)
    whole = codes(motion, all_times)
    assert whole.shape == (4, 50, 12)
    chosen = torch.tensor([7, 49, 0, 7])
    torch.testing.assert_close(codes(motion, chosen), whole[:, chosen])


def test_waves_go_on_between_frames_and_have_no_jump_at_anchors() -> None:
    motion = code("fourier", period=8)
    times = torch.linspace(0, 39.99, 4000)
    found = codes(motion, times)
    steps = found.diff(dim=1).abs().amax((0, 2))
    assert float(steps.max()) < 4 * float(steps.mean()) + 1e-3
    at_anchor = codes(motion, torch.tensor([15.999, 16.0, 16.001]))
    assert float(at_anchor.diff(dim=1).abs().max()) < 0.01


def test_waves_do_not_repeat() -> None:
    motion = code("fourier", period=4)
    found = codes(motion, torch.arange(400))
    window = found[:, :20]
    others = found.unfold(1, 20, 1)[:, 20:].transpose(2, 3)  # (batch, starts, 20, features)
    distance = (others - window[:, None]).square().mean((2, 3)).sqrt()
    assert float(distance.min()) > 0.2 * float(found.std())


@pytest.mark.parametrize("kind", ["fourier", "recurrent"])
def test_later_is_no_other_than_the_start(kind: str) -> None:
    """Means and deviations of codes over many clips are the same from frame 0 on and from frame 64 on."""
    motion, times = code(kind), torch.arange(80)
    found = codes(motion, times, count=4000)
    first, later = found[:, :16], found[:, 64:]
    scale = found.std()
    assert float((first.mean(0).mean(0) - later.mean(0).mean(0)).abs().max()) < 0.08 * scale
    assert float((first.std(0).mean(0) / later.std(0).mean(0) - 1).abs().max()) < 0.08


def test_a_quicker_period_moves_more() -> None:
    speed = {}
    for period in (4, 32):
        found = codes(code("fourier", period=period), torch.arange(64), count=200)
        speed[period] = float(found.diff(dim=1).abs().mean() / found.std())
    assert speed[4] > 3 * speed[32]


@pytest.mark.parametrize("kind", ["fourier", "recurrent"])
def test_the_label_changes_the_motion(kind: str) -> None:
    motion, times = code(kind, classes=3), torch.arange(10)
    one, other = (codes(motion, times, labels=torch.full((4,), label)) for label in (0, 2))
    assert not torch.allclose(one, other)


@pytest.mark.parametrize("kind", ["fourier", "recurrent"])
def test_a_timed_code_tells_the_time_within_a_clip_and_runs_back_after_its_end(kind: str) -> None:
    other = code(kind)
    motion, times = TimedMotion(other, frames=9), torch.arange(40)
    found = codes(motion, times)
    assert found.shape == (4, 40, motion.features)
    torch.testing.assert_close(found[:, :, : other.features], codes(other, times))
    told = found[:, :, other.features :]
    torch.testing.assert_close(told[0], told[1])
    assert float(torch.pdist(told[0, :9]).min()) > 0.05
    torch.testing.assert_close(told[:, 9:17], told[:, :8].flip(1), atol=1e-5, rtol=0)
    torch.testing.assert_close(told[:, 16:32], told[:, :16], atol=1e-5, rtol=0)
    assert float(told.diff(dim=1).abs().max()) < 2  # no jump
