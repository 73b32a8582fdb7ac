"""The command has torch's threads sleep while they wait, where nobody said otherwise."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

AS_THE_COMMAND = (
    "import sys; from sparring.cli import main; assert main(['recipes']) == 0; assert 'torch' not in sys.modules; "
    "import torch"
)


def shown(program: str, **environment: str) -> list[str]:
    """What the OpenMP runtime that torch brings says of how its threads wait, when it is loaded."""
    clean = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**clean, "OMP_DISPLAY_ENV": "true", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return [line.split("'")[1] for line in done.stderr.splitlines() if "OMP_WAIT_POLICY" in line]


@pytest.mark.skipif(not shown("import torch"), reason="this OpenMP does not say how it waits")
def test_threads_sleep_unless_somebody_said_otherwise() -> None:
    assert set(shown(AS_THE_COMMAND)) == {"PASSIVE"}
    assert set(shown(AS_THE_COMMAND, OMP_WAIT_POLICY="active")) == {"ACTIVE"}


def test_nothing_is_set_by_an_import() -> None:
    program = "import os, sparring.cli, sparring.verbs.train; print(os.environ.get('OMP_WAIT_POLICY'))"
    clean = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    assert subprocess.check_output([sys.executable, "-c", program], env=clean, text=True, timeout=60) == "None\n"
