"""Checkpoints: everything that a run needs to go on as if it had never stopped, in one safetensors file.

``checkpoints/000000006400.safetensors`` is named by the examples seen. Tensors (weights, averages, Adam's
moments) are its content, counters and the game's own state a JSON text in its header. Random numbers need no
state of their own: each step draws from (seed, process, examples seen). A file appears by rename when it is
complete and on disk, so whatever is there is whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from sparring.core.errors import UserError
from sparring.core.files import aside
from sparring.core.game import Player

ENDING = ".safetensors"


def save(folder: Path, examples_seen: int, tensors: Mapping[str, Tensor], state: Mapping[str, Any], keep: int) -> Path:
    """Write one checkpoint and forget all but the newest ``keep``. Raises :class:`UserError` on a full disk."""
    path = folder / f"{examples_seen:012d}{ENDING}"
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with aside(path) as temporary:
        save_file(contiguous, temporary, metadata={"state": json.dumps(state)})
    others = [other for other in newest_first(folder) if other != path]  # a newer one is damaged: we went back past it
    for old in others[keep - 1 :]:
        old.unlink()
    return path


def load(path: Path, device: torch.device) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the state in one checkpoint. Raises :class:`SafetensorError` when the file is not whole."""
    with safe_open(path, framework="pt", device=str(device)) as file:
        state = json.loads(file.metadata()["state"])
        return {name: file.get_tensor(name) for name in file.keys()}, state  # noqa: SIM118


def newest_first(folder: Path) -> list[Path]:
    """The checkpoints of a folder, the one with the most examples first."""
    return sorted(folder.glob(f"*{ENDING}"), reverse=True)


def newest_readable(folder: Path, device: torch.device) -> tuple[dict[str, Tensor], dict[str, Any], list[Path]] | None:
    """The newest checkpoint that can be read, with those passed over because they could not; None without any.

    Raises :class:`UserError` when there are some and none of them is whole.
    """
    damaged: list[Path] = []
    for path in newest_first(folder):
        try:
            return *load(path, device), damaged
        except (SafetensorError, OSError, ValueError, KeyError, TypeError):
            damaged.append(path)
    if damaged:
        raise UserError(
            f"{folder}: none of its checkpoints can be read ({len(damaged)} are damaged); "
            "restore one from a backup, or train a new run"
        )
    return None


def player_tensors(name: str, player: Player) -> dict[str, Tensor]:
    """A player's weights, buffers and Adam's moments, by name."""
    tensors = {f"{name}/network/{key}": value for key, value in player.network.state_dict().items()}
    for index, weight in enumerate(player.network.parameters()):
        for key, value in player.optimizer.state.get(weight, {}).items():
            tensors[f"{name}/adam/{index}/{key}"] = value
    return tensors


def restore_player(name: str, player: Player, tensors: Mapping[str, Tensor]) -> None:
    """Put back what :func:`player_tensors` gave."""
    restore_network(f"{name}/network/", player.network, tensors)
    player.optimizer.state.clear()
    for index, weight in enumerate(player.network.parameters()):
        prefix = f"{name}/adam/{index}/"
        saved = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
        for key, value in saved.items():
            like = torch.empty_like(weight) if value.shape == weight.shape else torch.empty_like(value)
            player.optimizer.state[weight][key] = like.copy_(value)


def restore_network(prefix: str, network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Load the tensors under ``prefix`` into ``network``."""
    network.load_state_dict(
        {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
    )
