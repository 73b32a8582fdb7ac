"""In which number format the networks run: bfloat16 where the device gains from it, float32 elsewhere.

Never float16: its range cripples penalised games (Huang et al. 2024, appendix). Losses and penalties are
float32 everywhere (``core/objectives.py``, ``core/penalties.py``).
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from sparring.core.errors import UserError
from sparring.core.game import Batch

CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}
"""The memory format of weights that have so many dimensions; others have none to choose."""

KINDS = {
    "convolutions": ("Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"),
    "linear layers": ("Linear",),
    "recurrent layers": ("LSTM", "GRU", "RNN", "LSTMCell", "GRUCell", "RNNCell"),
    "attention layers": ("MultiheadAttention",),
}
"""The layers of ``torch.nn`` that are tried before a network that has them runs in bfloat16 on a CPU."""

LEAST_WEIGHTS = 16_384
"""Of the largest convolution, for a CPU to gain from bfloat16: with fewer, to convert numbers costs what units save."""


@dataclass(frozen=True)
class Precision:
    """The choice and why it was made."""

    device: torch.device
    dtype: torch.dtype
    channels_last: bool
    reason: str

    def on_device(self, batch: Batch) -> dict[str, Tensor]:
        """The batch, tensors of ``(rows, ...)``, where the networks are."""
        return {name: value.to(self.device, non_blocking=True) for name, value in batch.items()}

    def autocast(self) -> AbstractContextManager[None]:
        """The context in which forward passes run."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.dtype == torch.bfloat16)

    def place(self, network: nn.Module) -> nn.Module:
        """Move a network to the device, its convolutions in the memory format that the device is fast in."""
        network.to(self.device)
        for tensor in chain(network.parameters(), network.buffers()) if self.channels_last else ():
            if memory_format := CHANNELS_LAST.get(tensor.dim()):
                tensor.data = tensor.data.to(memory_format=memory_format)
        return network

    def warning(self) -> str:
        """What a person should know who asked for this; empty where nothing is wrong with it."""
        if self.dtype != torch.bfloat16 or self.device.type != "cpu" or bfloat16_units():
            return ""
        return (
            "precision: this CPU has no bfloat16 units and takes about ten times as long in bfloat16 as in float32; "
            "train with --precision float32 or auto"
        )

    def __str__(self) -> str:
        layout = ", channels last" if self.channels_last else ""
        return f"{str(self.dtype).removeprefix('torch.')} on {self.device.type} ({self.reason}){layout}"


def find_device(wanted: str, local_rank: int = 0) -> torch.device:
    """The device to train on. A GPU makes cuDNN deterministic in the whole process. Raises :class:`UserError` when the
    wanted device is not there."""
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
    torch.backends.cudnn.deterministic = True  # others of its algorithms add in any order: one seed, several results
    return torch.device("cuda", local_rank)


def choose(wanted: str, device: torch.device, networks: list[nn.Module]) -> Precision:
    """What to run ``networks`` in on ``device``: ``auto`` decides by what is known of it, the same every time.

    Convolutions are channels last on every CPU. Training steps of translators, whose norms keep the format, took 1 to
    17 % less time so than channels first: in bfloat16, in float32, and with AVX2 alone.

    Raises :class:`UserError` when bfloat16 is asked for and this CPU cannot run every layer in it.
    """
    largest = largest_convolution(networks)
    dtype, reason = known_gain(device, largest) if wanted == "auto" else (getattr(torch, wanted), "as asked")
    if dtype == torch.bfloat16 and device.type == "cpu" and (missing := lacking(networks)):
        dtype, reason = torch.float32, f"this CPU cannot run {missing} in bfloat16"
        if wanted != "auto":
            raise UserError(f"precision: {reason}; train with --precision float32 or auto, or on another device")
    return Precision(device, dtype, channels_last=largest > 0 and device.type != "mps", reason=reason)


# What is gained


def known_gain(device: torch.device, largest: int) -> tuple[torch.dtype, str]:
    """bfloat16 or float32 for networks whose largest convolution has so many weights, and the reason."""
    if device.type == "cuda":
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return torch.bfloat16, "this GPU has bfloat16 units"
        return torch.float32, "this GPU has no bfloat16 units"
    if device.type == "mps":
        return torch.float32, "bfloat16 is not faster here"
    if largest == 0:
        return torch.float32, "no convolutions, and what other layers gain from bfloat16 was not measured"
    if largest < LEAST_WEIGHTS:
        return torch.float32, "too small to gain from bfloat16"
    if units := bfloat16_units():
        return torch.bfloat16, f"this CPU has {units}"
    return torch.float32, "this CPU has no bfloat16 units"


def largest_convolution(networks: list[nn.Module]) -> int:
    """The most weights that any convolution has, 0 where there is none."""
    return max((layer.weight.numel() for layer in layers_of(networks) if isinstance(layer, _ConvNd)), default=0)


def layers_of(networks: list[nn.Module]) -> list[nn.Module]:
    """Every module of every network."""
    return [layer for network in networks for layer in network.modules()]


def bfloat16_units() -> str:
    """What this CPU computes bfloat16 with; empty when there is nothing, or oneDNN is kept from it."""
    amx, avx512 = torch.cpu._is_amx_tile_supported(), torch.cpu._is_avx512_bf16_supported()
    if not (amx or avx512) or not onednn_uses_bfloat16():
        return ""
    return "AMX" if amx else "AVX-512 bfloat16"


def onednn_uses_bfloat16() -> bool:
    """Whether oneDNN, which runs the layers, computes in bfloat16; ``ONEDNN_MAX_CPU_ISA`` can forbid it."""
    there = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return bool(there and torch.ops.mkldnn._is_mkldnn_bf16_supported())


# What is possible


def lacking(networks: list[nn.Module]) -> str:
    """The layers of ``networks`` that this CPU cannot run in bfloat16, such as ``recurrent layers (LSTM)``.

    Empty when it can run them all. Only layers of :data:`KINDS` are looked at; what is written out with functions,
    as the attention of texts is, comes down to matrix products, as linear layers do.
    """
    layers = layers_of(networks)
    found = []
    for kind, names in KINDS.items():
        present = [name for name in names if any(isinstance(layer, getattr(nn, name)) for layer in layers)]
        if missing := [name for name in present if not runs_in_bfloat16(name)]:
            found.append(f"{kind} ({', '.join(missing)})")
    return ", ".join(found)


@cache
def runs_in_bfloat16(name: str) -> bool:
    """Whether this CPU runs the layer ``name`` of :data:`KINDS` in bfloat16: a small one is tried once, there and back.

    The random numbers that follow are what they would have been without.
    """
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        layer, inputs = small(name)
        try:
            with torch.autocast("cpu", torch.bfloat16):
                outputs = layer(*inputs)
            first: Tensor = outputs[0] if isinstance(outputs, tuple) else outputs
            varied = [*inputs, *layer.parameters()]
            gradients = torch.autograd.grad(first.float().sum(), varied, materialize_grads=True)
        except RuntimeError:
            return False
    return all(bool(values.isfinite().all()) for values in (first, *gradients))


def small(name: str) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """A small layer ``name`` of :data:`KINDS`, and inputs ``(4, ...)`` that can be put into it."""
    make, inputs = getattr(nn, name), torch.ones(2, 3, 16, requires_grad=True)
    if name in KINDS["attention layers"]:
        return make(16, 2), (inputs, inputs, inputs)
    if name in KINDS["convolutions"]:
        sides = [3] * int(name[-2])
        return make(16, 16, 3), (torch.ones(2, 16, *sides, requires_grad=True),)
    return make(16, 16), (inputs[0] if name.endswith("Cell") else inputs,)
