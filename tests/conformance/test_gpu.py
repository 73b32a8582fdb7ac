"""Every recipe on a GPU, where there is one: it trains in the precision that is chosen there, resumes, is sampled."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from table import SMALLEST, smallest

from sparring.core.checkpoint import newest_first
from sparring.modalities import RECIPES, load
from sparring.verbs.evaluate import evaluate
from sparring.verbs.train import resume, train

# Of these a resumed run differed from an uninterrupted one on an H100: CUDA adds in any order in the backward passes of
# bilinear upsampling, of reflection padding and of grid_sample.
INEXACT = {name for name, recipe in RECIPES.items() if recipe.kind == "translation" or name.startswith("r3gan")}

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no GPU that torch can use")


@pytest.mark.parametrize("precision", ["auto", "float32"])
@pytest.mark.parametrize("name", SMALLEST)
def test_a_recipe_plays_on_a_gpu(name: str, precision: str, tmp_path: Path) -> None:
    settings = {"device": "cuda", "precision": precision, "held_out": 20, "measure_every": 16}
    train(smallest(name, tmp_path, steps=3, **settings), out=tmp_path / "run")
    outcome = resume(tmp_path / "run", steps=5)
    assert (outcome.steps, outcome.finished) == (5, True)
    tensors = load_file(newest_first(outcome.run / "checkpoints")[0])
    assert all(value.isfinite().all() for value in tensors.values())

    model = load(outcome.run, device="cuda")
    if "" in model.game.outputs:
        samples, again = (model.draw(5, seed=1, label=None) for _ in range(2))
        assert samples.device.type == "cpu"
        assert torch.equal(samples, again)
        alone = load(outcome.run, device="cpu").draw(5, seed=1, label=None)
        assert alone.shape[0] == 5
        if samples.is_floating_point():
            torch.testing.assert_close(samples, alone, rtol=1e-2, atol=1e-2)  # the same latents on any device


@pytest.mark.parametrize("name", [name for name in SMALLEST if name not in INEXACT])
def test_a_resumed_run_equals_an_uninterrupted_one_on_a_gpu(name: str, tmp_path: Path) -> None:
    settings = {"device": "cuda", "precision": "auto"}
    whole = train(smallest(name, tmp_path, steps=4, **settings), out=tmp_path / "whole")
    train(smallest(name, tmp_path, steps=2, **settings), out=tmp_path / "parts")
    parts = resume(tmp_path / "parts", steps=4)
    expected, actual = (load_file(newest_first(each.run / "checkpoints")[0]) for each in (whole, parts))
    assert expected.keys() == actual.keys()
    assert [key for key in expected if not torch.equal(expected[key], actual[key])] == []


@pytest.mark.parametrize("name", ["digits", "gaussians", "topics"])
def test_a_run_is_evaluated_on_a_gpu(name: str, tmp_path: Path) -> None:
    run = train(smallest(name, tmp_path, steps=3, device="cuda", held_out=40), out=tmp_path / "run").run
    data = {}
    if name == "topics":  # a tenth of 240 lines is too few: other lines of the same grammar
        from sparring.text import grammar

        texts, labels = grammar.draw(200, seed=1)
        rows = [f"{grammar.NAMES[label]}\t{text}\n" for text, label in zip(texts, labels, strict=True)]
        data = {"data": str(tmp_path / "other.tsv")}
        (tmp_path / "other.tsv").write_text("label\ttext\n" + "".join(rows))
    assert evaluate(run, device="cuda", count=20, **data)["scores"]
