"""The judges of lines: what they see, what they must not, what can be differentiated twice."""

from __future__ import annotations

import pytest
import torch
from tiny_text import UNITS
from torch import Tensor

from sparring.core.penalties import zero_centred
from sparring.text.networks.judge import REACHES, WINDOWS, Judge, LineJudge, UnitJudge

BATCH, PLACES, CHANNELS = 4, 9, 5
KINDS = (LineJudge, UnitJudge)


def a_judge(kind: type[Judge], labels: int = 0, dropout: float = 0.0) -> Judge:
    torch.manual_seed(0)
    return kind(units=UNITS, channels=CHANNELS, labels=labels, width=3, dropout=dropout)  # type: ignore[call-arg]


def vectors(count: int = BATCH, places: int = PLACES, seed: int = 1) -> Tensor:
    return torch.randn(count, places, CHANNELS, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("labels", [0, 3])
@pytest.mark.parametrize("places", [1, 2, PLACES])
def test_one_logit_a_line_or_one_after_every_unit(labels: int, places: int) -> None:
    conditions = torch.arange(BATCH) % labels if labels else None
    assert a_judge(LineJudge, labels)(vectors(places=places), conditions).shape == (BATCH,)
    assert a_judge(UnitJudge, labels)(vectors(places=places), conditions).shape == (BATCH, places)


def test_a_verdict_after_a_unit_knows_nothing_of_later_ones_and_all_of_earlier_ones() -> None:
    judge, lines = a_judge(UnitJudge), vectors(1, 40)
    for place in (0, 5, 39):
        changed = lines.clone()
        changed[:, place] += 5
        differs = (judge(lines, None) - judge(changed, None))[0].abs() > 0
        assert differs.tolist() == [at >= place and at - place <= sum(REACHES) for at in range(40)]


def test_a_line_is_judged_by_its_strongest_windows_wherever_they_stand() -> None:
    """By hand, from the convolutions' weights."""
    judge, lines = a_judge(LineJudge), vectors()
    assert isinstance(judge, LineJudge)
    padded = torch.cat([torch.zeros(BATCH, WINDOWS[-1] - 1, CHANNELS), lines], 1)
    found = []
    for window, size in zip(judge.windows, WINDOWS, strict=True):
        runs = padded.unfold(1, size, 1)  # (batch, places, channels, size)
        heard = torch.einsum("bpcs,wcs->bpw", runs, window.weight) + window.bias
        found.append(heard.maximum(0.2 * heard).amax(1))
    hidden = torch.cat(found, 1) @ judge.mix[0].weight.T + judge.mix[0].bias
    expected = hidden.maximum(0.2 * hidden) @ judge.end.out.weight[0] + judge.end.out.bias
    torch.testing.assert_close(judge(lines, None), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_labels_say_nothing_at_first_and_are_learned(kind: type[Judge]) -> None:
    judge, lines = a_judge(kind, 2), vectors()
    one, other = torch.zeros(BATCH, dtype=torch.long), torch.ones(BATCH, dtype=torch.long)
    assert torch.equal(judge(lines, one), judge(lines, other))
    judge(lines, one).sum().backward()
    gradient = judge.end.labels.weight.grad  # type: ignore[union-attr]
    assert (gradient[0] != 0).any()
    assert (gradient[1] == 0).all()
    torch.nn.init.normal_(judge.end.labels.weight)  # type: ignore[union-attr,arg-type]
    assert (judge(lines, one) != judge(lines, other)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_by_what_it_reads_can_be_differentiated_again(kind: type[Judge]) -> None:
    judge = a_judge(kind, 2).double()
    lines = vectors(2, 4).double().requires_grad_()
    labels = torch.tensor([0, 1])
    assert torch.autograd.gradgradcheck(lambda x: judge(x, labels), (lines,), atol=1e-6)
    (penalty,) = zero_centred(judge(lines, labels), [lines])
    weights = [weight for name, weight in judge.named_parameters() if name == "end.out.weight" or ".weight" in name]
    penalty.backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in weights)
    assert sum(weight.grad.abs().sum() for weight in weights) > 0  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", KINDS)
def test_it_reads_by_the_vectors_that_it_took_with_unit_deviation(kind: type[Judge]) -> None:
    judge = a_judge(kind)
    assert not judge.ready
    learned = 0.01 * torch.randn(UNITS, CHANNELS, requires_grad=True)
    judge.take(learned.detach())
    assert judge.ready
    assert judge.table.std().item() == pytest.approx(1, rel=1e-4)
    torch.testing.assert_close(judge.table, (learned / learned.std()).detach())
    assert not judge.table.requires_grad
    assert "table" not in dict(judge.named_parameters())
    restored = a_judge(kind)
    restored.load_state_dict(judge.state_dict())
    assert restored.ready
    assert torch.equal(restored.table, judge.table)


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_in_training_only(kind: type[Judge]) -> None:
    judge, lines = a_judge(kind, dropout=0.5), vectors()
    assert not torch.equal(judge(lines, None), judge(lines, None))
    judge.eval()
    assert torch.equal(judge(lines, None), judge(lines, None))
