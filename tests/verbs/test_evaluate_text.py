"""Text evaluated by the command line: what is told, beside what, and of which lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from table import smallest
from text_runs import a_table, answer, both_phases, draw_lines, pretraining, sentences
from translation_runs import files_below, refused

from sparring.cli import main
from sparring.modalities import load
from sparring.text import grammar
from sparring.verbs.train import train

CURVE = ("temperature", "lm", "reverse_lm", "bleu5", "self_bleu5")

table = pytest.fixture(scope="module")(a_table)
run = pytest.fixture(scope="module")(both_phases)
pretrained = pytest.fixture(scope="module")(pretraining)


def test_evaluation(run: Path, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = answer(capsys, "evaluate", run, "--out", tmp_path, "--seed", 1)
    assert (told["count"], told["reference"], told["data"]) == (30, 30, str(table))
    assert set(told["written"]) == {str(tmp_path / name) for name in files_below(tmp_path)}
    assert files_below(tmp_path) == {"scores.json", "index.html", "curve.svg", "samples.svg", "lines.svg"}
    on_disk = json.loads((tmp_path / "scores.json").read_text())
    assert on_disk == {name: value for name, value in told.items() if name != "written"}
    scores = {score["name"]: score for score in told["scores"]}
    runs = [f"{kind}{order}" for kind in ("bleu", "self-bleu") for order in (2, 3, 4, 5)]
    whole = ["likelihood", *runs, "lm", "reverse-lm", "label_accuracy", "novelty", "copied", "diversity"]
    assert [score["name"] for score in told["scores"] if score["name"] != "frechet"] == whole
    for name in (*runs, "label_accuracy", "novelty", "copied", "diversity"):
        assert 0 <= scores[name]["value"] <= 1, name
        assert 0 <= scores[name]["floor"] <= 1, name
    assert scores["bleu2"]["floor"] > scores["bleu2"]["value"]  # eight steps are no training
    assert scores["lm"]["floor"] < scores["lm"]["value"]
    assert scores["reverse-lm"]["floor"] < scores["reverse-lm"]["value"]
    assert scores["label_accuracy"]["floor"] > scores["label_accuracy"]["value"]
    assert [[*point] for point in told["curve"]] == [list(CURVE)] * 8
    (at_one,) = [point for point in told["curve"] if point["temperature"] == 1]
    named = {"lm": "lm", "reverse_lm": "reverse-lm", "bleu5": "bleu5", "self_bleu5": "self-bleu5"}
    for name, score in named.items():
        assert at_one[name] == pytest.approx(scores[score]["value"], rel=1e-6)
    assert told["real"] == {"lm": scores["lm"]["floor"], "reverse_lm": scores["reverse-lm"]["floor"]}
    for name in ("curve", "samples", "lines"):
        ElementTree.fromstring((tmp_path / f"{name}.svg").read_text())


def test_the_bundled_topics_are_measured_by_what_is_known_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {"data": "topics", "steps": 8, "pretrain_examples": 32, "measure_every": 16, "held_out": 60}
    run = train(smallest("topics", tmp_path).changed(settings), out=tmp_path / "run").run
    found = answer(capsys, "evaluate", run, "--out", tmp_path)
    assert any("no sentences" in verdict["message"] for verdict in found["verdicts"])
    told = {score["name"]: score for score in found["scores"]}
    assert told["valid"]["floor"] == told["on_topic"]["floor"] == 1
    assert told["divergence"]["floor"] == 0
    assert 0 <= told["on_topic"]["value"] <= told["valid"]["value"] < 0.1  # eight steps are no training
    entropy = sum(map(grammar.entropy, range(len(grammar.NAMES)))) / len(grammar.NAMES)
    tokens = load(run, "cpu").form.mean_tokens
    expected = told["likelihood"]["value"] * tokens - entropy
    assert told["divergence"]["value"] == pytest.approx(expected, rel=0.1)  # other lines, few of them


def test_lines_that_the_model_cannot_say_have_no_divergence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = {"data": "topics", "steps": 2, "length": 8, "measure_every": 0, "held_out": 60}
    run = train(smallest("topics", tmp_path).changed(settings), out=tmp_path / "run").run
    names = {score["name"] for score in answer(capsys, "evaluate", run, "--out", tmp_path)["scores"]}
    assert {"valid", "on_topic"} <= names
    assert "divergence" not in names


def test_likelihood_is_that_of_score(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of other lines than those that were trained on, under their labels."""
    data = draw_lines(tmp_path / "other.tsv", 90)
    told = answer(capsys, "evaluate", run, "--data", data, "--out", tmp_path / "out")
    scores = {score["name"]: score for score in told["scores"]}
    assert (told["count"], told["reference"]) == (45, 45)
    scored = answer(capsys, "score", run, data)
    assert scores["likelihood"]["value"] == pytest.approx(-scored["nats_per_token"], rel=1e-5)
    assert scores["likelihood"]["count"] == 90
    assert scores["copied"]["floor"] > 0  # lines of the same grammar: what was trained on is known


@pytest.fixture
def forgotten(table: Path) -> Iterator[None]:
    """The data that was trained on is gone."""
    hidden = table.rename(table.with_suffix(".hidden"))
    yield
    hidden.rename(table)


@pytest.mark.usefixtures("forgotten")
def test_without_what_was_trained_on_nothing_is_said_of_novelty(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = answer(capsys, "evaluate", run, "--data", draw_lines(tmp_path / "other.tsv", 90), "--out", tmp_path / "out")
    names = {score["name"] for score in told["scores"]}
    assert {"novelty", "copied"}.isdisjoint(names)
    assert {"label_accuracy", "diversity", "lm"} <= names
    assert "lines.tsv" in refused(capsys, "evaluate", run)


def test_evaluation_without_labels(pretrained: Path, table: Path, tmp_path: Path) -> None:
    data = tmp_path / "lines.txt"
    data.write_text("".join(line.split("\t")[1] + "\n" for line in table.read_text().splitlines()[1:61]))
    assert main(["evaluate", str(pretrained), "--data", str(data), "--out", str(tmp_path / "out")]) == 0
    names = {score["name"] for score in json.loads((tmp_path / "out" / "scores.json").read_text())["scores"]}
    assert "label_accuracy" not in names
    assert "lm" in names


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (sentences("music", "sport", "chess"), "unknown label 'chess'"),
        ("".join(f"a line {at}\n" for at in range(60)), "give labelled lines"),
        ("one line\n", "holds 1 line of text, at least 40"),
        ("", "is empty"),
    ],
)
def test_data_that_cannot_be_compared_with(
    content: str, part: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / ("data.tsv" if "\t" in content else "data.txt")
    data.write_text(content)
    assert part in refused(capsys, "evaluate", run, "--data", data, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_too_few_lines_to_compare_with(run: Path, pretrained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "ask for 20 to 30" in refused(capsys, "evaluate", run, "-n", 31)
    assert "ask for 20 to 30" in refused(capsys, "evaluate", run, "-n", 19)
    assert "0 lines that were not trained on are too few" in refused(capsys, "evaluate", pretrained)


def test_data_that_has_changed(run: Path, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = table.read_text()
    try:
        table.write_text(before + "music\tplay jazz\n")
        assert "changed since training" in refused(capsys, "evaluate", run, "--out", tmp_path / "out")
    finally:
        table.write_text(before)


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--videos", "x.mp4"], "videos"),
        (["--resize", 32], "resize"),
        (["--features", "timm:none"], "features: text is compared in features of its own; leave it at auto"),
    ],
)
def test_what_has_no_effect_on_text_is_refused(
    words: list[object], part: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert part in refused(capsys, "evaluate", run, "--out", tmp_path / "out", *words)
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("forgotten")
def test_references_may_be_of_one_label(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both lines of the second label are among those for the floor."""
    data = tmp_path / "data.tsv"
    rare = [f"sport\tplay that game {at}\n" for at in range(2)]
    data.write_text(sentences("music", count=58) + "".join(rare))
    codes = [main(["evaluate", str(run), "--data", str(data), "--seed", str(seed), "-n", "30"]) for seed in range(8)]
    capsys.readouterr()
    assert codes == [0] * 8
