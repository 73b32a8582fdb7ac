"""A normalising flow of pictures: every picture has one latent and every latent one picture, so that the density of a
picture is known exactly, by the change of variables (Dinh, Sohl-Dickstein, Bengio 2017, equation 2).

From the picture to its latent: a curve for each colour channel, learned as the shares of the 256 values, brings all
values into [0, 1]; then couplings (Dinh et al. 2017) of rational-quadratic splines (Durkan et al. 2019), from fine to
coarse scales; then the normal quantile function. On a scale, a picture falls into four grids of half its size, by odd
and even rows and columns. A coupling changes some of the grids by splines whose shapes a small network reads from the
others. What is left of the fourth grid is the picture of the next scale, half as high and wide.

Splines within [0, 1] suit pictures whose background is one value: it is an interval there, which a spline
stretches or shuts; an affine coupling can only move and scale it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, pixel_shuffle, pixel_unshuffle, relu

from sparring.networks.couplings import log_normal, ordered, quantiles, replaced
from sparring.networks.spline import PARAMETERS, spline

VALUES = 256  # of a byte
CELL = 2 / (VALUES - 1)  # of [-1, 1] that one of them takes: bytes b are b * CELL - 1
RAREST = 1e-6  # share of a value, at least
GAIN = 10.0  # of the shares' logarithms over the weights that they are learned as: they have further to go than others
SMALLEST = 4  # pixels of a side: no scale is coarser than a picture with a side so short
DIAGONAL, LAST = (1, 2), (3,)  # grids that one coupling changes; grid 0 is the picture of the next scale


class Conditioner(nn.Module):
    """What a coupling does, read from what it does not change: a convolution, residual blocks of one convolution, and
    a last one that is 0 at first. A learned map tells it where it is, an embedding under which label."""

    def __init__(self, channels: int, outputs: int, grid: tuple[int, int], width: int, depth: int, classes: int):
        super().__init__()
        self.enter = nn.Conv2d(channels, width, 3, padding=1) if channels else None
        self.place = nn.Parameter(torch.zeros(width, *grid) if channels else torch.randn(width, *grid))
        self.label = nn.Embedding(classes, width) if classes else None
        self.blocks = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(depth))
        self.leave = nn.Conv2d(width, outputs, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]

    def forward(self, kept: Tensor, labels: Tensor | None) -> Tensor:
        """Values ``(batch, channels, height, width)`` in [0, 1] to ``(batch, outputs, height, width)``."""
        features = self.place.expand(len(kept), -1, -1, -1)
        if self.enter is not None:
            features = features + self.enter(4 * kept - 2)
        if self.label is not None:
            features = features + self.label(labels)[:, :, None, None]
        for block in self.blocks:
            features = features + block(relu(features))
        outputs: Tensor = self.leave(relu(features))
        return outputs.to(kept.dtype)


class Coupling(nn.Module):
    """Changes the channels ``moved`` of so many, each value by a spline that the other channels decide."""

    def __init__(
        self, moved: Sequence[int], channels: int, grid: tuple[int, int], *, width: int, depth: int, classes: int
    ) -> None:
        super().__init__()
        self.moved = list(moved)
        self.kept = [channel for channel in range(channels) if channel not in self.moved]
        self.conditioner = Conditioner(len(self.kept), len(moved) * PARAMETERS, grid, width, depth, classes)

    def forward(self, values: Tensor, labels: Tensor | None, *, inverse: bool) -> tuple[Tensor, Tensor]:
        """The channels ``moved`` of values ``(batch, channels, height, width)`` as they become, ``(batch, moved,
        height, width)``, and the logarithms of the derivatives, of that shape."""
        parameters = self.conditioner(values[:, self.kept], labels).unflatten(1, (len(self.moved), PARAMETERS))
        changed, logarithms = spline(
            values[:, self.moved].permute(0, 2, 3, 1), parameters.permute(0, 3, 4, 1, 2), inverse=inverse
        )
        return changed.permute(0, 3, 1, 2), logarithms.permute(0, 3, 1, 2)


class Scale(nn.Module):
    """The couplings of pictures of one size: of the two grids on the other diagonal, then of the third, colour by
    colour. A side of odd length ends in pixels that there are not, which stay as they are."""

    inside: Tensor

    def __init__(self, channels: int, height: int, width: int, *, base: int, depth: int, classes: int) -> None:
        super().__init__()
        rows, columns = (height + 1) // 2, (width + 1) // 2
        self.padding = (0, 2 * columns - width, 0, 2 * rows - height)
        inside = pixel_unshuffle(pad(torch.ones(1, channels, height, width), self.padding), 2)
        self.register_buffer("inside", inside > 0, persistent=False)
        self.couplings = nn.ModuleList(
            Coupling([4 * colour + grid for grid in grids], 4 * channels, (rows, columns), width=base, depth=depth,
                     classes=classes)
            for grids in (DIAGONAL, LAST) for colour in range(channels)
        )  # fmt: skip

    def forward(self, values: Tensor, labels: Tensor | None, *, inverse: bool) -> tuple[Tensor, Tensor]:
        """Values ``(batch, channels, height, width)`` in [0, 1] to values of that shape, and the logarithm of the
        determinant ``(batch,)``."""
        height, width = values.shape[2:]
        grids, total = pixel_unshuffle(pad(values, self.padding, value=0.5), 2), values.new_zeros(len(values))
        for coupling in ordered(self.couplings, Coupling, inverse):
            changed, logarithms = coupling(grids, labels, inverse=inverse)
            inside, before = self.inside[:, coupling.moved], grids
            grids = before.clone()
            grids[:, coupling.moved] = torch.where(inside, changed, before[:, coupling.moved])
            total = total + (logarithms * inside).flatten(1).sum(1)
        return pixel_shuffle(grids, 2)[:, :, :height, :width], total


class Shades(nn.Module):
    """Brings bytes with a part of 1 added to them, in [0, 256), into [0, 1] by the distribution function of each
    channel's values: as straight within a value as one added to it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.logarithms = nn.Parameter(torch.zeros(channels, VALUES))

    def shares(self) -> tuple[Tensor, Tensor]:
        """The share of each value, ``(channels, VALUES)``, and that of all values below it."""
        shares = RAREST + (1 - RAREST * VALUES) * (GAIN * self.logarithms).softmax(1)
        return shares, shares.cumsum(1) - shares

    def encode(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Values ``(batch, channels, height, width)`` in [0, 256) to [0, 1], and the logarithms of the derivatives, of
        that shape."""
        shares, below = self.shares()
        value = values.floor().clamp(0, VALUES - 1)
        share, start = (at(value.long(), table) for table in (shares, below))
        return start + share * (values - value).clamp(0, 1), share.log()

    def decode(self, values: Tensor) -> Tensor:
        """Values ``(batch, channels, height, width)`` in [0, 1] back to [0, 256)."""
        shares, below = self.shares()
        flat = values.transpose(0, 1).flatten(1).contiguous()
        value = (torch.searchsorted(below.detach(), flat.detach(), right=True) - 1).clamp(0, VALUES - 1)
        value = value.view(values.transpose(0, 1).shape).transpose(0, 1)
        share, start = (at(value, table) for table in (shares, below))
        return value + ((values - start) / share).clamp(0, 1)


def at(index: Tensor, table: Tensor) -> Tensor:
    """The numbers of a ``table`` ``(channels, entries)`` at an index ``(batch, channels, height, width)``."""
    channel = torch.arange(len(table), device=table.device)[:, None, None]
    return table[channel, index]


class FlowGenerator(nn.Module):
    """Latents ``(batch, channels * height * width)``, labels ``(batch,)`` -> images ``(batch, channels, height,
    width)``, float32, within half a byte of [-1, 1]; and back, with the density of each. Pictures of any size.

    ``base`` are the channels of every conditioner, ``depth`` its residual blocks.
    """

    def __init__(
        self, *, height: int, width: int, channels: int, classes: int = 0, base: int = 64, depth: int = 2
    ) -> None:
        super().__init__()
        self.shape = (channels, height, width)
        self.latent = math.prod(self.shape)
        self.shades = Shades(channels)
        self.scales = nn.ModuleList()
        while not self.scales or min(height, width) > SMALLEST:
            self.scales.append(Scale(channels, height, width, base=base, depth=depth, classes=classes))
            height, width = (height + 1) // 2, (width + 1) // 2
        self.coarsest = nn.ModuleList(
            Coupling([colour], channels, (height, width), width=base, depth=0, classes=classes)
            for colour in range(channels)
        )

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Latents ``(batch, latent)`` and labels ``(batch,)`` to images ``(batch, channels, height, width)``."""
        values = torch.special.ndtr(latents).unflatten(1, self.shape)
        coarsest = self.at_scale(values, len(self.scales))
        for coupling in ordered(self.coarsest, Coupling, inverse=True):
            coarsest = replaced(coarsest, coupling.moved, coupling(coarsest, labels, inverse=True)[0])
        values = self.with_scale(values, len(self.scales), coarsest)
        for number in reversed(range(len(self.scales))):
            changed, _ = self.scales[number](self.at_scale(values, number), labels, inverse=True)
            values = self.with_scale(values, number, changed)
        return (self.shades.decode(values) - 0.5) * CELL - 1

    def encode(self, images: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Images ``(batch, channels, height, width)`` to their latents ``(batch, latent)``, and the logarithm of the
        determinant of the Jacobian, ``(batch,)``."""
        values, log_determinant = self.to_unit(images, labels)
        latents = quantiles(values.flatten(1))
        return latents, log_determinant - log_normal(latents)

    def log_likelihood(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """The logarithm of the density of images ``(batch, channels, height, width)``, in nats, ``(batch,)``: on [0, 1]
        that of what they become is 1, so it is the determinant's alone."""
        return self.to_unit(images, labels)[1]

    def to_unit(self, images: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor]:
        """Images ``(batch, channels, height, width)`` to values in [0, 1] of that shape that are independent and
        uniform under the model, and the logarithm of the determinant ``(batch,)``."""
        values, logarithms = self.shades.encode((images + 1) / CELL + 0.5)
        total = logarithms.flatten(1).sum(1) - self.latent * math.log(CELL)
        for number, scale in enumerate(self.scales):
            changed, more = scale(self.at_scale(values, number), labels, inverse=False)
            values, total = self.with_scale(values, number, changed), total + more
        coarsest = self.at_scale(values, len(self.scales))
        for coupling in ordered(self.coarsest, Coupling, inverse=False):
            changed, logarithms = coupling(coarsest, labels, inverse=False)
            coarsest, total = replaced(coarsest, coupling.moved, changed), total + logarithms.flatten(1).sum(1)
        return self.with_scale(values, len(self.scales), coarsest), total

    def at_scale(self, values: Tensor, number: int) -> Tensor:
        """The picture of a scale, of values ``(batch, channels, height, width)``: each 2^number-th pixel."""
        return values[:, :, :: 2**number, :: 2**number]

    def with_scale(self, values: Tensor, number: int, changed: Tensor) -> Tensor:
        """Values ``(batch, channels, height, width)`` with what the picture of a scale has become."""
        values = values.clone()
        values[:, :, :: 2**number, :: 2**number] = changed
        return values


def bits_per_dimension(log_likelihoods: Tensor, dimensions: int) -> Tensor:
    """Bits for each of so many values of a byte, ``(n,)``, from densities ``(n,)`` in nats of pictures in [-1, 1] that
    were dequantised over ``CELL``: a bound from above on those of the bytes (Theis, van den Oord, Bethge 2016)."""
    return -(log_likelihoods / dimensions + math.log(CELL)) / math.log(2)
