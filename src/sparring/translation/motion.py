"""Temporal consistency without videos: a moved picture should be translated as its translation moved.

Wang, Yang, Hou, Xu, Yang 2020 ("Consistent video style transfer via compound regularization"): the second frame of a
video is a picture moved by a smooth random flow under a little noise, so neither videos nor a flow network are needed.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import affine_grid, grid_sample, interpolate

from sparring.core.game import Step

BUMPS = 3  # knots of the flow along each side
BEND = 0.03  # deviation of the flow at a knot, of the picture's side
DRIFT = 0.05  # most that everything moves together, of the side
NOISE = 0.01  # deviation of the noise on the moved picture, of a range of 2


def random_flow(height: int, width: int, step: Step) -> Tensor:
    """Where each pixel of the moved pictures comes from: a grid ``(batch, height, width, 2)`` for ``grid_sample``."""
    knots = 2 * BEND * step.normal(2, BUMPS, BUMPS) + 2 * DRIFT * (2 * step.uniform(2, 1, 1) - 1)
    smooth = interpolate(knots, size=(height, width), mode="bicubic", align_corners=True)
    count = len(knots)
    still = affine_grid(torch.eye(2, 3, device=knots.device).expand(count, 2, 3), [count, 1, height, width], False)
    flow: Tensor = still + smooth.permute(0, 2, 3, 1)
    return flow


def moved_by(pictures: Tensor, flow: Tensor) -> Tensor:
    """Pictures ``(batch, channels, height, width)`` moved by a grid ``(batch, height, width, 2)``; what comes from
    outside is reflected."""
    moved: Tensor = grid_sample(pictures.float(), flow, padding_mode="reflection", align_corners=False)
    return moved


def motion_loss(translator: nn.Module, pictures: Tensor, made: Tensor, step: Step, name: str) -> Tensor:
    """The mean over pixels of |T(move(x) + noise) - move(T(x))| (their eq. 3), a scalar, reported under ``name``; x are
    ``pictures`` and T(x) is ``made``, both ``(batch, channels, height, width)``."""
    height, width = pictures.shape[2:]
    flow = random_flow(height, width, step)
    frame = moved_by(pictures, flow) + NOISE * step.normal(*pictures.shape[1:])
    loss: Tensor = (translator(frame) - moved_by(made, flow)).abs().mean()
    step.report[f"motion/{name}"] = loss
    return loss
