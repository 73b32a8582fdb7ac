"""``sparring evaluate --likelihood``: its rows, and where it has no effect."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from table import smallest

from sparring.cli import main
from sparring.images.features import learned
from sparring.probability.likelihood import VARIANCES
from sparring.verbs.evaluate import evaluate
from sparring.verbs.train import train

ROWS = [
    "log_likelihood", "bits_per_dimension", "histogram_bits", "likelihood_gap", "effective_chains", "noise_variance",
    "likelihood_ceiling", "ceiling_bits",
]  # fmt: skip


@pytest.fixture(autouse=True)
def learning_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("classifier", "contrast"):
        monkeypatch.setattr(learned, name, functools.partial(getattr(learned, name), steps=5))


def rows_of(run: Path, out: Path, **options: object) -> dict[str, dict[str, float]]:
    said: list[str] = []
    result = evaluate(
        run, out=out, device="cpu", likelihood=True, chains=2, distributions=10, say=said.append, **options
    )
    assert any("16 examples, and of simulated ones" in line for line in said)
    assert [score["name"] for score in result["scores"]][-len(ROWS) :] == ROWS
    written = json.loads((out / "scores.json").read_text())
    assert written["scores"] == result["scores"]
    return {score["name"]: score for score in result["scores"] if score["name"] in ROWS}


def test_the_rows_agree_with_each_other(finished_run: Path, tmp_path: Path) -> None:
    """Of 40 pictures of 8x8 under four labels, none held out."""
    rows = rows_of(finished_run, tmp_path / "one")
    values = {name: row["value"] for name, row in rows.items()}
    assert values["noise_variance"] in VARIANCES
    assert values["log_likelihood"] < values["likelihood_ceiling"]
    assert values["likelihood_ceiling"] == pytest.approx(-32 * math.log(2 * math.pi * values["noise_variance"]))
    for nats, bits in (("log_likelihood", "bits_per_dimension"), ("likelihood_ceiling", "ceiling_bits")):
        assert values[bits] == pytest.approx(8 - values[nats] / (64 * math.log(2)))
    assert 1 <= values["effective_chains"] <= 2
    assert values["histogram_bits"] > 7.5  # of noise
    assert rows["log_likelihood"]["error"] > 0
    assert {name: row["count"] for name, row in rows.items()} == {**dict.fromkeys(ROWS, 16), "likelihood_gap": 8}


def test_the_seed_decides_the_rows(finished_run: Path, tmp_path: Path) -> None:
    one, other, third = (rows_of(finished_run, tmp_path / str(n), seed=seed) for n, seed in enumerate((1, 1, 2)))
    assert one == other
    assert one != third


def test_pictures_that_were_held_out_are_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The held-out ones of a run without labels: which pictures these are, and that both parts are apart."""
    from sparring.images import bounds
    from sparring.modalities import load
    from sparring.modality import Modality
    from sparring.options import LikelihoodOptions
    from sparring.targets import own_data

    random = np.random.default_rng(0)
    np.savez(tmp_path / "noise.npz", images=random.integers(0, 256, (600, 8, 8), dtype=np.uint8))
    recipe = smallest("images", tmp_path, steps=2, held_out=60).changed({"data": str(tmp_path / "noise.npz")})
    model = load(train(recipe, out=tmp_path / "run").run, "cpu")
    assert isinstance(model.modality, Modality)
    source = model.modality.open_source(model.recipe.changed(own_data(model)))
    options = LikelihoodOptions(likelihood=True)
    target = bounds.ImageBoundsTarget(model, model.output, source, None, options=options, say=print)
    learned_from, chosen, others = target.parts(seed=3)
    members, held_out = target.split() or (np.arange(0), np.arange(0))
    assert len(held_out) == 60
    assert (len(chosen), len(others)) == (16, 8)
    assert set(chosen) | set(others) <= set(held_out)
    assert not set(chosen) & set(others)
    assert learned_from.tolist() == members.tolist()


@pytest.mark.parametrize("option", ["chains", "distributions"])
def test_options_without_effect_say_so(finished_run: Path, mistake: Callable[..., str], option: str) -> None:
    line = mistake(evaluate, finished_run, **{option: 20})
    assert line == f"{option}: has no effect without likelihood; add --likelihood, or leave {option} out"


@pytest.mark.parametrize(
    ("recipe", "settings", "dimensions", "names"),
    [
        ("wavegan", {"latent": 4}, 256, ("waveform_likelihood", "waveform_bits")),
        ("video", {"latent": 4, "motion_latent": 2}, 6 * 3 * 16 * 16, ("log_likelihood", "bits_per_dimension")),
    ],
)
def test_sounds_and_clips_have_the_rows_of_pictures(
    recipe: str, settings: dict[str, int], dimensions: int, names: tuple[str, str], tmp_path: Path
) -> None:
    """Of 40 sounds or clips, none held out; of so many numbers each."""
    run = train(smallest(recipe, tmp_path, steps=1, **settings), out=tmp_path / "run").run
    result = evaluate(run, device="cpu", likelihood=True, chains=2, distributions=10, count=20)
    rows = {score["name"]: score for score in result["scores"]}
    assert [name for name in rows if name in (*names, *ROWS)] == [*names, *ROWS[2:]]
    for nats, bits in (names, ("likelihood_ceiling", "ceiling_bits")):
        expected = 8 - rows[nats]["value"] / (dimensions * math.log(2))
        assert rows[bits]["value"] == pytest.approx(expected)
    assert rows[names[0]]["value"] < rows["likelihood_ceiling"]["value"]
    assert 0 < rows["histogram_bits"]["value"] < 8


def test_only_what_is_made_of_latents_is_asked(
    finished_run: Path, tmp_path: Path, mistake: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    lines = train(smallest("topics", tmp_path, steps=1), out=tmp_path / "run").run
    assert "likelihood: " in mistake(evaluate, lines, likelihood=True)
    np.save(tmp_path / "made.npy", np.zeros((40, 8, 8), np.uint8))
    line = mistake(evaluate, tmp_path / "made.npy", data=str(tmp_path / "made.npy"), likelihood=True)
    assert line.endswith("holds samples, which have none; give a run or a model, or leave it out")
    assert main(["evaluate", str(finished_run), "--likelihood", "--distributions", "9"]) == 2
    assert "distributions" in capsys.readouterr().err
