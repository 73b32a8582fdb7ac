"""The sound of one video beside the pictures of another: packets as they are where the container takes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sparring.core.reading import reason
from sparring.media.films.containers import opened
from sparring.media.films.film import Film, av

PCM = ("pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_u8")
MP4 = ("aac", "mp3", "ac3", "eac3", "opus", "flac", "alac")
COPIED = {  # what players expect in each container
    ".mp4": MP4,
    ".m4v": MP4,
    ".mov": ("aac", "mp3", "ac3", "eac3", "alac", *PCM),
    ".mkv": (*MP4, "vorbis", "dts", "truehd", *PCM),
    ".webm": ("opus", "vorbis"),
    ".avi": ("mp3", "ac3", "pcm_s16le", "pcm_u8"),
}
ENCODED = {".webm": "libopus", ".avi": "libmp3lame"}  # "aac" elsewhere
SAMPLES = 48_000  # a second, in what is coded anew: every one of these codecs takes it
BITS = 96_000  # a second, for each channel
DAMAGED = "the sound is damaged: parts that fit nowhere are left out"


class Sound:
    """Brings every sound track of ``like`` into ``target``, PyAV's container, in step with the pictures.

    ``notes`` tells of what had to be coded anew or left out. Call :meth:`until` as the pictures go on, and
    :meth:`rest` once at their end.
    """

    def __init__(self, target: Any, like: Film, ending: str) -> None:
        self.notes: list[str] = []
        self._target, self._path, self._start = target, like.path, like.start
        self._copied: dict[int, Any] = {}  # tracks of the target, by the number of the track that they come from
        self._encoded: dict[int, Any] = {}
        self._open = ExitStack()
        source = self._open.enter_context(opened(like.path))
        for stream in source.streams.audio:
            self._take(stream, ending)
        tracks = [stream for stream in source.streams.audio if stream.index in {*self._copied, *self._encoded}]
        self._packets = self._read(source, tracks)
        self._next = next(self._packets, None)

    def until(self, seconds: float) -> None:
        """Bring what is heard before that time, counted from the first picture."""
        while self._next is not None and self._next.dts * self._next.time_base - self._start <= seconds:
            self._bring(self._next)
            self._next = next(self._packets, None)

    def rest(self) -> None:
        """Bring all that is left, though no picture goes with it."""
        self.until(float("inf"))
        for track in self._encoded.values():
            self._target.mux(track.encode(None))

    def close(self) -> None:
        """Let go of the file that the sound comes from."""
        self._open.close()

    def _take(self, stream: Any, ending: str) -> None:
        """Make a track for a stream: copied where the container takes its codec, else coded anew."""
        if stream.codec_context is None:
            self.notes.append("a sound track is coded in a way that is not known here: it is left out")
            return
        name = stream.codec_context.codec.canonical_name
        try:
            if name in COPIED[ending]:
                self._copied[stream.index] = self._target.add_stream_from_template(stream)
            else:
                self._encoded[stream.index] = self._encoder(stream, ENCODED.get(ending, "aac"))
                self.notes.append(f"the sound ({name}) does not fit into {ending}: coded anew")
        except (av(self._path).FFmpegError, ValueError) as problem:
            self.notes.append(f"the sound ({name}) cannot be brought into {ending}: left out ({reason(problem)})")

    def _encoder(self, stream: Any, codec: str) -> Any:
        """A track that is coded anew, mono or stereo."""
        track = self._target.add_stream(codec, rate=SAMPLES)
        track.codec_context.layout = "mono" if stream.codec_context.layout.nb_channels == 1 else "stereo"
        track.codec_context.bit_rate = BITS * track.codec_context.layout.nb_channels
        return track

    def _read(self, source: Any, tracks: list[Any]) -> Iterator[Any]:
        """The packets of these tracks, until the file ends or breaks."""
        try:
            for packet in source.demux(tracks) if tracks else ():
                if packet.dts is not None:  # the last packet of each track is an empty one
                    yield packet
        except (av(self._path).FFmpegError, ValueError) as problem:
            self.notes.append(f"the sound ends early: {reason(problem)}")

    def _bring(self, packet: Any) -> None:
        """One packet into the target, its time counted from the first picture."""
        number = packet.stream.index
        if number in self._encoded:
            self._encode(packet, self._encoded[number])
            return
        shift = round(self._start / packet.time_base)
        packet.dts -= shift
        packet.pts = None if packet.pts is None else packet.pts - shift
        packet.stream = self._copied[number]
        try:
            self._target.mux(packet)
        except av(self._path).ArgumentError:  # its times make no sense; a full disk is another error
            if DAMAGED not in self.notes:
                self.notes.append(DAMAGED)

    def _encode(self, packet: Any, track: Any) -> None:
        """One packet decoded and coded anew."""
        library = av(self._path)
        try:
            frames = packet.decode()
        except (library.FFmpegError, ValueError):
            return  # a damaged packet is a gap of some milliseconds; what follows has its own time
        for frame in frames:
            if frame.pts is not None:
                frame.pts -= round(self._start / frame.time_base)
            self._target.mux(track.encode(frame))


def silent(like: Film, what: Path | str) -> list[str]:
    """The note that a video's sound is lost where there is no place for any; empty for one without sound."""
    return [f"{what} has no sound: that of {like.path.name} is left out"] if like.sound else []
