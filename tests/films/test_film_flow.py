"""Motion against motion that is known; cuts against cuts that were made."""

from __future__ import annotations

import numpy as np
import pytest

from sparring.core.errors import UserError

pytest.importorskip("cv2", reason="OpenCV comes with the extra 'video'")

from sparring.media.films.flow import CUT, flow, grey, is_cut, occluded, scene_change, warped
from sparring.media.films.warping import LONG, WarpingError

SHIFT = (3.0, -2.0)  # across and down


def pattern(across: float = 0, down: float = 0, height: int = 96, width: int = 128) -> np.ndarray:
    """Grey uint8 bumps, moved; smooth, so that parts of a pixel are exact too."""
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    x, y = columns - across, rows - down
    waves = np.sin(x / 5) + np.cos(y / 6) + np.sin((x + 2 * y) / 9) + np.cos((2 * x - y) / 13)
    return np.rint(127.5 + 30 * waves).astype(np.uint8)


def texture(height: int, width: int, seed: int, blur: int = 2) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(height, width))
    for axis in (0, 1):
        for _ in range(blur):
            noise = sum(np.roll(noise, step, axis) for step in (-1, 0, 1)) / 3
    return np.clip(127 + 45 * noise / max(noise.std(), 1e-9), 0, 255).astype(np.uint8)


# Flow


@pytest.mark.parametrize("shift", [SHIFT, (0.5, 1.25), (0.0, 0.0)])
def test_the_flow_is_the_shift(shift: tuple[float, float]) -> None:
    found = flow(pattern(), pattern(*shift))
    assert found.dtype == np.float32
    assert found.shape == (96, 128, 2)
    assert np.abs(found[16:-16, 16:-16] + np.array(shift)).max() < 0.2  # it was there, less the shift, before


@pytest.mark.parametrize("cubic", [False, True])
def test_warping_undoes_the_motion(cubic: bool) -> None:
    before, after = pattern(), pattern(*SHIFT)
    brought = warped(before, flow(before, after), cubic)
    assert brought.dtype == np.uint8
    assert np.abs(brought[16:-16, 16:-16].astype(int) - after[16:-16, 16:-16]).max() <= 3


@pytest.mark.parametrize("shape", [(9, 12), (9, 12, 1), (9, 12, 3)])
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_warping_by_whole_pixels_is_exact_and_the_edge_goes_on(shape: tuple[int, ...], kind: type) -> None:
    picture = np.random.default_rng(0).integers(0, 256, shape).astype(kind)
    brought = warped(picture, np.broadcast_to(np.float32([2, -1]), (9, 12, 2)))
    rows, columns = np.maximum(np.arange(9) - 1, 0), np.minimum(np.arange(12) + 2, 11)
    assert brought.dtype == kind
    assert np.array_equal(brought, picture[rows][:, columns])


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (15, 40), (16, 16), (8, 700), (33, 31)])
def test_small_and_odd_pictures_have_a_flow_too(size: tuple[int, int]) -> None:
    picture = texture(*size, seed=1)
    found = flow(picture, picture)
    assert found.shape == (*size, 2)
    assert np.abs(found).max() < 0.2
    assert not occluded(found, found).all()


def test_what_a_moved_square_uncovers_is_occluded() -> None:
    ground, square = texture(160, 200, seed=2, blur=8), texture(80, 80, seed=3, blur=8)
    before, after = ground.copy(), ground.copy()
    before[40:120, 30:110] = square
    after[40:120, 40:120] = square
    hidden = occluded(flow(before, after), flow(after, before))
    assert hidden[44:116, 31:39].mean() > 0.9  # the strip that the square left
    assert hidden[60:100, 60:100].mean() < 0.1  # inside of the square
    assert hidden[:, 150:].mean() < 0.05  # far away


def test_what_comes_from_outside_is_occluded() -> None:
    left = np.broadcast_to(np.float32([-4, 0]), (20, 30, 2))
    hidden = occluded(left, -left)
    assert hidden[:, :4].all()
    assert not hidden[:, 4:].any()


def test_a_way_that_does_not_lead_back_and_an_edge_of_motion_are_occluded() -> None:
    still = np.zeros((20, 30, 2), np.float32)
    assert occluded(still, still + np.float32([0.8, 0])).all()
    assert not occluded(still, still + np.float32([0.6, 0])).any()  # 0.36 < 0.5 + 0.01 * 0.36
    torn = still.copy()
    torn[:, 15:, 1] = 0.5
    edge = occluded(torn, -torn)
    assert edge[:, 14:16].all()
    assert not edge[:-1, :14].any()


# Cuts


def test_a_new_scene_is_a_cut_and_a_moved_or_slightly_brighter_one_is_not() -> None:
    colours = np.stack([texture(72, 128, seed, blur=6) // 2 for seed in (4, 5, 6)], axis=-1)
    other = 255 - colours[::-1]
    assert is_cut(colours, other)
    assert is_cut(other, colours)
    assert not is_cut(colours, colours)
    assert not is_cut(colours, np.roll(colours, 9, axis=1))
    assert not is_cut(colours, colours + np.uint8(6))
    assert is_cut(colours, np.full_like(colours, 255))


@pytest.mark.parametrize("share", [0.5, 0.65])
def test_something_large_that_comes_or_goes_is_no_cut(share: float) -> None:
    """Half of the picture is filled at once while the rest moves on by three pixels."""
    wall = np.stack([texture(96, 160, seed, blur=3) // 2 for seed in (4, 5, 6)], axis=-1)
    filled = np.roll(wall, 3, axis=1)
    filled[:, : round(share * 160)] = 240
    assert scene_change(wall, filled) > CUT
    assert not is_cut(wall, filled)
    assert not is_cut(filled, wall)


# Warping error


def rgb(grey_picture: np.ndarray) -> np.ndarray:
    return np.repeat(grey_picture[..., None], 3, axis=-1)


def test_a_still_film_has_no_error_and_flicker_its_closed_form() -> None:
    still, deviation = rgb(pattern() // 4 + 90), 20
    errors = WarpingError(["still", "flicker", "late"])
    for index in range(LONG + 3):
        sign = 1 if index % 2 else -1
        late = still + np.uint8(30) if index >= LONG else still
        errors.add(
            still, {"still": still, "flicker": (still.astype(int) + sign * deviation).astype(np.uint8), "late": late}
        )
    assert errors.short()["still"] == errors.long()["still"] == errors.long()["flicker"] == 0
    assert errors.short()["flicker"] == pytest.approx(3 * (2 * deviation / 255) ** 2, rel=1e-4)
    assert errors.short()["late"] == pytest.approx(3 * (30 / 255) ** 2 / (LONG + 2), rel=1e-4)
    assert errors.long()["late"] == pytest.approx(3 * (30 / 255) ** 2, rel=1e-4)


def test_what_moves_along_is_steady_and_what_stays_is_not() -> None:
    errors = WarpingError(["along", "fixed"])
    fixed = rgb(texture(96, 128, seed=7))
    for index in range(4):
        original = rgb(pattern(2.0 * index, 0))
        errors.add(original, {"along": 255 - original, "fixed": fixed})
    assert errors.short()["along"] < 0.001
    assert errors.short()["fixed"] > 0.01
    assert errors.long() == {}


def test_nothing_is_compared_across_a_cut() -> None:
    errors = WarpingError(["it"])
    for index in range(2 * LONG):
        level = np.uint8(40 if index < LONG else 200)
        shown = np.full((40, 40, 3), level)
        errors.add(shown, {"it": shown}, cut=index == LONG)
    assert errors.short() == {"it": 0}
    assert errors.long() == {}
    assert WarpingError(["it"]).short() == {}


def test_frames_that_do_not_fit_are_refused_by_name() -> None:
    errors, frame = WarpingError(["a", "b"]), np.zeros((40, 40, 3), np.uint8)
    with pytest.raises(UserError, match=r"^b: no frame"):
        errors.add(frame, {"a": frame})
    with pytest.raises(UserError, match=r"^b: a frame of shape \(40, 39, 3\)"):
        errors.add(frame, {"a": frame, "b": frame[:, :39]})


def test_grey_is_luma() -> None:
    primaries = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    assert grey(primaries).tolist() == [[76, 150, 29]]
