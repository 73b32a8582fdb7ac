"""What the players see of sounds, and the way back: checked against torch.stft, sines and the players' gradients."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.signal import firwin
from torch import Tensor
from torch.autograd import gradgradcheck

from sparring.audio.augment import FURTHEST, MOST, SoundAugment, moved
from sparring.audio.form import AudioForm
from sparring.audio.game import networks, representation
from sparring.audio.recipes import RECIPES
from sparring.audio.representation import Complex, LogMagnitude, Representation, ShortTime, Waveform, with_phases
from sparring.core.game import Step

RATE, SAMPLES, WINDOW = 8000, 4096, 256
KINDS = ("log-magnitude", "complex", "waveform")


def band_limited(count: int = 4, samples: int = SAMPLES) -> Tensor:
    """Noise ``(count, 1, samples)`` of 100 to 3,600 Hz that begins softly and whose last tenth is silent."""
    noise = np.random.default_rng(0).standard_normal((count, samples))
    taps = firwin(255, [100, 3600], pass_zero=False, fs=RATE)
    sounds = 0.1 * np.stack([np.convolve(row, taps, mode="same") for row in noise])
    place = np.arange(samples)
    ramp = np.minimum(1, place / 80) * np.clip((0.9 * samples - place) / 80, 0, 1)
    return torch.from_numpy(sounds * ramp).float()[:, None]


def sine(pitch: float, amplitude: float = 0.3) -> Tensor:
    """A sine ``(1, 1, samples)``."""
    time = torch.arange(SAMPLES, dtype=torch.float64) / RATE
    return (amplitude * torch.sin(2 * math.pi * pitch * time)).float()[None, None]


def inner(sounds: Tensor) -> Tensor:
    return sounds[..., 512:-512]


def loudest_frequency(sounds: Tensor) -> float:
    """Of one sound, by the peak of a long spectrum whose bins are 2.6 Hz apart."""
    samples = inner(sounds).flatten().numpy()
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax() * RATE / len(samples))


def log_magnitude(iterations: int = 16, overlap: int = 2) -> LogMagnitude:
    return LogMagnitude(1, ShortTime(SAMPLES, WINDOW, WINDOW // overlap), iterations)


def seen_by_players(kind: str, channels: int = 1, samples: int = SAMPLES) -> Representation:
    """What a shipped recipe has the players see."""
    recipe = RECIPES["wavegan"] if kind == "waveform" else RECIPES["audio"].changed({"representation": kind})
    return representation(recipe, AudioForm(rate=RATE, samples=samples, channels=channels))


# The transform


@pytest.mark.parametrize("overlap", [2, 4, 8])
@pytest.mark.parametrize("samples", [4096, 4001, 3968])
def test_a_sound_comes_back(samples: int, overlap: int) -> None:
    transform = ShortTime(samples, WINDOW, WINDOW // overlap)
    sounds = band_limited(samples=samples)[:, 0]
    spectrum = transform.forward(sounds)
    assert spectrum.shape == (4, math.ceil(samples / transform.hop), WINDOW // 2)
    assert sounds.abs().max() > 0.2
    torch.testing.assert_close(transform.inverse(spectrum), sounds, rtol=0, atol=1e-4)


@pytest.mark.parametrize("overlap", [2, 4])
def test_inner_frames_are_those_of_torch(overlap: int) -> None:
    hop = WINDOW // overlap
    transform = ShortTime(SAMPLES, WINDOW, hop)
    sounds = band_limited()[:, 0]
    first = -(-transform.margin // hop)  # the first frame that begins within the sound
    shape = torch.hann_window(WINDOW)
    theirs = torch.stft(
        sounds[:, first * hop - transform.margin :], WINDOW, hop, window=shape, center=False, return_complex=True
    )
    ours = transform.forward(sounds)[:, first : first + theirs.shape[2]]
    assert theirs.shape[2] >= transform.frames - 4
    torch.testing.assert_close(ours, theirs[:, :-1].transpose(1, 2) * 2 / shape.sum(), rtol=1e-5, atol=1e-6)


def test_a_partial_of_amplitude_1_has_magnitude_1() -> None:
    transform = ShortTime(SAMPLES, WINDOW, WINDOW // 2)
    magnitudes = transform.forward(sine(20 * RATE / WINDOW, 1.0)[:, 0]).abs()[0, 4:-4].T
    assert magnitudes.argmax(0).unique().tolist() == [20]
    torch.testing.assert_close(magnitudes[20], torch.ones_like(magnitudes[20]), rtol=1e-4, atol=0)


# Complex numbers


@pytest.mark.parametrize("overlap", [2, 4])
@pytest.mark.parametrize("channels", [1, 2])
def test_complex_spectrograms_are_decoded_as_they_were_encoded(channels: int, overlap: int) -> None:
    seen = Complex(channels, ShortTime(SAMPLES, WINDOW, WINDOW // overlap))
    sounds = band_limited().view(4 // channels, channels, SAMPLES)
    examples = seen.encode(sounds)
    assert examples.shape[1:] == seen.shape
    assert 0.1 < float(examples.std()) < 1
    torch.testing.assert_close(seen.decode(examples), sounds, rtol=0, atol=1e-4)


# Magnitudes


@pytest.mark.parametrize(("iterations", "off"), [(16, 12.0), (64, 4.0)])  # bins are 31 Hz apart
@pytest.mark.parametrize("overlap", [2, 4])
@pytest.mark.parametrize("pitch", [220.0, 523.25, 1234.5, 3000.0])
def test_a_sine_keeps_its_pitch_and_its_level(pitch: float, overlap: int, iterations: int, off: float) -> None:
    seen, sound = log_magnitude(iterations, overlap), sine(pitch)
    back = seen.decode(seen.encode(sound))
    assert abs(loudest_frequency(back) - pitch) < off
    ratio = inner(back).square().mean().sqrt() / inner(sound).square().mean().sqrt()
    assert 0.95 < float(ratio) < 1.05


def test_silence_stays_silent() -> None:
    seen, silence = log_magnitude(), torch.zeros(2, 1, SAMPLES)
    assert torch.equal(seen.encode(silence), torch.full((2, *seen.shape), -1.0))
    assert torch.equal(seen.decode(seen.encode(silence)), silence)


def test_examples_are_within_bounds_however_loud_the_sound() -> None:
    seen = log_magnitude()
    examples = seen.encode(sine(1000, 1.0))
    assert (float(examples.min()), float(examples.max())) == (pytest.approx(-1, abs=0.1), 1)
    assert seen.decode(torch.full((1, *seen.shape), 5.0)).isfinite().all()


def test_phases_fit_better_with_every_iteration() -> None:
    transform = ShortTime(SAMPLES, WINDOW, WINDOW // 4)
    magnitudes = transform.forward(band_limited()[:, 0]).abs()

    def off(iterations: int) -> float:
        """Spectral convergence: how far the magnitudes of what was found are from those that were asked for."""
        found = transform.forward(with_phases(magnitudes, transform, iterations)).abs()
        return float((found - magnitudes).norm() / magnitudes.norm())

    errors = [off(iterations) for iterations in (0, 4, 16, 64)]
    assert errors == sorted(errors, reverse=True)
    assert errors[2] < 0.6 * errors[0]


def test_a_sound_does_not_depend_on_those_that_are_decoded_with_it() -> None:
    seen = log_magnitude()
    examples = seen.encode(band_limited())
    alone = torch.cat([seen.decode(example[None]) for example in examples])
    assert alone.abs().max() > 0.1
    torch.testing.assert_close(seen.decode(examples), alone, rtol=0, atol=1e-4)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_shapes_and_numbers_of_every_kind(kind: str, channels: int) -> None:
    seen = seen_by_players(kind, channels, 4001)
    silence = torch.zeros(3, channels, 4001, requires_grad=True)
    examples = seen.encode(silence)
    assert examples.shape == (3, *seen.shape)
    assert seen.decode(examples).shape == silence.shape
    assert seen.decode(examples).isfinite().all()
    (slope,) = torch.autograd.grad(examples.square().sum(), silence)
    assert slope.isfinite().all()


# Gradients


@pytest.mark.parametrize("classes", [0, 4])
@pytest.mark.parametrize("kind", ["log-magnitude", "complex"])
def test_the_slope_that_penalties_are_taken_of_is_of_a_usual_size(kind: str, classes: int) -> None:
    """Squared norms of the discriminator's gradient, at the beginning, at real examples (R1) and at generated ones
    (R2)."""
    torch.manual_seed(0)
    form = AudioForm(rate=RATE, samples=SAMPLES)
    recipe = RECIPES["audio"].changed({"representation": kind})
    seen = representation(recipe, form)
    generator, discriminator = networks(recipe, form, seen, classes)
    labels = torch.arange(4) % classes if classes else None
    real = seen.encode(band_limited() * 0.3)
    with torch.no_grad():
        made = generator(torch.randn(4, recipe.latent), labels)
    for examples in (real, made):
        examples = examples.detach().requires_grad_()
        (slope,) = torch.autograd.grad(discriminator(examples, labels).sum(), examples)
        squared = slope.flatten(1).square().sum(1)
        assert squared.isfinite().all()
        assert 1e-3 < float(squared.mean()) < 10


# Augmentation


def step(count: int, seed: int = 0) -> Step:
    return Step([{"row": torch.arange(count)}], examples_seen=0, seed=seed, global_batch=count,
                part=slice(0, count), device=torch.device("cpu"))  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_augmentations_can_be_differentiated_twice(kind: str) -> None:
    augment = SoundAugment(seen_by_players(kind))
    shape = (3, 1, 20) if kind == "waveform" else (3, 1, 2, 20)
    examples = (torch.rand(shape, dtype=torch.float64) - 0.4).requires_grad_()  # from -0.4 to 0.6: no kinks
    assert not torch.equal(augment.always(examples, step(3)), examples)
    assert gradgradcheck(lambda x: augment.always(x, step(3)).square(), (examples,))


@pytest.mark.parametrize("kind", KINDS)
def test_augmentations_are_made_with_their_probability(kind: str) -> None:
    augment = SoundAugment(seen_by_players(kind))
    examples = torch.rand((400, 1, 32) if kind == "waveform" else (400, 1, 2, 32))
    assert augment(examples, 0.0, step(400)) is examples
    changed = (augment(examples, 0.5, step(400)) != examples).flatten(1).any(1).float().mean()
    assert 0.6 < float(changed) < 0.85  # one of two changes, each with probability one half; some move by 0 places


def test_a_later_sound_has_a_later_spectrogram() -> None:
    seen, hop = log_magnitude(), WINDOW // 2
    sound = band_limited()
    later = torch.nn.functional.pad(sound, (3 * hop, 0))[:, :, :SAMPLES]
    examples = seen.encode(sound)
    ours = moved(examples, torch.full((4,), 3.0), -1.0)
    torch.testing.assert_close(ours[..., 4:], seen.encode(later)[..., 4:], rtol=0, atol=1e-3)
    assert (ours[..., :3] == -1).all()
    earlier = moved(examples, torch.full((4,), -3.0), -1.0)
    assert torch.equal(earlier[..., :-3], examples[..., 3:])


@pytest.mark.parametrize("kind", KINDS)
def test_a_louder_sound_has_a_louder_spectrogram(kind: str) -> None:
    seen = seen_by_players(kind)
    sound, decibels = band_limited(), torch.full((4,), MOST)
    expected = seen.encode(sound * 10 ** (MOST / 20))
    actual = seen.louder(seen.encode(sound), decibels)
    quiet = {"log-magnitude": -0.4, "complex": 0.3, "waveform": 1e-3}[kind]  # near silence levels are bent
    heard = (expected if kind == "log-magnitude" else expected.abs()) > quiet
    assert float(heard.float().mean()) > 0.3
    torch.testing.assert_close(actual[heard], expected[heard], rtol=0.02, atol=0.02)


def test_sounds_are_moved_by_a_tenth_at_most() -> None:
    clicks = torch.zeros(500, 1, 200)
    clicks[:, :, 100] = 1
    places = SoundAugment(Waveform(1, 200)).always(clicks, step(500)).argmax(2) - 100
    assert int(places.abs().max()) == FURTHEST * 200
    assert len(places.unique()) > 30
