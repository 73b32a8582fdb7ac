"""What comes next when training has ended: three commands, right for what was trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparring.report.closing import Command, next_commands

NOTHING = Command("", "")


def commands(use: str, *, finished: bool = True, remark: Command = NOTHING) -> list[str]:
    """The commands, each in a line of its own below a line on what it does."""
    lines = [*next_commands(Path("runs/my run"), use, finished=finished, remark=remark)]
    assert all(line.endswith(":") and not line.startswith(" ") for line in lines[::2])
    assert all(line.startswith("  sparring ") for line in lines[1::2])
    return [line.removeprefix("  sparring ").replace("'runs/my run'", "RUN") for line in lines[1::2]]


@pytest.mark.parametrize(
    ("use", "others"),
    [
        ("sample {run} -n 64", ["sample RUN -n 64", "evaluate RUN"]),
        ("translate {run} INPUT...", ["translate RUN INPUT...", "evaluate RUN"]),
        ("evaluate {run}", ["evaluate RUN", "calibrate RUN"]),
    ],
)
def test_three_commands_come_next(use: str, others: list[str]) -> None:
    assert commands(use) == ["resume RUN --more 10m", *others]
    assert commands(use, finished=False) == ["resume RUN", *others]
    assert commands(use, remark=Command("resume {run} --steps 9", "not yet over"))[0] == "resume RUN --steps 9"
