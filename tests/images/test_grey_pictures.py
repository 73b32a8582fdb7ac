"""Greys stored as colour are trained on as greys, where nobody asked for channels; one colour keeps them all."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from sparring.core.errors import UserError
from sparring.images.data import ImageSource, open_in_form, open_source
from sparring.images.reading.values import spread
from sparring.images.recipes import RECIPES
from sparring.modalities import load
from sparring.translation.data import open_source as open_domains
from sparring.translation.recipes import RECIPES as TRANSLATION
from sparring.verbs.train import resume, train

GREYS = np.random.default_rng(0).integers(0, 256, (20, 16, 12), dtype=np.uint8)
SAID = "stored as colour, but grey in all 20: trained as grey (--channels 3 keeps three)"


def as_rgb(grey: np.ndarray) -> Image.Image:
    """Three equal channels."""
    return Image.fromarray(np.stack([grey] * 3, -1))


def in_palette(grey: np.ndarray) -> Image.Image:
    """A palette that could show colours, of which the greys are used."""
    image = Image.fromarray(grey // 2, "L").convert("P")
    image.putpalette([level for index in range(128) for level in [2 * index] * 3] + [255, 0, 0] * 128)
    return image


STORED: dict[str, tuple[str, Callable[[np.ndarray], Image.Image]]] = {
    "RGB": ("png", as_rgb),
    "RGBA": ("png", lambda grey: as_rgb(grey).convert("RGBA")),
    "JPEG": ("jpg", as_rgb),
    "WebP": ("webp", as_rgb),
    "CMYK": ("tif", lambda grey: as_rgb(grey).convert("CMYK")),
    "palette": ("png", in_palette),
}


def filled(folder: Path, ending: str = "png", make: Callable[[np.ndarray], Image.Image] = as_rgb) -> Path:
    """The greys as files."""
    folder.mkdir()
    for number, grey in enumerate(GREYS):
        make(grey).save(folder / f"{number:02}.{ending}")
    return folder


def opened(path: Path, **settings: object) -> ImageSource:
    """The pictures there."""
    return open_source(RECIPES["images"].changed({"data": str(path), **settings}))


def everything(source: ImageSource) -> torch.Tensor:
    """All pictures, ``(n, channels, height, width)``."""
    return source.batch(np.arange(len(source)))["images"]


def notes(source: object) -> list[str]:
    """What is said of them."""
    lines: list[str] = source.remarks()  # type: ignore[attr-defined]
    return lines


@pytest.mark.parametrize("size", ["auto", "9x7"])
@pytest.mark.parametrize("stored", STORED)
def test_greys_stored_as_colour_are_grey(tmp_path: Path, stored: str, size: str) -> None:
    folder = filled(tmp_path / "set", *STORED[stored])
    source = opened(folder, size=size)
    assert source.form.channels == 1
    assert notes(source) == [SAID]
    assert torch.equal(everything(source), everything(opened(folder, size=size, channels="1")))
    assert not source.survey.colour
    asked = opened(folder, size=size, channels="3")
    assert (asked.form.channels, notes(asked)) == (3, [])


@pytest.mark.parametrize("kind", ["RGB", "RGBA", "first"])
def test_arrays_of_equal_channels_are_grey(tmp_path: Path, kind: str) -> None:
    pictures = np.stack([np.asarray(as_rgb(grey).convert("RGB" if kind == "first" else kind)) for grey in GREYS])
    np.save(tmp_path / "set.npy", pictures.transpose(0, 3, 1, 2) if kind == "first" else pictures)
    source = opened(tmp_path / "set.npy")
    assert source.form.channels == 1
    assert notes(source) == [SAID]
    np.testing.assert_array_equal(everything(source)[:, 0].numpy(), GREYS)
    pictures[13, 3, 3, 0] ^= 128
    np.save(tmp_path / "set.npy", pictures)
    assert opened(tmp_path / "set.npy").form.channels == 3


@pytest.mark.parametrize("cache_mb", [64, 0])
def test_one_picture_with_a_little_colour_keeps_all_channels(tmp_path: Path, cache_mb: int) -> None:
    folder = filled(tmp_path / "set")
    pixels = np.stack([GREYS[17]] * 3, -1)
    pixels[5, 5] = (100, 100, 120)
    Image.fromarray(pixels).save(folder / "17.png")
    source = opened(folder, cache_mb=cache_mb)
    assert source.form.channels == 3
    assert notes(source) == []
    assert everything(source)[17, :, 5, 5].tolist() == [100, 100, 120]


def test_plain_greys_beside_such_greys_are_grey(tmp_path: Path) -> None:
    folder = filled(tmp_path / "set")
    Image.fromarray(GREYS[3]).save(folder / "03.png")
    assert opened(folder).form.channels == 1


def test_a_set_that_streams_is_judged_by_some_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has colour later is read as grey, and it is said how many were looked at."""
    folder = filled(tmp_path / "set")
    streamed = opened(folder, cache_mb=0)
    assert not streamed.in_memory
    assert streamed.form.channels == 1
    assert notes(streamed) == [SAID.replace("all 20", "20 looked at, of 20")]
    assert torch.equal(everything(streamed), everything(opened(folder)))
    monkeypatch.setattr(spread, "__defaults__", (12,))
    assert "12 looked at, of 20" in notes(opened(folder, cache_mb=0))[0]


def test_colour_behind_a_damaged_file_has_no_say(tmp_path: Path) -> None:
    folder = filled(tmp_path / "set")
    Image.new("RGB", (12, 16), "red").save(folder / "z.png")
    content = (folder / "z.png").read_bytes()
    (folder / "z.png").write_bytes(content[:-30])
    source = opened(folder)
    assert source.form.channels == 1
    assert len(source.bad_files) == 1


def test_transparency_that_is_kept_keeps_its_channels(tmp_path: Path) -> None:
    folder = filled(tmp_path / "set", "png", lambda grey: as_rgb(grey).convert("RGBA"))
    assert opened(folder, alpha="keep").form.channels == 4


def test_two_domains_are_grey_where_both_are(tmp_path: Path) -> None:
    filled(tmp_path / "A")
    filled(tmp_path / "B")
    source = open_domains(TRANSLATION["cyclegan"].changed({"data": str(tmp_path), "held_out": 0}))
    assert source.form.channels == 1
    assert source.remarks()[:2] == [f"domain A: {SAID}", f"domain B: {SAID}"]
    Image.new("RGB", (12, 16), "red").save(tmp_path / "B" / "z.png")
    assert open_domains(TRANSLATION["cyclegan"].changed({"data": str(tmp_path)})).form.channels == 3


SMALL = {"width": 4, "batch": 8, "steps": 2, "time": 0, "held_out": 0, "device": "cpu"}


def test_a_run_that_was_trained_in_colour_goes_on_in_colour(tmp_path: Path) -> None:
    """Runs from before greys were told apart have three channels and ``auto`` in their recipe."""
    data = filled(tmp_path / "set")
    run = train("images", data=data, out=tmp_path / "run", channels="3", **SMALL).run
    recipe = yaml.safe_load((run / "recipe.yaml").read_text())
    config = json.loads((run / "model/config.json").read_text())
    recipe["channels"] = config["recipe"]["channels"] = "auto"
    (run / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    (run / "model/config.json").write_text(json.dumps(config))

    assert load(run).recipe.channels == "3"
    source = open_in_form(load(run).recipe.changed({"data": str(data)}), load(run).form)  # type: ignore[arg-type]
    assert source.form.channels == 3
    assert resume(run, steps=4).steps == 4
    assert json.loads((run / "model/config.json").read_text())["form"]["channels"] == 3

    new = train("images", data=data, out=tmp_path / "new", **SMALL).run
    assert resume(new, steps=4).steps == 4
    assert json.loads((new / "model/config.json").read_text())["form"]["channels"] == 1
    for grey in range(20):
        Image.new("RGB", (12, 16), "red").save(data / f"{grey:02}.png")
    with pytest.raises(UserError, match="channels"):
        resume(new, steps=6)
