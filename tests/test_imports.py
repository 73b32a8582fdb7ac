"""Imports only go down, never round, and never to what Sparring must not need."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "sparring"
MODALITIES = ("audio", "images", "points", "text", "translation", "video")
FLOORS = [
    {"version"},
    {"core"},
    {"data"},
    {"metrics"},
    {"networks"},
    {"options", "artifacts", "kind", "notebook", "keywords"},
    {"model", "measurements", "targets", "evaluation", "scoring", "checking", "probability"},
    {"modality"},
    {"features"},
    {"media"},
    set(MODALITIES),
    {"modalities", "given"},
    {"report"},
    {"verbs"},
    {"arguments", "model_commands", ""},  # "" is sparring/__init__.py, which names the verbs' functions
    {"cli", "__main__"},
]
ELSEWHERE = {
    ("sparring.data.files.label_tables", "audio"),  # a column of a table
    ("sparring.report.scores", "text"),
    ("sparring.report.previews", "audio"),  # a kind of media
    ("sparring.report.previews", "video"),
    ("sparring.report.check", "lines"),  # a slot of a page
}
"""Where a modality's name is something else."""
FORBIDDEN = {"torchvision", "torchaudio", "pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib"}


@dataclass(frozen=True)
class Import:
    """``importer`` imports ``imported``; ``typing`` when only a type checker does."""

    importer: str
    imported: str
    typing: bool


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports_of(name: str, path: Path) -> Iterator[Import]:
    """Every import in a file, those in functions and under TYPE_CHECKING too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    checked = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)]
    typing = {id(node) for block in checked for statement in block.body for node in ast.walk(statement)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(name, alias.name, id(node) in typing)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: imports are written in full"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield Import(name, inner if inner in MODULES else str(node.module), id(node) in typing)


ALL = [each for name, path in MODULES.items() for each in imports_of(name, path)]
OURS = [each for each in ALL if each.imported.split(".")[0] == "sparring"]


def place(module: str) -> str:
    """The part of the house: ``core`` for ``sparring.core.game``."""
    return ([*module.split("."), ""])[1]


def floor(module: str) -> int:
    return next(height for height, places in enumerate(FLOORS) if place(module) in places)


def upward(one: Import) -> bool:
    if place(one.importer) in ("translation", "video") and place(one.imported) == "images":
        return False
    neighbours = place(one.importer) != place(one.imported) and {
        place(one.importer),
        place(one.imported),
    } <= set(MODALITIES)
    return floor(one.imported) > floor(one.importer) or neighbours


def looks_into_a_modality(one: Import) -> bool:
    """Above the modality folders, and below them, only the table of modalities may know one."""
    return (
        place(one.imported) in MODALITIES
        and place(one.importer) not in MODALITIES
        and one.importer != "sparring.modalities"
    )


def test_every_module_has_its_place() -> None:
    assert {place(module) for module in MODULES} == set().union(*FLOORS)
    assert {each.imported for each in OURS} <= MODULES.keys()


def test_imports_only_go_down() -> None:
    wrong = [f"{each.importer} -> {each.imported}" for each in OURS if upward(each)]
    assert wrong == []


def test_only_the_table_of_modalities_knows_a_modality() -> None:
    assert [f"{each.importer} -> {each.imported}" for each in OURS if looks_into_a_modality(each)] == []
    table = [each.imported for each in OURS if each.importer == "sparring.modalities"]
    assert {place(name) for name in table} >= set(MODALITIES)
    assert all(name.endswith(".recipes") for name in table if place(name) in MODALITIES)


def strings_of(path: Path) -> Iterator[str]:
    """The strings of a file, docstrings left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.value


def test_no_modality_is_named_outside_its_folder() -> None:
    """Neither its name as a value nor one of its classes, be it to ask ``isinstance``."""
    names = {*MODALITIES, "lines"}
    classes = {
        node.name
        for name, path in MODULES.items()
        if place(name) in MODALITIES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    }
    for name, path in MODULES.items():
        if place(name) in MODALITIES or name == "sparring.modalities":
            continue
        used = {node.id for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Name)}
        assert used & classes - own_names(path) == set(), name
        assert {word for word in names & set(strings_of(path)) if (name, word) not in ELSEWHERE} == set(), name


def own_names(path: Path) -> set[str]:
    """The names of classes that a file defines, assigns (an alias of a type) or imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    defined |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    imported = {alias.asname or alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom | ast.Import)
                for alias in node.names}  # fmt: skip
    return defined | imported


def test_the_sizes_that_were_agreed() -> None:
    lines = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in MODULES.items()}
    assert sum(count for name, count in lines.items() if place(name) == "verbs") <= 950
    assert lines["sparring.core.trainer"] <= 220
    assert lines["sparring.core.game"] <= 140
    assert {name: count for name, count in lines.items() if count > 300} == {}
    long = {
        f"{name}.{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for name, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: count for name, count in long.items() if count > 60} == {}
    assert sorted(long.values())[int(0.9 * len(long))] <= 40


def test_the_rule_would_notice() -> None:
    def arrow(importer: str, imported: str) -> bool:
        return upward(Import(f"sparring.{importer}", f"sparring.{imported}", False))

    assert arrow("core.trainer", "data.feed")
    assert arrow("images.game", "points.game")
    assert arrow("images.game", "translation.game")
    assert not arrow("translation.game", "images.game")
    assert arrow("data.feed", "images.decode")
    assert arrow("images.data", "modalities")
    assert arrow("core.run", "")
    assert arrow("media.films.film", "images.data")
    assert not arrow("images.modality", "modality")
    assert not arrow("modalities", "images.recipes")
    assert looks_into_a_modality(Import("sparring.verbs.score", "sparring.text.game", False))
    assert looks_into_a_modality(Import("sparring.media.inputs", "sparring.images.data", False))
    assert not looks_into_a_modality(Import("sparring.modalities", "sparring.text.recipes", False))
    assert arrow("verbs.train", "cli")
    assert not arrow("cli", "verbs.train")
    assert not arrow("verbs.train", "core.run")
    assert not arrow("images.game", "images.recipes")


def test_imports_never_go_round() -> None:
    """Not even those that only a type checker follows."""
    graph: dict[str, set[str]] = {module: set() for module in MODULES}
    for each in OURS:
        graph[each.importer].add(each.imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(" <- ".join(circle.args[1]))


def test_the_game_imports_nothing_of_ours() -> None:
    assert [each.imported for each in OURS if each.importer == "sparring.core.game"] == []


def test_nothing_forbidden_is_imported() -> None:
    assert [each for each in ALL if each.imported.split(".")[0] in FORBIDDEN] == []


def test_every_public_name_is_there() -> None:
    import sparring

    assert set(sparring.__all__) == set(sparring.PUBLIC)
    for name in sparring.__all__:
        assert getattr(sparring, name).__name__ == name
    assert sorted(sparring.__all__) == list(sparring.__all__)
    with pytest.raises(AttributeError):
        _ = sparring.nothing_of_the_kind


def test_a_broken_torchvision_is_never_touched(tmp_path: Path) -> None:
    """Many machines have one that does not fit their torch."""
    for package in ("torchvision", "torchaudio"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text(f"raise RuntimeError('{package} is broken')")
    modules = [name for name in MODULES if name != "sparring.__main__"]
    code = (
        "import sys, importlib\nimport sparring, sparring.verbs.train\n"
        f"for name in {modules}: importlib.import_module(name)\n"
        "print([name for name in ('torchvision', 'torchaudio') if name in sys.modules])"
    )
    search = os.pathsep.join([str(tmp_path), str(PACKAGE.parent)])
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": search}, capture_output=True, text=True
    )
    assert done.stdout.split("\n")[0] == "[]", done.stderr
