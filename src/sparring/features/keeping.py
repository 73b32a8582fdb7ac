"""Features learned from a user's own data, once: kept in the cache, by a fingerprint of these data.

The same data teach the same on one machine. Another may compute a little differently, which the hash shows.
"""

from __future__ import annotations

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

from sparring.core.files import aside, make_folder
from sparring.core.run import weights_hash
from sparring.data.download import cache_folder
from sparring.data.order import evenly
from sparring.data.source import Source
from sparring.features.learning import Learned
from sparring.features.trunk import Head, Trunk
from sparring.kind import Say
from sparring.metrics.features import Features

BEFORE = 64  # pixels of a side that the trunk looked at before they were kept with it
LOOKED_AT = 512  # examples, evenly spaced, that a fingerprint sees

Seen = Callable[[Tensor], Tensor]
"""Comparable examples ``(n, ...)`` as the trunk sees them, ``(n, channels, height, width)``."""


@dataclass(frozen=True)
class Kept:
    """What is kept of learned features: tensors of trunk and head, each of some shape ``(...)``; and a note: the
    ``accuracy`` of a classifier, the ``pixels`` of a side that the trunk looks at, how it was ``cut_short``."""

    tensors: dict[str, Tensor]
    note: dict[str, Any]


def kept_or_learned(
    source: Source, key: str, what: str, learn: Callable[[], Learned], seen: Seen, device: torch.device, say: Say
) -> Features:
    """A classifier of the source's labels; where there are fewer than two, what contrast teaches. What was kept under
    ``key`` is taken, else ``learn`` called and its networks kept; ``what`` the examples are called, in the plural."""
    classes = len(source.form.labels)
    kind = "classifier" if classes > 1 else "contrast"
    path = cache_folder() / "features" / f"{kind}-{key}.safetensors"
    kept = load(path)
    if kept is None:
        say(f"learning features of {source.name} ({kind}), once; they are kept in {path.parent}")
        learned = learn()
        if learned.cut_short:
            say(f"learning features took too long and was cut short after {learned.cut_short}; scores in them can be "
                "compared on this machine alone")  # fmt: skip
        kept = as_kept(learned)
        keep(path, kept)

    trunk, head = trunk_of(kept), Head(max(classes, 1))
    trunk.to(device).eval()
    logits, accuracy = None, kept.note["accuracy"]
    name = f"{kind} of {Path(source.name).name}, {len(source):,} {what}"
    if kind == "classifier":
        head.load_state_dict(part(kept.tensors, "head."))
        logits = on(nn.Sequential(trunk, head.to(device).eval()), device, seen)
        name = f"classifier of {Path(source.name).name} ({accuracy:.1%} right on {what} it did not learn from)"
    if cut_short := kept.note.get("cut_short"):
        name += f", cut short after {cut_short}"
    return Features(name, weights_hash(kept.tensors), on(trunk, device, seen), logits=logits, accuracy=accuracy)


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


def on(network: nn.Module, device: torch.device, seen: Seen) -> Callable[[Tensor], Tensor]:
    """A function from comparable examples ``(n, ...)`` to what a trunk, or a head behind it, gives of them, ``(n,
    dimensions)``, on ``device``."""

    def of(examples: Tensor) -> Tensor:
        given: Tensor = network(seen(examples.to(device)))
        return given

    return of


def device_for_pooling(device: torch.device) -> torch.device:
    """Apple's GPUs have no adaptive pooling between sizes that do not divide: there the trunk stays on the CPU."""
    return torch.device("cpu") if device.type == "mps" else device


def looked_at(count: int) -> np.ndarray:
    """Indices ``(n,)`` of at most 512 of ``count`` examples, evenly spaced."""
    return evenly(np.arange(count), LOOKED_AT)


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
