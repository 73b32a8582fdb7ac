"""What tests of translations share: small games, steps, and translators whose answer is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from sparring.core.game import Step
from sparring.core.seeds import mixed
from sparring.modalities import RECIPES, modality_of
from sparring.translation.data import TranslationForm
from sparring.translation.networks.resnet import ResnetTranslator

BATCH, SIDE = 4, 16
FORM = TranslationForm(height=SIDE, width=SIDE, channels=3, counts=(40, 40), upright=True)
SMALL: dict[str, Any] = {"batch": BATCH, "width": 4, "blocks": 1, "shift": 0, "mirror": False}


class Known(ResnetTranslator):
    """Answers with ``change`` of what it is given, and remembers what that was."""

    def __init__(self, change: Callable[[Tensor], Tensor]) -> None:
        super().__init__(channels=3, width=1, blocks=0, upsampling="nearest", skip=False, frame=False)
        self.change, self.given = change, list[Tensor]()

    def forward(self, pictures: Tensor) -> Tensor:
        self.given.append(pictures)
        return self.change(pictures)

    redraw = forward


class SpyDiscriminator(nn.Module):
    """A discriminator of patches that remembers what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.shown = nn.Conv2d(3, 1, 4, 4), list[Tensor]()

    def forward(self, pictures: Tensor, labels: Tensor | None = None) -> Tensor:
        self.shown.append(pictures)
        return self.layer(pictures).flatten(1)


def a_game(name: str = "cyclegan", **settings: Any) -> Any:
    torch.manual_seed(0)
    return build(RECIPES[name].changed({**SMALL, **settings}), FORM)


def build(recipe: Any, form: TranslationForm) -> Any:
    return modality_of("translation").build_game(recipe, form)


def pools(game: Any) -> dict[str, Tensor]:
    """The tensors that a game remembers."""
    return {name: value for name, value in game.state().items() if isinstance(value, Tensor)}


def a_step(seen: int = 0, batch: int = BATCH, part: slice | None = None, seed: int = 0) -> Step:
    domains = {domain: bytes_of(batch, seed) for seed, domain in enumerate("ab")}
    here: dict[str, Any] = {"global_batch": batch, "device": torch.device("cpu")}
    return Step([domains], examples_seen=seen, seed=mixed(seed, seen), part=part or slice(0, batch), **here)


def bytes_of(count: int, seed: int = 0, side: int = SIDE) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, side, side), generator=random, dtype=torch.uint8)


def noise(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def uniform(*shape: int, seed: int = 1) -> Tensor:
    return 2 * torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) - 1


def a_translator(**settings: Any) -> ResnetTranslator:
    torch.manual_seed(0)
    usual = {"channels": 3, "width": 4, "blocks": 2, "upsampling": "nearest", "skip": False, "frame": False}
    return ResnetTranslator(**{**usual, **settings})
