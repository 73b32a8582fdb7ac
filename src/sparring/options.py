"""The options of the verbs that work on a model. A modality whose verb takes more extends these. No torch in here."""

from __future__ import annotations

from sparring.core.errors import UserError
from sparring.core.settings import Settings, fields, setting, settings

DEVICES = ("auto", "cpu", "cuda", "mps")
REPLACE = "replace what is there"


@settings
class JudgeOptions(Settings):
    """Which samples of a calibrated model are kept: of every verb that makes samples."""

    judge: str = setting(
        "none", "of a calibrated model: keep samples that its judge finds real, by rejection or, exactly, in a chain",
        choices=("none", "rejection", "chain"),
    )  # fmt: skip
    proposals: float = setting(
        0.0, "samples made for each that the judge keeps (0: 3 by rejection, 100 in a chain)", low=0, high=100_000
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.proposals and self.judge == "none":
            raise UserError("proposals: has no effect without a judge; add --judge rejection, or leave proposals out")


@settings
class SampleOptions(JudgeOptions):
    """What ``sparring sample`` is asked for; a modality's own fields go to the generator (:meth:`Output.generate`)."""

    count: int = setting(64, "how many samples", low=1, high=1_000_000)
    seed: int = setting(0, "the same seed makes the same samples", low=0, high=2**63 - 1)
    label: str = setting("", "only samples of this label")
    out: str = setting("", "the file or folder to write, whose ending says as what (default: a preview in the run)",
                       "output", unit="path")  # fmt: skip
    overwrite: bool = setting(False, REPLACE, "output")
    device: str = setting("auto", "where to compute", "machine", choices=DEVICES)


@settings
class LatentSampleOptions(SampleOptions):
    """What ``sparring sample`` is asked for of a generator from latents."""

    interpolate: bool = setting(False, "samples on the way from one latent to another, all of one label")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.interpolate and self.judge != "none":
            raise UserError("interpolate: every sample on the way is made; leave judge out")


@settings
class EvaluateOptions(JudgeOptions):
    """What ``sparring evaluate`` is asked for."""

    data: tuple[str, ...] = setting((), "the real examples (a run knows its own)", "data")
    count: int = setting(0, "samples (0: 10,000, or half of the real examples)", low=0, high=1_000_000)
    seed: int = setting(0, "of samples and of which real examples", low=0, high=2**63 - 1)
    features: str = setting("auto", "auto, learned, lite0, an .onnx file, or timm:NAME (docs/metrics.md)")
    trust: bool = setting(False, "run a TorchScript file as features: a program, which can read and write files")
    out: str = setting("", "folder for the results (default: evaluation/ in the run)", "output", unit="path")
    device: str = setting("auto", "where to compute", "machine", choices=DEVICES)


@settings
class CalibrateOptions(Settings):
    """What ``sparring calibrate`` is asked for."""

    data: tuple[str, ...] = setting((), "real examples that were not trained on (default: those held out)", "data")
    alpha: float = setting(
        0.05, "rate of false alarms that there must be real examples enough for; score is asked for its own", low=0,
        high=1,
    )  # fmt: skip
    confidence: float = setting(
        0.9, "the probability with which that rate shall hold, over calibrations", low=0, high=1
    )
    method: str = setting("platt", "how logits become log odds", choices=("platt", "beta", "isotonic"))
    steps: int = setting(1500, "steps that the judge, a fresh discriminator, learns for", low=1, high=1_000_000)
    seed: int = setting(0, "of the judge and of the generated examples that it learns from", low=0, high=2**63 - 1)
    device: str = setting("auto", "where to compute", "machine", choices=DEVICES)


@settings
class LikelihoodOptions(EvaluateOptions):
    """What ``sparring evaluate`` is asked for of a generator from latents whose likelihood can be bounded."""

    likelihood: bool = setting(
        False, "bound the likelihood of real examples too, which takes minutes, of sounds and videos hours"
    )
    chains: int = setting(8, "of each example whose likelihood is bounded", low=1, high=1024)
    distributions: int = setting(
        4000, "from prior to posterior: the more of them, the tighter the bound", low=10, high=1_000_000
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in () if self.likelihood else ("chains", "distributions"):
            if getattr(self, name) != fields(type(self))[name].default:
                raise UserError(f"{name}: has no effect without likelihood; add --likelihood, or leave {name} out")


@settings
class ScoreOptions(Settings):
    """What ``sparring score`` is asked for. What of it concerns decisions needs ``sparring calibrate`` first."""

    files: tuple[str, ...] = setting((), "the examples to score: whatever the model could be trained on", "data")
    label: str = setting("", "score all examples under this label")
    data: tuple[str, ...] = setting((), "the data that the model was trained on, where they have moved", "data")
    alpha: float = setting(0.05, "call so many of new real examples odd, at most", low=0, high=1)
    confidence: float = setting(
        0.9, "the probability with which no more are, over calibrations; 0: on average over them", low=0, high=1,
    )  # fmt: skip
    fdr: float = setting(
        0.0, "in place of alpha: of what is called odd, at most this share is not, on average", low=0, high=1,
    )  # fmt: skip
    prior: float = setting(0.5, "the share of real ones among the examples, before they are seen", low=0, high=1)
    out: str = setting("", "a table to write: .tsv, .csv or .jsonl", "output", unit="path")
    page: str = setting("", "a page that sorts the scores and shows the 64 oddest, .html", "output", unit="path")
    explain: str = setting("", "a folder for pictures of where the judge looked, of the 64 oddest", "output",
                           unit="path")  # fmt: skip
    overwrite: bool = setting(False, REPLACE, "output")
    device: str = setting("auto", "where to compute", "machine", choices=DEVICES)


@settings
class TranslateOptions(Settings):
    """What ``sparring translate`` is asked for."""

    inputs: tuple[str, ...] = setting((), "files, folders of them, patterns", "data")
    direction: str = setting("a2b", "from which domain to which")
    out: str = setting(
        "", "a folder; a file for a single input (default: translated/ in the run)", "output", unit="path"
    )
    overwrite: bool = setting(False, REPLACE, "output")
    device: str = setting("auto", "where to compute", "machine", choices=DEVICES)


@settings
class TrainOptions(Settings):
    """What ``sparring train`` is asked for besides the settings of a recipe."""

    data: tuple[str, ...] = setting((), "a folder, a file, or the name of a set; two of them for two domains", "data")
    out: str = setting("", "run folder (default: runs/<recipe>)", "output", unit="path", common=True)


@settings
class ResumeOptions(Settings):
    """What ``sparring resume`` is asked for besides the settings that a resumed run may change."""

    data: tuple[str, ...] = setting((), "the same data in another place; two of them for two domains", "data")
    more: float = setting(
        0.0, "train this much longer: added to the budget, in place of a limit of steps", "budget", low=0, unit="time"
    )


@settings
class CheckOptions(Settings):
    """What ``sparring data check`` is asked for besides the settings that decide how data are read."""

    data: tuple[str, ...] = setting((), "a folder, a file, or the name of a set; two of them for two domains", "data")
    out: str = setting("", "the file to draw some examples in (default: check-<name>)", "output", unit="path")
    overwrite: bool = setting(False, REPLACE, "output")


VERBS: dict[str, type[Settings]] = {
    "sample": SampleOptions,
    "evaluate": EvaluateOptions,
    "score": ScoreOptions,
    "calibrate": CalibrateOptions,
    "translate": TranslateOptions,
}
"""The options of each verb, unless the modality has its own."""
