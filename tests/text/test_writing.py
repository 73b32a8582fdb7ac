"""Lines that are written: as often as the writer says, sharpened, cut, after a prompt, the same by the same chance."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from tiny_text import PLACES, UNITS, a_writer, every_line
from torch import Tensor

from sparring.text.networks.bodies import BODIES
from sparring.text.networks.writer import NEVER, Writer
from sparring.text.vocabulary import END, PAD, START, UNKNOWN
from sparring.text.writing import choose, nucleus, write

COUNT = 40_000


def chance(count: int = COUNT, places: int = PLACES, seed: int = 0) -> Tensor:
    return torch.rand(count, places, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def exact(writer: Writer, lines: Tensor, labels: Tensor | None, temperature: float) -> Tensor:
    """The probability of each of ``lines`` at a temperature, from all logits."""
    before = torch.cat([torch.full_like(lines[:, :1], START), lines[:, :-1]], 1)
    logits = writer.logits(writer(before, labels)[0]) / temperature
    each = logits.log_softmax(2).gather(2, lines[..., None])[..., 0]
    return each.where(lines != PAD, 0).sum(1).exp()


def assert_as_often(made: Tensor, lines: Tensor, expected: Tensor) -> None:
    """Every count within five standard errors, and chi-square of those that are expected often."""
    counts = Counter(map(tuple, made.tolist()))
    found = torch.tensor([counts.pop(tuple(line), 0) for line in lines.tolist()])
    assert not counts, "written, but not among all lines"
    wanted = expected * len(made)
    assert ((found - wanted).abs() <= 5 * (wanted * (1 - expected)).sqrt() + 1).all()
    often = wanted > 10
    squares = ((found - wanted).square() / wanted)[often].sum().item()
    degrees = int(often.sum()) - 1
    assert squares < degrees + 5 * (2 * degrees) ** 0.5


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_lines_are_written_as_often_as_their_probability_says(body: str, temperature: float) -> None:
    writer, lines = a_writer(body, labels=2), every_line()
    for label in range(2):
        made = write(writer, chance(), torch.full((COUNT,), label), temperature=temperature)
        expected = exact(writer, lines, torch.full((len(lines),), label), temperature)
        assert_as_often(made, lines, expected)


def test_temperature_nought_is_the_likeliest_unit() -> None:
    writer = a_writer(labels=2, places=8)
    made = write(writer, chance(2, 8), torch.tensor([0, 1]), temperature=0.0)
    for label, line in enumerate(made.tolist()):
        so_far = [START]
        for unit in line:
            if END in so_far:
                assert unit == PAD
                continue
            found = writer(torch.tensor([so_far]), torch.tensor([label]))[0]
            assert unit == writer.logits(found[:, -1]).argmax().item()
            so_far.append(unit)


def test_the_nucleus_by_hand() -> None:
    likely = torch.tensor([[0.1, 0.4, 0.2, 0.3], [0.25, 0.25, 0.25, 0.25], [0.97, 0.01, 0.01, 0.01]])
    expected = torch.tensor([[0, 0.4, 0, 0.3], [0.25, 0.25, 0.25, 0], [0.97, 0, 0, 0]])
    torch.testing.assert_close(nucleus(likely, 0.65), expected)
    torch.testing.assert_close(nucleus(likely, 1e-9)[0], torch.tensor([0, 0.4, 0, 0]))  # the likeliest stays


def test_units_are_chosen_where_chance_falls_among_the_sums() -> None:
    logits = torch.tensor([0.1, 0.4, 0.2, 0.3]).log().repeat(8, 1)
    where = torch.tensor([0.0, 0.099, 0.101, 0.499, 0.501, 0.699, 0.701, 1 - 2**-24])
    assert choose(logits, where, 1.0, 1.0).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    # of 0.4 and 0.3 alone, 4/7 and 3/7
    assert choose(logits, where, 1.0, 0.65).tolist() == [1, 1, 1, 1, 1, 3, 3, 3]


def test_what_has_no_chance_is_never_chosen() -> None:
    logits = torch.tensor([-torch.inf, 0.0, -torch.inf, 1.0, -torch.inf]).repeat(4, 1)
    where = torch.tensor([0.0, 0.26, 0.27, 1 - 2**-24])
    assert choose(logits, where, 1.0, 1.0).tolist() == [1, 1, 3, 3]


def test_top_p_writes_from_the_nucleus_as_often_as_it_should() -> None:
    writer, share = a_writer(), 0.7
    first = writer.logits(writer(torch.tensor([[START]]), None)[0])[0, 0].softmax(0)
    ranked = first.sort(descending=True)
    kept = ranked.indices[: int((ranked.values.cumsum(0) < share).sum()) + 1]
    assert 1 < len(kept) < UNITS - len(NEVER)
    made = write(writer, chance(), None, top_p=share)
    expected = torch.zeros(UNITS).index_copy(0, kept, first[kept] / first[kept].sum())
    found = torch.bincount(made[:, 0], minlength=UNITS) / COUNT
    assert ((found - expected).abs() <= 4 * (expected * (1 - expected) / COUNT).sqrt()).all()


def test_a_prompt_is_kept_and_what_follows_has_its_probability_given_it() -> None:
    writer, lines = a_writer(), every_line()
    made = write(writer, chance(), None, prompt=[4, 5])
    assert (made[:, :2] == torch.tensor([4, 5])).all()
    begun = lines[(lines[:, 0] == 4) & (lines[:, 1] == 5)]
    given = exact(writer, begun, None, 1.0)
    assert_as_often(made, begun, given / given.sum())


@pytest.mark.parametrize("body", BODIES)
def test_after_the_end_there_is_nothing(body: str) -> None:
    made = write(a_writer(body, places=12, sharp=1.0), chance(500, 12), None)
    ended = (made == END).long().cumsum(1) - (made == END).long() > 0
    assert (made[ended] == PAD).all()
    assert (made[~ended] != PAD).all()
    assert (made != START).all()
    assert ended.any(1).sum() > 0


@pytest.mark.parametrize("temperature", [0.0, 1.0, 10.0])
def test_the_unknown_unit_is_only_written_where_it_is_wanted(temperature: float) -> None:
    writer = a_writer()
    with torch.no_grad():
        writer.bias[UNKNOWN] = 5
    assert UNKNOWN in write(writer, chance(200), None, temperature=temperature)
    assert UNKNOWN not in write(writer, chance(200), None, temperature=temperature, unknown=False)


@pytest.mark.parametrize("body", BODIES)
def test_same_chance_same_lines_alone_or_together(body: str) -> None:
    writer, random, labels = a_writer(body, labels=2, places=9), chance(40, 9), torch.arange(40) % 2
    together = write(writer, random, labels)
    assert torch.equal(write(writer, random, labels), together)
    alone = [write(writer, random[at : at + 1], labels[at : at + 1]) for at in range(40)]
    assert torch.equal(torch.cat(alone), together)
    assert not torch.equal(write(writer, chance(40, 9, seed=1), labels), together)
