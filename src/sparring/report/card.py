"""The model card: what a stranger should know of a shared generator, with a head that model hubs read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from sparring.core.files import write_text
from sparring.core.reading import WORDS, read_text
from sparring.core.recipe import Recipe
from sparring.core.run import read_config
from sparring.core.settings import as_typed, fields
from sparring.core.terminal import one_line
from sparring.kind import Entry
from sparring.modalities import ENTRIES
from sparring.report.changes import changes

SAMPLES = """```python
import sparring

model = sparring.load("path/to/this/folder")
samples = model.sample(64, seed=0)
```"""
TRANSLATES = """```sh
sparring translate path/to/this/folder INPUT... --out translated/
```"""
FENCE = "---\n"  # before and after the head
UNDECIDED = {"license": "other", "license_name": "none-chosen-yet"}
"""Whoever publishes a model decides: neither Sparring's license nor that of the data is its own."""


def model_card(
    recipe: Recipe, config: Mapping[str, Any], entry: Entry, *, makes: bool, alone: bool, sample: str = ""
) -> str:
    """The text of ``model/README.md``; ``makes`` is whether examples are made from nothing, and not from others,
    ``alone`` whether no discriminator was trained, ``sample`` a picture beside it."""
    players = "A generator" if alone else "A generator, and the discriminator it was trained against"
    weights = "`generator.*` averaged over training" + ("" if alone else ", `discriminator.*` as last trained")
    labels = config["form"].get("labels") or []
    names = f"{in_a_cell(', '.join(labels[:20]))}{'...' if len(labels) > 20 else ''}"
    knows = f"It knows {len(labels)} labels: {names}.\n" if labels else ""
    picture = f"\n![what it makes]({sample})\n" if sample else ""
    return f"""{head(recipe, entry)}# {in_a_cell(recipe.name)}

{players}, made with Sparring from {config["examples"]:,} examples
of `{in_a_cell(config["recipe"].get("data", ""))}`, of which it saw {config["examples_seen"]:,} (repeats counted).
{knows}{picture}
{SAMPLES if makes else TRANSLATES}

Weights are safetensors ({weights}), settings JSON:
nothing in this folder can run code. What it makes resembles its training data, with their gaps and biases; say
that it is generated when you show it. No license was chosen: who publishes this model decides, and writes it above.

{changed_settings(recipe, config["recipe"])}"""


def head(recipe: Recipe, entry: Entry) -> str:
    """What model hubs read, as YAML between its marks."""
    public = entry.public.get(recipe.data, "")
    tags = dict.fromkeys(["gan", recipe.kind, one_line(recipe.name)])
    return as_head({
        **UNDECIDED,
        "library_name": "sparring",
        **({"pipeline_tag": entry.task} if entry.task else {}),
        "tags": [tag for tag in tags if tag],
        **({"datasets": [public]} if public else {}),
    })  # fmt: skip


def as_head(content: Mapping[str, Any]) -> str:
    """Plain values as the head of a card: YAML that any text stays a text in."""
    return f"{FENCE}{yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, width=1000)}{FENCE}"


def changed_settings(recipe: Recipe, told: Mapping[str, Any]) -> str:
    """A table of the settings that are not those of the recipe it started from; ``told`` are they as they are shared,
    data by name."""
    known = fields(type(recipe))
    rows = "".join(
        f"| {name} | {in_a_cell(as_shared(recipe, name, told, known[name].metadata['unit']))} |\n"
        for name in changes(recipe)
    )
    start = f"Trained by the recipe `{in_a_cell(recipe.name or recipe.kind)}`"
    return f"{start} with these settings:\n\n| setting | value |\n|---|---|\n{rows}" if rows else f"{start} as it is.\n"


def as_shared(recipe: Recipe, name: str, told: Mapping[str, Any], unit: str) -> str:
    """A setting as it is typed, data by name alone."""
    return str(told[name]) if name in recipe.data_settings else as_typed(getattr(recipe, name), unit)


def in_a_cell(value: Any) -> str:
    """A value as text that can end neither a table's cell nor a line, and begins no element of HTML."""
    return one_line(value).replace("|", "\\|").replace("`", "'").replace("<", "&lt;")


# What is known after an evaluation


def add_scores(folder: Path, results: Sequence[Mapping[str, Any]]) -> None:
    """Write the scores of evaluations into the head of the card in a model folder; all else in it stays as it is, also
    what a person wrote. A card that cannot be read is left alone. Raises :class:`UserError` where there is no model,
    or the card cannot be written."""
    config, path = read_config(folder), folder / "README.md"
    try:
        _, text, body = read_text(path, WORDS).split(FENCE, 2)
        content = yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return
    if not isinstance(content, dict) or config["kind"] not in ENTRIES:
        return
    task = {"type": ENTRIES[config["kind"]].task or config["kind"]}
    name = one_line(config["recipe"].get("name") or config["kind"])
    told = [scores for result in results if (scores := scored(result, task))["metrics"]]
    if not told:
        return
    index = [{"name": name, "results": told}]
    write_text(path, as_head({**content, "model-index": index}) + body)


def scored(result: Mapping[str, Any], task: Mapping[str, str]) -> dict[str, Any]:
    """The scores of one evaluation as model hubs read them, each under the name that it has here."""
    data = Path(str(result["data"])).name or "data"
    metrics = [
        {"type": score["name"], "name": f"{score['name']}: {score['about']}", "value": score["value"]}
        for score in result["scores"]
        if score["value"] is not None and math.isfinite(score["value"])
    ]
    return {"task": dict(task), "dataset": {"type": data, "name": data}, "metrics": metrics}
