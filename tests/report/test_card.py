"""The model card: a head that is YAML whatever names say, no claim that nobody made, scores where there are some."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from sparring.modalities import ENTRIES, RECIPES
from sparring.report.card import add_scores, model_card

HOSTILE = "a: b\n---\n# [x](javascript:1) | `<script>` {{ \u2028 &anchor *alias !!python/object"


def card(preset: str = "digits", makes: bool = True, sample: str = "", **settings: Any) -> str:
    recipe = RECIPES[preset].changed(settings)
    config = {"recipe": recipe.to_dict(), "form": {"labels": [HOSTILE]}, "examples": 10, "examples_seen": 20}
    return model_card(recipe, config, ENTRIES[recipe.kind], makes=makes, alone=False, sample=sample)


def head_of(text: str) -> dict[str, Any]:
    before, head, _ = text.split("---\n", 2)
    assert before == ""
    content: dict[str, Any] = yaml.safe_load(head)
    return content


@pytest.mark.parametrize("field", ["name", "data"])
def test_hostile_names_stay_names(field: str) -> None:
    text = card(**{field: HOSTILE})
    head = head_of(text)
    assert head.keys() == {"license", "license_name", "library_name", "pipeline_tag", "tags"}
    assert len(head["tags"]) == 3
    body = text.split("---\n", 2)[2]
    assert "<script>" not in body
    assert [line for line in body.splitlines() if line.startswith("---")] == []


@pytest.mark.parametrize(
    ("recipe", "task"),
    [("digits", "unconditional-image-generation"), ("topics", "text-generation"), ("ink-neon", "image-to-image"),
     ("tones", None), ("moving-shapes", None), ("gaussians-ring", None)],
)  # fmt: skip
def test_what_hubs_call_it(recipe: str, task: str | None) -> None:
    assert head_of(card(recipe)).get("pipeline_tag") == task


def test_only_public_data_are_named_as_such() -> None:
    assert head_of(card("mnist"))["datasets"] == ["ylecun/mnist"]
    assert "datasets" not in head_of(card("mnist", data="my/mnist"))
    assert "datasets" not in head_of(card("digits"))


def test_only_changed_settings_are_told() -> None:
    assert "as it is." in card()
    text = card(batch=8, time=90)
    assert text.endswith("| setting | value |\n|---|---|\n| time | 1m30s |\n| batch | 8 |\n")
    assert "![what it makes](sample.png)" in card(sample="sample.png")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder without weights."""
    config = {"sparring": 2, "kind": "images", "recipe": {"name": "digits"}, "form": {}, "examples": 1}
    (tmp_path / "config.json").write_text(json.dumps({**config, "examples_seen": 1}))
    return tmp_path


def result(name: str, value: float | None) -> dict[str, Any]:
    return {"data": "/home/someone/cats", "scores": [{"name": name, "about": "how far", "value": value}]}


def test_scores_are_added_and_what_a_person_wrote_is_kept(folder: Path) -> None:
    text = card().replace("license: other\nlicense_name: none-chosen-yet", "license: mit") + "My own words.\n"
    (folder / "README.md").write_text(text, encoding="utf-8")
    for value in (2.0, 1.5):  # a second evaluation takes the place of the first
        add_scores(folder, [result("sliced", value), result("frechet", None), result("kernel", math.nan)])
    told = (folder / "README.md").read_text(encoding="utf-8")
    head = head_of(told)
    assert head["license"] == "mit"
    assert told.endswith("My own words.\n")
    (index,) = head["model-index"]
    (first,) = index["results"]
    assert index["name"] == "digits"
    assert first["task"] == {"type": "unconditional-image-generation"}
    assert first["dataset"] == {"type": "cats", "name": "cats"}
    assert first["metrics"] == [{"type": "sliced", "name": "sliced: how far", "value": 1.5}]
    assert "/home/someone" not in told


@pytest.mark.parametrize("text", ["", "no head\n", "---\n[1, 2]\n---\nlist\n", "---\n: {\n---\n"])
def test_a_card_that_cannot_be_read_is_left_alone(folder: Path, text: str) -> None:
    path = folder / "README.md"
    path.write_text(text, encoding="utf-8")
    add_scores(folder, [result("sliced", 1.0)])
    assert path.read_text(encoding="utf-8") == text
    path.unlink()
    add_scores(folder, [result("sliced", 1.0)])
    assert not path.exists()
