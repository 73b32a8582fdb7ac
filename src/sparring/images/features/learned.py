"""Features learned from the user's own pictures, once: kept in the cache, by a fingerprint of these pictures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from sparring.core.errors import UserError
from sparring.core.files import aside, make_folder
from sparring.core.run import weights_hash
from sparring.data.download import cache_folder
from sparring.images.data import ImageSource
from sparring.images.features import learn
from sparring.images.features.trunk import Head, Trunk
from sparring.metrics.features import Features

VERSION = 2  # raise it when what is learned changes
LOOKED_AT = 512  # pictures, evenly spaced, that the fingerprint sees


def learned_features(source: ImageSource, device: torch.device, say: Callable[[str], None]) -> Features:
    """A classifier of the source's labels; where there are fewer than two, what contrast teaches.

    Raises :class:`UserError` when all pictures are the same: there is nothing to learn from.
    """
    device = device_for_pooling(device)
    classes = len(source.form["labels"])
    kind = "classifier" if classes > 1 else "contrast"
    key = fingerprint(source)
    path = cache_folder() / "features" / f"{kind}-{key}.safetensors"
    found = load(path)
    if found is None:
        say(f"learning features of {source.name} ({kind}), once; they are kept in {path.parent}")
        found = train(source, kind, device)
        keep(path, *found)
    tensors, accuracy = found

    trunk, head = Trunk(source.form["channels"]), Head(max(classes, 1))
    trunk.load_state_dict(part(tensors, "trunk."))
    trunk.to(device).eval()
    classify = None
    name = f"{kind} of {Path(source.name).name}, {len(source):,} pictures"
    if kind == "classifier":
        head.load_state_dict(part(tensors, "head."))
        classify = reader(trunk, head.to(device).eval(), device)
        name = f"classifier of {Path(source.name).name} ({accuracy:.1%} right on pictures it did not learn from)"
    return Features(name, weights_hash(tensors), on(trunk, device), classify=classify, accuracy=accuracy)


def random_features(pictures: Tensor, device: torch.device) -> Features:
    """The trunk as it begins, its batch norms fitted to these pictures (bytes): nothing to learn, good enough to watch
    a run by.

    Naeem et al. 2020, section 5, find random features useful where pretrained ones are far from the data.
    """
    device = device_for_pooling(device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        trunk = Trunk(pictures.shape[1])
    with torch.no_grad(), torch.autocast("cuda", enabled=False), torch.autocast("cpu", enabled=False):
        for layer in trunk.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.momentum = None  # the mean of all it sees
        trunk.train()(learn.scaled(pictures))
    return Features("random convolutions", weights_hash(trunk.state_dict()), on(trunk.eval().to(device), device))


def device_for_pooling(device: torch.device) -> torch.device:
    """Apple's GPUs have no adaptive pooling between sizes that do not divide: there the trunk stays on the CPU."""
    return torch.device("cpu") if device.type == "mps" else device


def train(source: ImageSource, kind: str, device: torch.device) -> tuple[dict[str, Tensor], float | None]:
    """The tensors of trunk and head, and a classifier's accuracy."""
    if kind == "contrast":
        networks: dict[str, nn.Module] = {"trunk": learn.contrast(source, device)}
        accuracy = None
    else:
        trunk, head, accuracy = learn.classifier(source, device)
        networks = {"trunk": trunk, "head": head}
    tensors = {f"{name}.{key}": value for name, net in networks.items() for key, value in net.state_dict().items()}
    return {name: value.detach().cpu().contiguous() for name, value in tensors.items()}, accuracy


def part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Those of one network."""
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def on(trunk: nn.Module, device: torch.device) -> Callable[[Tensor], Tensor]:
    """Bytes to features."""

    def of(images: Tensor) -> Tensor:
        features: Tensor = trunk(learn.scaled(images.to(device)))
        return features

    return of


def reader(trunk: nn.Module, head: nn.Module, device: torch.device) -> Callable[[Tensor], Tensor]:
    """Bytes to class indices."""

    def classify(images: Tensor) -> Tensor:
        logits: Tensor = head(trunk(learn.scaled(images.to(device))))
        return logits.argmax(1)

    return classify


def fingerprint(source: ImageSource) -> str:
    """16 hexadecimal digits of what the source holds: its form, its length, some of its pictures and labels.

    Raises :class:`UserError` when these pictures are all the same.
    """
    batch = source.batch(evenly(len(source)))
    if (batch["images"] == batch["images"][:1]).all():
        raise UserError(f"{source.name}: all its pictures look the same; there is nothing to measure by")
    digest = hashlib.sha256(json.dumps([VERSION, len(source), source.form]).encode())
    for name in sorted(batch):
        digest.update(batch[name].contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def evenly(count: int) -> np.ndarray:
    """Indices of at most 512 of ``count``, evenly spaced."""
    return np.unique(np.linspace(0, count - 1, min(count, LOOKED_AT)).astype(np.int64))


def keep(path: Path, tensors: dict[str, Tensor], accuracy: float | None) -> None:
    """Into the cache."""
    make_folder(path.parent)
    with aside(path) as temporary:
        save_file(tensors, temporary, metadata={"accuracy": json.dumps(accuracy)})


def load(path: Path) -> tuple[dict[str, Tensor], float | None] | None:
    """From the cache; None when it is not there, or damaged."""
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            accuracy = json.loads(file.metadata()["accuracy"])
            return {name: file.get_tensor(name) for name in file.keys()}, accuracy  # noqa: SIM118
    except (OSError, SafetensorError, ValueError, KeyError, TypeError):
        return None
