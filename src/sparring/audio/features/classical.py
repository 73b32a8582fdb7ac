"""A second classifier of sounds, of another kind than the network: support vectors on pooled log-mel spectrograms.

A generator can make sounds that one classifier takes for the right ones and an ear does not. What two that have nothing
in common agree on is more.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from sparring.audio.data import AudioSource
from sparring.audio.features.learning import known
from sparring.audio.features.log_mel import LogMel, pooled
from sparring.audio.form import FULL
from sparring.features.learning import others
from sparring.metrics.features import Classifier, in_chunks

SLOTS = 12  # of time, that bands are averaged in
COMPONENTS = 60  # principal ones that are kept of these numbers
MOST = 5000  # sounds that it learns from: time and memory grow by the square


def support_vectors(source: AudioSource, tested: np.ndarray) -> Classifier | None:
    """What tells the labels of sounds by support vectors (Cortes & Vapnik 1995, by scikit-learn), with how often it is
    right about the sounds at ``tested`` ``(m,)``, which it does not learn from; None where all others have one label,
    which leaves nothing to tell."""
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    log_mel = LogMel(source.form.rate)

    def numbers(sounds: Tensor) -> np.ndarray:
        """Sounds ``(n, channels, samples)`` in [-1, 1] as ``(n, bands * (slots + 2))``."""
        pooled_sounds: np.ndarray = in_chunks(lambda part: pooled(log_mel(part), SLOTS), sounds.cpu()).numpy()
        return pooled_sounds

    sounds, labels = known(source, others(len(source), tested, MOST))
    if len(set(labels.tolist())) < 2:
        return None
    seen = numbers(sounds.float() / FULL)
    components = min(COMPONENTS, len(seen) - 1, seen.shape[1])
    machine = make_pipeline(StandardScaler(), PCA(components, random_state=0), StandardScaler(), SVC(C=10))
    machine.fit(seen, labels.numpy())

    def classify(sounds: Tensor) -> Tensor:
        return torch.from_numpy(machine.predict(numbers(sounds)).astype(np.int64))

    unseen, wanted = known(source, tested)
    accuracy = float((classify(unseen.float() / FULL) == wanted).float().mean())
    return Classifier("support vectors", classify, accuracy)
