"""Temporally consistent videos: what is kept of the frame before, what is not, and that nothing stays behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from translating import Known, a_translator

from sparring.translation.consistency import AHEAD, FOLLOWED, ConsistentTranslation
from sparring.translation.networks.normalise import InstanceNorm, follow, held
from sparring.translation.networks.resnet import ResnetTranslator
from sparring.translation.tiling import translate_picture

pytest.importorskip("cv2", reason="OpenCV comes with the extra 'video'")

HEIGHT, WIDTH = 48, 64


def textured(seed: int = 0, low: int = 60, high: int = 190, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Blurred noise, RGB uint8: something to follow, nothing near black or white."""
    import cv2

    noise = np.random.default_rng(seed).random((height, width, 3))
    smooth = cv2.GaussianBlur(noise, (0, 0), 1.5)
    smooth = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    return np.rint(low + (high - low) * smooth).astype(np.uint8)


def same(pictures: Tensor) -> Tensor:
    return pictures


def alternating(levels: float) -> Callable[[Tensor], Tensor]:
    """Brighter by so many levels, then darker, and so on."""
    state = {"sign": -1.0}

    def change(pictures: Tensor) -> Tensor:
        state["sign"] *= -1
        return pictures + state["sign"] * levels / 127.5

    return change


def shown(change: Callable[[Tensor], Tensor], frames: list[np.ndarray]) -> np.ndarray:
    steady = ConsistentTranslation(Known(change))
    made = np.stack([steady.frame(frame) for frame in frames])
    steady.end()
    return made.astype(int)


def norms(translator: nn.Module) -> list[tuple[Any, Any, Any]]:
    return [
        (layer.rate, layer.mean, layer.variance) for layer in translator.modules() if isinstance(layer, InstanceNorm)
    ]


def flicker(frames: np.ndarray) -> float:
    return float(np.abs(np.diff(frames.astype(float), axis=0)).mean())


# Consistency


@pytest.mark.parametrize("shape", [(HEIGHT, WIDTH, 3), (13, 22, 3), (48, 64, 1), (8, 9, 3)])
def test_a_still_film_under_a_translator_that_changes_nothing_stays_the_same(shape: tuple[int, int, int]) -> None:
    frame = textured(height=shape[0], width=shape[1])[..., : shape[2]]
    made = shown(same, [frame] * 10)
    assert made.shape == (10, *shape)
    for each in made:
        np.testing.assert_array_equal(each, frame)


def test_frames_are_bytes_of_their_own() -> None:
    frame = textured()
    before = frame.copy()
    steady = ConsistentTranslation(Known(same))
    first = steady.frame(frame)
    assert first.dtype == np.uint8
    first[:] = 0
    np.testing.assert_array_equal(steady.frame(frame), before)
    np.testing.assert_array_equal(frame, before)


@pytest.mark.parametrize("levels", [4, 20])
def test_flicker_of_a_still_film_is_cut_at_least_fivefold(levels: int) -> None:
    frames = [textured()] * 16
    made = shown(alternating(levels), frames)
    translate = Known(alternating(levels))
    alone = np.stack([translate_picture(translate, frame) for frame in frames])
    assert flicker(alone) == pytest.approx(2 * levels, abs=0.6)
    assert flicker(made) < flicker(alone) / 5
    settled = made[8:].mean(0)
    np.testing.assert_allclose(settled, frames[0], atol=0.75 * levels)  # about the mean of what is made of it


def test_flicker_of_a_film_that_pans_is_cut_too() -> None:
    """Two pixels a frame to the left; what came in at the right is new each time."""
    wide = textured(width=WIDTH + 40)
    frames = [wide[:, 2 * index : 2 * index + WIDTH] for index in range(12)]
    made = shown(alternating(20), frames)

    def warped_flicker(made: np.ndarray) -> float:
        inner = [frame[4:-4, 4 - 0 : -8].astype(float) for frame in made]
        moved = [frame[4:-4, 6:-6].astype(float) for frame in made]
        return float(np.mean([np.abs(now - then).mean() for then, now in zip(moved[:-1], inner[1:], strict=True)]))

    alone = np.stack([translate_picture(Known(same), frame).astype(int) for frame in frames])
    signs = np.where(np.arange(12) % 2 == 0, 20, -20)[:, None, None, None]
    assert warped_flicker(alone + signs) == pytest.approx(40, abs=1)
    assert warped_flicker(made) < warped_flicker(alone + signs) / 3


def test_what_moves_is_followed_without_a_trail() -> None:
    """Panning by a whole number of pixels, a translator that changes nothing loses next to nothing."""
    wide = textured(width=WIDTH + 60)
    frames = [wide[:, 3 * index : 3 * index + WIDTH] for index in range(12)]
    made = shown(same, frames)
    assert np.abs(made - np.stack(frames))[:, 4:-4, 4:-4].mean() < 1.5


# What is new


def box_moves(
    wall: tuple[int, int], box: tuple[int, int], size: tuple[int, int, int, int]
) -> tuple[list[np.ndarray], tuple[slice, slice]]:
    """Two frames of a box that moves to the right over a still wall, by their levels, and the inner part of what it
    uncovers; ``size`` is height, width, that of the box and its step."""
    height, width, side, step = size
    behind, before = textured(1, *wall, height, width), textured(2, *box, side, side)
    frames, left = [], side // 2
    for index in range(2):
        frame, at = behind.copy(), left + step * index
        frame[20 : 20 + side, at : at + side] = before
        frames.append(frame)
    return frames, (slice(24, 16 + side), slice(left + 1, left + step - 1))


def brighter_after_the_first() -> Callable[[Tensor], Tensor]:
    """20 levels darker, then 20 levels brighter ever after."""
    steps = iter([-20.0, *[20.0] * 99])
    return lambda pictures: pictures + next(steps) / 127.5


def test_what_was_hidden_is_translated_anew() -> None:
    """What the box uncovers is new; what is still is nine tenths of the old one."""
    frames, uncovered = box_moves((60, 190), (60, 190), (96, 128, 40, 4))
    made = shown(brighter_after_the_first(), frames)
    new = frames[1].astype(int) + 20
    assert np.abs(made[1] - new)[uncovered].max() <= 1
    far = (slice(None), slice(90, 128))
    assert (made[1] - new)[far].mean() == pytest.approx(-36, abs=1)


@pytest.mark.parametrize("size", [(48, 64, 20, 6), (96, 128, 40, 16), (144, 192, 64, 24)])
@pytest.mark.parametrize("wall", [(20, 120), (100, 140)])
def test_things_leave_no_ghosts(wall: tuple[int, int], size: tuple[int, int, int, int]) -> None:
    """However the flow errs: what differs by d levels is kept by 0.9 exp(-20 d / 255), which makes 4.3 levels at most,
    where the box is 80 levels off and more. A little is left for the difference between the two ways to warp."""
    frames, uncovered = box_moves(wall, (220, 250), size)
    made = shown(same, frames)
    off = np.abs(made[1] - frames[1].astype(int)).mean(2)
    assert np.quantile(off[uncovered], 0.99) <= 4.3 + 2
    assert off.max() < 20  # at the border of the box, where bicubic warping overshoots
    assert off[:, -8:].max() == 0  # still


def test_something_that_appears_at_once_is_taken_as_it_is() -> None:
    wall = textured(1, 100, 140)
    after = wall.copy()
    after[20:28, 30:38] = [250, 20, 20]
    made = shown(same, [wall] * 5 + [after])
    assert np.abs(made[-1] - after)[21:27, 31:37].max() <= 1


@pytest.mark.parametrize("colours", [(30, 220), (220, 30)])
def test_at_a_cut_all_begins_anew(colours: tuple[int, int]) -> None:
    before = [textured(0, colours[0] - 30, colours[0] + 30)] * 3
    after = [textured(9, colours[1] - 30, colours[1] + 30)] * 2
    made = shown(alternating(10), [*before, *after])
    darker = (after[0].astype(int) - 10).clip(0)  # the fourth frame is made darker, and nothing is kept
    np.testing.assert_array_equal(made[3], darker)
    assert np.abs(made[4] - after[1].astype(int)).max() < 10


def test_after_a_cut_statistics_are_those_of_the_new_scene() -> None:
    """A real translator: the first frame of each scene is as if it were a picture."""
    translator = lively()
    dark, light = textured(3, 5, 70), textured(4, 180, 250)
    steady = ConsistentTranslation(translator)
    frames = [steady.frame(frame) for frame in (dark, dark, light, light)]
    steady.end()
    for made, original in ((frames[0], dark), (frames[2], light)):
        np.testing.assert_allclose(made.astype(int), translate_picture(translator, original), atol=1)


# What fills the picture for a moment


def with_arm(lasting: range, share: float, count: int = 9) -> tuple[list[np.ndarray], slice]:
    """A still wall, over which an arm comes from the left and fills a share of the width at some frames; and the
    columns of the wall that are always seen, as far from the arm as the translator sees."""
    wall, arm = textured(5, 20, 120, 64, 320), textured(6, 180, 250, 64, 320)
    frames, edge = [wall.copy() for _ in range(count)], round(share * 320)
    for index in lasting:
        frames[index][:, :edge] = arm[:, :edge]
    return frames, slice(edge + lively().reach, None)


def looking_ahead(translator: ResnetTranslator, frames: list[np.ndarray]) -> list[np.ndarray]:
    steady = ConsistentTranslation(translator)
    made = [
        steady.frame(frame, partial(frames.__getitem__, slice(at + 1, at + 1 + AHEAD)))
        for at, frame in enumerate(frames)
    ]
    steady.end()
    return made


def jumps(made: list[np.ndarray], seen: slice) -> np.ndarray:
    """How much a pixel of what is seen changes from frame to frame, in levels: ``(frames - 1,)``."""
    return np.abs(np.diff(np.stack(made)[:, :, seen].astype(float), axis=0)).mean((1, 2, 3))


@pytest.mark.parametrize("share", [0.6, 0.85])
@pytest.mark.parametrize("lasting", [range(3, 5), range(3, 4), range(4, 8)])
def test_what_fills_the_picture_for_a_moment_does_not_make_the_wall_flash(share: float, lasting: range) -> None:
    """The frame alone has other statistics, and other colours on the wall; no new scene begins with it."""
    translator = lively()
    frames, seen = with_arm(lasting, share)
    alone = [translate_picture(translator, frame) for frame in frames]
    made = looking_ahead(translator, frames)
    assert jumps(alone, seen).max() > 20
    assert jumps(made, seen).max() < jumps(alone, seen).max() / 4


def test_a_scene_that_stays_is_a_new_one_whatever_came_before() -> None:
    """Cut there and back, each side longer than anything that fills the picture for a moment."""
    translator = lively()
    dark, light = textured(3, 5, 70), textured(4, 180, 250)
    frames = [dark] * 3 + [light] * (AHEAD + 2) + [dark] * 3
    made = looking_ahead(translator, frames)
    for at in (0, 3, 3 + AHEAD + 2):
        np.testing.assert_allclose(made[at].astype(int), translate_picture(translator, frames[at]), atol=1)


def test_frames_ahead_are_looked_at_and_still_come_in_order() -> None:
    from sparring.translation.translate import Frames

    pairs = [(np.full(1, number), np.full(1, -number)) for number in range(5)]
    frames = Frames(pairs)
    seen = [(next(frames)[0].item(), [frame.item() for frame, _ in frames.ahead(2)]) for _ in range(5)]
    assert seen == [(0, [1, 2]), (1, [2, 3]), (2, [3, 4]), (3, [4]), (4, [])]
    assert list(frames) == []


# Statistics of norms


def lively(**settings: Any) -> ResnetTranslator:
    translator = a_translator(**settings)
    nn.init.normal_(translator.end.weight, std=0.06)
    return translator.eval()


def test_the_first_frame_is_the_plain_translation_and_a_still_film_holds_it() -> None:
    translator, frame = lively(), textured()
    plain = translate_picture(translator, frame)
    steady = ConsistentTranslation(translator)
    made = [steady.frame(frame) for _ in range(4)]
    steady.end()
    for each in made:
        np.testing.assert_allclose(each.astype(int), plain, atol=1)
    np.testing.assert_array_equal(translate_picture(translator, frame), plain)


def test_statistics_follow_by_a_twentieth_each_frame() -> None:
    """By hand: the first norm's mean after two frames."""
    translator = lively()
    before, after = textured(0), np.ascontiguousarray(np.roll(textured(0), 8, 1) // 2 + 60)
    seen = []
    first = next(layer for layer in translator.modules() if isinstance(layer, InstanceNorm))
    translator.begin[0].register_forward_hook(lambda _, __, output: seen.append(output.mean((0, 2, 3), keepdim=True)))
    steady = ConsistentTranslation(translator)
    steady.frame(before)
    held_mean = first.mean
    assert held_mean is not None
    torch.testing.assert_close(held_mean, seen[0])
    steady.frame(after)
    assert first.mean is not None
    assert FOLLOWED == 0.05
    torch.testing.assert_close(first.mean, seen[0].lerp(seen[1], FOLLOWED), rtol=1e-4, atol=1e-6)
    steady.end()


def test_the_end_gives_the_translator_back_as_it_was() -> None:
    translator = lively()
    fresh = norms(translator)
    steady = ConsistentTranslation(translator)
    for index in range(3):
        steady.frame(textured(index))
    assert all(rate is not None for rate, _, _ in norms(translator))
    steady.end()
    assert norms(translator) == fresh == [(None, None, None)] * len(fresh)
    steady.end()  # again is no harm
    assert norms(translator) == fresh


def test_a_film_that_raises_or_is_left_gives_the_translator_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the verb goes through films; what is forgotten would be given back by the garbage collector."""
    from fractions import Fraction
    from pathlib import Path

    from sparring.media.films.film import Film
    from sparring.translation.translate import FileTranslator

    alive = []

    class Kept(ConsistentTranslation):
        def __init__(self, translator: ResnetTranslator) -> None:
            super().__init__(translator)
            alive.append(self)

    monkeypatch.setattr("sparring.translation.translate.ConsistentTranslation", Kept)
    translator = lively()
    fresh = norms(translator)

    def decode() -> Iterator[np.ndarray]:
        yield textured(0)
        yield textured(0)
        raise OSError("the disk is gone")

    film = Film(Path("x"), HEIGHT, WIDTH, Fraction(25), 3, False, "frames", decode)
    frames = FileTranslator(translator, 3).video(film)
    next(frames)
    assert norms(translator) != fresh
    with pytest.raises(OSError, match="disk"):
        list(frames)
    assert norms(translator) == fresh

    left: Any = FileTranslator(translator, 3).video(film)
    next(left)
    left.close()
    assert norms(translator) == fresh
    assert len(alive) == 2


def test_frames_alone_hold_nothing() -> None:
    from fractions import Fraction
    from pathlib import Path

    from sparring.media.films.film import Film
    from sparring.translation.translate import FileTranslator

    translator = lively()
    originals = [textured(0), textured(0) // 4 * 3 + 40]
    film = Film(Path("x"), HEIGHT, WIDTH, Fraction(25), 2, False, "frames", lambda: iter(originals))
    made = list(FileTranslator(translator, 3, consistent=False).video(film))
    for one, original in zip(made, originals, strict=True):
        np.testing.assert_array_equal(one, translate_picture(translator, original))
    steady = list(FileTranslator(translator, 3).video(film))
    assert not np.array_equal(made[1], steady[1])


def test_each_frame_is_translated_once() -> None:
    translator = Known(same)
    steady = ConsistentTranslation(translator)
    for index in range(5):
        steady.frame(np.roll(textured(), index, 1))
    assert len(translator.given) == 5
    steady.end()


def test_held_is_what_followed_means() -> None:
    """Held with rate 0 the statistics stay those of the first picture."""
    translator = lively()
    with held(translator):
        follow(translator, 0.0)
        first = translate_picture(translator, textured(0))
        translate_picture(translator, textured(0, 0, 60))
        np.testing.assert_array_equal(translate_picture(translator, textured(0)), first)
    assert norms(translator) == [(None, None, None)] * len(norms(translator))
