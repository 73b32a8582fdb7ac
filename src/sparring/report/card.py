"""The model card: what a stranger should know of a shared generator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sparring.core.recipe import Recipe
from sparring.core.terminal import one_line

SAMPLES = """```python
import sparring

model = sparring.load("path/to/this/folder")
samples = model.sample(64, seed=0)
```"""
TRANSLATES = """```sh
sparring translate path/to/this/folder INPUT... --out translated/
```"""


def model_card(recipe: Recipe, config: Mapping[str, Any], *, makes: bool, alone: bool) -> str:
    """The text of ``model/README.md``, its head readable by model hubs; ``makes`` is whether examples are made from
    nothing, and not from others, ``alone`` whether no discriminator was trained."""
    players = "A generator" if alone else "A generator, and the discriminator it was trained against"
    weights = "`generator.*` averaged over training" + ("" if alone else ", `discriminator.*` as last trained")
    told = {name: in_a_cell(value) for name, value in config["recipe"].items() if value != ""}
    settings = "\n".join(f"| {name} | {value} |" for name, value in told.items())
    labels = config["form"].get("labels") or []
    names = f"{in_a_cell(', '.join(labels[:20]))}{'...' if len(labels) > 20 else ''}"
    knows = f"It knows {len(labels)} labels: {names}.\n" if labels else ""
    return f"""---
library_name: sparring
tags: [gan, {recipe.kind}, {recipe.name}]
---
# {recipe.name}

{players}, made with Sparring from {config["examples"]:,} examples
of `{told.get("data", "")}`, of which it saw {config["examples_seen"]:,} (repeats counted).
{knows}
{SAMPLES if makes else TRANSLATES}

Weights are safetensors ({weights}), settings JSON:
nothing in this folder can run code. What it makes resembles its training data, with their gaps and biases; say
that it is generated when you show it.

| setting | value |
|---|---|
{settings}
"""


def in_a_cell(value: Any) -> str:
    """A value as text that can end neither a table's cell nor a line, and begins no element of HTML."""
    return one_line(value).replace("|", "\\|").replace("`", "'").replace("<", "&lt;")
