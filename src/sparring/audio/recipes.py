"""Recipes for sounds, each with the evidence for it. No torch in here."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

from sparring.audio.options import AudioEvaluateOptions, Hearing
from sparring.core.adversarial_recipe import AugmentedRecipe
from sparring.core.errors import UserError
from sparring.core.schedules import schedule
from sparring.core.settings import setting, settings
from sparring.data.files.zips import is_zip_of
from sparring.media.sounds.formats import BY_AV, ENDINGS
from sparring.modality import Entry
from sparring.options import LatentSampleOptions

SETS = ("tones",)  # that data can name
SPECTROGRAM = ("representation", ("log-magnitude", "complex"))


@settings
class AudioRecipe(Hearing, AugmentedRecipe):
    """A game on sounds: how they are read, what the players see of them, which networks play."""

    kind: ClassVar[str] = "audio"
    only_with: ClassVar[Mapping[str, tuple[str, tuple[str, ...]]]] = {
        **Hearing.only_with,
        **AugmentedRecipe.only_with,
        "window": SPECTROGRAM,
        "overlap": SPECTROGRAM,
        "phase_iterations": ("representation", ("log-magnitude",)),
    }

    conditional: bool = setting(False, "condition both players on the label", "network", common=True)
    representation: str = setting(
        "log-magnitude",
        "what the players see of a sound, spectrograms or its waveform",
        "network",
        choices=("log-magnitude", "complex", "waveform"),
        common=True,
    )
    width: int = setting(32, "channels of both players' widest grid", "network", low=1, high=1024, common=True)
    window: int = setting(
        0, "samples that a spectrum is taken of (0: the power of two nearest to 32 ms)", "network", low=0, high=16384
    )
    overlap: int = setting(2, "spectra that every sample is part of", "network", low=2, high=8)
    phase_iterations: int = setting(24, "iterations that phases are found by", "network", low=0, high=1000)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.window and (self.window < 16 or self.window & (self.window - 1)):
            raise UserError(f"window: {self.window} is no power of two from 16 to 16,384; write 256 or 512")
        if self.representation == "waveform" and (self.r1.highest or self.r2.highest):
            raise UserError(
                "representation: r1 and r2 are a thousand times too strong on waveforms; take recipe wavegan, or set "
                "both to 0 and wgan_gp to 10"
            )
        if self.overlap & (self.overlap - 1):
            raise UserError(f"overlap: {self.overlap} does not divide the window; write 2, 4 or 8")


audio = AudioRecipe(
    name="audio",
    about="any folder of sounds: magnitudes by plain convolutions, made for two CPU cores",
    batch=32,
    learning_rate=schedule("1e-3:2e-4@200k"),
    r1=schedule("1:0.1@100k"),
    r2=schedule("1:0.1@100k"),
    average_half_life=schedule("0:10k@100k"),
    augment="ada",
    time=900.0,
)
"""The settings of `images`, on spectrograms. Spoken digits (FSDD), 1,000 samples read by two classifiers, of which the
lower counts, by the CPU time of one thread on a machine with other work. Three seeds: .899, .917, .893 after 6 minutes,
.945, .957, .945 after 30 (real .980). Without augmentation one seed had .932 after 12 minutes and .953 after 24: no
difference. One seed after 150 seconds: log magnitudes .81, complex numbers .50. After 1,500 steps without augmentation
.86; from a learning rate of 0.002 .77. See docs/recipes.md."""

tones = dataclasses.replace(
    audio,
    name="tones",
    about="plucked strings and bells that Sparring synthesises, conditioned on the note: the right pitch is known",
    data="tones",
    conditional=True,
    time=180.0,
)

wavegan = AudioRecipe(
    name="wavegan",
    about="Donahue et al. 2019: waveforms, Wasserstein with gradient penalty, n_critic 5; to compare with",
    batch=32,
    latent=100,
    representation="waveform",
    width=16,
    objective="wasserstein",
    r1=schedule(0.0),
    r2=schedule(0.0),
    wgan_gp=10.0,
    n_critic=5,
    learning_rate=schedule(1e-4),
    beta1=0.5,
    beta2=schedule(0.9),
    average_half_life=schedule(0),
    time=1800.0,
)

RECIPES = {recipe.name: recipe for recipe in (audio, tones, wavegan)}


def is_zip_of_sounds(path: str) -> bool:
    """Whether most files in a zip have the ending of a sound."""
    return is_zip_of(path, (*ENDINGS, *BY_AV))


ENTRY = Entry(
    AudioRecipe, RECIPES, SETS, (*ENDINGS, *BY_AV, ".zip"), "sparring.audio.modality:Audio",
    options={"evaluate": AudioEvaluateOptions, "sample": LatentSampleOptions}, claims=is_zip_of_sounds,
    use="sample {run} -n 16",
)  # fmt: skip
