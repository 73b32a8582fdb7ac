"""Translation behind the door that every modality has: its form, previews, checks, and trouble that is noticed."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from translating import BATCH, SMALL, Known, a_game, bytes_of

from sparring.core.errors import UserError
from sparring.core.game import Step
from sparring.core.health import COLLAPSED, OVERFITTED
from sparring.core.monitor import CHECKED
from sparring.core.precision import choose
from sparring.data.source import Form
from sparring.images.reading.arrays import ImageArrays
from sparring.measurements import QuickMeasurements
from sparring.media.pictures.sheets import sheet, to_uint8
from sparring.modalities import RECIPES, modality_of, recipe_for
from sparring.options import EvaluateOptions
from sparring.translation.data import TranslationForm, TwoDomains
from sparring.translation.recipes import RECIPES as PRESETS
from sparring.translation.recipes import TranslationEvaluateOptions, TranslationOptions, TranslationRecipe
from sparring.translation.samples import strips

MODALITY = modality_of("translation")
CPU = torch.device("cpu")


def quiet(line: str) -> None:
    """Says nothing."""


def as_files(folder: Path, pictures: np.ndarray) -> Path:
    folder.mkdir(parents=True)
    for index, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{index:02}.png")
    return folder


def noise(count: int, side: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


# The form


def test_a_form_of_an_older_model_is_read_and_written_again() -> None:
    content = {"height": 16, "width": 20, "channels": 3, "labels": [], "counts": [40, 30], "upright": True}
    form = TranslationForm.from_dict(content)
    assert form == TranslationForm(height=16, width=20, channels=3, counts=(40, 30), upright=True)
    assert form.to_dict() == content
    assert form.described() == "40 pictures in A and 30 in B, 16x20, 3 channels"


@pytest.mark.parametrize(
    ("other", "part"),
    [
        ({"height": 24}, "24x20 instead of 16x20"),
        ({"channels": 1}, "channels 1 instead of 3"),
        ({"counts": (1, 2)}, ""),
        ({"upright": False}, ""),
    ],
)
def test_forms_differ_by_size_and_channels_alone(other: dict[str, Any], part: str) -> None:
    form = {"height": 16, "width": 20, "channels": 3, "counts": (40, 30), "upright": True}
    difference = TranslationForm(**form).differs(TranslationForm(**{**form, **other}))
    assert (part in difference) if part else difference == ""


def test_data_are_opened_in_the_form_of_a_model(tmp_path: Path) -> None:
    for seed, name in enumerate("AB"):
        as_files(tmp_path / name, noise(16, 30, seed))
    recipe = RECIPES["cyclegan"].changed({"data": str(tmp_path)})
    form = TranslationForm(height=16, width=24, channels=1, counts=(1, 1), upright=True)
    assert MODALITY.open_source(recipe).batch(np.arange(2))["a"].shape == (2, 3, 32, 32)
    assert MODALITY.open_source(recipe, form).batch(np.arange(2))["a"].shape == (2, 1, 16, 24)


# The entry


def test_two_domains_in_a_folder_or_in_two_are_trained_by_the_first_preset(tmp_path: Path) -> None:
    assert next(iter(PRESETS)) == "cyclegan"
    for name in ("trainA", "trainB"):
        as_files(tmp_path / name, noise(3))
    paths = [str(tmp_path / name) for name in ("trainA", "trainB")]
    for data in ([str(tmp_path)], paths):
        recipe = recipe_for(data)
        assert isinstance(recipe, TranslationRecipe)
        assert (recipe.name, recipe.data, recipe.data_b) == ("cyclegan", data[0], (*data, "")[1])


def test_settings_that_another_has_no_effect_with_are_refused_whatever_they_inherit() -> None:
    assert TranslationRecipe.renamed["keep"] == "keep_checkpoints"
    with pytest.raises(UserError, match="size: '3' is no size"):
        RECIPES["cyclegan"].changed({"size": "3"})
    with pytest.raises(UserError, match="label_smoothing"):
        RECIPES["cyclegan"].changed({"objective": "hinge", "label_smoothing": 0.1})


@pytest.mark.parametrize(("options", "old"), [(TranslationOptions, "at"), (TranslationEvaluateOptions, "film")])
def test_options_have_bounds_and_remember_old_names(options: Any, old: str, mistake: Callable[..., str]) -> None:
    assert old in options.renamed
    assert options.renamed[old] in vars(options())
    assert "resize: -1 is too small" in mistake(options().changed, {"resize": -1})


# What is shown


@pytest.mark.parametrize(("name", "pictures"), [("cyclegan", 3), ("cut", 2)])
def test_a_preview_is_a_sheet_of_strips(name: str, pictures: int) -> None:
    game = a_game(name)
    networks = {player: its.network for player, its in game.players.items()}
    batch = {"a": bytes_of(20), "b": bytes_of(20, seed=1)}
    preview = MODALITY.preview(game, networks, batch, seed=0)
    shown = 6 if pictures == 3 else 16
    rows = strips(networks, [*game.outputs], batch, shown)
    assert rows.shape == (shown * len(game.outputs), 3, 16, 16 * pictures)
    assert (preview.media_type, preview.ending) == ("image/png", ".png")
    assert ("back" in preview.caption) == (pictures == 3)
    columns = MODALITY.columns(game, game.form)
    both = ["input A", "as B", "back to A", "input B", "as A", "back to B"]
    assert columns == (both if pictures == 3 else ["input A", "as B"] * 4)
    order = [row for pair in zip(range(6), range(6, 12), strict=True) for row in pair] if pictures == 3 else range(16)
    cells = torch.cat([picture for row in order for picture in rows[row : row + 1].split(16, 3)])
    with Image.open(io.BytesIO(preview.data)) as drawn:
        np.testing.assert_array_equal(np.asarray(drawn), np.asarray(sheet(to_uint8(cells), columns=len(columns))))


def test_translations_are_compared_as_bytes() -> None:
    pictures = bytes_of(4)
    assert torch.equal(MODALITY.comparable(pictures.float() / 127.5 - 1), pictures)
    features = MODALITY.quick_features(pictures, CPU)
    assert features(pictures).shape[0] == 4


def test_samples_are_written_as_pictures_are(tmp_path: Path) -> None:
    pictures = bytes_of(4)
    written = MODALITY.write(
        pictures.float() / 127.5 - 1, tmp_path / "x.npy", form=Form(), labels=None, note={}, options={}, overwrite=False
    )
    np.testing.assert_array_equal(np.load(written[0]), pictures.permute(0, 2, 3, 1))


# Verbs


def test_what_is_in_both_domains_is_told_and_shown(tmp_path: Path) -> None:
    dark, light = noise(40) // 4, 255 - noise(24, 20) // 4
    as_files(tmp_path / "A", np.concatenate([dark, dark[:3]]))
    as_files(tmp_path / "B", light)
    Image.fromarray(light[0][:18]).save(tmp_path / "B" / "odd.png")
    (tmp_path / "B" / "broken.png").write_bytes(b"no picture")
    recipe = RECIPES["cyclegan"].changed({"data": str(tmp_path), "size": "16"})
    summary = MODALITY.check(recipe, quiet)
    facts = summary.facts
    a, b = facts["domains"]["a"], facts["domains"]["b"]
    assert (a["good"], a["duplicates"], a["bad"], a["sizes"]) == (43, 3, [], {"16x16": 43})
    assert (b["good"], b["duplicates"], b["sizes"]) == (25, 0, {"20x20": 24, "18x20": 1})
    assert [Path(bad["path"]).name for bad in b["bad"]] == ["broken.png"]
    assert (facts["good"], facts["duplicates"], facts["bad"]) == (68, 3, b["bad"])
    assert facts["form"]["counts"] == [43, 25]
    text = "\n".join(summary.lines)
    assert "domain A" in text
    assert "43 good pictures, 0 bad files, 3 duplicates; sizes found: 16x16 (43)" in text
    assert "broken.png" in text
    assert "trained as 16x16 with 3 channels, in memory" in text

    assert summary.preview is not None
    with Image.open(io.BytesIO(summary.preview.data)) as image:
        sheet = np.asarray(image)
    border = len(sheet) * 4 // 7  # four rows of A above three of B
    assert (sheet[: border - 8] < 64).mean() > 0.8  # but for the gaps
    assert sheet[border + 8 :].min() >= 170


def test_streamed_files_that_turn_out_bad_are_told(tmp_path: Path) -> None:
    for seed, name in enumerate("AB"):
        as_files(tmp_path / name, noise(20, 16, seed))
    whole = (tmp_path / "A" / "03.png").read_bytes()
    (tmp_path / "A" / "03.png").write_bytes(whole[: len(whole) // 2])
    recipe = RECIPES["cyclegan"].changed({"data": str(tmp_path), "cache_mb": 0})
    facts = MODALITY.check(recipe, quiet).facts
    assert (facts["domains"]["a"]["good"], facts["domains"]["a"]["duplicates"]) == (19, 0)
    assert [Path(bad["path"]).name for bad in facts["bad"]] == ["03.png"]
    assert not facts["in_memory"]


def test_data_that_cannot_be_had_are_refused_as_training_would(tmp_path: Path, mistake: Callable[..., str]) -> None:
    as_files(tmp_path / "A", noise(20))
    recipe = RECIPES["cyclegan"].changed({"data": str(tmp_path)})
    assert "no pair of folders" in mistake(MODALITY.check, recipe, quiet)


def test_the_size_of_videos_has_no_effect_without_any(mistake: Callable[..., str]) -> None:
    model: Any = SimpleNamespace()
    assert "resize: has no effect" in mistake(MODALITY.evaluate, model, TranslationEvaluateOptions(resize=8), quiet)
    assert issubclass(TranslationEvaluateOptions, EvaluateOptions)


# Trouble that is noticed


def measured(game: Any, pictures: int = 120, held_out: int = 32) -> tuple[QuickMeasurements, TwoDomains]:
    """What is measured of a game on two domains of noise, of which the last ones are held out."""
    recipe = RECIPES["cyclegan"].changed({**SMALL, "held_out": 0})
    a, b = (ImageArrays((noise(pictures, 16, seed), None), recipe) for seed in (1, 2))
    source = TwoDomains("noise", a, b, recipe)
    indices = np.arange(pictures)
    members, kept = indices[:-held_out], indices[-held_out:]
    return QuickMeasurements(MODALITY, game, source, members, kept, 0, choose("float32", CPU, [])), source


def known(game: Any, **changes: Callable[[Tensor], Tensor]) -> dict[str, Any]:
    """The networks of a game, its translators known."""
    for direction, change in changes.items():
        game.translators[direction] = Known(change)
    return {name: player.network for name, player in game.players.items()}


def same(pictures: Tensor) -> Tensor:
    return pictures


def constant(pictures: Tensor) -> Tensor:
    return torch.zeros_like(pictures)


@torch.no_grad()
def health_of(game: Any, networks: dict[str, Any], recent: int = BATCH) -> dict[str, float]:
    quick, source = measured(game)
    return quick.health(networks, source.batch(np.arange(recent)), CHECKED)


def test_translators_that_change_nothing_are_as_varied_as_the_data() -> None:
    game = a_game()
    assert health_of(game, known(game, a2b=same, b2a=same))["diversity"] == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("collapsed", [("a2b", "b2a"), ("a2b",), ("b2a",)])
def test_collapse_in_one_direction_is_collapse(collapsed: tuple[str, ...]) -> None:
    game = a_game()
    changes = {direction: constant if direction in collapsed else same for direction in ("a2b", "b2a")}
    assert health_of(game, known(game, **changes))["diversity"] < COLLAPSED


def test_everything_is_measured_of_each_direction_and_of_both() -> None:
    game = a_game()
    quick, source = measured(game)
    networks = known(game, a2b=same, b2a=constant)
    with torch.no_grad():
        everything = quick.everything(networks, source.batch(np.arange(BATCH)))
    for name in ("kernel", "sliced"):
        assert everything[f"{name} a2b"] < everything[f"{name} b2a"]
        assert everything[name] == pytest.approx((everything[f"{name} a2b"] + everything[f"{name} b2a"]) / 2)
    assert everything["diversity"] < COLLAPSED


def trained_alone(change: Callable[[Tensor], Tensor], few: int = 8) -> dict[str, float]:
    """The health of a game whose discriminators were trained alone on ``few`` pictures, its translators known."""
    game = a_game(objective="least-squares", width=16, pool=0)
    networks = known(game, a2b=change, b2a=change)
    quick, source = measured(game)
    batch = source.batch(np.arange(few))
    for number in range(100):
        step = Step([batch], examples_seen=0, seed=number, global_batch=few, part=slice(0, few), device=CPU)
        next(game.turns(step)).loss().backward()
        game.players["discriminator"].move(1e-3, (0.5, 0.999))
        game.players["discriminator"].optimizer.zero_grad(set_to_none=True)
    with torch.no_grad():
        return quick.health(networks, batch, CHECKED)


def test_discriminators_that_know_a_few_pictures_by_heart_are_overfitted() -> None:
    """Both domains are noise and nothing is translated, so that there is nothing else to learn."""
    health = trained_alone(same)
    assert health["overfitting"] > OVERFITTED
    assert health["diversity"] > COLLAPSED


def test_discriminators_that_learned_what_is_real_are_not_overfitted_by_as_few() -> None:
    assert trained_alone(constant)["overfitting"] < 0.3
