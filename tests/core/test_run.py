"""Run folders: every way in which one can be wrong is one line that names it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from sparring.core.recipe import FORMAT
from sparring.core.run import create, find, read_config, save_model, weights_hash
from sparring.modalities import RECIPES, from_dict

GRID = RECIPES["gaussians"]


def test_a_run_is_created_and_found(tmp_path: Path) -> None:
    run = create(tmp_path / "a" / "run", GRID)
    assert all(part.is_dir() for part in (run.folder, run.samples, run.checkpoints, run.model))
    found, content = find(run.folder)
    assert found == run
    assert from_dict(content, "x") == GRID
    assert sorted(path.name for path in run.folder.iterdir()) == [
        ".lock",
        "checkpoints",
        "model",
        "recipe.yaml",
        "samples",
    ]


def test_an_empty_folder_may_become_a_run(tmp_path: Path) -> None:
    assert create(tmp_path, GRID).recipe.exists()


def test_what_a_kill_left_before_the_run_began_is_not_in_the_way(tmp_path: Path) -> None:
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    (tmp_path / ".lock").touch()
    (tmp_path / f".recipe.yaml.{gone.stdout.strip()}.part").write_text("sparring:")
    (tmp_path / "samples").mkdir()
    run = create(tmp_path, GRID)
    assert from_dict(find(tmp_path)[1], "x") == GRID
    assert not [*run.folder.glob("*.part")]


# What stands in the way of a new run


@pytest.mark.skipif(os.name != "posix", reason="this system has no such locks")
def test_of_several_who_want_a_folder_one_gets_it(tmp_path: Path) -> None:
    """Started in the same moment: one makes the run, the others are told."""
    code = (
        "import sys, time; from pathlib import Path; from sparring.core.run import create; "
        "from sparring.modalities import RECIPES; from sparring.core.errors import UserError\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "try: create(Path(sys.argv[1]), RECIPES['gaussians'])\n"
        "except UserError as problem: print(problem)\n"
        "else: print('made')\n"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    started = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "run")], **pipes) for _ in range(3)]
    for each in started:
        assert each.stdout.readline() == "ready\n"
    for each in started:
        each.stdin.write("\n")
        each.stdin.flush()
    told = sorted(each.communicate(timeout=60)[0].strip() for each in started)
    assert told.count("made") == 1
    assert all(line == "made" or "holds a run already" in line or "by another process" in line for line in told)
    assert from_dict(find(tmp_path / "run")[1], "x") == GRID


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system starts processes otherwise")
def test_a_process_that_was_forked_does_not_hold_the_lock(tmp_path: Path, mistake: Callable[..., str]) -> None:
    """A worker that reads for a trainer lives for some seconds after it was killed."""
    run = create(tmp_path / "run", GRID)
    code = (
        "import os, sys, time; from pathlib import Path; from sparring.core.run import Run\n"
        "with Run(Path(sys.argv[1])).locked():\n"
        "    if os.fork() == 0:\n"
        "        print('forked', flush=True); time.sleep(30)\n"
        "    sys.stdin.readline()\n"
    )
    trainer = subprocess.Popen(
        [sys.executable, "-c", code, str(run.folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        assert trainer.stdout
        assert trainer.stdout.readline() == "forked\n"
        assert "another process" in mistake(run.locked().__enter__)
        trainer.kill()
        trainer.wait()
        with run.locked():
            pass
    finally:
        os.killpg(trainer.pid, signal.SIGKILL)


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="this system cannot tell links apart")
def test_no_lock_is_taken_through_a_link(tmp_path: Path, mistake: Callable[..., str]) -> None:
    run = create(tmp_path / "run", GRID)
    (run.folder / ".lock").unlink()
    (run.folder / ".lock").symlink_to(tmp_path / "elsewhere")
    assert "cannot be written" in mistake(run.locked().__enter__)
    assert not (tmp_path / "elsewhere").exists()


def test_a_run_is_never_overwritten(tmp_path: Path, mistake: Callable[..., str]) -> None:
    run = create(tmp_path / "run", GRID)
    before = run.recipe.read_bytes()
    line = mistake(create, run.folder, GRID.changed({"batch": 8}))
    assert line.startswith(str(run.folder))
    assert "sparring resume" in line
    assert run.recipe.read_bytes() == before


def test_what_is_in_the_way_is_left_alone(tmp_path: Path, mistake: Callable[..., str]) -> None:
    full, file = tmp_path / "full", tmp_path / "file"
    full.mkdir()
    (full / "thesis.txt").write_text("mine")
    file.write_text("mine")
    assert "not empty" in mistake(create, full, GRID)
    assert "--out" in mistake(create, file, GRID)
    assert "cannot be created (Not a directory)" in mistake(create, file / "run", GRID)
    assert [path.name for path in full.iterdir()] == ["thesis.txt"]
    assert file.read_text() == "mine"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_place_is_told(tmp_path: Path, mistake: Callable[..., str]) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o500)
    assert "Permission denied" in mistake(create, locked / "run", GRID)
    assert "cannot be written" in mistake(create, locked, GRID)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no place that even root cannot write")
def test_a_place_where_no_folder_can_be_is_told(mistake: Callable[..., str]) -> None:
    assert "cannot be created" in mistake(create, Path("/proc/run"), GRID)


def test_a_name_that_is_too_long_is_told(tmp_path: Path, mistake: Callable[..., str]) -> None:
    assert "File name too long" in mistake(create, tmp_path / ("x" * 300), GRID)
    assert "no such run folder" in mistake(find, tmp_path / ("x" * 300))


# What may be wrong with an old one


def test_what_is_no_run_is_told(tmp_path: Path, mistake: Callable[..., str]) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "nowhere", tmp_path / "file"):
        assert mistake(find, path).startswith(f"{path}: no such run folder")
    assert "it has no recipe.yaml" in mistake(find, tmp_path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"sparring: 3\nkind: points\n", "format 3"),
        (b"sparring: [\n", "not a readable recipe"),
        (b"", "not a recipe"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"\x00\x00\x00", "not a readable recipe"),
        (b"PK\x03\x04", "not a readable recipe"),
    ],
)
def test_a_damaged_recipe_is_named(tmp_path: Path, content: bytes, told: str, mistake: Callable[..., str]) -> None:
    run = create(tmp_path / "run", GRID)
    run.recipe.write_bytes(content)
    line = mistake(find, run.folder)
    assert line.startswith(str(run.recipe))
    assert told in line


def test_a_recipe_that_cannot_be_read_is_named(tmp_path: Path, mistake: Callable[..., str]) -> None:
    (tmp_path / "recipe.yaml").mkdir()
    assert str(tmp_path / "recipe.yaml") in mistake(find, tmp_path)


# The model folder


def test_a_model_is_written_whole_and_read_back(tmp_path: Path) -> None:
    weights = {
        "generator.w": torch.randn(3, 4).T,
        "generator.n": torch.tensor(7),
    }  # not contiguous, no dimensions
    config = {"kind": "points", "recipe": {}, "form": {"dimensions": 2}, "examples": 50}
    for seen in (1, 2):
        save_model(tmp_path, {**config, "examples_seen": seen}, weights, "# ü")
    assert read_config(tmp_path) == {"sparring": FORMAT, **config, "examples_seen": 2}
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
    ]
    read = load_file(tmp_path / "model.safetensors")
    assert all(torch.equal(read[name], weight) for name, weight in weights.items())


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"kind": "points"}', b'{"sparring": 3}', b"null"])
def test_a_damaged_config_is_named(tmp_path: Path, content: bytes, mistake: Callable[..., str]) -> None:
    (tmp_path / "config.json").write_bytes(content)
    assert mistake(read_config, tmp_path).startswith(str(tmp_path / "config.json"))


@pytest.mark.parametrize(("written", "read"), [(1, True), (2, True), (3, False), (0, False)])
def test_models_of_older_formats_are_read_and_of_newer_ones_refused(
    written: int, read: bool, tmp_path: Path, mistake: Callable[..., str]
) -> None:
    content = {"kind": "points", "recipe": {}, "form": {"dimensions": 2}, "examples": 50, "examples_seen": 2}
    (tmp_path / "config.json").write_text(json.dumps({"sparring": written, **content}))
    if read:
        assert read_config(tmp_path) == {"sparring": written, **content}
    else:
        line = mistake(read_config, tmp_path)
        assert line.startswith(f"{tmp_path / 'config.json'}: not a model of format 2 or older; upgrade it: git pull")


def test_a_missing_model_is_told(tmp_path: Path, mistake: Callable[..., str]) -> None:
    assert "no model here yet" in mistake(read_config, tmp_path)


def test_the_hash_names_the_weights() -> None:
    weights = {"a": torch.arange(6.0), "b": torch.tensor(1), "c": torch.ones(2, dtype=torch.bfloat16)}
    name = weights_hash(weights)
    assert len(name) == 16
    assert int(name, 16) >= 0
    assert name == weights_hash(dict(reversed(weights.items())))
    assert name != weights_hash({**weights, "a": torch.arange(6.0) + 1e-6})
    assert name != weights_hash({"d" if key == "a" else key: value for key, value in weights.items()})
    json.dumps(name)
