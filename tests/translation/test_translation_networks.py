"""Translators, discriminators of patches, norms: how far they see, how many weights they have, what they keep."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from translating import a_game, a_translator, build, noise, uniform

from sparring.core.errors import UserError
from sparring.modalities import RECIPES
from sparring.translation.data import TranslationForm
from sparring.translation.networks.companions import PROJECTED, Projector
from sparring.translation.networks.frame import SHARED_RATE, Frame
from sparring.translation.networks.normalise import EPSILON, InstanceNorm, follow, held
from sparring.translation.networks.patch import PatchDiscriminator, field_for
from sparring.translation.networks.resnet import ResnetTranslator
from sparring.translation.recipes import PATCHES


@contextmanager
def statistics_of(network: nn.Module, pictures: Tensor) -> Iterator[None]:
    """Inside, the norms hold the statistics of ``pictures``: what is left is a network without any."""
    with held(network):
        with torch.no_grad():
            network(pictures)
        yield


# The discriminator


def a_discriminator(field: str, **settings: Any) -> PatchDiscriminator:
    torch.manual_seed(0)
    return PatchDiscriminator(**{"channels": 3, "width": 2, "field": field, **settings})


def weights(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def box(support: Tensor) -> tuple[int, int, int, int]:
    """First and last row, first and last column where ``support`` ``(height, width)`` is not zero."""
    rows, columns = support.any(1).nonzero()[:, 0], support.any(0).nonzero()[:, 0]
    return int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])


@pytest.mark.parametrize("field", PATCHES)
def test_a_logit_sees_exactly_its_square(field: str) -> None:
    """Under held statistics a norm is a constant scale, so that gradients show convolutions alone."""
    side = int(field) + 8 * 2 ** PATCHES[field]
    discriminator = a_discriminator(field, channels=1).double()
    pictures = noise(1, 1, side, side).double().requires_grad_()
    with statistics_of(discriminator, pictures):
        verdicts = discriminator.layers(pictures)[0, 0]
        middle = len(verdicts) // 2
        (slope,) = torch.autograd.grad(verdicts[middle, middle], pictures, retain_graph=True)
        (beside,) = torch.autograd.grad(verdicts[middle, middle + 1], pictures)
    seen = slope[0, 0] != 0
    top, bottom, left, right = box(seen)
    assert 0 < top <= bottom < side - 1  # not cut off by the border
    assert (bottom - top + 1, right - left + 1) == (int(field), int(field))
    assert seen[top : bottom + 1, left : right + 1].all()
    assert box(beside[0, 0] != 0) == (top, bottom, left + 2 ** PATCHES[field], right + 2 ** PATCHES[field])


@pytest.mark.parametrize("field", PATCHES)
@pytest.mark.parametrize(("height", "width"), [(160, 160), (96, 128)])
def test_logits_of_overlapping_squares(field: str, height: int, width: int) -> None:
    """Each halving halves; two convolutions of 4 with a border of 1 take one off each."""
    halves = 2 ** PATCHES[field]
    shape = (2, (height // halves - 2) * (width // halves - 2))
    assert a_discriminator(field)(noise(2, 3, height, width)).shape == shape


@pytest.mark.parametrize("side", [8, 12, 20, 36, 72])
def test_every_patch_that_a_game_allows_fits_the_smallest_picture_that_it_allows_it_for(side: int) -> None:
    for field in PATCHES:
        form = TranslationForm(height=side, width=side, channels=3, counts=(1, 1), upright=True)
        recipe = RECIPES["cyclegan"].changed({"width": 2, "blocks": 0, "patch": field})
        if int(field) > 2 * side:
            with pytest.raises(UserError, match="patch: "):
                build(recipe, form)
        else:
            discriminator = build(recipe, form).players["discriminator"].network["a"]
            assert discriminator(noise(2, 3, side, side)).isfinite().all()


def test_weights_of_the_70_pixel_discriminator_by_hand() -> None:
    """64-128-256-512, no bias before a norm (with them, pix2pix's has 2,764,737)."""
    convolutions = 16 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512 + 512)
    assert weights(a_discriminator("70", width=64)) == convolutions + 64 + 1 == 2_764_737 - (128 + 256 + 512)


@pytest.mark.parametrize(("side", "field"), [(8, "16"), (47, "16"), (48, "34"), (95, "34"), (96, "70"), (1024, "70")])
def test_the_patch_by_the_pictures_side(side: int, field: str) -> None:
    assert field_for(side) == field


def test_a_verdict_does_not_depend_on_the_rest_of_the_batch() -> None:
    discriminator, pictures = a_discriminator("34"), noise(5, 3, 48, 48)
    torch.testing.assert_close(discriminator(pictures)[:2], discriminator(pictures[:2]))


# The translator


def test_weights_of_the_papers_translator_by_hand() -> None:
    """7x7 to 64, down to 128 and 256, nine blocks, the same way up; one bias, at the end, where there is no norm."""
    ends, sides, blocks = 2 * 49 * 3 * 64, 2 * 9 * (64 * 128 + 128 * 256), 9 * 2 * 9 * 256**2
    with torch.device("meta"):
        counts = {
            upsampling: weights(
                ResnetTranslator(channels=3, width=64, blocks=9, upsampling=upsampling, skip=False, frame=False)
            )
            for upsampling in ("nearest", "transposed")
        }
    assert set(counts.values()) == {ends + sides + blocks + 3}
    biases = 64 + 128 + 256 + 9 * 2 * 256 + 128 + 64
    assert ends + sides + blocks + 3 + biases == 11_378_179  # the authors' own network


@pytest.mark.parametrize("upsampling", ["nearest", "transposed"])
@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("frame", [False, True])
@pytest.mark.parametrize(("height", "width"), [(8, 8), (12, 20), (32, 16)])
def test_pictures_keep_their_shape_and_range(upsampling: str, skip: bool, frame: bool, height: int, width: int) -> None:
    translator = a_translator(upsampling=upsampling, skip=skip, frame=frame)
    nn.init.normal_(translator.end.weight, std=1)  # far into tanh's ends
    made = translator(uniform(2, 3, height, width))
    assert made.shape == (2, 3, height, width)
    assert made.dtype == torch.float32
    assert made.abs().max() <= 1
    assert made.std() > 0.1


@pytest.mark.parametrize("upsampling", ["nearest", "transposed"])
@pytest.mark.parametrize("frame", [False, True])
def test_with_skip_it_begins_by_giving_the_picture_back_and_learns(upsampling: str, frame: bool) -> None:
    translator = a_translator(upsampling=upsampling, skip=True, frame=frame, width=8, blocks=3)
    pictures = uniform(2, 3, 16, 24)
    pictures[0, 0, 0], pictures[1, 0, 0] = 1, -1  # tanh's ends
    made = translator(pictures)
    assert (made - pictures).abs().max() < 0.04
    made.square().sum().backward()
    assert translator.end.weight.grad.abs().max() > 0
    assert all(weight.grad is None or weight.grad.isfinite().all() for weight in translator.parameters())


def two_periodic(pictures: Tensor) -> float:
    """The largest amplitude of what alternates from pixel to pixel, along rows, columns or both, in any channel."""
    rows, columns = (torch.arange(side, device=pictures.device) % 2 * -2 + 1 for side in pictures.shape[2:])
    patterns = (
        rows[:, None] * torch.ones_like(columns),
        columns * torch.ones_like(rows[:, None]),
        rows[:, None] * columns,
    )
    return max((pictures * pattern).mean((2, 3)).abs().max().item() for pattern in patterns)


@pytest.mark.parametrize(("upsampling", "even"), [("nearest", True), ("transposed", False)])
def test_going_up_by_the_nearest_pixel_leaves_no_checkerboard(upsampling: str, even: bool) -> None:
    """With the statistics of other pictures, so that a constant one is not blown up to noise: it stays constant, but
    transposed convolutions draw a pattern of two pixels on it."""
    translator = a_translator(upsampling=upsampling, width=8).double()
    nn.init.normal_(translator.end.weight, std=0.1)  # to see more than tanh(x) = x
    side, border = 3 * translator.reach, translator.reach  # zeros around the picture are seen from that far
    constant = torch.tensor([0.3, -0.8, 0.5]).double()[None, :, None, None].expand(1, 3, side, side)
    with statistics_of(translator, uniform(4, 3, side, side).double()):
        made = translator(constant)[:, :, border:-border, border:-border].double()
    pattern = two_periodic(made)
    assert pattern < 1e-6 if even else pattern > 1e-3
    assert ((made - made.mean((2, 3), keepdim=True)).abs().max() < 1e-6) == even


@pytest.mark.parametrize("upsampling", ["nearest", "transposed"])
@pytest.mark.parametrize("blocks", [0, 1, 3])
def test_a_pixel_matters_as_far_as_reach_says_and_no_further(upsampling: str, blocks: int) -> None:
    translator = a_translator(upsampling=upsampling, blocks=blocks, width=2).double()
    reach = translator.reach
    assert reach % 4 == 0
    side, changed = 4 * reach, 2 * reach
    pictures = uniform(1, 3, side, side).double()
    furthest = 0
    with statistics_of(translator, pictures), torch.no_grad():
        before = translator(pictures)
        for row in range(changed, changed + 4):  # every place on the grid of the middle
            other = pictures.clone()
            other[:, :, row, row] += 1
            rows, _, columns, _ = (top, bottom, left, right) = box((translator(other) != before)[0].any(0))
            for first, last in ((rows, bottom), (columns, right)):
                furthest = max(furthest, row - first, last - row)
                assert first >= row - reach
                assert last <= row + reach
            assert top <= row <= bottom
            assert left <= row <= right
    assert furthest > reach - 8  # no more than what is needed


def test_under_its_own_norms_a_pixel_matters_everywhere() -> None:
    translator, pictures = a_translator(blocks=0).double(), uniform(1, 3, 64, 64).double()
    other = pictures.clone()
    other[:, :, 0, 0] += 1
    assert ((translator(other) - translator(pictures)).abs() > 0).float().mean() > 0.9


@pytest.mark.parametrize("blocks", [0, 1, 3, 6, 9])
def test_widths_are_the_channels_of_features(blocks: int) -> None:
    translator = a_translator(blocks=blocks)
    features = translator.features(uniform(2, 3, 16, 24))
    assert translator.widths() == [each.shape[1] for each in features] == [3, 4, 8, 16, 16]
    assert [tuple(each.shape[2:]) for each in features] == [(16, 24), (16, 24), (8, 12), (4, 6), (4, 6)]


def test_the_last_features_come_from_two_thirds_of_the_blocks() -> None:
    translator = a_translator(blocks=6)
    with torch.no_grad():
        for block in translator.blocks[4:]:
            for weight in block.parameters():
                weight.fill_(torch.nan)
        assert translator.features(uniform(1, 3, 16, 16))[-1].isfinite().all()
        for weight in translator.blocks[3].parameters():
            weight.fill_(torch.nan)
        assert translator.features(uniform(1, 3, 16, 16))[-1].isnan().all()


@pytest.mark.parametrize("upsampling", ["nearest", "transposed"])
def test_weights_begin_as_the_paper_says(upsampling: str) -> None:
    translator = a_translator(width=16, upsampling=upsampling)
    large = [weight for weight in translator.parameters() if weight.numel() > 2000]
    assert [weight.std().item() for weight in large] == pytest.approx([0.02] * len(large), rel=0.06)
    assert not translator.end.bias.any()


def test_a_fresh_frame_changes_nothing_and_a_moved_one_moves_by_whole_pixels() -> None:
    frame, pictures = Frame(3), uniform(2, 3, 8, 12)
    torch.testing.assert_close(frame(pictures), pictures, atol=1e-5, rtol=0)
    with torch.no_grad():
        frame.change[0, 2] = 2 * 3 / 12 / SHARED_RATE  # 3 to the left
        frame.change[1, 2] = -2 * 2 / 8 / SHARED_RATE  # 2 down
        frame.surround.fill_(0.25 / SHARED_RATE)
    expected = torch.full_like(pictures, 0.25)
    expected[:, :, 2:, :-3] = pictures[:, :, :-2, 3:]
    torch.testing.assert_close(frame(pictures), expected, atol=1e-5, rtol=0)
    returned = frame.back(frame(pictures), pictures)
    torch.testing.assert_close(returned[:, :, :-2, 3:], pictures[:, :, :-2, 3:], atol=1e-5, rtol=0)


def test_each_picture_is_framed_by_what_it_shows_and_the_way_back_undoes_that() -> None:
    torch.manual_seed(0)
    place = torch.arange(32.0) - 15.5
    blob = torch.exp(-(place[:, None].square() + place.square()) / 40)
    frame, pictures = Frame(1), torch.stack([blob, -blob])[:, None]
    with torch.no_grad():
        frame.look[-1].weight.normal_(0, 0.05, generator=torch.Generator().manual_seed(1))
    maps = frame.maps(pictures)
    assert (maps[0] - maps[1]).abs().max() > 0.01
    there = frame(pictures)
    assert (frame.back(there, pictures) - pictures).abs().mean() < 0.2 * (there - pictures).abs().mean()


def test_a_projector_has_a_head_of_two_layers_for_each_depth() -> None:
    projector = Projector([3, 8])
    features = noise(2, 5, 8)
    (first, second) = (layer for layer in projector.heads[1] if isinstance(layer, nn.Linear))
    expected = (features @ first.weight.T + first.bias).clamp(min=0) @ second.weight.T + second.bias
    torch.testing.assert_close(projector(1, features), expected)
    assert weights(projector) == 2 * PROJECTED * (PROJECTED + 2) + (3 + 8) * PROJECTED == a_count_of_heads([3, 8])


def a_count_of_heads(widths: list[int]) -> int:
    return sum(width * 256 + 256 + 256 * 256 + 256 for width in widths)


# The norm


def normalised(features: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    return (features - mean) / np.sqrt(variance + EPSILON)


def pooled(features: Tensor) -> tuple[np.ndarray, np.ndarray]:
    array = features.numpy()
    return array.mean((0, 2, 3), keepdims=True), array.var((0, 2, 3), keepdims=True)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("side", [5, 17])
@pytest.mark.parametrize(("scale", "rounding"), [(1.0, 1e-5), (1e-3, 3e-4), (300.0, 1e-5)])
def test_the_norm_is_torchs(scale: float, rounding: float, side: int, memory_format: torch.memory_format) -> None:
    """A mean of 600 deviations is subtracted after it was divided by them, so that more is lost."""
    features = (scale * noise(3, 4, 7, side) + 2).contiguous(memory_format=memory_format)
    expected = nn.InstanceNorm2d(4, eps=1e-5)(features.double()).float()
    torch.testing.assert_close(InstanceNorm()(features), expected, atol=rounding, rtol=0)


def test_held_statistics_are_those_of_batch_and_space_and_move_as_told() -> None:
    norm, batches = InstanceNorm(), [scale * noise(3, 4, 6, 5, seed=int(scale)) + scale for scale in (1.0, 3.0, 5.0)]
    (mean, variance), *later = (pooled(batch) for batch in batches)
    with held(norm):
        for _ in range(2):  # the first batch's are kept
            expected = normalised(batches[0].numpy(), mean, variance)
            np.testing.assert_allclose(norm(batches[0]).numpy(), expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(
            norm(batches[1]), normalised(batches[1].numpy(), mean, variance), rtol=1e-4, atol=1e-5
        )
        follow(norm, 1.0)
        for batch, own in zip(batches[1:], later, strict=True):
            np.testing.assert_allclose(norm(batch), normalised(batch.numpy(), *own), rtol=1e-4, atol=1e-5)
        follow(norm, 0.0)
        np.testing.assert_allclose(norm(batches[0]), normalised(batches[0].numpy(), *later[1]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.5, 1.0])
def test_following_moves_by_exactly_its_share(rate: float) -> None:
    norm, (one, other) = InstanceNorm(), (noise(2, 3, 8, 8), 4 * noise(2, 3, 8, 8, seed=2) - 7)
    with held(norm):
        norm(one)
        follow(norm, rate)
        made = norm(other)
    mean, variance = (
        (1 - rate) * held_now + rate * new for held_now, new in zip(pooled(one), pooled(other), strict=True)
    )
    np.testing.assert_allclose(made, normalised(other.numpy(), mean, variance), rtol=1e-4, atol=1e-4)


def test_following_from_the_beginning_starts_with_the_first_batchs_own() -> None:
    norm, batch = InstanceNorm(), 3 * noise(2, 3, 8, 8) + 1
    with held(norm):
        follow(norm, 0.05)
        np.testing.assert_allclose(norm(batch), normalised(batch.numpy(), *pooled(batch)), rtol=1e-4, atol=1e-5)


def test_behind_the_context_each_picture_has_its_own_statistics_again() -> None:
    translator, (one, other) = a_translator(), (uniform(1, 3, 16, 16), 0.2 * uniform(1, 3, 16, 16, seed=3) + 0.5)
    before = translator(other)
    with held(translator):
        translator(one)
        assert not torch.allclose(translator(other), before, atol=1e-3)
    assert torch.equal(translator(other), before)
    with pytest.raises(ZeroDivisionError), held(translator):
        interrupted(translator, one)
    assert torch.equal(translator(other), before)
    with held(translator):  # nothing is left of last time
        torch.testing.assert_close(translator(other), before, atol=1e-4, rtol=0)


def interrupted(translator: nn.Module, pictures: Tensor) -> None:
    translator(pictures)
    follow(translator, 0.5)
    raise ZeroDivisionError


def test_held_statistics_are_no_part_of_a_model() -> None:
    translator = a_translator()
    names = [*translator.state_dict()]
    with held(translator):
        translator(uniform(1, 3, 16, 16))
        assert [*translator.state_dict()] == names


@pytest.mark.bfloat16
def test_a_norm_holds_float32_and_answers_in_the_type_of_its_features() -> None:
    norm, features = InstanceNorm(), (100 + noise(2, 3, 64, 64)).bfloat16()
    with held(norm):
        made = norm(features)
        assert norm.mean is not None
        assert (made.dtype, norm.mean.dtype) == (torch.bfloat16, torch.float32)
    assert made.float().mean().item() == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("name", ["cyclegan", "cut"])
def test_both_players_of_a_game_begin_differently(name: str) -> None:
    game = a_game(name)
    firsts = [weight for network in (p.network for p in game.players.values()) for weight in network.parameters()]
    random = [weight.flatten()[:8] for weight in firsts if weight.numel() >= 8 and weight.any()]
    assert len({tuple(each.tolist()) for each in random}) == len(random)
    assert math.isfinite(sum(weight.sum().item() for weight in firsts))
