"""Arrays in ``.npy`` and ``.npz`` files that others made.

What a header says is compared with the size of the file before anything is allocated; nothing is ever unpickled.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy

from sparring.core.reading import has_memory_for, open_regular, open_zip, zip_member

PICKLED = "is no plain array (Python objects are not read: they may run code)"


def read_npy(path: Path) -> np.ndarray:
    """The array ``(...)`` in a ``.npy`` file. Raises OSError for what is no regular file, ValueError, with the reason,
    for what is no whole array of plain values or larger than this machine's memory."""
    with open_regular(path) as file:
        return _read(file, path.stat().st_size)


def npy_shape(path: Path) -> tuple[int, ...]:
    """The shape of the array in a ``.npy`` file, from its header alone. Raises as :func:`read_npy` does."""
    with open_regular(path) as file:
        return _header(file, path.stat().st_size)[0]


class Npz(Mapping[str, np.ndarray]):
    """The arrays ``(...)`` in a ``.npz`` file by name, each read when it is asked for. Raises OSError, ValueError and
    what zipfile raises for a file that cannot be read, as :func:`read_npy` does."""

    def __init__(self, path: Path) -> None:
        self._zip = open_zip(path)
        self._members = {info.filename.removesuffix(".npy"): info for info in self._zip.infolist()}

    def __getitem__(self, name: str) -> np.ndarray:
        member = self._members[name]
        if not has_memory_for(member.file_size):
            raise ValueError(f"{name} says that it holds {member.file_size:,} bytes, more than fit into memory")
        content = zip_member(self._zip, member)
        return _read(io.BytesIO(content), len(content))

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)


def _header(file: BinaryIO, size: int) -> tuple[tuple[int, ...], np.dtype]:
    """The shape and the type of an array in a file of ``size`` bytes. Raises ValueError where the rest of the file is
    not that array."""
    version = npy.read_magic(file)
    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
    if read is None:
        raise ValueError(f"version {version[0]}.{version[1]} of the format is not known")
    shape, _, dtype = read(file)
    if dtype.hasobject:
        raise ValueError(PICKLED)
    says, left = math.prod(shape) * dtype.itemsize, size - file.tell()
    if min(shape, default=0) < 0 or says > left:
        raise ValueError(f"says that it holds {says:,} bytes, and holds {left:,}")
    return shape, dtype


def _read(file: BinaryIO, size: int) -> np.ndarray:
    if not has_memory_for(size):
        raise ValueError(f"holds {size:,} bytes, more than fit into memory")
    _header(file, size)
    file.seek(0, os.SEEK_SET)
    array: np.ndarray = npy.read_array(file, allow_pickle=False)
    return array
