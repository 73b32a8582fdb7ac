"""Penalties on the discriminator's gradient with respect to its input.

Each returns a scalar in float32 that can be differentiated once more. Inputs are ``(batch, ...)``, logits
``(batch,)``; the squared norm is a sum over all but the first axis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from sparring.core.convolution import gradients_of_inputs

Discriminator = Callable[[Tensor], Tensor]


def squared_gradient(logits: Tensor, inputs: Tensor) -> Tensor:
    """||d logit / d input||^2 of each example, shape ``(batch,)``; ``inputs`` must require grad."""
    return squared_gradients(logits, [inputs])[0]


def squared_gradients(logits: Tensor, inputs: Sequence[Tensor]) -> list[Tensor]:
    """||d logit / d input||^2 of each example, ``(batch,)`` for each of several ``inputs`` ``(batch, ...)``; ``logits``
    ``(batches * batch, ...)`` are of all of them, so one backward pass serves all."""
    with gradients_of_inputs():
        gradients = torch.autograd.grad(logits.float().sum(), inputs, create_graph=True)
    return [gradient.float().square().flatten(1).sum(1) for gradient in gradients]


def zero_centred(logits: Tensor, inputs: Sequence[Tensor]) -> list[Tensor]:
    """E[||grad D||^2] / 2 at each batch of ``inputs`` ``(batch, ...)``, scalars, in one backward pass; ``logits``
    ``(batches * batch, ...)`` are of all of them.

    On real inputs this is R1 (Mescheder et al. 2018, eq. 9), on generated ones R2 (eq. 10).
    """
    return [squares.mean() / 2 for squares in squared_gradients(logits, inputs)]


def one_centred(discriminator: Discriminator, inputs: Tensor) -> Tensor:
    """E[(||grad D|| - 1)^2] at ``inputs`` ``(batch, ...)``, a scalar."""
    inputs = inputs.detach().requires_grad_()
    norm = (squared_gradient(discriminator(inputs), inputs) + 1e-12).sqrt()  # sqrt has no slope at 0
    return (norm - 1).square().mean()


def wgan_gp(discriminator: Discriminator, real: Tensor, fake: Tensor, uniform: Tensor) -> Tensor:
    """The gradient penalty between pairs (Gulrajani et al. 2017, eq. 3).

    ``uniform``, shape ``(batch,)`` in [0, 1], places each point on the line from its fake to its real.
    """
    share = uniform.reshape(-1, *[1] * (real.ndim - 1))
    return one_centred(discriminator, fake + share * (real - fake))


def dragan(discriminator: Discriminator, real: Tensor, noise: Tensor) -> Tensor:
    """The gradient penalty around the data (Kodali et al. 2017, section 2.3).

    ``noise``, the shape of ``real`` and uniform in [0, 1), is scaled by half the batch's standard deviation.
    """
    return one_centred(discriminator, real + 0.5 * real.std() * noise)
