"""Lines that are generated: as often as the generator says, sharpened, cut, after a prompt, the same from the same
uniform numbers."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from tiny_text import LENGTH, TOKENS, a_generator, every_line
from torch import Tensor

from sparring.text.generation import choose_tokens, encode_prompt, generate_lines, nucleus
from sparring.text.networks.bodies import BODIES
from sparring.text.networks.generator import NEVER, TextGenerator
from sparring.text.vocabulary import END, PAD, SPECIAL, START, UNKNOWN, Vocabulary

COUNT = 40_000


def uniform(count: int = COUNT, length: int = LENGTH, seed: int = 0) -> Tensor:
    return torch.rand(count, length, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def exact(generator: TextGenerator, lines: Tensor, labels: Tensor | None, temperature: float) -> Tensor:
    """The probability of each of ``lines`` at a temperature, from all logits."""
    before = torch.cat([torch.full_like(lines[:, :1], START), lines[:, :-1]], 1)
    logits = generator.logits(generator(before, labels)[0]) / temperature
    each = logits.log_softmax(2).gather(2, lines[..., None])[..., 0]
    return each.where(lines != PAD, 0).sum(1).exp()


def assert_as_often(made: Tensor, lines: Tensor, expected: Tensor) -> None:
    """Every count within five standard errors, and chi-square of those that are expected often."""
    counts = Counter(map(tuple, made.tolist()))
    found = torch.tensor([counts.pop(tuple(line), 0) for line in lines.tolist()])
    assert not counts, "generated, but not among all lines"
    wanted = expected * len(made)
    assert ((found - wanted).abs() <= 5 * (wanted * (1 - expected)).sqrt() + 1).all()
    often = wanted > 10
    squares = ((found - wanted).square() / wanted)[often].sum().item()
    degrees = int(often.sum()) - 1
    assert squares < degrees + 5 * (2 * degrees) ** 0.5


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_lines_are_generated_as_often_as_their_probability_says(body: str, temperature: float) -> None:
    generator, lines = a_generator(body, labels=2), every_line()
    for label in range(2):
        made = generate_lines(generator, uniform(), torch.full((COUNT,), label), temperature=temperature)
        expected = exact(generator, lines, torch.full((len(lines),), label), temperature)
        assert_as_often(made, lines, expected)


def test_temperature_nought_is_the_likeliest_token() -> None:
    generator = a_generator(labels=2, length=8)
    made = generate_lines(generator, uniform(2, 8), torch.tensor([0, 1]), temperature=0.0)
    for label, line in enumerate(made.tolist()):
        so_far = [START]
        for token in line:
            if END in so_far:
                assert token == PAD
                continue
            found = generator(torch.tensor([so_far]), torch.tensor([label]))[0]
            assert token == generator.logits(found[:, -1]).argmax().item()
            so_far.append(token)


def test_the_nucleus_by_hand() -> None:
    likely = torch.tensor([[0.1, 0.4, 0.2, 0.3], [0.25, 0.25, 0.25, 0.25], [0.97, 0.01, 0.01, 0.01]])
    expected = torch.tensor([[0, 0.4, 0, 0.3], [0.25, 0.25, 0.25, 0], [0.97, 0, 0, 0]])
    torch.testing.assert_close(nucleus(likely, 0.65), expected)
    torch.testing.assert_close(nucleus(likely, 1e-9)[0], torch.tensor([0, 0.4, 0, 0]))  # the likeliest stays


def test_tokens_are_chosen_where_a_uniform_number_falls_among_the_sums() -> None:
    logits = torch.tensor([0.1, 0.4, 0.2, 0.3]).log().repeat(8, 1)
    where = torch.tensor([0.0, 0.099, 0.101, 0.499, 0.501, 0.699, 0.701, 1 - 2**-24])
    assert choose_tokens(logits, where, 1.0, 1.0).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    # of 0.4 and 0.3 alone, 4/7 and 3/7
    assert choose_tokens(logits, where, 1.0, 0.65).tolist() == [1, 1, 1, 1, 1, 3, 3, 3]


def test_what_has_no_probability_is_never_chosen() -> None:
    logits = torch.tensor([-torch.inf, 0.0, -torch.inf, 1.0, -torch.inf]).repeat(4, 1)
    where = torch.tensor([0.0, 0.26, 0.27, 1 - 2**-24])
    assert choose_tokens(logits, where, 1.0, 1.0).tolist() == [1, 1, 3, 3]


def test_top_p_draws_from_the_nucleus_as_often_as_it_should() -> None:
    generator, share = a_generator(), 0.7
    first = generator.logits(generator(torch.tensor([[START]]), None)[0])[0, 0].softmax(0)
    ranked = first.sort(descending=True)
    kept = ranked.indices[: int((ranked.values.cumsum(0) < share).sum()) + 1]
    assert 1 < len(kept) < TOKENS - len(NEVER)
    made = generate_lines(generator, uniform(), None, top_p=share)
    expected = torch.zeros(TOKENS).index_copy(0, kept, first[kept] / first[kept].sum())
    found = torch.bincount(made[:, 0], minlength=TOKENS) / COUNT
    assert ((found - expected).abs() <= 4 * (expected * (1 - expected) / COUNT).sqrt()).all()


def test_a_prompt_is_kept_and_what_follows_has_its_probability_given_it() -> None:
    generator, lines = a_generator(), every_line()
    made = generate_lines(generator, uniform(), None, prompt=[4, 5])
    assert (made[:, :2] == torch.tensor([4, 5])).all()
    begun = lines[(lines[:, 0] == 4) & (lines[:, 1] == 5)]
    given = exact(generator, begun, None, 1.0)
    assert_as_often(made, begun, given / given.sum())


@pytest.mark.parametrize("body", BODIES)
def test_after_the_end_there_is_nothing(body: str) -> None:
    made = generate_lines(a_generator(body, length=12, sharp=1.0), uniform(500, 12), None)
    ended = (made == END).long().cumsum(1) - (made == END).long() > 0
    assert (made[ended] == PAD).all()
    assert (made[~ended] != PAD).all()
    assert (made != START).all()
    assert ended.any(1).sum() > 0


@pytest.mark.parametrize("temperature", [0.0, 1.0, 10.0])
def test_the_unknown_token_is_only_generated_where_it_is_wanted(temperature: float) -> None:
    generator = a_generator()
    with torch.no_grad():
        generator.bias[UNKNOWN] = 5
    assert UNKNOWN in generate_lines(generator, uniform(200), None, temperature=temperature)
    assert UNKNOWN not in generate_lines(generator, uniform(200), None, temperature=temperature, unknown=False)


@pytest.mark.parametrize("labels", [0, 2])
def test_lines_that_are_not_empty_are_generated_as_often_as_their_likelihood_says(labels: int) -> None:
    generator, lines = a_generator(labels=labels, blank=[4]), every_line()
    with torch.no_grad():
        generator.bias[[END, 4]] = 2.0  # else empty, or begun with a space
    for label in range(max(labels, 1)):
        asked = [torch.full((count,), label) if labels else None for count in (COUNT, len(lines))]
        made = generate_lines(generator, uniform(), asked[0], empty=False)
        with torch.no_grad():
            expected = generator.log_likelihoods(lines, asked[1], empty=False).sum(1).exp()
        assert_as_often(made, lines, expected)
        assert not torch.isin(made[:, 0], torch.tensor([END, 4])).any()
        assert (made[:, 1:] == 4).any()


@pytest.mark.parametrize(("temperature", "top_p"), [(0.0, 1.0), (0.3, 1.0), (10.0, 1.0), (1.0, 0.5)])
def test_no_line_is_empty_at_any_temperature_or_in_any_nucleus(temperature: float, top_p: float) -> None:
    generator = a_generator()
    with torch.no_grad():
        generator.bias[END] = 30  # nearly certain
    made = generate_lines(generator, uniform(500), None, temperature=temperature, top_p=top_p, empty=False)
    assert (made[:, 0] != END).all()
    prompted = generate_lines(generator, uniform(500), None, prompt=[4], empty=False, temperature=0)
    assert (prompted[:, 1] == END).all()  # a prompt alone is a line


@pytest.mark.parametrize("token", ["word", "character", "bpe"])
def test_blank_tokens_are_those_of_white_space(token: str) -> None:
    vocabulary = Vocabulary.learn(["a cat . a dog sat"] * 40, token, 300, 2)
    shown = [vocabulary.join([vocabulary.known[number - SPECIAL]]) for number in vocabulary.blank()]
    assert set(shown) == (set() if token == "word" else {" "})
    for prompt in ("", " ", "  \n"):
        assert encode_prompt(prompt, vocabulary, 8, lower=False) == []
    assert encode_prompt("a ", vocabulary, 8, lower=False) == vocabulary.encode("a " if token != "word" else "a")


@pytest.mark.parametrize("body", BODIES)
def test_the_same_numbers_same_lines_alone_or_together(body: str) -> None:
    generator, random, labels = a_generator(body, labels=2, length=9), uniform(40, 9), torch.arange(40) % 2
    together = generate_lines(generator, random, labels)
    assert torch.equal(generate_lines(generator, random, labels), together)
    alone = [generate_lines(generator, random[at : at + 1], labels[at : at + 1]) for at in range(40)]
    assert torch.equal(torch.cat(alone), together)
    assert not torch.equal(generate_lines(generator, uniform(40, 9, seed=1), labels), together)
