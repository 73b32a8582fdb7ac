"""What a person reads is in the field's words: no text of the program or its pages has a word that was given up."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sparring.arguments import ALIASES
from sparring.core.settings import fields
from sparring.modalities import ENTRIES, RECIPES
from sparring.options import VERBS

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "sparring"
PAGES = [ROOT / name for name in ("README.md", "Makefile", "benchmarks/README.md")]
PAGES += [ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "CITATION.cff")]
PAGES += [page for kind in ("html", "js") for page in sorted(PACKAGE.glob(f"report/*.{kind}"))]
PAGES += sorted((ROOT / "docs").glob("*.md"))
DATA = {"grammar.py"}  # whose strings are sentences of the data set that it draws

# The word that was given up: what is said instead.
GIVEN_UP = {
    r"rooms?": "modality",
    r"worlds?": "domain",
    r"(?:first|second|either|both|two) acts?": "pretraining, adversarial phase",
    r"gauges?": "metrics during training",
    r"news": "event",
    r"held still|hold still|holds still": "temporally consistent",
    r"into the other (?:world|one's)": "unpaired image-to-image translation",
    r"the other way": "the other direction",
    r"surprise": "loss, negative log-likelihood",
    r"by chance|chances": "probability, at random",
    r"duels?": "adversarial loss",
    r"rounds?": "step",
    r"writer": "generator",
    r"films?": "video",
    r"critic[_ -]turns": "n_critic",
    r"pace": "discriminator_rate",
    r"tally": "running means",
    r"units? (?:of text|are known|a line)": "token",
}
# Where such a word is the field's own, or names what was given up.
ALLOWED = [
    r"others? hold still", r"everyone else holds still", r"whoever does not move holds still",  # of players in a turn
    r"media/films", r"films/", r"media\.films", r"films\.json", r"films\.py", r"benchmarks/results/\S+", r"\w+_worlds",
    r"in the real world", r"csv\.writer|TensorBoard's writer|SummaryWriter|tensorboard writer", r"real-world",
    r"Math\.round", r"`(?:acts|units|worlds|keep|critic_turns|pace)`",
    r"the first act pretraining, the second act the adversarial phase", r"stroke-line(?:cap|join): round",
    r"of format 1\b.*",
]  # fmt: skip


def docstrings(tree: ast.AST) -> Iterator[ast.Constant]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node
        ):
            statement = node.body[0]
            assert isinstance(statement, ast.Expr)
            assert isinstance(statement.value, ast.Constant)
            yield statement.value


def texts_of(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of every docstring and every string with a space in it: what is said, not what is looked up."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    prose = list(docstrings(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and (" " in node.value or node in prose):
            yield node.lineno, node.value


def given_up(text: str) -> list[str]:
    for allowed in ALLOWED:
        text = re.sub(allowed, "", text, flags=re.IGNORECASE)
    found = []
    for word, better in GIVEN_UP.items():
        found += [
            f"'{hit[0]}' (say {better})" for hit in re.finditer(rf"(?<![\w-])(?:{word})(?![\w-])", text, re.IGNORECASE)
        ]
    return found


SOURCES = [path for path in sorted(PACKAGE.rglob("*.py")) if path.name not in DATA]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_text_of_the_program_uses_a_word_that_was_given_up(path: Path) -> None:
    wrong = [f"{line}: {word}" for line, text in texts_of(path) for word in given_up(text)]
    assert wrong == []


IDENTIFIERS = {
    "room",
    "rooms",
    "worlds",
    "gauge",
    "duel",
    "duels",
    "tally",
    "acts",
    "shelf",
}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_in_the_code_is_called_by_one(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    assert [name for name in sorted(names) if set(name.lower().split("_")) & IDENTIFIERS] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_uses_a_word_that_was_given_up(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    assert [f"{number}: {word}" for number, line in enumerate(lines, 1) for word in given_up(line)] == []


def test_no_setting_and_no_option_is_called_by_one() -> None:
    classes = [*(entry.recipe for entry in ENTRIES.values()), *VERBS.values()]
    classes += [kind for entry in ENTRIES.values() for kind in entry.options.values()]
    old = {name for kind in classes for name in kind.renamed} | set(ALIASES) - {"n"}
    for kind in classes:
        names = set(fields(kind))
        assert not given_up(" ".join(name.replace("_", " ") for name in names)), kind
        assert not names & {name for name in old if name in kind.renamed}, kind
    for recipe in RECIPES.values():
        assert not given_up(f"{recipe.name} {recipe.about}"), recipe.name


@pytest.mark.parametrize(
    "text",
    ["what a room sees", "two worlds", "Rooms", "the second act begins", "a film of", "by chance", "each round"],
)
def test_the_rule_would_notice(text: str) -> None:
    assert given_up(text)


@pytest.mark.parametrize(
    "text", ["the worldwide news-stand", "players move in turn, the others hold still", "groundwork"]
)
def test_other_words_are_left_alone(text: str) -> None:
    assert not given_up(text)
