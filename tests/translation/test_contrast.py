"""CUT: which patches are told apart, how, and whom it teaches."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from playing import played
from torch import Tensor
from translating import BATCH, a_game, a_step, noise, uniform

from sparring.translation.contrast import at, patch_contrast


def by_hand(asked: Tensor, given: Tensor, temperature: float) -> float:
    """InfoNCE over the patches of each picture, in loops."""
    losses = []
    for ask, give in zip(asked.tolist(), given.tolist(), strict=True):
        for right, one in enumerate(ask):
            alike = []
            for other in give:
                scale = max(math.hypot(*one), 1e-12) * max(math.hypot(*other), 1e-12)
                alike.append(sum(x * y for x, y in zip(one, other, strict=True)) / scale / temperature)
            losses.append(math.log(sum(math.exp(value - alike[right]) for value in alike)))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("temperature", [0.07, 1.0])
@pytest.mark.parametrize("shape", [(3, 5, 4), (1, 2, 7), (2, 1, 3)])
def test_the_contrast_is_a_search_among_the_patches_of_one_picture(temperature: float, shape: Any) -> None:
    asked, given = 3 * noise(*shape), noise(*shape, seed=2)
    assert patch_contrast(asked, given, temperature).item() == pytest.approx(
        by_hand(asked, given, temperature), rel=1e-4, abs=1e-6
    )


def test_of_identical_patches_none_can_be_told() -> None:
    same = noise(2, 1, 8).expand(2, 37, 8)
    assert patch_contrast(same, same, 0.07).item() == pytest.approx(math.log(37), rel=1e-5)


def test_orthogonal_patches_are_all_found_and_swapped_ones_are_all_missed() -> None:
    apart = torch.eye(6)[None] * torch.arange(1, 7)[None, :, None]
    assert patch_contrast(apart, apart, 0.05).item() == pytest.approx(0, abs=1e-6)
    assert patch_contrast(apart, apart.roll(1, 1), 0.05).item() == pytest.approx(1 / 0.05, rel=1e-3)


def test_patches_are_compared_by_direction_in_float32() -> None:
    asked, given = noise(2, 5, 4), noise(2, 5, 4, seed=2)
    loss = patch_contrast(asked, given, 0.5)
    torch.testing.assert_close(patch_contrast(7 * asked, 0.01 * given, 0.5), loss)
    assert patch_contrast(asked.bfloat16(), given.bfloat16(), 0.5).dtype == torch.float32


def test_zero_features_give_a_finite_slope() -> None:
    asked = torch.zeros(1, 3, 4, requires_grad=True)
    patch_contrast(asked, noise(1, 3, 4), 0.07).backward()
    assert asked.grad is not None
    assert asked.grad.isfinite().all()


def test_at_gathers_features_of_places_counted_along_rows() -> None:
    features = torch.arange(2 * 3 * 4 * 5).view(2, 3, 4, 5)
    places = torch.tensor([[0, 7, 19], [4, 5, 11]])
    found = at(features, places)
    assert found.shape == (2, 3, 3)
    for picture in range(2):
        for number, place in enumerate(places[picture].tolist()):
            assert found[picture, number].tolist() == features[picture, :, place // 5, place % 5].tolist()


@pytest.mark.parametrize(("patches", "found"), [(10, 10), (4096, 6 * 8)])
def test_places_are_all_different_each_picture_its_own(patches: int, found: int) -> None:
    game = a_game("cut", contrast_patches=patches)
    places = game.positions(noise(BATCH, 2, 6, 8), a_step())
    assert places.shape == (BATCH, found)
    assert all(len(set(row.tolist())) == found for row in places)
    assert len({tuple(row.tolist()) for row in places}) == BATCH
    assert places.min() >= 0
    assert places.max() < 48


def test_all_places_are_looked_at_equally_often() -> None:
    game = a_game("cut", contrast_patches=4)
    places = torch.cat(
        [game.positions(noise(256, 1, 4, 4), a_step(256 * number, 256)).flatten() for number in range(10)]
    )
    counts = places.bincount(minlength=16).float()
    assert counts.mean().item() == 256 * 10 * 4 / 16
    assert (counts - counts.mean()).abs().max() < 4.5 * counts.mean().sqrt()


def test_the_whole_contrast_by_hand() -> None:
    """The mean over depths, each with places of its own."""
    game, originals, made = (
        a_game("cut", contrast_patches=7),
        uniform(BATCH, 3, 16, 16),
        uniform(BATCH, 3, 16, 16, seed=2),
    )
    loss, step = game.contrast(originals, made, a_step()), a_step()
    losses = []
    with torch.no_grad():
        features = [game.translator("a2b").features(pictures) for pictures in (made, originals)]
        for depth, pair in enumerate(zip(*features, strict=True)):
            places = game.positions(pair[0], step)
            asked, given = (game.translators["projector"](depth, at(each, places)) for each in pair)
            losses.append(by_hand(asked, given, 0.07))
    assert len(losses) == 5
    assert loss.item() == pytest.approx(sum(losses) / 5, rel=1e-4)


def test_only_what_is_made_is_taught() -> None:
    """The slope is that of originals whose features are constants: neither they nor the networks learn through them."""
    game, patches = a_game("cut", contrast_patches=9), 9
    originals = uniform(BATCH, 3, 16, 16).requires_grad_()
    made = uniform(BATCH, 3, 16, 16, seed=2).requires_grad_()
    network = game.players["generator"].network
    game.contrast(originals, made, a_step()).backward()
    assert originals.grad is None
    assert made.grad.abs().amax((1, 2, 3)).min() > 0
    slopes = {name: weight.grad.clone() for name, weight in network.named_parameters() if weight.grad is not None}
    assert {name.split(".")[0] for name in slopes} == {"a2b", "projector"}

    step, losses, projector = a_step(), [], game.translators["projector"]
    with torch.no_grad():
        constants = game.translator("a2b").features(originals)
        places = [game.positions(each, step) for each in constants]
        constants = [projector(depth, at(each, places[depth])) for depth, each in enumerate(constants)]
    for depth, each in enumerate(game.translator("a2b").features(made.detach())):
        losses.append(patch_contrast(projector(depth, at(each, places[depth])), constants[depth], 0.07))
    assert places[0].shape[1] == patches
    network.zero_grad()
    torch.stack(losses).mean().backward()
    again = {name: weight.grad for name, weight in network.named_parameters() if weight.grad is not None}
    torch.testing.assert_close(slopes, again)


@pytest.mark.parametrize("name", ["cut", "fastcut"])
@pytest.mark.parametrize("objective", ["least-squares", "relativistic"])
def test_no_gradient_reaches_whoever_does_not_move(name: str, objective: str) -> None:
    game = a_game(name, objective=objective, identity=1, motion=1, r1=1, pool=8)
    movers = []
    for number in range(4):
        for turn in played(game, a_step(number * BATCH)):
            movers.append(turn.mover)
            for player, its in game.players.items():
                received = {weight.grad is not None for weight in its.network.parameters()}
                assert received == {player == turn.mover}
    assert movers == ["discriminator", "generator"] * 4


def test_the_loss_is_the_sum_of_its_weighted_parts() -> None:
    game, step = a_game("cut", contrast=3, identity=2, motion=5), a_step()
    game.adversarial_losses["b"].generator_loss = lambda *_: torch.tensor(0.25)
    domains = {"a": uniform(BATCH, 3, 16, 16), "b": uniform(BATCH, 3, 16, 16, seed=2)}
    loss = game.translators_loss(step, domains, game.translate(domains, step))
    told = {name: value.item() for name, value in step.report.items()}
    assert {*told} == {"contrast/a2b", "contrast/b", "identity/b", "motion/a2b"}
    expected = (
        0.25 + 3 * (told["contrast/a2b"] + told["contrast/b"]) / 2 + 2 * told["identity/b"] + 5 * told["motion/a2b"]
    )
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    assert told["identity/b"] == pytest.approx(
        (game.translator("a2b")(domains["b"]) - domains["b"]).abs().mean().item(), rel=1e-5
    )


def test_flipped_pictures_are_translated_mirrored_and_mirrored_back() -> None:
    game, batch = a_game("fastcut"), 64
    pictures = uniform(batch, 3, 16, 16)
    with torch.no_grad():
        made = game.translate({"a": pictures}, a_step(batch=batch))["b"]
        plain, mirrored = game.translator("a2b")(pictures), game.translator("a2b")(pictures.flip(3)).flip(3)
    near = [(made - each).abs().amax((1, 2, 3)) < 1e-5 for each in (plain, mirrored)]
    assert (near[0] ^ near[1]).all()
    assert 16 < near[1].sum() < 48
