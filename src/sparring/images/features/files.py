"""Features that the user brings: an ONNX file, features learned before, a TorchScript file, or a model of timm's.

A file is named by its SHA-256. One is known: the TorchScript translation of the Inception network of 2015 that papers
since StyleGAN2-ADA score with; it resizes by itself as the original does. Only in its features is a distance FID. Any
other TorchScript file is a program that can read and write files: it is run only for who trusts it.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from sparring.core.errors import UserError
from sparring.core.install import ONNX
from sparring.core.reading import SMALL, is_regular, read_bytes, reason
from sparring.core.run import weights_hash
from sparring.core.terminal import quoted
from sparring.features.keeping import Kept, load, trunk_of
from sparring.images.features.pixels import rgb, scaled
from sparring.metrics.features import Features

INCEPTION = "f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4"
"""SHA-256 of inception-2015-12-05.pt, as several unrelated public repositories check it; the file was not at hand."""

SHOWN = 16  # digits of a hash
MOST = 1 << 31  # bytes of a file, and of an ONNX file with the weights beside it


def features_from(asked: str, device: torch.device, trust: bool = False) -> Features:
    """``timm:NAME``, ``timm:NAME:WEIGHTS.safetensors``, or a file that ends in .onnx, .safetensors, .pt or .ts; the
    last two are TorchScript, which is run only with ``trust``.

    A file gets pictures as RGB float ``(n, 3, height, width)`` in [0, 1], at the size they have, and gives
    ``(n, dimensions)``. Raises :class:`UserError` when there is no such thing or it does not work.
    """
    if asked.startswith("timm:"):
        return from_timm(asked, device)
    path = Path(asked).expanduser()
    if not is_regular(path):
        raise UserError(
            f"features: no file {quoted(asked)}; give auto, learned, lite0, an ONNX or TorchScript file, or timm:NAME"
        )
    if path.suffix == ".onnx":
        return from_onnx(path)
    if path.suffix == ".safetensors":
        return from_learned(path, device)
    if path.suffix in (".pt", ".ts"):
        return from_torchscript(path, device, trust)
    raise UserError(f"features: {path} ends in none of .onnx, .safetensors, .pt, .ts (TorchScript)")


def from_torchscript(path: Path, device: torch.device, trust: bool) -> Features:
    """Features from a TorchScript file; the reference Inception is recognised by its hash. Raises :class:`UserError`
    for a file that is none, and for one that is neither trusted nor known."""
    content, digest = content_of(path)
    if not trust and digest != INCEPTION:
        raise UserError(
            f"features: {path} is TorchScript, a program that can read and write files; give an ONNX file, or add "
            "--trust if you know who made it"
        )
    network = torchscript(content, path, device)
    if digest == INCEPTION:
        return Features(
            "Inception of 2015-12-05, the reference",
            digest[:SHOWN],
            lambda images: flat(network(rgb(images).to(device), return_features=True)),
            frechet="FID",
        )
    return named(path, digest, lambda images: network(rgb(images).to(device).float() / 255))


def content_of(path: Path) -> tuple[bytes, str]:
    """A file's bytes and their SHA-256 in hexadecimal digits. Raises :class:`UserError` for one that cannot be read."""
    try:
        content = read_bytes(path, MOST)
    except OSError as problem:
        raise UserError(f"features: {path}: cannot be read ({reason(problem)})") from None
    return content, hashlib.sha256(content).hexdigest()


def torchscript(content: bytes, path: Path, device: torch.device) -> Callable[..., Tensor]:
    """The network in the bytes of a TorchScript file, which are run. Raises :class:`UserError` for others."""
    try:
        network: Callable[..., Tensor] = torch.jit.load(  # type: ignore[no-untyped-call]
            io.BytesIO(content), map_location=device
        ).eval()
    except (RuntimeError, ValueError) as problem:
        raise UserError(f"features: {path} is not TorchScript ({first_line(problem)})") from None
    return network


def from_learned(path: Path, device: torch.device) -> Features:
    """Features that Sparring learned, from the file that it kept them in. Raises :class:`UserError` for any other
    file."""
    kept = load(path) if os.stat(path).st_size <= SMALL else None
    try:
        trunk = trunk_of(kept or Kept({}, {}))
    except (LookupError, RuntimeError, ValueError, TypeError) as problem:
        raise UserError(
            f"features: {path} does not hold what Sparring keeps when it learns features ({first_line(problem)}); "
            "give other networks as ONNX"
        ) from None
    if kept is None or not all(tensor.isfinite().all() for tensor in trunk.state_dict().values()):
        raise UserError(f"features: {path} holds numbers that are not finite; learn them anew")
    trunk.to(device).eval()
    seen = rgb if trunk.body[0].in_channels == 3 else lambda images: images
    of = checked(lambda images: trunk(scaled(seen(images).to(device))), path.name)
    return Features(f"learned before, {path.name}", weights_hash(kept.tensors), of)


def from_onnx(path: Path) -> Features:
    """Features from an ONNX file with one input and, first, one output of features. Raises :class:`UserError` for a
    file that is none, for one that reads files elsewhere, and without the extra called ``onnx``."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # or it keeps a number for this machine in the home folder
    try:
        onnx, runtime = import_module("onnx"), import_module("onnxruntime")
    except ImportError:
        raise UserError(f"features: ONNX files need the libraries onnx and onnxruntime: {ONNX}") from None
    try:
        content = read_bytes(path, MOST)
        may_be_run(onnx.load_model_from_string(content), path)
        options = runtime.SessionOptions()
        options.log_severity_level = 4  # it tells nothing but by what it raises
        session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except UserError:
        raise
    except Exception as problem:  # the libraries' own kinds
        raise UserError(f"features: {path} is not a readable ONNX file ({first_line(problem)})") from None
    name = session.get_inputs()[0].name
    return named(
        path,
        hashlib.sha256(content).hexdigest(),
        lambda images: torch.from_numpy(session.run(None, {name: (rgb(images).float() / 255).numpy()})[0]),
    )


def may_be_run(model: Any, path: Path) -> None:
    """Raise :class:`UserError` unless all weights of an ONNX model are in its file at ``path``, or in regular files in
    the same folder or below it that are not too large."""
    folder = path.resolve().parent
    places = {entry.value for tensor in tensors_of(model) for entry in tensor.external_data if entry.key == "location"}
    outside = [place for place in places if not (folder / place).resolve().is_relative_to(folder)]
    if outside:
        raise UserError(f"features: {path} reads {quoted(outside[0])}, outside of its folder; it is not run")
    missing = [place for place in places if not is_regular(folder / place)]
    if missing:
        raise UserError(f"features: {path} needs the file {quoted(missing[0])} beside it")
    if sum(os.stat(folder / place).st_size for place in places) > MOST:
        raise UserError(f"features: {path} and the weights beside it are larger than {MOST:,} bytes")


def tensors_of(message: Any) -> Iterator[Any]:
    """All tensors of an ONNX model, in whatever of its parts: functions, and graphs inside of operations, too."""
    waiting = [message]
    while waiting:
        each = waiting.pop()
        if each.DESCRIPTOR.name == "TensorProto":
            yield each
            continue
        for field, value in each.ListFields():
            if field.message_type is not None:
                waiting += value if isinstance(value, Sequence) or hasattr(value, "add") else [value]


def from_timm(asked: str, device: torch.device) -> Features:
    """Features from a model of timm's without its classifier; pictures are resized and normalised as its weights want
    them. Raises :class:`UserError` without timm, for a model that it does not have, for weights that can run code."""
    _, name, *weights = asked.split(":", 2)
    if weights and not weights[0].endswith(".safetensors"):
        raise UserError(
            f"features: {quoted(weights[0])} is not safetensors; other weights can run code when they are loaded"
        )
    if weights and not is_regular(weights[0]):
        raise UserError(f"features: no file {quoted(weights[0])}")
    try:
        timm: Any = import_module("timm")
    except (ImportError, RuntimeError) as problem:  # the latter from a torchvision that does not fit
        raise UserError(f"features: timm cannot be used here ({first_line(problem)}); pip install timm") from None
    try:
        origin = {"checkpoint_path": weights[0]} if weights else {"pretrained": True}
        network = timm.create_model(name, num_classes=0, **origin).to(device).eval()
    except Exception as problem:  # of many kinds: no such model, no network, weights of another
        raise UserError(f"features: timm cannot make {quoted(name)} ({first_line(problem)})") from None
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


def flat(features: Tensor) -> Tensor:
    """Features of any shape ``(n, ...)`` as ``(n, dimensions)`` in float32; maps are averaged over their pixels."""
    if features.ndim == 4:
        features = features.mean((2, 3))
    return features.flatten(1).float()


def first_line(problem: Exception) -> str:
    """One line of a problem's text, or its kind: the first; the last of TorchScript's, which begins with its origin."""
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()] or [type(problem).__name__]
    return lines[-1 if "TorchScript interpreter" in lines[0] else 0][:160]
