"""``sparring calibrate`` and ``score`` of translations, one domain at a time: what is real, what is odd, what is
refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from calibrated_runs import ALPHA, refused
from PIL import Image
from safetensors.torch import load_file, save_file
from table import smallest
from text_runs import answer
from translation_runs import knowing

from sparring.core.run import model_hash
from sparring.modalities import load
from sparring.probability.kept import ABOUT
from sparring.probability.known import members_of, never_seen, trained_on
from sparring.translation.data import open_source
from sparring.translation.domains import seen_as
from sparring.translation.evaluate import targets_of
from sparring.verbs.calibrate import calibrate
from sparring.verbs.score import score
from sparring.verbs.train import train

SIDE = 16
COUNTS = {"trainA": 50, "trainB": 60, "testA": 24, "testB": 30}
HELD_OUT = {"a": 5, "b": 6}  # a tenth of each domain


def draw(folder: Path, count: int, seed: int) -> Path:
    """Noise, bright and dark in no order."""
    folder.mkdir(parents=True)
    for number, pixels in enumerate(np.random.default_rng(seed).integers(0, 256, (count, SIDE, SIDE, 3), np.uint8)):
        Image.fromarray(pixels).save(folder / f"{folder.name}{number:02d}.png")
    return folder


def laid_out(place: Path) -> Path:
    for seed, (name, count) in enumerate(COUNTS.items()):
        draw(place / "data" / name, count, seed)
    return place / "data"


def trained(recipe: str, place: Path, data: Path) -> Path:
    place.mkdir(exist_ok=True)
    settings = {"data": str(data), "data_b": "", "held_out": 256, "size": "16", "frame": False, "patch": "16"}
    return train(smallest(recipe, place).changed(settings), out=place / "run").run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("translation")
    return trained("cyclegan", place, laid_out(place))


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """A copy that can be written in."""
    return shutil.copytree(made, tmp_path / "run")


def test_a_domain_is_calibrated(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = answer(capsys, "calibrate", run, *ALPHA, "--steps", 4)
    assert told["domain"] == "B"
    assert told["counts"] == {"training": 54, "unseen": 30, "generated": 24}
    assert told["truth"]["count"] == 2 * 24
    told = answer(capsys, "calibrate", run, *ALPHA, "--steps", 4, "--domain", "A")
    assert told["domain"] == "A"
    assert "domain      A, " in calibrate(run, alpha=0.1, steps=4, domain="A")["summary"]
    assert told["counts"] == {"training": 45, "unseen": 24, "generated": 30}


def test_pictures_are_scored_beside_their_domain(
    run: Path, made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The 30 that tell what is usual have the p-values 2/31 to 1, each of them once; a training picture is its own
    nearest; pictures of another size are brought to the model's; what is much brighter is odd."""
    data = made.parent / "data"
    answer(capsys, "calibrate", run, *ALPHA, "--steps", 4)
    told = answer(capsys, "score", run, data / "testB", *ALPHA, "--out", tmp_path / "scores.csv")
    assert told["domain"] == "B"
    assert score(run, [data / "testB"], alpha=0.1)["summary"].endswith("; domain B")
    assert sorted(round(row["p_value"] * 31) for row in told["rows"]) == list(range(2, 32))
    assert (tmp_path / "scores.csv").read_text().startswith("example,label,score,p_real,p_value,decision,nearest\n")
    own = answer(capsys, "score", run, data / "trainB", *ALPHA)["rows"]
    known = {row["nearest"] for row in own if row["nearest"] == row["example"]}
    assert len(known) == 54
    Image.new("RGB", (40, 30), "white").save(tmp_path / "white.png")
    words = ("--explain", tmp_path / "why", "--page", tmp_path / "page.html")
    (row,) = answer(capsys, "score", run, tmp_path / "white.png", *ALPHA, *words)["rows"]
    assert (row["decision"], row["p_value"]) == ("odd", pytest.approx(1 / 31))
    assert [path.name for path in (tmp_path / "why").iterdir()] == ["00-white.png"]
    assert "<img" in (tmp_path / "page.html").read_text()


def test_translations_are_told_from_real_pictures(
    run: Path, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By a translator that darkens, which the judge has to learn from pictures of A."""
    knowing(monkeypatch, a2b=lambda pictures: pictures / 2 - 0.5)
    told = answer(capsys, "calibrate", run, *ALPHA, "--steps", 40)
    assert told["separation"]["auc"] > 0.95
    data, dark = made.parent / "data", tmp_path / "dark"
    dark.mkdir()
    for path in (data / "testA").iterdir():
        Image.open(path).point(lambda value: value // 2).save(dark / path.name)
    means = [
        np.mean([row["p_real"] for row in answer(capsys, "score", run, folder, *ALPHA)["rows"]])
        for folder in (data / "testB", dark)
    ]
    assert means[0] > 0.8
    assert means[1] < 0.2
    rows = {name: [score.name for score in scores] for name, scores in judged(run).items()}
    assert rows == {
        "a2b": ["judge", "judge-accuracy", "divergence", "discriminator", "discriminator-unseen"],
        "b2a": [],
    }


def judged(run: Path) -> dict[str, Any]:
    """What an evaluation of each direction tells of the calibration."""
    model = load(run, "cpu")
    return {target.direction.name: target.judged() for target in targets_of(model, (), list(model.game.outputs))}


def test_without_a_test_folder_what_was_held_out_is_unseen(tmp_path: Path) -> None:
    """Of domains of unequal size: none of it was in any batch that training drew from."""
    data = laid_out(tmp_path)
    for name in ("testA", "testB"):
        shutil.rmtree(data / name)
    model = load(trained("cyclegan", tmp_path, data), "cpu")
    source = open_source(model.recipe.changed({"data": str(data)}))  # type: ignore[arg-type]
    members, _ = members_of(model, source)
    for domain, count in HELD_OUT.items():
        view = seen_as(model, domain)
        learned = trained_on(view)
        unseen = never_seen(view, (), learned, learned.examples(view), print)
        drawn = set(source.index[domain][members].tolist())
        assert set(learned.indices.tolist()) == drawn
        assert len(unseen.indices) == count
        assert not drawn & set(unseen.indices.tolist())


def test_other_data_are_two_domains(run: Path, made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = made.parent / "data"
    a, b = draw(tmp_path / "a", 25, seed=8), draw(tmp_path / "b", 26, seed=9)
    told = answer(capsys, "calibrate", run, *ALPHA, "--steps", 4, "--data", a, b)
    assert (told["counts"]["unseen"], told["counts"]["generated"]) == (26, 25)
    assert "is one domain, and two are needed" in refused(capsys, "calibrate", run, *ALPHA, "--data", b / "b00.png")
    assert "holds no pair of folders" in refused(capsys, "calibrate", run, *ALPHA, "--data", b)
    line = refused(capsys, "calibrate", run, *ALPHA, "--data", data / "trainA", b)
    assert line.startswith("data: 45 of 50 examples were trained on, the first of them trainA")
    assert "3 places are too many" in refused(capsys, "calibrate", run, *ALPHA, "--data", a, b, a)
    few = draw(tmp_path / "few", 19, seed=10)
    line = refused(capsys, "calibrate", run, *ALPHA, "--data", few, b)
    assert line.startswith(f"{run}: 19 examples to be changed were never seen in training, 20 are needed; ")
    line = refused(capsys, "calibrate", run, *ALPHA, "--data", a, few)
    assert line.startswith(f"{run}: 19 real examples were never seen in training, 22 are needed ")


def test_what_a_calibration_cannot_be_of(
    run: Path, made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A domain that nothing is translated into, or that a file makes up; a translator that gives one picture."""
    data = made.parent / "data"
    cut = trained("cut", tmp_path / "cut", data)
    assert refused(capsys, "calibrate", cut, "--domain", "A").startswith(f"domain: {cut} translates nothing into ")
    assert refused(capsys, "calibrate", cut, "--domain", "C").startswith("domain: ")
    assert answer(capsys, "calibrate", cut, *ALPHA, "--steps", 2)["domain"] == "B"
    about = json.loads((cut / "model" / ABOUT).read_text())
    about["facts"]["domain"] = ["A"]
    (cut / "model" / ABOUT).write_text(json.dumps(about))
    assert "its calibration is of no domain" in refused(capsys, "score", cut, data / "testB", *ALPHA)
    path = run / "model" / "model.safetensors"
    save_file({name: value * 0 for name, value in load_file(path).items()}, path)
    assert "makes the same example again and again" in refused(capsys, "calibrate", run, *ALPHA)


def test_without_a_calibration(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The discriminator of domain B scores; its logits are the means over patches."""
    told = answer(capsys, "score", made, made.parent / "data" / "testB")
    assert (told["calibrated"], told["domain"], told["count"]) == (False, "B", 30)
    model = load(made, "cpu")
    with Image.open(made.parent / "data" / "testB" / told["rows"][3]["example"]) as picture:
        pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.no_grad():
        logit = model.networks["discriminator"].get_submodule("b")(pixels).mean().item()
    assert told["rows"][3]["score"] == pytest.approx(logit, rel=1e-4, abs=1e-5)
    assert model.hash == model_hash(model.networks)
