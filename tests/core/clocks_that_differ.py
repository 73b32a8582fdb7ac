"""A run in two processes, one of whose clocks is behind, and one of which alone writes: started twice by
test_processes.py, prints how it ended."""

import os
import sys

from sparring.core import pacing
from sparring.core.pacing import Timer
from sparring.verbs.train import train

if __name__ == "__main__":
    on_time = Timer.seconds
    behind = 0.05 * float(os.environ["RANK"])
    Timer.seconds = lambda timer: max(0.0, on_time(timer) - behind)  # type: ignore[method-assign]
    pacing.WORTH = 5  # so that checkpoints come due by what they cost, several times in this short run
    small = {"width": 8, "batch": 8, "held_out": 0, "device": "cpu", "precision": "float32"}
    outcome = train("gaussians", out=sys.argv[1], time=0.8, checkpoint_every=0.2, keep_checkpoints=9, **small)
    print(outcome.reason)
