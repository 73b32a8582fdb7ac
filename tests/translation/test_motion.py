"""Stillness without films: flows as smooth and as large as they say, and a loss that is noise where all moves along."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate
from translating import Known, a_step, uniform

from sparring.translation.motion import BEND, DRIFT, NOISE, motion_loss, moved_by, random_flow

BATCH = 600


def displacements(height: int, width: int, batch: int = BATCH) -> Tensor:
    """Of each pixel, in parts of the side: ``(batch, height, width, 2)``."""
    rows, columns = ((2 * torch.arange(side) + 1) / side - 1 for side in (height, width))
    still = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), 2)
    return (random_flow(height, width, a_step(batch=batch)) - still) / 2


@pytest.mark.parametrize(("height", "width"), [(16, 16), (24, 40)])
def test_a_flow_is_a_drift_and_a_bend_of_the_size_they_say(height: int, width: int) -> None:
    moves = displacements(height, width)
    knots = moves[:, [0, -1]][:, :, [0, -1]]  # corners: the flow at a knot
    expected = math.sqrt(BEND**2 + DRIFT**2 / 3)  # a uniform drift's variance is a third of its bound squared
    assert knots.mean((0, 1, 2)).abs().max() < 5 * expected / math.sqrt(BATCH)
    assert [axis.std().item() for axis in (knots[..., 0], knots[..., 1])] == pytest.approx([expected] * 2, rel=0.1)
    apart = knots[:, 0, 0] - knots[:, 1, 1]  # the drift is gone: two bends
    assert apart.std().item() == pytest.approx(math.sqrt(2) * BEND, rel=0.08)
    assert moves.abs().max() < DRIFT + 7 * BEND
    assert (moves.flatten(1).mean(1)).abs().max() < DRIFT + 3 * BEND


def test_axes_and_pictures_move_by_themselves() -> None:
    moves = displacements(8, 8).mean((1, 2))
    assert torch.corrcoef(moves.T)[0, 1].abs() < 0.15
    assert torch.corrcoef(torch.stack([moves[:-1, 0], moves[1:, 0]]))[0, 1].abs() < 0.15


@pytest.mark.parametrize("side", [32, 64])
def test_a_flow_is_smooth(side: int) -> None:
    """Bicubic between three knots: no pixel moves much more than its neighbours do, the less the more pixels there are,
    and every flow is told by its nine knots."""
    moves = displacements(side, side, 50)
    steps = torch.cat([moves.diff(dim=1).flatten(), moves.diff(dim=2).flatten()])
    assert steps.abs().max() < 16 * BEND / side
    bends = moves.diff(n=2, dim=1)
    assert bends.abs().max() < 60 * BEND / side**2 + 20 * BEND / side**2
    coarse = random_flow(3, 3, a_step(batch=50)) - random_flow_still(3)
    fine = interpolate(coarse.permute(0, 3, 1, 2), size=(side, side), mode="bicubic", align_corners=True) / 2
    torch.testing.assert_close(fine.permute(0, 2, 3, 1), moves, atol=1e-5, rtol=0)


def random_flow_still(side: int) -> Tensor:
    places = (2 * torch.arange(side) + 1) / side - 1
    return torch.stack(torch.meshgrid(places, places, indexing="xy"), 2)


def test_flows_are_those_of_the_round() -> None:
    one, other = (random_flow(8, 8, a_step(seen)) for seen in (0, 0))
    assert torch.equal(one, other)
    assert not torch.allclose(random_flow(8, 8, a_step(4)), one)


def test_a_flow_by_whole_pixels_is_a_shift_with_reflected_borders() -> None:
    pictures = uniform(2, 3, 6, 8)
    flow = torch.stack(
        torch.meshgrid((2 * torch.arange(8) + 1) / 8 - 1, (2 * torch.arange(6) + 1) / 6 - 1, indexing="xy"), 2
    )
    flow = flow + torch.tensor([2 * 2 / 8, -2 * 1 / 6])  # from two pixels to the right, one up
    made = moved_by(pictures, flow.expand(2, -1, -1, -1))
    torch.testing.assert_close(made[:, :, 1:, :-2], pictures[:, :, :-1, 2:], atol=1e-5, rtol=0)
    torch.testing.assert_close(made[:, :, 1:, -2:], pictures[:, :, :-1].flip(3)[:, :, :, :2], atol=1e-5, rtol=0)
    torch.testing.assert_close(made[:, :, 0, :-2], pictures[:, :, 0, 2:], atol=1e-5, rtol=0)


@pytest.mark.parametrize("constant", [0.0, 0.4, -3.0])
@pytest.mark.parametrize("seen", [0, 4, 400])
def test_what_moves_along_loses_nothing_but_the_noise(constant: float, seen: int) -> None:
    pictures, step = uniform(16, 3, 32, 32), a_step(seen, 16)
    translator = Known(lambda pictures: pictures + constant)
    loss = motion_loss(translator, pictures, pictures + constant, step, "a2b")
    assert loss.item() == pytest.approx(NOISE * math.sqrt(2 / math.pi), rel=0.02)
    assert step.report["motion/a2b"] is loss


def test_what_stays_where_it_is_loses_as_much_as_it_should_have_moved() -> None:
    """A translator that answers with one picture, whatever it is given."""
    pictures, still = uniform(8, 3, 16, 16), uniform(8, 3, 16, 16, seed=2)
    loss = motion_loss(Known(lambda _: still), pictures, still, a_step(batch=8), "b2a")
    flow = random_flow(16, 16, a_step(batch=8))
    assert loss.item() == pytest.approx((still - moved_by(still, flow)).abs().mean().item(), rel=1e-5)
    assert loss > 0.05


def test_both_frames_are_taught() -> None:
    made = uniform(4, 3, 16, 16).requires_grad_()
    translator = Known(lambda pictures: pictures)
    motion_loss(translator, uniform(4, 3, 16, 16, seed=2), made, a_step(), "a2b").backward()
    assert made.grad is not None
    assert made.grad.abs().amax((1, 2, 3)).min() > 0
