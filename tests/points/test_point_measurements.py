"""What is measured of a game while it is trained, on points: collapse and overfitting are found, and nothing else is
mistaken for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sparring import measurements as module
from sparring.core.game import Batch, Networks, Output, Step, rows
from sparring.core.health import COLLAPSED, LASTING, OVERFITTED, PATIENCE, Watch
from sparring.core.precision import choose
from sparring.kind import Most
from sparring.measurements import LEAST_HELD_OUT, QuickMeasurements
from sparring.points.data import PointSource
from sparring.points.game import PointGame
from sparring.points.modality import Points
from sparring.points.recipes import PointRecipe

CPU = torch.device("cpu")
FLOAT32 = choose("float32", CPU, [])
DIMENSIONS = 8
HELD_OUT = 128
DISTANCES = {"frechet", "kernel", "sliced"}


class Noise(nn.Module):
    """A perfect generator of standard normal points: the latents themselves, times ``scale``."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(scale))

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.scale * latents + 0.3 * (1 - self.scale)


def points(count: int = 1128, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, DIMENSIONS))


@dataclass
class Table:
    """A game on points, what is measured of it, and networks to be measured."""

    points: np.ndarray = field(default_factory=points)
    held_out: int = HELD_OUT
    seed: int = 0
    scale: float = 1.0

    def __post_init__(self) -> None:
        self.source = PointSource("mine", self.points)
        indices = np.arange(len(self.source))
        self.members, held_out = indices[self.held_out :], indices[: self.held_out]
        torch.manual_seed(0)
        recipe = PointRecipe(latent=DIMENSIONS, width=64, depth=2, generator_depth=1).changed({"r1": 0, "r2": 0})
        self.game = PointGame(recipe, self.source.form)
        self.networks: dict[str, nn.Module] = {
            "generator": Noise(self.scale), "discriminator": self.game.players["discriminator"].network
        }  # fmt: skip
        self.measured = QuickMeasurements(Points(), self.game, self.source, self.members, held_out, self.seed, FLOAT32)
        self.recent = self.source.batch(self.members[:32])

    def health(self) -> dict[str, float]:
        with torch.no_grad():
            return self.measured.health(self.networks, self.recent, HELD_OUT)

    def everything(self) -> dict[str, float]:
        with torch.no_grad():
            return self.measured.everything(self.networks, self.recent)

    def train_discriminator(self, batch: Batch, moves: int) -> None:
        """It alone, on this one batch, against fresh samples."""
        player = self.game.players["discriminator"]
        for move in range(moves):
            step = Step(
                [batch], examples_seen=0, seed=move, global_batch=rows(batch), part=slice(0, rows(batch)), device=CPU
            )
            fake = self.networks["generator"](step.normal(DIMENSIONS)).detach()
            self.game.discriminator_turn(step, batch, fake).loss().backward()
            player.move(2e-3, (0.0, 0.99))
            player.optimizer.zero_grad(set_to_none=True)


def warned(looks: list[Mapping[str, float]]) -> list[set[str]]:
    """The kinds of trouble that are named at each of these looks, which lie far apart."""
    watch = Watch()
    return [set(watch.look(measured, LASTING * number)) for number, measured in enumerate(looks)]


# Trouble


def test_a_perfect_generator_is_as_varied_as_the_data_and_near_them() -> None:
    measured = Table().everything()
    assert measured.keys() == {*DISTANCES, "diversity", "overfitting"}
    assert measured["diversity"] == pytest.approx(1, abs=0.1)
    far = Table(scale=3.0).everything()
    for name in DISTANCES:
        assert measured[name] < 0.3 * far[name], name


@pytest.mark.parametrize("look", ["health", "everything"])
def test_a_generator_that_makes_one_point_is_named_after_three_looks(look: str) -> None:
    table = Table(scale=0.0)
    looks = [getattr(table, look)() for _ in range(PATIENCE + 1)]
    assert looks[0]["diversity"] < 0.01 < COLLAPSED
    assert warned(looks) == [set()] * (PATIENCE - 1) + [{"collapse"}, set()]


def test_a_generator_of_a_few_points_is_named_too() -> None:
    table = Table()
    table.networks["generator"].register_forward_hook(lambda network, inputs, made: made[:8].repeat(32, 1)[: len(made)])
    assert table.health()["diversity"] < 0.01
    assert warned([table.health()] * PATIENCE)[-1] == {"collapse"}


def test_a_discriminator_that_was_trained_alone_on_32_points_is_named_after_three_looks() -> None:
    table = Table()
    table.train_discriminator(table.recent, moves=400)
    looks = [table.everything() for _ in range(PATIENCE + 1)]
    assert looks[0]["overfitting"] > OVERFITTED
    assert warned(looks) == [set()] * (PATIENCE - 1) + [{"overfitting"}, set()]


def test_a_discriminator_that_learned_what_real_points_are_is_not_named() -> None:
    """Samples are three times too far apart: it learned that, of a batch as small, and it holds for others."""
    table = Table(scale=3.0)
    table.train_discriminator(table.recent, moves=100)
    assert table.health()["overfitting"] < 0.3
    assert warned([table.health()] * PATIENCE) == [set()] * PATIENCE


# What does not matter


@pytest.mark.parametrize(("factor", "offset"), [(100.0, 7.0), (1e-3, -5.0), (1.0, 1e3), (-1.0, 0.0)])
def test_units_and_origin_of_the_data_change_nothing_but_the_units_of_distances(factor: float, offset: float) -> None:
    """Mirrored points, too: of the same spacing, they are as varied."""
    plain, moved = Table(scale=0.5), Table(points=factor * points() + offset, scale=0.5)
    if factor < 0:
        moved.networks["generator"].register_forward_hook(lambda network, inputs, made: -made)
    expected, measured = plain.everything(), moved.everything()
    assert measured["diversity"] == pytest.approx(expected["diversity"], rel=1e-3)
    assert measured["sliced"] == pytest.approx(abs(factor) * expected["sliced"], rel=1e-3 if factor > 0 else 0.1)
    if factor > 0:
        assert measured["overfitting"] == pytest.approx(expected["overfitting"], rel=1e-3, abs=1e-3)


def test_the_order_of_the_coordinates_does_not_matter() -> None:
    order = np.random.default_rng(1).permutation(DIMENSIONS)
    plain, reordered = Table(scale=0.5), Table(points=points()[:, order], scale=0.5)
    reordered.networks["generator"].register_forward_hook(lambda network, inputs, made: made[:, torch.tensor(order)])
    expected, measured = plain.everything(), reordered.everything()
    for name in ("diversity", "frechet", "kernel"):
        assert measured[name] == pytest.approx(expected[name], rel=1e-3), name


def test_the_same_samples_are_measured_each_time_and_others_by_another_seed() -> None:
    table = Table()
    first = table.everything()
    torch.manual_seed(99)
    assert table.everything() == first == Table().everything()
    assert Table(seed=1).everything()["frechet"] != first["frechet"]


def test_distances_are_taken_to_what_was_trained_on_and_health_to_what_was_held_out() -> None:
    class Reading(PointSource):
        def batch(self, indices: np.ndarray) -> dict[str, Tensor]:
            read.append(set(indices.tolist()))
            return super().batch(indices)

    read: list[set[int]] = []
    table = Table()
    table.measured.source = Reading("mine", table.points)
    with torch.no_grad():
        for output in table.measured.outputs.values():
            output.distances(table.networks)
    assert set.union(*read) == set(table.members.tolist())
    read.clear()
    table.health()
    assert read == [set(range(HELD_OUT))]


# What cannot be measured


def test_a_discriminator_that_has_not_learned_yet_has_not_overfitted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PointGame, "logits", lambda *_: None)
    measured = Table().everything()
    assert measured.keys() == {*DISTANCES, "diversity"}


@pytest.mark.parametrize(("held_out", "known"), [(0, False), (LEAST_HELD_OUT - 1, False), (LEAST_HELD_OUT, True)])
def test_without_held_out_points_there_are_distances_alone(held_out: int, known: bool) -> None:
    table = Table(held_out=held_out)
    assert table.health().keys() == ({"diversity", "overfitting"} if known else set())
    assert table.everything().keys() == DISTANCES | ({"diversity", "overfitting"} if known else set())


def test_samples_that_are_no_numbers_have_no_distance_and_no_diversity() -> None:
    table = Table(scale=float("nan"))
    assert table.everything() == {"overfitting": 0.0}
    assert table.health() == {"overfitting": 0.0}


def test_of_few_points_only_what_can_be_computed_is_measured() -> None:
    """A kernel distance takes 40 points, the others 20."""
    assert Table(points=points(HELD_OUT + 30)).everything().keys() == {"frechet", "sliced", "diversity", "overfitting"}
    assert Table(points=points(HELD_OUT + 10)).everything().keys() == {"diversity", "overfitting"}


# Several outputs


class Other(Output):
    """Points of another generator, beside the same real ones; without a discriminator where there is nothing."""

    def __init__(self, game: PointGame, factor: float) -> None:
        self.game, self.factor = game, factor

    def real(self, batch: Batch) -> Tensor:
        return self.game.real(batch)

    def generate(self, networks: Networks, conditions: Batch, *, seed: int, **options: Any) -> Tensor:
        return self.factor * self.game.generate(networks, conditions, seed=seed)

    def logits(self, networks: Networks, conditions: Batch, examples: Tensor) -> Tensor | None:
        logits = self.game.logits(networks, conditions, examples)
        return None if logits is None or not self.factor else logits

    def finish(self, generated: Tensor) -> Tensor:
        return self.game.finish(generated)


def test_of_several_outputs_distances_are_means_and_troubles_those_of_the_worst() -> None:
    single = Table()
    expected = single.everything()
    table = Table()
    table.game.outputs = {"good": Other(table.game, 1.0), "bad": Other(table.game, 0.0)}
    measured = table.everything()
    own = {f"{name} {output}" for name in DISTANCES for output in ("good", "bad")}
    assert measured.keys() == {*DISTANCES, *own, "diversity", "overfitting"}
    for name in DISTANCES:
        assert measured[f"{name} good"] == expected[name]
        assert measured[name] == pytest.approx(fmean(measured[f"{name} {output}"] for output in ("good", "bad")))
    assert measured["diversity"] < 0.01
    assert measured["overfitting"] == expected["overfitting"]  # of the only one that has one


# What a modality adds


def test_what_only_a_modality_measures_is_told_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure_game(self: Points, game: PointGame, networks: Networks, held_out: Batch) -> dict[str, float]:
        return {"held out": float(rows(held_out))}

    monkeypatch.setattr(Points, "measure_game", measure_game)
    assert Table().everything()["held out"] == HELD_OUT
    assert "held out" not in Table().health()
    assert "held out" not in Table(held_out=0).everything()


def test_large_sets_are_measured_on_a_part_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Points, "most_compared", lambda kind, form: Most(training=64))
    for name, number in (("AGAIN", 3), ("FITTED", 50), ("CHECKED", 32)):
        monkeypatch.setattr(module, name, number)
    table = Table()
    measured = table.everything()
    (output,) = table.measured.outputs.values()
    assert (len(output.chosen), len(output.real), rows(output.conditions)) == (192, 192, 64)
    assert measured["diversity"] == pytest.approx(1, abs=0.2)
