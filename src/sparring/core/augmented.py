"""The two-player game whose discriminator sees all examples, real and generated, through the same random changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from sparring.core.adversarial import AdversarialGame
from sparring.core.adversarial_loss import Augment
from sparring.core.adversarial_recipe import AugmentedRecipe
from sparring.core.game import Event, Step

Adaptive = Callable[[Tensor, float, Step], Tensor]
"""Changes each of examples ``(batch, ...)`` with a probability in [0, 1]; by 0 it returns them as they are."""


class AugmentedGame(AdversarialGame):
    """Examples are shown after ``always`` with ``augment=diff`` (Zhao et al. 2020), after ``adaptive`` with
    ``augment=ada`` (Karras et al. 2020): both can be differentiated twice."""

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        recipe: AugmentedRecipe,
        *,
        always: Augment,
        adaptive: Adaptive,
        classes: int = 0,
    ) -> None:
        super().__init__(generator, discriminator, recipe, classes=classes, augment=self.augmented)
        self.augmentation, self.always, self.adaptive = recipe, always, adaptive
        self.adapts = recipe.augment == "ada"
        self.probability = AdaptiveProbability(recipe.augment_target, recipe.augment_limit.highest)

    def augmented(self, examples: Tensor, step: Step) -> Tensor:
        """What the discriminator is shown of examples ``(batch, ...)``, real or generated."""
        if self.augmentation.augment == "diff":
            return self.always(examples, step)
        if not self.adapts:
            return examples
        strength = self.strength(step.examples_seen)
        step.report["augment/probability"] = examples.new_tensor(strength)
        return self.adaptive(examples, strength, step)

    def strength(self, examples_seen: int) -> float:
        """The probability with which each of ADA's augmentations is applied."""
        limit = self.augmentation.augment_limit(examples_seen)
        return limit if self.augmentation.augment_fixed else min(self.probability.p, limit)

    def observe(self, means: Mapping[str, float], examples: int) -> Event | None:
        """ADA's controller: more augmentation while the discriminator is too sure of the real examples. Measurements,
        which come with 0 ``examples``, do not move it."""
        if self.adapts and not self.augmentation.augment_fixed and examples:
            self.probability.update(2 * means["accuracy/real"] - 1, examples)
        return None

    def state(self) -> dict[str, float | Tensor]:
        """ADA's probability, a scalar called ``augment_p``; empty where nothing adapts."""
        return {"augment_p": self.probability.p} if self.adapts else {}

    def load_state(self, state: Mapping[str, float | Tensor]) -> None:
        """Take back the scalar that :meth:`state` gave."""
        if self.adapts:
            self.probability.p = float(state["augment_p"])


class AdaptiveProbability:
    """ADA's controller (Karras et al. 2020, section 3.2): p rises while the discriminator is surer of real examples
    than ``target``.

    The measure is r_t = E[sign(D(real))], for relativistic objectives the sign against the mean fake, since
    their logits have no zero. p moves by 1 within ``SPEED`` examples and never above ``highest``.
    """

    SPEED = 500_000

    def __init__(self, target: float = 0.6, highest: float = 1.0) -> None:
        self.target, self.highest = target, highest
        self.p = 0.0

    def update(self, sign_mean: float, examples: int) -> None:
        """Take in the mean sign over the last ``examples`` examples."""
        step = examples / self.SPEED
        self.p = min(max(self.p + (step if sign_mean > self.target else -step), 0.0), self.highest)
