"""Two domains as one source: found wherever they are, brought to one shape, and nothing held out is trained on."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.core.errors import UserError
from sparring.data.order import held_out_count, split
from sparring.images.reading.arrays import ImageArrays
from sparring.images.reading.shape import ImageForm
from sparring.modalities import RECIPES
from sparring.translation.data import (
    TranslationForm,
    TwoDomains,
    find_domains,
    indices_for,
    open_evaluation_data,
    open_source,
    pairs_of,
)
from sparring.translation.drawn import truth


def recipe(**settings: Any) -> Any:
    return RECIPES["cyclegan"].changed(settings)


def numbered(count: int) -> np.ndarray:
    """Pictures that tell their number: (count, 8, 8, 3), the first pixel's first two channels."""
    pictures = np.zeros((count, 8, 8, 3), np.uint8)
    pictures[:, 0, 0, 0], pictures[:, 0, 0, 1] = np.arange(count) % 256, np.arange(count) // 256
    return pictures


def domains(a: int, b: int, **settings: Any) -> TwoDomains:
    its = recipe(**settings)
    return TwoDomains("two", ImageArrays((numbered(a), None), its), ImageArrays((numbered(b), None), its), its)


def fill(
    folder: Path, names: Any, height: int = 12, width: int = 12, mode: str = "RGB", shade: int | None = None
) -> Path:
    """Pictures of noise, or all of one shade, with these names."""
    folder.mkdir(parents=True, exist_ok=True)
    shape = (height, width) if mode == "L" else (height, width, len(mode))
    for seed, name in enumerate(names):
        pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
        pixels = pixels if shade is None else np.full(shape, shade, np.uint8)
        (folder / name).parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(folder / name)
    return folder


NAMES = [f"{number:03}.png" for number in range(16)]

# Which pictures are shown when


@pytest.mark.parametrize(("a", "b"), [(20, 200), (200, 20), (16, 600), (50, 50), (101, 99), (17, 19)])
@pytest.mark.parametrize(("seed", "held_out"), [(0, 256), (7, 256), (3, 5), (1, 0)])
def test_no_picture_that_is_held_out_is_trained_on(a: int, b: int, seed: int, held_out: int) -> None:
    """As the trainer does it: it splits the source's length, and asks for batches of its own indices."""
    source = domains(a, b, seed=seed, held_out=held_out)
    assert len(source) == max(a, b)
    kept_out = held_out_count(held_out, len(source))
    members, kept = split(len(source), seed, kept_out)
    for domain, count in (("a", a), ("b", b)):
        trained, held = (
            [int(x) + 256 * int(y) for x, y in source.batch(indices)[domain][:, :2, 0, 0]]
            for indices in (members, kept)
        )
        own = held_out_count(held_out, count)
        assert not (set(trained) & set(held))
        assert len(set(held)) == min(own, len(kept))
        assert len(set(trained)) == min(count - own, len(members))  # every picture is shown
        times = Counter(trained)
        assert max(times.values()) - min(times.values()) <= 1  # again and again, evenly
        again = Counter(held)
        assert not again or max(again.values()) - min(again.values()) <= 1


@pytest.mark.parametrize("count", range(1, 10))
def test_a_domain_of_fewer_than_ten_holds_none_out(count: int) -> None:
    its = recipe()
    members, kept = split(60, its.seed, 6)
    index = indices_for(count, members, kept, its, 1)
    assert set(index[members].tolist()) == set(range(count))
    assert set(index[kept].tolist()) <= set(range(count))
    assert np.ptp(np.bincount(index[members], minlength=count)) <= 1


def test_domains_come_in_orders_of_their_own_the_same_for_the_same_seed() -> None:
    one, same, other = domains(40, 40), domains(40, 40), domains(40, 40, seed=1)
    for domain in "ab":
        assert np.array_equal(one.index[domain], same.index[domain])
        assert not np.array_equal(one.index[domain], other.index[domain])
    assert (one.index["a"] == one.index["b"]).mean() < 0.2


def test_the_form_tells_what_it_was_made_of() -> None:
    source = domains(20, 30)
    assert source.form == TranslationForm(height=8, width=8, channels=3, labels=(), counts=(20, 30), upright=True)
    assert source.in_memory
    assert source.bad_files == []
    batch = source.batch(np.array([3, 3, 0]))
    assert {*batch} == {"a", "b"}
    assert batch["a"].dtype == torch.uint8
    assert torch.equal(batch["a"][0], batch["a"][1])


def test_the_form_in_words_has_the_counts_of_both_sides() -> None:
    assert domains(300, 1800).form.described() == "300 pictures in A and 1,800 in B, 8x8, 3 channels"


def test_two_places_are_named_together(tmp_path: Path) -> None:
    a, b = (fill(tmp_path / name, NAMES) for name in ("paintings", "photographs"))
    assert open_source(recipe(data=str(a), data_b=str(b))).name == f"{a} and {b}"


# Where the domains are


@pytest.mark.parametrize(
    "pair", [("trainA", "trainB"), ("train_A", "train_B"), ("A", "B"), ("a", "b"), ("cats", "dogs")]
)
def test_two_domains_inside_one_folder(tmp_path: Path, pair: tuple[str, str]) -> None:
    for name in (*pair, ".hidden"):
        (tmp_path / name).mkdir()
    (tmp_path / "notes.txt").touch()
    expected = tuple(str(tmp_path / name) for name in pair)
    assert find_domains(str(tmp_path), "") == expected


def test_names_go_before_anything_else_in_a_folder(tmp_path: Path) -> None:
    for name in ("A", "B", "testA", "testB", "trainA", "trainB", "val"):
        (tmp_path / name).mkdir()
    assert find_domains(str(tmp_path), "") == (str(tmp_path / "trainA"), str(tmp_path / "trainB"))
    (tmp_path / "trainB").rmdir()
    assert find_domains(str(tmp_path), "") == (str(tmp_path / "A"), str(tmp_path / "B"))


def test_two_places_are_taken_as_they_are(tmp_path: Path) -> None:
    one, other = tmp_path / "x", tmp_path / "y.npz"
    one.mkdir()
    other.touch()
    assert find_domains(str(one), str(other)) == (str(one), str(other))


@pytest.mark.parametrize("folders", [(), ("one",), ("one", "two", "three"), ("trainA",), ("A", "testB", "c")])
def test_a_folder_without_two_domains_is_told(tmp_path: Path, folders: tuple[str, ...]) -> None:
    for name in folders:
        (tmp_path / name).mkdir()
    with pytest.raises(UserError, match=r"no pair of folders .*trainA/trainB") as caught:
        find_domains(str(tmp_path), "")
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_domain_or_a_missing_one_is_told(tmp_path: Path) -> None:
    fill(tmp_path / "x", NAMES)
    (tmp_path / "y.npz").touch()
    with pytest.raises(UserError, match="one domain, and two are needed"):
        find_domains(str(tmp_path / "y.npz"), "")
    with pytest.raises(UserError, match="no pair of folders"):
        find_domains(str(tmp_path / "x"), "")
    for places in ((tmp_path / "x", tmp_path / "none"), (tmp_path / "none", tmp_path / "x")):
        with pytest.raises(UserError, match=r"no file or folder called .*none"):
            find_domains(*map(str, places))


def test_one_place_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no .*folder"):
        find_domains(str(tmp_path / "none"), "")


def test_nothing_is_found_where_nothing_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("docs", "src"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError):
        find_domains("", "")


def test_a_home_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for domain in "AB":
        fill(tmp_path / "domains" / domain, NAMES)
    assert find_domains("~/domains", "") == (str(tmp_path / "domains/A"), str(tmp_path / "domains/B"))
    assert len(open_source(recipe(data="~/domains/A", data_b="~/domains/B"))) == 16


def test_the_drawn_domains_need_no_second_one() -> None:
    with pytest.raises(UserError, match="holds both"):
        open_source(RECIPES["ink-neon"].changed({"data_b": "x"}))
    assert len(open_source(RECIPES["ink-neon"])) == 750
    assert open_source(RECIPES["ink-neon"]).form.upright


def test_a_domain_with_too_few_pictures_is_told(tmp_path: Path) -> None:
    fill(tmp_path / "A", NAMES)
    fill(tmp_path / "B", NAMES[:5])
    with pytest.raises(UserError, match="5 good images"):
        open_source(recipe(data=str(tmp_path)))
    (tmp_path / "C").mkdir()
    with pytest.raises(UserError, match="holds no images"):
        open_source(recipe(data=str(tmp_path / "A"), data_b=str(tmp_path / "C")))


# In one shape


@pytest.mark.parametrize(
    ("a", "b", "shape"),
    [
        ((12, 12, "RGB"), (12, 12, "RGB"), (12, 12, 3)),
        ((12, 16, "RGB"), (16, 12, "RGB"), (16, 16, 3)),
        ((12, 12, "L"), (12, 12, "L"), (12, 12, 1)),
        ((12, 12, "L"), (12, 12, "RGB"), (12, 12, 3)),
        ((13, 10, "RGB"), (13, 10, "RGB"), (16, 12, 3)),  # a translator wants multiples of four
        ((9, 30, "L"), (20, 11, "RGB"), (20, 32, 3)),
        ((126, 126, "L"), (127, 128, "L"), (128, 128, 1)),
        ((12, 12, "RGBA"), (12, 12, "RGB"), (12, 12, 3)),
    ],
)
def test_both_domains_are_brought_to_one_shape(tmp_path: Path, a: Any, b: Any, shape: tuple[int, int, int]) -> None:
    for domain, (height, width, mode) in (("A", a), ("B", b)):
        fill(tmp_path / domain, NAMES, height, width, mode)
    source = open_source(recipe(data=str(tmp_path)))
    height, width, channels = shape
    assert (source.form.height, source.form.width, source.form.channels) == shape
    batch = source.batch(np.arange(2))
    assert {tuple(images.shape) for images in batch.values()} == {(2, channels, height, width)}


@pytest.mark.parametrize(("size", "shape"), [("16", (16, 16)), ("20x12", (20, 12))])
def test_a_size_that_was_asked_for(tmp_path: Path, size: str, shape: tuple[int, int]) -> None:
    fill(tmp_path / "A", NAMES, 13, 22, "L")
    fill(tmp_path / "B", NAMES, 30, 9)
    source = open_source(recipe(data=str(tmp_path), size=size))
    assert (source.form.height, source.form.width, source.form.channels) == (*shape, 3)
    assert {tuple(images.shape[2:]) for images in source.batch(np.arange(2)).values()} == {shape}


@pytest.mark.parametrize("settings", [{"alpha": "keep"}, {"channels": "4"}])
def test_transparency_is_no_part_of_a_domain(settings: dict[str, str]) -> None:
    with pytest.raises(UserError, match=r"alpha: .* keeps transparency as it is"):
        recipe(**settings)


def test_domains_may_be_of_different_kinds_and_labels_are_left_out(tmp_path: Path) -> None:
    np.savez(tmp_path / "b.npz", images=numbered(20), labels=np.arange(20) % 2)
    fill(tmp_path / "A", [f"{label}/{name}" for label in "xy" for name in NAMES], 8, 8)
    source = open_source(recipe(data=str(tmp_path / "A"), data_b=str(tmp_path / "b.npz")))
    assert source.form.counts == (32, 20)
    assert source.form.labels == ()
    assert {*source.batch(np.arange(3))} == {"a", "b"}


def test_files_that_cannot_be_read_are_told_of_both_domains(tmp_path: Path) -> None:
    for domain in "AB":
        fill(tmp_path / domain, NAMES)
        (tmp_path / domain / f"broken{domain}.png").write_bytes(b"no picture")
    names = [Path(bad.path).name for bad in open_source(recipe(data=str(tmp_path))).bad_files]
    assert names == ["brokenA.png", "brokenB.png"]


def test_whether_light_is_light_in_both_is_seen_from_the_pictures(tmp_path: Path) -> None:
    fill(tmp_path / "dark", NAMES, shade=20)
    fill(tmp_path / "light", NAMES, shade=230)
    dim = fill(tmp_path / "other", NAMES, shade=60)
    assert not open_source(recipe(data=str(tmp_path / "dark"), data_b=str(tmp_path / "light"))).form.upright
    assert open_source(recipe(data=str(tmp_path / "dark"), data_b=str(dim))).form.upright


# To evaluate on

FORM = ImageForm(height=12, width=12, channels=3)


def test_tests_go_before_what_was_trained_on(tmp_path: Path) -> None:
    for shade, name in ((10, "trainA"), (60, "trainB"), (120, "testA"), (200, "testB")):
        fill(tmp_path / name, NAMES, 16, 20, shade=shade)
    tests = open_evaluation_data(recipe(data=str(tmp_path)), FORM)
    looks = {domain: source.batch(np.arange(16))["images"] for domain, source in tests.domains.items()}
    assert {domain: images.unique().tolist() for domain, images in looks.items()} == {"a": [120], "b": [200]}
    assert all(images.shape == (16, 3, 12, 12) for images in looks.values())
    for name in ("testA", "testB"):
        (tmp_path / name).rename(tmp_path / name.lower())
    tests = open_evaluation_data(recipe(data=str(tmp_path)), FORM)
    assert tests.domains["a"].batch(np.arange(1))["images"].unique().tolist() == [10]


def paired(tmp_path: Path, a: list[str], b: list[str]) -> Any:
    fill(tmp_path / "A", a)
    fill(tmp_path / "B", b)
    tests = open_evaluation_data(recipe(data=str(tmp_path)), FORM)
    one, other = (tests.domains[domain] for domain in "ab")
    if tests.pairs is None:
        return None
    return [(Path(one.files[i]).stem, Path(other.files[j]).stem) for i, j in tests.pairs]  # type: ignore[attr-defined]


def test_files_of_one_name_are_a_pair_whatever_their_order_and_ending(tmp_path: Path) -> None:
    shuffled = [f"{name[:-4]}.jpg" for name in reversed(NAMES)]
    extra = [f"extra{number}.png" for number in range(9)]
    pairs = paired(tmp_path, [*extra[:1], *NAMES], [*shuffled, *extra[1:]])
    assert sorted(pairs) == [(name[:-4], name[:-4]) for name in NAMES]


def test_without_partners_for_nine_in_ten_there_are_no_pairs(tmp_path: Path) -> None:
    few = [*NAMES[:14], "x.png", "y.png"]  # 14 of 16
    assert paired(tmp_path, NAMES, few) is None


def test_nine_in_ten_partners_will_do(tmp_path: Path) -> None:
    names = [f"{number}.png" for number in range(20)]
    pairs = paired(tmp_path, names, [*names[:18], "x.png", "y.png"])
    assert len(pairs) == 18
    assert all(one == other for one, other in pairs)


def test_files_of_one_name_in_several_folders_are_not_mixed_up(tmp_path: Path) -> None:
    names = [f"{label}/{name}" for label in ("cats", "dogs") for name in NAMES]
    for domain in "AB":
        fill(tmp_path / domain, names)
    tests = open_evaluation_data(recipe(data=str(tmp_path)), FORM)
    assert tests.pairs is not None
    assert all(tests.domains["a"].files[i] == tests.domains["b"].files[j] for i, j in tests.pairs)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("same", "told"), [(0, False), (15, False), (16, True), (120, True), (160, True)])
def test_files_of_one_name_are_said_to_be_pairs(tmp_path: Path, same: int, told: bool) -> None:
    """Said where one in ten has a partner, trained unpaired all the same."""
    names = [f"{number:03}.png" for number in range(160)]
    fill(tmp_path / "A", names, 4, 4)
    fill(tmp_path / "B", [*names[:same], *(f"other{number}.png" for number in range(200 - same))], 4, 4)
    source = open_source(recipe(data=str(tmp_path)))
    lines = [line for line in source.remarks() if "same name" in line]
    assert lines == [line for line in source.remarks() if line.startswith(f"{same} of 160 files")]
    assert bool(lines) == told
    assert (source.index["a"] == source.index["b"]).mean() < 0.2


def test_a_domain_with_too_few_pictures_to_be_measured_says_so() -> None:
    assert domains(160, 159).remarks() == [
        "domain B: 159 pictures, of which 15 are held out: too few to measure diversity by"
    ]
    assert domains(20, 20, held_out=0).remarks() == []


def test_arrays_have_no_names_to_be_paired_by() -> None:
    source = ImageArrays((numbered(20), None), recipe())
    assert pairs_of(source, source) is None


def test_labels_are_read_where_there_are_any(tmp_path: Path) -> None:
    for domain in "AB":
        fill(tmp_path / domain, [f"{label}/{domain}{label}{name}" for label in ("cat", "dog") for name in NAMES])
    tests = open_evaluation_data(recipe(data=str(tmp_path)), FORM)
    assert [source.form.labels for source in tests.domains.values()] == [("cat", "dog")] * 2
    assert tests.pairs is None


def test_the_truth_of_the_drawn_domains_is_what_they_are_evaluated_on() -> None:
    tests = open_evaluation_data(RECIPES["ink-neon"], ImageForm(height=32, width=32, channels=3))
    for source, pictures in zip(tests.domains.values(), truth()[:2], strict=True):
        np.testing.assert_array_equal(source.batch(np.arange(297))["images"].numpy(), pictures.transpose(0, 3, 1, 2))
        assert source.labels is not None
        assert [source.form.labels[label] for label in source.labels] == truth()[2]
    assert tests.pairs is not None
    assert tests.pairs.tolist() == [[number, number] for number in range(297)]
