"""What the scores say in words: the troubles that have a name, and whether anything is left to gain."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from sparring.metrics.score import Score

MEMORISED = 0.2  # of samples, beyond the floor, that are closer to the training set than real ones are
REPEATED = 0.25  # of samples with a near-copy among them, where 1 % of real ones have
MANY = 400  # samples: 1 % of fewer real ones are so few that they do not tell what near-copies are
ALIKE = 0.25  # of the floor: effective number and variation of samples that are all alike
NARROW = 0.5  # of the floor: recall or effective number
COVERED = 0.75  # of the floor: coverage
AMONG = 0.75  # of the floor: precision, without which it means little what is covered
SHAPELESS = 1 / 3  # of the way from real examples to nothing but what has no shape
DECIBELS = 3.0  # from the floor: twice the power, or half of it
COLOURS = 0.05  # beyond the floor, of a range of 1
FAULTY = 0.02  # of samples, beyond the floor
FAULTS = {
    "silent": "are silent", "clicking": "click", "clipped": "are clipped at full scale",
    "frozen": "hardly move", "flickering": "flicker",
}  # fmt: skip
ERRORS = 3  # standard errors that count as a difference

TOO_EARLY = "too early to tell"


@dataclass(frozen=True)
class Finding:
    """``trouble`` is the name of what is wrong, empty where nothing is."""

    trouble: str
    message: str


def find(scores: Mapping[str, Score]) -> list[Finding]:
    """In order of weight; one line at least."""
    repeated, early = collapse(scores), too_early(scores)
    if repeated and early:
        repeated = Finding(repeated.trouble, f"{repeated.message}; or it is {early.trouble}: {early.message}")
    found = [finding for finding in (memorisation(scores), repeated) if finding]
    looks = [finding for finding in (sharpness(scores), colours(scores), *faults(scores), level(scores)) if finding]
    if found:
        return found + (looks if early else [])
    first = early or missing(scores, explained=bool(looks))
    return [*([first] if first else []), *looks] or [distance(scores)]


def distance(scores: Mapping[str, Score]) -> Finding:
    """How far the samples are from real examples, where nothing else is to be told."""
    for score in (scores[name] for name in ("frechet", "sliced") if name in scores):
        if score.value is None or score.floor is None:
            continue
        if score.value <= score.floor + margin(score):
            told = "at the floor: these samples cannot be told from real ones by this distance at this N"
        else:
            told = f"the {score.name} distance is {score.value / max(score.floor, 1e-12):.1f} times the floor"
        return Finding("", told + beside(scores))
    return Finding("", "no distance could be computed, so nothing can be said of quality")


def beside(scores: Mapping[str, Score]) -> str:
    """What precision adds to a distance where clearly fewer samples than real ones lie among real ones, else nothing: a
    distance of few examples has an error that hides them."""
    if below(scores, "precision", AMONG) is None:
        return ""
    score = scores["precision"]
    return f"; but {score.value:.0%} of the samples lie among the real ones, where {score.floor:.0%} of real ones do"


def margin(score: Score) -> float:
    """What the errors of value and floor make of a difference of the two."""
    return ERRORS * math.hypot(score.error or 0, score.floor_error or 0)


def too_early(scores: Mapping[str, Score]) -> Finding | None:
    """Whether many samples have no shape yet: by more than the errors beyond a third of the way from real ones to none
    of them having any. They may lie among real examples all the same, where precision finds them."""
    share = value(scores, "shapeless")
    if share is None:
        return None
    score = scores["shapeless"]
    floor = score.floor or 0
    if share - margin(score) <= floor + SHAPELESS * (1 - floor):
        return None
    return Finding(
        TOO_EARLY,
        f"{share:.0%} of the samples are nearer to real examples blurred out of shape than to real ones as they are "
        f"({floor:.0%} of real ones are): the rest, precision too, means little yet; train on",
    )


def memorisation(scores: Mapping[str, Score]) -> Finding | None:
    """Whether the samples are training examples given back."""
    share = value(scores, "memorisation")
    if share is None:
        return None
    score = scores["memorisation"]
    if share < MEMORISED + (score.floor or 0) + ERRORS * (score.error or 0):
        return None
    return Finding(
        "memorisation",
        f"{share:.0%} of the samples lie closer to the training set than 95 % of real examples do: "
        "it gives training examples back",
    )


def collapse(scores: Mapping[str, Score]) -> Finding | None:
    """Whether the samples are the same few things again and again, or all alike, by the features and as they are."""
    share = value(scores, "duplicates")
    repeats = share is not None and share >= REPEATED and below(scores, "coverage", NARROW) is not None
    if repeats and (scores["duplicates"].count >= MANY or below(scores, "vendi", NARROW) is not None):
        return Finding(
            "collapse",
            f"{share:.0%} of the samples have a near-copy among them, where 1 % of real ones have: it repeats itself",
        )
    if below(scores, "vendi", ALIKE) is None or (varied := below(scores, "variation", ALIKE)) is None:
        return None
    number = scores["vendi"]
    return Finding(
        "collapse",
        f"the samples are all alike: they vary {varied:.0%} as much as real ones, and count as {number.value:.1f} "
        f"different ones where real ones count as {number.floor:.1f}",
    )


def missing(scores: Mapping[str, Score], explained: bool = False) -> Finding | None:
    """Whether a part of the data is never made. Samples that do not lie among the real ones cover none of them, so that
    only their effective number tells, and that only where nothing else explains it."""
    among = value(scores, "precision") is None or below(scores, "precision", AMONG) is None
    limits = {"recall": NARROW, "vendi": NARROW, "coverage": COVERED} if among else {"vendi": NARROW}
    for name, limit in limits.items() if among or not explained else ():
        share = below(scores, name, limit)
        if share is not None:
            return Finding(
                "missing modes", f"{name} is {share:.0%} of what real examples reach: part of the data is missing"
            )
    return None


def sharpness(scores: Mapping[str, Score]) -> Finding | None:
    """Whether samples have half the power of real ones at high frequencies, or twice as much."""
    apart = decibels_apart(scores, "sharpness")
    if apart is None:
        return None
    much = f"{10 ** (apart / 10):.3g} times the power of real ones at high frequencies"
    return (
        Finding("blurred", f"{much}: fine detail is missing")
        if apart < 0
        else Finding("noisy", f"{much}: noise, or a grid that up-sampling leaves")
    )


def colours(scores: Mapping[str, Score]) -> Finding | None:
    """Whether the pixels have other colours, or shades, than those of real examples."""
    score = scores.get("colours")
    if score is None or score.value is None or score.floor is None:
        return None
    if score.value - margin(score) <= score.floor + COLOURS:
        return None
    return Finding(
        "colours differ",
        f"the values of pixels are {score.value:.1%} of their range away from those of real examples "
        f"({score.floor:.1%} of real ones are)",
    )


def faults(scores: Mapping[str, Score]) -> list[Finding]:
    """What is wrong with single sounds or clips, where more samples have it than real ones do."""
    found = []
    for name, what in FAULTS.items():
        score = scores.get(name)
        if score is None or score.value is None or score.floor is None:
            continue
        if score.value - margin(score) > score.floor + FAULTY:
            found.append(Finding(name, f"{score.value:.1%} of the samples {what} ({score.floor:.1%} of real ones)"))
    return found


def level(scores: Mapping[str, Score]) -> Finding | None:
    """Whether sounds have half the power of real ones, or twice as much."""
    apart = decibels_apart(scores, "level")
    if apart is None:
        return None
    return Finding(
        "level differs", f"samples are {abs(apart):.1f} dB {'louder' if apart > 0 else 'quieter'} than real ones"
    )


def decibels_apart(scores: Mapping[str, Score], name: str) -> float | None:
    """Value less floor of a row in decibels, where the power is half or twice that of real examples by more than the
    errors of the two."""
    score = scores.get(name)
    if score is None or score.value is None or score.floor is None:
        return None
    apart = score.value - score.floor
    return apart if abs(apart) - margin(score) > DECIBELS else None


def below(scores: Mapping[str, Score], name: str, share: float) -> float | None:
    """Value over floor, where it is less than ``share`` by more than the errors of the two."""
    score = scores.get(name)
    if score is None or score.value is None or not score.floor:
        return None
    margin = ERRORS * math.hypot(score.error or 0, share * (score.floor_error or 0))
    return score.value / score.floor if score.value + margin < share * score.floor else None


def value(scores: Mapping[str, Score], name: str) -> float | None:
    """The value of a row that may not be there."""
    return scores[name].value if name in scores else None
