"""CycleGAN: what each term of the loss is, who sees what, who is taught by it; and how pictures are shown."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from playing import played
from torch import Tensor
from translating import (
    BATCH,
    SIDE,
    Known,
    SpyDiscriminator,
    a_game,
    a_step,
    build,
    bytes_of,
    noise,
    pools,
    uniform,
)

from sparring.core.errors import UserError
from sparring.core.objectives import OBJECTIVES
from sparring.modalities import RECIPES
from sparring.translation.data import TranslationForm
from sparring.translation.game import PIXELS, Direction, as_numbers, moved, translated
from sparring.translation.samples import strips

FREE = {"cycle": 0, "cycle_noise": 0, "identity": 0}


def knowing(there: Any, back: Any, **settings: Any) -> tuple[Any, dict[str, Known]]:
    """A game whose translators are ``there``, from a to b, and ``back``; its discriminators say nothing."""
    game = a_game(**settings)
    translators = {"a2b": Known(there), "b2a": Known(back)}
    for way, translator in translators.items():
        game.players["generator"].network[way] = translator
    for adversarial_loss in game.adversarial_losses.values():
        adversarial_loss.generator_loss = lambda *_: torch.zeros(())
    return game, translators


def losses(game: Any, seen: int = 0) -> tuple[float, dict[str, float], dict[str, Tensor]]:
    step = a_step(seen)
    domains = {"a": uniform(BATCH, 3, SIDE, SIDE), "b": 0.5 * uniform(BATCH, 3, SIDE, SIDE, seed=2) + 0.3}
    loss = game.translators_loss(step, domains, game.translate(domains, step))
    return loss.item(), {name: value.item() for name, value in step.report.items()}, domains


def same(pictures: Tensor) -> Tensor:
    return pictures


def test_translators_that_change_nothing_lose_nothing() -> None:
    game, _ = knowing(same, same, cycle_noise=0)
    loss, told, _ = losses(game)
    assert loss == 0
    assert told == dict.fromkeys(("cycle/a2b", "cycle/b2a", "identity/a", "identity/b"), 0)


@pytest.mark.parametrize(("cycle", "identity"), [(10, 5), (3, 1), (0, 2)])
def test_negatives_come_home_but_change_what_was_there_already(cycle: float, identity: float) -> None:
    game, _ = knowing(torch.neg, torch.neg, cycle=cycle, identity=identity, cycle_noise=0)
    loss, told, domains = losses(game)
    sizes = {domain: pictures.abs().mean().item() for domain, pictures in domains.items()}
    assert (told["cycle/a2b"], told["cycle/b2a"]) == (0, 0)
    assert told["identity/a"] == pytest.approx(2 * sizes["a"], rel=1e-5)
    assert told["identity/b"] == pytest.approx(2 * sizes["b"], rel=1e-5)
    assert loss == pytest.approx(identity * 2 * sum(sizes.values()), rel=1e-5)


def test_without_an_identity_loss_nothing_is_translated_for_it() -> None:
    game, translators = knowing(torch.neg, torch.neg, identity=0, cycle_noise=0)
    loss, told, domains = losses(game)
    assert loss == 0
    assert told == {"cycle/a2b": 0, "cycle/b2a": 0}
    for way, source, target in (("a2b", "a", "b"), ("b2a", "b", "a")):
        there, back = translators[way].given
        assert torch.equal(there, domains[source])
        assert torch.equal(back, -domains[target])


def test_a_negative_one_way_only_never_comes_home() -> None:
    game, _ = knowing(torch.neg, same, cycle=7, identity=3, cycle_noise=0)
    loss, told, domains = losses(game)
    sizes = {domain: pictures.abs().mean().item() for domain, pictures in domains.items()}
    expected = {"cycle/a2b": 2 * sizes["a"], "cycle/b2a": 2 * sizes["b"], "identity/b": 2 * sizes["b"], "identity/a": 0}
    assert told == pytest.approx(expected, rel=1e-5)
    assert loss == pytest.approx(7 * 2 * (sizes["a"] + sizes["b"]) + 3 * 2 * sizes["b"], rel=1e-5)


def test_steps_that_differ_by_a_constant() -> None:
    """There + 0.25, back - 0.1: 0.15 off both ways; what is of the target domain already is changed by the step."""
    game, _ = knowing(lambda x: x + 0.25, lambda x: x - 0.1, cycle_noise=0)
    _, told, _ = losses(game)
    assert told == pytest.approx(
        {"cycle/a2b": 0.15, "cycle/b2a": 0.15, "identity/b": 0.25, "identity/a": 0.1}, rel=1e-4
    )


def test_noise_enters_before_the_way_back_only() -> None:
    deviation = 0.2
    game, translators = knowing(same, same, cycle_noise=deviation)
    loss, told, domains = losses(game)
    for way, source, target in (("a2b", "a", "b"), ("b2a", "b", "a")):
        first, back = translators[way].given
        assert torch.equal(first, torch.cat([domains[source], domains[target]]))
        added = back - domains[target]  # this translator is the way back of the other one, whose source is our target
        assert added.std().item() == pytest.approx(deviation, rel=0.05)
        assert added.mean().item() == pytest.approx(0, abs=0.02)
    expected = deviation * math.sqrt(2 / math.pi)
    assert [told["cycle/a2b"], told["cycle/b2a"]] == pytest.approx([expected] * 2, rel=0.05)
    assert told["cycle/a2b"] != told["cycle/b2a"]  # drawn anew
    assert (told["identity/a"], told["identity/b"]) == (0, 0)
    assert loss == pytest.approx(10 * (told["cycle/a2b"] + told["cycle/b2a"]), rel=1e-5)


def test_weights_and_noise_follow_their_schedules() -> None:
    schedules = {"cycle": "10:2@1000,linear", "identity": "5:0@1000,linear", "cycle_noise": "0.2:0@1000,linear"}
    game, _ = knowing(lambda x: x + 0.25, lambda x: x - 0.1, **schedules)
    for seen, cycle, identity in ((500, 6, 2.5), (1000, 2, 0), (5000, 2, 0)):
        loss, told, _ = losses(game, seen)
        expected = cycle * (told["cycle/a2b"] + told["cycle/b2a"]) + identity * (0.25 + 0.1)
        assert loss == pytest.approx(expected, rel=1e-4)
        assert (told["cycle/a2b"] == pytest.approx(0.15, rel=1e-4)) == (seen >= 1000)


def test_the_loss_is_eq_3_on_real_networks() -> None:
    game, step = a_game(cycle=3, identity=2, cycle_noise=0, motion=4, objective="least-squares"), a_step()
    domains = {"a": uniform(BATCH, 3, SIDE, SIDE), "b": uniform(BATCH, 3, SIDE, SIDE, seed=2)}
    networks = {name: player.network for name, player in game.players.items()}
    loss = game.translators_loss(step, domains, game.translate(domains, step))
    with torch.no_grad():
        there, back = networks["generator"]["a2b"], networks["generator"]["b2a"]
        judged = [
            networks["discriminator"][domain](made)
            for domain, made in (("b", there(domains["a"])), ("a", back(domains["b"])))
        ]
        expected = sum((logits - 1).square().mean() / 2 for logits in judged)
        home = ((back(there(domains["a"])), domains["a"]), (there(back(domains["b"])), domains["b"]))
        kept = ((there(domains["b"]), domains["b"]), (back(domains["a"]), domains["a"]))
        expected += 3 * sum((one - other).abs().mean() for one, other in home)
        expected += 2 * sum((one - other).abs().mean() for one, other in kept)
        expected += 4 * (step.report["motion/a2b"] + step.report["motion/b2a"])
    assert loss.item() == pytest.approx(expected.item(), rel=1e-4)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize(
    "settings", [{}, {"pool": 0, "r1": 1, "r2": 1, "motion": 1, "frame": True, "mirror": True, "shift": 2}]
)
def test_no_gradient_reaches_whoever_does_not_move(objective: str, settings: dict[str, Any]) -> None:
    game, movers = a_game(objective=objective, **settings), []
    for number in range(2):
        for turn in played(game, a_step(number * BATCH)):
            movers.append(turn.mover)
            for name, player in game.players.items():
                assert {weight.grad is not None for weight in player.network.parameters()} == {name == turn.mover}
    assert movers == ["discriminator", "generator"] * 2


def watched(**settings: Any) -> tuple[Any, dict[str, SpyDiscriminator]]:
    """A game with discriminators that remember what they are shown."""
    game = a_game(objective="least-squares", **settings)
    discriminators = {domain: SpyDiscriminator() for domain in "ab"}
    for domain, discriminator in discriminators.items():
        game.adversarial_losses[domain].discriminator = game.players["discriminator"].network[domain] = discriminator
    return game, discriminators


def test_discriminators_see_detached_translations_in_their_turn_and_live_ones_in_the_other() -> None:
    game, discriminators = watched(pool=0)
    step = a_step()
    domains = {domain: as_numbers(step.batches[0][domain]) for domain in "ab"}
    with torch.no_grad():
        made = game.translate(domains, step)
    for turn in played(game, step):
        for domain, discriminator in discriminators.items():
            if turn.mover == "discriminator":
                real, fake = discriminator.shown
                assert torch.equal(real, domains[domain])
                assert not fake.requires_grad
            else:
                (fake,) = discriminator.shown
                assert fake.requires_grad
            torch.testing.assert_close(fake.detach(), made[domain])
            discriminator.shown.clear()


def test_discriminators_are_shown_the_pool_and_translators_judged_by_what_is_new() -> None:
    game, discriminators = watched(pool=BATCH)  # one for each place
    news, shown = {"a": [], "b": []}, {"a": [], "b": []}
    for number in range(8):
        for turn in played(game, a_step(number * BATCH, seed=number)):
            for domain, discriminator in discriminators.items():
                (shown if turn.mover == "discriminator" else news)[domain].append(discriminator.shown[-1].detach())
                discriminator.shown.clear()
    assert not any(rows.requires_grad for rows in pools(game).values())
    for domain in "ab":
        all_of = torch.stack(news[domain])  # (step, place, ...)
        older = 0
        for number, pictures in enumerate(shown[domain]):
            for place in range(BATCH):
                match = (all_of[: number + 1, place] - pictures[place]).abs().amax((1, 2, 3)) == 0
                assert match.any()
                older += not match[number]
        assert 4 <= older <= 24  # of 28 coins


def test_the_discriminators_loss_is_the_sum_over_both_domains() -> None:
    game, discriminators = watched(pool=0)
    domains, made = (
        {domain: noise(BATCH, 3, SIDE, SIDE, seed=seed + number) for number, domain in enumerate("ab")}
        for seed in (1, 5)
    )
    expected = sum(
        (
            (discriminators[domain](domains[domain]) - 1).square().mean()
            + discriminators[domain](made[domain]).square().mean()
        )
        / 2
        for domain in "ab"
    )
    loss = game.discriminators_loss(step := a_step(), domains, made)
    torch.testing.assert_close(loss, expected)
    assert {*step.report} == {f"accuracy/{side} {domain}" for side in ("real", "fake") for domain in "ab"}


def test_luminance_is_told_for_each_direction() -> None:
    game, _ = knowing(torch.neg, same)
    step = a_step()
    next(game.turns(step))
    assert step.report["luminance/a2b"].item() == pytest.approx(-1, abs=0.01)
    assert (step.report["luminance/b2a"] > -1).all()
    correlation = np.corrcoef(*(as_numbers(step.batches[0]["b"]).mean(1).flatten(1)[0].numpy() for _ in range(2)))[0, 1]
    assert step.report["luminance/b2a"].item() == pytest.approx(correlation, abs=0.01)


# What is shown


@pytest.mark.parametrize(("height", "width", "most"), [(8, 12, 2), (5, 7, 3), (16, 16, 1)])
def test_moved_pictures_are_crops_of_the_reflected_ones_by_every_offset(height: int, width: int, most: int) -> None:
    pictures, count = uniform(1, 2, height, width), 4000
    within = min(most, height - 1, width - 1)
    padded = np.pad(pictures[0].numpy(), ((0, 0), (within, within), (within, within)), mode="reflect")
    crops = {
        (row - within, column - within): padded[:, row : row + height, column : column + width]
        for row in range(2 * within + 1)
        for column in range(2 * within + 1)
    }
    by_content = {crop.tobytes(): offset for offset, crop in crops.items()}
    assert len(by_content) == len(crops)
    made = moved(pictures.expand(count, -1, -1, -1), most, a_step(batch=count))
    assert made.shape == (count, 2, height, width)
    offsets = np.array([by_content[picture.numpy().tobytes()] for picture in made])
    assert {tuple(offset) for offset in offsets} == {*crops}
    side = 2 * within + 1
    deviation = math.sqrt((side**2 - 1) / 12 / count)
    assert np.abs(offsets.mean(0)).max() < 4 * deviation
    counts = np.unique(offsets, axis=0, return_counts=True)[1]
    assert np.abs(counts - count / side**2).max() < 5 * math.sqrt(count / side**2)


def test_pictures_move_by_less_than_their_side() -> None:
    pictures = uniform(1, 1, 3, 5)
    padded = np.pad(pictures[0, 0].numpy(), 2, mode="reflect")
    crops = {padded[row : row + 3, column : column + 5].tobytes() for row in range(5) for column in range(5)}
    made = moved(pictures.expand(1000, -1, -1, -1), 30, a_step(batch=1000))
    assert {picture.numpy().tobytes() for picture in made} == crops


def test_half_are_mirrored_each_domain_and_picture_by_itself() -> None:
    game, batch = a_game(mirror=True), 2000
    pictures, step = uniform(batch, 3, 8, 8), a_step(batch=batch)
    mirrored = []
    for _ in range(2):
        shown = game.augmented(pictures, step)
        flipped, kept = ((shown == each).flatten(1).all(1) for each in (pictures.flip(3), pictures))
        assert (flipped ^ kept).all()
        mirrored.append(flipped.float())
    assert [each.mean().item() for each in mirrored] == pytest.approx([0.5, 0.5], abs=0.045)
    assert (mirrored[0] * mirrored[1]).mean().item() == pytest.approx(0.25, abs=0.04)
    assert torch.equal(a_game(mirror=False).augmented(pictures, step), pictures)


def test_a_step_in_two_parts_is_shown_what_a_whole_one_is() -> None:
    game, pictures = a_game(mirror=True, shift=3), uniform(6, 3, SIDE, SIDE)
    whole = game.augmented(pictures, a_step(batch=6))
    parts = [game.augmented(pictures[part], a_step(batch=6, part=part)) for part in (slice(0, 2), slice(2, 6))]
    assert torch.equal(torch.cat(parts), whole)


# What the game is for


def test_directions_translate_their_source_and_compare_with_their_target() -> None:
    game = a_game()
    networks = {name: player.network for name, player in game.players.items()}
    batch = {"a": bytes_of(3), "b": bytes_of(3, seed=1)}
    assert [*game.outputs] == ["a2b", "b2a"]
    assert [*a_game("cut").outputs] == ["a2b"]
    for name, output in game.outputs.items():
        source, target = (as_numbers(batch[domain]) for domain in (name[0], name[2]))
        made = output.generate(networks, batch, seed=0)
        assert isinstance(output, Direction)
        torch.testing.assert_close(made, networks["generator"][name](source))
        assert not made.requires_grad
        assert torch.equal(output.real(batch), target)
        assert torch.equal(output.finish(made), made)
        expected = networks["discriminator"][name[2]](made).mean(1)
        logits = output.logits(networks, batch, made)
        torch.testing.assert_close(logits, expected)
        assert not logits.requires_grad


def test_strips_show_the_picture_its_translation_and_the_way_back() -> None:
    game, _ = knowing(lambda x: x / 2, lambda x: -x)
    networks = {name: player.network for name, player in game.players.items()}
    batch = {"a": bytes_of(20), "b": bytes_of(20, seed=1)}
    shown = strips(networks, [*game.outputs], batch, 16)
    a, b = (as_numbers(batch[domain][:16]) for domain in "ab")
    expected = torch.cat([torch.cat([a, a / 2, -a / 2], 3), torch.cat([b, -b, -b / 2], 3)])
    torch.testing.assert_close(shown, expected)


def test_many_pictures_are_translated_some_at_a_time() -> None:
    translator = Known(same)
    pictures = torch.zeros(9, 3, 512, 512)
    assert torch.equal(translated(translator, pictures), pictures)
    assert [len(each) for each in translator.given] == [4, 4, 1]
    assert PIXELS >= 4 * 512 * 512


def test_bytes_are_brought_to_minus_one_and_one() -> None:
    assert as_numbers(torch.tensor([0, 255], dtype=torch.uint8)).tolist() == [-1, 1]


@pytest.mark.parametrize(("height", "width"), [(18, 16), (16, 14), (4, 16), (4, 4)])
def test_sizes_that_will_not_do_are_told(height: int, width: int) -> None:
    form = TranslationForm(height=height, width=width, channels=3, counts=(1, 1), upright=True)
    with pytest.raises(UserError, match=f"size: {height}x{width}"):
        build(RECIPES["cyclegan"], form)


def test_nothing_is_made_from_nothing() -> None:
    with pytest.raises(UserError, match="translate"):
        a_game().conditions(3)
