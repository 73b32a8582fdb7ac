"""Examples that a model did not learn from, for what is told of each by itself, and rows of an evaluation on that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace

import numpy as np

from sparring.core.errors import UserError
from sparring.data.source import Source
from sparring.evaluation import LEAST, Evaluation, as_row
from sparring.metrics.compare import missing_score
from sparring.metrics.findings import Finding
from sparring.metrics.score import Metric, Score
from sparring.model import Model
from sparring.options import EvaluateOptions
from sparring.probability.known import Known
from sparring.targets import ModelTarget, only_place, own_data

MOST = 10_000  # examples whose likelihood is computed


def with_exact(
    evaluation: Evaluation,
    model: Model,
    options: EvaluateOptions,
    metric: Metric,
    exact: Callable[[Known], Score],
    baseline: Callable[[Known | None, Known], Score],
    findings: Callable[[Score, Score], Sequence[Finding]],
) -> Evaluation:
    """An evaluation with rows on the exact likelihood of examples that were not learned from before its others: the
    model's, told in ``metric``, beside that of a ``baseline`` without structure, made from what was learned from and
    those, and the ``findings`` of both. Raises :class:`UserError` where the data cannot be read."""
    learned, unseen = learned_and_unseen(model, options)
    if not len(unseen.indices):
        why = f"no {model.recipe.kind} are known that were not learned from"
        return with_rows(evaluation, [missing_score(metric, why, 0)])
    chosen = np.random.default_rng(options.seed).permutation(unseen.indices)[:MOST]
    unseen = Known(unseen.source, chosen)
    scores = (exact(unseen), baseline(learned, unseen))
    return with_rows(evaluation, scores, findings(*scores))


def with_rows(evaluation: Evaluation, scores: Sequence[Score], found: Sequence[Finding] = ()) -> Evaluation:
    """An evaluation with more scores and words, before its others."""
    verdicts = [*map(asdict, found), *evaluation.result["verdicts"]]
    rows = [*map(as_row, scores), *evaluation.result["scores"]]
    return replace(evaluation, result={**evaluation.result, "verdicts": verdicts, "scores": rows})


def learned_and_unseen(model: Model, options: EvaluateOptions) -> tuple[Known | None, Known]:
    """What the model learned from, None where that is not there any more, and examples that it did not learn from:
    those that ``options`` name, those kept beside its data to be evaluated with, or those that its run held out."""
    modality, recipe = model.modality, model.recipe
    given = modality.open_source(recipe.changed({"data": only_place(options.data)})) if options.data else None
    own = given if given is not None and split_of(model, given) else own_source(model)
    parts = None if own is None else split_of(model, own)
    learned = Known(own, parts[0]) if own is not None and parts else None
    if given is not None and given is not own:
        return learned, everything(given)
    assert own is not None  # other examples would have been asked for
    kept = modality.open_kept(recipe.changed(own_data(model)), model.form) if given is None else None
    if kept is not None and len(kept) >= 2 * LEAST:
        return learned, everything(kept)
    return learned, Known(own, parts[1] if parts else np.arange(0))


def own_source(model: Model) -> Source | None:
    """The examples that the model's run names; None where they are not there any more."""
    try:
        return model.modality.open_source(model.recipe.changed(own_data(model)))
    except UserError:
        return None


def split_of(model: Model, source: Source) -> tuple[np.ndarray, np.ndarray] | None:
    """Indices ``(n,)`` of the examples that the model learned from and of those held out; None where a source is not
    what it learned from."""
    try:
        return ModelTarget(model, model.output, source).split()
    except UserError:  # of another form by now
        return None


def everything(source: Source) -> Known:
    """All examples of a source."""
    return Known(source, np.arange(len(source)))
