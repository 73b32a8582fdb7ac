"""Recipes for unpaired image-to-image translation, each with the evidence for it. No torch in here."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from sparring.core.adversarial_recipe import AdversarialLossRecipe
from sparring.core.errors import UserError
from sparring.core.recipe import HEAVIEST
from sparring.core.schedules import Schedule, schedule
from sparring.core.settings import setting, settings
from sparring.images.options import Reading
from sparring.modality import Entry
from sparring.options import CalibrateOptions, EvaluateOptions, TranslateOptions

SETS = ("ink-neon",)  # that data can name
LARGEST = 1 << 16  # pixels a side of what is translated
PATCHES = {"16": 1, "34": 2, "70": 3, "142": 4}
"""Receptive fields of the discriminator in pixels, with the strided convolutions that make each."""

ONLY_WITH = {
    "cycle": ("method", ("cycle",)),
    "cycle_noise": ("method", ("cycle",)),
    "recycle": ("method", ("cycle",)),
    "contrast": ("method", ("contrast",)),
    "contrast_identity": ("method", ("contrast",)),
    "contrast_patches": ("method", ("contrast",)),
    "temperature": ("method", ("contrast",)),
    "flipped": ("method", ("contrast",)),
}  # settings that have an effect only where another has one of these values


@settings
class TranslationRecipe(Reading, AdversarialLossRecipe):
    """A game between two domains: what ties a translation to its original, and which networks play."""

    kind: ClassVar[str] = "translation"
    only_with: ClassVar[Mapping[str, tuple[str, tuple[str, ...]]]] = {**Reading.only_with, **ONLY_WITH}
    renamed: ClassVar[Mapping[str, str]] = {**Reading.renamed, **AdversarialLossRecipe.renamed}
    data_settings: ClassVar[tuple[str, ...]] = ("data", "data_b")

    data_b: str = setting(
        "", "domain B, where data is domain A and does not hold both", "data", unit="path", common=True
    )
    method: str = setting(
        "cycle", "what ties a translation to its original: cycle consistency, or a patchwise contrastive loss", "loss",
        choices=("cycle", "contrast"), common=True,
    )  # fmt: skip
    width: int = setting(32, "channels of both players at full resolution", "network", low=1, high=1024, common=True)
    blocks: int = setting(6, "residual blocks of the generator", "network", low=0, high=64, common=True)
    upsampling: str = setting(
        "nearest", "of the generator: nearest pixel then convolution, or transposed convolution", "network",
        choices=("nearest", "transposed"),
    )  # fmt: skip
    skip: bool = setting(False, "the generator adds to the picture instead of drawing it anew", "network")
    frame: bool = setting(
        False, "let the generator zoom, turn and move a picture as a whole before it redraws it", "network"
    )
    patch: str = setting(
        "auto", "receptive field of the discriminator, in pixels; auto by the size of the pictures", "network",
        choices=("auto", *PATCHES),
    )  # fmt: skip
    pool: int = setting(
        50, "past translations that the discriminator is shown too, half of the time", "regularisation", low=0,
        high=10_000,
    )  # fmt: skip

    cycle: Schedule = setting(
        schedule(10.0), "weight of the cycle-consistency loss", "loss", low=0, high=HEAVIEST, common=True
    )
    cycle_noise: Schedule = setting(
        schedule(0.02),
        "standard deviation of noise on a translation before it is translated back",
        "loss",
        low=0,
        high=1000,
    )
    identity: Schedule = setting(
        schedule(5.0), "weight of the identity loss: leave alone what is of the target domain already", "loss", low=0,
        high=HEAVIEST, common=True,
    )  # fmt: skip
    contrast: float = setting(
        1.0,
        "weight of the patchwise contrastive loss: each patch is told from other patches",
        "loss",
        low=0,
        high=HEAVIEST,
    )
    contrast_identity: bool = setting(True, "the contrastive loss on pictures of the target domain too", "loss")
    contrast_patches: int = setting(256, "patches of a picture in the contrastive loss", "loss", low=2, high=4096)
    temperature: float = setting(0.07, "of the contrastive loss", "loss", above=0, high=10)
    flipped: bool = setting(False, "translate half of the pictures mirrored, so that left and right are alike", "loss")
    motion: float = setting(
        0.0,
        "weight of temporal consistency: a moved picture is translated as its moved translation",
        "loss",
        low=0,
        high=HEAVIEST,
    )
    recycle: float = setting(
        0.0, "weight of predicting the next frame across domains; the data are videos", "loss", low=0, high=HEAVIEST
    )

    mirror: bool = setting(False, "show half of the pictures mirrored", "regularisation", common=True)
    shift: int = setting(0, "show pictures moved by up to this many pixels", "regularisation", low=0, high=256)
    inversion: str = setting(
        "restart", "when light and dark are swapped early on", "regularisation", choices=("restart", "allow")
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.alpha == "keep" or self.channels == "4":
            raise UserError("alpha: a translation is learned on colours alone; translate keeps transparency as it is")
        if self.flipped and self.contrast_identity:
            raise UserError("flipped: has no effect with contrast_identity; leave one of the two out")


@settings
class TranslationOptions(TranslateOptions):
    """What ``sparring translate`` is asked for of pictures and videos."""

    renamed: ClassVar[Mapping[str, str]] = {"at": "resize", "every_frame_alone": "frame_by_frame"}

    resize: int = setting(
        0,
        "translate at this many pixels of the shorter side; results keep their size (0: as it is)",
        low=0,
        high=LARGEST,
    )
    tile: int = setting(
        0,
        "translate in tiles of this many pixels (0: whole up to a megapixel, beyond in tiles of 512)",
        low=0,
        high=LARGEST,
    )
    frames: bool = setting(False, "take each folder for a video, its pictures for the frames")
    frame_by_frame: bool = setting(False, "translate each frame of a video by itself, without temporal consistency")
    sheet: str = setting("", "a PNG file to write, with some pictures beside their translations", "output", unit="path")


@settings
class TranslationEvaluateOptions(EvaluateOptions):
    """What ``sparring evaluate`` is asked for of a translation."""

    renamed: ClassVar[Mapping[str, str]] = {"film": "videos", "at": "resize"}

    direction: str = setting("", "only this direction (default: every one; of videos the first)")
    videos: tuple[str, ...] = setting((), "videos to translate and to score, instead of pictures", "data")
    resize: int = setting(0, "of videos: pixels of the shorter side (0: as it is)", low=0, high=LARGEST)


@settings
class TranslationCalibrateOptions(CalibrateOptions):
    """What ``sparring calibrate`` is asked for of a translation."""

    domain: str = setting(
        "auto", "whose pictures, real ones beside translations, are told apart (auto: where the first direction leads)",
        choices=("auto", "A", "B"),
    )  # fmt: skip


cyclegan = TranslationRecipe(
    name="cyclegan",
    about="two domains of pictures, both directions, unpaired; 64 pixels, made for two CPU cores",
    batch=4,
    width=16,
    blocks=4,
    steps=15_000,
    learning_rate=schedule("4e-4:4e-5@60k,linear"),
    beta1=0.5,
    beta2=schedule(0.999),
    objective="least-squares",
    r1=schedule(0.0),
    r2=schedule(0.0),
    average_half_life=schedule("0:2k@10k"),
    measure_every=10_000,
    mirror=True,
    shift=4,
)

cut = dataclasses.replace(
    cyclegan,
    name="cut",
    about="one direction only, a patchwise contrastive loss: half the work of cyclegan (Park et al. 2020)",
    method="contrast",
    pool=0,
    identity=schedule(0.0),
)

fastcut = dataclasses.replace(
    cut,
    name="fastcut",
    about="cut without its identity loss: the lightest",
    contrast=10.0,
    contrast_identity=False,
    flipped=True,
)

recyclegan = dataclasses.replace(
    cyclegan,
    name="recyclegan",
    about="two domains of videos, tied by what comes next (Bansal et al. 2018); needs PyAV and OpenCV",
    recycle=10.0,
    identity=schedule(0.0),
)

# Zhu et al. 2017, section 4 and appendix 7.1: nine blocks, 200 epochs of about 1,300 pictures; not run yet.
PAPER: dict[str, Any] = {
    "size": "256",
    "batch": 2,
    "steps": 133_500,
    "width": 64,
    "blocks": 9,
    "patch": "70",
    "learning_rate": schedule("2e-4:2e-5@267k,linear"),
    "average_half_life": schedule("0:10k@50k"),
    "measure_every": 50_000,
    "shift": 30,
}

cyclegan_paper_256 = dataclasses.replace(
    cyclegan, name="cyclegan-paper-256", about="cyclegan at 256 pixels, of the paper's size (a GPU, a day)", **PAPER
)

cut_paper_256 = dataclasses.replace(
    cut, name="cut-paper-256", about="cut at 256 pixels, of the paper's size (a GPU, a day)", **PAPER
)

ink_neon = dataclasses.replace(
    cyclegan,
    name="ink-neon",
    about="digits as ink on dark paper and as neon on a dark wall, drawn by Sparring: the right answer is known",
    data="ink-neon",
    size="32",
    batch=16,
    steps=1_500,
    learning_rate=schedule("1e-3:1e-4@24k,linear"),
    mirror=False,
    shift=0,
)

reframed = dataclasses.replace(
    cyclegan,
    name="reframed",
    about="cyclegan for domains of the same things framed differently: zooms first, then changes little",
    batch=16,
    steps=2_500,
    width=8,
    blocks=1,
    frame=True,
    skip=True,
    identity=schedule(0.5),
    cycle=schedule(5.0),
    cycle_noise=schedule(0.0),
    learning_rate=schedule("1e-3:5e-5@40k,linear"),
    average_half_life=schedule("0:5k@20k"),
    patch="34",
    mirror=False,
    shift=0,
)
"""Chosen on MNIST and USPS at 28 pixels, by how many translated test digits a classifier still reads as what they were
(to USPS and to MNIST, one thread; `benchmarks/mnist_usps.py`): 97.9 and 97.0, 97.5 and 97.2, 97.7 and 97.1 % for three
seeds after ten minutes each, and hardly less after one. One seed each, after 800 steps: 97.7 and 97.3 % as it is; 93.5
and 95.9 % with one map for all pictures; 93.6 and 95.8 % where the way back frames anew instead of undoing the same
map; 60 and 97 % with a discriminator of 16 pixels. Without ``frame`` 65 and 80 %: the translators draw other digits to
fill the picture. A ``shift`` cost 4 points."""

RECIPES = {
    recipe.name: recipe
    for recipe in (cyclegan, cut, fastcut, recyclegan, reframed, ink_neon, cyclegan_paper_256, cut_paper_256)
}

ENTRY = Entry(
    TranslationRecipe,
    RECIPES,
    SETS,
    where="sparring.translation.modality:Translation",
    options={
        "translate": TranslationOptions,
        "evaluate": TranslationEvaluateOptions,
        "calibrate": TranslationCalibrateOptions,
    },
    use="translate {run} INPUT...",
    task="image-to-image",
    folders=(("trainA", "trainB"), ("train_A", "train_B")),
)
