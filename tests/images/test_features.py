"""Features of pictures: learned from the user's own and kept, drawn at random, or brought along as a file."""

from __future__ import annotations

import functools
import hashlib
import itertools
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from sparring.core.errors import UserError
from sparring.core.run import weights_hash
from sparring.features import keeping
from sparring.features.learning import RATE, STEPS, steps_for
from sparring.features.trunk import Trunk
from sparring.images.data import ImageSource, open_source
from sparring.images.features import files, learned, learning
from sparring.images.features.files import features_from
from sparring.images.features.learned import fingerprint, learned_features, random_features
from sparring.images.features.learning import PIXELS
from sparring.images.features.pixels import scaled
from sparring.images.modality import Images
from sparring.images.recipes import RECIPES
from sparring.metrics.features import Features
from sparring.networks import supervised
from sparring.networks.supervised import one_cycle, progress
from sparring.verbs.evaluate import evaluate

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
CPU = torch.device("cpu")
SIZE = 12


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where features are kept: nowhere but here; and learning is short."""
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))
    for name in ("classifier", "contrast"):
        monkeypatch.setattr(learned, name, functools.partial(getattr(learned, name), steps=3))
    return tmp_path / "cache" / "features"


def three_classes(count: int = 180, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Lying stripes, standing stripes, a blob; each shifted, each under noise. Bytes ``(n, 12, 12)`` and labels."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    labels = np.arange(count) % 3
    shifts = random.uniform(0, 6, count)
    drawn = [
        (
            np.sin((rows + shift) * np.pi / 3),
            np.sin((columns + shift) * np.pi / 3),
            2 * np.exp(-((rows - 3 - shift) ** 2 + (columns - 6) ** 2) / 6) - 1,
        )[label]
        for label, shift in zip(labels, shifts, strict=True)
    ]
    noisy = 127.5 + 80 * np.stack(drawn) + random.normal(0, 15, (count, SIZE, SIZE))
    return noisy.clip(0, 255).astype(np.uint8), labels


def source_of(place: Path, images: np.ndarray, labels: np.ndarray | None = None) -> ImageSource:
    place.parent.mkdir(exist_ok=True)
    np.savez(place, images=images, **({} if labels is None else {"labels": labels}))
    return open_source(RECIPES["images"].changed({"data": str(place)}))


@pytest.fixture
def labelled(tmp_path: Path) -> ImageSource:
    return source_of(tmp_path / "drawn.npz", *three_classes())


@pytest.fixture
def unlabelled(tmp_path: Path) -> ImageSource:
    return source_of(tmp_path / "plain.npz", three_classes()[0])


def taught_by(source: ImageSource, said: list[str] | None = None) -> Features:
    return learned_features(source, CPU, (said if said is not None else []).append)


def all_of(source: ImageSource) -> Tensor:
    return source.batch(np.arange(len(source)))["images"]


def never(*arguments: object, **named: object) -> None:
    raise AssertionError("nothing was to be learned here")


# Learned


def test_an_easy_set_is_told_apart_in_a_few_steps(labelled: ImageSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learned, "classifier", functools.partial(learned.classifier, steps=40))
    features = taught_by(labelled)
    images, labels = three_classes(90, seed=1)  # never seen
    assert features.classify is not None
    assert features.accuracy is not None
    read = features.classify(torch.from_numpy(images)[:, None])
    assert (read.numpy() == labels).mean() > 0.9
    assert features.accuracy > 0.9
    assert features.name == f"classifier of drawn.npz ({features.accuracy:.1%} right on pictures it did not learn from)"


def test_the_accuracy_is_that_on_pictures_it_did_not_learn_from(
    labelled: ImageSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[set[int]] = []
    batch = labelled.batch

    def noted(indices: np.ndarray) -> dict[str, Tensor]:
        read.append(set(indices.tolist()))
        return batch(indices)

    monkeypatch.setattr(labelled, "batch", noted)
    accuracy = learned.classifier(labelled, CPU).accuracy
    assert accuracy is not None
    learned_from, tested = set().union(*read[:-1]), read[-1]
    assert len(tested) == 18
    assert not learned_from & tested
    assert accuracy * 18 == pytest.approx(round(accuracy * 18), abs=1e-4)  # so many of those right


@pytest.mark.parametrize("labels", [None, np.zeros(180, np.int64)], ids=["no labels", "one label"])
def test_without_two_labels_contrast_teaches(
    labels: np.ndarray | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learned, "classifier", never)
    features = taught_by(source_of(tmp_path / "plain.npz", three_classes()[0], labels))
    assert features.name == "contrast of plain.npz, 180 pictures"
    assert (features.classify, features.accuracy, features.frechet) == (None, None, "frechet")


@pytest.mark.parametrize("kind", ["labelled", "unlabelled"])
def test_the_same_pictures_teach_the_same(kind: str, cache: Path, request: pytest.FixtureRequest) -> None:
    source: ImageSource = request.getfixturevalue(kind)
    one = taught_by(source)
    shutil.rmtree(cache)
    torch.manual_seed(99)  # whatever else was drawn before
    other = taught_by(source)
    assert one.hash == other.hash
    assert torch.equal(one(all_of(source)), other(all_of(source)))


@pytest.mark.parametrize("kind", ["labelled", "unlabelled"])
def test_learned_once_and_kept(
    kind: str, cache: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    source: ImageSource = request.getfixturevalue(kind)
    said: list[str] = []
    first = taught_by(source, said)
    assert [str(cache) in line for line in said] == [True]
    assert len(list(cache.iterdir())) == 1
    monkeypatch.setattr(learned, "classifier", never)
    monkeypatch.setattr(learned, "contrast", never)
    second = taught_by(source, said)
    assert len(said) == 1
    assert (second.name, second.hash, second.accuracy) == (first.name, first.hash, first.accuracy)
    assert torch.equal(second(all_of(source)), first(all_of(source)))


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:500]),
        lambda path: path.write_bytes(path.read_bytes()[:-100]),
        lambda path: path.write_bytes(b"no tensors at all" * 100),
        lambda path: save_file(load_file(path), path),  # without the accuracy
        lambda path: save_file(load_file(path), path, {"accuracy": "{"}),
    ],
    ids=["empty", "start", "most", "text", "no accuracy", "bad accuracy"],
)
def test_a_damaged_file_is_learned_anew(damage: Callable[[Path], object], cache: Path, labelled: ImageSource) -> None:
    first = taught_by(labelled)
    (path,) = cache.iterdir()
    whole = path.read_bytes()
    damage(path)
    assert taught_by(labelled).hash == first.hash
    assert path.read_bytes() == whole


def altered(images: np.ndarray, labels: np.ndarray, what: str) -> tuple[np.ndarray, np.ndarray | None]:
    images, labels = images.copy(), labels.copy()
    if what == "a pixel":
        images[17, 3, 4] ^= 1
    elif what == "a label":
        labels[17] = (labels[17] + 1) % 3
    elif what == "a picture less":
        images, labels = images[:-1], labels[:-1]
    elif what == "colours":
        images = np.stack([images, 255 - images, images], axis=3)
    elif what == "the names of labels":
        labels = labels + 5
    return images, None if what == "no labels" else labels


@pytest.mark.parametrize(
    "what", ["a pixel", "a label", "a picture less", "colours", "the names of labels", "no labels"]
)
def test_other_data_have_another_fingerprint(what: str, tmp_path: Path, labelled: ImageSource) -> None:
    other = source_of(tmp_path / "other" / "drawn.npz", *altered(*three_classes(), what))
    assert fingerprint(other) != fingerprint(labelled)


def test_the_same_data_elsewhere_have_the_same_fingerprint(tmp_path: Path, labelled: ImageSource) -> None:
    assert fingerprint(source_of(tmp_path / "moved" / "other.npz", *three_classes())) == fingerprint(labelled)


def test_pictures_all_alike_are_nothing_to_measure_by(tmp_path: Path) -> None:
    source = source_of(tmp_path / "grey.npz", np.full((30, 8, 8), 77, np.uint8))
    with pytest.raises(UserError, match=r"grey\.npz: all its pictures look the same"):
        taught_by(source)


def test_pictures_are_measured_alike_in_any_company(labelled: ImageSource) -> None:
    features, images = taught_by(labelled), all_of(labelled)
    together = features(images)
    assert together.shape == (180, 64)
    assert together.dtype == torch.float32
    torch.testing.assert_close(features(images[50:53]), together[50:53], rtol=1e-4, atol=1e-5)


# Random


def test_random_features_are_the_same_each_time(unlabelled: ImageSource) -> None:
    images = all_of(unlabelled)
    one = random_features(images, CPU)
    torch.manual_seed(99)
    other = random_features(images, CPU)
    assert one.hash == other.hash
    assert torch.equal(one(images), other(images))
    torch.testing.assert_close(one(images[50:53]), one(images)[50:53], rtol=1e-4, atol=1e-5)
    assert one(images).std(0).min() > 0  # none of them is blind


def test_random_features_leave_other_random_numbers_alone(unlabelled: ImageSource) -> None:
    """They are drawn in the middle of training."""
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    random_features(all_of(unlabelled), CPU)
    assert torch.equal(torch.rand(3), expected)


def test_random_features_need_no_cache(unlabelled: ImageSource, cache: Path) -> None:
    random_features(all_of(unlabelled), CPU)
    assert not cache.exists()


def test_the_modality_knows_its_features_by_what_is_asked_for(
    labelled: ImageSource, unlabelled: ImageSource, tmp_path: Path
) -> None:
    modality, path = Images(), script(Extremes(), tmp_path / "mine.pt")
    assert modality.find_features(labelled, "auto", CPU, print).hash == taught_by(labelled).hash
    assert modality.find_features(labelled, str(path), CPU, print, trust=True).name == "mine.pt"
    images = all_of(unlabelled)
    assert modality.quick_features(images, CPU).hash == random_features(images, CPU).hash
    with pytest.raises(UserError, match="no file 'inception'"):
        modality.find_features(labelled, "inception", CPU, print)


def test_what_was_kept_before_is_found_again() -> None:
    """The fingerprint of the digits as Sparring took it in version 3 of what is learned: a cache stays good."""
    assert fingerprint(open_source(RECIPES["digits"])) == "ee09211a01f64796"


# Brought along


class Extremes(nn.Module):
    """Mean, least and greatest of each channel."""

    def forward(self, images: Tensor) -> Tensor:
        return torch.cat([images.mean((2, 3)), images.amin((2, 3)), images.amax((2, 3))], 1)


class Halves(nn.Module):
    """Maps ``(n, 6, 1, 2)``."""

    def forward(self, images: Tensor) -> Tensor:
        height = images.shape[2] // 2
        rows = torch.stack([images[:, :, :height].mean((2, 3)), images[:, :, height:].mean((2, 3))], 2)
        return torch.cat([rows, rows + 1], 1)[:, :, None]


class OneRow(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.mean((0, 2, 3))[None]


class Raises(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        assert images.shape[2] == 299, "pictures of 299 only"
        return images


class Pair(nn.Module):
    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return images, images


class Reference(nn.Module):
    """Called as the reference Inception is: on bytes, asked for features."""

    def forward(self, images: Tensor, return_features: bool = False) -> Tensor:
        means = images.float().mean((2, 3))
        return means if return_features else means[:, :1]


def script(network: nn.Module, path: Path) -> Path:
    torch.jit.script(network).save(str(path))
    return path


def some_pictures(channels: int, count: int = 5) -> Tensor:
    return torch.from_numpy(np.random.default_rng(channels).integers(0, 256, (count, channels, 6, 7), dtype=np.uint8))


def as_three(images: Tensor) -> np.ndarray:
    """In [0, 1]: grey three times, alpha left out."""
    pixels = images.numpy() / 255
    return np.concatenate([pixels] * 3, 1) if pixels.shape[1] == 1 else pixels[:, :3]


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("ending", [".pt", ".ts"])
def test_a_torchscript_file_gets_rgb_in_the_unit_interval(channels: int, ending: str, tmp_path: Path) -> None:
    path = script(Extremes(), tmp_path / f"mine{ending}")
    features = features_from(str(path), CPU, trust=True)
    images = some_pictures(channels)
    seen = as_three(images)
    expected = np.concatenate([seen.mean((2, 3)), seen.min((2, 3)), seen.max((2, 3))], 1)
    np.testing.assert_allclose(features(images).numpy(), expected, atol=1e-6)
    assert features.name == path.name
    assert features.hash == hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    assert (features.frechet, features.classify) == ("frechet", None)


def test_maps_are_averaged_over_their_places(tmp_path: Path) -> None:
    features = features_from(str(script(Halves(), tmp_path / "maps.pt")), CPU, trust=True)
    seen = as_three(some_pictures(3)).mean((2, 3))
    np.testing.assert_allclose(features(some_pictures(3)).numpy(), np.concatenate([seen, seen + 1], 1), atol=1e-6)


@pytest.mark.parametrize(
    ("network", "told"),
    [
        (OneRow(), "net.pt gives 1 rows for 5 pictures"),
        (Raises(), "net.pt does not take pictures of 6x7"),
        (Pair(), "net.pt does not take pictures of 6x7"),
        (nn.Conv2d(1, 4, 3), "net.pt does not take pictures of 6x7"),
    ],
    ids=["rows", "raises", "a pair", "grey only"],
)
def test_a_network_that_does_not_work_is_told_in_a_line(network: nn.Module, told: str, tmp_path: Path) -> None:
    features = features_from(str(script(network, tmp_path / "net.pt")), CPU, trust=True)
    with pytest.raises(UserError, match=told) as caught:
        features(some_pictures(3))
    assert "\n" not in str(caught.value)


def test_what_a_network_objects_to_is_told(tmp_path: Path) -> None:
    features = features_from(str(script(Raises(), tmp_path / "net.pt")), CPU, trust=True)
    with pytest.raises(UserError) as caught:
        features(some_pictures(3))
    assert "pictures of 299 only" in str(caught.value)


def a_pickle(path: Path) -> Path:
    path.write_bytes(pickle.dumps({"weights": [1, 2, 3]}))
    return path


def saved_weights(path: Path) -> Path:
    torch.save(nn.Linear(2, 2).state_dict(), path)
    return path


def holding(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (
            lambda folder: folder / "gone.pt",
            "no file '.*gone.pt'; give auto, learned, lite0, an ONNX or TorchScript file, or timm:NAME",
        ),
        (lambda folder: folder, "no file"),
        (lambda folder: "", "no file ''"),
        (lambda folder: "inception", "no file 'inception'"),
        (lambda folder: holding(folder / "net.h5", b"x"), r"net\.h5 ends in none of \.onnx, \.safetensors, \.pt, \.ts"),
        (lambda folder: holding(folder / "net", b"x"), r"net ends in none of"),
        (lambda folder: holding(folder / "empty.pt", b""), r"empty\.pt is not TorchScript"),
        (lambda folder: holding(folder / "text.ts", b"hello"), r"text\.ts is not TorchScript"),
        (lambda folder: a_pickle(folder / "pickle.pt"), r"pickle\.pt is not TorchScript"),
        (lambda folder: saved_weights(folder / "weights.pt"), r"weights\.pt is not TorchScript"),
    ],
)
def test_what_is_no_file_of_features(make: Callable[[Path], Path | str], told: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=told) as caught:
        features_from(str(make(tmp_path)), CPU, trust=True)
    assert str(caught.value).startswith("features: ")
    assert "\n" not in str(caught.value)


def test_a_name_too_long_is_no_file_of_features() -> None:
    with pytest.raises(UserError, match="no file"):
        features_from("x" * 300 + ".pt", CPU, trust=True)


# ONNX


def means_graph(path: Path, location: str = "") -> Path:
    """An ONNX file with means of the channels, times three, and a second output that nobody asked for; the three lies
    in the file called ``location``, where there is one."""
    onnx = pytest.importorskip("onnx")
    helper, numbers = onnx.helper, onnx.TensorProto
    three = helper.make_tensor("three", numbers.FLOAT, [1], np.array([3], np.float32).tobytes(), raw=True)
    if location:
        onnx.external_data_helper.set_external_data(three, location)
        three.ClearField("raw_data")
    nodes = [
        helper.make_node("ReduceMean", ["pixels"], ["means"], axes=[2, 3], keepdims=0),
        helper.make_node("Mul", ["means", "three"], ["features"]),
    ]
    pictures = helper.make_tensor_value_info("pixels", numbers.FLOAT, ["n", 3, "height", "width"])
    outputs = [helper.make_tensor_value_info(name, numbers.FLOAT, ["n", 3]) for name in ("features", "means")]
    graph = helper.make_graph(nodes, "means", [pictures], outputs, [three])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return holding(path, model.SerializeToString())


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("location", ["", "weights.bin", "below/weights.bin"])
def test_an_onnx_file_gets_rgb_in_the_unit_interval(channels: int, location: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    (tmp_path / "below").mkdir()
    path = means_graph(tmp_path / "net.onnx", location)
    if location:
        (tmp_path / location).write_bytes(np.array([3], np.float32).tobytes())
    features = features_from(str(path), CPU)
    images = some_pictures(channels)
    np.testing.assert_allclose(features(images).numpy(), 3 * as_three(images).mean((2, 3)), atol=1e-5)
    assert (features.name, features.hash) == ("net.onnx", hashlib.sha256(path.read_bytes()).hexdigest()[:16])


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("../weights.bin", r"reads '\.\./weights\.bin', outside of its folder; it is not run"),
        ("/etc/hostname", "reads '/etc/hostname', outside of its folder"),
        ("link.bin", "reads 'link.bin', outside of its folder"),
        ("pipe.bin", "needs the file 'pipe.bin' beside it"),
        ("gone.bin", "needs the file 'gone.bin' beside it"),
    ],
)
def test_an_onnx_file_reads_nothing_outside_of_its_folder(location: str, told: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    (tmp_path / "in").mkdir()
    (tmp_path / "weights.bin").write_bytes(np.array([3], np.float32).tobytes())
    (tmp_path / "in" / "link.bin").symlink_to(tmp_path / "weights.bin")
    os.mkfifo(tmp_path / "in" / "pipe.bin")
    with pytest.raises(UserError, match=told):
        features_from(str(means_graph(tmp_path / "in" / "net.onnx", location)), CPU)


def test_weights_inside_of_an_operation_are_looked_at_too(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    onnx = pytest.importorskip("onnx")
    model = onnx.load(str(means_graph(tmp_path / "net.onnx", "../secret")), load_external_data=False)
    node = onnx.helper.make_node("Constant", [], ["three"], value=model.graph.initializer[0])
    del model.graph.initializer[:]
    model.graph.node.insert(0, node)
    with pytest.raises(UserError, match="outside of its folder"):
        features_from(str(holding(tmp_path / "net.onnx", model.SerializeToString())), CPU)


def test_an_onnx_file_leaves_nothing_in_the_home_folder(tmp_path: Path) -> None:
    """onnxruntime would keep a number for the machine there, to report its use by."""
    pytest.importorskip("onnxruntime")
    path = means_graph(tmp_path / "net.onnx")
    (tmp_path / "home").mkdir()
    script = (
        "import sys; from torch import device; from sparring.images.features.files import features_from; "
        "print(features_from(sys.argv[1], device('cpu')).name)"
    )
    environment = {**os.environ, "HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "home")}
    ended = subprocess.run(
        [sys.executable, "-c", script, str(path)], env=environment, capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == "net.onnx"
    assert list((tmp_path / "home").iterdir()) == []


def test_an_onnx_file_that_cannot_be_read(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnxruntime")
    for content in (b"no graph", b"", means_graph(tmp_path / "whole.onnx").read_bytes()[:60]):
        with pytest.raises(UserError, match=r"net\.onnx is not a readable ONNX file \(.+\)$") as caught:
            features_from(str(holding(tmp_path / "net.onnx", content)), CPU)
        assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_onnx_without_its_extra(package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)  # as if it were not installed
    with pytest.raises(UserError, match=r"ONNX files need the libraries onnx and onnxruntime: pip install onnx"):
        features_from(str(holding(tmp_path / "net.onnx", b"graph")), CPU)


# Programs, and features that were learned before


def test_torchscript_is_run_only_where_it_is_trusted(tmp_path: Path, labelled: ImageSource) -> None:
    path = script(Extremes(), tmp_path / "mine.pt")
    with pytest.raises(UserError, match=r"mine\.pt is TorchScript, a program .*; give an ONNX file, or add --trust"):
        Images().find_features(labelled, str(path), CPU, print)
    for name in ("pickle.pt", "weights.ts"):
        with pytest.raises(UserError, match="--trust"):
            features_from(str(saved_weights(tmp_path / name)), CPU)


def test_features_that_were_learned_before_serve_other_pictures(
    cache: Path, labelled: ImageSource, unlabelled: ImageSource, tmp_path: Path
) -> None:
    learned_before = taught_by(labelled)
    (kept,) = cache.iterdir()
    features = features_from(str(shutil.copy(kept, tmp_path / "mine.safetensors")), CPU)
    assert features.hash == learned_before.hash
    assert torch.equal(features(all_of(unlabelled)), learned_before(all_of(unlabelled)))
    with pytest.raises(UserError, match="does not take pictures of 6x7"):
        features(some_pictures(3))


def without(name: str) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    return lambda tensors: {key: value for key, value in tensors.items() if key != name}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda tensors: {}, "does not hold what Sparring keeps"),
        (without("trunk.body.0.weight"), "does not hold what Sparring keeps"),
        (without("trunk.body.1.weight"), "does not hold what Sparring keeps"),
        (lambda tensors: {**tensors, "trunk.body.0.weight": torch.ones(3)}, "does not hold what Sparring keeps"),
        (lambda tensors: {**tensors, "trunk.body.0.weight": torch.ones(16, 0, 3, 3)}, "does not hold what Spar"),
        (lambda tensors: {**tensors, "trunk.body.1.weight": torch.full((16,), torch.nan)}, "not finite"),
    ],
    ids=["nothing", "no first", "no norm", "a vector", "no channels", "not finite"],
)
def test_what_was_not_learned_by_sparring_is_no_features(
    change: Callable[[dict[str, Tensor]], dict[str, Tensor]], told: str, labelled: ImageSource, cache: Path
) -> None:
    taught_by(labelled)
    (kept,) = cache.iterdir()
    save_file(change(load_file(kept)), kept, {"accuracy": "0.5"})
    with pytest.raises(UserError, match=told) as caught:
        features_from(str(kept), CPU)
    assert "\n" not in str(caught.value)


# timm


class Pool(nn.Module):
    """A model as timm makes them: means of the channels, and how it wants its pictures."""

    pretrained_cfg = {"mean": (0.5, 0.4, 0.3), "std": (0.2, 0.25, 0.5), "input_size": (3, 20, 24)}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.arange(3.0))
        self.seen: list[tuple[int, ...]] = []

    def forward(self, images: Tensor) -> Tensor:
        assert not self.training
        self.seen.append(tuple(images.shape))
        return images.mean((2, 3))


class Timm(ModuleType):
    """A stand-in: knows a model called pool."""

    def __init__(self) -> None:
        super().__init__("timm")
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.network = Pool()

    def create_model(self, name: str, **wanted: Any) -> nn.Module:
        self.asked.append((name, wanted))
        if name != "pool":
            raise RuntimeError(f"Unknown model ({name})\nsee timm.list_models()")
        return self.network


@pytest.fixture
def timm(monkeypatch: pytest.MonkeyPatch) -> Timm:
    module = Timm()
    monkeypatch.setitem(sys.modules, "timm", module)
    return module


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_model_of_timms_gets_pictures_as_it_wants_them(channels: int, timm: Timm) -> None:
    features = features_from("timm:pool", CPU)
    flat = torch.tensor([0, 51, 255, 102][:channels], dtype=torch.uint8).view(1, -1, 1, 1).expand(2, -1, 8, 9)
    expected = (as_three(flat)[:, :, 0, 0] - np.array([0.5, 0.4, 0.3])) / np.array([0.2, 0.25, 0.5])
    np.testing.assert_allclose(features(flat).numpy(), expected, atol=1e-5)
    assert timm.network.seen == [(2, 3, 20, 24)]
    assert timm.asked == [("pool", {"num_classes": 0, "pretrained": True})]
    assert (features.name, features.hash) == ("timm pool", weights_hash({"weight": torch.arange(3.0)}))


def test_pictures_for_timm_stay_in_range_when_they_are_enlarged(timm: Timm) -> None:
    """A bicubic resize overshoots at edges; what no picture can be is cut off."""
    timm.network.forward = lambda images: torch.cat([images.amin((2, 3)), images.amax((2, 3))], 1)  # type: ignore[method-assign]
    edge = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)
    edge[..., 4:] = 255
    mean, std = (torch.tensor(Pool.pretrained_cfg[key]) for key in ("mean", "std"))
    expected = torch.cat([(0 - mean) / std, (1 - mean) / std])[None]
    torch.testing.assert_close(features_from("timm:pool", CPU)(edge), expected)


def test_a_model_of_timms_with_ones_own_weights(timm: Timm, tmp_path: Path) -> None:
    path = holding(tmp_path / "some:where.safetensors", b"weights")
    features_from(f"timm:pool:{path}", CPU)
    assert timm.asked == [("pool", {"num_classes": 0, "checkpoint_path": str(path)})]
    with pytest.raises(UserError, match="no file"):
        features_from(f"timm:pool:{tmp_path}/gone.safetensors", CPU)


@pytest.mark.parametrize("weights", ["net.pth", "net.pt", "net.bin", "net.safetensors.pkl", ""])
def test_weights_for_timm_that_can_run_code_are_refused(weights: str, timm: Timm) -> None:
    with pytest.raises(UserError, match="is not safetensors; other weights can run code"):
        features_from(f"timm:pool:{weights}", CPU)
    assert timm.asked == []


def test_a_model_that_timm_does_not_have(timm: Timm) -> None:
    with pytest.raises(UserError, match=r"timm cannot make 'pond' \(Unknown model \(pond\)\)$"):
        features_from("timm:pond", CPU)


def test_a_model_of_timms_that_fails(timm: Timm) -> None:
    timm.network.train()
    features = features_from("timm:pool", CPU)
    timm.network.train()
    with pytest.raises(UserError, match="pool does not take pictures of 6x7"):
        features(some_pictures(3))


def test_without_timm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(UserError, match=r"timm cannot be used here \(.*\); pip install timm"):
        features_from("timm:pool", CPU)


# FID is the name of one thing only


def test_a_distance_is_called_fid_in_the_reference_network_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = script(Reference(), tmp_path / "inception.pt")
    for name, seed in (("data", 0), ("made", 1)):
        source_of(tmp_path / f"{name}.npz", np.random.default_rng(seed).integers(0, 256, (60, 6, 6, 3), dtype=np.uint8))

    def rows() -> dict[str, dict[str, Any]]:
        made, data = tmp_path / "made.npz", tmp_path / "data.npz"
        result = evaluate(made, data=data, features=str(path), trust=True, out=tmp_path / "out", device="cpu")
        return {score["name"]: score for score in result["scores"]}

    other = features_from(str(path), CPU, trust=True)
    assert other.frechet == "frechet"
    assert other(some_pictures(1)).shape == (5, 1)  # called like any other
    unknown = rows()
    assert "FID" not in unknown
    assert unknown["frechet"]["value"] is not None

    monkeypatch.setattr(files, "INCEPTION", hashlib.sha256(path.read_bytes()).hexdigest())
    reference = features_from(str(path), CPU)
    assert (reference.frechet, reference.hash) == ("FID", files.INCEPTION[:16])
    images = some_pictures(4)
    np.testing.assert_allclose(reference(images).numpy(), 255 * as_three(images).mean((2, 3)), rtol=1e-5)
    known = rows()
    assert "frechet" not in known
    assert known["FID"]["value"] is not None
    assert set(known) - {"FID"} == set(unknown) - {"frechet"}


# How long is learned


@pytest.mark.parametrize(
    ("count", "steps"), [(20, 100), (110, 107), (256, 250), (1023, 999), (1024, STEPS), (60_000, STEPS)]
)
def test_few_pictures_are_learned_from_for_fewer_steps(count: int, steps: int) -> None:
    assert steps_for(count) == steps


def of_seconds(each: float) -> SimpleNamespace:
    """A clock on which so many pass between two looks at it."""
    looks = itertools.count()
    return SimpleNamespace(monotonic=lambda: each * next(looks))


def test_what_takes_far_too_long_is_cut_short_and_says_so(
    unlabelled: ImageSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 100 steps of twenty seconds twelve fit into four minutes."""
    monkeypatch.setattr(learned, "contrast", functools.partial(learning.contrast, steps=100))
    monkeypatch.setattr(supervised, "time", of_seconds(20))
    said: list[str] = []
    features = taught_by(unlabelled, said)
    assert features.name == "contrast of plain.npz, 180 pictures, cut short after 12 of 100 steps"
    assert "cut short after 12 of 100 steps; scores in them can be compared on this machine alone" in said[-1]
    monkeypatch.setattr(learned, "contrast", never)
    assert (taught_by(unlabelled).name, taught_by(unlabelled).hash) == (features.name, features.hash)


@pytest.mark.parametrize("kind", ["classifier", "contrast"])
def test_no_clock_has_a_part_in_what_is_learned_in_time(
    kind: str, labelled: ImageSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = set()
    for seconds in (0.0, 1.0, 11.9):
        monkeypatch.setattr(supervised, "time", of_seconds(seconds))
        taught = getattr(learning, kind)(labelled, CPU, steps=20)
        assert taught.cut_short == ""
        hashes.add(weights_hash(taught.trunk.state_dict()))
    assert len(hashes) == 1


@pytest.mark.parametrize(
    ("of_steps", "of_time", "share"),
    [(0.1, 0.4, 0.1), (0.1, 0.5, 0.1), (0.1, 0.51, 0.51), (0.6, 0.55, 0.6), (0.6, 0.7, 0.7), (1.0, 0.2, 1.0)],
)
def test_time_counts_once_half_of_it_is_over(of_steps: float, of_time: float, share: float) -> None:
    assert progress(of_steps, of_time) == share


def test_the_rate_goes_up_and_down_once() -> None:
    """As torch has it, apart from the momentum, which stays."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))])
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=1001, final_div_factor=1e9)
    rates = []
    for _ in range(1000):
        rates.append(cycle.get_last_lr()[0])
        optimizer.step()
        cycle.step()
    ours = [RATE * one_cycle(step / 1000) for step in range(1000)]
    np.testing.assert_allclose(ours, rates, atol=0.01 * RATE)


def test_threads_have_no_part_in_it_either(labelled: ImageSource) -> None:
    before, hashes = torch.get_num_threads(), set()
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            hashes.add(weights_hash(learning.contrast(labelled, CPU, steps=20).trunk.state_dict()))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert len(hashes) == 1


def test_many_pictures_are_learned_from_in_part(labelled: ImageSource, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, no more are read, from all over the source."""
    monkeypatch.setattr(learning, "PICTURES", 50)
    read: list[int] = []
    batch = labelled.batch

    def noted(indices: np.ndarray) -> dict[str, Tensor]:
        read.extend(indices.tolist())
        return batch(indices)

    monkeypatch.setattr(labelled, "batch", noted)
    learning.contrast(labelled, CPU, steps=3)
    assert len(set(read)) == len(read) == 50
    assert min(read) < 30
    assert max(read) > 150


def test_large_pictures_are_learned_from_and_seen_at_half_their_size(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (60, 2 * PIXELS, 2 * PIXELS), dtype=np.uint8)
    features = taught_by(source_of(tmp_path / "large.npz", images))
    large = torch.from_numpy(images)[:, None]
    small = nn.functional.avg_pool2d(large.float(), 2)
    torch.testing.assert_close(features(large), features.of(small).detach(), atol=1e-4, rtol=1e-4)


def test_features_of_an_earlier_version_look_at_more(cache: Path, unlabelled: ImageSource, tmp_path: Path) -> None:
    """Files of before version 3 do not say at how many pixels they look: 64."""
    taught_by(unlabelled)
    (kept,) = cache.iterdir()
    tensors = load_file(kept)
    save_file(tensors, tmp_path / "old.safetensors", {"accuracy": "null"})
    old = Trunk(1, 64)
    old.load_state_dict(keeping.part(tensors, "trunk."))
    images = torch.randint(0, 256, (5, 1, 60, 60), dtype=torch.uint8)
    found = features_from(str(tmp_path / "old.safetensors"), CPU)(images)
    torch.testing.assert_close(found, old.eval()(scaled(images)).detach())
    newer = features_from(str(kept), CPU)(images)
    assert not torch.allclose(newer, found)
