"""How pictures are measured as pictures: their spectrum, held against what Fourier knows, and what is shown of them."""

from __future__ import annotations

import io
import math
from collections import Counter
from itertools import chain

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import wasserstein_distance
from torch import Tensor

from sparring.images.metrics import (
    NEIGHBOURS,
    SHOWN,
    colours,
    each_label,
    figures,
    neighbours,
    radial_power,
    shapeless,
    spectrum,
)
from sparring.images.modality import Images
from sparring.metrics.comparison import Comparison
from sparring.metrics.score import NotComputable
from sparring.modality import Artifact

SIZES = [(8, 8), (16, 16), (9, 9), (7, 7), (32, 32)]


def ring_sizes(height: int, width: int) -> Counter[int]:
    """How many frequencies of the plane round to each whole one, those beyond the highest with the highest."""
    least = min(height, width)
    rings: Counter[int] = Counter()
    for row in range(height):
        for column in range(width):
            down, right = min(row, height - row) / height, min(column, width - column) / width
            rings[min(math.floor(math.hypot(down, right) * least + 0.5), least // 2)] += 1
    return rings


def wave(down: int, right: int, size: int, amplitude: float = 100.0, phase: float = 0.3) -> Tensor:
    """One picture ``(1, 1, size, size)``, that many periods each way, in the units of bytes."""
    rows, columns = torch.meshgrid(*[torch.arange(size, dtype=torch.float64)] * 2, indexing="ij")
    angle = 2 * math.pi * (down * rows + right * columns) / size + phase
    return (127.5 + amplitude * angle.sin())[None, None]


def noise(count: int, size: int, seed: int = 0, channels: int = 1) -> Tensor:
    random = np.random.default_rng(seed)
    return torch.from_numpy(random.integers(0, 256, (count, channels, size, size), dtype=np.uint8))


def blurred(images: Tensor) -> Tensor:
    """Each pixel the mean of itself and its three neighbours down and right, round the edge."""
    floats = images.float()
    both = floats + floats.roll(1, 2)
    return ((both + both.roll(1, 3)) / 4).round().byte()


@pytest.mark.parametrize(
    ("down", "right", "ring"), [(1, 0, 1), (0, 3, 3), (5, 0, 5), (3, 4, 5), (-2, 2, 3), (0, 7, 7), (7, 7, 8)]
)
def test_a_pure_wave_has_all_its_power_in_one_ring(down: int, right: int, ring: int) -> None:
    """Two of the plane's frequencies carry (amplitude / 255 * pixels / 2)^2 each; what is told is the ring's mean."""
    power = radial_power(wave(down, right, 16))[0]
    expected = torch.zeros(8, dtype=torch.float64)
    expected[ring - 1] = 2 * (100 / 255 * 16 * 16 / 2) ** 2 / ring_sizes(16, 16)[ring]
    torch.testing.assert_close(power, expected, rtol=1e-9, atol=1e-9)


def test_a_constant_picture_has_none() -> None:
    assert radial_power(torch.full((2, 3, 10, 10), 200, dtype=torch.uint8)).abs().max() < 1e-20


def test_white_noise_is_flat() -> None:
    """At the variance of a pixel times the number of pixels."""
    images = noise(4000, 16)
    level = 16 * 16 * ((256**2 - 1) / 12) / 255**2
    mean = radial_power(images).mean(0)
    errors = level / (4000 * torch.tensor([ring_sizes(16, 16)[ring] / 2 for ring in range(1, 9)])).sqrt()
    assert ((mean - level).abs() < 4 * errors).all()


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_no_power_is_lost(height: int, width: int) -> None:
    """Parseval: over all rings it is the sum of squares about the mean, times the number of pixels."""
    grey = torch.rand(3, 1, height, width, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 255
    sizes = ring_sizes(height, width)
    assert sizes[0] == 1
    counts = torch.tensor([sizes[ring] for ring in range(1, min(height, width) // 2 + 1)])
    total = (radial_power(grey) * counts).sum(1)
    about_mean = (grey[:, 0] / 255).flatten(1)
    expected = (about_mean - about_mean.mean(1, keepdim=True)).square().sum(1) * height * width
    torch.testing.assert_close(total, expected)


@pytest.mark.parametrize(("height", "width"), [(8, 16), (16, 8), (8, 64), (9, 27)])
def test_long_pictures_lose_no_power_either(height: int, width: int) -> None:
    """A wave of one period along the long side is no constant."""
    columns = torch.arange(max(height, width), dtype=torch.float64)
    line = 127.5 + 100 * (2 * math.pi * columns / len(columns)).sin()
    image = line.expand(height, width) if width > height else line[:, None].expand(height, width)
    assert radial_power(image[None, None]).sum() > 1


def test_a_spectrum_is_that_of_the_grey_picture_without_alpha() -> None:
    colour = noise(5, 8, channels=4)
    grey = colour[:, :3].double().mean(1, keepdim=True)
    torch.testing.assert_close(radial_power(colour), radial_power(grey))
    torch.testing.assert_close(radial_power(colour[:, :1]), radial_power(colour[:, :1].expand(-1, 3, -1, -1)))


def test_a_spectrum_does_not_move_with_the_picture() -> None:
    images = noise(4, 12)
    torch.testing.assert_close(radial_power(images.roll((3, 5), (2, 3)).flip(3)), radial_power(images))


def test_the_gap_between_a_set_and_itself_is_nothing() -> None:
    images = noise(40, 8)
    found = spectrum(images, images)["spectrum"]
    assert found.value == pytest.approx(0, abs=1e-9)
    assert found.error is not None
    assert found.error >= 0


def test_the_gap_is_in_decibels() -> None:
    """Half the contrast is a quarter of the power, 6.02 decibels, at every frequency; so is twice the contrast."""
    images = noise(40, 8).double()
    for factor in (0.5, 2.0):
        assert spectrum(images, images * factor)["spectrum"].value == pytest.approx(20 * math.log10(2))


def test_a_blur_is_farther_off_than_other_real_pictures() -> None:
    real, floor, made = noise(300, 12, seed=0), noise(200, 12, seed=1), blurred(noise(200, 12, seed=2))
    gap, least = spectrum(real, made)["spectrum"], spectrum(real, floor)["spectrum"]
    assert gap.error is not None
    assert gap.value > 10 * least.value
    assert gap.value - least.value > 5 * gap.error


def test_the_error_is_the_spread_over_sets() -> None:
    real = noise(2000, 8, seed=99)
    found = [spectrum(real, noise(50, 8, seed=seed))["spectrum"] for seed in range(40)]
    spread = np.std([each.value for each in found], ddof=1)
    assert 0.5 < np.mean([each.error for each in found]) / spread < 2


def test_flat_samples_have_a_gap_that_is_a_number() -> None:
    flat = torch.full((40, 1, 8, 8), 9, dtype=torch.uint8)
    assert 100 < spectrum(noise(40, 8), flat)["spectrum"].value < 1000


def test_real_pictures_without_structure_have_no_spectrum() -> None:
    with pytest.raises(NotComputable, match="no power at some frequencies"):
        spectrum(torch.full((40, 1, 8, 8), 9, dtype=torch.uint8), noise(40, 8))


def test_the_modality_measures_spectrum_and_colours() -> None:
    names = [["spectrum", "sharpness"], ["colours", "variation"]]
    families = Images().families(None)  # type: ignore[arg-type]
    assert [[metric.name for metric in family.metrics] for family in families] == names
    for family, wanted in zip(families, names, strict=True):
        assert list(family.measure(noise(40, 8), noise(40, 8), 0)) == wanted


def test_sharpness_is_the_power_of_fine_detail_in_decibels() -> None:
    images = noise(40, 8).double()
    for factor in (0.5, 2.0):
        assert spectrum(images, images * factor)["sharpness"].value == pytest.approx(20 * math.log10(factor))
    assert spectrum(images, blurred(noise(40, 8)))["sharpness"].value < -3


def test_colours_are_as_far_apart_as_scipy_says() -> None:
    """The largest of the transports of red, green, blue, and of the strongest less the weakest of the three."""
    real, made = noise(40, 8, channels=3), (noise(40, 8, 1, channels=3) * torch.tensor([1, 0.5, 0.8]).view(1, 3, 1, 1))
    made = made.byte()

    def values(images: Tensor) -> list[np.ndarray]:
        numbers = images.numpy().astype(float)
        return [*numbers.transpose(1, 0, 2, 3).reshape(3, -1), (numbers.max(1) - numbers.min(1)).ravel()]

    expected = max(wasserstein_distance(*pair) for pair in zip(values(real), values(made), strict=True)) / 255
    assert colours(real, made)["colours"].value == pytest.approx(expected)
    grey = colours(real[:, :1], made[:, 1:2])["colours"].value
    assert grey == pytest.approx(wasserstein_distance(values(real)[0], values(made)[1]) / 255)


def test_variation_is_the_variance_between_samples() -> None:
    real, made = noise(40, 8, channels=3), noise(30, 8, seed=1, channels=3) // 2
    expected = made.numpy().var(0).mean() / real.numpy().var(0).mean()
    assert colours(real, made)["variation"].value == pytest.approx(expected)
    assert colours(real, real[:1].expand(30, -1, -1, -1))["variation"].value == pytest.approx(0)
    with pytest.raises(NotComputable, match="all real pictures are the same"):
        colours(real[:1].expand(30, -1, -1, -1), made)


def test_samples_are_measured_as_their_files_would_hold_them() -> None:
    samples = torch.tensor([-1.5, -1.0, 0.0, 0.5, 1.0, 7.0]).view(1, 1, 2, 3)
    assert Images().comparable(samples).flatten().tolist() == [0, 0, 128, 191, 255, 255]
    assert Images().comparable(samples).dtype == torch.uint8


# What is shown


def shades(*levels: int) -> Tensor:
    return torch.tensor(levels, dtype=torch.uint8)[:, None, None, None].expand(-1, 1, 8, 8)


def drawn(figure: Artifact) -> Image.Image:
    assert figure.media_type == "image/png"
    return Image.open(io.BytesIO(figure.data))


def cells(figure: Artifact, rows: int, columns: int) -> list[list[int]]:
    """The shade in the middle of each place of a sheet."""
    pixels = np.asarray(drawn(figure))
    tall, wide = pixels.shape[0] / rows, pixels.shape[1] / columns
    return [
        [int(pixels[int((row + 0.5) * tall), int((column + 0.5) * wide)]) for column in range(columns)]
        for row in range(rows)
    ]


def test_each_sample_stands_beside_the_real_ones_nearest_to_it() -> None:
    real, made = shades(*range(0, 250, 10)), shades(41, 3, 229)
    figure = neighbours(Comparison(real, made, real[:, 0, 0, :1].float(), made[:, 0, 0, :1].float()))
    shown = cells(figure, rows=3, columns=1 + NEIGHBOURS)
    assert shown == [[41, 40, 50, 30, 60], [3, 0, 10, 20, 30], [229, 230, 220, 240, 210]]


@pytest.mark.parametrize(
    ("real", "made", "rows", "columns"), [(50, 40, SHOWN, 1 + NEIGHBOURS), (2, 3, 3, 3), (50, 1, 1, 1 + NEIGHBOURS)]
)
@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_the_sheet_has_a_row_for_each_of_the_first_samples(
    real: int, made: int, rows: int, columns: int, channels: int, mode: str
) -> None:
    examples, samples = noise(real, 8, channels=channels), noise(made, 8, seed=1, channels=channels)
    features = [images.flatten(1).float() for images in (examples, samples)]
    sheet = drawn(neighbours(Comparison(examples, samples, features[0], features[1])))
    assert sheet.mode == mode
    scale = 960 // (8 * max(rows, columns))  # as large as fits on a screen
    gap = 8 * scale // 20
    assert sheet.size == (columns * (8 * scale + gap) - gap, rows * (8 * scale + gap) - gap)


def shown_of(comparison: Comparison) -> dict[str, Artifact]:
    """The figures by their names."""
    found = figures(comparison)
    assert found == Images().figures(comparison)
    assert all(figure.caption for figure in found)
    return {figure.name: figure for figure in found}


def test_sheets_of_what_the_discriminator_believes_and_what_not() -> None:
    made = shades(*range(0, 200, 2))
    logits = torch.arange(100.0).roll(37)
    features = noise(50, 8).flatten(1).float()
    shown = shown_of(Comparison(noise(50, 8), made, features, made.flatten(1).float(), logits))
    assert set(shown) == {"neighbours", "best", "worst"}
    ranked = [int(made[index, 0, 0, 0]) for index in logits.argsort(descending=True)]
    assert [*chain(*cells(shown["best"], rows=4, columns=SHOWN))] == ranked[:40]
    assert [*chain(*cells(shown["worst"], rows=4, columns=SHOWN))] == ranked[-40:]


def test_no_sample_is_shown_as_both() -> None:
    made = shades(10, 20, 30, 40, 50)
    shown = shown_of(Comparison(made, made, made.flatten(1).float(), made.flatten(1).float(), torch.arange(5.0)))
    assert cells(shown["best"], 1, SHOWN)[0][:2] == [50, 40]
    assert cells(shown["worst"], 1, SHOWN)[0][:2] == [20, 10]


def test_without_logits_and_labels_only_neighbours_are_shown() -> None:
    made = shades(1, 2, 3)
    assert set(shown_of(Comparison(made, made, made.flatten(1).float(), made.flatten(1).float()))) == {"neighbours"}


def test_samples_made_under_labels_are_shown_by_them() -> None:
    made, labels = shades(*[40] * SHOWN, *[90] * SHOWN), torch.tensor([0] * SHOWN + [1] * SHOWN)
    features = made.flatten(1).float()
    shown = shown_of(Comparison(made, made, features, features, labels=labels, names=("cat", "dog")))
    assert set(shown) == {"neighbours", "labels"}
    assert cells(shown["labels"], 2, SHOWN) == [[40] * SHOWN, [90] * SHOWN]


def test_a_row_for_each_label_that_has_enough_samples() -> None:
    labels = torch.tensor([0] * 12 + [1] * 9 + [2] * 10)
    figure = each_label(shades(*(labels * 50 + 20).tolist()), labels, ["cat", "dog", "emu"])
    assert figure.caption == "a row for each label: cat, emu"
    assert cells(figure, rows=2, columns=SHOWN) == [[20] * SHOWN, [120] * SHOWN]


def test_too_few_samples_of_each_label() -> None:
    assert "too few" in each_label(shades(1, 2, 3), torch.tensor([0, 1, 1]), ["cat", "dog"]).caption


def test_at_most_twenty_labels_have_a_row() -> None:
    labels = torch.arange(25).repeat_interleave(10)
    figure = each_label(shades(*labels.tolist()), labels, [f"name {number}" for number in range(25)])
    assert [row[0] for row in cells(figure, rows=20, columns=SHOWN)] == [*range(20)]


# What cannot be recognised


def test_shapeless_pictures_keep_their_means_and_lose_their_shape() -> None:
    """Of white noise: the fifth picture keeps its spectrum but not its phases, the third and the fourth have noise in
    place of what they lost, the others have no fine detail left."""
    images = noise(50, 16, channels=3)
    changed = shapeless(images, 0)
    assert (changed.shape, changed.dtype) == (images.shape, torch.uint8)
    assert torch.equal(shapeless(images, 0), changed)
    torch.testing.assert_close(changed.double().mean((2, 3)), images.double().mean((2, 3)), atol=4, rtol=0)
    power, before = radial_power(changed), radial_power(images)
    assert (power[0::5, 4:] < 0.01 * before[0::5, 4:]).all()
    left = power[:, :2].sum(1) / before[:, :2].sum(1)
    assert left[0::5].mean() < 0.6 * left[1::5].mean()  # the wider blur takes more
    assert 0.6 < (power[2::5, 4:].sum() / before[2::5, 4:].sum()).item() < 1.2
    assert 1.1 < (power[3::5, 4:].sum() / before[3::5, 4:].sum()).item() < 2.5  # more, but cut off at 0 and 255
    likeness = torch.stack([torch.corrcoef(torch.stack([a.flatten(), b.flatten()]).float())[0, 1]
                            for a, b in zip(images[4::5], changed[4::5], strict=True)])  # fmt: skip
    assert likeness.abs().max() < 0.35
    assert 0.5 < (power[4::5].sum() / before[4::5].sum()).item() < 1.2


def test_pictures_of_any_sides_and_number_can_be_made_shapeless() -> None:
    for shape in ((1, 1, 7, 5), (2, 4, 5, 8), (4, 3, 1, 9)):
        assert shapeless(torch.randint(0, 256, shape, dtype=torch.uint8), 1).shape == shape
