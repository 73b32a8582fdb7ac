"""Layers of a generated clip: what moves is made once, what stands still stays, what is before hides what is behind."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from sparring.video.networks.layered import GROUND, STEADY, LayeredGenerator
from sparring.video.networks.motion import FourierMotion, MotionCode, TimedMotion

HEIGHT, WIDTH = 16, 24
TIMES = torch.arange(5).expand(3, -1)


def network(layers: int = 2, channels: int = 3, timed: bool = False, **settings: Any) -> LayeredGenerator:
    torch.manual_seed(0)
    motion: MotionCode = FourierMotion(latent=4, features=8, period=4)
    motion = TimedMotion(motion, frames=5) if timed else motion
    return LayeredGenerator(
        motion, latent=6, height=HEIGHT, width=WIDTH, channels=channels, base=4, layers=layers, **settings
    ).eval()


def frames(generator: LayeredGenerator, content: Tensor | None = None) -> Tensor:
    content = torch.randn(3, 6) if content is None else content
    made: Tensor = generator(content, torch.randn(3, generator.motion.length(4), 4), TIMES)
    return made.detach()


def paint(generator: LayeredGenerator, pictures: Tensor) -> None:
    """Let the decoder give these ``(channels, height, width)`` for any content."""
    generator.pictures.register_forward_hook(lambda *_: pictures.expand(3, -1, -1, -1))


def stop(generator: LayeredGenerator, x: float = 0.0, y: float = 0.0) -> None:
    """Let every layer be where it was, or by so much aside, in halves of a frame, at all times."""
    for layer in (generator.shifts, generator.bends):
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    furthest = generator.furthest
    handle = furthest * (torch.tensor([x, y]) / furthest).atanh().repeat(1 + generator.layers)
    generator.shifts.register_forward_hook(lambda _, inputs, output: output + handle / generator.slower)


def a_layer(colour: float, opaque: Tensor) -> Tensor:
    """A grey layer of three channels that is opaque where ``(height, width)`` is true."""
    return torch.cat([torch.full((3, HEIGHT, WIDTH), colour), torch.where(opaque, 500.0, -500.0)[None]])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("layers", [1, 3])
def test_frames_differ_by_how_layers_are_moved_alone(layers: int, channels: int) -> None:
    generator = network(layers, channels)
    moving = frames(generator)
    assert moving.shape == (3, 5, channels, HEIGHT, WIDTH)
    assert not torch.allclose(moving[:, 0], moving[:, 1])
    stop(generator)
    still = frames(generator)
    torch.testing.assert_close(still, still[:, :1].expand_as(still))
    assert not torch.allclose(still[0], still[1])  # contents


def test_one_content_has_the_same_pictures_in_any_motion() -> None:
    generator, seen = network(), list[Tensor]()
    generator.pictures.register_forward_hook(lambda _, inputs, output: seen.append(output))
    content = torch.randn(3, 6)
    assert not torch.allclose(frames(generator, content), frames(generator, content))
    assert torch.equal(seen[0], seen[1])


@pytest.mark.parametrize("content_moves", [0.0, 0.5])
def test_contents_are_moved_alike_where_they_do_not_move_by_themselves(content_moves: float) -> None:
    generator, left = network(1, content_moves=content_moves), torch.zeros(HEIGHT, WIDTH, dtype=torch.bool)
    left[:, : WIDTH // 2] = True
    paint(generator, torch.cat([torch.full((3, HEIGHT, WIDTH), -1.0), a_layer(1.0, left)]))
    noise = torch.randn(1, generator.motion.length(4), 4)
    made = generator(torch.randn(3, 6), noise.expand(3, -1, -1), TIMES).detach()
    assert torch.allclose(made[:1], made[1:]) == (content_moves == 0)
    other = generator(torch.randn(3, 6), noise.expand(3, -1, -1) + 1, TIMES).detach()
    assert not torch.allclose(made, other)


def test_a_layer_hides_what_is_behind_it_and_shows_it_where_it_is_clear() -> None:
    generator, left = network(2), torch.zeros(HEIGHT, WIDTH, dtype=torch.bool)
    left[:, : WIDTH // 2] = True
    top = left.clone()
    top[HEIGHT // 2 :] = False
    ground = torch.full((3, HEIGHT, WIDTH), -1.0)
    paint(generator, torch.cat([ground, a_layer(0.0, left), a_layer(1.0, top)]))
    stop(generator)
    expected = torch.full((HEIGHT, WIDTH), -1.0)
    expected[left], expected[top] = 0.0, 1.0
    torch.testing.assert_close(frames(generator), expected.expand(3, 5, 3, -1, -1), atol=1e-4, rtol=0)


@pytest.mark.parametrize("timed", [False, True])
def test_a_layer_is_moved_by_whole_pixels_and_leaves_the_ground_behind(timed: bool) -> None:
    """By a quarter of the width the frame is taken from the right: what is seen goes to the left; and nothing comes in
    from beyond the edge of the layer."""
    generator, everywhere = network(1, timed=timed), torch.ones(HEIGHT, WIDTH, dtype=torch.bool)
    ground = torch.full((3, HEIGHT, WIDTH), -1.0)
    paint(generator, torch.cat([ground, a_layer(1.0, everywhere)]))
    stop(generator, x=0.5)
    expected = torch.ones(HEIGHT, WIDTH)
    expected[:, -WIDTH // 4 :] = -1
    torch.testing.assert_close(frames(generator), expected.expand(3, 5, 3, -1, -1), atol=1e-2, rtol=0)


def half_a_layer() -> Tensor:
    """A black ground, and a layer whose left half is opaque and white; in its clear half lies another colour."""
    left = torch.zeros(HEIGHT, WIDTH)
    left[:, : WIDTH // 2] = 1
    return torch.cat([torch.full((3, HEIGHT, WIDTH), -1.0), (1.5 * left - 0.5).expand(3, -1, -1), left[None] - 0.5])


def test_where_edges_are_hard_a_pixel_of_a_sample_is_of_the_layer_or_of_the_ground() -> None:
    """Moved by 2.6 pixels the layer ends between two."""
    soft, hard, learning = (network(1, hard_edges=hard_edges) for hard_edges in (False, True, True))
    made = []
    for generator in (soft, hard, learning.train()):
        paint(generator, half_a_layer())
        generator.opacity.zero_()
        stop(generator, x=-2.6 / WIDTH * 2)
        made.append(frames(generator))
    assert ((made[0] > -0.9) & (made[0] < 0.9)).any()
    columns = torch.arange(WIDTH)
    white = (columns > 2) & (columns < WIDTH // 2 + 2.1)
    torch.testing.assert_close(made[1], torch.where(white, 1.0, -1.0).expand_as(made[1]))
    assert torch.equal(made[2], made[0])


def test_where_the_time_is_told_layers_are_moved_as_a_whole_by_their_shift_alone() -> None:
    """What bends all points of a layer alike bends nothing."""
    generator = network(1, timed=True)
    stop(generator)
    still = frames(generator, torch.zeros(3, 6))
    generator.bends.register_forward_hook(lambda _, inputs, output: output + 1e3)
    torch.testing.assert_close(frames(generator, torch.zeros(3, 6)), still)


def test_the_ground_is_moved_a_little_and_is_never_left() -> None:
    generator = network(1)
    ground = torch.linspace(-1, 1, WIDTH).expand(3, HEIGHT, WIDTH)
    paint(generator, torch.cat([ground, a_layer(0.0, torch.zeros(HEIGHT, WIDTH, dtype=torch.bool))]))
    stop(generator, x=0.999)
    moved = frames(generator)
    step = GROUND * (STEADY * torch.tensor(0.999).atanh()).tanh().tanh() * WIDTH / 2
    middle = slice(WIDTH // 4, WIDTH // 2)
    gone = (moved - ground)[..., middle] / (ground[0, 0, 1] - ground[0, 0, 0])
    torch.testing.assert_close(gone, step.expand_as(gone), atol=1e-3, rtol=1e-3)
    assert moved.abs().max() <= 1 + 1e-4
