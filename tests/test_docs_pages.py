"""Pages for new users: their commands run, the options and the messages that they tell of are those of the program."""

from __future__ import annotations

import ast
import functools
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from sparring.cli import main
from sparring.core.settings import fields
from sparring.images.features import learned
from sparring.metrics.findings import FAULTS
from sparring.modalities import ENTRIES, modality_of
from sparring.options import VERBS as OPTIONS
from sparring.version import __version__

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
RUN = ("first-model.md", "images.md")
"""Pages whose commands are run here; those of README are run in test_docs.py, which reads the options of all pages."""
NOT_RUN = {
    "audio.md": "the same verbs on sounds are run in tests/audio, `tones` by README",
    "metrics.md": "evaluations are run in tests/verbs; a minute each as they are typed",
    "probability.md": "the commands of calibration are run in tests/verbs",
    "text.md": "the same verbs on lines are run in tests/verbs, `topics` by README",
    "translation.md": "the same verbs on domains are run in tests/verbs, `ink-neon` by README",
    "video.md": "the same verbs on videos are run in tests/video, `moving-shapes` by README",
    "data.md": "`data check` and `train` on a path are run by README; the others are of labels, in tests/images",
}
TINY = {
    "train": ["--steps", "2", "--width", "8", "--time", "0"],
    "resume": ["--steps", "4", "--time", "0", "--more", "0"],
    "evaluate": ["-n", "20"],
}
NOT_OURS = {
    "--nproc-per-node", "--nnodes", "--max-restarts", "--rdzv-id", "--rdzv-backend", "--rdzv-endpoint", "--all",
    "--requeue", "--help", "--help-all", "--json", "--index-url", "--time",
}  # fmt: skip
"""Of torchrun, SLURM and pip, and what every verb has."""


def commands(page: str) -> list[list[str]]:
    """The words of every command of ours in a page's blocks for a shell."""
    blocks = re.findall(r"```(?:ba)?sh\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("sparring ")]


def test_every_page_with_commands_is_run_or_says_why_not() -> None:
    assert {path.name for path in DOCS.glob("*.md") if commands(path.name)} == {*RUN, *NOT_RUN}


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN)
def test_the_commands_of_a_page_work(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trained for two steps; the folders that it names hold drawn pictures, those of labels in a folder a label."""
    for name in ("classifier", "contrast"):
        monkeypatch.setattr(learned, name, functools.partial(getattr(learned, name), steps=2))
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (40, 9, 12, 3), dtype=np.uint8)
    for folder in ("stickers", "pictures", "labelled/red", "labelled/blue"):
        Path(folder).mkdir(parents=True)
        for index, picture in enumerate(pixels):
            Image.fromarray(picture).save(f"{folder}/{index}.png")
    for words in commands(page):
        assert main([*words, *TINY.get(words[0], [])]) == 0, words


def known_options() -> set[str]:
    kinds = [*(entry.recipe for entry in ENTRIES.values()), *OPTIONS.values()]
    kinds += [kind for entry in ENTRIES.values() for kind in entry.options.values()]
    names = {name.replace("_", "-") for kind in kinds for name in fields(kind)}
    return (
        {f"--{name}" for name in names}
        | {f"--no-{name}" for name in names}
        | {"--out", "--data", "--more", "--sheet", "--allow"}
    )


@pytest.mark.parametrize("page", ["choosing.md", "clusters.md", "faq.md", "gpu.md", "images.md", "troubleshooting.md"])
def test_options_in_the_text_are_ours(page: str) -> None:
    told = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", (DOCS / page).read_text(encoding="utf-8")))
    theirs = {"--ntasks-per-node", "--gpus-per-node", "--nodes", "--epochs", "--learnin-rate"}  # of SLURM; mistakes
    assert told - known_options() - NOT_OURS - theirs == set()


def test_what_does_the_same_as_an_option_of_others_is_there() -> None:
    """The right column of the tables of coming-from.md."""
    rows = re.findall(r"^\| .*? \| (.*) \|$", (DOCS / "coming-from.md").read_text(encoding="utf-8"), re.MULTILINE)
    told = {option for row in rows for option in re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", row)}
    assert len(told) > 40
    assert told - known_options() - NOT_OURS == set()


def literals() -> Iterator[str]:
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_messages_are_quoted_as_they_are() -> None:
    """Each has three words in a row of a text of the program, names and numbers apart."""
    said = {tuple(words[i : i + 3]) for text in literals() for words in [text.split()] for i in range(len(words) - 2)}
    page = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    quoted = [cell for cell in re.findall(r"^\| `([^`|]+)`", page, re.MULTILINE) if len(cell.split()) > 6]
    assert len(quoted) > 30

    def is_said(message: str) -> bool:
        words = message.split()
        return any(tuple(words[i : i + 3]) in said for i in range(len(words) - 2))

    assert [message for message in quoted if not is_said(message)] == []


def test_every_warning_is_explained() -> None:
    page = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    kinds = {name for kind in ENTRIES for name in modality_of(kind).limits}
    for name in {"collapse", "overfitting", "dead generator", "not finite", "precision", *kinds}:
        assert f"`{name}: " in page, name
    for name in FAULTS:
        assert f"`{name}`" in page, name


def test_the_projects_files_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= citation.keys()
    assert project["version"] == str(citation["version"]) == __version__
    assert project["license"] == citation["license"]
    assert (ROOT / project["readme"]).is_file()
    assert "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"])
def test_links_of_the_projects_files_lead_somewhere(page: str) -> None:
    text = re.sub(r"```.*?```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / target).exists(), target


def test_anchors_of_the_pages_exist() -> None:
    pages = {
        path.resolve(): path.read_text(encoding="utf-8") for path in [*DOCS.glob("*.md"), ROOT / "benchmarks/README.md"]
    }
    for path, text in pages.items():
        for file, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", text):
            target = (path.parent / file).resolve() if file else path
            heads = re.findall(r"^#+ (.*)$", pages[target], re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}, (
                path.name,
                anchor,
            )
