"""How gradients reach the generator: Gumbel noise given what was chosen, its softmax's gradient, and REINFORCE."""

from __future__ import annotations

import math

import pytest
import torch
from tiny_text import TOKENS, a_generator, every_line, some_lines
from torch import Tensor
from torch.nn.functional import one_hot

from sparring.text.estimators import SEEDS, policy_loss, relaxed, returns, with_noise
from sparring.text.networks.bodies import BODIES
from sparring.text.networks.generator import TextGenerator
from sparring.text.vocabulary import PAD

EULER = 0.5772156649
Gradients = dict[str, Tensor]


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# Noise


def test_what_was_chosen_is_the_highest_however_unlikely() -> None:
    logits = 3 * torch.randn(5000, 6, generator=random())
    chosen = torch.randint(6, (5000,), generator=random(1))
    noisy = with_noise(logits, chosen, random(2))
    assert noisy.isfinite().all()
    assert torch.equal(noisy.argmax(1), chosen)


def test_drawn_at_random_it_is_independent_gumbel_noise() -> None:
    """Each coordinate a Gumbel around its logit: mean, deviation, and the shape by its distribution function."""
    count = 100_000
    logits = torch.tensor([1.5, -1.0, 0.3, 0.0])
    chosen = torch.multinomial(logits.softmax(0), count, replacement=True, generator=random())
    noise = with_noise(logits.repeat(count, 1), chosen, random(1)) - logits
    deviation = math.pi / 6**0.5
    assert (noise.mean(0) - EULER).abs().max() < 4 * deviation / count**0.5
    assert (noise.var(0) - deviation**2).abs().max() < 4 * deviation**2 * (4.4 / count) ** 0.5  # of kurtosis 5.4
    assert (noise.T.corrcoef() - torch.eye(4)).abs().max() < 4 / count**0.5
    uniform = (-(-noise).exp()).exp().sort(0).values  # its own distribution function
    steps = (torch.arange(count) + 0.5)[:, None] / count
    assert (uniform - steps).abs().max() < 2 / count**0.5  # Kolmogorov and Smirnov


def test_tokens_that_cannot_be_generated_stay_impossible() -> None:
    logits = torch.tensor([[-torch.inf, 0.0, 1.0]]).repeat(3, 1)
    noisy = with_noise(logits, torch.tensor([1, 2, 1]), random())
    assert (noisy[:, 0] == -torch.inf).all()
    assert noisy[:, 1:].isfinite().all()


# The relaxed lines


def naive(
    generator: TextGenerator, lines: Tensor, labels: Tensor | None, table: Tensor, uniform: Tensor, heat: float
) -> Tensor:
    """One-hot rows plus a softmax minus itself, times the table, line by line."""
    found = generator.logits(generator.hidden_before(lines, labels))
    made = []
    for line, logits, number in zip(lines, found, uniform, strict=True):
        length = int((line != PAD).sum())
        known = logits.detach()[:length]
        noisy = with_noise(known, line[:length], random(int(number * SEEDS)))
        noise = torch.where(known.isfinite(), noisy - known, 0.0)
        soft = ((logits[:length] + noise) / heat).softmax(1)
        rows = one_hot(line[:length], table.shape[0]) + soft - soft.detach()
        made.append(torch.cat([rows @ table, table[line[length:]]]))
    return torch.stack(made)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize(("labels", "heat"), [(0, 1.0), (2, 0.3)])
def test_relaxed_lines_are_exactly_the_table_and_their_gradient_the_naive_one(
    body: str, labels: int, heat: float
) -> None:
    generator = a_generator(body, labels=labels, tokens=9, length=5, sharp=1.5)
    lines, table = some_lines(12, 5, 9), torch.randn(9, 4, generator=random(3))
    conditions = torch.arange(12) % labels if labels else None
    uniform = torch.rand(12, generator=random(4))
    found = relaxed(generator, lines, conditions, table, uniform, heat)
    assert torch.equal(found, table[lines])
    assert found.requires_grad
    expected = naive(generator, lines, conditions, table, uniform, heat)
    torch.testing.assert_close(found, expected)
    weights = torch.randn(found.shape, generator=random(5))
    own, other = (gradients(generator, (value.tanh() * weights).sum()) for value in (found, expected))
    assert max(gradient.abs().max() for gradient in own.values()) > 0.01
    torch.testing.assert_close(own, other, rtol=1e-3, atol=1e-5)


def gradients(generator: TextGenerator, loss: Tensor) -> Gradients:
    names, weights = zip(*generator.named_parameters(), strict=True)
    found = torch.autograd.grad(loss, weights, allow_unused=True)
    return {name: gradient for name, gradient in zip(names, found, strict=True) if gradient is not None}


def test_a_lines_noise_is_its_own_whatever_stands_beside_it() -> None:
    """So that lines can be shared among processes."""
    generator, lines, table = (
        a_generator(tokens=9, length=5),
        some_lines(6, 5, 9),
        torch.randn(9, 4, generator=random()),
    )
    uniform = torch.rand(6, generator=random(1))
    whole = gradients(generator, relaxed(generator, lines, None, table, uniform, 0.5).square().sum())
    parts = [
        gradients(generator, relaxed(generator, lines[some], None, table, uniform[some], 0.5).square().sum())
        for some in (slice(0, 2), slice(2, 6))
    ]
    summed = {name: parts[0][name] + parts[1][name] for name in whole}
    torch.testing.assert_close(summed, whole, rtol=1e-4, atol=1e-6)


@pytest.mark.bfloat16
@pytest.mark.parametrize(
    "body", [pytest.param(body, marks=pytest.mark.bfloat16("LSTM") if body == "lstm" else ()) for body in BODIES]
)
@pytest.mark.parametrize("estimator", ["relaxed", "policy"])
def test_in_bfloat16_gradients_keep_their_direction(estimator: str, body: str) -> None:
    generator = a_generator(body, tokens=9, length=5, sharp=1.5, valued=estimator == "policy")
    lines, table = some_lines(24, 5, 9), torch.randn(9, 4, generator=random())
    uniform = torch.rand(24, generator=random(1))
    found = []
    for rounded in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=rounded):
            if estimator == "relaxed":
                loss = relaxed(generator, lines, None, table, uniform, 1.0).tanh().sum()
            else:
                loss = policy_loss(generator, lines, None, logits_of(lines), 0.9, 3.0)
        assert loss.dtype == torch.float32
        found.append(torch.cat([gradient.flatten() for gradient in gradients(generator, loss).values()]))
    assert torch.cosine_similarity(*found, 0) > 0.99


# REINFORCE


def test_returns_by_hand() -> None:
    rewards = torch.tensor([[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]])
    written = torch.tensor([[True, True, True], [True, True, False]])
    assert returns(rewards, written, 0.5).tolist() == [[1 + 1 + 1, 2 + 2, 4], [8 + 8, 16, 0]]
    assert returns(rewards, written, 0.0).tolist() == [[1, 2, 4], [8, 16, 0]]
    assert returns(rewards, written, 1.0).tolist() == [[7, 6, 4], [24, 16, 0]]


def logits_of(lines: Tensor) -> Tensor:
    """Logits after each token that depend on the line so far alone."""
    summed = torch.zeros(len(lines))
    found = []
    for token in lines.unbind(1):
        summed = 3 * summed + token + 1
        found.append(2 * torch.sin(summed))
    return torch.stack(found, 1)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("baseline", [False, True])
def test_the_policys_gradient_is_that_of_the_expected_reward(body: str, baseline: bool) -> None:
    """Over all lines there are, each weighted by its probability; whatever was expected does not matter."""
    generator, lines = a_generator(body, valued=True, sharp=1.5), every_line()
    assert generator.value is not None
    with torch.no_grad():
        generator.value.weight.mul_(5.0 * baseline)
        generator.value.bias.mul_(5.0 * baseline)
    rewards = ((2 * logits_of(lines).sigmoid() - 1) * (lines != PAD)).sum(1)
    probabilities = generator.log_likelihoods(lines, None).sum(1).exp()
    expected = gradients(generator, -(probabilities * rewards).sum())
    found = {name: torch.zeros_like(gradient) for name, gradient in expected.items()}
    for line, probability in zip(lines, probabilities.detach(), strict=True):
        loss = policy_loss(generator, line[None], None, logits_of(line[None]), discount=1.0, mean_tokens=1.0)
        of_line = gradients(generator, loss)
        for name in found:
            found[name] += probability * of_line[name]
    assert max(gradient.abs().max() for gradient in expected.values()) > 0.01
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)


def test_the_baseline_learns_what_tokens_lead_to_and_leaves_the_rest_alone() -> None:
    generator, lines = a_generator(valued=True, tokens=9, length=5), some_lines(8, 5, 9)
    assert generator.value is not None
    written, logits = lines != PAD, torch.randn(8, 5, generator=random())
    led_to = returns(2 * logits.sigmoid() - 1, written, 0.9)[written]
    found = generator.hidden_before(lines, None)[written].detach()
    expected = (generator.value(found)[:, 0] - led_to).square().mean()
    of_value = torch.autograd.grad(expected, list(generator.value.parameters()))
    loss = gradients(generator, policy_loss(generator, lines, None, logits, 0.9, float(written.sum()) / len(lines)))
    torch.testing.assert_close((loss["value.weight"], loss["value.bias"]), of_value)
    log_likelihoods = generator.log_likelihoods(lines, None)[written]
    by_hand = -(log_likelihoods * (led_to - generator.value(found)[:, 0]).detach()).mean()
    others = gradients(generator, by_hand)
    torch.testing.assert_close({name: loss[name] for name in others}, others)


def test_the_policys_loss_does_not_depend_on_how_lines_are_shared() -> None:
    """Process average their gradients: the mean of two halves has to be the whole."""
    generator, lines = a_generator(valued=True, tokens=9, length=5), some_lines(8, 5, 9)
    lines = lines[(lines != PAD).sum(1).argsort()]  # the short ones first
    logits = torch.randn(8, 5, generator=random())
    halves = [policy_loss(generator, lines[some], None, logits[some], 0.9, 3.0) for some in (slice(4), slice(4, 8))]
    whole = policy_loss(generator, lines, None, logits, 0.9, 3.0)
    torch.testing.assert_close(gradients(generator, sum(halves) / 2), gradients(generator, whole))  # type: ignore[arg-type]


def test_no_gradient_reaches_the_discriminator() -> None:
    generator, logits = a_generator(valued=True), torch.zeros(2, 3, requires_grad=True)
    policy_loss(generator, some_lines(2, 3, TOKENS), None, logits, 0.9, 3.0).backward()
    assert logits.grad is None
