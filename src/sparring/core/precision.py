"""In which number format the networks run: bfloat16 where the device gains from it, float32 elsewhere.

Never float16: its range cripples penalised games (Huang et al. 2024, appendix). Losses and penalties are
float32 everywhere (``core/objectives.py``, ``core/penalties.py``).
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import nn

from sparring.core.errors import UserError


@dataclass(frozen=True)
class Precision:
    """The choice and why it was made."""

    device: torch.device
    dtype: torch.dtype
    channels_last: bool
    reason: str

    def autocast(self) -> AbstractContextManager[None]:
        """The context in which forward passes run."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.dtype == torch.bfloat16)

    def place(self, network: nn.Module) -> nn.Module:
        """Move a network to the device, its convolutions in the memory format that the device is fast in."""
        memory_format = torch.channels_last if self.channels_last else torch.preserve_format
        return network.to(self.device, memory_format=memory_format)  # type: ignore[call-overload, no-any-return]

    def __str__(self) -> str:
        return f"{str(self.dtype).removeprefix('torch.')} on {self.device.type} ({self.reason})"


def find_device(wanted: str, local_rank: int = 0) -> torch.device:
    """The device to train on. Raises :class:`UserError` when the wanted one is not there."""
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        wanted = next(kind for kind in ("cuda", "mps", "cpu") if present[kind])
    if not present[wanted]:
        there = ", ".join(kind for kind, here in present.items() if here)
        raise UserError(f"device: this machine has no {wanted} that torch can use; choose one of: {there}")
    if wanted != "cuda":
        return torch.device(wanted)
    if local_rank >= torch.cuda.device_count():
        raise UserError(f"device: process {local_rank} finds {torch.cuda.device_count()} GPUs; start one process a GPU")
    return torch.device("cuda", local_rank)


def choose(wanted: str, device: torch.device, networks: list[nn.Module]) -> Precision:
    """What to run ``networks`` in on ``device``: ``auto`` decides by what is known of it, the same every time."""
    wide = widest_convolution(networks)
    dtype, reason = known_gain(device, wide) if wanted == "auto" else (getattr(torch, wanted), "as asked")
    return Precision(device, dtype, channels_last=wide > 0 and device.type != "mps", reason=reason)


def known_gain(device: torch.device, wide: int) -> tuple[torch.dtype, str]:
    """bfloat16 or float32, and the reason."""
    if device.type == "cuda":
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return torch.bfloat16, "this GPU has bfloat16 units"
        return torch.float32, "this GPU has no bfloat16 units"
    if device.type == "mps":
        return torch.float32, "bfloat16 is not faster here"
    if wide < 16:
        return torch.float32, "too small to gain from bfloat16"
    if torch.cpu._is_amx_tile_supported():
        return torch.bfloat16, "this CPU has AMX"
    if torch.cpu._is_avx512_bf16_supported():
        return torch.bfloat16, "this CPU has AVX-512 bfloat16"
    return torch.float32, "this CPU has no bfloat16 units"


def widest_convolution(networks: list[nn.Module]) -> int:
    """The most channels that any convolution puts out, 0 where there is none."""
    layers = [layer for network in networks for layer in network.modules()]
    return max(
        (layer.out_channels for layer in layers if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d)),
        default=0,
    )
