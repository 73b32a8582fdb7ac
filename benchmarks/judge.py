"""The judge of digits: a classifier of MNIST that several benchmarks read samples with, trained once and kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from machine import RESULTS
from torch import Tensor

from sparring.core.run import weights_hash
from sparring.images.data import ImageSource, open_source
from sparring.images.features import learn
from sparring.images.features.learned import keep, load, on, part, reader
from sparring.images.features.trunk import Head, Trunk
from sparring.images.recipes import images
from sparring.metrics.features import Features, in_chunks

STEPS = 3000
LEAST = 0.99  # accuracy on the test digits
DEVICE = torch.device("cpu")


@dataclass(frozen=True)
class Judge:
    """Features and classes of 28x28 digits; ``accuracy`` is on MNIST's 10,000 test digits."""

    features: Features
    classify: Callable[[Tensor], Tensor]
    accuracy: float


def judge(mnist: Path, quick: bool = False) -> Judge:
    """Trained on the 60,000, tested on the 10,000."""
    test = open_source(images.changed({"data": str(mnist / "t10k-images-idx3-ubyte.gz")}))
    path = RESULTS / ".cache" / f"judge{'-quick' if quick else ''}.safetensors"
    found = load(path)
    if found is None:
        source = open_source(images.changed({"data": str(mnist)}))
        trunk, head, _ = learn.classifier(source, DEVICE, 30 if quick else STEPS)
        networks = (("trunk", trunk), ("head", head))
        tensors = {
            f"{name}.{key}": value.contiguous() for name, net in networks for key, value in net.state_dict().items()
        }
        keep(path, tensors, None)
        found = tensors, None
    trunk, head = Trunk(1), Head(10)
    trunk.load_state_dict(part(found[0], "trunk."))
    head.load_state_dict(part(found[0], "head."))
    classify = reader(trunk.eval(), head.eval(), DEVICE)
    everything = test.batch(np.arange(len(test)))
    accuracy = (in_chunks(classify, everything["images"]) == everything["labels"]).float().mean().item()
    if accuracy < LEAST and not quick:
        raise SystemExit(f"the judge reads {accuracy:.2%} of the test digits, {LEAST:.0%} are needed; remove {path}")
    name = f"classifier of MNIST, {accuracy:.2%} right on the test digits"
    return Judge(Features(name, weights_hash(found[0]), on(trunk, DEVICE)), classify, accuracy)


def real_digits(mnist: Path) -> ImageSource:
    """MNIST's 10,000 test digits: nobody trains on them."""
    return open_source(images.changed({"data": str(mnist / "t10k-images-idx3-ubyte.gz")}))
