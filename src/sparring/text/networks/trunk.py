"""What the fresh discriminator of lines reads them by: characters, whatever the tokens of the players were."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from sparring.networks.trunks import DROPOUT, FEATURES

SYMBOLS = 512  # different characters: others share their places
CHANNELS, WIDTH = 32, 64  # of a character, and of each window
WINDOWS = (2, 3, 5, 8, 12)  # characters


class LineTrunk(nn.Module):
    """Convolutions over windows of a few characters, the strongest response of each (Kim 2014)."""

    def __init__(self) -> None:
        super().__init__()
        self.characters = nn.Embedding(SYMBOLS, CHANNELS, padding_idx=0)
        self.windows = nn.ModuleList(nn.Conv1d(CHANNELS, WIDTH, size, padding=size - 1) for size in WINDOWS)
        self.mix = nn.Sequential(
            nn.Dropout(DROPOUT), nn.Linear(WIDTH * len(WINDOWS), FEATURES), nn.ReLU(), nn.Dropout(DROPOUT)
        )

    def forward(self, lines: Tensor) -> Tensor:
        """Features ``(n, 128)`` of lines of code points ``(n, longest)``, 0 where they are over."""
        longest = int((lines > 0).sum(1).max())
        ended = pad(lines[:, :longest], (0, WINDOWS[-1]))  # so that a line's features do not depend on its neighbours'
        vectors = self.characters(ended % SYMBOLS).transpose(1, 2)
        strongest = [window(vectors).relu().amax(2) for window in self.windows]
        features: Tensor = self.mix(torch.cat(strongest, 1))
        return features
