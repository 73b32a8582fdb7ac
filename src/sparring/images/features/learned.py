"""Features learned from the user's own pictures, once: kept in the cache, by a fingerprint of these pictures.

A classifier where there are labels, contrast where there are none. Either takes about a minute on two cores, less for
few pictures, and the same seed learns the same.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize, pad

from sparring.core import precision
from sparring.core.errors import UserError
from sparring.core.files import aside, make_folder
from sparring.core.run import weights_hash
from sparring.core.status import Countdown
from sparring.data.download import cache_folder
from sparring.images.augment import move, recolour, scaling, translation
from sparring.images.data import ImageSource
from sparring.images.features.trunk import Head, Trunk, scaled
from sparring.metrics.features import Features
from sparring.modality import Say

VERSION = 2  # raise it when what is learned changes
LOOKED_AT = 512  # pictures, evenly spaced, that the fingerprint sees
STEPS = 1000  # at most
FEWEST, MANY = 100, 1024  # steps, and the pictures from which on all steps are taken
BATCH = 256
RATE = 3e-3  # highest, of AdamW under one cycle (Smith & Topin 2019)
TESTED = 0.1  # of labelled pictures tell the accuracy, at most 2,000
CODE = 64  # numbers of a contrastive code
TEMPERATURE = 0.2  # of the contrast
SMALLEST_CROP = 0.6  # of the sides

Loss = Callable[[nn.Module, nn.Module, np.ndarray], Tensor]


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
        keep(path, *kept)
    tensors, accuracy = kept

    trunk, head = Trunk(source.form.channels), Head(max(classes, 1))
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


def train(source: ImageSource, kind: str, device: torch.device, say: Say) -> tuple[dict[str, Tensor], float | None]:
    """The tensors of trunk and head, each of some shape ``(...)``, and a classifier's accuracy."""
    if kind == "contrast":
        networks: dict[str, nn.Module] = {"trunk": contrast(source, device, say=say)}
        accuracy = None
    else:
        trunk, head, accuracy = classifier(source, device, say=say)
        networks = {"trunk": trunk, "head": head}
    tensors = {f"{name}.{key}": value for name, net in networks.items() for key, value in net.state_dict().items()}
    return {name: value.detach().cpu().contiguous() for name, value in tensors.items()}, accuracy


def steps_for(count: int) -> int:
    """How many steps are learned from so many pictures: fewer in proportion where they are few."""
    return min(STEPS, max(FEWEST, STEPS * count // MANY))


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


def keep(path: Path, tensors: dict[str, Tensor], accuracy: float | None) -> None:
    """Write tensors of any shapes ``(...)``, and the accuracy, into the cache."""
    make_folder(path.parent)
    with aside(path) as temporary:
        save_file(tensors, temporary, metadata={"accuracy": json.dumps(accuracy)})


def load(path: Path) -> tuple[dict[str, Tensor], float | None] | None:
    """What :func:`keep` wrote, tensors of any shapes ``(...)``; None when it is not there, or damaged."""
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            accuracy = json.loads(file.metadata()["accuracy"])
            return {name: file.get_tensor(name) for name in file.keys()}, accuracy  # noqa: SIM118
    except (OSError, SafetensorError, ValueError, KeyError, TypeError):
        return None


# Learning


def classifier(
    source: ImageSource, device: torch.device, steps: int | None = None, say: Say = lambda line: None
) -> tuple[Trunk, Head, float]:
    """Trunk and head that tell the source's labels, and their accuracy on pictures that they did not see."""
    assert source.labels is not None
    random = np.random.default_rng(0)
    order = random.permutation(len(source))
    tested = order[: min(2000, max(1, int(len(source) * TESTED)))]
    members = order[len(tested) :]

    def loss(trunk: nn.Module, head: nn.Module, chosen: np.ndarray) -> Tensor:
        batch = source.batch(members[chosen])
        images = shifted(scaled(batch["images"].to(device)), random)
        return cross_entropy(head(trunk(images)).float(), batch["labels"].to(device))

    channels, classes = source.form.channels, len(source.form.labels)
    trunk, head = learn(channels, classes, len(members), loss, random, device, steps or steps_for(len(source)), say)
    batch = source.batch(np.sort(tested))
    with torch.no_grad():
        read = torch.cat(
            [head(trunk(scaled(chunk.to(device)))).argmax(1).cpu() for chunk in torch.split(batch["images"], 500)]
        )
    return trunk, head, (read == batch["labels"]).float().mean().item()


def contrast(
    source: ImageSource, device: torch.device, steps: int | None = None, say: Say = lambda line: None
) -> Trunk:
    """A trunk to which two views of one picture look alike and all others do not (Chen et al. 2020, SimCLR, eq. 1)."""
    random, numbers = np.random.default_rng(0), torch.Generator().manual_seed(0)

    def loss(trunk: nn.Module, head: nn.Module, chosen: np.ndarray) -> Tensor:
        images = scaled(source.batch(chosen)["images"].to(device))
        with torch.autocast(device.type, enabled=False):  # coordinates need all of float32
            views = torch.cat([view(images, Draw(len(images), numbers, device)) for _ in range(2)])
        codes = normalize(head(trunk(views)).float())
        alike = codes @ codes.T / TEMPERATURE
        alike = alike.masked_fill(torch.eye(len(codes), dtype=torch.bool, device=device), -math.inf)
        return cross_entropy(alike, torch.arange(len(codes), device=device).roll(len(images)))

    return learn(source.form.channels, CODE, len(source), loss, random, device, steps or steps_for(len(source)), say)[0]


def learn(
    channels: int,
    outputs: int,
    count: int,
    loss: Loss,
    random: np.random.Generator,
    device: torch.device,
    steps: int,
    say: Say,
) -> tuple[Trunk, Head]:
    """Trunk and head after ``steps`` of AdamW on ``loss``, a scalar, of batches of indices ``(batch,)`` below
    ``count``, under one cycle of the learning rate; ``say`` hears how far it is."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        trunk, head = Trunk(channels), Head(outputs)
    runs = precision.choose("auto", device, [trunk])
    for network in (trunk, head):
        runs.place(network).train()
    optimizer = torch.optim.AdamW([*trunk.parameters(), *head.parameters()], RATE, weight_decay=0.01)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    countdown = Countdown(say, "learning features", steps)
    for step in range(steps):
        with runs.autocast():
            value = loss(trunk, head, random.integers(count, size=min(BATCH, count)))
        optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        cycle.step()
        countdown.done(step + 1)
    return trunk.eval(), head.eval()


def shifted(images: Tensor, random: np.random.Generator) -> Tensor:
    """Images ``(n, channels, height, width)`` moved together by up to a fourteenth of their sides, edges repeated."""
    height, width = images.shape[2:]
    down, right = max(1, height // 14), max(1, width // 14)
    top, left = random.integers(2 * down + 1), random.integers(2 * right + 1)
    return pad(images, [right, right, down, down], mode="replicate")[:, :, top : top + height, left : left + width]


class Draw:
    """Random numbers for the augmentations of ``count`` pictures."""

    def __init__(self, count: int, random: torch.Generator, device: torch.device) -> None:
        self.count, self.random, self.device = count, random, device

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers, ``(count, *shape)``."""
        return torch.randn((self.count, *shape), generator=self.random).to(self.device)

    def uniform(self, *shape: int) -> Tensor:
        """Uniform numbers in [0, 1), ``(count, *shape)``."""
        return torch.rand((self.count, *shape), generator=self.random).to(self.device)


def view(images: Tensor, draw: Draw) -> Tensor:
    """Images ``(n, channels, height, width)``: of each a random crop of 0.6 to 1 of the sides, brought to full size, in
    other colours."""
    height, width = images.shape[2:]
    share = SMALLEST_CROP + (1 - SMALLEST_CROP) * draw.uniform()
    middle = (draw.uniform(2) - 0.5) * (1 - share)[:, None]
    crop = translation(middle[:, 0] * width, middle[:, 1] * height) @ scaling(share, share)
    return recolour(move(images, crop), draw)
