"""The discriminators of lines: what they see, what they must not, what can be differentiated twice."""

from __future__ import annotations

import pytest
import torch
from tiny_text import TOKENS
from torch import Tensor

from sparring.core.penalties import zero_centred
from sparring.text.networks.discriminator import (
    REACHES,
    WINDOWS,
    LineDiscriminator,
    TextDiscriminator,
    TokenDiscriminator,
)

BATCH, LENGTH, CHANNELS = 4, 9, 5
KINDS = (LineDiscriminator, TokenDiscriminator)


def a_discriminator(kind: type[TextDiscriminator], labels: int = 0, dropout: float = 0.0) -> TextDiscriminator:
    torch.manual_seed(0)
    return kind(tokens=TOKENS, channels=CHANNELS, labels=labels, width=3, dropout=dropout)  # type: ignore[call-arg]


def vectors(count: int = BATCH, length: int = LENGTH, seed: int = 1) -> Tensor:
    return torch.randn(count, length, CHANNELS, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("labels", [0, 3])
@pytest.mark.parametrize("length", [1, 2, LENGTH])
def test_one_logit_a_line_or_one_after_every_token(labels: int, length: int) -> None:
    conditions = torch.arange(BATCH) % labels if labels else None
    assert a_discriminator(LineDiscriminator, labels)(vectors(length=length), conditions).shape == (BATCH,)
    assert a_discriminator(TokenDiscriminator, labels)(vectors(length=length), conditions).shape == (BATCH, length)


def test_a_logit_after_a_token_knows_nothing_of_later_ones_and_all_of_earlier_ones() -> None:
    discriminator, lines = a_discriminator(TokenDiscriminator), vectors(1, 40)
    for position in (0, 5, 39):
        changed = lines.clone()
        changed[:, position] += 5
        differs = (discriminator(lines, None) - discriminator(changed, None))[0].abs() > 0
        assert differs.tolist() == [at >= position and at - position <= sum(REACHES) for at in range(40)]


def test_a_lines_logit_is_that_of_its_strongest_windows_wherever_they_stand() -> None:
    """By hand, from the convolutions' weights."""
    discriminator, lines = a_discriminator(LineDiscriminator), vectors()
    assert isinstance(discriminator, LineDiscriminator)
    padded = torch.cat([torch.zeros(BATCH, WINDOWS[-1] - 1, CHANNELS), lines], 1)
    found = []
    for window, size in zip(discriminator.windows, WINDOWS, strict=True):
        runs = padded.unfold(1, size, 1)  # (batch, length, channels, size)
        heard = torch.einsum("bpcs,wcs->bpw", runs, window.weight) + window.bias
        found.append(heard.maximum(0.2 * heard).amax(1))
    hidden = torch.cat(found, 1) @ discriminator.mix[0].weight.T + discriminator.mix[0].bias
    expected = hidden.maximum(0.2 * hidden) @ discriminator.end.out.weight[0] + discriminator.end.out.bias
    torch.testing.assert_close(discriminator(lines, None), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_labels_say_nothing_at_first_and_are_learned(kind: type[TextDiscriminator]) -> None:
    discriminator, lines = a_discriminator(kind, 2), vectors()
    one, other = torch.zeros(BATCH, dtype=torch.long), torch.ones(BATCH, dtype=torch.long)
    assert torch.equal(discriminator(lines, one), discriminator(lines, other))
    discriminator(lines, one).sum().backward()
    gradient = discriminator.end.labels.weight.grad  # type: ignore[union-attr]
    assert (gradient[0] != 0).any()
    assert (gradient[1] == 0).all()
    torch.nn.init.normal_(discriminator.end.labels.weight)  # type: ignore[union-attr,arg-type]
    assert (discriminator(lines, one) != discriminator(lines, other)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_by_what_it_reads_can_be_differentiated_again(kind: type[TextDiscriminator]) -> None:
    discriminator = a_discriminator(kind, 2).double()
    lines = vectors(2, 4).double().requires_grad_()
    labels = torch.tensor([0, 1])
    assert torch.autograd.gradgradcheck(lambda x: discriminator(x, labels), (lines,), atol=1e-6)
    (penalty,) = zero_centred(discriminator(lines, labels), [lines])
    weights = [
        weight for name, weight in discriminator.named_parameters() if name == "end.out.weight" or ".weight" in name
    ]
    penalty.backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in weights)
    assert sum(weight.grad.abs().sum() for weight in weights) > 0  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", KINDS)
def test_it_reads_by_the_embeddings_that_it_took_with_unit_deviation(kind: type[TextDiscriminator]) -> None:
    discriminator = a_discriminator(kind)
    assert not discriminator.ready
    learned = 0.01 * torch.randn(TOKENS, CHANNELS, requires_grad=True)
    discriminator.take_embeddings(learned.detach())
    assert discriminator.ready
    assert discriminator.table.std().item() == pytest.approx(1, rel=1e-4)
    torch.testing.assert_close(discriminator.table, (learned / learned.std()).detach())
    assert not discriminator.table.requires_grad
    assert "table" not in dict(discriminator.named_parameters())
    restored = a_discriminator(kind)
    restored.load_state_dict(discriminator.state_dict())
    assert restored.ready
    assert torch.equal(restored.table, discriminator.table)


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_in_training_only(kind: type[TextDiscriminator]) -> None:
    discriminator, lines = a_discriminator(kind, dropout=0.5), vectors()
    assert not torch.equal(discriminator(lines, None), discriminator(lines, None))
    discriminator.eval()
    assert torch.equal(discriminator(lines, None), discriminator(lines, None))
