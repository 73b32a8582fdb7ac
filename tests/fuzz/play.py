"""Plays mutations in a process without threads, which can be forked: a test's own cannot.

python tests/fuzz/play.py COUNT        prints a JSON list of what came of each
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import fuzz_cases
from forked import warm_up
from fuzzing import LIMIT, fuzz, make_corpus, snapshot

RUNS = ("points", "images", "text")  # those that are trained in a moment


def main() -> None:
    """Make the files, damage them, and print how each command ended. Raises AssertionError where a command changed a
    file that it was not given."""
    with tempfile.TemporaryDirectory() as temporary:
        corpus = Path(temporary) / "corpus"
        warm_up()
        make_corpus(corpus, RUNS, evaluated=False)
        cases = [case for case in fuzz_cases.cases(corpus) if case.verb != "evaluate"]
        before = snapshot(corpus)
        results = list(fuzz(range(int(sys.argv[1])), 0, cases, corpus, 2, LIMIT))
        assert snapshot(corpus) == before
    print(json.dumps([asdict(result) for result in results]))


if __name__ == "__main__":
    main()
