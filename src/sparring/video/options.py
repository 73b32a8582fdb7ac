"""How videos are read and sampled: settings of every recipe that reads videos, and of verbs. No torch in here."""

from __future__ import annotations

from sparring.core.settings import setting, settings
from sparring.data.files.options import FileReading
from sparring.images.options import read_size
from sparring.options import LikelihoodOptions, SampleOptions

FRAMES = (2, 256)  # of a clip that is learned, the least and the most
RATE = (0.1, 1000)  # frames a second
LONGEST = 10_000  # frames of a sample


@settings
class ClipReading(FileReading):
    """How clips are cut from videos: a part of every recipe, and of the options of every verb, that reads videos."""

    frames: int = setting(
        16, "frames of a clip, what both players see the motion of", "data", low=FRAMES[0], high=FRAMES[1], common=True
    )
    every: int = setting(1, "take every frame of a video, every second, ...", "data", low=1, high=1000, common=True)
    size: str = setting("64", "HEIGHTxWIDTH or one number, in pixels", "data", common=True)
    channels: str = setting("3", "1 grey, 3 colour", "data", choices=("1", "3"))
    fit: str = setting("crop", "how to bring a frame to size", "data", choices=("crop", "pad", "stretch"))
    alpha: str = setting("white", "what to do with transparency", "data", choices=("white", "black", "drop"))
    shorter: str = setting(
        "skip", "leave videos out that are shorter than a clip, or play them again from their start", "data",
        choices=("skip", "loop"),
    )  # fmt: skip
    cache_mb: int = setting(
        512, "keep decoded frames in memory up to this many MiB, else in a temporary file", "data", low=0,
        high=1 << 24,
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        read_size(self.size)


@settings
class VideoEvaluateOptions(ClipReading, LikelihoodOptions):
    """What ``sparring evaluate`` is asked for; how clips are read is asked for a folder of samples alone."""


@settings
class VideoSampleOptions(SampleOptions):
    """What ``sparring sample`` is asked for of a generator of videos."""

    frames: int = setting(0, "frames of each sample (0: as many as were learned)", low=0, high=LONGEST)
    fps: float = setting(0.0, "frames a second that samples are written with (0: those of the data)", low=0, high=1000)
    format: str = setting(
        "auto", "what a folder holds of each sample; auto: MP4 where PyAV is installed, else WebP",
        choices=("auto", "mp4", "webm", "gif", "webp", "apng", "strips", "frames"),
    )  # fmt: skip
    content_seed: int = setting(-1, "one content for all samples, that of this seed (-1: another for each)", low=-1,
                                high=2**63 - 1)  # fmt: skip
    motion_seed: int = setting(-1, "one motion for all samples, that of this seed (-1: another for each)", low=-1,
                               high=2**63 - 1)  # fmt: skip
