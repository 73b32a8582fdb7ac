"""Every objective against its closed form in numpy, and the properties that its paper promises."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from sparring.core import adversarial_recipe
from sparring.core.objectives import OBJECTIVES

Numbers = np.ndarray


def softplus(x: Numbers) -> Numbers:
    return np.log1p(np.exp(x))


def sigmoid(x: Numbers) -> Numbers:
    return 1 / (1 + np.exp(-x))


def cross_entropy(real: Numbers, fake: Numbers, ones: Numbers, zeros: Numbers) -> float:
    def one_side(logits: Numbers, targets: Numbers) -> Numbers:
        return -targets * np.log(sigmoid(logits)) - (1 - targets) * np.log(1 - sigmoid(logits))

    return (one_side(real, ones) + one_side(fake, zeros)).mean()


# (discriminator's loss, generator's loss) in float64, written from the papers
CLOSED_FORMS: dict[str, tuple[Callable[..., float], Callable[..., float]]] = {
    "minimax": (cross_entropy, lambda fake, real: np.log(1 - sigmoid(fake)).mean()),
    "non-saturating": (cross_entropy, lambda fake, real: -np.log(sigmoid(fake)).mean()),
    "least-squares": (
        lambda real, fake, ones, zeros: ((real - ones) ** 2).mean() / 2 + ((fake - zeros) ** 2).mean() / 2,
        lambda fake, real: ((fake - 1) ** 2).mean() / 2,
    ),
    "hinge": (
        lambda real, fake, *_: np.maximum(0, 1 - real).mean() + np.maximum(0, 1 + fake).mean(),
        lambda fake, real: -fake.mean(),
    ),
    "wasserstein": (lambda real, fake, *_: fake.mean() - real.mean(), lambda fake, real: -fake.mean()),
    "relativistic": (
        lambda real, fake, *_: softplus(-(real - fake)).mean(),
        lambda fake, real: softplus(-(fake - real)).mean(),
    ),
}
WITH_TARGETS = adversarial_recipe.WITH_TARGETS


def some_logits(seed: int = 0, count: int = 64, spread: float = 3.0) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(seed)
    real, fake = spread * torch.randn(2, count, generator=random)
    return real, fake


def some_targets(count: int = 64) -> tuple[Tensor, Tensor]:
    return torch.rand(2, count, generator=torch.Generator().manual_seed(9)).unbind()


def usual_targets(like: Tensor) -> tuple[Tensor, Tensor]:
    return torch.ones_like(like), torch.zeros_like(like)


def test_the_recipe_and_the_table_know_the_same_names() -> None:
    assert tuple(OBJECTIVES) == adversarial_recipe.OBJECTIVES
    assert tuple(name for name, objective in OBJECTIVES.items() if objective.has_targets) == WITH_TARGETS
    assert set(CLOSED_FORMS) == set(OBJECTIVES)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", OBJECTIVES)
def test_losses_equal_their_closed_forms(name: str, seed: int) -> None:
    real, fake = some_logits(seed)
    discriminator, generator = CLOSED_FORMS[name]
    x, y = real.double().numpy(), fake.double().numpy()

    for targets in (usual_targets(real), some_targets()):
        expected = discriminator(x, y, *(target.double().numpy() for target in targets))
        assert OBJECTIVES[name].discriminator(real, fake, *targets).item() == pytest.approx(expected, rel=1e-5)
    assert OBJECTIVES[name].generator(fake, real).item() == pytest.approx(generator(y, x), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_targets_matter_exactly_where_the_table_says_so(name: str) -> None:
    real, fake = some_logits()
    usual = OBJECTIVES[name].discriminator(real, fake, *usual_targets(real))
    other = OBJECTIVES[name].discriminator(real, fake, *some_targets())
    assert bool(usual != other) == OBJECTIVES[name].has_targets


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_generator_looks_at_reals_exactly_where_it_pairs(name: str) -> None:
    real, fake = some_logits()
    objective = OBJECTIVES[name]
    same = torch.equal(objective.generator(fake, real), objective.generator(fake, fake))
    assert same == (not objective.pairs)


@pytest.mark.parametrize("name", ["relativistic", "wasserstein"])
def test_only_differences_of_logits_matter(name: str) -> None:
    real, fake = some_logits()
    objective, targets = OBJECTIVES[name], usual_targets(real)
    for constant in (-5.0, 0.5, 100.0):
        shifted = objective.discriminator(real + constant, fake + constant, *targets)
        torch.testing.assert_close(shifted, objective.discriminator(real, fake, *targets), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_loss_pushes_every_logit_its_own_way(name: str) -> None:
    real, fake = (torch.sigmoid(logits).requires_grad_() for logits in some_logits())  # least squares turns at 0 and 1
    objective = OBJECTIVES[name]

    (slope,) = torch.autograd.grad(objective.generator(fake, real), fake)
    assert (slope < 0).all()  # the generator gains when fakes look more real
    on_real, on_fake = torch.autograd.grad(objective.discriminator(real, fake, *usual_targets(real)), (real, fake))
    assert (on_real < 0).all()
    assert (on_fake > 0).all()


@pytest.mark.parametrize("name", [name for name, objective in OBJECTIVES.items() if objective.boundary is not None])
def test_at_the_boundary_a_real_and_a_fake_pull_equally(name: str) -> None:
    objective = OBJECTIVES[name]
    real, fake = torch.full((2, 8), objective.boundary).requires_grad_().unbind()
    on_real, on_fake = torch.autograd.grad(objective.discriminator(real, fake, *usual_targets(real)), (real, fake))
    torch.testing.assert_close(on_real, -on_fake)


def test_hinge_lets_go_of_logits_beyond_the_margin() -> None:
    real = torch.tensor([1.0, 1.5, 9.0], requires_grad=True)
    fake = torch.tensor([-1.0, -2.0, -9.0], requires_grad=True)
    loss = OBJECTIVES["hinge"].discriminator(real, fake, *usual_targets(real))
    assert loss == 0
    assert all((slope == 0).all() for slope in torch.autograd.grad(loss, (real, fake)))


@pytest.mark.parametrize("name", OBJECTIVES)
def test_losses_are_float32_and_finite_for_extreme_bfloat16_logits(name: str) -> None:
    real, fake = (logits.bfloat16() for logits in some_logits(spread=100.0))
    targets = usual_targets(real)
    for loss in (
        OBJECTIVES[name].discriminator(real, fake, *targets),
        OBJECTIVES[name].generator(fake, real),
    ):
        assert loss.dtype == torch.float32
        assert loss.shape == ()
        assert loss.isfinite()
    exact = OBJECTIVES[name].discriminator(real.float(), fake.float(), *usual_targets(real.float()))
    torch.testing.assert_close(OBJECTIVES[name].discriminator(real, fake, *targets), exact)
