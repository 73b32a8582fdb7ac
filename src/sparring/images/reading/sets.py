"""Sets of pictures that go by a name: drawn, bundled with scikit-learn, or downloaded once and checked."""

from __future__ import annotations

import gzip
import os
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sparring.core.errors import UserError
from sparring.data.download import Remote, fetch
from sparring.data.source import BadFile
from sparring.images.reading.arrays import Arrays, ImageArrays
from sparring.images.reading.letters import letters
from sparring.images.reading.official_files import idx_images, is_cifar, read_cifar, read_idx_pair
from sparring.images.reading.shape import ImageSettings, form_of, survey
from sparring.media.pictures.decode import Header, Shape

STACKED = "stacked-mnist"

_MNIST = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
_FASHION = (
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
)
_CIFAR = (
    "https://www.cs.toronto.edu/~kriz/",
    "https://cave.cs.toronto.edu/kriz/",
    "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/",
)
_IMAGES, _LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"


def _remote(file: str, digest: str, mirrors: Sequence[str]) -> Remote:
    return Remote(file, digest, tuple(mirror + file for mirror in mirrors))


# The digests are those that several unrelated public repositories check the same files by (for CIFAR-10 also
# a copy of its author's page). They were written down without a network: no file was downloaded and hashed.
REMOTES: dict[str, tuple[Remote, ...]] = {
    "mnist": (
        _remote(_IMAGES, "sha256:440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", _MNIST),
        _remote(_LABELS, "sha256:3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", _MNIST),
    ),
    "fashion-mnist": (
        _remote(_IMAGES, "sha256:3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", _FASHION),
        _remote(_LABELS, "sha256:a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", _FASHION),
    ),
    "cifar10": (_remote("cifar-10-binary.tar.gz", "md5:c32a1d4ab5d03f1284b67883e8d87530", _CIFAR),),
}

NAMES = ("letters", "digits", *REMOTES, STACKED)


def is_set(name: str) -> bool:
    """Whether ``name`` is one of ``NAMES``, or ``stacked-mnist:`` and the path of a local MNIST."""
    return name in NAMES or name.startswith(f"{STACKED}:")


def open_set(settings: ImageSettings, remotes: Mapping[str, Sequence[Remote]] = REMOTES) -> ImageArrays | StackedDigits:
    """The set that ``settings.data`` names, downloaded if need be. Raises :class:`UserError` where it cannot be had."""
    name, _, path = settings.data.partition(":")
    if name == "letters":
        return ImageArrays(letters(), settings)
    if name == "digits":
        return ImageArrays(_digits(), settings)
    if name == STACKED:
        return StackedDigits(
            local_arrays(Path(os.path.expanduser(path))) if path else _downloaded("mnist", remotes), settings
        )
    return ImageArrays(_downloaded(name, remotes), settings)


def local_arrays(path: Path) -> Arrays:
    """The pictures of a local copy of the official files of MNIST or CIFAR-10, uint8 ``(n, height, width, channels)``,
    with their labels. Raises :class:`UserError` where there are none."""
    if path.exists():
        if images := idx_images(path):
            return read_idx_pair(images)
        if is_cifar(path):
            return read_cifar(path)
    raise UserError(f"{path}: no MNIST there; give the folder that holds {_IMAGES}")


def _downloaded(name: str, remotes: Mapping[str, Sequence[Remote]]) -> Arrays:
    folder = fetch(name, remotes[name])
    return local_arrays(folder / remotes[name][0].file)


def _digits() -> Arrays:
    """1,797 digits ``(8, 8, 1)``, from scikit-learn's 17 levels to [0, 255]; out of its file, for to import it takes a
    second."""
    spec = find_spec("sklearn")
    assert spec is not None
    assert spec.origin is not None
    with gzip.open(Path(spec.origin).parent / "datasets" / "data" / "digits.csv.gz", "rt") as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.int64)
    pixels = np.rint(table[:, :-1].reshape(-1, 8, 8, 1) * (255 / 16)).astype(np.uint8)
    return pixels, [str(label) for label in table[:, -1]]


class StackedDigits:
    """Stacked MNIST: three random digits as the red, green and blue of one picture, 1,000 modes in all.

    Metz, Poole, Pfau, Sohl-Dickstein 2017 ("Unrolled generative adversarial networks"), with the 128,000
    examples of Lin et al. 2018 (PacGAN), the same ones for everybody; 28x28 digits get a border of zeros to
    32x32. Raises :class:`UserError` for digits of another size, and settings that ask for other pictures.
    """

    COUNT = 128_000
    SIZE = 32  # pixels
    SEED = 0

    in_memory = True

    def __init__(self, digits: Arrays, settings: ImageSettings) -> None:
        pixels, _ = digits
        if settings.size not in ("auto", "32", "32x32") or settings.channels not in ("auto", "3"):
            raise UserError(f"{STACKED}: pictures are 32x32 with 3 channels; leave size and channels at auto")
        if settings.labelled == "yes":
            raise UserError(f"{STACKED}: has no labels; leave labelled at auto")
        if pixels.shape[1:] != (28, 28, 1):
            raise UserError(f"{settings.data}: its pictures are not MNIST's 28x28 greys; give MNIST's own files")
        border = (self.SIZE - 28) // 2
        padded = np.pad(pixels[..., 0], ((0, 0), (border, border), (border, border)))
        self.digits = torch.from_numpy(padded)
        random = np.random.default_rng(self.SEED)
        self.triples = torch.from_numpy(random.integers(len(pixels), size=(self.COUNT, 3)))

        self.name = settings.data
        self.bad_files: list[BadFile] = []
        self.shape = Shape(self.SIZE, self.SIZE, 3)
        self.survey = survey([Header(self.SIZE, self.SIZE, "RGB", colour=True, transparent=False)] * self.COUNT)
        self.labels: Tensor | None = None
        self.form = form_of(self.shape)

    def __len__(self) -> int:
        return self.COUNT

    def batch(self, indices: np.ndarray) -> dict[str, Tensor]:
        """``images`` uint8 ``(n, 3, 32, 32)`` in [0, 255]."""
        triples = self.triples.index_select(0, torch.from_numpy(indices))  # (n, 3)
        images = self.digits.index_select(0, triples.flatten())
        return {"images": images.view(-1, 3, self.SIZE, self.SIZE)}
