"""Recycle-GAN: which frames come together, and what the terms are that tie them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from translating import BATCH, SIDE, Known, a_game, bytes_of, noise

from sparring.cli import main
from sparring.core.errors import UserError
from sparring.core.game import Step
from sparring.images.reading.shape import ImageForm
from sparring.modalities import RECIPES
from sparring.translation.clips import Clips
from sparring.translation.data import open_evaluation_data, open_source

pytest.importorskip("cv2", reason="finding cuts needs OpenCV")

SCENES = {"dark": (20, 30, 40), "red": (200, 30, 30), "green": (30, 200, 60), "light": (230, 230, 240)}


def frame(index: int, scene: str, side: int = SIDE) -> np.ndarray:
    """A colour, and its number in the upper left corner."""
    pixels = np.full((side, side, 3), SCENES[scene], np.uint8)
    pixels[:2, :2] = index
    return pixels


def film(folder: Path, scenes: Sequence[tuple[str, int]], first: int = 0, side: int = SIDE) -> list[tuple[int, str]]:
    """A folder of frames: of each scene so many. Returns the number and the scene of each frame."""
    folder.mkdir(parents=True)
    frames = [name for name, count in scenes for _ in range(count)]
    for index, scene in enumerate(frames):
        Image.fromarray(frame(first + index, scene, side)).save(folder / f"f{index}.png")  # f2 before f10
    return [(first + index, scene) for index, scene in enumerate(frames)]


def clips(data: Path, **settings: Any) -> Clips:
    return Clips(RECIPES["recyclegan"].changed({"data": str(data), "size": str(SIDE), **settings}))


def numbers(pictures: Tensor) -> list[int]:
    assert (pictures[:, :, :2, :2] == pictures[:, :1, :1, :1]).all()
    return pictures[:, 0, 0, 0].tolist()


# Which frames come together


def test_later_are_the_two_next_frames_and_no_run_crosses_a_cut(tmp_path: Path) -> None:
    known = film(tmp_path / "w" / "one", [("dark", 9), ("red", 7), ("dark", 2), ("green", 3), ("light", 12)])
    known += film(tmp_path / "w" / "two", [("light", 5)], first=len(known))
    source = clips(tmp_path / "w")
    batch = source.batch(np.arange(len(source)))
    assert batch["images"].shape == (len(source), 3, SIDE, SIDE)
    assert batch["later"].shape == (len(source), 6, SIDE, SIDE)
    assert batch["images"].dtype == batch["later"].dtype == torch.uint8
    first, second, third = (numbers(part) for part in (batch["images"], *batch["later"].chunk(2, 1)))
    assert second == [number + 1 for number in first]
    assert third == [number + 2 for number in first]
    scenes = dict(known)
    begins = [0, 9, 16, 18, 21, 33]  # of scenes, and of the second film
    expected = [
        number
        for number in scenes
        if number + 2 in scenes and not any(number < begin <= number + 2 for begin in begins)
    ]
    assert first == expected
    assert len(expected) == 7 + 5 + 0 + 1 + 10 + 3
    for number, image in zip(first, batch["images"], strict=True):
        assert image[:, -1, -1].tolist() == list(SCENES[scenes[number]])
        np.testing.assert_array_equal(image.permute(1, 2, 0), frame(number, scenes[number]))


def test_any_order_of_indices_may_be_asked_for(tmp_path: Path) -> None:
    film(tmp_path / "w" / "one", [("dark", 12), ("light", 12)])
    source = clips(tmp_path / "w")
    everything = source.batch(np.arange(len(source)))
    order = np.array([19, 3, 3, 0])
    some = source.batch(order)
    for name in ("images", "later"):
        assert torch.equal(some[name], everything[name][torch.from_numpy(order)])


def test_a_folder_of_frames_is_a_film_itself(tmp_path: Path) -> None:
    film(tmp_path / "one", [("dark", 20)])
    assert numbers(clips(tmp_path / "one").batch(np.arange(18))["images"]) == list(range(18))


def test_an_animation_is_a_domain(tmp_path: Path) -> None:
    first, *rest = [Image.fromarray(frame(index, "green")) for index in range(20)]
    first.save(tmp_path / "film.png", save_all=True, append_images=rest, duration=40)
    assert numbers(clips(tmp_path / "film.png").batch(np.arange(18))["images"]) == list(range(18))


def test_pictures_are_brought_to_the_size_and_the_channels(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    for index in range(20):
        Image.fromarray(np.full((30, 50, 3), index * 5, np.uint8)).save(tmp_path / "one" / f"{index}.png")
    source = clips(tmp_path / "one", size="12x20", channels="1")
    assert source.form == ImageForm(height=12, width=20, channels=1)
    batch = source.batch(np.arange(len(source)))
    assert batch["images"].shape[1:] == (1, 12, 20)
    assert batch["later"].shape[1:] == (2, 12, 20)
    assert batch["later"][:, 1].float().mean((1, 2)).tolist() == [5 * (index + 2) for index in range(18)]


# What is wrong


def test_films_that_cannot_be_read_are_named_and_left_out(tmp_path: Path) -> None:
    film(tmp_path / "w" / "b", [("dark", 20)])
    film(tmp_path / "w" / "d", [("red", 4)], first=20)
    (tmp_path / "w" / "a.mp4").write_bytes(b"not a film")
    (tmp_path / "w" / "c").mkdir()
    film(tmp_path / "w" / "e", [("red", 4)], first=24)
    Image.fromarray(frame(0, "red", 8)).save(tmp_path / "w" / "e" / "f9.png")  # of another size
    source = clips(tmp_path / "w")
    assert [Path(bad.path).name for bad in source.bad_files] == ["a.mp4", "c", "e"]
    assert all(bad.reason and "\n" not in bad.reason for bad in source.bad_files)
    assert numbers(source.batch(np.arange(len(source)))["images"]) == [*range(18), 20, 21]


def test_a_film_that_breaks_off_is_used_until_there(tmp_path: Path) -> None:
    (tmp_path / "w" / "b").mkdir(parents=True)
    for index in range(30):
        Image.fromarray(frame(index, "dark")).save(tmp_path / "w" / "b" / f"f{index}.bmp")
    whole = (tmp_path / "w" / "b" / "f25.bmp").read_bytes()
    (tmp_path / "w" / "b" / "f25.bmp").write_bytes(whole[:-30])
    source = clips(tmp_path / "w")
    assert numbers(source.batch(np.arange(len(source)))["images"]) == list(range(23))


@pytest.mark.parametrize("count", [0, 2, 17])
def test_too_few_frames_are_told(count: int, tmp_path: Path) -> None:
    film(tmp_path / "w" / "one", [("dark", count)] if count else [])
    with pytest.raises(UserError, match=r"runs of three frames, at least 16") as caught:
        clips(tmp_path / "w")
    assert f"{max(count - 2, 0)} runs" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_cuts_all_over_leave_no_runs(tmp_path: Path) -> None:
    film(tmp_path / "w" / "one", [(name, 2) for name in ("dark", "red", "green", "light")] * 6)
    with pytest.raises(UserError, match=r"0 runs of three frames"):
        clips(tmp_path / "w")


def test_a_folder_without_films_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no videos"):
        clips(tmp_path / "empty")
    (tmp_path / "empty" / "notes.txt").write_text("none")
    with pytest.raises(UserError, match="holds no videos"):
        clips(tmp_path / "empty")


def test_more_than_the_cache_holds_is_told(tmp_path: Path) -> None:
    film(tmp_path / "one", [("dark", 40)])
    with pytest.raises(UserError, match="cache_mb"):
        clips(tmp_path / "one", cache_mb=1, size="128")


def test_a_film_too_long_for_the_cache_leaves_room_for_others(tmp_path: Path) -> None:
    """Of 128 pixels a mebibyte holds 21 frames."""
    film(tmp_path / "w" / "a", [("dark", 18)], side=128)
    film(tmp_path / "w" / "b", [("red", 30)], first=18, side=128)
    film(tmp_path / "w" / "c", [("light", 3)], first=100, side=128)
    source = clips(tmp_path / "w", cache_mb=1, size="128")
    assert [Path(bad.path).name for bad in source.bad_files] == ["b"]
    assert "cache_mb" in source.bad_files[0].reason
    assert numbers(source.batch(np.arange(len(source)))["images"]) == [*range(16), 100]
    assert len(source.frames) == 21


@pytest.mark.parametrize("bad", ["empty", "few", "nowhere"])
def test_the_command_line_tells_in_a_line(bad: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film(tmp_path / "good", [("dark", 20)])
    film(tmp_path / "few" / "one", [("dark", 5)])
    (tmp_path / "empty").mkdir()
    words = ["--out", tmp_path / "run", "--steps", 1, "--batch", 4, "--width", 4, "--blocks", 1, "--size", SIDE]
    for data in ((tmp_path / "good", tmp_path / bad), (tmp_path / bad, tmp_path / "good")):
        assert main([str(word) for word in ("train", "recyclegan", "--data", *data, *words)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert bad in line
        assert not (tmp_path / "run").exists()


def test_two_domains_of_films(tmp_path: Path) -> None:
    """Both with what comes later; held-out frames are not in training."""
    film(tmp_path / "a" / "one", [("dark", 40)])
    film(tmp_path / "b" / "one", [("light", 25)], first=100)
    recipe = RECIPES["recyclegan"].changed(
        {"data": str(tmp_path / "a"), "data_b": str(tmp_path / "b"), "size": str(SIDE), "held_out": 0}
    )
    source = open_source(recipe)
    assert len(source) == 38
    batch = source.batch(np.arange(38))
    assert set(batch) == {"a", "a later", "b", "b later"}
    for domain, low, high in (("a", 0, 38), ("b", 100, 123)):
        first = numbers(batch[domain])
        assert set(first) == set(range(low, high))
        for step, part in enumerate(batch[f"{domain} later"].chunk(2, 1), 1):
            assert numbers(part) == [number + step for number in first]


def test_videos_are_evaluated_by_their_frames(tmp_path: Path) -> None:
    """As they were trained on; pictures given in their place are pictures."""
    for name, scene in (("a", "dark"), ("b", "light")):
        first, *rest = [Image.fromarray(frame(index, scene)) for index in range(20)]
        (tmp_path / name).mkdir()
        first.save(tmp_path / name / "film.gif", save_all=True, append_images=rest, duration=40)
        film(tmp_path / f"pictures {name}", [(scene, 17)])
    recipe = RECIPES["recyclegan"].changed({"size": str(SIDE)})
    form = ImageForm(height=SIDE, width=SIDE, channels=3)
    for names, count in ((("a", "b"), 18), (("pictures a", "pictures b"), 17)):
        places = {key: str(tmp_path / name) for key, name in zip(("data", "data_b"), names, strict=True)}
        domains = open_evaluation_data(recipe.changed(places), form).domains
        for domain, scene in (("a", "dark"), ("b", "light")):
            images = domains[domain].batch(np.arange(len(domains[domain])))["images"]
            assert images.shape == (count, 3, SIDE, SIDE)
            assert images[:, :, -1, -1].tolist() == [list(SCENES[scene])] * count


# What ties them


class Next(nn.Module):
    """Predicts by ``change`` of the two frames."""

    def __init__(self, change: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.change, self.given = change, list[tuple[Tensor, Tensor]]()

    def forward(self, before: Tensor, now: Tensor) -> Tensor:
        self.given.append((before, now))
        return self.change(before, now)


def drifted(before: Tensor, now: Tensor) -> Tensor:
    """What comes next where all drifts to the right by a pixel."""
    return now.roll(1, 3)


def a_step_of_films(seed: int = 0) -> Step:
    """Both domains drift to the right by a pixel each frame."""
    batch = {}
    for number, domain in enumerate("ab"):
        first = bytes_of(BATCH, seed + number)
        batch[domain] = first
        batch[f"{domain} later"] = torch.cat([first.roll(1, 3), first.roll(2, 3)], 1)
    return Step(
        [batch], examples_seen=0, seed=seed, part=slice(0, BATCH), global_batch=BATCH, device=torch.device("cpu")
    )


def knowing(there: Any, back: Any, next_a: Any, next_b: Any, **settings: Any) -> Any:
    """A game whose networks are known; its discriminators say nothing, and nothing but what is predicted counts."""
    game = a_game("recyclegan", **{"cycle": 0, "cycle_noise": 0, "identity": 0, **settings})
    network = game.players["generator"].network
    network["a2b"], network["b2a"] = Known(there), Known(back)
    network["next a"], network["next b"] = Next(next_a), Next(next_b)
    for adversarial_loss in game.adversarial_losses.values():
        adversarial_loss.generator_loss = lambda *_: torch.zeros(())
    return game


def losses(game: Any) -> tuple[float, dict[str, float], dict[str, Tensor]]:
    step = a_step_of_films()
    domains = game.pictures(step)
    loss = game.translators_loss(step, domains, game.translate(domains, step))
    told = {name: value.item() for name, value in step.report.items() if name.startswith(("prediction", "recycle"))}
    return loss.item(), told, domains


def same(pictures: Tensor) -> Tensor:
    return pictures


NAMES = ("prediction/a", "recycle/a2b", "prediction/b", "recycle/b2a")


def test_who_knows_what_comes_next_loses_nothing() -> None:
    loss, told, _ = losses(knowing(same, same, drifted, drifted))
    assert told == dict.fromkeys(NAMES, 0)
    assert loss == 0


def test_negatives_there_and_back_lose_nothing_either() -> None:
    loss, told, _ = losses(knowing(torch.neg, torch.neg, drifted, drifted))
    assert told == dict.fromkeys(NAMES, 0)
    assert loss == 0


def gap(one: Tensor, other: Tensor) -> float:
    return (one - other).abs().mean().item()


@pytest.mark.parametrize("weight", [10, 3])
def test_each_term_in_closed_form(weight: int) -> None:
    """Over there all stands still; at home the frame before is predicted; the way back halves."""
    game = knowing(torch.neg, lambda x: x / 2, lambda before, now: before, lambda before, now: now, recycle=weight)
    loss, told, domains = losses(game)
    a, b = ([domains[name], domains[f"{name} 1"], domains[f"{name} 2"]] for name in "ab")
    expected = {
        "prediction/a": gap(a[0], a[2]),
        "prediction/b": gap(b[1], b[2]),
        "recycle/a2b": gap(-a[1] / 2, a[2]),  # translated, stands still, brought home
        "recycle/b2a": gap(-b[0] / 2, b[2]),  # the predictor of domain a tells the frame before
    }
    assert told == pytest.approx(expected, rel=1e-5)
    assert loss == pytest.approx(weight * sum(expected.values()), rel=1e-5)


def test_abroad_it_is_the_other_domains_predictor_on_translations() -> None:
    game = knowing(lambda x: x / 2, lambda x: x / 4, drifted, drifted)
    _, _, domains = losses(game)
    network = game.players["generator"].network
    for domain, other, share in (("a", "b", 1 / 4), ("b", "a", 1 / 2)):
        given = network[f"next {domain}"].given
        assert len(given) == 2
        expected = [
            (domains[domain], domains[f"{domain} 1"]),
            (domains[other] * share, domains[f"{other} 1"] * share),
        ]
        for pair in expected:
            assert any(all(map(torch.allclose, pair, found)) for found in given)


def test_the_terms_are_added_to_those_of_the_cycle() -> None:
    """Translators that are off by a constant, predictors that are not."""
    game = knowing(lambda x: x + 0.25, lambda x: x - 0.1, drifted, drifted, cycle=7, recycle=3)
    loss, told, _ = losses(game)
    assert told["recycle/a2b"] == pytest.approx(0.15, rel=1e-4)
    assert told["recycle/b2a"] == pytest.approx(0.15, rel=1e-4)
    assert (told["prediction/a"], told["prediction/b"]) == (0, 0)
    assert loss == pytest.approx(7 * 2 * 0.15 + 3 * 2 * 0.15, rel=1e-4)


def test_the_predictors_and_the_translators_are_taught() -> None:
    torch.manual_seed(0)
    game = a_game("recyclegan", cycle=0, cycle_noise=0, identity=0)
    for adversarial_loss in game.adversarial_losses.values():
        adversarial_loss.generator_loss = lambda *_: torch.zeros(())
    step = a_step_of_films()
    domains = game.pictures(step)
    game.translators_loss(step, domains, game.translate(domains, step)).backward()
    network = game.players["generator"].network
    for name in ("a2b", "b2a", "next a", "next b"):
        assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in network[name].parameters())


# How they are shown


def marked(seed: int) -> Step:
    """The same picture three times, a level brighter each time."""
    batch = {}
    for number, domain in enumerate("ab"):
        first = bytes_of(32, seed + number) // 2
        batch[domain] = first
        batch[f"{domain} later"] = torch.cat([first + 20, first + 40], 1)
    return Step([batch], examples_seen=0, seed=seed, part=slice(0, 32), global_batch=32, device=torch.device("cpu"))


def test_the_three_frames_are_mirrored_and_moved_alike() -> None:
    game = a_game("recyclegan", mirror=True, shift=3)
    step = marked(0)
    domains = game.pictures(step)
    for domain in "ab":
        original = step.batches[0][domain].float() / 127.5 - 1
        shown = domains[domain]
        for later in (1, 2):
            brighter = torch.full_like(shown, 20 * later / 127.5)
            torch.testing.assert_close(domains[f"{domain} {later}"] - shown, brighter)
        places = [where(one, other) for one, other in zip(original, shown, strict=True)]
        assert {swapped for swapped, _, _ in places} == {False, True}
        assert len({(down, right) for _, down, right in places}) > 10
        assert all(abs(offset) <= 3 for _, *offsets in places for offset in offsets)


def where(original: Tensor, shown: Tensor) -> tuple[bool, int, int]:
    """By trying: mirrored or not, and how far moved; the inner part is compared."""
    inner = shown[:, 3:-3, 3:-3]
    for swapped in (False, True):
        start = original.flip(2) if swapped else original
        for down in range(-3, 4):
            for right in range(-3, 4):
                part = start[:, 3 + down : SIDE - 3 + down, 3 + right : SIDE - 3 + right]
                if torch.allclose(part, inner, atol=1e-6):
                    return swapped, down, right
    raise AssertionError("neither mirrored nor moved as a whole")


def test_without_mirror_and_shift_frames_are_as_they_are() -> None:
    game, step = a_game("recyclegan"), marked(1)
    domains = game.pictures(step)
    for domain in "ab":
        batch = step.batches[0]
        later = batch[f"{domain} later"].chunk(2, 1)
        for name, expected in ((domain, batch[domain]), (f"{domain} 1", later[0]), (f"{domain} 2", later[1])):
            torch.testing.assert_close(domains[name], expected.float() / 127.5 - 1)


def test_predictors_take_two_frames_and_give_one() -> None:
    game = a_game("recyclegan")
    before, now = (noise(2, 3, SIDE, SIDE, seed=seed).clamp(-1, 1) for seed in (1, 2))
    made = [game.predicted(domain, before, now) for domain in "ab"]
    for each in made:
        assert each.shape == now.shape
        assert each.dtype == torch.float32
        assert each.abs().max() <= 1
    assert not torch.equal(*made)  # one for each domain
