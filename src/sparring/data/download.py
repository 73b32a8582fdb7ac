"""Files from the network into a cache: checked, written aside, renamed when whole."""

from __future__ import annotations

import hashlib
import os
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from sparring.core.errors import UserError
from sparring.core.files import clear_parts
from sparring.core.terminal import tell

CHUNK = 1 << 20  # bytes


@dataclass(frozen=True)
class Remote:
    """A file, the digest of its bytes (``"sha256:<hex>"`` or ``"md5:<hex>"``), and where it may be had."""

    file: str
    digest: str
    mirrors: tuple[str, ...]  # complete addresses, tried in turn


def cache_folder() -> Path:
    """``SPARRING_CACHE``, or ``~/.cache/sparring``."""
    return Path(os.environ.get("SPARRING_CACHE") or "~/.cache/sparring").expanduser()


def fetch(name: str, remotes: Sequence[Remote], *, timeout_seconds: float = 20.0) -> Path:
    """The folder ``cache/name`` with all the files of ``remotes`` in it; downloads what is not there yet.

    A file that is in the cache is taken as it is: it was checked when it was downloaded, or the user put it
    there. Raises :class:`UserError` when no mirror gives the file, or the cache cannot be written.
    """
    folder = cache_folder() / name
    for remote in remotes:
        if (folder / remote.file).exists():
            continue
        failures = []
        for address in remote.mirrors:
            failure = _try(address, remote, folder, timeout_seconds)
            if failure is None:
                break
            failures.append(f"{urlsplit(address).netloc}: {failure}")
        else:
            wanted = ", ".join(each.file for each in remotes)
            raise UserError(
                f"{name}: could not download {remote.file} ({'; '.join(failures)}); "
                f"put {wanted} into {folder}, or give a folder that holds them with --data"
            )
    return folder


def _try(address: str, remote: Remote, folder: Path, timeout_seconds: float) -> str | None:
    """Download from one mirror; None when the file is in place, else why it is not."""
    aside = folder / f".{remote.file}.{os.getpid()}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        clear_parts(folder, remote.file)
        aside.touch()
    except OSError as problem:
        raise UserError(
            f"{folder}: cannot write the cache ({problem.strerror}); set SPARRING_CACHE to a folder that can be written"
        ) from None

    tell(f"sparring: downloading {remote.file} from {urlsplit(address).netloc}")
    try:
        found = _copy(address, aside, remote.digest.partition(":")[0], timeout_seconds)
        if found != remote.digest:
            return f"wrong checksum {found}"
        os.replace(aside, folder / remote.file)
        _sync_folder(folder)
        return None
    except (OSError, HTTPException) as problem:
        why = getattr(problem, "reason", problem)  # what urllib wraps
        return " ".join(str(why).split()) or type(problem).__name__
    finally:
        aside.unlink(missing_ok=True)


def _copy(address: str, target: Path, algorithm: str, timeout_seconds: float) -> str:
    """Write what ``address`` gives to ``target``, through to the disk; returns its digest."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    request = urllib.request.Request(address, headers={"User-Agent": "sparring"})
    with urllib.request.urlopen(request, timeout=timeout_seconds) as answer, target.open("wb") as file:
        while chunk := answer.read(CHUNK):
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return f"{algorithm}:{digest.hexdigest()}"


def _sync_folder(folder: Path) -> None:
    """Make the rename survive a power cut, where the system lets folders be opened."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
