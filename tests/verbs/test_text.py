"""Text by the command line: trained, sampled into every kind of file, scored, evaluated; mistakes told in one line."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import torch
from table import draw_lines, smallest
from translation_runs import files_below, one_thread, refused

from sparring.cli import main
from sparring.rooms import RECIPES
from sparring.text import grammar
from sparring.text.data import as_row
from sparring.text.reading.lines import read_lines
from sparring.verbs.model import load
from sparring.verbs.train import train

LINES = 600
CURVE = ("temperature", "lm", "reverse_lm", "bleu5", "self_bleu5")

threads = pytest.fixture(scope="module", autouse=True)(one_thread)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_lines(tmp_path_factory.mktemp("lines") / "lines.tsv", LINES)


@pytest.fixture(scope="module")
def run(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both acts, 60 lines held out."""
    place = tmp_path_factory.mktemp("text")
    settings = {"data": str(table), "steps": 8, "first_act": 32, "measure_every": 16, "held_out": 60}
    recipe = smallest("topics", place).changed({**settings, "learning_rate": 0.02})
    return train(recipe, out=place / "run").run


@pytest.fixture(scope="module")
def first_act(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without labels; its judge never played."""
    place = tmp_path_factory.mktemp("first")
    settings = {"data": str(table), "labelled": "no", "steps": 1}
    return train(smallest("topics", place).changed(settings), out=place / "run").run


def answer(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    """The one JSON object on standard output."""
    capsys.readouterr()
    assert main([*map(str, words), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert isinstance(result, dict)
    return result


def sentences(*topics: str, count: int = 60) -> str:
    """A table of them, the topics in turn."""
    rows = [f"{topics[at % len(topics)]}\tcould you play the song number {at}\n" for at in range(count)]
    return "label\ttext\n" + "".join(rows)


# Samples


def test_all_that_can_be_asked_for_at_once(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "x.tsv"
    words = ["-n", 6, "--label", "music", "--temperature", 0.9, "--top-p", 0.95, "--prompt", "could you", "--out", out]
    told = answer(capsys, "sample", run, *words)
    assert (told["written"], told["count"]) == ([str(out)], 6)
    heading, *rows = [line.split("\t") for line in out.read_text().splitlines()]
    assert heading == ["label", "text"]
    assert [label for label, _ in rows] == ["music"] * 6
    assert all(text.startswith("could you") for _, text in rows)
    asked = {"label": "music", "temperature": 0.9, "top_p": 0.95, "prompt": "could you"}
    assert [text for _, text in rows] == load(run, "cpu").sample(6, **asked)


def test_every_ending(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = load(run, "cpu").sample(8, seed=3)
    labels = [grammar.NAMES[at % 6] for at in range(8)]
    for ending in ("txt", "tsv", "csv", "jsonl", "svg"):
        answer(capsys, "sample", run, "-n", 8, "--seed", 3, "--out", tmp_path / f"x.{ending}")
    content = {path.suffix: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert content[".txt"].splitlines() == texts
    rows = [json.loads(line) for line in content[".jsonl"].splitlines()]
    assert rows == [{"label": label, "text": text} for label, text in zip(labels, texts, strict=True)]
    for ending, mark in ((".tsv", "\t"), (".csv", ",")):
        pairs = [line.split(mark, 1) for line in content[ending].splitlines()]
        assert pairs == [["label", "text"], *map(list, zip(labels, texts, strict=True))]
    drawn = ElementTree.fromstring(content[".svg"])
    assert [each.text or "" for each in drawn.iter("{http://www.w3.org/2000/svg}text")] == texts
    (about,) = drawn.iter("{http://www.w3.org/2000/svg}metadata")
    assert json.loads(about.text or "")["model"] == load(run, "cpu").hash
    line = refused(capsys, "sample", run, "-n", 2, "--out", tmp_path / "x.tsv")
    assert "exists" in line
    line = refused(capsys, "sample", run, "-n", 2, "--out", tmp_path / "x.png")
    assert ".txt, .tsv" in line


@pytest.mark.parametrize("ending", ["tsv", "csv", "jsonl"])
def test_samples_can_be_trained_on_again(
    ending: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / f"x.{ending}"
    answer(capsys, "sample", run, "-n", 60, "--out", out)
    lines = read_lines(RECIPES["text"].changed({"data": str(out)}))  # type: ignore[arg-type]
    made = load(run, "cpu").sample(60)
    assert lines.texts == [text for text in made if text]
    assert lines.labels == [at % 6 for at, text in enumerate(made) if text]
    assert lines.names == list(grammar.NAMES)


def test_without_labels_a_table_has_one_column(
    first_act: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(capsys, "sample", first_act, "-n", 3, "--out", tmp_path / "x.tsv")
    assert (tmp_path / "x.tsv").read_text().splitlines() == ["text", *load(first_act, "cpu").sample(3)]
    assert "trained without labels" in refused(capsys, "sample", first_act, "--label", "music")


def test_only_what_the_judge_believes(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = load(run, "cpu")
    out = tmp_path / "all.tsv"
    answer(capsys, "sample", run, "-n", 60, "--out", out)
    free = [line["real"] for line in answer(capsys, "score", run, out)["lines"]]
    least = sorted(free)[30]
    asked = answer(capsys, "sample", run, "-n", 24, "--judge", least, "--out", tmp_path / "judged.tsv")
    assert asked["count"] == 24
    games = model.game
    with torch.no_grad():
        made = model.believed(24, 0, None, least, {})
        batch = {"labels": torch.arange(24) % 6}
        assert (games.judge(model.networks, batch, made).sigmoid() >= least).all()
    texts = [line.split("\t", 1)[1] for line in (tmp_path / "judged.tsv").read_text().splitlines()[1:]]
    assert texts == [games.vocabulary.decode(line) for line in made.tolist()]  # type: ignore[attr-defined]
    assert "is no probability" in refused(capsys, "sample", run, "--judge", 1.5)


def test_a_judge_that_never_played_is_not_asked(first_act: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused(capsys, "sample", first_act, "-n", 2, "--judge", 0.4)


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--label", "musik"], "did you mean 'music'"),
        (["--prompt", "could you purchase it"], "'purchase' is not in the vocabulary"),
        (["--prompt", "could you " * 20], "leave no place for more"),
        (["--temperature", -1], "from 0 to 10"),
        (["--temperature", "nan"], "temperature: nan"),
        (["--top-p", 0], "no share"),
        (["-n", 0], "n: 0"),
    ],
)
def test_what_cannot_be_sampled(words: list[object], part: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert part in refused(capsys, "sample", run, *words)


@pytest.mark.parametrize("words", [["--temperature", 0.9], ["--top-p", 0.9], ["--prompt", "seven"]])
def test_pictures_are_not_asked_for_as_text_is(
    words: list[object], finished_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "images are not sampled with it" in refused(capsys, "sample", finished_run, *words)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["--temperature", 0.9], ["--top-p", 0.9]),
        (
            ["--prompt", "do you know whether these trains to that airport"],
            ["--prompt", "do you know whether these trains to that stadium"],
        ),
    ],
)
def test_what_is_asked_for_otherwise_is_another_file(
    one: list[object], other: list[object], run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        answer(capsys, "sample", run, "-n", 2, *one)["written"]
        != answer(capsys, "sample", run, "-n", 2, *other)["written"]
    )


# Scores


def test_scores_are_the_games_likelihoods(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts, numbers = grammar.draw(20, seed=7)
    plain, out = tmp_path / "lines.txt", tmp_path / "s.tsv"
    plain.write_text("\n".join(texts) + "\n")
    told = answer(capsys, "score", run, plain, "--out", out)
    model = load(run, "cpu")
    game: Any = model.game
    rows = torch.stack([as_row(game.vocabulary.encode(text), game.places) for text in texts])
    under = torch.stack(
        [game.log_likelihoods(model.networks, rows, torch.full((20,), label)).sum(1) for label in range(6)]
    ).double()
    assert [line["text"] for line in told["lines"]] == texts
    assert [line["units"] for line in told["lines"]] == [len(text.split()) + 1 for text in texts]
    mean = under.logsumexp(0) - math.log(6)
    posterior = (under - under.logsumexp(0)).exp()
    for at, line in enumerate(told["lines"]):
        assert line["nats"] == pytest.approx(mean[at].item(), rel=1e-4)
        assert line["nats_per_unit"] == pytest.approx(line["nats"] / line["units"])
        assert (line["asked"], line["label"]) == (None, grammar.NAMES[int(under[:, at].argmax())])
        assert line["label_probability"] == pytest.approx(posterior[:, at].max().item(), rel=1e-3)
        logit = game.judge(model.networks, {"labels": under[:, at : at + 1].argmax(0)}, rows[at : at + 1])
        assert line["real"] == pytest.approx(logit.sigmoid().item(), rel=1e-4)
    assert told["nats_per_unit"] == pytest.approx(
        sum(line["nats"] for line in told["lines"]) / sum(line["units"] for line in told["lines"])
    )
    assert sum(told["labels"].values()) == told["count"] == 20

    heading, *cells = [line.split("\t") for line in out.read_text().splitlines()]
    assert heading == list(told["lines"][0])
    assert [row[0] for row in cells] == texts
    assert [float(row[1]) for row in cells] == [line["nats"] for line in told["lines"]]

    labelled, answers = tmp_path / "lines.tsv", [grammar.NAMES[number] for number in numbers]
    content = [f"{label}\t{text}\n" for label, text in zip(answers, texts, strict=True)]
    labelled.write_text("label\ttext\n" + "".join(content))
    asked = answer(capsys, "score", run, labelled)["lines"]
    assert [line["asked"] for line in asked] == answers
    assert [line["nats"] for line in asked] == pytest.approx(
        [under[number, at].item() for at, number in enumerate(numbers)], rel=1e-4
    )
    assert [line["label_probability"] for line in asked] == [line["label_probability"] for line in told["lines"]]
    named = answer(capsys, "score", run, plain, "--label", "sport")["lines"]
    assert [line["nats"] for line in named] == pytest.approx(under[3].tolist(), rel=1e-4)


def test_without_labels_or_a_judge(first_act: Path, table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = answer(capsys, "score", first_act, table)
    assert told["count"] == LINES
    for line in told["lines"]:
        assert (line["real"], line["asked"], line["label"], line["label_probability"]) == (None,) * 4
    assert (told["real"], told["labels"]) == (None, {})
    assert "trained without labels" in refused(capsys, "score", first_act, table, "--label", "music")


def test_scores_as_words_and_in_other_tables(
    run: Path, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(word) for word in ["score", run, table, "--out", tmp_path / "s.jsonl"]]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split() == ["nats/unit", "real", "label", "text"]
    assert len(printed) == 1 + 20 + 2
    assert re.match(rf"{LINES} lines: -\d\.\d+ nats/unit, real by the judge 0\.\d+", printed[-1])
    rows = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text().splitlines()]
    assert rows == answer(capsys, "score", run, table)["lines"]
    assert "exists" in refused(capsys, "score", run, table, "--out", tmp_path / "s.jsonl")
    assert main([str(word) for word in ["score", run, table, "--out", tmp_path / "s.jsonl", "--overwrite"]]) == 0
    capsys.readouterr()


def test_what_cannot_be_scored(
    run: Path, table: Path, finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strange, empty, blank = tmp_path / "strange.tsv", tmp_path / "empty.txt", tmp_path / "blank.tsv"
    strange.write_text("label\ttext\nmusick\tplay jazz\n")
    empty.write_text("")
    blank.write_text("label\ttext\n\n")
    line = refused(capsys, "score", run, strange)
    assert "'musick'" in line
    assert "did you mean 'music'" in line
    assert str(strange) in line
    assert f"{empty}: is empty" in refused(capsys, "score", run, empty)
    assert str(blank) in refused(capsys, "score", run, blank)
    assert "knows images, not text" in refused(capsys, "score", finished_run, table)
    assert "no such file" in refused(capsys, "score", run, tmp_path / "nowhere.txt")
    assert "unknown label 'jazz'" in refused(capsys, "score", run, empty.parent / "strange.tsv", "--label", "jazz")
    assert ".tsv, .csv, .jsonl" in refused(capsys, "score", run, table, "--out", tmp_path / "s.txt")
    assert files_below(tmp_path) == {"strange.tsv", "empty.txt", "blank.tsv"}


def test_only_what_is_too_long_is_cut(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    most = load(run, "cpu").form["places"] - 1
    for count, cut in ((most - 1, 0), (most, 0), (most + 1, 1)):
        (tmp_path / "lines.txt").write_text("the " * count + "\n")
        assert answer(capsys, "score", run, tmp_path / "lines.txt")["cut"] == cut


# Evaluation


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
    settings = {"data": "topics", "steps": 8, "first_act": 32, "measure_every": 16, "held_out": 60}
    run = train(smallest("topics", tmp_path).changed(settings), out=tmp_path / "run").run
    told = {score["name"]: score for score in answer(capsys, "evaluate", run, "--out", tmp_path)["scores"]}
    assert told["valid"]["floor"] == told["on_topic"]["floor"] == 1
    assert told["divergence"]["floor"] == 0
    assert 0 <= told["on_topic"]["value"] <= told["valid"]["value"] < 0.1  # eight steps are no training
    entropy = sum(map(grammar.entropy, range(len(grammar.NAMES)))) / len(grammar.NAMES)
    units = load(run, "cpu").form["mean_units"]
    expected = told["likelihood"]["value"] * units - entropy
    assert told["divergence"]["value"] == pytest.approx(expected, rel=0.1)  # other lines, few of them


def test_likelihood_is_that_of_score(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of other lines than those that were trained on, under their labels."""
    data = draw_lines(tmp_path / "other.tsv", 90)
    told = answer(capsys, "evaluate", run, "--data", data, "--out", tmp_path / "out")
    scores = {score["name"]: score for score in told["scores"]}
    assert (told["count"], told["reference"]) == (45, 45)
    scored = answer(capsys, "score", run, data)
    assert scores["likelihood"]["value"] == pytest.approx(-scored["nats_per_unit"], rel=1e-5)
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


def test_evaluation_without_labels(first_act: Path, table: Path, tmp_path: Path) -> None:
    data = tmp_path / "lines.txt"
    data.write_text("".join(line.split("\t")[1] + "\n" for line in table.read_text().splitlines()[1:61]))
    assert main(["evaluate", str(first_act), "--data", str(data), "--out", str(tmp_path / "out")]) == 0
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


def test_too_few_lines_to_compare_with(run: Path, first_act: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "ask for 20 to 30" in refused(capsys, "evaluate", run, "-n", 31)
    assert "ask for 20 to 30" in refused(capsys, "evaluate", run, "-n", 19)
    assert "0 lines that were not trained on are too few" in refused(capsys, "evaluate", first_act)


def test_data_that_has_changed(run: Path, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = table.read_text()
    try:
        table.write_text(before + "music\tplay jazz\n")
        assert "changed since training" in refused(capsys, "evaluate", run, "--out", tmp_path / "out")
    finally:
        table.write_text(before)


@pytest.mark.parametrize("words", [["--film", "x.mp4"], ["--at", 32], ["--features", "timm:none"]])
def test_what_has_no_effect_on_text_is_refused(
    words: list[object], run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(capsys, "evaluate", run, "--out", tmp_path / "out", *words)


@pytest.mark.usefixtures("forgotten")
def test_references_of_one_label_are_told_of(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both lines of the second label are among those for the floor."""
    data = tmp_path / "data.tsv"
    rare = [f"sport\tplay that game {at}\n" for at in range(2)]
    data.write_text(sentences("music", count=58) + "".join(rare))
    codes = [main(["evaluate", str(run), "--data", str(data), "--seed", str(seed), "-n", "30"]) for seed in range(8)]
    capsys.readouterr()
    assert set(codes) <= {0, 2}


# Training on what will not do


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("empty.txt", b"", "is empty"),
        ("blank.txt", b"\n \n\n", "is empty"),
        ("one.txt", b"one line\n", "holds 1 line of text, at least 40 are needed"),
        ("rare.tsv", (sentences("a", "b") + "c\tjust once\n").encode(), "label 'c' has only 1 line"),
        ("byte.txt", b"a line\n" * 50 + b"caf\xe9\n", "line 51 holds the byte 0xe9"),
        ("zero.txt", b"a line\n" * 50 + b"\0\n", "line 51 holds a zero byte"),
        ("packed.txt", b"PK\x03\x04 and more", "is packed"),
    ],
)
def test_files_that_cannot_be_trained_on(
    name: str, content: bytes, part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(content)
    line = refused(capsys, "train", "text", "--data", tmp_path / name, "--out", tmp_path / "run", "--steps", 1)
    assert part in line
    assert str(tmp_path / name) in line
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["text", "--steps", 1], "--data PATH"),
        (["text", "--data", "topic"], "did you mean 'topics'"),
        (["text", "--data", "topics", "--width", 20], "not a multiple of 8"),
        (["text", "--data", "topics", "--discount", 0.5], "discount"),
        (["text", "--data", "topics", "--estimator", "policy", "--temperature", 0.5], "temperature"),
        (["text", "--data", "topics", "--generator", "lstn"], "did you mean 'lstm'"),
        (["topics", "--length", 1], "too small"),
    ],
)
def test_settings_that_will_not_do(
    words: list[object], part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert part in refused(capsys, "train", *words, "--out", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_labels_that_are_wanted_but_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plain.txt").write_text("a line\n" * 50)
    words = ["train", "text", "--data", tmp_path / "plain.txt", "--labelled", "yes", "--out", tmp_path / "run"]
    assert "has no labels" in refused(capsys, *words)
