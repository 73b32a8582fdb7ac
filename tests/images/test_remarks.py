"""What is said of pictures beforehand, by ``train`` and by ``data check``: what crop cuts off, small labels, copies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.images.check import check
from sparring.images.data import ImageSource, open_source
from sparring.images.reading.remarks import count_copies
from sparring.images.recipes import RECIPES
from sparring.modalities import recipe_to_read
from sparring.translation.data import open_source as open_domains
from sparring.translation.recipes import RECIPES as TRANSLATION
from sparring.verbs.check import check as check_verb
from sparring.verbs.train import train


def noise(seed: int, height: int = 8, width: int = 8) -> Image.Image:
    """A picture like no other."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8))


def fill(folder: Path, count: int, first: int = 0, **size: int) -> Path:
    """So many pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(first, first + count):
        noise(seed, **size).save(folder / f"{seed:03}.png")
    return folder


def opened(path: Path, **settings: object) -> ImageSource:
    """The pictures there."""
    return open_source(RECIPES["images"].changed({"data": str(path), **settings}))


def notes(source: object) -> list[str]:
    """What is said of them."""
    lines: list[str] = source.remarks()  # type: ignore[attr-defined]
    return lines


@pytest.mark.parametrize(
    ("size", "settings", "said"),
    [
        ((20, 250), {}, ["crop keeps 8% of each picture; see --fit and --size"]),
        ((250, 20), {}, ["crop keeps 8% of each picture; see --fit and --size"]),
        ((20, 250), {"fit": "pad"}, []),
        ((20, 250), {"fit": "stretch"}, []),
        ((20, 250), {"size": "20x250"}, []),
        ((20, 120), {}, []),
        ((150, 164), {}, []),
        ((150, 170), {}, ["crop keeps 88% of each picture; see --fit and --size"]),
    ],
)
def test_what_crop_throws_away(
    tmp_path: Path, size: tuple[int, int], settings: dict[str, str], said: list[str]
) -> None:
    folder = fill(tmp_path / "set", 16, height=size[0], width=size[1])
    assert notes(opened(folder, **settings)) == said


def test_what_crop_keeps_of_several_sizes(tmp_path: Path) -> None:
    fill(tmp_path / "set", 30, height=20, width=20)
    folder = fill(tmp_path / "set", 10, first=30, height=20, width=80)
    assert notes(opened(folder)) == ["crop keeps 81% of each picture on average; see --fit and --size"]


def test_small_labels_and_empty_folders(tmp_path: Path) -> None:
    for first, (name, count) in enumerate({"cat": 20, "dog": 9, "eel": 1}.items()):
        fill(tmp_path / name, count, first=100 * first)
    for name in ("fox", "gnu", ".hidden"):
        (tmp_path / name).mkdir()
    (tmp_path / "fox" / "read.me").touch()
    source = opened(tmp_path)
    assert notes(source) == [
        "no images in 2 of the folders, which are no labels: fox, gnu",
        "2 labels have fewer than 10 pictures: dog (9), eel (1)",
    ]
    assert notes(opened(tmp_path, labelled="no")) == []


def test_long_lists_of_labels_are_cut(tmp_path: Path) -> None:
    for number in range(20):
        fill(tmp_path / f"{'long' * 30}{number}", 1, first=number)
    [line] = notes(opened(tmp_path))
    assert line.startswith("20 labels have fewer than 10 pictures: long")
    assert line.endswith("(1) and 15 more")
    assert len(line) < 300
    assert max(map(len, check(RECIPES["images"].changed({"data": str(tmp_path)})).lines)) < 700


def test_copies_are_counted_as_often_as_they_come(tmp_path: Path) -> None:
    folder = fill(tmp_path / "set", 20)
    for number in range(3):
        noise(5).save(folder / f"x{number}.png")
    noise(6).save(folder / "y.png")
    assert notes(opened(folder)) == ["4 of the pictures equal an earlier one, once brought to shape"]
    assert notes(opened(folder, cache_mb=0)) == []  # it would all have to be read


def test_pictures_that_differ_in_one_pixel_are_no_copies() -> None:
    images = torch.zeros(300, 1, 30, 30, dtype=torch.uint8)
    for number in range(300):
        images[number].view(-1)[3 * number] = 1
    assert count_copies(images) == 0
    assert count_copies(torch.cat([images, images[:7], images[:2]])) == 9
    assert count_copies(torch.zeros(5, 3, 2, 2, dtype=torch.uint8)) == 4


def test_train_says_it_in_its_first_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = fill(tmp_path / "set", 20, height=20, width=250)
    train("images", data=folder, out=tmp_path / "run", width=4, batch=8, steps=1, time=0, device="cpu", size="8")
    assert capsys.readouterr().err.splitlines()[1] == "crop keeps 8% of each picture; see --fit and --size"


def test_files_of_one_name_in_two_domains_are_said_to_be_pairs(tmp_path: Path) -> None:
    fill(tmp_path / "A", 20)
    fill(tmp_path / "B", 20, first=0)
    source = open_domains(TRANSLATION["cyclegan"].changed({"data": str(tmp_path)}))
    assert [line for line in source.remarks() if line.startswith("20 of 20 files have the same name in A and B")]
    fill(tmp_path / "C", 20, first=50)
    source = open_domains(TRANSLATION["cyclegan"].changed({"data": str(tmp_path / "A"), "data_b": str(tmp_path / "C")}))
    assert not [line for line in source.remarks() if "same name" in line]


# Pairs side by side


def scene(seed: int, sky: int = 30) -> tuple[np.ndarray, np.ndarray]:
    """A map of some rectangles below a horizon and what might be its photograph, both ``(64, 64)``."""
    random = np.random.default_rng(seed)
    labels = np.zeros((64, 64), np.uint8)
    labels[sky:] = 60
    for level in random.integers(80, 250, 6):
        top, left = random.integers(0, 48, 2)
        labels[top : top + random.integers(6, 16), left : left + random.integers(6, 16)] = level
    photo = 255 - labels // 2 + random.normal(0, 8, labels.shape)
    return labels, photo.clip(0, 255).astype(np.uint8)


def saved(folder: Path, pictures: list[np.ndarray]) -> Path:
    """The pictures as files."""
    folder.mkdir()
    for number, pixels in enumerate(pictures):
        Image.fromarray(pixels).save(folder / f"{number:02}.png")
    return folder


def is_told(folder: Path) -> bool:
    """Whether ``data check`` takes them for pairs."""
    return any("side by side (A|B)" in line for line in check(RECIPES["images"].changed({"data": str(folder)})).lines)


def test_pairs_side_by_side_are_recognised(tmp_path: Path) -> None:
    scenes = [scene(seed) for seed in range(24)]
    assert is_told(saved(tmp_path / "pairs", [np.hstack(pair) for pair in scenes]))


@pytest.mark.parametrize("kind", ["shuffled", "panoramas", "mirrored", "square", "blank"])
def test_other_wide_pictures_are_no_pairs(tmp_path: Path, kind: str) -> None:
    scenes = [scene(seed, sky=20 + seed % 20) for seed in range(24)]
    pictures = {
        "shuffled": [np.hstack([scenes[number][0], scenes[number - 1][1]]) for number in range(24)],
        "panoramas": [np.hstack([scenes[seed][1], scene(seed + 50, 20 + seed % 20)[1]]) for seed in range(24)],
        "mirrored": [np.hstack([photo, photo[:, ::-1]]) for _, photo in scenes],
        "square": [np.hstack([labels, photo[:, :60]]) for labels, photo in scenes],
        "blank": [np.full((64, 128), number, np.uint8) for number in range(24)],
    }[kind]
    assert not is_told(saved(tmp_path / "set", pictures))


# Whatever train accepts is checked


def test_a_recipe_and_a_file_of_one_are_checked_as_they_are_trained(tmp_path: Path) -> None:
    folder = fill(tmp_path / "set", 20)
    file = tmp_path / "recipe.yaml"
    file.write_text(f"sparring: 2\nkind: images\ndata: {folder}\nsize: 4x4\n")
    facts = check_verb(str(file), out=tmp_path / "a.png")
    assert (facts["good"], facts["form"]["height"]) == (20, 4)
    assert check_verb([str(file), str(fill(tmp_path / "other", 17))], out=tmp_path / "b.png")["good"] == 17
    assert recipe_to_read(["digits"]).data == "digits"
    assert recipe_to_read(["gaussians-ring"]).data == "gaussians-8"
