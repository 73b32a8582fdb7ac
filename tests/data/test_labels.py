"""Labels are any bytes when they come, and plain text from then on."""

from __future__ import annotations

import pytest

from sparring.data.labels import LONGEST, numbered, plain


@pytest.mark.parametrize(
    ("label", "kept"),
    [
        ("Zürich 字典 👩\u200d🚀", "Zürich 字典 👩\u200d🚀"),
        ("caf\udce9", "caf\\xe9"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("two\nlines", "two lines"),
        ("\u202eabc", "\\u202eabc"),
        ("\ud800", "\\ud800"),
        ("", ""),
    ],
)
def test_what_is_not_printable_is_written_out(label: str, kept: str) -> None:
    assert plain(label) == kept
    assert plain(kept) == kept
    kept.encode()


def test_different_labels_stay_different() -> None:
    labels = ["\udcff", "\udcfe", "\ud800", "x" * 1000 + "a", "x" * 1000 + "b"]
    names, indices = numbered(labels)
    assert len(names) == 5
    assert [names[index] for index in indices] == [plain(label) for label in labels]
    assert max(map(len, names)) <= LONGEST


def test_numbers_come_by_value_however_long() -> None:
    many = "9" * 200
    assert numbered(["b", "10", "9", "07", many, "7", "a", "-1", "9"]) == (
        ["07", "7", "9", "10", many, "-1", "a", "b"],
        [7, 3, 2, 0, 4, 1, 6, 5, 2],
    )
