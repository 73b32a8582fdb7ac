"""The formats that MNIST (IDX) and CIFAR-10 (its binary version) are given out in."""

from __future__ import annotations

import math
import re
import struct
import tarfile
import zlib
from pathlib import Path
from typing import IO, cast

import numpy as np

from sparring.core.errors import UserError
from sparring.core.reading import SMALL, Unpacking, may_unpack_to, open_gzip, open_regular, read_bytes, reason, whole
from sparring.images.reading.arrays import Arrays, to_pixels

IDX_IMAGES = re.compile(r"(.*images)([.-])idx[34]-ubyte(\.gz)?")
IDX_BYTES = 0x08  # IDX's code for unsigned bytes
CIFAR_BATCH = re.compile(r"data_batch_\d+\.bin")
CIFAR_PICKLE = re.compile(r"data_batch_\d+")
CIFAR_NAMES = "batches.meta.txt"
CIFAR_RECORD = 1 + 3 * 32 * 32  # bytes: a label, then the red, green and blue planes
DIMENSIONS = 4  # of an array of pictures, at most
GZIP = b"\x1f\x8b"  # how gzipped files begin


def idx_images(path: Path) -> Path | None:
    """The IDX file of pictures that ``path`` is or, for a folder, has: the training set's of several. Raises
    :class:`UserError` for a folder with several sets."""
    if path.is_file():
        return path if IDX_IMAGES.fullmatch(path.name) else None
    files = sorted(file for file in path.iterdir() if IDX_IMAGES.fullmatch(file.name))
    files = [file for file in files if "train" in file.name] or files
    plain = {file.name.removesuffix(".gz") for file in files}
    if len(plain) > 1:
        raise UserError(f"{path}: holds {' and '.join(sorted(plain))}; give one of the files")
    return files[0] if files else None


def read_idx_pair(images: Path) -> Arrays:
    """The pictures of an IDX file, uint8 ``(n, height, width, channels)``, and the labels of the one beside it, if any.
    Raises :class:`UserError` for files that are damaged, hold no pictures, or do not belong together."""
    pixels = read_idx(images)
    if pixels.ndim not in (3, 4):
        raise UserError(f"{images}: has {pixels.ndim} dimensions; pictures have 3 (or 4 with channels)")
    pixels, _, _ = to_pixels(pixels, str(images))  # of bytes: there is no range to be found

    match = IDX_IMAGES.fullmatch(images.name)
    assert match
    stem = f"{match[1].removesuffix('images')}labels{match[2]}idx1-ubyte"
    for beside in (images.with_name(stem), images.with_name(f"{stem}.gz")):
        if beside.exists():
            labels = read_idx(beside)
            if labels.shape != pixels.shape[:1]:
                raise UserError(f"{beside}: {labels.size} labels for the {len(pixels)} pictures of {images.name}")
            return pixels, [str(label) for label in labels.tolist()]
    return pixels, None


def read_idx(path: Path) -> np.ndarray:
    """The array ``(n, ...)`` of an IDX file of unsigned bytes, gzipped or not. Raises :class:`UserError` for a damaged
    file, and for another kind."""
    size = path.stat().st_size
    most = may_unpack_to(size) if path.suffix == ".gz" else size
    try:
        with open_gzip(path) if path.suffix == ".gz" else open_regular(path) as file:
            zeros, kind, dimensions = struct.unpack(">HBB", file.read(4))
            if zeros != 0 or kind != IDX_BYTES or not 1 <= dimensions <= DIMENSIONS:
                raise UserError(f"{path}: not an IDX file of unsigned bytes; give MNIST's own files or .npy")
            shape = struct.unpack(f">{dimensions}I", file.read(4 * dimensions))
            if (says := math.prod(shape)) > most:
                raise UserError(f"{path}: says that it holds {says:,} bytes, and cannot; get the file again")
            content = whole(file, says, path)
    except (OSError, EOFError, zlib.error, struct.error) as problem:
        raise UserError(f"{path}: damaged ({reason(problem)}); get the file again") from None
    if len(content) != says:
        raise UserError(f"{path}: {len(content)} bytes instead of {says}; get the file again")
    return np.frombuffer(content, np.uint8).reshape(shape)


def is_cifar(path: Path) -> bool:
    """Whether ``path`` is a tar of CIFAR-10, or a folder of its batches (or around that folder)."""
    if path.is_file():
        return path.name.endswith((".tar.gz", ".tgz", ".tar"))
    return any(CIFAR_PICKLE.match(file.name) for folder in _cifar_folders(path) for file in folder.iterdir())


def read_cifar(path: Path) -> Arrays:
    """The pictures of the five training batches, uint8 ``(n, 32, 32, 3)``, with the names of their classes. Raises
    :class:`UserError` for files that are missing, damaged or pickled."""
    try:
        files = _from_tar(path) if path.is_file() else _from_folder(path)
    except Exception as problem:  # a broken file may trip tarfile up in any way at all
        raise UserError(f"{path}: damaged ({reason(problem)}); get the file again") from None
    batches = sorted(name for name in files if CIFAR_BATCH.fullmatch(name))
    if not batches:
        raise UserError(
            f"{path}: no data_batch_*.bin in it; get the binary version, cifar-10-binary.tar.gz "
            f"(the python version is pickled, and unpickling may run code)"
        )
    for name in batches:
        if len(files[name]) % CIFAR_RECORD:
            raise UserError(f"{path}: {name} is cut short; get the file again")

    records = np.frombuffer(b"".join(files[name] for name in batches), np.uint8).reshape(-1, CIFAR_RECORD)
    pixels = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    names = files.get(CIFAR_NAMES, b"").decode(errors="replace").split()
    labels = [names[label] if label < len(names) else str(label) for label in records[:, 0].tolist()]
    return pixels, labels


def _cifar_folders(path: Path) -> list[Path]:
    return [path, *(folder for folder in path.glob("cifar-10-batches-*") if folder.is_dir())]


def _is_wanted(name: str) -> bool:
    return name == CIFAR_NAMES or CIFAR_BATCH.fullmatch(name) is not None


def _from_folder(path: Path) -> dict[str, bytes]:
    return {
        file.name: read_bytes(file)
        for folder in _cifar_folders(path)
        for file in folder.iterdir()
        if _is_wanted(file.name)
    }


def _from_tar(path: Path) -> dict[str, bytes]:
    """Read in passing, nothing is unpacked onto the disk. Raises OSError for one that holds more than it may."""
    files = {}
    with open_regular(path) as raw:
        packed = raw.read(2) == GZIP
        raw.seek(0)
        size = path.stat().st_size
        file = open_gzip(path) if packed else raw
        bounded = Unpacking(file, may_unpack_to(size) if packed else size, path)
        with tarfile.open(fileobj=cast(IO[bytes], bounded), mode="r:") as archive:
            for member in archive:
                name = Path(member.name).name
                if member.isreg() and _is_wanted(name) and (content := archive.extractfile(member)):
                    files[name] = whole(content, SMALL, path)
    return files
