"""Plays every recipe at its smallest into a folder: started by torchrun in test_games.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from table import SMALLEST, smallest

from sparring.verbs.train import train

if __name__ == "__main__":
    place = Path(sys.argv[1])
    for name in SMALLEST:
        train(smallest(name, place / "data"), out=place / name)
