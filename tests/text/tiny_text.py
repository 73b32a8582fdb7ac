"""What tests of the text room share: tiny writers, every line that they can write, games on a few words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from sparring.core.game import Step
from sparring.text.game import TextGame
from sparring.text.networks.writer import NEVER, Writer
from sparring.text.recipes import RECIPES
from sparring.text.vocabulary import END, PAD, Vocabulary

UNITS, PLACES = 6, 3
WORDS = ["the", "cat", "dog", "sat", "ran", ".", "quickly", "home"]


def a_writer(body: str = "lstm", *, labels: int = 0, sharp: float = 4.0, **settings: Any) -> Writer:
    """One that is not trained but has opinions, without dropout."""
    torch.manual_seed(0)
    shape = {"units": UNITS, "places": PLACES, "embedding": 8, "width": 16, "layers": 1, "dropout": 0.0}
    writer = Writer(**{**shape, "labels": labels, "body": body, "valued": False, **settings})
    with torch.no_grad():
        writer.leave.weight.mul_(sharp)
        writer.bias.normal_()
    return writer


def every_line(units: int = UNITS, places: int = PLACES) -> Tensor:
    """All that can be written, ``(n, places)``: ended, or full."""

    def grown(line: list[int]) -> Iterator[list[int]]:
        if len(line) == places or line[-1:] == [END]:
            yield line + [PAD] * (places - len(line))
            return
        for unit in range(units):
            if unit not in NEVER:
                yield from grown([*line, unit])

    return torch.tensor(list(grown([])))


def some_lines(count: int, places: int, units: int, seed: int = 0) -> Tensor:
    """Random ones of every length, the longest open, the others ended."""
    random = torch.Generator().manual_seed(seed)
    lines = torch.randint(END + 1, units, (count, places), generator=random)
    lengths = torch.arange(count) % (places + 1)
    lines[torch.arange(places) > lengths[:, None]] = PAD
    lines[torch.arange(places) == lengths[:, None]] = END
    return lines


def a_game(*, labels: int = 2, places: int = 6, seed: int = 0, **settings: Any) -> TextGame:
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
    vocabulary = Vocabulary.learn([" ".join(WORDS)] * 2, "word", 100, 1)
    form = {"labels": [f"label{n}" for n in range(labels)], "places": places, "units": len(vocabulary)}
    torch.manual_seed(seed)
    return TextGame(recipe, {**form, "mean_units": 4.0, "vocabulary": vocabulary.form()})  # type: ignore[arg-type]


def a_step(game: TextGame, seen: int = 0, batch: int = 6, batches: int | None = None) -> Step:
    """With batches of random lines, labels in turn."""
    some = []
    for number in range(game.batches if batches is None else batches):
        lines = some_lines(batch, game.places, len(game.vocabulary), seed=number)
        some.append({"lines": lines, "labels": torch.arange(batch) % max(1, game.classes)})
    cpu = torch.device("cpu")
    return Step(some, examples_seen=seen, seed=0, global_batch=batch, part=slice(0, batch), device=cpu)


def networks_of(game: TextGame) -> dict[str, torch.nn.Module]:
    """As verbs have them."""
    return {name: player.network.eval() for name, player in game.players.items()}
