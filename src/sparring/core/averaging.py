"""Running averages of the players' weights: what is sampled, shared and measured."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from sparring.core.game import Networks, Player


class Averages:
    """What is used of each player: a running average of its weights, a copy that no gradient reaches; or its network
    itself, where the player is not averaged. ``networks`` holds them by the players' names."""

    def __init__(self, players: Mapping[str, Player]) -> None:
        self.players = players
        self.networks: dict[str, nn.Module] = {
            name: copy.deepcopy(player.network).requires_grad_(False).eval() if player.averaged else player.network
            for name, player in players.items()
        }

    def follow(self, examples: int, half_life: float) -> None:
        """Move the averages towards the players' weights by so many examples; see :func:`update_average`."""
        for name, player in self.players.items():
            if player.averaged:
                update_average(self.networks[name], player.network, examples, half_life)


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, examples: int, half_life: float) -> None:
    """Move ``average`` towards ``network``: what it held weighs half as much after ``half_life`` more examples.

    The decay of one step is 0.5^(examples / half_life) (Karras et al. 2020, appendix B); a half-life of 0 copies.
    Buffers (running statistics, resampling kernels) are copied, not averaged.
    """
    decay = 0.5 ** (examples / half_life) if half_life > 0 else 0.0
    ours: list[Tensor] = list(average.parameters())
    theirs: list[Tensor] = list(network.parameters())
    torch._foreach_lerp_(ours, theirs, 1 - decay)
    for mine, its in zip(average.buffers(), network.buffers(), strict=True):
        mine.copy_(its)


@contextmanager
def evaluating(networks: Networks) -> Iterator[None]:
    """Inside, layers behave as they do after training (batch statistics, dropout)."""
    training = [network for network in networks.values() if network.training]
    for network in training:
        network.eval()
    try:
        yield
    finally:
        for network in training:
            network.train()


@contextmanager
def frozen(players: Mapping[str, Player], mover: str) -> Iterator[None]:
    """Inside, no gradient is computed for any player but ``mover``."""
    others = [player.weights for name, player in players.items() if name != mover]
    moving = [weight for weights in others for weight in weights if weight.requires_grad]
    for weight in moving:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in moving:
            weight.requires_grad_(True)
