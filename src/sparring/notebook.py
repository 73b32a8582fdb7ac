"""What a notebook shows: artifacts as Pillow pictures, pictures side by side, facts and samples as HTML."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping, Sequence
from html import escape

import torch
from PIL import Image
from torch import Tensor

from sparring.core.errors import UserError
from sparring.kind import Artifact

SMALLEST = 64  # pixels of a side, up to which small pictures are enlarged, each pixel to a square of pixels
GAP = 2  # pixels between pictures


def as_picture(example: Tensor, artifact: Artifact | None, kind: str) -> Image.Image:
    """A comparable example ``(...)``, shown by ``artifact``, as a picture: bytes ``(channels, height, width)`` pixel by
    pixel, of a sound its spectrogram, of a clip an animation. Raises :class:`UserError` for one that nothing is drawn
    of."""
    if example.dtype == torch.uint8 and example.ndim == 3 and len(example) <= 4:
        pixels = example.permute(1, 2, 0).contiguous().numpy()
        return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    if artifact is None or not (artifact.picture or artifact.media_type.startswith("image/")):
        raise UserError(f"images: of {kind} there are no pictures; model.sample gives what it makes")
    picture = Image.open(io.BytesIO(artifact.picture or artifact.data))
    picture.load()
    return picture


def side_by_side(pictures: Sequence[Image.Image], columns: int = 0) -> Image.Image:
    """Pictures of one size, one or more, in rows of so many ``columns`` (0: as many as make it square); small ones are
    enlarged by a whole number."""
    columns = columns or math.ceil(math.sqrt(len(pictures)))
    width, height = pictures[0].size
    scale = max(1, SMALLEST // max(width, height))
    width, height = width * scale, height * scale
    mode = "L" if all(picture.mode == "L" for picture in pictures) else "RGBA"
    rows = math.ceil(len(pictures) / columns)
    sheet = Image.new(mode, (columns * (width + GAP) - GAP, rows * (height + GAP) - GAP))
    for index, picture in enumerate(pictures):
        row, column = divmod(index, columns)
        enlarged = picture.convert(mode).resize((width, height), Image.Resampling.NEAREST)
        sheet.paste(enlarged, (column * (width + GAP), row * (height + GAP)))
    return sheet


def as_html(facts: Mapping[str, str], shown: Image.Image | str) -> str:
    """Facts by name, and below them a picture or lines of text, as a piece of a page that asks nothing of another."""
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in facts.items())
    if isinstance(shown, str):
        return f"<table>{rows}</table><pre>{escape(shown)}</pre>" if shown else f"<table>{rows}</table>"
    buffer = io.BytesIO()
    shown.save(buffer, format="PNG")
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f'<table>{rows}</table><img alt="samples" src="data:image/png;base64,{data}">'
