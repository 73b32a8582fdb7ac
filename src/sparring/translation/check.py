"""What is in two domains, and what is wrong with them, before anything is trained on them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring.checking import LONGEST, NAMED, Summary, counted, named
from sparring.core.terminal import shortened
from sparring.images.check import TOP, count_pictures
from sparring.images.data import ImageSource
from sparring.images.samples import as_artifact
from sparring.translation.data import open_source
from sparring.translation.recipes import TranslationRecipe

COLUMNS, ROWS = 8, 4  # pictures of each domain on the sheet


def check(recipe: TranslationRecipe) -> Summary:
    """What training on the recipe's two domains would meet; every pixel is read.

    The facts are ``data``, ``form``, ``in_memory``, and in ``domains`` for ``a`` and for ``b``: ``good`` (count),
    ``bad`` (``{"path", "reason"}`` each), ``sizes`` (the most frequent, ``"HEIGHTxWIDTH"`` to count) and
    ``duplicates``: how many pictures equal an earlier one of the domain, byte for byte, once brought to shape.
    ``good``, ``bad`` and ``duplicates`` are told of both together too. The sheet has pictures of A above as many of B.
    Raises :class:`UserError` as training would.
    """
    source = open_source(recipe)
    domains = {name: facts_of(domain) for name, domain in source.domains.items()}
    form = source.form
    facts = {
        "data": source.name,
        "good": sum(domain["good"] for domain in domains.values()),
        "bad": [bad for domain in domains.values() for bad in domain["bad"]],
        "duplicates": sum(domain["duplicates"] for domain in domains.values()),
        "domains": domains,
        "form": form.to_dict(),
        "in_memory": source.in_memory,
    }
    lines = [
        *(line for name, domain in domains.items() for line in lines_of(name, domain)),
        f"trained as {form.height}x{form.width} with {form.channels} channel{'' if form.channels == 1 else 's'}, "
        + ("in memory" if source.in_memory else "streamed from disk"),
        *source.remarks(),
    ]
    shown = torch.cat([examples_of(domain) for domain in source.domains.values()])
    return Summary(facts, tuple(lines), as_artifact(shown, "pictures of A above pictures of B", columns=COLUMNS))


def facts_of(source: ImageSource) -> dict[str, Any]:
    """What one domain holds."""
    count = count_pictures(source)
    return {
        "data": source.name,
        "good": count.good,
        "bad": named(source.bad_files),
        "sizes": {f"{height}x{width}": number for (height, width), number in source.survey.sizes.most_common(TOP)},
        "duplicates": count.good - len(count.hashes),
    }


def lines_of(name: str, facts: dict[str, Any]) -> list[str]:
    """The facts of one domain in words, with the first few of its bad files."""
    more = len(facts["bad"]) - NAMED
    return [
        f"domain {name.upper()}, {facts['data']}: {facts['good']:,} good pictures, {len(facts['bad'])} bad files, "
        f"{facts['duplicates']:,} duplicates; sizes found: {counted(facts['sizes'])}",
        *(f"bad: {shortened(bad['path'], LONGEST)}: {shortened(bad['reason'])}" for bad in facts["bad"][:NAMED]),
        *([f"and {more} more bad files; --json names them all"] if more > 0 else []),
    ]


def examples_of(source: ImageSource) -> Tensor:
    """Some pictures of a domain, uint8 ``(n, channels, height, width)``: as many as fill whole rows."""
    count = min(ROWS, len(source) // COLUMNS) * COLUMNS
    chosen = np.random.default_rng(0).permutation(len(source))[:count]
    return source.batch(np.sort(chosen))["images"]
