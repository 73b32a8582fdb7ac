"""Which real examples a calibration is made from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from table import smallest

from sparring.data.order import evenly, split
from sparring.modalities import load
from sparring.model import Model
from sparring.probability import known
from sparring.probability.known import digests, never_seen, trained_on
from sparring.verbs.train import train

COUNT, HELD_OUT = 40, 4


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Of 40 pictures, 4 of them held out."""
    place = tmp_path_factory.mktemp("known")
    return load(train(smallest("digits", place, steps=1, held_out=HELD_OUT), out=place / "run").run, "cpu")


def silent(line: str) -> None:
    pass


def test_what_was_trained_on_and_what_was_not(model: Model) -> None:
    training = trained_on(model)
    unseen = never_seen(model, (), training, training.examples(model), silent)
    expected = split(COUNT, model.recipe.seed, HELD_OUT)
    np.testing.assert_array_equal(training.indices, expected[0])
    np.testing.assert_array_equal(unseen.indices, expected[1])
    assert training.examples(model).shape == (COUNT - HELD_OUT, 1, 8, 8)
    assert not set(digests(training.examples(model))) & set(digests(unseen.examples(model)))
    assert unseen.labels().tolist() == [index % 4 for index in expected[1].tolist()]
    assert unseen.names() == [f"{unseen.source.name} {index}" for index in expected[1].tolist()]


def test_many_are_looked_at_in_part(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "MOST", 10)
    indices = trained_on(model).indices
    assert len(indices) == 10
    assert set(indices.tolist()) < set(split(COUNT, model.recipe.seed, HELD_OUT)[0].tolist())


@pytest.mark.parametrize(("count", "most"), [(0, 5), (1, 5), (5, 5), (7, 5), (1000, 7), (12, 11)])
def test_evenly_over_all(count: int, most: int) -> None:
    chosen = evenly(np.arange(100, 100 + count), most)
    assert len(chosen) == min(count, most)
    assert (np.diff(chosen) >= count // most if count >= most else np.diff(chosen) == 1).all()
    if count:
        assert (chosen[0], chosen[-1]) == (100, 99 + count)


def test_examples_are_told_apart_by_every_byte() -> None:
    examples = torch.zeros(9, 2, 2)
    examples.view(9, -1)[range(4), range(4)] = 1e-30
    assert len(set(digests(examples))) == 5
    in_order = digests(examples)
    assert len(set(in_order[4:])) == 1
    assert digests(examples.transpose(1, 2))[1] == in_order[2]  # as it is read, however it lies in memory
