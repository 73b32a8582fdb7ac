"""The settings of a game on pictures. No torch in here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from sparring.core.adversarial_recipe import AugmentedRecipe
from sparring.core.errors import UserError
from sparring.core.recipe import METRICS
from sparring.core.settings import setting, settings
from sparring.core.terminal import quoted
from sparring.images.flow_settings import BITS, FlowSettings
from sparring.images.options import Reading

WIDEST, DEEPEST = 4096, 16  # the most channels of a layer, the most resolutions

LEAN = ("network", ("lean", "flow"))  # a flow's discriminator is the lean one
ONLY_WITH = {
    "width": LEAN, "batch_statistics": LEAN, "batch_norm": ("network", ("lean",)),
    "dropout": ("network", (*LEAN[1], "tutorial")), "widths": ("network", ("r3gan",)),
}  # fmt: skip
"""Settings that have an effect only where another has one of these values."""


@settings
class ImageRecipe(Reading, FlowSettings, AugmentedRecipe):
    """A game on pictures: how they are read, which networks play, what the discriminator is shown."""

    kind: ClassVar[str] = "images"
    only_with: ClassVar[Mapping[str, tuple[str, tuple[str, ...]]]] = {
        **Reading.only_with, **FlowSettings.only_with, **AugmentedRecipe.only_with, **ONLY_WITH,
    }  # fmt: skip

    conditional: bool = setting(False, "condition both players on the label", "network", common=True)
    network: str = setting(
        "lean", "the pair that plays; a flow plays against the lean one's discriminator", "network",
        choices=("lean", "tutorial", "r3gan", "flow"), own=True,
    )  # fmt: skip
    width: int = setting(32, "channels of the lean pair at full resolution", "network", low=1, high=1024, common=True)
    widths: str = setting("768,768,768,768", "channels of the R3GAN pair at each resolution, smallest first", "network")
    output: str = setting("free", "bound of what the generator makes", "network", choices=("tanh", "clamp", "free"))
    dropout: float = setting(
        0.0, "in the discriminator of the lean and tutorial pairs", "regularisation", low=0, high=0.9
    )
    batch_norm: str = setting("none", "batch norm in the lean pair", "network", choices=("none", "generator", "both"))
    batch_statistics: bool = setting(False, "show the discriminator how varied its batch is", "network")

    mirror: bool = setting(False, "show half of the real pictures mirrored", "regularisation", common=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        read_widths(self.widths)
        if self.network == "r3gan" and self.spectral_norm:
            raise UserError(
                "spectral_norm: R3GAN's branches begin at zero, which has no norm to divide by; leave one out"
            )
        if self.metric == BITS and self.network != "flow":
            raise UserError(f"metric: {BITS} are known of --network flow alone; choose one of {', '.join(METRICS)}")
        if self.network == "flow" and self.augment != "none" and not self.adversarial_weight.highest:
            raise UserError("augment: changes what a discriminator sees, and by adversarial_weight 0 there is none")
        if self.conditional and self.labelled == "no":
            raise UserError("conditional: needs labels, but labelled is 'no'; leave one of the two out")


def read_widths(widths: str) -> tuple[int, ...]:
    """Channels at each resolution. Raises :class:`UserError` for what is no list of them, or one too large."""
    if not re.fullmatch(r"[1-9][0-9]{0,5}(,[1-9][0-9]{0,5})*", widths):
        raise UserError(f"widths: {quoted(widths)} is no list of channels; write 64,64,32")
    channels = tuple(int(width) for width in widths.split(","))
    if max(channels) > WIDEST or len(channels) > DEEPEST:
        raise UserError(f"widths: {quoted(widths)} is too large, the most is {DEEPEST} widths of {WIDEST:,} channels")
    return channels
