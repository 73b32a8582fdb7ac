"""What scores say in words: each trouble that has a name, which comes first, and when there is none."""

from __future__ import annotations

import itertools

import pytest

from sparring.metrics.findings import ERRORS, MEMORISED, NARROW, REPEATED, TOO_EARLY, Finding, find
from sparring.metrics.score import Metric, Score

# value, error, floor, error of the floor
Numbers = tuple[float | None, float | None, float | None, float | None]

CALM: dict[str, Numbers] = {
    "frechet": (1.0, 0.1, 0.9, 0.1),
    "sliced": (0.2, 0.01, 0.19, 0.01),
    "recall": (0.8, 0.02, 0.9, 0.02),
    "coverage": (0.9, 0.02, 0.95, 0.02),
    "vendi": (9.0, 0.1, 10.0, 0.1),
    "duplicates": (0.01, 0.01, 0.01, 0.01),
    "memorisation": (0.06, 0.02, 0.05, None),
}
MEMORISING: dict[str, Numbers] = {"memorisation": (1.0, 0.05, 0.05, None)}
COLLAPSED: dict[str, Numbers] = {"duplicates": (0.9, 0.02, 0.01, 0.01), "coverage": (0.1, 0.02, 0.95, 0.02)}
NARROWED: dict[str, Numbers] = {"recall": (0.1, 0.02, 0.9, 0.02)}
FAR: dict[str, Numbers] = {"frechet": (9.0, 0.1, 0.9, 0.1)}
NOTHING: Numbers = (None, None, None, None)


def said(*changes: dict[str, Numbers], leave_out: tuple[str, ...] = (), count: int = 500) -> list[Finding]:
    """Of calm scores with some changes."""
    table = dict(itertools.chain(CALM.items(), *(change.items() for change in changes)))
    rows = {
        name: Score(Metric(name, "low", ""), *numbers, count=count, reason="" if numbers[0] is not None else "too few")
        for name, numbers in table.items()
        if name not in leave_out
    }
    return find(rows)


def troubles(*changes: dict[str, Numbers]) -> list[str]:
    return [finding.trouble for finding in said(*changes)]


def test_nothing_is_wrong_at_the_floor() -> None:
    (finding,) = said()
    assert finding.trouble == ""
    assert finding.message.startswith("at the floor: ")


def test_without_trouble_the_distance_is_told_in_floors() -> None:
    assert said(FAR) == [Finding("", "the frechet distance is 10.0 times the floor")]


@pytest.mark.parametrize("changes", [{}, FAR])
def test_a_distance_does_not_hide_a_low_precision(changes: dict[str, Numbers]) -> None:
    (plain,) = said(changes)
    (low,) = said(changes, {"precision": (0.4675, 0.02, 0.92, 0.02)})
    told = "; but 47% of the samples lie among the real ones, where 92% of real ones do"
    assert low == Finding("", plain.message + told)
    assert said(changes, {"precision": (0.65, 0.02, 0.92, 0.02)}) == [plain]  # within the errors of three quarters
    assert said(changes, {"precision": (0.4675, 0.2, 0.92, 0.02)}) == [plain]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ([MEMORISING], ["memorisation"]),
        ([COLLAPSED], ["collapse"]),
        ([NARROWED], ["missing modes"]),
        ([{"vendi": (3.0, 0.1, 10.0, 0.1)}], ["missing modes"]),
        ([COLLAPSED, MEMORISING], ["memorisation", "collapse"]),
        ([NARROWED, COLLAPSED], ["collapse"]),  # what is repeated is narrow too: one line is enough
        ([NARROWED, MEMORISING], ["memorisation"]),
        ([NARROWED, COLLAPSED, MEMORISING], ["memorisation", "collapse"]),
        ([FAR, NARROWED], ["missing modes"]),
        ([FAR, COLLAPSED], ["collapse"]),
    ],
)
def test_troubles_by_name_the_weightiest_first(changes: list[dict[str, Numbers]], found: list[str]) -> None:
    assert troubles(*changes) == found


@pytest.mark.parametrize(
    ("share", "error", "floor", "found"),
    [
        (MEMORISED + 0.05 + 0.001, 0.0, 0.05, True),
        (MEMORISED + 0.05 - 0.001, 0.0, 0.05, False),
        (MEMORISED + 0.05 + ERRORS * 0.1 + 0.001, 0.1, 0.05, True),
        (MEMORISED + 0.05 + ERRORS * 0.1 - 0.001, 0.1, 0.05, False),  # it may be chance
        (0.5, 0.05, 0.45, False),  # half of the held-out examples are in the training set too
        (0.9, None, None, True),
    ],
)
def test_memorisation_is_a_share_beyond_floor_and_chance(
    share: float, error: float | None, floor: float | None, found: bool
) -> None:
    assert ("memorisation" in troubles({"memorisation": (share, error, floor, None)})) == found


@pytest.mark.parametrize(("count", "vendi", "found"), [(400, 9.0, True), (399, 9.0, False), (100, 4.0, True)])
def test_of_few_samples_near_copies_are_a_collapse_only_where_they_count_as_few(
    count: int, vendi: float, found: bool
) -> None:
    findings = said(COLLAPSED, {"vendi": (vendi, 0.1, 10.0, 0.1)}, count=count)
    assert ("collapse" in [finding.trouble for finding in findings]) == found


@pytest.mark.parametrize(
    ("repeated", "coverage", "floor", "found"),
    [
        (REPEATED, 0.9 * NARROW - 0.01, 0.9, True),
        (REPEATED - 0.01, 0.1, 0.9, False),
        (1.0, 0.9 * NARROW + 0.01, 0.9, False),  # data that repeat themselves are covered by samples that do
        (1.0, 0.0, 0.9, True),
        (1.0, 0.0, 0.0, False),  # without a floor there is nothing to hold it against
        (1.0, None, None, False),
        (None, 0.1, 0.9, False),
    ],
)
def test_collapse_is_repetition_that_leaves_data_uncovered(
    repeated: float | None, coverage: float | None, floor: float | None, found: bool
) -> None:
    changes: dict[str, Numbers] = {"duplicates": (repeated, 0, 0.01, 0), "coverage": (coverage, 0, floor, 0)}
    assert ("collapse" in troubles(changes)) == found


@pytest.mark.parametrize(
    ("share", "error", "floor", "found"),
    [
        (0.34, 0.0, 0.0, True),
        (0.32, 0.0, 0.0, False),
        (0.48, 0.0, 0.2, True),
        (0.45, 0.0, 0.2, False),  # a third of the way from the floor
        (0.48, 0.03, 0.2, False),  # it may be chance
        (1.0, None, None, True),
        (None, None, None, False),
    ],
)
def test_samples_without_a_shape_are_too_early_to_judge(
    share: float | None, error: float | None, floor: float | None, found: bool
) -> None:
    changes: dict[str, Numbers] = {"shapeless": (share, error, floor, error)}
    assert troubles(changes, {"precision": (0.96, 0.01, 0.88, 0.01)}) == [TOO_EARLY if found else ""]
    assert troubles(changes, NARROWED) == [TOO_EARLY if found else "missing modes"]


def test_what_repeats_itself_without_a_shape_may_be_early() -> None:
    (finding,) = said(COLLAPSED, {"shapeless": (1.0, 0.0, 0.1, 0.01)})
    assert finding.trouble == "collapse"
    assert "it repeats itself; or it is too early to tell: 100% of the samples" in finding.message


@pytest.mark.parametrize("name", ["recall", "vendi"])
@pytest.mark.parametrize(
    ("value", "floor", "found"),
    [
        (0.44, 0.9, True),
        (0.46, 0.9, False),
        (0.0, 0.9, True),
        (0.0, 0.0, False),
        (0.1, None, False),
        (None, 0.9, False),
    ],
)
def test_modes_are_missing_below_half_of_the_floor(
    name: str, value: float | None, floor: float | None, found: bool
) -> None:
    assert (troubles({name: (value, 0.0, floor, 0.0)}) == ["missing modes"]) == found


@pytest.mark.parametrize(
    ("value", "at_floor"),
    [
        (0.5, True),  # below it, by chance
        (1.0 + ERRORS * 0.5 - 0.001, True),
        (1.0 + ERRORS * 0.5 + 0.001, False),
    ],
)
def test_the_margin_is_of_both_errors_together(value: float, at_floor: bool) -> None:
    (finding,) = said({"frechet": (value, 0.3, 1.0, 0.4)})
    assert finding.message.startswith("at the floor") == at_floor


def test_a_distance_without_errors_is_held_against_the_floor_itself() -> None:
    assert said({"frechet": (1.0, None, 1.0, None)})[0].message.startswith("at the floor")
    assert said({"frechet": (1.5, None, 1.0, None)}) == [Finding("", "the frechet distance is 1.5 times the floor")]


def test_a_floor_of_nothing_is_no_reason_to_fail() -> None:
    assert said({"frechet": (1.0, 0.0, 0.0, 0.0)})[0].message.endswith(" times the floor")


def test_messages_name_the_share() -> None:
    memorised, collapsed = said(MEMORISING, COLLAPSED)
    assert memorised.message.startswith("100% of the samples ")
    assert collapsed.message.startswith("90% of the samples ")
    assert said(NARROWED)[0].message.startswith("recall is 11% of ")


def test_something_is_said_of_nothing() -> None:
    """No rows at all, or rows with reasons alone."""
    nothing = [Finding("", "no distance could be computed, so nothing can be said of quality")]
    assert find({}) == nothing
    assert said(dict.fromkeys(CALM, NOTHING)) == nothing


def test_where_there_is_no_frechet_distance_the_sliced_one_speaks() -> None:
    assert said({"sliced": (1.9, 0.01, 0.19, 0.01)}, leave_out=("frechet",)) == [
        Finding("", "the sliced distance is 10.0 times the floor")
    ]


def test_where_the_frechet_distance_has_no_number_the_sliced_one_speaks() -> None:
    """So it is with few samples: fewer than 130 in 64 features."""
    far: dict[str, Numbers] = {"frechet": NOTHING, "sliced": (1.9, 0.01, 0.19, 0.01)}
    assert said(far) == [Finding("", "the sliced distance is 10.0 times the floor")]


# How samples look


@pytest.mark.parametrize(
    ("value", "error", "found"),
    [
        (-4.0, 0.1, ["blurred"]),
        (4.0, 0.1, ["noisy"]),
        (-2.9, 0.0, [""]),
        (2.9, 0.0, [""]),
        (-4.0, 0.5, [""]),  # it may be chance
        (None, None, [""]),
    ],
)
def test_half_or_twice_the_power_of_fine_detail_has_a_name(
    value: float | None, error: float | None, found: list[str]
) -> None:
    assert troubles({"sharpness": (value, error, 0.0, 0.0)}) == found


@pytest.mark.parametrize(
    ("value", "error", "found"),
    [(0.08, 0.0, ["colours differ"]), (0.06, 0.0, [""]), (0.08, 0.01, [""]), (None, None, [""])],
)
def test_other_colours_have_a_name(value: float | None, error: float | None, found: list[str]) -> None:
    assert troubles({"colours": (value, error, 0.02, 0.0)}) == found


ALL_ALIKE: dict[str, Numbers] = {"vendi": (1.1, 0.0, 12.2, 0.1), "variation": (0.1, 0.01, 1.0, 0.01)}


def test_what_is_all_alike_is_a_collapse_however_precise() -> None:
    """Without near-copies; where samples vary as real ones do, they are only far away together."""
    (finding,) = said(ALL_ALIKE, {"precision": (0.997, 0.01, 0.9, 0.01)})
    assert finding.trouble == "collapse"
    assert "vary 10% as much as real ones, and count as 1.1 different ones where real ones count as 12.2" in (
        finding.message
    )
    assert troubles(ALL_ALIKE, {"variation": (0.9, 0.01, 1.0, 0.01)}) == ["missing modes"]
    assert troubles(ALL_ALIKE, {"vendi": (9.0, 0.1, 12.2, 0.1)}) == [""]


def test_halves_that_are_never_made_are_missed_by_coverage() -> None:
    uncovered: dict[str, Numbers] = {"coverage": (0.5, 0.02, 0.95, 0.02), "precision": (0.9, 0.02, 0.9, 0.02)}
    assert troubles(uncovered) == ["missing modes"]
    assert troubles(uncovered, {"precision": (0.3, 0.02, 0.9, 0.02)}) == [""]  # what lies nowhere covers nothing


def test_looks_explain_a_small_effective_number_of_samples_that_lie_nowhere() -> None:
    few: dict[str, Numbers] = {"vendi": (3.0, 0.1, 10.0, 0.1), "precision": (0.3, 0.02, 0.9, 0.02)}
    tinted: dict[str, Numbers] = {"colours": (0.3, 0.0, 0.02, 0.0)}
    assert troubles(few) == ["missing modes"]
    assert troubles(few, tinted) == ["colours differ"]
    assert troubles(few, tinted, {"precision": (0.9, 0.02, 0.9, 0.02)}) == ["missing modes", "colours differ"]


def test_what_has_no_shape_yet_is_told_how_it_looks_and_what_repeats_itself_is_not() -> None:
    noisy: dict[str, Numbers] = {"sharpness": (10.0, 0.1, 0.0, 0.1)}
    early: dict[str, Numbers] = {"shapeless": (1.0, 0.0, 0.1, 0.01)}
    assert troubles(early, noisy) == [TOO_EARLY, "noisy"]
    assert troubles(early, noisy, COLLAPSED) == ["collapse", "noisy"]
    assert troubles(noisy, COLLAPSED) == ["collapse"]


# Sounds


@pytest.mark.parametrize("name", ["silent", "clicking", "clipped", "frozen", "flickering"])
@pytest.mark.parametrize(
    ("share", "error", "floor", "found"),
    [
        (0.031, 0.0, 0.01, True),
        (0.029, 0.0, 0.01, False),  # 2 % beyond the floor
        (0.2, 0.05, 0.01, True),
        (0.1, 0.05, 0.01, False),  # it may be chance
        (0.5, 0.0, 0.5, False),  # real sounds are so too
        (0.5, 0.0, None, False),
        (None, None, 0.01, False),
    ],
)
def test_faulty_sounds_are_named_beyond_those_of_real_ones(
    name: str, share: float | None, error: float | None, floor: float | None, found: bool
) -> None:
    assert (troubles({name: (share, error, floor, 0.0)}) == [name]) == found


def test_every_fault_of_sounds_has_a_line_with_its_share() -> None:
    faulty: dict[str, Numbers] = dict.fromkeys(("clipped", "silent", "clicking"), (0.25, 0.01, 0.01, 0.01))
    assert [finding.message for finding in said(faulty)] == [
        "25.0% of the samples are silent (1.0% of real ones)",
        "25.0% of the samples click (1.0% of real ones)",
        "25.0% of the samples are clipped at full scale (1.0% of real ones)",
    ]


@pytest.mark.parametrize(
    ("decibels", "error", "floor", "message"),
    [
        (6.5, 0.1, 0.3, "samples are 6.2 dB louder than real ones"),
        (-6.0, 0.1, 0.0, "samples are 6.0 dB quieter than real ones"),
        (3.2, 0.0, 0.0, "samples are 3.2 dB louder than real ones"),
        (2.9, 0.0, 0.0, ""),
        (3.2, 0.0, 0.3, ""),  # 3 dB from the floor
        (6.0, 1.1, 0.0, ""),  # it may be chance
        (None, None, 0.0, ""),
    ],
)
def test_the_level_differs_by_three_decibels(
    decibels: float | None, error: float | None, floor: float | None, message: str
) -> None:
    (finding,) = said({"level": (decibels, error, floor, 0.0)})
    assert finding.trouble == ("level differs" if message else "")
    assert not message or finding.message == message
