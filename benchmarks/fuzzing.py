"""Playing mutations: files are damaged, a command reads them in a sandbox, and how it ended is judged.

``fuzz.py`` plays thousands of them, ``tests/fuzz`` some.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import fuzz_corpus
from forked import PARTS, Ended, Forked
from fuzz_cases import Case
from mutations import mutated, not_a_file

LONGEST = 2000  # characters of a line on standard error
LIMIT = 10.0  # seconds
MOST = 1024.0  # MiB that a process may hold
NO_FILE = 0.06  # share of mutations that put a pipe, a folder or a link in the file's place
UNSHOWN = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but for ends of lines and tabs, separators, bidirectional marks, and what is no UTF-8."""
WARNING = re.compile(r"\.pyx?:\d+: \w*Warning")


def make_corpus(corpus: Path, runs: Sequence[str] = fuzz_corpus.RUNS, *, evaluated: bool = True) -> None:
    """Make the corpus in a process of its own, so that this one has no threads. Raises SystemExit where that fails."""
    (corpus / "cache").mkdir(parents=True)
    process = os.fork()
    if not process:
        status = 1
        try:
            os.environ["SPARRING_CACHE"] = str(corpus / "cache")
            os.dup2(os.open(corpus.parent / "made.log", os.O_WRONLY | os.O_CREAT), 2)
            fuzz_corpus.make(corpus, runs, evaluated=evaluated)
            status = 0
        finally:
            if status:
                import traceback

                traceback.print_exc()
            os._exit(status)
    if os.waitpid(process, 0)[1]:
        shutil.rmtree(corpus)
        raise SystemExit(f"the files to be damaged could not be made\n{(corpus.parent / 'made.log').read_text()}")


@dataclass(frozen=True)
class Result:
    """What came of one mutation."""

    index: int
    verb: str
    kind: str
    mutation: str
    status: int
    seconds: float
    mib: float
    problems: tuple[str, ...]
    unnamed: bool  # it was refused in a line that names neither the file nor its folder
    last: str  # the last line of standard error


class Mutated:
    """One mutation: ``sandbox`` is made, a copy of the case's files is put in and one of them damaged. A negative
    index is a case whose files stay as they are: -1 is the first."""

    def __init__(self, index: int, seed: int, cases: Sequence[Case], corpus: Path, sandbox: Path) -> None:
        random = Random(f"{seed}/{index}")
        self.index, self.sandbox = index, sandbox
        self.case = cases[-1 - index] if index < 0 else random.choices(cases, [case.weight for case in cases])[0]
        for part in PARTS:
            (sandbox / part).mkdir(parents=True)
        base = corpus / self.case.base
        place = sandbox / "in" / base.name
        if base.is_dir():
            shutil.copytree(base, place)
        else:
            shutil.copy(base, place)
        if self.case.verb == "evaluate":  # what it learned of the real pictures
            shutil.copytree(corpus / "cache", sandbox / "cache", dirs_exist_ok=True)
        self.file = random.choice(sorted(place.glob(self.case.target))) if base.is_dir() else place
        self.name = self._damage(random) if index >= 0 else "nothing"
        places = {"{in}": str(sandbox / "in"), "{out}": str(sandbox / "out"), "{corpus}": str(corpus)}
        self.words = [re.sub(r"{\w+}", lambda match: places[match[0]], word) for word in self.case.words]

    def _damage(self, random: Random) -> str:
        """Damage the file; the name of what was done."""
        if random.random() < NO_FILE:
            return not_a_file(self.file, random)
        name, content = mutated(self.file.read_bytes(), self.file.name, random)
        self.file.write_bytes(content)
        return name


def snapshot(folder: Path) -> dict[str, tuple[Any, ...]]:
    """What is in a folder, by path: kind, size, time of change, and a hash of small files."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = os.path.join(place, name)
            info = os.lstat(path)
            regular = stat.S_ISREG(info.st_mode)
            digest = hashlib.blake2b(Path(path).read_bytes()).digest() if regular and info.st_size < 1 << 20 else b""
            what = (info.st_mode, *((info.st_size, info.st_mtime_ns, digest) if regular else ()))
            found[os.path.relpath(path, folder)] = what
    return found


def problems(
    case: Case, ended: Ended, before: dict[str, Any], after: dict[str, Any], *, harmless: bool = False
) -> Iterator[str]:
    """What is wrong with how a command ended; ``harmless``: nothing was damaged."""
    lines = ended.err.split("\n")
    if ended.hung:
        yield "hung"
    elif ended.status not in (0, 1, 2):
        yield f"status {ended.status}"
    if ended.status == 1 and "diverged" not in ended.err and "not finite" not in ended.err:
        yield "status 1"
    if ended.mib > MOST:
        yield "memory"
    if ended.left:
        yield "left a process"
    if "internal error" in ended.err:
        yield "internal error"
    if "Traceback" in ended.err or "Fatal Python error" in ended.err:
        yield "traceback"
    if any(WARNING.search(line) for line in lines):
        yield "a library's warning"
    if any(len(line) >= LONGEST + 20 for line in lines):
        yield "a long line"
    if UNSHOWN.search(ended.err):
        yield "control characters"
    if ended.status and harmless:
        yield "refused undamaged"
    if ended.status == 2 and sum(line.startswith("sparring: ") for line in lines) != 1:
        yield "not one line"
    for path in sorted(before.keys() | after.keys()):
        if before.get(path) != after.get(path) and not allowed(path, case, path in before):
            yield f"{'changed' if path in before else 'wrote'} {re.sub('[0-9]+', 'N', path)}"


def allowed(path: str, case: Case, was_there: bool) -> bool:
    """Whether a command may write at this path of its sandbox."""
    part = path.partition("/")[0]
    if path.endswith(".part") or "/.tmp" in path:
        return False
    return part in ("out", "stdout", "stderr") or (part == "cache" and not was_there) or (part == "in" and case.writes)


def fuzz(
    indices: Iterable[int], seed: int, cases: Sequence[Case], corpus: Path, at_once: int, limit: float
) -> Iterator[Result]:
    """Play mutations, some at once; their results as they end. One that did not end in time is given three times as
    long, alone: the machine may have been busy."""
    waiting = iter(indices)
    running: list[tuple[Mutated, Forked, dict[str, Any]]] = []
    late: list[int] = []
    while True:
        while len(running) < at_once and (index := next(waiting, None)) is not None:
            running.append(begin(index, seed, cases, corpus, limit))
        if not running:
            break
        for each in list(running):
            ended = each[1].ended()
            if ended is None:
                continue
            running.remove(each)
            if ended.hung:
                late.append(each[0].index)
                shutil.rmtree(each[0].sandbox.parent)
            else:
                yield judged(*each, ended)
        time.sleep(0.003)
    for index in late:
        each = begin(index, seed, cases, corpus, 3 * limit)
        while (ended := each[1].ended()) is None:
            time.sleep(0.01)
        yield judged(*each, ended)


def begin(
    index: int, seed: int, cases: Sequence[Case], corpus: Path, limit: float
) -> tuple[Mutated, Forked, dict[str, Any]]:
    """Start a mutation's command."""
    each = Mutated(index, seed, cases, corpus, Path(tempfile.mkdtemp(prefix=f"fuzz-{index}-")) / "sandbox")
    before = snapshot(each.sandbox)
    return each, Forked(each.words, each.sandbox, limit), before


def judged(each: Mutated, forked: Forked, before: dict[str, Any], ended: Ended) -> Result:
    """The result of a command that ended; its sandbox is removed."""
    found = tuple(problems(each.case, ended, before, snapshot(each.sandbox), harmless=each.index < 0))
    around = [path.name for path in each.sandbox.parent.iterdir()]
    if around != [each.sandbox.name]:
        found += (f"wrote beside the sandbox: {around}",)
    shutil.rmtree(each.sandbox.parent)
    last = (ended.err.strip().split("\n") or [""])[-1].replace(str(each.sandbox), "")
    names = (each.file.name, each.file.parent.name, each.file.stem)
    unnamed = ended.status == 2 and not any(name in last for name in names)
    return Result(each.index, each.case.verb, each.case.kind, each.name, ended.status, round(ended.seconds, 2),
                  round(ended.mib), found, unnamed, last[:300])  # fmt: skip
