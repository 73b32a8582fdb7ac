"""Labels in names of files, by a pattern: what each field is, and patterns that are none."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import pytest

from sparring.core.errors import UserError
from sparring.data.files.label_patterns import fields_of
from sparring.data.files.options import FileReading


@pytest.mark.parametrize(
    ("name", "pattern", "fields"),
    [
        ("7_jackson_32.wav", "{label}_{speaker}_{take}", {"label": "7", "speaker": "jackson", "take": "32"}),
        ("a/b/7_jackson_32.wav", "{label}_{speaker}_{take}", {"label": "7", "speaker": "jackson", "take": "32"}),
        ("7_jackson_32.wav", "{label}_{}", {"label": "7"}),
        ("7_jackson_32.wav", "{_}_{label}_{_}", {"label": "jackson"}),
        ("7_van_der_32.wav", "{label}_{speaker}_{take}", {"label": "7", "speaker": "van", "take": "der_32"}),
        ("03-01-06-01-02-01-12.wav", "03-01-{label}-{}-{}-{}-{actor}", {"label": "06", "actor": "12"}),
        ("1-100032-A-0.wav", "{fold}-{clip}-{}-{label}", {"fold": "1", "clip": "100032", "label": "0"}),
        ("kick.loud.1.wav", "{label}.{}", {"label": "kick"}),
        ("kick.wav", "{label}", {"label": "kick"}),
        ("Kick", "{label}", {"label": "Kick"}),
        ("x(7)+y.png", "x({label})+{rest}", {"label": "7", "rest": "y"}),
        ("__.png", "{label}_", {"label": "_"}),
        ("caf\udce9_1.png", "{label}_{}", {"label": "caf\udce9"}),
        ("two\nlines_1.png", "{label}_{}", {"label": "two\nlines"}),
        ("jackson/7_1.wav", "{speaker}/{label}_{take}", {"speaker": "jackson", "label": "7", "take": "1"}),
        ("set/seven/3f_nohash_0.wav", "set/{label}/{speaker}_nohash_{}", {"label": "seven", "speaker": "3f"}),
        ("7_jackson.wav", "{label}_{speaker}_{take}", None),
        ("7_jackson_.wav", "{label}_{speaker}_{take}", None),
        ("_jackson_32.wav", "{label}_{speaker}_{take}", None),
        ("7_jackson_32.wav", "{label}_{}.wav", None),  # the ending is no part of what is compared
        ("7_jackson_32.wav", "{label}_Jackson_{}", None),
        ("7/jackson/32.wav", "{label}/{take}", None),  # a field is within one folder
        ("32.wav", "{label}/{take}", None),
    ],
)
def test_what_the_fields_of_a_pattern_are(name: str, pattern: str, fields: dict[str, str] | None) -> None:
    assert fields_of(name, pattern) == fields


def ways(text: str, parts: list[str]) -> Iterator[tuple[str, ...]]:
    """All ways to find literals and fields, which take turns in ``parts``, in all of a text; the shortest first."""
    literal, *others = parts
    if not text.startswith(literal):
        return
    text = text[len(literal) :]
    if not others:
        yield from [()] if not text else []
        return
    for length in range(1, len(text) + 1):
        if "/" not in text[:length]:
            yield from ((text[:length], *rest) for rest in ways(text[length:], others[1:]))


@pytest.mark.parametrize(
    "pattern",
    [
        "{label}_{b}",
        "{label}_{b}_",
        "a{label}_a{b}a",
        "{b}_{label}__{c}",
        "{label}/{b}_{c}",
        "{b}a/{label}a_",
        "_{b}/a{label}",
    ],
)
def test_all_short_names_are_read_as_trying_everything_reads_them(pattern: str) -> None:
    """Every text of up to seven characters, against an enumeration of all ways to cut it."""
    parts = re.split(r"\{\w+\}", pattern)
    fields = re.findall(r"\{(\w+)\}", pattern)
    steps = [part for literal in parts for part in (literal, "")][:-1]
    matched = 0
    for length in range(1, 8):
        for letters in itertools.product("a_/" if "/" in pattern else "a_", repeat=length):
            text = "".join(letters)
            first = next(ways(text, steps), None)
            wanted = None if first is None else dict(zip(fields, first, strict=True))
            assert fields_of(f"{text}.wav", pattern) == wanted, text
            matched += first is not None
    assert matched > 5


def test_a_name_that_nearly_matches_is_not_tried_in_every_way() -> None:
    """Or else this would not end: there are more ways to find 20 fields in 4,000 characters than anyone can try."""
    pattern = "_".join(["{label}", *("{}" for _ in range(19))]) + "x"
    assert fields_of("_" * 4000 + ".wav", pattern) is None


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ("{speaker}_{take}", "has no field {label}"),
        ("label_take", "has no field {label}"),
        ("{label}{take}", "has nothing between {label} and {take}"),
        ("{}{label}", "has nothing between {} and {label}"),
        ("{label}_{take", "has a brace without its partner"),
        ("label}_{take}", "has a brace without its partner"),
        ("{{label}}", "has a brace without its partner"),
        ("{label}_{label}", "has the field {label} twice"),
        ("{label}_{a}_{a}", "has the field {a} twice"),
        ("{label}_{2nd}", "has a field '2nd', which is no name"),
        ("{label}_{the take}", "has a field 'the take', which is no name"),
    ],
)
def test_patterns_that_are_none(pattern: str, complaint: str) -> None:
    for read in (lambda: fields_of("7_jackson_32.wav", pattern), lambda: FileReading(label_pattern=pattern)):
        with pytest.raises(UserError) as error:
            read()
        assert str(error.value).startswith(f"label_pattern: '{pattern}' {complaint}")
        assert "\n" not in str(error.value)


def test_a_pattern_without_labels_is_refused() -> None:
    with pytest.raises(UserError, match="label_pattern: has no effect with labelled no"):
        FileReading(label_pattern="{label}_{}", labelled="no")
    pattern = FileReading(label_pattern="{label}_{}")
    assert pattern.changed({"labelled": "no"}).label_pattern == ""
    assert pattern.changed({"labelled": "yes"}).label_pattern == "{label}_{}"
