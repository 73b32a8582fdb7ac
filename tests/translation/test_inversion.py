"""Light and dark swapped: noticed when it lasts, early on; then all begin again, in the same way every time."""

from __future__ import annotations

import io
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from playing import played
from torch import Tensor, nn
from translating import BATCH, a_game, a_step, bytes_of, pools, uniform

from sparring.core.game import Event
from sparring.core.monitor import Monitor
from sparring.core.precision import choose
from sparring.core.processes import Process
from sparring.core.run import create
from sparring.core.status import Status
from sparring.core.trainer import Trainer
from sparring.modalities import RECIPES
from sparring.translation.drawn import draw
from sparring.translation.inversion import (
    EARLY,
    LASTING,
    MOST,
    SWAPPED,
    Inversion,
    luminance_correlation,
    thinned,
    upright,
)

SWAP, FINE = {"luminance/a2b": SWAPPED - 0.1, "luminance/b2a": 0.4}, {"luminance/a2b": 0.2, "luminance/b2a": 0.4}


def correlation(one: Tensor, other: Tensor) -> float:
    pairs = zip(one[:, :3].mean(1).flatten(1).numpy(), other[:, :3].mean(1).flatten(1).numpy(), strict=True)
    return float(np.mean([np.corrcoef(*pair)[0, 1] for pair in pairs]))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_correlation_is_that_of_each_pair_of_pictures(channels: int) -> None:
    one, noise = uniform(5, channels, 16, 24), uniform(5, channels, 16, 24, seed=2)
    for other in (one, -one, noise, 0.5 * one + 0.3 * noise, 0.1 * noise - one):
        assert luminance_correlation(one, other).item() == pytest.approx(correlation(one, other), abs=0.005)
    assert luminance_correlation(one, 0.3 * one + 0.2).item() == pytest.approx(1, abs=0.005)
    assert luminance_correlation(one, -one).item() == pytest.approx(-1, abs=0.005)


def test_correlation_knows_no_colours_and_no_transparency() -> None:
    one = uniform(2, 4, 8, 8)
    other = one[:, [2, 0, 1, 3]].clone()
    other[:, 3] = -one[:, 3]
    assert luminance_correlation(one, other).item() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("constant", [0.0, -1.0, 0.7])
def test_constant_pictures_correlate_with_nothing(constant: float) -> None:
    plain = torch.full((3, 3, 8, 8), constant)
    for other in (plain, uniform(3, 3, 8, 8)):
        for pair in ((plain, other), (other, plain)):
            assert luminance_correlation(*pair).item() == pytest.approx(0, abs=1e-3)


# Whether light should stay light


def test_a_domain_is_upright_to_itself_and_not_to_its_negative() -> None:
    dark = (bytes_of(8).float() ** 2 / 255).byte()
    assert upright(dark, dark)
    assert not upright(dark, 255 - dark)
    assert upright(255 - dark, 255 - dark)
    assert upright(bytes_of(8), bytes_of(8, seed=5))


def test_light_strokes_are_upright_to_light_strokes_and_not_to_dark_ones() -> None:
    ink, neon = (source.batch(np.arange(200))["images"] for source in draw(RECIPES["ink-neon"]))
    assert upright(ink, neon)
    assert not upright(255 - ink, neon)
    assert not upright(neon, 255 - ink)
    assert upright(ink[:100], ink[100:])
    assert upright(neon[:100], neon[100:])


def test_domains_of_different_counts_and_brightness_are_compared_by_their_levels() -> None:
    """One-dimensional: the distance of sorted values, computed for the same number of pixels."""
    for power, other_power in itertools.product((0.3, 0.8, 1.5, 3.0), repeat=2):
        a, b = (torch.rand(6, 3, 8, 8, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
        a, b = (255 * a**power).byte(), (255 * b**other_power).byte()
        one, other = (np.sort(each.float().mean(1).flatten().numpy()) for each in (a, b))
        straight, swapped = (np.abs(each - other).mean() for each in (one, np.sort(255 - one)))
        if abs(straight - swapped) > 2:
            assert upright(a, b) == (straight <= swapped)
            assert upright(a, torch.cat([b, b, b])) == (straight <= swapped)


def test_more_values_than_a_quantile_takes_are_thinned_evenly() -> None:
    values = torch.arange(20_000_000, dtype=torch.float32)
    some = thinned(values)
    assert 500_000 <= len(some) <= 1_000_000
    assert len(some.diff().unique()) == 1
    assert torch.equal(thinned(values[:100]), values[:100])


# The watch


def looks(watch: Inversion, *reports: dict[str, float], examples: int = 64) -> list[str]:
    return [watch.noticed(report, examples) for report in reports]


def test_a_swap_is_noticed_when_it_has_lasted() -> None:
    assert looks(Inversion(True), *[SWAP] * LASTING) == [""] * (LASTING - 1) + ["a2b"]
    assert looks(Inversion(True), *[{"luminance/b2a": -0.9, "luminance/a2b": -0.5}] * LASTING)[-1] == "b2a"


def test_a_swap_that_goes_away_by_itself_counts_from_the_beginning() -> None:
    almost = [SWAP] * (LASTING - 1)
    assert not any(looks(Inversion(True), *almost, FINE, *almost, FINE))
    assert looks(Inversion(True), *almost, FINE, *almost, SWAP)[-1] == "a2b"


@pytest.mark.parametrize(("value", "noticed"), [(SWAPPED - 1e-3, True), (SWAPPED, False), (0.0, False), (1.0, False)])
def test_the_bound(value: float, noticed: bool) -> None:
    assert any(looks(Inversion(True), *[{"luminance/a2b": value, "losses/generator": -9.0}] * 9)) == noticed


def test_where_a_swap_is_right_or_nothing_is_told_nothing_is_noticed() -> None:
    assert not any(looks(Inversion(False), *[SWAP] * 50))
    assert not any(looks(Inversion(True), *[{"losses/generator": -1.0}] * 50))


def test_it_watches_the_beginning_only_and_each_new_one_again() -> None:
    late = Inversion(True)
    assert looks(late, FINE, *[SWAP] * 9, examples=EARLY // 2)[:2] == ["", ""]
    late = Inversion(True)
    assert not any(looks(late, *[SWAP] * (LASTING - 1), examples=EARLY // LASTING))
    assert looks(late, SWAP, examples=EARLY - EARLY // LASTING * (LASTING - 1)) == ["a2b"]  # just in time
    assert not any(looks(Inversion(True), *[SWAP] * 99, examples=EARLY // LASTING + 1))
    assert looks(late, *[SWAP] * LASTING, examples=64)[-1] == "a2b"


def test_it_gives_up_after_some_new_beginnings() -> None:
    watch = Inversion(True)
    assert sum(map(bool, looks(watch, *[SWAP] * LASTING * (MOST + 5)))) == MOST


@pytest.mark.parametrize("stopped", [1, 3, 5, 14])
def test_a_watch_that_goes_on_remembers_everything(stopped: int) -> None:
    reports = [SWAP, SWAP, FINE, *[SWAP] * 20]
    whole, first, second = (Inversion(True) for _ in range(3))
    expected = looks(whole, *reports)
    looks(first, *reports[:stopped])
    second.load({name: float(value) for name, value in first.state().items()})
    assert looks(second, *reports[stopped:]) == expected[stopped:]
    assert second.state() == whole.state()


# New beginnings


def weights(game: Any) -> dict[str, Tensor]:
    return {
        f"{player}/{name}": weight.detach().clone()
        for player, its in game.players.items()
        for name, weight in its.network.named_parameters()
    }


def begun_again(game: Any) -> Event | None:
    event: Event | None = [game.observe(SWAP, BATCH) for _ in range(LASTING)][-1]
    return event


@pytest.mark.parametrize("name", ["cyclegan", "cut"])
def test_a_game_begins_again_with_other_weights_and_forgets_nothing_else(name: str) -> None:
    game = a_game(name, pool=2 * BATCH, skip=True)
    for number in range(3):
        [*played(game, a_step(number * BATCH))]
    before, kept = weights(game), {name: rows.clone() for name, rows in pools(game).items()}
    parameters = [weight for player in game.players.values() for weight in player.network.parameters()]
    event = begun_again(game)
    assert event is not None
    assert event.restarted
    assert event.message.startswith("a2b swapped light and dark")
    after = weights(game)
    assert before.keys() == after.keys()
    assert all(not torch.equal(before[key], after[key]) for key in before if "bias" not in key)
    now = [weight for player in game.players.values() for weight in player.network.parameters()]
    assert all(one is other for one, other in zip(parameters, now, strict=True))  # which the optimisers move
    assert pools(game).keys() == kept.keys()
    assert all(torch.equal(pools(game)[key], kept[key]) for key in kept)
    assert {key: value for key, value in game.state().items() if key not in kept} == {
        "looks": 0,
        "seen": 0,
        "restarts": 1,
    }
    [*played(game, a_step(3 * BATCH))]
    assert all(not torch.equal(after[key], value) for key, value in weights(game).items() if "layers.0.weight" in key)


def test_each_new_beginning_is_another_one_the_same_in_every_process() -> None:
    games, histories = [a_game(), a_game()], ([], [])
    for game, history in zip(games, histories, strict=True):
        for number in range(MOST):
            torch.manual_seed(17 * number + id(game) % 100)  # whatever was drawn meanwhile
            assert begun_again(game)
            history.append(weights(game))
        assert not begun_again(game)
    for one, other in zip(*histories, strict=True):
        assert all(torch.equal(one[key], other[key]) for key in one)
    firsts = [history["generator/a2b.begin.0.weight"] for history in histories[0]]
    assert not any(torch.equal(one, other) for one, other in itertools.combinations(firsts, 2))
    other = a_game(seed=1)
    begun_again(other)
    assert not torch.equal(weights(other)["generator/a2b.begin.0.weight"], firsts[0])


@pytest.mark.parametrize("looks", range(LASTING))
def test_a_measurement_does_not_disturb_the_watch(looks: int) -> None:
    """It comes with no examples and tells nothing of luminance, and neither counts nor begins the count anew."""
    game, measured = a_game(), {"metrics/frechet": -1.0, "metrics/diversity": 0.5}
    for _ in range(looks):
        assert game.observe(SWAP, BATCH) is None
    before = game.state()
    assert before == {"looks": looks, "seen": looks * BATCH, "restarts": 0}
    assert game.observe(measured, 0) is None
    assert game.state() == before
    events = [game.observe(SWAP, BATCH) for _ in range(LASTING - looks)]
    assert events[-1] is not None
    assert events[:-1] == [None] * (LASTING - looks - 1)


def test_nobody_begins_again_where_it_is_not_asked_for() -> None:
    game = a_game(inversion="allow")
    before = weights(game)
    assert not begun_again(game)
    assert all(torch.equal(before[key], value) for key, value in weights(game).items())


def test_a_discriminator_under_spectral_norm_begins_again_too() -> None:
    game = a_game(spectral_norm=True)
    before = weights(game)
    assert begun_again(game)
    assert not all(torch.equal(before[key], value) for key, value in weights(game).items())


def test_a_trainers_averages_and_moments_are_of_the_new_weights(tmp_path: Path) -> None:
    game, screen = a_game(steps=1), io.StringIO()
    recipe = RECIPES["cyclegan"].changed({"batch": BATCH, "average_half_life": 1000})
    run, precision = create(tmp_path / "run", recipe), choose("float32", torch.device("cpu"), [])
    monitor = Monitor(
        run,
        recipe,
        measurements=None,
        preview=lambda *_: run.samples / "none.png",
        publish=lambda *_: None,
        report=lambda live: None,
        precision=precision,
        process=Process(),
        status=Status(stream=screen),
    )
    trainer = Trainer(
        game,
        recipe,
        run,
        feed=lambda seen: itertools.repeat({"a": bytes_of(BATCH), "b": bytes_of(BATCH, seed=1)}),
        monitor=monitor,
        precision=precision,
        process=Process(),
    )
    batches = trainer.feed(0)
    for _ in range(3):
        trainer.step(batches)
    generator, average = game.players["generator"].network, trainer.averages.networks["generator"]
    assert not same_weights(generator, average)
    assert all(player.optimizer.state for player in game.players.values())
    monitor.best.improved_by(3.0, 12)
    trainer.react(begun_again(game))
    assert same_weights(generator, average)
    assert not any(player.optimizer.state for player in game.players.values())
    assert monitor.best.distance == float("inf")
    assert (trainer.progress.step, trainer.progress.examples) == (3, 3 * BATCH)
    assert "a2b swapped light and dark" in screen.getvalue()
    trainer.step(batches)
    assert not same_weights(generator, average)


def same_weights(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return all(torch.equal(weight, its) for weight, its in pairs)
