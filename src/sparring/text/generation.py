"""Lines generated token by token: at a temperature, from a nucleus, after a prompt."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.terminal import quoted
from sparring.text.networks.generator import TextGenerator
from sparring.text.reading.lines import clean
from sparring.text.vocabulary import END, PAD, START, UNKNOWN, Vocabulary


@torch.no_grad()
def generate_lines(
    generator: TextGenerator,
    uniform: Tensor,
    labels: Tensor | None,
    *,
    temperature: float = 1.0,
    top_p: float = 1.0,
    prompt: Sequence[int] = (),
    unknown: bool = True,
    empty: bool = True,
) -> Tensor:
    """Lines of tokens ``(batch, length)`` from uniform numbers in [0, 1) of that shape, under ``labels`` ``(batch,)``.

    Logits are divided by ``temperature`` (0: always the likeliest token), then the likeliest tokens are kept that make
    up the probability ``top_p`` together (Holtzman et al. 2020). Lines begin with ``prompt``. Without ``unknown`` the
    unknown token is never generated; without ``empty`` no line is empty or begins with white space. A line that is full
    before its end is left open.
    """
    lines = torch.full(uniform.shape, PAD, device=uniform.device)
    last, state = torch.full_like(lines[:, 0], START), None
    over = torch.zeros_like(last, dtype=torch.bool)
    for position in range(uniform.shape[1]):
        hidden, state = generator(last[:, None], labels, state)
        if position < len(prompt):
            chosen = torch.full_like(last, prompt[position])
        else:
            logits_of = generator.logits if position or empty else generator.first_logits
            logits = logits_of(hidden[:, 0])
            if not unknown:
                logits[:, UNKNOWN] = -torch.inf
            chosen = choose_tokens(logits, uniform[:, position], temperature, top_p)
        last = torch.where(over, PAD, chosen)
        lines[:, position] = last
        over |= last == END
        if bool(over.all()):
            break
    return lines


def choose_tokens(logits: Tensor, uniform: Tensor, temperature: float, top_p: float) -> Tensor:
    """A token for each row of logits ``(batch, tokens)``, int64 ``(batch,)``: the one where a uniform number
    ``(batch,)`` falls among the summed probabilities."""
    if temperature == 0:
        return logits.argmax(1)
    probabilities = (logits / temperature).softmax(1)
    if top_p < 1:
        probabilities = nucleus(probabilities, top_p)
    summed = probabilities.cumsum(1)
    index = torch.searchsorted(summed, (uniform * summed[:, -1])[:, None], right=True)  # none of probability 0
    return index[:, 0].clamp(max=probabilities.shape[1] - 1)


def nucleus(probabilities: Tensor, share: float) -> Tensor:
    """Probabilities ``(batch, tokens)`` with 0 for all but the likeliest that make up ``share`` together, of this
    shape; they are not brought to a sum of 1."""
    ranked, order = probabilities.sort(dim=1, descending=True, stable=True)
    kept = ranked.cumsum(1) - ranked < share  # the first is always kept
    return torch.zeros_like(probabilities).scatter(1, order, ranked * kept)


def encode_prompt(prompt: str, vocabulary: Vocabulary, length: int, lower: bool) -> list[int]:
    """The tokens of a prompt, cleaned as the lines were that the generator learned from: none of white space alone.
    Raises :class:`UserError` for a token that is not in the vocabulary, and for a prompt that fills lines of
    ``length``."""
    space = " " if vocabulary.token != "word" and prompt.strip() and prompt[-1:] == " " else ""
    prompt = clean(prompt, lower) + space
    numbers = vocabulary.encode(prompt)
    if UNKNOWN in numbers:
        token = vocabulary.tokens(prompt)[numbers.index(UNKNOWN)]
        raise UserError(f"prompt: {quoted(token)} is not in the vocabulary of {len(vocabulary):,} tokens")
    if len(numbers) >= length:
        raise UserError(f"prompt: {len(numbers)} tokens leave nothing to generate; lines have at most {length - 1}")
    return numbers
