"""What an evaluation shows of sounds: those that are meant, in the order that is told, each to be heard and seen."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

from sparring.audio.figures import BESIDE, LABELS, NEIGHBOURS, SHOWN, figures
from sparring.audio.form import AudioForm
from sparring.metrics.comparison import Comparison
from sparring.modality import Artifact

RATE, SAMPLES = 8000, 400
GAP = RATE // 4  # samples of silence between two sounds of one file


def constant(*values: float) -> Tensor:
    """Sounds ``(n, 1, samples)`` that are one value each, which tells them apart."""
    return torch.tensor(values)[:, None, None].expand(-1, 1, SAMPLES) / 100


def heard(figure: Artifact) -> list[int]:
    """The values of the sounds in a figure, in its order."""
    samples, rate = soundfile.read(io.BytesIO(figure.data))
    assert rate == RATE
    assert figure.media_type == "audio/flac"
    assert figure.picture.startswith(b"\x89PNG")
    assert figure.caption
    starts = range(0, len(samples), SAMPLES + GAP)
    return [round(100 * float(np.median(samples[start : start + SAMPLES]))) for start in starts]


def shown(
    samples: Tensor, reference: Tensor | None = None, logits: Tensor | None = None, labels: Tensor | None = None
) -> dict[str, Artifact]:
    """The figures by their names; sounds are their own features."""
    real = constant(1, 2, 3, 4) if reference is None else reference
    names = tuple(f"name {index}" for index in range(LABELS + 2))
    form = AudioForm(rate=RATE, samples=SAMPLES)
    seen = (real, samples, real.flatten(1), samples.flatten(1), logits, labels, names, form)
    return {figure.name: figure for figure in figures(Comparison(*seen))}


def test_without_labels_and_logits_there_are_samples_and_neighbours() -> None:
    found = shown(constant(*range(1, 21)))
    assert set(found) == {"samples", *(f"neighbours-{number}" for number in range(1, BESIDE + 1))}
    assert heard(found["samples"]) == list(range(1, SHOWN + 1))


def test_a_sample_comes_before_the_real_sounds_that_are_nearest_to_it() -> None:
    found = shown(constant(11, 49), reference=constant(50, 10, 60, 14, 40, 30))
    assert heard(found["neighbours-1"])[: 1 + NEIGHBOURS] == [11, 10, 14, 30]
    assert heard(found["neighbours-2"])[: 1 + NEIGHBOURS] == [49, 50, 40, 60]
    assert "neighbours-3" not in found
    assert heard(shown(constant(5), reference=constant(7, 6))["neighbours-1"]) == [5, 6, 7]


def test_what_the_discriminator_takes_for_real_most_and_least() -> None:
    logits = torch.arange(20.0).roll(7)
    found = shown(constant(*range(1, 21)), logits=logits)
    ranked = [1 + int(index) for index in logits.argsort(descending=True)]
    assert heard(found["best"]) == ranked[:SHOWN]
    assert heard(found["worst"]) == ranked[-SHOWN:]


def test_each_label_that_has_samples_is_heard() -> None:
    labels = torch.tensor([2, 0, 2, 0, 2] + [2] * 10)
    found = shown(constant(*range(1, 16)), labels=labels)
    assert [name for name in found if name.startswith("label")] == ["label-0", "label-2"]
    assert "samples" not in found
    assert heard(found["label-0"]) == [2, 4]
    assert heard(found["label-2"]) == [1, 3, 5, 6, 7, 8, 9, 10]
    assert found["label-2"].caption == "samples of name 2"


@pytest.mark.parametrize("beyond", [0, 1])
def test_of_many_labels_the_first_have_a_figure(beyond: int) -> None:
    """Where none of these has samples, there are samples all the same."""
    found = shown(constant(1, 2), labels=torch.tensor([LABELS - 1 + beyond, LABELS]))
    assert (f"label-{LABELS - 1}" in found, "samples" in found) == (not beyond, bool(beyond))
    assert f"label-{LABELS}" not in found
