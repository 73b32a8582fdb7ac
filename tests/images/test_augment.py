"""What the discriminator is shown: differentiable twice, changed as published and as often, reals and fakes alike."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from sparring.core.augmented import AdaptiveProbability
from sparring.core.game import Step
from sparring.images import augment
from sparring.images.game import ImageGame
from sparring.images.reading.shape import ImageForm
from sparring.images.recipes import RECIPES

Change = Callable[..., Tensor]
ada = augment.AdaptiveAugment()
MANY, P = 20_000, 0.3
ADA = {"augment": "ada", "augment_limit": "0:0.8@1000,linear"}


class Numbers:
    """Random numbers for a batch, the same from every new one; uniform ones may be constant, normal ones scaled."""

    def __init__(self, batch: int, uniform: float | None = None, spread: float = 1.0) -> None:
        self.batch, self.constant, self.spread, self.random = batch, uniform, spread, torch.Generator().manual_seed(0)

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(self.batch, *shape, generator=self.random) * self.spread

    def uniform(self, *shape: int) -> Tensor:
        numbers = torch.rand(self.batch, *shape, generator=self.random)
        return numbers if self.constant is None else torch.full_like(numbers, self.constant)


def pictures(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(1)) * 2 - 1


def painted(images: Tensor, draw: Numbers) -> Tensor:
    return augment.paint(images, augment.colours(images, 1.0, draw))


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("change", [augment.diff_augment, lambda x, draw: ada(x, 0.8, draw)])
def test_first_and_second_derivatives_are_right(change: Change, channels: int) -> None:
    """Changes are linear in a picture; after a sine the second derivative, which R1 and R2 need, is not zero."""
    images = pictures(2, channels, 5, 4).double().requires_grad_()
    for check in (torch.autograd.gradcheck, torch.autograd.gradgradcheck):
        assert check(lambda images: change(images, Numbers(2)).sin(), (images,), fast_mode=True)


@pytest.mark.bfloat16
def test_probability_zero_changes_nothing_and_autocast_no_change() -> None:
    images = pictures(8, 3, 8, 8)
    exact = ada(images, 0.8, Numbers(8))
    assert ada(images, 0.0, Numbers(8)) is images
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(ada(images, 0.8, Numbers(8)), exact)


@pytest.mark.parametrize("change", [augment.recolour, painted])
def test_colours_change_and_transparency_does_not(change: Change) -> None:
    images = pictures(6, 4, 8, 8)
    changed = change(images, Numbers(6))
    assert torch.equal(changed[:, 3], images[:, 3])
    assert (changed[:, :3] - images[:, :3]).abs().amax((1, 2, 3)).min() > 0.01


def test_brightness_saturation_and_contrast_of_diff_augment() -> None:
    """At 3/4 of their ranges: + 0.25, times 1.5, times 1.25."""
    before = pictures(2, 3, 4, 4)
    after = augment.recolour(before, Numbers(2, uniform=0.75))
    (mean, grey), (mean_after, grey_after) = ((x.mean((1, 2, 3), True), x.mean(1, True)) for x in (before, after))
    torch.testing.assert_close(mean_after, mean + 0.25)
    torch.testing.assert_close(grey_after - mean_after, (grey - mean) * 1.25)
    torch.testing.assert_close(after - grey_after, (before - grey) * 1.5 * 1.25)


def test_shifts_are_by_every_whole_number_of_pixels_up_to_an_eighth() -> None:
    height, width, seen = 16, 8, set()
    places = torch.arange(1.0, 1 + height * width).view(1, 1, height, width)
    for result in augment.shift(places.expand(400, -1, -1, -1), Numbers(400))[:, 0].numpy():
        rows, columns = np.nonzero(result)
        from_row, from_column = np.divmod(result[rows, columns] - 1, width)
        ((down, right),) = {*zip(rows - from_row, columns - from_column, strict=True)}
        assert len(rows) == (height - abs(down)) * (width - abs(right))  # the others are zero
        seen.add((down, right))
    assert seen == {(down, right) for down in range(-2, 3) for right in range(-1, 2)}


def test_cutout_blanks_a_rectangle_of_up_to_half_the_height_and_width() -> None:
    images = pictures(400, 2, 8, 12) + 2
    result = augment.cut_out(images, Numbers(400))
    blank = result == 0
    assert torch.equal(result[~blank], images[~blank])
    tall, wide = blank.any(3), blank.any(2)
    assert torch.equal(blank, tall[..., None] & wide[:, :, None, :])
    sides = [edge(x.sum(2)).item() for x in (tall, wide) for edge in (torch.amin, torch.amax)]
    assert sides == [2, 4, 3, 6]  # around a place at the edge, half of it lies outside
    some = augment.cut_out(torch.ones(MANY, 1, 4, 4), Numbers(MANY), probability=P)
    assert (some.amin((1, 2, 3)) == 0).float().mean().item() == pytest.approx(P, abs=0.01)


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        (lambda x: augment.scaling(-torch.ones(1), torch.ones(1)), lambda x: x.flip(3)),
        (lambda x: augment.rotation(torch.tensor([math.pi / 2])), lambda x: x.rot90(1, (3, 2))),
        (lambda x: augment.translation(torch.ones(1), torch.zeros(1)), lambda x: x[..., [1, 2, 3, 3]]),
        # nothing is chosen; half a turn; three quarters and two rotations by one; a flip, one quarter and two by -1
        (lambda x: augment.geometry(x, 0.5, Numbers(1, 0.9, 0)), lambda x: x),
        (lambda x: augment.geometry(x, 1.0, Numbers(1, 0.5, 0)), lambda x: x.rot90(2, (3, 2))),
        (lambda x: augment.geometry(x, 1.0, Numbers(1, 0.75, 0)), lambda x: x.rot90(3 + 2, (3, 2))),
        (lambda x: augment.geometry(x, 1.0, Numbers(1, 0.25, 0)), lambda x: x.flip(3).rot90(1 - 2, (3, 2))),
    ],
)
def test_geometry_looks_up_the_places_that_it_names(matrix: Change, expected: Change) -> None:
    images = pictures(1, 3, 4, 4)
    torch.testing.assert_close(augment.move(images, matrix(images)), expected(images), atol=1e-5, rtol=0)


def test_each_change_has_its_published_odds() -> None:
    """The determinant's sign tells mirrorings (half of p), singular values tell scalings and stretches (2^0.2n)
    apart, without which only rotations leave no entry at 1; only brightness (half of p) changes pictures of zeros."""
    black = torch.zeros(MANY, 3, 4, 8)
    matrices = augment.geometry(black, P, Numbers(MANY))[:, :2, :2]
    assert (torch.linalg.det(matrices) < 0).float().mean().item() == pytest.approx(P / 2, abs=0.01)
    octaves = torch.linalg.svdvals(matrices).log2()
    for amount in (octaves.sum(1), octaves[:, 0] - octaves[:, 1]):
        chosen = amount.abs() > 1e-4
        assert chosen.float().mean().item() == pytest.approx(P, abs=0.01)
        assert amount[chosen].square().mean().sqrt().item() == pytest.approx(2 * 0.2, rel=0.05)
    longest = augment.geometry(black, P, Numbers(MANY, spread=0))[:, :2, :2].abs().amax((1, 2))
    assert (longest < 1 - 1e-6).float().mean().item() == pytest.approx(P, abs=0.01)
    matrices = augment.geometry(black, 1.0, Numbers(MANY, uniform=0.5))  # neither rotated nor moved by whole pixels
    parts = torch.linalg.solve(matrices[:, :2, :2], matrices[:, :2, 2])
    assert parts.std(0).tolist() == pytest.approx([8 / 8, 4 / 8], rel=0.05)
    changed = ada(black, P, Numbers(MANY)).any(3).any(2).any(1)
    assert changed.float().mean().item() == pytest.approx(P / 2, abs=0.01)


def test_hue_turns_colours_about_the_greys() -> None:
    """An orthogonal matrix that keeps greys is a turn by the angle if its trace is 1 + 2 cos."""
    angles, ones = torch.linspace(-3, 3, 13), torch.ones(13, 3)
    turns = augment.turn_around_grey(angles)
    torch.testing.assert_close(turns @ turns.mT, torch.eye(3).expand(13, 3, 3))
    torch.testing.assert_close((turns.sum(2), turns.sum(1)), (ones, ones))  # greys stay, and so does luma
    torch.testing.assert_close(turns.diagonal(dim1=1, dim2=2).sum(1), 1 + 2 * angles.cos())


def test_one_channel_is_coloured_as_three_equal_ones_are() -> None:
    one, three = (painted(pictures(50, 1, 4, 4).expand(-1, equal, -1, -1), Numbers(50)) for equal in (1, 3))
    torch.testing.assert_close(one.expand_as(three), three)


def game(**settings: Any) -> ImageGame:
    recipe = RECIPES["images"].changed({"width": 2, "r1": 0, "r2": 0, **settings})
    return ImageGame(recipe, ImageForm(height=8, width=8, channels=3))


@pytest.mark.parametrize("settings", [{"augment": "diff"}, {**ADA, "augment_fixed": True}])
def test_real_and_generated_are_changed_apart_but_alike(settings: dict[str, Any]) -> None:
    """In both turns: two-sample Kolmogorov-Smirnov distances stay below the bound of 1 in 10,000."""
    played, count, shown = game(**settings), 1000, []
    played.adversarial_loss.discriminate = lambda images, labels: shown.append(images) or images.mean((1, 2, 3))
    step = Step([], part=slice(0, count), examples_seen=900, seed=3, global_batch=count, device=torch.device("cpu"))
    same = pictures(1, 3, 8, 8).expand(count, -1, -1, -1)
    for turn in (played.adversarial_loss.discriminator_loss, played.adversarial_loss.generator_loss):
        turn(step, same, same, None)
    assert len(shown) == 4
    for measure in (lambda x: x.mean((1, 2, 3)), lambda x: x.std((1, 2, 3)), lambda x: x[:, 0, 2, 2]):
        first, *others = (np.sort(measure(images).numpy()) for images in shown)
        assert first.std() > 0.05
        for other in others:
            assert not np.array_equal(first, other)
            gap = np.subtract(*(np.searchsorted(each, [*first, *other], "right") for each in (first, other)))
            assert np.abs(gap).max() / count < 2.23 * math.sqrt(2 / count)


def test_the_controller_moves_by_one_in_500_000_examples_and_stays_a_probability() -> None:
    controller = AdaptiveProbability(target=0.6)
    moves = [(0.61, 10_000, 0.02), (0.59, 5_000, 0.01), (-1.0, 50_000, 0), (1.0, 900_000, 1), (0.5, 250_000, 0.5)]
    for sign_mean, examples, expected in moves:
        controller.update(sign_mean, examples)
        assert controller.p == pytest.approx(expected)
    capped = AdaptiveProbability(target=0.6, highest=0.3)
    capped.update(1.0, 900_000)
    capped.update(0.0, 50_000)  # falls at once: it has not climbed beyond what is ever used
    assert capped.p == pytest.approx(0.2)


def test_ada_follows_the_discriminators_certainty_up_to_the_ceiling_of_the_time() -> None:
    played, resumed, fixed = game(**ADA), game(**ADA), game(**ADA, augment_fixed=True)
    for each in (played, fixed):
        assert each.observe({"accuracy/real": 0.81}, 250_000) is None  # E[sign D] = 0.62, above the target
    assert [played.strength(time) for time in (0, 500, 2000)] == pytest.approx([0, 0.4, 0.5])
    assert [fixed.strength(time) for time in (0, 500, 2000)] == pytest.approx([0, 0.4, 0.8])
    resumed.load_state(played.state())
    played.observe({"accuracy/real": 0.79}, 50_000)
    assert (played.strength(2000), resumed.strength(2000)) == pytest.approx((0.4, 0.5))
    assert (fixed.state(), game().state()) == ({"augment_p": 0.0}, {})


@pytest.mark.parametrize("settings", [ADA, {**ADA, "augment_fixed": True}, {}])
def test_measurements_alone_change_nothing(settings: dict[str, Any]) -> None:
    """After a measurement a game is told of nothing but its numbers, with 0 examples."""
    played = game(**settings)
    played.observe({"accuracy/real": 0.9}, 100_000)
    before = (played.state(), played.strength(2000))
    assert played.observe({"metrics/frechet": 3.0, "metrics/diversity": 0.1}, 0) is None
    assert played.observe({}, 0) is None
    assert (played.state(), played.strength(2000)) == before
