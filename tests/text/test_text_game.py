"""Text in two phases: who moves when, what each minimises, what is remembered, what can be options for."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import torch
from playing import played
from tiny_text import a_game, a_step, networks_of, some_lines

from sparring.core.errors import UserError
from sparring.text.game import CHUNK, NONE, TextGame
from sparring.text.generation import generate_lines
from sparring.text.modality import Text
from sparring.text.samples import as_texts
from sparring.text.vocabulary import END, PAD, START, UNKNOWN

ESTIMATORS = ("gumbel", "policy")


def movers(game: TextGame, seen: int) -> str:
    return "".join(turn.mover[0] for turn in played(game, a_step(game, seen)))


def measured(game: TextGame, likelihood: float) -> str:
    """What is told after a measurement."""
    event = game.observe({"metrics/likelihood": likelihood, "metrics/frechet": 0.0, "diversity": 1.0}, 0)
    assert event is None or not event.restarted
    return event.message if event else ""


# The two phases


@pytest.mark.parametrize("turns", [1, 3])
def test_pretraining_moves_the_generator_alone_on_every_batch(turns: int) -> None:
    game = a_game(pretrain_examples=100, n_critic=turns, discriminator_warmup=0)
    before = [weight.clone() for weight in game.players["discriminator"].network.parameters()]
    assert [movers(game, seen) for seen in (0, 50, 99)] == ["g" * turns] * 3
    assert all(map(torch.equal, before, game.players["discriminator"].network.parameters()))
    assert (game.began, bool(game.adversarial_loss.discriminator.ready)) == (NONE, False)
    assert game.players["generator"].rate == 1
    assert [movers(game, seen) for seen in (100, 106)] == ["d" * turns + "g"] * 2
    assert game.began == 100
    assert game.players["generator"].rate == game.recipe.adversarial_rate


def test_the_adversarial_phase_begins_with_the_embeddings_as_they_are_then() -> None:
    game = a_game(pretrain_examples=6, discriminator_warmup=0)
    movers(game, 0)
    vectors = game.generator.vectors.weight.detach().clone()
    movers(game, 6)
    table = game.discriminator.table.clone()
    torch.testing.assert_close(table, vectors / vectors.std())
    movers(game, 12)
    assert torch.equal(game.discriminator.table, table)
    assert not torch.equal(game.generator.vectors.weight.detach(), vectors)


def test_misses_halve_the_learning_rate_then_end_pretraining() -> None:
    game = a_game(pretrain_patience=2, discriminator_warmup=0)
    rates, events = [], []
    for distance in (2.0, 1.5, 1.6, 1.4, 1.4, 1.5):
        events.append(measured(game, distance))
        assert game.observe({"losses/generator": 1.0, "likelihood/training": 9.0}, 96) is None  # counts for nothing
        moved = movers(game, 6)
        rates.append((moved, game.players["generator"].rate))
    assert rates == [("g", 1), ("g", 1), ("g", 0.5), ("g", 0.5), ("g", 0.25), ("dg", game.recipe.adversarial_rate)]
    assert [bool(each) for each in events] == [False] * 5 + [True]
    assert events[-1] == "the adversarial phase begins: held-out lines became no likelier 2 times in a row"
    assert measured(game, 9.0) == ""
    assert game.misses == 2


def test_misses_are_of_the_recipes_metric() -> None:
    game = a_game(pretrain_patience=2, metric="frechet")
    for distance, misses in ((2.0, 0), (3.0, 1), (1.0, 0)):
        game.observe({"metrics/likelihood": 5.0, "metrics/frechet": distance}, 0)
        assert game.misses == misses


def test_without_patience_only_examples_end_pretraining() -> None:
    game = a_game(pretrain_patience=0, pretrain_examples=50)
    assert [measured(game, distance) for distance in (1.0, 2.0, 3.0)] == ["", "", ""]
    assert movers(game, 49) == "g"
    assert movers(game, 50)[0] == "d"


def test_the_discriminator_begins_alone() -> None:
    game = a_game(pretrain_examples=60, discriminator_warmup=12)
    assert [movers(game, seen) for seen in (60, 66, 72, 78)] == ["d", "d", "dg", "dg"]


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("generator", ["lstm", "memory", "transformer"])
@pytest.mark.parametrize("labels", [0, 2])
def test_no_gradient_reaches_whoever_does_not_move(estimator: str, generator: str, labels: int) -> None:
    settings: dict[str, Any] = {
        "pretrain_examples": 6,
        "discriminator_warmup": 0,
        "r2": 1,
        "dropout": 0.3,
        "discriminator_dropout": 0.3,
    }
    game = a_game(labels=labels, estimator=estimator, generator=generator, n_critic=2, **settings)
    for seen in (0, 12):
        for turn in played(game, a_step(game, seen)):
            for name, player in game.players.items():
                given = {key for key, weight in player.network.named_parameters() if weight.grad is not None}
                expected = {key for key, _ in player.network.named_parameters()} if name == turn.mover else set()
                assert given == expected - ({"value.weight", "value.bias"} if seen == 0 else set())


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_discriminator_sees_real_lines_and_generated_ones_the_last_of_them_twice(estimator: str) -> None:
    game = a_game(pretrain_examples=0, discriminator_warmup=0, estimator=estimator, n_critic=2)
    discriminator = game.discriminator
    shown: list[torch.Tensor] = []
    discriminator.register_forward_pre_hook(lambda _, inputs: shown.append(inputs[0].detach()))
    step = a_step(game)
    assert [turn.mover for turn in played(game, step)] == ["discriminator"] * 2 + ["generator"]
    assert [torch.equal(shown[at], discriminator.table[step.batches[at // 2]["lines"]]) for at in (0, 2)] == [
        True,
        True,
    ]
    assert torch.equal(shown[3], shown[4])
    assert not torch.equal(shown[1], shown[3])
    assert len(shown) == 5
    vectors = {tuple(row) for row in discriminator.table.tolist()}
    assert {tuple(row) for row in shown[4].flatten(0, 1).tolist()} <= vectors


@pytest.mark.parametrize("batch", [8, 7])
def test_here_and_there_the_discriminator_sees_a_real_line_of_another_label_among_fakes(batch: int) -> None:
    game = a_game(labels=3, mismatched_share=0.5)
    step = a_step(game, batch=batch)
    given = {**step.batches[0], "labels": torch.tensor([0, 1, 2, 2, 0, 2, 1, 0])[:batch]}
    fake, times = torch.full_like(given["lines"], UNKNOWN), torch.zeros(batch)
    for _ in range(200):
        seen = game.with_mismatched(step, given, fake)
        taken = (seen != fake).any(1)
        assert torch.equal(seen[taken], given["lines"][torch.arange(batch)[taken] ^ 1])
        times += taken
    pairs = torch.tensor({8: [1, 1, 0, 0, 1, 1, 1, 1], 7: [1, 1, 0, 0, 1, 1, 0]}[batch])  # 2 and 3 are of one label
    assert times / 200 == pytest.approx(0.5 * pairs, abs=0.15)


def test_where_nothing_is_mismatched_fakes_stay_as_they_are() -> None:
    for game in (a_game(labels=0, mismatched_share=0.9), a_game(labels=2)):
        step = a_step(game)
        lines = step.batches[0]["lines"]
        assert game.with_mismatched(step, step.batches[0], lines) is lines


def test_the_generators_loss_is_of_its_own_lines_alone() -> None:
    game = a_game(pretrain_examples=0, discriminator_warmup=0, mismatched_share=0.9)
    discriminator, shown = game.discriminator, []
    discriminator.register_forward_pre_hook(lambda _, inputs: shown.append(inputs[0].detach()))
    list(played(game, a_step(game)))
    same = a_game(pretrain_examples=0, discriminator_warmup=0)
    other, without = same.discriminator, []
    other.register_forward_pre_hook(lambda _, inputs: without.append(inputs[0].detach()))
    list(played(same, a_step(same)))
    assert not torch.equal(shown[1], without[1])
    assert torch.equal(shown[2], without[2])


@pytest.mark.parametrize("weight", [0.0, 0.5, 2.0])
def test_the_adversarial_loss_counts_by_its_weight(weight: float) -> None:
    losses = []
    for weight_of_loss in (1.0, weight):
        game = a_game(
            pretrain_examples=0, discriminator_warmup=0, likelihood_weight=0.0, adversarial_weight=weight_of_loss
        )
        turns = game.turns(a_step(game))
        next(turns)
        losses.append(next(turns).loss().item())
    assert losses[1] == pytest.approx(weight * losses[0], rel=1e-5)


def test_likelihood_goes_on_beside_by_its_weight() -> None:
    """Without dropout: the generator's loss is the two together."""
    losses = {}
    for weight in (0.0, 1.0, 3.0):
        game = a_game(pretrain_examples=0, discriminator_warmup=0, likelihood_weight=weight)
        step = a_step(game)
        turns = game.turns(step)
        next(turns)
        losses[weight] = next(turns).loss().item()
    likelihood = step.report["likelihood/training"].item()
    assert losses[1.0] - losses[0.0] == pytest.approx(likelihood, rel=1e-4)
    assert losses[3.0] - losses[0.0] == pytest.approx(3 * likelihood, rel=1e-4)


@pytest.mark.parametrize("labels", [0, 2])
def test_the_likelihood_loss_is_the_mean_negative_log_likelihood(labels: int) -> None:
    game = a_game(labels=labels)
    step = a_step(game)
    lines = step.batches[0]["lines"]
    found = game.likelihood_loss(step, step.batches[0])
    total = 0.0
    for row, label in zip(lines, step.batches[0]["labels"], strict=True):
        before = torch.cat([torch.tensor([START]), row[:-1]])[None]
        logits = game.generator.logits(game.generator(before, label[None] if labels else None)[0])[0].log_softmax(1)
        total -= sum(logits[position, token].item() for position, token in enumerate(row.tolist()) if token != PAD)
    assert found.item() == pytest.approx(total / len(lines) / game.mean_tokens, rel=1e-5)
    assert step.report["likelihood/training"].item() == found.item()


@pytest.mark.parametrize("labels", [0, 2])
def test_measured_likelihood_is_that_of_lines_that_are_not_empty(labels: int) -> None:
    game = a_game(labels=labels)
    (batch,) = a_step(game).batches
    batch = {name: rows[1:] for name, rows in batch.items()}  # the first line is empty
    lines = batch["lines"]
    total = -game.generator.log_likelihoods(lines, game.labels(batch)).sum().item()
    for label in batch["labels"]:
        first = game.generator.logits(game.generator(torch.tensor([[START]]), label[None] if labels else None)[0])
        total += math.log(1 - first[0, 0].softmax(0)[END].item())
    measurement = Text().measure_game(game, networks_of(game), batch)
    assert measurement == {"likelihood": pytest.approx(total / int((lines != PAD).sum()), rel=1e-5)}


def test_no_line_is_empty_but_in_training() -> None:
    game = a_game(labels=0, length=4)
    with torch.no_grad():
        game.generator.bias[END] = 3
    made = game.generate(networks_of(game), game.conditions(500), seed=0)
    assert (made[:, 0] != END).all()
    assert (made[:, 1] == END).any()
    assert (generate_lines(game.generator, torch.rand(500, 4), None)[:, 0] == END).any()


def test_many_lines_are_measured_some_at_a_time() -> None:
    game = a_game()
    lines = some_lines(CHUNK + 3, game.length, len(game.vocabulary))
    labels = torch.arange(len(lines)) % 2
    found = game.log_likelihoods(networks_of(game), lines, labels)
    torch.testing.assert_close(found, game.generator.log_likelihoods(lines, labels, empty=False))


def test_what_is_remembered_comes_back() -> None:
    one, other = (
        a_game(pretrain_patience=3, pretrain_examples=60, discriminator_warmup=0),
        a_game(pretrain_patience=3, pretrain_examples=60, discriminator_warmup=0),
    )
    for distance in (None, 2.0, 2.5, 2.2):
        if distance is not None:
            measured(one, distance)
        other.load_state(json.loads(json.dumps(one.state())))
        assert other.state() == one.state()
        assert isinstance(other.misses, int)
        assert movers(other, 6) == "g"
        assert other.players["generator"].rate == 0.5**one.halvings
    movers(one, 66)
    other.load_state(json.loads(json.dumps(one.state())))
    assert other.began == 66
    assert movers(other, 72) == "dg"
    assert other.began == 66


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_without_dropout_an_lstm_still_trains(estimator: str) -> None:
    """cuDNN's LSTM keeps what a backward pass needs in training mode only."""
    game, modes = a_game(pretrain_examples=0, discriminator_warmup=0, dropout=0.5, estimator=estimator), set()
    game.generator.body.register_forward_pre_hook(
        lambda module, _: modes.add(module.training) if torch.is_grad_enabled() else None
    )
    assert movers(game, 0) == "dg"
    assert game.generator.training
    assert modes == {True}


# Measurements that could not be made


def test_what_could_not_be_measured_is_no_miss() -> None:
    game = a_game(pretrain_patience=2)
    assert [measured(game, torch.inf) for _ in range(3)] == [""] * 3
    assert [game.observe({"metrics/frechet": 1.0}, 0) for _ in range(3)] == [None] * 3
    assert game.misses == 0


def test_without_patience_the_learning_rate_stays_as_it_is() -> None:
    game = a_game(pretrain_patience=0)
    for distance in (1.0, 2.0, 3.0):
        measured(game, distance)
    movers(game, 6)
    assert game.players["generator"].rate == 1


# What is options of it


def generated(game: TextGame, count: int, seed: int = 0, label: int | None = None, **options: Any) -> torch.Tensor:
    return game.generate(networks_of(game), game.conditions(count, label), seed=seed, **options)


def texts(game: TextGame, count: int, seed: int = 0, label: int | None = None, **options: Any) -> list[str]:
    return as_texts(game.finish(generated(game, count, seed, label, **options)))


def test_samples_have_the_labels_in_turn_or_the_one_asked_for() -> None:
    game = a_game(labels=3, length=3)
    for weight in game.generator.parameters():
        torch.nn.init.zeros_(weight)
    with torch.no_grad():  # the label decides the token, whatever is drawn
        game.generator.vectors.weight[4:7, :3] = 100 * torch.eye(3)
        game.generator.vectors.weight[:4, :3] = -100

        def found(lines: torch.Tensor, labels: torch.Tensor, state: Any = None) -> Any:
            return torch.nn.functional.one_hot(labels, 16)[:, None].float().expand(-1, lines.shape[1], -1), state

        game.generator.forward = found  # type: ignore[method-assign,assignment]
        game.generator.leave.weight[:3, :3] = torch.eye(3)
    assert generated(game, 7)[:, 0].tolist() == [4, 5, 6, 4, 5, 6, 4]
    assert generated(game, 3, label=2)[:, 0].tolist() == [6, 6, 6]
    batch = {"labels": torch.tensor([2, 0, 1])}
    assert game.generate(networks_of(game), batch, seed=0)[:, 0].tolist() == [6, 4, 5]


@pytest.mark.parametrize("labels", [0, 2])
def test_the_first_samples_do_not_depend_on_how_many_are_asked_for(labels: int) -> None:
    game = a_game(labels=labels)
    many = generated(game, CHUNK + 50, seed=3)
    for count in (1, 7, CHUNK + 1):
        assert torch.equal(generated(game, count, seed=3), many[:count])
    assert not torch.equal(generated(game, 50, seed=4), many[:50])
    assert UNKNOWN not in many


def test_a_prompt_begins_every_line() -> None:
    game = a_game(length=8)
    for line in texts(game, 20, prompt="the cat"):
        assert line.startswith("the cat")
    assert len({*texts(game, 20, prompt="the cat")}) > 5


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"prompt": "the purple cat"}, "'purple' is not in the vocabulary of 12"),
        ({"prompt": "the cat sat the cat sat"}, "6 tokens leave nothing to generate"),
        ({"temperature": -0.1}, "temperature: -0.1"),
        ({"temperature": 11.0}, "temperature: 11.0 is too large, the most is 10"),
        ({"temperature": float("nan")}, "temperature: 'nan' is not a number"),
        ({"top_p": 0.0}, "top_p: 0.0 must be more than 0"),
        ({"top_p": 1.1}, "top_p: 1.1"),
        ({"top_p": float("nan")}, "top_p: 'nan' is not a number"),
        ({"top_k": 3}, "unknown setting 'top_k'"),
    ],
)
def test_what_cannot_be_asked_for(options: dict[str, Any], part: str) -> None:
    with pytest.raises(UserError, match=part):
        texts(a_game(), 2, **options)


@pytest.mark.parametrize(
    ("options", "alike"),
    [
        ({"temperature": 0.0}, True),
        ({"top_p": 1e-9}, True),
        ({"temperature": 10.0}, False),
        ({"top_p": 1.0}, False),
    ],
)
def test_what_can_just_be_asked_for(options: dict[str, Any], alike: bool) -> None:
    lines = texts(a_game(), 20, label=1, **options)
    assert (len({*lines}) == 1) == alike


def test_longest_prompt_that_leaves_a_token() -> None:
    game = a_game(length=6)
    assert all(line.startswith("the cat sat the cat") for line in texts(game, 3, prompt="the cat sat the cat"))


def test_a_prompt_is_read_as_lines_are() -> None:
    game = a_game(lower=True)
    assert all(line.startswith("the cat") for line in texts(game, 2, prompt="The\ncat"))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_there_are_no_logits_before_the_discriminator_plays(estimator: str) -> None:
    game = a_game(pretrain_examples=12, discriminator_warmup=0, estimator=estimator)
    step = a_step(game)
    batch = step.batches[0]
    assert game.logits(networks_of(game), batch, batch["lines"]) is None
    movers(game, 12)
    networks = networks_of(game)
    found = game.logits(networks, batch, batch["lines"])
    assert found is not None
    logits = game.discriminator(game.embeddings(batch["lines"]), batch["labels"])
    assert torch.equal(found, logits if estimator == "gumbel" else logits[:, -1])


def test_lines_are_finished_as_characters() -> None:
    game, given = a_game(), ["the cat ran .", "dog", ""]
    lines = torch.tensor([[*game.vocabulary.encode(text), END, *[PAD] * 6][:6] for text in given])
    shown = game.finish(lines)
    assert shown.shape == (3, 13)
    assert shown[1].tolist() == [ord("d"), ord("o"), ord("g"), *[0] * 10]
    assert as_texts(shown) == given
