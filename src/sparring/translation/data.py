"""Two domains of pictures as one source: a picture of each at a time, unpaired, brought to one shape."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.seeds import Stream
from sparring.core.settings import note
from sparring.core.terminal import quoted
from sparring.data.order import held_out_count, split
from sparring.data.source import BadFile, remarks_of
from sparring.images.data import ImageSource
from sparring.images.data import open_source as open_pictures
from sparring.images.options import as_text
from sparring.images.reading.arrays import ImageArrays
from sparring.images.reading.folder import ImageFiles
from sparring.images.reading.shape import MINIMUM, ImageForm
from sparring.measurements import LEAST_HELD_OUT
from sparring.media.pictures.deep import Range
from sparring.translation.clips import Clips, holds_videos
from sparring.translation.drawn import draw, truth
from sparring.translation.inversion import upright
from sparring.translation.recipes import SETS, TranslationRecipe

PAIRS = (("trainA", "trainB"), ("train_A", "train_B"), ("A", "B"), ("a", "b"))  # names of the two inside one folder
KEPT = (("testA", "testB"), ("test_A", "test_B"))  # of what is kept to be evaluated with
TESTS = (*KEPT, *PAIRS)  # the same for what is evaluated
TOLD = 0.1  # of the smaller domain's files, with a name that one of the other has
COMPARED = 256  # pictures of each domain whose luminance is looked at


@dataclass(frozen=True, kw_only=True)
class TranslationForm(ImageForm):
    """The one shape of the pictures of both domains, how many pictures each has, and whether light should stay light
    between them (``upright``); ``range`` is that of domain A, ``range_b`` that of domain B."""

    limits: ClassVar[Mapping[str, tuple[float, float]]] = {**ImageForm.limits, "counts": (0, 10**12)}

    counts: tuple[int, ...]
    upright: bool
    range_b: Range | None = field(default=None, compare=False)

    @property
    def ranges(self) -> dict[str, Range | None]:
        """Black and white of pictures of more than 8 bits, by domain (see :class:`ImageForm`)."""
        return {"a": self.range, "b": self.range_b}

    def described(self) -> str:
        """The form in a few words: ``300 pictures in A and 800 in B, 64x64, 3 channels``."""
        a, b = self.counts
        return f"{a:,} pictures in A and {b:,} in B, {super().described()}"


class TwoDomains:
    """Yields ``a`` and ``b``, uint8 ``(n, channels, height, width)`` each; of videos ``a later`` and ``b later`` too.

    There are as many examples as the larger domain has pictures; those of the smaller come again and again. No picture
    of a held-out example is ever trained on: each domain is split by itself, and the indices that training holds out
    are given to what the domains hold out.
    """

    def __init__(self, name: str, a: ImageSource, b: ImageSource, recipe: TranslationRecipe) -> None:
        self.name, self.held_out = name, recipe.held_out
        self.domains = {"a": a, "b": b}
        self.in_memory = a.in_memory and b.in_memory
        count = max(len(a), len(b))
        members, held_out = split(count, recipe.seed, held_out_count(recipe.held_out, count))
        self.index = {
            domain: indices_for(len(source), members, held_out, recipe, number)
            for number, (domain, source) in enumerate(self.domains.items())
        }
        few = [source.batch(np.arange(min(len(source), COMPARED)))["images"] for source in (a, b)]
        self.form = TranslationForm(
            height=a.form.height,
            width=a.form.width,
            channels=a.form.channels,
            range=a.form.range,
            range_b=b.form.range,
            counts=(len(a), len(b)),
            upright=upright(*few),
        )
        self.bad_files: list[BadFile] = []  # those of both domains, and what workers find
        self.note_bad_files()

    def note_bad_files(self) -> None:
        """Take over the bad files that the domains have found."""
        bad_files = [bad for source in self.domains.values() for bad in source.bad_files]
        self.bad_files += [bad for bad in bad_files if bad not in self.bad_files]

    def remarks(self) -> list[str]:
        """What a person should know about each domain, and about the two of them, a line each."""
        lines = []
        for name, source in self.domains.items():
            held_out = held_out_count(self.held_out, len(source))
            few = [f"{len(source):,} pictures, of which {held_out} are held out: too few to measure diversity by"]
            own = [*remarks_of(source), *(few if self.held_out and held_out < LEAST_HELD_OUT else [])]
            lines += [f"domain {name.upper()}: {line}" for line in own]
        a, b = self.domains.values()
        pairs, smaller = len(same_names(a, b)), min(len(a), len(b))
        if pairs >= TOLD * smaller:
            lines.append(
                f"{pairs:,} of {smaller:,} files have the same name in A and B: if they are pairs, training is "
                "unpaired all the same; evaluate compares with them where nine in ten have a partner"
            )
        return lines

    def __len__(self) -> int:
        return len(self.index["a"])

    def batch(self, indices: np.ndarray) -> dict[str, Tensor]:
        """The pictures at ``indices``, int64 ``(n,)``: ``a`` and ``b``, uint8 ``(n, channels, height, width)``; of
        videos ``a later`` and ``b later`` too, ``(n, 2 channels, height, width)``."""
        pictures = {}
        for name, source in self.domains.items():
            batch = source.batch(self.index[name][indices])
            pictures[name] = batch["images"]
            if "later" in batch:
                pictures[f"{name} later"] = batch["later"]
        self.note_bad_files()
        return pictures


def indices_for(
    count: int, members: np.ndarray, held_out: np.ndarray, recipe: TranslationRecipe, domain: int
) -> np.ndarray:
    """Which of a domain's ``count`` pictures each example shows, int64 ``(members + held out,)``.

    ``members`` and ``held_out`` are indices of examples, ``(n,)`` each. A domain of fewer than ten pictures holds none
    out.
    """
    trained, kept = split(count, recipe.seed, held_out_count(recipe.held_out, count))
    random = np.random.default_rng((recipe.seed, Stream.DOMAINS, domain))
    index = np.empty(len(members) + len(held_out), np.int64)
    index[members] = np.resize(random.permutation(trained), len(members))
    index[held_out] = np.resize(random.permutation(kept if len(kept) else trained), len(held_out))
    return index


def open_source(recipe: TranslationRecipe) -> TwoDomains:
    """The two domains that the recipe names. Raises :class:`UserError` when one of them cannot be had."""
    if recipe.data in SETS:
        if recipe.data_b:
            raise UserError(f"data_b: {recipe.data} holds both domains already; leave data_b out")
        return TwoDomains(recipe.data, *draw(recipe), recipe)
    paths = find_domains(recipe.data, recipe.data_b)
    if os.path.samefile(*map(os.path.expanduser, paths)):
        note(f"warning: both domains are {paths[0]}; nothing will be learned")
    name = " and ".join(filter(None, (recipe.data, recipe.data_b)))
    if recipe.recycle:
        a, b = (Clips(replace(recipe, data=path)) for path in paths)
        return TwoDomains(name, a, b, recipe)
    first, second = in_one_shape(recipe, paths)
    return TwoDomains(name, first, second, recipe)


@dataclass(frozen=True)
class EvaluationData:
    """Two domains to evaluate on, of one shape; ``pairs`` ``(n, 2)`` are indices of pictures that belong together."""

    domains: Mapping[str, ImageSource]
    pairs: np.ndarray | None


def open_evaluation_data(recipe: TranslationRecipe, form: ImageForm) -> EvaluationData:
    """The domains that ``recipe`` names, in the shape that a model knows; labelled where they are.

    Inside one folder, ``testA`` and ``testB`` go before what it was trained on. Pictures whose files have one name are
    a pair. Raises :class:`UserError` as :func:`open_source` does.
    """
    shaped = in_form(recipe, form)
    if recipe.data in SETS:
        ink, neon, labels = truth()
        domains = {"a": ImageArrays((ink, labels), shaped), "b": ImageArrays((neon, labels), shaped)}
        return EvaluationData(domains, np.arange(len(ink))[:, None].repeat(2, 1))
    paths = find_domains(recipe.data, recipe.data_b, TESTS)
    ranges = list(form.ranges.values()) if isinstance(form, TranslationForm) else [form.range, form.range]
    a, b = (
        pictures_or_frames(replace(shaped, data=path, range=shaped.range if limits is None else as_text(limits)))
        for path, limits in zip(paths, ranges, strict=True)
    )
    return EvaluationData({"a": a, "b": b}, pairs_of(a, b))


def pictures_or_frames(recipe: TranslationRecipe, least: int = MINIMUM) -> ImageSource:
    """The pictures that a recipe names; or the frames of its videos, where it learns from videos. Raises
    :class:`UserError` where there are fewer than ``least``."""
    if recipe.recycle and holds_videos(recipe.data):
        return Clips(recipe)
    return open_pictures(recipe, least)


def open_kept(recipe: TranslationRecipe, form: TranslationForm) -> EvaluationData | None:
    """The domains that lie beside those that ``recipe`` learns from and are kept to be evaluated with, in the shape
    that a model knows; None where there are none. Raises :class:`UserError` where they cannot be read."""
    root = Path(os.path.expanduser(recipe.data))
    beside = not recipe.data_b and any(all((root / name).is_dir() for name in pair) for pair in KEPT)
    return open_evaluation_data(recipe, form) if beside or recipe.data in SETS else None


def open_domain(recipe: TranslationRecipe, form: TranslationForm, domain: str) -> ImageSource:
    """The pictures of one domain alone, one or more, that ``recipe.data`` names, in the shape that a model knows.
    Raises :class:`UserError` when there are none to be had."""
    limits = form.ranges[domain]
    shaped = in_form(recipe, form).changed({"labelled": "no", "split": "all"})
    return pictures_or_frames(shaped if limits is None else replace(shaped, range=as_text(limits)), least=1)


def in_form(recipe: TranslationRecipe, form: ImageForm) -> TranslationRecipe:
    """The recipe with pictures brought to the size and the channels of a form."""
    return replace(recipe, size=f"{form.height}x{form.width}", channels=str(form.channels))


def pairs_of(a: ImageSource, b: ImageSource) -> np.ndarray | None:
    """The pairs of pictures whose files have one name, indices int64 ``(n, 2)``; None where fewer than nine in ten of
    the smaller domain's have a partner."""
    pairs = same_names(a, b)
    return pairs if len(pairs) >= 0.9 * min(len(a), len(b)) else None


def same_names(a: ImageSource, b: ImageSource) -> np.ndarray:
    """The pictures of two domains whose files have one name, apart from its ending: indices int64 ``(n, 2)``."""
    if not isinstance(a, ImageFiles) or not isinstance(b, ImageFiles):
        return np.empty((0, 2), np.int64)
    names_a, names_b = ([str(Path(name).with_suffix("")) for name in source.files] for source in (a, b))
    index = {name: number for number, name in enumerate(names_b)}
    return np.array([(number, index[name]) for number, name in enumerate(names_a) if name in index]).reshape(-1, 2)


def find_domains(data: str, data_b: str, names: Sequence[tuple[str, str]] = PAIRS) -> tuple[str, str]:
    """The paths of the two domains; inside one folder, by one of these pairs of ``names``, the first that is there.

    Raises :class:`UserError` when there are not two.
    """
    if data_b:
        for path in (data, data_b):
            if not os.path.exists(os.path.expanduser(path)):
                raise UserError(
                    f"data: no file or folder called {quoted(path)}; give two domains: --data A_FOLDER B_FOLDER"
                )
        return data, data_b
    root = Path(os.path.expanduser(data))
    if not data or not root.exists():
        raise UserError(f"data: no file or folder called {quoted(data)}; give two domains: --data A_FOLDER B_FOLDER")
    if not root.is_dir():
        raise UserError(f"{data}: is one domain, and two are needed; give them both: --data A_FOLDER B_FOLDER")
    for pair in names:
        if all((root / name).is_dir() for name in pair):
            return str(root / pair[0]), str(root / pair[1])
    inside = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    if len(inside) == 2:
        return str(inside[0]), str(inside[1])
    raise UserError(
        f"{data}: holds no pair of folders ({' or '.join('/'.join(pair) for pair in PAIRS)}); "
        "give two: --data A_FOLDER B_FOLDER"
    )


def in_one_shape(recipe: TranslationRecipe, paths: Sequence[str]) -> list[ImageSource]:
    """The domains at ``paths``, opened in one shape: the larger where they differ, its sides rounded up to multiples of
    four unless a size was asked for. Raises :class:`UserError` for a path without pictures."""
    recipes = [recipe.changed({"data": path, "labelled": "no"}) for path in paths]
    opened = [open_pictures(each) for each in recipes]
    height, width, channels = (
        max(getattr(source.form, name) for source in opened) for name in ("height", "width", "channels")
    )
    size = recipe.size
    if size == "auto":
        height, width = -(-height // 4) * 4, -(-width // 4) * 4
        size = f"{height}x{width}"
    return [
        source
        if (source.form.height, source.form.width, source.form.channels) == (height, width, channels)
        else open_pictures(replace(each, size=size, channels=str(channels)))
        for source, each in zip(opened, recipes, strict=True)
    ]
