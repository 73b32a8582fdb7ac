"""What an evaluation says of a flow's likelihood: the bits per dimension of pictures that it did not learn from, beside
those of a model without any structure, independent histograms of the pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np
import torch
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.seeds import mixed
from sparring.data.source import Source
from sparring.evaluation import LEAST, Evaluation, as_row
from sparring.images.flow import FlowGame
from sparring.metrics.compare import missing_score
from sparring.metrics.findings import ERRORS, Finding
from sparring.metrics.score import Metric, Score
from sparring.model import Model
from sparring.options import EvaluateOptions
from sparring.probability.histogram import Histograms
from sparring.probability.known import Known
from sparring.targets import ModelTarget, only_place, own_data

FLOW = Metric("bits_per_dimension", "low", "bits that the model needs for a value of a picture that it has not seen")
HISTOGRAM_BITS = Metric(
    "histogram_bits", "low", "the same by independent histograms of the bytes: what is to be beaten"
)
MOST = 10_000  # pictures whose likelihood is computed
DRAWS = 4  # of the noise that dequantises each
LARGEST = 1 << 16  # values of a picture whose histograms are counted


def with_likelihood(evaluation: Evaluation, model: Model, game: FlowGame, options: EvaluateOptions) -> Evaluation:
    """An evaluation with the rows on likelihood before its others, and a word where a model without structure is no
    worse. Raises :class:`UserError` where the data cannot be read."""
    learned, unseen = learned_and_unseen(model, options)
    if not len(unseen.indices):
        return with_rows(evaluation, [missing_score(FLOW, "no pictures are known that were not learned from", 0)])
    chosen = np.random.default_rng(options.seed).permutation(unseen.indices)[:MOST]
    unseen = Known(unseen.source, chosen)
    scores = [flow_score(model, game, unseen, options.seed), histogram_score(learned, unseen)]
    return with_rows(evaluation, scores, findings(*scores))


def with_rows(evaluation: Evaluation, scores: list[Score], found: Sequence[Finding] = ()) -> Evaluation:
    """An evaluation with more scores and words, before its others."""
    verdicts = [*map(asdict, found), *evaluation.result["verdicts"]]
    rows = [*map(as_row, scores), *evaluation.result["scores"]]
    return replace(evaluation, result={**evaluation.result, "verdicts": verdicts, "scores": rows})


def learned_and_unseen(model: Model, options: EvaluateOptions) -> tuple[Known | None, Known]:
    """What the model learned from, None where that is not there any more, and pictures that it did not learn from:
    those that ``options`` name, those kept beside its data to be evaluated with, or those that its run held out."""
    modality, recipe = model.modality, model.recipe
    given = modality.open_source(recipe.changed({"data": only_place(options.data)})) if options.data else None
    own = given if given is not None and split_of(model, given) else own_source(model)
    parts = None if own is None else split_of(model, own)
    learned = Known(own, parts[0]) if own is not None and parts else None
    if given is not None and given is not own:
        return learned, everything(given)
    assert own is not None  # other pictures would have been asked for
    kept = modality.open_kept(recipe.changed(own_data(model)), model.form) if given is None else None
    if kept is not None and len(kept) >= 2 * LEAST:
        return learned, everything(kept)
    return learned, Known(own, parts[1] if parts else np.arange(0))


def own_source(model: Model) -> Source | None:
    """The pictures that the model's run names; None where they are not there any more."""
    try:
        return model.modality.open_source(model.recipe.changed(own_data(model)))
    except UserError:
        return None


def split_of(model: Model, source: Source) -> tuple[np.ndarray, np.ndarray] | None:
    """Indices ``(n,)`` of the pictures that the model learned from and of those held out; None where a source is not
    what it learned from."""
    try:
        return ModelTarget(model, model.output, source).split()
    except UserError:  # of another form by now
        return None


def everything(source: Source) -> Known:
    """All pictures of a source."""
    return Known(source, np.arange(len(source)))


def flow_score(model: Model, game: FlowGame, unseen: Known, seed: int) -> Score:
    """The bits per dimension that a flow needs for these pictures."""
    bits = [
        game.bits_per_dimension(model.networks, model.on_device(batch), seed=mixed(seed, number), draws=DRAWS)
        for number, batch in enumerate(unseen.batches())
    ]
    return mean_score(FLOW, torch.cat(bits))


def histogram_score(learned: Known | None, unseen: Known) -> Score:
    """The bits per dimension that independent histograms of the pictures ``learned`` from need for others."""
    count = len(unseen.indices)
    if learned is None:
        return missing_score(HISTOGRAM_BITS, "what was learned from is not there any more", count)
    values = next(unseen.batches())["images"][0].numel()
    if values > LARGEST:
        return missing_score(HISTOGRAM_BITS, f"{values:,} values of a picture are too many to be counted", count)
    histograms = Histograms(batch["images"] for batch in learned.batches())
    bits = [histograms.bits_per_dimension(batch["images"]) for batch in unseen.batches()]
    return mean_score(HISTOGRAM_BITS, torch.cat(bits))


def mean_score(metric: Metric, values: Tensor) -> Score:
    """The mean over pictures of ``values`` ``(n,)``, with its standard error."""
    error = values.std().item() / len(values) ** 0.5 if len(values) > 1 else None
    return Score(metric, values.mean().item(), error, count=len(values))


def findings(flow: Score, histograms: Score) -> list[Finding]:
    """A word where a flow is not surely better than independent histograms."""
    if flow.value is None or histograms.value is None or flow.value + ERRORS * (flow.error or 0) < histograms.value:
        return []
    message = f"{flow.value:.2f} bits per dimension, where independent pixels need {histograms.value:.2f}; train on"
    return [Finding("no structure learned", message)]
