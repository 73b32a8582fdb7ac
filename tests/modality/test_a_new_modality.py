"""A modality is a folder and two lines: chords, which exist in these tests alone, are trained, resumed, sampled,
scored, evaluated, checked and reported by verbs that never heard of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "src" / "sparring"
IMPORT = "import sparring.images.recipes as images\n"
ENTRY = "    points.ENTRY,\n"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with the folder and the two lines; nothing else is touched."""
    place = tmp_path_factory.mktemp("house")
    shutil.copytree(PACKAGE, place / "sparring", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(HERE / "chords", place / "sparring" / "chords", ignore=shutil.ignore_patterns("__pycache__"))
    table = place / "sparring" / "modalities.py"
    text = table.read_text()
    assert text.count(IMPORT) == text.count(ENTRY) == 1
    text = text.replace(IMPORT, f"import sparring.chords.recipes as chords\n{IMPORT}")
    table.write_text(text.replace(ENTRY, f"{ENTRY}    chords.ENTRY,\n"))
    return place


def ran(house: Path, *words: Any, launcher: tuple[str, ...] = (), status: int = 0) -> subprocess.CompletedProcess[str]:
    """A command in the copy, which must end with this status."""
    command = [sys.executable, *launcher, "-m", "sparring", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(house), "PYTHONSAFEPATH": "1"}
    done = subprocess.run(command, cwd=house, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == status, done.stderr[-3000:]
    assert "Traceback" not in done.stderr
    return done


def told(house: Path, *words: Any) -> dict[str, Any]:
    """What a command prints as JSON."""
    result: dict[str, Any] = json.loads(ran(house, *words, "--json").stdout)
    return result


QUICK = ("--device", "cpu", "--time", "0", "--hidden", "16")


@pytest.fixture(scope="module")
def run(house: Path) -> Path:
    """A finished run on the drawn triads."""
    ran(house, "train", "chords", "--data", "triads", "--steps", 60, "--out", house / "run", *QUICK)
    return house / "run"


@pytest.fixture(scope="module")
def own(house: Path) -> Path:
    """A file of a user's own chords, one line of it bad."""
    path = house / "mine.chords"
    path.write_text("".join(f"major: {a} E G\nminor: {a} D# G\n" for a in ("C", "D", "F", "A") * 10) + "what: H\n")
    return path


def test_it_is_listed_and_its_settings_have_help(house: Path) -> None:
    assert "chords" in ran(house, "recipes").stdout
    text = ran(house, "train", "chords", "--help").stdout
    assert "--hidden" in text
    assert "--beta1" not in text
    assert "--beta1" in ran(house, "train", "chords", "--help-all").stdout
    assert "hiden" in ran(house, "train", "chords", "--hiden", 3, status=2).stderr


def test_a_run_leaves_a_model_previews_and_a_report(house: Path, run: Path) -> None:
    assert {"recipe.yaml", "journal.jsonl", "report.html", "model", "samples"} <= {path.name for path in run.iterdir()}
    preview = sorted((run / "samples").iterdir())[-1]
    assert preview.suffix == ".txt"
    assert len(preview.read_text().splitlines()) == 12
    assert preview.read_text().splitlines()[0] in (run / "report.html").read_text()
    journal = [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]
    metrics = [entry for entry in journal if entry["event"] == "metrics"]
    assert {"frechet", "kernel", "sliced", "diversity", "overfitting"} <= set(metrics[-1])
    assert (run / "best" / "config.json").exists()


def test_a_resumed_run_equals_an_uninterrupted_one(house: Path, run: Path) -> None:
    ran(house, "train", "chords", "--data", "triads", "--steps", 25, "--out", house / "parts", *QUICK)
    ran(house, "resume", house / "parts", "--steps", 60)
    names = [sorted((folder / "checkpoints").iterdir())[-1] for folder in (run, house / "parts")]
    assert names[0].name == names[1].name
    weights = [(folder / "model" / "model.safetensors").read_bytes() for folder in (run, house / "parts")]
    assert weights[0] == weights[1]


def test_it_plays_in_two_processes(house: Path) -> None:
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    out = house / "two"
    words = ("train", "chords", "--data", "triads", "--steps", 4, "--out", out, *QUICK)
    ran(house, *words, launcher=launcher)
    assert (out / "model" / "config.json").exists()


def test_samples_are_written_under_labels(house: Path, run: Path) -> None:
    out = house / "made.txt"
    result = told(house, "sample", run, "-n", 6, "--seed", 1, "--label", "minor", "--out", out)
    assert result["count"] == 6
    lines = out.read_text().splitlines()
    assert [line.partition(":")[0] for line in lines] == ["minor"] * 6
    again = house / "again.txt"
    told(house, "sample", run, "-n", 6, "--seed", 1, "--label", "minor", "--out", again)
    assert again.read_text() == out.read_text()
    assert len(told(house, "sample", run)["written"]) == 1  # where nobody says, as the preview
    assert "unknown" not in ran(house, "sample", run, "--label", "augmented", status=2).stderr
    assert "temperature" in ran(house, "sample", run, "--temperature", 1, status=2).stderr


def test_examples_are_scored_by_the_discriminator(house: Path, run: Path, own: Path) -> None:
    result = told(house, "score", run, own, "--out", house / "scores.tsv")
    assert result["count"] == len(result["rows"]) == 80
    assert {row["label"] for row in result["rows"]} == {"major", "minor"}
    assert result["calibrated"] is False
    assert len((house / "scores.tsv").read_text().splitlines()) == 81


def test_it_is_evaluated_beside_real_chords(house: Path, run: Path) -> None:
    result = told(house, "evaluate", run, "-n", 200)
    scores = {score["name"]: score for score in result["scores"]}
    assert scores["sliced"]["value"] > scores["sliced"]["floor"]
    assert (run / "evaluation" / "index.html").exists()


def test_data_are_checked_and_a_path_is_recognised(house: Path, own: Path) -> None:
    result = told(house, "data", "check", own)
    assert (result["good"], len(result["bad"]), result["labels"]) == (80, 1, {"major": 40, "minor": 40})
    assert result["duplicates"] == 72
    done = ran(house, "train", own, "--steps", 2, "--out", house / "mine", *QUICK)
    assert "holds chords" in done.stderr


def test_info_tells_of_the_run(house: Path, run: Path) -> None:
    assert told(house, "info", run)["recipe"]["kind"] == "chords"
    assert told(house, "info", run / "model")["form"] == {"labels": ["major", "minor"], "notes": 12}


def test_in_python_the_same_verbs(house: Path, run: Path, own: Path) -> None:
    code = f"""
import sparring
outcome = sparring.train("chords", data="triads", steps=2, time=0, out={str(house / "python")!r}, device="cpu")
assert outcome.steps == 2
model = sparring.load({str(run)!r}, device="cpu")
chords = model.sample(3, label="major")
assert len(chords) == 3 and all(isinstance(chord, str) for chord in chords)
assert model.networks["generator"](__import__("torch").randn(2, 8), __import__("torch").tensor([0, 1])).shape == (2, 12)
assert sparring.score({str(run)!r}, [{str(own)!r}])["count"] == 80
assert sparring.evaluate({str(run)!r}, count=100, out={str(house / "eval")!r})["count"] == 100
assert sparring.check({str(own)!r})["good"] == 80
try:
    sparring.translate({str(run)!r}, [{str(own)!r}])
except sparring.UserError as problem:
    assert "translates nothing" in str(problem)
else:
    raise AssertionError
"""
    environment = {**os.environ, "PYTHONPATH": str(house), "PYTHONSAFEPATH": "1"}
    done = subprocess.run([sys.executable, "-c", code], cwd=house, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
