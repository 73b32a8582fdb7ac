"""Files that were damaged in every way: does each verb answer in one line, in time, in bounds, and write nowhere else?

    python benchmarks/fuzz.py [--quick] [--count 10000] [--seed 0] [--only 1234] [--verb resume] [--kind text]

Every mutation has a number, which decides all of it: ``--only`` plays one again and shows what it answered, with a
traceback. With ``--verb`` and ``--kind`` the numbers count other mutations.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import fuzz_cases
import machine
from forked import warm_up
from fuzz_cases import Case
from fuzzing import LIMIT, Result, begin, fuzz, make_corpus, problems, snapshot

# What a person reads


def table(results: Sequence[Result]) -> list[dict[str, object]]:
    """A row for each verb and kind of file."""
    rows: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in results:
        rows[result.verb, result.kind].append(result)
    return [
        {
            "verb": verb,
            "kind": kind,
            "mutations": len(each),
            "exit 0": sum(result.status == 0 for result in each),
            "exit 2": sum(result.status == 2 for result in each),
            "failures": sum(bool(result.problems) for result in each),
            "unnamed": sum(result.unnamed for result in each),
            "slowest s": max(result.seconds for result in each),
            "most MiB": max(result.mib for result in each),
        }
        for (verb, kind), each in sorted(rows.items())
    ]


def causes(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Failures that are alike, the most frequent first, each with the numbers that play some of them again."""
    alike: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in results:
        if result.problems:
            line = re.sub(r"[0-9]+", "N", re.sub(r"(/[^/ ,:]+)+", "PATH", result.last))
            alike[", ".join(result.problems), line[:140]].append(result)
    return [
        {
            "problem": problem,
            "line": each[0].last,
            "count": len(each),
            "where": Counter(f"{result.verb} {result.kind}" for result in each).most_common(4),
            "again": [result.index for result in each[:6]],
        }
        for (problem, _), each in sorted(alike.items(), key=lambda item: -len(item[1]))
    ]


def play_again(index: int, seed: int, cases: Sequence[Case], corpus: Path) -> int:
    """Play one mutation and print what it answered; its sandbox stays."""
    each, forked, before = begin(index, seed, cases, corpus, 3 * LIMIT)
    while (ended := forked.ended()) is None:
        time.sleep(0.01)
    found = list(problems(each.case, ended, before, snapshot(each.sandbox)))
    print(f"{each.name} of {each.file}\nsparring {' '.join(each.words)}\n{ended.out}\n{ended.err[-6000:]}")
    how = f"status {ended.status}, {ended.seconds:.2f} s, {ended.mib:.0f} MiB"
    print(f"{how}: {', '.join(found) or 'as it should be'}")
    return bool(found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first mutation")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="play this one alone, and keep its folder")
    parser.add_argument("--verb", default="", help="only cases of this verb")
    parser.add_argument("--kind", default="", help="only cases whose kind of file has this in its name")
    parser.add_argument("--at-once", type=int, default=2, help="processes")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds after which a command hangs")
    parser.add_argument(
        "--corpus", type=Path, help="folder of the undamaged files; made where it is not there, and kept"
    )
    parser.add_argument("--all", action="store_true", help="print what every command answered")
    parser.add_argument("--quick", action="store_true", help="100 mutations: does it run")
    options = parser.parse_args()
    options.count = min(options.count, 100) if options.quick else options.count

    facts = machine.facts()
    print(machine.described(facts))
    os.environ.setdefault("SPARRING_TRACEBACK", "1") if options.only is not None else None
    with tempfile.TemporaryDirectory(prefix="corpus-") as temporary:
        corpus = (options.corpus or Path(temporary) / "corpus").resolve()
        warm_up()
        if not corpus.exists():
            make_corpus(corpus)
        cases = fuzz_cases.cases(corpus)
        chosen = [case for case in cases if options.verb in case.verb and options.kind in case.kind]
        if options.only is not None:
            return play_again(options.only, options.seed, chosen, corpus)
        untouched = snapshot(corpus)
        began = time.monotonic()
        indices = [*range(-len(chosen), 0), *range(options.first, options.first + options.count)]
        results = []
        for result in fuzz(indices, options.seed, chosen, corpus, options.at_once, options.limit):
            results.append(result)
            if result.problems or options.all:
                what = f"{result.index}: {result.verb}, {result.kind}, {result.mutation}: {result.status}"
                print(f"{what} {', '.join(result.problems) or '-'} | {result.last}", flush=True)
        seconds = time.monotonic() - began
        if snapshot(corpus) != untouched:
            raise SystemExit("a command changed a file outside its sandbox")
    rows, failures = table(results), causes(results)
    machine.show(rows)
    print(
        f"{len(results):,} mutations in {seconds:.0f} s, {sum(bool(result.problems) for result in results):,} failures"
    )
    settings = {name: str(value) for name, value in vars(options).items()}
    unnamed = [asdict(result) for result in results if result.unnamed][:100]
    machine.write("fuzz", facts, quick=options.quick, seed=options.seed, settings=settings, seconds=seconds,
                  table=rows, failures=failures, unnamed=unnamed)  # fmt: skip
    return bool(failures)


if __name__ == "__main__":
    machine.run(main)
