"""A translation as probability sees it: a model that makes pictures of one domain, of pictures of the other."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.game import Batch, Networks
from sparring.core.recipe import Recipe
from sparring.data.source import Form, Source
from sparring.images.modality import Images
from sparring.kind import Say
from sparring.model import Model
from sparring.options import ScoreOptions
from sparring.probability.calibrate import calibrate
from sparring.probability.kept import AGAIN, Calibration
from sparring.scoring import Table, score_by_discriminator
from sparring.translation.data import TranslationForm, open_domain, open_evaluation_data, open_kept, open_source
from sparring.translation.game import DIRECTIONS, DOMAINS, Direction, as_numbers
from sparring.translation.recipes import ENTRY, TranslationCalibrateOptions, TranslationRecipe

INTO = {target: name for name, (_, target) in DIRECTIONS.items()}  # the direction that leads to a domain


class OnOneDomain(Direction):
    """A direction beside sources of one domain each, whose batches hold ``images``: of its target domain where they are
    real ones, of its source domain where they are to be translated."""

    def real(self, batch: Batch) -> Tensor:
        """The batch's pictures ``(batch, channels, height, width)``, in [-1, 1]."""
        return as_numbers(batch["images"])

    def generate(self, networks: Networks, conditions: Batch, *, seed: int, **options: Any) -> Tensor:
        """The translations ``(rows, channels, height, width)`` of the pictures in ``conditions``."""
        return super().generate(networks, {self.source: conditions["images"]}, seed=seed)


class DomainPictures(Images):
    """Pictures of one ``domain`` of a translation, ``a`` or ``b``."""

    entry = ENTRY

    def __init__(self, domain: str) -> None:
        self.domain = domain

    def open_source(self, recipe: Recipe, form: Form | None = None) -> Source:
        """The domain's pictures among the two that the recipe names; with ``form``, to calibrate with. Raises
        :class:`UserError` when either domain cannot be had."""
        assert isinstance(recipe, TranslationRecipe)
        assert isinstance(form, TranslationForm | None)
        opened = open_source(recipe) if form is None else open_evaluation_data(recipe, form)
        return opened.domains[self.domain]

    def open_kept(self, recipe: Recipe, form: Form) -> Source | None:
        """The domain's pictures in ``testA`` or ``testB`` beside what the recipe learns from; None where there are
        none. Raises :class:`UserError` where they cannot be read."""
        assert isinstance(recipe, TranslationRecipe)
        assert isinstance(form, TranslationForm)
        kept = open_kept(recipe, form)
        return None if kept is None else kept.domains[self.domain]


class DomainFiles(DomainPictures):
    """The same, where a path names pictures of that domain alone."""

    def open_source(self, recipe: Recipe, form: Form | None = None) -> Source:
        """The pictures that the recipe names, in the shape that the model knows. Raises :class:`UserError` when there
        are none to be had."""
        assert isinstance(recipe, TranslationRecipe)
        assert isinstance(form, TranslationForm)
        return open_domain(recipe, form, self.domain)


def seen_as(model: Model, domain: str) -> Model:
    """A translation as a model whose one output are pictures of a ``domain``, ``a`` or ``b``, beside real ones of it;
    weights, folder and hash are the same."""
    assert isinstance(model.form, TranslationForm)
    view = copy.copy(model)
    view.modality, view.examples = DomainPictures(domain), model.form.counts[DOMAINS.index(domain)]
    view.game = copy.copy(model.game)
    view.game.outputs = {"": OnOneDomain(INTO[domain])}
    return view


def calibrate_domain(model: Model, options: TranslationCalibrateOptions, say: Say) -> Calibration:
    """The calibration of the domain that ``options`` ask for. Raises :class:`UserError` where there are too few
    pictures of either domain that nobody saw, and for a domain that the model does not translate into."""
    targets = targets_in(model)
    domain = targets[0] if options.domain == "auto" else options.domain.lower()
    if domain not in targets:
        raise UserError(f"domain: {model.path} translates nothing into domain {options.domain}; leave it out")
    (other,) = (each for each in DOMAINS if each != domain)
    found = calibrate(seen_as(model, domain), options, say, inputs=seen_as(model, other))
    return replace(found, facts={"domain": domain.upper(), **found.facts})


def score_pictures(model: Model, options: ScoreOptions, say: Say) -> Table:
    """A row for each picture in the files: the discriminator's logit, and by a calibration what that tells. Raises
    :class:`UserError` for files that hold no pictures."""
    targets = targets_in(model)
    calibration = seen_as(model, targets[0]).calibration()
    domain = str(calibration.facts.get("domain")).lower() if calibration else targets[0]
    if domain not in targets:
        raise UserError(f"{model.path}: its calibration is of no domain that it translates into; {AGAIN}")
    table = score_by_discriminator(DomainFiles(domain), seen_as(model, domain), options, say)
    name = domain.upper()
    return replace(table, summary={"domain": name, **table.summary}, text=f"{table.text}; domain {name}")


def targets_in(model: Model) -> list[str]:
    """The domains, ``a`` or ``b``, that a model translates into."""
    return [DIRECTIONS[name][1] for name in model.game.outputs]
