"""What the tests of the core share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sparring.core.errors import UserError


@pytest.fixture
def mistake() -> Callable[..., str]:
    """``mistake(call, *arguments)``: the one line that a mistake of the caller's is answered with."""

    def line_of(call: Callable[..., Any], *arguments: Any, **named: Any) -> str:
        with pytest.raises(UserError) as caught:
            call(*arguments, **named)
        line = str(caught.value)
        assert line
        assert "\n" not in line
        return line

    return line_of
