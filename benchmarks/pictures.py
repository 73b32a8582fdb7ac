"""The pictures of README and of the documentation, from runs of bundled recipes.

    python benchmarks/pictures.py RUNS [--out docs/pictures] [--only hero,letters]

RUNS is a folder with the runs that docs/pictures/README.md names, each trained by the command that stands there. Texts
are drawn in the font that Pillow carries.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import sparring
from sparring.core.journal import entries
from sparring.images.reading.letters import letters
from sparring.media.pictures.sheets import to_uint8

PAPER, INK, SOFT, DARK = "#ffffff", "#1d2126", "#626a73", "#14171a"
GREEN, BLUE, LIGHT = "#5fcf98", "#7aa5ff", "#e6e8ea"
HERO = (920, 440)  # pixels
FRAME, LAST = 700, 4000  # milliseconds that a frame of the hero is shown, and its last one


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, help="folder of the runs")
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"))
    parser.add_argument("--only", default=",".join(MAKERS), help="pictures, separated by commas")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.only.split(","):
        for path in MAKERS[name](options.runs, options.out):
            print(f"{path}: {path.stat().st_size:,} bytes", flush=True)


def font(size: int) -> ImageFont.FreeTypeFont:
    """The font that Pillow carries, at a size in pixels."""
    found = ImageFont.load_default(size)
    assert isinstance(found, ImageFont.FreeTypeFont)
    return found


# A terminal beside samples that become sharp


def hero(runs: Path, out: Path) -> list[Path]:
    """An animation of a run: what the terminal says, and the preview of that moment."""
    run = runs / "letters"
    journal = list(entries(run / "journal.jsonl"))
    start = next(entry for entry in journal if entry["event"] == "start")
    steps = [entry for entry in journal if entry["event"] == "step"]
    previews = [entry for entry in journal if entry["event"] == "sample"]
    frames = [hero_frame(run / entry["file"], lines_until(entry, start, steps)) for entry in previews]
    path = out / "hero.webp"
    shown = [FRAME] * (len(frames) - 1) + [LAST]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=shown, loop=0, quality=80, method=6)
    return [path]


def lines_until(preview: Mapping[str, Any], start: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the terminal says at the moment of a preview."""
    now = [steps[0], *(entry for entry in steps if entry["examples"] <= preview["examples"])][-1]
    share = now["examples"] / steps[-1]["examples"]
    players = ", ".join(f"{name} {size / 1e6:.2f}M" for name, size in start["players"].items())
    cells = round(24 * share)
    return [
        "$ sparring train letters",
        f"letters: {start['count']:,} pictures of 32x32",
        f"{players} parameters",
        "",
        f"{share:.0%}  {'█' * cells}{'░' * (24 - cells)}",
        f"step {now['step']:,}  {now['examples']:,} examples",
        f"loss: discriminator {now['losses']['discriminator']:.3f}",
        f"      generator {now['losses']['generator']:.3f}",
        *(["", "$ sparring sample runs/letters", "$ sparring evaluate runs/letters"] if share > 0.98 else []),
    ]


def hero_frame(preview: Path, lines: Sequence[str]) -> Image.Image:
    """A frame: lines on the left, a preview on the right."""
    frame = Image.new("RGB", HERO, DARK)
    draw = ImageDraw.Draw(frame)
    for number, colour in enumerate(("#ff5f57", "#febc2e", "#28c840")):
        draw.ellipse((24 + 22 * number, 22, 36 + 22 * number, 34), fill=colour)
    for number, line in enumerate(lines):
        where, height = (24, 62 + 30 * number), 30
        if "░" in line or "█" in line:
            share, _, bar = line.partition("  ")
            draw.text(where, share, fill=LIGHT, font=font(17))
            full = bar.count("█") / len(bar)
            left, top = where[0] + 60, where[1] + height // 2 - 8
            draw.rounded_rectangle((left, top, left + 300, top + 8), 4, fill="#2e343a")
            draw.rounded_rectangle((left, top, left + max(8, 300 * full), top + 8), 4, fill=BLUE)
        else:
            draw.text(where, line, fill=GREEN if line.startswith("$") else LIGHT, font=font(17))
    side = HERO[1] - 40
    with Image.open(preview) as picture:
        frame.paste(picture.convert("RGB").resize((side, side), Image.Resampling.LANCZOS), (HERO[0] - side - 20, 20))
    return frame


# What can be made


def pictures(runs: Path, out: Path) -> list[Path]:
    """Three alphabets of a generator."""
    path = out / "letters.png"
    grid = sparring.load(runs / "letters").grid(78, columns=13, seed=1)
    sheet = Image.new("RGB", grid.size, PAPER)
    sheet.paste(grid, mask=grid.getchannel("A"))
    sheet.save(path)
    return [path]


def last_preview(run: Path) -> Path:
    """The file of a run's last preview."""
    files = [str(entry["file"]) for entry in entries(run / "journal.jsonl") if entry["event"] == "sample"]
    return run / files[-1]


def copied(run: str, name: str) -> Callable[[Path, Path], list[Path]]:
    """What copies the last preview of a run, or the picture that it is shown by."""

    def copy(runs: Path, out: Path) -> list[Path]:
        shown = last_preview(runs / run)
        beside = shown.with_name(f"{shown.name}.png")
        source = beside if beside.exists() else shown
        path = out / f"{name}{source.suffix}"
        shutil.copyfile(source, path)
        return [path]

    return copy


def sounds(runs: Path, out: Path) -> list[Path]:
    """Spectrograms of a scale of tones, and the sound of it."""
    path = out / "tones.flac"
    sparring.sample(runs / "tones", count=8, seed=1, out=path, overwrite=True)
    return [*copied("tones", "tones")(runs, out), path]


def video(runs: Path, out: Path) -> list[Path]:
    """Clips of each way to move in turn, in two rows of eight, enlarged fourfold."""
    samples = sparring.load(runs / "shapes").sample(16, seed=1)
    frames = []
    for moment in samples.unbind(1):
        pixels = to_uint8(moment)  # (16, height, width, 3)
        height, width = pixels.shape[1:3]
        sheet = pixels.reshape(2, 8, height, width, 3).transpose(0, 2, 1, 3, 4).reshape(2 * height, 8 * width, 3)
        frames.append(Image.fromarray(sheet).resize((32 * width, 8 * height), Image.Resampling.NEAREST))
    path = out / "moving-shapes.webp"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=1000 // 16, loop=0, quality=85, method=6)
    return [path]


def text(runs: Path, out: Path) -> list[Path]:
    """Two lines of each topic."""
    model = sparring.load(runs / "topics")
    count = 2 * len(model.labels)
    labels = model.sample_labels(count, None) or []
    rows = sorted(zip(labels, model.sample(count, seed=1), strict=True))
    path = out / "topics.txt"
    path.write_text("".join(f"{label:8} {line}\n" for label, line in rows), encoding="utf-8")
    return [path]


def probability(runs: Path, out: Path) -> list[Path]:
    """Real letters, generated ones and what is none, each with its calibrated probability and p-value."""
    run = runs / "letters"
    if not (run / "model" / "judge.json").exists():
        sparring.calibrate(run)
    real = letters(16, seed=1)[0][3::2][:6]
    made = to_uint8(sparring.load(run).sample(6, seed=7))
    noise = np.random.default_rng(0).permutation(letters(3, seed=2)[0].reshape(3, -1, 3), axis=1).reshape(3, 32, 32, 3)
    odd = np.concatenate([np.rot90(letters(3, seed=3)[0][:3], 2, (1, 2)), noise])
    groups = {"real, never seen": real, "generated": made, "odd: upside down, noise": odd}
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder) / "all.npz"
        np.savez(files, images=np.concatenate(list(groups.values())))
        rows = sparring.score(run, [files])["rows"]
    path = out / "probability.png"
    labelled(groups, rows).save(path)
    return [path]


def labelled(groups: Mapping[str, np.ndarray], rows: Sequence[Mapping[str, Any]]) -> Image.Image:
    """Pictures ``(n, height, width, 3)`` in a row a group, what was found of each below it."""
    side, gap, left = 96, 12, 200
    across = max(map(len, groups.values()))
    sheet = Image.new("RGB", (left + across * (side + gap), len(groups) * (side + 54)), PAPER)
    draw, given = ImageDraw.Draw(sheet), iter(rows)
    for row, (name, shown) in enumerate(groups.items()):
        top = row * (side + 54) + 6
        draw.text((8, top + side // 2 - 10), name, fill=INK, font=font(16))
        for column, pixels in enumerate(shown):
            found, corner = next(given), (left + column * (side + gap), top)
            sheet.paste(Image.fromarray(pixels).resize((side, side), Image.Resampling.NEAREST), corner)
            told = f"real {found['p_real']:.0%}\np {found['p_value']:.3f}"
            draw.multiline_text((corner[0], top + side + 4), told, fill=SOFT, font=font(13))
    return sheet


def report(runs: Path, out: Path) -> list[Path]:
    """A screenshot of the report, where there is a browser."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if not browser:
        print("report: no browser here to take a picture of it")
        return []
    page, path = (runs / "letters" / "report.html").resolve().as_uri(), out / "report.webp"
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1280,800"]
    with tempfile.TemporaryDirectory() as folder:
        taken = Path(folder) / "report.png"
        subprocess.run([browser, *options, f"--screenshot={taken}", page], check=True, capture_output=True)
        with Image.open(taken) as picture:
            picture.save(path, quality=90, method=6)
    return [path]


MAKERS: dict[str, Callable[[Path, Path], list[Path]]] = {
    "hero": hero, "letters": pictures, "translation": copied("neon", "ink-neon"), "sounds": sounds,
    "video": video, "text": text, "probability": probability, "report": report,
}  # fmt: skip

if __name__ == "__main__":
    main()
