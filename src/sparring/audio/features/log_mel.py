"""Sounds as an ear would have them: power in bands that are equally wide on the mel scale, in logarithms."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

BANDS = 48
WINDOW = 0.032  # seconds of a spectrum, about
LOWEST = 50.0  # hertz
SQUARE = 64  # bands, and slots of time, of a spectrogram that is looked at as a picture
FLOOR = 1e-6  # power, of a sine of amplitude 1, that is told from silence: 40 dB below the level of sounds


def mel(hertz: Tensor) -> Tensor:
    """Frequencies ``(n,)`` on the mel scale (O'Shaughnessy 1987: 2595 log10(1 + f / 700))."""
    return 2595 * (1 + hertz / 700).log10()


def hertz(mels: Tensor) -> Tensor:
    """The inverse of :func:`mel`."""
    return 700 * (10 ** (mels / 2595) - 1)


def filters(rate: int, bins: int, bands: int = BANDS) -> Tensor:
    """Triangles ``(bands, bins)`` over the frequencies from 0 to half the rate, each from the middle of the band before
    to that of the band after; the weights of each add up to 1."""
    ends = mel(torch.tensor([LOWEST, rate / 2]))
    middles = hertz(torch.linspace(float(ends[0]), float(ends[1]), bands + 2))
    at = torch.linspace(0, rate / 2, bins)
    up = (at - middles[:-2, None]) / (middles[1:-1] - middles[:-2])[:, None]
    down = (middles[2:, None] - at) / (middles[2:] - middles[1:-1])[:, None]
    triangles = torch.minimum(up, down).clamp(min=0)
    nearest = torch.zeros_like(triangles)  # a band narrower than a bin has the bin that is nearest to its middle
    nearest[torch.arange(bands), (at - middles[1:-1, None]).abs().argmin(1)] = 1
    triangles = torch.where(triangles.sum(1, keepdim=True) > 0, triangles, nearest)
    return triangles / triangles.sum(1, keepdim=True)


class LogMel:
    """Sounds ``(n, channels, samples)`` at ``rate`` hertz to ``(n, 1, bands, frames)``: the mean of the channels, a
    frame every quarter of a window; 0 is silence, 1 the loudest that there is."""

    def __init__(self, rate: int, bands: int = BANDS) -> None:
        self.rate, self.bands = rate, bands
        self.window = 2 ** max(5, round(math.log2(rate * WINDOW)))

    @cached_property
    def filters(self) -> Tensor:
        """The weights of its bands ``(bands, bins)``, of which a network that is only planned has no need."""
        return filters(self.rate, self.window // 2 + 1, self.bands)

    def __call__(self, sounds: Tensor) -> Tensor:
        """Sounds ``(n, channels, samples)`` as ``(n, 1, bands, frames)`` in [0, 1]."""
        shape = torch.hann_window(self.window, device=sounds.device)
        spectrum = torch.stft(sounds.float().mean(1), self.window, self.window // 4, window=shape, pad_mode="constant",
                              return_complex=True)  # fmt: skip
        power = spectrum.abs().square() * (2 / shape.sum()) ** 2
        bands = self.filters.to(sounds.device) @ power
        return (1 - ((bands + FLOOR).log10() / math.log10(FLOOR)))[:, None].clamp(max=1)


def pooled(log_mel: Tensor, slots: int) -> Tensor:
    """Of ``(n, 1, bands, frames)`` the mean of each band in so many slots of time, and its mean and deviation over all,
    ``(n, bands * (slots + 2))``."""
    bands = log_mel[:, 0]
    frames = bands.shape[2]
    edges = [round(part * frames / slots) for part in range(slots + 1)]
    starts = [min(start, frames - 1) for start in edges[:-1]]  # of fewer frames than slots, some serve twice
    means = [bands[:, :, start : max(end, start + 1)].mean(2) for start, end in zip(starts, edges[1:], strict=True)]
    return torch.cat([*means, bands.mean(2), bands.std(2, correction=0)], 1)


def square_at(rate: int) -> Callable[[Tensor], Tensor]:
    """What brings sounds ``(n, channels, samples)`` at ``rate`` hertz to pictures ``(n, 1, 64, 64)`` in [-1, 1]."""
    log_mel = LogMel(rate, SQUARE)
    return lambda sounds: adaptive_avg_pool2d(2 * log_mel(sounds) - 1, SQUARE)
