"""Penalties against closed forms, to the second derivative: a penalty's gradient is a derivative of a derivative."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from sparring.core.penalties import dragan, squared_gradient, wgan_gp, zero_centred

DIMENSIONS = 6


def points(count: int = 10, seed: int = 0) -> Tensor:
    return torch.randn(count, DIMENSIONS, generator=torch.Generator().manual_seed(seed))


def half_square(x: Tensor) -> Tensor:
    """|x|^2 / 2, whose gradient is x."""
    return x.square().flatten(1).sum(1) / 2


def linear(slope: float) -> tuple[Tensor, nn.Module]:
    direction = points(1)[0]
    direction = direction / direction.norm() * slope
    layer = nn.Linear(DIMENSIONS, 1)
    with torch.no_grad():
        layer.weight.copy_(direction[None])
    return direction, nn.Sequential(layer, nn.Flatten(0))


def test_r1_of_a_linear_discriminator_is_half_its_squared_slope() -> None:
    direction, discriminator = linear(3.0)
    real = points().requires_grad_()
    penalty = zero_centred(discriminator(real), [real])[0]
    torch.testing.assert_close(penalty, torch.tensor(4.5))
    (slope,) = torch.autograd.grad(penalty, discriminator[0].weight)
    torch.testing.assert_close(slope[0], direction)  # d (|w|^2 / 2) / dw = w


def test_r1_of_a_quadratic_discriminator_and_its_derivative() -> None:
    curvature = torch.rand(DIMENSIONS, generator=torch.Generator().manual_seed(1)).requires_grad_()
    real = points().requires_grad_()
    penalty = zero_centred((curvature * real.square()).sum(1) / 2, [real])[0]
    torch.testing.assert_close(penalty, (curvature * real).square().sum(1).mean() / 2)
    (slope,) = torch.autograd.grad(penalty, curvature)
    torch.testing.assert_close(slope, curvature * real.square().mean(0))


def test_second_derivative_of_a_perceptron_discriminator() -> None:
    """D = v . tanh(W x): grad D = W^T (v s) with s = 1 - tanh^2, so dR1/dv = E[s (W W^T (v s))]."""
    random = torch.Generator().manual_seed(2)
    hidden = torch.randn(5, DIMENSIONS, generator=random)
    heads = torch.randn(5, generator=random).requires_grad_()
    real = points().requires_grad_()
    penalty = zero_centred(torch.tanh(real @ hidden.T) @ heads, [real])[0]

    saturation = 1 - torch.tanh(real @ hidden.T).square()
    gradient = (heads * saturation) @ hidden
    torch.testing.assert_close(penalty, gradient.square().sum(1).mean() / 2)
    (slope,) = torch.autograd.grad(penalty, heads)
    torch.testing.assert_close(slope, (saturation * (gradient @ hidden.T)).mean(0))


def test_second_derivative_by_finite_differences() -> None:
    torch.manual_seed(0)
    discriminator = nn.Sequential(nn.Linear(DIMENSIONS, 7), nn.Softplus(), nn.Linear(7, 1), nn.Flatten(0))
    real = points().requires_grad_()
    (slope,) = torch.autograd.grad(zero_centred(discriminator(real), [real])[0], discriminator[0].weight)
    direction = torch.randn(slope.shape, generator=torch.Generator().manual_seed(3))

    def moved(step: float) -> float:
        with torch.no_grad():
            discriminator[0].weight.add_(direction, alpha=step)
        value = zero_centred(discriminator(real), [real])[0].item()
        with torch.no_grad():
            discriminator[0].weight.sub_(direction, alpha=step)
        return value

    assert (moved(1e-2) - moved(-1e-2)) / 2e-2 == pytest.approx((slope * direction).sum().item(), rel=1e-2)


def test_the_squared_norm_is_a_sum_within_an_example_and_a_mean_over_them() -> None:
    images = torch.randn(4, 3, 5, 2, generator=torch.Generator().manual_seed(4)).requires_grad_()
    each = squared_gradient(half_square(images), images)
    assert each.shape == (4,)
    torch.testing.assert_close(each, images.detach().square().sum((1, 2, 3)))
    torch.testing.assert_close(zero_centred(half_square(images), [images])[0], each.mean() / 2)


def test_wgan_gp_of_a_linear_discriminator_is_zero_at_unit_slope_only() -> None:
    for slope in (1.0, 0.25, 3.0):
        _, discriminator = linear(slope)
        penalty = wgan_gp(discriminator, points(), points(seed=5), torch.rand(10))
        assert penalty.item() == pytest.approx((slope - 1) ** 2, abs=1e-6)


def test_wgan_gp_looks_between_each_fake_and_its_real() -> None:
    real, fake = points(), points(seed=5)
    share = torch.rand(10, generator=torch.Generator().manual_seed(6))
    between = share[:, None] * real + (1 - share[:, None]) * fake
    expected = (between.norm(dim=1) - 1).square().mean()
    torch.testing.assert_close(wgan_gp(half_square, real, fake, share), expected)

    shaped = [half.reshape(10, 1, 2, 3) for half in (real, fake)]
    torch.testing.assert_close(wgan_gp(half_square, *shaped, share), expected)
    for end, share_of_real in ((real, 1.0), (fake, 0.0)):
        value = wgan_gp(half_square, real, fake, torch.full((10,), share_of_real))
        torch.testing.assert_close(value, (end.norm(dim=1) - 1).square().mean())


def test_dragan_looks_around_the_data() -> None:
    real, noise = points(), torch.rand(10, DIMENSIONS, generator=torch.Generator().manual_seed(7))
    around = real + 0.5 * real.std() * noise
    torch.testing.assert_close(dragan(half_square, real, noise), (around.norm(dim=1) - 1).square().mean())
    _, discriminator = linear(1.0)
    assert dragan(discriminator, real, noise).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("penalty", ["wgan_gp", "dragan"])
def test_a_flat_discriminator_has_a_finite_penalty_gradient(penalty: str) -> None:
    _, discriminator = linear(1.0)
    nn.init.zeros_(discriminator[0].weight)
    value = (
        wgan_gp(discriminator, points(), points(), torch.rand(10))
        if penalty == "wgan_gp"
        else dragan(discriminator, points(), points())
    )
    value.backward()
    assert value.item() == pytest.approx(1, abs=1e-5)
    assert discriminator[0].weight.grad.isfinite().all()


def test_penalties_are_float32_under_bfloat16_autocast() -> None:
    torch.manual_seed(0)
    discriminator = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.Softplus(), nn.Flatten(), nn.Linear(16 * 36, 1), nn.Flatten(0)
    )
    images = torch.randn(8, 1, 6, 6)
    results = []
    for enabled in (False, True):
        discriminator.zero_grad()
        real = images.clone().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            logits = discriminator(real)
            penalty = zero_centred(logits, [real])[0] + wgan_gp(discriminator, images, -images, torch.full((8,), 0.25))
        assert logits.dtype == (torch.bfloat16 if enabled else torch.float32)
        assert penalty.dtype == torch.float32
        penalty.backward()
        results.append((penalty.detach(), discriminator[0].weight.grad.clone()))
    (exact, exact_slope), (rough, rough_slope) = results
    assert rough_slope.dtype == torch.float32
    torch.testing.assert_close(rough, exact, rtol=0.05, atol=0.01)
    assert torch.cosine_similarity(rough_slope.flatten(), exact_slope.flatten(), dim=0) > 0.98


def test_one_pass_over_both_batches_gives_what_two_passes_give() -> None:
    discriminator = torch.nn.Sequential(
        torch.nn.Linear(3, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1), torch.nn.Flatten(0)
    )
    real, fake = torch.randn(5, 3, requires_grad=True), torch.randn(5, 3, requires_grad=True)
    together = zero_centred(discriminator(torch.cat([real, fake])), [real, fake])
    apart = [zero_centred(discriminator(real), [real])[0], zero_centred(discriminator(fake), [fake])[0]]
    torch.testing.assert_close(together, apart)
