"""What is in a set of pictures, and what is wrong with it."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sparring.checking import Summary, counted, lines_on, named
from sparring.data.source import remarks_of
from sparring.images.data import ImageSource, open_source
from sparring.images.pairs import told_of_pairs
from sparring.images.reading.folder import ImageFiles
from sparring.images.reading.shape import ImageSettings
from sparring.images.samples import as_artifact

CHUNK = 256  # pictures read at a time
TOP = 5  # most frequent sizes that are told
SHOWN = 64  # pictures of the sheet


@dataclass
class Count:
    """How many pictures are good, how many have each label, by its number, and the hashes of their pixels."""

    good: int = 0
    labels: Counter[int] = field(default_factory=Counter)
    hashes: set[bytes] = field(default_factory=set)


def check(recipe: ImageSettings) -> Summary:
    """What training on ``recipe.data`` would meet; every pixel is read.

    The facts are ``good`` (count), ``bad`` (``{"path", "reason"}`` each), ``sizes`` (the most frequent,
    ``"HEIGHTxWIDTH"`` to count), ``modes`` (Pillow's names to count), ``labels`` (name to count), ``form``,
    ``in_memory``, and ``duplicates``: how many pictures equal an earlier one, byte for byte, once brought to shape.
    Raises :class:`UserError` as training would.
    """
    source = open_source(recipe)
    count = count_pictures(source)
    form = source.form
    facts: dict[str, Any] = {
        "data": source.name,
        "good": count.good,
        "bad": named(source.bad_files),
        "sizes": {f"{height}x{width}": number for (height, width), number in source.survey.sizes.most_common(TOP)},
        "modes": dict(source.survey.modes.most_common()),
        "labels": {name: count.labels[index] for index, name in enumerate(form.labels)},
        "form": form.to_dict(),
        "in_memory": source.in_memory,
        "duplicates": count.good - len(count.hashes),
    }
    lines = (
        f"{source.name}: {count.good:,} good pictures, {len(source.bad_files)} bad files, "
        f"{facts['duplicates']} duplicates",
        f"trained as {form.height}x{form.width} with {form.channels} channel{'' if form.channels == 1 else 's'}, "
        + ("in memory" if source.in_memory else "streamed from disk"),
        f"sizes found: {counted(facts['sizes'])}; modes: {counted(facts['modes'])}",
        *lines_on(facts["labels"], source.bad_files),
        *remarks_of(source),
        *told_of_pairs(source),
    )
    chosen = np.random.default_rng(0).permutation(len(source))[:SHOWN]
    shown = source.batch(np.sort(chosen))["images"]
    return Summary(facts, lines, as_artifact(shown, f"{len(shown)} of the pictures"))


def count_pictures(source: ImageSource) -> Count:
    """Count the pictures of a source; those that stand in for files which turned out bad are left out."""
    dead: set[int] = source.dead if isinstance(source, ImageFiles) else set()
    count = Count()
    for indices in np.split(np.arange(len(source)), range(CHUNK, len(source), CHUNK)):
        images = source.batch(indices)["images"].numpy()
        rows = [row for row, index in enumerate(indices.tolist()) if index not in dead]
        count.good += len(rows)
        count.hashes.update(hashlib.blake2b(images[row].tobytes(), digest_size=16).digest() for row in rows)
        if source.labels is not None:
            count.labels.update(source.labels[indices[rows]].tolist())
    return count
