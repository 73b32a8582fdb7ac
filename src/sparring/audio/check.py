"""What is in a set of sounds, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from sparring.audio.data import AudioSource, open_source
from sparring.audio.files import AudioFiles
from sparring.audio.form import FULL
from sparring.audio.recipes import AudioRecipe
from sparring.audio.samples import as_artifact
from sparring.checking import Summary, count_examples, counted, lines_on, named
from sparring.data.files.parallel import in_parallel
from sparring.data.source import BadContent, remarks_of
from sparring.media.sounds.decode import read_sound
from sparring.media.sounds.loudness import CLIPPED, SILENT, Levels, levels_of
from sparring.modality import Artifact

SHOWN = 24  # sounds of the page
LOOKED_AT = 60  # seconds of each file that loudness is measured over
OFFSET = 0.25  # of the loudness, above which a file has an offset
SPREAD = (5, 50, 95)  # percentiles that are told


def check(recipe: AudioRecipe) -> Summary:
    """What training on ``recipe.data`` would meet; every file is read.

    The facts are ``good`` (sounds), ``bad`` (``{"path", "reason"}`` each), ``rates`` and ``channels`` (hertz and
    numbers to count), ``seconds`` and ``decibels`` (the 5th, 50th and 95th percentile of lengths and of loudness),
    ``clipped`` and ``offset`` (files), ``labels`` (name to count), ``form``, ``in_memory``, and ``duplicates``: how
    many sounds equal an earlier one once brought to form. Raises :class:`UserError` as training would.
    """
    source = open_source(recipe)
    numbers, different = count_examples(source)
    form, good = source.form, len(source) - len(source.dead if isinstance(source, AudioFiles) else ())
    facts: dict[str, Any] = {
        "data": source.name,
        "good": good,
        "bad": named(source.bad_files),
        **(about_files(source) if isinstance(source, AudioFiles) else {}),
        "labels": {name: numbers[index] for index, name in enumerate(form.labels)},
        "form": form.to_dict(),
        "in_memory": source.in_memory,
        "duplicates": good - different,
    }
    lines = (
        f"{source.name}: {facts['good']:,} good sounds, {len(source.bad_files)} bad files, "
        f"{facts['duplicates']:,} duplicates",
        f"trained as {form.described()}, " + ("in memory" if source.in_memory else "streamed from disk"),
        *told_of_files(facts),
        *lines_on(facts["labels"], source.bad_files),
        *remarks_of(source),
    )
    return Summary(facts, lines, page=heard(source))


def about_files(source: AudioFiles) -> dict[str, Any]:
    """Rates, channels, lengths and loudness of a source's files as they are."""

    def measure(name: str) -> Levels:
        header = source.headers[name]
        samples, rate = read_sound(source.file_set.read(name), frames=min(header.frames, LOOKED_AT * header.rate))
        return levels_of(samples, rate)

    names = list(source.headers)
    measured = [each for each in in_parallel(measure, names) if not isinstance(each, BadContent)]
    heard = [each for each in measured if each.peak >= SILENT]
    headers = source.headers.values()
    return {
        "rates": dict(Counter(str(header.rate) for header in headers).most_common()),
        "channels": dict(Counter(str(header.channels) for header in headers).most_common()),
        "seconds": percentiles([header.seconds for header in headers]),
        "decibels": percentiles([each.loudness for each in heard]),
        "clipped": sum(each.clipped > CLIPPED for each in heard),
        "offset": sum(abs(each.offset) > OFFSET * 10 ** (each.loudness / 20) for each in heard),
    }


def percentiles(values: list[float]) -> list[float]:
    """The 5th, 50th and 95th percentile, to three decimals; empty of nothing."""
    return [round(float(value), 3) for value in np.percentile(values, SPREAD)] if values else []


def told_of_files(facts: dict[str, Any]) -> list[str]:
    """Rates, lengths and loudness in words; nothing of a set that is synthesised."""
    if "rates" not in facts:
        return []
    shortest, usual, longest = facts["seconds"]
    lines = [
        f"rates found: {counted(facts['rates'])}; channels: {counted(facts['channels'])}",
        f"seconds: half of the files have {usual:.3g} or more, nine in ten {shortest:.3g} to {longest:.3g}",
    ]
    if facts["decibels"]:
        quiet, middle, loud = facts["decibels"]
        lines.append(f"loudness: {middle:.0f} dB below full scale in the middle, nine in ten {quiet:.0f} to {loud:.0f}")
    if facts["clipped"]:
        lines.append(
            f"clipped: {facts['clipped']:,} of the files reach full scale in more than {CLIPPED:.1%} of their samples"
        )
    if facts["offset"]:
        lines.append(f"offset: in {facts['offset']:,} of the files the mean is far from 0")
    return lines


def heard(source: AudioSource) -> tuple[Artifact, ...]:
    """Some of the sounds, as they are learned from, to be heard and seen."""
    chosen = np.sort(np.random.default_rng(0).permutation(len(source))[:SHOWN])
    batch = source.batch(chosen)
    labels = [source.form.labels[index] for index in batch["labels"].tolist()] if "labels" in batch else []
    names = [""] * len(chosen)
    if isinstance(source, AudioFiles) and not source.dead:  # else others stand in for those that turned out bad
        names = [source.pieces[index].name for index in chosen]
    captions = [
        " · ".join(part for part in (labels[row] if labels else "", names[row]) if part) or f"sound {index:,}"
        for row, index in enumerate(chosen.tolist())
    ]
    sounds = batch["sounds"].float() / FULL
    return tuple(as_artifact(sounds[row : row + 1], source.form.rate, caption) for row, caption in enumerate(captions))
