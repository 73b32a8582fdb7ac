"""Recipes: what is read is what was written, and every mistake is one line that names the setting."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from sparring.core.adversarial_recipe import WITH_TARGETS
from sparring.core.recipe import FORMAT, Recipe, read_yaml
from sparring.core.schedules import Schedule, schedule
from sparring.core.settings import PATHS, Settings, duration, fields, nearest
from sparring.modalities import ENTRIES, RECIPES, find_recipe, from_dict
from sparring.options import VERBS, CheckOptions, TrainOptions

GRID = RECIPES["gaussians"]
NUMBERS = {int, float, Schedule}


def through_yaml(recipe: Recipe) -> Recipe:
    return from_dict(read_yaml(recipe.to_yaml(), "recipe.yaml"), "recipe.yaml")


# There and back


@pytest.mark.parametrize("name", RECIPES)
def test_every_shipped_recipe_comes_back_from_its_text(name: str) -> None:
    recipe = RECIPES[name]
    assert through_yaml(recipe) == recipe
    assert find_recipe(name) is recipe
    assert recipe.name == name
    assert recipe.about
    assert ENTRIES[recipe.kind].presets[name] is recipe
    assert type(recipe) is ENTRIES[recipe.kind].recipe
    json.dumps(recipe.to_dict(), allow_nan=False)  # and is plain JSON


@pytest.mark.parametrize("name", RECIPES)
def test_every_setting_comes_back_from_its_typed_text(name: str) -> None:
    typed = {key: str(value) for key, value in RECIPES[name].to_dict().items()}
    assert type(RECIPES[name])().changed(typed) == RECIPES[name]


def test_any_settings_come_back() -> None:
    draw = random.Random(0)
    for _ in range(40):
        recipe = GRID.changed(
            {
                "data": draw.choice(["a b", "ü/日本", "a: b", "no", "1", "x\ny", "back\\slash", "a\udcff"]),
                "learning_rate": f"{draw.random()}:{draw.random()}@{draw.randrange(10**9)}",
                "time": draw.choice([0.0, 1e-7, draw.random(), 3e8, "1h30m"]),
                "generator_first": draw.choice(["yes", False]),
                "discriminator_rate": draw.uniform(0.001, 100),
                "steps": draw.randrange(10**12),
            }
        )
        assert through_yaml(recipe) == recipe


def test_a_recipe_file_is_found_and_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        f"sparring: {FORMAT}\nkind: points\nname: mine\nbatch: 1k\ntime: 90\nr1: 1:0@2M\n", encoding="utf-8"
    )
    recipe = find_recipe(str(path))
    assert (recipe.name, recipe.batch, recipe.time) == ("mine", 1000, 90.0)
    assert recipe.to_dict()["r1"] == "1:0@2e+06"


def test_a_folder_of_pictures_is_the_default_recipe_on_it(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    assert find_recipe(str(tmp_path)) == RECIPES["images"].changed({"data": str(tmp_path)})


@pytest.mark.parametrize("word", ["no", "off", "false"])
def test_a_bare_no_in_yaml_is_the_choice_no(word: str) -> None:
    """YAML reads a bare ``no`` as false, which a text setting must take back."""
    assert (
        from_dict(read_yaml(f"sparring: 2\nkind: images\nlabelled: {word}\n", "f"), "f").to_dict()["labelled"] == "no"
    )


# What older versions wrote


def test_a_recipe_of_format_1_is_read_by_its_old_names_and_one_line_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    text = "sparring: 1\nkind: points\npace: 2\nclip: 0.5\nkeep: 7\nbatch: 16\n"
    recipe = from_dict(read_yaml(text, "old/recipe.yaml"), "old/recipe.yaml")
    changed = {"discriminator_rate": 2, "weight_clip": 0.5, "keep_checkpoints": 7, "batch": 16}
    assert recipe == ENTRIES["points"].recipe().changed(changed)
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "sparring: old/recipe.yaml is of format 1: pace is now called discriminator_rate, "
        "clip is now called weight_clip, keep is now called keep_checkpoints\n"
    )
    assert through_yaml(recipe) == recipe
    assert capsys.readouterr().err == ""  # written anew it is of this format


@pytest.mark.parametrize("kind", ENTRIES)
def test_every_old_name_leads_to_a_setting_and_is_none_itself(kind: str) -> None:
    recipe = ENTRIES[kind].recipe
    assert {"keep", "pace", "clip"} <= recipe.renamed.keys()
    assert set(recipe.renamed.values()) <= fields(recipe).keys() | {"n_critic"}  # which not every game has
    assert not recipe.renamed.keys() & fields(recipe).keys()


def test_a_mistake_in_a_recipe_of_format_1_is_told_by_its_present_name(mistake: Callable[..., str]) -> None:
    line = mistake(from_dict, read_yaml("sparring: 1\nkind: points\npace: 0\n", "r"), "r")
    assert line == "r: discriminator_rate: 0.0 must be more than 0"


# What every field declares


@pytest.mark.parametrize("kind", ENTRIES)
def test_every_field_is_declared_with_help_and_a_valid_default(kind: str) -> None:
    for name, field in fields(ENTRIES[kind].recipe).items():
        assert field.metadata["help"], name
        assert field.type in NUMBERS | {bool, str}, name
        limits = [field.metadata[limit] for limit in ("low", "above")]
        assert (field.type in NUMBERS) == any(limit is not None for limit in limits), f"{name}: no lower bound"
        assert name.isidentifier()
        assert "-" not in name


SETTINGS = dict.fromkeys(
    kind
    for entry in ENTRIES.values()
    for kind in (entry.recipe, *entry.options.values(), *VERBS.values(), TrainOptions, CheckOptions)
)  # each once, in the same order in every process
UNBOUNDED: dict[str, str] = {}  # "Class.field": the reason why a number has no upper bound


@pytest.mark.parametrize("kind", SETTINGS, ids=lambda kind: kind.__name__)
def test_every_number_of_every_setting_has_an_upper_bound(kind: type[Settings]) -> None:
    for name, field in fields(kind).items():
        if field.type in NUMBERS and f"{kind.__name__}.{name}" not in UNBOUNDED:
            assert field.metadata["high"] is not None, f"{kind.__name__}.{name}: no upper bound and no reason"


@pytest.mark.parametrize("kind", SETTINGS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(
    "value",
    [10**5000, "9" * 5000, "0x" + "f" * 5000, -(10**5000), "x" * 100_000, "a\0b", [[[1]]] * 1000, {"a": {"b": 1}}],
    ids=lambda value: type(value).__name__,
)
def test_absurd_values_of_every_setting_are_one_short_line(
    kind: type[Settings], value: object, mistake: Callable[..., str]
) -> None:
    for name, field in fields(kind).items():
        if field.type != PATHS:
            line = mistake(kind().changed, {name: value})
            assert line.startswith(f"{name}: ")
            assert len(line) < 400


@pytest.mark.parametrize(
    ("kind", "others"),
    [
        ("images", {"augment": "ada"}),
        ("images", {"network": "flow"}),
        ("points", {}),
        ("translation", {"method": "cycle"}),
        ("translation", {"method": "contrast"}),
    ],
)
def test_every_bound_holds_on_both_sides(kind: str, others: dict[str, str], mistake: Callable[..., str]) -> None:
    recipe = ENTRIES[kind].recipe(objective="non-saturating", **others)  # which allow every stabiliser
    for name, field in fields(type(recipe)).items():
        other, values = recipe.only_with.get(name, ("objective", (recipe.objective,)))
        if getattr(recipe, other) not in values:
            continue  # has no effect with these others, and is refused whatever its value
        low, high, above = (field.metadata[limit] for limit in ("low", "high", "above"))
        wrong = [low - 1] if low is not None else [above, above - 1] if above is not None else []
        wrong += [high + 1] if high is not None else []
        for value in wrong:
            assert mistake(recipe.changed, {name: value}).startswith(f"{name}: ")
            if field.type is Schedule:
                inside = high if value == low or low is None else low
                mistake(recipe.changed, {name: f"{value}:{inside}@5"})
                mistake(recipe.changed, {name: f"{inside}:{value}@5"})
        for value in (low, high):
            if value is not None:
                changed = recipe.changed({name: value})
                assert getattr(changed, name) == (schedule(value) if field.type is Schedule else value)


# Mistakes


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("batch", "many", "batch: 'many' is not a number"),
        ("batch", "2.5", "'2.5' is not a whole number"),
        ("batch", True, "batch"),
        ("batch", None, "batch"),
        ("batch", 1, "batch: 1 is too small, the least is 2"),
        ("batch", "1M", "the most is 65536"),
        ("seed", 2**31, "the most is 2147483647"),
        ("seed", -1, "too small"),
        ("steps", "nan", "steps: 'nan' is not a number"),
        ("steps", "inf", "steps: 'inf' is not a number"),
        ("discriminator_rate", 0, "discriminator_rate: 0.0 must be more than 0"),
        ("discriminator_rate", [1], "discriminator_rate: "),
        ("generator_first", "maybe", "generator_first: 'maybe' is neither true nor false"),
        ("generator_first", 2, "neither true nor false"),
        ("r1", "1:2@3,cubic", "r1: '1:2@3,cubic' is no schedule"),
        ("r1", {"a": 1}, "is no schedule"),
        ("r1", "0:-1@5", "r1: 0:-1@5 is too small"),
        ("learning_rate", 0, "must be more than 0"),
        ("beta2", 1, "beta2: 1 is too large, the most is 0.9999"),
        ("time", "soon", "time: 'soon' is no length of time: write 90s"),
        ("time", "-5s", "time"),
        ("time", -5, "time"),
        ("time", -5.0, "time: -5.0 is too small"),
        ("objective", "wassertein", "did you mean 'wasserstein'?"),
        ("precision", "float16", "not one of auto, float32, bfloat16"),
        ("data", None, "data: None is not a text"),
        ("data", ["a"], "data: ['a'] is not a text"),
        ("batchsize", 3, "unknown setting 'batchsize' of recipe 'gaussians'; did you mean 'batch'?"),
        ("learning-rat", 3, "did you mean 'learning_rate'?"),
        ("zzz", 3, "unknown setting 'zzz' of recipe 'gaussians'"),
        (
            "label_noise",
            0.1,
            f"no meaning with objective relativistic, which knows no targets; use one of {WITH_TARGETS[0]}",
        ),
        ("label_smoothing", 0.1, "no meaning with objective relativistic"),
    ],
)
def test_a_wrong_setting_is_told_in_one_line(name: str, value: Any, told: str, mistake: Callable[..., str]) -> None:
    assert told in mistake(GRID.changed, {name: value})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not a recipe"),
        ("- 1", "not a recipe"),
        ("kind: images", "not a recipe"),
        ("sparring: 2", "not a recipe"),
        ("sparring: 3\nkind: images", "written in format 3, this Sparring reads 2 and older; upgrade it"),
        ("sparring: 0\nkind: images", "written in format 0, this Sparring reads 2 and older; upgrade it"),
        ("sparring: yes\nkind: images", "written in format True, this Sparring reads 2 and older; upgrade it"),
        ("sparring: 2\nkind: points\npace: 2", "unknown setting 'pace' of recipe 'points'"),
        ("sparring: 2\nkind: smells", "kind 'smells'"),
        ("sparring: 2\nkind: [images]", "kind"),
        ("sparring: 2\nkind: images\nbatch: x", "batch: 'x' is not a number"),
        (
            "sparring: 2\nkind: images\nbacth: 8",
            "unknown setting 'bacth' of recipe 'images'; did you mean 'batch'?",
        ),
        ("sparring: 2\nkind: images\n1: 2", "unknown setting '1'"),
        ("sparring: 2\nkind: images\ndata:", "data: None is not a text"),
        ("sparring: 2\nkind: images\nabout: 2024-13-45", "not a readable recipe"),
        ("sparring: 2\nkind: [", "not a readable recipe"),
        ("sparring: 2\nkind: " + "[" * 3000, "not a readable recipe"),
        ("\x00", "not a readable recipe"),
        ("sparring: 2\nkind: points\nabout: &x a\nname: *x\n", "line 3: anchors and aliases have no place"),
        ("a: &a [l, l]\nb: &b [*a, *a, *a]\nsparring: 2\nkind: points", "line 1: anchors and aliases"),
        ("sparring: 2\nkind: points\nname: *x", "anchors and aliases"),
        ("sparring: 2\nkind: points\n<<: {batch: 3}", "line 3: nested"),
        ("sparring: 2\nkind: points\n<<: x", "not a readable recipe"),
        ("sparring: 2\nkind: points\nname: !!str 3", "line 3: tags have no place"),
        ("!!omap {sparring: 2}", "line 1: tags have no place"),
        ("sparring: 2\nkind: points\nname: [[a]]", "line 3: nested"),
        ("sparring: 2\nkind: points\nname: [{a: b}]", "line 3: nested"),
        ("sparring: 2\nkind: points\nname:\n  a: b", "line 4: nested"),
        ("sparring: 2\nkind: " + "[" * 100_000, "nested"),
        ("sparring: 2\nkind: " + "{" * 100_000, "nested"),
        ("sparring: 2\nkind: points\nbatch: " + "9" * 5000, "line 3: a number of 5,000 digits"),
        ("sparring: 2\nkind: points\nbatch: 0x" + "f" * 5000, "line 3: a number of 5,002 digits"),
        ("sparring: 2\nkind: points\nbatch: 3\nbatch: 4", "a name is there twice"),
        ("sparring: 2\nkind: points\n? [a]\n: 3", "not a readable recipe"),
        ("sparring: 2\nkind: points\n---\nbatch: 4", "not a readable recipe"),
        ("sparring: 2\nkind: points\nbatch: [1, 2]", "batch: '[1, 2]' is not a number"),
        ('sparring: 2\nkind: points\ndata: "a\\0b"', "data: "),
        ("sparring: 2\nkind: points\ndata: " + "x" * 5000, "longer than 4,096 characters"),
        ("sparring: 2\nkind: points\n" + "y" * 900 + ": 3", "unknown setting 'yyyy"),
        ("!!python/object/apply:os.system [true]", "not a readable recipe"),
    ],
)
def test_a_damaged_recipe_file_is_named_in_one_line(text: str, told: str, mistake: Callable[..., str]) -> None:
    line = mistake(lambda: from_dict(read_yaml(text, "run/recipe.yaml"), "run/recipe.yaml"))
    assert line.startswith("run/recipe.yaml: ")
    assert told in line
    assert len(line) < 600


def test_aliases_are_refused_before_they_grow(mistake: Callable[..., str]) -> None:
    """299 bytes that would be five million characters in a message."""
    letters = "abcdefg"
    lines = [f"{letter}: &{letter} [{', '.join(['*' + before] * 9)}]" for before, letter in pairwise(letters)]
    text = "\n".join(["a: &a [lol]", *lines, "sparring: 2", "kind: points", "name: *g"])
    assert "line 1: anchors and aliases" in mistake(read_yaml, text, "r")


def test_a_recipe_file_is_bounded_and_regular(tmp_path: Path, mistake: Callable[..., str]) -> None:
    long, pipe, zero = (tmp_path / f"{name}.yaml" for name in ("long", "pipe", "zero"))
    long.write_text("sparring: 2\nkind: points\n" + "# " + "x" * (1 << 16))
    os.mkfifo(pipe)
    zero.symlink_to("/dev/zero")
    assert "long.yaml: cannot be read (larger than 65,536 bytes)" in mistake(find_recipe, str(long))
    assert "pipe.yaml: cannot be read (a named pipe, not a regular file)" in mistake(find_recipe, str(pipe))
    assert "zero.yaml: cannot be read (a device, not a regular file)" in mistake(find_recipe, str(zero))
    long.write_text("sparring: 2\nkind: points\n" + "# " + "x" * 60_000)
    assert find_recipe(str(long)) == ENTRIES["points"].recipe()


def test_what_is_neither_recipe_nor_data_is_told_in_one_line(tmp_path: Path, mistake: Callable[..., str]) -> None:
    assert "did you mean 'digits'?" in mistake(find_recipe, "digist")
    assert "sparring recipes" in mistake(find_recipe, "x" * 300)
    mistake(find_recipe, "x" * 300 + ".yaml")
    binary = tmp_path / "r.yaml"
    binary.write_bytes(b"\xff\xfe\xfa")
    assert "cannot be read" in mistake(find_recipe, str(binary))


def test_settings_of_a_kind_are_checked_together(mistake: Callable[..., str]) -> None:
    images = RECIPES["images"]
    assert "size" in mistake(images.changed, {"size": "0x8"})
    assert "widths" in mistake(images.changed, {"widths": "8,,8"})
    assert "conditional" in mistake(images.changed, {"conditional": True, "labelled": "no"})


# Small readers


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("10m", 600),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("2d", 172800),
        (90, 90),
        (0.5, 0.5),
        (1e-9, 1e-9),
    ],
)
def test_durations(text: str | float, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "10x", "1.2.3s", "1h 30m x", "-5m", "nan", None, True, "9" * 308 + "d"])
def test_what_is_no_duration(text: object, mistake: Callable[..., str]) -> None:
    assert re.search("is no length of time: write 90s|is not a number$", mistake(duration, text))


def test_the_nearest_name() -> None:
    assert nearest("relativstic", ["hinge", "relativistic"]) == "; did you mean 'relativistic'?"
    assert nearest("batch-size", ["batch_size"]) == "; did you mean 'batch_size'?"
    assert nearest("xyz", ["hinge", "relativistic"]) == ""


def test_changing_leaves_the_original_alone() -> None:
    before = GRID.to_dict()
    changed = GRID.changed({"batch": "1k", "r1": "1:0@2M", "generator_first": "on", "time": "2m"})
    assert (changed.batch, changed.time, changed.r1) == (1000, 120.0, Schedule(1, 0, 2e6))
    assert changed.generator_first is True
    assert GRID.to_dict() == before
    with pytest.raises(dataclasses.FrozenInstanceError):
        GRID.batch = 3  # type: ignore[misc]


def test_the_text_names_its_format_and_kind_first() -> None:
    assert list(yaml.safe_load(GRID.to_yaml()))[:2] == ["sparring", "kind"]


@pytest.mark.parametrize("module", ["sparring", "sparring.modalities", "sparring.cli"])
def test_torch_is_not_imported_before_a_verb_needs_it(module: str) -> None:
    code = f"import sys, {module}; print(*sorted({{'torch', 'numpy', 'PIL', 'sklearn'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_what_was_set_for_another_network_or_augmentation_is_forgotten() -> None:
    digits, cifar = RECIPES["digits"], RECIPES["r3gan-cifar10"]
    assert digits.width == 64 != digits.changed({"network": "tutorial"}).width
    assert digits.changed({"network": "lean"}).width == 64
    plain = cifar.changed({"augment": "none"})
    assert (cifar.augment_fixed, plain.augment_fixed) == (True, False)
    assert plain.widths == cifar.widths
