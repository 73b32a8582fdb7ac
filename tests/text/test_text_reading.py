"""Lines of text and their labels, from files and folders as people have them."""

from __future__ import annotations

import codecs
import csv
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sparring.core.errors import UserError
from sparring.text.data import open_source
from sparring.text.reading.lines import MINIMUM, Lines, clean, read_lines
from sparring.text.recipes import TextRecipe

TEXTS = [f"sentence number {number} of them" for number in range(MINIMUM + 8)]
LABELS = [("cheese", "apple", "bread")[number % 3] for number in range(len(TEXTS))]
NAMES = ["apple", "bread", "cheese"]
NUMBERS = [NAMES.index(label) for label in LABELS]


def read(path: Path, **settings: Any) -> Lines:
    return read_lines(TextRecipe(data=str(path), **settings))


def write(path: Path, content: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode(encoding))
    return path


def lines(texts: list[str]) -> str:
    return "".join(f"{text}\n" for text in texts)


def table(path: Path, rows: list[list[str]], **form: Any) -> Path:
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, **form).writerows(rows)
    return path


def complaint(path: Path, **settings: Any) -> str:
    """The one line that the user is told."""
    with pytest.raises(UserError) as told:
        read(path, **settings)
    assert "\n" not in str(told.value)
    return str(told.value)


def bad(found: Lines, root: Path) -> list[tuple[str, str]]:
    return [(one.path.removeprefix(f"{root}/"), one.reason) for one in found.bad_files]


# One sentence a line


@pytest.mark.parametrize("name", ["a.txt", "rt-polarity.pos", "lines", "a.b.c"])
def test_one_sentence_a_line(tmp_path: Path, name: str) -> None:
    found = read(write(tmp_path / name, lines(TEXTS)))
    assert found == Lines(TEXTS, None, [], [])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_and_line_ends(tmp_path: Path, encoding: str, end: str) -> None:
    texts = [*TEXTS, "naïve 漢字 👍"]
    assert read(write(tmp_path / "a.txt", end.join(texts), encoding)).texts == texts


def test_utf_16_the_other_way_round(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(codecs.BOM_UTF16_BE + lines(TEXTS).encode("utf-16-be"))
    assert read(tmp_path / "a.txt").texts == TEXTS


def test_lines_are_cleaned(tmp_path: Path) -> None:
    raw = ["  two \t words\u00a0here ", "", " \t", "Zoe\u0308", "a\x1b[31mred\x07", "form\x0cfeed", *TEXTS]
    found = read(write(tmp_path / "a.txt", lines(raw)))
    assert found.texts == ["two words here", "Zo\u00eb", "a[31mred", "form feed", *TEXTS]
    assert found.bad_files == []


def test_small_letters(tmp_path: Path) -> None:
    found = read(write(tmp_path / "a.txt", lines(["ÄRGER in Oslo", *TEXTS])), lower=True)
    assert found.texts[0] == "ärger in oslo"
    assert clean("\u0130", lower=True) == "i\u0307"  # small letters that no single character is


# Tables


@pytest.mark.parametrize("ending", ["csv", "tsv"])
@pytest.mark.parametrize(
    "header", [["label", "text"], ["Intent", "Utterance"], ["topic", "sentence"], ["author", "line"], None]
)
@pytest.mark.parametrize("turned", [False, True])
def test_tables(tmp_path: Path, ending: str, header: list[str] | None, turned: bool) -> None:
    rows = [header] if header else []
    rows += [[label, f'{text}, with a comma and "quotes"'] for label, text in zip(LABELS, TEXTS, strict=True)]
    rows = [row[::-1] for row in rows] if turned else rows
    path = table(tmp_path / f"a.{ending}", rows, delimiter="," if ending == "csv" else "\t")
    found = read(path)
    assert found.texts == [f'{text}, with a comma and "quotes"' for text in TEXTS]
    assert (found.labels, found.names, found.bad_files) == (NUMBERS, NAMES, [])
    assert read(path, labelled="yes") == found
    without = read(path, labelled="no")
    assert (without.texts, without.labels, without.names) == (found.texts, None, [])


def test_named_columns_among_many(tmp_path: Path) -> None:
    rows = [["id", "text", "mood", "poem"]]
    rows += [[str(index), "x", LABELS[index], text] for index, text in enumerate(TEXTS)]
    path = table(tmp_path / "a.csv", rows)
    found = read(path, text_column="poem", label_column="mood")
    assert (found.texts, found.labels, found.names) == (TEXTS, NUMBERS, NAMES)
    assert read(path, text_column="poem").labels is None
    assert read(path).texts == ["x"] * len(TEXTS)


def test_the_other_of_two_columns_is_the_text(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", [["mood", "poem"], *map(list, zip(LABELS, TEXTS, strict=True))])
    assert read(path, label_column="mood").texts == TEXTS
    assert read(path, label_column="mood", labelled="no").texts == TEXTS


def test_semicolons(tmp_path: Path) -> None:
    rows = [[label, f"{text}, and more"] for label, text in zip(LABELS, TEXTS, strict=True)]
    found = read(table(tmp_path / "a.csv", rows, delimiter=";"))
    assert found.texts[0] == "sentence number 0 of them, and more"
    assert found.labels == NUMBERS


def test_quotation_marks_in_tables_of_tabs_are_text(tmp_path: Path) -> None:
    texts = ['"odd', 'she said "no" twice', 'end"', *TEXTS]
    rows = [f"{label}\t{text}" for label, text in zip([*NAMES, *LABELS], texts, strict=True)]
    assert read(write(tmp_path / "a.tsv", lines(rows))).texts == texts


def test_a_table_that_begins_with_empty_lines(tmp_path: Path) -> None:
    rows = ["\u00a0" * 30_000, *(f"{label};{text}" for text, label in PAIRS)]
    assert read(write(tmp_path / "a.csv", "\n" * 30_000 + lines(rows))).labels == NUMBERS
    assert complaint(write(tmp_path / "b.csv", "\u00a0\n" * 50)).endswith(
        "holds no row that can be read; write one sentence a row"
    )


def test_a_message_lists_some_columns_only(tmp_path: Path) -> None:
    rows = [[f"{column}\n" + 90 * "x" for column in range(99)]] * MINIMUM
    assert len(complaint(table(tmp_path / "a.csv", rows)).removeprefix(str(tmp_path))) < 600


def test_a_table_of_one_column(tmp_path: Path) -> None:
    found = read(write(tmp_path / "a.csv", lines(["text", "well, well, well", *TEXTS])))
    assert found.texts == ["well, well, well", *TEXTS]
    assert found.labels is None


def test_texts_of_several_lines(tmp_path: Path) -> None:
    rows = [[label, text.replace(" ", "\n", 1)] for label, text in zip(LABELS, TEXTS, strict=True)]
    assert read(table(tmp_path / "a.csv", rows)).texts == TEXTS


def test_bad_rows_are_named_and_skipped(tmp_path: Path) -> None:
    rows = [f"{label}\t{text}" for label, text in zip(LABELS, TEXTS, strict=True)]
    rows[3:3] = ["apple\tone\ttoo many", "only one", "\ttext of no label", "", "apple\t"]
    found = read(write(tmp_path / "a.tsv", lines(rows)))
    assert found.texts == TEXTS
    assert bad(found, tmp_path) == [
        ("a.tsv:4", "has 3 columns, not 2"),
        ("a.tsv:5", "has 1 column, not 2"),
        ("a.tsv:6", "has no label"),
    ]


def test_a_row_that_is_none(tmp_path: Path) -> None:
    rows = [f'{label},"{text}"' for label, text in zip(LABELS, TEXTS, strict=True)]
    rows[1:1] = ['apple,"quoted" and on']
    found = read(write(tmp_path / "a.csv", lines(rows)))
    assert found.texts == TEXTS
    assert [path for path, _ in bad(found, tmp_path)] == ["a.csv:2"]


def test_numbers_are_sorted_by_value(tmp_path: Path) -> None:
    rows = [[str(index % 11), text] for index, text in enumerate(TEXTS)]
    assert read(table(tmp_path / "a.csv", rows)).names == [str(value) for value in range(11)]


# JSON

PAIRS = [[text, label] for text, label in zip(TEXTS, LABELS, strict=True)]
OBJECTS = [{"intent": label, "id": 3, "utterance": text} for text, label in PAIRS]


@pytest.mark.parametrize(
    "content",
    [
        PAIRS,
        OBJECTS,
        {"test": [["other", "x"]], "train": PAIRS},
        {"oos_val": [["other", "x"]], "train": OBJECTS, "about": "nothing"},
        {"data": OBJECTS},
        {"text": TEXTS, "label": LABELS},
    ],
)
def test_json(tmp_path: Path, content: Any) -> None:
    path = write(tmp_path / "a.json", json.dumps(content))
    assert read(path) == Lines(TEXTS, NUMBERS, NAMES, [])
    assert read(path, labelled="no") == Lines(TEXTS, None, [], [])


@pytest.mark.parametrize("content", [TEXTS, [{"text": text} for text in TEXTS], {"train": TEXTS}])
def test_json_without_labels(tmp_path: Path, content: Any) -> None:
    assert read(write(tmp_path / "a.json", json.dumps(content))) == Lines(TEXTS, None, [], [])


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.json"])
@pytest.mark.parametrize("entries", [PAIRS, OBJECTS])
def test_json_lines(tmp_path: Path, name: str, entries: list[Any]) -> None:
    path = write(tmp_path / name, lines([json.dumps(entry) for entry in entries]))
    assert read(path) == Lines(TEXTS, NUMBERS, NAMES, [])


def test_labels_that_are_numbers(tmp_path: Path) -> None:
    entries = [{"text": text, "label": index % 2} for index, text in enumerate(TEXTS)]
    assert read(write(tmp_path / "a.json", json.dumps(entries))).names == ["0", "1"]


def test_bad_entries_are_named_and_skipped(tmp_path: Path) -> None:
    entries = [json.dumps(entry) for entry in OBJECTS]
    entries[1:1] = ["{broken", "7", '{"utterance": null, "intent": "apple"}', '{"utterance": "no label"}', ""]
    found = read(write(tmp_path / "a.jsonl", lines(entries)))
    assert found.texts == TEXTS
    places = dict(bad(found, tmp_path))
    assert list(places) == ["a.jsonl:2", "a.jsonl:3", "a.jsonl:4", "a.jsonl:5"]
    assert places["a.jsonl:2"].startswith("not JSON")
    assert places["a.jsonl:5"] == "has no label"


def test_half_a_character_in_json(tmp_path: Path) -> None:
    found = read(write(tmp_path / "a.json", json.dumps(["a \ud83d b", *TEXTS])))
    assert found.texts[0] == "a b"


# Folders


def in_folders(root: Path, place: Callable[[str], str]) -> Path:
    """Each label's texts in a file of their own."""
    for name in NAMES:
        own = [text for text, label in zip(TEXTS, LABELS, strict=True) if label == name]
        write(root / place(name), lines(own))
    return root


@pytest.mark.parametrize(
    "place",
    [
        "{}/some.txt",
        "all/of/them/{}/some",
        "{}/deep/er.txt",
        "{}.txt",
        "texts/{}.txt",
        "train/{}.txt",
        "reviews.{}",
        "train.{}",
    ],
)
def test_folders(tmp_path: Path, place: str) -> None:
    root = in_folders(tmp_path / "root", place.format)
    for aside in ("README.md", "SOURCE.txt", "LICENSE", ".hidden"):
        write(root / aside, "not a text\n")
    found = read(root)
    assert found.names == NAMES
    assert found.texts == [text for name in NAMES for text, label in zip(TEXTS, LABELS, strict=True) if label == name]
    assert found.labels == sorted(NUMBERS)
    assert found.bad_files == []


def test_a_folder_of_one_file(tmp_path: Path) -> None:
    write(tmp_path / "some.txt", lines(TEXTS))
    write(tmp_path / "readme", "about it\n")
    assert read(tmp_path) == Lines(TEXTS, None, [], [])


def test_of_splits_only_the_training_one_is_read(tmp_path: Path) -> None:
    table(tmp_path / "train.tsv", [[label, text] for text, label in PAIRS], delimiter="\t")
    table(tmp_path / "valid.tsv", [["other", "held out"]] * 9, delimiter="\t")
    assert read(tmp_path) == Lines(TEXTS, NUMBERS, NAMES, [])
    assert read(tmp_path).said == ["learned from train (1 file) alone; left aside: 1, for evaluate --data"]
    in_folders(tmp_path / "two", "train/{}/a.txt".format)
    in_folders(tmp_path / "two", "test/{}/b.txt".format)
    assert len(read(tmp_path / "two").texts) == len(TEXTS)
    assert read(tmp_path / "two").names == NAMES


def test_tables_of_a_folder_keep_their_labels(tmp_path: Path) -> None:
    for part in (0, 1):
        table(tmp_path / f"part-{part}.csv", [[label, text] for text, label in PAIRS[part::2]])
    write(tmp_path / "stray.txt", "without a label\n")
    found = read(tmp_path)
    assert found.names == NAMES
    assert bad(found, tmp_path) == [("stray.txt", "names no labels inside, as other files here do")]


def test_bad_files_of_a_folder_are_named_and_skipped(tmp_path: Path) -> None:
    in_folders(tmp_path, "{}.txt".format)
    (tmp_path / "latin.txt").write_bytes("fine\ncaf\u00e9\n".encode("latin-1"))
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00")
    (tmp_path / "empty.txt").write_bytes(b"")
    found = read(tmp_path)
    assert found.names == NAMES
    assert bad(found, tmp_path) == [
        ("empty.txt", "is empty; write one sentence a line"),
        ("latin.txt", "line 2 holds the byte 0xe9, which is not UTF-8; save it as UTF-8"),
        ("picture.png", "line 3 holds a zero byte: no text, or not UTF-8; save it as UTF-8"),
    ]


@pytest.mark.parametrize(("name", "junk", "what"), [("a.json", "1", "not an obj"), ("a.jsonl", "{", "no JSON")])
def test_bad_entries_without_end_are_counted(tmp_path: Path, name: str, junk: str, what: str) -> None:
    entries = [*map(json.dumps, TEXTS), *[junk] * 3000]
    content = f"[{', '.join(entries)}]" if name == "a.json" else lines(entries)
    found = read(write(tmp_path / name, content))
    assert found.texts == TEXTS
    assert len(found.bad_files) == 1001
    assert bad(found, tmp_path)[-1][1].startswith(f"2,000 more of its entries are {what}")


def test_a_link_to_the_folder_above_ends(tmp_path: Path) -> None:
    in_folders(tmp_path, "{}/a.txt".format)
    (tmp_path / "apple" / "up").symlink_to(tmp_path)
    assert len(read(tmp_path).texts) == len(TEXTS)


def test_reading_twice_is_the_same(tmp_path: Path) -> None:
    in_folders(tmp_path, "{}.txt".format)
    assert read(tmp_path) == read(tmp_path)


# What cannot be read


def test_nothing_there(tmp_path: Path) -> None:
    write(tmp_path / "poems.txt", lines(TEXTS))
    wrong = tmp_path / "poem.txt"
    assert (
        complaint(wrong) == f"data: no file, folder or set called '{wrong}'; did you mean '{tmp_path / 'poems.txt'}'?"
    )
    with pytest.raises(UserError, match="'topcs'; did you mean 'topics'"):
        read_lines(TextRecipe(data="topcs"))
    with pytest.raises(UserError, match="no file, folder or set called ''"):
        read_lines(TextRecipe())


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty; write one sentence a line"),
        (b"\n \n", "is empty; write one sentence a line"),
        (b"only one\n", "holds 1 line of text, at least 40 are needed; write one sentence a line"),
        (b"two\nlines\n", "holds 2 lines of text, at least 40 are needed; write one sentence a line"),
        (b"fine\n\xff\xe9 not\n", "line 2 holds the byte 0xff, which is not UTF-8; save it as UTF-8"),
        (b"a\nb\n\x00c\n", "line 3 holds a zero byte: no text, or not UTF-8; save it as UTF-8"),
        (b"\xff\xfea\x00\n\x00\x00\xd8", "line 2 is not UTF-16, as its beginning says; save it as UTF-8"),
        (b"PK\x03\x04...", "is packed; unpack it first"),
    ],
)
def test_files_that_are_no_use(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    assert complaint(path) == f"{path}: {problem}"


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.txt", lines(TEXTS))

    def closed(path: Path, flags: int) -> int:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(os, "open", closed)
    assert complaint(path) == f"{path}: cannot be read (Permission denied); change its permissions"


def test_a_label_of_one_line(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", [["rare", "a text"], *([label, text] for text, label in PAIRS)])
    mend = "add lines or remove it, or set labelled to no"
    assert complaint(path) == f"{path}: label 'rare' has only 1 line; {mend}"
    table(path, [["rare", "a text"], ["odd", "a text"], *([label, text] for text, label in PAIRS)])
    assert complaint(path) == f"{path}: label 'odd' has only 1 line, as have 1 more; {mend}"
    assert len(read(path, labelled="no").texts) == len(TEXTS) + 2


def test_labels_are_wanted_and_not_there(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", lines(TEXTS))
    assert complaint(path, labelled="yes").startswith(f"{path}: has no labels; ")
    path = table(tmp_path / "a.csv", [["label", "text"], *(["same", text] for text in TEXTS)])
    assert complaint(path, labelled="yes").startswith(f"{path}: has only one label, 'same'; ")
    assert read(path).labels is None


@pytest.mark.parametrize("setting", ["text_column", "label_column"])
@pytest.mark.parametrize("name", ["a.csv", "a.json"])
def test_a_column_that_is_not_there(tmp_path: Path, setting: str, name: str) -> None:
    path = tmp_path / name
    if name == "a.csv":
        table(path, [["text", "moods"], *PAIRS])
    else:
        write(path, json.dumps([{"text": text, "moods": label} for text, label in PAIRS]))
    problem = f"has no column 'mood'; set {setting} to one of text, moods"
    assert complaint(path, **{setting: "mood"}) == f"{path}: {problem}"


def test_columns_that_nobody_can_tell_apart(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", [[f"title {index}", text] for index, text in enumerate(TEXTS)])
    assert "neither of its two columns looks like labels" in complaint(path)
    path = table(tmp_path / "b.csv", [["author", "form", "poem"], *([label, "x", text] for text, label in PAIRS)])
    assert complaint(path) == f"{path}: has 3 columns, none called text; set text_column to one of author, form, poem"
    path = write(tmp_path / "c.json", json.dumps([{"a": text, "b": 1} for text in TEXTS]))
    assert complaint(path) == f"{path}: none of its columns is called text; set text_column to one of a, b"


def test_a_table_that_is_ragged_all_over(tmp_path: Path) -> None:
    rows = ["label,text", *(f"{label},{text}, and more" for text, label in PAIRS)]
    path = write(tmp_path / "a.csv", lines(rows))
    assert complaint(path).startswith(f"{path}: most of its rows are ragged: line 2 has 3 columns, not 2; quote ")


def test_a_quotation_mark_that_nothing_closes(tmp_path: Path) -> None:
    rows = [f"{label},{text}" for text, label in PAIRS]
    path = write(tmp_path / "a.csv", lines([*rows[:5], 'apple,"open', *rows[5:]]))
    assert complaint(path).startswith(f"{path}: line 6 opens a quotation mark that nothing closes; ")


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.json", "{broken", "not JSON (Expecting property name"),
        ("a.json", "[" * 100_000, "not JSON ("),
        ("a.json", '"a text"', "holds no list; write a list of objects"),
        ("a.json", '{"a": 1}', "holds no list; write a list of objects"),
        ("a.json", "[1, 2]", "not one of its entries is an object with a text"),
        ("a.json", "[]", "not one of its entries is an object with a text"),
        ("a.json", '{"one": ["a"], "two": ["b"]}', "holds lists of bare texts; write [text, label] pairs instead"),
        ("a.json", '{"text": ["a"], "label": []}', "its columns are of unequal length"),
        ("a.jsonl", "no json\nat all\n", "not one of its lines is JSON"),
        ("a.csv", "label,text\n", "holds 0 lines of text"),
        ("a.tsv", '\t\n\t\n"x"\n', "holds 1 line of text"),
        ("a.csv", ",\n,\n", "holds no row that can be read"),
    ],
)
def test_tables_and_json_that_are_no_use(tmp_path: Path, name: str, content: str, problem: str) -> None:
    path = write(tmp_path / name, content)
    assert complaint(path).startswith(f"{path}: {problem}")


def test_folders_that_are_no_use(tmp_path: Path) -> None:
    assert complaint(tmp_path) == f"{tmp_path}: holds no text; put files of one sentence a line into it"
    write(tmp_path / "README", lines(TEXTS))
    assert complaint(tmp_path) == f"{tmp_path}: holds no text; put files of one sentence a line into it"
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(b"\0")
    problem = "not one of its files can be used, e.g. pictures/a.png: line 1 holds a zero byte"
    assert complaint(tmp_path).startswith(f"{tmp_path}: {problem}")


def test_too_few_lines_name_what_was_bad(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", lines([*(json.dumps(text) for text in TEXTS[:30]), *(["{"] * 20)]))
    told = complaint(path)
    assert told.startswith(f"{path}: holds 30 lines of text, at least 40 are needed; 20 bad, e.g. {path}:31 not JSON")


def test_what_a_person_should_know_is_said(tmp_path: Path) -> None:
    rows = [["rare" if number < 3 else "often", f"line {number % 50}"] for number in range(60)]
    source = open_source(TextRecipe(data=str(table(tmp_path / "a.csv", rows))))
    assert source.remarks() == [
        "1 label has fewer than 10 lines: rare (3)",
        "10 of the lines equal an earlier one",
    ]
    content = {"train": [f"line {number}" for number in range(60)], "test": ["one", "two"]}
    source = open_source(TextRecipe(data=str(write(tmp_path / "b.json", json.dumps(content)))))
    assert source.remarks() == ["learned from train (60 lines) alone; left aside: 2, for evaluate --data"]
