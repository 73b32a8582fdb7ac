"""A classifier of MNIST's digits that several benchmarks read samples with, trained once and kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from machine import RESULTS
from torch import Tensor, nn

from sparring.core.run import weights_hash
from sparring.features.keeping import Kept, as_kept, keep, load, on, part, trunk_of
from sparring.features.trunk import Head
from sparring.images.data import ImageSource, open_source
from sparring.images.features.learning import classifier
from sparring.images.features.pixels import scaled
from sparring.images.recipes import images
from sparring.metrics.features import Features, in_chunks

STEPS = 3000
LEAST = 0.99  # accuracy on the test digits
DEVICE = torch.device("cpu")


@dataclass(frozen=True)
class DigitClassifier:
    """Features and classes of digits, bytes ``(n, 1, 28, 28)``; ``accuracy`` is that on MNIST's 10,000 test digits."""

    features: Features
    classify: Callable[[Tensor], Tensor]
    accuracy: float


def digit_classifier(mnist: Path, quick: bool = False) -> DigitClassifier:
    """A classifier trained on the 60,000 digits and tested on the 10,000. Raises SystemExit when it reads too few."""
    # Training, or what was kept of it
    path = RESULTS / ".cache" / f"digits{'-quick' if quick else ''}.safetensors"
    kept = load(path)
    if kept is None:
        kept = trained(mnist, 30 if quick else STEPS)
        keep(path, kept)

    # The two networks
    trunk, head = trunk_of(kept), Head(10)
    head.load_state_dict(part(kept.tensors, "head."))
    logits = on(nn.Sequential(trunk.eval(), head.eval()), DEVICE, scaled)

    # Test
    test = real_digits(mnist)
    digits = test.batch(np.arange(len(test)))
    accuracy = (in_chunks(logits, digits["images"]).argmax(1) == digits["labels"]).float().mean().item()
    if accuracy < LEAST and not quick:
        raise SystemExit(
            f"the classifier reads {accuracy:.2%} of the test digits, {LEAST:.0%} are needed; delete {path}"
        )
    name = f"classifier of MNIST, {accuracy:.2%} right on the test digits"
    features = Features(name, weights_hash(kept.tensors), on(trunk, DEVICE, scaled))
    return DigitClassifier(features, lambda pictures: logits(pictures).argmax(1), accuracy)


def trained(mnist: Path, steps: int) -> Kept:
    """What is kept after so many steps on the 60,000 digits."""
    return as_kept(classifier(open_source(images.changed({"data": str(mnist)})), DEVICE, steps))


def real_digits(mnist: Path) -> ImageSource:
    """MNIST's 10,000 test digits, which nobody trains on."""
    return open_source(images.changed({"data": str(mnist / "t10k-images-idx3-ubyte.gz")}))
