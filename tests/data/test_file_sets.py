"""Folders, zips and single files of any kind: which of their files are examples, and what labels these have."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import pytest

from sparring.core.errors import UserError
from sparring.data.files.file_set import Archive, FileSet, Folder, SingleFile, nothing_in, too_few
from sparring.data.files.labels import read_labels
from sparring.data.files.options import FileReading
from sparring.data.files.parallel import in_parallel
from sparring.data.files.splits import to_evaluate_with, to_learn_from
from sparring.data.source import BadContent, BadFile

SOUNDS = (".wav", ".flac")
AUTO = FileReading()


def fill(root: Path, names: str) -> Path:
    """Files of these names, each of which holds its own."""
    for name in names.split():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def packed(root: Path) -> Path:
    """A folder as a zip beside it."""
    path = root.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(root.rglob("*")):
            archive.write(file, file.relative_to(root).as_posix())
    return path


def opened(root: Path, kind: str) -> FileSet:
    """The files below a folder, or those in a zip of it, told which are sounds."""
    return Folder(root, SOUNDS) if kind == "folder" else Archive(packed(root), SOUNDS)


def content(file_set: FileSet, name: str) -> str:
    """What is in a file of a set."""
    read = file_set.read(name)
    return read.read_text() if isinstance(read, Path) else read.decode()


KINDS = pytest.mark.parametrize("kind", ["folder", "zip"])


@KINDS
def test_the_endings_tell_which_files_are_examples(tmp_path: Path, kind: str) -> None:
    file_set = opened(fill(tmp_path / "set", "b.WAV a/c.flac cover.png labels.txt .hidden.wav"), kind)
    assert file_set.names == ["a/c.flac", "b.WAV"]
    assert file_set.others == ["cover.png", "labels.txt"]
    again = pickle.loads(pickle.dumps(file_set))
    for each in (file_set, again):
        assert [content(each, name) for name in each.names] == ["a/c.flac", "b.WAV"]


def test_a_single_file_may_end_as_it_likes(tmp_path: Path) -> None:
    file_set = pickle.loads(pickle.dumps(SingleFile(fill(tmp_path, "a.xyz b.wav") / "a.xyz")))
    assert (file_set.names, file_set.others, content(file_set, "a.xyz")) == (["a.xyz"], [], "a.xyz")


def test_a_member_that_cannot_be_unpacked_is_bad_content(tmp_path: Path) -> None:
    path = packed(fill(tmp_path / "set", "a.wav b.wav"))
    path.write_bytes(path.read_bytes().replace(b"a.wavPK", b"x.wavPK", 1))  # what it holds, not its name
    file_set = Archive(path, SOUNDS)
    good, bad = in_parallel(file_set.read, ["b.wav", "a.wav"])
    assert good == b"b.wav"
    assert isinstance(bad, BadContent)
    assert "cannot be unpacked" in str(bad)


@KINDS
def test_labels_in_names(tmp_path: Path, kind: str) -> None:
    file_set = opened(fill(tmp_path / "set", "x/7_jackson_32.wav x/8_theo_1.wav y/7_theo_2.wav y/noise.wav"), kind)
    label_of, said, bad_files = read_labels(file_set, AUTO.changed({"label_pattern": "{label}_{}_{}"}), "sounds")
    assert label_of == {"x/7_jackson_32.wav": "7", "x/8_theo_1.wav": "8", "y/7_theo_2.wav": "7"}
    assert not said
    reason = "does not match label_pattern '{label}_{}_{}'"
    assert bad_files == [BadFile(f"{file_set.where}/y/noise.wav", reason)]
    with_folders = read_labels(file_set, AUTO.changed({"label_pattern": "{}/{label}_{}"}), "sounds")
    assert with_folders.label_of == label_of
    assert read_labels(file_set, AUTO, "sounds").label_of == {name: name[0] for name in file_set.names}


def test_a_pattern_that_matches_nothing_shows_what_was_compared(tmp_path: Path) -> None:
    file_set = Folder(fill(tmp_path, "a/one-7.wav b/two-8.wav b/three-9.wav b/two-9.wav"), SOUNDS)
    settings = AUTO.changed({"label_pattern": "{label}_{}"})
    with pytest.raises(UserError, match=r"matches none of 4 sounds, .* 'one-7', 'three-9', 'two-8' without") as error:
        read_labels(file_set, settings, "sounds")
    assert str(error.value).startswith(f"{tmp_path}: label_pattern '{{label}}_{{}}'")
    assert read_labels(file_set, settings, "sounds", strict=False) == (None, (), ())


def test_a_pattern_beside_a_table_is_refused(tmp_path: Path) -> None:
    file_set = Folder(fill(tmp_path, "7_a.wav 8_b.wav labels.csv"), SOUNDS)
    with pytest.raises(UserError, match=r"has labels\.csv, and label_pattern is set; keep one of the two"):
        read_labels(file_set, AUTO.changed({"label_pattern": "{label}_{}"}), "sounds")


def test_a_table_of_labels_speaks_of_the_files_as_it_is_told(tmp_path: Path) -> None:
    fill(tmp_path, "a.wav b.wav")
    (tmp_path / "labels.csv").write_text("fname,label,fold\na,cat,1\n")
    with pytest.raises(UserError, match=r"lacks 1 sound that is there, e\.g\. 'b\.wav'"):
        read_labels(Folder(tmp_path, SOUNDS), AUTO, "sounds")
    (tmp_path / "labels.csv").write_text("fname,label,fold\na,cat,1\nb.wav,dog,1\n")
    label_of, said, bad_files = read_labels(Folder(tmp_path, SOUNDS), AUTO, "sounds")
    assert label_of == {"a.wav": "cat", "b.wav": "dog"}
    assert "1 other column is not used" in said[0]
    assert not bad_files
    assert read_labels(Folder(tmp_path, SOUNDS), AUTO.changed({"labelled": "no"}), "sounds").label_of is None


@KINDS
def test_parts_called_train_and_test(tmp_path: Path, kind: str) -> None:
    whole = opened(fill(tmp_path / "set", "train/7_a.wav train/8_b.wav test/7_c.wav test/7_c.txt"), kind)
    learned, said = to_learn_from(whole)
    kept = to_evaluate_with(whole)
    assert kept is not None
    assert (learned.names, kept.names, kept.others) == (["7_a.wav", "8_b.wav"], ["7_c.wav"], ["7_c.txt"])
    assert said == ["learned from train (2) alone; kept for evaluate: test (1); see --split"]
    again = pickle.loads(pickle.dumps(learned))
    assert content(again, "7_a.wav") == "train/7_a.wav"
    labels = read_labels(learned, AUTO.changed({"label_pattern": "{label}_{}"}), "sounds").label_of
    assert labels == {"7_a.wav": "7", "8_b.wav": "8"}


def test_what_is_said_where_there_is_nothing_to_read(tmp_path: Path) -> None:
    file_set = Folder(fill(tmp_path, "a.png b.zip"), SOUNDS)
    assert str(nothing_in(file_set, SOUNDS, "sounds")) == f"{tmp_path}: holds no sounds; give {tmp_path}/b.zip instead"
    assert "needs files that end in .wav .flac" in str(nothing_in(file_set, SOUNDS, "sounds", (".tar",)))
    assert str(too_few("set", 1, 16, [], "sounds")) == "set: 1 good sound, at least 16 are needed; add more"
    bad = [BadFile(f"set/{number}.wav", "silent") for number in range(4)]
    wanted = "set: 2 good sounds, at least 16 are needed; 4 bad: 0.wav (silent), 1.wav (silent), 2.wav (silent), ...; "
    assert str(too_few("set", 2, 16, bad, "sounds")) == f"{wanted}mend these or add more"
