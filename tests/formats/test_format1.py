"""Run folders and models of format 1, made by the version before format 2, are read and go on to the same bits.

``format1/`` holds one run a modality, stopped after 7 of 12 steps; ``hashes.json`` what going on to 12 steps gives, by
machine. Bits are compared where this machine is in that list; that a run is read, and begins where it stopped,
everywhere.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from safetensors.torch import load_file
from table import smallest
from weights import ARITHMETIC, hash_of, machine

from sparring.cli import main
from sparring.core.checkpoint import newest_first
from sparring.core.journal import entries
from sparring.modalities import load

HERE = Path(__file__).parent / "format1"
RUNS = ("digits", "cyclegan", "topics", "gaussians")
RENAMED = {"digits": "discriminator_rate", "cyclegan": "keep_checkpoints", "topics": "adversarial_rate",
           "gaussians": "weight_clip"}  # fmt: skip


@pytest.fixture
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of the old run, its data drawn again."""
    name = request.param
    folder, data = tmp_path / name, tmp_path / "data"
    shutil.copytree(HERE / name, folder)
    data.mkdir()
    smallest(name, data)
    recipe = (folder / "recipe.yaml").read_text().replace("DATA", str(data))
    (folder / "recipe.yaml").write_text(recipe)
    return folder


@pytest.mark.parametrize("run", RUNS, indirect=True)
def test_an_old_run_goes_on_to_the_same_bits(run: Path) -> None:
    command = [sys.executable, "-m", "sparring", "resume", str(run), "--steps", "12"]
    done = subprocess.run(command, env={**os.environ, **ARITHMETIC}, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if "format 1" in line]
    assert len(lines) == 1
    assert RENAMED[run.name] in lines[0]
    assert "going on after" in done.stderr

    recipe = yaml.safe_load((run / "recipe.yaml").read_text())
    assert recipe["sparring"] == 2
    assert RENAMED[run.name] in recipe
    assert json.loads((run / "model" / "config.json").read_text())["sparring"] == 2
    journal = list(entries(run / "journal.jsonl"))
    assert [entry["event"] for entry in journal if entry["event"] in ("start", "resume", "end")][-2:] == [
        "resume",
        "end",
    ]

    known = json.loads((HERE / "hashes.json").read_text())
    if machine() not in known:
        pytest.skip(f"bits are known of {', '.join(known)}, this is {machine()}")
    assert hash_of(newest_first(run / "checkpoints")[0]) == known[machine()][run.name]


@pytest.mark.parametrize("run", RUNS, indirect=True)
def test_an_old_model_is_loaded_with_its_weights(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = load(run / "model", device="cpu")
    assert capsys.readouterr().err.count("format 1") == 1
    saved = load_file(run / "model" / "model.safetensors")
    for name, network in model.networks.items():
        for key, value in network.state_dict().items():
            assert value.equal(saved[f"{name}.{key}"])
    if "" in model.game.outputs:
        assert len(model.sample(3)) == 3
    assert main(["info", str(run)]) == 0


@pytest.mark.parametrize("run", RUNS, indirect=True)
def test_an_old_run_starts_where_it_stopped(run: Path) -> None:
    """Nothing is left to do: the checkpoint that is written again holds what the old one held."""
    before = load_file(newest_first(run / "checkpoints")[0])
    assert main(["resume", str(run)]) == 0
    after = load_file(newest_first(run / "checkpoints")[0])
    assert before.keys() == after.keys()
    assert all(before[key].equal(after[key]) for key in before)
