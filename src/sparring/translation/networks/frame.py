"""Domains that are framed differently: an affine map for each picture, learned with everything else.

Convolutions can hardly enlarge, turn or move a thing, and a discriminator that asks for it makes a translator draw
another thing instead. Here the picture is first moved as a whole (Jaderberg et al. 2015, "Spatial transformer
networks"), which changes nothing of what it shows. The way back undoes the very same map, so that the cycle asks
nothing of it that cannot be known: how slanted a digit was that is upright now.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import affine_grid, grid_sample

SHARED_RATE = 20.0  # times faster than other weights, the map of the whole domain: it leads, they follow
OWN_RATE = 4.0  # times faster, what suits each picture: many weights move it together
LOOKED_AT = 16  # pixels a side
HIDDEN = 64  # units of the network that suits a map to a picture


class Frame(nn.Module):
    """Pictures ``(batch, channels, height, width)`` to the same shape; at first nothing is changed.

    To one map for the whole domain a small network adds what suits each picture. What comes from outside of a picture
    has the colour ``surround``, which is learned too.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.change = nn.Parameter(torch.zeros(2, 3))
        self.surround = nn.Parameter(torch.zeros(1, channels, 1, 1))
        last = nn.Linear(HIDDEN, 6)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        small = [nn.AdaptiveAvgPool2d(LOOKED_AT), nn.Flatten(), nn.Linear(channels * LOOKED_AT**2, HIDDEN), nn.ReLU()]
        self.look = nn.Sequential(*small, last)

    def forward(self, pictures: Tensor) -> Tensor:
        """The pictures moved by their maps, float32 ``(batch, channels, height, width)``."""
        return self.moved(pictures, self.maps(pictures))

    def back(self, moved: Tensor, pictures: Tensor) -> Tensor:
        """What became of ``pictures``, moved back to where it was before: float32, both
        ``(batch, channels, height, width)``."""
        maps = self.maps(pictures)
        with torch.autocast(moved.device.type, enabled=False):
            turned = torch.linalg.inv(maps[:, :, :2])
            undone = torch.cat([turned, -turned @ maps[:, :, 2:]], 2)
        return self.moved(moved, undone)

    def maps(self, pictures: Tensor) -> Tensor:
        """Where each pixel of a moved picture comes from: affine maps ``(batch, 2, 3)`` as for ``affine_grid``."""
        still = torch.eye(2, 3, device=pictures.device)
        own: Tensor = self.look(pictures.float()).float().view(-1, 2, 3)
        return still + SHARED_RATE * self.change.float() + OWN_RATE * own

    def moved(self, pictures: Tensor, maps: Tensor) -> Tensor:
        """Pictures ``(batch, channels, height, width)`` moved by ``maps`` ``(batch, 2, 3)``, float32."""
        surround = SHARED_RATE * self.surround.float()
        with torch.autocast(pictures.device.type, enabled=False):  # coordinates need all of float32
            grid = affine_grid(maps, list(pictures.shape), False)
            moved: Tensor = grid_sample(pictures.float() - surround, grid, align_corners=False) + surround
        return moved
