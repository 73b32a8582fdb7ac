"""WaveGAN's players: any length, phase shuffle, and the sizes of the paper's table."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn

from sparring.audio.networks.wavegan import SHUFFLED, WaveDiscriminator, WaveGenerator, lengths, shuffled


def count(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


@pytest.mark.parametrize("classes", [0, 3])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("samples", [64, 100, 1023, 4097])
def test_sounds_of_any_length(samples: int, channels: int, classes: int) -> None:
    sizes = {"samples": samples, "channels": channels, "classes": classes, "width": 2}
    generator, discriminator = WaveGenerator(latent=5, **sizes), WaveDiscriminator(**sizes)
    labels = torch.arange(4) % classes if classes else None
    sounds = generator(torch.randn(4, 5), labels)
    assert sounds.shape == (4, channels, samples)
    assert 0 < float(sounds.abs().max()) <= 1
    logits = discriminator(sounds, labels)
    assert logits.shape == (4,)
    logits.sum().backward()
    weights = [*generator.parameters(), *discriminator.parameters()]
    assert all(weight.grad is not None for weight in weights)


def test_the_players_have_the_size_of_the_paper() -> None:
    """Donahue et al. 2019, tables 4 and 5: dimension 64, 16,384 samples, 100 latents, one channel, no labels."""
    sizes = {"samples": 16384, "channels": 1, "width": 64}
    generator, discriminator = WaveGenerator(latent=100, **sizes), WaveDiscriminator(**sizes)
    assert lengths(16384) == [16384, 4096, 1024, 256, 64, 16]
    dense = 100 * 256 * 64 + 256 * 64
    assert count(generator) == dense + convolutions([1024, 512, 256, 128, 64, 1]) == 19_065_345  # "19.07 M"
    dense = 16384  # without the paper's one bias, which no objective that compares logits can see
    assert count(discriminator) == convolutions([1, 64, 128, 256, 512, 1024]) + dense == 17_427_968  # "17.43 M"


def convolutions(widths: list[int]) -> int:
    """Weights and biases of layers of 25 taps from each of these widths to the next."""
    return sum(25 * before * after + after for before, after in pairwise(widths))


def test_phase_shuffle_moves_by_two_at_most_and_mirrors_the_edge() -> None:
    features = torch.arange(20.0).view(1, 1, -1)
    torch.manual_seed(0)
    found = set()
    for _ in range(100):
        moved = shuffled(features)[0, 0]
        assert moved.shape == (20,)
        by = next(by for by in range(-3, 4) if torch.equal(moved[5:15], features[0, 0, 5 - by : 15 - by]))
        mirrored = torch.arange(-by, 20 - by).abs()
        mirrored = torch.where(mirrored > 19, 38 - mirrored, mirrored)
        assert torch.equal(moved, mirrored.float())
        found.add(by)
    assert found == set(range(-SHUFFLED, SHUFFLED + 1)) == {-2, -1, 0, 1, 2}


def test_phases_are_shuffled_in_training_alone() -> None:
    torch.manual_seed(0)
    discriminator, sounds = WaveDiscriminator(samples=256, channels=1, width=4), torch.randn(2, 1, 256)
    assert len({float(discriminator(sounds)[0].detach()) for _ in range(20)}) > 1
    discriminator.eval()
    assert len({float(discriminator(sounds)[0].detach()) for _ in range(20)}) == 1
