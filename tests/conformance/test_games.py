"""One table drives every game: it steps, resumes bit for bit, plays in two processes, and plays in bfloat16."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from table import PER_PROCESS, SMALLEST, smallest
from torch import Tensor

from sparring.core.checkpoint import newest_first
from sparring.core.errors import UserError
from sparring.modalities import RECIPES, load
from sparring.verbs.train import resume, train

LSTM = pytest.mark.bfloat16("LSTM")


def last_checkpoint(run: Path) -> dict[str, Tensor]:
    return load_file(newest_first(run / "checkpoints")[0])


def test_every_recipe_is_in_the_table() -> None:
    assert set(SMALLEST) == set(RECIPES)


@pytest.mark.parametrize("name", SMALLEST)
def test_trains_samples_and_moves_every_player(name: str, tmp_path: Path) -> None:
    steps = 3 if RECIPES[name].kind == "text" else 2  # the discriminator of text plays from the third step on
    outcome = train(smallest(name, tmp_path, steps=steps), out=tmp_path / "run")
    assert (outcome.steps, outcome.finished) == (steps, True)
    assert (tmp_path / "run" / "report.html").exists()

    model = load(tmp_path / "run")
    if "" not in model.game.outputs:
        with pytest.raises(UserError, match="sparring translate"):
            model.sample(5, seed=1)
    else:
        samples = model.draw(5, seed=1, label=None)  # of text as characters
        assert samples.isfinite().all()
        assert torch.equal(samples[:3], model.draw(5, seed=1, label=None)[:3])
        assert not torch.equal(samples, model.draw(5, seed=2, label=None))
        assert len(model.sample(5, seed=1)) == 5

    shorter = train(smallest(name, tmp_path, steps=1), out=tmp_path / "shorter")
    before, after = last_checkpoint(shorter.run), last_checkpoint(outcome.run)
    for player in model.game.players:
        moved = [not torch.equal(before[key], after[key]) for key in before if key.startswith(f"{player}/network")]
        assert any(moved), f"{player} did not move"


@pytest.mark.parametrize("name", SMALLEST)
def test_a_resumed_run_equals_an_uninterrupted_one(name: str, tmp_path: Path) -> None:
    whole = train(smallest(name, tmp_path, steps=4), out=tmp_path / "whole")
    train(smallest(name, tmp_path, steps=2), out=tmp_path / "parts")
    parts = resume(tmp_path / "parts", steps=4)
    expected, actual = last_checkpoint(whole.run), last_checkpoint(parts.run)
    assert expected.keys() == actual.keys()
    assert all(torch.equal(expected[key], actual[key]) for key in expected)


@pytest.mark.bfloat16
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=LSTM if RECIPES[name].kind == "text" else ()) for name in SMALLEST]
)
def test_plays_in_bfloat16(name: str, tmp_path: Path) -> None:
    outcome = train(smallest(name, tmp_path, steps=2, precision="bfloat16"), out=tmp_path / "run")
    tensors = last_checkpoint(outcome.run)
    assert all(value.isfinite().all() for value in tensors.values())
    assert {value.dtype for key, value in tensors.items() if "/adam/" in key} == {torch.float32}


@pytest.mark.parametrize("parted", [1, 3])  # in pretraining, in the adversarial phase
@pytest.mark.parametrize("estimator", ["gumbel", "policy"])
def test_text_resumes_in_either_phase(parted: int, estimator: str, tmp_path: Path) -> None:
    settings = {"estimator": estimator, "n_critic": 2, "pretrain_examples": 32, "measure_every": 16, "held_out": 40}
    whole = train(smallest("topics", tmp_path, **settings), out=tmp_path / "whole")
    train(smallest("topics", tmp_path, **settings, steps=parted), out=tmp_path / "parts")
    parts = resume(tmp_path / "parts", steps=4)
    expected, actual = last_checkpoint(whole.run), last_checkpoint(parts.run)
    assert expected.keys() == actual.keys()
    assert all(torch.equal(expected[key], actual[key]) for key in expected)


@pytest.mark.bfloat16
@pytest.mark.parametrize("generator", [pytest.param("lstm", marks=LSTM), "memory", "transformer"])
@pytest.mark.parametrize("estimator", ["gumbel", "policy"])
def test_every_network_of_text_plays_in_bfloat16(generator: str, estimator: str, tmp_path: Path) -> None:
    settings = {"generator": generator, "estimator": estimator, "pretrain_examples": 8, "precision": "bfloat16"}
    outcome = train(smallest("topics", tmp_path, **settings, steps=2), out=tmp_path / "run")
    assert all(value.isfinite().all() for value in last_checkpoint(outcome.run).values())
    assert len(load(tmp_path / "run").sample(3)) == 3


@pytest.fixture(scope="module")
def played_by_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("two")
    (place / "data").mkdir()
    for name in SMALLEST:
        smallest(name, place / "data")  # drawn once, by one process
    script = Path(__file__).with_name("play_all.py")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    played = subprocess.run([*command, str(script), str(place)], capture_output=True, text=True, timeout=240)
    assert played.returncode == 0, played.stderr[-3000:]
    return place


@pytest.mark.parametrize("name", SMALLEST)
def test_two_processes_learn_what_one_does(name: str, tmp_path: Path, played_by_two: Path) -> None:
    alone = train(smallest(name, played_by_two / "data"), out=tmp_path / "run")
    expected, actual = last_checkpoint(alone.run), last_checkpoint(played_by_two / name)
    assert expected.keys() == actual.keys()
    if name in PER_PROCESS:
        assert all(value.isfinite().all() for value in actual.values())
        return
    recipe = RECIPES[name]
    if by_gradients := recipe.kind == "translation" or getattr(recipe, "network", "") == "flow":
        # Adam makes a whole step of a gradient that is only rounding: the gradients themselves are compared
        for key in expected:
            if key.endswith("/exp_avg"):
                error = (actual[key] - expected[key]).norm() / expected[key].norm().clamp(min=1e-4)  # less is rounding
                assert error < 0.1, f"{key}: {error:.3f}"
    for key in expected:
        if "/network/" in key and not by_gradients:
            torch.testing.assert_close(
                actual[key], expected[key], rtol=1e-3, atol=2e-5, msg=lambda text, key=key: f"{key}: {text}"
            )
