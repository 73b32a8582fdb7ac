"""Recipes for chords: a modality that exists in the tests alone, to show what adding one takes. No torch in here."""

from __future__ import annotations

from typing import ClassVar

from sparring.core.adversarial_recipe import AdversarialRecipe
from sparring.core.schedules import schedule
from sparring.core.settings import setting, settings
from sparring.modality import Entry


@settings
class ChordRecipe(AdversarialRecipe):
    """A game on chords, sets of the twelve notes of an octave."""

    kind: ClassVar[str] = "chords"

    hidden: int = setting(32, "units of both players' hidden layer", "network", low=1, high=4096, common=True)


chords = ChordRecipe(
    name="chords", about="lines of notes, each under the chord's kind: 'major: C E G'", latent=8, batch=32,
    learning_rate=schedule(2e-3), measure_every=400,
)  # fmt: skip

RECIPES = {chords.name: chords}

ENTRY = Entry(ChordRecipe, RECIPES, sets=("triads",), endings=(".chords",), where="sparring.chords.modality:Chords")
