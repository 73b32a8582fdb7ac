"""The typed keyword arguments are those that the settings declare."""

from __future__ import annotations

from typing import get_type_hints

import sparring
from conformance.keywords import MODULE, module
from sparring.core.settings import fields
from sparring.modalities import ENTRIES


def test_the_module_is_as_it_would_be_written_today() -> None:
    assert MODULE.read_text(encoding="utf-8") == module(), "python tests/conformance/keywords.py --write"


def test_every_setting_can_be_typed() -> None:
    known = get_type_hints(sparring.TrainSettings)
    for entry in ENTRIES.values():
        assert fields(entry.recipe).keys() - {"data", "data_b"} <= known.keys()
    assert known["batch"] == int | str
