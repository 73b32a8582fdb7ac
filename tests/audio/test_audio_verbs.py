"""Every verb on a model of sounds, from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile
from table import HOME, smallest

from sparring.cli import main
from sparring.verbs.train import train

Says = Callable[..., Any]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two steps on notes."""
    place = tmp_path_factory.mktemp("notes")
    return train(smallest("tones", place, steps=2), out=place / "run").run


@pytest.fixture
def says(capsys: pytest.CaptureFixture[str]) -> Says:
    """``says(*words)``: what a command prints as JSON, once it has succeeded."""

    def said(*words: Any) -> Any:
        assert main([*map(str, words), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return said


def test_samples_are_written_read_again_and_scored(run: Path, tmp_path: Path, says: Says) -> None:
    out = tmp_path / "out"
    says("sample", run, "-n", 6, "--label", "pitch2", "--out", out)
    files = sorted(out.iterdir())
    assert [path.name for path in files] == [f"{number:06d}-pitch2.wav" for number in range(6)]
    assert {(soundfile.info(path).samplerate, soundfile.info(path).frames) for path in files} == {(2000, 256)}
    note = says("info", files[3])
    assert "pitch2" in json.dumps(note)
    assert "tones" in json.dumps(note)
    scored = says("score", run, files[0], files[1], "--label", "pitch2")
    assert files[0].name in json.dumps(scored)


def test_data_are_checked(run: Path, tmp_path: Path, says: Says) -> None:
    page = tmp_path / "page.html"
    summary = json.dumps(says("data", "check", run.parent / "sounds", "--out", page))
    assert "pitch3" in summary
    assert "2,000 Hz" in summary or "2000" in summary
    assert "<audio" in page.read_text()


def test_a_folder_of_other_sounds_is_compared_with(run: Path, tmp_path: Path, says: Says) -> None:
    module = HOME["tones"]
    others = module.draw_sounds(tmp_path / "others", 48)
    result = says("evaluate", run, "--data", others, "-n", 20)
    assert {"label_accuracy", "second_accuracy"} <= {score["name"] for score in result["scores"]}
    page = (run / "report.html").read_text()
    assert "<audio" in page
