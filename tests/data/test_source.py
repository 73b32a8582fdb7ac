"""Forms: what an example looks like, kept in a model's config and held against other data."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError, dataclass
from typing import ClassVar, get_args

import pytest

from sparring.data.source import Form, types_of
from sparring.modalities import ENTRIES, modality_of


@dataclass(frozen=True, kw_only=True)
class CakeForm(Form):
    """So many layers, of these fillings."""

    renamed: ClassVar[Mapping[str, str]] = {"storeys": "layers"}

    layers: int
    glazed: bool = False
    fillings: tuple[str, ...] = ()


CAKE = CakeForm(layers=3, fillings=("plum", "nut"), labels=("tart", "pie"))


def test_a_form_comes_back_from_json() -> None:
    content = json.loads(json.dumps(CAKE.to_dict()))
    assert content == {"labels": ["tart", "pie"], "layers": 3, "glazed": False, "fillings": ["plum", "nut"]}
    assert CakeForm.from_dict(content) == CAKE
    assert hash(CakeForm.from_dict(content)) == hash(CAKE)
    with pytest.raises(FrozenInstanceError):
        CAKE.layers = 4  # type: ignore[misc]


def test_older_names_are_read_and_what_is_unknown_is_left_out() -> None:
    assert CakeForm.from_dict({"storeys": 2, "weight": 7}) == CakeForm(layers=2)


def test_a_field_that_is_missing_is_told(mistake: Callable[..., str]) -> None:
    assert "layers" in mistake(CakeForm.from_dict, {"labels": []})


@pytest.mark.parametrize(
    "wrong",
    [
        {"layers": True}, {"layers": 1.0}, {"layers": None}, {"layers": "3"}, {"layers": [3]}, {"layers": 10**5000},
        {"layers": 1 << 60}, {"glazed": 1}, {"glazed": "yes"}, {"fillings": "plum"}, {"fillings": [1]},
        {"fillings": [["plum"]]}, {"fillings": ["x" * 1001]}, {"fillings": ["plum"] * 100_001}, {"fillings": {"a": 1}},
        {"labels": ["pie", "pie"]}, {"labels": [None]}, {"labels": ["pie"] * 200_000},
    ],
)  # fmt: skip
def test_what_a_field_cannot_be_is_one_short_line(wrong: dict[str, object], mistake: Callable[..., str]) -> None:
    line = mistake(CakeForm.from_dict, {**CAKE.to_dict(), **wrong})
    assert line.startswith(f"form: {next(iter(wrong))}: ")
    assert len(line) < 300


@dataclass(frozen=True, kw_only=True)
class BoundForm(Form):
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"weight": (0.5, 3), "sides": (1, 9)}

    weight: float = 1.0
    sides: tuple[int, ...] = ()


@pytest.mark.parametrize("weight", [0.5, 1, 3.0])
def test_numbers_within_their_limits_are_taken(weight: float) -> None:
    assert BoundForm.from_dict({"weight": weight, "sides": [1, 9]}) == BoundForm(weight=weight, sides=(1, 9))


@pytest.mark.parametrize("weight", [0.49, 3.01, float("nan"), float("inf"), -float("inf"), 0, 10**400])
def test_numbers_beyond_their_limits_are_refused(weight: float, mistake: Callable[..., str]) -> None:
    assert "weight" in mistake(BoundForm.from_dict, {"weight": weight})
    assert "sides" in mistake(BoundForm.from_dict, {"sides": [3, 10]})
    assert "sides" in mistake(BoundForm, sides=(0,))


@pytest.mark.parametrize("kind", ENTRIES)
def test_every_number_of_every_form_has_limits(kind: str) -> None:
    form = modality_of(kind).form
    numbers = {name for name, typed in types_of(form).items() if {typed, *get_args(typed)} & {int, float}}
    assert numbers == form.limits.keys()


def test_a_form_in_words() -> None:
    """Whole numbers and how many labels: what a person wants to know before training."""
    assert CAKE.described() == "layers 3, 2 labels"
    assert CakeForm(layers=1).described() == "layers 1"
    assert Form().described() == ""


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (CAKE, ""),
        (CakeForm(layers=4, fillings=("plum", "nut"), labels=("tart", "pie")), "layers 4 instead of 3"),
        (CakeForm(layers=3, fillings=("plum", "nut")), "labels none instead of tart, pie"),
        (CakeForm(layers=3, labels=("tart", "pie")), "fillings none instead of plum, nut"),
        (
            CakeForm(layers=3, fillings=("nut", "plum"), labels=("tart", "pie")),
            "fillings nut, plum instead of plum, nut",
        ),
    ],
)
def test_how_another_form_differs(other: CakeForm, told: str) -> None:
    assert CAKE.differs(other) == told
