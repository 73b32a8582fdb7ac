"""Writing files so that nothing half-written is ever seen: aside, to the disk, then renamed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from safetensors import SafetensorError

from sparring.core.errors import UserError
from sparring.core.reading import reason

PART = re.compile(r"\.(?P<name>.+)\.(?P<process>[0-9]{1,10})\.part", re.DOTALL)
"""The name of a half-written file, with the process that writes it."""
LONGEST = 200  # bytes of a name that another name takes over: a system allows 255 in all


@contextmanager
def aside(path: Path, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; it becomes ``path`` on success and vanishes on failure.

    The file may be read by whom the umask lets. What was at ``path`` before stays whole until the new file is complete;
    if ``durable``, also when the machine loses power, at the price of waiting for the disk. Raises :class:`UserError`
    naming ``path`` and the system's reason (no space left, permission denied) when it cannot be written.
    """
    temporary = path.with_name(f".{not_too_long(path.name)}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)  # somebody may have moved it away since
        temporary.touch()
        mode = temporary.stat().st_mode  # as the umask wants it: some writers are more secretive
        yield temporary
        os.chmod(temporary, mode)
        if durable:
            to_disk(temporary)
        os.replace(temporary, path)
        if durable:
            to_disk(path.parent)
    except (OSError, SafetensorError) as problem:  # safetensors has an error of its own for a full disk
        mend = "free some space or choose another place"
        raise UserError(f"{path}: cannot be written ({reason(problem)}); {mend}") from None
    finally:
        with suppress(OSError):
            temporary.unlink()


def write_atomically(path: Path, data: bytes, durable: bool = True) -> None:
    """Write ``data`` to ``path``, whole or not at all. Raises :class:`UserError` as :func:`aside` does."""
    with aside(path, durable) as temporary:
        temporary.write_bytes(data)


def clear_parts(folder: Path, name: str = "") -> None:
    """Remove what a killed process left half-written in ``folder``: of the file called ``name``, or of all files."""
    with suppress(OSError):  # no such folder, or not ours to write
        for path in [*folder.iterdir()]:
            part = PART.fullmatch(path.name)
            if part and part["name"] == (not_too_long(name) or part["name"]) and not _at_work(int(part["process"])):
                path.unlink()


def _at_work(process: int) -> bool:
    """Whether another process of that number lives, which may still be writing. On Windows a living one keeps its file
    open, which cannot be removed then."""
    if os.name != "posix" or process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # it lives, and is somebody else's
    return True


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8 to ``path``, whole or not at all. Halves of characters, which names of files that are no
    UTF-8 hold, are written as ``\\udcff``: in JSON they are read back as they were. Raises :class:`UserError` as
    :func:`aside` does."""
    write_atomically(path, text.encode("utf-8", errors="backslashreplace"))


def may_write(path: Path, endings: Sequence[str], what: str, overwrite: bool, option: str = "--out") -> None:
    """Raise :class:`UserError` for an ending that ``what`` is not written as, and for a file that is there unless
    ``overwrite``; the ``option`` names it. What a killed process left half-written of it is removed."""
    if path.suffix not in endings:
        known = f"one of {', '.join(endings)}" if len(endings) > 1 else endings[0]
        raise UserError(f"{path}: {what} written as {known}; choose another {option}")
    if path.exists() and not overwrite:
        raise UserError(f"{path}: exists; choose another {option}, or --overwrite")
    clear_parts(path.parent, path.name)


def make_place(out: Path, kind: str, overwrite: bool) -> None:
    """Make the folders that samples written to ``out`` need: a file of that ``kind`` or, where it is empty, a folder.
    What a killed process left half-written is removed. Raises :class:`UserError` when something is there already, or
    nothing can be written there."""
    try:
        (out.parent if kind else out).mkdir(parents=True, exist_ok=True)
        clear_parts(*((out.parent, out.name) if kind else (out,)))
        taken = out.exists() if kind else any(out.iterdir())
    except OSError as problem:
        raise UserError(f"{out}: cannot be written ({problem.strerror}); choose another --out") from None
    if taken and not overwrite:
        what = "exists" if kind else "exists and is not empty"
        raise UserError(f"{out}: {what}; choose another --out, or add --overwrite")


def make_folder(folder: Path) -> None:
    """The folder, and those around it. Raises :class:`UserError` when something else is there, or may not be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise UserError(f"{folder}: cannot be created ({problem.strerror}); choose another place") from None


def not_too_long(name: str) -> str:
    """The beginning of a file's name, short enough to become a part of another one."""
    return os.fsdecode(os.fsencode(name)[:LONGEST])


def file_name(text: str) -> str:
    """A user's text as a part of a file's name: letters, digits and ``_.-``, at most 40 of them."""
    return re.sub(r"[^\w.-]+", "_", text)[:40]


def to_disk(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk and not only in the system's memory."""
    if os.name != "posix" and path.is_dir():
        return  # Windows has no such call for folders
    handle = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
