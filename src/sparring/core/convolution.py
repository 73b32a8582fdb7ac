"""A convolution whose gradient with respect to its input is cheap to differentiate once more.

Gradient penalties differentiate twice. PyTorch's second derivative of a convolution transposes and copies its operands;
here the gradient with respect to the input is a transposed convolution like any other, whose derivatives are
convolutions again. The numbers are the same up to rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d

only_inputs = False  # whether a backward pass that is under way asks for the gradients of inputs alone


@contextmanager
def gradients_of_inputs() -> Iterator[None]:
    """Inside, backward passes compute no gradient of any :class:`Conv2d`'s weights, only those of its input."""
    global only_inputs
    only_inputs = True
    try:
        yield
    finally:
        only_inputs = False


class Geometry(NamedTuple):
    """How a convolution moves over its input: steps, zeros around it, distance of taps, by height and width."""

    stride: list[int]
    padding: list[int]
    dilation: list[int]
    groups: int


class Conv2d(nn.Conv2d):
    """``torch.nn.Conv2d`` with numbers as padding, ``(batch, channels, height, width)``, made to be differentiated
    twice."""

    def forward(self, input: Tensor) -> Tensor:
        """Inputs ``(batch, channels, height, width)`` to ``(batch, channels, height, width)``."""
        weight, bias, kind = self.weight, self.bias, input.device.type
        if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
            dtype = torch.get_autocast_dtype(kind)
            input, weight, bias = input.to(dtype), weight.to(dtype), None if bias is None else bias.to(dtype)
        assert not isinstance(self.padding, str)
        geometry = Geometry(list(self.stride), list(self.padding), list(self.dilation), self.groups)
        output: Tensor = Convolution.apply(input, weight, bias, geometry)  # type: ignore[no-untyped-call]
        return output


class Convolution(torch.autograd.Function):
    """The operation of :class:`Conv2d`."""

    @staticmethod
    def forward(context: Any, input: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
        """Inputs ``(batch, channels, height, width)`` to ``(batch, channels, height, width)``."""
        context.save_for_backward(input, weight)
        context.geometry = geometry
        return conv2d(input, weight, bias, *geometry)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of input, weight and bias, of their shapes, from that of the output ``(batch, channels, height,
        width)``."""
        input, weight = context.saved_tensors
        geometry, wanted = context.geometry, context.needs_input_grad
        if only_inputs:
            return gradient_of_input(gradient, input, weight, geometry) if wanted[0] else None, None, None, None
        stride, padding, dilation, groups = geometry
        gradients = torch.ops.aten.convolution_backward(
            gradient, input, weight, [len(weight)], stride, padding, dilation, False, [0, 0], groups, wanted[:3]
        )
        return *gradients, None


def gradient_of_input(gradient: Tensor, input: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
    """The gradient ``(batch, channels, height, width)`` with respect to ``input`` from that of the output, as one
    transposed convolution."""
    stride, padding, dilation, groups = geometry
    uncovered = [  # rows and columns at the end of the input that no step of the convolution came to
        input.shape[2 + axis]
        - ((gradient.shape[2 + axis] - 1) * stride[axis] - 2 * padding[axis])
        - (dilation[axis] * (weight.shape[2 + axis] - 1) + 1)
        for axis in (0, 1)
    ]
    return conv_transpose2d(gradient, weight, None, stride, padding, uncovered, groups, dilation)
