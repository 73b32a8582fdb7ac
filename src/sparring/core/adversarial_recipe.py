"""The settings of the two-player game: objective, penalties, constraints, stabilisers. No torch in here."""

from __future__ import annotations

from dataclasses import dataclass

from sparring.core.errors import UserError
from sparring.core.recipe import Recipe, setting
from sparring.core.schedules import Schedule, schedule

OBJECTIVES = ("minimax", "non-saturating", "least-squares", "hinge", "wasserstein", "relativistic")
WITH_CHANCES = ("minimax", "non-saturating")  # those whose best judge gives log odds (Goodfellow et al. 2014)
WITH_TARGETS = ("minimax", "non-saturating", "least-squares")  # those that know labels 1 and 0


@dataclass(frozen=True, kw_only=True)
class AdversarialLossRecipe(Recipe):
    """What a discriminator and its opponent minimise, whatever is made.

    The defaults are RpGAN + R1 + R2 at every step (Huang et al. 2024), the pair that covers every mode of the
    small benchmarks where either penalty alone diverges.
    """

    objective: str = setting("relativistic", "what the players want", choices=OBJECTIVES)
    r1: Schedule = setting(schedule(1.0), "weight of the zero-centred penalty on real examples", low=0)
    r2: Schedule = setting(schedule(1.0), "weight of the zero-centred penalty on generated ones", low=0)
    wgan_gp: float = setting(0.0, "weight of WGAN-GP's penalty between the two (10 in the paper)", low=0)
    dragan: float = setting(0.0, "weight of DRAGAN's penalty around the data (10 in the paper)", low=0)
    discriminator_rate: float = setting(
        1.0, "discriminator's learning rate relative to the generator's", above=0, high=100
    )
    weight_decay: float = setting(0.0, "decoupled weight decay of both players", low=0, high=1)
    weight_clip: float = setting(0.0, "keep the discriminator's weights in [-clip, clip] (0: off)", low=0)
    spectral_norm: bool = setting(False, "divide each weight of the discriminator by its largest singular value")
    instance_noise: Schedule = setting(schedule(0.0), "standard deviation of noise on what the judge sees", low=0)
    label_smoothing: float = setting(0.0, "one-sided: real targets are 1 minus this", low=0, high=0.5)
    label_noise: float = setting(0.0, "share of the discriminator's targets that are flipped", low=0, high=0.5)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("label_smoothing", "label_noise"):
            if getattr(self, name) and self.objective not in WITH_TARGETS:
                raise UserError(
                    f"{name}: has no meaning with objective {self.objective}, which knows no targets; "
                    f"use one of {', '.join(WITH_TARGETS)}"
                )


@dataclass(frozen=True, kw_only=True)
class AdversarialRecipe(AdversarialLossRecipe):
    """A generator from latents against a discriminator."""

    latent: int = setting(64, "length of the generator's latent", low=1, high=4096)
    n_critic: int = setting(1, "discriminator turns for each generator turn", low=1, high=100)
    generator_first: bool = setting(False, "let the generator move first")
