"""What a session leaves for people: the commands of its report work, its previews can be made again, real examples lie
beside them, and its model's card is told the scores."""

from __future__ import annotations

import html
import io
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from table import smallest

from sparring.cli import main
from sparring.core.journal import entries
from sparring.core.processes import Process
from sparring.core.run import create
from sparring.media.pictures.sheets import sheet, to_uint8
from sparring.modalities import ENTRIES, load
from sparring.verbs.evaluate import evaluate
from sparring.verbs.session import Session


@pytest.mark.parametrize("kind", ENTRIES)
def test_the_report_tells_a_command_that_works(
    kind: str, runs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (16, 16), "red").save("a.png")
    page = (runs[kind] / "report.html").read_text(encoding="utf-8")
    first = html.unescape(re.findall(r"<code>sparring (.*?)</code>", page)[0])
    assert main(shlex.split(first.replace("INPUT...", "a.png --out b.png"))) == 0


@pytest.mark.parametrize("kind", ENTRIES)
def test_the_journal_tells_machine_and_previews_and_no_path(kind: str, runs: dict[str, Path]) -> None:
    start = next(entry for entry in entries(runs[kind] / "journal.jsonl") if entry["event"] == "start")
    assert {"cpu", "cores", "threads", "torch", "python", "system"} <= start["machine"].keys()
    assert str(runs[kind].parent) not in json.dumps([start["machine"], start["preview"], start["use"]])
    real = [path.name for path in (runs[kind] / "samples").glob("real.*") if path.suffixes == [path.suffix]]
    has_both = kind in ("points", "translation")  # in one picture
    assert len(real) == (0 if has_both else 1)
    assert ('alt="Real examples"' in (runs[kind] / "report.html").read_text()) == (kind in ("images", "video"))


def test_the_last_preview_is_made_again_by_its_command(runs: dict[str, Path]) -> None:
    model = load(runs["images"], "cpu")
    layout = model.modality.layout(model.game.classes)
    again = model.draw(layout.count, seed=model.recipe.seed, label=None)
    drawn = sorted(path for path in (runs["images"] / "samples").iterdir() if path.stem.isdecimal())[-1]
    with Image.open(io.BytesIO(drawn.read_bytes())) as picture:
        shown = np.asarray(picture).astype(float)
    made = np.asarray(sheet(to_uint8(again), layout.across)).astype(float)
    assert np.abs(shown - made).mean() < 2  # of 255: a preview is drawn in the precision of the run
    other = np.asarray(sheet(to_uint8(torch.flip(again, (0,))), layout.across)).astype(float)
    assert np.abs(shown - other).mean() > 2


def test_an_evaluation_of_a_run_tells_the_card_of_its_model(runs: dict[str, Path], tmp_path: Path) -> None:
    result = evaluate(runs["points"], count=40, out=tmp_path / "evaluation", device="cpu")
    _, head, _ = (runs["points"] / "model" / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    ((scored,),) = [index["results"] for index in yaml.safe_load(head)["model-index"]]
    known = {score["name"]: score["value"] for score in result["scores"] if score["value"] is not None}
    assert {metric["type"]: metric["value"] for metric in scored["metrics"]} == known
    assert not any("fid" in metric["type"].lower() for metric in scored["metrics"])


@pytest.mark.parametrize("conditional", [False, True])
def test_real_examples_of_a_sorted_set_have_every_label(
    conditional: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if conditional:  # of columns with a label each more are looked at than are shown, all of those that there are here
        monkeypatch.setattr("sparring.verbs.session.TIMES", 1)
    names = ("apple", "bread", "cheese", "dates")
    for number, name in enumerate(names):
        (tmp_path / "sorted" / name).mkdir(parents=True)
        for copy in range(250):
            Image.new("RGB", (8, 8), (60 * number, copy, 0)).save(tmp_path / "sorted" / name / f"{copy}.png")
    recipe = smallest("images", tmp_path, conditional=conditional).changed(
        {"data": str(tmp_path / "sorted"), "held_out": 100}
    )
    session = Session(recipe, Process(), lambda: create(tmp_path / "run", recipe))
    labels = session.files.shown["labels"]
    assert len(labels) == 64
    assert labels.unique().tolist() == list(range(len(names)))
