"""Lines to train on: from whatever ``data`` names, as numbers of tokens, with what is wrong with the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.terminal import quoted, shortened
from sparring.data.labels import told_of_few
from sparring.data.source import Form
from sparring.text import grammar
from sparring.text.reading.lines import Lines, read_lines
from sparring.text.recipes import LENGTH, TOKENS, TextRecipe
from sparring.text.vocabulary import END, PAD, SPECIAL, Vocabulary, with_present_names

DRAWN = 10_000  # lines of the grammar that are trained on


@dataclass(frozen=True, kw_only=True)
class TextForm(Form):
    """Lines of up to ``length`` tokens, the end of the line among them, in a vocabulary of ``tokens``.

    ``cut`` lines were longer; ``mean_tokens`` are those of a mean line with its end; ``vocabulary`` is the description
    of a :class:`Vocabulary`.
    """

    renamed: ClassVar[Mapping[str, str]] = {"places": "length", "units": "tokens", "mean_units": "mean_tokens"}

    limits: ClassVar[Mapping[str, tuple[float, float]]] = {
        "length": (1, LENGTH + 1), "tokens": (SPECIAL + 1, SPECIAL + TOKENS), "cut": (0, 10**12),
        "mean_tokens": (1e-6, LENGTH + 1),
    }  # fmt: skip

    length: int
    tokens: int
    cut: int
    mean_tokens: float
    vocabulary: Mapping[str, Any]

    def described(self) -> str:
        """The form in a few words: ``10,000 tokens, length 33, 6 labels``."""
        labels = [f"{len(self.labels)} labels"] if self.labels else []
        return ", ".join([f"{self.tokens:,} tokens", f"length {self.length}", *labels])

    def differs(self, other: Form) -> str:
        """Why lines of ``other`` cannot take the place of lines of this form, in one line; empty if they can."""
        if not isinstance(other, TextForm):
            return "no text"
        rest = super().differs(replace(other, vocabulary=self.vocabulary))  # too long for a line
        return rest or ("" if other.vocabulary == self.vocabulary else "other tokens in its vocabulary")

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """The form in a model's ``config.json``, of this format or an older one. Raises :class:`UserError` where a
        field is missing, or cannot be what it is."""
        form = super().from_dict(content)
        return replace(form, vocabulary=with_present_names(form.vocabulary))


class TextSource:
    """Lines in memory, as text and as tokens; in the vocabulary of ``form``, where that of a model is given.

    Raises :class:`UserError` for a label that the form does not know, and a vocabulary that cannot be learned.
    """

    in_memory = True

    def __init__(self, name: str, lines: Lines, recipe: TextRecipe, form: TextForm | None = None) -> None:
        self.name, self.texts, self.bad_files = name, lines.texts, list(lines.bad_files)
        self.said = lines.said
        if form is None:
            self.vocabulary = Vocabulary.learn(lines.texts, recipe.token, recipe.vocabulary, recipe.least_count)
            self.names = lines.names
        else:
            self.vocabulary, self.names = Vocabulary.of_form(form.vocabulary), list(form.labels)
        encoded = [self.vocabulary.encode(text) for text in lines.texts]
        length = form.length if form else min(max(map(len, encoded)), recipe.length) + 1
        self.lines = torch.stack([as_row(tokens, length) for tokens in encoded])
        self.labels = None if lines.labels is None else self.numbered(lines)
        self.form = TextForm(
            labels=tuple(self.names),
            length=length,
            tokens=len(self.vocabulary),
            cut=sum(len(tokens) >= length for tokens in encoded),
            mean_tokens=float((self.lines != PAD).sum() / len(self.lines)),
            vocabulary=self.vocabulary.form(),
        )

    def numbered(self, lines: Lines) -> Tensor:
        """The labels of lines as indices into ``names``, int64 ``(n,)``. Raises :class:`UserError` for a label that is
        not among them."""
        assert lines.labels is not None
        strange = sorted(set(lines.names) - set(self.names))
        if strange:
            shown = ", ".join(map(shortened, self.names[:20]))
            raise UserError(f"{self.name}: unknown label {quoted(strange[0])}; the model knows {shown}")
        indices = torch.tensor([self.names.index(name) for name in lines.names])
        return indices[torch.tensor(lines.labels)]

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def duplicates(self) -> int:
        """How many lines equal an earlier one."""
        return len(self.texts) - len(set(self.texts))

    def remarks(self) -> list[str]:
        """What was left aside or is cut, labels with few lines, and how many lines are there again: a line each."""
        labels = [] if self.labels is None else told_of_few(self.names, self.labels.tolist(), "lines")
        cut = [f"{self.form.cut:,} lines are cut; see --length"] if self.form.cut else []
        again = [f"{self.duplicates:,} of the lines equal an earlier one"] if self.duplicates else []
        return [*self.said, *labels, *cut, *again]

    def batch(self, indices: np.ndarray) -> dict[str, Tensor]:
        """``lines`` int64 ``(n, length)`` and, if any, ``labels`` int64 ``(n,)``, at int64 ``indices`` ``(n,)``."""
        chosen = torch.from_numpy(indices)
        batch = {"lines": self.lines[chosen]}
        return batch if self.labels is None else {**batch, "labels": self.labels[chosen]}


def as_row(tokens: list[int], length: int) -> Tensor:
    """Tokens, their end, and PAD up to ``length``, int64 ``(length,)``; without an end where they are too many."""
    row = torch.full((length,), PAD)
    ended = [*tokens, END][:length]
    row[: len(ended)] = torch.tensor(ended)
    return row


def open_source(recipe: TextRecipe, form: TextForm | None = None) -> TextSource:
    """The lines that ``recipe.data`` names; in the vocabulary of ``form``, where that of a model is given. Raises
    :class:`UserError` when there are none to be had."""
    if recipe.data == "topics":
        return draw_topics(DRAWN, 0, recipe, form)
    return TextSource(recipe.data, read_lines(recipe), recipe, form)


def draw_topics(count: int, seed: int, recipe: TextRecipe, form: TextForm | None = None) -> TextSource:
    """``count`` lines of the bundled grammar, in the vocabulary of ``form``, where that of a model is given."""
    texts, labels = grammar.draw(count, seed)
    return TextSource("topics", Lines(texts, labels, list(grammar.NAMES), []), recipe, form)
