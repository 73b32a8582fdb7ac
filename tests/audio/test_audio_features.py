"""What sounds are compared in: log-mel spectrograms, features learned from the user's own, two kinds of classifiers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from sparring.audio.features import classical
from sparring.audio.features.classical import support_vectors
from sparring.audio.features.find import find_features, fingerprint, quick_features
from sparring.audio.features.log_mel import LOWEST, LogMel, filters, hertz, mel, pooled
from sparring.audio.form import FULL, AudioForm
from sparring.audio.modality import Audio
from sparring.data.source import BadFile
from sparring.metrics.features import Features

RATE, SAMPLES = 8000, 1024
CPU = torch.device("cpu")


class TwoPitches:
    """Sines of about 300 Hz and of about 450 Hz in noise, as a source of 160 sounds; without ``labelled`` no labels are
    told."""

    def __init__(self, labelled: bool = True, seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        numbers = np.arange(160) % 2
        pitches = np.array([300, 450])[numbers, None] * random.uniform(0.97, 1.03, (160, 1))
        time = np.arange(SAMPLES) / RATE
        sounds = 0.3 * np.sin(2 * np.pi * pitches * time + random.uniform(0, 6, (160, 1)))
        sounds += 0.01 * random.standard_normal(sounds.shape)
        self.sounds = torch.from_numpy((sounds[:, None] * FULL).round().astype(np.int16))
        self.labels = torch.from_numpy(numbers) if labelled else None
        self.form = AudioForm(rate=RATE, samples=SAMPLES, labels=("low", "high") if labelled else ())
        self.name, self.bad_files, self.in_memory = "two pitches", list[BadFile](), True

    def __len__(self) -> int:
        return len(self.sounds)

    def batch(self, indices: np.ndarray) -> dict[str, Tensor]:
        chosen = torch.from_numpy(indices)
        batch = {"sounds": self.sounds[chosen]}
        return batch if self.labels is None else {**batch, "labels": self.labels[chosen]}


def find(source: TwoPitches) -> tuple[Features, list[str]]:
    """The features of a source, and what was said while they were found."""
    said: list[str] = []
    return find_features(source, "auto", CPU, said.append), said


def sine(pitch: float) -> Tensor:
    return torch.sin(2 * torch.pi * pitch * torch.arange(SAMPLES) / RATE)[None, None]


# Log-mel


@pytest.mark.parametrize(
    ("frequency", "mels"), [(0, 0), (700, 781.17), (1000, 999.99), (4000, 2146.06), (8000, 2840.02)]
)
def test_the_mel_scale_is_as_published(frequency: float, mels: float) -> None:
    assert float(mel(torch.tensor(float(frequency)))) == pytest.approx(mels, abs=0.01)
    assert float(hertz(torch.tensor(mels))) == pytest.approx(frequency, rel=1e-5, abs=0.01)


@pytest.mark.parametrize(
    ("rate", "bins", "bands"), [(8000, 129, 48), (16000, 257, 48), (2000, 33, 48), (44100, 1025, 16)]
)
def test_every_band_has_a_share_of_the_spectrum(rate: int, bins: int, bands: int) -> None:
    found = filters(rate, bins, bands)
    assert found.shape == (bands, bins)
    assert float(found.min()) >= 0
    torch.testing.assert_close(found.sum(1), torch.ones(bands))
    middles = (found * torch.linspace(0, rate / 2, bins)).sum(1)
    assert (middles.diff() >= 0).all()


@pytest.mark.parametrize("pitch", [200, 440, 1000, 2500, 3500])
def test_a_sine_falls_into_its_band(pitch: float) -> None:
    bands = LogMel(RATE, 24)(sine(pitch))
    assert bands.shape[:3] == (1, 1, 24)
    ends = 2595 * np.log10(1 + np.array([LOWEST, RATE / 2]) / 700)
    middles = np.linspace(*ends, 26)[1:-1]
    nearest = np.abs(middles - 2595 * np.log10(1 + pitch / 700)).argmin()
    assert abs(int(bands[0, 0].mean(1).argmax()) - int(nearest)) <= (1 if pitch < 500 else 0)  # bins are 31 Hz wide


def test_silence_is_0_and_nothing_is_above_1() -> None:
    log_mel = LogMel(RATE)
    assert not log_mel(torch.zeros(1, 2, SAMPLES)).any()
    loud = log_mel(2 * sine(1000))
    assert 0.9 < float(loud.max()) <= 1
    quiet, louder = (log_mel(amplitude * sine(1000)).amax() for amplitude in (0.01, 0.1))
    assert float(louder - quiet) == pytest.approx(20 / 60, abs=0.01)  # decibels of the 60 that there are


@pytest.mark.parametrize(
    ("rate", "window"), [(4000, 128), (8000, 256), (16000, 512), (22050, 512), (44100, 1024), (48000, 2048)]
)
@pytest.mark.parametrize("seconds", [0.1, 1.0])
def test_sounds_of_any_rate_and_length_have_bands(rate: int, window: int, seconds: float) -> None:
    """A window is the power of two nearest to 32 ms, a frame every quarter of it, the first in the middle of one."""
    samples = round(rate * seconds)
    random = torch.Generator().manual_seed(0)
    bands = LogMel(rate)(0.1 * torch.randn((2, 2, samples), generator=random))
    assert bands.shape == (2, 1, 48, 1 + samples // (window // 4))
    assert 0 < float(bands.min()) < float(bands.max()) < 1


def test_white_noise_has_the_power_of_the_book_in_every_band() -> None:
    """Of level s, 6 s^2 / N for a Hann window of N samples whose gain makes a sine of amplitude 1 have power 1."""
    random = torch.Generator().manual_seed(0)
    bands = LogMel(RATE)(0.1 * torch.randn((40, 1, 8 * SAMPLES), generator=random))[..., 4:-4]
    power = (1e-6 ** (1 - bands.double()) - 1e-6).mean((0, 1, 3))
    torch.testing.assert_close(power, torch.full_like(power, 6 * 0.1**2 / 256), rtol=0.1, atol=0)


def test_what_is_filled_up_with_silence_or_with_dither_looks_alike() -> None:
    """Dither of 16 bits is 90 dB below full scale; the floor is 60."""
    dither = torch.randint(-1, 2, (4, 1, SAMPLES), generator=torch.Generator().manual_seed(0)) / FULL
    assert float(LogMel(RATE)(dither).max()) < 1e-3


def test_pooling_keeps_order_and_time() -> None:
    log_mel = torch.zeros(1, 1, 3, 8)
    log_mel[0, 0, 1, 4:] = 1
    found = pooled(log_mel, 2)[0]
    assert found.tolist() == [0, 0, 0, 0, 1, 0, 0, 0.5, 0, 0, 0.5, 0]
    few = torch.rand(2, 1, 3, 5)
    assert pooled(few, 12).shape == (2, 3 * 14)
    assert pooled(few, 12).isfinite().all()
    assert torch.equal(pooled(few, 12)[:, 33:36], few[:, 0, :, 4])


# Learned features


@pytest.fixture
def own_features(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache."""
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))


def test_no_support_vectors_are_learned_from_sounds_of_one_label() -> None:
    source, tested = TwoPitches(), np.arange(1, 160, 2)
    assert support_vectors(source, tested) is None  # none but the tested ones has the other label
    assert support_vectors(source, tested[1:]) is not None


def test_of_many_sounds_those_learned_from_are_spread_over_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets lie sorted by label on disk: the first few thousand would be of a few labels."""
    source = TwoPitches()
    order = torch.arange(160).reshape(80, 2).T.flatten()  # all low ones, then all high ones
    assert source.labels is not None
    source.sounds, source.labels = source.sounds[order], source.labels[order]
    monkeypatch.setattr(classical, "MOST", 60)
    told = support_vectors(source, np.arange(0, 160, 10))
    assert told is not None
    assert told.accuracy > 0.9


@pytest.mark.usefixtures("own_features")
def test_two_kinds_of_classifiers_tell_two_classes_and_are_learned_once() -> None:
    source, other = TwoPitches(), TwoPitches(seed=1)
    features, said = find(source)
    assert any("learning features of two pitches" in line for line in said)
    assert features.accuracy is not None
    assert features.accuracy > 0.9
    assert features.classify is not None
    assert features.second is not None
    assert features.second.accuracy > 0.9
    unseen, labels = other.sounds.float() / FULL, other.labels
    for classify in (features.classify, features.second.classify):
        assert float((classify(unseen) == labels).float().mean()) > 0.9
        assert float((classify(unseen * 0.5) == labels).float().mean()) > 0.9  # loudness is no label
    assert features(unseen).shape == (160, 64)

    again, said = find(source)
    assert said == []
    assert again.hash == features.hash
    assert torch.equal(again(unseen), features(unseen))
    assert fingerprint(other) != fingerprint(source)


@pytest.mark.usefixtures("own_features")
def test_contrast_tells_what_no_label_does() -> None:
    source = TwoPitches(labelled=False)
    features, _ = find(source)
    assert features.classify is None
    assert features.second is None
    found = features(source.sounds.float() / FULL)
    found = (found - found.mean(0)) / found.std(0).clamp(min=1e-3)
    distances = torch.cdist(found, found).fill_diagonal_(torch.inf)
    nearest = distances.argmin(1)
    assert float((nearest % 2 == torch.arange(160) % 2).float().mean()) > 0.9


def test_other_features_are_refused(mistake: Callable[..., str]) -> None:
    assert mistake(find_features, TwoPitches(), "inception", CPU, print).startswith("features: sounds are compared in ")


def test_sounds_that_are_all_the_same_cannot_be_measured_by(mistake: Callable[..., str]) -> None:
    source = TwoPitches()
    source.sounds[:] = source.sounds[:1]
    assert "all its sounds are the same" in mistake(find_features, source, "auto", CPU, print)


def test_a_trunk_is_planned_without_memory_as_it_is_built() -> None:
    form = AudioForm(rate=RATE, samples=SAMPLES)
    with torch.device("meta"):
        planned = Audio().judge_trunk(form, (1, SAMPLES))
    built = Audio().judge_trunk(form, (1, SAMPLES))
    assert {name: value.shape for name, value in planned.state_dict().items()} == {
        name: value.shape for name, value in built.state_dict().items()
    }
    assert built(torch.randn(2, 1, SAMPLES)).shape == (2, 128)


def test_quick_features_are_scaled_to_the_real_ones() -> None:
    real = TwoPitches().sounds.float() / FULL
    features = quick_features(real)
    found = features(real)
    torch.testing.assert_close(found.mean(0), torch.zeros(found.shape[1]), rtol=0, atol=1e-3)
    assert float(found.std(0).max()) < 1.1
    assert quick_features(real[:80]).hash != features.hash
    assert torch.equal(features(torch.zeros(2, 1, SAMPLES))[0], features(torch.zeros(2, 1, SAMPLES))[1])


# Evaluation


@pytest.mark.usefixtures("own_features")
def test_labels_are_read_by_both_classifiers_in_an_evaluation(tmp_path: Path) -> None:
    from table import smallest

    from sparring.verbs.evaluate import evaluate
    from sparring.verbs.train import train

    run = train(smallest("tones", tmp_path, steps=2), out=tmp_path / "run").run
    result = evaluate(run, count=20, device="cpu")
    scores = {score["name"]: score for score in result["scores"]}
    assert {"label_accuracy", "second_accuracy", "frechet"} <= scores.keys()
    for name in ("label_accuracy", "second_accuracy"):
        assert scores[name]["floor"] > 0.6  # four pitches, of 40 sounds
        assert 0 <= scores[name]["value"] <= 1
