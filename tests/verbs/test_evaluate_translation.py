"""``sparring evaluate`` on translations: known translators have known scores; films are scored three times over."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_films import smooth
from PIL import Image
from table import smallest
from torch import Tensor
from torch.nn.functional import one_hot
from translation_runs import Alternating, files_below, knowing, noisy, refused, same, tiny

from sparring.images.features import learned
from sparring.media.films.warping import WarpingError
from sparring.metrics.features import Features
from sparring.translation.drawn import truth
from sparring.translation.evaluate import NOISE
from sparring.translation.game import as_numbers
from sparring.verbs.evaluate import evaluate as on_any_device
from sparring.verbs.train import train

OWN = ["cycle_error", "hidden", "luminance", "label_kept", "paired_error"]
SIDE = 16

evaluate = functools.partial(on_any_device, device="cpu")


@pytest.fixture(scope="module", autouse=True)
def learning_is_short() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("classifier", "contrast"):
            patch.setattr(learned, name, functools.partial(getattr(learned, name), steps=2))
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a domain with labels and another one with the same, 40 pictures each; no file names."""
    return tiny("cyclegan", tmp_path_factory.mktemp("cyclegan"))


@pytest.fixture(scope="module")
def cut_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny("cut", tmp_path_factory.mktemp("cut"))


@pytest.fixture(scope="module")
def ink_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("ink")
    recipe = smallest("ink-neon", place, shift=0).changed({"data": "ink-neon", "data_b": ""})
    return train(recipe, out=place / "run").run


@pytest.fixture(scope="module")
def domains(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Forty pairs by name."""
    place = tmp_path_factory.mktemp("domains")
    return tuple(as_files(place / name, noisy_pictures(40, seed)) for seed, name in enumerate("AB"))  # type: ignore[return-value]


def noisy_pictures(count: int, seed: int = 0, side: int = SIDE) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def as_files(folder: Path, pictures: np.ndarray) -> Path:
    folder.mkdir(parents=True)
    for index, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{index:02}.png")
    return folder


def by_name(result: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {score["name"]: score for score in result["scores"]}


# Where things go


def test_each_way_is_written_in_a_folder_of_its_own(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from sparring.cli import main

    assert main(["evaluate", str(run), "--out", str(tmp_path), "--json", "--device", "cpu"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert list(result["directions"]) == ["a2b", "b2a"]
    for way, scores in result["directions"].items():
        assert scores["direction"] == way
        assert {str(tmp_path / way / name) for name in ("scores.json", "index.html")} <= set(scores["written"])
        on_disk = json.loads((tmp_path / way / "scores.json").read_text())
        assert on_disk == {name: value for name, value in scores.items() if name != "written"}
        assert "paired_error" not in by_name(scores)
        assert set(OWN) - set(by_name(scores)) == {"paired_error"}
    inputs = [Path(scores["inputs"]).name for scores in result["directions"].values()]
    data = [Path(scores["data"]).name for scores in result["directions"].values()]
    assert inputs == ["cyclegan-data.npz", "cyclegan-data_b.npz"]
    assert data == inputs[::-1]
    assert set(result["written"]) == {str(tmp_path / name) for name in files_below(tmp_path)}


def test_without_out_it_lies_in_the_run(cut_run: Path) -> None:
    result = evaluate(cut_run)
    written = result["directions"]["a2b"]["written"] if "directions" in result else result["written"]
    assert str(cut_run / "evaluation" / "a2b" / "scores.json") in written


def test_one_way_alone_does_not_come_back(cut_run: Path, tmp_path: Path) -> None:
    result = evaluate(cut_run, out=tmp_path)
    (scores,) = result["directions"].values()
    assert list(result["directions"]) == ["a2b"]
    assert {"cycle_error", "hidden"} & set(by_name(scores)) == set()
    assert "luminance" in by_name(scores)


# Known translators


def difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(float) - other).mean() / 255)


def test_translators_that_change_nothing(
    run: Path, domains: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    knowing(monkeypatch, a2b=same, b2a=same)
    result = evaluate(run, data=domains, out=tmp_path)["directions"]
    a, b = noisy_pictures(40, 0), noisy_pictures(40, 1)
    for way in ("a2b", "b2a"):
        scores = by_name(result[way])
        assert scores["cycle_error"]["value"] == pytest.approx(0, abs=1e-6)
        assert scores["paired_error"]["value"] == pytest.approx(difference(a, b), rel=1e-5)
        assert scores["paired_error"]["floor"] == scores["paired_error"]["value"]
        assert scores["paired_error"]["count"] == 40
        each = np.abs(a.astype(float) - b).mean((1, 2, 3)) / 255
        assert scores["paired_error"]["error"] == pytest.approx(each.std(ddof=1) / 40**0.5, rel=1e-3)
        assert scores["luminance"]["value"] == pytest.approx(1, abs=0.005)
        assert "label_kept" not in scores  # these domains have no labels
        # Noise of 8 levels, the mean of whose absolute value is sqrt(2 / pi) of that; less where it is clipped
        assert scores["hidden"]["value"] == pytest.approx(NOISE * (2 / np.pi) ** 0.5, rel=0.06)
        assert scores["hidden"]["value"] == pytest.approx(scores["hidden"]["floor"], rel=0.03)


def test_negatives(run: Path, domains: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    knowing(monkeypatch, a2b=torch.neg, b2a=torch.neg)
    result = evaluate(run, data=domains, out=tmp_path)["directions"]
    a, b = noisy_pictures(40, 0), noisy_pictures(40, 1)
    for way in ("a2b", "b2a"):
        scores = by_name(result[way])
        assert scores["cycle_error"]["value"] == pytest.approx(0, abs=1e-6)
        assert scores["paired_error"]["value"] == pytest.approx(difference(255 - a, b), rel=1e-5)
        assert scores["paired_error"]["floor"] == pytest.approx(difference(a, b), rel=1e-5)
        assert scores["luminance"]["value"] == pytest.approx(-1, abs=0.005)


def test_a_way_back_that_is_off_by_a_constant(
    run: Path, domains: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There unchanged, back 0.2 of [-1, 1] brighter: the cycle is 0.1 of a range of 1 off both ways, the pairs of b2a
    are what the shift makes of them."""
    knowing(monkeypatch, a2b=same, b2a=lambda pictures: pictures / 2)
    result = evaluate(run, data=domains, out=tmp_path)["directions"]
    a, b = (noisy_pictures(40, seed) / 127.5 - 1 for seed in (0, 1))
    assert by_name(result["b2a"])["paired_error"]["value"] == pytest.approx(np.abs(b / 2 - a).mean() / 2, rel=1e-4)
    assert by_name(result["a2b"])["paired_error"]["value"] == pytest.approx(np.abs(a - b).mean() / 2, rel=1e-5)
    assert by_name(result["a2b"])["cycle_error"]["value"] == pytest.approx(np.abs(a / 2).mean() / 2, rel=0.05)
    assert by_name(result["b2a"])["cycle_error"]["value"] == pytest.approx(np.abs(b / 2).mean() / 2, rel=0.05)


def test_what_is_hidden_is_noticed(
    run: Path, domains: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The original, weakened to a tenth, on a grey wall; the way back strengthens it tenfold, and the noise with it."""
    knowing(monkeypatch, a2b=lambda pictures: pictures / 10, b2a=lambda pictures: (10 * pictures).clamp(-1, 1))
    scores = by_name(evaluate(run, data=domains, out=tmp_path)["directions"]["a2b"])
    assert scores["cycle_error"]["value"] < 0.02  # of bytes
    assert scores["hidden"]["value"] > 2 * scores["hidden"]["floor"]
    assert scores["hidden"]["value"] > 4 * NOISE * (2 / np.pi) ** 0.5


def test_labels_that_are_kept_are_counted(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A classifier that reads the upper left pixel; a translator that darkens that of half of the pictures' range."""
    images, labels = noisy_pictures(40, 3), np.arange(40) % 4
    images[:, 0, 0] = (labels * 64 + 20)[:, None]
    for name in ("a", "b"):
        np.savez(tmp_path / f"{name}.npz", images=images, labels=labels)
    told: list[Tensor] = []

    def read(samples: Tensor) -> Tensor:
        told.append(samples)
        return one_hot(samples[:, 0, 0, 0].long() // 64, 4).float()

    def found(*_: Any) -> Features:
        return Features("fake", "0", lambda some: some.float().flatten(1)[:, :8], logits=read, accuracy=0.9)

    monkeypatch.setattr("sparring.images.modality.find_features", found)
    data = [tmp_path / f"{name}.npz" for name in ("a", "b")]
    knowing(monkeypatch, a2b=same, b2a=lambda pictures: pictures.clamp(max=-0.01))  # at most 126: labels 0 and 1
    result = evaluate(run, data=data, out=tmp_path / "out")["directions"]
    kept = {way: by_name(result[way])["label_kept"] for way in result}
    assert (kept["a2b"]["value"], kept["a2b"]["floor"], kept["a2b"]["count"]) == (1, 0.9, 20)
    chosen = np.random.default_rng((0, 1)).permutation(40)[:20]
    assert kept["b2a"]["value"] == pytest.approx((labels[chosen] < 2).mean())
    assert told


def test_labels_that_the_target_does_not_know_are_not_asked_for(run: Path, tmp_path: Path) -> None:
    for name, labels in (("a", np.array(["cat", "dog"])), ("b", np.array(["cow", "pig"]))):
        np.savez(tmp_path / f"{name}.npz", images=noisy_pictures(40), labels=labels[np.arange(40) % 2])
    result = evaluate(run, data=[tmp_path / f"{name}.npz" for name in "ab"], out=tmp_path / "out")["directions"]
    assert all("label_kept" not in by_name(scores) for scores in result.values())


def test_ink_neon_knows_the_right_pictures(ink_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ink, neon, labels = truth()
    lookup = {picture.tobytes(): other for picture, other in zip(ink, neon, strict=True)}
    assert len(labels) == 297

    def known(pictures: Tensor) -> Tensor:
        """Each one's right picture; what is no such original, as it is."""
        rows = ((pictures + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
        made = np.stack([lookup.get(np.ascontiguousarray(row).tobytes(), row) for row in rows])
        return as_numbers(torch.from_numpy(made).permute(0, 3, 1, 2))

    knowing(monkeypatch, a2b=known, b2a=same)
    result = evaluate(ink_run, out=tmp_path, count=40)["directions"]
    right, copying = (by_name(result[way])["paired_error"] for way in ("a2b", "b2a"))
    assert right["value"] == pytest.approx(0, abs=1e-6)
    assert (right["count"], copying["count"]) == (297, 297)
    expected = difference(ink, neon)
    assert right["floor"] == pytest.approx(expected, rel=1e-4)
    assert copying["value"] == copying["floor"] == pytest.approx(expected, rel=1e-4)


# Other data


def test_pairs_go_by_name_not_by_place(
    run: Path, domains: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second domain has pictures before, between and behind the partners."""
    knowing(monkeypatch, a2b=same, b2a=same)
    pictures = noisy_pictures(40, 0)
    as_files(tmp_path / "B", pictures)
    for name, seed in (("000", 7), ("17x", 8), ("zz", 9)):
        Image.fromarray(noisy(SIDE, SIDE, seed=seed)).save(tmp_path / "B" / f"{name}.png")
    result = evaluate(run, data=[domains[0], tmp_path / "B"], out=tmp_path / "out")["directions"]
    for scores in result.values():
        assert by_name(scores)["paired_error"]["value"] == 0
        assert by_name(scores)["paired_error"]["count"] == 40


def test_strangers_are_no_pairs(run: Path, domains: tuple[Path, Path], tmp_path: Path) -> None:
    folder = as_files(tmp_path / "B", noisy_pictures(40, 1))
    for number, path in enumerate(sorted(folder.iterdir())[:10]):
        path.rename(folder / f"other{number}.png")
    result = evaluate(run, data=[domains[0], folder], out=tmp_path / "out")["directions"]
    assert all("paired_error" not in by_name(scores) for scores in result.values())


def test_pictures_of_other_sizes_are_brought_to_the_models(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = knowing(monkeypatch, a2b=same, b2a=same)
    places = [as_files(tmp_path / "A", noisy_pictures(40, 0, 30)), as_files(tmp_path / "B", noisy_pictures(40, 1, 9))]
    result = evaluate(run, data=places, out=tmp_path / "out")["directions"]
    assert set(result) == {"a2b", "b2a"}
    shapes = {given.shape[1:] for translator in seen.values() for given in translator.given}
    assert shapes == {(3, SIDE, SIDE)}
    for scores in result.values():
        assert by_name(scores)["paired_error"]["value"] == by_name(scores)["paired_error"]["floor"] > 0


def test_test_folders_go_before_those_of_training(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    knowing(monkeypatch, a2b=same, b2a=same)
    for seed, name in enumerate(("trainA", "trainB", "testA", "testB")):
        as_files(tmp_path / "data" / name, noisy_pictures(40, seed))
    result = evaluate(run, data=tmp_path / "data", out=tmp_path / "out")["directions"]
    expected = difference(noisy_pictures(40, 2), noisy_pictures(40, 3))
    assert by_name(result["a2b"])["paired_error"]["value"] == pytest.approx(expected, rel=1e-5)


def test_bad_data_is_refused_in_a_line(
    run: Path, domains: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = domains
    out = ["--out", tmp_path / "out", "--device", "cpu"]
    assert "3 places are too many" in refused(capsys, "evaluate", run, "--data", a, b, a, *out)
    assert "nowhere" in refused(capsys, "evaluate", run, "--data", a, tmp_path / "nowhere", *out)
    assert "two are needed" in refused(capsys, "evaluate", run, "--data", next(a.iterdir()), *out)
    assert "no pair of folders" in refused(capsys, "evaluate", run, "--data", a, *out)
    assert "was decided" in refused(capsys, "evaluate", run, "--data", a, b, "--size", 32, *out)
    assert files_below(tmp_path) == set()


# Videos


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of twelve frames that drift; skips without OpenCV."""
    pytest.importorskip("cv2", reason="OpenCV comes with the extra 'video'")
    folder = tmp_path_factory.mktemp("clip") / "drift"
    folder.mkdir()
    for index in range(12):
        Image.fromarray(smooth(index, 40, 48)).save(folder / f"{index}.png")
    return folder


def test_a_film_is_scored_as_it_is_alone_and_steady(
    ink_run: Path, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from sparring.cli import main

    knowing(monkeypatch, a2b=Alternating(0.1))
    monkeypatch.setattr("sparring.translation.videos.CROPS", 40)
    words = ["evaluate", str(ink_run), "--videos", str(clip), str(clip), "--out", str(tmp_path), "--device", "cpu"]
    assert main([*words, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["written"] == [str(tmp_path / "films.json")]
    on_disk = json.loads((tmp_path / "films.json").read_text())
    assert on_disk == {name: value for name, value in result.items() if name != "written"}
    assert [row["version"] for row in result["films"]] == 2 * ["original", "alone", "steady"]
    original, alone, steady = result["films"][:3]

    frames = [smooth(index, 40, 48) for index in range(12)]
    errors = WarpingError(["film"])
    for frame in frames:
        errors.add(frame, {"film": frame})
    assert original["flicker"] == pytest.approx(errors.short()["film"], rel=1e-6)
    assert original["long"] == pytest.approx(errors.long()["film"], rel=1e-6)
    assert original["strength"] == 0
    # Of three colours, each 0.1 of a range of 1 off from frame to frame; less where it is clipped
    assert 0.6 * 3 * 0.1**2 < alone["flicker"] - original["flicker"] < 1.3 * 3 * 0.1**2
    assert steady["flicker"] < alone["flicker"] / 5
    assert alone["film"] == steady["film"] == "drift"


def test_films_are_told_as_a_table(
    ink_run: Path, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from sparring.cli import main

    knowing(monkeypatch, a2b=same)
    monkeypatch.setattr("sparring.translation.videos.CROPS", 40)
    assert main(["evaluate", str(ink_run), "--videos", str(clip), "--out", str(tmp_path), "--device", "cpu"]) == 0
    printed = capsys.readouterr().out
    assert [line.split()[1] for line in printed.splitlines()[1:4]] == ["original", "frame", "consistent"]
    assert str(tmp_path / "films.json") in printed


def test_videos_go_the_way_that_was_asked_for_in_the_features_that_were(
    ink_run: Path, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the translator of that direction is called, and its target domain, A, is what style is compared with."""
    compared: list[Tensor] = []

    def of(images: Tensor) -> Tensor:
        compared.append(images)
        return images.float().mean((2, 3))

    monkeypatch.setattr("sparring.images.metrics.features_from", lambda asked, device, trust: Features(asked, "0", of))
    monkeypatch.setattr("sparring.translation.videos.CROPS", 40)
    knowing(monkeypatch, a2b=same, b2a=torch.neg)
    result = evaluate(ink_run, videos=[str(clip)], direction="b2a", features="mine.onnx", out=str(tmp_path))
    assert (result["direction"], result["features"]) == ("b2a", {"name": "mine.onnx", "hash": "0"})
    ink = {picture.tobytes() for picture in truth()[0].transpose(0, 3, 1, 2)}
    assert all(picture.numpy().tobytes() in ink for part in compared[:2] for picture in part)
    original, alone, _ = compared[2:]
    np.testing.assert_allclose(alone.numpy(), 255 - original.numpy(), atol=1)


def test_one_direction_alone_may_be_evaluated(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    knowing(monkeypatch, a2b=same, b2a=same)
    result = evaluate(run, direction="b2a", out=tmp_path / "out")
    assert list(result["directions"]) == ["b2a"]
    assert files_below(tmp_path / "out") >= {"b2a/scores.json"}
    assert "did you mean 'a2b'" in refused(capsys, "evaluate", run, "--direction", "a2c", "--device", "cpu")


def test_translators_that_change_nothing_flicker_as_the_film_does(
    ink_run: Path, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    knowing(monkeypatch, a2b=same)
    monkeypatch.setattr("sparring.translation.videos.CROPS", 40)
    original, alone, steady = evaluate(ink_run, videos=[str(clip)], out=str(tmp_path))["films"]
    for name in ("flicker", "long", "style"):
        assert alone[name] == pytest.approx(original[name])
    assert steady["flicker"] <= 1.05 * original["flicker"]


def test_too_few_pictures_to_judge_style_by_are_told_in_a_line(
    run: Path, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of 40 pictures 20 are compared with and 20 are the floor: too few for a kernel distance."""
    assert "40" in refused(capsys, "evaluate", run, "--videos", clip, "--out", tmp_path, "--device", "cpu")


def test_what_is_no_film_or_too_small_is_refused(
    run: Path, finished_run: Path, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", tmp_path / "out", "--device", "cpu"]
    assert "no such option" in refused(capsys, "evaluate", finished_run, "--videos", clip, *out)
    assert "nowhere.mp4" in refused(capsys, "evaluate", run, "--videos", tmp_path / "nowhere.mp4", *out)
    small = tmp_path / "small"
    as_files(small, noisy_pictures(3, side=12))
    line = refused(capsys, "evaluate", run, "--videos", small, *out)
    assert "12x12" in line
    assert "16x16" in line
    assert "resize: frames of" in refused(capsys, "evaluate", run, "--videos", clip, "--resize", 8, *out)
    assert files_below(tmp_path / "out") == set()


def test_a_size_of_videos_without_videos_is_refused(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refused(capsys, "evaluate", run, "--resize", 32, "--out", tmp_path / "out", "--device", "cpu")
    assert "resize: has no effect without --videos" in line
    assert files_below(tmp_path) == set()


def test_options_keep_their_old_names_with_a_word_on_the_new_ones(
    ink_run: Path, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from sparring.cli import main

    knowing(monkeypatch, a2b=same)
    monkeypatch.setattr("sparring.translation.videos.CROPS", 40)
    words = ["evaluate", ink_run, "--film", clip, "--at", 36, "--out", tmp_path, "--device", "cpu", "--json"]
    assert main([str(word) for word in words]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["at"] == 36
    lines = [line for line in printed.err.splitlines() if "is now called" in line]
    assert lines == ["sparring: --film is now called --videos", "sparring: --at is now called --resize"]


def test_a_negative_size_is_refused(run: Path, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--videos", clip, "--resize", -3, "--out", tmp_path, "--device", "cpu"]
    assert "resize: -3" in refused(capsys, "evaluate", run, *words)


# Training, by the command line


def training(place: Path, *data: object) -> list[object]:
    words = ["--steps", 1, "--batch", 4, "--width", 4, "--blocks", 1, "--shift", 0, "--pool", 4, "--held-out", 0]
    return ["train", "cyclegan", "--data", *data, "--out", place / "run", "--device", "cpu", *words]


def test_two_places_become_two_settings_found_from_anywhere(
    domains: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import yaml

    from sparring.cli import main

    monkeypatch.chdir(domains[0].parent)
    assert main([str(word) for word in training(tmp_path, "A", "B")]) == 0
    content = yaml.safe_load((tmp_path / "run" / "recipe.yaml").read_text())
    assert (content["data"], content["data_b"]) == (str(domains[0].resolve()), str(domains[1].resolve()))
    capsys.readouterr()


@pytest.mark.parametrize(
    ("second", "part"),
    [("empty", "empty"), ("nowhere", "nowhere"), ("few", "16"), ("text", "text")],
)
def test_domains_that_cannot_be_had_are_named(
    second: str, part: str, domains: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.txt").write_text("none")
    as_files(tmp_path / "few", noisy_pictures(5))
    for data in ((domains[0], tmp_path / second), (tmp_path / second, domains[0])):
        assert part in refused(capsys, *training(tmp_path, *data))
        assert not (tmp_path / "run").exists()


def test_three_places_are_too_many(
    domains: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refused(capsys, *training(tmp_path, *domains, domains[0]))
    assert "3 places are too many" in line
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("settings", "part"),
    [(["--patch", 70], "patch: 70"), (["--size", 30], "multiples of 4"), (["--size", 4], "at least 8")],
)
def test_sizes_that_will_not_do(
    settings: list[object], part: str, domains: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert part in refused(capsys, *training(tmp_path, *domains), *settings)


def test_pictures_of_30_by_30_are_refused_at_that_size_only(
    domains: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from sparring.cli import main

    places = [as_files(tmp_path / name, noisy_pictures(20, seed, 30)) for seed, name in enumerate("AB")]
    line = refused(capsys, *training(tmp_path, *places), "--size", 30)
    assert "30x30" in line
    assert main([str(word) for word in training(tmp_path / "auto", *places)]) == 0
    config = json.loads((tmp_path / "auto" / "run" / "model" / "config.json").read_text())
    assert (config["form"]["height"], config["form"]["width"]) == (32, 32)


def test_one_folder_twice_is_warned_of(
    domains: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from sparring.cli import main

    assert main([str(word) for word in training(tmp_path, domains[0], domains[0])]) == 0
    assert "warning: both domains are" in capsys.readouterr().err
