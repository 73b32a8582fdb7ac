"""What generates lines: remembers them position by position as at once, adds up to 1, knows the label; chunks change
nothing."""

from __future__ import annotations

import pytest
import torch
from tiny_text import LENGTH, TOKENS, a_generator, every_line, some_lines
from torch import Tensor

from sparring.text.networks import likelihood
from sparring.text.networks.bodies import BODIES
from sparring.text.networks.generator import NEVER, TextGenerator, locked
from sparring.text.vocabulary import END, PAD, START

# Bodies


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("layers", [1, 2])
def test_a_line_at_once_or_position_after_position(body: str, layers: int) -> None:
    torch.manual_seed(0)
    network, inputs = BODIES[body](5, 16, layers, 7), torch.randn(3, 7, 5)
    whole, last = network(inputs)
    assert whole.shape == (3, 7, 16)
    state, found = None, []
    for position in inputs.unbind(1):
        output, state = network(position[:, None], state)
        found.append(output)
    torch.testing.assert_close(torch.cat(found, 1), whole, rtol=0, atol=1e-5)
    first, state = network(inputs[:, :4])
    torch.testing.assert_close(torch.cat([first, network(inputs[:, 4:], state)[0]], 1), whole, rtol=0, atol=1e-5)
    assert state is not None
    assert [part.shape[0] for part in last] == [part.shape[0] for part in state]


@pytest.mark.parametrize("body", BODIES)
def test_nothing_is_known_of_later_positions_and_all_of_earlier_ones(body: str) -> None:
    torch.manual_seed(0)
    network, inputs = BODIES[body](5, 16, 2, 7), torch.randn(1, 7, 5)
    changed = inputs.clone()
    changed[:, 3] += 1
    differs = (network(inputs)[0] - network(changed)[0]).abs().amax((0, 2)) > 1e-6
    assert differs.tolist() == [False] * 3 + [True] * 4


def test_forget_gates_begin_open() -> None:
    network = BODIES["lstm"](5, 16, 2, 7)
    for layer in range(2):
        bias = getattr(network.lstm, f"bias_hh_l{layer}")
        assert (bias[16:32] == 1).all()
        assert (bias[:16] < 1).all()


# The generator


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("labels", [0, 3])
def test_likelihoods_are_those_of_the_logits(body: str, labels: int) -> None:
    generator, lines = a_generator(body, labels=labels, tokens=9, length=5), some_lines(12, 5, 9)
    conditions = torch.arange(12) % labels if labels else None
    found = generator.log_likelihoods(lines, conditions)
    before = torch.cat([torch.full((12, 1), START), lines[:, :-1]], 1)
    logits = generator.logits(generator(before, conditions)[0])
    expected = logits.log_softmax(2).gather(2, lines[..., None])[..., 0].where(lines != PAD, 0)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert (found[lines == PAD] == 0).all()
    assert (found[lines != PAD] < 0).all()
    assert (logits[..., list(NEVER)] == -torch.inf).all()
    gradients = [
        torch.autograd.grad(value.sum(), list(generator.parameters()), allow_unused=True) for value in (found, expected)
    ]
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("labels", [0, 2])
def test_the_probabilities_of_all_lines_add_up_to_one(body: str, labels: int) -> None:
    generator, lines = a_generator(body, labels=labels), every_line()
    assert len(lines) == 1 + 3 + 9 * 4
    for label in range(max(labels, 1)):
        conditions = torch.full((len(lines),), label) if labels else None
        for empty in (True, False):
            probabilities = generator.log_likelihoods(lines, conditions, empty=empty).sum(1).exp()
            assert probabilities.sum().item() == pytest.approx(1, abs=1e-5)
            assert (probabilities[lines[:, 0] == END] > 0).all() == empty


def test_what_follows_a_line_does_not_change_its_likelihood() -> None:
    """Padding at the end is not read."""
    generator, lines = a_generator(length=5), some_lines(4, 3, TOKENS)
    longer = torch.cat([lines, torch.full((4, 2), PAD)], 1)
    torch.testing.assert_close(generator.log_likelihoods(longer, None)[:, :3], generator.log_likelihoods(lines, None))


def test_the_label_is_heard_at_every_position() -> None:
    generator, lines = a_generator(labels=2), every_line()[-1:]
    one, other = (generator.log_likelihoods(lines, torch.tensor([label])) for label in range(2))
    assert ((one - other).abs() > 1e-4).all()


def test_locked_dropout_has_one_mask_a_line_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    values = torch.ones(4000, 5, 3)
    kept = locked(values, 0.25, True)
    assert kept.unique().tolist() == pytest.approx([0, 4 / 3])
    assert (kept == kept[:, :1]).all()
    assert kept[:, 0].mean().item() == pytest.approx(1, abs=4 * (1 / 3 / 12_000) ** 0.5)
    channels = kept[:, 0].T.corrcoef()
    assert (channels - torch.eye(3)).abs().max() < 4 / 4000**0.5
    assert locked(values, 0.25, False) is values
    assert locked(values, 0.0, True) is values


def test_dropout_in_training_only() -> None:
    generator, lines = a_generator(dropout=0.5), every_line()

    def found(of: TextGenerator) -> Tensor:
        return of.log_likelihoods(lines, None)

    assert not torch.equal(found(generator.train()), found(generator))
    assert torch.equal(found(generator.eval()), found(generator))


# The log-likelihood of what was chosen


def rows(count: int = 11, channels: int = 4, tokens: int = 7) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(0)
    shapes = ((count, channels), (tokens, channels), (tokens,))
    made = [torch.randn(shape, generator=random, dtype=torch.float64).requires_grad_() for shape in shapes]
    return made[0], made[1], made[2], torch.randint(tokens, (count,), generator=random)


@pytest.mark.parametrize("numbers", [1 << 19, 21, 1])  # all rows at once, three, one
def test_some_rows_at_a_time_are_the_naive_formula(numbers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likelihood, "NUMBERS", numbers)
    hidden, vectors, bias, chosen = rows()
    assert len(likelihood.chunks(11, 7)) == {1 << 19: 1, 21: 4, 1: 11}[numbers]
    found = likelihood.log_likelihood(hidden, vectors, bias, chosen)
    expected = (hidden @ vectors.T + bias).log_softmax(1)[torch.arange(11), chosen]
    torch.testing.assert_close(found, expected)
    weights = torch.linspace(-1, 2, 11, dtype=torch.float64)
    both = [torch.autograd.grad((value * weights).sum(), [hidden, vectors, bias]) for value in (found, expected)]
    torch.testing.assert_close(*both)
    assert torch.autograd.gradcheck(likelihood.log_likelihood, (hidden, vectors, bias, chosen))


@pytest.mark.bfloat16
def test_in_bfloat16_only_matrices_are_rounded() -> None:
    """The gradients' directions stay, and what is returned has the format of the bias."""
    exact = [value.detach().float().requires_grad_() for value in rows(64, 32, 50)[:3]]
    hidden, vectors, bias = exact
    chosen = torch.arange(64) % 50
    found = {
        dtype: likelihood.log_likelihood(hidden.to(dtype), vectors, bias, chosen)
        for dtype in (torch.float32, torch.bfloat16)
    }
    assert {value.dtype for value in found.values()} == {torch.float32}
    torch.testing.assert_close(found[torch.bfloat16], found[torch.float32], atol=0.2, rtol=0)
    one, other = (torch.autograd.grad(value.sum(), exact) for value in found.values())
    for fine, coarse in zip(one, other, strict=True):
        assert coarse.dtype == torch.float32
        assert torch.cosine_similarity(fine.flatten(), coarse.flatten(), 0) > 0.999


def test_tokens_that_are_never_chosen_have_no_gradient() -> None:
    hidden, vectors, bias, _ = rows()
    never = torch.tensor([-torch.inf, -torch.inf, 0, 0, 0, 0, 0], dtype=torch.float64)
    likelihood.log_likelihood(hidden, vectors, bias + never, torch.full((11,), 3)).sum().backward()
    assert vectors.grad is not None
    assert bias.grad is not None
    assert hidden.grad is not None
    assert (vectors.grad[:2] == 0).all()
    assert bias.grad[:2].tolist() == [0, 0]
    assert hidden.grad.isfinite().all()


def test_no_rows() -> None:
    hidden, vectors, bias, chosen = rows(0)
    assert likelihood.log_likelihood(hidden, vectors, bias, chosen).shape == (0,)


def test_every_line_is_what_is_meant() -> None:
    """The oracle of these tests: no two alike, none with anything after its end."""
    lines = every_line().tolist()
    assert len({tuple(line) for line in lines}) == len(lines)
    assert all(len(line) == LENGTH and START not in line for line in lines)
    assert all((PAD not in line) or line[line.index(PAD) - 1] == 2 for line in lines)
