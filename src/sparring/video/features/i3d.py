"""The features that published video distances are taken in, from a file that the user brings.

It is the TorchScript translation of I3D (Carreira & Zisserman 2017), trained on Kinetics-400, that papers since
StyleGAN-V score with (Unterthiner et al. 2018; Skorokhodov et al. 2022), and is known by its hash: only in its features
is a distance FVD. No other program is run for clips.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.reading import is_regular
from sparring.core.terminal import quoted
from sparring.images.features.files import SHOWN, content_of, first_line, flat, torchscript
from sparring.media.pictures.sheets import to_bytes
from sparring.metrics.features import Features

I3D = "bec6519f66ea534e953026b4ae2c65553c17bf105611c746d904657e5860a5e2"
"""SHA-256 of i3d_torchscript.pt, as several unrelated public repositories check it; the file was not at hand."""

PART = 8  # clips at a time: each becomes 224x224 pixels a frame


def i3d_features(asked: str, device: torch.device) -> Features:
    """The 400 numbers before I3D's softmax of clips ``(n, frames, channels, height, width)`` in [-1, 1], from the file
    ``asked``; the network resizes them by itself. Raises :class:`UserError` for any other file, and, when they are
    asked for, for clips that are too short for the network."""
    path = Path(asked).expanduser()
    if not is_regular(path):
        raise UserError(f"features: no file {quoted(asked)}; give auto, learned, or I3D's i3d_torchscript.pt for FVD")
    content, digest = content_of(path)
    if digest != I3D:
        raise UserError(
            f"features: {path} is not the I3D that FVD is measured by (SHA-256 {I3D[:SHOWN]}..., this file has "
            f"{digest[:SHOWN]}...); leave features at auto"
        )
    network = torchscript(content, path, device)

    def of(clips: Tensor) -> Tensor:
        frames = to_bytes(clips).expand(-1, -1, 3, -1, -1).transpose(1, 2)
        parts = [part.to(device).float() for part in torch.split(frames, PART)]
        try:
            found = [network(part, rescale=True, resize=True, return_features=True) for part in parts]
        except Exception as problem:  # TorchScript has kinds of its own
            raise UserError(
                f"features: I3D does not take clips of {clips.shape[1]} frames ({first_line(problem)}); "
                "papers give it 16"
            ) from None
        return torch.cat([flat(each) for each in found])

    return Features("I3D of Kinetics-400, the reference", digest[:SHOWN], of, frechet="FVD")
