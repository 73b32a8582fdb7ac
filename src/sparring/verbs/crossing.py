"""One way of a translation, as something to evaluate: translated pictures beside real ones of the target world."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sparring.core.game import mixed
from sparring.media.pictures.sheets import to_bytes
from sparring.metrics.features import Features, in_chunks
from sparring.metrics.score import Meaning, Score
from sparring.rooms import ROOMS
from sparring.translation.data import Tests
from sparring.translation.directions import WAYS, Direction, Translation, as_numbers, translated
from sparring.translation.inversion import luminance_correlation
from sparring.verbs.model import Model

CHUNK = 256  # pictures translated at a time
NOISE = 8 / 255  # standard deviation, of a range of 1, that no eye minds: for the test of hidden information

MEANINGS = {
    "cycle_error": Meaning("low", "mean difference after the way there and back, of a range of 1"),
    "hidden": Meaning("floor", "what slight noise on a translation changes on the way back; real: on real pictures"),
    "label_kept": Meaning("high", "translations that the target's classifier reads as what they were"),
    "paired_error": Meaning("low", "mean difference from the right picture, of a range of 1; real: copying the input"),
    "luminance": Meaning("high", "correlation of light and dark with the original: below 0 they are swapped"),
}


class Crossing:
    """``model`` on one way between the worlds of ``tests``."""

    count: int | None

    def __init__(self, model: Model, way: str, tests: Tests, place: Path) -> None:
        self.model, self.way, self.place = model, way, place
        game = model.game
        assert isinstance(game, Translation)
        self.game, self.tests = game, tests
        self.start, self.target = WAYS[way]
        self.inputs, self.source = tests.worlds[self.start], tests.worlds[self.target]
        self.room = ROOMS["images"]
        self.labels: list[str] = []
        self.count = len(self.inputs)
        self.facts: dict[str, Any] = {
            "model": model.hash,
            "examples_seen": model.examples_seen,
            "direction": way,
            "inputs": self.inputs.name,
        }

    def samples(self, like: np.ndarray, seed: int) -> tuple[Tensor, Tensor, None]:
        """Translations of as many pictures, and what the judge thinks of them."""
        made = self.over(self.chosen(len(like), seed), self.translated)
        side, judged = Direction(self.way), []
        for part in torch.split(made, CHUNK):
            judged.append(side.judge(self.model.networks, {}, as_numbers(part.to(self.model.device))).cpu())
        return made, torch.cat(judged), None

    def split(self) -> None:
        """Nothing is known of which target pictures it was trained on."""
        return None

    def further(self, samples: Tensor, measure: Features, seed: int) -> list[Score]:
        """What only a translation can be asked: is it still the same thing, and can one come back."""
        chosen = self.chosen(len(samples), seed)
        scores = [*self.back(samples, chosen, seed), self.light(samples, chosen)]
        for found in (self.label_kept(samples, chosen, measure), self.paired()):
            if found:
                scores.append(found)
        return scores

    def back(self, samples: Tensor, chosen: np.ndarray, seed: int) -> list[Score]:
        """The cycle's error, and how much of it is owed to what no eye sees (Chu et al. 2017, section 4)."""
        other = next((way for way in self.game.ways if way != self.way), None)
        if other is None:
            return []
        errors, hidden = [], []
        real = self.source.batch(np.arange(min(len(self.source), len(samples))))["images"]
        for number, part in enumerate(torch.split(samples, CHUNK)):
            rows = chosen[number * CHUNK :][: len(part)]
            home, shaken = self.shaken(part, other, mixed(seed, number))
            original = as_numbers(self.inputs.batch(rows)["images"])
            errors.append((home - original).abs().flatten(1).mean(1) / 2)
            hidden.append((shaken - home).abs().flatten(1).mean(1) / 2)
        plain = [self.shaken(part, other, mixed(seed, number)) for number, part in enumerate(torch.split(real, CHUNK))]
        floor = torch.cat([(shaken - home).abs().flatten(1).mean(1) / 2 for home, shaken in plain])
        return [row("cycle_error", torch.cat(errors)), row("hidden", torch.cat(hidden), floor)]

    def shaken(self, pictures: Tensor, way: str, seed: int) -> tuple[Tensor, Tensor]:
        """Bytes translated by ``way``, without and with slight noise on them; in [-1, 1], on the CPU."""
        numbers = as_numbers(pictures)
        noise = torch.randn(numbers.shape, generator=torch.Generator().manual_seed(seed))
        noisy = (numbers + 2 * NOISE * noise).clamp(-1, 1)
        home, shaken = (self.go(way, some) for some in (numbers, noisy))
        return home, shaken

    def light(self, samples: Tensor, chosen: np.ndarray) -> Score:
        """Whether light stayed light."""
        few = slice(0, CHUNK)
        original = self.inputs.batch(chosen[few])["images"]
        each = torch.stack(
            [luminance_correlation(one[None], other[None]) for one, other in zip(original, samples[few], strict=True)]
        )
        return row("luminance", each)

    def label_kept(self, samples: Tensor, chosen: np.ndarray, measure: Features) -> Score | None:
        """Whether translations show what they did, by a classifier of the target world; None without labels."""
        known, ours = self.source.form["labels"], self.inputs.form["labels"]
        if not measure.classify or not ours or not set(ours) <= set(known):
            return None
        wanted = torch.tensor([known.index(name) for name in ours])[self.inputs.batch(chosen)["labels"]]
        right = (in_chunks(measure.classify, samples) == wanted).float()
        score = row("label_kept", right)
        return Score(score.name, score.value, score.error, measure.accuracy, None, None, len(right))

    def paired(self) -> Score | None:
        """The difference from the right picture, where pairs are known, beside what copying the input would score."""
        pairs = self.tests.pairs
        if pairs is None:
            return None
        column = {"a": 0, "b": 1}
        given, right = pairs[:, column[self.start]], pairs[:, column[self.target]]
        errors, copied = [], []
        for number in range(0, len(pairs), CHUNK):
            original = as_numbers(self.inputs.batch(given[number : number + CHUNK])["images"])
            truth = as_numbers(self.source.batch(right[number : number + CHUNK])["images"])
            errors.append((self.go(self.way, original) - truth).abs().flatten(1).mean(1) / 2)
            copied.append((original - truth).abs().flatten(1).mean(1) / 2)
        return row("paired_error", torch.cat(errors), torch.cat(copied))

    # Making

    def chosen(self, count: int, seed: int) -> np.ndarray:
        """Indices of the originals."""
        return np.random.default_rng((seed, 1)).permutation(len(self.inputs))[:count]

    def over(self, indices: np.ndarray, work: Any) -> Tensor:
        """``work`` on the originals at ``indices``, some at a time."""
        parts = np.split(indices, range(CHUNK, len(indices), CHUNK))
        return torch.cat([work(self.inputs.batch(part)["images"]) for part in parts])

    def translated(self, pictures: Tensor) -> Tensor:
        """Bytes to the bytes of their translations."""
        return to_bytes(self.go(self.way, as_numbers(pictures)))

    @torch.no_grad()
    def go(self, way: str, pictures: Tensor) -> Tensor:
        """Pictures in [-1, 1] translated, on the CPU."""
        translators: nn.Module = self.model.networks["generator"]
        return translated(translators, way, pictures.to(self.model.device)).cpu()


def row(name: str, each: Tensor, floor: Tensor | None = None) -> Score:
    """A mean over pictures, with its standard error."""
    mean, error = mean_of(each)
    below, below_error = mean_of(floor) if floor is not None else (None, None)
    return Score(name, mean, error, below, below_error, None, len(each))


def mean_of(each: Tensor) -> tuple[float, float]:
    """With its standard error."""
    return each.mean().item(), (each.std() / len(each) ** 0.5).item()
