"""Files of labels as people have them: more columns, more rows, names without their folder or ending."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sparring.core.errors import UserError
from sparring.images.data import ImageSource, open_source
from sparring.images.recipes import RECIPES

FILES = [f"a{number:02}.png" for number in range(16)]
LABELS = [("cat", "dog", "eel")[number % 3] for number in range(16)]


def fill(folder: Path) -> Path:
    """The pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, file in enumerate(FILES):
        Image.fromarray(np.full((8, 8), number, np.uint8)).save(folder / file)
    return folder


def opened(path: Path) -> ImageSource:
    """The pictures there."""
    return open_source(RECIPES["images"].changed({"data": str(path)}))


def check(source: ImageSource) -> None:
    """Each picture has its own label."""
    assert source.form.labels == ("cat", "dog", "eel")
    assert source.labels is not None
    assert [source.form.labels[label] for label in source.labels.tolist()] == LABELS


def notes(source: object) -> str:
    """What is said of them."""
    return "\n".join(source.remarks())  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("headings", "row", "others"),
    [
        ("file,label", "{file},{label}", 0),
        ("label,file", "{label},{file}", 0),
        ("Class,something", "{label},{file}", 0),
        ("image,anything", "{file},{label}", 0),
        ("id,width,Category,author", "{file},8,{label},me", 2),
        ("index,filename,y", "{number},{file},{label}", 1),
        ("target,seen,image_path", '{label},"yes, twice",./{file}', 1),
    ],
)
def test_columns_are_found_by_their_headings(tmp_path: Path, headings: str, row: str, others: int) -> None:
    pairs = zip(FILES, LABELS, strict=True)
    rows = [row.format(file=file, label=label, number=number) for number, (file, label) in enumerate(pairs)]
    (fill(tmp_path) / "labels.csv").write_text("\n".join([headings, *rows]))
    source = opened(tmp_path)
    check(source)
    unused = {0: "", 1: "1 other column is not used", 2: "2 other columns are not used"}
    assert unused[others] in notes(source)
    assert ("not used" in notes(source)) is (others > 0)


@pytest.mark.parametrize("name", ["labels.csv", "labels.tsv"])
@pytest.mark.parametrize(
    ("row", "encoding"),
    [
        ("{file};{label};3,5", "utf-8-sig"),
        ("{file}\t{label}\ta, b; c", "utf-16"),
        ('"{file}",{label},one; two', "utf-8"),
        ("{file};{label}", "utf-16-be"),
    ],
)
def test_what_parts_the_columns_and_how_they_are_encoded(tmp_path: Path, name: str, row: str, encoding: str) -> None:
    heading = row.format(file="file", label="label").replace("3,5", "width").replace("one; two", "words")
    rows = [heading, *(row.format(file=file, label=label) for file, label in zip(FILES, LABELS, strict=True))]
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    (fill(tmp_path) / name).write_bytes((mark + "\r\n".join([*rows, ""])).encode(encoding))
    check(opened(tmp_path))


def test_rows_without_anything_are_no_rows(tmp_path: Path) -> None:
    rows = [f"{file},{label}" for file, label in zip(FILES, LABELS, strict=True)]
    (fill(tmp_path) / "labels.csv").write_text("\n".join([*rows, ",", "", " , "]))
    source = opened(tmp_path)
    check(source)
    assert "left out" not in notes(source)


def test_a_first_line_that_names_a_picture_is_no_heading(tmp_path: Path) -> None:
    labels = ["y" if number % 2 == 0 else "n" for number in range(16)]
    rows = [f"{file},{label}" for file, label in zip(FILES, labels, strict=True)]
    (fill(tmp_path) / "labels.csv").write_text("\n".join(rows))
    source = opened(tmp_path)
    assert source.form.labels == ("n", "y")
    assert source.labels is not None
    assert source.labels.tolist() == [1, 0] * 8


@pytest.mark.parametrize(
    "called", ["{stem}", "{stem}.png", "images/{stem}.png", "images/{stem}", "./images\\{stem}.png"]
)
def test_names_without_their_folder_or_ending(tmp_path: Path, called: str) -> None:
    fill(tmp_path / "images")
    rows = [f"{called.format(stem=file[:-4])},{label}" for file, label in zip(FILES, LABELS, strict=True)]
    (tmp_path / "labels.csv").write_text("\n".join(["id,breed", *rows]))
    check(opened(tmp_path))


def test_a_name_that_could_be_two_is_neither(tmp_path: Path) -> None:
    fill(tmp_path / "x")
    fill(tmp_path / "y")
    rows = [f"{file},{label}" for file, label in zip(FILES, LABELS, strict=True)]
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    with pytest.raises(UserError, match=r"labels\.csv: lacks 32 images that are there, e\.g\. 'x/a00\.png'"):
        opened(tmp_path)


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_rows_of_files_that_are_not_there_are_counted(tmp_path: Path, kind: str) -> None:
    pairs = [*zip(FILES, LABELS, strict=True), *((f"gone{number}.png", "fox") for number in range(1200))]
    rows = [f'"{file}": "{label}"' if kind == "json" else f"{file},{label}" for file, label in pairs]
    (fill(tmp_path) / f"labels.{kind}").write_text("{" + ",".join(rows) + "}" if kind == "json" else "\n".join(rows))
    source = opened(tmp_path)
    check(source)
    assert "labels." + kind + ": 1,200 of its files are not there and left out, e.g. 'gone0.png'" in notes(source)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a,b,c\na00.png,cat,1", "has 3 columns, and its first line does not tell"),
        ("file,label,more\na00.png,cat", "line 2 has 2 columns and the first 3"),
        ("file,size\na00.png,8", "lacks 15 images"),
        ("file\na00.png", "has 1 columns"),
        ("", "lacks 16 images"),
    ],
)
def test_tables_that_cannot_be_told(tmp_path: Path, text: str, complaint: str) -> None:
    (fill(tmp_path) / "labels.csv").write_text(text)
    with pytest.raises(UserError, match=complaint) as error:
        opened(tmp_path)
    assert str(error.value).startswith(f"{tmp_path}/labels.csv")
