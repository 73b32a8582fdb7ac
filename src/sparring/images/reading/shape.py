"""What every picture is brought to: the one shape that a game is played in, and how it is chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from sparring.core.errors import UserError
from sparring.core.terminal import shortened
from sparring.data.files.options import FileSettings
from sparring.data.source import Form
from sparring.images.options import SIDE, read_size
from sparring.media.pictures.decode import Header, Shape
from sparring.media.pictures.deep import FULL, Range

MINIMUM = 16  # good pictures: with fewer there is nothing to learn from, and mostly something else is wrong
SMALLEST = 4  # pixels a side that "auto" keeps
LARGEST = 128  # a set of one size up to this is kept as it is
USUAL = 64  # all others become squares of this


@dataclass(frozen=True, kw_only=True)
class ImageForm(Form):
    """Pictures of ``height`` x ``width`` pixels with so many ``channels``: 1 grey, 3 colour, 4 colour and alpha.

    ``range`` are black and white of those with more than 8 bits a value, ``(low, high)``, empty for all that a file can
    hold; None where there were none of these. Pixels have 8 bits whatever it is, so it makes no other form.
    """

    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"height": SIDE, "width": SIDE, "channels": (1, 4)}

    height: int
    width: int
    channels: int
    range: Range | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.range and not (len(self.range) == 2 and self.range[0] < self.range[1]):
            raise UserError(f"range: {shortened(self.range)} is no range: it has a low and a high number")

    def described(self) -> str:
        """The form in a few words: ``8x8, 1 channel, 10 labels``."""
        labels = f", {len(self.labels)} labels" if self.labels else ""
        return f"{self.height}x{self.width}, {self.channels} channel{'' if self.channels == 1 else 's'}{labels}"

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON can hold them, without a range where there is none."""
        return {name: value for name, value in super().to_dict().items() if value is not None}

    def differs(self, other: Form) -> str:
        """What of pictures of ``other`` is not as here, in one line; empty where nothing differs."""
        if not isinstance(other, ImageForm):
            return "no pictures"
        pairs = {
            "size": (f"{self.height}x{self.width}", f"{other.height}x{other.width}"),
            "channels": (self.channels, other.channels),
            "labels": (self.labels, other.labels),
        }
        unlike = {name: (here, there) for name, (here, there) in pairs.items() if here != there}
        return " and ".join(
            f"{name} {shortened(there)} instead of {shortened(here)}" for name, (here, there) in unlike.items()
        )


class ImageSettings(FileSettings, Protocol):
    """The fields of a recipe that say where pictures come from and how they are read."""

    @property
    def data(self) -> str: ...  # path, or the name of a set
    @property
    def size(self) -> str: ...  # "auto", "64", or "64x48" = height x width
    @property
    def channels(self) -> str: ...  # "auto", "1", "3", "4"
    @property
    def range(self) -> str: ...  # "auto", "full", or "0:4095"
    @property
    def fit(self) -> str: ...  # "crop", "pad", "stretch"
    @property
    def alpha(self) -> str: ...  # "white", "black", "keep", "drop"
    @property
    def cache_mb(self) -> int: ...  # MiB of decoded pixels to keep in memory


@dataclass(frozen=True)
class Survey:
    """What a whole set holds."""

    sizes: Counter[tuple[int, int]]  # (height, width) in pixels
    modes: Counter[str]
    colour: bool  # any picture with colour
    transparent: bool  # any picture with transparency


def survey(headers: Collection[Header]) -> Survey:
    """How often each size and mode occurs among these pictures, and whether any has colour or transparency."""
    return Survey(
        sizes=Counter((header.height, header.width) for header in headers),
        modes=Counter(header.mode for header in headers),
        colour=any(header.colour for header in headers),
        transparent=any(header.transparent for header in headers),
    )


def choose_shape(settings: ImageSettings, survey: Survey, limits: Range | None = None) -> Shape:
    """The shape asked for; where that is ``auto``, the one that the set itself suggests.

    Size: pictures of one size keep it if the sides are 4 to 128 pixels, all others become 64x64. Channels: 1
    if none has colour, else 3, and 4 where transparency is kept and there is any. ``limits`` are black and white of
    deep pictures. Raises :class:`UserError` when the settings contradict each other.
    """
    if settings.alpha == "keep" and settings.channels in ("1", "3"):
        raise UserError(f"alpha: 'keep' needs 4 channels, not {settings.channels}; leave channels at auto")
    height, width = read_size(settings.size) or _own_size(survey)
    if settings.channels != "auto":
        channels = int(settings.channels)
    elif settings.alpha == "keep" and survey.transparent:
        channels = 4
    else:
        channels = 3 if survey.colour else 1
    return Shape(height, width, channels, settings.fit, settings.alpha, limits or FULL)


def form_of(shape: Shape, labels: Sequence[str] = (), limits: Range | None = None) -> ImageForm:
    """The form of pictures of that shape, with the labels that they may have; ``limits`` are black and white of deep
    ones, where there are any."""
    size = {"height": shape.height, "width": shape.width, "channels": shape.channels}
    return ImageForm(**size, range=limits, labels=tuple(labels))


def _own_size(survey: Survey) -> tuple[int, int]:
    if len(survey.sizes) == 1:
        size = next(iter(survey.sizes))
        if min(size) >= SMALLEST and max(size) <= LARGEST:
            return size
    return USUAL, USUAL
