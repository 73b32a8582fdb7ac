"""Changes of the code do not change the weights that any recipe has after 20 steps."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from table import SMALLEST
from weights import ARITHMETIC, LIST, MORE, machine


@pytest.mark.slow
def test_every_recipe_has_the_weights_that_it_had() -> None:
    known = json.loads(LIST.read_text())
    if machine() not in known:
        pytest.skip(f"hashes are known of {', '.join(known)}, this is {machine()}; see weights.py")
    command = [sys.executable, str(Path(__file__).with_name("weights.py"))]
    done = subprocess.run(command, env={**os.environ, **ARITHMETIC}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout)[machine()] == known[machine()]


def test_every_recipe_is_in_every_list() -> None:
    for hashes in json.loads(LIST.read_text()).values():
        assert set(hashes) == {*SMALLEST, *MORE}
