"""What is measured of a game while it is trained, in the modality's quick features: distances to the data, diversity,
overfitting. Good for watching a run and choosing among its weights, not for comparing runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from hashlib import sha256
from statistics import fmean

import numpy as np
import torch
from torch import Tensor

from sparring.core.game import Batch, Game, Networks, Output, rows
from sparring.core.health import diversity, overfitting
from sparring.core.monitor import CHECKED
from sparring.core.precision import Precision
from sparring.core.seeds import Stream, mixed
from sparring.data.source import Source
from sparring.kind import Kind
from sparring.metrics.frechet import frechet
from sparring.metrics.kernel import kernel_distance
from sparring.metrics.score import Estimate, NotComputable
from sparring.metrics.sliced import sliced_wasserstein

AGAIN = 8  # times as many real examples as samples
FITTED = 512  # real examples that features are fitted to
LEAST_HELD_OUT = 16  # examples: with fewer, overfitting is not measured
Distance = Callable[[Tensor, Tensor, int], Mapping[str, Estimate]]
DISTANCES: tuple[Distance, ...] = (
    partial(frechet, errors=False), kernel_distance, partial(sliced_wasserstein, errors=False),
)  # fmt: skip


class QuickMeasurements:
    """Compares always the same latents with always the same real examples, so that what changes is the game.

    ``members`` and ``held_out`` are indices ``(n,)`` into ``source``. Of a game with several outputs each distance is
    the mean over them, told beside the outputs' own; diversity and overfitting are those of the worst.
    """

    def __init__(
        self,
        modality: Kind,
        game: Game,
        source: Source,
        members: np.ndarray,
        held_out: np.ndarray,
        seed: int,
        precision: Precision,
    ) -> None:
        self.modality, self.game, self.source, self.members = modality, game, source, members
        self.held_out_indices = held_out if len(held_out) >= LEAST_HELD_OUT else held_out[:0]
        self.seed, self.precision = seed, precision
        self.limits = modality.limits

    @cached_property
    def held_out(self) -> Batch | None:
        """The held-out examples; None where there are too few."""
        if not len(self.held_out_indices):
            return None
        return self.source.batch(self.held_out_indices)

    @cached_property
    def outputs(self) -> dict[str, OutputMeasurements]:
        """What is measured of each output; only a run that comes to its first measurement reads these examples."""
        seed = mixed(self.seed, Stream.MEASUREMENT)
        most = self.modality.most_compared(self.source.form).training
        chosen = np.random.default_rng(seed).permutation(self.members)[: AGAIN * most]
        return {
            name: OutputMeasurements(self.modality, output, self.source, chosen, seed, self.precision)
            for name, output in self.game.outputs.items()
        }

    def health(self, networks: Networks, recent: Batch, most: int) -> dict[str, float]:
        """Diversity of samples and overfitting of the discriminator, against at most so many examples that no turn has
        seen."""
        if self.held_out is None:
            return {}
        held_out = self.precision.on_device({name: rows[:most] for name, rows in self.held_out.items()})
        each = [output.health(networks, recent, held_out, self.seed + 1) for output in self.outputs.values()]
        worst = {"diversity": min, "overfitting": max, **dict.fromkeys(self.limits, max)}
        return {
            name: pick(health[name] for health in each if name in health)
            for name, pick in worst.items()
            if any(name in health for health in each)
        }

    def everything(self, networks: Networks, recent: Batch) -> dict[str, float]:
        """The distances that can be computed, :meth:`health`, and what only this modality measures."""
        each = {name: output.distances(networks) for name, output in self.outputs.items()}
        shared = set.intersection(*(set(distances) for distances in each.values()))
        measured = {name: fmean(distances[name] for distances in each.values()) for name in sorted(shared)}
        if len(each) > 1:
            measured |= {f"{name} {output}": value for output, found in each.items() for name, value in found.items()}
        if self.held_out is not None:
            held_out = self.precision.on_device(self.held_out)
            measured |= self.modality.measure_game(self.game, networks, held_out)
        return {**measured, **self.health(networks, recent, CHECKED)}


class OutputMeasurements:
    """What is measured of one output; ``chosen`` are indices ``(n,)`` of real examples in random order."""

    def __init__(
        self, modality: Kind, output: Output, source: Source, chosen: np.ndarray, seed: int, precision: Precision
    ) -> None:
        self.modality, self.output, self.source, self.chosen = modality, output, source, chosen
        self.seed, self.precision = seed, precision
        self.features = modality.quick_features(self.real_at(chosen[:FITTED]), precision.device)

    def real_at(self, indices: np.ndarray) -> Tensor:
        """Comparable real examples ``(n, ...)``."""
        return self.modality.real_examples(self.output, self.source.batch(indices))

    def comparable(self, examples: Tensor) -> Tensor:
        """Examples ``(n, ...)`` of the game as they are compared, on the CPU."""
        return self.modality.comparable(self.output.finish(examples))

    @cached_property
    def real(self) -> Tensor:
        """Features ``(n, dimensions)`` of the real examples that distances are taken to; distinct ones beside samples
        that are made from inputs, which a source may repeat."""
        # Some at a time: floating-point numbers take more room than what is compared
        parts = np.split(self.chosen, range(FITTED, len(self.chosen), FITTED))
        if not self.output.inputs:
            return torch.cat([self.features(self.real_at(part)) for part in parts])
        examples = torch.cat([self.real_at(part) for part in parts])
        return self.features(examples[distinct(examples)])

    @cached_property
    def conditions(self) -> Batch:
        """What the same samples are made under each time."""
        most = self.modality.most_compared(self.source.form).training
        made_under, _ = distinct_parts(self.output, self.source.batch(self.chosen[:most]))
        return self.precision.on_device(made_under)

    def features_of(self, examples: Tensor) -> Tensor:
        """Features ``(n, dimensions)`` of the game's examples ``(n, ...)``, in full precision."""
        with torch.autocast(examples.device.type, enabled=False):
            return self.features(self.comparable(examples))

    def distances(self, networks: Networks) -> dict[str, float]:
        """The distances to the data that can be computed; none of samples that are not numbers."""
        made = self.output.generate(networks, self.conditions, seed=self.seed)
        if not made.isfinite().all():
            return {}
        samples = self.features_of(made)
        return {name: value for distance in DISTANCES for name, value in self.measured(distance, samples).items()}

    def measured(self, distance: Distance, samples: Tensor) -> dict[str, float]:
        """One distance of features ``(n, dimensions)``; nothing where there are too few examples for it."""
        try:
            return {name: found.value for name, found in distance(self.real, samples, self.seed).items()}
        except NotComputable:
            return {}

    def health(self, networks: Networks, recent: Batch, held_out: Batch, seed: int) -> dict[str, float]:
        """Diversity, beside that of as many held-out examples, and overfitting where the discriminator has learned;
        nothing where too few of them are distinct."""
        made_under, others = distinct_parts(self.output, held_out)
        if min(rows(made_under), rows(others)) < LEAST_HELD_OUT:
            return {}
        made = self.output.generate(networks, made_under, seed=seed)
        on_made = self.output.logits(networks, made_under, made)
        on_training, on_held_out = (  # whole clips take room: one batch after the other
            self.output.logits(networks, batch, self.output.real(batch)) for batch in (recent, others)
        )
        measured = {}
        if made.isfinite().all():
            samples, apart = self.comparable(made), self.modality.real_examples(self.output, others)
            measured["diversity"] = diversity(self.features(samples), self.features(apart))
            measured |= self.modality.health(samples, apart)
        if on_training is not None and on_held_out is not None and on_made is not None:
            measured["overfitting"] = overfitting(on_training, on_held_out, on_made)
        return measured


def distinct_parts(output: Output, batch: Batch) -> tuple[Batch, Batch]:
    """Of a batch the rows with distinct inputs, to make samples under, and those with distinct real examples, to
    compare them with; all rows, twice, where samples are made from random numbers.

    A source of two domains repeats the smaller one, and equal inputs become equal samples: no sign of a collapse.
    """
    if not output.inputs:
        return batch, batch
    first, second = (
        {name: values[kept] for name, values in batch.items()}
        for kept in (distinct(batch[output.inputs]), distinct(output.real(batch)))
    )
    return first, second


def distinct(examples: Tensor) -> Tensor:
    """The index of the first of all ``examples`` ``(n, ...)`` that are equal, int64 ``(m,)`` on the CPU."""
    first: dict[bytes, int] = {}
    for index, example in enumerate(examples.cpu().contiguous().numpy()):
        first.setdefault(sha256(example.tobytes()).digest(), index)
    return torch.tensor(list(first.values()))
