"""Pictures from everything that people keep them in, and what happens with the broken ones."""

import gzip
import io
import json
import os
import pickle
import struct
import tarfile
import warnings
import zipfile
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.core.errors import UserError
from sparring.core.settings import fields
from sparring.data.download import Remote
from sparring.data.feed import Feed
from sparring.data.order import Order
from sparring.images.check import check
from sparring.images.data import open_in_form, open_source
from sparring.images.modality import Images
from sparring.images.options import ImageEvaluateOptions, Reading
from sparring.images.reading.sets import open_set
from sparring.images.reading.shape import ImageForm
from sparring.images.recipes import ENTRY, FILES, RECIPES, ImageRecipe
from sparring.media.pictures import decode, formats
from sparring.modalities import kind_of
from sparring.options import LatentSampleOptions, LikelihoodOptions


@dataclass
class Settings:
    data: str
    size: str = "auto"
    channels: str = "auto"
    range: str = "auto"
    fit: str = "crop"
    alpha: str = "white"
    cache_mb: int = 64
    labelled: str = "auto"
    label_pattern: str = ""
    split: str = "auto"


def opened(path, **settings):
    return open_source(Settings(str(path), **settings))


def everything(source):
    return source.batch(np.arange(len(source)))


def picture(seed, height=12, width=10, mode="RGB"):
    shape = (height, width) if mode == "L" else (height, width, {"RGB": 3, "RGBA": 4}[mode])
    return Image.fromarray(np.random.default_rng(seed).integers(256, size=shape, dtype=np.uint8))


def fill(folder: Path, count=16, **how) -> Path:
    """``count`` good pictures, named so that they come first."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(count):
        picture(seed, **how).save(folder / f"a{seed:03}.png")
    return folder


def line_of(error) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


# One picture of each kind, checked by its pixels.


def last_of(tmp_path, name, save, **settings):
    """The pixels ``(channels, height, width)`` of one more picture in a folder of plain ones."""
    folder = fill(tmp_path / "set", mode="L", height=12, width=10)
    save(folder / name)
    source = opened(folder, **settings)
    assert source.bad_files == []
    return everything(source)["images"][-1].numpy()


GREY = (np.arange(120, dtype=np.uint8) * 2).reshape(12, 10)


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "tiff", "pgm", "gif", "webp"])
def test_lossless_greys_arrive_as_they_are(tmp_path, ending):
    exact = {"lossless": True} if ending == "webp" else {}
    pixels = last_of(tmp_path, f"z.{ending}", lambda path: Image.fromarray(GREY).save(path, **exact), channels="1")
    np.testing.assert_array_equal(pixels, GREY[None])


def test_jpeg_arrives_nearly(tmp_path):
    pixels = last_of(tmp_path, "z.JPG", lambda path: Image.fromarray(GREY).save(path, "JPEG", quality=100))
    assert np.abs(pixels.astype(int) - GREY).max() < 8


@pytest.mark.parametrize("ending", ["png", "tif", "pgm"])
def test_16_bits_become_8_of_the_same_brightness(tmp_path, ending):
    deep = (GREY.astype(np.uint16) * 257) + 100  # 257 = 65535 / 255; the rest is rounded off
    pixels = last_of(tmp_path, f"z.{ending}", lambda path: Image.fromarray(deep).save(path))
    np.testing.assert_array_equal(pixels, GREY[None])


def test_floating_point_tiff_is_taken_from_0_to_1(tmp_path):
    pixels = last_of(tmp_path, "z.tif", lambda path: Image.fromarray(GREY.astype(np.float32) / 255).save(path))
    np.testing.assert_array_equal(pixels, GREY[None])


def test_1_bit_is_black_and_white(tmp_path):
    pixels = last_of(tmp_path, "z.png", lambda path: Image.fromarray(GREY > 100).save(path))
    np.testing.assert_array_equal(pixels, (GREY[None] > 100) * 255)


@pytest.mark.parametrize(("alpha", "expected"), [("white", 255), ("black", 0), ("drop", 60)])
def test_transparent_pixels_show_what_the_recipe_says(tmp_path, alpha, expected):
    pixels = np.full((12, 10, 4), 60, np.uint8)
    pixels[:, :5, 3], pixels[:, 5:, 3] = 0, 255
    shown = last_of(tmp_path, "z.png", lambda path: Image.fromarray(pixels).save(path), alpha=alpha)
    assert (shown[:, :, :5] == expected).all()
    assert (shown[:, :, 5:] == 60).all()


def test_half_transparency_is_mixed(tmp_path):
    pixels = np.full((12, 10, 2), 100, np.uint8)
    pixels[..., 1] = 51  # one fifth
    shown = last_of(tmp_path, "z.png", lambda path: Image.fromarray(pixels, "LA").save(path))
    assert shown.shape[0] == 1
    assert (np.abs(shown.astype(int) - (0.2 * 100 + 0.8 * 255)) <= 1).all()


def test_transparency_can_be_kept(tmp_path):
    pixels = np.asarray(picture(99, mode="RGBA"))
    shown = last_of(tmp_path, "z.png", lambda path: Image.fromarray(pixels).save(path), alpha="keep")
    np.testing.assert_array_equal(shown, pixels.transpose(2, 0, 1))


def test_palette_with_a_transparent_colour(tmp_path):
    image = Image.fromarray((GREY > 100).astype(np.uint8)).convert("P")
    image.putpalette([255, 0, 0, 0, 0, 255])
    shown = last_of(tmp_path, "z.png", lambda path: image.save(path, transparency=0))
    expected = np.where(GREY[..., None] > 100, [0, 0, 255], [255, 255, 255])
    np.testing.assert_array_equal(shown.transpose(1, 2, 0), expected)


def test_cmyk_becomes_colour(tmp_path):
    image = Image.new("CMYK", (10, 12), (0, 255, 255, 0))
    red, green, blue = last_of(tmp_path, "z.jpg", lambda path: image.save(path, quality=100))
    assert red.min() > 245
    assert max(green.max(), blue.max()) < 12


def test_exif_rotation_is_undone_and_counts_for_the_size(tmp_path):
    folder = fill(tmp_path / "set", height=12, width=10)
    upright = np.zeros((12, 10, 3), np.uint8)
    upright[:6] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees clockwise
    turned = Image.fromarray(np.rot90(upright).copy())
    turned.save(folder / "y.jpg", quality=100, exif=exif)
    turned.save(folder / "z.png", exif=exif)
    source = opened(folder)
    assert (source.form.height, source.form.width) == (12, 10)
    jpeg, png = everything(source)["images"][-2:].numpy()
    np.testing.assert_array_equal(png, upright.transpose(2, 0, 1))
    assert np.abs(jpeg.astype(int) - png).max() < 40


def test_animation_gives_its_first_frame(tmp_path):
    frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    shown = last_of(tmp_path, "z.gif", lambda path: frames[0].save(path, save_all=True, append_images=frames[1:]))
    np.testing.assert_array_equal(shown, GREY[None] if shown.shape[0] == 1 else np.stack([GREY] * 3))


# The shape that pictures are brought to.


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([(72, 72)], (72, 72)),
        ([(128, 40)], (128, 40)),
        ([(129, 40)], (64, 64)),
        ([(20, 20), (20, 22)], (64, 64)),
    ],
)
def test_auto_size(tmp_path, sizes, expected):
    for index in range(16):
        Image.new("L", sizes[index % len(sizes)][::-1]).save(tmp_path / f"{index}.png")
    form = opened(tmp_path).form
    assert (form.height, form.width) == expected


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("alpha", ["white", "black"])
def test_fit(tmp_path, fit, alpha):
    wide = np.zeros((40, 120), np.uint8)
    wide[:, 40:80] = 128
    for index in range(16):
        Image.fromarray(wide).save(tmp_path / f"{index}.png")
    [pixels] = everything(opened(tmp_path, size="40x40", fit=fit, alpha=alpha))["images"][0].numpy()
    middle = np.abs(pixels.astype(int) - 128) <= 2
    if fit == "crop":  # the middle third fills it
        assert middle[:, 3:-3].all()
    elif fit == "stretch":  # the middle third stays a third, top to bottom
        assert middle[:, 16:24].all()
        assert (pixels[:, :10] == 0).all()
    else:  # 13 rows of picture, the rest is page
        assert middle[17:23, 17:23].all()
        assert (pixels[:10] == (255 if alpha == "white" else 0)).all()
        assert (pixels[20, :8] == 0).all()


def test_a_large_jpeg_shrinks_to_its_average(tmp_path):
    smooth = np.add.outer(np.linspace(0, 120, 1200), np.linspace(0, 120, 900)).astype(np.uint8)
    for index in range(16):
        Image.fromarray(smooth).save(tmp_path / f"{index}.jpg", quality=95)
    [pixels] = everything(opened(tmp_path, size="12x9"))["images"][0].numpy()
    blocks = smooth.reshape(12, 100, 9, 100).mean((1, 3))
    assert np.abs(pixels - blocks).max() < 5


def test_settings_that_contradict_each_other(tmp_path):
    with pytest.raises(UserError, match="alpha: 'keep' needs 4 channels"):
        opened(fill(tmp_path), alpha="keep", channels="3")


# Broken files.


def break_things(folder: Path) -> dict[str, str]:
    """One file of each broken kind, by name, and a piece of the reason that must be given."""
    whole = io.BytesIO()
    picture(1, height=50, width=60).save(whole, "PNG")
    picture(1, height=50, width=60).save(folder / "m.jpg")
    (folder / "cut.jpg").write_bytes((folder / "m.jpg").read_bytes()[:-400])
    (folder / "m.jpg").unlink()
    (folder / "cut.png").write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
    (folder / "header_only.png").write_bytes(whole.getvalue()[:20])
    (folder / "empty.png").touch()
    (folder / "text.jpeg").write_text("this is no image")
    (folder / "page.gif").write_text("<html>404</html>")
    (folder / "noise.webp").write_bytes(np.random.default_rng(0).bytes(500))
    pixels = np.full((12, 10), np.nan, np.float32)
    Image.fromarray(pixels).save(folder / "range.tif")
    Image.new("1", (20_000, 20_000)).save(folder / "bomb.png")
    Image.new("1", (10_000, 10_000)).save(folder / "half_a_bomb.png")
    (folder / "loop.png").symlink_to("loop.png")
    return {
        "cut.jpg": "truncated",
        "cut.png": "",
        "header_only.png": "",
        "empty.png": "zero bytes",
        "text.jpeg": "not an image",
        "page.gif": "not an image",
        "noise.webp": "not an image",
        "range.tif": "not finite",
        "bomb.png": "bomb",
        "half_a_bomb.png": "bomb",
        "loop.png": "symbolic links",
    }


def test_broken_files_are_named_and_skipped(tmp_path):
    good = everything(opened(fill(tmp_path / "good")))["images"]
    folder = fill(tmp_path / "set")
    expected = break_things(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing on the screen but what we say
        source = opened(folder)
    found = {Path(bad.path).name: bad.reason for bad in source.bad_files}
    assert found.keys() == expected.keys()
    for name, reason in expected.items():
        assert reason in found[name]
        assert found[name]
        assert "\n" not in found[name]
    assert source.form == ImageForm(height=12, width=10, channels=3)
    assert torch.equal(everything(source)["images"], good)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_files_and_folders_without_permission_are_named(tmp_path):
    folder = fill(tmp_path / "set", count=17)
    (folder / "a000.png").chmod(0)
    closed = fill(folder / "closed")
    closed.chmod(0)
    try:
        reasons = [bad.reason for bad in opened(folder, cache_mb=0, labelled="no").bad_files]
    finally:
        closed.chmod(0o700)
    assert len(reasons) == 2
    assert all("no permission" in reason for reason in reasons)


def test_too_few_good_ones(tmp_path):
    folder = fill(tmp_path, count=3)
    for index in range(5):
        (folder / f"z{index}.png").touch()
    with pytest.raises(UserError) as error:
        opened(folder)
    line = line_of(error)
    assert "3 good images, at least 16" in line
    assert "5 bad: z0.png (empty: zero bytes), z1.png" in line


def test_streaming_reads_the_same_and_replaces_what_goes_bad(tmp_path, capsys):
    folder = fill(tmp_path, count=30)
    kept, streamed = opened(folder), opened(folder, cache_mb=0)
    assert (kept.in_memory, streamed.in_memory) == (True, False)
    assert torch.equal(everything(kept)["images"], everything(streamed)["images"])

    whole = (folder / "a007.png").read_bytes()
    (folder / "a007.png").write_bytes(whole[: len(whole) // 2])
    order = Order(np.arange(30), seed=0)
    expected = torch.cat(
        [kept.batch(np.where(chunk == 7, 8, chunk))["images"] for chunk in order.indices(0, 64).reshape(8, 8)]
    )
    for workers in (0, 2):
        source = pickle.loads(pickle.dumps(opened(folder, cache_mb=0)))
        batches = islice(Feed(source, order, batch=8, workers=workers).batches(0), 8)
        assert torch.equal(torch.cat([batch["images"] for batch in batches]), expected)
        assert [Path(bad.path).name for bad in source.bad_files] == ["a007.png"]
        assert capsys.readouterr().err.count("a007.png") == 1


# Labels.


def test_first_level_sub_folders_are_labels(tmp_path):
    fill(tmp_path / "dog", count=9)
    fill(tmp_path / "cat" / "young", count=8)
    source = opened(tmp_path, labelled="yes")
    assert source.form.labels == ("cat", "dog")
    assert everything(source)["labels"].tolist() == [0] * 8 + [1] * 9
    assert "labels" not in everything(opened(tmp_path, labelled="no"))


@pytest.mark.parametrize("folders", [["all"], ["train", "test"], ["a", "."]])
def test_sub_folders_that_are_no_labels(tmp_path, folders):
    for folder in folders:
        fill(tmp_path / folder)
    assert opened(tmp_path).form.labels == ()
    with pytest.raises(UserError, match="no labels found"):
        opened(tmp_path, labelled="yes")


NUMBERS = {f"a{seed:03}.png": str(11 - seed % 3) for seed in range(16)}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.csv", "".join(f"{file},{label}\n" for file, label in NUMBERS.items())),
        (
            "labels.csv",
            "\ufeffFile,Label\r\n" + "".join(f'"./{file}", {label}\r\n' for file, label in NUMBERS.items()),
        ),
        ("labels.json", json.dumps(NUMBERS)),
        ("dataset.json", json.dumps({"labels": [[file, int(label)] for file, label in NUMBERS.items()]})),
    ],
)
def test_label_files(tmp_path, name, text):
    (fill(tmp_path) / name).write_text(text)
    source = opened(tmp_path)
    assert source.form.labels == ("9", "10", "11")
    assert everything(source)["labels"].tolist() == [2 - seed % 3 for seed in range(16)]


def test_a_label_file_wins_over_sub_folders(tmp_path):
    fill(tmp_path / "x")
    fill(tmp_path / "y")
    pairs = {f"{folder}/a{seed:03}.png": ["even", "odd"][seed % 2] for folder in "xy" for seed in range(16)}
    (tmp_path / "labels.json").write_text(json.dumps(pairs))
    assert opened(tmp_path).form.labels == ("even", "odd")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (json.dumps(dict(list(NUMBERS.items())[2:])), "lacks 2 images"),
        (json.dumps({"labels": [*NUMBERS.items(), ["a000.png", "other"]]}), "gives 'a000.png' two labels"),
        ("{", "not JSON"),
        ("[1, 2]", "write {"),
    ],
)
def test_label_files_that_do_not_match(tmp_path, text, complaint):
    (fill(tmp_path) / "labels.json").write_text(text)
    with pytest.raises(UserError, match=r"labels\.json") as error:
        opened(tmp_path)
    assert complaint in line_of(error)
    assert opened(tmp_path, labelled="no").form.labels == ()


def test_a_csv_with_a_bad_line(tmp_path):
    (fill(tmp_path) / "labels.csv").write_text("file,label\na000.png\n")
    with pytest.raises(UserError, match="line 2 has 1 columns"):
        opened(tmp_path)


# Archives, arrays and the official files.


def test_zip_is_the_folder_that_was_packed(tmp_path):
    fill(tmp_path / "pets" / "cat")
    fill(tmp_path / "pets" / "dog")
    (tmp_path / "pets" / "dog" / "b.png").write_bytes(b"")
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as archive:
        for file in (tmp_path / "pets").rglob("*.png"):
            archive.write(file, file.relative_to(tmp_path))
        archive.writestr("__MACOSX/pets/cat/._a000.png", b"resource fork")
    folder, packed = opened(tmp_path / "pets"), opened(tmp_path / "pets.zip")
    assert packed.form == folder.form
    assert packed.form.labels == ("cat", "dog")
    assert [bad.reason for bad in packed.bad_files] == ["empty: zero bytes"]
    streamed = opened(tmp_path / "pets.zip", cache_mb=0)
    batches = islice(Feed(streamed, Order(np.arange(32), seed=0), batch=8, workers=2).batches(0), 8)
    for position, batch in enumerate(batches):
        expected = folder.batch(Order(np.arange(32), seed=0).indices(position * 8, 8))
        assert all(torch.equal(batch[key], expected[key]) for key in expected)


def test_a_damaged_zip(tmp_path):
    (tmp_path / "set.zip").write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(UserError, match="not a readable zip"):
        opened(tmp_path / "set.zip")


def pixels_of(count=20, shape=(9, 7)):
    return np.random.default_rng(0).integers(256, size=(count, *shape), dtype=np.uint8)


@pytest.mark.parametrize(
    "convert",
    [
        lambda pixels: pixels,
        lambda pixels: pixels[..., None],
        lambda pixels: pixels[:, None],
        lambda pixels: pixels.astype(np.int64),
        lambda pixels: (pixels / 255).astype(np.float32),
        lambda pixels: pixels / 127.5 - 1,
    ],
)
def test_npy_of_every_kind(tmp_path, convert):
    np.save(tmp_path / "set.npy", convert(pixels_of()))
    source = opened(tmp_path / "set.npy")
    assert source.form == ImageForm(height=9, width=7, channels=1)
    np.testing.assert_array_equal(everything(source)["images"][:, 0], pixels_of())


@pytest.mark.parametrize("keys", [("images", "labels"), ("x_train", "y_train"), ("arr_0", "label"), ("anything", None)])
def test_npz_by_its_keys(tmp_path, keys):
    pixels, labels = pixels_of(shape=(9, 7, 3)), np.arange(20) % 4
    np.savez(tmp_path / "set.npz", **{keys[0]: pixels}, **({keys[1]: labels} if keys[1] else {}))
    batch = everything(opened(tmp_path / "set.npz"))
    np.testing.assert_array_equal(batch["images"], pixels.transpose(0, 3, 1, 2))
    assert ("labels" in batch) is (keys[1] is not None)
    if keys[1]:
        assert batch["labels"].tolist() == labels.tolist()


def test_npz_without_a_known_key_names_what_it_holds(tmp_path):
    np.savez(tmp_path / "set.npz", first=pixels_of(), second=pixels_of())
    with pytest.raises(UserError, match="holds first, second; call the array of pictures 'images'"):
        opened(tmp_path / "set.npz")


@pytest.mark.parametrize(
    ("array", "complaint"),
    [
        (np.array([{"a": 1}] * 20), "Python objects"),
        (np.zeros((20, 3)), "has shape"),
        (np.full((20, 8, 8), -np.inf), "values from -inf"),
        (np.full((20, 8, 8), np.nan), "values from nan"),
        (np.zeros((20, 8, 8), complex), "not numbers"),
        (np.zeros((3, 8, 8)), "3 images, at least 16"),
    ],
)
def test_arrays_that_are_no_pictures(tmp_path, array, complaint):
    np.save(tmp_path / "set.npy", array, allow_pickle=True)
    with pytest.raises(UserError, match=complaint) as error:
        opened(tmp_path / "set.npy")
    assert "set.npy" in line_of(error)


def test_arrays_are_brought_to_shape_like_files(tmp_path):
    pixels = pixels_of(shape=(30, 20, 4))
    np.save(tmp_path / "set.npy", pixels)
    folder = tmp_path / "files"
    folder.mkdir()
    for index, picture in enumerate(pixels):
        Image.fromarray(picture).save(folder / f"{index:03}.png")
    how = {"size": "10x12", "channels": "1", "alpha": "black"}
    assert torch.equal(
        everything(opened(tmp_path / "set.npy", **how))["images"], everything(opened(folder, **how))["images"]
    )


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def mnist_folder(folder: Path, count=20, shape=(28, 28), ending=".gz") -> Path:
    folder.mkdir(exist_ok=True)
    pack = gzip.compress if ending else bytes
    (folder / f"train-images-idx3-ubyte{ending}").write_bytes(pack(idx(pixels_of(count, shape))))
    (folder / f"train-labels-idx1-ubyte{ending}").write_bytes(pack(idx(np.arange(count, dtype=np.uint8) % 10)))
    (folder / f"t10k-images-idx3-ubyte{ending}").write_bytes(pack(idx(pixels_of(5, shape))))
    return folder


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_idx(tmp_path, ending):
    folder = mnist_folder(tmp_path / "mnist", ending=ending)
    for path in (folder, folder / f"train-images-idx3-ubyte{ending}"):
        source = opened(path)
        np.testing.assert_array_equal(everything(source)["images"][:, 0], pixels_of(20, (28, 28)))
        assert everything(source)["labels"].tolist() == [index % 10 for index in range(20)]
    (folder / f"train-labels-idx1-ubyte{ending}").unlink()
    assert opened(folder).form.labels == ()


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_damaged_idx(tmp_path, ending):
    folder = mnist_folder(tmp_path / "mnist", ending=ending)
    images, labels = (folder / f"train-{name}-ubyte{ending}" for name in ("images-idx3", "labels-idx1"))
    images.write_bytes(images.read_bytes()[:-50])
    with pytest.raises(UserError, match="get the file again"):
        opened(folder)
    mnist_folder(folder, ending=ending)
    labels.write_bytes((gzip.compress if ending else bytes)(idx(np.zeros(3, np.uint8))))
    with pytest.raises(UserError, match="3 labels for the 20 pictures"):
        opened(folder)


def cifar_folder(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    pixels, labels = pixels_of(20, (3, 32, 32)), np.arange(20, dtype=np.uint8) % 3
    records = np.concatenate([labels[:, None], pixels.reshape(20, -1)], axis=1)
    folder.mkdir()
    (folder / "data_batch_1.bin").write_bytes(records[:10].tobytes())
    (folder / "data_batch_2.bin").write_bytes(records[10:].tobytes())
    (folder / "test_batch.bin").write_bytes(records[:2].tobytes())
    (folder / "batches.meta.txt").write_text("plane\ncar\nbird\n\n")
    return pixels, labels


def test_cifar_from_its_folder_and_its_tar(tmp_path):
    folder = tmp_path / "cifar-10-batches-bin"
    pixels, labels = cifar_folder(folder)
    with tarfile.open(tmp_path / "cifar-10-binary.tar.gz", "w:gz") as archive:
        archive.add(folder, folder.name)
    for path in (folder, tmp_path, tmp_path / "cifar-10-binary.tar.gz"):
        source = opened(path)
        batch = everything(source)
        np.testing.assert_array_equal(batch["images"], pixels)
        names = ["plane", "car", "bird"]
        assert [source.form.labels[index] for index in batch["labels"]] == [names[label] for label in labels]


def test_pickled_cifar_is_refused(tmp_path):
    (tmp_path / "data_batch_1").write_bytes(b"pickle")
    with pytest.raises(UserError, match=r"cifar-10-binary\.tar\.gz"):
        opened(tmp_path)


# Sets by name.


def test_digits_are_scikit_learns():
    from sklearn.datasets import load_digits

    source = opened("digits")
    batch = everything(source)
    assert source.form == ImageForm(height=8, width=8, channels=1, labels=tuple("0123456789"))
    assert np.abs(batch["images"][:, 0].numpy() / 255 - load_digits().images / 16).max() <= 0.5 / 255
    assert batch["labels"].tolist() == load_digits().target.tolist()


def test_stacked_mnist_is_three_digits_the_same_for_everybody(tmp_path):
    folder = mnist_folder(tmp_path / "mnist")
    source = opened(f"stacked-mnist:{folder}")
    assert len(source) == 128_000
    assert source.form == ImageForm(height=32, width=32, channels=3)
    batch = source.batch(np.arange(200))["images"]
    assert torch.equal(batch, opened(f"stacked-mnist:{folder}").batch(np.arange(200))["images"])
    digits = {digit.tobytes() for digit in pixels_of(20, (28, 28))}
    assert {digit.numpy().tobytes() for digit in batch[..., 2:30, 2:30].flatten(0, 1)} == digits
    assert batch[..., :2, :].sum() == batch[..., 30:].sum() == 0
    with pytest.raises(UserError, match="32x32"):
        opened(f"stacked-mnist:{folder}", size="64")


def test_a_set_by_name_is_read_from_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path))
    mnist_folder(tmp_path / "mnist")
    assert len(opened("mnist")) == 20
    with pytest.raises(UserError, match=r"could not download cifar-10-binary\.tar\.gz"):
        open_set(Settings("cifar10"), {"cifar10": [Remote("cifar-10-binary.tar.gz", "md5:0", ())]})


# Mistakes and the check beforehand.


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ("mnits", "did you mean 'mnist'"),
        ("no/such/folder", "no file, folder or set called 'no/such/folder'"),
        ("", "no file, folder or set called ''"),
        ("{tmp}/empty", "holds no images"),
        ("{tmp}/arrays", "set.npz instead"),
        ("{tmp}/one.png", "give the folder"),
        ("{tmp}/notes.txt", "not a folder"),
        ("stacked-mnist:{tmp}/empty", "no MNIST there"),
    ],
)
def test_mistakes_are_one_line(tmp_path, data, complaint):
    (tmp_path / "empty").mkdir()
    (tmp_path / "arrays").mkdir()
    np.savez(tmp_path / "arrays" / "set.npz", pixels_of())
    picture(0).save(tmp_path / "one.png")
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UserError) as error:
        opened(data.format(tmp=tmp_path))
    assert complaint in line_of(error)


@pytest.mark.parametrize("cache_mb", [64, 0])
def test_check_tells_what_training_would_meet(tmp_path, cache_mb):
    fill(tmp_path / "cat", count=10)
    fill(tmp_path / "dog", count=12, mode="L")
    picture(3).save(tmp_path / "dog" / "twin.png")  # the cat a003
    picture(50, height=20).save(tmp_path / "dog" / "tall.png")
    (tmp_path / "dog" / "empty.png").touch()
    whole = (tmp_path / "cat" / "a000.png").read_bytes()
    (tmp_path / "cat" / "cut.png").write_bytes(whole[: len(whole) // 2])

    summary = check(Settings(str(tmp_path), cache_mb=cache_mb))
    facts = summary.facts
    assert json.loads(json.dumps(facts)) == facts
    keys = {"data", "good", "bad", "duplicates", "form", "in_memory", "sizes", "modes", "labels"}
    assert facts.keys() == keys
    assert facts["data"] == str(tmp_path)
    assert facts["good"] == 24
    assert {Path(bad["path"]).name for bad in facts["bad"]} == {"empty.png", "cut.png"}
    assert all(bad["reason"] for bad in facts["bad"])
    assert facts["labels"] == {"cat": 10, "dog": 14}
    assert facts["duplicates"] == 1
    assert facts["in_memory"] is (cache_mb > 0)
    assert facts["form"] == {"height": 64, "width": 64, "channels": 3, "labels": ["cat", "dog"]}
    assert facts["sizes"]["20x10"] == 1
    assert facts["modes"]["L"] == 12

    told = "\n".join(summary.lines)
    assert summary.lines[0] == f"{tmp_path}: 24 good pictures, 2 bad files, 1 duplicates"
    assert summary.lines[1] == f"trained as 64x64 with 3 channels, {'in memory' if cache_mb else 'streamed from disk'}"
    assert "12x10 (" in summary.lines[2]
    assert "modes: " in summary.lines[2]
    assert summary.lines[3] == "labels: cat (10), dog (14)"
    assert f"bad: {tmp_path}/dog/empty.png: empty: zero bytes" in told
    assert summary.preview is not None
    assert summary.preview.media_type == "image/png"
    with Image.open(io.BytesIO(summary.preview.data)) as sheet:
        assert sheet.mode == "RGB"


def test_check_shows_64_of_the_pictures_and_the_modality_has_it(tmp_path):
    pixels = np.arange(100, dtype=np.uint8)[:, None, None].repeat(8, 1).repeat(8, 2)
    np.save(tmp_path / "set.npy", pixels)
    summary = Images().check(RECIPES["images"].changed({"data": str(tmp_path / "set.npy")}), print)
    assert summary == check(Settings(str(tmp_path / "set.npy")))
    assert summary.facts["labels"] == {}
    assert summary.lines[-1] == "labels: none"
    assert summary.preview is not None
    with Image.open(io.BytesIO(summary.preview.data)) as sheet:
        cell = (sheet.width + 6) / 8  # of 8 x 8 pictures, each 15 times as large, 6 pixels between two
        middles = [int((place + 0.4) * cell) for place in range(8)]
        shown = [sheet.getpixel((x, y)) for y in middles for x in middles]
    assert shown == sorted(np.random.default_rng(0).permutation(100)[:64].tolist())


# Forms: what a model knows pictures as.


KNOWN = ImageForm(height=6, width=8, channels=1, labels=("dog", "emu", "cat"))


def in_form(path, form=KNOWN, **settings):
    return open_in_form(RECIPES["images"].changed({"data": str(path), **settings}), form)


def test_a_form_in_words_and_as_json():
    assert KNOWN.described() == "6x8, 1 channel, 3 labels"
    assert ImageForm(height=32, width=32, channels=3).described() == "32x32, 3 channels"
    assert KNOWN.to_dict() == {"height": 6, "width": 8, "channels": 1, "labels": ["dog", "emu", "cat"]}
    assert ImageForm.from_dict(json.loads(json.dumps(KNOWN.to_dict()))) == KNOWN
    with pytest.raises(UserError, match="channels"):
        ImageForm.from_dict({"height": 6, "width": 8})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, ""),
        ({"height": 7}, "size 7x8 instead of 6x8"),
        ({"width": 9}, "size 6x9 instead of 6x8"),
        ({"channels": 3}, "channels 3 instead of 1"),
        ({"labels": ("dog",)}, "labels dog instead of dog, emu, cat"),
        ({"labels": ("emu", "dog", "cat")}, "labels emu, dog, cat instead of dog, emu, cat"),
        ({"labels": ()}, "labels none instead of dog, emu, cat"),
        ({"height": 7, "channels": 3}, "size 7x8 instead of 6x8 and channels 3 instead of 1"),
    ],
)
def test_a_difference_of_forms_is_named(change, told):
    assert KNOWN.differs(replace(KNOWN, **change)) == told


def test_long_labels_that_differ_in_the_middle_differ():
    names = tuple(f"label {number}" for number in range(100))
    one, other = (replace(KNOWN, labels=each) for each in (names, (*names[:50], "x", *names[51:])))
    assert "labels" in one.differs(other)
    assert "\n" not in one.differs(other)


def test_in_a_models_form_pictures_have_its_size_and_channels(tmp_path):
    fill(tmp_path / "set", count=3)
    source = in_form(tmp_path / "set")
    plain = opened(fill(tmp_path / "more", count=16), size="6x8", channels="1")
    assert source.form == KNOWN
    assert len(source) == 3
    assert set(everything(source)) == {"images"}
    assert torch.equal(everything(source)["images"], everything(plain)["images"][:3])
    assert Images().open_source(RECIPES["images"].changed({"data": str(tmp_path / "set")}), KNOWN).form == KNOWN


def test_in_a_models_form_one_picture_is_enough(tmp_path):
    picture(5).save(tmp_path / "one.PNG")
    picture(6).save(tmp_path / "two.png")
    source = in_form(tmp_path / "one.PNG")
    assert (len(source), source.files) == (1, ["one.PNG"])
    assert everything(source)["images"].shape == (1, 1, 6, 8)
    streamed = in_form(tmp_path / "one.PNG", cache_mb=0)
    assert torch.equal(everything(streamed)["images"], everything(source)["images"])
    np.save(tmp_path / "one.npy", pixels_of(1))
    assert len(in_form(tmp_path / "one.npy")) == 1
    (tmp_path / "empty.png").touch()
    with pytest.raises(UserError, match=r"0 good images, at least 1 are needed; 1 bad: empty\.png") as error:
        in_form(tmp_path / "empty.png")
    line_of(error)


def test_labels_are_numbered_as_the_model_numbers_them(tmp_path):
    fill(tmp_path / "set" / "cat", count=2)
    fill(tmp_path / "set" / "dog", count=3)
    np.savez(tmp_path / "set.npz", images=pixels_of(4), labels=["emu", "cat", "emu", "dog"])
    source = in_form(tmp_path / "set", conditional=True)
    assert everything(source)["labels"].tolist() == [2, 2, 0, 0, 0]
    assert source.form == KNOWN
    assert everything(in_form(tmp_path / "set.npz", conditional=True))["labels"].tolist() == [1, 2, 1, 0]
    assert "labels" not in everything(in_form(tmp_path / "set"))  # of a model that is conditioned on none
    assert "labels" not in everything(in_form(fill(tmp_path / "plain", count=2), conditional=True, labelled="yes"))


def test_a_label_that_the_model_does_not_know_is_named(tmp_path):
    fill(tmp_path / "cats", count=2)
    fill(tmp_path / "dog", count=2)
    with pytest.raises(UserError, match="its label 'cats'; did you mean 'cat'") as error:
        in_form(tmp_path, conditional=True)
    assert "dog, emu, cat" in line_of(error)
    assert len(in_form(tmp_path)) == 4  # a model that is conditioned on none does not care
    assert len(in_form(tmp_path / "cats", conditional=True)) == 2


def test_a_form_without_alpha_is_read_without_it_whatever_the_recipe_keeps(tmp_path):
    picture(1, mode="RGBA").save(tmp_path / "one.png")
    read = everything(in_form(tmp_path / "one.png", alpha="keep"))["images"]
    assert torch.equal(read, everything(in_form(tmp_path / "one.png", alpha="white"))["images"])
    kept = in_form(tmp_path / "one.png", replace(KNOWN, channels=4, labels=()), alpha="keep")
    assert everything(kept)["images"].shape == (1, 4, 6, 8)


# What the recipes say of data.


def test_the_endings_are_those_of_files_that_can_be_read(tmp_path):
    assert formats.ENDINGS == decode.ENDINGS
    assert {*ENTRY.endings} == {*decode.ENDINGS, *FILES}
    assert all(kind_of(f"a{ending}") == "images" for ending in ENTRY.endings)
    assert set(decode.READ) <= {Image.registered_extensions()[ending] for ending in decode.ENDINGS}
    for ending in (".png", ".npy", ".npz", ".zip"):
        assert ending in ENTRY.endings
    names = {"train-images-idx3-ubyte.gz", "train-images-idx3-ubyte", "cifar-10-binary.tar.gz", "data_batch_1.bin"}
    assert {kind_of(name) for name in names} == {"images"}
    assert kind_of("train-labels-idx1-ubyte.gz") == ""


def test_how_pictures_are_read_is_declared_once():
    reading = ["labelled", "label_pattern", "split", "size", "channels", "range", "fit", "alpha", "cache_mb"]
    assert list(fields(Reading)) == reading
    assert list(fields(ImageEvaluateOptions)) == [*fields(LikelihoodOptions), *reading]
    for kind in (ImageRecipe, ImageEvaluateOptions):
        for name in reading:
            assert fields(kind)[name].metadata == fields(Reading)[name].metadata
    for kind in (Reading, ImageRecipe, ImageEvaluateOptions):
        with pytest.raises(UserError, match="size: 'huge' is no size"):
            kind(size="huge")
    assert all(field.metadata["group"] for name, field in fields(ImageRecipe).items() if name not in ("name", "about"))
    assert next(iter(ENTRY.presets)) == "images"
    assert ENTRY.options == {"evaluate": ImageEvaluateOptions, "sample": LatentSampleOptions}
