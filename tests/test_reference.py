"""The reference of the Python API is written without a network, and has every public name with what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import sparring

ROOT = Path(__file__).parent.parent
LOADS = re.compile(r"<(?:script|link|img)[^>]+(?:src|href)=\"(?:https?:)?//")


@pytest.mark.slow
def test_the_reference_is_written(tmp_path: Path) -> None:
    pytest.importorskip("pdoc", reason="pdoc comes with the extra 'docs'")
    subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "docs" / "reference.py"), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        check=True,
        timeout=120,
    )
    page = (tmp_path / "sparring.html").read_text(encoding="utf-8")
    missing = [name for name in sparring.__all__ if f'id="{name}"' not in page]
    assert missing == []
    assert "Train a new run." in page
    assert 'href="sparring/model.html"' in page
    assert "examples per step, over all processes" in page  # a setting, from its declaration
    assert [str(each) for each in tmp_path.rglob("*.html") if LOADS.search(each.read_text(encoding="utf-8"))] == []
