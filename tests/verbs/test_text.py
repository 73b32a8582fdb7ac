"""Text by the command line: trained, sampled into every kind of file, scored, evaluated; mistakes told in one line."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import torch
from table import smallest
from text_runs import LINES, a_table, answer, both_phases, pretraining, sentences
from translation_runs import files_below, refused

from sparring.cli import main
from sparring.core.errors import UserError
from sparring.modalities import RECIPES, load
from sparring.text import grammar
from sparring.text.data import as_row
from sparring.text.reading.lines import read_lines
from sparring.verbs.train import train

Said = pytest.CaptureFixture[str]
CURVE = ("temperature", "lm", "reverse_lm", "bleu5", "self_bleu5")

table = pytest.fixture(scope="module")(a_table)
run = pytest.fixture(scope="module")(both_phases)
pretrained = pytest.fixture(scope="module")(pretraining)


# How training ends


def test_a_run_that_ended_in_pretraining_says_how_to_go_on(table: Path, tmp_path: Path, capsys: Said) -> None:
    settings = {"data": str(table), "steps": 1, "pretrain_examples": 1000, "batch": 8}
    train(smallest("topics", tmp_path).changed(settings), out=tmp_path / "run {0}")
    *_, remark, more, _, sample, _, _ = capsys.readouterr().err.splitlines()
    assert remark.startswith("it ended in pretraining")
    assert more == f"  sparring resume '{tmp_path}/run {{0}}' --steps 250"
    assert sample == f"  sparring sample '{tmp_path}/run {{0}}' -n 20"
    train(smallest("topics", tmp_path).changed({**settings, "pretrain_examples": 0}), out=tmp_path / "other")
    assert "ended in pretraining" not in capsys.readouterr().err


# Samples


def test_lines_are_printed_where_no_file_is_asked_for(run: Path, pretrained: Path, capsys: Said) -> None:
    capsys.readouterr()
    assert main(["sample", str(run), "-n", "5", "--seed", "2"]) == 0
    labelled = capsys.readouterr()
    heading, *rows = [line.split("\t") for line in labelled.out.splitlines()]
    assert heading == ["label", "text"]
    assert [label for label, _ in rows] == list(grammar.NAMES[:5])
    assert [text for _, text in rows] == load(run, "cpu").sample(5, seed=2)
    assert labelled.err == f"5 samples: {run}/generated/seed2-5.svg\n"
    assert main(["sample", str(pretrained), "-n", "2"]) == 0
    assert capsys.readouterr().out.splitlines() == load(pretrained, "cpu").sample(2)
    assert set(answer(capsys, "sample", run, "-n", 5, "--seed", 2)) == {"written", "count", "seed", "model"}


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
    pretrained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(capsys, "sample", pretrained, "-n", 3, "--out", tmp_path / "x.tsv")
    assert (tmp_path / "x.tsv").read_text().splitlines() == ["text", *load(pretrained, "cpu").sample(3)]
    assert "trained without labels" in refused(capsys, "sample", pretrained, "--label", "music")


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--label", "musik"], "did you mean 'music'"),
        (["--prompt", "could you purchase it"], "'purchase' is not in the vocabulary"),
        (["--prompt", "could you " * 20], "leave nothing to generate"),
        (["--temperature", -1], "temperature: -1.0 is too small, the least is 0"),
        (["--temperature", "nan"], "temperature: 'nan' is not a number"),
        (["--top-p", 0], "top_p: 0.0 must be more than 0"),
        (["-n", 0], "count: 0 is too small"),
    ],
)
def test_what_cannot_be_sampled(words: list[object], part: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert part in refused(capsys, "sample", run, *words)


@pytest.mark.parametrize("words", [["--temperature", 0.9], ["--top-p", 0.9], ["--prompt", "seven"]])
def test_pictures_are_not_asked_for_as_text_is(
    words: list[object], finished_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = str(words[0]).strip("-").replace("-", "_")
    assert f"{name}: {finished_run} has no such option" in refused(capsys, "sample", finished_run, *words)
    with pytest.raises(UserError, match="images are not sampled with it"):
        load(finished_run, "cpu").sample(2, **{name: words[1]})


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
    rows = torch.stack([as_row(game.vocabulary.encode(text), game.length) for text in texts])
    under = torch.stack(
        [game.log_likelihoods(model.networks, rows, torch.full((20,), label)).sum(1) for label in range(6)]
    ).double()
    assert [line["text"] for line in told["rows"]] == texts
    assert [line["tokens"] for line in told["rows"]] == [len(text.split()) + 1 for text in texts]
    mean = under.logsumexp(0) - math.log(6)
    posterior = (under - under.logsumexp(0)).exp()
    for at, line in enumerate(told["rows"]):
        assert line["nats"] == pytest.approx(mean[at].item(), rel=1e-4)
        assert line["nats_per_token"] == pytest.approx(line["nats"] / line["tokens"])
        assert (line["asked"], line["label"]) == (None, grammar.NAMES[int(under[:, at].argmax())])
        assert line["label_probability"] == pytest.approx(posterior[:, at].max().item(), rel=1e-3)
        logit = game.logits(model.networks, {"labels": under[:, at : at + 1].argmax(0)}, rows[at : at + 1])
        assert line["score"] == pytest.approx(logit.item(), rel=1e-4, abs=1e-5)
    assert told["nats_per_token"] == pytest.approx(
        sum(line["nats"] for line in told["rows"]) / sum(line["tokens"] for line in told["rows"])
    )
    assert told["score"] == pytest.approx(sum(line["score"] for line in told["rows"]) / 20)
    assert told["calibrated"] is False
    assert sum(told["labels"].values()) == told["count"] == 20

    heading, *cells = [line.split("\t") for line in out.read_text().splitlines()]
    assert heading == list(told["rows"][0])
    assert [row[0] for row in cells] == texts
    assert [float(row[1]) for row in cells] == [line["nats"] for line in told["rows"]]

    labelled, answers = tmp_path / "lines.tsv", [grammar.NAMES[number] for number in numbers]
    content = [f"{label}\t{text}\n" for label, text in zip(answers, texts, strict=True)]
    labelled.write_text("label\ttext\n" + "".join(content))
    asked = answer(capsys, "score", run, labelled)["rows"]
    assert [line["asked"] for line in asked] == answers
    assert [line["nats"] for line in asked] == pytest.approx(
        [under[number, at].item() for at, number in enumerate(numbers)], rel=1e-4
    )
    assert [line["label_probability"] for line in asked] == [line["label_probability"] for line in told["rows"]]
    named = answer(capsys, "score", run, plain, "--label", "sport")["rows"]
    assert [line["nats"] for line in named] == pytest.approx(under[3].tolist(), rel=1e-4)


def test_without_labels_or_a_discriminator(pretrained: Path, table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = answer(capsys, "score", pretrained, table)
    assert told["count"] == LINES
    for line in told["rows"]:
        assert (line["score"], line["asked"], line["label"], line["label_probability"]) == (None,) * 4
    assert (told["score"], told["labels"]) == (None, {})
    assert "trained without labels" in refused(capsys, "score", pretrained, table, "--label", "music")


def test_scores_as_words_and_in_other_tables(
    run: Path, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(word) for word in ["score", run, table, "--out", tmp_path / "s.jsonl"]]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split() == ["nats/token", "score", "label", "text"]
    assert len(printed) == 1 + 20 + 2
    assert re.match(
        rf"{LINES} lines: -\d\.\d+ nats/token, mean score -?\d\.\d+ \(logits of the discriminator\)", printed[-1]
    )
    rows = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text().splitlines()]
    assert rows == answer(capsys, "score", run, table)["rows"]
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
    assert str(table) in refused(capsys, "score", finished_run, table)
    assert "no such file" in refused(capsys, "score", run, tmp_path / "nowhere.txt")
    assert "unknown label 'jazz'" in refused(capsys, "score", run, empty.parent / "strange.tsv", "--label", "jazz")
    assert ".tsv, .csv, .jsonl" in refused(capsys, "score", run, table, "--out", tmp_path / "s.txt")
    assert files_below(tmp_path) == {"strange.tsv", "empty.txt", "blank.tsv"}


def test_only_what_is_too_long_is_cut(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    most = load(run, "cpu").form.length - 1
    for count, cut in ((most - 1, 0), (most, 0), (most + 1, 1)):
        (tmp_path / "lines.txt").write_text("the " * count + "\n")
        assert answer(capsys, "score", run, tmp_path / "lines.txt")["cut"] == cut


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
