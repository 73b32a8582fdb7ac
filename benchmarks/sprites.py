"""Characters of the Liberated Pixel Cup, put together from layers, in four actions and four directions; and classifiers
that tell from clips what they do and from frames who they are."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sparring.core.errors import UserError

SIDE, FRAMES = 64, 8
LAYERS = ("body", "shoes", "bottomwear", "topwear", "hair")  # from the lowest to the highest
DIRECTIONS = ("up", "left", "down", "right")
ACTIONS = {"thrust": (4, 8), "walk": (8, 9), "slash": (12, 6), "shoot": (16, 13)}
"""Of each action the first row of its four, one a direction, and how many frames it has."""
GROUND = (96, 96, 96)  # colour behind the characters
WHO = ("topwear", "hair")  # layers that a frame's classifier tells
BATCH, RATE = 64, 2e-3


class Character(NamedTuple):
    """The number of each layer's sheet."""

    body: int
    shoes: int
    bottomwear: int
    topwear: int
    hair: int


class Sheets:
    """The sheets of all layers. Raises :class:`UserError` for a folder that holds none."""

    def __init__(self, folder: Path) -> None:
        self.of: dict[str, list[Image.Image]] = {}
        for layer in LAYERS:
            files = sorted((folder / layer).glob("*.png"), key=lambda path: int(path.stem))
            if not files:
                raise UserError(f"{folder}: holds no sheets {layer}/*.png; give the folder of the sprites' layers")
            self.of[layer] = [Image.open(path).convert("RGBA") for path in files]

    def characters(self, count: int, seed: int) -> list[Character]:
        """Different characters, at random."""
        random, chosen = np.random.default_rng(seed), dict[Character, None]()
        while len(chosen) < count:
            chosen[Character(*(int(random.integers(len(self.of[layer]))) for layer in LAYERS))] = None
        return list(chosen)

    def clips(self, character: Character) -> dict[str, np.ndarray]:
        """By ``action-direction`` a clip of a character, uint8 ``(FRAMES, SIDE, SIDE, 3)``: shorter actions play again
        from their start, of longer ones the first frames are taken."""
        whole = Image.new("RGBA", self.of["body"][0].size, (*GROUND, 255))
        for layer, number in zip(LAYERS, character, strict=True):
            whole.alpha_composite(self.of[layer][number])
        pixels = np.asarray(whole.convert("RGB"))
        made = {}
        for action, (row, length) in ACTIONS.items():
            for number, direction in enumerate(DIRECTIONS):
                top = (row + number) * SIDE
                cells = [(time % length) * SIDE for time in range(FRAMES)]
                made[f"{action}-{direction}"] = np.stack([pixels[top : top + SIDE, at : at + SIDE] for at in cells])
        return made

    def write(self, characters: list[Character], folder: Path) -> None:
        """Write a strip for each clip of these characters, a sub-folder for each action and direction."""
        for index, character in enumerate(characters):
            for label, clip in self.clips(character).items():
                (folder / label).mkdir(parents=True, exist_ok=True)
                strip = clip.transpose(1, 0, 2, 3).reshape(SIDE, FRAMES * SIDE, 3)
                Image.fromarray(strip).save(folder / label / f"{index:04d}.png")


class Judge:
    """A network that tells one of ``classes`` from pictures ``(n, channels, SIDE, SIDE)``, a clip's frames as
    channels."""

    def __init__(self, pictures: Tensor, labels: Tensor, steps: int) -> None:
        torch.manual_seed(0)
        channels, classes = pictures.shape[1], int(labels.max()) + 1
        layers: list[nn.Module] = []
        for before, after in ((channels, 24), (24, 48), (48, 64), (64, 64)):
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
        self.network = nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * (SIDE // 16) ** 2, classes))
        optimiser = torch.optim.AdamW(self.network.parameters(), RATE, weight_decay=1e-2)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
        for _ in range(steps):
            chosen = torch.randint(len(pictures), (BATCH,))
            loss = cross_entropy(self.network(as_numbers(pictures[chosen])), labels[chosen])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
        self.network.eval()

    @torch.no_grad()
    def __call__(self, pictures: Tensor) -> Tensor:
        """The likeliest class ``(n,)`` of pictures uint8 ``(n, channels, SIDE, SIDE)``."""
        return torch.cat([self.network(as_numbers(part)).argmax(1) for part in torch.split(pictures, 256)])


def as_numbers(pictures: Tensor) -> Tensor:
    """Bytes of any shape in [-1, 1]."""
    return pictures.float() / 127.5 - 1


class Yardstick:
    """Classifiers of actions and of who is seen, learned from characters of their own, and what real clips score."""

    def __init__(self, sheets: Sheets, characters: list[Character], tested: list[Character], steps: int) -> None:
        self.names = sorted(f"{action}-{direction}" for action in ACTIONS for direction in DIRECTIONS)
        clips, labels, people = self.read(sheets, characters)
        self.action = Judge(clips.flatten(1, 2), labels, steps)
        frames = clips.flatten(0, 1)
        self.who = {
            layer: Judge(
                frames, torch.tensor([getattr(each, layer) for each in people]).repeat_interleave(FRAMES), steps
            )
            for layer in WHO
        }
        clips, labels, _ = self.read(sheets, tested)
        self.real = self.measured(clips, labels)

    def read(self, sheets: Sheets, characters: list[Character]) -> tuple[Tensor, Tensor, list[Character]]:
        """All clips of characters, uint8 ``(n, FRAMES, 3, SIDE, SIDE)``, what each does ``(n,)``, and who it is."""
        made = [(clip, label, character) for character in characters for label, clip in sheets.clips(character).items()]
        clips = torch.from_numpy(np.stack([clip for clip, _, _ in made])).permute(0, 1, 4, 2, 3).contiguous()
        return clips, torch.tensor([self.names.index(label) for _, label, _ in made]), [each for _, _, each in made]

    def measured(self, clips: Tensor, labels: Tensor) -> dict[str, float]:
        """Of clips uint8 ``(n, FRAMES, 3, SIDE, SIDE)`` that should be of these ``labels`` ``(n,)``: how often the
        ``action`` and its direction are as asked, and for each of ``WHO`` how many frames agree with most of theirs."""
        scores = {"action": float((self.action(clips.flatten(1, 2)) == labels).float().mean())}
        for layer, judge in self.who.items():
            told = judge(clips.flatten(0, 1)).view(len(clips), FRAMES)
            scores[f"same_{layer}"] = float((told == told.mode(1).values[:, None]).float().mean())
        return scores
