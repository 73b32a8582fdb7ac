"""A run folder: where each thing of a run lies, and what may be wrong with one."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from sparring.core.errors import UserError
from sparring.core.files import PART, aside, clear_parts, file_name, make_folder, write_text
from sparring.core.install import NEWER
from sparring.core.reading import WORDS, read_json, read_text, reason
from sparring.core.recipe import FORMAT, READABLE, Recipe, read_yaml

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

CONFIG = {"sparring": int, "kind": str, "recipe": dict, "form": dict, "examples": int, "examples_seen": int}
"""What a model's config.json holds."""
FOLDERS = ("samples", "checkpoints", "model")
"""The folders that a run begins with."""
DATA = "data"  # the folder of examples that were given in Python
DESCRIPTION = 1 << 24  # bytes of it; a vocabulary of 100,000 tokens takes a tenth
MOST = 10**18  # examples
PICKLES = {".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".bin"}


@dataclass(frozen=True)
class Run:
    """The paths of one run."""

    folder: Path

    @property
    def recipe(self) -> Path:
        """The complete recipe."""
        return self.folder / "recipe.yaml"

    @property
    def journal(self) -> Path:
        """What happened, a line an entry."""
        return self.folder / "journal.jsonl"

    @property
    def samples(self) -> Path:
        """Previews of samples along the way."""
        return self.folder / "samples"

    @property
    def checkpoints(self) -> Path:
        """Everything needed to go on training."""
        return self.folder / "checkpoints"

    @property
    def model(self) -> Path:
        """The model folder, which is shared and loaded."""
        return self.folder / "model"

    @property
    def best(self) -> Path:
        """The model as it was when the recipe's metric was at its best, in a folder like ``model``."""
        return self.folder / "best"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Inside, no other process trains in this folder (where the system has such locks: not on Windows).

        Raises :class:`UserError` when one does already. A lock ends with its process, however that ends; processes that
        this one starts do not inherit it.
        """
        try:
            lock = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        except OSError as problem:
            what = f"{self.folder / LOCK}: cannot be written ({problem.strerror})"
            raise UserError(f"{what}; remove it, or change the folder's permissions") from None
        HELD.add(lock)
        try:
            if not _taken(lock):
                raise UserError(f"{self.folder}: is being trained by another process; stop that first")
            yield
        finally:
            HELD.discard(lock)
            os.close(lock)

    def make_folders(self) -> None:
        """Make the folders, and remove what a kill left half-written."""
        for folder in (self.samples, self.checkpoints, self.model):
            make_folder(folder)
        for folder in (self.folder, self.samples, self.checkpoints, self.model, self.best):
            clear_parts(folder)


LOCK = ".lock"
HELD: set[int] = set()
"""The locks that this process holds, as numbers of open files."""


def _taken(lock: int) -> bool:
    """Take the lock, if no other process holds it."""
    if fcntl:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _let_go() -> None:
    """In a process that was just started by fork: a worker that outlives a killed trainer must not hold its lock."""
    while HELD:
        os.close(HELD.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


def create(folder: Path, recipe: Recipe) -> Run:
    """A new run folder. Of several processes that ask for the same one, one gets it. Raises :class:`UserError` when
    something is there already, or cannot be written."""
    run = Run(folder)
    if os.path.exists(folder) and not os.path.exists(run.recipe) and not _is_free(folder):  # Path.exists would raise
        raise UserError(f"{folder}: exists and is not empty; choose another --out")
    make_folder(folder)
    with run.locked():
        if os.path.lexists(run.recipe):
            raise UserError(
                f"{folder}: holds a run already; go on with 'sparring resume {folder}' or choose another --out"
            )
        run.make_folders()
        write_text(run.recipe, recipe.to_yaml())
    return run


def _is_free(folder: Path) -> bool:
    """Whether a folder holds nothing, or what a process left that was killed before its run had begun."""
    if not folder.is_dir():
        return False
    begun = [path for path in folder.iterdir() if not PART.fullmatch(path.name) and path.name != LOCK]
    return all(path.is_dir() and path.name in FOLDERS and not any(path.iterdir()) for path in begun)


def default_folder(recipe: Recipe, again: bool) -> Path:
    """``runs/<recipe>``, numbered when taken, and made, so that nobody else takes it; the one taken last when it is
    wanted ``again``. Raises :class:`UserError` where it cannot be made."""
    name = file_name(recipe.name).strip(".") or recipe.kind
    number, folder, last = 1, Path("runs") / name, Path("runs") / name
    make_folder(folder.parent)
    while os.path.lexists(folder) if again else not made_anew(folder):
        number, last = number + 1, folder
        folder = Path("runs") / f"{name}-{number}"
    return last if again else folder


def made_anew(folder: Path) -> bool:
    """Make a folder; False where something of that name is there. Raises :class:`UserError` where it cannot be made."""
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    except OSError as problem:
        raise UserError(f"{folder}: cannot be created ({problem.strerror}); choose another place with --out") from None
    return True


def find(folder: Path) -> tuple[Run, dict[str, Any]]:
    """An existing run and the mapping in its recipe. Raises :class:`UserError` when it is none, or damaged."""
    run = Run(folder)
    if not os.path.isdir(folder):
        raise UserError(f"{folder}: no such run folder; 'sparring train ... --out {folder}' makes one")
    try:
        text = read_text(run.recipe, WORDS)
    except FileNotFoundError:
        raise UserError(f"{folder}: not a run folder, it has no recipe.yaml") from None
    except (OSError, UnicodeDecodeError) as problem:
        raise UserError(f"{run.recipe}: cannot be read ({reason(problem)}); restore it from a backup") from None
    return run, _with_own_data(read_yaml(text, str(run.recipe)), folder)


def _with_own_data(content: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The mapping in a recipe, whose data are in the run's own ``folder`` if they were kept there before it was
    moved."""
    place = Path(str(content.get("data", "")))
    if DATA in place.parts and not os.path.exists(place):
        inner = place.parts[len(place.parts) - place.parts[::-1].index(DATA) - 1 :]
        kept = folder.joinpath(*inner).resolve()
        if ".." not in inner and kept.exists():
            return {**content, "data": str(kept)}
    return content


def save_model(folder: Path, config: Mapping[str, Any], tensors: Mapping[str, Tensor], card: str) -> None:
    """Write ``config.json``, ``model.safetensors`` with ``tensors`` of any shape ``(...)``, and ``README.md``, each
    whole or not at all."""
    make_folder(folder)
    text = json.dumps({"sparring": FORMAT, **config}, indent=2, ensure_ascii=False)
    with aside(folder / "model.safetensors") as temporary:
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, temporary)
    write_text(folder / "config.json", text)
    write_text(folder / "README.md", card)


def model_folder(path: Path) -> Path:
    """The model folder of a run, or the folder itself. Raises :class:`UserError` where there is none."""
    if path.suffix.lower() in PICKLES and path.is_file():
        raise UserError(f"{path}: a pickle can run code when loaded, Sparring never does; it loads model folders")
    if not path.is_dir():
        raise UserError(f"{path}: no such run or model folder")
    inner = path / "model"
    return inner if inner.is_dir() else path


def read_config(folder: Path) -> dict[str, Any]:
    """The config of a model folder. Raises :class:`UserError` when it is missing, damaged or too new."""
    path = folder / "config.json"
    try:
        config = read_json(path, DESCRIPTION)
    except FileNotFoundError:
        raise UserError(
            f"{folder}: no model here yet (no config.json); a run writes it at its first checkpoint"
        ) from None
    except (OSError, ValueError) as problem:
        raise UserError(f"{path}: cannot be read ({reason(problem)}); copy the model folder again") from None
    if not isinstance(config, dict) or not all(type(config.get(key)) is kind for key, kind in CONFIG.items()):
        raise UserError(f"{path}: damaged, it lacks {', '.join(CONFIG)} or one of them; copy the model folder again")
    if not all(0 <= config[name] <= MOST for name in ("examples", "examples_seen")):
        raise UserError(f"{path}: damaged, it counts examples that cannot be; copy the model folder again")
    if config["sparring"] not in READABLE:
        raise UserError(f"{path}: not a model of format {FORMAT} or older; {NEWER}")
    return config


def model_hash(networks: Mapping[str, nn.Module]) -> str:
    """The :func:`weights_hash` of the generator, or of the first player in a game that has none of that name."""
    network = networks["generator"] if "generator" in networks else next(iter(networks.values()))
    return weights_hash(network.state_dict())


def weights_hash(tensors: Mapping[str, Tensor]) -> str:
    """16 hexadecimal digits that name a network's weights ``(...)`` (SHA-256 over names and bytes) in what it made."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]
