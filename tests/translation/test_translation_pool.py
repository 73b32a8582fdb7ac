"""Past fakes: which come back, that nothing is made up, that processes and interruptions make no difference."""

from __future__ import annotations

import pytest
import torch
from playing import played
from torch import Tensor
from translating import BATCH, a_game, a_step, noise, pools

from sparring.core.game import Step
from sparring.translation.pool import Pool, depth_for

COUNTED = {"looks": 0, "seen": 0, "restarts": 0}  # by a watch for swapped light that has seen nothing


def fakes(number: int, batch: int = 2) -> Tensor:
    """Of step ``number``; each is told by its value."""
    return (number * batch + torch.arange(batch, dtype=torch.float32))[:, None, None, None].expand(batch, 1, 2, 2)


def now(number: int, batch: int = 2, part: slice | None = None) -> Step:
    return a_step(number * batch, batch, part)


def swaps(depth: int, rounds: int, batch: int = 2, part: slice | None = None) -> Tensor:
    """What came back in each step, ``(rounds, batch)``."""
    pool, mine = Pool(depth), part or slice(0, batch)
    shown = [pool.swap(fakes(number, batch)[mine], now(number, batch, part)) for number in range(rounds)]
    assert all((each == each[:, :1, :1, :1]).all() for each in shown)  # whole pictures
    return torch.stack([each[:, 0, 0, 0] for each in shown])


def test_without_depth_everything_passes() -> None:
    pool, given = Pool(0), noise(2, 3, 4, 4)
    assert all(torch.equal(pool.swap(given, now(number)), given) for number in range(5))
    assert pool.kept is None


def test_while_it_fills_what_came_goes_back_then_about_half_are_older() -> None:
    depth, rounds, batch = 5, 600, 4
    shown, new = swaps(depth, rounds, batch), torch.arange(rounds * batch, dtype=torch.float32).view(rounds, batch)
    assert torch.equal(shown[:depth], new[:depth])
    older = (shown < new)[depth:]
    assert abs(older.float().mean().item() - 0.5) < 4 * 0.5 / older.numel() ** 0.5  # four deviations of a coin
    both = (older[:, 0] == older[:, 1]).float().mean().item()
    assert both == pytest.approx(0.5, abs=0.1)  # each picture has a coin of its own


def test_each_picture_that_comes_back_was_shown_in_its_place_before_and_is_given_back_once() -> None:
    depth, batch = 3, 4
    shown = swaps(depth, 400, batch)
    for place in range(batch):
        kept = set(shown[:depth, place].tolist())
        for number, back in enumerate(shown[depth:, place].tolist(), depth):
            new = float(number * batch + place)
            assert back in kept | {new}
            kept = kept if back == new else kept - {back} | {new}
            assert len(kept) == depth
    assert not (set(shown[:, 0].tolist()) & set(shown[:, 1].tolist()))


def test_every_place_of_a_pool_is_chosen_alike() -> None:
    """How long a picture that comes back has waited is geometric: 2 x depth rounds in the mean, from when it came."""
    depth, rounds = 4, 8000
    shown = swaps(depth, rounds, 1)[:, 0]
    age = torch.arange(rounds) - shown
    assert age[1000:][age[1000:] > 0].mean().item() == pytest.approx(2 * depth, rel=0.1)


@pytest.mark.parametrize("depth", [1, 2, 7])
def test_two_processes_do_as_one(depth: int) -> None:
    parts = [swaps(depth, 60, 6, part) for part in (slice(0, 3), slice(3, 6))]
    assert torch.equal(torch.cat(parts, 1), swaps(depth, 60, 6))


def test_what_it_gives_back_is_not_changed_later() -> None:
    pool = Pool(2)
    shown = [pool.swap(fakes(number), now(number)) for number in range(30)]
    copies, again = [each.clone() for each in shown], Pool(2)
    for number, each in enumerate(shown):
        assert torch.equal(again.swap(fakes(number), now(number)), copies[number])
        assert torch.equal(each, copies[number])


@pytest.mark.parametrize("stopped", [1, 2, 3, 9])
def test_a_game_that_goes_on_remembers_its_pools(stopped: int) -> None:
    games = [a_game(pool=3 * BATCH), a_game(pool=3 * BATCH)]

    def seen(game: object, number: int) -> dict[str, Tensor]:
        step = a_step(number * BATCH)
        return {
            name: pool.swap(noise(BATCH, 3, 16, 16, seed=10 * number + place), step)
            for place, (name, pool) in enumerate(game.pools.items())  # type: ignore[attr-defined]
        }

    for number in range(stopped):
        seen(games[0], number)
    saved = {name: rows.clone() for name, rows in pools(games[0]).items()}
    assert {name: rows.shape for name, rows in saved.items()} == {
        f"pool {domain}": (BATCH, 3, 3, 16, 16) for domain in ("a", "b")
    }
    games[1].load_state({**COUNTED, **saved})
    for number in range(stopped, stopped + 12):
        one, other = (seen(game, number) for game in games)
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_game_without_pools_remembers_no_pictures() -> None:
    game = a_game(pool=0)
    assert [turn.mover for turn in played(game, a_step())] == ["discriminator", "generator"]
    assert game.state() == COUNTED
    game.load_state(COUNTED)
    game = a_game(pool=8)
    [*played(game, a_step())]
    assert pools(game).keys() == {"pool a", "pool b"}
    game.load_state(COUNTED)
    assert game.state() == COUNTED


@pytest.mark.parametrize(("pool", "batch", "depth"), [(50, 1, 50), (50, 4, 13), (50, 64, 1), (0, 4, 0), (48, 16, 3)])
def test_all_places_together_remember_about_as_many_as_asked_for(pool: int, batch: int, depth: int) -> None:
    assert depth_for(pool, batch) == depth
