"""Features learned from the user's own pictures, once: kept in the cache, by a fingerprint of these pictures.

The same pictures teach the same on one machine. Another may compute a little differently, which the hash shows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
from sparring.images.features.learning import STEPS, Learned, classifier, contrast, steps_for
from sparring.images.features.trunk import Head, Trunk, scaled
from sparring.metrics.features import Features
from sparring.modality import Say

VERSION = 3  # raise it when what is learned changes
BEFORE = 64  # pixels of a side that it looked at before version 3
LOOKED_AT = 512  # pictures, evenly spaced, that the fingerprint sees


@dataclass(frozen=True)
class Kept:
    """What is kept of learned features: tensors of trunk and head, each of some shape ``(...)``; and a note: the
    ``accuracy`` of a classifier, the ``pixels`` of a side that the trunk looks at, how it was ``cut_short``."""

    tensors: dict[str, Tensor]
    note: dict[str, Any]


def learned_features(source: ImageSource, device: torch.device, say: Say) -> Features:
    """A classifier of the source's labels; where there are fewer than two, what contrast teaches.

    Raises :class:`UserError` when all pictures are the same: there is nothing to learn from.
    """
    device = device_for_pooling(device)
    classes = len(source.form.labels)
    kind = "classifier" if classes > 1 else "contrast"
    key = fingerprint(source)
    path = cache_folder() / "features" / f"{kind}-{key}.safetensors"
    kept = load(path)
    if kept is None:
        say(f"learning features of {source.name} ({kind}), once; they are kept in {path.parent}")
        kept = train(source, kind, device, say)
        keep(path, kept)

    trunk, head = trunk_of(kept), Head(max(classes, 1))
    trunk.to(device).eval()
    classify, accuracy = None, kept.note["accuracy"]
    name = f"{kind} of {Path(source.name).name}, {len(source):,} pictures"
    if kind == "classifier":
        head.load_state_dict(part(kept.tensors, "head."))
        classify = reader(trunk, head.to(device).eval(), device)
        name = f"classifier of {Path(source.name).name} ({accuracy:.1%} right on pictures it did not learn from)"
    if cut_short := kept.note.get("cut_short"):
        name += f", cut short after {cut_short}"
    return Features(name, weights_hash(kept.tensors), on(trunk, device), classify=classify, accuracy=accuracy)


def random_features(pictures: Tensor, device: torch.device) -> Features:
    """The trunk as it begins, its batch norms fitted to these bytes ``(n, channels, height, width)``: nothing to learn,
    good enough to watch a run by.

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
        trunk.train()(scaled(pictures))
    return Features("random convolutions", weights_hash(trunk.state_dict()), on(trunk.eval().to(device), device))


def device_for_pooling(device: torch.device) -> torch.device:
    """Apple's GPUs have no adaptive pooling between sizes that do not divide: there the trunk stays on the CPU."""
    return torch.device("cpu") if device.type == "mps" else device


def train(source: ImageSource, kind: str, device: torch.device, say: Say) -> Kept:
    """What is learned from the source, by the ``kind`` of learning."""
    learned = (classifier if kind == "classifier" else contrast)(source, device, say=say)
    if learned.cut_short:
        say(f"learning features took too long and was cut short after {learned.cut_short}; scores in them can be "
            "compared on this machine alone")  # fmt: skip
    return as_kept(learned)


def as_kept(learned: Learned) -> Kept:
    """What of the networks is kept."""
    networks = {"trunk": learned.trunk, "head": learned.head}
    tensors = {f"{name}.{key}": value for name, net in networks.items() for key, value in net.state_dict().items()}
    note = {"accuracy": learned.accuracy, "pixels": learned.trunk.largest, "cut_short": learned.cut_short}
    return Kept({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, note)


def trunk_of(kept: Kept) -> Trunk:
    """The trunk that was kept. Raises LookupError, RuntimeError or ValueError for tensors that are none."""
    weights = part(kept.tensors, "trunk.")
    trunk = Trunk(max(1, weights["body.0.weight"].shape[1]), int(kept.note.get("pixels", BEFORE)))
    trunk.load_state_dict(weights)
    return trunk


def part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors of one network, each of some shape ``(...)``, without the ``prefix`` of their names."""
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def on(trunk: nn.Module, device: torch.device) -> Callable[[Tensor], Tensor]:
    """A function from bytes ``(n, channels, height, width)`` to features ``(n, dimensions)``, on ``device``."""

    def of(images: Tensor) -> Tensor:
        features: Tensor = trunk(scaled(images.to(device)))
        return features

    return of


def reader(trunk: nn.Module, head: nn.Module, device: torch.device) -> Callable[[Tensor], Tensor]:
    """A function from bytes ``(n, channels, height, width)`` to class indices ``(n,)``, on ``device``."""

    def classify(images: Tensor) -> Tensor:
        logits: Tensor = head(trunk(scaled(images.to(device))))
        return logits.argmax(1)

    return classify


def fingerprint(source: ImageSource) -> str:
    """16 hexadecimal digits of what the source holds: its form, its length, some of its pictures and labels.

    Raises :class:`UserError` when these pictures are all the same.
    """
    batch = source.batch(evenly(len(source)))
    if (batch["images"] == batch["images"][:1]).all():
        raise UserError(f"{source.name}: all its pictures look the same; there is nothing to measure by")
    form = source.form
    shape = {"height": form.height, "width": form.width, "channels": form.channels, "labels": form.labels}
    fewer = [steps] if (steps := steps_for(len(source))) < STEPS else []  # of all others the fingerprint stays
    digest = hashlib.sha256(json.dumps([VERSION, len(source), shape, *fewer]).encode())
    for name in sorted(batch):
        digest.update(batch[name].contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def evenly(count: int) -> np.ndarray:
    """Indices ``(n,)`` of at most 512 of ``count``, evenly spaced."""
    return np.unique(np.linspace(0, count - 1, min(count, LOOKED_AT)).astype(np.int64))


def keep(path: Path, kept: Kept) -> None:
    """Write what was learned into the cache."""
    make_folder(path.parent)
    with aside(path) as temporary:
        save_file(kept.tensors, temporary, metadata={"note": json.dumps(kept.note)})


def load(path: Path) -> Kept | None:
    """What :func:`keep` wrote, or wrote before version 3; None when it is not there, or damaged."""
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            about = file.metadata()
            note = json.loads(about["note"]) if "note" in about else {"accuracy": json.loads(about["accuracy"])}
            return Kept({name: file.get_tensor(name) for name in file.keys()}, {"accuracy": None, **note})  # noqa: SIM118
    except (OSError, SafetensorError, ValueError, KeyError, TypeError):
        return None
