"""Docstrings say what a reader needs: the shapes of tensors, what is raised, in sentences that stand alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "src" / "sparring"
SHAPE = re.compile(r"``\(.*?\)``|\(n, |\(batch|\(rows|scalar|shape|0-d|``\w+ \(", re.DOTALL)
ARRAYS = re.compile(r"\b(?:Tensor|np\.ndarray|ndarray|Batch)\b")
TENSORS = re.compile(r"\b(?:Tensor|ndarray)\b")
DANGLING = (
    "the same",
    "none.",
    "not known",
    "each way",
    "some.",
    "it.",
    "them.",
    "that of",
    "those of",
    "the line for it",
)


@dataclass(frozen=True)
class Function:
    """A public function or method, where it stands and what it says of itself."""

    where: str
    node: ast.FunctionDef
    said: str
    """Its own docstring, or of a constructor that of the class."""
    overrides: bool
    """Whether a class that it belongs to extends another: its contract may stand there."""


def public_functions() -> Iterator[Function]:
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        name = str(path.relative_to(PACKAGE))
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                yield Function(f"{name}:{node.name}", node, ast.get_docstring(node) or "", False)
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                whole = ast.get_docstring(node) or ""
                for inner in node.body:
                    if not isinstance(inner, ast.FunctionDef):
                        continue
                    own = ast.get_docstring(inner) or ""
                    where = f"{name}:{node.name}.{inner.name}"
                    if inner.name in ("__init__", "__call__", "forward", "backward"):
                        yield Function(where, inner, f"{whole}\n{own}", bool(node.bases))
                    elif not inner.name.startswith("_"):
                        yield Function(where, inner, own, bool(node.bases))


def takes_or_returns_tensors(node: ast.FunctionDef) -> bool:
    annotations = [arg.annotation for arg in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    return any(TENSORS.search(ast.unparse(each)) for each in (*annotations, node.returns) if each is not None)


def raises_by_itself(node: ast.FunctionDef) -> bool:
    """Whether the function's own body raises; not a bare ``raise``, nor what inner functions do."""
    stack: list[ast.AST] = list(node.body)
    while stack:
        each = stack.pop()
        if isinstance(each, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(each, ast.Raise) and each.exc is not None:
            return True
        stack += ast.iter_child_nodes(each)
    return False


FUNCTIONS = list(public_functions())


def test_public_functions_on_tensors_give_a_shape() -> None:
    asked = [each for each in FUNCTIONS if takes_or_returns_tensors(each.node)]
    silent = [each.where for each in asked if not SHAPE.search(each.said)]
    assert len(asked) > 300
    assert len(silent) <= 0.05 * len(asked), f"{len(silent)} of {len(asked)}: {', '.join(silent)}"


def test_public_functions_that_raise_say_what() -> None:
    asked = [each for each in FUNCTIONS if raises_by_itself(each.node)]
    assert len(asked) > 100
    assert [each.where for each in asked if not re.search(r"\b[Rr]aise", each.said)] == []


def test_what_is_raised_is_said_with_its_reason() -> None:
    bare = re.compile(r"\bRaises?\s+(:class:`\w+`[\s,]*(and|or)?\s*)+\.")
    assert bare.search("Raises :class:`UserError`.")
    assert bare.search("Raises :class:`UserError` and\n    :class:`OSError`.")
    assert not bare.search("Raises :class:`UserError` without data.")
    assert [each.where for each in FUNCTIONS if bare.search(each.said)] == []


def test_docstrings_are_sentences_that_stand_alone() -> None:
    """An empty one, one that only points elsewhere, or one of a word or two says nothing; then there is better none."""
    short = []
    for each in FUNCTIONS:
        first = each.said.strip().split("\n\n")[0].lower()
        if first and (first.startswith(DANGLING) or len(first.split()) < 3):
            short.append(f"{each.where}: {first}")
    assert short == []
