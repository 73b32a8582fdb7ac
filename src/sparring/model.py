"""A trained model: loaded from a run or a shared folder, sampled, described."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from sparring.core.checkpoint import restore_network
from sparring.core.errors import UserError
from sparring.core.game import Batch, Output
from sparring.core.precision import choose
from sparring.core.recipe import Recipe
from sparring.core.run import model_hash
from sparring.core.settings import fields, nearest
from sparring.core.terminal import one_line, quoted, shortened
from sparring.core.weights import planned, read_weights
from sparring.data.labels import plain
from sparring.data.source import Form
from sparring.kind import Kind
from sparring.options import JudgeOptions, SampleOptions
from sparring.probability.kept import Calibration
from sparring.probability.kept import load as load_calibration
from sparring.probability.rejection import JudgedOutput
from sparring.version import __version__

MOST = 1_000_000  # samples made at once: all are held in memory


class Model:
    """A generator (its averaged weights) and the discriminator it trained against, in evaluation mode on ``device``, in
    float32 and placed as they were in training.

    ``path`` is what the user named, ``folder`` the model folder in it; ``config`` is that folder's; ``networks`` are
    all players' networks by name; ``hash`` names the generator's weights. Raises :class:`UserError` when the folder is
    damaged.
    """

    def __init__(
        self,
        modality: Kind,
        recipe: Recipe,
        config: Mapping[str, Any],
        *,
        path: Path,
        folder: Path,
        device: torch.device,
    ) -> None:
        self.modality, self.path, self.folder, self.device = modality, path, folder, device
        self.examples: int = config["examples"]
        self.examples_seen: int = config["examples_seen"]
        try:
            self.form: Form = modality.form.from_dict(config["form"])
            self.recipe = modality.as_trained(recipe, self.form, config["recipe"])
            expected = planned(lambda: modality.build_game(self.recipe, self.form))
        except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as problem:
            raise UserError(
                f"{folder / 'config.json'}: describes no model ({one_line(problem)}); copy the model folder again"
            ) from None
        tensors = read_weights(folder / "model.safetensors", expected)
        self.game = modality.build_game(self.recipe, self.form)  # of a size that a file is known to have
        for name, player in self.game.players.items():
            restore_network(f"{name}.", player.network, tensors)
        placed = choose("float32", device, [player.network for player in self.game.players.values()])
        self.networks = {name: placed.place(player.network).eval() for name, player in self.game.players.items()}
        self.hash = model_hash(self.networks)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that samples can be asked for; empty when the model knows none."""
        return self.form.labels if self.game.classes else ()

    @property
    def output(self) -> Output:
        """The one kind of example that is made from nothing. Raises :class:`UserError` where the model changes examples
        instead."""
        if "" not in self.game.outputs:
            raise UserError(
                f"{self.path}: makes no examples of its own, it translates others: "
                f"sparring translate {self.path} INPUT..."
            )
        return self.game.outputs[""]

    # Samples

    def sample(
        self,
        count: int = 64,
        *,
        seed: int = 0,
        label: str | None = None,
        judge: str = "none",
        proposals: float = 0.0,
        **options: Any,
    ) -> Any:
        """``count`` samples, on the CPU: images as float ``(count, channels, height, width)`` in [-1, 1], points
        ``(count, dimensions)``, text as a list of strings, and what else a modality gives.

        The same seed makes the same samples. ``judge``: ``rejection`` or ``chain`` keeps samples as likely as a
        calibrated model finds them among real ones, of ``proposals`` for each that is kept (0: as many as suit).
        ``options`` are those of the modality's sampling, of text ``temperature``, ``top_p`` and ``prompt``. Raises
        :class:`UserError` for a count below 1, a label that the model does not know, an option that it does not have,
        or a ``judge`` where the model is not calibrated.
        """
        output = None if judge == "none" else self.judged(judge, proposals)
        return self.modality.to_python(self.draw(count, seed=seed, label=label, output=output, **options))

    def draw(self, count: int, *, seed: int, label: str | None, output: Output | None = None, **options: Any) -> Tensor:
        """Finished samples ``(count, ...)`` of the ``output``, or the one that the model has, on the CPU, of text as
        characters. Raises :class:`UserError` as :meth:`sample` does."""
        output = output or self.output
        if not 1 <= count <= MOST:
            raise UserError(f"n: {count} samples cannot be made at once; ask for 1 or more, up to {MOST:,}")
        if not 0 <= seed < 2**63:
            raise UserError(f"seed: {seed} is none; choose a whole number from 0 to 2^63 - 1")
        kind = self.modality.entry.options.get("sample", SampleOptions)
        for name in options:
            if name not in fields(kind) or name in fields(SampleOptions):
                raise UserError(f"{name}: {self.recipe.kind} are not sampled with it; leave it out")
        checked = kind().changed(options)
        options = {name: getattr(checked, name) for name in options}
        conditions = self.on_device(self.game.conditions(count, self.label_index(label)))
        with torch.no_grad():
            made = output.generate(self.networks, conditions, seed=seed, **options)
        return output.finish(made).cpu()

    def judged(self, judge: str, proposals: float) -> JudgedOutput:
        """The one output, whose examples are kept or not by the judge of the model's calibration. Raises
        :class:`UserError` for a model that has none, and for a way to judge that there is not."""
        ways = fields(JudgeOptions)["judge"].metadata["choices"]
        if judge not in ways:
            raise UserError(f"judge: no {quoted(judge)} here; choose one of {', '.join(ways)}")
        calibration = self.calibration()
        if calibration is None:
            raise UserError(f"judge: {self.path} is not calibrated; first run: sparring calibrate {self.path}")
        return JudgedOutput(self.output, self.modality, calibration, judge, proposals)

    def calibration(self) -> Calibration | None:
        """What ``sparring calibrate`` left beside the weights; None where there is none. Raises :class:`UserError` for
        what is damaged, or of other weights."""
        return load_calibration(self.folder, self.modality, self.form, self.hash, self.device)

    def on_device(self, batch: Batch) -> dict[str, Tensor]:
        """The batch, or conditions, tensors of ``(rows, ...)``, where the networks are."""
        return {name: value.to(self.device) for name, value in batch.items()}

    def label_index(self, label: str | None) -> int | None:
        """The label's number. Raises :class:`UserError` for one that is not known."""
        if label is None:
            return None
        if not self.labels:
            raise UserError(f"label: {self.path} was trained without labels; leave --label out")
        label = plain(label)
        if label not in self.labels:
            shown = ", ".join(map(shortened, self.labels[:20]))
            raise UserError(f"label: no {quoted(label)} here{nearest(label, self.labels)}; it knows {shown}")
        return self.labels.index(label)

    def sample_labels(self, count: int, label: str | None) -> list[str] | None:
        """The label of each of ``count`` samples; None without labels."""
        if not self.labels:
            return None
        return [self.labels[index] for index in self.game.conditions(count, self.label_index(label))["labels"].tolist()]

    def write(
        self,
        samples: Tensor,
        labels: Sequence[str] | None,
        out: Path,
        *,
        seed: int,
        overwrite: bool,
        options: Mapping[str, Any] = MappingProxyType({}),
    ) -> list[Path]:
        """Write finished samples ``(n, ...)``, each with where it came from; ``options`` are those that they were drawn
        with. Raises :class:`UserError` for an ending of ``out`` that the modality does not write."""
        note = {
            "sparring": __version__,
            "recipe": self.recipe.to_dict(),
            "model": self.hash,
            "examples_seen": self.examples_seen,
            "seed": seed,
            **({"options": dict(options)} if options else {}),
        }
        return self.modality.write(
            samples, out, form=self.form, labels=labels, note=note, options=options, overwrite=overwrite
        )
