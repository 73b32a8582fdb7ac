"""Maps of numbers above and below 0 in colours, beside the picture that they are of."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageDraw, ImageFont

ABOVE, BELOW = (33, 102, 172), (178, 24, 43)  # blue and red, which everybody tells apart
PANEL = 280  # pixels of the longer side of a panel, about; of wide ones, which lie below each other, three times that
MARGIN, LINE, SIZE = 16, 18, 13  # pixels: around panels, from line to line, of letters
BAR = 10  # pixels, the height of a scale
INK = (34, 34, 34)


def coloured(values: np.ndarray, largest: float) -> np.ndarray:
    """Numbers ``(height, width)`` in [-largest, largest] as colours, uint8 ``(height, width, 3)``: blue above 0, red
    below, white for 0."""
    shares = (values / (largest or 1.0)).clip(-1, 1)[..., None]
    colours = np.where(shares > 0, np.array(ABOVE), np.array(BELOW))
    return np.asarray((255 + np.abs(shares) * (colours - 255)).round().astype(np.uint8))


def beside(pictures: Mapping[str, np.ndarray], maps: Mapping[str, np.ndarray], caption: str) -> Image.Image:
    """Pictures ``(height, width, 3)`` uint8 and maps ``(height, width)``, all of one size and each under its title;
    maps have their scales below them, which end at the largest number of each. The caption stands below all. Wide ones
    lie below each other, others beside."""
    largest = {name: float(np.abs(values).max()) for name, values in maps.items()}
    panels = {**pictures, **{name: coloured(values, largest[name]) for name, values in maps.items()}}
    height, width = next(iter(panels.values())).shape[:2]
    wide = width > 2 * height
    scale = max(1, (3 * PANEL if wide else PANEL) // max(height, width))
    across, down = width * scale + MARGIN, LINE + height * scale + BAR + 2 * LINE + MARGIN // 2
    size = (across if wide else across * len(panels), down * len(panels) if wide else down)

    # The caption under all panels, in lines as long as they are wide
    font = ImageFont.load_default(SIZE)
    letters = max(20, round((size[0] - MARGIN) / (font.getlength(caption) / max(1, len(caption)))) - 2)
    lines = textwrap.wrap(caption, letters)
    canvas = Image.new("RGB", (size[0] + MARGIN, size[1] + MARGIN + LINE * len(lines)), "white")
    draw = ImageDraw.Draw(canvas)
    for number, line in enumerate(lines):
        draw.text((MARGIN, size[1] + LINE * number), line, INK, font)

    # The panels, each with its title and its scale
    for number, (name, pixels) in enumerate(panels.items()):
        left, top = (MARGIN, MARGIN // 2 + number * down) if wide else (MARGIN + number * across, MARGIN // 2)
        draw.text((left, top), name, INK, font)
        enlarged = Image.fromarray(pixels).resize((width * scale, height * scale), Image.Resampling.NEAREST)
        draw.rectangle((left - 1, top + LINE - 1, left + width * scale, top + LINE + height * scale), outline="#bbbbbb")
        canvas.paste(enlarged, (left, top + LINE))
        if name in maps:
            place = (left, top + LINE + height * scale + 6)
            add_scale(canvas, place, min(width * scale, PANEL), largest[name], font)
    return canvas


def add_scale(
    canvas: Image.Image,
    place: tuple[int, int],
    width: int,
    largest: float,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    """Draw the colours from -largest to largest at a place, as wide as a panel, with the numbers below them."""
    colours = coloured(np.linspace(-1, 1, width)[None].repeat(BAR, 0), 1)
    canvas.paste(Image.fromarray(colours), place)
    draw, below = ImageDraw.Draw(canvas), place[1] + BAR + 1
    for text, share, anchor in ((f"-{largest:.2g}", 0.0, "la"), ("0", 0.5, "ma"), (f"+{largest:.2g}", 1.0, "ra")):
        draw.text((place[0] + share * width, below), text, INK, font, anchor)
