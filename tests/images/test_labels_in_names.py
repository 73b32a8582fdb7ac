"""Pictures whose labels are in the names of their files: trained on, checked, evaluated and scored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from sparring.core.errors import UserError
from sparring.images.check import check
from sparring.images.data import ImageSource, open_in_form, open_kept, open_source
from sparring.images.recipes import RECIPES, ImageRecipe
from sparring.translation.data import open_source as open_domains
from sparring.translation.recipes import RECIPES as TRANSLATIONS
from sparring.verbs.score import score
from sparring.verbs.train import train

PATTERN = "{label}_{speaker}_{take}"


def fill(folder: Path, count: int = 20, name: str = "{label}_jackson_{number}.png") -> Path:
    """Pictures, each as grey as its number, of three labels."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        path = folder / name.format(label=number % 3, number=number)
        Image.fromarray(np.full((8, 8), number, np.uint8)).save(path)
    return folder


def recipe(path: Path, **settings: object) -> ImageRecipe:
    """The recipe for the pictures there, with the pattern."""
    changed = RECIPES["images"].changed({"data": str(path), "label_pattern": PATTERN, **settings})
    assert isinstance(changed, ImageRecipe)
    return changed


def labels_by_grey(source: ImageSource) -> dict[int, str]:
    """The label of each picture, by how grey it is."""
    batch = source.batch(np.arange(len(source)))
    greys = batch["images"][:, 0, 0, 0].tolist()
    return {grey: source.form.labels[label] for grey, label in zip(greys, batch["labels"].tolist(), strict=True)}


@pytest.mark.parametrize("streams", [False, True])
def test_each_picture_has_the_label_in_its_name(tmp_path: Path, streams: bool) -> None:
    fill(tmp_path / "a" / "b")
    Image.new("L", (8, 8)).save(tmp_path / "cover.png")
    source = open_source(recipe(tmp_path, labelled="yes", **({"cache_mb": 0} if streams else {})))
    assert source.in_memory is not streams
    assert labels_by_grey(source) == {number: str(number % 3) for number in range(20)}
    assert [(bad.path, bad.reason) for bad in source.bad_files] == [
        (f"{tmp_path}/cover.png", f"does not match label_pattern '{PATTERN}'")
    ]
    lines = "\n".join(check(recipe(tmp_path)).lines)
    assert "20 good pictures, 1 bad files" in lines
    assert "cover.png" in lines


def test_a_pattern_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="matches none of 20 images, which are called '0_jackson_0', "):
        open_source(recipe(fill(tmp_path / "set"), label_pattern="{label}-{}"))
    fill(tmp_path / "other", 15)
    fill(tmp_path / "other", 3, "cover {number}.png")
    with pytest.raises(UserError, match=r"15 good images, at least 16 are needed; 3 bad: cover 0\.png \(does not"):
        open_source(recipe(tmp_path / "other"))


@pytest.mark.parametrize("data", ["digits", "a.npy"])
def test_what_has_no_names_of_files_takes_no_pattern(tmp_path: Path, data: str) -> None:
    np.save(tmp_path / "a.npy", np.zeros((20, 8, 8), np.uint8))
    place = Path(data) if data == "digits" else tmp_path / data
    with pytest.raises(UserError, match=r"label_pattern: .* has no files whose names could have labels"):
        open_source(recipe(place))


def test_pictures_that_a_model_looks_at_need_not_be_called_so(tmp_path: Path) -> None:
    ours = recipe(fill(tmp_path / "set" / "train"), conditional=True)
    fill(tmp_path / "set" / "test", 6)
    form = open_source(ours).form
    assert form.labels == ("0", "1", "2")
    named = open_in_form(ours.changed({"data": str(tmp_path / "set" / "train" / "1_jackson_10.png")}), form)
    assert labels_by_grey(named) == {10: "1"}
    other = fill(tmp_path / "other", 1, "picture {number}.png")
    np.save(tmp_path / "a.npy", np.zeros((20, 8, 8), np.uint8))
    for place in (other, other / "picture 0.png", tmp_path / "a.npy"):
        assert open_in_form(ours.changed({"data": str(place)}), form).labels is None
    kept = open_kept(recipe(tmp_path / "set", conditional=True), form)
    assert kept is not None
    assert labels_by_grey(kept) == {number: str(number % 3) for number in range(6)}
    assert open_in_form(recipe(tmp_path / "set"), form).labels is None  # of a model without conditions


def test_a_run_keeps_its_pattern(tmp_path: Path) -> None:
    small = {"width": 4, "batch": 8, "steps": 2, "time": 0, "held_out": 0, "device": "cpu", "conditional": True}
    run = tmp_path / "run"
    train(recipe(fill(tmp_path / "set"), **small), out=run)
    assert yaml.safe_load((run / "recipe.yaml").read_text())["label_pattern"] == PATTERN
    rows = score(run, files=[str(tmp_path / "set" / "2_jackson_5.png")])["rows"]
    assert [row["label"] for row in rows] == ["2"]


def test_domains_are_translated_without_labels(tmp_path: Path) -> None:
    for name in ("A", "B"):
        fill(tmp_path / name)
    settings = {"data": str(tmp_path), "label_pattern": PATTERN}
    source = open_domains(TRANSLATIONS["cyclegan"].changed(settings))
    assert all(domain.labels is None for domain in source.domains.values())
