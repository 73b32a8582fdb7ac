"""What is evaluated: a model that makes samples, or a folder that holds them; and the real examples beside it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.game import mixed
from sparring.core.run import find
from sparring.data.order import held_out_count, split
from sparring.data.source import Source
from sparring.metrics.features import Features
from sparring.metrics.score import Score
from sparring.rooms import RECIPES, ROOMS, Room
from sparring.translation.data import open_tests
from sparring.translation.directions import Translation
from sparring.translation.recipes import TranslationRecipe
from sparring.verbs.crossing import Crossing
from sparring.verbs.model import Model, load

CHUNK = 512  # samples made at a time
STREAM = 1  # sets the choice of samples apart from that of real examples, which may be the same files

Samples = tuple[Tensor, Tensor | None, Tensor | None]
"""The samples, the judge's logits ``(n,)`` and the labels ``(n,)`` that they were made under, where there are any."""


class Subject(Protocol):
    """Something to evaluate beside ``source``, the real examples."""

    room: Room
    place: Path
    """Where the results go unless the user says otherwise."""
    facts: dict[str, Any]
    labels: list[str]
    count: int | None
    """How many samples there are; None for as many as one likes."""

    @property
    def source(self) -> Source:
        """The real examples."""

    def samples(self, like: np.ndarray, seed: int) -> Samples:
        """As many samples as ``like`` has indices of real examples, under their labels, as the room measures them."""

    def split(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Indices of the real examples that it was trained on and of those held out; None where that is not known."""

    def further(self, samples: Tensor, measure: Features, seed: int) -> list[Score]:
        """Scores that only this kind of subject has."""


class Maker:
    """A trained model; ``data`` is what it is compared with."""

    count: int | None = None

    def __init__(self, model: Model, folder: Path, data: str) -> None:
        self.model = model
        self.room, self.labels = self.model.room, self.model.labels
        self.source = self.room.open_source(self.model.recipe.changed({"data": data}))
        self.place = folder / "evaluation"
        self.facts = {"model": self.model.hash, "examples_seen": self.model.examples_seen}
        self.fits()

    def fits(self) -> None:
        """Raise :class:`UserError` unless the data have the form that the model makes."""
        ours, theirs = self.model.form, self.source.form
        for name in ("height", "width", "channels", "dimensions"):
            if ours.get(name) != theirs.get(name):
                raise UserError(
                    f"{self.source.name}: {name} {theirs.get(name)} is not what the model makes, {ours.get(name)}; "
                    "give the data that it was trained on, or data of the same kind"
                )
        if self.labels and self.labels != theirs["labels"]:
            raise UserError(
                f"{self.source.name}: its labels are not those that the model knows ({', '.join(self.labels[:5])}, "
                "...); give labelled data of the same kind"
            )

    def samples(self, like: np.ndarray, seed: int) -> Samples:
        """Made now, from ``seed``; raises :class:`UserError` when they are not numbers."""
        made, logits, labels, bad = [], [], [], 0
        as_measured = self.room.part("metrics").as_measured
        game, networks, device = self.model.game, self.model.networks, self.model.device
        for number, indices in enumerate(np.split(like, range(CHUNK, len(like), CHUNK))):
            batch = {name: value.to(device) for name, value in self.source.batch(indices).items()}
            with torch.no_grad():
                some = game.imitate(networks, batch, seed=mixed(seed, number))
                logits.append(game.judge(networks, batch, some).cpu())
            some = game.present(some)
            bad += int((~some.flatten(1).isfinite().all(1)).sum())
            made.append(as_measured(some))
            labels.append(batch["labels"].cpu() if self.labels else torch.empty(0))
        if bad:
            raise UserError(f"{self.model.folder}: {bad:,} of {len(like):,} samples hold numbers that are not finite")
        return torch.cat(made), torch.cat(logits), torch.cat(labels) if self.labels else None

    def split(self) -> tuple[np.ndarray, np.ndarray] | None:
        """As training split them, where these are the data that it was trained on."""
        recipe, count = self.model.recipe, len(self.source)
        if count != self.model.examples or Path(self.source.name).name != recipe.data:
            return None
        return split(count, recipe.seed, held_out_count(recipe.held_out, count))

    def further(self, samples: Tensor, measure: Features, seed: int) -> list[Score]:
        """None."""
        return []


class Folder:
    """Pictures that lie there, whoever made them."""

    def __init__(self, folder: Path, data: str | None, reading: Mapping[str, Any]) -> None:
        if data is None:
            raise UserError(f"data: {folder} is no run, so nothing tells what to compare it with; add --data PATH")
        self.room = ROOMS["images"]
        self.labels: list[str] = []
        self.source, self.made = (
            self.room.open_source(RECIPES["images"].changed({**reading, "data": str(where)}))
            for where in (data, folder)
        )
        self.count: int | None = len(self.made)
        self.place = Path(f"evaluation-{folder.resolve().stem}")
        self.facts = {"samples": len(self.made)}
        form = [source.form for source in (self.made, self.source)]
        sizes = [f"{each['height']}x{each['width']} with {each['channels']} channels" for each in form]
        if sizes[0] != sizes[1]:
            raise UserError(
                f"{folder}: sizes do not match, it holds {sizes[0]} and {self.source.name} {sizes[1]}; "
                "bring both to one with --size and --channels"
            )

    def samples(self, like: np.ndarray, seed: int) -> Samples:
        """Some of those there are, from ``seed``."""
        chosen = np.random.default_rng((seed, STREAM)).permutation(len(self.made))[: len(like)]
        return self.made.batch(chosen)["images"], None, None

    def split(self) -> None:
        """Not known."""
        return None

    def further(self, samples: Tensor, measure: Features, seed: int) -> list[Score]:
        """None."""
        return []


def find_model(target: Path, reading: Mapping[str, Any], device: torch.device) -> Model | None:
    """The model of a run or a model folder; None for another folder. Raises :class:`UserError` where there is nothing,
    or ``reading`` is told for a model."""
    if any(os.path.exists(target / name) for name in ("config.json", "recipe.yaml")):
        if reading:
            raise UserError(f"{next(iter(reading))}: was decided when the model was trained; leave it out")
        return load(target, device.type)
    if not os.path.exists(target):  # where Path.exists would raise: a name too long
        raise UserError(f"{target}: no such run, model or folder of samples")
    return None


def places_of(data: str | Path | Sequence[str | Path] | None) -> list[str]:
    """What was given as data, none, one or several."""
    return [] if data is None else [str(data)] if isinstance(data, str | Path) else [str(each) for each in data]


def of_model(model: Model, folder: Path, given: Sequence[str]) -> dict[str, Subject]:
    """The same for a trained model. Raises :class:`UserError` when its data cannot be had."""
    recipe = model.recipe
    if not isinstance(recipe, TranslationRecipe):
        return {"": Maker(model, folder, one_place(given) or own_data(folder, model)["data"])}
    if len(given) > len(recipe.data_settings):
        raise UserError(f"data: {len(given)} places are too many; give two worlds: --data A_FOLDER B_FOLDER")
    named = {"data": "", "data_b": "", **dict(zip(recipe.data_settings, given, strict=False))}
    tests = open_tests(recipe.changed(named if given else own_data(folder, model)), model.form)
    assert isinstance(model.game, Translation)
    return {way: Crossing(model, way, tests, folder / "evaluation" / way) for way in model.game.ways}


def one_place(given: Sequence[str]) -> str | None:
    """The only one; None without any. Raises :class:`UserError` for several."""
    if len(given) > 1:
        raise UserError(f"data: {len(given)} places are too many, one is enough here")
    return given[0] if given else None


def own_data(folder: Path, model: Model) -> dict[str, str]:
    """What the run of a model was trained on. Raises :class:`UserError` when only the user can know."""
    for place in (folder, folder.parent):
        if (place / "recipe.yaml").exists():
            content = find(place)[1]
            return {name: str(content[name]) for name in model.recipe.data_settings}
    if model.room.names_data(model.recipe.data):
        return {"data": model.recipe.data}
    raise UserError(f"data: {folder} does not hold the data it was trained on ({model.recipe.data}); add --data PATH")
