"""Recipes for lines of text, each with the evidence for it. No torch in here."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from sparring.core.adversarial_recipe import WITH_CHANCES, AdversarialLossRecipe
from sparring.core.errors import UserError
from sparring.core.recipe import METRICS, setting
from sparring.core.schedules import Schedule, schedule

SETS = ("topics",)  # that data can name
ENDINGS = (".txt", ".tsv", ".csv", ".jsonl", ".ndjson", ".json")  # of files that hold nothing but text
ONLY_WITH = {
    "temperature": ("estimator", ("gumbel",)),
    "discount": ("estimator", ("policy",)),
}  # settings that have an effect only where another has one of these values


@dataclass(frozen=True, kw_only=True)
class TextRecipe(AdversarialLossRecipe):
    """A game in two acts on lines of text: likelihood first, then the adversary."""

    kind: ClassVar[str] = "text"
    only_with: ClassVar[Mapping[str, tuple[str, tuple[str, ...]]]] = ONLY_WITH

    labelled: str = setting("auto", "read labels where there are any", choices=("auto", "yes", "no"))
    text_column: str = setting("auto", "of a table: the name of the column that holds the text")
    label_column: str = setting("auto", "of a table: the name of the column that holds the label")
    unit: str = setting(
        "auto",
        "what a line is made of; auto: words, or characters where words have no spaces",
        choices=("auto", "word", "character", "bpe"),
    )
    vocabulary: int = setting(8000, "the most frequent units that are known", low=16, high=100_000)
    least_count: int = setting(2, "units seen less often than this are unknown", low=1, high=1000)
    lower: bool = setting(False, "in small letters")
    length: int = setting(32, "units of a line, at most; longer ones are cut", low=2, high=1024)

    generator: str = setting("lstm", "the network that writes", choices=("lstm", "memory", "transformer"))
    width: int = setting(256, "units of the generator's state", low=8, high=4096)
    layers: int = setting(1, "of the generator", low=1, high=24)
    embedding: int = setting(128, "length of a unit's vector, shared by what is read and what is written", low=4)
    dropout: float = setting(0.5, "in the generator, one mask a line at all of its places", low=0, high=0.9)
    discriminator_width: int = setting(64, "channels of the judge at each size of its windows", low=4, high=2048)
    discriminator_dropout: float = setting(0.25, "in the judge", low=0, high=0.9)

    pretrain_examples: int = setting(400_000, "examples of the first act, maximum likelihood, at most", low=0)
    pretrain_patience: int = setting(
        2,
        "times in a row that held-out lines were no likelier, which end the first act; each halves the step (0: never)",
        low=0,
        high=100,
    )
    discriminator_warmup: int = setting(
        5_000, "examples at the second act's beginning on which only the judge learns", low=0
    )
    estimator: str = setting("gumbel", "how the judge's opinion reaches the generator", choices=("gumbel", "policy"))
    temperature: Schedule = setting(
        schedule("1:0.2@100k"), "of the Gumbel softmax, by the second act's examples", above=0
    )
    discount: float = setting(0.9, "how much of the reward of the next unit counts for this one", low=0, high=1)
    mismatched_share: float = setting(
        0.3, "chance that the judge sees a fake's neighbour, if of another label, in its place", low=0, high=0.9
    )
    n_critic: int = setting(1, "judge's turns for each generator's turn in the second act", low=1, high=100)
    adversarial_rate: float = setting(0.1, "learning rate of the second act relative to the first", above=0, high=10)
    adversarial_weight: Schedule = setting(schedule(1.0), "weight of the judge's opinion in the second act", low=0)
    likelihood_weight: Schedule = setting(schedule(1.0), "weight of maximum likelihood beside it", low=0)

    metric: str = setting(
        "likelihood",
        "what the best weights are kept by: held-out lines, or a distance",
        choices=("likelihood", *METRICS),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.estimator == "policy" and self.objective not in WITH_CHANCES:
            raise UserError(
                f"objective: {self.objective} gives no chances, which policy gradients are paid by; use one of "
                f"{', '.join(WITH_CHANCES)}, or --estimator gumbel"
            )
        if self.width % 8:
            raise UserError(f"width: {self.width} is not a multiple of 8; choose {self.width // 8 * 8 + 8}")


text = TextRecipe(
    name="text",
    about="lines of text, each on a topic or in a style where they have labels; two acts, made for two CPU cores",
    batch=64,
    steps=20_000,
    learning_rate=schedule(4e-3),
    beta1=0.9,
    beta2=schedule(0.999),
    clip_gradients=1.0,
    objective="non-saturating",
    r1=schedule(1.0),
    r2=schedule(0.0),
    average_half_life=schedule("0:5k@50k"),
    held_out=2000,
    measure_every=10_000,
)

text_policy = dataclasses.replace(
    text,
    name="text-policy",
    about="the same with policy gradients from a judge of every unit (de Masson d'Autume et al. 2019)",
    estimator="policy",
    r1=schedule(0.0),
)

topics = dataclasses.replace(
    text,
    name="topics",
    about="requests on six topics, from a grammar that Sparring draws them from: the exact probabilities are known",
    data="topics",
)

RECIPES = {recipe.name: recipe for recipe in (text, text_policy, topics)}
