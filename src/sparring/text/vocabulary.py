"""Between lines of text and the numbers that networks read: words, characters, or pieces of words (bpe).

Numbers 0 to 3 have meanings of their own (``PAD``, ``START``, ``END``, ``UNKNOWN``); the units follow.
"""

from __future__ import annotations

import importlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any, Protocol, Self

from sparring.core.errors import UserError

PAD, START, END, UNKNOWN = range(4)
SPECIAL = 4  # how many these are
SHOWN = "<unk>"  # where a unit is unknown
BYTES = 256  # units that bpe begins with

# Marks that the next word follows without a space, and marks that follow the last one without a space.
OPENING = frozenset("([{“‘«„$£€#¿¡")  # noqa: RUF001
CLOSING = frozenset(",.!?;:)]}”’'»%…。，！？；：、）」』】।،؟")  # noqa: RUF001
QUOTE = '"'  # opens and closes by turns
DOTS = re.compile(r"\.{2,}")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

APART = re.compile(r"(?:^|\s)[.,!?;:]+(?=\s|$)")  # punctuation that spaces part from the word before it
ATTACHED = re.compile(r"[^\s.,!?;:][.,!?;:]+(?=\s|$)")
MOSTLY = 0.9
LETTER = re.compile(r"[^\W\d_]")
SPACELESS = re.compile(  # Thai and Lao, Tibetan, Burmese, Khmer, kana, Han: scripts without spaces between words
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)


class Cutter(Protocol):
    """How a line becomes units, and units a line."""

    def units(self, text: str) -> list[str]: ...

    def join(self, units: Sequence[str]) -> str: ...


class Vocabulary:
    """The units that are known, each with its number. Picklable; the same data give the same one."""

    def __init__(self, unit: str, known: Sequence[str], cutter: Cutter) -> None:
        self.unit = unit  # word, character or bpe
        self.known = list(known)  # the first has the number SPECIAL
        self.cutter = cutter
        self.number = {one: index for index, one in enumerate(known, start=SPECIAL)}

    @classmethod
    def learn(cls, texts: Sequence[str], unit: str, size: int, least_count: int) -> Self:
        """The ``size`` most frequent units that are in ``texts`` at least ``least_count`` times.

        ``unit`` auto means words, or characters where nothing parts words. Raises :class:`UserError` when nothing
        is frequent enough, or bpe is not to be had.
        """
        if unit == "auto":
            unit = "character" if without_spaces(texts) else "word"
        if unit == "bpe":
            pieces = Pieces.learn(texts, size, least_count)
            return cls(unit, pieces.known(), pieces)
        cutter: Cutter = Characters() if unit == "character" else Words(tokenised(texts))
        counts = Counter(one for text in texts for one in cutter.units(text))
        frequent = sorted((-count, one) for one, count in counts.items() if count >= least_count)
        if not frequent:
            raise UserError(f"least_count: no {unit} is there {least_count} times; set it lower")
        return cls(unit, [one for _, one in frequent[:size]], cutter)

    @classmethod
    def of_form(cls, form: Mapping[str, Any]) -> Self:
        """What :meth:`form` described. Raises :class:`UserError` where it is damaged, or bpe is not to be had."""
        try:
            unit = form["unit"]
            if unit == "bpe":
                pieces = Pieces(json.dumps(form["tokenizer"]))
                return cls(unit, pieces.known(), pieces)
            cutters: dict[str, Cutter] = {"character": Characters(), "word": Words(bool(form.get("tokenised")))}
            return cls(unit, [str(one) for one in form["units"]], cutters[unit])
        except (KeyError, TypeError):
            raise UserError("vocabulary: not one of Sparring's, or damaged; restore it or train anew") from None

    def form(self) -> dict[str, Any]:
        """All of it, JSON-able."""
        if isinstance(self.cutter, Pieces):
            return {"unit": self.unit, "tokenizer": json.loads(self.cutter.text)}
        spaces = {"tokenised": self.cutter.tokenised} if isinstance(self.cutter, Words) else {}
        return {"unit": self.unit, **spaces, "units": self.known}

    def __len__(self) -> int:
        """All numbers, the four special ones too."""
        return SPECIAL + len(self.known)

    def units(self, text: str) -> list[str]:
        """The units that ``text`` is made of, known or not."""
        return self.cutter.units(text)

    def join(self, units: Sequence[str]) -> str:
        return self.cutter.join(units)

    def encode(self, text: str) -> list[int]:
        """The number of each unit, without ``START`` and ``END``."""
        return [self.number.get(one, UNKNOWN) for one in self.units(text)]

    def decode(self, numbers: Iterable[int]) -> str:
        """The text up to the first ``END``; ``PAD`` and ``START`` say nothing."""
        units = []
        for number in numbers:
            if number == END:
                break
            if number == UNKNOWN:
                units.append(SHOWN)
            elif number >= SPECIAL:
                units.append(self.known[number - SPECIAL])
        return self.join(units)


class Characters:
    """Each character is a unit, spaces too."""

    def units(self, text: str) -> list[str]:
        return list(text)

    def join(self, units: Sequence[str]) -> str:
        return "".join(units)


class Words:
    """Words and punctuation: what spaces part where the text is ``tokenised``, else punctuation is taken off words.

    Joined again they give ordinary sentences back as they were. Only marks at a word's beginning and end are taken
    off: those inside belong to it (don't, co-op, 3.5, 7:30, R&B).
    """

    def __init__(self, tokenised: bool) -> None:
        self.tokenised = tokenised

    def units(self, text: str) -> list[str]:
        chunks = text.split()
        if self.tokenised:
            return chunks
        units: list[str] = []
        quoted = False
        for chunk in chunks:
            pieces = _peeled(chunk)
            if _glued(pieces, quoted) != chunk:  # e.g. 5" is no quotation
                pieces = [chunk]
            units += pieces
            quoted ^= pieces.count(QUOTE) % 2 == 1
        return units

    def join(self, units: Sequence[str]) -> str:
        return " ".join(units) if self.tokenised else _glued(units, quoted=False)


class Pieces:
    """Frequent strings of bytes, learned by merging pairs (byte pair encoding); no text is unknown.

    ``text`` is the tokenizers library's own JSON. A piece is written in that library's alphabet for bytes.
    """

    def __init__(self, text: str) -> None:
        library = _tokenizers()
        try:
            self.tokenizer = library.Tokenizer.from_str(text)
        except Exception as problem:  # the library has no errors of its own
            raise UserError(f"vocabulary: damaged ({problem}); restore it or train anew") from None
        self.text = text

    @classmethod
    def learn(cls, texts: Sequence[str], size: int, least_count: int) -> Pieces:
        library = _tokenizers()
        if size <= BYTES:
            raise UserError(f"vocabulary: {size} is too small for unit bpe, which begins with {BYTES} bytes; raise it")
        levels = importlib.import_module("tokenizers.pre_tokenizers").ByteLevel
        trainer = importlib.import_module("tokenizers.trainers").BpeTrainer(
            vocab_size=size, min_frequency=least_count, initial_alphabet=sorted(levels.alphabet()), show_progress=False
        )
        tokenizer = library.Tokenizer(importlib.import_module("tokenizers.models").BPE())
        tokenizer.pre_tokenizer = levels(add_prefix_space=False)
        tokenizer.decoder = importlib.import_module("tokenizers.decoders").ByteLevel()
        tokenizer.train_from_iterator(texts, trainer)
        return cls(tokenizer.to_str())

    def known(self) -> list[str]:
        numbers: dict[str, int] = self.tokenizer.get_vocab()
        return sorted(numbers, key=numbers.__getitem__)

    def units(self, text: str) -> list[str]:
        return list(self.tokenizer.encode(text).tokens)

    def join(self, units: Sequence[str]) -> str:
        """Bytes that are no text become U+FFFD, and so do controls, which no line holds but any network may write."""
        return CONTROL.sub("\ufffd", self.tokenizer.decoder.decode(list(units)))


def without_spaces(texts: Sequence[str]) -> bool:
    """Whether nothing parts words: most letters are of scripts that do not, or most lines are a single word."""
    single = sum(" " not in text for text in texts)
    spaceless = sum(len(SPACELESS.findall(text)) for text in texts)
    others = sum(len(LETTER.findall(SPACELESS.sub("", text))) for text in texts)
    return spaceless > others or single >= MOSTLY * len(texts)


def tokenised(texts: Iterable[str]) -> bool:
    """Whether spaces part punctuation from words already."""
    apart = attached = 0
    for text in texts:
        apart += len(APART.findall(text))
        attached += len(ATTACHED.findall(text))
    return apart > 0 and apart >= MOSTLY * (apart + attached)


def _peeled(chunk: str) -> list[str]:
    """A word without spaces cut into marks before it, itself, and marks after it; marks alone stay together."""
    behind = chunk.lstrip("".join(OPENING) + QUOTE)
    core = behind.rstrip("".join(CLOSING) + QUOTE)
    if not core:
        return [chunk]
    before, after = chunk[: len(chunk) - len(behind)], behind[len(core) :]
    return [*before, core, *re.findall(r"\.{2,}|.", after)]


def _glued(units: Sequence[str], quoted: bool) -> str:
    """Units joined by spaces but for marks; ``quoted`` is whether a quotation is open before the first."""
    text = ""
    close_up = True
    for unit in units:
        closes = unit in CLOSING or (unit == QUOTE and quoted) or DOTS.fullmatch(unit) is not None
        text += unit if close_up or closes else f" {unit}"
        close_up = unit in OPENING or (unit == QUOTE and not quoted)
        quoted ^= unit == QUOTE
    return text


def _tokenizers() -> ModuleType:
    """The library of the extra called ``text``, imported when bpe needs it, never before."""
    try:
        return importlib.import_module("tokenizers")
    except ImportError:
        raise UserError("unit bpe: needs the 'text' extra: pip install 'sparring[text]'") from None
