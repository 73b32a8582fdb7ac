"""What is told to be installed can be installed as it is written."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from sparring.core import install

ROOT = Path(__file__).parents[2]
EXTRAS = {
    "audio": install.SOUNDFILE,
    "log": install.TENSORBOARD,
    "onnx": install.ONNX,
    "pretrained": install.PRETRAINED,
    "text": install.TOKENIZERS,
    "video": install.PYAV,
}
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "src").rglob("*.py"))]


@pytest.mark.parametrize("extra", EXTRAS)
def test_a_line_installs_the_packages_of_its_extra(extra: str) -> None:
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"][extra]
    assert EXTRAS[extra].removeprefix("pip install ").split() == [each.split(">=")[0] for each in needed]


def test_no_page_and_no_message_names_a_package_that_is_on_no_index() -> None:
    named = re.compile(r"pip install[^`\n]*\bsparring\b|\bsparring\[")
    assert [str(page) for page in PAGES if named.search(page.read_text(encoding="utf-8"))] == []
