"""``sparring evaluate``: how good samples are, compared with what, and how sure that is."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

from sparring.core import precision
from sparring.core.errors import UserError
from sparring.core.files import clear_parts, make_folder, not_too_long, write_atomically, write_text
from sparring.core.journal import finite
from sparring.core.settings import fields
from sparring.core.status import columns_of
from sparring.evaluation import Evaluation, assess
from sparring.keywords import EvaluateKeywords
from sparring.modalities import ENTRIES, entry_told_by, holding, kind_at, load, modality_of, options_for, options_of
from sparring.modality import Say
from sparring.options import EvaluateOptions, LikelihoodOptions
from sparring.report.card import add_scores
from sparring.report.evaluation import evaluation_page, evaluation_table
from sparring.targets import FolderTarget, only_place


def evaluate(
    target: str | Path, *, say: Say = lambda line: None, **options: Unpack[EvaluateKeywords]
) -> dict[str, Any]:
    """Compare what ``target`` makes, or holds, with real data; leaves ``scores.json`` and ``index.html`` in ``out``.

    ``target`` is a run, a model folder, or a folder of samples; ``options`` are the fields of :class:`EvaluateOptions`
    and of the modality's own: ``data`` are the real examples (a run knows its own), ``count`` samples (10,000, or half
    as many as there are real examples) are compared with real examples, and so are as many other real ones: that is the
    floor. Returns what is written; of a model with several outputs, ``directions`` has such a result for each, in a
    folder of its own. Raises :class:`UserError` when nothing can be compared.
    """
    path = Path(target)
    is_model = any(os.path.exists(path / name) for name in ("config.json", "recipe.yaml"))
    if not is_model and not os.path.exists(path):  # where Path.exists would raise: a name too long
        raise UserError(f"{target}: no such run, model or folder of samples")
    asked: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    found = of_model(path, asked, say) if is_model else [of_folder(path, asked, say)]
    out = asked.get("out") or (path / "evaluation" if is_model else f"evaluation-{not_too_long(path.resolve().stem)}")
    results: dict[str, dict[str, Any]] = {}
    for each in found:
        written = write(each, Path(out) / each.name)
        results[each.name] = {**each.result, "written": written, "summary": summary_of(each, written)}
    if (path / "recipe.yaml").is_file() and options.get("judge", "none") == "none":
        note_in_card(path, [each.result for each in found if "scores" in each.result], say)
    if list(results) == [""]:
        return results[""]
    return {"directions": results, "written": [name for result in results.values() for name in result["written"]],
            "summary": "\n\n".join(f"{name}: {result.pop('summary')}" for name, result in results.items())}  # fmt: skip


def note_in_card(run: Path, results: Sequence[Mapping[str, Any]], say: Say) -> None:
    """Write the scores of a run's own samples into the card of its model, where they are read once it is shared."""
    try:
        if results:
            add_scores(run / "model", results)
    except UserError as problem:
        say(f"warning: {problem}; the scores are not in the model's card")


def of_model(path: Path, options: dict[str, Any], say: Say) -> Sequence[Evaluation]:
    """The evaluations of a run or a model. Raises :class:`UserError` when nothing can be compared."""
    decided = fields(ENTRIES[kind].recipe) if (kind := kind_at(path)) else {}
    if name := next((name for name in options if name in decided and name not in fields(EvaluateOptions)), None):
        raise UserError(f"{name}: was decided when the model was trained; leave it out")
    asked = options_for("evaluate", path, options)
    assert isinstance(asked, EvaluateOptions)
    model = load(path, asked.device)
    return modality_of(model.recipe.kind).evaluate(model, asked, say)


def of_folder(path: Path, options: dict[str, Any], say: Say) -> Evaluation:
    """The evaluation of samples that lie in a folder; what kind of data they are, the real ones tell, or else they
    themselves. Raises :class:`UserError` without data to compare them with, or where neither tells."""
    if not options.get("data"):
        raise UserError(f"data: {path} is no run, so nothing tells what to compare it with; add --data PATH")
    place = only_place(EvaluateOptions().changed({"data": options["data"]}).data)
    entry = entry_told_by([place]) or entry_told_by([str(path)])
    if entry is None:
        raise UserError(f"{holding([place])}, which does not tell what kind of data it is; nor does {path}")
    kind = options_of("evaluate", entry.recipe.kind)
    asked = kind().changed(options)
    assert isinstance(asked, EvaluateOptions)
    if asked.judge != "none":
        raise UserError(f"judge: {path} holds samples, which are what they are; give a run or a model, or leave it out")
    if isinstance(asked, LikelihoodOptions) and asked.likelihood:
        raise UserError(f"likelihood: {path} holds samples, which have none; give a run or a model, or leave it out")
    modality, preset = modality_of(entry.recipe.kind), next(iter(entry.presets.values()))
    own = [name for name in fields(kind) if name in fields(entry.recipe) and name not in fields(EvaluateOptions)]
    recipe = preset.changed({name: getattr(asked, name) for name in own})
    made, source = (modality.open_source(recipe.changed({"data": data})) for data in (str(path), place))
    return assess(FolderTarget(modality, recipe, made, source, path), asked, precision.find_device(asked.device), say)


def write(evaluation: Evaluation, folder: Path) -> list[str]:
    """Write the result as JSON, every artifact as a file, and a page with all of it; the files, the page second."""
    make_folder(folder)
    clear_parts(folder)
    content = json.dumps(finite(evaluation.result), indent=2, ensure_ascii=False) + "\n"
    write_text(folder / evaluation.file, content)
    written = [folder / evaluation.file]
    if "scores" in evaluation.result:
        written.append(folder / "index.html")
        page = evaluation_page(evaluation.result, evaluation.artifacts, evaluation.name)
        write_text(written[-1], page)
    for number, artifact in enumerate(evaluation.artifacts, 1):
        written.append(folder / f"{artifact.name or f'figure-{number}'}{artifact.ending}")
        write_atomically(written[-1], artifact.data)
    return [str(path) for path in written]


def summary_of(evaluation: Evaluation, written: Sequence[str]) -> str:
    """What a person at a terminal reads, and last where to read on: the page, where there is one."""
    page = next((path for path in written if path.endswith(".html")), written[0])
    return f"{evaluation.text or evaluation_table(evaluation.result, columns_of(sys.stdout))}\n{page}"
