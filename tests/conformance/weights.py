"""The weights that every recipe has after 20 steps from seed 0, as hashes: changes of the code must not change them.

    python tests/conformance/weights.py             print the hashes of this machine as JSON
    python tests/conformance/weights.py --write     keep them in weights.json, beside those of other machines

Bits differ between processors and versions of torch, so the list is kept by both. The arithmetic is that of any CPU
with AVX2, on one thread.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any

LIST = Path(__file__).with_name("weights.json")
ARITHMETIC = {
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_CBWR": "COMPATIBLE",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
STEPS = 20
# Beside every recipe at its smallest: what happens only by a measurement, or by a look at the training's means.
MORE: dict[str, tuple[str, dict[str, Any]]] = {
    "adaptive augmentation": ("images", {"augment": "ada", "mirror": True}),
    "complex sounds": ("audio", {"representation": "complex", "augment": "ada"}),
    "measured text": ("topics", {"measure_every": 16, "held_out": 40}),
    "policy gradients": ("topics", {"estimator": "policy", "held_out": 40}),
}


def machine() -> str:
    """The processor and the version of torch."""
    import torch

    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    named = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    processor = " ".join(named.get(key, "") for key in ("model name", "cpu family", "model", "stepping"))
    return f"{processor.strip() or platform.processor()}, torch {torch.__version__}"


def hash_of(checkpoint: Path) -> str:
    """16 hexadecimal digits of all tensors of a checkpoint: weights, averages, moments and what the game remembers."""
    from safetensors.torch import load_file

    tensors = load_file(checkpoint)
    digest = sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def weights_of(name: str, settings: dict[str, Any], data: Path, out: Path) -> str:
    """The hash that a recipe at its smallest has after 20 steps."""
    from table import smallest

    from sparring.core.checkpoint import newest_first
    from sparring.verbs.train import train

    outcome = train(smallest(name, data, steps=STEPS, **settings), out=out)
    return hash_of(newest_first(outcome.run / "checkpoints")[0])


def all_weights() -> dict[str, str]:
    """The hashes of all recipes."""
    import torch
    from table import SMALLEST

    torch.set_num_threads(1)
    played = {**{name: (name, {}) for name in SMALLEST}, **MORE}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.mkdir()
        return {
            title: weights_of(name, settings, data, Path(folder) / title) for title, (name, settings) in played.items()
        }


if __name__ == "__main__":
    if any(os.environ.get(name) != value for name, value in ARITHMETIC.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ARITHMETIC})
    hashes = {machine(): all_weights()}
    if "--write" in sys.argv:
        kept = json.loads(LIST.read_text()) if LIST.exists() else {}
        LIST.write_text(json.dumps({**kept, **hashes}, indent=2) + "\n")
    print(json.dumps(hashes, indent=2))
