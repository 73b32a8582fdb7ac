"""What is evaluated: an output of a trained model, or files that somebody made, each beside real examples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.game import Output
from sparring.core.recipe import Recipe
from sparring.core.run import find
from sparring.core.seeds import Stream, mixed
from sparring.core.settings import fields
from sparring.data.order import held_out_count, split
from sparring.data.parts import joined, parts_of
from sparring.data.source import Source
from sparring.kind import Kind
from sparring.measurements import FITTED
from sparring.metrics.features import Features
from sparring.metrics.score import Score
from sparring.model import Model
from sparring.options import EvaluateOptions
from sparring.probability.kept import Calibration
from sparring.probability.measured import scores_of_calibration

MADE = 512  # samples made at a time, at most

Samples = tuple[Tensor, Tensor | None, Tensor | None]
"""The samples, the discriminator's logits ``(n,)`` and the labels ``(n,)`` that they were made under, where there are
any."""


class Target(Protocol):
    """Something to evaluate beside ``source``, real examples that ``output`` knows how to read."""

    modality: Kind
    source: Source
    output: Output
    path: Path
    """What the user named."""
    facts: dict[str, Any]
    """What is told of it beside its scores."""
    labels: tuple[str, ...]
    count: int | None
    """How many samples there are; None for as many as one likes."""
    training: Source | None
    """What it learned from, where that is known and ``source`` is apart from it."""

    def samples(self, like: np.ndarray, seed: int) -> Samples:
        """As many comparable samples ``(n, ...)`` as ``like`` has indices of real examples, under their labels."""

    def split(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Indices ``(n,)`` of the real examples that it was trained on and of those held out; None where they are
        unknown."""

    def extra_scores(self, samples: Tensor, features: Features, seed: int) -> list[Score]:
        """Scores of comparable samples ``(n, ...)`` that only this kind of target has."""


class ModelTarget:
    """One output of a trained model, compared with ``source``. Raises :class:`UserError` unless the examples of
    ``source`` have the form that the model makes."""

    count: int | None = None

    def __init__(self, model: Model, output: Output, source: Source, training: Source | None = None) -> None:
        self.training = training
        self.modality, self.model, self.output, self.source = model.modality, model, output, source
        self.path, self.labels = model.path, model.labels
        self.facts: dict[str, Any] = {"model": model.hash, "examples_seen": model.examples_seen}
        forms = [form if self.labels else replace(form, labels=()) for form in (model.form, source.form)]
        if difference := forms[0].differs(forms[1]):
            raise UserError(
                f"{source.name}: has {difference}, which is not what the model makes; give the data that it was "
                "trained on, or data of the same kind"
            )

    def samples(self, like: np.ndarray, seed: int) -> Samples:
        """Comparable samples ``(n, ...)`` made now, from ``seed``, with logits and labels ``(n,)``. Raises
        :class:`UserError` when they are not numbers."""
        logits, labels, bad = list[Tensor](), list[Tensor](), list[Tensor]()

        def made() -> Iterator[Tensor]:
            for number, indices in enumerate(parts_of(self.source, like, MADE)):
                batch = self.model.on_device(self.source.batch(indices))
                with torch.no_grad():
                    generated = self.output.generate(self.model.networks, batch, seed=mixed(seed, number))
                    own_logits = self.output.logits(self.model.networks, batch, generated)
                finished = self.output.finish(generated)
                bad.append(~finished.flatten(1).isfinite().all(1))
                logits.extend([] if own_logits is None else [own_logits.cpu()])
                labels.extend([batch["labels"].cpu()] if self.labels else [])
                yield self.modality.comparable(finished)

        samples = joined(made(), len(like))
        if wrong := int(torch.cat(bad).sum()):
            raise UserError(f"{self.path}: {wrong:,} of {len(like):,} samples hold numbers that are not finite")
        return samples, torch.cat(logits) if logits else None, torch.cat(labels) if labels else None

    def split(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Indices ``(n,)`` of training and held-out examples, where these are the data that the model was trained
        on."""
        recipe, count = self.model.recipe, len(self.source)
        if count != self.model.examples or Path(self.source.name).name != recipe.data:
            return None
        return split(count, recipe.seed, held_out_count(recipe.held_out, count))

    def extra_scores(self, samples: Tensor, features: Features, seed: int) -> list[Score]:
        """What the model's calibration measured, where it has one, whatever the samples ``(n, ...)``; none of samples
        that its judge kept, for they are others, and none by a calibration of weights that it has no more."""
        if self.output is not self.model.game.outputs.get(""):
            return []
        calibration = kept_calibration(self.model)
        return [] if calibration is None else scores_of_calibration(calibration.facts)


class FolderTarget:
    """Samples that lie in files, whoever made them, compared with other files. Raises :class:`UserError` unless both
    have the same form."""

    labels: tuple[str, ...] = ()
    training: Source | None = None

    def __init__(self, modality: Kind, recipe: Recipe, made: Source, source: Source, path: Path) -> None:
        self.modality, self.made, self.source, self.path = modality, made, source, path
        self.count: int | None = len(made)
        self.facts: dict[str, Any] = {"samples": len(made)}
        forms = [replace(each.form, labels=()) for each in (source, made)]
        if difference := forms[0].differs(forms[1]):
            settings = fields(modality.entry.options.get("evaluate", EvaluateOptions))
            means = [f"--{name.replace('_', '-')}" for name in settings if name in difference.split()]
            how = f" with {' and '.join(means)}" if means else ""
            raise UserError(f"{path}: has {difference} of {source.name}; bring both to one form{how}")
        self.output = plain_output(modality, source, recipe)

    def samples(self, like: np.ndarray, seed: int) -> Samples:
        """As many of the comparable samples ``(n, ...)`` as ``like`` has indices, chosen by ``seed``."""
        chosen = np.random.default_rng((seed, Stream.EVALUATION)).permutation(len(self.made))[: len(like)]
        return real_examples(self.modality, self.output, self.made, chosen), None, None

    def split(self) -> None:
        """None: it is not known what these samples were trained on."""
        return None

    def extra_scores(self, samples: Tensor, features: Features, seed: int) -> list[Score]:
        """None: of samples ``(n, ...)`` in files nothing more is known."""
        return []


def only_place(data: Sequence[str]) -> str:
    """The only place of data. Raises :class:`UserError` for several."""
    if len(data) > 1:
        raise UserError(f"data: {len(data)} places are too many, one is enough here")
    return data[0]


def places_of(recipe: Recipe, data: Sequence[str]) -> dict[str, str]:
    """The settings of a recipe that these places of data, one or more, stand for. Raises :class:`UserError` for more of
    them than it reads."""
    names = recipe.data_settings
    if len(data) > len(names):
        enough = "one is" if len(names) == 1 else f"{len(names)} are"
        raise UserError(f"data: {len(data)} places are too many, {enough} enough here")
    return {**dict.fromkeys(names, ""), **dict(zip(names, data, strict=False))}


def kept_calibration(model: Model) -> Calibration | None:
    """The calibration of a model; None where it has none, and where that is of weights that it has no more, which
    scoring tells."""
    try:
        return model.calibration()
    except UserError:
        return None


def own_data(model: Model) -> dict[str, str]:
    """The data that a model's run was trained on, by setting. Raises :class:`UserError` when only the user can know."""
    names = model.recipe.data_settings
    for folder in (model.folder, model.folder.parent):
        if (folder / "recipe.yaml").exists():
            content = find(folder)[1]
            return {name: str(content[name]) for name in names}
    if model.recipe.data in model.modality.entry.sets:
        return {"data": model.recipe.data}
    raise UserError(
        f"data: {model.path} does not hold the data it was trained on ({model.recipe.data}); add --data PATH"
    )


def plain_output(modality: Kind, source: Source, recipe: Recipe | None = None) -> Output:
    """What reads the examples of a source, as the recipe says, where there is no trained model. Raises
    :class:`UserError` for a modality that makes nothing from nothing."""
    outputs = modality.build_game(recipe or modality.entry.recipe(), source.form).outputs
    if "" not in outputs:
        raise UserError(f"{source.name}: {modality.entry.recipe.kind} is evaluated by a trained model; give its run")
    return outputs[""]


def quick_features_of(modality: Kind, source: Source, device: torch.device) -> Features:
    """The modality's quick features, fitted to a few examples of a source: of its first output, where it has
    several."""
    output = next(iter(modality.build_game(modality.entry.recipe(), source.form).outputs.values()))
    few = np.arange(len(source))[:: max(1, len(source) // FITTED)][:FITTED]
    return modality.quick_features(real_examples(modality, output, source, few), device)


def real_examples(modality: Kind, output: Output, source: Source, indices: np.ndarray) -> Tensor:
    """The real examples at ``indices``, comparable ``(n, ...)``; some read at a time, for they take more memory
    before."""
    parts = (modality.real_examples(output, source.batch(part)) for part in parts_of(source, indices))
    return joined(parts, len(indices))
