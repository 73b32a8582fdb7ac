"""What a session of training leaves in its run folder for people: previews, model folders with their card, the
report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sparring.core.errors import UserError
from sparring.core.files import write_atomically
from sparring.core.game import Batch, Game, Networks
from sparring.core.pacing import Progress
from sparring.core.recipe import Recipe
from sparring.core.run import Run, model_hash, save_model
from sparring.data.source import Source
from sparring.kind import Artifact, Kind
from sparring.media.notes import stamped
from sparring.report.card import model_card
from sparring.report.previews import REAL
from sparring.report.report import write_report
from sparring.version import __version__


@dataclass
class RunFiles:
    """Writes previews, models and the report of a run whose game learns from ``source``; ``shown`` is a batch of real
    examples for previews, ``ready`` is called before a model is written."""

    run: Run
    recipe: Recipe
    modality: Kind
    game: Game
    source: Source
    shown: Batch
    fingerprint: Mapping[str, Any]
    ready: Callable[[], None]
    latest: Artifact | None = field(default=None, init=False)

    def preview(self, networks: Networks, progress: Progress) -> Path:
        """Write what the modality shows of its game along the way; where it went. Raises :class:`UserError` where it
        cannot be written."""
        artifact = self.modality.preview(self.game, networks, self.shown, seed=self.recipe.seed)
        about = {"model": model_hash(networks), "examples_seen": progress.examples, "seed": self.recipe.seed}
        path = self.run.samples / f"{progress.examples:012d}{artifact.ending}"
        self.write(artifact, path, about)
        if not list(self.run.samples.glob(f"{REAL}.*")) and (real := self.modality.real_preview(self.game, self.shown)):
            self.write(real, self.run.samples / f"{REAL}{real.ending}", {"real": True})
        self.latest = self.for_card(artifact)
        if (self.run.model / "config.json").exists():
            self.add_sample(self.run.model)
        return path

    def write(self, artifact: Artifact, path: Path, about: Mapping[str, Any]) -> None:
        """An artifact with a note of where it came from, and beside it the picture that it is shown by. Raises
        :class:`UserError` where it cannot be written."""
        note = {"sparring": __version__, "recipe": shareable(self.recipe), **about}
        write_atomically(path, stamped(artifact.data, artifact.media_type, note), durable=False)
        if artifact.picture:
            write_atomically(path.with_name(f"{path.name}.png"), artifact.picture, durable=False)

    def layout(self) -> dict[str, Any]:
        """How many examples a preview holds, where samples of the same seed are the same, and what its columns and
        those of real examples show."""
        layout, form = self.modality.layout(self.game.classes), self.source.form
        columns, real = self.modality.columns(self.game, form), layout.names(form.labels)
        return {"count": layout.count, "columns": columns, "real_columns": real}

    def for_card(self, artifact: Artifact) -> Artifact | None:
        """The picture of a preview that a model folder may hold: none of a user's own examples, which a game that
        changes examples shows beside what it made of them."""
        if "" not in self.game.outputs and self.recipe.data not in self.modality.entry.sets:
            return None
        if artifact.picture:
            return Artifact(artifact.caption, "image/png", artifact.picture)
        return artifact if artifact.media_type.startswith("image/") else None

    def add_sample(self, folder: Path) -> str:
        """Write the picture for a model's card into its folder, if there is one; what it is called there."""
        if self.latest is None:
            return next((path.name for path in folder.glob("sample.*")), "")
        path = folder / f"sample{self.latest.ending}"
        write_atomically(path, self.latest.data, durable=False)
        return path.name

    def publish(self, networks: Networks, folder: Path, progress: Progress) -> None:
        """Write a model folder. Raises :class:`UserError` where it cannot be written."""
        self.ready()
        config = {
            "kind": self.recipe.kind,
            "recipe": shareable(self.recipe),
            "form": self.source.form.to_dict(),
            "examples": len(self.source),
            "examples_seen": progress.examples,
            "fingerprint": self.fingerprint,
        }
        tensors = {f"{name}.{key}": value for name, net in networks.items() for key, value in net.state_dict().items()}
        makes, alone = "" in self.game.outputs, len(self.game.players) == 1
        sample = self.add_sample(folder)
        card = model_card(self.recipe, config, self.modality.entry, makes=makes, alone=alone, sample=sample)
        save_model(folder, config, tensors, card)

    def report(self, live: bool = False) -> None:
        """``report.html``, from what the journal and the previews say; ``live`` while training goes on, which a page
        that cannot be written does not end. Raises :class:`UserError` otherwise, where it cannot be written."""
        with suppress(UserError) if live else nullcontext():
            write_report(self.run.folder, live)


def shareable(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain values, without the place of the data on this machine."""
    return {**recipe.to_dict(), **{name: Path(getattr(recipe, name)).name for name in recipe.data_settings}}
