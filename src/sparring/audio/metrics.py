"""What is measured of sounds themselves: their spectrum over frequency and time, their level, and what is wrong with
single ones: silence, clicks, clipping."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv1d

from sparring.audio.features.log_mel import BANDS, LogMel, pooled
from sparring.core.health import Limit
from sparring.media.sounds.loudness import CLIPPED, FULL_SCALE
from sparring.metrics.score import Estimate, Family, Metric, blocks, error_without_each

SLOTS = 8  # of time, that the spectrum is compared in
SILENT = 10 ** (-55 / 20)  # root of the mean square below which a sound is silent
RANGE = 60.0  # decibels from 0 to 1 of a log-mel spectrogram
USUAL = 0.99  # quantile of real sounds, above which a bend is a click
NEAR, NEXT = 24, 2  # samples either side that a bend is compared with, but for the nearest
LEAST = 1e-3  # of amplitude 1, that is added to what bends are compared with: silence is no click
CELLS = 50  # of k-means, where that many sounds are there for each ten times
DIFFERENT = 1.96  # standard errors: two proportions differ at 5 %

Statistic = Callable[[list[Tensor]], float]


def levels(sounds: Tensor) -> Tensor:
    """The root of the mean square of each of sounds ``(n, channels, samples)``, ``(n,)``."""
    return sounds.square().flatten(1).mean(1).sqrt()


def bends(sounds: Tensor) -> Tensor:
    """How much harder each of sounds ``(n, channels, samples)`` bends at its sharpest place than around it: the largest
    second difference over the mean of those within ``NEAR`` samples, the nearest left out, ``(n,)``. A click stands out
    from what is around it, however loud or bright that is."""
    weights = sounds.new_ones(1, 1, 2 * NEAR + 1)
    weights[..., NEAR - NEXT : NEAR + NEXT + 1] = 0
    count = conv1d(torch.ones_like(sounds[:1, :1, 2:]), weights, padding=NEAR)  # fewer at both ends
    found = []
    for part in torch.split(sounds, 256):
        bent = part.diff(n=2, dim=2).abs().flatten(0, 1)[:, None]
        around = conv1d(bent, weights, padding=NEAR) / count
        found.append((bent / (around + LEAST)).amax((1, 2)).view(part.shape[:2]).amax(1))
    return torch.cat(found)


def clipped(sounds: Tensor) -> Tensor:
    """Whether each of sounds ``(n, channels, samples)`` is at full scale more often than chance brings it there,
    ``(n,)``."""
    return (sounds.abs() >= FULL_SCALE).flatten(1).float().mean(1) > CLIPPED


def faults(reference: Tensor, samples: Tensor, seed: int = 0) -> dict[str, Estimate]:
    """``silent``, ``clicking`` and ``clipped``: shares of sounds ``(n, channels, samples)``; a click is a bend beyond
    99 % of those of real ones ``(m, channels, samples)``. ``level``: how much louder samples are, in decibels."""
    limit = bends(reference).quantile(USUAL)
    real = float(levels(reference).square().mean())

    def share(found: Tensor) -> Estimate:
        values = found.double()
        return Estimate(values.mean().item(), values.std(correction=0).item() / len(values) ** 0.5)

    def louder(powers: list[Tensor]) -> float:
        return 10 * math.log10(max(float(torch.cat(powers).mean()), 1e-12) / max(real, 1e-12))

    powers = blocks(levels(samples).square())
    return {
        "silent": share(levels(samples) < SILENT),
        "clicking": share(bends(samples) > limit),
        "clipped": share(clipped(samples)),
        "level": Estimate(louder(powers), error_without_each(powers, louder)),
    }


LIMITS = {
    "silence": Limit(
        0.1, "silence: {:.0%} more of the samples than of real sounds are silent. Lower the learning rate"
    ),
    "clicks": Limit(0.2, "clicks: {:.0%} of the samples click more sharply than 99 % of real sounds do. Train on"),
    "level drift": Limit(
        6.0, "level drift: samples are {:.0f} dB from the level of real sounds. Lower the learning rate"
    ),
}
"""What is warned of while training, where it lasts."""


def health(samples: Tensor, real: Tensor) -> dict[str, float]:
    """Shares of silent and of clicking samples beyond those of real sounds, and how far the level is from theirs, in
    decibels either way; of ``(n, channels, samples)`` each."""
    limit = bends(real).quantile(USUAL)
    powers = [float(levels(each).square().mean().clamp(min=1e-12)) for each in (samples, real)]
    return {
        "silence": float((levels(samples) < SILENT).float().mean() - (levels(real) < SILENT).float().mean()),
        "clicks": float((bends(samples) > limit).float().mean()),
        "level drift": abs(10 * math.log10(powers[0] / powers[1])),
    }


FAULTS = Family(
    (
        Metric("silent", "low", "samples that are silent: more than 55 dB below full scale"),
        Metric("clicking", "low", "samples that bend more sharply somewhere than 99 % of real sounds do"),
        Metric("clipped", "low", "samples that reach full scale again and again"),
        Metric("level", "floor", "how much louder samples are than real sounds, in decibels"),
    ),
    faults,
)


def spectra(rate: int) -> Family:
    """The gap between mean spectra, for sounds at ``rate`` hertz."""
    log_mel = LogMel(rate)

    def decibels(parts: list[Tensor]) -> Tensor:
        return torch.cat(parts).mean(0) * RANGE

    def measure(reference: Tensor, samples: Tensor, seed: int = 0) -> dict[str, Estimate]:
        """``spectrum`` and ``worst slot`` of sounds ``(m, channels, samples)`` and ``(n, channels, samples)``."""
        real, made = (slots_of(each, log_mel) for each in (reference, samples))
        mean = decibels([real])

        def gap(parts: list[Tensor]) -> float:
            return float((decibels(parts) - mean).abs().mean())

        def worst(parts: list[Tensor]) -> float:
            return float((decibels(parts) - mean).abs().view(SLOTS, BANDS).mean(1).max())

        statistics = {"spectrum": gap, "worst_slot": worst}
        parts = blocks(made)
        return {name: Estimate(of(parts), error_without_each(parts, of)) for name, of in statistics.items()}

    return Family(
        (
            Metric("spectrum", "low", "gap between the mean spectra over frequency and time, in decibels"),
            Metric("worst_slot", "low", f"the same in the worst of {SLOTS} slots of time"),
        ),
        measure,
    )


def slots_of(sounds: Tensor, log_mel: LogMel) -> Tensor:
    """Means of bands in slots of time, of sounds ``(n, channels, samples)``: ``(n, slots * bands)`` in [0, 1]."""
    parts = [pooled(log_mel(part), SLOTS)[:, : SLOTS * BANDS] for part in torch.split(sounds, 512)]
    return torch.cat(parts)


def bins(rate: int) -> Family:
    """The number of statistically different bins (Richardson & Weiss 2018), for sounds at ``rate`` hertz."""
    log_mel = LogMel(rate)

    def measure(reference: Tensor, samples: Tensor, seed: int = 0) -> dict[str, Estimate]:
        """``bins``: of the cells of real sounds ``(m, channels, samples)``, the share in which samples ``(n, channels,
        samples)`` lie more or less often, by a test of two proportions at 5 %: 0.05 where nothing differs."""
        from sklearn.cluster import KMeans

        real, made = (slots_of(each, log_mel).numpy() for each in (reference, samples))
        cells = max(1, min(CELLS, len(real) // 10, len(np.unique(real, axis=0))))
        clusters = KMeans(cells, n_init=1, random_state=seed % 2**31).fit(real)
        expected = np.bincount(clusters.labels_, minlength=cells) / len(real)
        found = np.bincount(clusters.predict(made), minlength=cells) / len(made)
        pooled_share = (expected * len(real) + found * len(made)) / (len(real) + len(made))
        error = np.sqrt(pooled_share * (1 - pooled_share) * (1 / len(real) + 1 / len(made)))
        different = np.abs(expected - found) > DIFFERENT * np.maximum(error, 1e-12)
        return {"bins": Estimate(float(different.mean()))}

    about = "share of the cells of real sounds that samples lie in more or less often (5 % of equal ones)"
    return Family((Metric("bins", "low", about),), measure)


# What cannot be recognised


def shapeless(sounds: Tensor, seed: int) -> Tensor:
    """Sounds ``(n, channels, samples)`` in which nothing can be recognised: of each the spectrum, in random phases, so
    that what came one after the other is spread over all of it, as loud as before."""
    random = torch.Generator().manual_seed(seed)
    changed = []
    for part in torch.split(sounds, 512):
        spectrum = torch.fft.rfft(part.float())
        turns = torch.rand(spectrum[:, :1].shape, generator=random)
        phases = 2 * math.pi * turns.expand(spectrum.shape)
        turned = torch.fft.irfft(torch.polar(spectrum.abs(), phases), n=part.shape[2])
        loud = levels(part)[:, None, None] / levels(turned).clamp(min=1e-9)[:, None, None]
        changed.append((turned * loud).clamp(-1, 1))
    return torch.cat(changed)
