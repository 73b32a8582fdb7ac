"""Recipes for videos, each with the evidence for it. No torch in here."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from sparring.core.adversarial_recipe import AugmentedRecipe
from sparring.core.errors import UserError
from sparring.core.schedules import schedule
from sparring.core.settings import setting, settings
from sparring.data.files.zips import is_zip_of
from sparring.media.films.formats import ANIMATIONS, CONTAINERS
from sparring.modality import Entry
from sparring.video.options import ClipReading, VideoEvaluateOptions, VideoSampleOptions

SETS = ("moving-shapes",)  # that data can name
FOURIER, LAYERS = ("motion", ("fourier",)), ("output", ("layers",))


@settings
class VideoRecipe(ClipReading, AugmentedRecipe):
    """A game on videos: how clips are cut from them, how motion is made, which networks play."""

    kind: ClassVar[str] = "video"
    only_with: ClassVar[Mapping[str, tuple[str, tuple[str, ...]]]] = {
        **ClipReading.only_with, **AugmentedRecipe.only_with, "period": FOURIER,
        "layers": LAYERS, "edges": LAYERS, "content_moves": LAYERS, "reach": ("timed", ("auto", "no")),
    }  # fmt: skip
    before: ClassVar[Mapping[str, Any]] = {
        "content_moves": 1.0, "halved": "no", "batch_statistics": False, "penalty_scale": 1.0,
    }  # fmt: skip

    conditional: bool = setting(False, "condition both players on the label", "network", common=True)
    width: int = setting(32, "channels of both players at full resolution", "network", low=1, high=1024, common=True)
    output: str = setting(
        "auto", "what frames are made of: layers, pictures that are made once a clip and moved over its ground; "
        "foreground, a ground that is made once a clip and what is before it, drawn anew in each frame; direct, frames "
        "of their own; auto: layers where what moves keeps its form, before a ground of one colour, else foreground",
        "network",
        choices=("auto", "layers", "foreground", "direct"),
    )  # fmt: skip
    layers: int = setting(
        1, "with output layers: pictures that are moved over the ground of a clip", "network", low=1, high=64
    )
    edges: str = setting(
        "auto", "with output layers, edges of these in samples: soft, a pixel may mix a layer with what is behind it; "
        "hard, it is one or the other; auto: as in the clips", "network", choices=("auto", "soft", "hard"),
    )  # fmt: skip
    content_moves: float = setting(
        0.1, "with output layers, how strongly what is seen decides how it moves, beside the motion code (1: as much; "
        "0: not at all, so that one motion is the same of all contents)", "network", low=0, high=1,
    )  # fmt: skip
    motion: str = setting(
        "fourier", "the code of what moves: sums of waves, at any time, or a recurrent network, frame after frame",
        "network", choices=("fourier", "recurrent"),
    )  # fmt: skip
    motion_latent: int = setting(16, "random numbers that motion is made from, each time", "network", low=1, high=1024)
    period: int = setting(
        0, "frames of the quickest wave of a motion code (0: as many as a clip has)", "network", low=0, high=10_000
    )
    frames_seen: int = setting(
        3, "frames of a clip that the discriminator is shown, with the time between them", "network", low=2, high=256
    )
    timed: str = setting(
        "auto", "tell both players how far from its start a clip is at each frame; auto: where clips are whole videos",
        "network", choices=("auto", "yes", "no"),
    )  # fmt: skip
    reach: int = setting(
        0, "frames from the start, up to which generated clips are learned from (0: four times those of a clip; "
        "where clips are timed, those of a clip)", "network", low=0, high=10_000,
    )  # fmt: skip
    frame_discriminator: bool = setting(
        False, "a second discriminator, which is shown single frames: scenes and people are learned several times "
        "sooner, and change less as they move, but what moves is learned later", "network",
    )  # fmt: skip
    batch_statistics: bool = setting(
        True, "show the discriminator of single frames how varied its batch is, against collapse", "network"
    )
    halved: str = setting(
        "auto", "show the discriminator of clips frames of half the size, beside that of single frames; auto: from 32 "
        "pixels", "network", choices=("auto", "yes", "no"),
    )  # fmt: skip
    penalty_scale: float = setting(
        0.0, "r1 and r2 of the discriminator of clips are taken this many times (0: once; with output foreground 100 "
        "times as at their start, all along, as clips of few scenes or people collapse otherwise)", "regularisation",
        low=0, high=1e6,
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.frames_seen > self.frames:
            raise UserError(f"frames_seen: {self.frames_seen} of a clip of {self.frames} frames; show fewer")
        if self.reach and self.reach < self.frames:
            raise UserError(f"reach: {self.reach} is less than the {self.frames} frames of a clip; leave it at 0")
        if self.halved == "yes" and not self.frame_discriminator:
            raise UserError("halved: has no effect without frame_discriminator")
        if self.conditional and self.labelled == "no":
            raise UserError("conditional: needs labels, but labelled is 'no'; leave one of the two out")


video = VideoRecipe(
    name="video",
    about="any folder of clips; three frames at a time, made for two CPU cores",
    batch=16,
    learning_rate=schedule("3e-4:1e-4@150k"),
    r1=schedule("1:0.1@50k"),
    r2=schedule("1:0.1@50k"),
    penalty_share=schedule(0.25),
    average_half_life=schedule("0:5k@50k"),
    time=1800.0,
)
"""The settings of `images` but for the rate: from 0.001, as pictures have it, the discriminator told all samples of
MoCoGAN's moving shapes (at 32x32) from real clips within some hundred steps, and one layer did not move after 50,000;
from 0.0003 it moved after 15,000. Batches of 16 rather than 32: ahead after two minutes at 64x64. See docs/recipes.md.
"""

moving_shapes = dataclasses.replace(
    video,
    name="moving-shapes",
    about="shapes that Sparring draws, conditioned on how they move: what is right is known",
    data="moving-shapes",
    size="32",
    conditional=True,
    output="layers",
    time=300.0,
)

video_128 = dataclasses.replace(
    video,
    name="video-128",
    about="any folder of clips at 128x128, for one GPU: twice as wide, batches of 32",
    size="128",
    width=64,
    batch=32,
    time=43200.0,
)
"""The settings of `video`, scaled up. It has been played for some steps on a CPU and never to an end."""

RECIPES = {recipe.name: recipe for recipe in (video, moving_shapes, video_128)}


def moves(path: str) -> bool:
    """Whether a picture is animated, or most files in a zip are videos."""
    if path.lower().endswith(".zip"):
        return is_zip_of(path, (*CONTAINERS, *ANIMATIONS))
    from sparring.media.films.animations import is_animated  # help must not wait for it

    return is_animated(Path(path))


ENTRY = Entry(
    VideoRecipe, RECIPES, SETS, (*CONTAINERS, *ANIMATIONS, ".webp", ".zip"), "sparring.video.modality:Video",
    options={"evaluate": VideoEvaluateOptions, "sample": VideoSampleOptions}, claims=moves,
    use="sample {run} -n 16",
)  # fmt: skip
