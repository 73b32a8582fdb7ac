"""The fast layers of translators give the numbers of plain ones: forwards, backwards, in both memory formats."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, instance_norm, interpolate, pad
from translating import a_translator, noise, uniform

from sparring.core.penalties import zero_centred
from sparring.translation.networks.layers import Doubling, PictureConvolution, ReflectedConvolution
from sparring.translation.networks.normalise import FEW, InstanceNorm
from sparring.translation.networks.patch import PatchDiscriminator

FORMATS = pytest.mark.parametrize(
    "memory_format", [torch.contiguous_format, torch.channels_last], ids=["channels first", "channels last"]
)
Plain = Callable[[nn.Module, Tensor], Tensor]


# What the layers compute, as a tutorial writes it


def plain_convolution(layer: nn.Module, features: Tensor) -> Tensor:
    assert isinstance(layer, nn.Conv2d)
    border = layer.kernel_size[0] // 2
    return conv2d(pad(features, (border,) * 4, mode="reflect"), layer.weight, layer.bias)


def plain_doubling(layer: nn.Module, features: Tensor) -> Tensor:
    larger = interpolate(features, scale_factor=2.0, mode="nearest")
    return conv2d(pad(larger, (1, 1, 1, 1), mode="reflect"), layer.get_parameter("1.weight"))


LAYERS: dict[str, tuple[Callable[[], nn.Module], Plain]] = {
    "reflected": (lambda: ReflectedConvolution(5, 6, 7), plain_convolution),
    "pictures 7": (lambda: PictureConvolution(5, 3, 7), plain_convolution),
    "pictures 3": (lambda: PictureConvolution(5, 1, 3, bias=False), plain_convolution),
    "doubling": (lambda: Doubling(6, 5), plain_doubling),
}


def a_layer(name: str, memory_format: torch.memory_format = torch.contiguous_format) -> tuple[nn.Module, Plain]:
    torch.manual_seed(0)
    make, plain = LAYERS[name]
    layer = make()
    for weight in layer.parameters():
        if weight.dim() == 4:
            weight.data = weight.data.to(memory_format=memory_format)
    return layer, plain


def gradients(made: Tensor, *varied: Tensor) -> tuple[Tensor, ...]:
    """Of a sum of ``made`` with weights that are all different."""
    return torch.autograd.grad((made.float() * noise(*made.shape, seed=5)).sum(), varied)


@FORMATS
@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("shape", [(2, 16, 24), (1, 8, 8), (3, 9, 10), (2, 11, 7)])
def test_layers_give_what_plain_ones_give(
    name: str, shape: tuple[int, int, int], memory_format: torch.memory_format
) -> None:
    layer, plain = a_layer(name, memory_format)
    inputs = 6 if name == "doubling" else 5
    features = noise(shape[0], inputs, *shape[1:]).contiguous(memory_format=memory_format).requires_grad_()
    made, expected = layer(features), plain(layer, features)
    torch.testing.assert_close(made, expected, atol=1e-5, rtol=1e-5)
    varied = [features, *layer.parameters()]
    for one, other in zip(gradients(made, *varied), gradients(expected, *varied), strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-5)  # sums over up to a thousand pixels


@pytest.mark.bfloat16("Conv2d", "ConvTranspose2d")
@FORMATS
@pytest.mark.parametrize("name", LAYERS)
def test_layers_lose_no_more_in_bfloat16_than_plain_ones(name: str, memory_format: torch.memory_format) -> None:
    layer, plain = a_layer(name, memory_format)
    features = noise(2, 6 if name == "doubling" else 5, 16, 24).bfloat16().contiguous(memory_format=memory_format)
    features.requires_grad_()
    exact = plain(layer, features.float())
    exact_gradients = gradients(exact, features, *layer.parameters())
    with torch.autocast("cpu", torch.bfloat16):
        made, rough = layer(features), plain(layer, features)
    assert made.dtype == torch.bfloat16
    assert made.shape == exact.shape
    assert distance(made, exact) < 1.5 * distance(rough, exact) < 0.1
    for each, other in zip(gradients(made, features, *layer.parameters()), exact_gradients, strict=True):
        assert distance(each, other) < 0.02


def distance(made: Tensor, exact: Tensor) -> float:
    """The root mean square of the error, relative to that of what is exact."""
    return ((made.float() - exact.float()).norm() / exact.float().norm()).item()


def test_a_translator_is_the_one_that_its_weights_made_before() -> None:
    """With torch's own layers under the same names, as older versions had them."""
    translator = a_translator(blocks=2)
    before = as_before(translator)
    before.load_state_dict(translator.state_dict())
    assert {"begin.0.weight", "up.0.0.1.weight", "up.1.0.1.weight", "end.weight", "end.bias"} < set(before.state_dict())
    pictures = uniform(2, 3, 24, 32).requires_grad_()
    made, expected = translator(pictures), before(pictures)
    torch.testing.assert_close(made, expected, atol=1e-5, rtol=0)
    (one,), (other,) = gradients(made, pictures), gradients(expected, pictures)
    torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-3)


class TorchNorm(nn.Module):
    def forward(self, features: Tensor) -> Tensor:
        return instance_norm(features, eps=1e-5)


def as_before(network: nn.Module) -> nn.Module:
    """A copy with torch's layers in place of the fast ones."""
    network = copy.deepcopy(network)
    for name, layer in list(network.named_children()):
        if isinstance(layer, InstanceNorm):
            network.register_module(name, TorchNorm())
        elif isinstance(layer, Doubling):
            network.register_module(name, nn.Sequential(nn.Upsample(scale_factor=2.0), as_before(layer)[1]))
        elif isinstance(layer, ReflectedConvolution):
            sizes = layer.in_channels, layer.out_channels, layer.kernel_size[0]
            border = sizes[2] // 2
            plain = nn.Conv2d(*sizes, padding=border, padding_mode="reflect", bias=layer.bias is not None)
            network.register_module(name, plain)
        else:
            network.register_module(name, as_before(layer))
    return network


# The norm

SIDES = pytest.mark.parametrize("shape", [(3, 4, 5, 6), (2, 3, 16, 12), (1, 1, 16, 16), (2, 5, 1, 300)])
"""Both smaller and larger than ``FEW`` pixels."""


def features_of(shape: tuple[int, ...], memory_format: torch.memory_format) -> Tensor:
    return (3 * noise(*shape) + 2).contiguous(memory_format=memory_format)


def test_shapes_lie_on_both_sides_of_few_pixels() -> None:
    assert 5 * 6 < FEW < 16 * 12


@FORMATS
@SIDES
def test_norms_give_what_torchs_gives_and_keep_the_memory_format(
    shape: tuple[int, ...], memory_format: torch.memory_format
) -> None:
    features = features_of(shape, memory_format).requires_grad_()
    made, expected = InstanceNorm()(features), instance_norm(features, eps=1e-5)
    assert made.is_contiguous(memory_format=memory_format)
    torch.testing.assert_close(made, expected, atol=1e-5, rtol=0)
    (one,), (other,) = gradients(made, features), gradients(expected, features)
    torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


@FORMATS
@SIDES
def test_norms_can_be_differentiated_twice(shape: tuple[int, ...], memory_format: torch.memory_format) -> None:
    features = features_of(shape, memory_format).double().requires_grad_()
    assert torch.autograd.gradcheck(InstanceNorm(), features, fast_mode=True)
    assert torch.autograd.gradgradcheck(InstanceNorm(), features, fast_mode=True)


@pytest.mark.bfloat16
@FORMATS
@SIDES
def test_norms_lose_no_more_in_bfloat16_than_its_rounding(
    shape: tuple[int, ...], memory_format: torch.memory_format
) -> None:
    features = features_of(shape, memory_format).bfloat16().requires_grad_()
    exact = instance_norm(features.float(), eps=1e-5)
    with torch.autocast("cpu", torch.bfloat16):
        made = InstanceNorm()(features)
    assert made.dtype == torch.bfloat16
    assert distance(made, exact) < 0.005
    assert distance(*gradients(made, features), *gradients(exact, features)) < 0.02


@FORMATS
def test_penalties_through_a_discriminator_are_those_of_plain_layers(memory_format: torch.memory_format) -> None:
    torch.manual_seed(0)
    discriminator = PatchDiscriminator(channels=3, width=4, field="34").double()
    pictures = uniform(2, 3, 64, 48).double().contiguous(memory_format=memory_format).requires_grad_()
    both = discriminator, as_before(discriminator)
    penalties = [zero_centred(network(pictures), [pictures])[0] for network in both]
    torch.testing.assert_close(*penalties)
    ours, plain = (
        torch.autograd.grad(penalty, list(network.parameters()), allow_unused=True)
        for penalty, network in zip(penalties, both, strict=True)
    )
    assert sum(each is not None for each in ours) == sum(each is not None for each in plain) > 3
    for one, other in zip(ours, plain, strict=True):
        if other is not None:
            torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)
