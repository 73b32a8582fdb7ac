"""Forms: what an example looks like, kept in a model's config and held against other data."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError, dataclass
from typing import ClassVar

import pytest

from sparring.data.source import Form


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
