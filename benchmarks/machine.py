"""What a benchmark ran on, the table that it prints and the file that it leaves behind."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from PIL import Image

import sparring
from sparring.core.errors import UserError
from sparring.core.machine import cores, processor
from sparring.core.recipe import Recipe

RESULTS = Path(__file__).parent / "results"
CAPABILITIES = {
    "avx2": torch.cpu._is_avx2_supported,
    "avx512": torch.cpu._is_avx512_supported,
    "avx512_bf16": torch.cpu._is_avx512_bf16_supported,
    "amx": torch.cpu._is_amx_tile_supported,
}  # those that decide which kernels a CPU runs


def run(main: Callable[[], int | None]) -> None:
    """Run a benchmark and exit with its status. A mistake of the caller's, such as data that are not there, is one line
    on standard error and status 2."""
    try:
        sys.exit(main())
    except (UserError, OSError) as problem:
        print(f"{Path(sys.argv[0]).name}: {problem}", file=sys.stderr)
        sys.exit(2)


def facts() -> dict[str, Any]:
    """What a reader needs to know of this machine to compare it with another."""
    return {
        "cpu": processor(),
        "cores": cores(),
        "threads": torch.get_num_threads(),
        "capabilities": {name: supported() for name, supported in CAPABILITIES.items()},
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "driver": gpu_driver() if torch.cuda.is_available() else None,
        "load": os.getloadavg()[0],  # much above nothing at the start: the machine was not quiet
        "system": platform.platform(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "sparring": sparring.__version__,
    }


def settings(recipe: Recipe) -> dict[str, Any]:
    """A recipe's settings, with the name of a folder of data, and not where it lies on this machine."""
    return {**recipe.to_dict(), "data": Path(recipe.data).name}


def gpu_driver() -> str:
    """The versions of NVIDIA's driver and of the CUDA that torch was built for."""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    driver = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0]
    return f"{driver}, CUDA {torch.version.cuda}"


def described(machine: Mapping[str, Any]) -> str:
    """The machine in one line."""
    has = ", ".join(name for name, there in machine["capabilities"].items() if there) or "none of AVX2 to AMX"
    gpu = f", {machine['gpu']}" if machine["gpu"] else ""
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['threads']} threads ({has}){gpu}, "
        f"load {machine['load']:.1f} at the start, torch {machine['torch']}"
    )


def write(name: str, machine: Mapping[str, Any], *, quick: bool, seed: int, **content: Any) -> Path:
    """Write ``results/<name>.json`` and return its path; a quick run, which measures nothing, writes
    ``<name>-quick.json`` instead."""
    path = RESULTS / f"{name}{'-quick' if quick else ''}.json"
    head = {
        "benchmark": name,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "seed": seed,
        "machine": machine,
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({**head, **content}, indent=2) + "\n")
    print(f"\nwritten: {path}")
    return path


def draw(name: str, picture: Image.Image, *, quick: bool) -> None:
    """Write a picture of what was made, ``results/<name>.png``; a quick run writes none."""
    if not quick:
        RESULTS.mkdir(exist_ok=True)
        picture.save(RESULTS / f"{name}.png", optimize=True)


def show(rows: Sequence[Mapping[str, object]]) -> None:
    """Print rows as a table: names to the left, numbers to the right; what a row does not have stays empty."""
    names = list(dict.fromkeys(name for row in reversed(rows) for name in row))  # the first row may be of real examples
    texts = [names, *([str(row.get(name, "")) for name in names] for row in rows)]
    sizes = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for line in texts:
        first, *others = (f"{text:>{size}}" for text, size in zip(line, sizes, strict=True))
        print("  ".join([f"{first.strip():<{sizes[0]}}", *others]))
