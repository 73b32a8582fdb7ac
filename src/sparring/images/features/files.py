"""Features that the user brings: a TorchScript or ONNX file, or a model of timm's.

A file is named by its SHA-256. One is known: the TorchScript translation of the Inception network of 2015 that papers
since StyleGAN2-ADA score with; it resizes by itself as the original does. Only in its features is a distance FID.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from sparring.core.errors import UserError
from sparring.core.run import weights_hash
from sparring.metrics.features import Features

INCEPTION = "f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4"
"""SHA-256 of inception-2015-12-05.pt, as several unrelated public repositories check it; the file was not at hand."""

SHOWN = 16  # digits of a hash


def features_from(asked: str, device: torch.device) -> Features:
    """``timm:NAME``, ``timm:NAME:WEIGHTS.safetensors``, or a file that ends in .pt, .ts or .onnx.

    A file gets pictures as RGB float ``(n, 3, height, width)`` in [0, 1], at the size they have, and gives
    ``(n, dimensions)``. Raises :class:`UserError` when there is no such thing or it does not work.
    """
    if asked.startswith("timm:"):
        return from_timm(asked, device)
    path = Path(asked).expanduser()
    if not os.path.isfile(path):  # where Path.is_file would raise: a name too long
        raise UserError(f"features: no file '{asked}'; give auto, a TorchScript or ONNX file, or timm:NAME")
    if path.suffix == ".onnx":
        return from_onnx(path)
    if path.suffix in (".pt", ".ts"):
        return from_torchscript(path, device)
    raise UserError(f"features: {path} ends in none of .pt, .ts (TorchScript), .onnx")


def from_torchscript(path: Path, device: torch.device) -> Features:
    """Features from a TorchScript file; the reference Inception is recognised by its hash. Raises :class:`UserError`
    for a file that is none."""
    digest = sha256(path)
    try:
        network = torch.jit.load(str(path), map_location=device).eval()  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError) as problem:
        raise UserError(f"features: {path} is not TorchScript ({first_line(problem)})") from None
    if digest == INCEPTION:
        return Features(
            "Inception of 2015-12-05, the reference",
            digest[:SHOWN],
            lambda images: flat(network(rgb(images).to(device), return_features=True)),
            frechet="FID",
        )
    return named(path, digest, lambda images: network(rgb(images).to(device).float() / 255))


def from_onnx(path: Path) -> Features:
    """Features from an ONNX file with one input and, first, one output of features. Raises :class:`UserError` for a
    file that is none, and without onnxruntime."""
    try:
        runtime: Any = import_module("onnxruntime")
    except ImportError:
        raise UserError("features: ONNX files need onnxruntime; pip install onnxruntime") from None
    try:
        session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as problem:  # onnxruntime's own kinds
        raise UserError(f"features: {path} is not a readable ONNX file ({first_line(problem)})") from None
    name = session.get_inputs()[0].name
    return named(
        path,
        sha256(path),
        lambda images: torch.from_numpy(session.run(None, {name: (rgb(images).float() / 255).numpy()})[0]),
    )


def from_timm(asked: str, device: torch.device) -> Features:
    """Features from a model of timm's without its classifier; pictures are resized and normalised as its weights want
    them. Raises :class:`UserError` without timm, for a model that it does not have, for weights that can run code."""
    _, name, *weights = asked.split(":", 2)
    if weights and not weights[0].endswith(".safetensors"):
        raise UserError(f"features: {weights[0]} is not safetensors; other weights can run code when they are loaded")
    try:
        timm: Any = import_module("timm")
    except (ImportError, RuntimeError) as problem:  # the latter from a torchvision that does not fit
        raise UserError(f"features: timm cannot be used here ({first_line(problem)}); pip install timm") from None
    try:
        origin = {"checkpoint_path": weights[0]} if weights else {"pretrained": True}
        network = timm.create_model(name, num_classes=0, **origin).to(device).eval()
    except Exception as problem:  # of many kinds: no such model, no network, weights of another
        raise UserError(f"features: timm cannot make '{name}' ({first_line(problem)})") from None
    config = network.pretrained_cfg
    mean, std = (torch.tensor(config[key], device=device).view(3, 1, 1) for key in ("mean", "std"))
    size = tuple(config["input_size"][1:])

    def of(images: Tensor) -> Tensor:
        resized = interpolate(rgb(images).to(device).float() / 255, size, mode="bicubic", antialias=True)
        return flat(network((resized.clamp(0, 1) - mean) / std))

    return Features(f"timm {name}", weights_hash(network.state_dict()), checked(of, name))


def named(path: Path, digest: str, of: Callable[[Tensor], Tensor]) -> Features:
    """Features called after their file; ``of`` maps bytes ``(n, channels, height, width)`` to some ``(n, ...)``."""
    return Features(path.name, digest[:SHOWN], checked(lambda images: flat(of(images)), path.name))


def checked(of: Callable[[Tensor], Tensor], name: str) -> Callable[[Tensor], Tensor]:
    """``of``, from bytes ``(n, channels, height, width)`` to features ``(n, dimensions)``, made careful. Raises
    :class:`UserError`, when it is called, with one line on what went wrong inside."""

    def careful(images: Tensor) -> Tensor:
        try:
            features = of(images)
        except Exception as problem:  # whatever a stranger's network raises
            raise UserError(
                f"features: {name} does not take pictures of {images.shape[2]}x{images.shape[3]} "
                f"({first_line(problem)}); it gets float RGB (n, 3, height, width) in [0, 1]"
            ) from None
        if len(features) != len(images):
            raise UserError(f"features: {name} gives {len(features)} rows for {len(images)} pictures")
        return features

    return careful


def rgb(images: Tensor) -> Tensor:
    """Bytes ``(n, channels, height, width)`` as ``(n, 3, height, width)``: grey repeated, alpha left out."""
    return images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images[:, :3]


def flat(features: Tensor) -> Tensor:
    """Features of any shape ``(n, ...)`` as ``(n, dimensions)`` in float32; maps are averaged over their pixels."""
    if features.ndim == 4:
        features = features.mean((2, 3))
    return features.flatten(1).float()


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def first_line(problem: Exception) -> str:
    """One line of a problem's text, or its kind: the first; the last of TorchScript's, which begins with its origin."""
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()] or [type(problem).__name__]
    return lines[-1 if "TorchScript interpreter" in lines[0] else 0][:160]
