"""Maps of where a discriminator looked: they add up, are exact where that is known, and depend on what it learned."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import spearmanr
from torch import Tensor, nn

from sparring.audio.explain import explainer as of_sounds
from sparring.audio.features.log_mel import SQUARE, square_at
from sparring.audio.form import AudioForm
from sparring.cli import main
from sparring.images.features.pixels import scaled
from sparring.kind import LogOdds
from sparring.media.pictures.maps import ABOVE, BELOW, beside, coloured
from sparring.networks.trunks import Trunk, of_pictures
from sparring.points.modality import Points
from sparring.probability.calibration import Calibrator
from sparring.probability.explain import (
    integrated_gradients,
    log_odds_of,
    maps_of,
    occlusion,
    painted,
    patches_of,
    starts,
)
from sparring.probability.explanations import MOST, Oddest, free_folder, write_pictures
from sparring.probability.judge import Judge, learn_judge
from sparring.text.explain import explainer as of_lines
from sparring.text.explain import words_of
from sparring.text.networks.trunk import LineTrunk
from sparring.text.samples import as_characters
from sparring.video.explain import explainer as of_clips
from sparring.video.features.learning import seen, small

SIDE, CORNER = 16, 4  # pixels of pictures, and of the corner that tells real from generated ones


# On functions whose answer is known


def test_on_a_linear_function_both_are_exact() -> None:
    torch.manual_seed(0)
    weight, example, baseline = torch.randn(3, 2, 5)
    expected = weight * (example - baseline)

    def log_odds(examples: Tensor) -> Tensor:
        return (examples * weight).sum((1, 2)) + 0.7

    singles = [(slice(row, row + 1), slice(column, column + 1)) for row in range(2) for column in range(5)]
    falls = occlusion(log_odds, example, baseline, singles)
    torch.testing.assert_close(falls, expected.flatten())
    torch.testing.assert_close(painted(falls, singles, (2, 5)), expected)
    torch.testing.assert_close(integrated_gradients(log_odds, example, baseline, steps=3), expected)


def test_integrated_gradients_add_up_to_the_difference() -> None:
    """Completeness (Sundararajan et al. 2017, proposition 1), of a network with bends and curves: what 64 steps miss is
    less than 1 % of the differences, and vanishes with more steps."""
    torch.manual_seed(1)
    network = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1)).double()
    ends = torch.randn(100, 2, 12, dtype=torch.float64) * 2
    with torch.no_grad():
        differences = (network(ends[:, 0]) - network(ends[:, 1]))[:, 0]

    def missed(steps: int) -> float:
        sums = [integrated_gradients(lambda points: network(points)[:, 0], *pair, steps=steps).sum() for pair in ends]
        return float((torch.stack(sums) - differences).norm() / differences.norm())

    assert missed(64) < 0.01
    assert missed(1024) < 0.001


def test_a_patch_is_hidden_by_its_own_mean_in_each_channel() -> None:
    example = torch.arange(2 * 4 * 4.0).view(2, 4, 4)
    example[1] *= 10
    looked_at = []

    def log_odds(examples: Tensor) -> Tensor:
        looked_at.append(examples)
        return examples[:, :, 0, 0].sum(1)

    falls = occlusion(log_odds, example, None, [(slice(0, 2), slice(0, 2)), (slice(2, 4), slice(0, 4))])
    changed = example.clone()
    changed[0, :2, :2], changed[1, :2, :2] = 2.5, 185.0  # the means of 0, 1, 4, 5, and of ten times 16, 17, 20, 21
    torch.testing.assert_close(looked_at[1][0], changed)
    assert falls.tolist() == [160.0 - 187.5, 0.0]


def test_patches_of_one_frame_keep_to_it() -> None:
    clip = torch.rand(3, 2, 4, 4)
    patch = (slice(1, 2), slice(None), slice(0, 2), slice(0, 2))
    hidden = []
    occlusion(lambda clips: (hidden.append(clips), clips.sum((1, 2, 3, 4)))[1], clip, None, [patch])
    changed = hidden[1][0] != clip
    assert changed[1, :, :2, :2].all()
    assert changed.sum() == 2 * 2 * 2
    torch.testing.assert_close(hidden[1][0][1, :, 0, 0], clip[1, :, :2, :2].mean((1, 2)))


@pytest.mark.parametrize(("height", "width"), [(28, 28), (8, 8), (64, 48), (1, 9), (1, 1)])
def test_patches_cover_all_of_a_picture(height: int, width: int) -> None:
    patches = patches_of(height, width)
    assert torch.equal(painted(torch.ones(len(patches)), patches, (height, width)), torch.ones(height, width))
    assert all(rows.start >= 0 and rows.stop - rows.start >= 1 for rows, _ in patches)
    assert starts(28, 4) == list(range(0, 25, 2))


# What is explained is the calibration


@pytest.mark.parametrize(
    ("method", "numbers"), [("platt", (1.7, -0.4)), ("beta", (0.6, 1.3, 0.2)), ("isotonic", (-1.0, 2.0, -0.5, 0.9))]
)
def test_the_log_odds_are_those_of_the_calibrator(method: str, numbers: tuple[float, ...]) -> None:
    torch.manual_seed(0)
    judge = Judge(Trunk(of_pictures(1, 8, 8), scaled), 0).eval()
    examples = torch.randint(0, 256, (16, 1, 8, 8), dtype=torch.uint8)
    calibrator = Calibrator(method, numbers, certain=50.0)
    log_odds = log_odds_of(judge, calibrator)
    logits = judge.logits(examples)
    expected = logits if method == "isotonic" else calibrator.log_odds(logits)
    np.testing.assert_allclose(log_odds(examples).detach().numpy(), expected, rtol=1e-4, atol=1e-5)
    assert log_odds.name.startswith("logit" if method == "isotonic" else "log odds")


# What it learned (Adebayo et al. 2018)


def pictures(count: int, seed: int, real: bool) -> Tensor:
    """Noise, bytes ``(count, 1, 16, 16)``; real ones have a chequered corner, nothing else tells them apart."""
    noise = np.random.default_rng(seed).integers(0, 256, (count, 1, SIDE, SIDE), dtype=np.uint8)
    if real:
        rows, columns = np.indices((CORNER, CORNER))
        noise[:, 0, :CORNER, -CORNER:] = np.where((rows + columns) % 2, 255, 0)
    return torch.from_numpy(noise)


def new_network(seed: int) -> Judge:
    """Its features depend on each other little, so that few look beside what tells the pictures apart."""
    torch.manual_seed(seed)
    network = Judge(Trunk(of_pictures(1, SIDE, SIDE), scaled), 0).eval()
    for layer in network.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.5
    return network


@dataclass
class Learned:
    """A network that has learned, and others of its kind that have not."""

    trained: Judge
    untrained: list[Judge]


@pytest.fixture(scope="module")
def learned() -> Learned:
    network = new_network(0)
    learn_judge(
        network, pictures(1024, 0, True), None, lambda seed: pictures(1024, seed, False), torch.device("cpu"),
        lambda line: None, steps=150, seed=1,
    )  # fmt: skip
    network.eval()
    assert network.logits(pictures(64, 99, True)).min() > 0 > network.logits(pictures(64, 98, False)).max()
    return Learned(network, [new_network(seed) for seed in (1, 2)])


def occlusion_map(log_odds: LogOdds, example: Tensor, nearest: Tensor) -> Tensor:
    patches = patches_of(SIDE, SIDE)
    return painted(occlusion(log_odds, example, None, patches), patches, (SIDE, SIDE))


def gradient_map(log_odds: LogOdds, example: Tensor, nearest: Tensor) -> Tensor:
    return integrated_gradients(log_odds, example, nearest)[0]


EVEN = Calibrator("platt", (1.0, 0.0), 50.0)
METHODS = {"occlusion": occlusion_map, "integrated gradients": gradient_map}


@pytest.mark.parametrize(
    ("method", "real"), [("occlusion", True), ("integrated gradients", True), ("integrated gradients", False)]
)
def test_maps_point_to_what_was_learned_and_forget_it_with_the_weights(
    learned: Learned, method: str, real: bool
) -> None:
    examples = pictures(6, 7, real).float()
    nearest = pictures(6, 8, not real).float()

    def maps(judge: Judge) -> list[np.ndarray]:
        log_odds = log_odds_of(judge, EVEN)
        return [METHODS[method](log_odds, *pair).numpy() for pair in zip(examples, nearest, strict=True)]

    def shares(found: list[np.ndarray]) -> float:
        return float(np.mean([np.abs(each[:CORNER, -CORNER:]).sum() / np.abs(each).sum() for each in found]))

    # Where it learned to look: the corner is a sixteenth of the picture
    trained = maps(learned.trained)
    assert shares(trained) > 0.5

    # Another of its kind that has not learned looks elsewhere, and its maps do not resemble these
    for untrained in map(maps, learned.untrained):
        assert shares(untrained) < 0.15
        correlations = [spearmanr(*map(np.ravel, pair))[0] for pair in zip(trained, untrained, strict=True)]
        assert abs(np.mean(correlations)) < 0.3


def test_occlusion_shows_what_is_there_and_not_what_is_missing(learned: Learned) -> None:
    """A generated picture lacks the chequered corner, and so there is none to hide; what differs from a real one is
    found by integrated gradients, which add up to the difference."""
    log_odds = log_odds_of(learned.trained, EVEN)
    for example, nearest in zip(pictures(6, 7, False).float(), pictures(6, 8, True).float(), strict=True):
        maps = maps_of(log_odds, example, nearest, patches_of(SIDE, SIDE))
        difference, corner = maps.log_odds - maps.nearest, (0, slice(CORNER), slice(-CORNER, None))
        assert difference < -10
        assert maps.occluded[corner].abs().max() < 0.1 * abs(difference)
        assert float(maps.gradients[corner].sum()) == pytest.approx(difference, rel=0.15)
        assert float(maps.gradients.sum()) == pytest.approx(difference, rel=0.01)


# Pictures for people


def test_colours_are_blue_above_zero_and_red_below() -> None:
    colours = coloured(np.array([[0.0, 2.0, -2.0, 1.0, 5.0]]), 2.0)
    assert colours[0, 0].tolist() == [255, 255, 255]
    assert colours[0, 1].tolist() == colours[0, 4].tolist() == list(ABOVE)
    assert colours[0, 2].tolist() == list(BELOW)
    assert colours[0, 3].tolist() == [round((255 + end) / 2) for end in ABOVE]
    assert (coloured(np.zeros((2, 3)), 0.0) == 255).all()


def test_maps_stand_beside_the_picture_and_wide_ones_below() -> None:
    picture, values = np.full((10, 10, 3), 77, np.uint8), np.zeros((10, 10))
    values[9, 9] = -1
    found = np.asarray(beside({"picture": picture}, {"map": values}, "What it shows, in a few words."))
    assert (found == 77).all(2).sum() >= 280 * 280  # enlarged 28 times
    assert (found == BELOW).all(2).sum() >= 28 * 28
    assert found.shape[1] > found.shape[0]
    wide = np.asarray(beside({"frames": np.zeros((10, 50, 3), np.uint8)}, {"map": np.zeros((10, 50))}, "Words."))
    assert wide.shape[0] > 2 * 160


def test_a_spectrogram_is_explained_where_it_differs() -> None:
    """Of a trunk that hears the upper half of the bands alone, the lower half of the picture stays white."""
    torch.manual_seed(0)
    form = AudioForm(rate=2000, samples=2048)
    body = nn.Sequential(UpperHalf(), of_pictures(1, SQUARE // 2, SQUARE)).eval()
    log_odds = LogOdds(Trunk(body, square_at(form.rate)), lambda features: features[:, :8].sum(1), "log odds")
    artifact = of_sounds(log_odds, form)(0.1 * torch.randn(1, 2048), 0.1 * torch.randn(1, 2048))
    assert "1.02 s" in artifact.caption
    pixels = opened(artifact.data)
    tinted = np.ptp(pixels.astype(int), axis=2) > 40  # neither grey nor nearly white
    panel = slice(18 + 8, 18 + 8 + 4 * SQUARE)  # a title and a margin, then four pixels a band
    assert tinted[panel][: 2 * SQUARE].sum() > 1000
    assert tinted[panel][2 * SQUARE + 4 * 8 :].sum() == 0  # patches of 8 bands reach beyond the middle


class UpperHalf(nn.Module):
    """The upper bands of spectrograms ``(n, 1, bands, slots)``."""

    def forward(self, spectrograms: Tensor) -> Tensor:
        return spectrograms[:, :, SQUARE // 2 :]


def test_a_clip_is_explained_frame_by_frame() -> None:
    torch.manual_seed(0)
    clips = torch.rand(2, 12, 3, 16, 16) * 2 - 1
    assert torch.equal(small(small(clips)), small(clips))  # what is explained is what is seen
    network = Judge(Trunk(of_pictures(8 * 3, 16, 16), seen), 0).eval()
    artifact = of_clips(log_odds_of(network, EVEN))(*clips)
    assert "2x2 pixels of one frame" in artifact.caption
    frames = opened(artifact.data)
    scale = 840 // (8 * 17 - 1)
    assert frames.shape[1] == scale * (8 * 17 - 1) + 2 * 16  # eight frames, a pixel between two, and margins


def test_a_line_is_shaded_by_what_its_words_do() -> None:
    """Of log odds that are 3 for each a, less 1 for each b."""

    def counted(lines: Tensor) -> Tensor:
        return torch.stack([3.0 * (lines == ord("a")).sum(1) - (lines == ord("b")).sum(1)], 1)

    log_odds = LogOdds(Counting(counted), lambda features: features[:, 0], "log odds")
    drawn = of_lines(log_odds)(as_characters(["aa <b> c"])[0], torch.zeros(1)).data.decode()
    assert re.findall(r'class="value".*?>(.*?)<', drawn) == ["+6.00", "-1.00", "+0.00"]
    assert re.findall(r"rgb\((.*?)\)", drawn)[0] == ",".join(map(str, ABOVE))
    assert "&lt;b&gt;" in drawn
    assert "+5.00" in drawn


class Counting(nn.Module):
    """A trunk that is a function."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, examples: Tensor) -> Tensor:
        return self.function(examples)


def test_a_line_without_spaces_is_explained_by_characters() -> None:
    assert words_of("two  words") == ["two", "  words"]
    assert words_of("床前明月光") == list("床前明月光")
    torch.manual_seed(0)
    network = Judge(LineTrunk(), 0).eval()
    drawn = of_lines(log_odds_of(network, EVEN))(as_characters(["床前明月光"])[0], torch.zeros(1)).data.decode()
    assert drawn.count('class="value"') == 5
    assert 'textLength="20"' in drawn


# The command


def test_only_the_oddest_are_kept(tmp_path: Path, mistake: Callable[..., str]) -> None:
    order = np.random.default_rng(0).permutation(200)
    rows = [{"p_value": rank // 2 / 100, "p_real": rank % 2 / 2} for rank in order.tolist()]
    drawn: list[int] = []

    def draw(example: Tensor) -> Any:
        drawn.append(int(example))
        return type("Drawn", (), {"ending": ".png", "data": b"x"})

    oddest = Oddest(draw)
    for part in (slice(0, 90), slice(90, 90), slice(90, 200)):
        names = [f"some/{rank}.jpg" for rank in order[part]]
        oddest.add(rows[part], names, torch.from_numpy(order)[part])
    folder = tmp_path / "why"
    free_folder(folder, overwrite=False)
    written = write_pictures(folder, oddest.drawn())
    assert drawn == list(range(MOST))
    assert [path.name for path in written] == [f"{rank:02d}-{rank}.png" for rank in range(MOST)]
    assert "--overwrite" in mistake(free_folder, folder, False)


def test_points_are_not_drawn(mistake: Callable[..., str]) -> None:
    assert mistake(Points().explainer, None, None).startswith("explain: of points")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two steps on a few pictures."""
    from table import smallest

    from sparring.verbs.train import train

    place = tmp_path_factory.mktemp("explained")
    return train(smallest("images", place, steps=2), out=place / "run").run


def test_a_picture_of_each_example_is_written(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        noise = np.random.default_rng(number).integers(0, 256, (8, 8), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / f"mine{number}.png")
    words = ["score", str(run), *sorted(map(str, tmp_path.glob("mine*.png"))), "--explain", str(tmp_path / "why")]
    words += ["--device", "cpu", "--json"]

    # Without a calibration there is nothing to explain
    assert main(words) == 2
    assert f"explain: {run} is not calibrated" in capsys.readouterr().err

    # With one, a picture for each, the oddest first
    unseen = np.random.default_rng(9).integers(0, 256, (30, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "unseen.npz", images=unseen, labels=np.arange(30) % 4)
    calibrate = ["calibrate", str(run), "--data", str(tmp_path / "unseen.npz"), "--steps", "5", "--alpha", "0.2"]
    assert main([*calibrate, "--device", "cpu"]) == 0
    capsys.readouterr()
    words += ["--alpha", "0.2"]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    oddest = sorted(told["rows"], key=lambda row: (row["p_value"], row["p_real"]))
    expected = [f"{rank:02d}-{Path(row['example']).name}" for rank, row in enumerate(oddest)]
    assert told["explain"] == str(tmp_path / "why")
    assert sorted(path.name for path in (tmp_path / "why").iterdir()) == expected
    assert opened((tmp_path / "why" / expected[0]).read_bytes()).shape[1] > 4 * 280

    # Once more only where it may
    assert main(words) == 2
    assert "--overwrite" in capsys.readouterr().err


def test_lines_are_shaded_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from table import smallest

    from sparring.text import grammar
    from sparring.verbs.train import train

    run = train(smallest("text", tmp_path, steps=4), out=tmp_path / "run").run
    rows = [f"{grammar.NAMES[label]}\t{text}" for text, label in zip(*grammar.draw(60, seed=9), strict=True)]
    (tmp_path / "unseen.tsv").write_text("\n".join(["label\ttext", *rows]) + "\n")
    unseen = ["--alpha", "0.2", "--device", "cpu"]
    assert main(["calibrate", str(run), "--data", str(tmp_path / "unseen.tsv"), "--steps", "2", *unseen]) == 0
    (tmp_path / "mine.txt").write_text("is it raining\nis it raining now\n")
    capsys.readouterr()
    assert main(["score", str(run), str(tmp_path / "mine.txt"), "--explain", str(tmp_path / "why"), *unseen]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(tmp_path / "why")
    names = sorted(path.name[3:] for path in (tmp_path / "why").iterdir())
    assert names == ["is_it_raining.svg", "is_it_raining_now.svg"]


def opened(data: bytes) -> np.ndarray:
    """The pixels of a PNG."""
    return np.asarray(Image.open(io.BytesIO(data)))
