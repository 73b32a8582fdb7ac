"""The settings of normalising flows, a part of every recipe of pictures. No torch in here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sparring.core.recipe import HEAVIEST, METRICS
from sparring.core.schedules import Schedule, schedule
from sparring.core.settings import Settings, setting, settings

FLOW = ("network", ("flow",))
OTHERS = ("network", ("lean", "tutorial", "r3gan"))  # whose latents and bounds are chosen
BITS = "bits_per_dimension"  # what a flow's likelihood is measured in


@settings
class FlowSettings(Settings):
    """How large a flow is, and what it learns by."""

    only_with: ClassVar[Mapping[str, tuple[str, tuple[str, ...]]]] = {
        "coupling_width": FLOW, "coupling_depth": FLOW, "adversarial_weight": FLOW, "latent": OTHERS, "output": OTHERS,
    }  # fmt: skip

    coupling_width: int = setting(
        64, "channels of the network in each of a flow's couplings", "network", low=1, high=1024
    )
    coupling_depth: int = setting(
        1, "residual blocks of the network in each of a flow's couplings", "network", low=0, high=16
    )
    adversarial_weight: Schedule = setting(
        schedule(0.0), "weight of a flow's adversarial loss beside its bits per dimension (0: by likelihood alone, "
        "without a discriminator)", "loss", low=0, high=HEAVIEST,
    )  # fmt: skip
    metric: str = setting(
        "frechet", "by what the best weights are kept: a distance, or of a flow the bits per dimension of held-out "
        "pictures", "measuring", choices=(*METRICS, BITS),
    )  # fmt: skip
