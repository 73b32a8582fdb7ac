"""Pictures in a folder are scored by the discriminator, and a picture that cannot be read gets no row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from table import smallest

from sparring.verbs.score import score
from sparring.verbs.train import train


@pytest.mark.parametrize("cache_mb", [0, 100])
def test_a_damaged_picture_is_named_and_gets_no_row(cache_mb: int, tmp_path: Path) -> None:
    recipe = smallest("images", tmp_path, steps=2, cache_mb=cache_mb)
    run = train(recipe, out=tmp_path / "run").run
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (20, 8, 8), dtype=np.uint8)):
        Image.fromarray(pixels).save(folder / f"{number:02d}.png")
    whole = (folder / "10.png").read_bytes()
    (folder / "10.png").write_bytes(whole[: len(whole) - 40])

    lines: list[str] = []
    result = score(run, [folder], device="cpu", say=lines.append)
    names = [Path(row["example"]).name for row in result["rows"]]
    assert names == [f"{number:02d}.png" for number in range(20) if number != 10]
    assert len({row["score"] for row in result["rows"]}) == 19
    assert result["count"] == 19
    assert lines[0].startswith("not calibrated, so scores are no probabilities")
    assert [line.split(":")[0] for line in lines[1:]] == [f"skipped {folder / '10.png'}"]
