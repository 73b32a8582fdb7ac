"""The commands that work on a trained model: each reads what was typed and calls the verb of the same name."""

from __future__ import annotations

import sys

from sparring.arguments import answer, listed, one_word, read_for_model, run_and_more
from sparring.core.status import Status, columns_of, starting
from sparring.core.terminal import tell


def sample(words: list[str]) -> None:
    """Write samples of a model."""
    typed = read_for_model("sample", words, "Write samples of a run or a model folder.", "RUN", (
        "sparring sample runs/digits -n 64 --seed 1 --out new.png",
        "sparring sample runs/digits -n 9 --label 7 --out sevens/",
        "sparring sample runs/topics -n 5 --temperature 0.8 --out lines.tsv",
    ))  # fmt: skip
    if typed is None:
        return

    starting()
    from sparring.verbs.sample import sample as verb

    result = verb(one_word(typed, "sample", "a run or a model folder"), **typed.values)
    lines = result.pop("readable").rstrip("\n")
    judged = f", kept by the judge of {result['generated']:,} that were made" if "generated" in result else ""
    told = f"{result['count']} samples{judged}: {listed(result['written'])}"
    if lines and not typed.json:
        tell(told)
    answer(typed, result, aligned(lines) if lines else told)


def aligned(table: str) -> str:
    """A table with tabs as it is; on a terminal its columns below each other."""
    if not columns_of(sys.stdout):
        return table
    return table.expandtabs(2 + max(len(line.partition("\t")[0]) for line in table.split("\n")))


def translate(words: list[str]) -> None:
    """Translate pictures and videos."""
    typed = read_for_model("translate", words, "Translate files from one domain into another.", "RUN INPUT...", (
        "sparring translate runs/neon photos/ --out neon/",
        "sparring translate runs/neon a.jpg --direction b2a --out b.jpg",
        "sparring translate runs/neon clip.mp4 --resize 256",
    ))  # fmt: skip
    if typed is None:
        return
    run, inputs = run_and_more(typed, "translate", "what to translate", "INPUT...")

    starting()
    from sparring.verbs.translate import translate as verb

    result = verb(run, inputs, **typed.values, say=Status().say)
    answer(typed, result, result.pop("summary", listed(result["written"])))


def evaluate(words: list[str]) -> None:
    """Say how good samples are."""
    about = "Compare what a run or a model makes, or a folder of samples, with real data."
    typed = read_for_model("evaluate", words, about, "RUN|MODEL|FOLDER", (
        "sparring evaluate runs/digits",
        "sparring evaluate runs/mine --data held_out/ -n 2000",
        "sparring evaluate samples/ --data real/ --features features.pt",
    ))  # fmt: skip
    if typed is None:
        return

    starting()
    from sparring.verbs.evaluate import evaluate as verb

    result = verb(one_word(typed, "evaluate", "a run, a model or a folder"), **typed.values, say=Status())
    answer(typed, result, result.pop("summary"))


def calibrate(words: list[str]) -> None:
    """Make scores of single examples true."""
    about = "Train a fresh discriminator against a model's generator, and calibrate it on real examples never seen."
    typed = read_for_model("calibrate", words, about, "RUN", (
        "sparring calibrate runs/digits",
        "sparring calibrate runs/mine --data held_out/ --alpha 0.01",
    ))  # fmt: skip
    if typed is None:
        return

    starting()
    from sparring.verbs.calibrate import calibrate as verb

    result = verb(one_word(typed, "calibrate", "a run or a model folder"), **typed.values, say=Status())
    answer(typed, result, result.pop("summary"))


def score(words: list[str]) -> None:
    """Score single examples."""
    about = "Say of single examples how real and how odd they are, where the model is calibrated; of text how likely."
    typed = read_for_model("score", words, about, "RUN FILE...", (
        "sparring score runs/digits scans/ --out scores.csv --explain why/",
        "sparring score runs/topics lines.tsv --out scores.tsv",
        "sparring score runs/topics lines.txt --label music --json",
    ))  # fmt: skip
    if typed is None:
        return
    run, files = run_and_more(typed, "score", "the files to score", "FILE...")

    starting()
    from sparring.verbs.score import score as verb

    result = verb(run, files, **typed.values, say=Status().say)
    answer(typed, result, result.pop("summary"))
