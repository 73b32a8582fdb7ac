"""A ground that stands still, and before it what is drawn anew in each frame."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sparring.video.networks.direct import DirectGenerator
from sparring.video.networks.motion import FourierMotion

HEIGHT, WIDTH = 16, 24
TIMES = torch.arange(5).expand(3, -1)


def network(classes: int = 0) -> DirectGenerator:
    torch.manual_seed(0)
    motion = FourierMotion(latent=4, features=8, period=4, classes=classes)
    size = {"latent": 6, "height": HEIGHT, "width": WIDTH, "channels": 3, "classes": classes, "base": 4}
    return DirectGenerator(motion, ground=True, **size).eval()


def opaque(generator: DirectGenerator, logit: float) -> None:
    """Let everything that is drawn be as opaque as a logit says."""

    def changed(_: object, __: object, drawn: Tensor) -> Tensor:
        return torch.cat([drawn[:, :-1], torch.full_like(drawn[:, -1:], logit)], 1)

    generator.decoder.register_forward_hook(changed)


def ground_of(generator: DirectGenerator, content: Tensor, labels: Tensor | None = None) -> Tensor:
    assert generator.ground is not None
    ground: Tensor = generator.ground(content, labels)
    return ground[:, None]


def inputs() -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(1)
    return torch.randn(3, 6), torch.randn(3, network().motion.length(4), 4), TIMES


def test_what_is_clear_shows_the_ground_which_stands_still_whatever_moves() -> None:
    generator = network()
    opaque(generator, -100.0)
    content, noise, times = inputs()
    made = generator(content, noise, times)
    assert torch.equal(made, generator(content, noise + 1, times))
    torch.testing.assert_close(made, ground_of(generator, content).clamp(-1, 1).expand_as(made))
    assert not torch.allclose(made[0], made[1])


def test_training_begins_with_grounds_that_hardly_change() -> None:
    """Scenes differ by much more than the frames of one, whatever moves."""
    torch.manual_seed(1)
    generator = network()
    content, noise = torch.randn(64, 6), torch.randn(64, generator.motion.length(4), 4)
    made = generator(content, noise, torch.arange(5).expand(64, -1))
    assert made.var(1).mean() < 0.05 * made[:, 0].var(0).mean()  # as 0.17, were it half opaque


@pytest.mark.parametrize("labels", [None, torch.tensor([0, 1, 1])])
def test_frames_are_mixed_by_opacity(labels: Tensor | None) -> None:
    generator = network(0 if labels is None else 2)
    ground, seen = ground_of(generator, inputs()[0], labels), []
    handle = generator.decoder.register_forward_hook(lambda _, __, output: seen.append(output))
    generator(*inputs(), labels)
    handle.remove()
    drawn = seen[0].view(3, 5, 4, HEIGHT, WIDTH)[:, :, :-1]
    for logit in (100.0, 0.0, -2.0):
        other = network(0 if labels is None else 2)
        opaque(other, logit)
        share = torch.tensor(logit).sigmoid()
        expected = (share * drawn + (1 - share) * ground).clamp(-1, 1)
        torch.testing.assert_close(other(*inputs(), labels), expected, rtol=1e-4, atol=1e-5)


def test_what_is_beyond_the_bound_is_led_back() -> None:
    generator = network()
    opaque(generator, -100.0)
    assert generator.ground is not None
    generator.ground.register_forward_hook(lambda _, __, ground: ground + 100)
    made = generator(*inputs())
    assert torch.equal(made, torch.ones_like(made))
    made.sum().backward()
    last = list(generator.ground.parameters())[-1].grad
    assert last is not None
    assert (last > 0).all()


def test_any_frames_of_a_clip_can_be_made_without_the_others() -> None:
    generator, (content, noise, times) = network(), inputs()
    made = generator(content, noise, times)
    assert made.shape == (3, 5, 3, HEIGHT, WIDTH)
    assert made.dtype == torch.float32
    assert not torch.allclose(made[:, 0], made[:, 1])
    torch.testing.assert_close(generator(content, noise, times[:, [1, 4]]), made[:, [1, 4]], rtol=1e-4, atol=1e-5)
