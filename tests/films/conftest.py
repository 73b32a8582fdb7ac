"""What the tests of films stand on."""

from __future__ import annotations

import pytest
from made_films import Maker, film_maker


@pytest.fixture(scope="session")
def make_film() -> Maker:
    """See :func:`made_films.film_maker`."""
    return film_maker()
