"""What tests of text share: tiny generators, every line that they can make, games on a few words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from sparring.core.game import Step
from sparring.text.data import TextForm
from sparring.text.game import TextGame
from sparring.text.networks.generator import NEVER, TextGenerator
from sparring.text.recipes import RECIPES, TextRecipe
from sparring.text.vocabulary import END, PAD, Vocabulary

TOKENS, LENGTH = 6, 3
WORDS = ["the", "cat", "dog", "sat", "ran", ".", "quickly", "home"]


def a_generator(body: str = "lstm", *, labels: int = 0, sharp: float = 4.0, **settings: Any) -> TextGenerator:
    """One that is not trained but has opinions, without dropout."""
    torch.manual_seed(0)
    shape = {"tokens": TOKENS, "length": LENGTH, "embedding": 8, "width": 16, "layers": 1, "dropout": 0.0}
    generator = TextGenerator(**{**shape, "labels": labels, "body": body, "valued": False, **settings})
    with torch.no_grad():
        generator.leave.weight.mul_(sharp)
        generator.bias.normal_()
    return generator


def every_line(tokens: int = TOKENS, length: int = LENGTH) -> Tensor:
    """All that can be generated, ``(n, length)``: ended, or full."""

    def grown(line: list[int]) -> Iterator[list[int]]:
        if len(line) == length or line[-1:] == [END]:
            yield line + [PAD] * (length - len(line))
            return
        for token in range(tokens):
            if token not in NEVER:
                yield from grown([*line, token])

    return torch.tensor(list(grown([])))


def some_lines(count: int, length: int, tokens: int, seed: int = 0) -> Tensor:
    """Random ones of every length, the longest open, the others ended."""
    random = torch.Generator().manual_seed(seed)
    lines = torch.randint(END + 1, tokens, (count, length), generator=random)
    lengths = torch.arange(count) % (length + 1)
    lines[torch.arange(length) > lengths[:, None]] = PAD
    lines[torch.arange(length) == lengths[:, None]] = END
    return lines


def a_game(*, labels: int = 2, length: int = 6, seed: int = 0, **settings: Any) -> TextGame:
    """A tiny game on lines of ``WORDS``."""
    tiny = {
        "width": 16,
        "embedding": 8,
        "discriminator_width": 4,
        "dropout": 0.0,
        "discriminator_dropout": 0.0,
        "mismatched_share": 0.0,
    }
    recipe = RECIPES["text"].changed({**tiny, "data": "topics", **settings})
    assert isinstance(recipe, TextRecipe)
    vocabulary = Vocabulary.learn([" ".join(WORDS)] * 2, "word", 100, 1)
    form = TextForm(
        labels=tuple(f"label{n}" for n in range(labels)),
        length=length,
        tokens=len(vocabulary),
        cut=0,
        mean_tokens=4.0,
        vocabulary=vocabulary.form(),
    )
    torch.manual_seed(seed)
    return TextGame(recipe, form)


def a_step(game: TextGame, seen: int = 0, batch: int = 6, batches: int | None = None) -> Step:
    """With batches of random lines, labels in turn."""
    given = []
    for number in range(game.batches if batches is None else batches):
        lines = some_lines(batch, game.length, len(game.vocabulary), seed=number)
        given.append({"lines": lines, "labels": torch.arange(batch) % max(1, game.classes)})
    cpu = torch.device("cpu")
    return Step(given, examples_seen=seen, seed=seen, global_batch=batch, part=slice(0, batch), device=cpu)


def networks_of(game: TextGame) -> dict[str, torch.nn.Module]:
    """As verbs have them."""
    return {name: player.network.eval() for name, player in game.players.items()}
