"""Sets in folders ``train`` and ``test``: one is learned from, the other kept for ``evaluate``, and it is said."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from sparring.data.source import Source
from sparring.evaluation import assess
from sparring.images.check import check
from sparring.images.data import ImageSource, open_in_form, open_kept, open_source
from sparring.images.modality import Images
from sparring.images.recipes import RECIPES, ImageRecipe
from sparring.modalities import load
from sparring.options import EvaluateOptions
from sparring.targets import ModelTarget, Samples, quick_features_of
from sparring.verbs.evaluate import evaluate
from sparring.verbs.train import resume, train

NUMBERS = iter(range(1_000_000))


def fill(folder: Path, count: int) -> Path:
    """So many small pictures, none like another."""
    folder.mkdir(parents=True)
    for _ in range(count):
        number = next(NUMBERS)
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:06}.png")
    return folder


def classes(folder: Path, names: str, count: int) -> Path:
    """A folder of so many pictures for each name."""
    for name in names.split():
        fill(folder / name, count)
    return folder


def recipe(path: Path, **settings: object) -> ImageRecipe:
    """The recipe for the pictures there."""
    changed = RECIPES["images"].changed({"data": str(path), **settings})
    assert isinstance(changed, ImageRecipe)
    return changed


def opened(path: Path, **settings: object) -> ImageSource:
    """The pictures there."""
    return open_source(recipe(path, **settings))


def notes(source: object) -> list[str]:
    """What is said of them."""
    lines: list[str] = source.remarks()  # type: ignore[attr-defined]
    return lines


def everything(source: ImageSource) -> np.ndarray:
    """All pictures, ``(n, channels, height, width)``."""
    images: np.ndarray = source.batch(np.arange(len(source)))["images"].numpy()
    return images


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("around", ["", "pets/", "a/b/"])
@pytest.mark.parametrize(
    ("training", "kept"), [("train", ["test"]), ("Training", ["val", "Testing"]), ("TRAIN", ["validation"]),
                           ("train", ["valid", "dev"])],
)  # fmt: skip
def test_classes_are_found_inside_train(
    tmp_path: Path, training: str, kept: list[str], around: str, packed: bool
) -> None:
    root = tmp_path / "set"
    alone = classes(root / around / training, "cat dog", 10)
    for name in kept:
        classes(root / around / name, "cat dog", 3)
    place = as_zip(root) if packed else root
    source = opened(place)
    assert source.form.labels == ("cat", "dog")
    np.testing.assert_array_equal(everything(source), everything(opened(alone)))
    told = ", ".join(f"{name.lower()} (6)" for name in sorted(kept))
    assert notes(source) == [f"learned from {training.lower()} (20) alone; kept for evaluate: {told}; see --split"]
    best = open_kept(recipe(place), source.form)
    assert best is not None
    assert len(best) == 6
    wanted = {"test": "test", "val": "Testing", "validation": "validation", "valid": "valid"}[kept[0]]
    np.testing.assert_array_equal(
        everything(best), everything(open_in_form(recipe(root / around / wanted), source.form))
    )
    assert any("kept for evaluate" in line for line in check(recipe(place)).lines)
    whole = opened(place, split="all")
    assert len(whole) == 20 + 6 * len(kept)
    assert not any("kept" in line for line in notes(whole))
    assert open_kept(recipe(place, split="all"), whole.form) is None


def as_zip(root: Path) -> Path:
    """The folder packed."""
    place = root.with_suffix(".zip")
    with zipfile.ZipFile(place, "w") as archive:
        for path in sorted(root.rglob("*.png")):
            archive.write(path, path.relative_to(root).as_posix())
    return place


def test_train_without_classes(tmp_path: Path) -> None:
    fill(tmp_path / "train", 20)
    fill(tmp_path / "test", 5)
    source = opened(tmp_path)
    assert len(source) == 20
    assert source.form.labels == ()


@pytest.mark.parametrize("folders", ["train cat", "trained tested", "cat dog", "test val"])
def test_other_folders_are_classes_or_all_learned_from(tmp_path: Path, folders: str) -> None:
    source = opened(classes(tmp_path / "set", folders, 10))
    assert len(source) == 20
    assert source.form.labels == (() if folders == "test val" else tuple(sorted(folders.split())))
    assert open_kept(recipe(tmp_path / "set"), source.form) is None


def test_a_single_folder_called_train_has_classes_in_it(tmp_path: Path) -> None:
    classes(tmp_path / "train", "cat dog", 10)
    source = opened(tmp_path)
    assert source.form.labels == ("cat", "dog")
    assert notes(source) == []


def test_pictures_beside_the_folders_are_learned_from_with_all(tmp_path: Path) -> None:
    fill(tmp_path / "train", 20)
    fill(tmp_path / "test", 5)
    Image.new("L", (8, 8)).save(tmp_path / "cover.png")
    assert len(opened(tmp_path)) == 26


@pytest.mark.parametrize("beside", [True, False])
def test_a_file_of_labels_beside_the_folders_or_inside_one(tmp_path: Path, beside: bool) -> None:
    fill(tmp_path / "train", 20)
    fill(tmp_path / "test", 5)
    root = tmp_path if beside else tmp_path / "train"
    rows = [
        f"{path.relative_to(root).as_posix()},{number % 2}" for number, path in enumerate(sorted(root.rglob("*.png")))
    ]
    (root / "labels.csv").write_text("\n".join(rows))
    source = opened(tmp_path)
    assert len(source) == 20
    assert source.form.labels == ("0", "1")


def test_a_model_that_needs_labels_is_compared_with_labelled_pictures(tmp_path: Path) -> None:
    classes(tmp_path / "train", "cat dog", 10)
    fill(tmp_path / "test", 5)
    form = opened(tmp_path).form
    assert open_kept(recipe(tmp_path, conditional=True), form) is None
    assert open_kept(recipe(tmp_path), form) is not None


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are compared in features that nobody waits for."""
    find = lambda self, source, asked, device, say: quick_features_of(self, source, device)  # noqa: E731
    monkeypatch.setattr(Images, "find_features", find)


SMALL = {"width": 4, "batch": 8, "steps": 2, "time": 0, "held_out": 0, "device": "cpu"}


def test_evaluate_compares_with_what_was_kept(tmp_path: Path) -> None:
    root = tmp_path / "set"
    classes(root / "train", "cat dog", 24)
    classes(root / "test", "cat dog", 25)
    run = train("images", data=root, out=tmp_path / "run", conditional=True, **SMALL).run
    lines: list[str] = []
    result = evaluate(run, say=lines.append)
    assert result["data"] == f"{root}/test"
    assert (result["count"], result["reference"]) == (25, 25)
    assert any(f"compared with {root}/test" in line for line in lines)
    given = evaluate(run, data=str(root / "train"))
    assert given["data"] == str(root / "train")


def test_copies_of_what_was_learned_from_are_noticed(tmp_path: Path) -> None:
    """Though the samples are compared with other pictures."""
    root = tmp_path / "set"
    fill(root / "train", 60)
    fill(root / "test", 60)
    run = train("images", data=root, out=tmp_path / "run", **SMALL).run
    model = load(run)
    place = model.recipe.changed({"data": str(root)})
    learned, kept = model.modality.open_source(place), model.modality.open_kept(place, model.form)
    assert kept is not None

    class Copying(ModelTarget):
        """Makes what ``copied`` holds."""

        copied: Source

        def samples(self, like: np.ndarray, seed: int) -> Samples:
            """The first so many."""
            return self.copied.batch(np.arange(len(like)))["images"], None, None

    shares = []
    for copied in (learned, kept):
        target = Copying(model, model.game.outputs[""], kept, learned)
        target.copied = copied
        found = assess(target, EvaluateOptions(), model.device, lambda line: None)
        shares.append(next(row for row in found.result["scores"] if row["name"] == "memorisation")["value"])
    assert shares[0] > 0.9
    assert shares[1] < 0.1


def test_too_few_are_not_compared_with(tmp_path: Path) -> None:
    root = tmp_path / "set"
    fill(root / "train", 48)
    fill(root / "test", 5)
    run = train("images", data=root, out=tmp_path / "run", **SMALL).run
    lines: list[str] = []
    assert evaluate(run, say=lines.append)["data"] == str(root)
    assert any("5 examples are too few" in line for line in lines)


def test_a_run_that_learned_from_everything_goes_on_so(tmp_path: Path) -> None:
    """Before there was a choice, train and test were learned from together."""
    root = tmp_path / "set"
    fill(root / "train", 20)
    fill(root / "test", 5)
    run = train("images", data=root, out=tmp_path / "run", split="all", **SMALL).run
    stored = yaml.safe_load((run / "recipe.yaml").read_text())
    config = json.loads((run / "model" / "config.json").read_text())
    del stored["split"], config["recipe"]["split"]
    (run / "recipe.yaml").write_text(yaml.safe_dump(stored))
    (run / "model" / "config.json").write_text(json.dumps(config))
    assert resume(run, steps=4).steps == 4
    assert load(run).examples == 25
