"""What is in a set of videos, and what is wrong with it."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

import numpy as np
import torch

from sparring.checking import Summary, counted, lines_on, named
from sparring.data.source import remarks_of
from sparring.modality import Artifact
from sparring.video.data import VideoSource, open_source
from sparring.video.files import VideoFiles
from sparring.video.recipes import VideoRecipe
from sparring.video.samples import as_artifact

SHOWN = 24  # clips of the page
CHUNK = 64  # clips read at a time
FROZEN = 1 / 255  # of white: a clip that changes less at every pixel from frame to frame stands still
SPREAD = (5, 50, 95)  # percentiles that are told


def check(recipe: VideoRecipe) -> Summary:
    """What training on ``recipe.data`` would meet; every frame is read.

    The facts are ``good`` (clips), ``videos``, ``bad`` (``{"path", "reason"}`` each), ``frames`` and ``seconds`` (the
    5th, 50th and 95th percentile of the videos' lengths), ``rates`` and ``sizes`` (frames a second, ``"HEIGHTxWIDTH"``,
    to count), ``cuts``, ``damaged`` (videos that end early), ``frozen`` (clips), ``labels`` (name to count), ``form``,
    and ``duplicates``: how many clips equal an earlier one. Raises :class:`UserError` as training would.
    """
    source = open_source(recipe)
    numbers, different, frozen = counted_clips(source)
    form = source.form
    facts: dict[str, Any] = {
        "data": source.name,
        "good": len(source),
        "bad": named(source.bad_files),
        **(about_files(source) if isinstance(source, VideoFiles) else {}),
        "frozen": frozen,
        "labels": {name: numbers[index] for index, name in enumerate(form.labels)},
        "form": form.to_dict(),
        "duplicates": len(source) - different,
    }
    lines = (
        f"{source.name}: {len(source):,} good clips, {len(source.bad_files)} bad files, {facts['duplicates']:,} "
        "duplicates",
        f"trained as {form.described()}",
        *told_of_files(facts),
        *([f"frozen: {frozen:,} of the clips show the same from their first frame to their last"] if frozen else []),
        *lines_on(facts["labels"], source.bad_files),
        *remarks_of(source),
    )
    return Summary(facts, lines, page=shown(source))


def counted_clips(source: VideoSource) -> tuple[Counter[int], int, int]:
    """How many clips have each label, by its number; how many are different; how many stand still."""
    labels: Counter[int] = Counter()
    seen: set[bytes] = set()
    frozen = 0
    for indices in np.split(np.arange(len(source)), range(CHUNK, len(source), CHUNK)):
        batch = source.batch(indices)
        frames = batch["frames"]
        labels.update(batch["labels"].tolist() if "labels" in batch else [])
        seen.update(hashlib.blake2b(clip.numpy().tobytes(), digest_size=16).digest() for clip in frames)
        moved = frames[:, 1:].to(torch.int16) - frames[:, :-1]
        frozen += int((moved.abs().amax((1, 2, 3, 4)) <= FROZEN * 255).sum())
    return labels, len(seen), frozen


def about_files(source: VideoFiles) -> dict[str, Any]:
    """Lengths, rates and sizes of a source's videos, the cuts in them, and how many end early."""
    about = list(source.reading.about.values())
    return {
        "videos": len(about),
        "frames": percentiles([each.frames for each in about]),
        "seconds": percentiles([float(each.frames / each.rate) for each in about]),
        "rates": dict(Counter(f"{float(each.rate):.4g}" for each in about).most_common()),
        "sizes": dict(Counter(f"{each.height}x{each.width}" for each in about).most_common()),
        "cuts": sum(each.cuts for each in about),
        "damaged": sum(bool(each.cut_short) for each in about),
    }


def percentiles(values: list[float] | list[int]) -> list[float]:
    """The 5th, 50th and 95th percentile, to three decimals; empty of nothing."""
    return [round(float(value), 3) for value in np.percentile(values, SPREAD)] if values else []


def told_of_files(facts: dict[str, Any]) -> list[str]:
    """Lengths, rates and sizes in words; nothing of a set that is drawn."""
    if "videos" not in facts:
        return []
    shortest, usual, longest = facts["frames"]
    return [
        f"videos: {facts['videos']:,}; half of them have {usual:,.0f} frames or more, nine in ten {shortest:,.0f} to "
        f"{longest:,.0f}",
        f"sizes found: {counted(facts['sizes'])}; frames a second: {counted(facts['rates'])}",
    ]


def shown(source: VideoSource) -> tuple[Artifact, ...]:
    """Some of the clips, as they are learned from, that play."""
    chosen = np.sort(np.random.default_rng(0).permutation(len(source))[:SHOWN])
    batch = source.batch(chosen)
    clips = batch["frames"].float() / 127.5 - 1
    labels = [source.form.labels[index] for index in batch["labels"].tolist()] if "labels" in batch else []
    names = [source.clips[index].video for index in chosen] if isinstance(source, VideoFiles) else [""] * len(chosen)
    captions = [
        " · ".join(part for part in (labels[row] if labels else "", names[row]) if part) or f"clip {index:,}"
        for row, index in enumerate(chosen.tolist())
    ]
    return tuple(as_artifact(clips[row : row + 1], source.form.rate, text) for row, text in enumerate(captions))
