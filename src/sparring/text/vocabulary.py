"""Between lines of text and the numbers that networks read: words, characters, or pieces of words (bpe).

Numbers 0 to 3 have meanings of their own (``PAD``, ``START``, ``END``, ``UNKNOWN``); the known tokens follow.
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
from sparring.core.install import TOKENIZERS
from sparring.core.terminal import one_line
from sparring.text.recipes import TOKENS

PAD, START, END, UNKNOWN = range(4)
SPECIAL = 4  # how many these are
SHOWN = "<unk>"  # where a token is unknown
BYTES = 256  # tokens that bpe begins with
RENAMED = {"unit": "token", "units": "tokens"}  # what format 1 called them

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


class Tokenizer(Protocol):
    """How a line is cut into tokens, and put together again."""

    def tokens(self, text: str) -> list[str]:
        """The tokens of a line, in order."""

    def join(self, tokens: Sequence[str]) -> str:
        """The line that tokens make."""


class Vocabulary:
    """The tokens that are known, each with its number. Picklable; the same data give the same one.

    ``token`` is what a token is: a word, a character or a piece of a word (bpe); ``known`` are the tokens, the first of
    which has the number ``SPECIAL``.
    """

    def __init__(self, token: str, known: Sequence[str], tokenizer: Tokenizer) -> None:
        self.token, self.known, self.tokenizer = token, list(known), tokenizer
        self.number = {known_token: index for index, known_token in enumerate(known, start=SPECIAL)}

    @classmethod
    def learn(cls, texts: Sequence[str], token: str, size: int, least_count: int) -> Self:
        """The ``size`` most frequent tokens that are in ``texts`` at least ``least_count`` times.

        ``token`` auto means words, or characters where nothing parts words. Raises :class:`UserError` when nothing
        is frequent enough, or bpe is not to be had.
        """
        if token == "auto":
            token = "character" if without_spaces(texts) else "word"
        if token == "bpe":
            pieces = BytePairTokenizer.learn(texts, size, least_count)
            return cls(token, pieces.known(), pieces)
        tokenizer: Tokenizer = CharacterTokenizer() if token == "character" else WordTokenizer(tokenised(texts))
        counts = Counter(each for text in texts for each in tokenizer.tokens(text))
        frequent = sorted((-count, each) for each, count in counts.items() if count >= least_count)
        if not frequent:
            raise UserError(f"least_count: no {token} is there {least_count} times; set it lower")
        return cls(token, [each for _, each in frequent[:size]], tokenizer)

    @classmethod
    def of_form(cls, form: Mapping[str, Any]) -> Self:
        """The vocabulary that :meth:`form` described, with the names of format 1 too. Raises :class:`UserError` where
        the description is damaged, or bpe is not to be had."""
        try:
            form = with_present_names(form)
            token = form["token"]
            if token == "bpe":
                pieces = BytePairTokenizer(form["tokenizer"])
                return cls(token, pieces.known(), pieces)
            tokenizers: dict[str, Tokenizer] = {
                "character": CharacterTokenizer(), "word": WordTokenizer(bool(form.get("tokenised")))
            }  # fmt: skip
            known = form["tokens"]
            if type(known) is not list or len(known) > TOKENS or not all(type(each) is str for each in known):
                raise TypeError
            return cls(token, known, tokenizers[token])
        except (KeyError, TypeError, AttributeError):
            raise UserError("vocabulary: not one of Sparring's, or damaged; restore it or train anew") from None

    def form(self) -> dict[str, Any]:
        """All that :meth:`of_form` needs, as JSON can hold it."""
        if isinstance(self.tokenizer, BytePairTokenizer):
            return {"token": self.token, "tokenizer": self.tokenizer.content}
        spaces = {"tokenised": self.tokenizer.tokenised} if isinstance(self.tokenizer, WordTokenizer) else {}
        return {"token": self.token, **spaces, "tokens": self.known}

    def blank(self) -> list[int]:
        """The numbers of the tokens of nothing but white space."""
        return [number for token, number in self.number.items() if not self.join([token]).strip()]

    def __len__(self) -> int:
        """How many numbers there are, the four special ones among them."""
        return SPECIAL + len(self.known)

    def tokens(self, text: str) -> list[str]:
        """The tokens that ``text`` is made of, known or not."""
        return self.tokenizer.tokens(text)

    def join(self, tokens: Sequence[str]) -> str:
        """The text that tokens make."""
        return self.tokenizer.join(tokens)

    def encode(self, text: str) -> list[int]:
        """The number of each token, without ``START`` and ``END``."""
        return [self.number.get(token, UNKNOWN) for token in self.tokens(text)]

    def decode(self, numbers: Iterable[int]) -> str:
        """The text up to the first ``END``; ``PAD`` and ``START`` say nothing."""
        tokens = []
        for number in numbers:
            if number == END:
                break
            if number == UNKNOWN:
                tokens.append(SHOWN)
            elif number >= SPECIAL:
                tokens.append(self.known[number - SPECIAL])
        return self.join(tokens)


def with_present_names(form: Mapping[str, Any]) -> dict[str, Any]:
    """The description of a vocabulary, those that format 1 wrote with the names of today."""
    return {RENAMED.get(name, name): value for name, value in form.items()}


class CharacterTokenizer:
    """Each character is a token, spaces too."""

    def tokens(self, text: str) -> list[str]:
        """The characters of a line."""
        return list(text)

    def join(self, tokens: Sequence[str]) -> str:
        """The line of these characters."""
        return "".join(tokens)


class WordTokenizer:
    """Words and punctuation: what spaces part where the text is ``tokenised``, else punctuation is taken off words.

    Joined again they give ordinary sentences back as they were. Only marks at a word's beginning and end are taken
    off: those inside belong to it (don't, co-op, 3.5, 7:30, R&B).
    """

    def __init__(self, tokenised: bool) -> None:
        self.tokenised = tokenised

    def tokens(self, text: str) -> list[str]:
        """The words and marks of a line."""
        chunks = text.split()
        if self.tokenised:
            return chunks
        tokens: list[str] = []
        quoted = False
        for chunk in chunks:
            pieces = _peeled(chunk)
            if _glued(pieces, quoted) != chunk:  # e.g. 5" is no quotation
                pieces = [chunk]
            tokens += pieces
            quoted ^= pieces.count(QUOTE) % 2 == 1
        return tokens

    def join(self, tokens: Sequence[str]) -> str:
        """The line of these words and marks."""
        return " ".join(tokens) if self.tokenised else _glued(tokens, quoted=False)


class BytePairTokenizer:
    """Frequent strings of bytes, learned by merging pairs (byte pair encoding; Sennrich et al. 2016); no text is
    unknown.

    ``content`` is what the tokenizers library writes as JSON; of a stranger's only the pieces and how they are merged
    are used. A piece is written in that library's alphabet for bytes. Raises :class:`UserError` where ``content`` is
    damaged, or the library is not there.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        _tokenizers()
        try:
            numbers, merges = content["model"]["vocab"], content["model"]["merges"]
            if len(numbers) > TOKENS or sorted(numbers.values()) != list(range(len(numbers))):
                raise ValueError("its tokens are not numbered")
            pairs = [tuple(merge.split(" ") if isinstance(merge, str) else merge) for merge in merges]
            self.pieces = _byte_pieces(importlib.import_module("tokenizers.models").BPE(numbers, pairs))
        except Exception as problem:  # the library has no errors of its own
            raise UserError(f"vocabulary: damaged ({one_line(problem)}); restore it or train anew") from None
        self.content = content

    @classmethod
    def learn(cls, texts: Sequence[str], size: int, least_count: int) -> BytePairTokenizer:
        """Merge the most frequent pairs in ``texts`` until there are ``size`` pieces. Raises :class:`UserError` for a
        size that the single bytes use up."""
        _tokenizers()
        if size <= BYTES:
            raise UserError(f"vocabulary: {size} is too small for token bpe, which begins with {BYTES} bytes; raise it")
        alphabet = sorted(importlib.import_module("tokenizers.pre_tokenizers").ByteLevel.alphabet())
        trainer = importlib.import_module("tokenizers.trainers").BpeTrainer(
            vocab_size=size, min_frequency=least_count, initial_alphabet=alphabet, show_progress=False
        )
        tokenizer = _byte_pieces(importlib.import_module("tokenizers.models").BPE())
        tokenizer.train_from_iterator(texts, trainer)
        return cls(json.loads(tokenizer.to_str()))

    def known(self) -> list[str]:
        """All pieces, by their numbers in the library."""
        numbers: dict[str, int] = self.pieces.get_vocab()
        return sorted(numbers, key=numbers.__getitem__)

    def tokens(self, text: str) -> list[str]:
        """The pieces of a line."""
        return list(self.pieces.encode(text).tokens)

    def join(self, tokens: Sequence[str]) -> str:
        """The line of these pieces. Bytes that are no text become U+FFFD, and so do controls, which no line holds but
        any network may write."""
        return CONTROL.sub("\ufffd", self.pieces.decoder.decode(list(tokens)))


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


def _glued(tokens: Sequence[str], quoted: bool) -> str:
    """Tokens joined by spaces but for marks; ``quoted`` is whether a quotation is open before the first."""
    text = ""
    close_up = True
    for token in tokens:
        closes = token in CLOSING or (token == QUOTE and quoted) or DOTS.fullmatch(token) is not None
        text += token if close_up or closes else f" {token}"
        close_up = token in OPENING or (token == QUOTE and not quoted)
        quoted ^= token == QUOTE
    return text


def _byte_pieces(model: Any) -> Any:
    """The tokenizers library's tokenizer of bytes with this model of how they are merged."""
    tokenizer = _tokenizers().Tokenizer(model)
    tokenizer.pre_tokenizer = importlib.import_module("tokenizers.pre_tokenizers").ByteLevel(add_prefix_space=False)
    tokenizer.decoder = importlib.import_module("tokenizers.decoders").ByteLevel()
    return tokenizer


def _tokenizers() -> ModuleType:
    """The library of the extra called ``text``, imported when bpe needs it, never before."""
    try:
        return importlib.import_module("tokenizers")
    except ImportError:
        raise UserError(f"token bpe: needs the library tokenizers: {TOKENIZERS}") from None
