"""Plays every recipe at its smallest into a folder: started by torchrun in test_games.py."""

import sys
from pathlib import Path

from table import SMALLEST, smallest

from sparring.core import processes
from sparring.verbs.train import train

if __name__ == "__main__":
    place = Path(sys.argv[1])
    with processes.distributed("cpu"):
        for name in SMALLEST:
            train(smallest(name, place / "data"), out=place / name)
