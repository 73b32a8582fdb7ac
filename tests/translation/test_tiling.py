"""Pictures of any size through a translator: whole or in tiles, and nobody can tell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from translating import Known, a_translator

from sparring.core.errors import UserError
from sparring.media.pictures.sheets import to_bytes
from sparring.translation.game import as_numbers
from sparring.translation.networks.normalise import InstanceNorm, follow, held
from sparring.translation.networks.resnet import ResnetTranslator
from sparring.translation.tiling import SAMPLED, TILE, WHOLE, corners, padded, sampled, translate_picture


def a_picture(height: int, width: int, channels: int = 3) -> np.ndarray:
    """Large shapes and some noise, so that parts differ in their statistics."""
    random, rows, columns = np.random.default_rng(0), np.arange(height)[:, None, None], np.arange(width)[:, None]
    waves = 100 * np.sin(rows / 17 + np.arange(channels)) * np.cos(columns / 23) + 20 * random.normal(
        size=(height, width, channels)
    )
    return (128 + waves).clip(0, 255).astype(np.uint8)


def lively(**settings: Any) -> ResnetTranslator:
    """One whose output uses all of its range."""
    translator = a_translator(**settings)
    nn.init.normal_(translator.end.weight, std=0.06)
    return translator.eval()


def as_tensor(picture: np.ndarray) -> Tensor:
    return padded(as_numbers(torch.from_numpy(picture).permute(2, 0, 1)[None]))


def as_picture(made: Tensor, like: np.ndarray) -> np.ndarray:
    return to_bytes(made)[0].permute(1, 2, 0).numpy()[: like.shape[0], : like.shape[1]].astype(int)


SIZES = [(13, 22), (5, 3), (1, 1), (1, 30), (17, 1), (2, 2), (8, 8), (7, 9), (16, 20)]


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize(("tile", "channels"), [(0, 3), (8, 3), (16, 1), (0, 4)])
def test_every_size_is_kept(height: int, width: int, tile: int, channels: int) -> None:
    picture = a_picture(height, width, channels)
    before = picture.copy()
    made = translate_picture(lively(channels=channels), picture, tile)
    assert made.shape == picture.shape
    assert made.dtype == np.uint8
    np.testing.assert_array_equal(picture, before)
    made[:] = 0  # its own memory


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("tile", [0, 8])
def test_a_translator_that_changes_nothing_gives_every_picture_back(height: int, width: int, tile: int) -> None:
    picture = a_picture(height, width)
    np.testing.assert_array_equal(translate_picture(Known(lambda pictures: pictures), picture, tile), picture)


@pytest.mark.parametrize("picture", [a_picture(9, 14)[::-1, ::2], np.asfortranarray(a_picture(8, 8)), a_picture(8, 12)])
def test_pictures_may_be_views_and_read_only(picture: np.ndarray) -> None:
    picture.flags.writeable = False
    np.testing.assert_array_equal(translate_picture(Known(lambda pictures: pictures), picture), picture)


@pytest.mark.parametrize(("height", "width"), [(13, 22), (8, 9), (21, 15), (12, 16)])
def test_padding_is_a_mirror_to_the_right_and_downwards(height: int, width: int) -> None:
    picture = torch.from_numpy(a_picture(height, width)).permute(2, 0, 1)[None].float()
    made = padded(picture)
    down, right = (-(-side // 4) * 4 - side for side in (height, width))
    np.testing.assert_array_equal(
        made, np.pad(picture.numpy(), ((0, 0), (0, 0), (0, down), (0, right)), mode="reflect")
    )


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_padding_is_no_more_than_needed_and_invents_nothing(height: int, width: int) -> None:
    picture = torch.arange(1.0, height * width + 1).view(1, 1, height, width)
    made = padded(picture)
    assert made.shape[2:] == (max(8, -(-height // 4) * 4), max(8, -(-width // 4) * 4))
    assert torch.equal(made[:, :, :height, :width], picture)
    assert {*made.flatten().tolist()} == {*picture.flatten().tolist()}


def test_a_whole_picture_is_what_the_translator_makes_of_it() -> None:
    picture, translator = a_picture(24, 36), lively()
    with torch.no_grad():
        expected = as_picture(translator(as_tensor(picture)), picture)
    np.testing.assert_array_equal(translate_picture(translator, picture), expected)


@pytest.mark.parametrize("upsampling", ["nearest", "transposed"])
@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize(
    ("height", "width", "tile"), [(100, 130, 32), (64, 64, 64), (61, 150, 12), (90, 40, 8), (30, 30, 64)]
)
def test_tiles_cannot_be_told_from_the_whole(upsampling: str, skip: bool, height: int, width: int, tile: int) -> None:
    picture, translator = a_picture(height, width), lively(upsampling=upsampling, skip=skip)
    with torch.no_grad(), held(translator):
        follow(translator, 1.0)
        translator(sampled(as_tensor(picture), tile))
        follow(translator, 0.0)
        whole = as_picture(translator(as_tensor(picture)), picture)
    made = translate_picture(translator, picture, tile).astype(int)
    assert np.abs(made - whole).max() <= 1
    assert whole.std() > 20
    assert all(
        layer.rate is None and layer.mean is None for layer in translator.modules() if isinstance(layer, InstanceNorm)
    )


def test_shared_statistics_are_near_the_whole_pictures() -> None:
    """So its colours are those of the whole one; those of tiles by themselves are far from it."""
    picture, translator, tile = a_picture(256, 256), lively(), 128
    picture[:tile] //= 4
    whole = translate_picture(translator, picture).astype(int)
    made = translate_picture(translator, picture, tile).astype(int)
    alone = np.empty_like(whole)
    for top, left in corners(256, 256, tile):
        part = np.s_[top : top + tile, left : left + tile]
        alone[part] = translate_picture(translator, picture[part])
    assert np.abs(made - whole).mean() < np.abs(alone - whole).mean() / 6


def test_statistics_that_a_film_holds_follow_each_frame_once_however_many_tiles_it_has() -> None:
    frames, translator, rate, tile = [a_picture(64, 48), 255 - a_picture(64, 48) // 3], lively(), 0.25, 16
    with torch.no_grad(), held(translator):
        follow(translator, rate)
        for frame in frames:
            follow(translator, rate)
            translator(sampled(as_tensor(frame), tile))
        follow(translator, 0.0)
        expected = as_picture(translator(as_tensor(frames[1])), frames[1])
    with held(translator):
        follow(translator, rate)
        made = [translate_picture(translator, frame, tile).astype(int) for frame in frames]
        assert {layer.rate for layer in translator.modules() if isinstance(layer, InstanceNorm)} == {rate}
    assert np.abs(made[1] - expected).max() <= 1
    assert np.abs(translate_picture(translator, frames[1], tile).astype(int) - expected).mean() > 2


@pytest.mark.parametrize("tile", [1, 2, 4, 13, 510])
def test_a_tile_that_is_no_multiple_of_four_or_too_small_is_told(tile: int) -> None:
    with pytest.raises(UserError, match=f"tile: {tile} .* multiple of 4, 8 or more"):
        translate_picture(lively(), a_picture(16, 16), tile)


def test_the_smallest_tile_that_is_suggested_will_do() -> None:
    assert translate_picture(lively(), a_picture(16, 24), 8).shape == (16, 24, 3)


def test_tiles_of_a_framed_picture_are_those_of_the_whole() -> None:
    translator = Known(lambda pictures: pictures)
    framing = a_translator(frame=True).frame
    assert framing is not None
    with torch.no_grad():
        framing.change[0, 2] = framing.change[1, 2] = 0.01  # a fifth of the half of the whole
    translator.frame = framing
    translator.forward = lambda pictures: translator.framed(pictures)  # type: ignore[method-assign]
    picture = a_picture(96, 128)
    one, other = (translate_picture(translator, picture, tile).astype(int) for tile in (0, 32))
    assert np.abs(one - other).max() <= 1


@pytest.mark.parametrize(("height", "width", "tile"), [(40, 24, 16), (16, 16, 16), (8, 100, 12)])
def test_tiles_cover_each_pixel_once(height: int, width: int, tile: int) -> None:
    covered = np.zeros((height, width), int)
    for top, left in corners(height, width, tile):
        covered[top : top + tile, left : left + tile] += 1
    assert (covered == 1).all()


@pytest.mark.parametrize(
    ("height", "width", "tile"), [(3000, 2000, 512), (1200, 1000, 512), (40, 3000, 512), (64, 64, 16), (8, 8, 8)]
)
def test_samples_come_from_all_over(height: int, width: int, tile: int) -> None:
    rows, columns = torch.arange(height).float()[:, None], torch.arange(width).float()
    picture = torch.stack([rows.expand(height, width), columns.expand(height, width)])[None]
    some = sampled(picture, tile)
    side = min(256, tile, height, width)
    assert some.shape[1:] == (2, side, side)
    assert 1 <= len(some) <= SAMPLED
    assert len(some) * side * side <= WHOLE
    assert some.amin((0, 2, 3)).tolist() == [0, 0]
    assert some.amax((0, 2, 3)).tolist() == [height - 1, width - 1]


@pytest.mark.parametrize(
    ("height", "width", "tile", "most"), [(3000, 2000, 0, TILE), (1025, 1024, 0, TILE), (600, 400, 128, 128)]
)
def test_a_large_picture_goes_through_in_tiles(height: int, width: int, tile: int, most: int) -> None:
    translator = Known(lambda pictures: pictures)
    picture = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    np.testing.assert_array_equal(translate_picture(translator, picture, tile), picture)
    samples, *tiles = translator.given
    assert max(tile.shape[2] * tile.shape[3] for tile in tiles) <= (most + 2 * translator.reach) ** 2
    assert {len(tile) for tile in tiles} == {1}
    assert len(tiles) == -(-height // most) * -(-width // most)
    assert samples.shape[0] * samples.shape[2] * samples.shape[3] <= WHOLE


def test_up_to_a_megapixel_it_goes_through_whole() -> None:
    translator = Known(lambda pictures: pictures)
    translate_picture(translator, np.zeros((1024, 1024, 3), np.uint8))
    assert [tuple(given.shape) for given in translator.given] == [(1, 3, 1024, 1024)]


def test_no_gradient_is_kept() -> None:
    translator = Known(lambda pictures: pictures)
    translator.change = lambda pictures: pictures * translator.end.bias.sum().add(1)
    picture = a_picture(16, 16)
    np.testing.assert_array_equal(translate_picture(translator, picture, 8), picture)
    assert not any(weight.grad is not None for weight in translator.parameters())
