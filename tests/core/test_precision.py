"""The number format is a known choice, the same every time, and never float16."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from table import smallest
from torch import nn

from sparring.core import precision
from sparring.core.journal import entries
from sparring.core.precision import (
    KINDS,
    Precision,
    choose,
    find_device,
    known_gain,
    lacking,
    largest_convolution,
    runs_in_bfloat16,
)
from sparring.verbs.train import train

pytestmark = pytest.mark.bfloat16
CPU = torch.device("cpu")
AVX2 = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}
"""What makes a machine with bfloat16 units one without."""


def convolutions(width: int) -> list[nn.Module]:
    return [nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, width, 3)), nn.Linear(3, 999)]


def units(monkeypatch: pytest.MonkeyPatch, *, amx: bool, avx512: bool, used: bool = True) -> None:
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    monkeypatch.setattr(precision, "onednn_uses_bfloat16", lambda: used)


def cannot(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """A CPU that cannot run these layers in bfloat16, and can run all others."""
    monkeypatch.setattr(precision, "runs_in_bfloat16", lambda name: name not in names)


def test_the_choice_is_the_same_every_time() -> None:
    for outputs in (4, 1024):
        first, *others = [choose("auto", CPU, convolutions(outputs)) for _ in range(3)]
        assert all(other == first for other in others)
        assert first.reason in str(first)
        assert "cpu" in str(first)


@pytest.mark.parametrize(
    ("amx", "avx512", "largest", "dtype", "reason"),
    [
        (True, True, 36_864, torch.bfloat16, "AMX"),
        (True, False, 36_864, torch.bfloat16, "AMX"),
        (False, True, 36_864, torch.bfloat16, "AVX-512"),
        (False, False, 36_864, torch.float32, "no bfloat16 units"),
        (True, True, 1024, torch.float32, "too small"),
        (True, True, 0, torch.float32, "was not measured"),
    ],
)
def test_what_is_known_of_processors(
    monkeypatch: pytest.MonkeyPatch, amx: bool, avx512: bool, largest: int, dtype: torch.dtype, reason: str
) -> None:
    units(monkeypatch, amx=amx, avx512=avx512)
    found, why = known_gain(CPU, largest)
    assert found == dtype
    assert reason in why


def test_units_that_onednn_is_kept_from_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    units(monkeypatch, amx=True, avx512=True, used=False)
    assert known_gain(CPU, 36_864) == (torch.float32, "this CPU has no bfloat16 units")


@pytest.mark.parametrize("bfloat16", [True, False])
def test_what_is_known_of_gpus(monkeypatch: pytest.MonkeyPatch, bfloat16: bool) -> None:
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation or bfloat16
    )
    assert known_gain(torch.device("cuda"), 0)[0] == (torch.bfloat16 if bfloat16 else torch.float32)
    assert known_gain(torch.device("mps"), 36_864)[0] == torch.float32


def test_what_is_asked_for_is_done() -> None:
    for wanted, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        chosen = choose(wanted, CPU, convolutions(1024))
        assert (chosen.dtype, chosen.reason) == (dtype, "as asked")
        with chosen.autocast():
            assert nn.Linear(2, 2)(torch.ones(1, 2)).dtype == dtype


@pytest.mark.parametrize("wanted", ["auto", "float32", "bfloat16"])
@pytest.mark.parametrize("there", [True, False])
def test_bfloat16_without_units_is_warned_of_and_never_chosen(
    there: bool, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    units(monkeypatch, amx=False, avx512=there)
    cannot(monkeypatch)  # nothing: such a CPU can run convolutions so, only slowly
    for width in (8, 16, 64):
        chosen = choose(wanted, CPU, convolutions(width))
        slow = chosen.dtype == torch.bfloat16 and not there
        assert slow == (wanted == "bfloat16" and not there)
        warning = chosen.warning()
        assert bool(warning) == slow
        assert not slow or ("--precision float32 or auto" in warning and "\n" not in warning)
    assert Precision(torch.device("cuda"), torch.bfloat16, False, "as asked").warning() == ""


@pytest.mark.parametrize("there", [True, False])
def test_a_run_that_bfloat16_makes_slow_says_so(
    there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    units(monkeypatch, amx=False, avx512=there)
    cannot(monkeypatch)
    recipe = smallest("digits", tmp_path, steps=1, precision="bfloat16", device="cpu")
    run = train(recipe, out=tmp_path / "run").run
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: precision: ")]
    noted = [entry["message"] for entry in entries(run / "journal.jsonl") if entry.get("kind") == "precision"]
    assert told == [f"warning: {message}" for message in noted]
    assert len(told) == (0 if there else 1)


def test_convolutions_are_placed_channels_last_and_nothing_else() -> None:
    assert largest_convolution([nn.Linear(2, 2)]) == 0
    assert largest_convolution([nn.ConvTranspose2d(2, 5, 3), nn.Conv2d(3, 2, 2)]) == 2 * 5 * 9
    assert largest_convolution([nn.Conv1d(2, 6, 3)]) == 2 * 6 * 3
    assert largest_convolution([nn.Conv3d(2, 7, 3), nn.ConvTranspose3d(2, 8, 3)]) == 2 * 8 * 27
    chosen = choose("float32", CPU, convolutions(1024))
    layer = nn.Conv2d(4, 8, 3)
    weight = layer.weight
    assert chosen.place(layer) is layer
    assert layer.weight is weight  # optimisers hold it already
    assert layer.weight.is_contiguous(memory_format=torch.channels_last)
    assert not choose("float32", CPU, [nn.Linear(2, 2)]).channels_last
    assert not choose("float32", torch.device("mps"), convolutions(1024)).channels_last


def test_each_weight_has_the_memory_format_of_its_rank() -> None:
    network = nn.ModuleList([nn.Conv2d(4, 8, 3), nn.Conv3d(4, 8, 3), nn.Conv1d(4, 8, 3), nn.BatchNorm2d(8)])
    network.register_buffer("grid", torch.arange(120.0).view(2, 3, 4, 5))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert choose("float32", CPU, [network]).place(network) is network
    after = network.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    for name in ("0.weight", "grid"):
        assert after[name].stride() == before[name].to(memory_format=torch.channels_last).stride()
    assert after["1.weight"].is_contiguous(memory_format=torch.channels_last_3d)
    assert all(after[name].is_contiguous() for name in before if name not in ("0.weight", "1.weight", "grid"))


def test_networks_of_flat_convolutions_are_placed_as_torch_places_them() -> None:
    """Down to strides that mean nothing, so that sums are taken in the same order."""
    torch.manual_seed(0)
    shapes = [(1, 4, 3), (4, 4, 1), (4, 1, 3), (8, 8, 2)]
    ours, torchs = (nn.ModuleList(nn.Conv2d(*shape) for shape in shapes) for _ in range(2))
    choose("float32", CPU, [ours]).place(ours)
    torchs.to(CPU, memory_format=torch.channels_last)
    strides = [[value.stride() for value in network.parameters()] for network in (ours, torchs)]
    assert strides[0] == strides[1]


# What a CPU cannot run


@pytest.mark.parametrize("name", [name for names in KINDS.values() for name in names])
def test_every_layer_can_be_tried(name: str) -> None:
    """Small ones run in float32, so that what fails in bfloat16 fails because of it; random numbers stay."""
    layer, inputs = precision.small(name)
    assert type(layer).__name__ == name
    layer(*inputs)
    before = torch.get_rng_state()
    runs_in_bfloat16.__wrapped__(name)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "problem", [RuntimeError("could not create a primitive"), NotImplementedError("no kernel"), None]
)
def test_a_layer_that_fails_or_is_not_finite_cannot_be_run(
    monkeypatch: pytest.MonkeyPatch, problem: Exception | None
) -> None:
    def forward(self: nn.Linear, inputs: torch.Tensor) -> torch.Tensor:
        if problem and torch.is_autocast_enabled("cpu"):
            raise problem
        return inputs @ self.weight + self.bias / 0

    monkeypatch.setattr(nn.Linear, "forward", forward)
    assert not runs_in_bfloat16.__wrapped__("Linear")


def test_what_is_lacking_is_told_by_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    networks: list[nn.Module] = [nn.Sequential(nn.Conv2d(1, 64, 3), nn.Conv3d(1, 2, 3)), nn.LSTM(2, 2), nn.GRU(2, 2)]
    assert lacking([]) == ""
    cannot(monkeypatch)
    assert lacking(networks) == ""
    cannot(monkeypatch, "LSTM", "MultiheadAttention")
    assert lacking(networks) == "recurrent layers (LSTM)"
    assert lacking(networks[:1]) == ""
    cannot(monkeypatch, "LSTM", "GRU", "Conv3d")
    assert lacking(networks) == "convolutions (Conv3d), recurrent layers (LSTM, GRU)"


def test_what_cannot_be_run_is_refused_when_asked_for_and_never_chosen(
    monkeypatch: pytest.MonkeyPatch, mistake: Callable[..., str]
) -> None:
    units(monkeypatch, amx=True, avx512=True)
    cannot(monkeypatch, "LSTM")
    networks = [*convolutions(1024), nn.LSTM(2, 2)]
    line = mistake(choose, "bfloat16", CPU, networks)
    assert line.startswith(
        "precision: this CPU cannot run recurrent layers (LSTM) in bfloat16; train with --precision "
    )
    chosen = choose("auto", CPU, networks)
    assert (chosen.dtype, chosen.reason) == (torch.float32, "this CPU cannot run recurrent layers (LSTM) in bfloat16")
    assert choose("float32", CPU, networks).reason == "as asked"
    assert choose("bfloat16", torch.device("cuda"), networks).dtype == torch.bfloat16
    for wanted in ("auto", "bfloat16"):
        assert choose(wanted, CPU, convolutions(1024)).dtype == torch.bfloat16


def alone(script: str, *words: object) -> subprocess.CompletedProcess[str]:
    """What a process without bfloat16 units answers."""
    command = [sys.executable, "-c", script, *(str(word) for word in words)]
    return subprocess.run(command, env={**os.environ, **AVX2}, capture_output=True, text=True, timeout=120)


TRY_ONE = """
import torch
with torch.autocast("cpu", torch.bfloat16):
    torch.nn.LSTM(16, 16)(torch.ones(2, 3, 16))
"""
COMMAND = "import sys; from sparring.cli import main; sys.exit(main(sys.argv[1:]))"


def test_texts_on_a_cpu_without_units_are_refused_in_one_line(tmp_path: Path) -> None:
    if alone(TRY_ONE).returncode == 0:
        pytest.skip("this CPU runs LSTM layers in bfloat16 whatever oneDNN is allowed")
    settings = ["--device", "cpu", "--precision", "bfloat16", "--steps", 1, "--out", tmp_path / "run"]
    refused = alone(COMMAND, "train", "topics", *settings)
    assert refused.returncode == 2, refused.stderr
    assert "Traceback" not in refused.stderr
    (line,) = (line for line in refused.stderr.splitlines() if line.startswith("sparring: "))
    assert line.startswith("sparring: precision: this CPU cannot run recurrent layers (LSTM) in bfloat16; ")


# Devices


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
