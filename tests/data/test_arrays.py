"""Arrays of strangers: what a header says is compared with what there is before anything is allocated."""

from __future__ import annotations

import io
import os
import resource
import zipfile
from pathlib import Path

import numpy as np
import pytest

from sparring.data.arrays import Npz, npy_shape, read_npy


def header(shape: tuple[int, ...], descr: str = "|u1") -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": descr, "fortran_order": False, "shape": shape})
    return buffer.getvalue()


def test_what_numpy_writes_is_read(tmp_path: Path) -> None:
    array, path = np.arange(24.0).reshape(2, 3, 4), tmp_path / "a.npy"
    np.save(path, array)
    np.savez_compressed(tmp_path / "a.npz", first=array, second=array.astype("U5"))
    assert (read_npy(path) == array).all()
    assert npy_shape(path) == (2, 3, 4)
    arrays = Npz(tmp_path / "a.npz")
    assert list(arrays) == ["first", "second"]
    assert (arrays["first"] == array).all()
    assert (arrays["second"] == array.astype("U5")).all()
    np.save(path, np.asfortranarray(array))
    assert (read_npy(path) == array).all()


@pytest.mark.parametrize("shape", [(10**12, 1, 1), (2**63, 2**63), (-1, 8), (41, 1)])
@pytest.mark.parametrize("packed", [False, True])
def test_more_than_there_is_costs_nothing(shape: tuple[int, ...], packed: bool, tmp_path: Path) -> None:
    content = header(shape) + bytes(40)
    path = tmp_path / "a.npy"
    path.write_bytes(content)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", content)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=r"says that it holds .* bytes, and holds 40"):
        Npz(tmp_path / "a.npz")["a"] if packed else read_npy(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kilobytes


def test_a_file_with_a_hole_is_not_read_into_memory(tmp_path: Path) -> None:
    path, start = tmp_path / "a.npy", header((10**14,))
    path.write_bytes(start)
    try:
        os.truncate(path, len(start) + 10**14)
    except OSError:
        pytest.skip("this file system makes no such holes")
    with pytest.raises(ValueError, match="more than fit into memory"):
        read_npy(path)
    assert npy_shape(path) == (10**14,)


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"\x93NUMPY\x09\x00", b"\x80\x04N.", header((2,))[:40]])
def test_what_is_no_array(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(ValueError, match=r"."):
        read_npy(tmp_path / "a.npy")


def test_python_objects_are_not_read(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="may run code"):
        read_npy(tmp_path / "a.npy")
