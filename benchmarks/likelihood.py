"""Do the bounds of a likelihood hold, and how tight are they? Annealed importance sampling of decoders.

    python benchmarks/likelihood.py MNIST [--quick] [--seed 0] [--chains 8] [--distributions 4000]

First linear decoders, whose likelihood is known: 10 latents, 64 numbers, noise of variance 0.025, 5,000 distributions,
64 examples simulated by each of three decoders. Then MNIST: a lean generator of width 16 is trained without labels for
6,000 steps, and what `sparring evaluate --likelihood` computes is computed: the variance of the noise chosen on 8
test digits, bounds of 16 others and of 8 simulated ones. CPU seconds are of this process, with one thread.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import machine
import numpy as np
import torch
from classifier import real_digits

import sparring
from sparring.images.bounds import decoder_of
from sparring.images.data import open_source
from sparring.images.game import ImageGame
from sparring.images.recipes import images
from sparring.probability.annealing import Annealing, Sampler
from sparring.probability.histogram import Histograms
from sparring.probability.likelihood import (
    CHOSEN_ON,
    REPORTED,
    Real,
    bits_per_dimension,
    ceiling,
    dequantised,
    measure,
    simulate,
)

LATENT, NUMBERS, VARIANCE, EXAMPLES = 10, 64, 0.025, 64
DISTRIBUTIONS = 5_000  # of the linear decoders


def linear(seed: int, annealing: Annealing) -> dict[str, Any]:
    """How far the bounds of one linear decoder's examples are from their exact log-likelihoods, in nats."""
    random = torch.Generator().manual_seed(seed)
    weight = torch.randn(NUMBERS, LATENT, generator=random) / LATENT**0.5
    like = torch.zeros(EXAMPLES, NUMBERS)

    def decode(latents: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
        examples: torch.Tensor = latents @ weight.T
        return examples

    began = time.process_time()
    latents, examples = simulate(decode, like, LATENT, VARIANCE, seed)
    sampler = Sampler(decode, examples, LATENT, VARIANCE, annealing, seed, lambda line: None)
    lower, upper = sampler.lower(), sampler.upper(latents)
    covariance = weight.double() @ weight.double().T + VARIANCE * torch.eye(NUMBERS, dtype=torch.float64)
    normal = torch.distributions.MultivariateNormal(torch.zeros(NUMBERS, dtype=torch.float64), covariance)
    exact = normal.log_prob(examples.double())  # type: ignore[no-untyped-call]
    below, above = lower.nats - exact, upper.nats - exact
    return {
        "seed": seed,
        "exact": exact.mean().item(),
        **{f"{name} - exact": each.mean().item() for name, each in (("lower", below), ("upper", above))},
        **{f"{name} error": error(each) for name, each in (("lower", below), ("upper", above))},
        "inside": ((below <= 0) & (above >= 0)).double().mean().item(),
        "within 0.2": ((below <= 0.2) & (above >= -0.2)).double().mean().item(),
        "effective": lower.effective.mean().item(),
        "acceptance": lower.acceptance,
        "cpu seconds": time.process_time() - began,
    }


def error(values: torch.Tensor) -> float:
    """The standard error of the mean of ``values`` ``(n,)``."""
    return float(values.std() / len(values) ** 0.5)


def of_mnist(mnist: Path, seed: int, annealing: Annealing, quick: bool) -> dict[str, Any]:
    """The likelihood of test digits under a generator that is trained here, and what it cost."""
    recipe = images.changed({"data": str(mnist), "seed": seed, "width": 16, "labelled": "no", "time": 0})
    recipe = recipe.changed({"steps": 20 if quick else 6_000, "learning_rate": "2e-3:2e-4@200k", "sample_every": "1h"})
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        model = sparring.load(sparring.train(recipe, out=Path(folder) / "run").run)
        trained = time.process_time() - began
    assert isinstance(model.game, ImageGame)

    # Bounds of test digits, and of simulated ones
    test = real_digits(mnist)
    order = np.random.default_rng(seed).permutation(len(test))[: REPORTED + CHOSEN_ON]
    digits = test.batch(order)["images"]
    parts = [Real(part, None) for part in torch.split(dequantised(digits, seed), [REPORTED, CHOSEN_ON])]
    began = time.process_time()
    decoder = decoder_of(model.game, model.networks["generator"])
    found = measure(decoder, parts[0], parts[1], annealing, seed, lambda line: print(line, flush=True))
    spent = time.process_time() - began

    # The floor, on the same digits and on all of them
    source = open_source(recipe)
    histograms = Histograms([source.batch(np.arange(len(source)))["images"]])
    bits = bits_per_dimension(found.real.nats, found.dimensions)
    floors = [
        histograms.bits_per_dimension(part) for part in (digits[:REPORTED], test.batch(np.arange(len(test)))["images"])
    ]
    return {
        "examples seen": model.examples_seen,
        "training cpu seconds": trained,
        "likelihood cpu seconds": spent,
        "variance": found.variance,
        "ceiling": ceiling(found.dimensions, found.variance),
        "nats": found.real.nats.mean().item(),
        "nats error": error(found.real.nats),
        "bits": bits.mean().item(),
        "bits error": error(bits),
        "gap": found.gap.mean().item(),
        "gap error": error(found.gap),
        "gaps": found.gap.tolist(),
        "simulated below": found.simulated.nats.mean().item(),
        "simulated above": found.above.nats.mean().item(),
        "effective": found.real.effective.mean().item(),
        "acceptance": found.real.acceptance,
        "histogram bits": floors[0].mean().item(),
        "histogram bits of all test digits": floors[1].mean().item(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mnist", type=Path, help="folder with MNIST's four official files")
    parser.add_argument("--quick", action="store_true", help="50 distributions, 20 steps of training: does it run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--chains", type=int, default=Annealing.chains)
    parser.add_argument("--distributions", type=int, default=Annealing.distributions, help="of MNIST")
    options = parser.parse_args()

    torch.set_num_threads(1)
    facts = machine.facts()
    print(machine.described(facts))
    few = 50 if options.quick else None
    exact = [
        linear(options.seed + number, Annealing(options.chains, few or DISTRIBUTIONS))
        for number in range(1 if options.quick else 3)
    ]
    machine.show([{name: rounded(value) for name, value in row.items()} for row in exact])
    annealing = Annealing(options.chains, few or options.distributions)
    digits = of_mnist(options.mnist, options.seed, annealing, options.quick)
    machine.show([{"mnist": name, "": rounded(value)} for name, value in digits.items() if name != "gaps"])
    settings = {"chains": options.chains, "distributions": annealing.distributions, "linear": few or DISTRIBUTIONS}
    machine.write(
        "likelihood", facts, quick=options.quick, seed=options.seed, settings=settings, linear=exact, mnist=digits
    )


def rounded(value: float) -> str:
    """Four significant digits."""
    return f"{value:.4g}" if abs(value) < 10_000 else f"{value:,.0f}"


if __name__ == "__main__":
    machine.run(main)
