"""What several tests stand on: a tiny finished run, how mistakes are answered, the conformance table on the path."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from sparring.core.errors import UserError
from sparring.core.precision import runs_in_bfloat16

sys.path.insert(0, str(Path(__file__).parent / "conformance"))


torch.set_num_threads(1)  # networks as small as those of the tests only spin on more
os.environ["OMP_NUM_THREADS"] = "1"  # the same in the processes that tests start


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test that is marked as running layers in bfloat16 which this CPU cannot run in it."""
    for layer in {layer for mark in item.iter_markers("bfloat16") for layer in mark.args}:
        if not runs_in_bfloat16(layer):
            pytest.skip(f"this CPU cannot run {layer} layers in bfloat16")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is learned or downloaded in tests stays there; a test may still choose a cache of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARRING_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def mistake() -> Callable[..., str]:
    """``mistake(call, *arguments)``: the one line that a mistake of the caller's is answered with."""

    def line_of(call: Callable[..., Any], *arguments: Any, **named: Any) -> str:
        with pytest.raises(UserError) as caught:
            call(*arguments, **named)
        line = str(caught.value)
        assert line
        assert "\n" not in line
        return line

    return line_of


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two steps, conditioned on four labels. Read it, do not write in it."""
    from table import smallest

    from sparring.verbs.train import train

    place = tmp_path_factory.mktemp("finished")
    return train(smallest("digits", place, steps=2), out=place / "run").run
