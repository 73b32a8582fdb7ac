"""A trained model: loaded from a run or a shared folder, sampled, described."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from sparring.core.adversarial_recipe import WITH_LOG_ODDS
from sparring.core.checkpoint import restore_network
from sparring.core.errors import UserError
from sparring.core.game import Batch, Output, rows
from sparring.core.precision import choose
from sparring.core.recipe import Recipe
from sparring.core.run import model_hash
from sparring.core.seeds import mixed
from sparring.core.settings import fields, nearest
from sparring.core.terminal import one_line, quoted, shortened
from sparring.core.weights import planned, read_weights
from sparring.data.labels import plain
from sparring.data.source import Form
from sparring.kind import Kind
from sparring.options import SampleOptions
from sparring.version import __version__

ATTEMPTS = 100  # draws for a sample that the discriminator believes
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

    @property
    def gives_log_odds(self) -> bool:
        """Whether the discriminator's logits are log odds of being real, uncalibrated, and do not only compare."""
        return getattr(self.recipe, "objective", "") in WITH_LOG_ODDS

    # Samples

    def sample(
        self, count: int = 64, *, seed: int = 0, label: str | None = None, min_probability: float = 0.0, **options: Any
    ) -> Any:
        """``count`` samples, on the CPU: images as float ``(count, channels, height, width)`` in [-1, 1], points
        ``(count, dimensions)``, text as a list of strings, and what else a modality gives.

        The same seed makes the same samples. ``min_probability``: only those that the discriminator finds real with at
        least this probability, which is not calibrated. ``options`` are those of the modality's sampling, of text
        ``temperature``, ``top_p`` and ``prompt``. Raises :class:`UserError` for a count below 1, a label that the model
        does not know, or an option that it does not have.
        """
        return self.modality.to_python(
            self.draw(count, seed=seed, label=label, min_probability=min_probability, **options)
        )

    def draw(self, count: int, *, seed: int, label: str | None, min_probability: float = 0.0, **options: Any) -> Tensor:
        """Finished samples ``(count, ...)`` on the CPU, of text as characters. Raises :class:`UserError` as
        :meth:`sample` does."""
        output = self.output
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
            if min_probability:
                made = self.believed(output, conditions, seed, min_probability, options)
            else:
                made = output.generate(self.networks, conditions, seed=seed, **options)
        return output.finish(made).cpu()

    def believed(
        self, output: Output, conditions: Batch, seed: int, least: float, options: Mapping[str, Any]
    ) -> Tensor:
        """Samples ``(rows, ...)`` that the discriminator finds real with probability ``least`` or more; others are
        drawn again. Raises :class:`UserError` where the discriminator gives no log odds, or believes too few."""
        if not self.gives_log_odds or not 0 < least < 1:
            why = f"{least} is no probability" if self.gives_log_odds else "this model's objective gives no log odds"
            raise UserError(
                f"min_probability: {why}; leave it out, or choose one between 0 and 1 of a model trained with "
                f"objective {' or '.join(WITH_LOG_ODDS)}"
            )
        count = rows(conditions)
        left = torch.arange(count, device=self.device)
        made: Tensor | None = None
        for attempt in range(ATTEMPTS):
            chosen = {name: value[left] for name, value in conditions.items()}
            drawn = output.generate(self.networks, chosen, seed=mixed(seed, attempt), **options)
            made = drawn if made is None else made.index_copy(0, left, drawn)
            logits = output.logits(self.networks, chosen, drawn)
            if logits is None:
                raise UserError(
                    f"min_probability: the discriminator of {self.path} has not learned; train on, or leave it out"
                )
            left = left[logits.sigmoid() < least]
            if not len(left):
                return made
        raise UserError(
            f"min_probability: after {ATTEMPTS} draws {len(left):,} of {count:,} samples are still "
            f"below {least:g}; ask for less"
        )

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
