"""A trained model: loaded from a run or a shared folder, sampled, described."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sparring.core.adversarial import AdversarialGame
from sparring.core.checkpoint import restore_network
from sparring.core.errors import UserError
from sparring.core.game import Batch, Output
from sparring.core.precision import choose
from sparring.core.recipe import Recipe
from sparring.core.run import model_hash
from sparring.core.settings import fields
from sparring.core.terminal import one_line, quoted, shortened
from sparring.core.weights import planned, read_weights
from sparring.data.labels import Label, Labels, in_turn, number_of
from sparring.data.source import Form
from sparring.kind import Kind
from sparring.notebook import as_html, as_picture, side_by_side
from sparring.options import JudgeOptions, SampleOptions
from sparring.probability.kept import Calibration
from sparring.probability.kept import load as load_calibration
from sparring.probability.rejection import JudgedOutput
from sparring.version import __version__

MOST = 1_000_000  # samples made at once: all are held in memory
SHOWN, LINES = 16, 8  # samples that a notebook shows of a model: pictures, lines of text


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
            self.recipe = modality.as_trained(recipe.as_stored(config["recipe"]), self.form)
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

    def sample(self, count: int = 64, **options: Any) -> Any:
        """``count`` samples, on the CPU: images as float ``(count, channels, height, width)`` in [-1, 1], points
        ``(count, dimensions)``, text as a list of strings, and what else a modality gives.

        ``seed`` (0): the same one makes the same samples. ``label``: one by its name or its number, or several of them,
        which are made in turn; without, each that the model knows is. ``latents`` ``(count, latent)`` take the place of
        those of the seed (:meth:`latents`), and tell the count. ``judge``: ``rejection`` or ``chain`` keeps samples as
        likely as a calibrated model finds them among real ones, of ``proposals`` for each that is kept (0: as many as
        suit). Other ``options`` are those of the modality's sampling, of text ``temperature``, ``top_p`` and
        ``prompt``. Raises :class:`UserError` for a count below 1, a label that the model does not know, an option that
        it does not have, latents of another shape, or a ``judge`` where the model is not calibrated.
        """
        return self.modality.to_python(self.finished(count, **options))

    def images(self, count: int = SHOWN, **options: Any) -> list[Image.Image]:
        """Samples as Pillow pictures, by the options of :meth:`sample`: of sounds their spectrograms, of videos
        animations. Raises :class:`UserError` as :meth:`sample` does, and for a kind of data that has no pictures."""
        examples = self.modality.comparable(self.finished(count, **options))
        return [as_picture(each, self.modality.shown(each, self.form), self.recipe.kind) for each in examples]

    def grid(self, count: int = SHOWN, columns: int = 0, **options: Any) -> Image.Image:
        """The pictures of :meth:`images` side by side, in rows of so many ``columns`` (0: as many as make it square).
        Raises :class:`UserError` as :meth:`images` does."""
        return side_by_side(self.images(count, **options), columns)

    def finished(
        self,
        count: int,
        *,
        seed: int = 0,
        label: Labels = None,
        latents: Tensor | np.ndarray | None = None,
        judge: str = "none",
        proposals: float = 0.0,
        **options: Any,
    ) -> Tensor:
        """Finished samples ``(count, ...)`` by the options of :meth:`sample`, on the CPU, of text as characters. Raises
        :class:`UserError` as that does."""
        output = None if judge == "none" else self.judged(judge, proposals)
        if latents is None:
            return self.draw(count, seed=seed, label=label, output=output, **options)
        if output:
            raise UserError("latents: a judge draws its own until it has kept enough; leave one of the two out")
        given = self.checked(latents)
        return self.draw(len(given), seed=seed, label=label, given=given, **options)

    def draw(
        self,
        count: int,
        *,
        seed: int,
        label: Labels,
        output: Output | None = None,
        given: Tensor | None = None,
        **options: Any,
    ) -> Tensor:
        """Finished samples ``(count, ...)`` of the ``output``, or the one that the model has, from the latents
        ``given`` ``(count, latent)`` or those of the seed; on the CPU, of text as characters. Raises :class:`UserError`
        as :meth:`sample` does."""
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
        options |= {} if given is None else {"latents": given}
        conditions = self.on_device(self.conditions(count, label))
        with torch.no_grad():
            made = output.generate(self.networks, conditions, seed=seed, **options)
        return output.finish(made).cpu()

    # Latents

    def latents(self, count: int, seed: int = 0) -> Tensor:
        """The latents ``(count, latent)`` of the samples that :meth:`sample` makes by this count and seed. Raises
        :class:`UserError` where an example is not made of one latent."""
        return self.of_latents.latents(count, seed=seed)

    @property
    def of_latents(self) -> AdversarialGame:
        """The game, which makes each example of one latent. Raises :class:`UserError` where it does not."""
        if isinstance(self.game, AdversarialGame) and self.game.one_latent:
            return self.game
        raise UserError(f"latents: {self.recipe.kind} are not made of one latent each; leave them out")

    def checked(self, latents: Tensor | np.ndarray) -> Tensor:
        """Latents as float32 ``(count, latent)``. Raises :class:`UserError` for another shape, and for numbers that are
        not finite."""
        given, length = torch.as_tensor(latents, dtype=torch.float32, device="cpu"), self.of_latents.latent
        if given.ndim != 2 or given.shape[1] != length or not given.isfinite().all():
            raise UserError(f"latents: must be finite numbers of shape (count, {length}), not {tuple(given.shape)}")
        return given

    # The judge

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

    # Labels

    def conditions(self, count: int, label: Labels) -> Batch:
        """Conditions ``(count,)`` of the game: all of one label, of several in turn, or of each that the model knows.
        Raises :class:`UserError` for labels that it does not know."""
        asked = [] if label is None else [self.label_index(each) for each in in_turn(label)]
        conditions = self.game.conditions(count)
        if not asked:
            return conditions
        return {**conditions, "labels": torch.tensor(asked)[torch.arange(count) % len(asked)]}

    def label_index(self, label: Label | None) -> int | None:
        """The label's number, None for none. Raises :class:`UserError` for one that is not known."""
        if label is None:
            return None
        if not self.labels:
            raise UserError(f"label: {self.path} was trained without labels; leave --label out")
        return number_of(label, self.labels)

    def sample_labels(self, count: int, label: Labels) -> list[str] | None:
        """The label of each of ``count`` samples; None without labels."""
        if not self.labels:
            return None
        return [self.labels[number] for number in self.conditions(count, label)["labels"].tolist()]

    # What it is

    def __repr__(self) -> str:
        facts = ", ".join(f"{name}: {text}" for name, text in self.facts().items())
        return f"<sparring.Model {facts}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: facts, and some samples to look at or to read."""
        if "" not in self.game.outputs:
            return as_html(self.facts(), "")
        try:
            return as_html(self.facts(), self.grid())
        except UserError:  # of this kind of data there are no pictures
            made = self.sample(LINES)
            return as_html(self.facts(), "\n".join(made) if isinstance(made, list) else "")

    def facts(self) -> dict[str, str]:
        """What the model is, by name, for a person."""
        sizes = {name: sum(map(torch.Tensor.numel, net.parameters())) for name, net in self.networks.items()}
        return {
            "recipe": f"{self.recipe.name or self.recipe.kind} ({self.recipe.kind})",
            "makes": self.form.described(),
            **({"labels": shortened(", ".join(self.labels))} if self.labels else {}),
            "trained on": f"{self.examples:,} examples, {self.examples_seen:,} seen",
            "weights": ", ".join(f"{name} {size:,}" for name, size in sizes.items()),
            "hash": self.hash,
        }

    # Files

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
