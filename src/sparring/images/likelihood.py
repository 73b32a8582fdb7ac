"""What an evaluation says of a flow's likelihood: the bits per dimension of pictures that it did not learn from, beside
those of a model without any structure, independent histograms of the pixels."""

from __future__ import annotations

from functools import partial

import torch

from sparring.core.seeds import mixed
from sparring.evaluation import Evaluation
from sparring.images.flow import DRAWS, FlowGame
from sparring.metrics.compare import missing_score
from sparring.metrics.findings import ERRORS, Finding
from sparring.metrics.score import Metric, Score, mean_score
from sparring.model import Model
from sparring.options import EvaluateOptions
from sparring.probability.histogram import HISTOGRAM_BITS, Histograms
from sparring.probability.known import Known
from sparring.probability.unseen import with_exact

FLOW = Metric("bits_per_dimension", "low", "bits that the model needs for a value of a picture that it has not seen")
LARGEST = 1 << 16  # values of a picture whose histograms are counted


def with_likelihood(evaluation: Evaluation, model: Model, game: FlowGame, options: EvaluateOptions) -> Evaluation:
    """An evaluation with the rows on likelihood before its others, and a word where a model without structure is no
    worse. Raises :class:`UserError` where the data cannot be read."""
    exact = partial(flow_score, model, game, options.seed)
    return with_exact(evaluation, model, options, FLOW, exact, histogram_score, findings)


def flow_score(model: Model, game: FlowGame, seed: int, unseen: Known) -> Score:
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


def findings(flow: Score, histograms: Score) -> list[Finding]:
    """A word where a flow is not surely better than independent histograms."""
    if flow.value is None or histograms.value is None or flow.value + ERRORS * (flow.error or 0) < histograms.value:
        return []
    message = f"{flow.value:.2f} bits per dimension, where independent pixels need {histograms.value:.2f}; train on"
    return [Finding("no structure learned", message)]
