"""Collapse and overfitting, provoked in text and noticed by what is measured while a game is trained; and what must not
be called by these names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from sparring.core.averaging import frozen
from sparring.core.game import Step
from sparring.core.health import COLLAPSED, LASTING, OVERFITTED, PATIENCE, Watch
from sparring.core.precision import choose
from sparring.measurements import QuickMeasurements
from sparring.text.data import TextForm, TextSource
from sparring.text.game import TextGame
from sparring.text.generation import generate_lines
from sparring.text.modality import Text
from sparring.text.reading.lines import Lines
from sparring.text.recipes import RECIPES, TextRecipe
from sparring.text.samples import as_texts
from sparring.text.vocabulary import END, SPECIAL

CPU = torch.device("cpu")
WORDS, FREQUENT, LENGTH = 8000, 300, 12
MEMBERS, HELD_OUT = 32, 256


def a_recipe(**settings: Any) -> TextRecipe:
    small = {"width": 16, "embedding": 16, "discriminator_width": 8, "dropout": 0, "discriminator_dropout": 0}
    recipe = RECIPES["text"].changed({"data": "lines", **small, **settings})
    assert isinstance(recipe, TextRecipe)
    return recipe


def a_form(words: list[str]) -> TextForm:
    vocabulary = {"token": "word", "tokenised": True, "tokens": words}
    size = {"length": LENGTH, "tokens": len(words) + SPECIAL, "cut": 0, "mean_tokens": float(LENGTH)}
    return TextForm(**size, vocabulary=vocabulary)


def a_game(recipe: TextRecipe, form: TextForm) -> TextGame:
    torch.manual_seed(0)
    return TextGame(recipe, form)


def lines_of(game: TextGame, lines: Tensor) -> list[str]:
    return as_texts(game.finish(lines))


def measured(game: TextGame, source: TextSource, recent: int = MEMBERS) -> dict[str, float]:
    """What a health check tells after training on the first ``recent`` lines; the last ``HELD_OUT`` are held out."""
    indices = np.arange(len(source))
    networks = {name: player.network.eval() for name, player in game.players.items()}
    precision = choose("float32", CPU, list(networks.values()))
    measurements = QuickMeasurements(Text(), game, source, indices[:-HELD_OUT], indices[-HELD_OUT:], 0, precision)
    with torch.no_grad():
        return measurements.health(networks, source.batch(indices[:recent]), HELD_OUT)


def warnings(health: dict[str, float]) -> list[str]:
    watch = Watch()
    looks = [watch.look(health, LASTING * number) for number in range(PATIENCE)]
    return [kind for look in looks for kind in look]


# Diversity


def words(count: int) -> list[str]:
    """Different words, the most frequent first: short ones."""
    letters, random = np.array(list("abcdefghijklmnopqrstuvwxyz")), np.random.default_rng(0)
    drawn = letters[random.integers(26, size=(4 * count, 9))]
    return list(dict.fromkeys("".join(word[: 2 + n * 7 // (4 * count)]) for n, word in enumerate(drawn)))[:count]


class FrequentWords(TextGame):
    """Generates different lines of the most frequent words, by their ranks among ``ranked``."""

    ranked: list[int]

    def generate(self, networks: Any, conditions: Any, *, seed: int, **options: Any) -> Tensor:
        rows = len(conditions["lines"])
        ranks = np.random.default_rng(seed).integers(FREQUENT, size=(rows, LENGTH))
        lines = torch.tensor(self.ranked)[torch.from_numpy(ranks)]
        lines[:, -1] = END
        assert len({tuple(line) for line in lines.tolist()}) == rows
        return lines


def test_different_lines_of_frequent_words_are_not_called_collapsed_however_words_are_numbered() -> None:
    """By the *numbers* of words, in order of frequency, they are a twentieth as varied as the data."""
    known, recipe, odds = words(WORDS), a_recipe(), 1 / np.arange(1, WORDS + 1)
    ranks = np.random.default_rng(1).choice(WORDS, p=odds / odds.sum(), size=(2 * HELD_OUT, LENGTH - 1))
    texts = [" ".join(known[rank] for rank in line) for line in ranks]
    diversities = []
    for numbering in (0, 1, 2):
        order = np.random.default_rng(numbering).permutation(WORDS) if numbering else np.arange(WORDS)
        form = a_form([known[rank] for rank in order])
        game = FrequentWords(recipe, form)
        game.ranked = (SPECIAL + np.argsort(order)).tolist()
        health = measured(game, TextSource("lines", Lines(texts, None, [], []), recipe, form))
        assert warnings(health) == []
        diversities.append(health["diversity"])
    assert diversities[0] > 2 * COLLAPSED
    assert diversities == [diversities[0]] * 3


# A game on lines that its own generator has made: nothing in them can be learned but by heart


def on_its_own_lines(**settings: Any) -> tuple[TextGame, TextSource]:
    recipe, form = a_recipe(**settings), a_form(words(200))
    game = a_game(recipe, form)
    with torch.no_grad():
        game.generator.bias[END] = -10  # lines are full
        drawn = torch.rand(MEMBERS + HELD_OUT, LENGTH, generator=torch.Generator().manual_seed(9))
        texts = lines_of(game, generate_lines(game.generator, drawn, None, unknown=False))
    return game, TextSource("lines", Lines(texts, None, [], []), recipe, form)


def test_a_generator_of_one_line_is_called_collapsed() -> None:
    game, source = on_its_own_lines()
    with torch.no_grad():
        for weight in game.generator.parameters():
            weight.mul_(0)
        game.generator.bias.add_(100.0 * one_hot(torch.tensor(7), len(game.vocabulary)))
    health = measured(game, source)
    assert health["diversity"] < COLLAPSED / 10
    assert warnings(health) == ["collapse"]


def test_a_generator_of_a_few_lines_is_called_collapsed() -> None:
    game, source = on_its_own_lines()

    class Repeating(TextGame):
        def generate(self, networks: Any, conditions: Any, *, seed: int, **options: Any) -> Tensor:
            lines = super().generate(networks, conditions, seed=seed, **options)
            return lines[torch.arange(len(lines)) % 8]

    game.__class__ = Repeating
    assert warnings(measured(game, source)) == ["collapse"]


def train_discriminator(game: TextGame, source: TextSource, lines: int) -> None:
    """40 turns alone, on the first ``lines``."""
    discriminator = game.players["discriminator"]
    for number in range(40):
        batch = source.batch(np.arange(number * MEMBERS, (number + 1) * MEMBERS) % lines)
        step = Step([batch], examples_seen=number, seed=number, global_batch=MEMBERS, part=slice(None), device=CPU)
        for turn in game.turns(step):
            assert turn.mover == "discriminator"
            with frozen(game.players, turn.mover):
                turn.loss().backward()  # type: ignore[no-untyped-call]
            discriminator.move(0.005, (0.5, 0.99))
            discriminator.optimizer.zero_grad()


ALONE = {"r1": 0, "pretrain_examples": 0, "discriminator_warmup": 10**6}


@pytest.mark.parametrize("estimator", ["gumbel", "policy"])
def test_a_discriminator_that_learns_32_lines_by_heart_is_called_overfitted(estimator: str) -> None:
    game, source = on_its_own_lines(estimator=estimator, **ALONE)
    assert set(measured(game, source)) == {"diversity"}  # the discriminator has not begun to learn
    train_discriminator(game, source, MEMBERS)
    health = measured(game, source)
    assert health["overfitting"] > OVERFITTED
    assert health["diversity"] == pytest.approx(1, abs=0.1)
    assert warnings(health) == ["overfitting"]


@pytest.mark.parametrize("estimator", ["gumbel", "policy"])
def test_a_discriminator_that_learns_what_real_lines_have_in_common_is_not(estimator: str) -> None:
    game, source = on_its_own_lines(estimator=estimator, **ALONE)
    source.lines[:, ::3] = 9  # a word that real lines have and generated ones mostly lack
    train_discriminator(game, source, MEMBERS)
    health = measured(game, source)
    assert health["overfitting"] < OVERFITTED / 2
    assert warnings(health) == []
