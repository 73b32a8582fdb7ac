"""Recipes for pictures, each with the evidence for it. No torch in here."""

from __future__ import annotations

import dataclasses

from sparring.core.schedules import schedule
from sparring.images.flow_settings import BITS
from sparring.images.options import ImageEvaluateOptions as ImageEvaluateOptions
from sparring.images.settings import ImageRecipe as ImageRecipe
from sparring.media.pictures.formats import ENDINGS
from sparring.modality import Entry
from sparring.options import LatentSampleOptions

SETS = ("letters", "digits", "mnist", "fashion-mnist", "cifar10", "stacked-mnist")  # that data can name
PUBLIC = {"mnist": "ylecun/mnist", "fashion-mnist": "zalando-datasets/fashion_mnist", "cifar10": "uoft-cs/cifar10"}
FILES = (".npz", ".npy", ".zip", "idx3-ubyte", "idx3-ubyte.gz", "cifar-10-binary.tar.gz", "data_batch_1.bin")
"""The ends of names of files that hold many pictures: arrays, archives, MNIST's and CIFAR-10's own files."""

images = ImageRecipe(
    name="images",
    about="any folder of pictures; plain convolutions, made for two CPU cores",
    batch=32,
    output="tanh",
    learning_rate=schedule("1e-3:2e-4@200k"),
    r1=schedule("1:0.1@100k"),
    r2=schedule("1:0.1@100k"),
    penalty_share=schedule("0.25:1@800k"),
    average_half_life=schedule("0:10k@100k"),
    time=600.0,
)
"""Chosen by ``benchmarks/search.py``, one change at a time on MNIST, 40,000 pictures, one seed (Fréchet distance in a
digit classifier's features): a tanh output 17, a free one 127; batches of 32 17, of 64 32. Penalties that end at 0.1
rather than at 0.03: no difference. Penalties on a quarter of each batch lost nothing per step on three seeds up to
13,000 steps of MNIST, 10,000 of Stacked MNIST, 3,000 of emoji and 22,000 of 25 Gaussians, but 5 % in distance at the
end of MNIST's 22,000; on a share that rises to all of it by 800,000 pictures, nothing, at the end of Stacked MNIST's
50,000 neither (``benchmarks/penalty_share.py``). A rate from 0.002 learns digits faster (9.4), but emoji of 72x72
collapsed by it within a minute, and did not by 0.001. See docs/recipes.md."""

SMALL_PICTURES = schedule("2e-3:2e-4@200k")  # twice the default's rate: digits are learned faster by it

digits = dataclasses.replace(
    images,
    name="digits",
    about="scikit-learn's 1,797 handwritten digits (8x8), bundled; conditioned on the digit",
    data="digits",
    conditional=True,
    learning_rate=SMALL_PICTURES,
    width=64,
    time=180.0,
)

letters = dataclasses.replace(
    images,
    name="letters",
    about="capital letters in all colours (32x32), drawn by Sparring; conditioned on the letter",
    data="letters",
    conditional=True,
    learning_rate=SMALL_PICTURES,
    time=120.0,
)
"""As ``digits``. One seed, one thread, 169,600 examples in 202 seconds of CPU time: every letter of 78 samples can be
read, and no health check raised an alarm; after 50,000 examples nearly all can."""

mnist = dataclasses.replace(
    images,
    name="mnist",
    about="60,000 handwritten digits (28x28), conditioned on the digit",
    data="mnist",
    conditional=True,
    learning_rate=SMALL_PICTURES,
)

fashion_mnist = dataclasses.replace(
    mnist, name="fashion-mnist", about="60,000 articles of clothing (28x28)", data="fashion-mnist"
)

cifar10 = dataclasses.replace(
    images,
    name="cifar10",
    about="50,000 small photographs in 10 classes (32x32)",
    data="cifar10",
    conditional=True,
    width=64,
    mirror=True,
)

stacked_mnist = dataclasses.replace(
    images,
    name="stacked-mnist",
    about="three stacked digits (32x32 colour, 1,000 modes), for half an hour on a CPU",
    data="stacked-mnist",
    learning_rate=schedule("1e-3:2e-4@1M"),
    r1=schedule("1:0.1@300k"),
    r2=schedule("1:0.1@300k"),
    penalty_share=schedule(1.0),
    average_half_life=schedule("0:50k@300k"),
    time=1800.0,
)
"""The defaults with schedules stretched to a longer run: ``benchmarks/results/stacked_mnist.json``. Penalties on the
whole batch, as it was measured there; those of `images` cost nothing on three seeds."""

tutorial = ImageRecipe(
    name="tutorial",
    about="the classic introductory pair, as textbooks train it: batch norm, dropout, no penalty",
    data="mnist",
    network="tutorial",
    latent=100,
    output="tanh",
    dropout=0.3,
    objective="non-saturating",
    learning_rate=schedule(4e-4),  # after 75,000 digits more of them could be read than at the usual 2e-4
    r1=schedule(0.0),
    r2=schedule(0.0),
    beta1=0.5,
    beta2=schedule(0.999),
    time=300.0,
)

# The classics, to be compared with: objective, constraint, optimiser and order of turns as in their papers, on networks
# and batches of the size of ours.
dcgan = ImageRecipe(
    name="dcgan",
    about="Radford et al. 2016: batch norm in both, non-saturating, no penalty",
    latent=100,
    output="tanh",
    batch_norm="both",
    objective="non-saturating",
    learning_rate=schedule(2e-4),
    beta1=0.5,
    beta2=schedule(0.999),
    r1=schedule(0.0),
    r2=schedule(0.0),
    average_half_life=schedule(0),
    time=600.0,
)

wgan_gp = dataclasses.replace(
    dcgan,
    name="wgan-gp",
    about="Gulrajani et al. 2017: Wasserstein with gradient penalty, n_critic 5",
    latent=128,
    batch_norm="generator",
    objective="wasserstein",
    wgan_gp=10.0,
    n_critic=5,
    learning_rate=schedule(1e-4),
    beta1=0.0,
    beta2=schedule(0.9),
)

sn_hinge = dataclasses.replace(
    wgan_gp,
    name="sn-hinge",
    about="Miyato et al. 2018: spectral norm, hinge, n_critic 5",
    objective="hinge",
    wgan_gp=0.0,
    spectral_norm=True,
    learning_rate=schedule(2e-4),
)

# Huang et al. 2024, table 9: every hyper-parameter as printed there; `steps` is the printed duration / 512.
r3gan_stacked_mnist = ImageRecipe(
    name="r3gan-stacked-mnist",
    about="R3GAN on three stacked digits, as in the paper (one large GPU or several)",
    data="stacked-mnist",
    network="r3gan",
    batch=512,
    steps=10_000_000 // 512,
    learning_rate=schedule(2e-4),
    beta2=schedule("0.9:0.99@2M"),
    r1=schedule("1:0.1@2M"),
    r2=schedule("1:0.1@2M"),
    average_half_life=schedule("0:500k@2M"),
)

# The same for one GPU: a sixteenth of the parameters, a shorter burn-in. After 6 minutes on an H100 it had found 191 of
# the 1,000 modes (one seed, benchmarks/results): not a recipe to start from.
r3gan_stacked_mnist_narrow = dataclasses.replace(
    r3gan_stacked_mnist,
    name="r3gan-stacked-mnist-narrow",
    about="R3GAN on three stacked digits, narrowed to 1.6M parameters for one GPU",
    widths="192,192,192,192",
    batch=256,
    steps=0,
    time=600.0,
    beta2=schedule("0.9:0.99@500k"),
    r1=schedule("1:0.1@500k"),
    r2=schedule("1:0.1@500k"),
    average_half_life=schedule("0:100k@500k"),
)

r3gan_cifar10 = ImageRecipe(
    name="r3gan-cifar10",
    about="R3GAN on CIFAR-10 with labels, as in the paper (several GPUs, days)",
    data="cifar10",
    network="r3gan",
    conditional=True,
    mirror=True,
    batch=512,
    steps=250_000_000 // 512,
    learning_rate=schedule("2e-4:5e-5@20M"),
    beta2=schedule("0.9:0.99@20M"),
    r1=schedule("0.05:0.005@20M"),
    r2=schedule("0.05:0.005@20M"),
    average_half_life=schedule("0:5M@20M"),
    augment="ada",
    augment_fixed=True,
    augment_limit=schedule("0:0.55@20M"),
)

flow = dataclasses.replace(
    images,
    name="flow",
    about="a normalising flow: the exact likelihood of every picture, learned by maximum likelihood alone",
    network="flow",
    output="free",
    learning_rate=schedule("2e-3:2e-4@500k"),
    beta1=0.9,
    average_half_life=schedule("0:10k@50k"),
    held_out=2000,
    metric=BITS,
    time=900.0,
)

flow_gan = dataclasses.replace(
    flow,
    name="flow-gan",
    about="the same flow by likelihood and an adversarial loss together (Grover et al. 2018)",
    metric="frechet",
    beta1=0.5,
    discriminator_rate=0.5,
    adversarial_weight=schedule(0.05),
)
"""Chosen on MNIST, two to five CPU minutes each, one seed: see docs/recipes.md."""

RECIPES = {recipe.name: recipe for recipe in (
    images, letters, digits, mnist, fashion_mnist, cifar10, tutorial, dcgan, wgan_gp, sn_hinge, stacked_mnist, flow,
    flow_gan, r3gan_stacked_mnist, r3gan_stacked_mnist_narrow, r3gan_cifar10,
)}  # fmt: skip

OPTIONS = {"evaluate": ImageEvaluateOptions, "sample": LatentSampleOptions}
ENTRY = Entry(
    ImageRecipe, RECIPES, SETS, (*ENDINGS, *FILES), "sparring.images.modality:Images", options=OPTIONS,
    task="unconditional-image-generation", public=PUBLIC,
)  # fmt: skip
