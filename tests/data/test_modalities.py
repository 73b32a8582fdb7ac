"""The table of modalities: what a path is, is found by looking; a model's kind and options by its folder."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparring.core.settings import fields
from sparring.data.source import Form
from sparring.modalities import (
    CLEARLY,
    ENTRIES,
    MOST,
    RECIPES,
    by_endings,
    by_kind,
    entry_for,
    files_below,
    find_recipe,
    kind_at,
    kind_of,
    modality_of,
    options_for,
    options_of,
    recipe_for,
    recipes,
)
from sparring.modality import Entry, Modality
from sparring.options import VERBS

SETS = [(name, kind) for kind, entry in ENTRIES.items() for name in entry.sets]


@pytest.fixture
def filled(tmp_path: Path) -> Callable[..., str]:
    """``filled(**counts)``: a folder with so many empty files of each ending."""

    def make(name: str = "data", **counts: int) -> str:
        folder = tmp_path / name
        folder.mkdir(parents=True, exist_ok=True)
        for ending, count in counts.items():
            for number in range(count):
                (folder / f"{number}.{ending}").touch()
        return str(folder)

    return make


def kind_for(*places: str) -> str:
    return entry_for(places).recipe.kind


# The table


@pytest.mark.parametrize("kind", ENTRIES)
def test_every_entry_names_its_modality(kind: str) -> None:
    entry, modality = ENTRIES[kind], modality_of(kind)
    assert isinstance(modality, Modality)
    assert modality is modality_of(kind)
    assert modality.entry is entry
    assert issubclass(modality.form, Form)
    assert entry.recipe.kind == kind
    assert all(name == recipe.name and type(recipe) is entry.recipe for name, recipe in entry.presets.items())
    assert all(ending == ending.lower() for ending in entry.endings)
    assert set(entry.options) <= set(VERBS)


def test_no_name_means_two_things() -> None:
    names = [name for entry in ENTRIES.values() for name in entry.presets]
    sets = [name for name, _ in SETS]
    assert len(set(names)) == len(names) == len(RECIPES)
    assert len(set(sets)) == len(sets)


def test_an_ending_that_two_modalities_know_is_claimed_by_content() -> None:
    """By all of them but the first at most."""
    endings = Counter(ending for entry in ENTRIES.values() for ending in entry.endings)
    for ending in (ending for ending, count in endings.items() if count > 1):
        knowing = [entry for entry in ENTRIES.values() if ending in entry.endings]
        assert all(entry.claims for entry in knowing[1:]), ending


# Looking


@pytest.mark.parametrize(("name", "kind"), SETS)
def test_the_name_of_a_set_is_its_modalitys(name: str, kind: str) -> None:
    assert kind_for(name) == kind
    recipe = recipe_for([name])
    assert (recipe.kind, recipe.data) == (kind, name)


@pytest.mark.parametrize("ending", ["png", "jpg", "JPEG", "webp", "npz", "npy", "zip"])
def test_a_folder_of_pictures(ending: str, filled: Callable[..., str]) -> None:
    folder = filled(**{ending: 3})
    assert kind_for(folder) == kind_for(f"{folder}/0.{ending}") == "images"
    assert recipe_for([folder]) == find_recipe(folder) == RECIPES["images"].changed({"data": folder})


@pytest.mark.parametrize("ending", ["txt", "tsv", "csv", "jsonl", "TXT"])
def test_a_folder_of_text(ending: str, filled: Callable[..., str]) -> None:
    folder = filled(**{ending: 1})
    assert kind_for(folder) == kind_for(f"{folder}/0.{ending}") == "text"
    assert find_recipe(folder) == RECIPES["text"].changed({"data": folder})


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "mp3", "aif", "m4a", "WAV"])
def test_a_folder_of_sounds(ending: str, filled: Callable[..., str]) -> None:
    folder = filled(**{ending: 3})
    assert kind_for(folder) == kind_for(f"{folder}/0.{ending}") == "audio"
    assert recipe_for([folder]) == find_recipe(folder) == RECIPES["audio"].changed({"data": folder})


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["a.wav", "b/c.FLAC", "labels.csv"], "audio"),
        (["a.png", "b/c.png", "d.wav"], "images"),
        (["a.wav", "b.png"], "images"),
        ([], "images"),
    ],
)
def test_a_zip_is_what_most_files_in_it_are(names: list[str], kind: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "mine.zip", "w") as archive:
        for name in names:
            archive.writestr(name, b"")
    path = str(tmp_path / "mine.zip")
    assert kind_for(path) == kind
    assert find_recipe(path) == RECIPES[kind].changed({"data": path})


@pytest.mark.parametrize(("shape", "kind"), [((20, 2), "points"), ((20, 8, 8), "images"), ((20, 8, 8, 3), "images")])
def test_an_array_is_points_or_pictures_by_its_dimensions(
    shape: tuple[int, ...], kind: str, tmp_path: Path, filled: Callable[..., str]
) -> None:
    folder = filled()
    np.save(tmp_path / "data" / "mine.npy", np.zeros(shape, np.float32))
    path = f"{folder}/mine.npy"
    assert kind_for(path) == kind_for(folder) == kind
    preset = next(iter(ENTRIES[kind].presets.values()))
    assert find_recipe(path) == preset.changed({"data": path})


def test_sub_folders_are_looked_into_and_hidden_files_are_not(filled: Callable[..., str]) -> None:
    folder = filled(txt=1)
    filled("data/labels/cats", png=3)
    filled("data/labels/dogs", png=3)
    assert kind_for(folder) == "images"
    filled("data/.git", txt=50)
    Path(folder, ".thumbs.txt").touch()
    assert kind_for(folder) == "images"


def test_a_table_of_labels_beside_many_pictures_is_no_text(filled: Callable[..., str]) -> None:
    folder = filled(png=20)
    Path(folder, "labels.csv").touch()
    Path(folder, "README.txt").touch()
    assert kind_for(folder) == "images"


@pytest.mark.parametrize(("pictures", "texts", "kind"), [(8, 2, "images"), (2, 8, "text"), (4, 1, "images")])
def test_four_times_as_many_files_decide(pictures: int, texts: int, kind: str, filled: Callable[..., str]) -> None:
    assert CLEARLY == 4
    assert kind_for(filled(png=pictures, txt=texts)) == kind


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ({"png": 7, "txt": 2}, "7 files of images, 2 of text"),
        ({"png": 3, "txt": 3}, "3 files of images, 3 of text"),
        ({"mp4": 3, "wav": 1}, "3 files of video, 1 of audio"),
        ({"flac": 30, "png": 8}, "30 files of audio, 8 of images"),
        ({"png": 10, "mp4": 9}, "10 files of images, 9 of video"),
        ({"xyz": 5}, "no file of a known kind"),
        ({}, "no file of a known kind"),
    ],
)
def test_a_mixture_and_what_cannot_be_trained_on_are_refused_with_the_counts(
    counts: dict[str, int], told: str, filled: Callable[..., str], mistake: Callable[..., str]
) -> None:
    folder = filled(**counts)
    for ask in (lambda: entry_for([folder]), lambda: find_recipe(folder), lambda: recipe_for([folder])):
        assert mistake(ask) == (
            f"{folder}: holds {told}, which does not tell what to train; name a recipe: "
            f"sparring train RECIPE --data {folder}, "
            "where RECIPE is images, cyclegan, text, audio, video, gaussians or another"
        )


def test_counts_are_told_with_a_comma(filled: Callable[..., str], mistake: Callable[..., str]) -> None:
    assert "holds 1,200 files of video, 1,199 of audio, " in mistake(entry_for, [filled(mp4=1200, wav=1199)])


def test_a_path_that_is_not_there_is_told(tmp_path: Path, mistake: Callable[..., str]) -> None:
    for name in ("nowhere", "nowhere.png", "x" * 300):
        path = str(tmp_path / name)
        assert mistake(recipe_for, [path]) == f"{path}: no such file or folder, and no recipe or data of that name"
    assert mistake(recipe_for, ["fashion-mnits"]).endswith("; did you mean 'fashion-mnist'?")


def test_a_huge_folder_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch, filled: Callable[..., str]) -> None:
    assert MOST >= 100_000
    monkeypatch.setattr("sparring.modalities.MOST", 5)
    folder = filled(png=10)
    for number in range(9):
        filled(f"data/{number}", png=10)
    assert len(list(files_below(folder))) == 10


# Two domains


def test_two_paths_are_two_domains(filled: Callable[..., str]) -> None:
    one, other = filled("a", png=3), filled("b", png=3)
    recipe = recipe_for([one, other])
    assert (recipe.kind, recipe.name) == ("translation", "cyclegan")
    assert recipe == RECIPES["cyclegan"].changed({"data": one, "data_b": other})


@pytest.mark.parametrize("names", [("trainA", "trainB"), ("train_A", "train_B")])
def test_a_folder_of_two_domains(names: tuple[str, str], filled: Callable[..., str]) -> None:
    folder = str(Path(filled(f"data/{names[0]}", png=3)).parent)
    assert kind_for(folder) == "images"  # one alone is a folder of pictures
    filled(f"data/{names[1]}", png=3)
    assert kind_for(folder) == "translation"
    assert find_recipe(folder) == RECIPES["cyclegan"].changed({"data": folder})


def test_half_of_one_pair_and_half_of_another_are_no_two_domains(filled: Callable[..., str]) -> None:
    filled("data/trainA", png=3)
    filled("data/train_B", png=3)
    assert kind_for(str(Path(filled("data/train_B", png=3)).parent)) == "images"


def test_three_paths_are_too_many_for_two_domains(filled: Callable[..., str], mistake: Callable[..., str]) -> None:
    places = [filled(name, png=3) for name in ("a", "b", "c")]
    assert "3 places are too many" in mistake(recipe_for, places)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.png", "images"),
        ("A.PNG", "images"),
        ("train-images-idx3-ubyte.gz", "images"),
        ("a.txt", "text"),
        ("a.wav", "audio"),
        ("a.mp4", "video"),
        ("png", ""),
        ("a", ""),
        ("", ""),
    ],
)
def test_what_a_name_tells(name: str, kind: str) -> None:
    assert kind_of(name) == kind


def test_a_home_folder_is_found_by_its_sign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, filled: Callable[..., str]
) -> None:
    filled("pictures", png=2)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_recipe("~/pictures") == RECIPES["images"].changed({"data": "~/pictures"})


def test_by_endings_adds_up_what_lies_at_several_paths(filled: Callable[..., str]) -> None:
    assert by_endings([filled("a", png=7), filled("b", txt=1), filled("c", png=1)]) is ENTRIES["images"]
    assert by_endings([filled("a", png=7), filled("d", txt=2)]) is None


# Models


def a_model(folder: Path, content: Any) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


@pytest.mark.parametrize("kind", ENTRIES)
def test_the_kind_of_a_run_or_a_model(kind: str, tmp_path: Path) -> None:
    model = a_model(tmp_path / "run" / "model", {"kind": kind})
    assert kind_at(model) == kind_at(model.parent) == kind_at(str(model)) == kind
    for verb in VERBS:
        assert options_of(verb, kind) is ENTRIES[kind].options.get(verb, VERBS[verb])
        assert type(options_for(verb, model, {})) is options_of(verb, kind)


@pytest.mark.parametrize("content", ["", "{", "[]", "3", "null", '{"kind": "smells"}', '{"kind": [1]}', "[" * 5000])
def test_what_is_no_model_has_no_kind(content: str, tmp_path: Path) -> None:
    model = a_model(tmp_path / "model", content)
    assert kind_at(model) == kind_at(tmp_path / "nowhere") == ""
    assert type(options_for("sample", model, {})) is VERBS["sample"]


def test_options_are_read_and_those_that_are_none_left_alone(tmp_path: Path) -> None:
    model = a_model(tmp_path / "model", {"kind": "points"})
    asked = options_for("sample", model, {"count": "2k", "label": None, "seed": 3})
    assert {name: getattr(asked, name) for name in ("count", "label", "seed")} == {
        "count": 2000,
        "label": "",
        "seed": 3,
    }


def test_an_option_that_a_model_does_not_have_is_told(tmp_path: Path, mistake: Callable[..., str]) -> None:
    model = a_model(tmp_path / "model", {"kind": "points"})
    assert mistake(options_for, "sample", model, {"top_p": 0.9}) == (
        f"top_p: {model} has no such option of sample; leave it out"
    )
    assert mistake(options_for, "sample", model, {"cuont": 1}).endswith("; did you mean 'count'?; leave it out")
    assert mistake(options_for, "sample", model, {"count": 0}).startswith("count: 0 is too small")
    text = a_model(tmp_path / "text", {"kind": "text"})
    assert "top_p" in fields(type(options_for("sample", text, {"top_p": 0.9})))


def test_the_name_of_a_set_is_trained_on_by_its_modality() -> None:
    assert find_recipe("gaussians-8").to_dict()["data"] == "gaussians-8"
    assert find_recipe("gaussians-8").kind == "points"


def test_two_recipes_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    other = Entry(RECIPES["gaussians"].__class__, {"digits": RECIPES["gaussians"]})
    monkeypatch.setitem(ENTRIES, "others", other)
    with pytest.raises(ValueError, match="recipe 'digits' of others has the name of another one"):
        recipes()


def test_two_modalities_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two of the modalities images, images have one name"):
        by_kind(ENTRIES["images"], ENTRIES["images"])
