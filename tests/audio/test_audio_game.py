"""The game on sounds: what it refuses, what it makes, and that it resumes in every representation."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from table import smallest

from sparring.audio.form import AudioForm
from sparring.audio.game import PART, AudioGame
from sparring.audio.recipes import RECIPES, AudioRecipe
from sparring.audio.representation import Complex, LogMagnitude, Waveform
from sparring.core.checkpoint import newest_first
from sparring.core.errors import UserError
from sparring.core.game import Step
from sparring.verbs.evaluate import evaluate
from sparring.verbs.train import resume, train

KINDS = ("log-magnitude", "complex", "waveform")
FORM = AudioForm(rate=4000, samples=1000, labels=("dog", "cat", "bird"))


def recipe(kind: str = "log-magnitude", **settings: Any) -> AudioRecipe:
    """A small recipe of that representation."""
    own = RECIPES["wavegan"] if kind == "waveform" else RECIPES["audio"].changed({"representation": kind})
    return own.changed({"width": 4, "latent": 8, **settings})


def made(game: AudioGame, count: int, label: int | None = None, seed: int = 1) -> torch.Tensor:
    networks = {name: player.network.eval() for name, player in game.players.items()}
    output = game.outputs[""]
    with torch.no_grad():
        return output.finish(output.generate(networks, game.conditions(count, label), seed=seed))


# What is refused


@pytest.mark.parametrize("labels", [(), ("dog",)])
def test_conditions_need_two_labels(labels: tuple[str, ...], mistake: Callable[..., str]) -> None:
    form = AudioForm(rate=4000, samples=1000, labels=labels)
    line = mistake(AudioGame, recipe(conditional=True, data="mine"), form)
    assert line.startswith("conditional: mine has no labels to condition on; ")
    assert "--label-pattern" in line


@pytest.mark.parametrize("kind", ["log-magnitude", "complex"])
def test_sounds_shorter_than_the_window_are_refused(kind: str, mistake: Callable[..., str]) -> None:
    line = mistake(AudioGame, recipe(kind, window=2048), FORM)
    assert line.startswith("window: 2048 samples are longer than the sounds, which have 1000; ")
    AudioGame(recipe(kind, window=512), FORM)
    AudioGame(recipe("waveform"), AudioForm(rate=4000, samples=64))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"window": 100}, "window: 100 is no power of two"),
        ({"window": 8}, "window: 8 is no power of two"),
        ({"overlap": 3}, "overlap: 3 does not divide the window"),
        ({"rate": "999"}, "rate: '999' is no rate"),
        ({"rate": "16k"}, "rate: '16k' is no rate"),
        ({"rate": "100001"}, "rate: FLAC holds no sounds at 100,001 Hz; write a multiple of 10, such as 100000"),
        ({"seconds": "nan"}, "seconds: 'nan' is no length"),
        ({"seconds": "61"}, "seconds: '61' is no length"),
        ({"representation": "complex", "phase_iterations": 2}, "phase_iterations: has no effect with representation"),
        ({"representation": "waveform"}, "representation: r1 and r2 are a thousand times too strong on waveforms"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], told: str, mistake: Callable[..., str]) -> None:
    assert mistake(RECIPES["audio"].changed, settings).startswith(told)


@pytest.mark.parametrize("field", [{"rate": 10}, {"samples": 3}, {"channels": 3}, {"rate": 8000.5}])
def test_a_form_that_cannot_be_is_refused(field: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        AudioForm(**{"rate": 8000, "samples": 1000, **field})


# What is made


@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("samples", [1000, 1111])
@pytest.mark.parametrize("kind", KINDS)
def test_sounds_of_the_form_are_made(kind: str, samples: int, channels: int, conditional: bool) -> None:
    torch.manual_seed(0)
    form = AudioForm(rate=4000, samples=samples, channels=channels, labels=FORM.labels)
    sounds = made(AudioGame(recipe(kind, conditional=conditional), form), PART + 1)
    assert sounds.shape == (PART + 1, channels, samples)
    assert sounds.dtype == torch.float32
    assert sounds.isfinite().all()
    assert 1e-6 < float(sounds.abs().max()) <= 1
    assert not torch.equal(sounds[0], sounds[1])


@pytest.mark.parametrize("kind", KINDS)
def test_the_label_changes_the_sound(kind: str) -> None:
    torch.manual_seed(0)
    game = AudioGame(recipe(kind, conditional=True), FORM)
    sounds = [made(game, 2, label) for label in range(3)]
    assert torch.equal(sounds[0], made(game, 2, 0))
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert float((sounds[one] - sounds[other]).abs().max()) > 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_players_see_the_batch_in_their_representation(kind: str) -> None:
    game = AudioGame(recipe(kind), FORM)
    sounds = torch.randint(-20000, 20000, (3, 1, 1000), dtype=torch.int16)
    seen = game.real({"sounds": sounds})
    assert seen.shape == (3, *game.representation.shape)
    assert torch.equal(seen, game.representation.encode(sounds / 32767))
    expected = {"log-magnitude": LogMagnitude, "complex": Complex, "waveform": Waveform}[kind]
    assert type(game.representation) is expected


@pytest.mark.parametrize("kind", KINDS)
def test_silence_stays_silent_when_it_is_moved_and_made_louder(kind: str) -> None:
    game = AudioGame(recipe(kind, augment="diff"), FORM)
    silence = game.real({"sounds": torch.zeros(8, 1, 1000, dtype=torch.int16)})
    here = {"global_batch": 8, "part": slice(0, 8), "device": torch.device("cpu")}
    assert torch.equal(game.augmented(silence, Step([{}], examples_seen=0, seed=0, **here)), silence)


# Training


@pytest.mark.parametrize(("name", "settings"), [
    ("audio", {"representation": "complex", "augment": "ada", "conditional": True}),
    ("audio", {"augment": "ada", "channels": "2", "shorter": "repeat", "overlap": 4, "seconds": "0.2"}),
    ("wavegan", {"augment": "diff", "conditional": True, "cache_mb": 0}),
])  # fmt: skip
def test_other_settings_are_trained_and_resumed_bit_for_bit(
    name: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    whole = train(smallest(name, tmp_path, **settings), out=tmp_path / "whole").run
    train(smallest(name, tmp_path, **settings, steps=2), out=tmp_path / "parts")
    parts = resume(tmp_path / "parts", steps=4).run
    expected, actual = (load_file(newest_first(run / "checkpoints")[0]) for run in (whole, parts))
    assert expected.keys() == actual.keys()
    assert [name for name in expected if not torch.equal(expected[name], actual[name])] == []


def test_the_shortest_sounds_are_trained_on_measured_and_evaluated(tmp_path: Path) -> None:
    settings = {"seconds": "0.05", "rate": "1000", "longer": "start", "measure_every": 16, "conditional": True}
    outcome = train(smallest("audio", tmp_path, **settings), out=tmp_path / "run")
    entries = [json.loads(line) for line in (outcome.run / "journal.jsonl").read_text().splitlines()]
    measured = [entry["sliced"] for entry in entries if entry["event"] == "metrics"]
    assert len(measured) == 2
    assert all(math.isfinite(value) for value in measured)
    scores = {score["name"]: score["value"] for score in evaluate(outcome.run, count=20, device="cpu")["scores"]}
    assert {"sliced", "label_accuracy", "second_accuracy"} <= scores.keys()
