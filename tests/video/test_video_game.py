"""The game on videos: what the players see, what is made, at which times, and what stays as it was."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from table import smallest
from torch import Tensor

from sparring.core.adversarial_loss import looks_across_batch
from sparring.core.checkpoint import newest_first
from sparring.core.errors import UserError
from sparring.core.game import Step
from sparring.modalities import load, modality_of
from sparring.verbs.train import resume, train
from sparring.video.form import VideoForm
from sparring.video.game import AT_ONCE, VideoGame
from sparring.video.networks.direct import DirectGenerator
from sparring.video.networks.discriminator import ClipDiscriminator
from sparring.video.networks.layered import LayeredGenerator
from sparring.video.players import decided, penalised
from sparring.video.recipes import RECIPES, VideoRecipe

CPU = torch.device("cpu")
LABELS = ("up", "down")


def form(frames: int = 6, height: int = 16, width: int = 20, channels: int = 3, labels: tuple[str, ...] = LABELS
         ) -> VideoForm:  # fmt: skip
    return VideoForm(height=height, width=width, channels=channels, frames=frames, rate=12.5, labels=labels)


def recipe(**settings: Any) -> VideoRecipe:
    return RECIPES["video"].changed({"width": 4, "latent": 8, "frames": 6, **settings})


def game(form_: VideoForm | None = None, **settings: Any) -> VideoGame:
    torch.manual_seed(0)
    return VideoGame(recipe(**settings), form_ or form())


def made(game: VideoGame, count: int = 3, label: int | None = None, seed: int = 1, **options: Any) -> Tensor:
    networks = {name: player.network for name, player in game.players.items()}
    return game.generate(networks, game.conditions(count, label), seed=seed, **options)


def step_of(count: int = 5, frames: int = 6) -> Step:
    """A step on clips whose every pixel is the number of its frame."""
    numbers = torch.arange(frames, dtype=torch.uint8).view(1, frames, 1, 1, 1)
    batch = {"frames": numbers.expand(count, frames, 3, 16, 20).contiguous(), "labels": torch.arange(count) % 2}
    return Step([batch], examples_seen=0, seed=3, global_batch=count, part=slice(0, count), device=CPU)


# What is refused


@pytest.mark.parametrize("labels", [(), ("up",)])
def test_conditions_need_two_labels(labels: tuple[str, ...], mistake: Callable[..., str]) -> None:
    line = mistake(VideoGame, recipe(conditional=True, data="mine"), form(labels=labels))
    assert line.startswith("conditional: mine has no labels to condition on; ")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"frames_seen": 7}, "frames_seen: 7 of a clip of 6 frames"),
        ({"reach": 5}, "reach: 5 is less than the 6 frames of a clip"),
        ({"conditional": True, "labelled": "no"}, "conditional: needs labels"),
        ({"size": "3"}, "size: '3' is no size"),
        ({"motion": "recurrent", "period": 4}, "period: has no effect with motion"),
        ({"timed": "yes", "reach": 9}, "reach: has no effect with timed"),
        ({"output": "direct", "edges": "hard"}, "edges: has no effect with output"),
        ({"layers": 2}, "layers: has no effect with output"),
        ({"frame_discriminator": False, "halved": "yes"}, "halved: has no effect without frame_discriminator"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], told: str, mistake: Callable[..., str]) -> None:
    assert mistake(recipe, **settings).startswith(told)


@pytest.mark.parametrize("field", [{"frames": 1}, {"rate": 0.0}, {"channels": 4}, {"height": 2}])
def test_a_form_that_cannot_be_is_refused(field: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        VideoForm(**{"height": 16, "width": 16, "frames": 6, "rate": 25.0, **field})


# What frames are made of


@pytest.mark.parametrize(("layered", "output"), [(True, "layers"), (False, "foreground")])
def test_the_clips_decide_what_frames_are_made_of_unless_the_recipe_does(layered: bool, output: str) -> None:
    own = replace(form(), layered=layered)
    assert made_of(game(own)) == output
    for asked in ("layers", "foreground", "direct"):
        assert made_of(game(own, output=asked)) == asked
    assert modality_of("video").as_trained(recipe(), own) == recipe(output=output, timed="no", **edges_of(output))


def made_of(game: VideoGame) -> str:
    generator = game.players["generator"].network
    if isinstance(generator, LayeredGenerator):
        return "layers"
    assert isinstance(generator, DirectGenerator)
    return "direct" if generator.ground is None else "foreground"


@pytest.mark.parametrize(("settings", "times"), [
    ({"output": "layers"}, 1), ({"output": "direct"}, 1), ({"output": "foreground"}, 100),
    ({"output": "foreground", "penalty_scale": 7}, 7), ({"output": "layers", "penalty_scale": 7}, 7),
    ({"output": "foreground", "frame_discriminator": True}, 100),
])  # fmt: skip
def test_penalties_are_taken_more_often_where_there_is_a_foreground(settings: dict[str, Any], times: float) -> None:
    """Of the same players the loss of the discriminator grows by as much as each penalty does."""
    losses, penalties = [], {}
    for weight in (0.0, 0.5, 1.0):
        own, step = game(r1=weight, r2=weight, penalty_share=1, **settings), step_of()
        turn = next(own.turns(step))
        assert turn.mover == "discriminator"
        losses.append(float(turn.loss().detach()))
        penalties = {
            name: float(value.detach()) for name, value in step.report.items() if name.startswith("penalties/")
        }
    of_clips = penalties.pop("penalties/r1") + penalties.pop("penalties/r2")  # those of frames are left
    assert len(penalties) == (2 if settings.get("frame_discriminator") else 0)
    assert losses[2] - losses[0] == pytest.approx(times * of_clips + sum(penalties.values()), rel=1e-3)
    assert losses[1] - losses[0] == pytest.approx((losses[2] - losses[0]) / 2, rel=1e-3)


@pytest.mark.parametrize(("settings", "end"), [
    ({"output": "layers"}, 0.1), ({"output": "foreground"}, 100.0), ({"output": "foreground", "penalty_scale": 7}, 0.7),
])  # fmt: skip
def test_penalties_fall_but_for_those_of_a_foreground(settings: dict[str, Any], end: float) -> None:
    found = penalised(decided(recipe(**settings), form()))
    assert (found.r1(10**6), found.r2(10**6)) == pytest.approx((end, end))
    assert found.r1(0) == pytest.approx(100 if end == 100 else 10 * end)


def edges_of(output: str) -> dict[str, str]:
    return {"edges": "soft"} if output == "layers" else {}


@pytest.mark.parametrize(("side", "settings", "halved"), [
    (32, {}, "yes"), (31, {}, "no"), (31, {"halved": "yes"}, "yes"), (32, {"halved": "no"}, "no"),
])  # fmt: skip
def test_what_the_discriminators_are_shown(side: int, settings: dict[str, str], halved: str) -> None:
    of_size = form(height=side, width=40)
    own = decided(recipe(frame_discriminator=True, **settings), of_size)
    assert own.halved == halved
    assert decided(own, of_size) == own
    discriminator = game(of_size, frame_discriminator=True, **settings).players["discriminator"].network
    assert isinstance(discriminator, ClipDiscriminator)
    assert discriminator.of_frames is not None
    assert discriminator.halved == (halved == "yes")


# What the players see


@pytest.mark.parametrize("seen", [2, 3, 6])
def test_both_players_see_some_frames_in_order_with_their_times(seen: int) -> None:
    step = step_of()
    own = game(frames_seen=seen)
    next(own.turns(step))
    (batch,) = step.batches
    assert batch["times"].shape == (5, seen)
    assert (batch["times"].diff(dim=1) > 0).all()
    assert 0 <= int(batch["times"].min()) <= int(batch["times"].max()) < 6
    shown = own.real(batch)
    assert shown.shape == (5, seen, 3, 16, 20)
    assert torch.equal(((shown + 1) * 127.5).round().long()[:, :, 0, 0, 0], batch["times"])
    assert torch.equal(own.labels(batch)[:, 1:], batch["times"])


def test_every_time_is_seen_about_as_often() -> None:
    own, counts = game(), torch.zeros(6)
    for seed in range(100):
        step = Step([{}], examples_seen=0, seed=seed, global_batch=20, part=slice(0, 20), device=CPU)
        counts += own.times(step).flatten().bincount(minlength=6)
    assert ((counts / counts.sum() - 1 / 6).abs() < 0.01).all()


@pytest.mark.parametrize("augment", ["diff", "ada"])
def test_augmentation_is_the_same_for_all_frames_of_a_clip(augment: str) -> None:
    settings = {"augment": augment, **({"augment_fixed": True} if augment == "ada" else {})}
    own = game(**settings)
    still = torch.rand(8, 1, 3, 16, 20).expand(8, 3, 3, 16, 20) * 2 - 1
    step = Step([{}], examples_seen=0, seed=1, global_batch=8, part=slice(0, 8), device=CPU)
    changed = own.augmented(still, step)
    assert changed.shape == still.shape
    assert not torch.allclose(changed, still, atol=1e-3)
    torch.testing.assert_close(changed[:, 1:], changed[:, :1].expand(-1, 2, -1, -1, -1))
    assert len({tuple(clip[0].flatten().tolist()) for clip in changed}) == 8


def test_the_discriminator_is_told_the_gaps() -> None:
    own = game()
    clips, networks = torch.rand(4, 3, 3, 16, 20), own.players["discriminator"].network
    near, far, later = (torch.tensor([[0, *times]] * 4) for times in ((0, 1, 2), (0, 2, 5), (3, 4, 5)))
    assert not torch.allclose(networks(clips, near), networks(clips, far))
    assert torch.equal(networks(clips, near), networks(clips, later))  # where a window begins means nothing


def test_the_discriminator_of_clips_sees_no_detail_where_frames_are_halved() -> None:
    """What has a mean of 0 over each two by two pixels is seen by that of single frames alone."""
    for halved in ("yes", "no"):
        own = game(form(), frame_discriminator=True, halved=halved).players["discriminator"].network
        assert isinstance(own, ClipDiscriminator)
        assert own.of_frames is not None
        clips, times = torch.rand(4, 3, 3, 16, 20), torch.tensor([[0, 0, 2, 5]] * 4)
        detail = torch.tensor([[0.1, -0.1], [-0.1, 0.1]]).repeat(8, 10)
        same = torch.allclose(own(clips, times), own(clips + detail, times), rtol=1e-4, atol=1e-5)
        assert same == (halved == "yes")
        frames = clips[:, :1]
        assert not torch.allclose(own.of_frames(frames), own.of_frames(frames + detail), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("halved", ["yes", "no"])
def test_every_row_of_pixels_counts_and_a_process_may_have_no_clip(halved: str) -> None:
    own = game(form(height=17), frame_discriminator=True, halved=halved).players["discriminator"].network
    clips, times = torch.rand(2, 3, 3, 17, 20, requires_grad=True), torch.tensor([[0, 0, 2, 5]] * 2)
    (slope,) = torch.autograd.grad(own(clips, times).sum(), clips)
    assert slope[..., -1, :].abs().sum() > 0
    assert own(clips[:0], times[:0]).shape == (0,)


def test_logits_of_clips_depend_on_no_others_though_those_of_frames_do() -> None:
    own = game(form(), frame_discriminator=True).players["discriminator"].network
    assert isinstance(own, ClipDiscriminator)
    assert own.of_frames is not None
    assert not looks_across_batch(own)
    assert looks_across_batch(own.of_frames)
    clips, times = torch.rand(4, 3, 3, 16, 20), torch.tensor([[0, 0, 2, 5]] * 4)
    torch.testing.assert_close(own(clips, times)[:1], own(clips[:1], times[:1]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("told", [True, False])
def test_the_discriminator_of_frames_is_told_how_varied_they_are(told: bool) -> None:
    own = game(form(), frame_discriminator=True, batch_statistics=told).players["discriminator"].network
    assert isinstance(own, ClipDiscriminator)
    assert own.of_frames is not None
    frames = torch.rand(4, 1, 3, 16, 20)
    among_others, alone = own.of_frames(frames)[:1], own.of_frames(frames[:1])
    assert torch.allclose(among_others, alone, rtol=1e-4, atol=1e-5) != told


# What is made


@pytest.mark.parametrize("told", [False, True])
def test_both_players_are_told_the_time_where_clips_are_timed(told: bool) -> None:
    """Of the same frames at the same gaps, later in a clip: another logit where it is told, and else the same."""
    own = game(replace(form(), timed=told))
    discriminator = own.players["discriminator"].network
    frames = torch.rand(4, 3, 3, 16, 20) * 2 - 1
    first, later = (torch.tensor([[0, *times]] * 4) for times in ((0, 1, 3), (2, 3, 5)))
    assert torch.equal(discriminator(frames, first), discriminator(frames, later)) != told
    # Generated clips begin at the start where it is told, and else at any time
    asked = list[Tensor]()
    own.players["generator"].network.register_forward_pre_hook(lambda _, given: asked.append(given[2]))
    step = step_of(count=200)
    own.fakes(step, torch.tensor([[0, 0, 2, 5]] * 200))
    assert (int(asked[0].max()) == 5) == told


def test_samples_have_the_edges_of_the_clips() -> None:
    """Of the same weights they differ from those with soft edges where layers end, and nowhere else."""
    soft, hard = (game(replace(form(), layered=True, hard_edges=hard)) for hard in (False, True))
    hard.players["generator"].network.load_state_dict(soft.players["generator"].network.state_dict())
    for own in (soft, hard):
        own.players["generator"].network.eval()
    differ = (made(soft) - made(hard)).abs().amax(2) > 0.01
    assert 0 < differ.float().mean() < 0.5


@pytest.mark.parametrize("output", ["layers", "foreground", "direct"])
@pytest.mark.parametrize("motion", ["fourier", "recurrent"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("conditional", [False, True])
def test_clips_of_the_form_are_made(conditional: bool, channels: int, motion: str, output: str) -> None:
    own = game(form(channels=channels), conditional=conditional, motion=motion, output=output)
    clips = made(own)
    assert clips.shape == (3, 6, channels, 16, 20)
    assert clips.dtype == torch.float32
    assert float(own.finish(4 * clips).abs().max()) <= 1
    assert not torch.equal(clips[0], clips[1])
    assert not torch.equal(clips[:, 0], clips[:, 1])
    if conditional:
        assert not torch.equal(made(own, label=0), made(own, label=1))


@pytest.mark.parametrize("motion", ["fourier", "recurrent"])
def test_a_longer_sample_begins_as_a_shorter_one(motion: str) -> None:
    own = game(motion=motion)
    short, long = made(own), made(own, frames=4 * 6 + 1)
    assert long.shape[1] == 25
    torch.testing.assert_close(long[:, :6], short, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("count", [1, AT_ONCE // 6, AT_ONCE // 6 + 1])
def test_a_sample_does_not_depend_on_how_many_are_made(count: int) -> None:
    own = game()
    torch.testing.assert_close(made(own, count)[:1], made(own, 2)[:1], rtol=1e-4, atol=1e-5)


def test_a_very_long_sample_is_made_in_parts() -> None:
    own = game(form(height=8, width=8), motion="recurrent")
    clips = made(own, 1, frames=2 * AT_ONCE + 3)
    assert clips.shape[1] == 2 * AT_ONCE + 3
    torch.testing.assert_close(clips[:, :6], made(own, 1), rtol=1e-4, atol=1e-5)


def test_one_content_and_one_motion_by_their_seeds() -> None:
    own = game()
    network = own.players["generator"].network
    seen: list[tuple[Tensor, Tensor]] = []
    network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[:2]))

    def codes(**options: int) -> tuple[Tensor, Tensor]:
        seen.clear()
        made(own, **options)
        return seen[0]

    content, motion = codes(content_seed=4)
    assert torch.equal(content[0], content[1])
    assert not torch.equal(motion[0], motion[1])
    other_content, same_motion = codes(content_seed=4, motion_seed=5)
    assert torch.equal(other_content, content)
    assert torch.equal(same_motion[0], same_motion[1])
    free_content, free_motion = codes()
    assert not torch.equal(free_content[0], free_content[1])
    assert torch.equal(free_motion, motion)  # of the seed itself
    assert torch.equal(made(own, seed=9, content_seed=4, motion_seed=5), made(own, content_seed=4, motion_seed=5))


# Training


@pytest.mark.parametrize("settings", [
    {"augment": "ada", "conditional": True, "frame_discriminator": True, "spectral_norm": True},
    {"motion": "recurrent", "output": "direct", "frames_seen": 2, "channels": "1", "n_critic": 2},
    {"output": "foreground", "penalty_share": 0.5, "reuse_logits": True, "augment": "diff", "period": 3, "reach": 9,
     "frame_discriminator": True, "halved": "yes"},
])  # fmt: skip
def test_other_settings_are_trained_and_resumed_bit_for_bit(settings: dict[str, Any], tmp_path: Path) -> None:
    whole = train(smallest("video", tmp_path, **settings), out=tmp_path / "whole").run
    train(smallest("video", tmp_path, **settings, steps=2), out=tmp_path / "parts")
    parts = resume(tmp_path / "parts", steps=4).run
    expected, actual = (load_file(newest_first(run / "checkpoints")[0]) for run in (whole, parts))
    assert expected.keys() == actual.keys()
    assert [name for name in expected if not torch.equal(expected[name], actual[name])] == []


def test_a_setting_that_came_later_is_left_alone_where_it_has_no_effect() -> None:
    recipe = VideoRecipe(output="layers")
    assert recipe.as_stored({}).content_moves == 1
    assert recipe.as_stored(recipe.to_dict()) == recipe
    direct = recipe.changed({"output": "direct"})
    assert direct.as_stored({"penalty_scale": 0.0, "halved": "auto", "batch_statistics": True}) == direct


@pytest.mark.parametrize(("setting", "then", "field"), [
    ("timed", "no", "timed"), ("edges", "soft", "hard_edges"), ("content_moves", 1.0, ""), ("halved", "no", ""),
    ("batch_statistics", False, ""),
])  # fmt: skip
def test_a_run_from_before_a_setting_was_there_goes_on_as_it_began(
    setting: str, then: str | float, field: str, tmp_path: Path
) -> None:
    """Also where its model is gone, and neither data nor recipe tell how it began."""
    shown = {"frame_discriminator": True, "size": "32"} if setting in ("halved", "batch_statistics") else {}
    settings = smallest("video", tmp_path, **{"output": "layers", **shown, setting: then})
    whole = train(settings, out=tmp_path / "whole").run
    parts = train(settings.changed({"steps": 2}), out=tmp_path / "parts").run
    config = json.loads((parts / "model" / "config.json").read_text())
    del config["recipe"][setting]
    config["form"].pop(field, None)
    del config["form"]["layered"]
    (parts / "model" / "config.json").write_text(json.dumps(config))
    lines = (parts / "recipe.yaml").read_text().splitlines(keepends=True)
    (parts / "recipe.yaml").write_text("".join(line for line in lines if not line.startswith(f"{setting}:")))
    loaded = load(parts)
    assert getattr(loaded.recipe, setting) == then
    if field:
        assert getattr(loaded.game.form, field) is False
    else:
        shutil.rmtree(parts / "model")
    resume(parts, steps=4)
    expected, actual = (load_file(newest_first(run / "checkpoints")[0]) for run in (whole, parts))
    assert [name for name in expected if not torch.equal(expected[name], actual[name])] == []
