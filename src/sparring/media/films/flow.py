"""What happened between two frames: where each pixel was before, where that cannot be known, and whether a new scene
began.

The flow is that of Kroeger, Timofte, Dai, Van Gool 2016 ("Fast optical flow using dense inverse search"), as OpenCV
has it; the pixels without a counterpart are found by Sundaram, Brox, Keutzer 2010 ("Dense point trajectories by
GPU-accelerated large displacement optical flow").
"""

from __future__ import annotations

import numpy as np

from sparring.media.films.film import cv2

LEAST = 32  # pixels a side that the search needs: smaller pictures are continued to that
ACROSS, DOWN = 64, 36  # pixels that frames are compared at
BINS = 8  # of the histogram, for each of red, green and blue
CUT = 0.044  # measured: without a cut at most 0.035, at 5 true cuts at least 0.055, at 4803 splices 0.061
SCENE = 192, 108  # pixels that frames are searched at, across then down, for parts of one another
PART, REACH = 12, 30  # pixels: the side of a part, and how far it may have moved
TEXTURE = 8.0  # least deviation of a part, of 255: flat ones are found anywhere
ALIKE = 0.35  # of its deviation, that a part may differ by
KEPT = 0.15  # of a frame's parts found in the other: measured at 340 splices at most 0.02


# Motion


def grey(picture: np.ndarray) -> np.ndarray:
    """RGB uint8 ``(height, width, 3)`` as luma uint8 ``(height, width)``. Raises :class:`UserError` without OpenCV."""
    library = cv2("grey pictures")
    luma: np.ndarray = library.cvtColor(picture, library.COLOR_RGB2GRAY)
    return luma


def flow(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The optical flow, float32 ``(height, width, 2)``: for each pixel of ``after`` how far from there it was in
    ``before``, in pixels, across then down, so that ``warped(before, flow)`` is like ``after``.

    Both are grey, uint8 ``(height, width)``. Raises :class:`UserError` without OpenCV.
    """
    library = cv2("optical flow")
    height, width = after.shape
    lower, right = max(LEAST - height, 0), max(LEAST - width, 0)
    if lower or right:
        before, after = (np.pad(frame, ((0, lower), (0, right)), mode="edge") for frame in (before, after))
    search = library.DISOpticalFlow_create(library.DISOPTICAL_FLOW_PRESET_MEDIUM)
    vectors = search.calc(np.ascontiguousarray(after), np.ascontiguousarray(before), None)
    return np.ascontiguousarray(vectors[:height, :width], dtype=np.float32)


def warped(picture: np.ndarray, flow: np.ndarray, cubic: bool = False) -> np.ndarray:
    """``picture`` moved along ``flow`` ``(height, width, 2)``; beyond the border its edge goes on.

    uint8 or float32, ``(height, width)`` or ``(height, width, channels)``; the result is of the same type and
    shape. Between pixels it is bilinear, or bicubic, which blurs less when it is repeated. Raises :class:`UserError`
    without OpenCV.
    """
    library = cv2("warping")
    between = library.INTER_CUBIC if cubic else library.INTER_LINEAR
    moved: np.ndarray = library.remap(picture, origins(flow), None, between, borderMode=library.BORDER_REPLICATE)
    return moved.reshape(picture.shape)  # OpenCV drops a single channel


def occluded(flow_back: np.ndarray, flow_forth: np.ndarray) -> np.ndarray:
    """Which pixels of the later frame cannot be followed back: bool ``(height, width)``.

    ``flow_back`` is ``flow(before, after)`` and ``flow_forth`` ``flow(after, before)``, both ``(height, width, 2)``. A
    pixel is occluded when going back and forth does not end where it began, on the edge of a motion, or if it comes
    from outside of the frame.
    """
    forth, length = warped(flow_forth, flow_back), _squared(flow_back)
    astray = _squared(flow_back + forth) > 0.01 * (length + _squared(forth)) + 0.5
    edge = _steepness(flow_back) > 0.01 * length + 0.002
    hidden: np.ndarray = astray | edge | _outside(origins(flow_back))
    return hidden


def origins(flow: np.ndarray) -> np.ndarray:
    """Where each pixel comes from, float32 ``(height, width, 2)``: its own coordinates plus the flow, of that shape."""
    height, width = flow.shape[:2]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    coordinates: np.ndarray = np.stack([columns, rows], axis=-1) + flow
    return coordinates


def _outside(coordinates: np.ndarray) -> np.ndarray:
    """Which of ``(height, width, 2)`` coordinates lie outside of the frame: bool ``(height, width)``."""
    height, width = coordinates.shape[:2]
    x, y = coordinates[..., 0], coordinates[..., 1]
    outside: np.ndarray = (x < 0) | (y < 0) | (x > width - 1) | (y > height - 1)
    return outside


def _squared(vectors: np.ndarray) -> np.ndarray:
    """The squared length of vectors ``(height, width, 2)``: ``(height, width)``."""
    lengths: np.ndarray = np.square(vectors).sum(axis=-1)
    return lengths


def _steepness(flow: np.ndarray) -> np.ndarray:
    """|grad u|^2 + |grad v|^2, by central differences: ``(height, width)``."""
    total = np.zeros(flow.shape[:2], dtype=np.float32)
    for axis in (0, 1):
        if flow.shape[axis] > 1:  # one row has no slope
            total += np.square(np.gradient(flow, axis=axis)).sum(axis=-1)
    return total


# Cuts


def is_cut(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether two consecutive frames, RGB uint8 ``(height, width, 3)``, show different scenes.

    They do when many pixels changed and the colours did too (a pan changes only the pixels), unless much of one is
    found in the other: something large came into the picture, or left it. Raises :class:`UserError` without OpenCV.
    """
    return scene_change(before, after) > CUT and max(kept_of(before, after), kept_of(after, before)) < KEPT


def scene_change(before: np.ndarray, after: np.ndarray) -> float:
    """How different two frames, RGB uint8 ``(height, width, 3)``, are, in [0, 1]: the mean absolute difference of small
    copies, times half the L1 distance of their colour histograms."""
    first, second = _small(before), _small(after)
    difference = np.abs(first.astype(np.int16) - second).mean() / 255
    return float(difference * np.abs(_histogram(first) - _histogram(second)).sum() / 2)


def kept_of(frame: np.ndarray, other: np.ndarray) -> float:
    """The share in [0, 1] of a frame's textured parts that are found in another one, near where they were; both RGB
    uint8 ``(height, width, 3)``. 0 without any texture."""
    library = cv2("finding cuts")
    parts, whole = (_small(each, SCENE) for each in (frame, other))
    found = []
    for top in range(0, SCENE[1] - PART + 1, PART):
        for left in range(0, SCENE[0] - PART + 1, PART):
            part = parts[top : top + PART, left : left + PART]
            deviation = part.std((0, 1)).mean()
            if deviation >= TEXTURE:
                around = whole[max(top - REACH, 0) : top + PART + REACH, max(left - REACH, 0) : left + PART + REACH]
                least = library.matchTemplate(around, part, library.TM_SQDIFF).min()
                found.append(max(least, 0) / part.size < (ALIKE * deviation) ** 2)
    return sum(found) / max(len(found), 1)


def _small(frame: np.ndarray, size: tuple[int, int] = (ACROSS, DOWN)) -> np.ndarray:
    """A frame ``(height, width, 3)`` at the size that frames are compared at, across then down."""
    library = cv2("finding cuts")
    small: np.ndarray = library.resize(frame, size, interpolation=library.INTER_AREA)
    return small


def _histogram(small: np.ndarray) -> np.ndarray:
    """The share of the pixels of ``(height, width, 3)`` in each of ``BINS`` cubed colours: ``(BINS ** 3,)``."""
    bins = small.reshape(-1, 3).astype(np.int64) * BINS // 256
    return np.bincount(bins @ (BINS * BINS, BINS, 1), minlength=BINS**3) / len(bins)
