"""Weights of a model folder: planned without memory, compared with what a file says, and only then read."""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from table import HOME, smallest
from torch import Tensor

from sparring.core import weights
from sparring.core.game import Game
from sparring.core.reading import memory
from sparring.core.weights import HEADER, planned, read_weights
from sparring.modalities import RECIPES, modality_of
from sparring.verbs.train import train

TENSORS = {"generator.a": torch.arange(6.0).view(2, 3), "generator.b": torch.tensor([1, 2])}
EXPECTED = {name: tensor.to("meta") for name, tensor in TENSORS.items()}


def tensors_of(game: Game) -> dict[str, Tensor]:
    return {
        f"{name}.{key}": tensor
        for name, player in game.players.items()
        for key, tensor in player.network.state_dict().items()
    }


@pytest.mark.parametrize("spectral_norm", [False, True])
@pytest.mark.parametrize("name", HOME)
def test_a_plan_has_the_shapes_of_the_game_and_neither_memory_nor_random_numbers(
    name: str, spectral_norm: bool, tmp_path: Path
) -> None:
    recipe = smallest(name, tmp_path)
    if spectral_norm and name.startswith("r3gan"):
        pytest.skip("R3GAN has no spectral norm")
    recipe = recipe.changed({"spectral_norm": spectral_norm})
    modality = modality_of(recipe.kind)
    form = modality.open_source(recipe).form
    state = torch.get_rng_state()
    plan = planned(lambda: modality.build_game(recipe, form))
    assert torch.equal(torch.get_rng_state(), state)
    assert {tensor.device.type for tensor in plan.values()} == {"meta"}
    built = tensors_of(modality.build_game(recipe, form))
    assert {key: (t.shape, t.dtype) for key, t in plan.items()} == {key: (t.shape, t.dtype) for key, t in built.items()}


def test_every_modality_is_planned_here() -> None:
    assert {RECIPES[name].kind for name in HOME} == {recipe.kind for recipe in RECIPES.values()}


def test_networks_larger_than_the_machine_are_never_built(tmp_path: Path, mistake: Callable[..., str]) -> None:
    recipe = smallest("text", tmp_path).changed({"generator": "transformer", "width": 4096, "layers": 24})
    modality = modality_of(recipe.kind)
    form = modality.open_source(recipe).form
    plan = planned(lambda: modality.build_game(recipe, form))
    assert sum(tensor.numel() for tensor in plan.values()) > 4.8e9  # weights
    if memory() < 80e9:
        line = mistake(train, recipe, out=tmp_path / "run")
        assert line.startswith("recipe: its networks take 90 GiB to train, this machine has ")
        assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("device", "times"), [("cpu", 5), ("cuda", 1)])
def test_what_fits_is_trained(
    device: str, times: int, monkeypatch: pytest.MonkeyPatch, mistake: Callable[..., str]
) -> None:
    size = 6 * 4 + 2 * 8
    monkeypatch.setattr(weights, "memory", lambda: size * times)
    weights.may_be_trained(EXPECTED, torch.device(device))
    monkeypatch.setattr(weights, "memory", lambda: size * times - 1)
    assert "choose smaller ones" in mistake(weights.may_be_trained, EXPECTED, torch.device(device))


def test_what_is_expected_is_read(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "w")
    read = read_weights(tmp_path / "w", EXPECTED)
    assert read.keys() == TENSORS.keys()
    assert all(torch.equal(read[name], tensor) for name, tensor in TENSORS.items())


A = "generator.a"


@pytest.mark.parametrize(
    ("tensors", "told"),
    [
        ({A: TENSORS[A]}, "generator.b is missing"),
        ({**TENSORS, "extra": torch.ones(2)}, "extra belongs to no network"),
        ({**TENSORS, A: torch.ones(3, 2)}, "generator.a is 3, 2 float32 instead of 2, 3 float32"),
        ({**TENSORS, A: TENSORS[A].double()}, "generator.a is 2, 3 float64 instead of 2, 3 float32"),
        ({**TENSORS, A: TENSORS[A].to(torch.complex64)}, "generator.a is 2, 3 None instead of"),
        ({**TENSORS, A: TENSORS[A].log()}, "generator.a holds numbers that are not finite"),
        ({**TENSORS, A: TENSORS[A] + torch.nan}, "generator.a holds numbers that are not finite"),
        ({**TENSORS, "x" * 5000: torch.ones(2)}, "xxx ... xxx"),
        ({**TENSORS, "\x1b[31m": torch.ones(2)}, "\ufffd[31m belongs"),
    ],
)
def test_what_does_not_fit_is_told(
    tensors: dict[str, Tensor], told: str, tmp_path: Path, mistake: Callable[..., str]
) -> None:
    save_file(tensors, tmp_path / "w")
    line = mistake(read_weights, tmp_path / "w", EXPECTED)
    assert line.startswith(f"{tmp_path / 'w'}: ")
    assert told in line
    assert len(line) < 500


def with_header(header: bytes, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header


def claiming(shape: list[int]) -> bytes:
    size = 4 * int(torch.tensor(shape, dtype=torch.float64).prod())
    return with_header(json.dumps({A: {"dtype": "F32", "shape": shape, "data_offsets": [0, size]}}).encode())


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "damaged"),
        (b"\x01", "damaged"),
        (with_header(b"{}", 1 << 40), "its header says to be of 1,099,511,627,776 bytes"),
        (with_header(b"[" * 100_000), "damaged"),
        (with_header(b"{" + b" " * (HEADER + 1)), "its header says"),
        (with_header(b"\xff\xfe"), "damaged"),
        (claiming([1 << 20, 1 << 20]), "damaged"),
        (claiming([10]) + b"\0" * 20, "damaged"),
        (b"PK\x03\x04" + b"\0" * 100, "a pickle, not safetensors"),
        (b"\x80\x02" + b"\0" * 100, "a pickle, not safetensors"),
    ],
)
def test_a_file_that_is_none_is_told(content: bytes, told: str, tmp_path: Path, mistake: Callable[..., str]) -> None:
    (tmp_path / "w").write_bytes(content)
    assert told in mistake(read_weights, tmp_path / "w", EXPECTED)


def test_only_a_regular_file_is_opened(tmp_path: Path, mistake: Callable[..., str]) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    assert "a named pipe, not a regular file" in mistake(read_weights, tmp_path / "pipe", EXPECTED)
    assert "a device, not a regular file" in mistake(read_weights, tmp_path / "zero", EXPECTED)
    assert "a folder, not a regular file" in mistake(read_weights, tmp_path, EXPECTED)
    assert "missing" in mistake(read_weights, tmp_path / "gone", EXPECTED)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        assert "a socket, not a regular file" in mistake(read_weights, tmp_path / "socket", EXPECTED)
