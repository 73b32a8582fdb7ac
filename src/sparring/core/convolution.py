"""Convolutions that compute PyTorch's numbers, up to rounding, in a cheaper way.

Gradient penalties differentiate twice. PyTorch's second derivative of a convolution transposes and copies its operands;
here the gradient with respect to the input is a transposed convolution like any other, whose derivatives are
convolutions again. And a transposed convolution to one channel, which leaves most of a CPU's vectors empty, is a matrix
product there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, fold

only_inputs = False  # whether a backward pass that is under way asks for the gradients of inputs alone


@contextmanager
def gradients_of_inputs() -> Iterator[None]:
    """Inside, backward passes compute no gradient of any :class:`Conv2d`'s weights, only those of its input."""
    global only_inputs
    before, only_inputs = only_inputs, True
    try:
        yield
    finally:
        only_inputs = before


class Geometry(NamedTuple):
    """How a convolution moves over its input: steps, zeros around it, distance of taps, by height and width."""

    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int

    @classmethod
    def of(cls, layer: nn.Conv2d | nn.ConvTranspose2d) -> Geometry:
        """The geometry of a layer whose padding is in numbers."""
        assert not isinstance(layer.padding, str)
        return cls(layer.stride, layer.padding, layer.dilation, layer.groups)

    def least(self, weight: Tensor, axis: int, steps: int) -> int:
        """The fewest rows (``axis`` 0) or columns (1) from which a convolution by ``weight`` ``(outputs, inputs,
        height, width)`` makes so many."""
        reach = self.dilation[axis] * (weight.shape[2 + axis] - 1) + 1
        return (steps - 1) * self.stride[axis] - 2 * self.padding[axis] + reach


class Conv2d(nn.Conv2d):
    """``torch.nn.Conv2d`` with numbers as padding, ``(batch, channels, height, width)``, made to be differentiated
    twice."""

    def forward(self, input: Tensor) -> Tensor:
        """Inputs ``(batch, channels, height, width)`` to ``(batch, channels, height, width)``."""
        dtype, bias = autocast_dtype(input), self.bias
        operands = input.to(dtype), self.weight.to(dtype), None if bias is None else bias.to(dtype)
        output: Tensor = Convolution.apply(*operands, Geometry.of(self))  # type: ignore[no-untyped-call]
        return output


class ConvTranspose2d(nn.ConvTranspose2d):
    """``torch.nn.ConvTranspose2d``, ``(batch, channels, height, width)``, quick to one channel."""

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Inputs ``(batch, channels, height, width)`` to ``(batch, channels, height, width)``."""
        if output_size is not None or not is_to_one_channel(input, self.weight, self.groups):
            return super().forward(input, output_size)
        geometry, dtype = Geometry.of(self), autocast_dtype(input)
        size = [geometry.least(self.weight, axis, input.shape[2 + axis]) + self.output_padding[axis] for axis in (0, 1)]
        output = to_one_channel(input.to(dtype), self.weight.to(dtype), geometry, size)
        return output if self.bias is None else output + self.bias.to(dtype)


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
        geometry = context.geometry
        of_input, of_weight, of_bias, _ = context.needs_input_grad
        first = gradient_of_input(gradient, input, weight, geometry) if of_input else None
        if only_inputs or not (of_weight or of_bias):
            return first, None, None, None
        stride, padding, dilation, groups = geometry
        wanted = [False, of_weight, of_bias]
        _, second, third = torch.ops.aten.convolution_backward(
            gradient, input, weight, [len(weight)], stride, padding, dilation, False, [0, 0], groups, wanted
        )
        return first, second, third, None


def gradient_of_input(gradient: Tensor, input: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
    """The gradient ``(batch, channels, height, width)`` with respect to ``input`` from that of the output, as one
    transposed convolution."""
    if is_to_one_channel(gradient, weight, geometry.groups):
        return to_one_channel(gradient, weight, geometry, list(input.shape[2:]))
    uncovered = [  # rows and columns at the end of the input that no step of the convolution came to
        input.shape[2 + axis] - geometry.least(weight, axis, gradient.shape[2 + axis]) for axis in (0, 1)
    ]
    stride, padding, dilation, groups = geometry
    return conv_transpose2d(gradient, weight, None, stride, padding, uncovered, groups, dilation)


def is_to_one_channel(input: Tensor, weight: Tensor, groups: int) -> bool:
    """Whether a transposed convolution by ``weight`` ``(inputs, outputs, height, width)`` has one output, on a CPU."""
    return weight.shape[1] * groups == 1 and input.device.type == "cpu"


def to_one_channel(input: Tensor, weight: Tensor, geometry: Geometry, size: list[int]) -> Tensor:
    """A transposed convolution of inputs ``(batch, inputs, height, width)`` by ``weight`` ``(inputs, 1, height,
    width)`` to ``(batch, 1, *size)``: what each pixel of the input adds to a patch is a matrix product, patches are
    summed where they overlap, in float32 at least. A quarter of the time of PyTorch's own."""
    batch, inputs = input.shape[:2]
    added = input.permute(0, 2, 3, 1).reshape(-1, inputs) @ weight.flatten(1)
    patches = added.view(batch, -1, added.shape[1]).transpose(1, 2)
    exact = patches.float() if patches.dtype == torch.bfloat16 else patches
    summed = fold(exact, tuple(size), weight.shape[2:], geometry.dilation, geometry.padding, geometry.stride)
    return summed.to(input.dtype)


def autocast_dtype(input: Tensor) -> torch.dtype:
    """The type that autocast runs convolutions in on the input's device; that of the ``input`` of any shape outside."""
    kind = input.device.type
    if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
        return torch.get_autocast_dtype(kind)
    return input.dtype
