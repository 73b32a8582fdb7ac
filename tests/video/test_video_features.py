"""The features that clips are compared in: learned from the user's own, told from each other, kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.features import learning as shared_learning
from sparring.kind import Artifact
from sparring.metrics.comparison import Comparison
from sparring.video.data import VideoSource
from sparring.video.features import i3d
from sparring.video.features.classical import support_vectors
from sparring.video.features.find import find_features, fingerprint, quick_features
from sparring.video.features.learning import FRAMES, PIXELS, seen, shown
from sparring.video.figures import BESIDE, NEIGHBOURS, SHOWN, figures
from sparring.video.form import VideoForm
from sparring.video.shapes import MOTIONS, moving_shapes

CPU = torch.device("cpu")


class Few:
    """Some moving shapes as a source, with the labels of their motions or without."""

    in_memory, name, bad_files = True, "few", ()

    def __init__(self, count: int = 200, labelled: bool = True, frames: int = 8) -> None:
        clips, motions = moving_shapes(count, frames, 16, 16, 2)
        self.frames, self.motions = torch.from_numpy(clips), torch.from_numpy(motions)
        self.labels = self.motions if labelled else None
        labels = MOTIONS if labelled else ()
        self.form = VideoForm(height=16, width=16, frames=frames, rate=8.0, labels=labels)

    def __len__(self) -> int:
        return len(self.frames)

    def batch(self, indices: np.ndarray) -> dict[str, torch.Tensor]:
        batch = {"frames": self.frames[indices]}
        return batch if self.labels is None else {**batch, "labels": self.labels[indices]}


def source(**settings: object) -> VideoSource:
    made: VideoSource = Few(**settings)  # type: ignore[arg-type, assignment]
    return made


def numbers(clips: torch.Tensor) -> torch.Tensor:
    return clips.float() / 127.5 - 1


def quiet(line: str) -> None:
    """Say nothing."""


def test_the_frames_that_are_looked_at_are_spread_over_the_clip() -> None:
    assert shown(16).tolist() == [0, 2, 4, 6, 9, 11, 13, 15]
    assert shown(5).tolist() == [0, 1, 2, 3, 4]
    clips = torch.rand(2, 20, 3, 48, 40)
    assert seen(clips).shape == (2, FRAMES * 3, PIXELS, PIXELS)
    assert seen(torch.rand(2, 3, 1, 16, 20)).shape == (2, 3, 16, 20)
    still = torch.rand(1, 1, 3, 16, 16).expand(1, 8, 3, 16, 16)
    assert not seen(still)[:, 3:].any()


def test_a_classifier_and_a_second_one_tell_motions_of_clips_they_did_not_learn_from() -> None:
    features = find_features(source(count=600), "auto", CPU, quiet)
    assert features.accuracy is not None
    assert features.second is not None
    assert features.accuracy > 0.9
    assert features.second.accuracy > 0.6  # coarse cells hardly tell which way around a shape goes
    clips, motions = moving_shapes(80, 8, 16, 16, 2, seed=5)
    assert features.classify is not None
    told = features.classify(numbers(torch.from_numpy(clips)))
    assert float((told.numpy() == motions).mean()) > 0.9
    assert float((features.second.classify(numbers(torch.from_numpy(clips))).numpy() == motions).mean()) > 0.6


def test_contrast_brings_clips_nearer_to_themselves_than_to_others() -> None:
    own = source(labelled=False)
    features = find_features(own, "auto", CPU, quiet)
    assert features.logits is None
    clips = numbers(own.batch(np.arange(60))["frames"])
    moved = clips.roll(1, 4)
    near = torch.cdist(features(clips), features(moved))
    assert float((near.argmin(1) == torch.arange(60)).float().mean()) > 0.5


def test_features_are_kept_by_what_the_source_holds() -> None:
    assert fingerprint(source()) == fingerprint(source())
    assert len({fingerprint(source()), fingerprint(source(count=201)), fingerprint(source(labelled=False))}) == 3
    said: list[str] = []
    first = find_features(source(count=64), "learned", CPU, said.append)
    again = find_features(source(count=64), "auto", CPU, said.append)
    assert first.hash == again.hash
    assert sum("once; they are kept" in line for line in said) == 1


class Reference(torch.nn.Module):
    """Called as the reference I3D is: on values up to 255, asked for features; too short clips are its own mistake."""

    def forward(
        self, clips: torch.Tensor, rescale: bool = False, resize: bool = False, return_features: bool = False
    ) -> torch.Tensor:
        if clips.shape[2] < 9:
            raise RuntimeError("too few frames")
        means = clips.mean((3, 4))[:, :, 0]
        return means / 255 if rescale and resize and return_features else means[:, :1]


def test_a_distance_is_called_fvd_in_the_reference_network_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mistake: Callable[..., str]
) -> None:
    path = tmp_path / "i3d.pt"
    torch.jit.script(Reference()).save(str(path))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    stranger = mistake(find_features, source(), str(path), CPU, quiet)
    assert "is not the I3D that FVD is measured by" in stranger
    assert digest[:16] in stranger

    monkeypatch.setattr(i3d, "I3D", digest)
    features = find_features(source(), str(path), CPU, quiet)
    assert (features.frechet, features.hash, features.logits) == ("FVD", digest[:16], None)
    for channels in (1, 3):
        values = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (11, 9, channels, 4, 4), dtype=np.uint8))
        means = values[:, 0].double().mean((2, 3)).expand(-1, 3) / 255
        np.testing.assert_allclose(features(numbers(values)).numpy(), means.numpy(), rtol=1e-5)
    told = mistake(features, torch.zeros(2, 8, 3, 4, 4))
    assert "I3D does not take clips of 8 frames" in told
    assert "too few frames" in told
    path.write_bytes(b"no program")
    monkeypatch.setattr(i3d, "I3D", hashlib.sha256(b"no program").hexdigest())
    assert "is not TorchScript" in mistake(find_features, source(), str(path), CPU, quiet)


def test_what_cannot_be_learned_from_is_told(mistake: Callable[..., str]) -> None:
    assert "no file 'lite0'; give auto, learned, or I3D's" in mistake(find_features, source(), "lite0", CPU, quiet)
    same = Few()
    same.frames = same.frames[:1].expand(200, -1, -1, -1, -1)
    assert "all its clips are the same" in mistake(find_features, same, "auto", CPU, quiet)
    one = Few()
    one.labels = torch.zeros(200, dtype=torch.int64)
    assert support_vectors(one, shared_learning.tested_part(len(one))) is None  # type: ignore[arg-type]


def test_quick_features_see_movement_and_places() -> None:
    clips = numbers(torch.from_numpy(moving_shapes(200, 8, 16, 16)[0]))
    features = quick_features(clips)
    found = features(clips)
    assert found.shape[0] == 200
    assert found.shape[1] < 80
    torch.testing.assert_close(found.mean(0), torch.zeros(found.shape[1]), atol=1e-4, rtol=0)
    assert float((features(clips[:, :1].expand_as(clips)) - found).abs().mean()) > 1
    assert float((features(clips.flip(3)) - found).abs().mean()) > 0.3


# Figures


def compared(labelled: bool, judged: bool) -> list[Artifact]:
    clips = numbers(torch.from_numpy(moving_shapes(40, 4, 16, 16)[0]))
    features = quick_features(clips)(clips)
    labels = torch.arange(40) % 4 if labelled else None
    logits = torch.arange(40.0) if judged else None
    form = VideoForm(height=16, width=16, frames=4, rate=10.0)
    return figures(Comparison(clips, clips, features, features, logits, labels, MOTIONS if labelled else (), form))


@pytest.mark.parametrize(("labelled", "judged", "names"), [
    (False, False, ["samples", "neighbours"]),
    (True, True, ["label-0", "label-1", "label-2", "label-3", "best", "worst", "neighbours"]),
])  # fmt: skip
def test_figures_play(labelled: bool, judged: bool, names: list[str], tmp_path: Path) -> None:
    shown_clips = compared(labelled, judged)
    assert [figure.name for figure in shown_clips] == names
    for figure in shown_clips:
        (tmp_path / "a.webp").write_bytes(figure.data)
        with Image.open(tmp_path / "a.webp") as image:
            assert image.n_frames == 4
            rows, columns = (BESIDE, 1 + NEIGHBOURS) if figure.name == "neighbours" else (2, SHOWN // 2)
            assert image.width // columns >= 16
            assert abs(image.width / columns - image.height / rows) < 4
