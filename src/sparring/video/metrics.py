"""What is measured of clips themselves: whether they move as real ones do, whether they freeze or flicker, whether
colours stay."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from sparring.images.features.learned import random_features
from sparring.images.metrics import shapeless as shapeless_pictures
from sparring.media.pictures.sheets import to_bytes
from sparring.metrics.frechet import frechet
from sparring.metrics.kernel import kernel_distance
from sparring.metrics.score import Estimate, Family, Metric, NotComputable, blocks, error_without_each
from sparring.video.reading.shots import SEES_CUTS

STILL = 0.1  # of the change of the median real clip, below which a clip is frozen
USUAL = 0.99  # quantile of real clips, beyond which a clip flickers
LEAST_FLICKER = 1 / 255  # of white, that no eye sees
APART = 20.0  # sum over red, green and blue, of 255 each, from which on a pixel is not the ground
AT_ONCE = 64  # clips that are looked at together: their differences take as much room as they do
FLOWING = 64  # clips that optical flow is searched in
CPU = torch.device("cpu")


# Change over time


def changes(clips: Tensor) -> Tensor:
    """How much each of clips ``(n, frames, channels, height, width)`` in [-1, 1] changes from frame to frame, ``(n,
    frames - 1)``: the mean absolute difference of all pixels, of white."""
    return torch.cat([part.diff(dim=1).abs_().mean((2, 3, 4)) / 2 for part in torch.split(clips, AT_ONCE)])


def unrest(clips: Tensor) -> Tensor:
    """How unevenly the mean colour of each of clips ``(n, frames, channels, height, width)`` goes on, ``(n,)``: the
    mean absolute second difference over time, of white. Things that move change it steadily, flicker to and fro."""
    colour = clips.mean((3, 4)) / 2
    bent = colour.diff(n=2, dim=1) if clips.shape[1] > 2 else colour.diff(dim=1)
    return bent.abs().mean((1, 2))


def accelerations(clips: Tensor) -> Tensor:
    """How much the change itself changes, ``(n,)``, of clips ``(n, frames, channels, height, width)``: the mean
    absolute second difference of all pixels, of white."""
    if clips.shape[1] < 3:
        return torch.zeros(len(clips))
    return torch.cat([part.diff(n=2, dim=1).abs().mean((1, 2, 3, 4)) / 2 for part in torch.split(clips, AT_ONCE)])


def still_below(real: Tensor) -> float:
    """The change below which a clip is frozen, by real clips ``(m, frames, channels, height, width)``. Raises
    :class:`NotComputable` where these do not move."""
    usual = float(changes(real).mean(1).median())
    if not usual > 0:
        raise NotComputable("the real clips do not move")
    return STILL * usual


def flickering_above(real: Tensor) -> float:
    """The unrest above which a clip flickers, by real clips ``(m, frames, channels, height, width)``."""
    return float(unrest(real).quantile(USUAL)) + LEAST_FLICKER


def movement(reference: Tensor, samples: Tensor, seed: int = 0) -> dict[str, Estimate]:
    """``speed`` and ``acceleration`` of clips ``(n, frames, channels, height, width)`` over those of real ones ``(m,
    frames, ...)``; shares of ``frozen`` and of ``flickering`` clips. Raises :class:`NotComputable` where real clips do
    not move."""
    still, restless = still_below(reference), flickering_above(reference)
    speeds, real_speed = changes(samples).mean(1), float(changes(reference).mean())
    bends, real_bend = accelerations(samples), float(accelerations(reference).mean())
    return {
        "speed": over(speeds, real_speed),
        "acceleration": over(bends, max(real_bend, 1e-12)),
        "frozen": share(speeds < still),
        "flickering": share(unrest(samples) > restless),
    }


def over(values: Tensor, real: float) -> Estimate:
    """The mean of values ``(n,)`` over that of real ones."""
    parts = blocks(values.double())

    def ratio(kept: list[Tensor]) -> float:
        return float(torch.cat(kept).mean()) / real

    return Estimate(ratio(parts), error_without_each(parts, ratio))


def share(found: Tensor) -> Estimate:
    """The share of True among ``(n,)``."""
    values = found.double()
    return Estimate(values.mean().item(), values.std(correction=0).item() / len(values) ** 0.5)


MOVEMENT = Family(
    (
        Metric("speed", "floor", "change from frame to frame, over that of real clips"),
        Metric("acceleration", "floor", "change of that change, over that of real clips"),
        Metric("frozen", "low", "clips that change less than a tenth of what the median real clip does"),
        Metric("flickering", "low", "clips whose mean colour goes to and fro more than 99 % of real clips' do"),
    ),
    movement,
)


# Colour


def colour_of_subjects(clips: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The mean colour, 0 to 255, of what is not the ground in each frame of clips ``(n, frames, channels, height,
    width)``, ``(n, frames, channels)``, and whether there is any, ``(n, frames)``. The ground is the clip's median
    colour."""
    colours, seen = [], []
    for part in torch.split(clips, 128):
        values = to_bytes(part).numpy().astype(np.float32)
        ground = np.median(values.transpose(0, 2, 1, 3, 4).reshape(*values.shape[:1], values.shape[2], -1), axis=2)
        far = np.abs(values - ground[:, None, :, None, None]).sum(2) > APART
        count = far.sum((2, 3))
        colours.append((values * far[:, :, None]).sum((3, 4)) / np.maximum(count, 1)[..., None])
        seen.append(count > 0)
    return np.concatenate(colours), np.concatenate(seen)


def steadiness(reference: Tensor, samples: Tensor, seed: int = 0) -> dict[str, Estimate]:
    """``colour_acd``: the mean distance of the subject's mean colour between all pairs of frames of clips ``(n, frames,
    channels, height, width)``, on a scale of 255 (Tulyakov et al. 2018, section 4); ``subject``: the share of clips in
    which there is one in every frame, without which that distance says nothing."""
    colours, seen = colour_of_subjects(samples)
    frames = colours.shape[1]
    apart = np.linalg.norm(colours[:, :, None] - colours[:, None], axis=3).sum((1, 2)) / (frames * (frames - 1))
    values = torch.from_numpy(apart)
    error = values.std(correction=0).item() / len(values) ** 0.5
    return {"colour_acd": Estimate(values.mean().item(), error), "subject": share(torch.from_numpy(seen.all(1)))}


STEADINESS = Family(
    (
        Metric("colour_acd", "floor", "how much the subject's mean colour differs between frames of a clip, of 255"),
        Metric("subject", "floor", "clips that show something other than one colour in every frame"),
    ),
    steadiness,
)


# Single frames


def frames_of(clips: Tensor) -> Tensor:
    """A frame of each of clips ``(n, frames, channels, height, width)``, of the first clip the first, of the second the
    second and so on, as bytes ``(n, channels, height, width)``."""
    number = torch.arange(len(clips))
    return to_bytes(clips[number, number % clips.shape[1]])


def stills(reference: Tensor, samples: Tensor, seed: int = 0) -> dict[str, Estimate]:
    """``frame_frechet`` and ``frame_kernel``: distances of single frames of clips ``(n, frames, channels, height,
    width)`` to those of real ones ``(m, frames, ...)``, in random convolutions. Raises :class:`NotComputable` for too
    few of them."""
    real, made = frames_of(reference), frames_of(samples)
    features = random_features(real, CPU)
    pair = features(real), features(made)
    return {"frame_frechet": frechet(*pair)["frechet"], "frame_kernel": kernel_distance(*pair, seed)["kernel"]}


STILLS = Family(
    (
        Metric("frame_frechet", "low", "distance of single frames as Gaussians, in random convolutions"),
        Metric("frame_kernel", "low", "distance of single frames by an unbiased cubic kernel"),
    ),
    stills,
)


# Optical flow


def flowing(reference: Tensor, samples: Tensor, seed: int = 0) -> dict[str, Estimate]:
    """``flow``: how far pixels of clips ``(n, frames, channels, height, width)`` move from frame to frame, over how far
    those of real ones ``(m, frames, ...)`` do. Raises :class:`NotComputable` where these do not move."""
    real = float(flow_lengths(reference).mean())
    if not real > 0:
        raise NotComputable("no motion is found in the real clips")
    return {"flow": over(flow_lengths(samples), real)}


def flow_lengths(clips: Tensor) -> Tensor:
    """The mean length of the optical flow, in pixels a frame, of the first 64 of clips ``(n, frames, channels, height,
    width)``, ``(at most 64,)``."""
    from sparring.media.films.flow import flow

    lengths = []
    for clip in to_bytes(clips[:FLOWING].float().mean(2)).numpy():
        fields = [flow(before, after) for before, after in pairwise(clip)]
        lengths.append(float(np.linalg.norm(np.stack(fields), axis=3).mean()))
    return torch.tensor(lengths)


FLOW = Family((Metric("flow", "floor", "how far pixels move from frame to frame, over those of real clips"),), flowing)


def families() -> tuple[Family, ...]:
    """All that is measured of clips; optical flow only where OpenCV is installed."""
    return (MOVEMENT, STEADINESS, STILLS, *([FLOW] if SEES_CUTS else []))


# What cannot be recognised


def shapeless(clips: Tensor, seed: int) -> Tensor:
    """Clips ``(n, frames, channels, height, width)`` in which nothing can be recognised: all frames of each blurred, or
    its phases lost, as pictures of a young generator are (see ``images/metrics.py``)."""
    count, frames = clips.shape[:2]
    first = shapeless_pictures(to_bytes(clips.flatten(1, 2)[:, : clips.shape[2]]), seed)
    still = first.float() / 127.5 - 1
    return still[:, None].expand(count, frames, *still.shape[1:])
