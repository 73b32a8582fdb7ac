"""Bounds of the likelihood of clips, against generators whose likelihood is known."""

from __future__ import annotations

import math
from types import SimpleNamespace

import torch
from torch import Tensor, nn

from sparring.images import bounds as of_pictures
from sparring.probability.annealing import Annealing, Sampler
from sparring.probability.likelihood import Decoder, bits_per_dimension, ceiling, dequantised, simulate
from sparring.video.bounds import VideoBoundsTarget, decoder_of
from sparring.video.form import VideoForm
from sparring.video.game import VideoGame
from sparring.video.recipes import RECIPES, VideoRecipe

CONTENT, MOTION, SIDE = 2, 1, 4


class Linear(nn.Module):
    """Clips ``(batch, times, 1, side, side)`` that are linear in content and noise, and lighter by label and time."""

    def __init__(self, length: int, frames: int, share: float = 0.1) -> None:
        super().__init__()
        self.motion = nn.Identity()
        random = torch.Generator().manual_seed(0)
        self.seen = nn.Parameter(share * torch.randn(CONTENT, frames, SIDE * SIDE, generator=random))
        self.moved = nn.Parameter(share * torch.randn(length * MOTION, frames, SIDE * SIDE, generator=random))

    def forward(self, content: Tensor, noise: Tensor, times: Tensor, labels: Tensor | None = None) -> Tensor:
        made = torch.tensordot(content, self.seen, 1) + torch.tensordot(noise.flatten(1), self.moved, 1)
        light = times.float()[..., None] / 50 + (0 if labels is None else labels[:, None, None] / 5)
        return (made + light).unflatten(2, (1, SIDE, SIDE))


def game(frames: int) -> VideoGame:
    settings = {"latent": CONTENT, "motion_latent": MOTION, "frames": frames, "frames_seen": 2, "width": 4}
    form = VideoForm(height=SIDE, width=SIDE, channels=1, frames=frames, rate=1.0)
    return VideoGame(RECIPES["video"].changed(settings), form)


def bits_of(decoder: Decoder, examples: Tensor, labels: Tensor | None = None) -> Tensor:
    sampler = Sampler(decoder.under(labels), examples, decoder.latent, 0.01, Annealing(8, 100), 0, lambda line: None)
    return bits_per_dimension(sampler.lower().nats, examples[0].numel())


def test_content_and_motion_are_one_latent_of_all_frames() -> None:
    """In closed form: of clips that are linear in both, under their labels."""
    played, labels = game(3), torch.arange(24) % 2
    length = played.motion.length(2)
    network = Linear(length, 3)
    decoder = decoder_of(played, network)
    assert decoder.latent == CONTENT + length * MOTION
    like = torch.zeros(24, 3, 1, SIDE, SIDE)
    examples = simulate(decoder.under(labels), like, decoder.latent, 0.01, seed=1)[1]
    weight = torch.cat([network.seen, network.moved]).detach().flatten(1).T.double() * 127.5 / 256
    mean = decoder.decode(torch.zeros(24, decoder.latent), labels).flatten(1).double()
    covariance = weight @ weight.T + 0.01 * torch.eye(len(weight), dtype=torch.float64)
    exact = torch.distributions.MultivariateNormal(mean, covariance).log_prob(examples.flatten(1).double())
    difference = bits_of(decoder, examples, labels) - bits_per_dimension(exact, 3 * SIDE * SIDE)
    assert difference.mean().abs() < 0.01
    assert (mean[0].view(3, -1).diff(dim=0) > 0).all()  # each frame at its own time


def test_a_clip_of_one_frame_is_a_picture() -> None:
    """Its bits are those that the bounds of pictures find, of a generator that makes the same of its latents."""
    played = game(2)
    length = played.motion.length(0)
    one = SimpleNamespace(
        form=SimpleNamespace(frames=1), motion=played.motion, settings=played.settings, latent=CONTENT
    )
    network = Linear(length, 1)

    class Pictures(nn.Module):
        def forward(self, latents: Tensor, labels: Tensor | None) -> Tensor:
            noise = latents[:, CONTENT:].unflatten(1, (length, MOTION))  # type: ignore[no-untyped-call]
            return network(latents[:, :CONTENT], noise, torch.zeros(len(latents), 1))[:, 0]  # type: ignore[no-any-return]

    of_clips = decoder_of(one, network)  # type: ignore[arg-type]
    of_images = of_pictures.decoder_of(SimpleNamespace(latent=of_clips.latent), Pictures())  # type: ignore[arg-type]
    examples = torch.rand(4, 1, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(bits_of(of_clips, examples), bits_of(of_images, examples[:, 0]))


def test_a_clip_that_is_made_exactly_is_at_the_ceiling() -> None:
    """Bytes as the source gives them, in the order in which frames are made; a unit of a byte less has fewer nats."""
    played = game(3)
    clips = torch.randint(0, 256, (4, 3, 1, SIDE, SIDE), generator=torch.Generator().manual_seed(0)).byte()
    batch = {"frames": clips}

    class Known(Linear):
        def forward(self, content: Tensor, noise: Tensor, times: Tensor, labels: Tensor | None = None) -> Tensor:
            assert labels is not None
            return played.real(batch)[labels] + 0 * super().forward(content, noise, times)

    model = SimpleNamespace(game=played, networks={"generator": Known(played.motion.length(2), 3)})
    target = VideoBoundsTarget.__new__(VideoBoundsTarget)
    target.model = model  # type: ignore[assignment]
    examples = dequantised(target.as_bytes(batch), seed=0)
    away = (examples - (clips.float() + 0.5) / 256).flatten(1).square().sum(1).double() / 0.02
    expected = bits_per_dimension(ceiling(48, 0.01) - away, 48)
    found = bits_of(target.decoder(), examples, torch.arange(4))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)
    assert away.max() < 48 / 0.02 / 256**2 / 4 < 48 * math.log(256)
    assert (bits_of(target.decoder(), examples.flip(1), torch.arange(4)) > found + 1).all()


def test_chains_follow_the_gradient_of_how_layers_move() -> None:
    """With hard edges there is none of layers of one colour."""
    recipe = RECIPES["video"].changed({"latent": 8, "motion_latent": 4, "frames": 4, "frames_seen": 2, "width": 4})
    form = VideoForm(height=16, width=16, channels=1, frames=4, rate=1.0, layered=True, hard_edges=True)
    assert isinstance(recipe, VideoRecipe)
    own = VideoGame(recipe, form)
    generator = own.players["generator"].network.eval()
    pictures = torch.cat([torch.full((1, 16, 16), value) for value in (-0.9, 0.9, 0.0)])
    generator.get_submodule("pictures").register_forward_hook(lambda *_: pictures.expand(2, -1, -1, -1))
    latents = torch.randn(2, own.latent + own.motion.length(3) * 4, requires_grad=True)
    decoder_of(own, generator).decode(latents, None).square().sum().backward()
    assert latents.grad is not None
    assert float(latents.grad[:, own.latent :].abs().max()) > 1e-2
