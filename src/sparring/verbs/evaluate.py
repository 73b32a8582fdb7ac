"""``sparring evaluate``: how good samples are, compared with what, and how sure that is."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

import sparring
from sparring.core import precision
from sparring.core.errors import UserError
from sparring.core.files import make_folder, write_atomically
from sparring.core.journal import finite
from sparring.metrics.compare import MEANINGS, compare, memorised, without
from sparring.metrics.comparison import Comparison
from sparring.metrics.features import Features, in_chunks
from sparring.metrics.findings import verdicts
from sparring.metrics.score import Meaning, Score
from sparring.report.evaluation import evaluation_page
from sparring.report.sheets import kind
from sparring.text.recipes import TextRecipe
from sparring.verbs.crossing import MEANINGS as CROSSING
from sparring.verbs.crossing import Crossing
from sparring.verbs.films import evaluate_films
from sparring.verbs.subject import Folder, Subject, find_model, of_model, one_place, places_of
from sparring.verbs.texts import evaluate_text

MOST = 10_000  # samples, unless more are asked for
REFERENCE = 50_000  # real examples that samples are compared with, at most
READ = 4096  # examples read at a time
LEAST = 20  # samples: with fewer nothing can be said
OWN = {"label_accuracy": Meaning("high", "samples that the classifier reads as the label asked for")}


@dataclass(frozen=True)
class Chosen:
    """Indices of real examples, disjoint: as many as there are samples, for the floor, and the reference."""

    floor: np.ndarray
    reference: np.ndarray


def evaluate(
    target: str | Path,
    *,
    data: str | Path | Sequence[str | Path] | None = None,
    count: int | None = None,
    seed: int = 0,
    features: str = "auto",
    out: str | Path | None = None,
    films: Sequence[str | Path] = (),
    at: int = 0,
    device: str = "auto",
    say: Callable[[str], None] = lambda line: None,
    **reading: Any,
) -> dict[str, Any]:
    """Compare what ``target`` makes, or holds, with real data; leaves ``scores.json`` and ``index.html`` in ``out``.

    ``target`` is a run, a model folder, or a folder of samples; ``data`` the real ones (a run knows its own).
    ``count`` samples (10,000, or half as many as there are real examples) are compared with real examples, and so are
    as many other real ones: that is the floor. ``features``: see ``docs/metrics.md``; ``reading`` are settings of how
    the pictures of a folder are read. Returns what is written; of a translation that goes both ways, ``directions`` has
    such a result for each, in a folder of its own. With ``films``, it is those that are translated (a2b, ``at`` that
    many pixels of the shorter side) and scored, see ``verbs/films.py``. Raises :class:`UserError` when nothing can be
    compared.
    """
    if not 0 <= seed < 2**63:
        raise UserError(f"seed: {seed} is none; choose a whole number from 0 to 2^63 - 1")
    on = precision.find_device(device)
    model, given = find_model(Path(target), reading, on), places_of(data)
    place = Path(out) if out else None
    if model is not None and isinstance(model.recipe, TextRecipe):
        for name, used in {"film": films, "at": at, "features": features != "auto"}.items():
            if used:
                raise UserError(f"{name}: has no effect on text; leave it out")
        result, shown = evaluate_text(model, Path(target), one_place(given), count=count, seed=seed, say=say)
        return {**result, "written": write(place or Path(target) / "evaluation", result, shown)}
    subjects = of_model(model, Path(target), given) if model else {"": Folder(Path(target), one_place(given), reading)}
    if at and not films:
        raise UserError("at: has no effect without --film; leave it out")
    if films:
        crossing = subjects.get("a2b")
        if not isinstance(crossing, Crossing):
            raise UserError(f"film: {target} translates nothing; give a run of cyclegan or cut")
        crossing.place = place or crossing.place
        return evaluate_films(crossing, films, at=at, seed=seed, say=say)
    if list(subjects) == [""]:
        return assess(subjects[""], str(target), count, seed, features, place, on, say)
    results = {
        name: assess(subject, str(target), count, seed, features, place and place / name, on, say)
        for name, subject in subjects.items()
    }
    return {"directions": results, "written": [path for result in results.values() for path in result["written"]]}


def assess(
    subject: Subject,
    target: str,
    count: int | None,
    seed: int,
    features: str,
    out: Path | None,
    on: torch.device,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """The scores of one subject, its verdicts and what was written, in ``out`` or where it keeps such things."""
    chosen = choose(len(subject.source), subject.count, count, seed)
    room = subject.room.part("metrics")
    measure = room.find_features(subject.source, features, on, say)
    say(f"{len(chosen.floor):,} samples, {len(chosen.reference):,} real examples, features: {measure.name}")

    samples, logits, labels = subject.samples(chosen.floor, seed)
    floor, reference = (room.examples_of(subject.source.batch(part)) for part in (chosen.floor, chosen.reference))
    seen = [measure(examples) for examples in (reference, samples, floor)]

    scores = compare(*seen, seed=seed)
    scores += compare(reference, samples, floor, seed=seed, families=room.families(subject.source))
    scores.append(copied(subject, measure, chosen, seen))
    if labels is not None and measure.classify:
        scores.append(as_asked(measure, samples, labels))
    scores += subject.further(samples, measure, seed)
    shown = Comparison(reference, samples, seen[0], seen[1], logits, labels, tuple(subject.labels))
    result = {
        "sparring": sparring.__version__,
        "target": target,
        "data": subject.source.name,
        "count": len(samples),
        "reference": len(reference),
        "seed": seed,
        "features": {"name": measure.name, "hash": measure.hash, "dimensions": seen[0].shape[1]},
        **subject.facts,
        "verdicts": [asdict(verdict) for verdict in verdicts({score.name: score for score in scores})],
        "scores": [told(score, measure, {**MEANINGS, **room.MEANINGS, **OWN, **CROSSING}) for score in scores],
    }
    pictures = {name: (about, as_png(picture)) for name, (about, picture) in room.pictures(shown).items()}
    return {**result, "written": write(out or subject.place, result, pictures)}


def choose(real: int, made: int | None, asked: int | None, seed: int) -> Chosen:
    """How many samples, and which real examples. Raises :class:`UserError` when there are not enough of either."""
    if asked is not None and asked < LEAST:
        raise UserError(f"n: {asked} samples say nothing; ask for {LEAST} or more")
    if asked is not None and made is not None and asked > made:
        raise UserError(f"n: there are {made:,} samples, not {asked:,}; ask for fewer, or leave -n out")
    if asked is not None and asked > real // 2:
        raise UserError(
            f"n: {asked:,} samples need as many real examples for the floor and as many again to compare with, but "
            f"there are {real:,}; ask for {real // 2:,} or fewer, or give more data"
        )
    count = asked or min(MOST, real // 2, MOST if made is None else made)
    if count < LEAST:
        raise UserError(
            f"data: {real:,} real examples and {count:,} samples are too few; {2 * LEAST} and {LEAST} are needed"
        )
    order = np.random.default_rng(seed).permutation(real)
    return Chosen(order[:count], order[count : count + max(REFERENCE, count)])


def copied(subject: Subject, measure: Features, chosen: Chosen, seen: list[Tensor]) -> Score:
    """The row on memorisation: against what the model was trained on and what was held out.

    Where that is not known, against the reference and the floor's examples: copies of either half are then noticed.
    """
    parts = subject.split()
    if parts is None:
        return memorised(seen[0], seen[2], seen[1])
    members, held_out = parts
    if not len(held_out):
        return without("memorisation", "the run held no examples out", len(seen[1]))
    order = np.concatenate([chosen.reference, chosen.floor])
    known = torch.cat([seen[0], seen[2]])[torch.from_numpy(np.isin(order, members))]
    training = torch.cat([known, seen_at(np.setdiff1d(members, order), subject, measure, known[:0])])
    return memorised(training, seen_at(held_out, subject, measure, known[:0]), seen[1])


def seen_at(indices: np.ndarray, subject: Subject, measure: Features, none: Tensor) -> Tensor:
    """Features of these real examples, some read at a time; ``none`` where there are no indices."""
    examples = subject.room.part("metrics").examples_of
    parts = np.split(indices, range(READ, len(indices), READ)) if len(indices) else []
    return torch.cat([none, *(measure(examples(subject.source.batch(part))) for part in parts)])


def as_asked(measure: Features, samples: Tensor, labels: Tensor) -> Score:
    """The row on labels; its floor is the classifier's accuracy on real examples that it did not learn from."""
    assert measure.classify is not None
    right = (in_chunks(measure.classify, samples) == labels).float()
    error = right.std().item() / len(right) ** 0.5
    return Score("label_accuracy", right.mean().item(), error, measure.accuracy, None, None, len(right))


def told(score: Score, measure: Features, meanings: Mapping[str, Meaning]) -> dict[str, Any]:
    """A row as plain values."""
    name = measure.frechet if score.name == "frechet" else score.name
    return {**asdict(score), "name": name, **asdict(meanings[score.name])}


def as_png(picture: Image.Image) -> bytes:
    """The bytes of its file."""
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()


def write(place: Path, result: Mapping[str, Any], pictures: Mapping[str, tuple[str, bytes]]) -> list[str]:
    """``scores.json``, the pictures (PNG or SVG, each with what it shows), and ``index.html`` with all of it."""
    make_folder(place)
    written = [place / "scores.json", place / "index.html"]
    write_atomically(written[0], (json.dumps(finite(result), indent=2, ensure_ascii=False) + "\n").encode())
    shown = []
    for name, (about, picture) in pictures.items():
        written.append(place / f"{name}.{kind(picture)[:3]}")
        write_atomically(written[-1], picture)
        shown.append((name, about, picture))
    write_atomically(written[1], evaluation_page(result, shown).encode())
    return [str(path) for path in written]
