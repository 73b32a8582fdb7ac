"""Instance normalisation whose statistics can be held: over the tiles of a picture, over the frames of a video.

Ulyanov, Vedaldi, Lempitsky 2016, "Instance normalization". Each channel of each picture is brought to mean 0 and
deviation 1, so a picture cut into tiles would get other colours in each, and a video flickers as its statistics do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, group_norm, instance_norm

EPSILON = 1e-5
FEW = 128  # pixels: smaller features are copied to another memory format and back sooner than taken one by one


class InstanceNorm(nn.Module):
    """``(batch, channels, height, width)`` to the same, by each one's own statistics unless others are :func:`held`."""

    rate: float | None = None
    mean: Tensor | None = None
    variance: Tensor | None = None

    def forward(self, features: Tensor) -> Tensor:
        """The features ``(batch, channels, height, width)``, normalised."""
        if self.rate is None:
            return normalised(features)
        if self.rate or self.mean is None or self.variance is None:
            self.learn(features.detach().float())
        assert self.mean is not None
        assert self.variance is not None
        return ((features - self.mean) * (self.variance + EPSILON).rsqrt()).to(features.dtype)

    def learn(self, features: Tensor) -> None:
        """Move what is held towards the statistics of a whole batch ``(batch, channels, height, width)``."""
        variance, mean = torch.var_mean(features, (0, 2, 3), keepdim=True, unbiased=False)
        if self.mean is None or self.variance is None:
            self.mean, self.variance = mean, variance
        else:
            assert self.rate is not None
            self.mean, self.variance = self.mean.lerp(mean, self.rate), self.variance.lerp(variance, self.rate)


def normalised(features: Tensor) -> Tensor:
    """The features ``(batch, channels, height, width)``, each channel of each example by its own statistics, in the
    memory format that they have.

    torch's ``instance_norm`` is slow on a CPU, and puts channels first. There ``group_norm`` is up to six times faster,
    with channels last ``batch_norm`` of one example at a time, both to rounding the same.
    """
    height, width = features.shape[2:]
    if features.device.type != "cpu":
        return instance_norm(features, eps=EPSILON)
    if features.is_contiguous() or height * width <= FEW:
        made = group_norm(features.contiguous(), features.shape[1], eps=EPSILON)
        return made if features.is_contiguous() else made.contiguous(memory_format=torch.channels_last)
    return torch.cat(
        [batch_norm(example, None, None, training=True, eps=EPSILON) for example in torch.split(features, 1)]
    )


@contextmanager
def held(network: nn.Module) -> Iterator[None]:
    """Inside, every instance norm of ``network`` uses statistics that it holds: those of the first batch, moved towards
    each later one's by :func:`follow`'s rate."""
    layers = [layer for layer in network.modules() if isinstance(layer, InstanceNorm)]
    for layer in layers:
        layer.rate, layer.mean, layer.variance = 0.0, None, None
    try:
        yield
    finally:
        for layer in layers:
            layer.rate, layer.mean, layer.variance = None, None, None


def follow(network: nn.Module, rate: float) -> None:
    """From now on, move what is held ``rate`` in [0, 1] of the way to each batch's own: 0 keeps it, 1 replaces it."""
    for layer in network.modules():
        if isinstance(layer, InstanceNorm):
            layer.rate = rate


def rate_of(network: nn.Module) -> float | None:
    """The rate that :func:`follow` was last given; None where nothing is held."""
    rates = {layer.rate for layer in network.modules() if isinstance(layer, InstanceNorm)}
    return rates.pop()
