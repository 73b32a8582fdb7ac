"""The flow: its two directions undo each other, its density is one, and its bits are those of closed forms."""

from __future__ import annotations

import functools
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from table import smallest
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.game import Step
from sparring.images.features import learned
from sparring.images.flow import FlowGame, bits_of
from sparring.images.networks.flow import CELL, FlowGenerator, Shades, bits_per_dimension
from sparring.images.reading.shape import ImageForm
from sparring.images.recipes import RECIPES, ImageRecipe
from sparring.modalities import load
from sparring.networks.couplings import log_normal
from sparring.networks.spline import BINS, LEAST, PARAMETERS, spline
from sparring.probability.histogram import Histograms
from sparring.verbs.evaluate import evaluate
from sparring.verbs.score import score
from sparring.verbs.train import train

SIZES = [(28, 28, 1), (4, 4, 1), (9, 7, 3), (17, 4, 4), (5, 9, 1)]


def flow(size: tuple[int, int, int], classes: int = 0, shake: float = 0.1) -> FlowGenerator:
    """A small flow whose weights are moved from where they begin, which would be the identity."""
    torch.manual_seed(0)
    height, width, channels = size
    network = FlowGenerator(height=height, width=width, channels=channels, classes=classes, base=8, depth=1)
    for weight in network.parameters():
        weight.data += shake * torch.randn_like(weight)
    return network


def form(height: int = 8, width: int = 8, channels: int = 1, labels: tuple[str, ...] = ()) -> ImageForm:
    return ImageForm(height=height, width=width, channels=channels, labels=labels)


def recipe(**settings: object) -> ImageRecipe:
    changed = RECIPES["flow"].changed({"coupling_width": 4, **settings})
    assert isinstance(changed, ImageRecipe)
    return changed


@pytest.fixture
def learning_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """The features that an evaluation learns take a minute otherwise."""
    for name in ("classifier", "contrast"):
        monkeypatch.setattr(learned, name, functools.partial(getattr(learned, name), steps=5))


# Splines


def test_a_spline_is_undone_and_its_derivative_is_autograds() -> None:
    torch.manual_seed(0)
    values = torch.rand(500, dtype=torch.float64, requires_grad=True)
    parameters = 2 * torch.randn(500, PARAMETERS, dtype=torch.float64)
    changed, logarithm = spline(values, parameters)
    (slope,) = torch.autograd.grad(changed.sum(), values)
    torch.testing.assert_close(logarithm.exp(), slope)
    back, against = spline(changed, parameters, inverse=True)
    torch.testing.assert_close(back, values, rtol=0, atol=1e-10)
    torch.testing.assert_close(against, -logarithm, rtol=0, atol=1e-6)


def test_a_spline_goes_from_0_to_1_and_through_its_knots() -> None:
    torch.manual_seed(0)
    parameters = torch.randn(PARAMETERS, dtype=torch.float64)
    shares = [LEAST + (1 - BINS * LEAST) * part.softmax(0) for part in parameters[: 2 * BINS].view(2, BINS)]
    across, up = (torch.cat([part.new_zeros(1), part.cumsum(0)]) for part in shares)
    changed, _ = spline(across.clamp(0, 1), parameters.expand(BINS + 1, -1))
    torch.testing.assert_close(changed, up)
    torch.testing.assert_close(up[[0, -1]], up.new_tensor([0, 1]))


# Both directions


@pytest.mark.parametrize("classes", [0, 3])
@pytest.mark.parametrize("size", SIZES)
def test_latents_and_images_of_any_size_become_each_other(size: tuple[int, int, int], classes: int) -> None:
    network, labels = flow(size, classes), torch.arange(6) % classes if classes else None
    latents = torch.randn(6, network.latent)
    with torch.no_grad():
        images = network(latents, labels)
        again = network(network.encode(images, labels)[0], labels)
    height, width, channels = size
    assert images.shape == (6, channels, height, width)
    assert images.abs().max() <= 1 + CELL / 2 + 1e-6
    assert images.std(0).min() > 0
    torch.testing.assert_close(again, images, rtol=0, atol=1e-4)

    network, latents = network.double(), latents.double()
    with torch.no_grad():
        found, _ = network.encode(network(latents, labels), labels)
    torch.testing.assert_close(found, latents, rtol=0, atol=1e-8)


def test_what_a_flow_has_not_learned_is_uniform() -> None:
    network = FlowGenerator(height=6, width=4, channels=3, base=4)
    images = 2 * torch.rand(5, 3, 6, 4) - 1
    bits = bits_per_dimension(network.log_likelihood(images), network.latent)
    torch.testing.assert_close(bits, torch.full((5,), 8.0), rtol=0, atol=1e-4)


@pytest.mark.parametrize("size", [(4, 4, 1), (3, 5, 2)])
def test_the_determinant_is_that_of_autograds_jacobian(size: tuple[int, int, int]) -> None:
    network, labels = flow(size, classes=2).double(), torch.tensor([1])
    image = network(torch.randn(1, network.latent, dtype=torch.float64), labels).detach()

    def encoded(flat: Tensor) -> Tensor:
        latents: Tensor = network.encode(flat.view(image.shape), labels)[0]
        return latents.flatten()

    jacobian = torch.autograd.functional.jacobian(encoded, image.flatten())  # type: ignore[no-untyped-call]
    sign, expected = torch.linalg.slogdet(jacobian)
    latents, found = network.encode(image, labels)
    assert sign.abs() == 1
    torch.testing.assert_close(found[0], expected)
    torch.testing.assert_close(network.log_likelihood(image, labels), found + log_normal(latents))


def test_the_density_of_two_pixels_integrates_to_1() -> None:
    network = flow((2, 1, 1))
    edge = 1 + CELL / 2
    line = -edge + 2 * edge * (torch.arange(512) + 0.5) / 512  # two points to a value of a byte
    grid = torch.cartesian_prod(line, line).view(-1, 1, 2, 1)
    with torch.no_grad():
        density = network.log_likelihood(grid).double().exp()
    assert density.max() > 10 * density.mean()
    assert density.mean().item() * (2 * edge) ** 2 == pytest.approx(1, abs=1e-3)


def test_samples_have_the_density_that_is_told() -> None:
    """The mean of 1 / (density * volume) over a flow's own samples is 1."""
    network = flow((2, 2, 1), shake=0.1).double()
    with torch.no_grad():
        images = network(torch.randn(20_000, 4, dtype=torch.float64))
        inverse = (-network.log_likelihood(images)).exp() / (2 + CELL) ** 4
    error = inverse.std() / len(inverse) ** 0.5
    assert error < 0.05
    assert abs(inverse.mean() - 1) < 4 * error


# Bits


def test_bits_of_a_standard_gaussian_are_those_of_its_entropy() -> None:
    latents = torch.randn(40_000, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    bits = bits_per_dimension(log_normal(latents), 12)
    expected = 0.5 * math.log2(2 * math.pi * math.e) + math.log2(127.5)  # in cells of 1 / 127.5
    assert bits.mean().item() == pytest.approx(expected, abs=4 * bits.std().item() / 200)


def test_shades_learned_are_the_entropy_of_the_values() -> None:
    """Of independent pixels with values 0, 0, 0, 9 the least bits are -3/4 log2(3/4) - 1/4 log2(1/4)."""
    shades = Shades(1)
    shades.logarithms.data += (torch.log(torch.full((256,), 1e-9)) / 10)[None]
    shades.logarithms.data[0, 0], shades.logarithms.data[0, 9] = math.log(0.75) / 10, math.log(0.25) / 10
    values = torch.tensor([0.0, 0, 0, 9]).view(4, 1, 1, 1) + torch.rand(4, 1, 1, 1)
    unit, logarithms = shades.encode(values)
    assert -logarithms.mean().item() / math.log(2) == pytest.approx(0.811278, abs=1e-3)
    torch.testing.assert_close(shades.decode(unit), values, rtol=0, atol=1e-4)


def test_histograms_of_pixels_are_scored_by_hand() -> None:
    learned = torch.tensor([[0, 7], [0, 7], [0, 9]], dtype=torch.uint8).view(3, 1, 1, 2)
    bits = Histograms([learned]).bits_per_dimension(torch.tensor([[0, 9]], dtype=torch.uint8).view(1, 1, 1, 2))
    assert bits.tolist() == [pytest.approx(-(math.log2(4 / 259) + math.log2(2 / 259)) / 2)]


def test_bits_are_the_same_some_at_a_time_and_less_noisy_with_more_draws() -> None:
    game = FlowGame(recipe(), form())
    networks = {"generator": flow((8, 8, 1), shake=0.2)}
    images = torch.randint(0, 256, (300, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    batch = {"images": images}
    assert game.bits_per_dimension(networks, batch, seed=1).shape == (300,)
    alike = {"images": images[:1].expand(200, -1, -1, -1)}
    spread = [game.bits_per_dimension(networks, alike, seed=2, draws=draws).std().item() for draws in (1, 16)]
    assert spread[1] == pytest.approx(spread[0] / 4, rel=0.3)


# The game


def test_without_an_adversarial_loss_there_is_no_discriminator() -> None:
    assert list(FlowGame(recipe(), form()).players) == ["generator"]
    assert list(FlowGame(recipe(adversarial_weight=0.1), form()).players) == ["generator", "discriminator"]


def a_step(images: Tensor) -> Step:
    part = slice(0, len(images))
    return Step(
        [{"images": images}], examples_seen=0, seed=3, global_batch=len(images), part=part, device=torch.device("cpu")
    )


def test_players_are_shown_pictures_with_a_part_of_a_value_added() -> None:
    images = torch.full((50, 1, 8, 8), 7, dtype=torch.uint8)
    (batch,) = FlowGame(recipe(adversarial_weight=0.1), form()).shown(a_step(images))
    assert batch["images"].min() >= 6.5
    assert batch["images"].max() < 7.5
    assert batch["images"].std() == pytest.approx(12**-0.5, rel=0.03)


def test_the_generators_loss_is_its_bits_and_the_weighted_adversarial_loss() -> None:
    images = torch.randint(0, 256, (4, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))

    def losses(weight: float) -> tuple[float, float]:
        torch.manual_seed(0)
        game = FlowGame(recipe(adversarial_weight=weight, objective="non-saturating"), form())
        step = a_step(images)
        loss = next(turn.loss() for turn in game.turns(step) if turn.mover == "generator").item()
        return loss, step.report["bits_per_dimension/training"].item()

    (single, bits), (double, same_bits) = losses(0.5), losses(1.0)
    assert bits == same_bits == pytest.approx(8, abs=0.01)  # nothing is learned yet
    assert double - bits == pytest.approx(2 * (single - bits), rel=1e-4)
    assert double - bits > 0.1


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"augment": "diff"}, "augment: changes what a discriminator sees"),
        ({"network": "lean"}, "metric: bits_per_dimension are known of --network flow alone"),
        ({"latent": 10}, "latent: has no effect with network flow"),
    ],
)
def test_settings_that_do_not_go_together_are_told(settings: dict[str, object], said: str) -> None:
    with pytest.raises(UserError, match=said):
        RECIPES["flow"].changed(settings)


def test_labels_are_learned() -> None:
    """Dark pictures under one label and bright ones under the other: each kind is likelier under its own."""
    torch.manual_seed(0)
    network = FlowGenerator(height=4, width=4, channels=1, classes=2, base=8)
    optimizer = torch.optim.Adam(network.parameters(), 0.03)
    labels = torch.arange(64) % 2
    for _ in range(60):
        levels = (100 * torch.rand(64, 1, 4, 4)).floor() + 150 * labels[:, None, None, None]
        loss = bits_of(network, (levels + torch.rand(64, 1, 4, 4) - 0.5) * CELL - 1, labels).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        right, wrong = (bits_of(network, levels * CELL - 1, each).mean() for each in (labels, 1 - labels))
        made = network(torch.randn(64, 16), labels)
    assert right < math.log2(100) + 0.3
    assert wrong > right + 1
    assert made[labels == 0].mean() + 0.8 < made[labels == 1].mean()


@pytest.mark.usefixtures("learning_is_short")
def test_a_short_training_lowers_the_bits_and_an_evaluation_tells_them(tmp_path: Path) -> None:
    chosen = RECIPES["flow"].changed(
        {"data": "digits", "steps": 120, "time": 0, "held_out": 170, "measure_every": 1280, "coupling_width": 16,
         "device": "cpu", "precision": "float32", "average_half_life": "1k"}
    )  # fmt: skip
    run = train(chosen, out=tmp_path / "run").run
    journal = [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]
    bits = [line["bits_per_dimension"] for line in journal if line["event"] == "metrics"]
    assert len(bits) == 3
    assert 8 > bits[0] > bits[-1]
    assert (run / "best" / "config.json").exists()

    result = evaluate(run, count=20, device="cpu")
    found = {row["name"]: row for row in result["scores"]}
    assert found["bits_per_dimension"]["count"] == found["histogram_bits"]["count"] == 170
    assert found["bits_per_dimension"]["value"] == pytest.approx(bits[-1], abs=0.4)
    assert 0 < found["bits_per_dimension"]["error"] < 0.1
    assert 2 < found["histogram_bits"]["value"] < 3
    assert load(run).sample(3).shape == (3, 1, 8, 8)


@pytest.mark.usefixtures("learning_is_short")
def test_a_model_is_told_of_pictures_that_it_did_not_learn_from_alone(tmp_path: Path) -> None:
    run = train(smallest("flow", tmp_path, held_out=0), out=tmp_path / "run").run
    rows = {row["name"]: row for row in evaluate(run, count=20, device="cpu")["scores"]}
    assert rows["bits_per_dimension"]["value"] is None
    others = np.random.default_rng(1).integers(0, 256, (50, 8, 8, 1), dtype=np.uint8)
    np.savez(tmp_path / "others.npz", images=others)
    rows = {row["name"]: row for row in evaluate(run, data=str(tmp_path / "others.npz"), count=20)["scores"]}
    assert rows["bits_per_dimension"]["count"] == 50
    assert rows["bits_per_dimension"]["value"] == pytest.approx(8, abs=0.5)
    assert rows["histogram_bits"]["count"] == 50


def test_pictures_are_scored_by_their_likelihood(tmp_path: Path) -> None:
    """Without a label by the mean of the densities under each, by hand here; and nothing is a probability."""
    run = train(smallest("flow", tmp_path, held_out=0, conditional=True), out=tmp_path / "run").run
    images = np.random.default_rng(1).integers(0, 256, (3, 8, 8, 1), dtype=np.uint8)
    np.savez(tmp_path / "others.npz", images=images)
    told = score(run, [tmp_path / "others.npz"], device="cpu")
    model = load(run, "cpu")
    assert isinstance(model.game, FlowGame)
    batch = {"images": torch.from_numpy(images).permute(0, 3, 1, 2)}
    nats = [
        -64 * math.log(2) * model.game.bits_per_dimension(model.networks, {**batch, "labels": each}, seed=0, draws=4)
        for each in torch.arange(model.game.classes)[:, None].expand(-1, 3)
    ]
    highest = torch.stack(nats).amax(0)
    expected = highest + torch.stack([each - highest for each in nats]).exp().mean(0).log()
    assert [row["nats"] for row in told["rows"]] == pytest.approx(expected.tolist(), rel=1e-5)
    assert (told["calibrated"], told["score"]) == (False, None)
    assert [row["label"] for row in told["rows"]] == [
        model.labels[index] for index in torch.stack(nats).argmax(0).tolist()
    ]
