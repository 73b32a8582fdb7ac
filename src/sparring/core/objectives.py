"""What the two players want: losses on logits, each by its field's name.

Every function takes logits of shape ``(batch,)`` and returns a scalar, computed in float32 whatever the
precision of the networks. ``OBJECTIVES`` is the whole list: a new objective is one pair of functions and one
line there, or an :class:`Objective` of the caller's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from sparring.core.errors import UserError
from sparring.core.own import part_called


@dataclass(frozen=True)
class Objective:
    """A pair of losses.

    ``discriminator(real, fake, real_target, fake_target)``: the targets, ``(batch,)`` in [0, 1], are 1 and 0
    unless labels are smoothed or made noisy; objectives without targets (``has_targets`` is False) ignore them.
    ``generator(fake, real)``: ``real`` is looked at only where ``pairs`` is True.
    ``boundary``: the logit at which the discriminator is undecided; None where only differences mean anything.
    """

    discriminator: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor], Tensor]
    boundary: float | None = 0.0
    has_targets: bool = False
    pairs: bool = False


def cross_entropy(real: Tensor, fake: Tensor, real_target: Tensor, fake_target: Tensor) -> Tensor:
    """-E[log D(x)] - E[log(1 - D(G(z)))], D = sigmoid(logit) (Goodfellow et al. 2014, eq. 1), with
    targets; logits and targets ``(batch,)``, a scalar."""
    on_real = binary_cross_entropy_with_logits(real.float(), real_target.float())
    return on_real + binary_cross_entropy_with_logits(fake.float(), fake_target.float())


def saturating(fake: Tensor, real: Tensor) -> Tensor:
    """E[log(1 - D(G(z)))]: the generator's side of the minimax game (Goodfellow et al. 2014, eq. 1); logits
    ``(batch,)``, a scalar."""
    return -softplus(fake.float()).mean()


def non_saturating(fake: Tensor, real: Tensor) -> Tensor:
    """-E[log D(G(z))] (Goodfellow et al. 2014, section 3): the same fixed point, stronger gradients early;
    logits ``(batch,)``, a scalar."""
    return softplus(-fake.float()).mean()


def least_squares(real: Tensor, fake: Tensor, real_target: Tensor, fake_target: Tensor) -> Tensor:
    """E[(D(x) - 1)^2]/2 + E[D(G(z))^2]/2 (Mao et al. 2017, eq. 9), with targets in place of 1 and 0; logits and
    targets ``(batch,)``, a scalar."""
    return ((real.float() - real_target).square().mean() + (fake.float() - fake_target).square().mean()) / 2


def least_squares_generator(fake: Tensor, real: Tensor) -> Tensor:
    """E[(D(G(z)) - 1)^2]/2 (Mao et al. 2017, eq. 9); logits ``(batch,)``, a scalar."""
    return (fake.float() - 1).square().mean() / 2


def hinge(real: Tensor, fake: Tensor, real_target: Tensor, fake_target: Tensor) -> Tensor:
    """E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))] (Lim & Ye 2017; Miyato et al. 2018, eq. 16); logits
    ``(batch,)``, a scalar."""
    return (1 - real.float()).relu().mean() + (1 + fake.float()).relu().mean()


def critic(real: Tensor, fake: Tensor, real_target: Tensor, fake_target: Tensor) -> Tensor:
    """E[D(G(z))] - E[D(x)] (Arjovsky et al. 2017, eq. 2, negated to be minimised); logits ``(batch,)``, a scalar."""
    return fake.float().mean() - real.float().mean()


def raise_logits(fake: Tensor, real: Tensor) -> Tensor:
    """-E[D(G(z))]: the generator of the Wasserstein and hinge games (Miyato et al. 2018, eq. 17); logits
    ``(batch,)``, a scalar."""
    return -fake.float().mean()


def relativistic(real: Tensor, fake: Tensor, real_target: Tensor, fake_target: Tensor) -> Tensor:
    """E[softplus(D(G(z)) - D(x))]: each real against its fake (Jolicoeur-Martineau 2018; Huang et al. 2024, eq. 2);
    logits ``(batch,)``, a scalar."""
    return softplus(fake.float() - real.float()).mean()


def relativistic_generator(fake: Tensor, real: Tensor) -> Tensor:
    """E[softplus(D(x) - D(G(z)))]: each real against its fake, with the sign turned; logits ``(batch,)``, a
    scalar."""
    return softplus(real.float() - fake.float()).mean()


OBJECTIVES = {
    "minimax": Objective(cross_entropy, saturating, has_targets=True),
    "non-saturating": Objective(cross_entropy, non_saturating, has_targets=True),
    "least-squares": Objective(least_squares, least_squares_generator, boundary=0.5, has_targets=True),
    "hinge": Objective(hinge, raise_logits),
    "wasserstein": Objective(critic, raise_logits, boundary=None),
    "relativistic": Objective(relativistic, relativistic_generator, boundary=None, pairs=True),
}


def objective_called(name: str) -> Objective:
    """The objective of that name, one of ``OBJECTIVES`` or the caller's own. Raises :class:`UserError` for one that was
    not allowed, or is none."""
    if name in OBJECTIVES:
        return OBJECTIVES[name]
    found = part_called(name)
    if not isinstance(found, Objective):
        raise UserError(f"objective: {name} is a {type(found).__name__}, not an Objective of sparring's")
    return found
