"""The pairs: any size, labels that matter, the layout and the scale that their papers and docstrings promise."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, pad

from sparring.core.errors import UserError
from sparring.images.game import ImageGame
from sparring.images.networks.r3gan import Block, R3GANDiscriminator, R3GANGenerator, downsample, stage, upsample
from sparring.images.networks.tutorial import TutorialDiscriminator, TutorialGenerator
from sparring.images.reading.shape import ImageForm
from sparring.images.recipes import RECIPES
from sparring.networks.layers import BOUNDS, BatchStatistics, ProjectionHead
from sparring.networks.lean import LeanDiscriminator, LeanGenerator

LATENT = 6
LEAN = (partial(LeanGenerator, latent=LATENT, base=4), partial(LeanDiscriminator, base=4))
COMPARING = (LEAN[0], partial(LEAN[1], batch_statistics=True))
TUTORIAL = (partial(TutorialGenerator, latent=LATENT), TutorialDiscriminator)
R3GAN = (partial(R3GANGenerator, latent=LATENT, widths=(24, 16, 8)), partial(R3GANDiscriminator, widths=(24, 16, 8)))
UNGROUPED = tuple(partial(build, widths=(16, 12)) for build in R3GAN)

SIZES = [
    *((LEAN, size) for size in ((28, 28, 1), (72, 72, 3), (31, 48, 4), (5, 9, 1), (4, 4, 1), (17, 4, 3))),
    *((TUTORIAL, size) for size in ((28, 28, 1), (8, 12, 3))),
    *((R3GAN, size) for size in ((12, 20, 3), (4, 4, 1))),
]


def built(build: Any, size: tuple[int, int, int], classes: int = 0) -> nn.Module:
    torch.manual_seed(0)
    network = build(**dict(zip(("height", "width", "channels"), size, strict=True)), classes=classes)
    for block in network.modules():
        if isinstance(block, Block):
            nn.init.normal_(block.contract.weight, std=0.2)  # zero at first, which would hide the branch
    return network


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def passed(network: nn.Module, *inputs: Tensor | None) -> list[tuple[str, Tensor]]:
    """What each layer answers, with the layer's kind, in the order of the forward pass."""
    outputs: list[tuple[str, Tensor]] = []
    for layer in network.modules():
        if not list(layer.children()):
            layer.register_forward_hook(lambda layer, _, output: outputs.append((type(layer).__name__, output)))
    network(*inputs)
    return outputs


@pytest.mark.parametrize("classes", [0, 3])
@pytest.mark.parametrize(("pair", "size"), SIZES)
def test_a_pair_makes_and_looks_at_every_pixel_of_its_size(pair: Any, size: tuple[int, int, int], classes: int) -> None:
    generator, discriminator = (built(build, size, classes).eval() for build in pair)
    labels = torch.arange(5) % classes if classes else None
    images = generator(noise(5, LATENT), labels)
    height, width, channels = size
    assert images.shape == (5, channels, height, width)
    assert images.std(0).min() > 0

    images = images.detach().requires_grad_()
    logits = discriminator(images, labels)
    assert logits.shape == (5,)
    (slope,) = torch.autograd.grad(logits.sum(), images)
    assert slope.abs().amax((0, 1)).min() > 0


# The bound


@pytest.mark.parametrize("pair", [LEAN, TUTORIAL, R3GAN])
@pytest.mark.parametrize("bound", BOUNDS)
def test_the_bound_is_in_the_generators_forward(pair: Any, bound: str) -> None:
    """Exactly the bound of what the same weights make without one; float32 whatever the weights are in."""
    free, bounded = (built(partial(pair[0], bound=each), (8, 8, 3)).eval() for each in ("free", bound))
    latents = 100 * noise(16, LATENT)
    with torch.no_grad():
        made, expected = bounded(latents), free(latents)
        assert expected.abs().max() > 2
        assert torch.equal(made, {"tanh": expected.tanh(), "clamp": expected.clamp(-1, 1), "free": expected}[bound])
        assert (made.abs().max() <= 1) == (bound != "free")
        assert bounded.double()(latents.double()).dtype == torch.float32
    assert free.state_dict().keys() == bounded.state_dict().keys()


def test_the_gradient_of_a_clamped_value_leads_back_and_never_further_out() -> None:
    values = torch.tensor([-2.0, -2.0, 0.5, 2.0, 2.0], requires_grad=True)
    made = BOUNDS["clamp"](values)
    assert made.tolist() == [-1, -1, 0.5, 1, 1]
    made.backward(torch.tensor([-1.0, 1.0, 3.0, 1.0, -1.0]))  # a step goes against it
    assert values.grad is not None
    assert values.grad.tolist() == [-1, 0, 3, 1, 0]


@pytest.mark.parametrize(
    "pair", [{"width": 4}, {"network": "tutorial"}, {"network": "r3gan", "widths": "16,16"}], ids=str
)
@pytest.mark.parametrize("output", ["tanh", "clamp"])
def test_a_games_generator_called_by_hand_makes_what_is_sampled(pair: dict[str, Any], output: str) -> None:
    recipe = RECIPES["images"].changed({**pair, "output": output})
    played = ImageGame(recipe, ImageForm(height=8, width=8, channels=1))
    generator = played.players["generator"].network.eval()
    with torch.no_grad():
        for weight in generator.parameters():
            weight.mul_(5)
    latents = torch.randn(16, recipe.latent, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        made = generator(latents, None)
    assert torch.equal(made, played.generate({"generator": generator}, played.conditions(16), seed=5))
    assert 0.9 < made.abs().max() <= 1


@pytest.mark.parametrize("pair", [LEAN, TUTORIAL, R3GAN])
def test_labels_change_what_is_made_and_what_is_thought_of_it(pair: Any) -> None:
    generator, discriminator = (built(build, (8, 8, 3), classes=3).eval() for build in pair)
    latent, first, last = noise(4, LATENT), torch.zeros(4, dtype=torch.long), torch.full((4,), 2)
    images = generator(latent, first)
    assert (images - generator(latent, last)).abs().amax((1, 2, 3)).min() > 1e-3
    assert (discriminator(images, first) - discriminator(images, last)).abs().min() > 1e-4


@pytest.mark.parametrize(
    ("pair", "apart"),
    [(LEAN, (True, True)), (COMPARING, (True, False)), (TUTORIAL, (False, True)), (R3GAN, (True, True))],
)
def test_pictures_of_a_batch_meet_in_batch_norm_and_batch_statistics_only(pair: Any, apart: tuple[bool, bool]) -> None:
    generator, discriminator = (built(build, (8, 8, 1)) for build in pair)
    players = ((generator, noise(6, LATENT)), (discriminator.eval(), noise(6, 1, 8, 8)))
    assert tuple(torch.allclose(player(x)[:2], player(x[:2]), atol=1e-4) for player, x in players) == apart


@pytest.mark.parametrize(
    ("pair", "size", "told"),
    [
        (TUTORIAL, (28, 30, 1), "size: .* 4 divides, not 28x30"),
        (TUTORIAL, (4, 8, 1), "size: .* from 8 on .* not 4x8"),
        (TUTORIAL, (27, 28, 1), "size: .* 4 divides, not 27x28"),
        (R3GAN, (12, 18, 3), "size: .* 3 widths .* 4 divides, not 12x18"),
        (R3GAN, (6, 8, 3), "size: .* 3 widths .* 4 divides, not 6x8"),
        (UNGROUPED, (8, 8, 3), "widths: 12 cannot be grouped"),
    ],
)
def test_both_players_tell_what_they_cannot_be_built_for(pair: Any, size: tuple[int, int, int], told: str) -> None:
    for build in pair:
        with pytest.raises(UserError, match=told):
            built(build, size)


def test_the_verdict_is_a_projection_on_the_label() -> None:
    features, verdict, plain = torch.tensor([[1.0, 2.0]] * 2), ProjectionHead(2, 2, projected=3), ProjectionHead(2, 0)
    with torch.no_grad():
        verdict.linear.weight.copy_(torch.tensor([[1.0, 0.0], [2.0, 1.0], [0.0, -1.0]]))  # (1, 2) -> (1, 4, -2)
        verdict.embedding.weight.copy_(torch.tensor([[1.0, 10.0, 100.0], [0.5, 0.0, -1.0]]))
        plain.linear.weight.copy_(torch.tensor([[3.0, -1.0]]))
    assert verdict(features, torch.tensor([0, 1])).tolist() == [1 + 40 - 200, 0.5 + 2]
    assert plain(features, None).tolist() == [3 - 2, 3 - 2]


def test_batch_statistics_append_the_mean_deviation_with_a_finite_slope() -> None:
    images = noise(6, 3, 4, 5) * torch.tensor([1.0, 7.0, 0.0])[:, None, None]  # the last channel is all equal
    result = BatchStatistics()(images.requires_grad_())
    assert torch.equal(result[:, :3], images)
    deviation = np.std(images.detach().numpy(), axis=0).mean()
    np.testing.assert_allclose(result[:, 3].detach(), np.full((6, 4, 5), deviation), rtol=1e-4)
    result.sum().backward()
    assert images.grad.isfinite().all()


@pytest.mark.parametrize("classes", [0, 10])
def test_the_lean_pair_keeps_the_scale_of_activations(classes: int) -> None:
    """Variance 1 in front of the generator's leaky ReLUs, 2 / (1 + 0.2^2) of the discriminator's: a mean square of 1
    behind them; logits of variance 1 over initialisations. The zeros around each grid take a little of all."""
    torch.manual_seed(0)
    labels = torch.arange(16) % classes if classes else None
    generator = LeanGenerator(latent=64, height=64, width=64, channels=16, classes=classes)
    made = [x for kind, x in passed(generator, noise(16, 64), labels) if kind in ("Linear", "ConvTranspose2d")]
    assert [x.std().item() for x in made] == pytest.approx([1.0] * 5, abs=0.25)

    players = [LeanDiscriminator(height=64, width=64, channels=3, classes=classes) for _ in range(12)]
    seen = [x for kind, x in passed(players[0], noise(16, 3, 64, 64), labels) if kind == "Conv2d"]
    assert [x.std().item() for x in seen] == pytest.approx([math.sqrt(2 / 1.04)] * 4, rel=0.25)
    logits = torch.cat([each(noise(4, 3, 64, 64), labels[:4] if classes else None) for each in players])
    assert logits.square().mean().sqrt().item() == pytest.approx(1, abs=0.5)


def test_the_tutorial_pair_has_the_layers_it_promises() -> None:
    generator, discriminator = (built(build, (28, 28, 1)) for build in TUTORIAL)
    made = [(kind, [*x.shape[2:]]) for kind, x in passed(generator, noise(2, LATENT)) if x.dim() == 4]
    up, between = "ConvTranspose2d", ["BatchNorm2d", "LeakyReLU"]
    assert [kind for kind, _ in made] == [up, *between, up, *between, up]
    assert [size for kind, size in made if kind == up] == [[7, 7], [14, 14], [28, 28]]
    looked = [kind for kind, x in passed(discriminator, noise(2, 1, 28, 28)) if x.dim() == 4]
    assert looked == ["Conv2d", "LeakyReLU", "MaxPool2d", "Conv2d", "LeakyReLU", "Dropout"]


def test_the_layout_as_usually_printed_cannot_meet_a_discriminator_of_28x28() -> None:
    printed = nn.Sequential(nn.ConvTranspose2d(8, 4, 4), nn.ConvTranspose2d(4, 1, 4))(noise(2, 8, 7, 7))
    assert printed.shape == (2, 1, 13, 13)
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        built(TUTORIAL[1], (28, 28, 1))(printed)


@pytest.mark.parametrize(("classes", "millions"), [(0, ("20.73", "20.68")), (10, ("20.78", "21.28"))])
def test_r3gan_has_as_many_weights_as_the_paper_says(classes: int, millions: tuple[str, str]) -> None:
    """Table 9 of Huang et al. 2024: StackedMNIST without classes, CIFAR-10 with them."""
    form: dict[str, Any] = {"height": 32, "width": 32, "channels": 3, "widths": [768] * 4, "classes": classes}
    with torch.device("meta"):
        pair = R3GANGenerator(latent=64, **form), R3GANDiscriminator(**form)
    counts = [sum(weight.numel() for weight in network.parameters()) for network in pair]
    assert tuple(f"{count / 1e6:.2f}" for count in counts) == millions


def test_a_stage_of_r3gan_is_the_identity_at_first_and_learns() -> None:
    torch.manual_seed(0)
    blocks, x = stage(16, stages=4), noise(2, 16, 6, 5)
    assert torch.equal(blocks(x), x)
    blocks(x).square().sum().backward()
    assert all(block.contract.weight.grad.abs().min() > 0 for block in blocks)


def test_branches_of_r3gan_start_as_fixup_says() -> None:
    """Deviation sqrt(2 / (1 + 0.2^2) / fan in) * L^(-1 / (2 m - 2)), for L = 16 branches of m = 3 layers."""
    torch.manual_seed(0)
    block = Block(128, blocks=16)
    for layer, fan_in in ((block.expand, 128), (block.mix, 16 * 9)):
        assert layer.weight.std().item() == pytest.approx(math.sqrt(2 / 1.04 / fan_in) / 2, rel=0.03)


def test_resampling_is_convolution_with_the_bilinear_kernel() -> None:
    x, line = noise(2, 1, 6, 8), torch.tensor([1.0, 3.0, 3.0, 1.0])
    kernel = (line[:, None] * line)[None, None]
    torch.testing.assert_close(downsample(x), conv2d(x, kernel / 8**2, stride=2, padding=1))
    repeated = pad(x, [1, 1, 1, 1], mode="replicate")
    torch.testing.assert_close(upsample(x), conv_transpose2d(repeated, kernel / 4**2, stride=2, padding=3))
