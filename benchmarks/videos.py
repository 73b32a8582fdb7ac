"""Videos translated by a model that was trained on pictures: how much less they flicker when translation is temporally
consistent, and the price.

    python benchmarks/videos.py RUN CLIP [CLIP...] [--resize 128] [--quick]

``RUN`` is any run of a translation, such as one of ``cyclegan`` on facades (photographs as domain A). Each clip is
translated from domain A to domain B frame by frame, and temporally consistently; ``sparring evaluate --videos`` scores
both. Wanted: at most half of the flicker, the strength of the style within 5 %.
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
from sparring.translation.videos import VERSIONS

QUICK = 20  # frames


def shortened(clip: Path, folder: Path) -> Path:
    """A clip of the first frames, in ``folder``."""
    video, path = open_film(clip), folder / f"{clip.stem}.mp4"
    with writing(path, video) as writer:
        for _, frame in zip(range(QUICK), video.frames(), strict=False):
            writer.add(frame)
    return path


def compared(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Temporally consistent translation over translation frame by frame, for each video."""
    compared_rows = []
    for name in dict.fromkeys(row["film"] for row in rows):
        alone, consistent = (
            next(row for row in rows if row["film"] == name and row["version"] == version)
            for version in ("alone", "steady")
        )
        ratios = {key: consistent[key] / alone[key] for key in ("flicker", "long", "strength") if alone[key]}
        compared_rows.append({"video": name, **ratios})
    return compared_rows


def rounded(row: dict[str, Any], digits: str) -> dict[str, Any]:
    """A row for the table, its numbers with so many ``digits``."""
    return {key: f"{value:{digits}}" if isinstance(value, float) else value for key, value in row.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--resize", type=int, default=128, help="pixels of the shorter side")
    parser.add_argument("--quick", action="store_true", help="20 frames a clip: does it run")
    options = parser.parse_args()

    facts = machine.facts()
    print(machine.described(facts))
    with tempfile.TemporaryDirectory() as folder:
        clips = [shortened(clip, Path(folder)) if options.quick else clip for clip in options.clips]
        out = Path(folder) / "scores"
        result = sparring.evaluate(options.run, videos=clips, resize=options.resize, out=out, say=print)
    scores = {key: value for key, value in result.items() if key not in ("written", "summary")}

    keys = ("flicker", "long", "style", "strength")
    names = [{"video": row["film"], "version": VERSIONS[row["version"]]} for row in scores["films"]]
    numbers = [rounded({key: row[key] for key in keys}, ".4g") for row in scores["films"]]
    machine.show([{**name, **row} for name, row in zip(names, numbers, strict=True)])
    ratios = compared(scores["films"])
    print("\ntemporally consistent / frame by frame:")
    machine.show([rounded(row, ".3f") for row in ratios])
    machine.write("videos", facts, quick=options.quick, scores=scores, ratios=ratios, seed=0)


if __name__ == "__main__":
    machine.run(main)
