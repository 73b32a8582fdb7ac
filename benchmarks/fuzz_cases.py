"""The commands that the fuzzer plays: every verb on every kind of file that it reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fuzz_corpus import GIVEN, RUNS

BUDGET = ("--steps", "6", "--time", "2s")  # of what is trained while it is fuzzed
SAMPLES = {"points": "s.npy", "images": "s.png", "text": "s.tsv"}
SMALL = {
    "images": ("--width", "4", "--batch", "4"),
    "text": ("--width", "8", "--embedding", "8", "--discriminator-width", "4", "--batch", "4"),
    "gaussians": ("--width", "4", "--batch", "4"),
}


@dataclass(frozen=True)
class Case:
    """A command and the file that it is given damaged. ``{in}``, ``{out}`` in its words are folders of the sandbox."""

    verb: str
    kind: str  # of the file
    words: tuple[str, ...]
    base: str  # the folder or file of the corpus that is copied into the sandbox
    target: str  # the file in it that is damaged, a pattern
    writes: bool = False  # the command may write in its input: a run goes on
    weight: float = 1.0

    @property
    def patience(self) -> float:
        """How many times as long as others it may take: to evaluate text, language models are learned."""
        return 6.0 if (self.verb, self.base) == ("evaluate", "run-text") else 1.0


def cases(corpus: Path) -> list[Case]:
    """Every command for every kind of file that is in the corpus."""
    found = [case for kind in RUNS for case in run_cases(kind)]
    found += data_cases(corpus)
    for kind in RUNS:
        words = ("train", f"{{in}}/{kind}.yaml", *BUDGET, "--out", "{out}/run")
        found.append(Case("train", f"recipe of {kind}", words, f"{kind}.yaml", f"{kind}.yaml", weight=2))
    evaluating = ("evaluate", "{in}/evaluating/samples", "--data", "{corpus}/pictures", "-n", "20", "--out", "{out}/e")
    found.append(Case("evaluate", "folder of samples", evaluating, "evaluating", "samples/*.png", weight=0.3))
    for name in ("features.pt", "features.onnx", "features.safetensors"):
        trusted = ("--trust",) if name.endswith(".pt") else ()
        with_features = (*evaluating, "--features", "{in}/evaluating/" + name, *trusted)
        found.append(Case("evaluate", name, with_features, "evaluating", name))
    return [case for case in found if is_there(case, corpus)]


def is_there(case: Case, corpus: Path) -> bool:
    """Whether there is a file to damage, and all that goes with it: a modality may have none of a kind, a pillow not
    write some, and a run not have been made."""
    base = corpus / case.base
    others = [corpus / word.removeprefix("{corpus}/") for word in case.words if word.startswith("{corpus}")]
    return all(path.exists() for path in (base, *others)) and (base.is_file() or any(base.glob(case.target)))


def run_cases(kind: str) -> Iterator[Case]:
    """The commands that read a run, for every file of it."""
    base = f"run-{kind}"
    run = f"{{in}}/{base}"

    def case(words: tuple[str, ...], target: str, weight: float = 1.0, writes: bool = False) -> Case:
        return Case(words[0], f"{kind}: {target}", words, base, target, writes, weight)

    for target in ("recipe.yaml", "journal.jsonl", "checkpoints/*.safetensors", "model/config.json"):
        yield case(("resume", run, *BUDGET), target, writes=True)
    for target in ("model/model.safetensors", "model/README.md", "samples/*", "best/config.json",
                   "evaluation/scores.json"):  # fmt: skip
        yield case(("resume", run, *BUDGET), target, 0.5, writes=True)
    for target in ("recipe.yaml", "journal.jsonl", "model/config.json"):
        yield case(("info", run), target)
    yield case(("info", f"{run}/model"), "model/config.json")
    out = f"{{out}}/{SAMPLES.get(kind, 't.png')}"
    using = ("sample", run, "-n", "2") if kind in SAMPLES else ("translate", run, f"{run}/input.png")
    evaluating = ("evaluate", run, "-n", "20")
    for target in ("model/config.json", "model/model.safetensors"):
        yield case((*using, "--out", out), target, 2)
        if kind in GIVEN:
            yield case(("score", run, f"{run}/{Path(GIVEN[kind]).name}"), target, 0.5)
        yield case((*evaluating, "--out", "{out}/e"), target, 0.3)
    yield case((*evaluating, "--out", "{out}/e"), "recipe.yaml", 0.2)
    yield case(evaluating, "evaluation/scores.json", 0.2, writes=True)
    if kind in SAMPLES:
        yield case(("sample", f"{run}/best", "-n", "2", "--out", out), "best/config.json", 0.3)


def data_cases(corpus: Path) -> Iterator[Case]:
    """The commands that read inputs, for an input of every kind."""
    for path in sorted((corpus / "folder").iterdir()):
        kind = f"picture {path.suffix}"
        yield from reading("images", kind, "folder", path.name, 0.5)
        words = ("translate", "{corpus}/run-translation", f"{{in}}/folder/{path.name}", "--out", "{out}/t")
        yield Case("translate", kind, words, "folder", path.name, weight=0.5)
    for name in ("labels.csv", "labels.json"):
        yield from reading("images", name, name.replace(".", "-"), name, 2)
    for folder, recipe, noun in (
        ("sets", "images", "set"),
        ("texts", "text", "text"),
        ("points", "gaussians", "points"),
    ):
        for path in sorted((corpus / folder).iterdir()):
            kind = f"{noun} {path.name if folder == 'sets' else path.suffix}"
            yield from reading(recipe, kind, f"{folder}/{path.name}", path.name, 1.5)
    for path in sorted((corpus / "videos").iterdir()):
        resized = ("translate", "{corpus}/run-translation", f"{{in}}/{path.name}", "--resize", "16", "--out", "{out}/v")
        yield Case("translate", f"video {path.suffix}", resized, f"videos/{path.name}", path.name)
    for path in sorted(corpus.glob("run-*/samples/*.png")):
        yield Case(
            "info",
            "preview .png",
            ("info", f"{{in}}/{path.name}"),
            str(path.relative_to(corpus)),
            path.name,
            weight=0.5,
        )


def reading(recipe: str, kind: str, base: str, target: str, weight: float) -> Iterator[Case]:
    """The commands that read data, which are ``base`` in the corpus."""
    path = f"{{in}}/{Path(base).name}"
    checking = ("data", "check", recipe, path, *(("--out", "{out}/c.png") if recipe != "text" else ()))
    training = ("train", recipe, "--data", path, *SMALL[recipe], *BUDGET, "--out", "{out}/run")
    run = "{corpus}/run-" + ("points" if recipe == "gaussians" else recipe)
    scoring = ("score", run, path, "--out", "{out}/s.tsv")
    yield Case("data check", kind, checking, base, target, weight=weight)
    yield Case("train", kind, training, base, target, weight=weight / 2)
    yield Case("score", kind, scoring, base, target, weight=weight / 2)
