"""Single examples by a calibration: a probability of being real, a p-value, a decision, the nearest training example
and the likeliest label. Three questions are answered, and none by another's number:

``p_real`` compares with the generator: of such examples, real and generated ones being as many, which share is real?
``p_value`` compares with real examples: how many of these are as odd? A photograph of something else may have a
``p_real`` of 1, for the generator would never make it, and a ``p_value`` of .001.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.install import PRETRAINED
from sparring.core.settings import fields
from sparring.kind import Artifact, Say
from sparring.metrics.features import in_chunks
from sparring.model import Model
from sparring.options import ScoreOptions
from sparring.probability.decisions import check_rate, discoveries, limit_of, needed, p_values
from sparring.probability.explain import log_odds_of
from sparring.probability.explanations import Oddest, free_folder
from sparring.probability.kept import Calibration
from sparring.probability.known import Known, trained_on
from sparring.probability.neighbours import Neighbours

NEEDED = ("alpha", "confidence", "fdr", "prior", "explain", "page")  # options that mean nothing without a calibration


def scorer_of(model: Model, options: ScoreOptions, say: Say) -> Scorer | None:
    """What scores examples by the model's calibration; None where it has none, which is said. Raises
    :class:`UserError` where options ask for one, for rates that are none, and where the data that the model was trained
    on, in which neighbours are looked for, are not there."""
    calibration = model.calibration()
    if calibration is not None:
        return Scorer(model, calibration, options, trained_on(model, options.data))
    for name in NEEDED:
        if getattr(options, name) != fields(ScoreOptions)[name].default:
            raise UserError(f"{name}: {model.path} is not calibrated; first run: sparring calibrate {model.path}")
    say(f"not calibrated, so scores are no probabilities and nothing is decided; see: sparring calibrate {model.path}")
    return None


class Scorer:
    """Scores comparable examples of the model by its ``calibration``, beside the examples of ``training``. Raises
    :class:`UserError` for rates that are none, a label that the model does not know, and where there are too few real
    examples to decide by."""

    def __init__(self, model: Model, calibration: Calibration, options: ScoreOptions, training: Known) -> None:
        for name in ("alpha", "prior", *(("confidence",) if options.confidence else ())):
            check_rate(name, getattr(options, name))
        self.calibration, self.options = calibration, options
        examples = training.examples(model)
        self.oddest = Oddest(self.drawing(model, examples)) if options.explain or options.page else None
        self.neighbours = Neighbours(model.modality.novelty_features(examples, model.device), examples)
        if self.neighbours.features.name != calibration.facts.get("features"):
            raise UserError(
                f"{model.path}: was calibrated in features {calibration.facts.get('features')}, here are "
                f"{self.neighbours.features.name}; run sparring calibrate again, or {PRETRAINED}"
            )
        self.names, self.labels = training.names(), model.form.labels
        asked = self.labels.index(options.label) if options.label in self.labels else None
        self.usual = calibration.usual if asked is None else calibration.usual[calibration.labels == asked]
        self.limit = limit_of(len(self.usual), options.alpha, options.confidence)
        least = needed(options.alpha, options.confidence)
        if not options.fdr and len(self.usual) < least:
            of_label = f" of label {options.label}" if asked is not None else ""
            raise UserError(
                f"alpha: {len(self.usual):,} real examples{of_label} tell what is usual, and {least:,} are needed for "
                f"at most {options.alpha:g} false alarms, confidence {options.confidence:g}; ask for a larger --alpha, "
                "or calibrate with more --data"
            )

    def drawing(self, model: Model, training: Tensor) -> Callable[[Tensor], Artifact | None]:
        """What draws a comparable example ``(...)``: as it is, or where the judge looked, beside the nearest one of
        ``training``, comparable examples ``(n, ...)``. Raises :class:`UserError` where the modality explains nothing,
        or nothing can be written."""
        if not self.options.explain:
            return partial(model.modality.shown, form=model.form)
        free_folder(Path(self.options.explain), self.options.overwrite)
        draw = model.modality.explainer(log_odds_of(self.calibration.judge, self.calibration.calibrator), model.form)

        def explained(example: Tensor) -> Artifact:
            nearest = int(self.neighbours.oddness(example[None])[1][0])
            beside = self.calibration.grid.snap(training[nearest])
            return draw(example.to(model.device), beside.to(model.device))

        return explained

    def keep(self, rows: Sequence[Mapping[str, Any]], names: Sequence[str], examples: Tensor) -> None:
        """Keep the comparable examples ``(n, ...)`` that these rows and names are of, if any are to be explained."""
        if self.oddest is not None:
            self.oddest.add(rows, names, self.calibration.grid.snap(examples))

    def drawn(self) -> dict[str, Artifact]:
        """The oddest examples, or where the judge looked at them, by their names, if that is asked for."""
        return {} if self.oddest is None else self.oddest.drawn()

    def rows(self, examples: Tensor, labels: Tensor | None = None) -> list[dict[str, Any]]:
        """A row for each of the comparable examples ``(n, ...)``, with the probability of its label, of ``labels``
        ``(n,)`` or else the likeliest; decisions are taken when all rows are known."""
        snapped = self.calibration.grid.snap(examples)
        real = self.calibration.calibrator.probabilities(self.calibration.judge.logits(snapped), self.options.prior)
        oddness, nearest = self.neighbours.oddness(snapped)
        columns: dict[str, Sequence[Any]] = {
            "p_real": real.tolist(),
            "p_value": p_values(oddness, self.usual).tolist(),
            "decision": [""] * len(real),
            "nearest": [self.names[index] for index in nearest.tolist()],
        }
        if self.labels:
            probabilities = self.of_labels(snapped)
            chosen = probabilities.argmax(1) if labels is None else labels
            columns["label"] = [self.labels[index] for index in chosen.tolist()]
            columns["label_probability"] = probabilities.gather(1, chosen[:, None])[:, 0].tolist()
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]

    def of_labels(self, examples: Tensor) -> Tensor:
        """The probabilities of labels ``(n, labels)`` of comparable real examples ``(n, ...)``."""
        judge = self.calibration.judge
        device = judge.real.weight.device
        logits = in_chunks(lambda part: judge.of_labels(part.to(device)).float(), examples)
        return torch.softmax(logits.double() / self.calibration.temperature, 1)

    def decide(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Write the decision into each of all rows: ``odd`` or ``usual``. Returns what was decided by, and how many are
        odd."""
        values = np.array([row["p_value"] for row in rows])
        odd = discoveries(values, self.options.fdr) if self.options.fdr else values <= self.limit
        for row, is_odd in zip(rows, odd.tolist(), strict=True):
            row["decision"] = "odd" if is_odd else "usual"
        promise = (
            {"fdr": self.options.fdr}
            if self.options.fdr
            else {"alpha": self.options.alpha, "confidence": self.options.confidence, "limit": self.limit}
        )
        return {"odd": int(odd.sum()), **promise, "prior": self.options.prior}


def in_words(decided: Mapping[str, Any], count: int) -> str:
    """What was decided, and what is promised of it, for a person."""
    if "fdr" in decided:
        rate = f"on average at most {decided['fdr']:.2g} of these are not"
    else:
        rate = f"of new real examples at most {decided['alpha']:.2g} would be"
        rate += f", with confidence {decided['confidence']:.2g}" if decided["confidence"] else ", on average"
    return f"{decided['odd']:,} of {count:,} examples are odd; {rate}"
