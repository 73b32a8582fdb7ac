"""Arrays of pictures as a source, in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sparring.core.errors import UserError
from sparring.data.source import BadFile
from sparring.images.reading.labels import encode
from sparring.images.reading.shape import MINIMUM, ImageSettings, choose_shape, survey
from sparring.media.pictures.decode import Header, bring_to

MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}  # by number of channels

Arrays = tuple[np.ndarray, list[str] | None]
"""Pixels uint8 ``(n, height, width, channels)`` and, where there are any, ``n`` labels."""


class ImageArrays:
    """Pictures in memory, of one shape. Arrays are kept there whatever ``cache_mb`` says.

    Raises :class:`UserError` when there are fewer than ``MINIMUM`` pictures.
    """

    in_memory = True

    def __init__(self, arrays: Arrays, settings: ImageSettings) -> None:
        pixels, labels = arrays
        if len(pixels) < MINIMUM:
            raise UserError(f"{settings.data}: {len(pixels)} images, at least {MINIMUM} are needed; add more")
        self.name = settings.data
        self.bad_files: list[BadFile] = []
        mode = MODES[pixels.shape[3]]
        header = Header(pixels.shape[1], pixels.shape[2], mode, mode.startswith("RGB"), mode.endswith("A"))
        self.survey = survey([header] * len(pixels))
        self.shape = choose_shape(settings, self.survey)

        if (*pixels.shape[1:3], mode) == (self.shape.height, self.shape.width, MODES[self.shape.channels]):
            images = np.array(pixels.transpose(0, 3, 1, 2), order="C")  # a copy of our own
        else:
            squeezed = pixels[..., 0] if mode == "L" else pixels
            images = np.stack([bring_to(Image.fromarray(picture), self.shape) for picture in squeezed])
        self.images = torch.from_numpy(images)
        names: list[str] = []
        self.labels: Tensor | None = None
        if labels and settings.labelled != "no":
            names, self.labels = encode(labels)
        self.form: dict[str, Any] = self.shape.form(names)

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, indices: np.ndarray) -> dict[str, Tensor]:
        """``images`` uint8 ``(n, channels, height, width)`` in [0, 255]; ``labels`` int64 ``(n,)`` if any."""
        chosen = torch.from_numpy(indices)
        images = self.images.index_select(0, chosen)  # ten times as quick as [chosen]
        if self.labels is None:
            return {"images": images}
        return {"images": images, "labels": self.labels[chosen]}
