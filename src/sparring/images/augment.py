"""Augmentation inside the game: the discriminator sees real and generated pictures through the same random changes.

Everything is differentiable, twice, with stock operations, so that the generator and the gradient penalties
see through it. Pictures are ``(batch, channels, height, width)`` in [-1, 1]; colour changes leave alpha alone.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import pad

from sparring.images.resample import resample


class Draw(Protocol):
    """Random numbers, one row an image of the batch; a step of the game is one."""

    def normal(self, *shape: int) -> Tensor:
        """Standard normal, ``(batch, *shape)``."""

    def uniform(self, *shape: int) -> Tensor:
        """Uniform in [0, 1), ``(batch, *shape)``."""


# DiffAugment (Zhao et al. 2020): colour, translation and cutout, always all three


def diff_augment(images: Tensor, draw: Draw) -> Tensor:
    """Images ``(batch, channels, height, width)`` with brightness, saturation and contrast changed, shifted by up to
    1/8, a rectangle of half the height and width blanked out."""
    return cut_out(shift(recolour(images, draw), draw), draw)


def recolour(images: Tensor, draw: Draw) -> Tensor:
    """Images ``(batch, channels, height, width)`` with brightness changed by up to 0.5, saturation by a factor of 0 to
    2, contrast by one of 0.5 to 1.5."""
    amounts = draw.uniform(3, 1, 1, 1)
    colour, alpha = images[:, :3], images[:, 3:]
    colour = colour + amounts[:, 0] - 0.5
    grey = colour.mean(1, keepdim=True)
    colour = grey + (colour - grey) * amounts[:, 1] * 2
    middle = colour.mean((1, 2, 3), keepdim=True)
    return torch.cat([middle + (colour - middle) * (amounts[:, 2] + 0.5), alpha], 1)


def shift(images: Tensor, draw: Draw) -> Tensor:
    """Each image of ``(batch, channels, height, width)`` moved by up to an eighth of its height and width, zeros coming
    in."""
    batch, _, height, width = images.shape
    most = (round(height / 8), round(width / 8))
    padded = pad(images, [most[1], most[1], most[0], most[0]]).permute(0, 2, 3, 1)
    start = (draw.uniform(2) * (2 * torch.tensor(most, device=images.device) + 1)).long()
    rows = start[:, 0, None] + torch.arange(height, device=images.device)
    columns = start[:, 1, None] + torch.arange(width, device=images.device)
    image = torch.arange(batch, device=images.device)[:, None, None]
    return padded[image, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def cut_out(images: Tensor, draw: Draw, probability: float = 1.0) -> Tensor:
    """Images ``(batch, channels, height, width)``, each with this probability with a rectangle of half its height and
    width blanked out, around a random pixel."""
    height, width = images.shape[2:]
    numbers = draw.uniform(3)
    rows = (torch.arange(height, device=images.device) + 0.5) / height
    columns = (torch.arange(width, device=images.device) + 0.5) / width
    tall = (rows - numbers[:, :1]).abs() < 0.25
    wide = (columns - numbers[:, 1:2]).abs() < 0.25
    hidden = tall[:, None, :, None] & wide[:, None, None, :] & (numbers[:, 2] < probability)[:, None, None, None]
    return images.masked_fill(hidden, 0.0)


# Adaptive discriminator augmentation (Karras et al. 2020): each change with probability p


class AdaptiveAugment:
    """Flips, turns and shifts, scalings and rotations, colour, cutout (appendix B of the paper).

    All geometry is one affine map an image, applied by one bilinear look-up with the picture reflected at its
    edges. (The paper filters with wavelets around it; at scalings of mostly 0.75 to 1.3 we go without.) Colour
    changes have half the probability of the others, as in Huang et al. 2024.
    """

    def __call__(self, images: Tensor, p: float, draw: Draw) -> Tensor:
        """Images ``(batch, channels, height, width)``, each change made with probability ``p`` in [0, 1]; 0 returns the
        images themselves."""
        if p <= 0:
            return images
        with torch.autocast(images.device.type, enabled=False):  # coordinates need all of float32
            moved = move(images, geometry(images, p, draw))
            return cut_out(paint(moved, colours(images, p / 2, draw)), draw, probability=p)


def chosen(draw: Draw, p: float, value: Tensor, neutral: float) -> Tensor:
    """``value`` ``(batch,)`` for a share ``p`` of the images, ``neutral`` for the others."""
    return torch.where(draw.uniform() < p, value, torch.full_like(value, neutral))


def lognormal(draw: Draw, octaves: float) -> Tensor:
    """2 to the power of a normal number of deviation ``octaves``, ``(batch,)``."""
    return torch.exp2(draw.normal() * octaves)


def geometry(images: Tensor, p: float, draw: Draw) -> Tensor:
    """Matrices ``(batch, 3, 3)``, one for each image of ``(batch, channels, height, width)``, from coordinates in the
    result to coordinates in the source, in pixels from the centre."""
    height, width = images.shape[2:]
    flip = chosen(draw, p, (draw.uniform() < 0.5).float() * -2 + 1, 1)
    quarter = chosen(draw, p, (draw.uniform() * 4).floor(), 0) * (math.pi / 2)
    whole = [chosen(draw, p, ((draw.uniform() * 2 - 1) * 0.125 * side).round(), 0) for side in (width, height)]
    size = chosen(draw, p, lognormal(draw, 0.2), 1)
    turned = 1 - math.sqrt(1 - p)  # of two rotations, so that p of the images are rotated at all
    before = chosen(draw, turned, (draw.uniform() * 2 - 1) * math.pi, 0)
    stretch = chosen(draw, p, lognormal(draw, 0.2), 1)
    after = chosen(draw, turned, (draw.uniform() * 2 - 1) * math.pi, 0)
    part = [chosen(draw, p, draw.normal() * 0.125 * side, 0) for side in (width, height)]
    one = torch.ones_like(flip)
    return (
        scaling(flip, one)
        @ rotation(quarter)
        @ translation(*whole)
        @ scaling(1 / size, 1 / size)
        @ rotation(before)
        @ scaling(1 / stretch, stretch)
        @ rotation(after)
        @ translation(*part)
    )


def scaling(x: Tensor, y: Tensor) -> Tensor:
    """Matrices ``(batch, 3, 3)`` that scale by factors ``(batch,)`` along each axis."""
    return torch.diag_embed(torch.stack([x, y, torch.ones_like(x)], 1))


def rotation(angle: Tensor) -> Tensor:
    """Matrices ``(batch, 3, 3)`` that turn by angles ``(batch,)`` in radians."""
    cos, sin, zero, one = angle.cos(), angle.sin(), torch.zeros_like(angle), torch.ones_like(angle)
    return torch.stack([cos, sin, zero, -sin, cos, zero, zero, zero, one], 1).view(-1, 3, 3)


def translation(x: Tensor, y: Tensor) -> Tensor:
    """Matrices ``(batch, 3, 3)`` that move by ``(batch,)`` pixels along each axis."""
    matrix = torch.eye(3, device=x.device).repeat(len(x), 1, 1)
    return torch.cat([matrix[:, :, :2], torch.stack([x, y, torch.ones_like(x)], 1)[:, :, None]], 2)


def move(images: Tensor, matrix: Tensor) -> Tensor:
    """Images ``(batch, channels, height, width)`` whose every pixel is looked up in the source, at ``matrix``
    ``(batch, 3, 3)`` times its coordinates, in pixels from the centre."""
    height, width = images.shape[2:]
    ys = torch.arange(height, device=images.device, dtype=matrix.dtype) - (height - 1) / 2
    xs = torch.arange(width, device=images.device, dtype=matrix.dtype) - (width - 1) / 2
    y, x = torch.meshgrid(ys, xs, indexing="ij")
    sources = torch.stack([x, y, torch.ones_like(x)], -1).view(1, -1, 3) @ matrix.transpose(1, 2)
    half = torch.tensor([width / 2, height / 2], device=images.device, dtype=matrix.dtype)
    grid = (sources[:, :, :2] / half).view(-1, height, width, 2).to(images.dtype)
    return resample(images, grid)


def colours(images: Tensor, p: float, draw: Draw) -> Tensor:
    """Matrices ``(batch, 4, 4)`` on (red, green, blue, 1), one for each of ``images`` ``(batch, channels, height,
    width)``."""
    grey = torch.tensor([1.0, 1.0, 1.0, 0.0], device=images.device) / math.sqrt(3)
    luma = grey[:, None] * grey  # projects on the axis of greys
    identity = torch.eye(4, device=images.device)

    brightness = chosen(draw, p, draw.normal() * 0.2, 0)
    contrast = chosen(draw, p, lognormal(draw, 0.5), 1)
    mirrored = chosen(draw, p, (draw.uniform() < 0.5).float(), 0)
    hue = chosen(draw, p, (draw.uniform() * 2 - 1) * math.pi, 0)
    saturation = chosen(draw, p, lognormal(draw, 1.0), 1)

    def each(amount: Tensor) -> Tensor:
        return amount[:, None, None]

    lift = identity + each(brightness) * torch.tensor([[0.0, 0, 0, 1]] * 3 + [[0.0] * 4], device=images.device)
    contrasted = torch.diag_embed(torch.stack([contrast] * 3 + [torch.ones_like(contrast)], 1))
    matrix = contrasted @ lift
    matrix = (identity - 2 * luma * each(mirrored)) @ matrix
    if images.shape[1] < 3:
        return matrix
    spun = torch.zeros_like(matrix)
    spun[:, :3, :3] = turn_around_grey(hue)
    spun[:, 3, 3] = 1
    return (luma + (identity - luma) * each(saturation)) @ spun @ matrix


def turn_around_grey(angle: Tensor) -> Tensor:
    """Rotations ``(batch, 3, 3)`` of colour space about the axis of greys, by angles ``(batch,)`` in radians
    (Rodrigues' formula)."""
    unit = 1 / math.sqrt(3)
    cross = unit * torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]], device=angle.device)
    along = torch.full((3, 3), 1 / 3, device=angle.device)
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    return cos * torch.eye(3, device=angle.device) + sin * cross + (1 - cos) * along


def paint(images: Tensor, matrix: Tensor) -> Tensor:
    """Images ``(batch, channels, height, width)`` after colour matrices ``(batch, 4, 4)``; one channel is treated as
    three equal ones, a fourth is kept."""
    count = 1 if images.shape[1] == 1 else 3
    colour, alpha = images[:, :count], images[:, 3:]
    mixing, shift = matrix[:, :3, :3], matrix[:, :3, 3]
    if count == 1:
        mixing, shift = mixing.sum(2, keepdim=True).mean(1, keepdim=True), shift.mean(1, keepdim=True)
    changed = torch.einsum("bij,bjhw->bihw", mixing.to(images.dtype), colour) + shift[:, :, None, None]
    return torch.cat([changed, alpha], 1)
