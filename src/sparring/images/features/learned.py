"""Features of pictures: learned from the user's own, or random ones that need no learning."""

from __future__ import annotations

import hashlib
import json

import torch
from torch import Tensor, nn

from sparring.core.errors import UserError
from sparring.core.run import weights_hash
from sparring.features.keeping import device_for_pooling, kept_or_learned, looked_at, on
from sparring.features.learning import STEPS, steps_for
from sparring.features.trunk import Trunk
from sparring.images.data import ImageSource
from sparring.images.features.learning import classifier, contrast
from sparring.images.features.pixels import scaled
from sparring.metrics.features import Features
from sparring.modality import Say

VERSION = 3  # raise it when what is learned changes


def learned_features(source: ImageSource, device: torch.device, say: Say) -> Features:
    """A classifier of the source's labels; where there are fewer than two, what contrast teaches.

    Raises :class:`UserError` when all pictures are the same: there is nothing to learn from.
    """
    device = device_for_pooling(device)
    learn = classifier if len(source.form.labels) > 1 else contrast
    return kept_or_learned(
        source, fingerprint(source), "pictures", lambda: learn(source, device, say=say), scaled, device, say
    )


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
    return Features(
        "random convolutions", weights_hash(trunk.state_dict()), on(trunk.eval().to(device), device, scaled)
    )


def fingerprint(source: ImageSource) -> str:
    """16 hexadecimal digits of what the source holds: its form, its length, some of its pictures and labels.

    Raises :class:`UserError` when these pictures are all the same.
    """
    batch = source.batch(looked_at(len(source)))
    if (batch["images"] == batch["images"][:1]).all():
        raise UserError(f"{source.name}: all its pictures look the same; there is nothing to measure by")
    form = source.form
    shape = {"height": form.height, "width": form.width, "channels": form.channels, "labels": form.labels}
    fewer = [steps] if (steps := steps_for(len(source))) < STEPS else []  # of all others the fingerprint stays
    digest = hashlib.sha256(json.dumps([VERSION, len(source), shape, *fewer]).encode())
    for name in sorted(batch):
        digest.update(batch[name].contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
