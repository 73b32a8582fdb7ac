"""What text gives through the door of every modality: its form, its summary of data, its preview; and the names that
settings and forms had in format 1."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_text import a_game, networks_of

from sparring.core.errors import UserError
from sparring.core.settings import fields
from sparring.modalities import ENTRIES, from_dict, kind_of
from sparring.options import EvaluateOptions
from sparring.text.data import TextForm, open_source
from sparring.text.game import NONE
from sparring.text.modality import Text
from sparring.text.pictures import SHOWN
from sparring.text.recipes import ENTRY, RECIPES, TextRecipe
from sparring.text.samples import as_characters, as_texts
from sparring.text.vocabulary import Vocabulary

OLD = {
    "unit": "token", "first_act": "pretrain_examples", "misses": "pretrain_patience",
    "judge_first": "discriminator_warmup", "second_rate": "adversarial_rate", "adversary": "adversarial_weight",
    "mismatched": "mismatched_share", "likelihood": "likelihood_weight", "judge_width": "discriminator_width",
    "judge_dropout": "discriminator_dropout", "critic_turns": "n_critic", "pace": "discriminator_rate",
    "clip": "weight_clip", "keep": "keep_checkpoints",
}  # fmt: skip


def a_recipe(data: Path | str, **settings: object) -> TextRecipe:
    recipe = RECIPES["text"].changed({"data": str(data), **settings})
    assert isinstance(recipe, TextRecipe)
    return recipe


def remark(examples: int, seconds: float, *, misses: int = 0, began: float = NONE, **settings: Any) -> str:
    """What a run that ended so says of a game whose pretraining is at most 2,000 examples."""
    game = a_game(**{"pretrain_examples": 2000, "batch": 10, "steps": 0, "measure_every": 100, **settings})
    game.misses, game.began = misses, began
    said, command = Text().closing_remark(game, examples, seconds)
    return f"{said}; sparring {command}" if said else ""


# How a run ends


def test_a_run_that_ends_in_pretraining_says_when_the_adversarial_phase_begins() -> None:
    said = remark(500, 60.0, time="1m")
    assert "ended in pretraining" in said
    assert "begins after 2,000 examples, 1,500 more (3:00 at this speed), or once held-out lines" in said
    assert said.endswith("sparring resume {run} --more 7m")  # of 4 minutes of pretraining, and as many after it
    assert remark(500, 3000.0, time="1h").endswith("--more 6h")
    assert remark(500, 60.0, steps=50).endswith("{run} --steps 400")
    assert remark(500, 60.0, time="1m", steps=50).endswith("{run} --more 7m")  # which lifts a limit of steps
    assert remark(500, 60.0, time="1h", steps=50).endswith("{run} --steps 400")
    assert remark(500, 60.0, time="8m").endswith("sparring resume {run}")
    assert remark(500, 60.0, steps=5000).endswith("sparring resume {run}")  # Ctrl-C: the budget is enough
    assert "held-out lines" not in remark(500, 60.0, pretrain_patience=0)


def test_nothing_is_said_of_speed_before_there_is_any() -> None:
    assert "begins after 2,000 examples, 2,000 more, or once" in remark(0, 0.0, time="1m")


@pytest.mark.parametrize(("examples", "misses"), [(2000, 0), (500, 2)])
def test_pretraining_that_is_over_leaves_nothing_to_wait_for(examples: int, misses: int) -> None:
    said = remark(examples, 30.0, misses=misses, time="1m")
    assert "begins with the next step; sparring resume" in said


def test_a_run_in_its_adversarial_phase_has_nothing_to_add() -> None:
    assert remark(2500, 60.0, began=2000.0) == ""


# Names of format 1


def test_every_setting_of_format_1_has_a_present_name() -> None:
    assert TextRecipe.renamed == OLD
    assert set(OLD.values()) <= set(fields(TextRecipe))
    assert not set(OLD) & set(fields(TextRecipe))
    written = {"sparring": 1, "kind": "text", "name": "text", "unit": "character", "first_act": 7, "judge_width": 8}
    recipe = from_dict(written, "recipe.yaml")
    assert isinstance(recipe, TextRecipe)
    assert (recipe.token, recipe.pretrain_examples, recipe.discriminator_width) == ("character", 7, 8)


def test_a_form_of_format_1_is_read() -> None:
    form = open_source(a_recipe("topics")).form
    assert TextForm.from_dict(json.loads(json.dumps(form.to_dict()))) == form
    vocabulary = {"unit": "word", "tokenised": form.vocabulary["tokenised"], "units": form.vocabulary["tokens"]}
    old = {
        "labels": list(form.labels), "places": form.length, "units": form.tokens, "cut": form.cut,
        "mean_units": form.mean_tokens, "vocabulary": vocabulary,
    }  # fmt: skip
    read = TextForm.from_dict(json.loads(json.dumps(old)))
    assert read == form
    assert form.differs(read) == ""
    assert Vocabulary.of_form(vocabulary).form() == form.vocabulary


def test_a_damaged_form_is_refused() -> None:
    content = open_source(a_recipe("topics")).form.to_dict()
    with pytest.raises(UserError, match="form: "):
        TextForm.from_dict({name: value for name, value in content.items() if name != "length"})
    with pytest.raises(UserError, match="form: vocabulary: 3 is of another type"):
        TextForm.from_dict({**content, "vocabulary": 3})


# The form


def test_a_form_in_words_and_why_another_differs() -> None:
    form = open_source(a_recipe("topics")).form
    assert form.described() == f"{form.tokens} tokens, length {form.length}, 6 labels"
    assert dataclasses.replace(form, tokens=10_000, labels=()).described() == f"10,000 tokens, length {form.length}"
    for name, value, part in (
        ("labels", ("a", "b"), "labels a, b instead of food"),
        ("length", 5, f"length 5 instead of {form.length}"),
        ("mean_tokens", 5.0, "mean tokens 5.0 instead of"),
        ("vocabulary", {**form.vocabulary, "tokens": ["a"]}, "other tokens in its vocabulary"),
    ):
        difference = form.differs(dataclasses.replace(form, **{name: value}))
        assert difference.startswith(part)
        assert len(difference) < 150
    assert form.differs(dataclasses.replace(form)) == ""


def test_lines_are_read_in_the_vocabulary_of_a_model(tmp_path: Path) -> None:
    form = open_source(a_recipe("topics")).form
    (tmp_path / "lines.tsv").write_text("label\ttext\n" + "music\tplay the unheard song\nfood\tcook rice\n" * 30)
    source = Text().open_source(a_recipe(tmp_path / "lines.tsv"), form)
    assert isinstance(source.form, TextForm)
    assert source.form.vocabulary == form.vocabulary
    assert (source.form.length, source.form.labels) == (form.length, form.labels)


# The door


def test_the_entry_names_what_text_is() -> None:
    assert ENTRIES["text"] is ENTRY
    assert next(iter(ENTRY.presets)) == "text"
    assert {"temperature", "top_p", "prompt"} <= set(fields(ENTRY.options["sample"]))
    assert {kind_of(f"lines{ending}") for ending in ENTRY.endings} == {"text"}
    common = [name for name, field in fields(TextRecipe).items() if field.metadata["common"]]
    assert 8 <= len(common) <= 13


def test_a_preview_is_the_text_of_the_first_lines_by_label() -> None:
    game = a_game(labels=3)
    preview = Text().preview(game, networks_of(game), {}, seed=4)
    assert (preview.media_type, preview.ending) == ("text/plain", ".txt")
    lines = as_texts(game.finish(game.generate(networks_of(game), game.conditions(64), seed=4)))[:SHOWN]
    sorted_lines = [(label, line) for label in range(3) for line in lines[label::3]]
    wide = max(map(len, game.names))
    expected = [f"{game.names[label]:<{wide}}  {line}" for label, line in sorted_lines]
    assert preview.data.decode().splitlines() == expected


def test_characters_are_compared_at_one_length() -> None:
    characters = Text().comparable(as_characters(["abc", "x" * 300, ""]))
    assert characters.shape == (3, 256)
    assert as_texts(characters) == ["abc", "x" * 256, ""]
    features = Text().quick_features(characters, torch.device("cpu"))(characters)
    assert features.shape == (3, 128)
    torch.testing.assert_close(features.norm(dim=1), torch.tensor([1.0, 1.0, 0.0]))


def test_data_are_summed_up(tmp_path: Path) -> None:
    rows = [f"{'ab'[number % 2]}\tline number {number % 50} of them" for number in range(60)]
    path = tmp_path / "lines.tsv"
    path.write_text("\n".join(["label\ttext", *rows, "c", "a\tthe longest line of all that there are here"]) + "\n")
    summary = Text().check(a_recipe(path, length=6), lambda line: None)
    facts = summary.facts
    assert (facts["good"], facts["duplicates"], facts["labels"]) == (61, 10, {"a": 31, "b": 30})
    assert (facts["token"], facts["cut"]) == ("word", 1)
    assert facts["tokens"] == open_source(a_recipe(path, length=6)).form.tokens
    assert 0 < facts["unknown"] < 0.5
    assert facts["mean_tokens"] == pytest.approx((60 * 6 + 7) / 61)
    assert [bad["path"] for bad in facts["bad"]] == [f"{path}:62"]
    assert facts["lines"] == ["line number 0 of them", *(f"line number {number} of them" for number in range(1, 5))]
    text = "\n".join(summary.lines)
    for part in ("61 good lines, 10 duplicates", "word tokens are known", "1 lines are cut; see --length",
                 "labels: a (31), b (30)", f"bad: {path}:62", "line number 4 of them"):  # fmt: skip
        assert part in text
    (tmp_path / "one.txt").write_text("alone\n")
    with pytest.raises(UserError, match="holds 1 line of text"):
        Text().check(a_recipe(tmp_path / "one.txt"), lambda line: None)


def test_features_of_others_are_refused() -> None:
    options = EvaluateOptions().changed({"features": "timm:resnet18"})
    with pytest.raises(UserError, match="features: text is compared in features of its own; leave it at auto"):
        Text().evaluate(None, options, lambda line: None)  # type: ignore[arg-type]
