"""A second classifier of clips, of another kind than the network: support vectors on where and when something changes.

A generator can make clips that one classifier takes for the right ones and an eye does not. What two that have nothing
in common agree on is more.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, adaptive_avg_pool3d

from sparring.features.learning import others
from sparring.metrics.features import Classifier, in_chunks
from sparring.video.data import VideoSource
from sparring.video.features.learning import known, small

CELLS, TIMES = 6, 4  # of a side, and of time, that change is averaged in
COMPONENTS = 60  # principal ones that are kept of these numbers
MOST = 4000  # clips that it learns from: time and memory grow by the square


def numbers(clips: Tensor, cells: int = CELLS, times: int = TIMES) -> Tensor:
    """Clips ``(n, frames, channels, height, width)`` in [-1, 1] as ``(n, dimensions)``: how much changes, in ``cells``
    a side of space and ``times`` of time; how far the middle of what changes goes across and down; and the mean frame,
    coarsely."""
    change = clips.diff(dim=1).abs_().mean(2)  # (n, frames - 1, height, width)
    where = adaptive_avg_pool3d(change[:, None], (times, cells, cells)).flatten(1)
    total = change.sum((2, 3)).clamp(min=1e-6)
    middles = []
    for axis in (2, 3):
        place = torch.linspace(-1, 1, change.shape[axis])
        middles.append((change.sum(5 - axis) * place).sum(2) / total)
    paths = torch.stack(middles, 2)  # (n, frames - 1, 2)
    spread = torch.cat([paths.amax(1) - paths.amin(1), paths.std(1, correction=0), (paths[:, -1] - paths[:, 0])], 1)
    mean = adaptive_avg_pool2d(clips.mean(1), cells).flatten(1)
    return torch.cat([(where + 1e-3).log(), spread, mean], 1)


def support_vectors(source: VideoSource, tested: np.ndarray) -> Classifier | None:
    """What tells the labels of clips by support vectors (Cortes & Vapnik 1995, by scikit-learn), with how often it is
    right about the clips at ``tested`` ``(m,)``, which it does not learn from; None where all others have one label,
    which leaves nothing to tell."""
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    clips, labels = known(source, others(len(source), tested, MOST))
    if len(set(labels.tolist())) < 2:
        return None
    given = in_chunks(lambda part: numbers(part.float() / 127.5 - 1), clips).numpy()
    components = min(COMPONENTS, len(given) - 1, given.shape[1])
    machine = make_pipeline(StandardScaler(), PCA(components, random_state=0), StandardScaler(), SVC(C=10))
    machine.fit(given, labels.numpy())

    def classify(clips: Tensor) -> Tensor:
        return torch.from_numpy(machine.predict(numbers(small(clips.cpu())).numpy()).astype(np.int64))

    unseen, wanted = known(source, tested)
    right = in_chunks(lambda part: classify(part.float() / 127.5 - 1), unseen) == wanted
    return Classifier("support vectors", classify, float(right.float().mean()))
