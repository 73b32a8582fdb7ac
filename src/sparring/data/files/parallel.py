"""Files read by several threads: the libraries that decode them let others run meanwhile."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sparring.core.status import counted
from sparring.data.source import BadContent

THREADS = max(2, min(8, os.cpu_count() or 1))
CHUNK = 32  # files that a thread takes at a time

T = TypeVar("T")


def in_parallel(work: Callable[[Any], T], items: Sequence[Any]) -> Iterator[T | BadContent]:
    """What ``work`` gives for each item, in order, or the :class:`BadContent` that it raises there; a person is told
    how far it is, where that takes long."""

    def take(chunk: Sequence[Any]) -> list[T | BadContent]:
        return [_attempt(work, item) for item in chunk]

    chunks = [items[start : start + CHUNK] for start in range(0, len(items), CHUNK)]
    with ThreadPoolExecutor(THREADS) as pool:
        for results in counted(pool.map(take, chunks), "reading files", len(chunks)):
            yield from results


def _attempt(work: Callable[[Any], T], item: Any) -> T | BadContent:
    try:
        return work(item)
    except BadContent as problem:
        return problem
