"""The number format is a known choice, the same every time, and never float16."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from sparring.core.precision import choose, find_device, known_gain, widest_convolution

CPU = torch.device("cpu")


def convolutions(width: int) -> list[nn.Module]:
    return [nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, width, 3)), nn.Linear(3, 999)]


def units(monkeypatch: pytest.MonkeyPatch, *, amx: bool, avx512: bool) -> None:
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)


def test_the_choice_is_the_same_every_time() -> None:
    for width in (4, 64):
        first, *others = [choose("auto", CPU, convolutions(width)) for _ in range(3)]
        assert all(other == first for other in others)
        assert first.reason in str(first)
        assert "cpu" in str(first)


@pytest.mark.parametrize(
    ("amx", "avx512", "width", "dtype", "reason"),
    [
        (True, True, 64, torch.bfloat16, "AMX"),
        (True, False, 64, torch.bfloat16, "AMX"),
        (False, True, 64, torch.bfloat16, "AVX-512"),
        (False, False, 64, torch.float32, "no bfloat16 units"),
        (True, True, 8, torch.float32, "too small"),
        (True, True, 0, torch.float32, "too small"),
    ],
)
def test_what_is_known_of_processors(
    monkeypatch: pytest.MonkeyPatch, amx: bool, avx512: bool, width: int, dtype: torch.dtype, reason: str
) -> None:
    units(monkeypatch, amx=amx, avx512=avx512)
    found, why = known_gain(CPU, width)
    assert found == dtype
    assert reason in why


@pytest.mark.parametrize("bfloat16", [True, False])
def test_what_is_known_of_gpus(monkeypatch: pytest.MonkeyPatch, bfloat16: bool) -> None:
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation or bfloat16
    )
    assert known_gain(torch.device("cuda"), 0)[0] == (torch.bfloat16 if bfloat16 else torch.float32)
    assert known_gain(torch.device("mps"), 64)[0] == torch.float32


def test_what_is_asked_for_is_done() -> None:
    for wanted, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        chosen = choose(wanted, CPU, convolutions(64))
        assert (chosen.dtype, chosen.reason) == (dtype, "as asked")
        with chosen.autocast():
            assert nn.Linear(2, 2)(torch.ones(1, 2)).dtype == dtype


def test_convolutions_are_placed_channels_last_and_nothing_else() -> None:
    assert widest_convolution(convolutions(64)) == 64
    assert widest_convolution([nn.Linear(2, 2)]) == 0
    assert widest_convolution([nn.ConvTranspose2d(2, 5, 3)]) == 5
    assert widest_convolution([nn.Conv1d(2, 6, 3)]) == 6
    chosen = choose("float32", CPU, convolutions(64))
    layer = nn.Conv2d(4, 8, 3)
    weight = layer.weight
    assert chosen.place(layer) is layer
    assert layer.weight is weight  # optimisers hold it already
    assert layer.weight.is_contiguous(memory_format=torch.channels_last)
    assert not choose("float32", CPU, [nn.Linear(2, 2)]).channels_last
    assert not choose("float32", torch.device("mps"), convolutions(64)).channels_last


def test_a_device_that_is_not_there_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, mistake: Callable[..., str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert find_device("auto") == find_device("cpu") == CPU
    for missing in ("cuda", "mps"):
        line = mistake(find_device, missing)
        assert line.startswith("device: ")
        assert missing in line
        assert line.endswith("choose one of: cpu")


def test_each_process_has_its_own_gpu(monkeypatch: pytest.MonkeyPatch, mistake: Callable[..., str]) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert find_device("auto", local_rank=3) == torch.device("cuda", 3)
    assert find_device("cpu", local_rank=3) == CPU
    assert "process 4 finds 4 GPUs" in mistake(find_device, "cuda", 4)
