"""Which networks play on clips and by which penalties, as the recipe says or, where it leaves that open, the clips."""

from __future__ import annotations

from dataclasses import replace

from sparring.video.form import VideoForm
from sparring.video.networks.direct import DirectGenerator
from sparring.video.networks.discriminator import ClipDiscriminator
from sparring.video.networks.layered import LayeredGenerator
from sparring.video.networks.motion import FourierMotion, MotionCode, RecurrentMotion, TimedMotion
from sparring.video.recipes import VideoRecipe

FEATURES = 64  # of a motion code
FOREGROUND = 100.0  # times r1 and r2, of a generator with one
FINE = 32  # pixels of the shorter side, from which frames of half the size show what moves

Generator = LayeredGenerator | DirectGenerator


def decided(recipe: VideoRecipe, form: VideoForm) -> VideoRecipe:
    """The recipe with what it leaves to these clips: of what frames are made, what the discriminators are shown,
    whether clips are timed and have hard edges."""
    own = {"output": recipe.output, "timed": "yes" if form.timed else "no"}
    if recipe.output == "auto":
        own["output"] = "layers" if form.layered else "foreground"
    if own["output"] == "layers":
        own["edges"] = "hard" if form.hard_edges else "soft"
    if recipe.frame_discriminator and recipe.halved == "auto":
        own["halved"] = "yes" if min(form.height, form.width) >= FINE else "no"
    return recipe.changed(own)


def penalised(recipe: VideoRecipe) -> VideoRecipe:
    """The recipe with r1 and r2 as often as it says or, where it leaves that to what frames are made of, as that asks
    for: those of a generator with a foreground do not fall. Raises :class:`UserError` where these are too heavy."""
    held = not recipe.penalty_scale and recipe.output == "foreground"
    times = recipe.penalty_scale or (FOREGROUND if held else 1.0)
    penalties = {
        name: replace(each, start=times * each.start, end=times * (each.start if held else each.end))
        for name, each in (("r1", recipe.r1), ("r2", recipe.r2))
    }
    return recipe.changed(penalties)


def networks(recipe: VideoRecipe, form: VideoForm, classes: int) -> tuple[Generator, ClipDiscriminator]:
    """The generator and the discriminator for clips of this form and ``classes`` labels (0 for players that are shown
    none), by a recipe that leaves nothing open."""
    size = {"height": form.height, "width": form.width, "channels": form.channels, "classes": classes}
    motion = motion_code(recipe, form, classes)
    generator: Generator
    if recipe.output == "layers":
        generator = LayeredGenerator(
            motion, latent=recipe.latent, base=recipe.width, layers=recipe.layers, content_moves=recipe.content_moves,
            hard_edges=form.hard_edges, **size,
        )  # fmt: skip
    else:
        generator = DirectGenerator(
            motion, latent=recipe.latent, base=recipe.width, ground=recipe.output == "foreground", **size
        )
    discriminator = ClipDiscriminator(
        seen=recipe.frames_seen,
        frames=form.frames,
        base=recipe.width,
        of_frames=recipe.frame_discriminator,
        batch_statistics=recipe.batch_statistics,
        halved=recipe.halved == "yes",
        timed=form.timed,
        **size,
    )
    return generator, discriminator


def motion_code(recipe: VideoRecipe, form: VideoForm, classes: int) -> MotionCode:
    """What makes motion, as the recipe says."""
    code: MotionCode
    if recipe.motion == "recurrent":
        code = RecurrentMotion(latent=recipe.motion_latent, features=FEATURES, classes=classes)
    else:
        period = recipe.period or form.frames
        code = FourierMotion(latent=recipe.motion_latent, features=FEATURES, period=period, classes=classes)
    return TimedMotion(code, frames=form.frames) if form.timed else code
