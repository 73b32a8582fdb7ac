"""The judge on examples whose log odds are known, and how it learns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from sparring.networks.trunks import FEATURES, Trunk, of_numbers, of_pictures
from sparring.probability.calibration import fit
from sparring.probability.judge import BATCH, DRAWN, Judge, endless, learn_judge
from sparring.probability.two_samples import separation
from sparring.text.networks.trunk import LineTrunk

CPU = torch.device("cpu")
STEPS = 400
NUMBERS = 6
SHIFT = 0.6  # of each number of generated examples; those of real ones are standard normal
PIXEL = 24.0  # grey levels, the deviation of pixels


def real(count: int, seed: int) -> Tensor:
    return torch.randn(count, NUMBERS, generator=torch.Generator().manual_seed(seed))


def made(seed: int, count: int = DRAWN) -> Tensor:
    return real(count, 1_000_000 + seed) + SHIFT


def true_log_odds(examples: Tensor) -> np.ndarray:
    """log p - log q of independent numbers."""
    return (NUMBERS * SHIFT**2 / 2 - SHIFT * examples.double().sum(1)).numpy()


def as_pictures(numbers: Tensor) -> Tensor:
    """Grey bytes ``(n, 1, 8, 8)``, of which six pixels hold the numbers."""
    pictures = torch.full((len(numbers), 1, 8, 8), 128.0)
    pictures[:, 0, 1:4, 2:4] = 128 + PIXEL * numbers.view(-1, 3, 2)
    return pictures.round().clamp(0, 255).byte()


def new(trunk: Callable[[], torch.nn.Module], classes: int = 0, seed: int = 0) -> Judge:
    torch.manual_seed(seed)
    return Judge(trunk(), classes)


def of_points() -> torch.nn.Module:
    return Trunk(of_numbers(NUMBERS))


def of_images() -> torch.nn.Module:
    return Trunk(of_pictures(1, 8, 8), lambda images: images.float() / 127.5 - 1)


def silent(line: str) -> None:
    pass


@pytest.mark.parametrize(("trunk", "shown"), [(of_points, Tensor.float), (of_images, as_pictures)])
def test_calibrated_log_odds_are_those_of_the_densities(
    trunk: Callable[[], torch.nn.Module], shown: Callable[[Tensor], Tensor]
) -> None:
    """On examples that neither the judge nor its calibration has seen."""
    judge = new(trunk)
    taken = learn_judge(judge, shown(real(8000, 0)), None, lambda seed: shown(made(seed)), CPU, silent, steps=STEPS)
    assert taken == STEPS
    assert not judge.training
    calibrator = fit("platt", judge.logits(shown(real(3000, 1))), judge.logits(shown(made(9000, 3000))))
    unseen = [real(2000, 2), made(9001, 2000)]
    found = [calibrator.log_odds(judge.logits(shown(each))) for each in unseen]
    truth = [true_log_odds(each) for each in unseen]
    slope, offset = np.polyfit(np.concatenate(truth), np.concatenate(found), 1)
    assert slope == pytest.approx(1, abs=0.15)
    assert offset == pytest.approx(0, abs=0.15)
    assert np.corrcoef(np.concatenate(truth), np.concatenate(found))[0, 1] > 0.93
    assert separation(*found).auc == pytest.approx(separation(*truth).auc, abs=0.02)


@pytest.mark.parametrize(("trunk", "shown"), [(of_points, Tensor.float), (of_images, as_pictures)])
def test_the_same_seed_makes_the_same_judge(
    trunk: Callable[[], torch.nn.Module], shown: Callable[[Tensor], Tensor]
) -> None:
    """Dropout included, whatever was drawn before; and what is drawn after does not depend on the judge."""

    def weights(seed: int, before: int) -> dict[str, Tensor]:
        judge = new(trunk)
        torch.manual_seed(before)
        expected = torch.rand(1, generator=torch.Generator().manual_seed(before))
        learn_judge(judge, shown(real(300, 0)), None, lambda seed: shown(made(seed)), CPU, silent, steps=5, seed=seed)
        assert torch.equal(torch.rand(1), expected)
        return judge.state_dict()

    first, again, other = weights(1, before=2), weights(1, before=3), weights(2, before=2)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["real.weight"], other["real.weight"])


def test_every_generated_example_is_seen_once() -> None:
    """17 steps take as many batches of 64: one more than 1,024 examples, under two seeds."""
    asked: list[int] = []

    def noted(seed: int) -> Tensor:
        asked.append(seed)
        return made(seed)

    judge = new(of_points)
    seen: list[Tensor] = []
    judge.trunk.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    training = real(300, 0)
    learn_judge(judge, training, None, noted, CPU, silent, steps=17, seed=5)
    assert asked == [5, 6]
    assert [len(each) for each in seen] == [2 * BATCH] * 17
    generated = torch.cat([each[BATCH:] for each in seen])
    assert torch.equal(generated, torch.cat([made(5), made(6)])[: 17 * BATCH])
    learned = torch.unique(torch.cat([each[:BATCH] for each in seen]), dim=0)
    both = torch.unique(torch.cat([learned, training]), dim=0)
    assert len(both) == len(training)  # real ones are training examples, most of them at one time or another
    assert len(learned) > 0.9 * len(training)


def test_generated_examples_have_no_end() -> None:
    batches = endless(made, 3)
    drawn = torch.cat([next(batches) for _ in range(3 * DRAWN // BATCH)])
    assert torch.equal(drawn, torch.cat([made(3), made(4), made(5)]))


def test_labels_are_learned_beside() -> None:
    """Two labels, one on either side of 0 in the first number."""
    training, unseen = real(3000, 0), real(1000, 1)
    judge = new(of_points, classes=2)
    learn_judge(judge, training, (training[:, 0] > 0).long(), made, CPU, silent, steps=STEPS)
    with torch.no_grad():
        logits = judge.of_labels(unseen)
        assert logits.shape == (1000, 2)
        assert (logits.argmax(1) == (unseen[:, 0] > 0)).float().mean() > 0.95
        assert judge(unseen).shape == (1000,)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 28, 28), (4, 1, 1), (1, 5, 64), (2, 72, 33)])
def test_pictures_of_any_shape_become_features(shape: tuple[int, int, int]) -> None:
    trunk = Trunk(of_pictures(*shape))
    assert trunk(torch.zeros(3, *shape, dtype=torch.uint8)).shape == (3, FEATURES)


def test_numbers_of_any_shape_become_features() -> None:
    assert Trunk(of_numbers(24))(torch.zeros(3, 2, 3, 4)).shape == (3, FEATURES)


def test_a_line_is_seen_by_itself() -> None:
    """Whatever lines lie beside it."""
    torch.manual_seed(0)
    lines = torch.zeros(3, 256, dtype=torch.int64)
    for row, text in enumerate(["a", "could you play the song", "x" * 256]):
        lines[row, : len(text)] = torch.tensor([ord(character) for character in text])
    trunk = LineTrunk().eval()
    together = trunk(lines)
    for row in range(3):
        torch.testing.assert_close(trunk(lines[row : row + 1])[0], together[row])
    assert not torch.allclose(together[0], together[1])
