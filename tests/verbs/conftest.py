"""Tests of verbs borrow made films and known translators from the tests of those."""

from __future__ import annotations

import sys
from pathlib import Path

for name in ("films", "translation"):
    sys.path.append(str(Path(__file__).parents[1] / name))
