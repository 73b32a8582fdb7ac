"""Every shipped recipe at its smallest: what the conformance tests play, in one process or in two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sparring.core.recipe import Recipe
from sparring.rooms import RECIPES
from sparring.text import grammar

ONE: dict[str, Any] = {"steps": 1}
ACTS: dict[str, Any] = {
    "width": 16,
    "embedding": 8,
    "discriminator_width": 4,
    "pretrain_examples": 16,
    "discriminator_warmup": 0,
}  # two steps each

# How each recipe is made small. A recipe that is not listed here fails the tests: list it.
SMALLEST: dict[str, dict[str, Any]] = {
    "images": {"width": 4},
    "digits": {"width": 4},
    "mnist": {"width": 4},
    "fashion-mnist": {"width": 4},
    "cifar10": {"width": 4},
    "tutorial": {"latent": 8},
    "dcgan": {"width": 4},
    "wgan-gp": {"width": 4},
    "sn-hinge": {"width": 4},
    "stacked-mnist": {"width": 4},
    "r3gan-stacked-mnist": {"widths": "16,16", "size": "8"},
    "r3gan-stacked-mnist-narrow": {"widths": "16,16", "size": "8"},
    "r3gan-cifar10": {"widths": "16,16", "size": "8"},
    "cyclegan": {**ONE, "width": 4, "blocks": 1, "pool": 16, "shift": 1, "motion": 1, "frame": True},
    "cut": {**ONE, "width": 4, "blocks": 1, "shift": 1, "frame": True},
    "fastcut": {**ONE, "width": 4, "blocks": 1, "shift": 1, "motion": 1, "skip": True},
    "recyclegan": {**ONE, "width": 4, "blocks": 1, "shift": 1, "size": "16", "patch": "16"},
    "reframed": {**ONE, "width": 4, "blocks": 1, "patch": "16"},
    "ink-neon": {**ONE, "width": 4, "blocks": 1, "data": ""},
    "cyclegan-paper-256": {
        "width": 4,
        "blocks": 1,
        "size": "16",
        "patch": "16",
        "shift": 1,
        "upsampling": "transposed",
    },
    "cut-paper-256": {**ONE, "width": 4, "blocks": 1, "size": "16", "patch": "16", "shift": 1},
    "text": {**ACTS, "dropout": 0.0, "discriminator_dropout": 0.0},
    "text-policy": ACTS,
    "topics": {**ACTS, "data": ""},
    "gaussians": {"width": 16},
    "gaussians-ring": {"width": 16},
}
PER_PROCESS = {
    "tutorial",
    "dcgan",
    "wgan-gp",
    "sn-hinge",
    "text-policy",
    "topics",
}  # batch norm and dropout look at one process's share: two processes differ from one
PICTURES = {"tutorial": (28, 28, 1), "r3gan-cifar10": (8, 8, 3)}
QUICK = {"batch": 8, "steps": 4, "time": 0, "held_out": 0, "precision": "float32", "device": "cpu"}


def smallest(name: str, folder: Path, **settings: Any) -> Recipe:
    """The recipe ``name`` at its smallest, on a few drawn examples in ``folder`` where it needs pictures."""
    recipe = RECIPES[name].changed({**QUICK, **SMALLEST[name], **settings})
    if recipe.kind == "points":
        return recipe
    if recipe.kind == "text":
        return recipe.changed({"data": str(draw_lines(folder / f"{name}.tsv"))})
    if name == "recyclegan":
        return recipe.changed({place: str(draw_film(folder / f"{name}-{place}")) for place in recipe.data_settings})
    if recipe.kind == "translation":
        worlds = {place: draw_pictures(folder / f"{name}-{place}.npz", (16, 16, 3)) for place in recipe.data_settings}
        return recipe.changed({place: str(path) for place, path in worlds.items()})
    return recipe.changed({"data": str(draw_pictures(folder / f"{name}.npz", PICTURES.get(name, (8, 8, 1))))})


def draw_pictures(path: Path, shape: tuple[int, int, int], count: int = 40) -> Path:
    """Labelled noise as an .npz file: enough to be trained on for a few steps."""
    if not path.exists():
        random = np.random.default_rng(0)
        pictures = random.integers(0, 256, (count, *shape), dtype=np.uint8)
        np.savez(path, images=pictures, labels=np.arange(count) % 4)
    return path


def draw_lines(path: Path, count: int = 240) -> Path:
    """A table of labels and sentences from the grammar."""
    if not path.exists():
        texts, labels = grammar.draw(count, seed=0)
        rows = [f"{grammar.NAMES[label]}\t{text}\n" for text, label in zip(texts, labels, strict=True)]
        path.write_text("label\ttext\n" + "".join(rows), encoding="utf-8")
    return path


def draw_film(folder: Path, count: int = 40) -> Path:
    """A folder of folders of frames: noise that drifts to the right."""
    if not folder.exists():
        (folder / "film").mkdir(parents=True)
        pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        for number in range(count):
            Image.fromarray(np.roll(pixels, number, 1)).save(folder / "film" / f"{number}.png")
    return folder
