"""How files are read as examples, whatever they hold: settings of every modality that does. No torch in here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol

from sparring.core.settings import Settings, setting, settings
from sparring.data.files.label_patterns import read_pattern


@settings
class FileReading(Settings):
    """Which of a set's files are learned from, and where their labels are: a part of how a modality reads its data.

    Raises :class:`UserError` for a label pattern that is none, or has no effect.
    """

    only_with: ClassVar[Mapping[str, tuple[str, tuple[str, ...]]]] = {"label_pattern": ("labelled", ("auto", "yes"))}

    labelled: str = setting("auto", "read labels where there are any", "data", choices=("auto", "yes", "no"))
    label_pattern: str = setting(
        "", "where names of files have the label, such as {label}_{speaker}_{take}; with / those of folders too", "data"
    )
    split: str = setting(
        "auto", "of files in folders train and test, learn from train alone, or from all", "data",
        choices=("auto", "all"),
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.label_pattern:
            read_pattern(self.label_pattern)


class FileSettings(Protocol):
    """The fields of a recipe that say which files are read, and where their labels are."""

    @property
    def labelled(self) -> str: ...  # "auto", "yes", "no"
    @property
    def label_pattern(self) -> str: ...  # "", or "{label}_{speaker}_{take}"
    @property
    def split(self) -> str: ...  # "auto", "all"
