"""What an evaluation must see: sets of pictures that each fail in a way that has a name, and the name.

Drawn shapes in pretrained features (where these are installed), digits in features learned from them; real pictures
against real ones must get no name at all.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from sparring.images.features import learned, learning
from sparring.images.features.lite0 import installed
from sparring.metrics.findings import TOO_EARLY
from sparring.verbs.evaluate import evaluate
from sparring.verbs.train import train

SIZE = 32
Change = Callable[[Tensor, Tensor], Tensor]
"""Fresh real pictures and those of the data, bytes ``(n, channels, height, width)``, to samples."""


def shapes(count: int, seed: int) -> Tensor:
    """Warm discs, bars and squares on cold grounds, in many places; bytes ``(count, 3, 32, 32)``."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    drawn = np.empty((count, SIZE, SIZE, 3), np.uint8)
    for picture in drawn:
        picture[:] = random.integers((0, 60, 120), (60, 160, 256))
        middle, reach = random.integers(8, 24, 2), random.integers(4, 11)
        down, right = abs(rows - middle[0]), abs(columns - middle[1])
        inside = (down**2 + right**2 < reach**2, down < reach // 3, np.maximum(down, right) < reach)
        picture[inside[random.integers(3)]] = random.integers((160, 0, 0), (256, 200, 60))
    return torch.from_numpy(drawn).permute(0, 3, 1, 2).contiguous()


def digits() -> tuple[Tensor, np.ndarray]:
    """The bundled digits in random order, bytes ``(1797, 1, 8, 8)``, and their labels."""
    bundled = load_digits()
    order = np.random.default_rng(0).permutation(len(bundled.images))
    return torch.from_numpy(bundled.images * 255 / 16).round().byte()[order, None], bundled.target[order]


def noise(fresh: Tensor, data: Tensor) -> Tensor:
    return torch.randint(0, 256, fresh.shape, generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def alike(fresh: Tensor, data: Tensor) -> Tensor:
    """One texture, a little brighter or darker each time: what a GAN makes that has hardly begun."""
    random = torch.Generator().manual_seed(0)
    texture = 90 + 80 * torch.rand(fresh[:1].shape, generator=random)
    return (texture + 6 * torch.randn(len(fresh), 1, 1, 1, generator=random)).round().clamp(0, 255).byte()


def blurred(fresh: Tensor, data: Tensor) -> Tensor:
    return avg_pool2d(pad(fresh.float(), [1, 1, 1, 1], mode="replicate"), 3, 1).round().byte()


def grainy(fresh: Tensor, data: Tensor) -> Tensor:
    grain = torch.randn(fresh.shape, generator=torch.Generator().manual_seed(0))
    return (fresh + 20 * grain).round().clamp(0, 255).byte()


def write(place: Path, images: Tensor, labels: np.ndarray | None = None) -> Path:
    np.savez(place, images=images.permute(0, 2, 3, 1).numpy(), **({} if labels is None else {"labels": labels}))
    return place


def troubles(made: Path, data: Path, seed: int = 0, features: str = "learned") -> list[str]:
    found = evaluate(made, data=data, seed=seed, features=features, out=data.parent / "out", device="cpu")
    return [verdict["trouble"] for verdict in found["verdicts"]]


CASES: list[tuple[str, Change, list[str]]] = [
    ("noise", noise, [TOO_EARLY]),
    ("all alike", alike, ["collapse"]),
    ("one picture", lambda fresh, data: fresh[:1].expand(len(fresh), -1, -1, -1), ["collapse"]),
    ("few pictures", lambda fresh, data: fresh[torch.arange(len(fresh)) % 10], ["collapse"]),
    ("copies", lambda fresh, data: data[torch.arange(len(fresh))], ["memorisation"]),
    ("blur", blurred, ["blurred"]),
    ("other shades", lambda fresh, data: 255 - fresh, ["colours differ"]),
]


# Pretrained features

with_weights = pytest.mark.skipif(not installed(), reason="the extra 'pretrained' is not installed")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("shapes") / "real.npz", shapes(600, 0))


COLOURED: list[tuple[str, Change, list[str]]] = [
    ("grain", grainy, ["noisy"]),
    ("other colours", lambda fresh, data: fresh[:, [1, 2, 0]], ["colours differ"]),
    ("pale colours", lambda fresh, data: (0.1 * fresh + 0.9 * fresh.float().mean(1, keepdim=True)).byte(),
     ["colours differ"]),
]  # fmt: skip


@with_weights
@pytest.mark.parametrize(("name", "change", "wanted"), CASES + COLOURED, ids=[case[0] for case in CASES + COLOURED])
def test_each_failure_of_drawn_shapes_has_its_name(
    name: str, change: Change, wanted: list[str], drawn: Path, tmp_path: Path
) -> None:
    made = write(tmp_path / "made.npz", change(shapes(300, 1), shapes(600, 0)))
    assert set(wanted) <= set(troubles(made, drawn, features="lite0"))


@with_weights
@pytest.mark.parametrize("seed", range(3))
def test_other_shapes_of_the_same_kind_fail_in_nothing(seed: int, drawn: Path, tmp_path: Path) -> None:
    made = write(tmp_path / "made.npz", shapes(300, 2 + seed))
    assert troubles(made, drawn, seed, "lite0") == [""]


@with_weights
def test_a_gan_that_has_hardly_begun_makes_the_same_again_and_again(drawn: Path, tmp_path: Path) -> None:
    train("dcgan", data=str(drawn), out=tmp_path / "run", steps=3, batch=16, device="cpu")
    result = evaluate(tmp_path / "run", count=200, out=tmp_path / "out", device="cpu")
    assert result["verdicts"][0]["trouble"] == "collapse"
    assert "too early to tell" in result["verdicts"][0]["message"]


# Learned features


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def learning_is_short(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARRING_CACHE", str(cache))
    for name in ("classifier", "contrast"):
        monkeypatch.setattr(learned, name, functools.partial(getattr(learning, name), steps=200))


@pytest.mark.usefixtures("learning_is_short")
@pytest.mark.parametrize(("name", "change", "wanted"), CASES, ids=[case[0] for case in CASES])
def test_each_failure_of_digits_has_its_name(name: str, change: Change, wanted: list[str], tmp_path: Path) -> None:
    images, _ = digits()
    data, fresh = images[:1000], images[1000:1400]
    made = write(tmp_path / "made.npz", change(fresh, data))
    assert set(wanted) <= set(troubles(made, write(tmp_path / "real.npz", data)))


@pytest.mark.usefixtures("learning_is_short")
def test_half_of_the_digits_are_missing(tmp_path: Path) -> None:
    images, labels = digits()
    made = write(tmp_path / "made.npz", images[1000:][labels[1000:] < 5])
    assert troubles(made, write(tmp_path / "real.npz", images[:1000], labels[:1000])) == ["missing modes"]


@pytest.mark.usefixtures("learning_is_short")
@pytest.mark.parametrize("seed", range(3))
def test_other_digits_fail_in_nothing(seed: int, tmp_path: Path) -> None:
    images, _ = digits()
    order = np.random.default_rng(9 + seed).permutation(len(images))
    made, data = write(tmp_path / "made.npz", images[order[:400]]), write(tmp_path / "real.npz", images[order[400:]])
    assert troubles(made, data, seed) == [""]
