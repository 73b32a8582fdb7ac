"""Scores of oddness that are learned, on digits of one class among those of ten: the features of the judge, the fresh
discriminator that `sparring calibrate` trains, beside those that it had before it learned, and its logit; and how
little of a digit an encoder and a generator give back (f-AnoGAN: Schlegl et al. 2019)."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from novelty import Digits, Score, Split, class_row
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, normalize

import sparring
from sparring.images.game import ImageGame
from sparring.metrics.features import Features, in_chunks
from sparring.model import Model
from sparring.networks.lean import SLOPE, LeanDiscriminator
from sparring.probability.calibrate import new_judge
from sparring.probability.examples import generated
from sparring.probability.grid import grid_of
from sparring.probability.judge import Judge, learn_judge
from sparring.probability.known import trained_on
from sparring.probability.neighbours import Neighbours

TRAINED, STEPS = 20, 750  # CPU seconds of a generator, steps of its judge
GENERATOR, ENCODER = 40, 30  # CPU seconds of a generator, and of its encoder
SETTINGS: dict[str, Any] = {"sample_every": "1h", "checkpoint_every": "10m", "measure_every": 0, "held_out": 0}
BATCH, RATE = 64, 1e-3  # of the encoder's training, by Adam
KAPPA = 1.0  # weight of the discriminator's features (Schlegl et al. 2019, section 3.3)

Fits = Mapping[str, Callable[[Tensor], Score]]
"""Scores by name, each fitted to training digits, bytes ``(n, 1, height, width)``."""


def one_class(split: Split, held_out: int, classes: Iterable[int], learn: Callable[[Tensor], Fits]) -> dict[str, Any]:
    """Every score that is learned from the training digits of a class but those held out, on each of the classes, as
    :func:`novelty.one_class` tells it."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for label in classes:
        for name, fit in learn(learned_from(split[0], label, held_out)).items():
            rows.setdefault(name, []).append(class_row(split, label, fit, held_out))
            print(label, name, round(rows[name][-1]["auroc"], 4), flush=True)
    return {
        name: {"mean": {key: float(np.mean([row[key] for row in each])) for key in each[0] if key != "class"},
               "classes": each}
        for name, each in rows.items()
    }  # fmt: skip


def learned_from(training: Digits, label: int, held_out: int) -> Tensor:
    """The training digits of a class but those that :func:`novelty.class_row` holds out."""
    own = training.of(label)
    return own[torch.randperm(len(own), generator=torch.Generator().manual_seed(label))[held_out:]]


def trained(training: Tensor, folder: Path, seed: int, seconds: int) -> Model:
    """A model of these digits, bytes ``(n, 1, height, width)``, without labels, after so many CPU seconds."""
    data, run = folder / "digits.npz", folder / "run"
    np.savez(data, images=training.permute(0, 2, 3, 1).numpy())
    sparring.train("images", data=data, out=run, seed=seed, time=f"{seconds}s", **SETTINGS)
    return sparring.load(run)


# What the judge has learned


def by_judge(training: Tensor, seed: int, quick: bool) -> Fits:
    """Scores by a judge of these digits and of what a generator of them makes, and by one that has learned nothing."""
    fresh, judge = judges_of(training, seed, quick)
    return {
        "judge's features, 5 nearest by cosine": partial(by_features, judge, "learned"),
        "the same before it has learned": partial(by_features, fresh, "fresh"),
        "judge's logit": lambda known: lambda images: -judge.logits(images),
    }


def judges_of(training: Tensor, seed: int, quick: bool) -> tuple[Judge, Judge]:
    """A judge that has learned nothing yet, and one of these digits, bytes ``(n, 1, height, width)``, and of what a
    generator of them makes."""
    with tempfile.TemporaryDirectory() as folder:
        model = trained(training, Path(folder), seed, 1 if quick else TRAINED)
        known = trained_on(model)
        real = known.examples(model)
        fresh, judge = (new_judge(model, real.shape[1:], seed) for _ in range(2))
        made = partial(generated, model, known, grid_of(real))
        learn_judge(judge, real, None, made, model.device, print, steps=5 if quick else STEPS, seed=seed)
    return fresh.eval(), judge.eval()


def by_features(judge: Judge, name: str, training: Tensor) -> Score:
    """The mean cosine distance to the five nearest training digits in the judge's features, twice."""
    features = Features("judge", name, lambda images: in_chunks(lambda part: normalize(judge.trunk(part)), images))
    with torch.no_grad():
        neighbours = Neighbours(features, training)
    return lambda images: neighbours.oddness(images)[0]


# An encoder beside a generator


class Reconstruction(nn.Module):
    """Digits in [-1, 1] ``(batch, 1, height, width)`` to how badly they are given back by the frozen generator of what
    an encoder makes of them, ``(batch,)``: the mean squared difference of pixels, and ``KAPPA`` times that of the
    discriminator's last hidden layer, frozen too (``izi_f`` of Schlegl et al. 2019, its loss and its score)."""

    def __init__(self, model: Model, height: int, width: int) -> None:
        super().__init__()
        generator, discriminator = (model.networks[name] for name in ("generator", "discriminator"))
        assert isinstance(discriminator, LeanDiscriminator)
        assert isinstance(model.game, ImageGame)
        self.generator = generator.requires_grad_(False).eval()
        self.discriminator = discriminator.requires_grad_(False).eval()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 32, 4, stride=2, padding=1), nn.LeakyReLU(SLOPE),
            nn.Conv2d(32, 64, 4, stride=2, padding=1), nn.LeakyReLU(SLOPE),
            nn.Flatten(), nn.Linear(64 * (height // 4) * (width // 4), model.game.latent),
        )  # fmt: skip

    def forward(self, digits: Tensor) -> Tensor:
        """Digits ``(batch, 1, height, width)`` to how odd they are ``(batch,)``."""
        back = self.generator(self.encoder(digits))
        pairs = ((digits, back), tuple(map(self.features, (digits, back))))
        pixels, features = ((one - other).square().flatten(1).mean(1) for one, other in pairs)
        return pixels + KAPPA * features

    def features(self, digits: Tensor) -> Tensor:
        """The last hidden layer of the discriminator ``(batch, features)``."""
        for down, norm in zip(self.discriminator.downs, self.discriminator.norms, strict=True):
            digits = leaky_relu(norm(down(digits)), SLOPE)
        return digits.flatten(1)


def by_encoder(training: Tensor, seed: int, quick: bool) -> Fits:
    """The score of f-AnoGAN, by a generator of these digits, bytes ``(n, 1, height, width)``, and its encoder."""
    with tempfile.TemporaryDirectory() as folder:
        model = trained(training, Path(folder), seed, 1 if quick else GENERATOR)
    torch.manual_seed(seed)
    network = Reconstruction(model, *training.shape[2:])
    losses = learn_encoder(network, training, 1 if quick else ENCODER)
    print(f"{model.examples_seen:,} digits shown; encoder: {len(losses):,} steps, loss {np.mean(losses[-50:]):.4f}")

    @torch.no_grad()
    def score(images: Tensor) -> np.ndarray:
        found: np.ndarray = in_chunks(lambda part: network(on_both_sides(part)), images).double().numpy()
        return found

    return {"encoder and generator (f-AnoGAN)": lambda known: score}


def learn_encoder(network: Reconstruction, training: Tensor, seconds: float) -> list[float]:
    """Train the encoder of a network on digits, bytes ``(n, 1, height, width)``, for so many CPU seconds; the loss of
    each step."""
    optimiser = torch.optim.Adam(network.encoder.parameters(), RATE)
    until, losses = time.process_time() + seconds, list[float]()
    while time.process_time() < until:
        loss = network(on_both_sides(training[torch.randint(len(training), (BATCH,))])).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


def on_both_sides(images: Tensor) -> Tensor:
    """Bytes ``(n, 1, height, width)`` as numbers in [-1, 1]."""
    return images.float() / 127.5 - 1
