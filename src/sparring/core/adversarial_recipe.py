"""The settings of the two-player game: objective, penalties, constraints, stabilisers. No torch in here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sparring.core.errors import UserError
from sparring.core.recipe import HEAVIEST, Recipe
from sparring.core.schedules import Schedule, schedule
from sparring.core.settings import setting, settings

OBJECTIVES = ("minimax", "non-saturating", "least-squares", "hinge", "wasserstein", "relativistic")
ALIASES = {
    "bce": "non-saturating", "nsgan": "non-saturating", "vanilla": "non-saturating", "lsgan": "least-squares",
    "mse": "least-squares", "wgan": "wasserstein", "rpgan": "relativistic",
}  # fmt: skip
WITH_LOG_ODDS = ("minimax", "non-saturating")  # whose best discriminator gives log odds (Goodfellow et al. 2014)
WITH_TARGETS = ("minimax", "non-saturating", "least-squares")  # that know labels 1 and 0


@settings
class AdversarialLossRecipe(Recipe):
    """What a discriminator and its opponent minimise, whatever is made.

    The defaults are RpGAN + R1 + R2 at every step (Huang et al. 2024), the pair that covers every mode of the
    small benchmarks where either penalty alone diverges.
    """

    renamed: ClassVar[Mapping[str, str]] = {
        **Recipe.renamed, "pace": "discriminator_rate", "clip": "weight_clip", "critic_turns": "n_critic",
    }  # fmt: skip

    objective: str = setting(
        "relativistic", "what the players minimise", "loss", choices=OBJECTIVES, aliases=ALIASES, common=True, own=True,
    )  # fmt: skip
    label_smoothing: float = setting(
        0.0, "one-sided: targets of real examples are 1 minus this", "loss", low=0, high=0.5
    )
    label_noise: float = setting(0.0, "share of the discriminator's targets that are flipped", "loss", low=0, high=0.5)
    r1: Schedule = setting(
        schedule(1.0), "weight of the zero-centred gradient penalty on real examples", "regularisation", low=0,
        high=HEAVIEST, common=True,
    )  # fmt: skip
    r2: Schedule = setting(
        schedule(1.0),
        "weight of the zero-centred gradient penalty on generated examples",
        "regularisation",
        low=0,
        high=HEAVIEST,
    )
    penalty_share: Schedule = setting(
        schedule(1.0),
        "share of each batch on which r1 and r2 are taken; less is faster and noisier, its mean is the same",
        "regularisation",
        above=0,
        high=1,
    )
    wgan_gp: float = setting(
        0.0,
        "weight of WGAN-GP's penalty between real and generated (10 in the paper)",
        "regularisation",
        low=0,
        high=HEAVIEST,
    )
    dragan: float = setting(
        0.0, "weight of DRAGAN's penalty around the data (10 in the paper)", "regularisation", low=0, high=HEAVIEST
    )
    spectral_norm: bool = setting(
        False, "divide each weight of the discriminator by its largest singular value", "regularisation"
    )
    weight_clip: float = setting(
        0.0,
        "keep the discriminator's weights between this and minus this (0: off)",
        "regularisation",
        low=0,
        high=HEAVIEST,
    )
    weight_decay: float = setting(0.0, "decoupled weight decay of both players", "regularisation", low=0, high=1)
    instance_noise: Schedule = setting(
        schedule(0.0), "standard deviation of noise on what the discriminator sees", "regularisation", low=0, high=1000
    )
    discriminator_rate: float = setting(
        1.0, "discriminator's learning rate relative to the generator's", "optimiser", above=0, high=100
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("label_smoothing", "label_noise"):
            if getattr(self, name) and self.objective not in WITH_TARGETS:
                raise UserError(
                    f"{name}: has no meaning with objective {self.objective}, which knows no targets; "
                    f"use one of {', '.join(WITH_TARGETS)}"
                )


@settings
class AdversarialRecipe(AdversarialLossRecipe):
    """A generator from latents against a discriminator."""

    only_with: ClassVar[Mapping[str, tuple[str, tuple[str, ...]]]] = {"reuse_logits": ("objective", ("relativistic",))}

    latent: int = setting(64, "length of the generator's latent", "network", low=1, high=4096)
    n_critic: int = setting(1, "discriminator turns for each generator turn", "optimiser", low=1, high=100)
    generator_first: bool = setting(False, "let the generator move first", "optimiser")
    reuse_logits: bool = setting(
        False,
        "let the generator compare with the logits of real examples from the discriminator's turn before it",
        "optimiser",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.reuse_logits and self.generator_first:
            raise UserError("reuse_logits: there are none yet where generator_first is set; leave one of the two out")


ADA = ("augment", ("ada",))


@settings
class AugmentedRecipe(AdversarialRecipe):
    """A game whose discriminator may see all examples, real and generated, through random changes."""

    only_with: ClassVar[Mapping[str, tuple[str, tuple[str, ...]]]] = {
        **AdversarialRecipe.only_with, "augment_target": ADA, "augment_limit": ADA, "augment_fixed": ADA,
    }  # fmt: skip

    augment: str = setting(
        "none", "random changes of every example that the discriminator sees", "regularisation",
        choices=("none", "diff", "ada"), common=True,
    )  # fmt: skip
    augment_target: float = setting(
        0.6, "ADA adapts until this much of E[sign D(real)] is left", "regularisation", low=0, high=1
    )
    augment_limit: Schedule = setting(schedule(0.8), "highest probability that ADA may reach", "regularisation", low=0,
                                      high=1)  # fmt: skip
    augment_fixed: bool = setting(False, "hold ADA at its limit instead of adapting", "regularisation")
