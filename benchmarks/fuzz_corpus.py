"""What the fuzzer damages: a tiny run of each kind of data with all its files, and an input of each kind."""

from __future__ import annotations

import gzip
import io
import json
import struct
import tarfile
import zipfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sparring.media.pictures.formats import ENDINGS

RUNS = ("points", "images", "translation", "text")
TINY: dict[str, dict[str, Any]] = {
    "points": {"recipe": "gaussians", "width": 8, "batch": 16},
    "images": {"recipe": "images", "width": 4, "batch": 8, "conditional": True, "metric": "sliced"},
    "translation": {"recipe": "cyclegan", "width": 4, "blocks": 1, "patch": "16", "shift": 1, "batch": 2},
    "text": {"recipe": "text", "width": 8, "embedding": 8, "discriminator_width": 4, "pretrain_examples": 32,
             "discriminator_warmup": 0, "batch": 16},
}  # fmt: skip
COMMON: dict[str, Any] = {
    "steps": 4,
    "time": 0,
    "device": "cpu",
    "precision": "float32",
    "measure_every": 32,
    "held_out": 48,
}
GIVEN = {"images": "folder/1.png", "text": "texts/lines.txt", "points": "points/points.npy"}
"""A file of each kind to score."""
WRITTEN = ("png", "jpg", "gif", "webp", "bmp", "tiff", "ppm", "tga", "jp2", "ico", "avif")
"""Formats of pictures, of which those that Sparring reads are made."""


def make(corpus: Path, runs: Sequence[str] = RUNS, *, evaluated: bool = True) -> None:
    """Draw the inputs, train the ``runs`` and evaluate them. Leaves threads behind: call it in a process of its own."""
    make_pictures(corpus)
    make_sets(corpus / "sets")
    make_texts(corpus / "texts")
    make_points(corpus / "points")
    make_videos(corpus / "videos")
    for kind in runs:
        make_run(corpus, kind, evaluated)
    make_features(corpus)


def pixels(count: int, side: int = 16, channels: int = 3) -> np.ndarray:
    """Drifting blobs ``(count, side, side, channels)`` uint8: smooth, so that files are small."""
    ys, xs = np.mgrid[:side, :side]
    waves = [np.sin((xs + 3 * n) / 3) * np.cos((ys + n) / 4 + c) for n in range(count) for c in range(channels)]
    stacked = np.stack(waves).reshape(count, channels, side, side).transpose(0, 2, 3, 1)
    return (127 + 120 * stacked).astype(np.uint8)


def make_pictures(corpus: Path) -> None:
    """Pictures in two folders (labels), a folder with one of each format, and folders with files of labels."""
    images = [Image.fromarray(each) for each in pixels(100)]
    for index, image in enumerate(images):
        small = ("evaluating/samples", "labels-csv", "labels-json") if index < 40 else ()
        for folder in ("pictures/" + "xy"[index % 2], *small):
            (corpus / folder).mkdir(parents=True, exist_ok=True)
            image.save(corpus / folder / f"{index}.png")
    (corpus / "labels-csv" / "labels.csv").write_text("file,label\n" + "".join(f"{n}.png,{n % 3}\n" for n in range(40)))
    labels = {"labels": [[f"{n}.png", n % 3] for n in range(40)]}
    (corpus / "labels-json" / "labels.json").write_text(json.dumps(labels))
    folder = corpus / "folder"
    folder.mkdir()
    for index, image in enumerate(images[:20]):
        image.save(folder / f"{index}.png")
    Image.fromarray(np.asarray(images[0].convert("L")).astype(np.uint16) * 257).save(folder / "wide.png")
    for ending in WRITTEN:
        if f".{ending}" in ENDINGS:
            picture = images[0].convert("P") if ending in ("gif", "png") else images[0]
            picture.save(folder / f"picture.{ending}")


def make_sets(folder: Path) -> None:
    """Archives and arrays of pictures, MNIST's and CIFAR-10's own files."""
    folder.mkdir()
    images = pixels(40, 8)
    grey, labels = images[..., :1], (np.arange(40) % 3).astype(np.uint8)
    np.save(folder / "array.npy", images)
    np.savez(folder / "arrays.npz", images=images, labels=labels)
    np.savez_compressed(folder / "packed.npz", images=images, labels=labels)
    idx = struct.pack(">HBB3I", 0, 8, 3, 40, 8, 8) + grey.tobytes()
    (folder / "train-images-idx3-ubyte").write_bytes(idx)
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx))
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        with zipfile.ZipFile(folder / f"pictures-{method}.zip", "w", method) as archive:
            for index, image in enumerate(images):
                archive.writestr(f"{'ab'[index % 2]}/{index}.png", as_png(image))
            archive.writestr(
                "labels.json", json.dumps({"labels": [[f"{'ab'[n % 2]}/{n}.png", n % 3] for n in range(40)]})
            )
    rows = np.concatenate([labels[:, None], pixels(40, 32).transpose(0, 3, 1, 2).reshape(40, -1)], 1).astype(np.uint8)
    with tarfile.open(folder / "cifar-10-binary.tar.gz", "w:gz") as packed:
        for name in (*(f"data_batch_{n}.bin" for n in range(1, 6)), "test_batch.bin"):
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = rows.nbytes
            packed.addfile(member, io.BytesIO(rows.tobytes()))


def as_png(image: np.ndarray) -> bytes:
    """A picture ``(height, width, channels)`` uint8 as the bytes of a PNG."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def make_texts(folder: Path) -> None:
    """The same labelled sentences in every form that text is read in."""
    from sparring.text import grammar

    folder.mkdir()
    texts, numbers = grammar.draw(450, seed=0)
    rows = [(grammar.NAMES[number], text) for text, number in zip(texts, numbers, strict=True)]
    (folder / "lines.txt").write_text("\n".join(texts) + "\n")
    for ending, delimiter in (("tsv", "\t"), ("csv", ",")):
        lines = [f"{label}{delimiter}{text if delimiter == chr(9) else json.dumps(text)}" for label, text in rows]
        (folder / f"table.{ending}").write_text("\n".join([f"label{delimiter}text", *lines]) + "\n")
    objects = [{"label": label, "text": text} for label, text in rows]
    (folder / "list.json").write_text(json.dumps(objects))
    (folder / "objects.jsonl").write_text("\n".join(map(json.dumps, objects)) + "\n")


def make_points(folder: Path) -> None:
    """Points in the plane."""
    folder.mkdir()
    np.save(folder / "points.npy", np.random.default_rng(0).standard_normal((100, 2)).astype(np.float32))


def make_videos(folder: Path) -> None:
    """A moving picture in every container, those of the ``video`` extra where that is there."""
    folder.mkdir()
    frames = [Image.fromarray(each) for each in pixels(6, 32)]
    for ending, format in (("gif", "GIF"), ("webp", "WEBP"), ("apng", "PNG")):
        frames[0].save(folder / f"clip.{ending}", format, save_all=True, append_images=frames[1:], duration=100)
    try:
        av: Any = import_module("av")
    except ImportError:
        return
    for ending, codec in (("mp4", "mpeg4"), ("webm", "libvpx-vp9")):
        with av.open(str(folder / f"clip.{ending}"), "w") as container:
            stream = container.add_stream(codec, rate=10)
            stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
            for frame in frames:
                container.mux(stream.encode(av.VideoFrame.from_image(frame)))
            container.mux(stream.encode())


def make_run(corpus: Path, kind: str, evaluated: bool) -> None:
    """A finished run of two checkpoints and perhaps its evaluation, its recipe alone, and a file to be given to it."""
    import sparring

    settings = {**COMMON, **TINY[kind]}
    data = {"images": "sets/arrays.npz", "text": "texts/table.tsv", "translation": "pictures",
            "points": "points/points.npy"}[kind]  # fmt: skip
    if kind == "translation":
        settings |= {"data": str(corpus / "pictures/x"), "data_b": str(corpus / "pictures/y")}
    else:
        settings["data"] = str(corpus / data)
    run = corpus / f"run-{kind}"
    sparring.train(settings.pop("recipe"), out=run, **settings)
    (corpus / f"{kind}.yaml").write_bytes((run / "recipe.yaml").read_bytes())
    sparring.resume(run, steps=5)
    if evaluated:
        sparring.evaluate(run, count=20)
    Image.fromarray(pixels(1)[0]).save(run / "input.png")
    if kind in GIVEN:
        given = corpus / GIVEN[kind]
        (run / given.name).write_bytes(given.read_bytes())


def make_features(corpus: Path) -> None:
    """Features in the forms in which users bring theirs: networks as ONNX, where that can be written, and as
    TorchScript, and what Sparring learned before."""
    import torch

    folder = corpus / "evaluating"
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    pictures = torch.zeros(1, 3, 16, 16)
    traced: Any = torch.jit.trace(network, pictures)  # type: ignore[no-untyped-call]
    traced.save(str(folder / "features.pt"))
    learned = next(iter(sorted((corpus / "cache").glob("**/*.safetensors"))), None)
    if learned:
        (folder / "features.safetensors").write_bytes(learned.read_bytes())
    try:
        onnx: Any = import_module("onnx")
    except ImportError:
        return
    number, helper = onnx.TensorProto.FLOAT, onnx.helper
    shapes = {"pictures": ["n", 3, 16, 16], "features": ["n", 768]}
    ends = {name: helper.make_tensor_value_info(name, number, shape) for name, shape in shapes.items()}
    node = helper.make_node("Flatten", ["pictures"], ["features"], axis=1)
    graph = helper.make_graph([node], "flat", [ends["pictures"]], [ends["features"]])
    versions = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=versions, ir_version=8), str(folder / "features.onnx"))
