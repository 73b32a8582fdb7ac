"""The order of examples: every epoch whole, any position reachable at once."""

import numpy as np
import pytest

from sparring.core.errors import UserError
from sparring.data.order import Order, split

MEMBERS = np.array([3, 5, 8, 13, 21, 34, 55])


def test_each_epoch_shows_every_member_once_in_an_order_of_its_own():
    order = Order(MEMBERS, seed=1)
    epochs = [order.indices(epoch * 7, 7).tolist() for epoch in range(20)]
    assert all(sorted(epoch) == MEMBERS.tolist() for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 15


@pytest.mark.parametrize("start", [0, 3, 6, 7, 100, 10**12])
def test_a_stretch_is_what_single_steps_would_have_given(start):
    stepped = [Order(MEMBERS, seed=2).indices(position, 1).item() for position in range(start, start + 30)]
    assert Order(MEMBERS, seed=2).indices(start, 30).tolist() == stepped


def test_seeds_differ_and_asking_back_changes_nothing():
    order = Order(np.arange(100), seed=3)
    first = order.indices(0, 100)
    assert not np.array_equal(first, Order(np.arange(100), seed=4).indices(0, 100))
    order.indices(10_000, 50)
    assert np.array_equal(order.indices(0, 100), first)
    assert first.dtype == np.int64
    assert order.indices(5, 0).shape == (0,)


def test_split_is_disjoint_complete_and_fixed():
    training, held_out = split(1000, seed=7, held_out=100)
    assert len(held_out) == 100
    assert np.array_equal(np.sort(np.concatenate([training, held_out])), np.arange(1000))
    assert np.array_equal(split(1000, seed=7, held_out=100)[1], held_out)
    assert not np.array_equal(split(1000, seed=8, held_out=100)[1], held_out)
    assert not np.array_equal(np.sort(Order(np.arange(1000), seed=7).indices(0, 100)), held_out)


def test_split_leaves_something_to_train_on():
    assert len(split(10, seed=0, held_out=0)[0]) == 10
    with pytest.raises(UserError, match="hold out fewer"):
        split(10, seed=0, held_out=10)
