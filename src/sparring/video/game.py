"""The game on clips: which times of them both players look at."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from sparring.core.adversarial_loss import AdversarialLoss
from sparring.core.augmented import AugmentedGame
from sparring.core.errors import UserError
from sparring.core.game import Batch, Networks, Step, Turn, rows
from sparring.core.seeds import mixed
from sparring.video.augment import adaptive, always
from sparring.video.form import VideoForm
from sparring.video.players import decided, networks, penalised
from sparring.video.recipes import VideoRecipe

AT_ONCE = 256  # frames that are made at once, which bounds memory
LOOKS = 4  # at other times of a clip each, whose mean logit a clip has
CONTENT, MOTION = 0, 1  # what sets the random numbers of the two apart


class VideoGame(AugmentedGame):
    """Clips ``(batch, frames, channels, height, width)`` in [-1, 1], of which both players see a few frames at random
    times. Raises :class:`UserError` where recipe and form do not go together."""

    one_latent = False  # one for what is seen, one for how it moves

    def __init__(self, recipe: VideoRecipe, form: VideoForm) -> None:
        classes = len(form.labels) if recipe.conditional else 0
        if recipe.conditional and classes < 2:
            raise UserError(
                f"conditional: {recipe.data} has no labels to condition on; sort the videos into one folder a label, "
                "add a labels.csv (file,label), or leave conditional out"
            )
        recipe = decided(recipe, form)
        generator, discriminator = networks(recipe, form, classes)
        super().__init__(generator, discriminator, penalised(recipe), always=always, adaptive=adaptive, classes=classes)
        self.settings, self.motion, self.form = recipe, generator.motion, form
        self.reach = form.frames if form.timed else recipe.reach or 4 * form.frames
        self.of_frames: AdversarialLoss | None = None
        if discriminator.of_frames is not None:
            constrained = recipe.changed({"spectral_norm": False})  # already, as a part of the discriminator
            self.of_frames = AdversarialLoss(
                discriminator.of_frames, constrained, augment=self.augmented, name=" of frames"
            )

    # The game

    def turns(self, step: Step) -> Iterator[Turn]:
        """As in every adversarial game, at some times of each clip, the same of the real ones and the generated."""
        step.batches = [{**batch, "times": self.times(step)} for batch in step.batches]
        return super().turns(step)

    def times(self, step: Step) -> Tensor:
        """Some different frames of each clip, in order, int64 ``(batch, seen)``."""
        chosen = step.uniform(self.form.frames).argsort(1)[:, : self.settings.frames_seen]
        return chosen.sort(1).values

    def discriminator_turn(self, step: Step, batch: Batch, fake: Tensor) -> Turn:
        """The discriminator learns to tell the clips of ``batch`` from ``fake`` ``(batch, seen, ...)``, and with one of
        single frames, these."""
        turn = super().discriminator_turn(step, batch, fake)
        loss = self.of_frames
        if loss is None:
            return turn
        real, labels = one_frame(self.real(batch)), self.own_labels(batch)
        return Turn(turn.mover, lambda: turn.loss() + loss.discriminator_loss(step, real, one_frame(fake), labels))

    def generator_turn(self, step: Step, batch: Batch, fake: Tensor) -> Turn:
        """The generator learns to make ``fake`` ``(batch, seen, ...)`` pass for clips, and its frames for theirs."""
        turn = super().generator_turn(step, batch, fake)
        loss = self.of_frames
        if loss is None:
            return turn
        real, labels = one_frame(self.real(batch)), self.own_labels(batch)
        return Turn(turn.mover, lambda: turn.loss() + loss.generator_loss(step, real, one_frame(fake), labels))

    def labels(self, batch: Batch) -> Tensor:
        """What a batch is shown under, int64 ``(batch, 1 + seen)``: labels, 0 in a game without, and times."""
        own = self.own_labels(batch)
        labels = torch.zeros_like(batch["times"][:, 0]) if own is None else own
        return torch.cat([labels[:, None], batch["times"]], 1)

    def own_labels(self, batch: Batch) -> Tensor | None:
        """The labels of a batch or of conditions, int64 ``(batch,)``; None in a game without."""
        return batch["labels"] if self.classes else None

    def fakes(self, step: Step, labels: Tensor | None) -> Tensor:
        """Frames ``(batch, seen, channels, height, width)`` of fresh clips, float32, under ``labels`` ``(batch, 1 +
        seen)``: each clip is looked at from some time on, within its reach."""
        assert labels is not None
        content = step.normal(self.settings.latent)
        noise = step.normal(self.motion.length(self.reach), self.settings.motion_latent)
        start = (step.uniform() * (self.reach - self.form.frames + 1)).long()
        times = labels[:, 1:] + start[:, None]
        made: Tensor = self.players["generator"].network(content, noise, times, labels[:, 0] if self.classes else None)
        return made.float()

    # What the game makes

    def real(self, batch: Batch) -> Tensor:
        """The batch's clips ``(batch, frames, channels, height, width)``, from bytes to [-1, 1]; those at its times,
        where it has some."""
        frames = batch["frames"]
        if "times" in batch:
            frames = frames[torch.arange(len(frames), device=frames.device)[:, None], batch["times"]]
        return frames.float() / 127.5 - 1

    @torch.no_grad()
    def generate(self, networks: Networks, conditions: Batch, *, seed: int, **options: Any) -> Tensor:
        """One clip for each row of ``conditions``, ``(rows, frames, channels, height, width)`` float32, the same on any
        device, and the same frames however many are asked for by ``frames``. All have one content by ``content_seed``,
        one motion by ``motion_seed``, where these are 0 or more."""
        generator = networks["generator"]
        device = next(generator.parameters()).device
        count, frames = rows(conditions), options.get("frames") or self.form.frames
        latent, length = self.settings.latent, self.motion.length(frames - 1)
        content = numbers(count, latent, seed, CONTENT, options.get("content_seed", -1)).to(device)
        size = length * self.settings.motion_latent
        noise = numbers(count, size, seed, MOTION, options.get("motion_seed", -1)).to(device).view(count, length, -1)
        labels = self.own_labels(conditions)
        labels = None if labels is None else labels.to(device)

        # Some clips at a time, and of long ones some frames
        made = torch.empty(count, frames, self.form.channels, self.form.height, self.form.width, device=device)
        times = torch.arange(frames, device=device)
        clips = max(1, AT_ONCE // frames)
        for first in range(0, count, clips):
            part = slice(first, first + clips)
            for some in torch.split(times, AT_ONCE):
                own, when = None if labels is None else labels[part], some.expand(len(content[part]), -1)
                made[part, some] = generator(content[part], noise[part], when, own).float()
        return made

    def finish(self, generated: Tensor) -> Tensor:
        """Clips ``(n, frames, channels, height, width)``, cut to [-1, 1]."""
        return generated.clamp(-1, 1)

    @torch.no_grad()
    def logits(self, networks: Networks, conditions: Batch, examples: Tensor) -> Tensor | None:
        """Logits ``(rows,)`` of ``examples`` ``(rows, frames, ...)``, under the labels of ``conditions`` where the game
        has labels: the mean over some looks at a few of their frames, at the same times for all."""
        found, random = [], torch.Generator().manual_seed(0)
        for _ in range(LOOKS):
            order = torch.randperm(self.form.frames, generator=random)[: self.settings.frames_seen].sort().values
            times = order.to(examples.device).expand(len(examples), -1)
            shown = self.labels({**conditions, "times": times})
            found.append(networks["discriminator"](examples[:, order.to(examples.device)], shown).float())
        return torch.stack(found).mean(0)


def one_frame(clips: Tensor) -> Tensor:
    """A frame in the middle of each clip ``(batch, seen, channels, height, width)``, as a clip of one."""
    middle = clips.shape[1] // 2
    return clips[:, middle : middle + 1]


def numbers(count: int, size: int, seed: int, use: int, shared: int) -> Tensor:
    """Standard normal numbers ``(count, size)``, a row for each sample, whose first are the same for any size; the row
    of the seed ``shared`` for all, where that is 0 or more."""
    if shared >= 0:
        return numbers(1, size, shared, use, -1).expand(count, -1)
    drawn = math.ceil(size / 16) * 16  # torch draws by sixteens: a remainder would change the last ones
    random = torch.Generator()
    return torch.stack([torch.randn(drawn, generator=random.manual_seed(mixed(seed, use, row)))[:size]
                        for row in range(count)])  # fmt: skip
