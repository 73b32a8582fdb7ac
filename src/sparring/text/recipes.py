"""Recipes for lines of text, each with the evidence for it. No torch in here."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

from sparring.core.adversarial_recipe import WITH_LOG_ODDS, AdversarialLossRecipe
from sparring.core.errors import UserError
from sparring.core.recipe import HEAVIEST, METRICS, MOST
from sparring.core.schedules import Schedule, schedule
from sparring.core.settings import setting, settings
from sparring.modality import Entry
from sparring.options import SampleOptions

TOKENS = 100_000  # of a vocabulary, at most
LENGTH = 1024  # tokens of a line, at most
SETS = ("topics",)  # that data can name
ENDINGS = (".txt", ".tsv", ".csv", ".jsonl", ".ndjson", ".json")  # of files that hold nothing but text
ONLY_WITH = {"temperature": ("estimator", ("gumbel",)), "discount": ("estimator", ("policy",))}


@settings
class TextRecipe(AdversarialLossRecipe):
    """A game on lines of text: the generator is pretrained by maximum likelihood, then plays against a
    discriminator."""

    kind: ClassVar[str] = "text"
    only_with: ClassVar[Mapping[str, tuple[str, tuple[str, ...]]]] = ONLY_WITH
    renamed: ClassVar[Mapping[str, str]] = {
        **AdversarialLossRecipe.renamed, "unit": "token", "first_act": "pretrain_examples",
        "misses": "pretrain_patience", "judge_first": "discriminator_warmup", "second_rate": "adversarial_rate",
        "adversary": "adversarial_weight", "mismatched": "mismatched_share", "likelihood": "likelihood_weight",
        "judge_width": "discriminator_width", "judge_dropout": "discriminator_dropout",
    }  # fmt: skip

    labelled: str = setting("auto", "read labels where there are any", "data", choices=("auto", "yes", "no"))
    text_column: str = setting("auto", "of a table: the name of the column that holds the text", "data")
    label_column: str = setting("auto", "of a table: the name of the column that holds the label", "data")
    token: str = setting(
        "auto", "what a line is cut into; auto: words, or characters where words have no spaces", "data",
        choices=("auto", "word", "character", "bpe"),
    )  # fmt: skip
    vocabulary: int = setting(8000, "the most frequent tokens that are known", "data", low=16, high=TOKENS)
    least_count: int = setting(2, "tokens seen less often than this are unknown", "data", low=1, high=1000)
    lower: bool = setting(False, "in small letters", "data")
    length: int = setting(32, "tokens of a line, at most; longer ones are cut", "data", low=2, high=LENGTH, common=True)

    generator: str = setting(
        "lstm", "the generator's network", "network", choices=("lstm", "memory", "transformer"),
    )  # fmt: skip
    width: int = setting(256, "units of the generator's hidden state", "network", low=8, high=4096, common=True)
    layers: int = setting(1, "layers of the generator", "network", low=1, high=24)
    embedding: int = setting(
        128, "length of a token's embedding, shared by the generator's input and output", "network", low=4, high=4096
    )
    discriminator_width: int = setting(
        64, "channels of the discriminator at each size of its windows", "network", low=4, high=2048
    )
    dropout: float = setting(
        0.5, "dropout in the generator, one mask a line at all of its positions", "regularisation", low=0, high=0.9
    )
    discriminator_dropout: float = setting(0.25, "dropout in the discriminator", "regularisation", low=0, high=0.9)

    pretrain_examples: int = setting(
        400_000, "examples of pretraining, by maximum likelihood, at most", "budget", low=0, high=MOST, common=True
    )
    pretrain_patience: int = setting(
        2, "measurements in a row without a likelier held-out line that end pretraining; each of them halves the "
        "learning rate (0: never)", "budget", low=0, high=100,
    )  # fmt: skip
    discriminator_warmup: int = setting(
        5_000, "examples at the beginning of the adversarial phase on which the discriminator learns alone",
        "optimiser", low=0, high=MOST,
    )  # fmt: skip
    n_critic: int = setting(
        1, "discriminator turns for each generator turn in the adversarial phase", "optimiser", low=1, high=100
    )
    adversarial_rate: float = setting(
        0.1, "the generator's learning rate in the adversarial phase, relative to pretraining", "optimiser", above=0,
        high=10,
    )  # fmt: skip

    estimator: str = setting(
        "gumbel", "how gradients reach the generator through its choice of tokens", "loss",
        choices=("gumbel", "policy"),
    )  # fmt: skip
    temperature: Schedule = setting(
        schedule("1:0.2@100k"),
        "of the Gumbel softmax, by examples of the adversarial phase",
        "loss",
        above=0,
        high=1000,
    )
    discount: float = setting(0.9, "weight of the next token's reward in the return of this one", "loss", low=0, high=1)
    mismatched_share: float = setting(
        0.3, "share of generated lines in whose place the discriminator is shown a real line of another label, as fake",
        "loss", low=0, high=0.9,
    )  # fmt: skip
    adversarial_weight: Schedule = setting(
        schedule(1.0),
        "weight of the generator's adversarial loss in the adversarial phase",
        "loss",
        low=0,
        high=HEAVIEST,
    )
    likelihood_weight: Schedule = setting(
        schedule(1.0), "weight of maximum likelihood beside the adversarial loss", "loss", low=0, high=HEAVIEST
    )

    metric: str = setting(
        "likelihood", "by what the best weights are kept: the likelihood of held-out lines, or a distance",
        "measuring", choices=("likelihood", *METRICS),
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.estimator == "policy" and self.objective not in WITH_LOG_ODDS:
            raise UserError(
                f"objective: {self.objective} gives no log odds, which policy gradients are rewarded by; use one of "
                f"{', '.join(WITH_LOG_ODDS)}, or --estimator gumbel"
            )
        if self.width % 8:
            raise UserError(f"width: {self.width} is not a multiple of 8; choose {self.width // 8 * 8 + 8}")


@settings
class TextSampleOptions(SampleOptions):
    """What ``sparring sample`` can be asked for of text."""

    temperature: float = setting(
        1.0, "below 1 likelier tokens, 0 the likeliest alone, above 1 rarer ones", low=0, high=10
    )
    top_p: float = setting(
        1.0, "choose among the likeliest tokens that make up this probability together", above=0, high=1
    )
    prompt: str = setting("", "the beginning of every line")


text = TextRecipe(
    name="text",
    about="lines of text, each on a topic or in a style where they have labels; made for two CPU cores",
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
    about="the same with policy gradients from a discriminator of every token (de Masson d'Autume et al. 2019)",
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

ENTRY = Entry(
    TextRecipe, RECIPES, SETS, ENDINGS, "sparring.text.modality:Text", options={"sample": TextSampleOptions},
    use="sample {run} -n 20", task="text-generation",
)  # fmt: skip
