"""The convolution that is cheap to differentiate twice, against PyTorch's own and against finite differences."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sparring.core.convolution import Conv2d, ConvTranspose2d, gradients_of_inputs
from sparring.core.penalties import zero_centred

SHAPES: list[tuple[dict[str, Any], tuple[int, int]]] = [
    ({"kernel_size": 4, "stride": 2, "padding": 1}, (7, 6)),
    ({"kernel_size": 4, "stride": 2, "padding": 1, "bias": False}, (5, 8)),
    ({"kernel_size": 3, "padding": (1, 0), "groups": 2}, (5, 4)),
    ({"kernel_size": (3, 2), "stride": (3, 2), "dilation": (1, 2)}, (8, 7)),
    ({"in_channels": 1, "kernel_size": 4, "stride": 2, "padding": 1}, (7, 6)),
    ({"in_channels": 1, "kernel_size": (3, 2), "stride": (3, 2), "dilation": (1, 2)}, (8, 7)),
]


def pair(settings: dict[str, Any], **options: Any) -> tuple[Conv2d, nn.Conv2d]:
    """Ours and PyTorch's, with the same weights."""
    torch.manual_seed(0)
    chosen = {"in_channels": 2, "out_channels": 4, **settings, **options}
    plain, ours = nn.Conv2d(**chosen), Conv2d(**chosen)
    ours.load_state_dict(plain.state_dict())
    return ours, plain


def penalised(layer: nn.Module, images: Tensor) -> list[Tensor]:
    """What a loss with R1 gives every weight: a value and gradients of gradients."""
    images = images.clone().requires_grad_()
    logits = layer(images).float().tanh().flatten(1).sum(1)
    loss = logits.square().mean() + zero_centred(logits, [images])[0]
    return [loss.detach(), *torch.autograd.grad(loss, list(layer.parameters()))]


@pytest.mark.parametrize(("settings", "size"), SHAPES)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_loss_with_r1_and_its_gradients_are_those_of_pytorchs_convolution(
    settings: dict[str, Any], size: tuple[int, int], layout: torch.memory_format
) -> None:
    ours, plain = pair(settings)
    images = torch.randn(3, ours.in_channels, *size).contiguous(memory_format=layout)
    torch.testing.assert_close(ours(images), plain(images))
    torch.testing.assert_close(penalised(ours, images), penalised(plain, images), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("settings", "size"), SHAPES)
@pytest.mark.parametrize("of_inputs", [False, True])
def test_second_derivatives_are_those_of_finite_differences(
    settings: dict[str, Any], size: tuple[int, int], of_inputs: bool
) -> None:
    layer, _ = pair(settings, dtype=torch.float64)
    names = [name for name, _ in layer.named_parameters()]

    def slope(images: Tensor, *weights: Tensor) -> Tensor:
        output = torch.func.functional_call(layer, dict(zip(names, weights, strict=True)), (images,))
        if not of_inputs:
            return output
        with gradients_of_inputs():
            return torch.autograd.grad(output.tanh().sum(), images, create_graph=True)[0]

    inputs = torch.randn(2, layer.in_channels, *size, dtype=torch.float64, requires_grad=True), *layer.parameters()
    check = torch.autograd.gradcheck if of_inputs else torch.autograd.gradgradcheck
    assert check(slope, inputs)


def test_weights_get_no_gradient_where_only_those_of_inputs_are_asked_for() -> None:
    layer, _ = pair(SHAPES[0][0])
    images = torch.randn(3, 2, 8, 8, requires_grad=True)
    with gradients_of_inputs():
        layer(images).sum().backward()
    assert images.grad is not None
    assert all(weight.grad is None for weight in layer.parameters())
    layer(images).sum().backward()
    assert all(weight.grad is not None for weight in layer.parameters())


def test_in_bfloat16_it_rounds_as_pytorchs_convolution_does() -> None:
    ours, plain = pair(SHAPES[0][0])
    images = torch.randn(3, 2, 8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        expected, output = plain(images), ours(images)
    assert output.dtype == torch.bfloat16
    assert torch.equal(output, expected)
    assert all(weight.dtype == torch.float32 for weight in ours.parameters())


GROWING: list[dict[str, Any]] = [
    {"kernel_size": 4, "stride": 2, "padding": 1},
    {"kernel_size": (3, 4), "stride": (2, 3), "output_padding": (1, 0), "bias": False},
    {"kernel_size": 3, "dilation": 2, "padding": 2},
    {"kernel_size": 4, "stride": 2, "padding": 1, "out_channels": 3},
]


@pytest.mark.parametrize("settings", GROWING)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_transposed_convolution_and_its_gradients_are_those_of_pytorch(
    settings: dict[str, Any], layout: torch.memory_format
) -> None:
    torch.manual_seed(0)
    chosen = {"in_channels": 5, "out_channels": 1, **settings}
    plain, ours = nn.ConvTranspose2d(**chosen), ConvTranspose2d(**chosen)
    ours.load_state_dict(plain.state_dict())
    features = torch.randn(3, 5, 4, 6).contiguous(memory_format=layout)
    torch.testing.assert_close(ours(features), plain(features), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(penalised(ours, features), penalised(plain, features), rtol=1e-5, atol=1e-5)


def test_a_transposed_convolution_in_bfloat16_is_nearly_as_near_to_float32_as_pytorchs() -> None:
    torch.manual_seed(0)
    layer = ConvTranspose2d(64, 1, 4, stride=2, padding=1)
    features = torch.randn(8, 64, 7, 7)
    exact = layer(features)
    with torch.autocast("cpu", torch.bfloat16):
        ours, torchs = layer(features), nn.ConvTranspose2d.forward(layer, features)
    assert ours.dtype == torchs.dtype == torch.bfloat16
    assert (ours - exact).square().mean() <= 2 * (torchs - exact).square().mean()
