"""What is measured of sounds themselves, held against what is known of sines, noise and clicks."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from scipy.stats import chi2_contingency
from torch import Tensor

from sparring.audio.metrics import (
    FAULTS,
    LEAST,
    LIMITS,
    bends,
    bins,
    clipped,
    faults,
    health,
    levels,
    shapeless,
    spectra,
)
from sparring.core.health import LASTING, PATIENCE, Watch
from sparring.metrics.score import Estimate

RATE, SAMPLES = 8000, 2048
SPECTRA, BINS = spectra(RATE).measure, bins(RATE).measure


def noise(count: int, seed: int = 0, level: float = 0.1, channels: int = 1) -> Tensor:
    """White noise ``(count, channels, samples)`` whose root of the mean square is ``level``."""
    random = torch.Generator().manual_seed(seed)
    return level * torch.randn((count, channels, SAMPLES), generator=random)


def sine(pitch: float, amplitude: float = 1.0, samples: int = RATE) -> Tensor:
    """A sine at 8 kHz ``(1, 1, samples)``, a second of it."""
    return amplitude * torch.sin(2 * torch.pi * pitch * torch.arange(samples, dtype=torch.float64) / RATE)[None, None]


def with_click(sounds: Tensor) -> Tensor:
    """The sounds with one sample in the middle that is far from its neighbours."""
    made = sounds.clone()
    made[..., sounds.shape[2] // 2] = 0.9
    return made


def decibels(ratio: float) -> float:
    return 20 * math.log10(ratio)


# Single sounds


def test_levels_are_those_of_the_book() -> None:
    assert decibels(float(levels(sine(440)))) == pytest.approx(-3.0103, abs=1e-3)
    assert decibels(float(levels(sine(440).sign()))) == pytest.approx(0, abs=0.05)  # a square wave, but for its zeros
    one_side = torch.cat([sine(440), torch.zeros(1, 1, RATE)], 1)
    assert decibels(float(levels(one_side))) == pytest.approx(-6.0206, abs=1e-3)
    assert float(levels(torch.zeros(1, 2, 64))) == 0


def test_bends_of_known_waves() -> None:
    """An alternating wave bends alike everywhere; a slow sine nowhere more than around it; one sample in silence stands
    out by all that is added to silence."""
    alternating = torch.tensor([0.5, -0.5]).repeat(500)[None, None]
    assert float(bends(alternating)) == pytest.approx(2 / (2 + LEAST), abs=1e-4)
    assert float(bends(sine(50))) < 1.1
    alone = torch.zeros(1, 1, 1001)
    alone[..., 500] = 0.5
    assert float(bends(alone)) == pytest.approx(2 * 0.5 / LEAST, rel=1e-3)
    assert float(bends(torch.zeros(1, 1, 100))) == 0
    assert (
        2.5 < float(bends(noise(50)).min()) < float(bends(noise(50)).max()) < 8
    )  # the largest of 2,046 normal numbers


def test_a_click_in_a_quiet_part_is_found_beside_a_loud_one() -> None:
    loud = noise(1)
    loud[..., :1000] *= 0.01
    clicked = loud.clone()
    clicked[..., 500] += 0.1
    assert float(bends(clicked)) > 5 * float(bends(loud))


@pytest.mark.parametrize("click", [0, 1])
def test_a_click_is_found_in_either_channel(click: int) -> None:
    sounds = noise(1, channels=2)
    before = float(bends(sounds))
    sounds[0, click, 1000] = 2.0
    assert float(bends(sounds)) > 1.5 * before


@pytest.mark.parametrize(("full", "found"), [(0, False), (1, False), (3, True), (2000, True)])
@pytest.mark.parametrize("value", [1.0, -1.0])
def test_clipped_is_at_full_scale_more_than_once_in_a_thousand_samples(full: int, found: bool, value: float) -> None:
    sounds = torch.full((1, 1, 2000), 0.9)
    sounds[..., :full] = value
    assert bool(clipped(sounds)) == found


# Shares of faulty sounds, and their level


def test_shares_of_faulty_sounds_are_counted() -> None:
    real, samples = noise(200), noise(20, seed=1)
    samples[:3] = 0
    samples[3:7] = with_click(samples[3:7])
    samples[7:9] = samples[7:9].sign()
    found = faults(real, samples)
    assert {name: found[name].value for name in ("silent", "clicking", "clipped")} == pytest.approx(
        {"silent": 3 / 20, "clicking": 4 / 20, "clipped": 2 / 20}
    )
    for name, share in (("silent", 0.15), ("clicking", 0.2), ("clipped", 0.1)):
        assert found[name].error == pytest.approx(math.sqrt(share * (1 - share) / 20))  # of a binomial share
    assert {metric.name for metric in FAULTS.metrics} == found.keys()


def test_one_real_sound_of_a_hundred_clicks() -> None:
    real = noise(500)
    assert faults(real, real)["clicking"].value == pytest.approx(0.01)


@pytest.mark.parametrize(("below", "found"), [(54.5, 0.0), (55.5, 1.0)])
def test_silent_is_55_decibels_below_full_scale(below: float, found: float) -> None:
    samples = 10 ** (-below / 20) * noise(20).sign()
    assert faults(noise(20), samples)["silent"].value == found


@pytest.mark.parametrize(("gain", "expected"), [(1.0, 0.0), (2.0, 6.0206), (0.5, -6.0206), (0.1, -20.0)])
def test_level_is_told_in_decibels(gain: float, expected: float) -> None:
    real = noise(40)
    assert faults(real, gain * real)["level"].value == pytest.approx(expected, abs=1e-3)


def test_the_level_of_silence_is_a_number() -> None:
    assert -200 < faults(noise(20), torch.zeros(20, 1, SAMPLES))["level"].value < -90


def test_the_error_of_the_level_is_that_of_the_mean_power() -> None:
    """By the delta method: 10 / ln 10 times the deviation of the powers over their mean and the root of the count."""
    random = torch.Generator().manual_seed(3)
    samples = noise(2000)[:, :, :256] * (0.5 + torch.rand((2000, 1, 1), generator=random))
    powers = samples.square().mean((1, 2))
    expected = 10 / math.log(10) * float(powers.std() / powers.mean()) / math.sqrt(2000)
    assert faults(samples, samples)["level"].error == pytest.approx(expected, rel=0.6)  # of ten blocks


# Spectra


def test_the_same_sounds_have_no_gap() -> None:
    found = SPECTRA(noise(40), noise(40), 0)
    assert [found[name].value for name in ("spectrum", "worst_slot")] == [0, 0]


@pytest.mark.parametrize("gain", [3.0, -3.0, 6.0])
def test_a_gain_is_a_gap_of_as_many_decibels(gain: float) -> None:
    real = noise(40)
    found = SPECTRA(real, 10 ** (gain / 20) * real, 0)
    assert found["spectrum"].value == pytest.approx(abs(gain), abs=0.15)
    assert found["worst_slot"].value == pytest.approx(abs(gain), abs=0.15)


def test_what_is_silent_at_the_end_is_found_in_the_worst_slot() -> None:
    """White noise of level s has 6 s^2 / N of power in each bin of a Hann window of N samples, against a floor of 1e-6;
    the mean of logarithms is up to 2.5 dB (10 / ln 10 times Euler's constant) below the logarithm of the mean."""
    real, samples = noise(60), noise(60, seed=1)
    samples[..., 7 * SAMPLES // 8 :] = 0
    above = 10 * math.log10(6 * 0.1**2 / 256 / 1e-6)
    found = SPECTRA(real, samples, 0)
    assert above - 5 < found["worst_slot"].value < above
    assert found["worst_slot"].value / 8 <= found["spectrum"].value < found["worst_slot"].value / 6


def test_what_sounds_all_the_time_is_about_the_same_gap_in_every_slot() -> None:
    """A tone fills a few bands of all slots; at the ends, where it begins and stops, some more."""
    real = noise(40)
    found = SPECTRA(real, real + sine(1000, 0.5, SAMPLES).float(), 0)
    assert found["spectrum"].value > 0.5
    assert found["spectrum"].value <= found["worst_slot"].value < 2 * found["spectrum"].value


def test_other_noise_is_within_the_errors_of_none() -> None:
    found = SPECTRA(noise(400), noise(400, seed=1), 0)
    error = found["spectrum"].error
    assert error is not None
    assert 0 < error < 0.2
    assert 0 < found["spectrum"].value < 0.3


# Statistically different bins


def notes_of(counts: list[int], seed: int = 0) -> Tensor:
    """So many sines of each of some pitches far from each other, with a little noise."""
    pitches = [300, 700, 1500, 3000]
    repeated = [sine(pitch, 0.3, SAMPLES).float() for pitch, count in zip(pitches, counts, strict=True)
                for _ in range(count)]  # fmt: skip
    return torch.cat(repeated) + noise(len(repeated), seed, 1e-3)


@pytest.mark.parametrize(
    "counts", [[10, 10, 10, 10], [16, 8, 8, 8], [18, 8, 7, 7], [22, 6, 6, 6], [40, 0, 0, 0], [19, 19, 1, 1]]
)
def test_bins_differ_where_a_test_of_two_proportions_says_so(counts: list[int]) -> None:
    """That test is the chi-squared test without correction, here by scipy."""
    wanted = [chi2_contingency([[10, 30], [count, 40 - count]], correction=False).pvalue < 0.05 for count in counts]
    found = BINS(notes_of([10] * 4), notes_of(counts, seed=1), 0)["bins"].value
    assert found == sum(wanted) / 4


def test_sounds_of_which_many_are_the_same_have_as_few_cells(recwarn: pytest.WarningsRecorder) -> None:
    real = torch.cat([sine(pitch, 0.3, SAMPLES).float() for pitch in [300, 1500] * 20])
    assert BINS(real, real, 0)["bins"].value == 0
    assert not recwarn.list


def varied(count: int, seed: int) -> Tensor:
    """Noise of any level and any length, silence after it."""
    random = torch.Generator().manual_seed(seed)
    gain = 10 ** (-1.5 * torch.rand((count, 1, 1), generator=random))
    ends = SAMPLES * torch.rand((count, 1, 1), generator=random)
    return noise(count, seed + 100) * gain * (torch.arange(SAMPLES) < ends)


def test_of_equal_sounds_about_one_bin_in_twenty_differs_and_of_one_sound_nearly_all() -> None:
    real = varied(1000, 0)
    equal = [BINS(real, varied(1000, seed), seed)["bins"].value for seed in (1, 2, 3)]
    assert sum(equal) / 3 < 0.12
    assert BINS(real, real[:1].repeat(1000, 1, 1), 0)["bins"].value > 0.8


# While training


def test_health_of_real_sounds_is_good() -> None:
    found = health(noise(100, seed=1), noise(100))
    assert found.keys() == LIMITS.keys()
    assert all(found[name] < limit.most / 2 for name, limit in LIMITS.items())


@pytest.mark.parametrize(
    ("spoil", "named", "beginning"),
    [
        (
            lambda sounds: 0 * sounds,
            {"silence", "level drift"},
            "100% more of the samples than of real sounds are silent",
        ),
        (with_click, {"clicks"}, "% of the samples click"),
        (lambda sounds: 4 * sounds, {"level drift"}, "12 dB"),
        (lambda sounds: sounds / 4, {"level drift"}, "12 dB"),
        (lambda sounds: sounds / 1.5, set[str](), ""),
    ],
)
def test_what_lasts_is_warned_of_by_its_name(
    spoil: Callable[[Tensor], Tensor], named: set[str], beginning: str
) -> None:
    found = health(spoil(noise(100, seed=1)), noise(100))
    watch, warned = Watch(LIMITS), dict[str, str]()
    for check in range(PATIENCE):
        assert not warned
        warned = watch.look(found, check * LASTING)
    assert warned.keys() == named
    assert all(line.startswith(f"{name}: ") for name, line in warned.items())
    assert not named or any(beginning in line for line in warned.values())


def test_silence_of_real_sounds_is_no_fault_of_the_samples() -> None:
    real = noise(100)
    real[:50] = 0
    assert health(real.flip(0), real)["silence"] == 0
    assert health(torch.zeros_like(real), real)["silence"] == 0.5


# What cannot be recognised


@pytest.mark.parametrize("samples", [2048, 2047, 64])
def test_what_has_no_shape_has_the_spectrum_and_the_level_of_the_real_sound(samples: int) -> None:
    real = noise(6, channels=2)[..., :samples] * torch.linspace(1, 0, samples)
    made = shapeless(real, 1)
    assert made.shape == real.shape
    torch.testing.assert_close(levels(made), levels(real), rtol=1e-4, atol=0)
    inner = slice(1, (samples - 1) // 2)  # the lowest and the highest frequency have no phase
    ratio = torch.fft.rfft(made).abs()[..., inner] / torch.fft.rfft(real).abs()[..., inner]
    torch.testing.assert_close(ratio, ratio[:, :1, :1].expand_as(ratio), rtol=1e-2, atol=0)
    assert float(ratio.mean()) == pytest.approx(1, abs=0.1)


def test_two_channels_that_are_one_stay_one() -> None:
    both = noise(3).expand(-1, 2, -1)
    torch.testing.assert_close(shapeless(both, 1)[:, 0], shapeless(both, 1)[:, 1])


def test_what_was_at_the_beginning_is_everywhere() -> None:
    real = noise(50)
    real[..., SAMPLES // 8 :] = 0
    power = shapeless(real, 1).square().view(50, 8, -1).mean((0, 2))
    assert float(power.max() / power.min()) < 1.5
    assert torch.equal(shapeless(real, 1), shapeless(real, 1))
    assert not torch.equal(shapeless(real, 1), shapeless(real, 2))


def test_estimates_have_errors_but_for_bins() -> None:
    real, samples = noise(40), noise(40, seed=1)
    each: dict[str, Estimate] = {**faults(real, samples), **SPECTRA(real, samples, 0)}
    assert all(found.error is not None for found in each.values())
    assert BINS(real, samples, 0)["bins"].error is None
