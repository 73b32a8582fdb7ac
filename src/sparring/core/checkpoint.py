"""Checkpoints: everything that a run needs to go on as if it had never stopped, in one safetensors file.

``checkpoints/000000006400.safetensors`` is named by the examples seen. Tensors (weights, averages, Adam's moments, what
the game remembers of examples) are its content, counters and the game's numbers a JSON text in its header. Random
numbers need no state of their own: each step draws from (seed, process, examples seen). A file appears by rename when
it is complete and on disk, so whatever is there is whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from sparring.core import processes
from sparring.core.averaging import Averages
from sparring.core.errors import UserError
from sparring.core.files import aside
from sparring.core.game import Game, Player
from sparring.core.pacing import Best, Progress
from sparring.core.reading import regular
from sparring.core.run import Run
from sparring.core.running_means import RunningMeans

ENDING = ".safetensors"
NAME = re.compile(rf"[0-9]{{12,18}}{re.escape(ENDING)}")
"""The names of checkpoints."""
MOMENTS = {"step", "exp_avg", "exp_avg_sq"}
"""What Adam keeps of a weight."""
DAMAGES = (
    SafetensorError, OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError, IndexError, OverflowError,
)  # fmt: skip
"""All that reading a damaged checkpoint may raise; RuntimeError is also a tensor that does not fit, and brackets
without end."""


class Checkpoints:
    """The checkpoints of one run: ``game`` and the ``averages`` of its players, on ``device``.

    ``part`` is this process's slice of a global batch; only the newest ``keep`` files stay.
    """

    def __init__(self, run: Run, game: Game, averages: Averages, part: slice, device: torch.device, keep: int) -> None:
        self.run, self.game, self.averages = run, game, averages
        self.part, self.device, self.keep = part, device, keep

    def healthy(self) -> bool:
        """Whether every weight is finite in every process: nothing else is saved."""
        weights = [w.detach() for player in self.game.players.values() for w in player.network.parameters()]
        finite = bool(torch.stack([weight.float().sum() for weight in weights]).isfinite().all())
        return not processes.any_over(not finite, self.device)

    def save(self, progress: Progress, more: Mapping[str, Any], *, writes: bool) -> None:
        """Write a checkpoint; ``more`` are further JSON-able values. Every process must call this, the one that
        ``writes`` does. Raises :class:`UserError` on a full disk."""
        state = self.game.state()
        rows = {name: processes.all_gather(value) for name, value in state.items() if isinstance(value, Tensor)}
        if not writes:
            return
        tensors = {f"game/{name}": value for name, value in rows.items()}
        for name, player in self.game.players.items():
            tensors |= player_tensors(name, player)
            if player.averaged:
                average = self.averages.networks[name].state_dict()
                tensors |= {f"{name}/average/{key}": value for key, value in average.items()}
        numbers = {name: value for name, value in state.items() if name not in rows}
        whole = {**asdict(progress), "game": numbers, **more}
        save(self.run.checkpoints, progress.examples, tensors, whole, self.keep)

    def restore(self) -> tuple[Progress, dict[str, Any], list[Path]] | None:
        """Put players, averages and game back as the newest whole checkpoint has them; None where there is none.

        Returns the progress, all that :meth:`save` was given besides, and the damaged files that were passed over.
        Raises :class:`UserError` when there are checkpoints, and none of them is whole and fits the game.
        """
        found = newest_readable(self.run.checkpoints, self.device, self.put_back)
        return found and (progress_in(found[0]), *found)

    def put_back(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Give players, averages and game what a checkpoint holds, ``tensors`` of any shape ``(...)`` and numbers.
        Raises one of ``DAMAGES`` where they do not fit."""
        for name, player in self.game.players.items():
            restore_player(name, player, tensors)
            if player.averaged:
                restore_network(f"{name}/average/", self.averages.networks[name], tensors)
        rows = {name.removeprefix("game/"): value for name, value in tensors.items() if name.startswith("game/")}
        self.game.load_state({**state["game"], **{name: value[self.part] for name, value in rows.items()}})


def save(folder: Path, examples_seen: int, tensors: Mapping[str, Tensor], state: Mapping[str, Any], keep: int) -> Path:
    """Write one checkpoint, ``tensors`` of any shape ``(...)``, and forget all but the newest ``keep``. Raises
    :class:`UserError` on a full disk."""
    path = folder / f"{examples_seen:012d}{ENDING}"
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with aside(path) as temporary:
        save_file(contiguous, temporary, metadata={"state": json.dumps(state)})
    others = [other for other in newest_first(folder) if other != path]  # a newer one is damaged: we went back past it
    for old in others[keep - 1 :]:
        with suppress(OSError):  # one that stays takes room and harms nobody
            old.unlink()
    return path


def load(path: Path, device: torch.device) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors, of any shape ``(...)``, and the state in one checkpoint. Raises one of ``DAMAGES`` when the file is
    not whole, or its state not what :func:`save` writes."""
    with safe_open(regular(path), framework="pt", device=str(device)) as file:
        state = whole_state(json.loads(file.metadata()["state"]))
        return {name: file.get_tensor(name) for name in file.keys()}, state  # noqa: SIM118


def newest_readable(
    folder: Path, device: torch.device, put_back: Callable[[dict[str, Tensor], dict[str, Any]], None]
) -> tuple[dict[str, Any], list[Path]] | None:
    """Give ``put_back`` the tensors, of any shape ``(...)``, and the state of the newest checkpoint that can be read
    and used. Returns that state and the files passed over because they were damaged; None without any.

    Raises :class:`UserError` when there are some and none of them will do.
    """
    damaged: list[Path] = []
    whole = False
    for path in newest_first(folder):
        try:
            tensors, state = load(path, device)
            whole = True
            put_back(tensors, state)
        except torch.OutOfMemoryError:
            raise
        except DAMAGES:
            damaged.append(path)
        else:
            return state, damaged
    if whole:
        recipe = Run(folder.parent).recipe
        raise UserError(f"{recipe}: does not fit the checkpoints beside it; restore it as it was, or train a new run")
    if damaged:
        raise UserError(
            f"{folder}: none of its checkpoints can be read ({len(damaged)} are damaged); "
            "restore one from a backup, or train a new run"
        )
    return None


def whole_state(state: Any) -> dict[str, Any]:
    """A checkpoint's state, if everybody who kept something in it can take it back. Raises one of ``DAMAGES``."""
    progress_in(state)
    if not isinstance(state["game"], dict):
        raise TypeError("the game's numbers are no mapping")
    if "best" in state:
        Best.restored(state["best"])
    RunningMeans.restored(state)
    return dict(state)


def progress_in(state: Mapping[str, Any]) -> Progress:
    """How far a run had come by a checkpoint's state. Raises one of ``DAMAGES`` for what is no progress."""
    kept = {"services": 0.0, **state}  # of a version that did not count them
    progress = Progress(**{name: kept[name] for name in asdict(Progress())})
    counts, times = (progress.step, progress.examples, progress.rollbacks), (progress.seconds, progress.services)
    if not all(type(number) is int and 0 <= number < 2**63 for number in counts):
        raise ValueError("no progress")
    if not all(0 <= seconds < 1e12 for seconds in times):
        raise ValueError("no time")
    return progress


def newest_state(folder: Path) -> tuple[Progress, Best]:
    """How far a run has come, and its best measurement so far, by the newest of its checkpoints that can be read; a run
    that has not begun, without one."""
    for path in newest_first(folder):
        try:
            with safe_open(regular(path), framework="pt", device="cpu") as file:
                state = whole_state(json.loads(file.metadata()["state"]))
        except DAMAGES:
            continue
        return progress_in(state), Best.restored(state["best"]) if "best" in state else Best()
    return Progress(), Best()


def newest_first(folder: Path) -> list[Path]:
    """The checkpoints of a folder, the one with the most examples first. Files of other names are somebody else's."""
    return sorted((path for path in folder.glob(f"*{ENDING}") if NAME.fullmatch(path.name)), reverse=True)


def player_tensors(name: str, player: Player) -> dict[str, Tensor]:
    """A player's weights, buffers and Adam's moments of their shapes ``(...)``, by name."""
    tensors = {f"{name}/network/{key}": value for key, value in player.network.state_dict().items()}
    for index, weight in enumerate(player.network.parameters()):
        for key, value in player.optimizer.state.get(weight, {}).items():
            tensors[f"{name}/adam/{index}/{key}"] = value
    return tensors


def restore_player(name: str, player: Player, tensors: Mapping[str, Tensor]) -> None:
    """Put back the ``tensors`` of any shape ``(...)`` that :func:`player_tensors` gave. Raises RuntimeError or
    ValueError when they do not fit."""
    restore_network(f"{name}/network/", player.network, tensors)
    player.optimizer.state.clear()
    for index, weight in enumerate(player.network.parameters()):
        prefix = f"{name}/adam/{index}/"
        saved = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
        if saved and (saved.keys() != MOMENTS or any(saved[key].shape != weight.shape for key in MOMENTS - {"step"})):
            raise ValueError(f"{prefix}: not Adam's moments of a weight of shape {tuple(weight.shape)}")
        for key, value in saved.items():
            like = torch.empty_like(weight) if value.shape == weight.shape else torch.empty_like(value)
            player.optimizer.state[weight][key] = like.copy_(value)


def restore_network(prefix: str, network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Load the tensors ``(...)`` under ``prefix`` into ``network``. Raises RuntimeError when they do not fit."""
    network.load_state_dict(
        {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
    )
