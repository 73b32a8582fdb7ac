"""Weights in a model folder: what a file says that it holds is compared with what a game would build, before either
takes memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from sparring.core.errors import UserError
from sparring.core.game import Game
from sparring.core.reading import memory, open_regular, reason
from sparring.core.terminal import shortened

HEADER = 1 << 22  # bytes of a file that name its tensors: enough for tens of thousands
DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
    "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip


class Unfilled(TorchFunctionMode):
    """Inside, tensors are left unfilled where they would be drawn: what draws on the meta device takes a second to
    import."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = kwargs or {}
        if function in (Tensor.normal_, Tensor.uniform_) or getattr(function, "__module__", "") == nn.init.__name__:
            return args[0] if args else named["tensor"]
        return torch.empty(*args) if function in (torch.randn, torch.rand) else function(*args, **named)


def planned(build: Callable[[], Game]) -> dict[str, Tensor]:
    """The tensors ``(...)`` of the players of the game that ``build`` makes, by ``player.name``, on torch's meta
    device: shapes and dtypes that take no memory. No random number is drawn. Raises what ``build`` raises."""
    with torch.device("meta"), Unfilled():
        players = build().players
    return {
        f"{name}.{key}": tensor
        for name, player in players.items()
        for key, tensor in player.network.state_dict().items()
    }


def may_be_trained(plan: Mapping[str, Tensor], device: torch.device) -> None:
    """Raise :class:`UserError` where networks of these tensors ``(...)`` do not fit into this machine's memory: once as
    they are built, and while they learn there, on a CPU, with gradients, Adam's two moments and the average."""
    size = sum(tensor.numel() * tensor.element_size() for tensor in plan.values())
    wanted, there = size * (5 if device.type == "cpu" else 1), memory()
    if wanted > there:
        raise UserError(
            f"recipe: its networks take {wanted / 2**30:,.0f} GiB to train, this machine has {there / 2**30:,.0f} GiB; "
            "choose smaller ones"
        )


def read_weights(
    path: Path, expected: Mapping[str, Tensor], *, about: str = "config.json", mend: str = ""
) -> dict[str, Tensor]:
    """The tensors ``(...)`` of a safetensors file, by name: those ``expected`` by the file ``about`` it, which may be
    on the meta device, and no others. ``mend`` says what to do about another one, where that is not a model's.

    Raises :class:`UserError` when the file is missing, damaged, a pickle or nothing that can be opened, when it holds
    anything else, and for numbers that are not finite.
    """
    try:
        start = first_bytes(path)
        if int.from_bytes(start, "little") > HEADER and not is_pickle(start):
            raise OSError(f"its header says to be of {int.from_bytes(start, 'little'):,} bytes")
        with safe_open(path, framework="pt", device="cpu") as file:
            if difference := differs(file, expected):
                again = mend or "copy the whole folder again"
                raise UserError(f"{path}: does not fit the {about} beside it ({difference}); {again}")
            tensors = {name: file.get_tensor(name) for name in expected}
    except FileNotFoundError:
        raise UserError(f"{path}: missing; {mend or 'copy the whole model folder, or resume the run'}") from None
    except (SafetensorError, OSError) as problem:
        if isinstance(problem, SafetensorError) and is_pickle(start):
            raise UserError(f"{path}: a pickle, not safetensors; a pickle can run code and is never loaded") from None
        raise UserError(f"{path}: damaged ({reason(problem)}); {mend or 'copy it again, or resume the run'}") from None
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise UserError(
                f"{path}: {name} holds numbers that are not finite, so nothing can be made by it; "
                f"{mend or 'take an earlier one, or train anew'}"
            )
    return tensors


def first_bytes(path: Path) -> bytes:
    """The first eight bytes of a regular file: of safetensors the length of its header, little end first. Raises
    OSError, with the reason, for anything but a regular file."""
    with open_regular(path) as file:
        return file.read(8)


def is_pickle(start: bytes) -> bool:
    """Whether a file that begins so is a pickle, or the zip that torch keeps one in."""
    return start[:2] == b"PK" or start[:1] == b"\x80"


def differs(file: Any, expected: Mapping[str, Tensor]) -> str:
    """The first difference between the header of an open safetensors file and the ``expected`` tensors ``(...)``; empty
    where they agree."""
    there = set(file.keys())
    if missing := sorted(expected.keys() - there):
        return f"{shortened(missing[0])} is missing"
    if unknown := sorted(there - expected.keys()):
        return f"{shortened(unknown[0])} belongs to no network"
    for name, tensor in expected.items():
        part = file.get_slice(name)
        found, wanted = (tuple(part.get_shape()), DTYPES.get(part.get_dtype())), (tuple(tensor.shape), tensor.dtype)
        if found != wanted:
            words = [f"{shortened(shape)} {str(dtype).removeprefix('torch.')}" for shape, dtype in (found, wanted)]
            return f"{shortened(name)} is {words[0]} instead of {words[1]}"
    return ""
