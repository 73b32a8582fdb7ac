"""Clips of one form from the videos of a file set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.install import PYAV
from sparring.data.files.file_set import FileSet, counted_as, ends_as, nothing_in, too_few
from sparring.data.files.labels import encode, read_labels
from sparring.data.files.parallel import in_parallel
from sparring.data.labels import told_of_few
from sparring.data.order import evenly
from sparring.data.source import BadContent, BadFile
from sparring.images.options import read_size
from sparring.media.films.formats import ANIMATIONS, CONTAINERS
from sparring.media.pictures.decode import Shape
from sparring.media.sounds.formats import BY_AV
from sparring.media.sounds.formats import ENDINGS as SOUNDS
from sparring.video.form import VideoForm
from sparring.video.options import RATE
from sparring.video.reading.edges import hard_edged
from sparring.video.reading.layers import layered
from sparring.video.reading.shots import SEES_CUTS, Reading
from sparring.video.reading.store import FrameStore
from sparring.video.reading.video_set import Video, VideoSet

if TYPE_CHECKING:
    from sparring.video.recipes import VideoRecipe

MINIMUM = 16  # clips: with fewer there is nothing to learn from
WHAT = "videos"
OTHERS = (*SOUNDS, *BY_AV, ".flv", ".wmv", ".mpg", ".mpeg", ".ts", ".3gp", ".ogv")
"""Endings of files that are not read as videos and that a person may take for some: they are named."""
NAMED = 3  # videos that are named of those that end early
WHOLE = 0.9  # of the shots are a clip each, where clips have a beginning and an end
LOOKED_AT = 64  # clips, of which two frames tell how edges are, and what moves
OTHER = 1.05  # times the usual rate, from which on another is told of


class Clip(NamedTuple):
    """Frames from ``start`` on of a shot of a video."""

    video: str
    shot: int
    start: int


class VideoFiles:
    """Clips cut from the videos of a file set, never across a cut; each frame is decoded once, at opening.

    Raises :class:`UserError` when fewer than ``least`` clips are to be had, or the labels do not match the videos.
    """

    in_memory = True

    def __init__(
        self, file_set: FileSet, settings: VideoRecipe, least: int = MINIMUM, said: Sequence[str] = ()
    ) -> None:
        self.name, self.said, self.settings = settings.data, list(said), settings
        self.videos = VideoSet(file_set)
        self.bad_files = self.videos.bad_files
        strangers = [name for name in self.videos.others if ends_as(name, OTHERS)]
        self.bad_files += [BadFile(f"{self.videos.where}/{name}", "no video by its ending") for name in strangers]
        if not self.videos.names:
            raise nothing_in(file_set, (*CONTAINERS, *ANIMATIONS), WHAT)
        label_of, left_over, without_label = read_labels(self.videos, settings, WHAT, strict=least > 1)
        self.said += left_over
        self.bad_files += without_label

        # Frames, decoded once
        height, width = read_size(settings.size) or (64, 64)
        shape = Shape(height, width, int(settings.channels), settings.fit, settings.alpha)
        self.reading, self.store = Reading(shape, settings.every), FrameStore(settings.cache_mb << 20)
        self.shots: dict[str, list[tuple[int, int]]] = {}  # of each video, the number of each shot, and its frames
        for name in self.videos.names:
            if label_of is None or name in label_of:
                self.shots[name] = []
        for video, shot in self._read(list(self.shots)):
            self.shots[video].append((len(self.store), len(shot)))
            self.store.add(shot)

        # Clips
        self.clips = self._cut()
        if len(self.clips) < least:
            raise self._too_few(least)
        about = self.reading.about
        rates = Counter(round(float(about[name].rate), 3) for name in {clip.video for clip in self.clips})
        self.rate = max(rates, key=lambda rate: (rates[rate], rate))
        self.said += self._told_of(rates)
        rate = min(max(self.rate / settings.every, RATE[0]), RATE[1])
        timed = settings.timed == "yes" or (settings.timed == "auto" and not settings.reach and self._whole())
        in_layers = settings.output == "layers" or (settings.output == "auto" and layered(self._looks()))
        told = settings.edges if in_layers else "soft"
        hard = told == "hard" or (told == "auto" and hard_edged(middle for _, middle in self._looks()))
        self.form = VideoForm(
            height=height, width=width, channels=shape.channels, frames=settings.frames, rate=rate, timed=timed,
            hard_edges=hard, layered=in_layers,
        )  # fmt: skip

        # Labels
        self.labels: Tensor | None = None
        if label_of:
            known, self.labels = encode([label_of[clip.video] for clip in self.clips])
            self.form = replace(self.form, labels=tuple(known))

    def __len__(self) -> int:
        return len(self.clips)

    def batch(self, indices: np.ndarray) -> dict[str, Tensor]:
        """``frames`` uint8 ``(n, frames, channels, height, width)``; ``labels`` int64 ``(n,)`` if any."""
        count = self.settings.frames
        chosen = [self.clips[index] for index in indices.tolist()]
        frames = torch.from_numpy(np.stack([self.store.clip(clip.shot, clip.start, count) for clip in chosen]))
        return {"frames": frames} if self.labels is None else {"frames": frames, "labels": self.labels[indices]}

    def remarks(self) -> list[str]:
        """What a person should know about these clips, a line each."""
        numbers = [] if self.labels is None else self.labels.tolist()
        return [*self.said, *told_of_few(self.form.labels, numbers, "clips")]

    def _read(self, names: list[str]) -> Iterator[tuple[str, np.ndarray]]:
        """The shots of all videos: strips by several threads; the others, which may be long and whose libraries have
        threads of their own, one after the other, so that no more than a part of a shot is held."""
        strips = [name for name in names if self.videos.videos[name].kind == "strip"]
        for name, result in zip(strips, in_parallel(self._strip, strips), strict=True):
            if isinstance(result, BadContent):
                self._note(name, result)
            else:
                yield name, result
        for name in names:
            video = self.videos.videos[name]
            if video.kind != "strip":
                yield from self._moving(video)

    def _strip(self, name: str) -> np.ndarray:
        video = self.videos.videos[name]
        with self.videos.opened(video) as path:
            return next(self.reading.shots(path, video))

    def _moving(self, video: Video) -> Iterator[tuple[str, np.ndarray]]:
        try:
            with self.videos.opened(video) as path:
                for shot in self.reading.shots(path, video):
                    yield video.name, shot
        except BadContent as problem:
            self._note(video.name, problem)

    def _cut(self) -> list[Clip]:
        """Every clip: of each shot one every half clip, and one that ends where the shot does; of a video of one shot
        that is shorter than a clip, one that plays it again, where that is asked for."""
        frames, clips = self.settings.frames, []
        for video in sorted(self.shots):
            shots = self.shots[video]
            for number, length in shots:
                if length >= frames:
                    last = length - frames
                    starts = sorted({*range(0, last + 1, max(1, frames // 2)), last})
                    clips += [Clip(video, number, start) for start in starts]
                elif self.settings.shorter == "loop" and len(shots) == 1:
                    clips.append(Clip(video, number, 0))
        return clips

    def _whole(self) -> bool:
        """Whether nearly every shot with a clip in it is that clip, from its beginning to its end."""
        shots = Counter((clip.video, clip.shot) for clip in self.clips)
        return sum(clips == 1 for clips in shots.values()) >= WHOLE * len(shots)

    def _looks(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """An earlier frame of some clips, evenly spaced, and the one in the middle."""
        count = self.settings.frames
        for index in evenly(np.arange(len(self.clips)), LOOKED_AT):
            clip = self.clips[index]
            frames = self.store.clip(clip.shot, clip.start, count)
            yield frames[count // 4], frames[count // 2]

    def _too_few(self, least: int) -> UserError:
        """Why there are fewer clips than needed, in one line."""
        if not any(self.shots.values()):
            return too_few(self.videos.where, 0, least, self.bad_files, WHAT)
        longest = max(length for shots in self.shots.values() for _, length in shots)
        frames = f"{self.settings.frames} frames" + (
            "" if self.settings.every == 1 else f", every {self.settings.every}"
        )
        cuts = sum(each.cuts for each in self.reading.about.values())
        between = f", between {cuts:,} cuts" if cuts else ""
        loop = "" if self.settings.shorter == "loop" else ", --shorter loop"
        short = longest < self.settings.frames
        how = f"fewer --frames, a smaller --every{loop} or more videos" if short else "more videos"
        return UserError(
            f"{self.name}: {len(self.clips)} {counted_as('clips', len(self.clips))} of {frames}, at least {least} are "
            f"needed; the longest shot has {longest} of these frames{between}; give {how}"
        )

    def _told_of(self, rates: Counter[float]) -> list[str]:
        """What became of cuts, of videos that are too short or end early, and of other rates, a line each."""
        about, said = self.reading.about, []
        total = len([name for name in self.shots if name in about])
        cuts = sum(each.cuts for each in about.values())
        moving = any(self.videos.videos[name].kind == "moving" for name in about)
        if cuts:
            said.append(f"cuts found and kept out of clips: {cuts:,}")
        if moving and not SEES_CUTS:
            said.append(f"cuts within videos were not looked for, which needs PyAV and OpenCV: {PYAV}")
        without = total - len({clip.video for clip in self.clips})
        if without:
            said.append(
                f"without {self.settings.frames} frames between two cuts, and left out: {without:,} of {total:,} "
                "videos; see --frames, --every and --shorter"
            )
        broken = [f"{name} ({each.cut_short})" for name, each in sorted(about.items()) if each.cut_short]
        if broken:
            more = ", ..." if len(broken) > NAMED else ""
            said.append(
                f"learned from up to where they are damaged: {len(broken):,} {counted_as(WHAT, len(broken))}, "
                f"{', '.join(broken[:NAMED])}{more}"
            )
        others = {rate: count for rate, count in rates.items() if max(rate, self.rate) > OTHER * min(rate, self.rate)}
        if others:
            named = ", ".join(f"{rate:.4g} ({count:,})" for rate, count in sorted(others.items())[:NAMED])
            said.append(
                f"most videos have {self.rate:.4g} frames a second, others {named}: their motion is learned as if it "
                "were slower or quicker; convert them to one rate"
            )
        return said

    def _note(self, name: str, problem: BadContent) -> None:
        self.bad_files.append(BadFile(f"{self.videos.where}/{name}", str(problem)))
