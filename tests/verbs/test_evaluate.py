"""``sparring evaluate``: what it writes, what it notices, and what it refuses in one line."""

from __future__ import annotations

import functools
import json
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from table import HOME, smallest
from torch import Tensor, nn

from sparring.cli import main
from sparring.core.errors import UserError
from sparring.core.game import Batch, Networks
from sparring.evaluation import Evaluation, choose
from sparring.images.features import learned, learning
from sparring.images.game import ImageGame
from sparring.targets import ModelTarget
from sparring.verbs.evaluate import evaluate as on_any_device
from sparring.verbs.evaluate import write
from sparring.verbs.train import train

KEYS = {"sparring", "target", "data", "count", "reference", "seed", "features", "verdicts", "scores", "written"}
IN_PYTHON = KEYS | {"summary"}
ROWS = ["frechet", "kernel", "precision", "recall", "density", "coverage", "sliced", "vendi", "duplicates", "support"]
LOOKS = ["spectrum", "sharpness", "colours", "variation"]
SIZE = 8

evaluate = functools.partial(on_any_device, device="cpu")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def learning_is_short(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARRING_CACHE", str(cache))
    for name in ("classifier", "contrast"):
        monkeypatch.setattr(learned, name, functools.partial(getattr(learned, name), steps=20))


def drawn(count: int, seed: int, places: int = SIZE) -> tuple[np.ndarray, np.ndarray]:
    """A bright bar at one of eight places, lying (label 0) or standing, under noise: bytes, and labels."""
    random = np.random.default_rng(seed)
    pixels = random.normal(60, 20, (count, SIZE, SIZE))
    labels = np.arange(count) % 2
    for picture, label, place in zip(pixels, labels, random.integers(places, size=count), strict=True):
        picture[(place, slice(None)) if label == 0 else (slice(None), place)] += 120
    return pixels.clip(0, 255).astype(np.uint8), labels


def as_files(folder: Path, pictures: np.ndarray) -> Path:
    folder.mkdir(parents=True)
    for index, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{index:04d}.png")
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Real pictures, and others of the same kind."""
    place = tmp_path_factory.mktemp("folders")
    return as_files(place / "real", drawn(300, 0)[0]), as_files(place / "made", drawn(150, 1)[0])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two steps on 1,600 pictures, of which 160 are held out."""
    place = tmp_path_factory.mktemp("trained")
    images, labels = drawn(1600, 0)
    np.savez(place / "bars.npz", images=images, labels=labels)
    recipe = smallest("digits", place, steps=2, held_out=160).changed({"data": str(place / "bars.npz")})
    return train(recipe, out=place / "run").run


@pytest.fixture(scope="module")
def point_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("points")
    return train(smallest("gaussians", place, steps=2), out=place / "run").run


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """The one line that the command line answers with."""
    capsys.readouterr()
    assert main(["evaluate", *map(str, words)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = [line for line in printed.err.splitlines() if line.startswith("sparring: ")]
    assert printed.err.rstrip().endswith(line)
    assert "Traceback" not in printed.err
    return line


def by_name(result: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {score["name"]: score for score in result["scores"]}


def troubles(result: Mapping[str, Any]) -> list[str]:
    return [verdict["trouble"] for verdict in result["verdicts"]]


# What it says and writes


def test_a_run_is_held_against_its_own_data(run: Path, tmp_path: Path) -> None:
    result = evaluate(run, out=tmp_path / "out")
    assert set(result) == IN_PYTHON | {"model", "examples_seen"}
    assert (result["count"], result["reference"], result["seed"]) == (800, 800, 0)
    assert (result["target"], result["examples_seen"]) == (str(run), 16)
    assert result["data"].endswith("bars.npz")
    assert result["features"]["dimensions"] == 64
    scores = by_name(result)
    assert list(scores) == [*ROWS, *LOOKS, "memorisation", "shapeless", "class_score", "label_accuracy"]
    for score in scores.values():
        assert np.isfinite(score["value"])
        assert score["floor"] is not None
        assert (score["reason"], score["count"]) == ("", 800)
        assert score["better"] in ("low", "high", "floor")
        assert score["about"]
    assert scores["frechet"]["value"] > scores["frechet"]["floor"]  # two steps teach nothing
    assert scores["label_accuracy"]["floor"] > 0.9


def test_what_is_written_is_what_is_returned(run: Path, tmp_path: Path) -> None:
    result = evaluate(run, out=tmp_path / "out", count=200)
    written = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert written == {name: value for name, value in result.items() if name not in ("written", "summary")}
    names = ["scores.json", "index.html", "neighbours.png", "best.png", "worst.png", "labels.png"]
    assert result["written"] == [str(tmp_path / "out" / name) for name in names]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(names)
    for name in names[2:]:
        Image.open(tmp_path / "out" / name).verify()


def test_the_page_needs_nothing_else(run: Path, tmp_path: Path) -> None:
    evaluate(run, out=tmp_path / "out", count=200)
    page = (tmp_path / "out" / "index.html").read_text()
    assert "://" not in page
    assert all(source.startswith("data:") for source in re.findall(r'(?:src|href)="([^"]*)"', page))
    assert page.count("<img ") == 4
    assert "memorisation" in page


def test_the_same_seed_says_the_same(finished_run: Path, tmp_path: Path) -> None:
    one, other, third = (
        evaluate(finished_run, out=tmp_path / str(number), seed=seed) for number, seed in enumerate((3, 3, 4))
    )
    for name in ("scores", "verdicts", "features", "model"):
        assert one[name] == other[name]
    assert one["scores"] != third["scores"]
    for name in ("neighbours.png", "best.png", "scores.json"):
        assert (tmp_path / "0" / name).read_bytes() == (tmp_path / "1" / name).read_bytes()


def test_few_pictures_have_reasons_in_place_of_numbers(finished_run: Path, tmp_path: Path) -> None:
    """40 examples, none held out."""
    result = evaluate(finished_run, out=tmp_path / "out")
    assert result["count"] == 20
    without = {name: score["reason"] for name, score in by_name(result).items() if score["value"] is None}
    assert without == {
        "frechet": "needs at least 130 samples, not 20",
        "kernel": "needs at least 40 samples, not 20",
        "duplicates": "needs at least 100 samples, not 20",
        "support": "needs at least 100 samples, not 20",
        "memorisation": "the run held no examples out",
    }
    assert all(not score["reason"] for score in result["scores"] if score["value"] is not None)
    page = (tmp_path / "out" / "index.html").read_text()
    assert all(reason in page for reason in without.values())


def test_two_folders_against_each_other(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    real, made = folders
    result = evaluate(made, data=real)
    assert set(result) == IN_PYTHON | {"samples"}
    assert (result["count"], result["reference"], result["samples"]) == (150, 150, 150)
    assert Path(result["written"][0]) == Path("evaluation-made/scores.json")
    scores = by_name(result)
    assert list(scores) == [*ROWS, *LOOKS, "memorisation", "shapeless"]
    assert scores["memorisation"]["value"] is not None
    assert [name for name, score in scores.items() if score["value"] is None] == []
    assert result["verdicts"][0]["message"].startswith("at the floor")
    assert sorted(path.name for path in Path("evaluation-made").glob("*.png")) == ["neighbours.png"]


def test_a_folder_sorted_by_label_is_mixed_before_it_is_measured(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel distance is a mean over parts: of parts with one label each it would be far off."""
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(learned, "contrast", functools.partial(learning.contrast, steps=50))
    pictures, labels = drawn(150, 1)
    as_files(tmp_path / "sorted", pictures[np.argsort(labels, kind="stable")])
    kernel = by_name(evaluate(tmp_path / "sorted", data=folders[0], out=tmp_path / "out"))["kernel"]
    assert kernel["value"] < kernel["floor"] + 4 * kernel["floor_error"]


def test_a_folder_of_pictures_in_other_sizes_can_be_brought_to_one(folders: tuple[Path, Path], tmp_path: Path) -> None:
    larger = as_files(tmp_path / "larger", drawn(60, 5)[0].repeat(2, axis=1).repeat(2, axis=2))
    result = evaluate(larger, data=folders[0], out=tmp_path / "out", size="8", channels="3")
    assert result["count"] == 60
    assert np.asarray(Image.open(tmp_path / "out" / "neighbours.png")).shape[2] == 3


@pytest.mark.parametrize("where", [0, 1])
def test_captions_beside_the_pictures_of_one_folder(where: int, folders: tuple[Path, Path], tmp_path: Path) -> None:
    places = list(folders)
    places[where] = tmp_path / "captioned"
    shutil.copytree(folders[where], places[where])
    for path in list(places[where].rglob("*.png")):
        path.with_suffix(".txt").write_text("a picture")
    result = evaluate(places[0], data=str(places[1]), count=20, out=tmp_path / "out")
    assert result["data"] == str(places[1])


def test_folders_that_do_not_tell_what_they_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("made", "real"):
        (tmp_path / name).mkdir()
        for number in range(3):
            (tmp_path / name / f"{number}.mp4").touch()
            (tmp_path / name / f"{number}.wav").touch()
    line = refused(capsys, tmp_path / "made", "--data", tmp_path / "real")
    told = f"{tmp_path / 'real'}: holds 3 files of audio, 3 of video, which does not tell what kind of data it is"
    assert told in line
    assert "train" not in line


def test_fewer_samples_when_asked(folders: tuple[Path, Path], tmp_path: Path) -> None:
    result = evaluate(folders[1], data=folders[0], count=40, out=tmp_path / "out")
    assert (result["count"], result["reference"]) == (40, 260)


def test_the_best_weights_and_a_shared_model_can_be_evaluated(run: Path, tmp_path: Path) -> None:
    shared = shutil.copytree(run / "model", tmp_path / "shared")
    data = run.parent / "bars.npz"
    of_run, of_model, of_shared = (
        evaluate(target, data=given, count=150, out=tmp_path / "out")
        for target, given in ((run, None), (run / "model", None), (shared, data))
    )
    assert of_run["scores"] == of_model["scores"] == of_shared["scores"]
    assert of_shared["model"] == of_run["model"]


def test_other_data_than_its_own_are_searched_for_copies_too(run: Path, tmp_path: Path) -> None:
    images, labels = drawn(400, 7)
    np.savez(tmp_path / "others.npz", images=images, labels=labels)
    result = evaluate(run, data=tmp_path / "others.npz", out=tmp_path / "out")
    assert by_name(result)["memorisation"]["value"] < 0.2


def test_a_folder_of_copies_of_the_data_is_noticed(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """Half of the real pictures are held back for the floor: copies of either half lie close to one of the two."""
    assert troubles(evaluate(folders[0], data=folders[0], out=tmp_path / "out")) == ["memorisation"]


def test_points(point_run: Path, tmp_path: Path) -> None:
    result = evaluate(point_run, count=300, out=tmp_path / "out")
    scores = by_name(result)
    assert list(scores) == [*ROWS, "modes", "high_quality", "reverse_kl", "memorisation", "shapeless"]
    assert scores["modes"]["floor"] == 25
    assert result["features"] == {"name": "coordinates", "hash": "none", "dimensions": 2}
    assert sorted(path.name for path in (tmp_path / "out").glob("*.png")) == ["real.png", "samples.png"]


def test_json_is_one_object(finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["evaluate", str(finished_run), "--out", str(tmp_path / "out"), "--seed", "5", "--json"]) == 0
    printed = capsys.readouterr()
    result = json.loads(printed.out)
    assert set(result) == KEYS | {"model", "examples_seen"}
    assert result["scores"] == json.loads((tmp_path / "out" / "scores.json").read_text())["scores"]
    assert "20 samples, 20 real examples" in printed.err


def test_each_direction_is_told_apart(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, out = runs["translation"], tmp_path / "out"
    assert main(["evaluate", str(run), "-n", "20", "--device", "cpu", "--out", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if " samples of " in line] == [
        f"{direction}: 20 samples of {run} against 20 of {run.parent / 'cyclegan-data'}{ending}.npz, seed 0"
        for direction, ending in (("a2b", "_b"), ("b2a", ""))
    ]
    pages = [line for line in lines if line.endswith(".html")]
    assert pages == [str(out / direction / "index.html") for direction in ("a2b", "b2a")]
    assert lines[-1] == pages[-1]


def test_in_words(finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(finished_run), "--out", str(tmp_path / "out"), "-n", "20"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"20 samples of {finished_run} against 20 of ")
    assert any(line.startswith("precision ") for line in lines)
    assert "frechet: not computable, needs at least 130 samples, not 20" in lines
    assert lines[-1] == str(tmp_path / "out" / "index.html")


# What it notices


def generating(make: Callable[[ImageGame, Batch, int], Tensor]) -> Callable[..., Tensor]:
    """An ``ImageGame.generate`` whose pictures come from ``make(game, conditions, seed)``."""

    def generate(self: ImageGame, networks: Networks, conditions: Batch, *, seed: int) -> Tensor:
        return make(self, conditions, seed)

    return generate


def in_unit(pictures: np.ndarray) -> Tensor:
    return torch.from_numpy(pictures)[:, None].float() / 127.5 - 1


def fresh(batch: Batch, seed: int, kinds: int, places: int = SIZE) -> Tensor:
    """New real pictures under the batch's labels, so many different ones of each."""
    pictures, labels = drawn(2 * kinds, seed % 2**32, places)
    at = torch.arange(len(batch["labels"])) % kinds
    return in_unit(pictures)[[np.flatnonzero(labels == label)[k] for label, k in zip(batch["labels"], at, strict=True)]]


def test_a_generator_that_gives_training_examples_back(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It returns the very examples whose labels it is asked for, nine of ten of them trained on."""
    monkeypatch.setattr(ImageGame, "generate", generating(lambda game, batch, seed: game.real(batch)))
    result = evaluate(run, out=tmp_path / "out", count=400)
    assert troubles(result) == ["memorisation"]
    scores = by_name(result)
    assert scores["memorisation"]["value"] == pytest.approx(0.9, abs=0.05)
    assert scores["frechet"]["value"] == pytest.approx(scores["frechet"]["floor"])  # no distance sees it
    assert scores["label_accuracy"]["value"] > 0.9


def test_a_generator_that_makes_the_same_few_pictures(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageGame, "generate", generating(lambda game, batch, seed: fresh(batch, 5, kinds=2)))
    result = evaluate(run, out=tmp_path / "out", count=400)
    assert troubles(result) == ["collapse"]
    scores = by_name(result)
    assert scores["duplicates"]["value"] == 1
    assert scores["support"]["value"] < 10


def test_a_generator_that_leaves_most_of_each_label_out(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Always new pictures, the bar at one of three places of eight."""
    narrow = generating(lambda game, batch, seed: fresh(batch, seed, kinds=400, places=3))
    monkeypatch.setattr(ImageGame, "generate", narrow)
    result = evaluate(run, out=tmp_path / "out", count=400)
    assert troubles(result) == ["missing modes"]
    assert by_name(result)["label_accuracy"]["value"] > 0.9


@pytest.mark.parametrize("which", ["new", "held out"])
def test_real_pictures_are_at_the_floor(which: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that training held out, and new ones: neither is taken for memorised."""

    def held_out(self: ModelTarget, like: np.ndarray, seed: int) -> tuple[Tensor, None, None]:
        parts = self.split()
        assert parts is not None
        return self.source.batch(parts[1])["images"][: len(like)], None, None

    if which == "held out":
        monkeypatch.setattr(ModelTarget, "samples", held_out)
    else:
        monkeypatch.setattr(ImageGame, "generate", generating(lambda game, batch, seed: fresh(batch, seed, kinds=160)))
    result = evaluate(run, out=tmp_path / "out", count=160)
    assert troubles(result) == [""]
    assert result["verdicts"][0]["message"].startswith("at the floor")
    assert by_name(result)["memorisation"]["value"] < 0.2


def test_no_two_parts_are_made_from_the_same_latents(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Samples are made 512 at a time."""
    seeds: list[int] = []

    def noted(game: ImageGame, batch: Batch, seed: int) -> Tensor:
        seeds.append(seed)
        return fresh(batch, seed, kinds=256)

    monkeypatch.setattr(ImageGame, "generate", generating(noted))
    for seed in (0, 1):
        evaluate(run, out=tmp_path / "out", count=800, seed=seed)
    assert len(set(seeds)) == len(seeds) == 4


def test_labels_that_are_mixed_up_are_noticed(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    swapped = generating(lambda game, batch, seed: fresh({"labels": 1 - batch["labels"]}, seed, kinds=400))
    monkeypatch.setattr(ImageGame, "generate", swapped)
    scores = by_name(evaluate(run, out=tmp_path / "out", count=400))
    assert scores["label_accuracy"]["value"] < 0.1
    assert scores["label_accuracy"]["floor"] > 0.9


# What it refuses


def test_no_such_target(capsys: pytest.CaptureFixture[str]) -> None:
    assert "/no/such/run: no such run, model or folder" in refused(capsys, "/no/such/run")
    assert "give a run, a model or a folder" in refused(capsys)


def test_a_folder_without_data(folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert "add --data PATH" in refused(capsys, folders[1])


def test_data_that_are_not_there(
    folders: tuple[Path, Path], finished_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for target in (folders[1], finished_run):
        assert "/no/such/data" in refused(capsys, target, "--data", "/no/such/data")


def test_an_empty_folder(folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "holds no images" in refused(capsys, tmp_path, "--data", folders[0])


def test_a_model_far_from_its_data(finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shared = shutil.copytree(finished_run / "model", tmp_path / "shared")
    assert "does not hold the data it was trained on (digits.npz); add --data" in refused(capsys, shared)


@pytest.mark.parametrize("words", [["--size", "12"], ["--channels", "3", "--size", "8x12"]])
def test_sizes_that_do_not_match(
    words: list[str], folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wide = as_files(tmp_path / "wide", drawn(40, 3)[0].repeat(2, axis=2))
    line = refused(capsys, wide, "--data", folders[0])
    assert f"{wide}: has size 8x16 instead of 8x8 of {folders[0]}; " in line
    assert line.endswith("bring both to one form with --size")
    assert main(["evaluate", str(wide), "--data", str(folders[0]), "--out", str(tmp_path / "out"), *words]) == 0


@pytest.mark.parametrize(
    ("count", "told"),
    [
        ("19", "n: 19 samples say nothing; ask for 20 or more"),
        ("-5", "count: -5 is too small"),
        ("21", "there are 40; ask for 20 or fewer"),
        ("many", "count: 'many' is not a number"),
    ],
)
def test_counts_that_cannot_be(count: str, told: str, finished_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told in refused(capsys, finished_run, "-n", count)


def test_more_samples_than_the_folder_holds(folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(capsys, folders[1], "--data", folders[0], "-n", "151")
    assert "n: there are 150 samples, not 151; ask for fewer, or leave -n out" in line


def test_too_few_of_either(folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = as_files(tmp_path / "few", drawn(19, 3)[0])
    assert "300 real examples and 19 samples are too few; 40 and 20" in refused(capsys, few, "--data", folders[0])
    assert "19 real examples and 9 samples are too few" in refused(capsys, folders[0], "--data", few)


@pytest.mark.parametrize(
    ("real", "made", "asked", "floor", "reference"),
    [
        (40, None, None, 20, 20),
        (41, None, None, 20, 21),
        (1000, 300, None, 300, 700),
        (1000, None, 100, 100, 900),
        (200_000, None, None, 10_000, 50_000),
        (200_000, None, 80_000, 80_000, 80_000),
    ],
)
def test_how_many_are_chosen(real: int, made: int | None, asked: int | None, floor: int, reference: int) -> None:
    chosen = choose(real, made, asked, seed=3)
    assert (len(chosen.floor), len(chosen.reference)) == (floor, reference)
    both = np.concatenate([chosen.floor, chosen.reference])
    assert len(np.unique(both)) == len(both)
    assert both.max() < real


@pytest.mark.parametrize("size", [(10, 10, 1), (8, 8, 3)])
def test_data_of_another_form_than_the_models(
    size: tuple[int, int, int], finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = HOME["digits"].draw_pictures(tmp_path / "other.npz", size)
    assert "is not what the model makes" in refused(capsys, finished_run, "--data", data)


def test_points_of_another_number_of_dimensions(
    point_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "deep.npy", np.random.default_rng(0).normal(size=(100, 3)))
    assert "has 3 dimensions instead of 2, which is not what the model makes" in refused(
        capsys, point_run, "--data", tmp_path / "deep.npy"
    )


@pytest.mark.parametrize(
    ("labels", "told"),
    [(None, "none"), (np.arange(100) % 3, "0, 1, 2"), (np.arange(100) % 4 + 1, "1, 2, 3, 4")],
)
def test_labels_that_differ(
    labels: np.ndarray | None, told: str, finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arrays = {"images": drawn(100, 0)[0], **({} if labels is None else {"labels": labels})}
    np.savez(tmp_path / "other.npz", **arrays)
    line = refused(capsys, finished_run, "--data", tmp_path / "other.npz")
    assert f"has labels {told} instead of 0, 1, 2, 3, which is not what the model makes" in line


def test_pictures_all_alike(folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grey = as_files(tmp_path / "grey", np.full((50, SIZE, SIZE), 128, np.uint8))
    assert "all its pictures look the same" in refused(capsys, folders[1], "--data", grey)


def test_samples_all_alike_are_a_collapse(folders: tuple[Path, Path], tmp_path: Path) -> None:
    grey = as_files(tmp_path / "grey", np.full((150, SIZE, SIZE), 128, np.uint8))
    result = evaluate(grey, data=folders[0], out=tmp_path / "out")
    assert troubles(result) == ["collapse", "blurred", "colours differ"]  # plain grey has no shape either
    assert by_name(result)["support"]["value"] == 1


@pytest.mark.parametrize("setting", ["size", "channels", "range", "fit", "alpha", "cache-mb", "labelled", "split"])
def test_a_run_knows_how_its_pictures_are_read(
    setting: str, finished_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    value = {"fit": "pad", "alpha": "white", "labelled": "yes", "range": "0:9", "split": "all"}.get(setting, "3")
    line = refused(capsys, finished_run, f"--{setting}", value)
    assert f"{setting.replace('-', '_')}: was decided when the model was trained; leave it out" in line


def test_features_that_do_not_exist(
    finished_run: Path, point_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "features: no file 'inception'" in refused(capsys, finished_run, "--features", "inception")
    assert "leave it at auto" in refused(capsys, point_run, "--features", "inception", "-n", "50")


def test_a_place_that_is_a_file(finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert "cannot be created" in refused(capsys, finished_run, "--out", tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--sed", "3"], "unknown option '--sed'; did you mean '--seed'?"),
        (["--zzz", "3"], "unknown option '--zzz'; see 'sparring evaluate --help'"),
        (["--device", "tpu"], "device: 'tpu' is not one of auto, cpu, cuda, mps"),
        (["--seed", "x"], "seed: 'x' is not a number"),
    ],
)
def test_options_that_are_none(
    words: list[str], told: str, finished_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told in refused(capsys, finished_run, *words)


def test_a_model_that_makes_no_numbers(finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = shutil.copytree(finished_run, tmp_path / "run")
    tensors = load_file(broken / "model" / "model.safetensors")
    name = next(name for name in tensors if name.startswith("generator.") and name.endswith("weight"))
    save_file({**tensors, name: torch.full_like(tensors[name], 3e38)}, broken / "model" / "model.safetensors")
    assert "20 of 20 samples hold numbers that are not finite" in refused(capsys, broken)
    assert not (broken / "evaluation").exists()


def test_mistakes_reach_python_as_user_errors(finished_run: Path) -> None:
    with pytest.raises(UserError, match="ask for 20 or more"):
        evaluate(finished_run, count=3)


@pytest.mark.parametrize("seed", ["-1", str(2**64)])
def test_seeds_that_are_none(seed: str, finished_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "seed" in refused(capsys, finished_run, "--seed", seed)


def test_a_name_too_long(finished_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no such run, model or folder" in refused(capsys, "x" * 300)


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_a_run_that_holds_nothing_out_in_features_of_ones_own(finished_run: Path, tmp_path: Path) -> None:
    class Flatten(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images.view(images.shape[0], -1)

    torch.jit.script(Flatten()).save(str(tmp_path / "flat.pt"))
    result = evaluate(finished_run, features=str(tmp_path / "flat.pt"), trust=True, out=tmp_path / "out")
    assert by_name(result)["memorisation"]["value"] is None


def test_a_run_that_holds_nothing_out_of_a_set_that_streams(folders: tuple[Path, Path], tmp_path: Path) -> None:
    recipe = smallest("images", tmp_path, steps=2, cache_mb=0, workers=0).changed({"data": str(folders[0])})
    result = evaluate(train(recipe, out=tmp_path / "run").run, out=tmp_path / "out")
    assert by_name(result)["memorisation"]["value"] is None


def test_what_a_killed_evaluation_left_half_written_is_removed(tmp_path: Path) -> None:
    gone = 2**22 + 1  # a number that no process can have
    (tmp_path / f".scores.json.{gone}.part").write_text("{")
    (tmp_path / f".figure-1.png.{gone}.part").write_text("")
    (tmp_path / ".mine.part").write_text("")
    result: dict[str, Any] = {"count": 1}
    assert write(Evaluation(result, [], text="it was good"), tmp_path) == [str(tmp_path / "scores.json")]
    assert {path.name for path in tmp_path.iterdir()} == {"scores.json", ".mine.part"}
