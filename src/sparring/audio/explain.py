"""Where a judge looked in a sound: its log-mel spectrogram, which is what it looks at, and maps of that."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from sparring.audio.form import AudioForm
from sparring.kind import Artifact, Explainer, LogOdds
from sparring.media.pictures.maps import beside
from sparring.media.pictures.notes import as_png
from sparring.media.pictures.sheets import channels_last, to_bytes
from sparring.networks.trunks import Trunk
from sparring.probability.explain import maps_of, patches_of, side_of


def explainer(log_odds: LogOdds, form: AudioForm) -> Explainer:
    """What draws the maps of sounds ``(channels, samples)``, and the nearest training sound. Parts are hidden in the
    spectrogram: some bands for some time."""
    trunk = log_odds.trunk
    assert isinstance(trunk, Trunk)

    def of_seen(spectrograms: Tensor) -> Tensor:
        return log_odds.of_features(trunk.body(spectrograms))

    def draw(example: Tensor, nearest: Tensor) -> Artifact:
        seen, beside_it = (trunk.seen(each[None])[0] for each in (example, nearest))
        bands, slots = seen.shape[1:]
        side = side_of(bands, slots)
        maps = maps_of(of_seen, seen, beside_it, patches_of(bands, slots))
        milliseconds = 1000 * form.seconds * side / slots
        caption = (
            f"{maps.caption(log_odds.name, f'{side} bands for {milliseconds:.3g} ms')} Across: {form.seconds:.3g} s; "
            f"upwards: {bands} bands of the mel scale, up to {form.rate // 2:,} Hz."
        )
        pictures = {"log-mel spectrogram": shown(seen), "nearest training sound": shown(beside_it)}
        panels = {
            "occlusion": maps.occluded[0].flip(0).numpy(),
            "integrated gradients": maps.gradients[0].flip(0).numpy(),
        }
        return Artifact(caption, "image/png", as_png(beside(pictures, panels, caption)))

    return draw


def shown(spectrogram: Tensor) -> np.ndarray:
    """A spectrogram ``(1, bands, slots)`` in [-1, 1] as a picture ``(bands, slots, 3)``, low bands at the bottom."""
    picture: np.ndarray = channels_last(to_bytes(spectrogram.flip(1))[None].expand(-1, 3, -1, -1))[0]
    return picture
