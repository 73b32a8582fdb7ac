"""Going on with a run: elsewhere, longer, finished already, or with something gone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from table import HOME, smallest

from sparring.cli import main
from sparring.core.errors import UserError
from sparring.core.journal import entries
from sparring.core.run import Run
from sparring.modalities import find_recipe
from sparring.verbs.resuming import lengthened
from sparring.verbs.train import resume, train


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    """A copy of a run of two steps, with data of its own."""
    copy = shutil.copytree(finished_run, tmp_path / "run")
    data = tmp_path / "drawn.npz"
    shutil.copy(find_recipe(str(copy / "recipe.yaml")).data, data)
    text = (copy / "recipe.yaml").read_text()
    (copy / "recipe.yaml").write_text(text.replace(find_recipe(str(copy / "recipe.yaml")).data, str(data)))
    return copy


def everything_in(run: Path) -> dict[str, bytes]:
    """The files of a run but the report, which says when it was written nowhere, and the lock."""
    return {str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*") if path.is_file()}


def test_a_finished_run_has_nothing_left_to_do(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["resume", str(run)])
    before = everything_in(run)
    capsys.readouterr()
    assert main(["resume", str(run)]) == 0
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("nothing was left to do: all 2 steps are done: 16 examples in ")
    assert f"  sparring resume {run} --more 10m" in said
    assert everything_in(run) == before


def test_a_model_that_a_kill_kept_back_is_written_by_a_finished_run(run: Path) -> None:
    shutil.rmtree(run / "model")
    assert resume(run).finished
    assert json.loads((run / "model" / "config.json").read_text())["examples_seen"] == 16


def test_a_model_without_checkpoints_is_not_replaced(run: Path, mistake: Callable[..., str]) -> None:
    for path in (run / "checkpoints").iterdir():
        path.unlink()
    before = everything_in(run)
    assert mistake(resume, run).startswith(f"{run}: its checkpoints are gone, and to train from the beginning would")
    assert everything_in(run) == before
    shutil.rmtree(run / "model")
    assert resume(run).steps == 2  # nothing to be lost


def test_more_adds_to_the_budget(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["resume", str(run), "--more", "1s"]) == 0
    assert "--more 1s: by time from here on, the limit of 2 for steps holds no more" in capsys.readouterr().err
    recipe = find_recipe(str(run / "recipe.yaml"))
    seconds = [entry["seconds"] for entry in entries(run / "journal.jsonl") if entry["event"] == "end"]
    assert recipe.steps == 0
    assert 1 <= recipe.time <= 2 + seconds[0]
    assert seconds[-1] >= recipe.time
    assert main(["resume", str(run), "--more", "1s"]) == 0
    assert find_recipe(str(run / "recipe.yaml")).time == pytest.approx(recipe.time + 1, abs=1)


def test_more_goes_on_past_patience(tmp_path: Path) -> None:
    recipe = smallest("gaussians", tmp_path, steps=0, measure_every=256, held_out=2000).changed({"patience": 1})
    run = train(recipe, out=tmp_path / "run").run
    ends = [entry for entry in entries(run / "journal.jsonl") if entry["event"] == "end"]
    assert "no better for 1 measurements" in ends[0]["reason"]
    assert resume(run).reason.startswith("nothing was left to do: ")
    assert resume(run, more="1s").reason == "the time is up"


def test_more_is_added_to_what_was_trained_where_all_steps_are_done(run: Path) -> None:
    path = run / "recipe.yaml"
    path.write_text(path.read_text().replace("time: 0.0", "time: 500.0"))
    recipe = find_recipe(str(path))
    assert recipe.time == 500
    assert lengthened(recipe, "1s", Run(run)).time < 100
    assert lengthened(recipe.changed({"steps": 10**6}), "1s", Run(run)).time == 501


def test_more_is_a_length_of_time(run: Path, mistake: Callable[..., str]) -> None:
    assert mistake(resume, run, more="a while").startswith("more: 'a while' is no length of time")
    assert "more: " in mistake(resume, run, more=-1)


def test_the_same_data_may_have_moved(run: Path, tmp_path: Path, mistake: Callable[..., str]) -> None:
    data = tmp_path / "drawn.npz"
    moved = data.rename(tmp_path / "moved.npz")
    assert mistake(resume, run, steps=3) == (
        f"{data}: the data of this run are not there any more; restore them, or name their new place: "
        f"sparring resume {run} --data PATH"
    )
    assert resume(run, data=moved, steps=3).steps == 3
    assert find_recipe(str(run / "recipe.yaml")).data == str(moved)
    assert resume(run, steps=4).steps == 4


def test_other_data_are_refused_in_plain_words(run: Path, tmp_path: Path, mistake: Callable[..., str]) -> None:
    other = HOME["digits"].draw_pictures(tmp_path / "other.npz", (16, 16, 1))
    line = mistake(resume, run, data=other, steps=3)
    assert line.startswith(f"{other}: is not what this run began with (")
    assert "size 16x16 instead of 8x8" in line
    assert "{" not in line


def test_other_pictures_of_the_same_form_are_refused(run: Path, tmp_path: Path, mistake: Callable[..., str]) -> None:
    path = Path(find_recipe(str(run / "recipe.yaml")).data)
    arrays = dict(np.load(path))
    other, nearly = tmp_path / "other.npz", tmp_path / "nearly.npz"
    np.savez(other, images=arrays["images"][::-1], labels=arrays["labels"][::-1])
    assert "its examples are others" in mistake(resume, run, data=other, steps=3)
    noise = np.random.default_rng(0).integers(-1, 2, arrays["images"].shape)  # as another version of a decoder makes
    np.savez(
        nearly, images=(arrays["images"].astype(int) + noise).clip(0, 255).astype(np.uint8), labels=arrays["labels"]
    )
    assert resume(run, data=nearly, steps=3).steps == 3
    config = json.loads((run / "model" / "config.json").read_text())
    del config["fingerprint"]  # as older runs have none
    (run / "model" / "config.json").write_text(json.dumps(config))
    assert resume(run, data=other, steps=4).steps == 4


def test_domains_that_changed_places_are_noticed(tmp_path: Path, mistake: Callable[..., str]) -> None:
    recipe = smallest("cyclegan", tmp_path, steps=1)
    arrays = dict(np.load(recipe.data_b))
    np.savez(recipe.data_b, **{**arrays, "images": 255 - arrays["images"] // 2})
    run = train(recipe, out=tmp_path / "run").run
    assert "its examples are others" in mistake(resume, run, data=[recipe.data_b, recipe.data], steps=2)


@pytest.mark.parametrize("name", ["topics", "gaussians", "cyclegan"])
def test_other_data_of_every_kind_are_refused_in_plain_words(
    name: str, tmp_path: Path, mistake: Callable[..., str]
) -> None:
    recipe = smallest(name, tmp_path, steps=1)
    run = train(recipe, out=tmp_path / "run").run
    config = json.loads((run / "model" / "config.json").read_text())
    for key, value in config["form"].items():
        changed = {str: "other", int: 7, float: 7.5, bool: not value}.get(type(value))
        changed = [*value, *value] if isinstance(value, list) else {**value, "x": 1} if changed is None else changed
        (run / "model" / "config.json").write_text(json.dumps({**config, "form": {**config["form"], key: changed}}))
        with suppress(UserError):  # what a model's form says besides its shape may differ
            resume(run, steps=1)
            continue
        line = mistake(resume, run, steps=1)
        assert "{" not in line, key
        assert len(line) < 400


def test_two_runs_without_names_get_folders_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = smallest("gaussians", tmp_path, steps=1)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "gaussians").symlink_to(tmp_path / "nowhere")
    assert [train(recipe).run for _ in range(2)] == [Path("runs/gaussians-2"), Path("runs/gaussians-3")]
