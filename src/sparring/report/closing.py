"""What a person reads where training begins, and the commands that are next where it ends."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from sparring.core.terminal import shortened
from sparring.data.source import Source, remarks_of
from sparring.report.ending import parameters

NAMED = 5  # bad files that are named
PATH, LINE = 120, 240  # characters of a path and of a line on the screen


class Command(NamedTuple):
    """What is typed after ``sparring``, with ``{run}`` in place of a run folder, and what it does."""

    command: str
    does: str


DOES = {
    "sample": "make samples", "translate": "translate files or folders of yours",
    "evaluate": "say how good it is, with errors and a page of figures",
    "calibrate": "find probabilities: is an example real, is it odd",
}  # fmt: skip
"""What the verbs that use a model do, in a few words."""
LONGER = Command("resume {run} --more 10m", "train on for ten minutes")
GO_ON = Command("resume {run}", "go on with training where it stopped")


def opening(name: str, source: Source, players: Mapping[str, int], precision: str) -> Iterator[str]:
    """The lines that tell what is trained by the recipe ``name``, on what, and what is odd about these data;
    ``players`` are numbers of weights."""
    yield (
        f"{name}: {len(source):,} examples from {shortened(source.name, PATH)}, "
        f"{shortened(source.form.described(), PATH)}"
    )
    for line in remarks_of(source):
        yield shortened(line, LINE)
    for bad in source.bad_files[:NAMED]:
        yield f"skipped {shortened(bad.path, PATH)}: {shortened(bad.reason)}"
    if len(source.bad_files) > NAMED:
        yield f"skipped {len(source.bad_files) - NAMED} more bad files; 'sparring data check' names them all"
    yield f"{parameters(players)} parameters; {precision}"


def next_commands(folder: Path, use: str, *, finished: bool, remark: Command) -> Iterator[str]:
    """Three commands that come next, each in a line of its own that can be copied, below a line on what it does. Where
    a modality's ``remark`` is not empty, it knows better how to go on; ``use`` is the command that uses the model."""
    run, longer = quoted_path(folder), LONGER if finished else GO_ON
    others = (use, "evaluate {run}") if not use.startswith("evaluate") else (use, "calibrate {run}")
    uses = [Command(command, DOES[command.split()[0]]) for command in others]
    for each in (remark if remark.command else longer, *uses):
        yield f"{each.does}:"
        yield f"  sparring {each.command.format(run=run)}"


def quoted_path(path: Path | str) -> str:
    """A path as a shell reads it."""
    return shlex.quote(str(path))
