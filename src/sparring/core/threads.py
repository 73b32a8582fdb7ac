"""How the threads that torch computes with wait for each other."""

from __future__ import annotations

import os

POLICY = "OMP_WAIT_POLICY"


def let_threads_sleep() -> None:
    """Have OpenMP's threads sleep while they wait, unless the environment says how they should wait.

    They would turn in a loop otherwise, and take the cores from whatever else computes there: a second training, whose
    threads then are late, so that the first one's turn longer. Call this before torch is imported; it is heard by
    every OpenMP runtime, and those variables that only one of them knows still come first.
    """
    os.environ.setdefault(POLICY, "passive")
