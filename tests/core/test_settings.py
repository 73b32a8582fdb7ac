"""Settings: declared once, read from what a person types, and told back as a person would type it."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable
from dataclasses import Field, dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from sparring import options
from sparring.core import settings as module
from sparring.core.errors import UserError
from sparring.core.recipe import Recipe
from sparring.core.schedules import Schedule, schedule
from sparring.core.settings import (
    GROUPS,
    PATHS,
    TYPES,
    Settings,
    as_typed,
    check_range,
    duration,
    fields,
    plain,
    read_value,
    setting,
    with_present_names,
)
from sparring.modalities import ENTRIES, RECIPES
from sparring.options import EvaluateOptions, SampleOptions, ScoreOptions, TranslateOptions

VERBS = [each for _, each in inspect.getmembers(options, inspect.isclass) if issubclass(each, Settings)]
OWN = [kind for entry in ENTRIES.values() for kind in entry.options.values()]
OPTIONS = {kind.__name__: kind for kind in (*VERBS, *OWN) if kind is not Settings}
CLASSES = {**OPTIONS, **{entry.recipe.__name__: entry.recipe for entry in ENTRIES.values()}}
TIME = setting(0.0, "so long", "budget", low=0, unit="time")


@dataclass(frozen=True, kw_only=True)
class Baking(Settings):
    """One setting of each type."""

    only_with: ClassVar[dict[str, tuple[str, tuple[str, ...]]]] = {"glaze": ("cake", ("tart", "pie"))}
    renamed: ClassVar[dict[str, str]] = {"oven": "degrees", "gateau": "cake"}

    cake: str = setting("tart", "what", "data", choices=("tart", "pie", "bread"), aliases={"loaf": "bread"})
    glaze: str = setting("", "on top")
    degrees: int = setting(200, "how hot", "machine", low=50, high=300)
    salt: float = setting(0.5, "in grams", above=0)
    time: float = setting(600.0, "how long", "budget", low=0, unit="time")
    heat: Schedule = setting(schedule(1.0), "of the fan", low=0, high=1)
    fan: bool = setting(True, "on or off")
    fruit: tuple[str, ...] = setting((), "what else is in it", "data")


def field_of(settings: type[Settings], name: str) -> Field[Any]:
    return fields(settings)[name]


# What every class declares


@pytest.mark.parametrize("kind", CLASSES.values(), ids=list(CLASSES))
def test_every_field_has_a_heading_and_help(kind: type[Settings]) -> None:
    for name, field in fields(kind).items():
        group = field.metadata["group"]
        assert field.metadata["help"], name
        if name in ("name", "about"):
            assert group == ""
        elif issubclass(kind, Recipe):
            assert group in GROUPS, name
        else:
            assert group in (*GROUPS, ""), name


@pytest.mark.parametrize("kind", [entry.recipe for entry in ENTRIES.values()], ids=list(ENTRIES))
def test_about_a_dozen_settings_of_a_recipe_are_those_that_people_change_first(kind: type[Recipe]) -> None:
    common = {name for name, field in fields(kind).items() if field.metadata["common"]}
    assert {"data", "time", "steps", "batch", "learning_rate", "seed", "device"} <= common
    assert len(common) <= 17


@pytest.mark.parametrize("kind", CLASSES.values(), ids=list(CLASSES))
def test_every_field_has_the_type_that_its_annotation_names(kind: type[Settings]) -> None:
    """Each annotation is a word of the table, so that no module of types must be read for ``--help``."""
    for parent in kind.__mro__:
        for name, annotation in vars(parent).get("__annotations__", {}).items():
            if name in fields(kind) and parent is next(each for each in kind.__mro__ if name in vars(each)):
                assert annotation in TYPES, f"{parent.__name__}.{name}"
                assert field_of(kind, name).type == TYPES[annotation], name
                assert isinstance(
                    field_of(kind, name).default, {PATHS: tuple}.get(TYPES[annotation], TYPES[annotation])
                )


def test_types_are_resolved_once_and_without_evaluating_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("annotations were evaluated")

    monkeypatch.setattr(module, "get_type_hints", refuse)

    @dataclass(frozen=True, kw_only=True)
    class Fresh(Baking):
        spoons: int = setting(2, "of sugar")

    table = fields(Fresh)
    assert fields(Fresh) is table
    assert {name: field.type for name, field in table.items()} == {
        "cake": str, "glaze": str, "degrees": int, "salt": float, "time": float, "heat": Schedule, "fan": bool,
        "fruit": PATHS, "spoons": int,
    }  # fmt: skip


@pytest.mark.parametrize("kind", CLASSES.values(), ids=list(CLASSES))
def test_aliases_and_old_names_lead_somewhere_and_hide_nothing(kind: type[Settings]) -> None:
    for name, field in fields(kind).items():
        choices = field.metadata["choices"]
        assert set(field.metadata["aliases"].values()) <= set(choices), name
        assert not set(field.metadata["aliases"]) & set(choices), name
    assert not kind.renamed.keys() & fields(kind).keys()


@pytest.mark.parametrize("kind", CLASSES.values(), ids=list(CLASSES))
def test_every_default_comes_back_as_it_is_typed(kind: type[Settings]) -> None:
    for name, field in fields(kind).items():
        if field.type != PATHS:
            assert read_value(name, as_typed(field.default, field.metadata["unit"]), field) == field.default, name


@pytest.mark.parametrize("name", RECIPES)
def test_every_value_of_a_recipe_comes_back_as_it_is_typed(name: str) -> None:
    recipe = RECIPES[name]
    typed = {key: as_typed(getattr(recipe, key), field.metadata["unit"]) for key, field in fields(type(recipe)).items()}
    assert type(recipe)().changed(typed) == recipe


# As people type


@pytest.mark.parametrize(
    ("word", "objective"),
    [
        ("bce", "non-saturating"),
        ("nsgan", "non-saturating"),
        ("vanilla", "non-saturating"),
        ("lsgan", "least-squares"),
        ("mse", "least-squares"),
        ("wgan", "wasserstein"),
        ("rpgan", "relativistic"),
        ("hinge", "hinge"),
    ],
)
@pytest.mark.parametrize("recipe", ["gaussians", "text"])
def test_other_words_for_an_objective(recipe: str, word: str, objective: str) -> None:
    assert RECIPES[recipe].changed({"objective": word}).to_dict()["objective"] == objective


def test_an_alias_is_no_choice_of_its_own(mistake: Callable[..., str]) -> None:
    assert Baking().changed({"cake": "loaf"}).cake == "bread"
    assert mistake(Baking().changed, {"cake": "cake"}) == "cake: 'cake' is not one of tart, pie, bread"
    assert mistake(Baking, cake="loaf").startswith("cake: 'loaf' is not one of")  # where nobody types


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (600.0, "time", "10m"),
        (90.0, "time", "1m30s"),
        (45.0, "time", "45s"),
        (0.5, "time", "0.5s"),
        (5400.0, "time", "1h30m"),
        (172800.0, "time", "2d"),
        (90061.25, "time", "1d1h1m1.25s"),
        (0.0, "time", "0"),
        (600.0, "", "600"),
        (2e-4, "", "0.0002"),
        (0.1 + 0.2, "", "0.30000000000000004"),
        (50_000, "", "50000"),
        (True, "", "yes"),
        (False, "", "no"),
        ("relativistic", "", "relativistic"),
        ("", "", ""),
        (("a.png", "b.png"), "", "a.png b.png"),
        ((), "", ""),
        (schedule("1e-3:3e-5@2M"), "", "0.001:3e-05@2M"),
        (schedule("0.5"), "", "0.5"),
    ],
)
def test_values_are_told_as_one_would_type_them(value: Any, unit: str, text: str) -> None:
    assert as_typed(value, unit) == text


def test_any_duration_comes_back_as_it_is_typed() -> None:
    draw, field = random.Random(0), field_of(Baking, "time")
    lengths = [draw.random() * 10.0 ** draw.randint(-12, 15) for _ in range(2000)]
    lengths += [float(draw.randrange(10 ** draw.randint(1, 12))) for _ in range(500)]
    for seconds in lengths:
        typed = as_typed(seconds, "time")
        assert read_value("time", typed, field) == seconds, typed
        assert " " not in typed


@pytest.mark.parametrize(("text", "seconds"), [("1e-07s", 1e-7), ("2.5e+3", 2500), ("1e3m", 60_000), ("1E2s", 100)])
def test_durations_with_an_exponent(text: str, seconds: float) -> None:
    assert duration(text) == seconds


def test_any_number_and_any_word_come_back_as_they_are_typed() -> None:
    draw = random.Random(1)
    for _ in range(500):
        number = draw.uniform(0, 1) * 10.0 ** draw.randint(-30, 30)
        assert read_value("salt", as_typed(number), field_of(Baking, "salt")) == number
        whole = draw.randrange(10 ** draw.randint(1, 15))
        assert read_value("degrees", as_typed(whole), field_of(Baking, "degrees")) == whole
    for answer in (True, False):
        assert read_value("fan", as_typed(answer), field_of(Baking, "fan")) is answer


# Several texts


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("a b.png", ("a b.png",)),
        (["a", "b"], ("a", "b")),
        (("a", Path("b")), ("a", "b")),
        (Path("a/b"), ("a/b",)),
        ([], ()),
        ((), ()),
        (3, ("3",)),
        (iter(["a", "b"]), ("a", "b")),
    ],
)
def test_settings_of_several_texts(value: Any, read: tuple[str, ...]) -> None:
    assert Baking().changed({"fruit": value}).fruit == read


def test_several_texts_are_plain_lists_in_json() -> None:
    assert plain(("a", "b")) == ["a", "b"]
    baking = Baking().changed({"fruit": ["a", "b"]})
    assert baking.to_dict()["fruit"] == ["a", "b"]
    assert Baking().changed(baking.to_dict()) == baking


# Options of verbs


def test_options_are_changed_as_recipes_are(mistake: Callable[..., str]) -> None:
    typed = {"count": "2k", "seed": "7", "overwrite": "yes", "judge": "chain", "proposals": "2.5"}
    asked = SampleOptions().changed(typed)
    assert (asked.count, asked.seed, asked.overwrite, asked.proposals) == (2000, 7, True, 2.5)
    assert SampleOptions().count == 64
    assert EvaluateOptions().changed({"data": "a"}).data == ("a",)
    assert ScoreOptions().changed({"files": ["a", "b"]}).files == ("a", "b")
    assert TranslateOptions().changed({"inputs": ("a", Path("b"))}).inputs == ("a", "b")
    assert mistake(SampleOptions().changed, {"proposals": 2}).startswith("proposals: has no effect without a judge")
    assert mistake(SampleOptions().changed, {"count": 0}) == "count: 0 is too small, the least is 1"
    assert mistake(SampleOptions().changed, {"proposals": 2e6}).endswith("the most is 100000")
    assert mistake(SampleOptions().changed, {"device": "gpu"}).startswith("device: 'gpu' is not one of auto, cpu")
    assert mistake(SampleOptions().changed, {"cuont": 3}) == (
        "unknown setting 'cuont' of SampleOptions; did you mean 'count'?"
    )


@pytest.mark.parametrize("verb", ["sample", "evaluate", "score", "translate"])
def test_a_modalitys_options_of_a_verb_extend_the_usual_ones(verb: str) -> None:
    for entry in ENTRIES.values():
        kind = entry.options.get(verb, options.VERBS[verb])
        assert issubclass(kind, options.VERBS[verb])
        assert fields(kind).keys() >= fields(options.VERBS[verb]).keys()
    assert all(set(entry.options) <= set(options.VERBS) for entry in ENTRIES.values())


# What has an effect only with another


def test_what_has_no_effect_is_refused_and_forgotten_when_its_other_changes(mistake: Callable[..., str]) -> None:
    glazed = Baking().changed({"glaze": "sugar"})
    assert mistake(glazed.changed, {"cake": "bread", "glaze": "sugar"}) == (
        "glaze: has no effect with cake bread, only with tart and pie"
    )
    assert glazed.changed({"cake": "bread"}).glaze == ""
    assert glazed.changed({"cake": "loaf"}).glaze == ""  # by another word
    assert glazed.changed({"cake": "tart"}).glaze == "sugar"  # as it was
    assert glazed.changed({"cake": "pie"}).glaze == "sugar"
    assert glazed.changed({"degrees": 100}).glaze == "sugar"


# Old names


def test_old_names_are_replaced_and_one_line_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    old = {"oven": 180, "fan": False, "gateau": "pie"}
    new = {"degrees": 180, "fan": False, "cake": "pie"}
    assert with_present_names(Baking, old) == new
    assert capsys.readouterr().err == "sparring: oven is now called degrees, gateau is now called cake\n"
    assert with_present_names(Baking, old, "r.yaml is of format 1") == new
    assert capsys.readouterr().err == (
        "sparring: r.yaml is of format 1: oven is now called degrees, gateau is now called cake\n"
    )
    assert with_present_names(Baking, new, "r.yaml is of format 1") == new
    assert capsys.readouterr().err == "sparring: r.yaml is of format 1\n"
    assert with_present_names(Baking, new) == new
    assert with_present_names(Settings, {"oven": 180}) == {"oven": 180}
    assert capsys.readouterr() == ("", "")


def test_an_old_name_is_unknown_where_nobody_replaced_it(mistake: Callable[..., str]) -> None:
    assert mistake(Baking().changed, {"oven": 180}).startswith("unknown setting 'oven' of Baking")


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=list(ENTRIES))
def test_a_recipe_keeps_the_old_names_of_what_it_is_made_of(entry: Any) -> None:
    old = {name: new for parent in entry.recipe.__mro__ for name, new in vars(parent).get("renamed", {}).items()}
    assert entry.recipe.renamed == old


def test_a_group_that_there_is_not_is_refused_where_it_is_declared() -> None:
    with pytest.raises(ValueError, match="'networks' is no group of settings"):
        setting(1, "a number", "networks")


@pytest.mark.parametrize("kind", [*(entry.recipe for entry in ENTRIES.values()), *OPTIONS.values()])
def test_every_default_is_what_its_field_allows(kind: type[Settings]) -> None:
    """Only other values are checked when settings are made."""
    refused = []
    for name, field in fields(kind).items():
        try:
            check_range(name, field.default, field.metadata)
        except UserError as problem:
            refused.append(str(problem))
    assert refused == []
