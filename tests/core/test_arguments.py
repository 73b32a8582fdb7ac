"""Options as a person types them: anywhere, with dashes or underscores, by the names that other tools have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from sparring.arguments import ANSWERS, read
from sparring.core.settings import Settings, fields, setting, settings
from sparring.modalities import ENTRIES
from sparring.options import SampleOptions, TrainOptions


@dataclass(frozen=True, kw_only=True)
class Baking(Settings):
    """One option of each kind."""

    renamed: ClassVar[Mapping[str, str]] = {"oven": "degrees", "crisp": "fan"}

    degrees: int = setting(200, "how hot")
    learning_rate: float = setting(0.1, "how fast one learns")
    fan: bool = setting(True, "on or off")
    fruit: tuple[str, ...] = setting((), "what else is in it")
    out: str = setting("", "where it goes")


def values(*words: str) -> dict[str, Any]:
    return read("bake", words, [Baking]).values


@pytest.mark.parametrize(
    ("words", "typed"),
    [
        (["--degrees", "180"], {"degrees": "180"}),
        (["--degrees=180"], {"degrees": "180"}),
        (["--learning-rate", "1e-3"], {"learning_rate": "1e-3"}),
        (["--learning_rate", "1e-3"], {"learning_rate": "1e-3"}),
        (["--learning_rate=1e-3"], {"learning_rate": "1e-3"}),
        (["--degrees", "-5"], {"degrees": "-5"}),
        (["--out="], {"out": ""}),
        (["--out", "a=b"], {"out": "a=b"}),
        (["--out=a=b"], {"out": "a=b"}),
        (["--degrees", "1", "--degrees", "2"], {"degrees": "2"}),  # the last one counts
        (["--fruit", "plum", "nut", "--out", "x"], {"fruit": ["plum", "nut"], "out": "x"}),
        (["--fruit", "plum", "--fruit", "nut"], {"fruit": ["plum", "nut"]}),
        (["--fruit=plum"], {"fruit": ["plum"]}),
        ([], {}),
    ],
)
def test_options_are_read_as_text(words: list[str], typed: dict[str, Any]) -> None:
    assert values(*words) == typed


@pytest.mark.parametrize(
    ("words", "fan"),
    [
        (["--fan"], True),
        (["--no-fan"], False),
        (["--no_fan"], False),
        (["--fan", "no"], False),
        (["--fan", "YES"], True),
        (["--fan=off"], False),
        (["--fan=1"], True),
        (["--fan", "--degrees", "180"], True),
    ],
)
def test_yes_and_no(words: list[str], fan: bool) -> None:
    assert Baking(fan=not fan).changed(values(*words)).fan is fan


def test_a_flag_does_not_swallow_the_word_after_it() -> None:
    """``sparring train --mirror digits`` trains digits."""
    typed = read("bake", ["--fan", "bread", "--no-fan", "pie"], [Baking])
    assert typed.words == ["bread", "pie"]


def test_words_stand_anywhere_among_options() -> None:
    typed = read("bake", ["bread", "--degrees", "180", "pie", "--json", "tart"], [Baking])
    assert (typed.words, typed.values, typed.json, typed.help) == (
        ["bread", "pie", "tart"],
        {"degrees": "180"},
        True,
        "",
    )


@pytest.mark.parametrize(
    ("word", "asked"), [("-h", "--help"), ("--help", "--help"), ("--help-all", "--help-all"), ("x", "")]
)
def test_help_is_a_wish_and_no_mistake(word: str, asked: str) -> None:
    assert read("bake", [word, "--degrees", "1"], [Baking]).help == asked


# Other names


def test_a_name_that_an_option_had_is_read_and_one_line_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert values("--oven", "180") == {"degrees": "180"}
    assert capsys.readouterr().err == "sparring: --oven is now called --degrees\n"
    assert values("--degrees", "180") == {"degrees": "180"}
    assert Baking().changed(values("--no-crisp")).fan is False
    assert capsys.readouterr().err == "sparring: --no-crisp is now called --no-fan\n"


@pytest.mark.parametrize(
    ("words", "typed"),
    [
        (["--lr", "1e-3"], {"learning_rate": "1e-3"}),
        (["--batch-size", "32"], {"batch": "32"}),
        (["--batch_size=32"], {"batch": "32"}),
        (["--outdir", "x"], {"out": "x"}),
        (["--dataset", "x"], {"data": ["x"]}),
    ],
)
def test_names_that_people_bring_from_other_tools(
    words: list[str], typed: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    kinds = [TrainOptions, *(entry.recipe for entry in ENTRIES.values())]  # of two the first one counts
    assert read("train", words, kinds).values == typed
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("words", [["-n", "5"], ["-n5"], ["-n=5"], ["--count", "5"], ["--n", "5"]])
def test_how_many_samples(words: list[str]) -> None:
    assert read("sample", words, [SampleOptions]).values == {"count": "5"}


@pytest.mark.parametrize("name", ANSWERS)
def test_what_other_tools_have_and_we_do_not_is_answered(name: str, mistake: Callable[..., str]) -> None:
    kinds = [*(entry.recipe for entry in ENTRIES.values()), TrainOptions]
    for words in ([f"--{name}", "3"], [f"--{name}=3"]):
        assert mistake(read, "train", words, kinds) == f"--{name}: {ANSWERS[name]}"


@pytest.mark.parametrize("kind", ENTRIES)
def test_no_other_name_hides_a_setting(kind: str) -> None:
    """``--output`` is the run folder to other tools, and what bounds a generator to the recipes of pictures."""
    recipe = ENTRIES[kind].recipe
    for name, field in fields(recipe).items():
        if field.type is not bool:
            assert read("train", [f"--{name}", "x"], [recipe, TrainOptions]).values.keys() == {name}


# Mistakes


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--degres", "180"], "unknown option '--degres'; did you mean '--degrees'?"),
        (["--degres=180"], "unknown option '--degres'; did you mean '--degrees'?"),
        (["--zzzzzz"], "unknown option '--zzzzzz'; see 'sparring bake --help'"),
        (["--no-degrees"], "unknown option '--no-degrees'"),
        (["--degrees"], "--degrees: needs a value"),
        (["--degrees", "--fan"], "--degrees: needs a value"),
        (["--fruit"], "--fruit: needs a value"),
        (["--fan=maybe"], "fan: 'maybe' is neither true nor false"),
        (["-x"], "unknown option '-x'"),
    ],
)
def test_a_mistyped_option_is_told_in_one_line(words: list[str], told: str, mistake: Callable[..., str]) -> None:
    assert mistake(lambda: Baking().changed(values(*words))).startswith(told)


def test_a_setting_of_another_kind_elsewhere_does_not_change_how_a_recipe_is_typed() -> None:
    """``--mirror`` stays a yes/no setting of pictures, whatever a modality further down the table calls so."""

    @settings
    class Strange(Settings):
        mirror: str = setting("none", "how to mirror", "data")

    kinds = [TrainOptions, ENTRIES["images"].recipe, Strange]
    typed = read("train", ["digits", "--mirror", "--steps", "3"], kinds)
    assert (typed.words, typed.values) == (["digits"], {"mirror": "yes", "steps": "3"})
