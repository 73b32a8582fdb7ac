"""The videos among the files of a folder or a zip: containers, animations, strips of frames, folders of frames."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from PIL import Image

from sparring.core.errors import UserError
from sparring.core.reading import regular
from sparring.data.files.file_set import FileSet, SingleFile, ends_as
from sparring.data.source import BadFile
from sparring.media.films.formats import ANIMATIONS, CONTAINERS, PERHAPS
from sparring.media.pictures.formats import ENDINGS as PICTURES
from sparring.media.pictures.formats import FORMATS

ALL = tuple(dict.fromkeys((*CONTAINERS, *ANIMATIONS, *PERHAPS, *PICTURES)))
READ = tuple(sorted(set(FORMATS.values())))  # Pillow's other parsers are not let near files of strangers
LEAST = 2  # frames of a strip


class Video(NamedTuple):
    """A video by its name in the set; ``kind`` is ``moving``, ``strip``, or ``frames`` of a folder of pictures, whose
    names are its ``members``."""

    name: str
    kind: str
    members: tuple[str, ...]


class VideoSet:
    """The videos of a file set by name: that of its file, or of the folder that its frames are in.

    A picture whose width is a whole multiple of its height, twice or more, is a strip of square frames; all other
    pictures of a folder are the frames of one video. Raises :class:`UserError` where these lie in no folder of their
    own.
    """

    def __init__(self, files: FileSet) -> None:
        self.files, self.where, self.others = files, files.where, files.others
        self.bad_files = list(files.bad_files)
        self.videos: dict[str, Video] = {}
        folders: dict[str, list[str]] = {}
        for name in files.names:
            if ends_as(name, (*CONTAINERS, *ANIMATIONS)):
                self.videos[name] = Video(name, "moving", (name,))
            else:
                folders.setdefault(str(PurePosixPath(name).parent), []).append(name)
        for folder, pictures in folders.items():
            self._take_pictures(folder, pictures)
        self.names = sorted(self.videos)

    def read(self, name: str) -> Path | bytes:
        """The file, or the contents of the file, of that name. Raises :class:`BadContent` where it cannot be
        unpacked."""
        return self.files.read(name)

    @contextmanager
    def opened(self, video: Video) -> Iterator[Path]:
        """The path of a video's file or folder; of a video in a zip that of a temporary copy. Raises
        :class:`BadContent` where it cannot be unpacked."""
        contents = {member: self.files.read(member) for member in video.members}
        first = contents[video.members[0]]
        if isinstance(first, Path):
            yield first.parent if video.kind == "frames" else first
            return
        with tempfile.TemporaryDirectory(prefix="sparring-") as folder:
            for member, content in contents.items():
                assert isinstance(content, bytes)
                (Path(folder) / PurePosixPath(member).name).write_bytes(content)
            yield Path(folder) if video.kind == "frames" else Path(folder) / PurePosixPath(video.members[0]).name

    def _take_pictures(self, folder: str, pictures: list[str]) -> None:
        """Take the pictures of one folder: each as an animation or a strip, or all of them as one video's frames."""
        first = next((kind for kind in map(self._kind_of, pictures) if kind), "strip")  # of broken ones each is named
        if first != "picture":
            kinds = {name: (self._kind_of(name) or first) if first == "moving" else first for name in pictures}
            self.videos |= {name: Video(name, kind, (name,)) for name, kind in kinds.items() if kind != "picture"}
            self._leave_out([name for name, kind in kinds.items() if kind == "picture"])
        elif folder != ".":
            self.videos[folder] = Video(folder, "frames", tuple(pictures))
        elif self.videos or isinstance(self.files, SingleFile):
            self._leave_out(pictures)
        else:
            raise UserError(
                f"{self.where}: holds pictures, no videos; to learn pictures: sparring train images --data "
                f"{self.where}; where they are the frames of a video, give the folder around this one"
            )

    def _leave_out(self, pictures: list[str]) -> None:
        self.bad_files += [BadFile(f"{self.where}/{name}", "a still picture among videos") for name in pictures]

    def _kind_of(self, name: str) -> str:
        """``moving`` of an animation, ``strip``, else ``picture``; empty of what cannot be read."""
        try:
            content = self.files.read(name)
            file = BytesIO(content) if isinstance(content, bytes) else regular(content)
            with Image.open(file, formats=READ) as image:
                width, height = image.size
                moves = ends_as(name, PERHAPS) and bool(getattr(image, "is_animated", False))
        except Exception:  # what is wrong with it is told when it is read
            return ""
        if moves:
            return "moving"
        return "strip" if width >= LEAST * height and width % height == 0 else "picture"
