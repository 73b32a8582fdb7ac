"""Films translated by a model that was trained on pictures: how much less they flicker when held still, and the price.

    python benchmarks/films.py RUN CLIP [CLIP...] [--at 128] [--quick]

``RUN`` is any run of a translation, such as one of ``cyclegan`` on facades (photographs as ``a``). Each clip is
translated from ``a`` to ``b`` frame by frame, and held still; ``sparring evaluate --film`` scores both. Wanted: at most
half of the flicker, the strength of the style within 5 %.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import machine

import sparring
from sparring.media.films.reading import open_film
from sparring.media.films.writing import writing

QUICK = 20  # frames


def shortened(clip: Path, folder: Path) -> Path:
    """Its first frames."""
    film, place = open_film(clip), folder / f"{clip.stem}.mp4"
    with writing(place, film) as writer:
        for _, frame in zip(range(QUICK), film.frames(), strict=False):
            writer.add(frame)
    return place


def compared(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Held still against frame by frame, for each film."""
    found = []
    for name in dict.fromkeys(row["film"] for row in rows):
        alone, steady = (
            next(row for row in rows if row["film"] == name and row["version"] == version)
            for version in ("alone", "steady")
        )
        ratios = {key: steady[key] / alone[key] for key in ("flicker", "long", "strength") if alone[key]}
        found.append({"film": name, **ratios})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--at", type=int, default=128)
    parser.add_argument("--quick", action="store_true", help="20 frames a clip: does it run")
    options = parser.parse_args()

    facts = machine.facts()
    print(machine.described(facts))
    with tempfile.TemporaryDirectory() as folder:
        clips = [shortened(clip, Path(folder)) if options.quick else clip for clip in options.clips]
        result = sparring.evaluate(options.run, films=clips, at=options.at, out=Path(folder) / "scores", say=print)
    keys = ("film", "version", "flicker", "long", "style", "strength")
    machine.show(
        [
            {key: f"{row[key]:.4g}" if isinstance(row[key], float) else row[key] for key in keys}
            for row in result["films"]
        ]
    )
    ratios = compared(result["films"])
    print("\nheld still / frame by frame:")
    machine.show(
        [{key: f"{value:.3f}" if isinstance(value, float) else value for key, value in row.items()} for row in ratios]
    )
    del result["written"]
    machine.write("films", facts, quick=options.quick, scores=result, ratios=ratios, seed=0)


if __name__ == "__main__":
    main()
