"""What every modality can do without a line of its own: data checked, models sampled, scored and evaluated, here on
points."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from table import smallest
from torch import Tensor

from sparring import scoring
from sparring.checking import check_examples
from sparring.core.files import write_atomically
from sparring.core.game import Batch, Networks, Output
from sparring.data.source import BadFile
from sparring.evaluation import LEAST, choose
from sparring.media.pictures.notes import read_note
from sparring.modalities import load
from sparring.points.data import PointSource, mixture, ring_centres
from sparring.points.modality import Points
from sparring.points.recipes import RECIPES
from sparring.scoring import SHOWN
from sparring.verbs.check import check
from sparring.verbs.evaluate import evaluate
from sparring.verbs.sample import sample
from sparring.verbs.score import score
from sparring.verbs.train import train

POINTS = Points()
SMALL: dict[str, Any] = {"width": 16, "batch": 16, "time": 0, "device": "cpu", "precision": "float32"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a few steps on the ring. Read it, do not write in it."""
    return train("gaussians-ring", out=tmp_path_factory.mktemp("ring") / "run", steps=3, **SMALL).run


@pytest.fixture
def kept(tmp_path: Path) -> Callable[..., Path]:
    """``kept(name, points)``: a .npy file of them."""

    def keep(name: str, points: np.ndarray) -> Path:
        path = tmp_path / name
        np.save(path, points)
        return path

    return keep


def normal(count: int, dimensions: int = 2, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, dimensions))


# Checking


def test_a_set_is_checked_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = check("gaussians-8")
    assert (found["data"], found["good"], found["bad"], found["labels"]) == ("gaussians-8", 100_000, [], {})
    assert found["form"]["dimensions"] == 2
    assert found["sheet"] == "check-gaussians-8.png"
    assert read_note(tmp_path / found["sheet"]) == {"data": "gaussians-8"}
    assert found["summary"].splitlines() == [
        "gaussians-8: 100,000 good examples, 0 bad files, 0 duplicates",
        "trained as dimensions 2",
        "labels: none",
        "some of them: check-gaussians-8.png",
    ]


def test_duplicates_are_counted_bit_for_bit(kept: Callable[..., Path]) -> None:
    points = normal(5000)  # read in two parts
    points[1:11] = points[0]
    points[4990] = points[20]
    points[30] = points[31] + 1e-3
    summary = check_examples(POINTS, RECIPES["gaussians"].changed({"data": str(kept("mine.npy", points))}), print)
    assert (summary.facts["good"], summary.facts["duplicates"]) == (5000, 11)
    assert summary.lines[0] == "mine.npy: 5,000 good examples, 0 bad files, 11 duplicates"
    assert summary.preview is not None
    assert summary.preview.media_type == "image/png"


def test_bad_files_and_labels_are_told_the_first_ten_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    class Labelled(PointSource):
        def batch(self, indices: np.ndarray) -> dict[str, Tensor]:
            return {**super().batch(indices), "labels": torch.from_numpy(indices % 12)}

    source = Labelled("mine", normal(30))
    source.bad_files = [BadFile(f"{number}.npy", "cut short") for number in range(13)]
    form = type(source.form)(labels=tuple("abcdefghijkl"), dimensions=2, centre=(0.0, 0.0), scale=1.0)
    source.form = form
    monkeypatch.setattr(Points, "open_source", lambda self, recipe: source)
    summary = check_examples(POINTS, RECIPES["gaussians"], print)
    assert summary.facts["labels"] == {name: 3 if name in "abcdef" else 2 for name in "abcdefghijkl"}
    assert summary.facts["bad"] == [{"path": f"{number}.npy", "reason": "cut short"} for number in range(13)]
    assert summary.lines[2:4] == (
        "labels: a (3), b (3), c (3), d (3), e (3), f (3), g (2), h (2), i (2), j (2) and 2 more",
        "bad: 0.npy: cut short",
    )
    assert summary.lines[-1] == "and 3 more bad files; --json names them all"
    json.dumps(summary.facts)


def test_what_cannot_be_trained_on_cannot_be_checked(kept: Callable[..., Path], mistake: Callable[..., str]) -> None:
    few = RECIPES["gaussians"].changed({"data": str(kept("few.npy", normal(15)))})
    assert "at least 16 points" in mistake(check_examples, POINTS, few, print)
    assert "does not decide how data are read" in mistake(check, "gaussians-8", batch=3)
    assert "no such file or folder" in mistake(check, "nowhere")


# Scoring


def test_each_point_gets_the_logit_of_the_discriminator(run: Path, kept: Callable[..., Path]) -> None:
    points = normal(700).astype(np.float32)  # more than are scored at once
    found = score(run, [kept("a.npy", points), kept("b.npy", points[:3])])
    model = load(run)
    with torch.no_grad():
        scaled = model.output.real({"examples": torch.from_numpy(points)})
        expected = model.networks["discriminator"](scaled, None).tolist()
    assert [row["score"] for row in found["rows"]] == pytest.approx([*expected, *expected[:3]], rel=1e-5, abs=1e-6)
    assert [row["example"] for row in found["rows"]] == [
        *(f"a.npy {number}" for number in range(700)), "b.npy 0", "b.npy 1", "b.npy 2"
    ]  # fmt: skip
    assert {row["label"] for row in found["rows"]} == {None}
    assert (found["count"], found["calibrated"], found["written"]) == (703, False, None)
    assert found["score"] == pytest.approx(np.mean([*expected, *expected[:3]]), rel=1e-4)
    lines = found["summary"].splitlines()
    assert len(lines) == 1 + SHOWN + 2
    assert lines[-2] == f"and {703 - SHOWN} more; --out scores.tsv has all"
    assert lines[-1].startswith("703 examples, mean score ")


@pytest.mark.parametrize("ending", [".tsv", ".csv", ".jsonl"])
def test_scores_are_written_as_a_table(ending: str, run: Path, kept: Callable[..., Path], tmp_path: Path) -> None:
    out = tmp_path / f"scores{ending}"
    found = score(run, [kept("a, \t.npy", normal(5))], out=str(out))
    assert found["written"] == str(out)
    text = out.read_text(encoding="utf-8")
    if ending == ".jsonl":
        rows = [json.loads(line) for line in text.splitlines()]
    else:
        delimiter = "\t" if ending == ".tsv" else ","
        rows = list(csv.DictReader(text.splitlines(), delimiter=delimiter))
    assert [row["example"] for row in rows] == [row["example"] for row in found["rows"]]
    assert [float(row["score"]) for row in rows] == [row["score"] for row in found["rows"]]
    assert list(rows[0]) == ["example", "label", "score"]


def test_one_point_is_enough_to_be_scored(run: Path, kept: Callable[..., Path]) -> None:
    assert score(run, [kept("one.npy", normal(1))])["count"] == 1


def test_what_cannot_be_scored_is_told(
    run: Path, kept: Callable[..., Path], tmp_path: Path, mistake: Callable[..., str]
) -> None:
    fine = kept("fine.npy", normal(5))
    assert mistake(score, run, [kept("flat.npy", normal(5, dimensions=3))]) == (
        "flat.npy: has 3 dimensions instead of 2, which is not what the model makes"
    )
    assert "was trained without labels" in mistake(score, run, [fine], label="a")
    assert "no file and no set called" in mistake(score, run, [tmp_path / "nowhere.npy"])
    assert "scores are written as one of .tsv, .csv, .jsonl" in mistake(score, run, [fine], out="a.txt")
    out = tmp_path / "a.csv"
    write_atomically(out, b"mine")
    assert "exists" in mistake(score, run, [fine], out=str(out))
    assert out.read_bytes() == b"mine"
    score(run, [fine], out=str(out), overwrite=True)
    assert out.read_text().startswith("example,label,score\n")


def test_a_discriminator_that_has_not_learned_scores_nothing(
    run: Path, kept: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, mistake: Callable[..., str]
) -> None:
    monkeypatch.setattr("sparring.points.game.PointGame.logits", lambda *_: None)
    assert "has not learned yet" in mistake(score, run, [kept("a.npy", normal(5))])


class ByLabel(Output):
    """The logit of a point under a label is its coordinate of that number."""

    def real(self, batch: Batch) -> Tensor:
        return batch["examples"]

    def generate(self, networks: Networks, conditions: Batch, *, seed: int, **options: Any) -> Tensor:
        raise NotImplementedError

    def logits(self, networks: Networks, conditions: Batch, examples: Tensor) -> Tensor:
        return examples.gather(1, conditions["labels"][:, None])[:, 0]


@pytest.mark.parametrize(
    ("label", "own", "labels", "scores"),
    [
        (None, False, ["b", "a", "c"], [2.0, 5.0, 0.0]),  # the label that suits each best
        ("a", False, ["a", "a", "a"], [1.0, 5.0, -3.0]),
        (None, True, ["c", "b", "a"], [-1.0, 4.0, -3.0]),  # the ones that came with them
        ("b", True, ["b", "b", "b"], [2.0, 4.0, -2.0]),
    ],
)
def test_points_are_scored_under_a_label_their_own_or_the_best(
    label: str | None, own: bool, labels: list[str], scores: list[float]
) -> None:
    class Labelled(PointSource):
        def batch(self, indices: np.ndarray) -> dict[str, Tensor]:
            own_labels = {"labels": torch.tensor([2, 1, 0])[torch.from_numpy(indices)]} if own else {}
            return {**super().batch(indices), **own_labels}

    source = Labelled("mine", np.array([[1.0, 2.0, -1.0], [5.0, 4.0, 3.0], [-3.0, -2.0, 0.0]]))
    names = ("a", "b", "c")
    model: Any = SimpleNamespace(
        labels=names,
        label_index=lambda asked: None if asked is None else names.index(asked),
        output=ByLabel(),
        networks={},
        device=torch.device("cpu"),
        on_device=dict,
        path=Path("run"),
    )
    found = scoring.rows_of(model, source, label, None)
    assert [(row["label"], row["score"]) for row in found] == list(zip(labels, scores, strict=True))


# Evaluating a model


def rows_of(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in found["scores"]}


def test_a_run_is_evaluated_beside_its_own_data(run: Path, tmp_path: Path) -> None:
    said: list[str] = []
    found = evaluate(run, count=200, out=str(tmp_path / "out"), say=said.append)
    assert said == ["200 samples, 50,000 real examples, features: coordinates"]
    assert (found["data"], found["count"], found["reference"]) == ("gaussians-8", 200, 50_000)
    assert found["features"] == {"name": "coordinates", "hash": "none", "dimensions": 2}
    assert found["model"] == load(run).hash
    rows = rows_of(found)
    assert {"frechet", "sliced", "vendi", "memorisation", "modes", "high_quality", "reverse_kl"} <= rows.keys()
    assert rows["modes"]["floor"] == 8  # the real ones
    assert rows["frechet"]["value"] > 10 * rows["frechet"]["floor"]  # three steps teach nothing
    files = [Path(name).name for name in found["written"]]
    assert files == ["scores.json", "index.html", "samples.png", "real.png"]
    assert all(Path(name).exists() for name in found["written"])
    kept = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert {name: found[name] for name in kept} == kept


def test_an_evaluation_is_the_same_each_time_and_another_by_its_seed(run: Path, tmp_path: Path) -> None:
    first, again, other = (
        evaluate(run, count=100, seed=seed, out=str(tmp_path / str(number)))["scores"]
        for number, seed in enumerate((0, 0, 1))
    )
    assert first == again != other


def test_a_run_is_evaluated_beside_other_points_of_as_many_dimensions(
    run: Path, kept: Callable[..., Path], tmp_path: Path, mistake: Callable[..., str]
) -> None:
    found = evaluate(run, data=kept("mine.npy", normal(300)), out=str(tmp_path / "out"))
    assert (found["data"], found["count"], found["reference"]) == ("mine.npy", 150, 150)
    assert "modes" not in rows_of(found)  # their truth is not known
    flat = kept("flat.npy", normal(300, dimensions=3))
    assert "3 dimensions instead of 2, which is not what the model makes" in mistake(evaluate, run, data=flat)
    assert "2 places are too many" in mistake(evaluate, run, data=[str(flat), str(flat)])


# Evaluating points in files


def ring(count: int, seed: int) -> np.ndarray:
    return mixture(ring_centres(), count, seed)


def test_points_in_a_file_are_compared_with_those_in_another(kept: Callable[..., Path], tmp_path: Path) -> None:
    real, made = kept("real.npy", ring(1200, 1)), kept("made.npy", ring(400, 2))
    found = evaluate(made, data=real, out=str(tmp_path / "out"))
    assert (found["target"], found["data"], found["samples"]) == (str(made), "real.npy", 400)
    assert (found["count"], found["reference"]) == (400, 800)
    assert "model" not in found
    for name, row in rows_of(found).items():
        if name not in ("support", "memorisation"):
            margin = 4 * math.hypot(row["error"] or 0, row["floor_error"] or 0)
            assert abs(row["value"] - row["floor"]) <= margin, name
    assert [verdict["trouble"] for verdict in found["verdicts"]] == [""]


def test_files_that_miss_modes_or_repeat_themselves_are_found_out(kept: Callable[..., Path], tmp_path: Path) -> None:
    real = kept("real.npy", ring(1200, 1))
    half = evaluate(kept("half.npy", mixture(ring_centres()[:2], 400, 2)), data=real, out=str(tmp_path / "half"))
    assert rows_of(half)["recall"]["value"] < 0.4
    assert [verdict["trouble"] for verdict in half["verdicts"]] == ["missing modes"]
    few = evaluate(kept("few.npy", ring(8, 3).repeat(50, 0)), data=real, out=str(tmp_path / "few"))
    assert [verdict["trouble"] for verdict in few["verdicts"]] == ["collapse"]


def test_the_same_file_on_both_sides_is_noticed_as_copies(kept: Callable[..., Path], tmp_path: Path) -> None:
    """Samples are chosen by another number than the real ones: half of the file is not compared with itself."""
    both = kept("both.npy", normal(1000))
    found = evaluate(both, data=both, count=400, out=str(tmp_path / "out"))
    assert rows_of(found)["memorisation"]["value"] > 0.2
    made = POINTS.open_source(RECIPES["gaussians"].changed({"data": str(both)})).points
    assert rows_of(found)["frechet"]["value"] > 0
    assert len(made) == 1000


def test_files_that_cannot_be_compared_are_told(kept: Callable[..., Path], mistake: Callable[..., str]) -> None:
    real, made = kept("real.npy", normal(300)), kept("made.npy", normal(200, seed=1))
    assert mistake(evaluate, made).endswith("so nothing tells what to compare it with; add --data PATH")
    flat = kept("flat.npy", normal(300, dimensions=3))
    line = mistake(evaluate, flat, data=real)
    assert line.startswith(f"{flat}: has 3 dimensions instead of 2")
    assert mistake(evaluate, made, data=real, count=250).startswith("n: there are 200 samples, not 250")
    assert mistake(evaluate, made, data=real, features="timm:net").startswith("features: points are compared in")
    few = kept("few.npy", normal(39))
    assert "are too few; 40 and 20 are needed" in mistake(evaluate, made, data=few)


@pytest.mark.parametrize(
    ("real", "made", "asked", "told"),
    [
        (1000, None, LEAST - 1, "n: 19 samples say nothing; ask for 20 or more"),
        (1000, 100, 101, "n: there are 100 samples, not 101"),
        (1000, None, 501, "there are 1,000; ask for 500 or fewer"),
        (39, None, None, "39 real examples and 19 samples are too few"),
        (1000, 19, None, "1,000 real examples and 19 samples are too few"),
    ],
)
def test_too_few_to_compare(
    real: int, made: int | None, asked: int | None, told: str, mistake: Callable[..., str]
) -> None:
    assert told in mistake(choose, real, made, asked, 0)


@pytest.mark.parametrize(
    ("real", "made", "asked", "count", "reference"),
    [
        (1000, None, None, 500, 500),
        (1000, 100, None, 100, 900),
        (1000, None, 30, 30, 970),
        (100_000, None, None, 10_000, 50_000),
        (140_000, None, 60_000, 60_000, 60_000),
        (40, 20, 20, 20, 20),
    ],
)
def test_which_real_points_are_compared(
    real: int, made: int | None, asked: int | None, count: int, reference: int
) -> None:
    chosen = choose(real, made, asked, seed=3)
    assert (len(chosen.floor), len(chosen.reference)) == (count, reference)
    both = np.concatenate([chosen.floor, chosen.reference])
    assert len(set(both.tolist())) == len(both)
    assert 0 <= both.min() <= both.max() < real
    assert not np.array_equal(chosen.floor, np.sort(chosen.floor))
    assert np.array_equal(choose(real, made, asked, seed=3).floor, chosen.floor)
    assert not np.array_equal(choose(real, made, asked, seed=4).floor, chosen.floor)


def test_options_in_python_are_checked_as_on_the_command_line(mistake: Callable[..., str], tmp_path: Path) -> None:
    run = train(smallest("gaussians", tmp_path, steps=2), out=tmp_path / "run").run
    model = load(run, device="cpu")
    assert (
        mistake(lambda: model.sample(3, temperature=1.0)) == "temperature: points are not sampled with it; leave it out"
    )
    assert mistake(lambda: model.sample(3, count_of="x")).startswith("count_of: ")
    made = sample(run, out=tmp_path / "deep" / "er" / "points.csv", count=3, device="cpu")
    assert Path(made["written"][0]).exists()
