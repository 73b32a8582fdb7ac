"""Where each pixel was a frame ago, how to bring it along, and where that cannot be known.

The flow is that of Kroeger, Timofte, Dai, Van Gool 2016 ("Fast optical flow using dense inverse search"), as OpenCV
has it; the pixels without a counterpart are told by Sundaram, Brox, Keutzer 2010 ("Dense point trajectories by
GPU-accelerated large displacement optical flow").
"""

from __future__ import annotations

import numpy as np

from sparring.media.films.extra import cv2

LEAST = 32  # pixels a side that the search needs: smaller pictures are continued to that


def grey(picture: np.ndarray) -> np.ndarray:
    """RGB uint8 ``(height, width, 3)`` as luma uint8 ``(height, width)``."""
    seen: np.ndarray = cv2("grey pictures").cvtColor(picture, cv2("grey pictures").COLOR_RGB2GRAY)
    return seen


def flow(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """For each pixel of ``after`` how far from there it was in ``before``, in pixels: ``warped(before, flow)`` is
    like ``after``.

    Both are grey, uint8, ``(height, width)``; the answer is float32 ``(height, width, 2)``, across then down.
    Raises :class:`UserError` without OpenCV.
    """
    library = cv2("optical flow")
    height, width = after.shape
    lower, right = max(LEAST - height, 0), max(LEAST - width, 0)
    if lower or right:
        before, after = (np.pad(each, ((0, lower), (0, right)), mode="edge") for each in (before, after))
    search = library.DISOpticalFlow_create(library.DISOPTICAL_FLOW_PRESET_MEDIUM)
    found = search.calc(np.ascontiguousarray(after), np.ascontiguousarray(before), None)
    return np.ascontiguousarray(found[:height, :width], dtype=np.float32)


def warped(picture: np.ndarray, flow: np.ndarray, cubic: bool = False) -> np.ndarray:
    """``picture`` fetched from where ``flow`` says, ``(height, width, 2)``; beyond the border its edge goes on.

    uint8 or float32, ``(height, width)`` or ``(height, width, channels)``; the answer is of the same type and
    shape. Between pixels it is bilinear, or bicubic, which blurs less when it is repeated.
    """
    library = cv2("warping")
    way = library.INTER_CUBIC if cubic else library.INTER_LINEAR
    moved: np.ndarray = library.remap(picture, places(flow), None, way, borderMode=library.BORDER_REPLICATE)
    return moved.reshape(picture.shape)  # OpenCV drops a single channel


def occluded(flow_back: np.ndarray, flow_forth: np.ndarray) -> np.ndarray:
    """Pixels of the later frame that cannot be followed back: bool ``(height, width)``.

    ``flow_back`` is ``flow(before, after)`` and ``flow_forth`` ``flow(after, before)``. A pixel is out when the
    way there and back does not end where it began, on the edge of a motion, or if it comes from outside of the frame.
    """
    forth, length = warped(flow_forth, flow_back), _squared(flow_back)
    astray = _squared(flow_back + forth) > 0.01 * (length + _squared(forth)) + 0.5
    edge = _steepness(flow_back) > 0.01 * length + 0.002
    hidden: np.ndarray = astray | edge | _outside(places(flow_back))
    return hidden


def places(flow: np.ndarray) -> np.ndarray:
    """Where each pixel comes from, ``(height, width, 2)`` float32: itself plus the flow."""
    height, width = flow.shape[:2]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    place: np.ndarray = np.stack([columns, rows], axis=-1) + flow
    return place


def _outside(place: np.ndarray) -> np.ndarray:
    height, width = place.shape[:2]
    x, y = place[..., 0], place[..., 1]
    answer: np.ndarray = (x < 0) | (y < 0) | (x > width - 1) | (y > height - 1)
    return answer


def _squared(vectors: np.ndarray) -> np.ndarray:
    answer: np.ndarray = np.square(vectors).sum(axis=-1)
    return answer


def _steepness(flow: np.ndarray) -> np.ndarray:
    """|grad u|^2 + |grad v|^2, by central differences: ``(height, width)``."""
    total = np.zeros(flow.shape[:2], dtype=np.float32)
    for axis in (0, 1):
        if flow.shape[axis] > 1:  # one row has no slope
            total += np.square(np.gradient(flow, axis=axis)).sum(axis=-1)
    return total
