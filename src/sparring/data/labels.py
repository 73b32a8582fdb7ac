"""Labels as they are kept everywhere: printable text, numbered in an order that a person would choose.

They come from names of folders and files, which are any bytes, and from strangers' files. Made plain where they are
read, they can be shown, written, compared and typed wherever they go.
"""

from __future__ import annotations

from collections.abc import Sequence

from sparring.core.terminal import escaped


def plain(label: str) -> str:
    """A label as it is kept: in one line, what is not printable written out (``\\xff``)."""
    return escaped(" ".join(label.split()) if not label.isprintable() else label)


def numbered(labels: Sequence[str]) -> tuple[list[str], list[int]]:
    """The distinct labels, plain, and the index into them of each: numbers come first, by value, then names by
    alphabet."""
    kept = [plain(label) for label in labels]
    names = sorted(set(kept), key=by_value_then_alphabet)
    number = {name: index for index, name in enumerate(names)}
    return names, [number[label] for label in kept]


def by_value_then_alphabet(label: str) -> tuple[bool, int, str, str]:
    """A key to sort labels by. Digits are compared as text, by their length first: they may be thousands."""
    is_number = label.isascii() and label.isdigit()
    digits = label.lstrip("0") if is_number else ""
    return not is_number, len(digits), digits, label
