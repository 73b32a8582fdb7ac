"""The two-player game: whose turn it is and on what, what each turn minimises, and what comes out when sampled."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sparring.core.adversarial import CHUNK, AdversarialGame
from sparring.core.adversarial_recipe import AdversarialRecipe
from sparring.core.averaging import frozen
from sparring.core.errors import UserError
from sparring.core.game import Step, Turn
from sparring.core.objectives import OBJECTIVES

BATCH, LATENT, SEEN = 8, 16, (8**0.5 - 1) ** 2
REAL, FAKE = torch.randn(2, BATCH, 2, generator=torch.Generator().manual_seed(1))


class Recorder(nn.Module):
    """A network that remembers what it was given and what it answered; labels are added to its answer."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)
        self.calls: list[tuple[Tensor, Tensor]] = []

    def forward(self, inputs: Tensor, labels: Tensor | None = None) -> Tensor:
        self.calls.append((inputs, self.layers(inputs)))
        return self.calls[-1][1] if labels is None else self.calls[-1][1] + labels[:, None]


class HalfSquare(nn.Linear):
    """|x|^2 / 2, whose gradient is x: R1 and R2 are means of itself."""

    def forward(self, x: Tensor) -> Tensor:
        return x.square().sum(1) / 2


def linear(slope: tuple[float, float] = (0.6, -0.8), bias: float = 0.1) -> Recorder:
    layer = nn.Linear(2, 1)
    layer.load_state_dict({"weight": torch.tensor([slope]), "bias": torch.tensor([bias])})
    return Recorder(layer, nn.Flatten(0))


def a_game(discriminator: Recorder | None = None, *, latent: int = LATENT, classes: int = 0, **settings: Any) -> Any:
    recipe = AdversarialRecipe().changed({"r1": 0, "r2": 0, "latent": latent, **settings})
    torch.manual_seed(0)
    return AdversarialGame(Recorder(nn.Linear(latent, 2)), discriminator or linear(), recipe, classes=classes)


def a_step(batches: int = 1, examples_seen: int = 0, batch: int = BATCH) -> Step:
    reals = [{"examples": torch.full((batch, 2), float(number))} for number in range(batches)]
    here: dict[str, Any] = {"global_batch": batch, "part": slice(0, batch), "device": torch.device("cpu")}
    return Step(reals, examples_seen=examples_seen, seed=0, **here)


def played(game: AdversarialGame, step: Step) -> Iterator[tuple[Turn, list[tuple[Tensor, Tensor]]]]:
    """Each turn after its backward pass, with what the discriminator was shown meanwhile; then its mover moves."""
    discriminator: Any = game.players["discriminator"].network
    for turn in game.turns(step):
        discriminator.calls.clear()
        with frozen(game.players, turn.mover):
            loss = turn.loss()
        loss.backward()  # type: ignore[no-untyped-call]
        yield turn, [*discriminator.calls]
        game.players[turn.mover].move(0.1, (0.0, 0.99))
        game.players[turn.mover].optimizer.zero_grad(set_to_none=True)


def objective_of(objective: str, real: Tensor, fake: Tensor) -> Tensor:
    return OBJECTIVES[objective].discriminator(real, fake, torch.ones(len(real)), torch.zeros(len(fake)))


def sampled(game: AdversarialGame, count: int, seed: int = 5, label: int | None = None) -> Tensor:
    networks = {name: player.network for name, player in game.players.items()}
    return game.generate(networks, game.conditions(count, label), seed=seed)


@pytest.mark.parametrize(("turns", "first", "order"), [(1, 0, "dg"), (1, 1, "gd"), (3, 0, "dddg"), (3, 1, "ddgd")])
def test_critic_turns_have_their_own_batches_and_the_last_two_share_fakes(turns: int, first: int, order: str) -> None:
    game = a_game(objective="hinge", n_critic=turns, generator_first=first)
    shown = [(turn.mover[0], shown[0][0], shown[-1][0]) for turn, shown in played(game, a_step(game.batches))]
    assert "".join(mover for mover, _, _ in shown) == order
    assert [real.unique().item() for mover, real, _ in shown if mover == "d"] == list(range(turns))
    *_, (_, _, before), (_, _, last) = shown
    assert torch.equal(before, last)
    assert len({fake.sum().item() for _, _, fake in shown}) == turns
    assert len(game.players["generator"].network.calls) == turns  # one forward pass serves the last two turns


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("first", [False, True])
def test_no_gradient_reaches_whoever_does_not_move(objective: str, first: bool) -> None:
    game = a_game(objective=objective, generator_first=first, n_critic=2, r1=1, r2=1, wgan_gp=1, dragan=1)
    for turn, _ in played(game, a_step(2)):
        for name, player in game.players.items():
            assert {weight.grad is not None for weight in player.network.parameters()} == {name == turn.mover}


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_generators_turn_looks_at_reals_only_to_compare_and_without_a_gradient(objective: str) -> None:
    a_game(discriminator := linear(), objective=objective).adversarial_loss.generator_loss(a_step(), REAL, FAKE, None)
    assert [logits.requires_grad for _, logits in discriminator.calls] == [False, True][objective != "relativistic" :]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_linear_discriminator_minimises_the_objective_and_half_its_squared_slope(objective: str) -> None:
    discriminator = linear(slope=(1.2, -0.5))
    loss = a_game(discriminator, objective=objective, r1=0.7, r2=0.2).adversarial_loss.discriminator_loss(
        a_step(), REAL, FAKE, None
    )
    weight, bias = discriminator.layers[0].parameters()
    expected = objective_of(objective, REAL @ weight[0] + bias, FAKE @ weight[0] + bias)
    expected = expected + (0.7 + 0.2) * weight.square().sum() / 2
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(*[torch.autograd.grad(value, [weight, bias]) for value in (loss, expected)])


@pytest.mark.parametrize(("seen", "r1", "r2"), [(0, 2, 0), (250, 1.625, 1), (1000, 0.5, 4), (9999, 0.5, 4)])
def test_r1_at_reals_and_r2_at_fakes_follow_their_schedules(seen: int, r1: float, r2: float) -> None:
    game = a_game(Recorder(HalfSquare(2, 1)), objective="hinge", r1="2:0.5@1000,linear", r2="0:4@1000,linear")
    step, on_real, on_fake = a_step(examples_seen=seen), REAL.square().sum(1) / 2, FAKE.square().sum(1) / 2
    expected = objective_of("hinge", on_real, on_fake) + r1 * on_real.mean() + r2 * on_fake.mean()
    torch.testing.assert_close(game.adversarial_loss.discriminator_loss(step, REAL, FAKE, None), expected)
    assert step.report["penalties/r1"].item() == pytest.approx(on_real.mean().item())
    assert ("penalties/r2" in step.report) == (r2 > 0)


@pytest.mark.parametrize(("name", "penalty"), [("r1", 16), ("r2", 16), ("wgan_gp", SEEN), ("dragan", SEEN)])
def test_penalties_count_with_their_weight_and_reach_through_the_augmentation(name: str, penalty: float) -> None:
    """Of |2x|^2 / 2 at x = (1, 1): half of |4x|^2 at the examples, (|2x| - 1)^2 at what the discriminator sees."""
    game, step = a_game(Recorder(HalfSquare(2, 1)), objective="hinge", **{name: 2.5}), a_step()
    game.adversarial_loss.augment, ones = (lambda examples, step: 2 * examples), torch.ones(BATCH, 2)
    loss = game.adversarial_loss.discriminator_loss(step, ones, ones, None)
    assert loss.item() == pytest.approx(0 + (1 + 4) + 2.5 * penalty)  # all logits are 4
    assert step.report[f"penalties/{name}"].item() == pytest.approx(penalty)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.25, 0.3])
@pytest.mark.parametrize("processes", [1, 2, 8])
def test_a_share_of_the_batch_is_penalised_the_same_however_many_processes_there_are(
    share: float, processes: int
) -> None:
    game, part = a_game(Recorder(HalfSquare(2, 1)), objective="hinge", r1=2, penalty_share=share), BATCH // processes
    losses = []
    for start in range(0, BATCH, part):
        step = a_step()
        step.part = slice(start, start + part)
        losses.append(game.adversarial_loss.discriminator_loss(step, REAL[step.part], FAKE[step.part], None))
    chosen = [row for row in range(BATCH) if math.ceil(share * (row + 1)) > math.ceil(share * row)]
    on_real, on_fake = REAL.square().sum(1) / 2, FAKE.square().sum(1) / 2
    assert len(chosen) == math.ceil(share * BATCH)
    expected = objective_of("hinge", on_real, on_fake) + 2 * on_real[chosen].mean()
    torch.testing.assert_close(torch.stack(losses).mean(), expected)


@pytest.mark.parametrize(("seen", "count"), [(0, 2), (400, 5), (1000, 8), (9999, 8)])
def test_the_share_of_the_batch_follows_its_schedule(seen: int, count: int) -> None:
    discriminator = linear()
    game = a_game(discriminator, objective="hinge", r1=1, penalty_share="0.25:1@1000,linear")
    game.adversarial_loss.discriminator_loss(a_step(examples_seen=seen), REAL, FAKE, None)
    assert len(discriminator.calls[0][0]) == count  # of 8


@pytest.mark.parametrize("labelled", [False, True])
def test_logits_and_labels_keep_their_order_where_a_share_is_penalised(labelled: bool) -> None:
    game = a_game(Recorder(nn.Linear(2, 1)), objective="relativistic", r1=1, r2=1, penalty_share=0.25)
    labels = torch.arange(BATCH) if labelled else None
    loss = game.adversarial_loss.discriminator_loss(a_step(), REAL, FAKE, labels)
    weight, bias = game.players["discriminator"].network.layers[0].parameters()
    shift = labels if labels is not None else 0
    expected = objective_of("relativistic", REAL @ weight[0] + bias + shift, FAKE @ weight[0] + bias + shift)
    torch.testing.assert_close(loss, expected + weight.square().sum())  # both penalties are half its squared slope
    torch.testing.assert_close(game.adversarial_loss.real_logits[:, 0], (REAL @ weight[0] + bias + shift).detach())


def test_a_discriminator_that_looks_across_its_batch_sees_all_of_it_where_a_share_is_penalised() -> None:
    discriminator = Recorder(nn.BatchNorm1d(2), nn.Linear(2, 1), nn.Flatten(0))
    game = a_game(discriminator, objective="hinge", r1=1, penalty_share=0.25)
    game.adversarial_loss.discriminator_loss(a_step(), REAL, FAKE, None)
    seen = [len(examples) for examples, _ in discriminator.calls]
    assert seen == [BATCH // 4, BATCH, BATCH // 4, BATCH]


def test_reused_logits_are_those_of_the_discriminators_turn_and_no_real_is_looked_at_again() -> None:
    discriminator = linear()
    game = a_game(discriminator, objective="relativistic", reuse_logits=True)
    turns = []
    for turn, shown in played(game, a_step()):
        turns.append((turn.mover, len(shown), [logits.detach().clone() for _, logits in shown]))
    (_, _, (known, _)), (mover, count, (fake,)) = turns
    assert (mover, count) == ("generator", 1)
    loss = game.adversarial_loss.generator_loss(a_step(), REAL, FAKE, None, known)
    expected = OBJECTIVES["relativistic"].generator(discriminator(FAKE), known)
    torch.testing.assert_close(loss, expected)
    assert fake.shape == known.shape


def test_logits_cannot_be_reused_where_the_generator_moves_first() -> None:
    with pytest.raises(UserError, match="reuse_logits"):
        AdversarialRecipe().changed({"reuse_logits": True, "generator_first": True})


@pytest.mark.parametrize("objective", ["minimax", "non-saturating", "least-squares"])
def test_smoothed_targets_of_reals(objective: str) -> None:
    real, fake = (examples @ torch.tensor([0.6, -0.8]) + 0.1 for examples in (REAL, FAKE))
    cross_entropy = 0.75 * real.sigmoid().log() + 0.25 * (1 - real.sigmoid()).log() + (1 - fake.sigmoid()).log()
    squares = (real - 0.75).square() + fake.square()
    expected = squares.mean() / 2 if objective == "least-squares" else -cross_entropy.mean()
    loss = a_game(objective=objective, label_smoothing=0.25).adversarial_loss.discriminator_loss(
        a_step(), REAL, FAKE, None
    )
    torch.testing.assert_close(loss, expected)


def test_label_noise_flips_its_share_of_targets_on_each_side_by_itself() -> None:
    game = a_game(linear((0, 0), bias=2), objective="least-squares", label_smoothing=0.1, label_noise=0.3)
    many, step = torch.zeros(20_000, 2), a_step(batch=20_000)
    real, fake = game.adversarial_loss.targets(step, many[:, 0])
    torch.testing.assert_close([real.unique(), fake.unique()], [torch.tensor([0, 0.9]), torch.tensor([0.0, 1])])
    flips = [real == 0, fake == 1, (real == 0) & (fake == 1)]
    assert [flipped.float().mean().item() for flipped in flips] == pytest.approx([0.3, 0.3, 0.3**2], abs=0.015)
    expected = (0.7 * (2 - 0.9) ** 2 + 0.3 * 2**2 + 0.7 * 2**2 + 0.3 * (2 - 1) ** 2) / 2  # every logit is 2
    assert game.adversarial_loss.discriminator_loss(step, many, many, None).item() == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize(("seen", "deviation"), [(0, 0.8), (500, 0.4), (1000, 0.0), (5000, 0.0)])
def test_instance_noise_is_annealed_to_nothing(seen: int, deviation: float) -> None:
    discriminator, step = linear(), a_step(examples_seen=seen, batch=5000)
    game = a_game(discriminator, objective="relativistic", instance_noise="0.8:0@1000,linear")
    real, fake = torch.ones(5000, 2), -torch.ones(5000, 2)
    game.adversarial_loss.discriminator_loss(step, real, fake, None)
    game.adversarial_loss.generator_loss(step, real, fake, None)
    noises = torch.stack([examples - examples.mean().sign() for examples, _ in discriminator.calls]).flatten(1)
    torch.testing.assert_close(noises.std(1), torch.full((4,), deviation), rtol=0.03, atol=0)
    assert len({noise.sum().item() for noise in noises}) == (4 if deviation else 1)  # drawn anew each time


def test_spectral_norm_makes_the_largest_singular_value_of_each_discriminator_layer_one() -> None:
    discriminator = Recorder(
        nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(16, 6), nn.ReLU(), nn.Linear(6, 1), nn.Flatten(0)
    )
    for weight in discriminator.parameters():
        nn.init.normal_(weight, std=5)
    game = a_game(discriminator, spectral_norm=True)
    with torch.no_grad():
        for _ in range(200):  # a power iteration each
            discriminator(torch.randn(2, 1, 4, 4))
    largest = [torch.linalg.svdvals(discriminator.layers[index].weight.flatten(1))[0].item() for index in (0, 2, 4)]
    assert largest == pytest.approx([1, 1, 1], rel=1e-4)
    assert isinstance(game.players["generator"].network.layers[0].weight, nn.Parameter)  # left alone


@pytest.mark.parametrize(
    ("objective", "right"), [("hinge", [0.75, 0.5]), ("least-squares", [0.25, 1.0]), ("wasserstein", [1.0, 0.75])]
)
def test_accuracies_by_hand(objective: str, right: list[float]) -> None:
    """Boundaries 0, one half, and the mean of the other side: -1 for reals, 0.2 for fakes."""
    real, fake, step = torch.tensor([0.2, 1.0, -0.5, 0.1]), torch.tensor([-1.0, 0.1, 0.4, -3.5]), a_step()
    game = a_game(linear((0.5, 0.5), 0), objective=objective)
    game.adversarial_loss.discriminator_loss(step, torch.stack([real, real], 1), torch.stack([fake, fake], 1), None)
    assert [step.report[f"accuracy/{side}"].item() for side in ("real", "fake")] == right


@pytest.mark.parametrize("shape", [(), (1,), (2, 3)])
def test_an_example_has_one_logit_the_mean_of_those_of_its_patches(shape: tuple[int, ...]) -> None:
    answers = torch.randn(5, *shape, generator=torch.Generator().manual_seed(0))
    expected = answers.reshape(5, -1).mean(1)
    game = a_game()
    logits = game.logits({"discriminator": lambda examples, labels: answers}, {}, torch.zeros(5, 2))
    torch.testing.assert_close(logits, expected)
    assert logits.shape == (5,)


def test_samples_are_those_of_their_seed() -> None:
    game, count = a_game(), 2 * CHUNK + 3
    latents = torch.randn(count, LATENT, generator=torch.Generator().manual_seed(5))
    torch.testing.assert_close(sampled(game, count), game.players["generator"].network.layers(latents))
    assert torch.equal(sampled(game, 9), sampled(game, 9))
    assert not torch.equal(sampled(game, 9), sampled(game, 9, seed=6))


@pytest.mark.parametrize("latent", [2, 16, 64, 100])
def test_the_first_samples_do_not_depend_on_how_many_are_asked_for(latent: int) -> None:
    game = a_game(latent=latent)
    for count in (1, 3, 50, CHUNK + 1):
        torch.testing.assert_close(sampled(game, count), sampled(game, CHUNK + 50)[:count])


def test_samples_follow_the_labels_in_turn_or_the_one_asked_for() -> None:
    game = a_game(classes=3)
    for weight in game.players["generator"].network.parameters():
        nn.init.zeros_(weight)  # what is left is the label
    assert sampled(game, 7)[:, 0].tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert sampled(game, 3, label=2)[:, 0].tolist() == [2, 2, 2]
