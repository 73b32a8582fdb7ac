"""A trained model: loaded from a run or a shared folder, sampled, described."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

import sparring
from sparring.core import precision
from sparring.core.adversarial_recipe import WITH_CHANCES
from sparring.core.checkpoint import restore_network
from sparring.core.errors import UserError
from sparring.core.game import mixed
from sparring.core.recipe import nearest
from sparring.core.run import read_config, weights_hash
from sparring.rooms import from_dict, room_of

ATTEMPTS = 100  # draws for a sample that the judge believes
MOST = 1_000_000  # samples made at once: all are held in memory
PICKLES = {".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".bin"}


class Model:
    """A generator (its averaged weights) and the discriminator it trained against."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        config = read_config(folder)
        self.folder, self.device = folder, device
        self.form: dict[str, Any] = config["form"]
        self.examples: int = config["examples"]
        self.examples_seen: int = config["examples_seen"]
        where = str(folder / "config.json")
        self.recipe = from_dict({"kind": config["kind"], **config["recipe"]}, where)
        self.room = room_of(self.recipe)
        try:
            self.game = self.room.build(self.recipe, self.form)
        except (KeyError, TypeError, ValueError, RuntimeError) as problem:
            raise UserError(f"{where}: damaged ({problem}); copy the model folder again") from None
        tensors = read_weights(folder / "model.safetensors")
        for name, player in self.game.players.items():
            try:
                restore_network(f"{name}.", player.network, tensors)
            except RuntimeError:
                raise UserError(
                    f"{folder}: its weights do not fit its config.json; copy the whole folder again"
                ) from None
        self.networks = {name: player.network.to(device).eval() for name, player in self.game.players.items()}
        self.hash = weights_hash(self.networks["generator"].state_dict())

    @property
    def labels(self) -> list[str]:
        """The labels it can be asked for; empty when it knows none."""
        return list(self.form.get("labels") or []) if getattr(self.game, "classes", 0) else []

    def sample(
        self, count: int = 64, *, seed: int = 0, label: str | None = None, judge: float = 0.0, **asked: Any
    ) -> Any:
        """``count`` samples, on the CPU: images as float ``(count, channels, height, width)`` in [-1, 1], points
        ``(count, dimensions)``, text as a list of strings.

        The same seed makes the same samples. ``judge``: only those that the discriminator finds real with at least this
        probability. ``asked``, of text: ``temperature``, ``top_p``, ``prompt``; see ``text/game.py``. Raises
        :class:`UserError` for a count below 1, a label it does not know, or what it cannot be asked for.
        """
        return self.room.given(self.draw(count, seed=seed, label=label, judge=judge, **asked))

    def draw(self, count: int, *, seed: int, label: str | None, judge: float = 0.0, **asked: Any) -> Tensor:
        """The same as tensors, text as characters."""
        if not 1 <= count <= MOST:
            raise UserError(f"n: {count} samples cannot be made at once; ask for 1 or more, up to {MOST:,}")
        if not 0 <= seed < 2**63:
            raise UserError(f"seed: {seed} is none; choose a whole number from 0 to 2^63 - 1")
        for name in asked:
            if name not in self.room.asks:
                raise UserError(f"{name}: {self.recipe.kind} are not sampled with it; leave it out")
        index = self.label_index(label)
        with torch.no_grad():
            if judge:
                made = self.believed(count, seed, index, judge, asked)
            else:
                made = self.game.sample(self.networks, count, seed=seed, label=index, **asked)
        return self.game.present(made).cpu()

    def believed(self, count: int, seed: int, label: int | None, least: float, asked: Mapping[str, Any]) -> Tensor:
        """Samples that the judge finds real with probability ``least`` or more; others are drawn again."""
        if not self.knows_chances or not 0 < least < 1:
            why = (
                f"{least} is no probability"
                if self.knows_chances
                else "this model's judge only compares, it knows none"
            )
            raise UserError(
                f"judge: {why}; leave it out, or choose one between 0 and 1 of a model trained with targets"
            )
        if not self.game.judges(self.networks):
            raise UserError(f"judge: that of {self.folder} has not played yet; train on, or leave it out")
        batch = {"numbers": torch.arange(count, device=self.device)}
        if self.labels:
            labels = torch.arange(count) % len(self.labels) if label is None else torch.full((count,), label)
            batch["labels"] = labels.to(self.device)
        made, left = None, batch["numbers"]
        for attempt in range(ATTEMPTS):
            some = {name: value[left] for name, value in batch.items()}
            drawn = self.game.imitate(self.networks, some, seed=mixed(seed, attempt), **asked)
            made = drawn if made is None else made.index_copy(0, left, drawn)
            left = left[self.game.judge(self.networks, some, drawn).sigmoid() < least]
            if not len(left):
                return made
        raise UserError(
            f"judge: after {ATTEMPTS} draws {len(left):,} of {count:,} samples are still below {least:g}; ask for less"
        )

    @property
    def knows_chances(self) -> bool:
        """Whether the judge's logits say how probable it is that something is real, and do not only compare."""
        return getattr(self.recipe, "objective", "") in WITH_CHANCES

    def label_index(self, label: str | None) -> int | None:
        """Its number. Raises :class:`UserError` for one that is not known."""
        if label is None:
            return None
        if not self.labels:
            raise UserError(f"label: {self.folder} was trained without labels; leave --label out")
        if label not in self.labels:
            shown = ", ".join(self.labels[:20])
            raise UserError(f"label: no '{label}' here{nearest(label, self.labels)}; it knows {shown}")
        return self.labels.index(label)

    def sample_labels(self, count: int, label: str | None) -> list[str] | None:
        """The label of each of ``count`` samples; None without labels."""
        if not self.labels:
            return None
        return [self.labels[index % len(self.labels)] if label is None else label for index in range(count)]

    def write(
        self, samples: Tensor, labels: Sequence[str] | None, out: Path, *, seed: int, overwrite: bool
    ) -> list[Path]:
        """Write samples, each with where it came from."""
        note = {
            "sparring": sparring.__version__,
            "recipe": self.recipe.to_dict(),
            "model": self.hash,
            "examples_seen": self.examples_seen,
            "seed": seed,
        }
        return self.room.write_samples(samples, labels, out, note, overwrite=overwrite)


def load(path: str | Path, device: str = "auto") -> Model:
    """The model in a run folder or a model folder. Raises :class:`UserError` when there is none, or it is unsafe."""
    folder = Path(path)
    if folder.suffix.lower() in PICKLES and folder.is_file():
        raise UserError(f"{folder}: a pickle can run code when loaded, Sparring never does; it loads model folders")
    if not folder.is_dir():
        raise UserError(f"{folder}: no such run or model folder")
    inner = folder / "model"
    return Model(inner if inner.is_dir() else folder, precision.find_device(device))


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file. Raises :class:`UserError` when it is missing, damaged, or a pickle."""
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise UserError(f"{path}: missing; copy the whole model folder, or resume the run") from None
    except (SafetensorError, OSError) as problem:
        start = path.read_bytes()[:2] if path.is_file() else b""
        if start == b"PK" or start[:1] == b"\x80":
            raise UserError(f"{path}: a pickle, not safetensors; a pickle can run code and is never loaded") from None
        raise UserError(f"{path}: damaged ({problem}); copy it again, or resume the run") from None
