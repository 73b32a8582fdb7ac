"""The machine that a run is trained on, as its journal tells it: what decides how fast it is, and nothing that names
it."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import torch

from sparring.core.terminal import shortened


def described(device: torch.device) -> dict[str, str | int]:
    """Processor, cores, threads, the GPU where one is used, and the versions of Python, torch and the system."""
    gpu = {"gpu": torch.cuda.get_device_name(device)} if device.type == "cuda" else {}
    return {
        "cpu": shortened(processor()),
        "cores": cores(),
        "threads": torch.get_num_threads(),
        **gpu,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "system": platform.system(),
    }


def processor() -> str:
    """What the processor is called; its architecture where the system does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def cores() -> int:
    """How many of its cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
