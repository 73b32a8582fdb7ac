"""What is measured of clips: what moves, freezes, flickers, keeps its colour, against clips of which it is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from sparring.metrics.score import NotComputable
from sparring.video.control import control
from sparring.video.health import LIMITS, drift, health
from sparring.video.metrics import families, flow_lengths, frames_of, movement, shapeless, steadiness, stills
from sparring.video.shapes import moving_shapes


def shapes(count: int = 40, frames: int = 12, seed: int = 0, every: int = 1, size: int = 24) -> Tensor:
    """Moving shapes ``(count, frames, 3, size, size)`` in [-1, 1]."""
    clips, _ = moving_shapes(count, frames, size, size, every, seed)
    return torch.from_numpy(clips).float() / 127.5 - 1


def values(measure: Callable[..., dict], *pair: Tensor) -> dict[str, float]:
    return {name: estimate.value for name, estimate in measure(*pair).items()}


# Movement


def test_clips_of_the_same_kind_move_as_real_ones() -> None:
    found = values(movement, shapes(), shapes(seed=1))
    assert found["speed"] == pytest.approx(1, abs=0.15)
    assert found["acceleration"] == pytest.approx(1, abs=0.15)
    assert (found["frozen"], found["flickering"]) == (0, 0)


def test_twice_as_quick_changes_more_and_frozen_clips_are_counted() -> None:
    assert values(movement, shapes(), shapes(every=2))["speed"] > 1.3
    half = shapes()
    half[::2] = half[::2, :1].expand_as(half[::2])
    found = values(movement, shapes(seed=1), half)
    assert found["frozen"] == 0.5
    assert found["speed"] == pytest.approx(0.5, abs=0.1)


def test_flicker_is_told_from_movement() -> None:
    real, made = shapes(), shapes(seed=1)
    made[:10] += 0.05 * torch.tensor([1.0, -1.0]).repeat(6).view(1, 12, 1, 1, 1)
    assert values(movement, real, made)["flickering"] == 0.25
    brightening = shapes(seed=1) + torch.linspace(0, 0.5, 12).view(1, 12, 1, 1, 1)  # steadily: no flicker
    assert values(movement, real, brightening)["flickering"] == 0


def test_nothing_is_said_of_real_clips_that_do_not_move() -> None:
    still = shapes()[:, :1].expand(-1, 12, -1, -1, -1)
    with pytest.raises(NotComputable, match="do not move"):
        movement(still, shapes())
    assert health(shapes(), still) == {}


# Colour


def test_colours_that_stay_and_colours_that_do_not() -> None:
    squares = torch.full((8, 5, 3, 20, 20), -1.0)
    for time in range(5):
        squares[:, time, 0, 3 + time : 9 + time, 4:10] = 0.6
    assert values(steadiness, squares, squares) == {"colour_acd": 0, "subject": 1}
    tinted = squares.clone()
    tinted[:, ::2, 0, :, :] = torch.where(squares[:, ::2, 0] > 0, 0.6 + 10 / 127.5, -1.0)  # 10 of 255 in every second
    assert values(steadiness, squares, tinted)["colour_acd"] == pytest.approx(10 * 2 * 3 * 2 / (5 * 4), rel=1e-4)
    tinted[0, 2] = -1.0
    assert values(steadiness, squares, tinted)["subject"] == 7 / 8


# Single frames


def test_a_frame_of_each_clip() -> None:
    clips = torch.linspace(-1, 1, 5).view(1, 5, 1, 1, 1).expand(7, 5, 3, 4, 4)
    expected = torch.tensor([0, 64, 128, 191, 255, 0, 64])
    assert (frames_of(clips)[:, 0, 0, 0].int() - expected).abs().max() <= 1


def test_frames_of_another_kind_are_farther_away() -> None:
    real, same = shapes(300, 3), shapes(150, 3, seed=1)
    near, far = (values(stills, real, made) for made in (same, same.roll(6, 3) * 0.5))
    assert far["frame_frechet"] > 3 * near["frame_frechet"]
    assert far["frame_kernel"] > near["frame_kernel"] + 1e-4


def test_flow_is_as_long_as_the_way_that_everything_goes() -> None:
    pytest.importorskip("cv2")
    random = torch.Generator().manual_seed(0)
    coarse = torch.rand(2, 3, 12, 12, generator=random)
    still = torch.nn.functional.interpolate(coarse, (96, 96), mode="bicubic") * 2 - 1
    clips = torch.stack([still.roll(2 * time, 3) for time in range(4)], 1)[..., 16:80, 16:80]
    assert flow_lengths(clips).tolist() == pytest.approx([2, 2], abs=0.3)
    assert "flow" in {metric.name for family in families() for metric in family.metrics}


# While training


def test_what_is_warned_of() -> None:
    real = shapes(64)
    good = health(shapes(64, seed=1), real)
    assert good.keys() | {"drift"} == LIMITS.keys()
    assert all(value < LIMITS[name].most for name, value in good.items())
    frozen = health(real[:, :1].expand_as(real), real)
    assert frozen["frozen"] > LIMITS["frozen"].most
    flicker = real + 0.1 * torch.tensor([1.0, -1.0]).repeat(6).view(1, 12, 1, 1, 1)
    assert health(flicker, real)["flicker"] > LIMITS["flicker"].most
    alike = real[:1].expand_as(real)
    assert health(alike, real)["same motion"] > LIMITS["same motion"].most
    assert health(alike, real)["same content"] > LIMITS["same content"].most
    few = torch.cat([real[:2]] * (len(real) // 2))
    assert 0.1 < health(few, real)["same content"] < 1
    for name, limit in LIMITS.items():
        assert limit.warning.format(0.5).startswith(f"{name}: ")


def test_drift_is_of_colour_not_of_movement() -> None:
    clips = shapes(40, 48)
    assert drift(clips, 12) < 0.2
    assert drift(clips + torch.linspace(0, 0.4, 48).view(1, 48, 1, 1, 1), 12) > LIMITS["drift"].most


# Content and motion


def test_control_is_whole_where_content_and_motion_are_apart() -> None:
    """Grounds of eight colours, over which a white bar goes in one of four ways."""
    grounds = torch.rand(8, 1, 1, 3, 1, 1, generator=torch.Generator().manual_seed(0)) - 1
    clips = grounds.expand(8, 4, 10, 3, 20, 20).clone()
    for motion in range(4):
        for time in range(10):
            at = time if motion % 2 else 10 - time
            part = (slice(at, at + 6), slice(None)) if motion < 2 else (slice(None), slice(at, at + 6))
            clips[(slice(None), motion, time, slice(None), *part)] = 1
    content, motion_kept = control(clips)
    assert (content.name, motion_kept.name) == ("content_kept", "motion_kept")
    assert content.value is not None
    assert motion_kept.value is not None
    assert content.value > 0.6
    assert motion_kept.value > 0.8
    mixed = clips.flatten(0, 1)[torch.randperm(32, generator=torch.Generator().manual_seed(1))].view_as(clips)
    assert all(abs(score.value or 0) < 0.25 for score in control(mixed))


@pytest.mark.parametrize(("size", "side"), [(6, 32), (12, 64), (18, 64)])
def test_control_of_small_things_on_a_plain_ground(size: int, side: int) -> None:
    """Squares of eight colours in eight motions, and the same with colours at random."""
    colours = torch.rand(8, 3, generator=torch.Generator().manual_seed(0)) * 1.6 - 0.8
    clips = torch.full((8, 8, 6, 3, side, side), -1.0)
    for content in range(8):
        for motion in range(8):
            for time in range(6):
                top, left = (2 * time, 3 * motion) if motion % 2 else (3 * motion, 2 * time)
                part = (slice(top, top + size), slice(left, left + size))
                clips[(content, motion, time, slice(None), *part)] = colours[content][:, None, None]
    assert (control(clips)[0].value or 0) > 0.9
    order = torch.randperm(64, generator=torch.Generator().manual_seed(1))
    assert abs(control(clips.flatten(0, 1)[order].view_as(clips))[0].value or 0) < 0.15
    same = control(clips[:1].expand_as(clips))[0]
    assert (same.value, same.reason) == (None, "all kinds of samples are the same")


def test_noise_is_not_taken_for_sameness_of_motion() -> None:
    real = shapes(64)
    noisy = real + 0.3 * torch.randn(real.shape, generator=torch.Generator().manual_seed(0))
    assert health(noisy, real)["same motion"] == 0


def test_what_cannot_be_recognised_neither_moves_nor_looks_like_it() -> None:
    clips = shapes(20)
    blurred = shapeless(clips, seed=0)
    assert blurred.shape == clips.shape
    assert float(blurred.diff(dim=1).abs().max()) == 0
    assert float((blurred[:, 0] - clips[:, 0]).abs().mean()) > 0.01
    assert torch.equal(blurred, shapeless(clips, seed=0))
    assert not np.allclose(blurred, shapeless(clips, seed=1))
