"""What a calibration measured of a model, as rows of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sparring.metrics.score import Metric, Score
from sparring.probability.two_samples import error_of_pairs

JUDGE = Metric("judge", "floor", "pairs of an unseen real example and a sample that a fresh discriminator tells apart")
ACCURACY = Metric(
    "judge-accuracy", "floor", "real examples and samples, as many of each, that it takes for what they are"
)
DIVERGENCE = Metric("divergence", "low", "Jensen-Shannon, in nats, 0.693 at most: no less than this")
TRAINING = Metric("discriminator", "floor", "pairs of a training example and a sample that the run's own tells apart")
UNSEEN = Metric("discriminator-unseen", "floor", "the same where the real example was never seen in training")
CHANCE = 0.5  # of pairs, and of examples, are right where nothing can be told apart


def scores_of_calibration(facts: Mapping[str, Any]) -> list[Score]:
    """How well a fresh discriminator, and the run's own, tell real examples from samples: ``facts`` of a
    calibration."""
    unseen, made = facts["counts"]["unseen"], facts["counts"]["generated"]
    pairs = error_of_pairs(unseen, made)
    own = facts["discriminator"] or {}
    rows = [
        Score(JUDGE, facts["separation"]["auc"], pairs, CHANCE, pairs, count=unseen),
        Score(ACCURACY, facts["accuracy"]["value"], facts["accuracy"]["error"], CHANCE, count=unseen),
        Score(DIVERGENCE, facts["divergence"]["value"], facts["divergence"]["error"], 0.0, count=unseen),
    ]
    named = ((TRAINING, "training"), (UNSEEN, "unseen"))
    return rows + [Score(metric, own[name], pairs, CHANCE, count=unseen) for metric, name in named if name in own]
