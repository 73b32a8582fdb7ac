"""The keyword arguments of the verbs, typed, for editors and type checkers; written by
``tests/conformance/keywords.py`` from the settings' declarations. Each is given in its own type or as text that the
command line would take. No torch in here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict

Paths = str | Path | Sequence[str | Path]
"""A path, or several."""


class TrainSettings(TypedDict, total=False):
    """Settings of recipes, whatever kind of data they are for."""

    about: str  # one line on what it is for
    adversarial_rate: float | str  # the generator's learning rate in the adversarial phase, relative to pretraining
    adversarial_weight: float | str
    alpha: Literal["white", "black", "keep", "drop"]  # what to do with transparency
    augment: Literal["none", "diff", "ada"]  # random changes of every example that the discriminator sees
    augment_fixed: bool | str  # hold ADA at its limit instead of adapting
    augment_limit: float | str  # highest probability that ADA may reach
    augment_target: float | str  # ADA adapts until this much of E[sign D(real)] is left
    average_half_life: float | str  # examples after which weights count half in the average that is sampled
    batch: int | str  # examples per step, over all processes
    batch_norm: Literal["none", "generator", "both"]  # batch norm in the lean pair
    batch_statistics: bool | str  # show the discriminator how varied its batch is
    beta1: float | str  # Adam's first momentum
    beta2: float | str  # Adam's second momentum
    blocks: int | str  # residual blocks of the generator
    cache_mb: int | str  # keep decoded pictures in memory up to this many MiB, else stream
    channels: Literal["auto", "1", "3", "4", "2"]  # 1 grey, 3 colour, 4 colour and alpha
    checkpoint_every: float | str  # time between checkpoints, at least
    clip_gradients: float | str  # shorten gradients to this norm before each step (0: off)
    conditional: bool | str  # condition both players on the label
    content_moves: float | str
    contrast: float | str  # weight of the patchwise contrastive loss: each patch is told from other patches
    contrast_identity: bool | str  # the contrastive loss on pictures of the target domain too
    contrast_patches: int | str  # patches of a picture in the contrastive loss
    coupling_depth: int | str  # residual blocks of the network in each of a flow's couplings
    coupling_width: int | str  # channels of the network in each of a flow's couplings
    couplings: int | str  # couplings of a flow
    cycle: float | str  # weight of the cycle-consistency loss
    cycle_noise: float | str  # standard deviation of noise on a translation before it is translated back
    depth: int | str  # hidden layers of the discriminator
    device: Literal["auto", "cpu", "cuda", "mps"]  # where to train
    discount: float | str  # weight of the next token's reward in the return of this one
    discriminator_dropout: float | str  # dropout in the discriminator
    discriminator_rate: float | str  # discriminator's learning rate relative to the generator's
    discriminator_warmup: int | str
    discriminator_width: int | str  # channels of the discriminator at each size of its windows
    dragan: float | str  # weight of DRAGAN's penalty around the data (10 in the paper)
    dropout: float | str  # in the discriminator of the lean and tutorial pairs
    edges: Literal["auto", "soft", "hard"]
    embedding: int | str  # length of a token's embedding, shared by the generator's input and output
    estimator: Literal["gumbel", "policy"]  # how gradients reach the generator through its choice of tokens
    every: int | str  # take every frame of a video, every second, ...
    fit: Literal["crop", "pad", "stretch"]  # how to bring a picture to size
    flipped: bool | str  # translate half of the pictures mirrored, so that left and right are alike
    frame: bool | str  # let the generator zoom, turn and move a picture as a whole before it redraws it
    frame_discriminator: bool | str
    frames: int | str  # frames of a clip, what both players see the motion of
    frames_seen: int | str  # frames of a clip that the discriminator is shown, with the time between them
    generator: Literal["lstm", "memory", "transformer"]  # the generator's network
    generator_depth: int | str
    generator_first: bool | str  # let the generator move first
    halved: Literal["auto", "yes", "no"]
    held_out: int | str  # real examples never trained on, to notice overfitting (at most a tenth)
    identity: float | str  # weight of the identity loss: leave alone what is of the target domain already
    instance_noise: float | str  # standard deviation of noise on what the discriminator sees
    inversion: Literal["restart", "allow"]  # when light and dark are swapped early on
    keep_checkpoints: int | str  # checkpoints to keep
    label_column: str  # of a table: the name of the column that holds the label
    label_noise: float | str  # share of the discriminator's targets that are flipped
    label_pattern: str
    label_smoothing: float | str  # one-sided: targets of real examples are 1 minus this
    labelled: Literal["auto", "yes", "no"]  # read labels where there are any
    latent: int | str  # length of the generator's latent
    layers: int | str  # layers of the generator
    learning_rate: float | str  # of Adam
    least_count: int | str  # tokens seen less often than this are unknown
    length: int | str  # tokens of a line, at most; longer ones are cut
    likelihood_weight: float | str  # weight of maximum likelihood beside the adversarial loss
    longer: Literal["auto", "start", "pieces"]
    loudness: Literal["level", "keep"]
    lower: bool | str  # in small letters
    measure_every: int | str  # examples between two measurements of that distance (0: never)
    method: Literal["cycle", "contrast"]
    metric: Literal["frechet", "kernel", "sliced", "bits_per_dimension", "likelihood"]
    mirror: bool | str  # show half of the real pictures mirrored
    mismatched_share: float | str
    motion: float | str | Literal["fourier", "recurrent"]
    motion_latent: int | str  # random numbers that motion is made from, each time
    n_critic: int | str  # discriminator turns for each generator turn
    name: str  # the recipe this one started from
    network: Any  # the pair that plays; a flow plays against the lean one's discriminator
    objective: Any  # what the players minimise
    output: Literal["tanh", "clamp", "free", "auto", "layers", "foreground", "direct"]
    overlap: int | str  # spectra that every sample is part of
    patch: Literal["auto", "16", "34", "70", "142"]
    patience: int | str  # stop after this many measurements without a better one (0: never)
    penalty_scale: float | str
    penalty_share: float | str
    period: int | str  # frames of the quickest wave of a motion code (0: as many as a clip has)
    phase_iterations: int | str  # iterations that phases are found by
    pool: int | str  # past translations that the discriminator is shown too, half of the time
    precision: Literal["auto", "float32", "bfloat16"]  # of the networks' passes
    pretrain_examples: int | str  # examples of pretraining, by maximum likelihood, at most
    pretrain_patience: int | str
    r1: float | str  # weight of the zero-centred gradient penalty on real examples
    r2: float | str  # weight of the zero-centred gradient penalty on generated examples
    range: str
    rate: str  # hertz that every sound is brought to; auto: the most frequent, at most 16,000
    reach: int | str
    recycle: float | str  # weight of predicting the next frame across domains; the data are videos
    representation: Literal["log-magnitude", "complex", "waveform"]
    reuse_logits: bool | str
    rollbacks: int | str  # times to go back to a checkpoint, with half the learning rate, after a NaN
    sample_every: float | str  # time between previews of samples, at least
    seconds: str  # length of every sound; auto: what 95 % of the files fit into, at most 2
    seed: int | str  # decides weights, data order and latents
    shift: int | str  # show pictures moved by up to this many pixels
    shorter: Literal["pad", "repeat", "skip", "loop"]  # fill a shorter sound up with silence, or with itself
    size: str  # HEIGHTxWIDTH or one number, in pixels; auto keeps sets of one size up to 128, else 64
    skip: bool | str  # the generator adds to the picture instead of drawing it anew
    spectral_norm: bool | str  # divide each weight of the discriminator by its largest singular value
    split: Literal["auto", "all"]  # of files in folders train and test, learn from train alone, or from all
    steps: int | str  # train this many steps in total, over all sessions (0: no such limit)
    temperature: float | str  # of the contrastive loss
    tensorboard: bool | str  # write every number for TensorBoard too (pip install tensorboard)
    text_column: str  # of a table: the name of the column that holds the text
    time: float | str  # train this long in total, over all sessions (0: no such limit)
    timed: Literal["auto", "yes", "no"]
    token: Literal["auto", "word", "character", "bpe"]
    upsampling: Literal["nearest", "transposed"]
    vocabulary: int | str  # the most frequent tokens that are known
    weight_clip: float | str  # keep the discriminator's weights between this and minus this (0: off)
    weight_decay: float | str  # decoupled weight decay of both players
    wgan_gp: float | str  # weight of WGAN-GP's penalty between real and generated (10 in the paper)
    width: int | str  # channels of the lean pair at full resolution
    widths: str  # channels of the R3GAN pair at each resolution, smallest first
    window: int | str  # samples that a spectrum is taken of (0: the power of two nearest to 32 ms)
    workers: int | str  # processes that decode examples when they do not fit in memory


class SampleKeywords(TypedDict, total=False):
    """What ``sample`` is asked for, of whatever kind of data the model is."""

    content_seed: int | str  # one content for all samples, that of this seed (-1: another for each)
    count: int | str  # how many samples
    device: Literal["auto", "cpu", "cuda", "mps"]  # where to compute
    format: Literal["auto", "mp4", "webm", "gif", "webp", "apng", "strips", "frames"]
    fps: float | str  # frames a second that samples are written with (0: those of the data)
    frames: int | str  # frames of each sample (0: as many as were learned)
    interpolate: bool | str  # samples on the way from one latent to another, all of one label
    judge: Literal["none", "rejection", "chain"]
    label: str  # only samples of this label
    motion_seed: int | str  # one motion for all samples, that of this seed (-1: another for each)
    out: str | Path  # the file or folder to write, whose ending says as what (default: a preview in the run)
    overwrite: bool | str  # replace what is there
    prompt: str  # the beginning of every line
    proposals: float | str  # samples made for each that the judge keeps (0: 3 by rejection, 100 in a chain)
    seed: int | str  # the same seed makes the same samples
    temperature: float | str  # below 1 likelier tokens, 0 the likeliest alone, above 1 rarer ones
    top_p: float | str  # choose among the likeliest tokens that make up this probability together


class EvaluateKeywords(TypedDict, total=False):
    """What ``evaluate`` is asked for, of whatever kind of data the model is."""

    alpha: Literal["white", "black", "keep", "drop"]  # what to do with transparency
    cache_mb: int | str  # keep decoded pictures in memory up to this many MiB, else stream
    chains: int | str  # of each example whose likelihood is bounded
    channels: Literal["auto", "1", "3", "4", "2"]  # 1 grey, 3 colour, 4 colour and alpha
    count: int | str  # samples (0: 10,000, or half of the real examples)
    data: Paths  # the real examples (a run knows its own)
    device: Literal["auto", "cpu", "cuda", "mps"]  # where to compute
    direction: str  # only this direction (default: every one; of videos the first)
    distributions: int | str  # from prior to posterior: the more of them, the tighter the bound
    every: int | str  # take every frame of a video, every second, ...
    features: str  # auto, learned, lite0, an .onnx file, or timm:NAME (docs/metrics.md)
    fit: Literal["crop", "pad", "stretch"]  # how to bring a picture to size
    frames: int | str  # frames of a clip, what both players see the motion of
    judge: Literal["none", "rejection", "chain"]
    label_pattern: str
    labelled: Literal["auto", "yes", "no"]  # read labels where there are any
    likelihood: bool | str  # bound the likelihood of real examples too, which takes minutes, of sounds and videos hours
    longer: Literal["auto", "start", "pieces"]
    loudness: Literal["level", "keep"]
    out: str | Path  # folder for the results (default: evaluation/ in the run)
    proposals: float | str  # samples made for each that the judge keeps (0: 3 by rejection, 100 in a chain)
    range: str
    rate: str  # hertz that every sound is brought to; auto: the most frequent, at most 16,000
    resize: int | str  # of videos: pixels of the shorter side (0: as it is)
    seconds: str  # length of every sound; auto: what 95 % of the files fit into, at most 2
    seed: int | str  # of samples and of which real examples
    shorter: Literal["pad", "repeat", "skip", "loop"]  # fill a shorter sound up with silence, or with itself
    size: str  # HEIGHTxWIDTH or one number, in pixels; auto keeps sets of one size up to 128, else 64
    split: Literal["auto", "all"]  # of files in folders train and test, learn from train alone, or from all
    trust: bool | str  # run a TorchScript file as features: a program, which can read and write files
    videos: Paths  # videos to translate and to score, instead of pictures


class CalibrateKeywords(TypedDict, total=False):
    """What ``calibrate`` is asked for, of whatever kind of data the model is."""

    alpha: float | str  # rate of false alarms that there must be real examples enough for; score is asked for its own
    confidence: float | str  # the probability with which that rate shall hold, over calibrations
    data: Paths  # real examples that were not trained on (default: those held out)
    device: Literal["auto", "cpu", "cuda", "mps"]  # where to compute
    domain: Literal["auto", "A", "B"]
    method: Literal["platt", "beta", "isotonic"]  # how logits become log odds
    seed: int | str  # of the judge and of the generated examples that it learns from
    steps: int | str  # steps that the judge, a fresh discriminator, learns for


class ScoreKeywords(TypedDict, total=False):
    """What ``score`` is asked for, of whatever kind of data the model is."""

    alpha: float | str  # call so many of new real examples odd, at most
    confidence: float | str  # the probability with which no more are, over calibrations; 0: on average over them
    data: Paths  # the data that the model was trained on, where they have moved
    device: Literal["auto", "cpu", "cuda", "mps"]  # where to compute
    explain: str | Path  # a folder for pictures of where the judge looked, of the 64 oddest
    fdr: float | str  # in place of alpha: of what is called odd, at most this share is not, on average
    label: str  # score all examples under this label
    out: str | Path  # a table to write: .tsv, .csv or .jsonl
    overwrite: bool | str  # replace what is there
    page: str | Path  # a page that sorts the scores and shows the 64 oddest, .html
    prior: float | str  # the share of real ones among the examples, before they are seen


class TranslateKeywords(TypedDict, total=False):
    """What ``translate`` is asked for, of whatever kind of data the model is."""

    device: Literal["auto", "cpu", "cuda", "mps"]  # where to compute
    direction: str  # from which domain to which
    frame_by_frame: bool | str  # translate each frame of a video by itself, without temporal consistency
    frames: bool | str  # take each folder for a video, its pictures for the frames
    out: str | Path  # a folder; a file for a single input (default: translated/ in the run)
    overwrite: bool | str  # replace what is there
    resize: int | str  # translate at this many pixels of the shorter side; results keep their size (0: as it is)
    sheet: str | Path  # a PNG file to write, with some pictures beside their translations
    tile: int | str  # translate in tiles of this many pixels (0: whole up to a megapixel, beyond in tiles of 512)
