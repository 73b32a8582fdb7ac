"""Lines of text, behind the door that every modality has."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sparring.checking import Summary, lines_on, named
from sparring.core.errors import UserError
from sparring.core.files import make_folder, write_text
from sparring.core.game import Batch, Game, Networks
from sparring.core.recipe import Recipe
from sparring.core.status import clock
from sparring.core.terminal import shortened
from sparring.data.given import pairs
from sparring.data.source import Form, Source
from sparring.evaluation import Evaluation
from sparring.kind import Explainer, Layout, LogOdds
from sparring.metrics.features import Features
from sparring.modality import Artifact, Modality, Say
from sparring.model import Model
from sparring.options import EvaluateOptions, ScoreOptions
from sparring.scoring import Table
from sparring.text.data import TextForm, open_source
from sparring.text.evaluate import evaluate_lines
from sparring.text.explain import explainer
from sparring.text.game import NONE, TextGame
from sparring.text.metrics.quick import first_characters, trigram_features
from sparring.text.networks.trunk import LineTrunk
from sparring.text.pictures import SHOWN
from sparring.text.recipes import ENTRY, TextRecipe
from sparring.text.samples import as_lines, as_texts, listing, write_samples
from sparring.text.score import score_lines
from sparring.text.vocabulary import PAD, UNKNOWN

CHECKED = 5  # lines that a summary shows
KEYS = ("text", "sentence", "line", "x")  # what an example that is a mapping calls its line, best first


class Text(Modality):
    """Lines of tokens, which leave the game as characters: code points ``(n, longest)``."""

    entry = ENTRY
    form = TextForm
    sheet = ".svg"

    def open_source(self, recipe: Recipe, form: Form | None = None) -> Source:
        """The lines that the recipe names, in the vocabulary of a model's ``form``. Raises :class:`UserError` when
        there are none to be had, and for labels that do not fit the recipe or ``form``."""
        assert isinstance(recipe, TextRecipe)
        assert form is None or isinstance(form, TextForm)
        return open_source(recipe, form)

    def keep(self, data: object, folder: Path) -> Path:
        """Write lines, alone or with labels, into a new ``folder``. Raises :class:`UserError` for what is no text."""
        rows = []
        for line, label in pairs(data, KEYS):
            if not isinstance(line, str):
                raise UserError(f"data: {shortened(line)} is no line of text; give a list of texts")
            rows.append(json.dumps({"text": line} if label is None else {"text": line, "label": label}))
        make_folder(folder)
        write_text(folder / "lines.jsonl", "\n".join([*rows, ""]))
        return folder / "lines.jsonl"

    def build_game(self, recipe: Recipe, form: Form) -> Game:
        """The game on lines in the vocabulary of ``form``."""
        assert isinstance(recipe, TextRecipe)
        assert isinstance(form, TextForm)
        return TextGame(recipe, form)

    # What it makes, as files

    def write(
        self,
        samples: Tensor,
        out: Path,
        *,
        form: Form,
        labels: Sequence[str] | None,
        note: Mapping[str, Any],
        options: Mapping[str, Any],
        overwrite: bool,
    ) -> list[Path]:
        """Write lines of characters ``(n, longest)`` as plain text, a table, or a picture. Raises
        :class:`UserError` for another ending of ``out``, and where something is there already."""
        return write_samples(samples, labels, out, note, overwrite=overwrite)

    def preview(self, game: Game, networks: Networks, batch: Batch, *, seed: int) -> Artifact:
        """32 generated lines, those of one label together."""
        output, conditions = game.outputs[""], game.conditions(SHOWN)
        lines = as_texts(output.finish(output.generate(networks, conditions, seed=seed)))
        return self.listed(game, lines, conditions, "generated lines")

    def layout(self, classes: int) -> Layout:
        """A preview has 32 lines."""
        return Layout(SHOWN)

    def real_preview(self, game: Game, batch: Batch) -> Artifact:
        """As many real lines, listed in the same way."""
        output = game.outputs[""]
        return self.listed(game, as_texts(output.finish(output.real(batch)))[:SHOWN], batch, "real lines")

    def listed(self, game: Game, lines: list[str], conditions: Batch, caption: str) -> Artifact:
        """Lines as plain text, sorted by the label, if any, that stands before each."""
        assert isinstance(game, TextGame)
        labels = conditions["labels"].tolist() if game.classes else None
        return Artifact(caption, "text/plain", listing(lines, labels, game.names).encode("utf-8", errors="replace"))

    def to_python(self, samples: Tensor) -> list[str]:
        """Lines of characters ``(n, longest)`` as strings."""
        return as_texts(samples)

    def as_lines(self, samples: Tensor, labels: Sequence[str] | None) -> str:
        """Lines of characters ``(n, longest)``; with labels, a table that Sparring can train on again."""
        return as_lines(as_texts(samples), labels)

    # How it is measured

    def comparable(self, finished: Tensor) -> Tensor:
        """The first 256 characters of each line ``(n, longest)``, ``(n, 256)``."""
        return first_characters(finished)

    def quick_features(self, real: Tensor, device: torch.device) -> Features:
        """How often runs of three characters occur in lines ``(n, 256)``; nothing is fitted."""
        return trigram_features()

    def judge_trunk(self, form: Form, shape: Sequence[int]) -> nn.Module:
        """Windows of the characters of lines ``(n, 256)``."""
        return LineTrunk()

    def explainer(self, log_odds: LogOdds, form: Form) -> Explainer:
        """The words of lines ``(256,)``, shaded by how far the log odds fall without them."""
        return explainer(log_odds)

    def measure_game(self, game: Game, networks: Networks, held_out: Batch) -> dict[str, float]:
        """``likelihood``: the mean negative log-likelihood of a held-out token, ends of lines among them, in nats."""
        assert isinstance(game, TextGame)
        lines = game.real(held_out)
        log_likelihoods = game.log_likelihoods(networks, lines, game.labels(held_out))
        return {"likelihood": -log_likelihoods.sum().item() / int((lines != PAD).sum())}

    def closing_remark(self, game: Game, examples: int, seconds: float) -> tuple[str, str]:
        """Of a run that ended in pretraining: when its adversarial phase begins, and a budget with which it does and
        lasts as long as pretraining."""
        assert isinstance(game, TextGame)
        recipe = game.recipe
        if game.began != NONE:
            return "", ""
        begins = max(examples, 0 if game.is_pretrained(examples) else recipe.pretrain_examples)
        when, takes = "with the next step", seconds * begins / max(examples, 1)
        if begins > examples:
            when = f"after {begins:,} examples, {begins - examples:,} more"
            when += f" ({clock(takes - seconds)} at this speed)" if examples else ""
            if recipe.pretrain_patience and recipe.measure_every and recipe.held_out:
                when += f", or once held-out lines became no likelier {recipe.pretrain_patience} times in a row"
        steps = math.ceil(2 * begins / (recipe.batch * game.batches))
        minutes = math.ceil((2 * takes - max(recipe.time, seconds)) / 60)
        budget = f" --steps {steps}" if 0 < recipe.steps < steps else ""
        if recipe.time and minutes > 0:  # a limit of steps holds no more then
            budget = f" --more {minutes}m" if minutes <= 120 else f" --more {math.ceil(minutes / 60)}h"
        return (
            "it ended in pretraining, before the discriminator had learned anything: the adversarial phase begins "
            f"{when}"
        ), f"resume {{run}}{budget}"

    # Verbs

    def check(self, recipe: Recipe, say: Say) -> Summary:
        """What training on these lines would meet: labels with their counts, duplicates, what the vocabulary does not
        know, what is cut, what is bad, and some lines. Raises :class:`UserError` as training would."""
        assert isinstance(recipe, TextRecipe)
        source = open_source(recipe)
        form, token = source.form, source.vocabulary.token
        counts = Counter([] if source.labels is None else source.labels.tolist())
        facts: dict[str, Any] = {
            "data": source.name,
            "good": len(source),
            "duplicates": source.duplicates,
            "labels": {name: counts[index] for index, name in enumerate(source.names)},
            "token": token,
            "tokens": form.tokens,
            "unknown": int((source.lines == UNKNOWN).sum()) / int((source.lines != PAD).sum()),
            "cut": form.cut,
            "mean_tokens": form.mean_tokens,
            "bad": named(source.bad_files),
            "lines": source.texts[:CHECKED],
        }
        lines = (
            f"{source.name}: {len(source):,} good lines, {facts['duplicates']:,} duplicates",
            f"{form.tokens:,} {token} tokens are known, {facts['unknown']:.1%} of the text is unknown; "
            f"{form.mean_tokens:.1f} tokens a line, the end among them",
            *lines_on(facts["labels"], source.bad_files),
            *source.remarks(),
            *facts["lines"],
        )
        return Summary(facts, lines)

    def evaluate(self, model: Model, options: EvaluateOptions, say: Say) -> list[Evaluation]:
        """Likelihood, quality and diversity of a model's lines beside real ones. Raises :class:`UserError` when nothing
        can be compared."""
        if options.features != "auto":
            raise UserError("features: text is compared in features of its own; leave it at auto")
        assert isinstance(model.game, TextGame)
        assert isinstance(model.form, TextForm)
        return [evaluate_lines(model, model.game, model.form, options, say)]

    def score(self, model: Model, options: ScoreOptions, say: Say) -> Table:
        """The likelihood of each line of files, the discriminator's logit, and the label that fits best. Raises
        :class:`UserError` where files hold no text."""
        assert isinstance(model.game, TextGame)
        return score_lines(model, model.game, options, say)
