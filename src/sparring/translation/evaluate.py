"""How good a translation is, one direction at a time: translated pictures beside real ones of the target domain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring.core.game import Output
from sparring.core.seeds import Stream, mixed
from sparring.data.source import Source
from sparring.images.modality import Images
from sparring.kind import Kind
from sparring.media.pictures.sheets import to_bytes
from sparring.metrics.features import Features, in_chunks
from sparring.metrics.score import Metric, Score, mean_score
from sparring.model import Model
from sparring.probability.measured import scores_of_calibration
from sparring.targets import kept_calibration, own_data, places_of
from sparring.translation.data import EvaluationData, TranslationForm, open_evaluation_data
from sparring.translation.domains import OnOneDomain, seen_as
from sparring.translation.game import as_numbers, translated, translator_of
from sparring.translation.inversion import luminance_correlation
from sparring.translation.recipes import TranslationRecipe

CHUNK = 256  # pictures translated at a time
NOISE = 8 / 255  # standard deviation, of a range of 1, that no eye minds: for the test of hidden information

CYCLE_ERROR = Metric("cycle_error", "low", "mean difference after translation there and back, of a range of 1")
HIDDEN = Metric(
    "hidden", "floor", "what slight noise on a translation changes when it is translated back; real: on real pictures"
)
LABEL_KEPT = Metric("label_kept", "high", "translations that the target's classifier reads as what they were")
PAIRED_ERROR = Metric(
    "paired_error", "low", "mean difference from the right picture, of a range of 1; real: copying the input"
)
LUMINANCE = Metric("luminance", "high", "correlation of light and dark with the original: below 0 they are swapped")


class DirectionTarget:
    """One direction of a translation, as something to evaluate: the pictures of one domain of ``data``, translated,
    beside those of the other."""

    training: Source | None = None

    def __init__(self, model: Model, form: TranslationForm, direction: str, data: EvaluationData) -> None:
        self.model, self.form, self.data, self.path = model, form, data, model.path
        self.modality: Kind = Images()
        self.direction = OnOneDomain(direction)
        self.output: Output = self.direction
        self.inputs = data.domains[self.direction.source]
        self.source: Source = data.domains[self.direction.target]
        self.labels: tuple[str, ...] = ()
        self.count: int | None = len(self.inputs)
        self.facts: dict[str, Any] = {
            "model": model.hash,
            "examples_seen": model.examples_seen,
            "direction": direction,
            "inputs": self.inputs.name,
        }

    def samples(self, like: np.ndarray, seed: int) -> tuple[Tensor, Tensor, None]:
        """Translations, uint8 ``(n, channels, height, width)``, of as many pictures as there are indices in ``like``,
        and the discriminator's logits ``(n,)``."""
        chosen = self.chosen(len(like), seed)
        parts = np.split(chosen, range(CHUNK, len(chosen), CHUNK))
        made = torch.cat([to_bytes(self.go(self.direction.name, self.originals(part))) for part in parts])
        logits = [
            self.direction.logits(self.model.networks, {}, as_numbers(part.to(self.model.device))).cpu()
            for part in torch.split(made, CHUNK)
        ]
        return made, torch.cat(logits), None

    def split(self) -> None:
        """None: it is not known which pictures of the target domain the model was trained on."""
        return None

    def extra_scores(self, samples: Tensor, features: Features, seed: int) -> list[Score]:
        """What only a translation can be asked of its translations, uint8 ``(n, channels, height, width)``: is it still
        the same thing, and does it come back."""
        chosen = self.chosen(len(samples), seed)
        scores = [*self.cycle_scores(samples, chosen, seed), self.luminance(samples, chosen), *self.judged()]
        optional = (self.label_kept(samples, chosen, features), self.paired_error())
        return scores + [score for score in optional if score]

    # Scores

    def cycle_scores(self, samples: Tensor, chosen: np.ndarray, seed: int) -> list[Score]:
        """The cycle's error, and how much of it is owed to what no eye sees (Chu et al. 2017, section 4), of
        translations ``(n, channels, height, width)`` of the pictures at ``chosen`` ``(n,)``; none of a model with one
        direction."""
        back = next((name for name in self.model.game.outputs if name != self.direction.name), None)
        if back is None:
            return []
        errors, changes = [], []
        real = self.source.batch(np.arange(min(len(self.source), len(samples))))["images"]
        for number, part in enumerate(torch.split(samples, CHUNK)):
            plain, noisy = self.with_and_without_noise(part, back, mixed(seed, number))
            original = self.originals(chosen[number * CHUNK :][: len(part)])
            errors.append(difference(plain, original))
            changes.append(difference(noisy, plain))
        floor = [
            difference(*self.with_and_without_noise(part, back, mixed(seed, number)))
            for number, part in enumerate(torch.split(real, CHUNK))
        ]
        return [mean_score(CYCLE_ERROR, torch.cat(errors)), mean_score(HIDDEN, torch.cat(changes), torch.cat(floor))]

    def with_and_without_noise(self, pictures: Tensor, direction: str, seed: int) -> tuple[Tensor, Tensor]:
        """Bytes ``(n, channels, height, width)`` translated, without and with slight noise on them; in [-1, 1], on the
        CPU."""
        numbers = as_numbers(pictures)
        noise = torch.randn(numbers.shape, generator=torch.Generator().manual_seed(seed))
        noisy = (numbers + 2 * NOISE * noise).clamp(-1, 1)
        return self.go(direction, numbers), self.go(direction, noisy)

    def luminance(self, samples: Tensor, chosen: np.ndarray) -> Score:
        """Whether light stayed light in translations ``(n, channels, height, width)`` of the pictures at ``chosen``
        ``(n,)``; the first of them will do."""
        originals = self.inputs.batch(chosen[:CHUNK])["images"]
        pairs = zip(originals, samples[:CHUNK], strict=True)
        return mean_score(LUMINANCE, torch.stack([luminance_correlation(a[None], b[None]) for a, b in pairs]))

    def judged(self) -> list[Score]:
        """What the model's calibration measured, where it has one of this direction's target domain."""
        calibration = kept_calibration(seen_as(self.model, self.direction.target))
        if calibration is None or calibration.facts.get("domain") != self.direction.target.upper():
            return []
        return scores_of_calibration(calibration.facts)

    def label_kept(self, samples: Tensor, chosen: np.ndarray, features: Features) -> Score | None:
        """Whether translations ``(n, channels, height, width)`` show what the pictures at ``chosen`` ``(n,)`` did, by a
        classifier of the target domain; None without labels."""
        known, labels = self.source.form.labels, self.inputs.form.labels
        if not features.classify or not labels or not set(labels) <= set(known):
            return None
        wanted = torch.tensor([known.index(name) for name in labels])[self.inputs.batch(chosen)["labels"]]
        right = (in_chunks(features.classify, samples) == wanted).float()
        return replace(mean_score(LABEL_KEPT, right), floor=features.accuracy)

    def paired_error(self) -> Score | None:
        """The difference from the right picture, where pairs are known, beside what copying the input would score."""
        pairs = self.data.pairs
        if pairs is None:
            return None
        errors, copied = [], []
        for part in np.split(pairs, range(CHUNK, len(pairs), CHUNK)):
            indices = dict(zip(("a", "b"), part.T, strict=True))
            original = self.originals(indices[self.direction.source])
            right = as_numbers(self.source.batch(indices[self.direction.target])["images"])
            errors.append(difference(self.go(self.direction.name, original), right))
            copied.append(difference(original, right))
        return mean_score(PAIRED_ERROR, torch.cat(errors), torch.cat(copied))

    # Pictures

    def chosen(self, count: int, seed: int) -> np.ndarray:
        """The indices of the pictures that are translated, int64 ``(count,)``."""
        return np.random.default_rng((seed, Stream.EVALUATION)).permutation(len(self.inputs))[:count]

    def originals(self, indices: np.ndarray) -> Tensor:
        """The pictures of the source domain at ``indices`` ``(n,)``, ``(n, channels, height, width)`` in [-1, 1]."""
        return as_numbers(self.inputs.batch(indices)["images"])

    @torch.no_grad()
    def go(self, direction: str, pictures: Tensor) -> Tensor:
        """Pictures ``(n, channels, height, width)`` in [-1, 1] translated, on the CPU."""
        translator = translator_of(self.model.networks["generator"], direction)
        return translated(translator, pictures.to(self.model.device)).cpu()


def difference(one: Tensor, other: Tensor) -> Tensor:
    """The mean absolute difference of each two of ``(n, channels, height, width)`` in [-1, 1], of a range of 1:
    ``(n,)``."""
    return (one - other).abs().flatten(1).mean(1) / 2


def targets_of(model: Model, data: Sequence[str], directions: Sequence[str]) -> list[DirectionTarget]:
    """Each of these ``directions`` of a model beside the domains that ``data`` or its run name: one path that holds
    both, or two. Raises :class:`UserError` when they cannot be had."""
    recipe, form = model.recipe, model.form
    assert isinstance(recipe, TranslationRecipe)
    assert isinstance(form, TranslationForm)
    domains = open_evaluation_data(recipe.changed(places_of(recipe, data) if data else own_data(model)), form)
    return [DirectionTarget(model, form, direction, domains) for direction in directions]
