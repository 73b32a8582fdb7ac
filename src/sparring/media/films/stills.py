"""One of Pillow's pictures as a frame."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps

DEEP = 257  # 16-bit greys become bytes: 65535 / 255


def as_frame(image: Image.Image) -> np.ndarray:
    """RGB uint8 ``(height, width, 3)``: turned as EXIF says, transparency on white, deep greys brought to bytes."""
    if image.mode == "I" or image.mode.startswith("I;16"):
        image = Image.fromarray(np.clip(np.asarray(image) // DEEP, 0, 255).astype(np.uint8))
    image = ImageOps.exif_transpose(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.array(image.convert("RGB"))
