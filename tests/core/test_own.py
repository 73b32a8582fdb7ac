"""Code of a caller's own: it is used where the caller gave it, and never because a file names it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import sparring
from sparring.cli import main
from sparring.core import own
from sparring.core.errors import UserError
from sparring.core.objectives import OBJECTIVES
from sparring.modalities import RECIPES

CODE = """
from pathlib import Path

Path("imported").touch()


def pair(**size):
    raise KeyError("nothing")
"""


class Linear(nn.Module):
    """Latents to pictures of one layer, or pictures to logits."""

    def __init__(self, inputs: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.layer = nn.Linear(inputs, torch.Size(shape).numel())
        self.shape = shape

    def forward(self, given: Tensor, labels: Tensor | None) -> Tensor:
        made: Tensor = self.layer(given.flatten(1))
        return made.view(len(given), *self.shape)


def pair(*, latent: int, height: int, width: int, channels: int, classes: int) -> tuple[nn.Module, nn.Module]:
    return Linear(latent, (channels, height, width)), Linear(channels * height * width, ())


@pytest.fixture(autouse=True)
def nothing_allowed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(own, "ALLOWED", {})
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    sys.modules.pop("strange", None)


def test_a_run_of_own_networks_goes_on_and_is_loaded_where_they_are_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, least = tmp_path / "run", OBJECTIVES["least-squares"]
    sparring.train("digits", out=run, steps=2, quiet=True, network=pair, objective=least)
    assert isinstance(sparring.load(run).networks["generator"], Linear)

    # In another process, which knows nothing of them
    monkeypatch.setattr(own, "ALLOWED", {})
    name = f"{__name__}:pair"
    sparring.allow(least, name=sparring.info(run)["recipe"]["objective"])
    with pytest.raises(UserError, match=f"{name}.*--allow {name}"):
        sparring.load(run)
    with pytest.raises(UserError, match="--allow"):
        sparring.resume(run, steps=3)
    assert sparring.allow(pair) == name
    assert sparring.resume(run, steps=3, quiet=True).steps == 3
    assert sparring.load(run).sample(2).shape == (2, 1, 8, 8)


def test_a_recipe_of_others_runs_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("strange.py").write_text(CODE)
    text = RECIPES["digits"].changed({"network": "strange:pair"}).to_yaml()
    Path("recipe.yaml").write_text(text)
    with pytest.raises(UserError, match="no file can ask for"):
        sparring.train("recipe.yaml", out="run")
    assert not Path("imported").exists()


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("strange:pair", "KeyError: 'nothing'"),
        ("strange:no", "cannot be imported (AttributeError"),
        ("nowhere:no", "cannot be imported (ModuleNotFoundError"),
        ("strange:", "not one of lean"),
        ("strange", "not one of lean"),
    ],
)
def test_code_that_is_of_no_use_is_told_in_a_line(
    asked: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("strange.py").write_text(CODE)
    assert main(["train", "digits", "--network", asked, "--steps", "2", "--out", "run"]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert not Path("run").exists()


@pytest.mark.parametrize(
    ("pictures", "logits", "told"),
    [((1, 4, 4), (), r"makes \(2, 1, 4, 4\).*not \(2, 1, 8, 8\)"), ((1, 8, 8), None, "tuple of two modules")],
)
def test_networks_of_other_shapes_are_refused(
    pictures: tuple[int, ...], logits: tuple[int, ...] | None, told: str, tmp_path: Path
) -> None:
    def build(*, latent: int, **size: int) -> tuple[nn.Module, ...]:
        generator = Linear(latent, pictures)
        return (generator,) if logits is None else (generator, Linear(64, logits))

    with pytest.raises(UserError, match=told):
        sparring.train("digits", out=tmp_path / "run", steps=2, network=build)


def test_what_is_no_objective_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not an Objective"):
        sparring.train("digits", out=tmp_path / "run", steps=2, objective=pair)


def test_allow_needs_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "nothing", "--allow"]) == 2
    assert "--allow: needs" in capsys.readouterr().err
