"""What is in a data set, and what is wrong with it, before anything is trained on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from sparring.core.recipe import Recipe
from sparring.core.terminal import shortened
from sparring.data.source import BadFile, Source, remarks_of
from sparring.kind import ENDINGS, Artifact, Kind, Say
from sparring.targets import plain_output

CHUNK = 4096  # examples read at a time
SHOWN = 1024  # examples that are drawn
LONGEST, LONGEST_NAME = 120, 40  # characters of a path and of a label's name in the words for a person
NAMED = 10  # bad files and labels in the words for a person; the JSON has all


@dataclass(frozen=True)
class Summary:
    """What a data set holds: ``facts`` as plain values, ``lines`` for a person, and some of the examples to look at:
    a ``preview``, or, of what a picture cannot show, a ``page`` of them."""

    facts: dict[str, Any]
    lines: tuple[str, ...]
    preview: Artifact | None = None
    page: tuple[Artifact, ...] = ()


def check_examples(modality: Kind, recipe: Recipe, say: Say) -> Summary:
    """How many good examples, bad files and exact duplicates there are, what the examples look like, and how many have
    each label. Raises :class:`UserError` as training would."""
    source = modality.open_source(recipe)
    numbers, different = count_examples(source)
    labels = {name: numbers[index] for index, name in enumerate(source.form.labels)}
    facts = {
        "data": source.name,
        "good": len(source),
        "bad": named(source.bad_files),
        "duplicates": len(source) - different,
        "form": source.form.to_dict(),
        "labels": labels,
    }
    lines = (
        f"{source.name}: {len(source):,} good examples, {len(source.bad_files)} bad files, "
        f"{facts['duplicates']:,} duplicates",
        f"trained as {source.form.described()}",
        *remarks_of(source),
        *lines_on(labels, source.bad_files),
    )
    return Summary(facts, lines, drawn(modality, source, recipe))


def drawn(modality: Kind, source: Source, recipe: Recipe) -> Artifact | None:
    """Some of the examples, as the modality writes samples into one file; None where none are drawn."""
    media_type = next((kind for kind, ending in ENDINGS.items() if ending == modality.check_sheet), "")
    if not media_type:
        return None
    chosen = np.random.default_rng(0).permutation(len(source))[:SHOWN]
    output = plain_output(modality, source, recipe)
    examples = output.finish(output.real(source.batch(np.sort(chosen))))
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"examples{modality.check_sheet}"
        modality.write(examples, path, form=source.form, labels=None, note={}, options={}, overwrite=True)
        return Artifact("some of the examples", media_type, path.read_bytes())


def count_examples(source: Source) -> tuple[Counter[int], int]:
    """How many examples of a source have each label, by its number, and how many different examples there are."""
    labels: Counter[int] = Counter()
    seen: set[bytes] = set()
    for indices in np.split(np.arange(len(source)), range(CHUNK, len(source), CHUNK)):
        batch = dict(source.batch(indices))
        if "labels" in batch:
            labels.update(batch.pop("labels").tolist())
        contents = [value.reshape(len(indices), -1).contiguous().numpy() for value in batch.values()]
        for row in range(len(indices)):
            seen.add(sha256(b"".join(content[row].tobytes() for content in contents)).digest())
    return labels, len(seen)


def named(bad_files: Sequence[BadFile]) -> list[dict[str, str]]:
    """Bad files as plain values."""
    return [{"path": bad.path, "reason": bad.reason} for bad in bad_files]


def lines_on(labels: Mapping[str, int], bad_files: Sequence[BadFile]) -> list[str]:
    """Labels and bad files in words, the first few of each."""
    more = len(bad_files) - NAMED
    return [
        f"labels: {counted(labels) or 'none'}",
        *(f"bad: {shortened(bad.path, LONGEST)}: {shortened(bad.reason)}" for bad in bad_files[:NAMED]),
        *([f"and {more} more bad files; --json names them all"] if more > 0 else []),
    ]


def counted(counts: Mapping[str, int]) -> str:
    """``a (3), b (2)``, the first few."""
    few = ", ".join(f"{shortened(name, LONGEST_NAME)} ({count:,})" for name, count in list(counts.items())[:NAMED])
    return few + (f" and {len(counts) - NAMED} more" if len(counts) > NAMED else "")
