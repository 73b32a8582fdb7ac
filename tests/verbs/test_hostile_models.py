"""A stranger's model folder or recipe: one line that names the file, before memory is taken, and never a hang."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sparring.cli import main

Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def model(finished_run: Path, tmp_path: Path) -> Path:
    return shutil.copytree(finished_run / "model", tmp_path / "model")


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """The one line that the command line answers with."""
    assert main([str(word) for word in words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "internal error" not in err
    assert len(err) < 1000
    return err


def nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


VALUES = (
    None,
    True,
    -1,
    0,
    10**7,
    10**4000,
    1e308,
    -0.5,
    "",
    "x" * 5000,
    "\x1b[31m",
    [],
    [[]],
    {},
    {"a": [1]},
    nested(800),
)


@pytest.mark.parametrize("field", ["height", "width", "channels", "labels"])
def test_every_wrong_value_of_a_form_is_one_line(field: str, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = model / "config.json"
    config = json.loads(path.read_text())
    for value in VALUES:
        if field == "labels" and value == []:
            continue  # no labels are labels
        path.write_text(json.dumps({**config, "form": {**config["form"], field: value}}))
        assert str(path) in refused(capsys, "sample", model)
        if field in ("channels", "labels"):
            line = refused(capsys, "info", model)
            assert field in line or "brackets" in line


@pytest.mark.parametrize("field", ["sparring", "kind", "recipe", "form", "examples", "examples_seen"])
def test_every_wrong_value_of_a_config_is_one_line(field: str, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = model / "config.json"
    config = json.loads(path.read_text())
    for value in VALUES:
        if (field.startswith("examples") and value in (0, 10**7) and value is not False) or (
            field == "recipe" and value == {}
        ):
            continue  # fine
        path.write_text(json.dumps({**config, field: value}))
        assert str(path) in refused(capsys, "sample", model)


@pytest.mark.parametrize(
    "change",
    [
        lambda config: config["form"].update(labels=[str(number) for number in range(100_001)]),
        lambda config: config["form"].update(labels=["a", "a", "b", "c"]),
        lambda config: config["form"].update(labels=["a", "b", 3, "c"]),
        lambda config: config["form"].pop("height"),
        lambda config: config["recipe"].update(width=10**7),
        lambda config: config["recipe"].update(width=1024),
        lambda config: config["recipe"].update(latent=4096),
        lambda config: config["recipe"].update(latent=10**5000),
        lambda config: config["recipe"].update(latent=nested(500)),
        lambda config: config["recipe"].update(network="r3gan", widths="999999999999"),
        lambda config: config["recipe"].update(network="r3gan", widths=",".join(["4096"] * 17)),
        lambda config: config["recipe"].update(data="a\0b"),
        lambda config: config["recipe"].update(data="x" * 5000),
        lambda config: config["recipe"].update({"y" * 100_000: 1}),
    ],
)
def test_absurd_sizes_are_one_line(change: Change, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = model / "config.json"
    config = json.loads(path.read_text())
    change(config)
    sys.set_int_max_str_digits(0)  # to write what nobody reads
    try:
        text = json.dumps(config)
    finally:
        sys.set_int_max_str_digits(4300)
    path.write_text(text)
    line = refused(capsys, "sample", model)
    assert str(model) in line


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "3", "null", "{", "[" * 100_000, "9" * 5000, '{"sparring": NaN}', '{"a": 1, "a": 2}', "\x00",
        '{"sparring": 1e999}',
    ],
)  # fmt: skip
def test_what_is_no_config_is_one_line(text: str, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (model / "config.json").write_text(text)
    for verb in ("sample", "info"):
        assert str(model / "config.json") in refused(capsys, verb, model)


def test_a_config_of_a_gigabyte_is_not_read(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (model / "config.json").open("ab") as file:
        file.truncate(1 << 30)
    assert "larger than" in refused(capsys, "sample", model)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
@pytest.mark.parametrize("kind", ["pipe", "/dev/zero", "folder"])
def test_what_is_no_regular_file_of_a_model_is_named(
    name: str, kind: str, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (model / name).unlink()
    put(kind, model / name)
    assert "not a regular file" in refused(capsys, "sample", model)
    refused(capsys, "sample", model, "--temperature", "1")


@pytest.mark.parametrize("kind", ["pipe", "/dev/zero", "folder"])
def test_what_is_no_regular_file_of_a_run_is_named(
    kind: str, finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = shutil.copytree(finished_run, tmp_path / "run")
    (run / "recipe.yaml").unlink()
    put(kind, run / "recipe.yaml")
    for words in (("resume", run), ("info", run), ("resume", run, "--steps", 3)):
        assert "not a regular file" in refused(capsys, *words)
    if kind != "folder":  # which is data
        assert "not a regular file" in refused(capsys, "train", run / "recipe.yaml", "--data", "digits")


def put(kind: str, path: Path) -> None:
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(kind)


def test_a_large_plan_takes_no_memory(model: Path) -> None:
    """Weights of 19 GB are promised by a recipe of settings that are all allowed."""
    config = json.loads((model / "config.json").read_text())
    config["recipe"] |= {"network": "r3gan", "widths": ",".join(["4096"] * 3)}
    config["recipe"].pop("width")
    (model / "config.json").write_text(json.dumps(config))
    code = (
        "import resource, sys\nfrom sparring.cli import main\n"
        "import sparring.model, torch.optim, torch._dynamo\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        f"status = main(['sample', {str(model)!r}])\n"
        "print(status, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100, check=True)
    status, grown = map(int, done.stdout.split())
    assert status == 2
    assert "does not fit the config.json beside it" in done.stderr
    assert grown < 100_000 * (1024 if sys.platform == "darwin" else 1)  # KiB
