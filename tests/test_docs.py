"""The documentation holds: its Python runs, its commands work, its links lead somewhere, its tables are complete."""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import sparring
from sparring.arguments import read
from sparring.cli import VERBS, main
from sparring.core.settings import Settings, fields
from sparring.images.features import learned
from sparring.modalities import ENTRIES, RECIPES, options_of
from sparring.options import VERBS as OPTIONS
from sparring.options import CheckOptions, ResumeOptions, TrainOptions

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "benchmarks" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TINY = {
    "train": ["--steps", "2", "--width", "8", "--time", "0"],
    "resume": ["--steps", "3", "--time", "0", "--more", "0"],
    "calibrate": ["--steps", "20"],
}


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def learning_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """The features that an evaluation learns take a minute otherwise."""
    for name in ("classifier", "contrast"):
        monkeypatch.setattr(learned, name, functools.partial(getattr(learned, name), steps=5))


@pytest.mark.slow
@pytest.mark.usefixtures("learning_is_short")
@pytest.mark.parametrize("page", ["python.md", "adding-a-game.md"])
def test_the_python_of_a_page_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code = "\n".join(blocks(ROOT / "docs" / page, "python"))
    assert "sparring" in code
    exec(compile(code, page, "exec"), {"__name__": "documentation"})


@pytest.mark.slow
@pytest.mark.usefixtures("learning_is_short")
def test_the_commands_of_the_readme_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the blocks and of the table of what can be made, trained for two steps."""
    monkeypatch.chdir(tmp_path)
    for folder in ("path/to/pictures", "horses", "zebras"):
        draw_pictures(tmp_path / folder)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = [line for block in blocks(ROOT / "README.md", "sh") for line in block.splitlines()]
    in_tables = re.findall(r"`(sparring [^`]*)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    commands = [shlex.split(line, comments=True)[1:] for line in [*lines, *in_tables] if line.startswith("sparring ")]
    assert {command[0] for command in commands} == set(VERBS)
    for command in commands:
        assert main([*command, *TINY.get(command[0], [])]) == 0, command


@pytest.mark.slow
@pytest.mark.usefixtures("learning_is_short")
def test_the_python_of_the_readme_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trained for two steps."""
    monkeypatch.chdir(tmp_path)
    draw_pictures(tmp_path / "path" / "to" / "pictures")
    tiny = {
        "train": functools.partial(sparring.train, steps=2, width=8),
        "resume": functools.partial(resume_for_a_step, sparring.resume),
    }
    for name, call in tiny.items():
        monkeypatch.setattr(sparring, name, call, raising=False)
    (code,) = blocks(ROOT / "README.md", "python")
    exec(compile(code, "README.md", "exec"), {"__name__": "documentation"})
    assert Path("new.png").exists()


def resume_for_a_step(resume: Callable[..., object], run: str, more: str) -> None:
    assert more
    resume(run, steps=3, time=0)


def draw_pictures(folder: Path) -> None:
    """Pictures of noise in a new folder, as many as can be calibrated with."""
    folder.mkdir(parents=True)
    for index, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (600, 8, 8, 3), dtype=np.uint8)):
        Image.fromarray(pixels).save(folder / f"{index}.png")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_options_of_every_command_exist(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In blocks and in the running text; by the names that they have now."""
    text = page.read_text(encoding="utf-8")
    inline = re.findall(r"`(sparring [^`]*)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    lines = [line.strip() for block in blocks(page, "(?:ba)?sh") for line in block.splitlines()]
    for command in [*inline, *(line for line in lines if line.startswith("sparring "))]:
        verb, *words = shlex.split(command.replace("\n", " "), comments=True)[1:] or ["--help"]
        if verb in VERBS:
            read(verb, [word for word in words if word not in ("...", "|")], options_of_verb(verb))
    assert capsys.readouterr().err == ""


def options_of_verb(verb: str) -> list[type[Settings]]:
    """The settings that may be typed after a verb, of any kind of data."""
    if verb in OPTIONS:
        return [options_of(verb, kind) for kind in ENTRIES]
    return [*(entry.recipe for entry in ENTRIES.values()), CheckOptions, ResumeOptions, TrainOptions]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#:]+)\)", prose):
        assert (page.parent / target).exists(), target


def test_the_page_of_recipes_lists_every_recipe_and_every_setting() -> None:
    text = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    for name in RECIPES:
        assert f"`{name}`" in text
    for entry in ENTRIES.values():
        for name, field in fields(entry.recipe).items():
            assert f"| `{name}` | {field.default} |" in text or name in ("name", "about"), (name, field.default)


@pytest.mark.parametrize("name", ["recipes.py", "data.py", "game.py", "modality.py"])
def test_the_page_on_modalities_shows_the_one_that_the_tests_add(name: str) -> None:
    shown = blocks(ROOT / "docs" / "adding-a-game.md", "py")
    assert (ROOT / "tests" / "modality" / "chords" / name).read_text(encoding="utf-8").strip() in map(str.strip, shown)
