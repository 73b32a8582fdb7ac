"""The table and the page of an evaluation: what is measured, hostile names unharmed, reasons where numbers lack."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from PIL import Image

from sparring.kind import ENDINGS, Artifact
from sparring.report.evaluation import HEADINGS, MOST, evaluation_page, evaluation_table, short

HOSTILE = "</td><script>alert(1)</script><!--slot:rows--> & \"' <img src=x onerror=alert(2)>"


def score(name: str, value: float | None = 0.5, **more: Any) -> dict[str, Any]:
    row = {"name": name, "value": value, "error": 0.25, "floor": 0.125, "floor_error": None, "bias": -0.5}
    return {**row, "count": 500, "reason": "", "better": "low", "about": "how far apart", **more}


def without(name: str, reason: str, **more: Any) -> dict[str, Any]:
    return score(name, None, error=None, floor=None, bias=None, reason=reason, **more)


def result(*scores: dict[str, Any], text: str = "runs/digits", **more: Any) -> dict[str, Any]:
    return {
        "sparring": "0.1",
        "target": text,
        "data": text,
        "count": 1500,
        "reference": 40_000,
        "seed": 3,
        "features": {"name": text, "hash": "0123456789abcdef", "dimensions": 64},
        "verdicts": [{"trouble": "", "message": "2.0 times the floor"}],
        "scores": list(scores),
        **more,
    }


def a_picture(shade: int, caption: str) -> Artifact:
    buffer = io.BytesIO()
    Image.new("L", (4, 4), shade).save(buffer, format="PNG")
    return Artifact(caption, "image/png", buffer.getvalue())


class Page(HTMLParser):
    """Tags with their attributes, and the text of each cell of the table, row by row."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.within: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.within.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        while self.within and self.within.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if {"td", "th"} & {*self.within} and "small" not in self.within:
            self.rows[-1][-1] += data

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_hostile_names_stay_names() -> None:
    hostile = result(
        score(HOSTILE, about=HOSTILE, better=HOSTILE),
        without(HOSTILE, HOSTILE, about=HOSTILE),
        text=HOSTILE,
        sparring=HOSTILE,
        verdicts=[{"trouble": HOSTILE, "message": HOSTILE}],
    )
    hostile["features"]["hash"] = HOSTILE
    calm = Page(
        evaluation_page(result(score("a"), without("b", "c")), [a_picture(9, "d"), Artifact("e", "text/plain", b"f")])
    )
    text = evaluation_page(hostile, [a_picture(9, HOSTILE), Artifact(HOSTILE, "text/plain", HOSTILE.encode())])
    page = Page(text)
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in calm.tags]  # not one more than of calm names
    assert page.attributes("img")[0]["alt"] == HOSTILE
    assert [row[0] for row in page.rows[1:]] == [HOSTILE, HOSTILE]
    assert page.rows[2][1] == f"not computable: {HOSTILE}"
    assert not re.search(r"<!--slot:\w+-->", text)


def test_the_page_of_one_output_names_it() -> None:
    page = evaluation_page(result(text="runs/neon"), [], "a2b")
    assert page.count("Evaluation of runs/neon, a2b<") == 2  # title and heading


def test_the_page_holds_everything_and_fetches_nothing() -> None:
    pictures = [a_picture(10, "neighbours"), a_picture(20, "best")]
    text = evaluation_page(result(score("sliced")), pictures)
    page = Page(text)
    assert "://" not in text
    assert not re.search(r"@import|url\(|<script|<link[^>]+stylesheet", text)
    assert [image["alt"] for image in page.attributes("img")] == ["neighbours", "best"]
    for image, picture in zip(page.attributes("img"), pictures, strict=True):
        assert base64.b64decode((image["src"] or "").removeprefix("data:image/png;base64,")) == picture.data
    assert "default-src 'none'; img-src data:; media-src data:;" in text
    assert "<figcaption>neighbours</figcaption>" in text


@pytest.mark.parametrize("media_type", ENDINGS)
def test_an_artifact_is_shown_by_its_media_type(media_type: str) -> None:
    data = b"<b>\xe2\x82\xac & so on</b>"
    text = evaluation_page(result(), [Artifact(HOSTILE, media_type, data)])
    page, empty = Page(text), Page(evaluation_page(result(), []))
    kind = media_type.partition("/")[0]
    name = {"image": "img", "text": "pre"}.get(kind, kind)
    tags = [tag for tag, _ in page.tags]
    assert tags[: len(empty.tags) - 1] + tags[-1:] == [tag for tag, _ in empty.tags]
    assert tags[len(empty.tags) - 1 : -1] == [
        "figure",
        "figcaption",
        *(["label", "input"] if name == "img" else []),
        name,
    ]
    attributes = page.attributes(name)[0]
    if name == "pre":
        assert "<pre>&lt;b&gt;\u20ac &amp; so on&lt;/b&gt;</pre>" in text
        return
    url = f"data:{media_type};base64,{base64.b64encode(data).decode()}"
    described = {"alt": HOSTILE, "src": url} if name == "img" else {"aria-label": HOSTILE, "src": url, "controls": None}
    assert attributes == described | ({"loop": None, "playsinline": None} if name == "video" else {})


def test_what_is_too_much_for_the_page_lies_beside_it() -> None:
    sounds = [
        Artifact(f"sound {number}", "audio/flac", bytes(MOST // 3), "worst" if number else "") for number in range(5)
    ]
    text = evaluation_page(result(), sounds)
    assert len(text) < 3_000_000
    assert text.count("<audio") == 3
    assert text.count('<p class="soft">beside this page: worst.flac</p>') == 2


def test_the_page_has_a_row_for_each_score() -> None:
    page = Page(evaluation_page(result(score("sliced"), score("density", better="floor")), []))
    assert page.rows[0] == ["metric", "samples", "±", "real", "±", "from N", "better"]
    assert page.rows[1] == ["sliced", "0.5", "0.25", "0.125", "", "-0.5", "low"]
    assert page.rows[2][-1] == "as real"
    assert page.attributes("img") == []


def test_rows_without_a_number_tell_why() -> None:
    scores = [score("sliced"), without("frechet", "needs at least 130 samples, not 20")]
    page = Page(evaluation_page(result(*scores), []))
    assert page.rows[2] == ["frechet", "not computable: needs at least 130 samples, not 20"]
    assert {"colspan": str(len(HEADINGS) - 1)} in page.attributes("td")
    lines = evaluation_table(result(*scores)).splitlines()
    assert "frechet: not computable, needs at least 130 samples, not 20" in lines
    assert [line.split()[0] for line in lines if line.startswith(("sliced ", "frechet "))] == ["sliced"]


def test_the_table_stands_in_columns() -> None:
    lines = evaluation_table(result(score("sliced"), score("label_accuracy", 123_456.7, bias=None))).splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith("metric"))
    table = lines[start : start + 3]
    assert [re.split(r" {2,}", line.strip()) for line in table] == [
        list(HEADINGS),
        ["sliced", "0.5", "0.25", "0.125", "-0.5", "low"],
        ["label_accuracy", "123,457", "0.25", "0.125", "low"],
    ]
    assert len({len(line) for line in table}) == 1
    assert lines[0] == "1,500 samples of runs/digits against 40,000 of runs/digits, seed 3"
    assert "0123456789abcdef" in lines[1]


def test_a_table_without_any_number_still_speaks() -> None:
    text = evaluation_table(result(without("frechet", "the features of 3 samples are not finite")))
    assert "the features of 3 samples are not finite" in text
    assert text.splitlines()[3] == "2.0 times the floor"


@pytest.mark.parametrize(("trouble", "kind"), [("", "calm"), ("collapse", "trouble")])
def test_trouble_stands_out(trouble: str, kind: str) -> None:
    told = result(score("sliced"), verdicts=[{"trouble": trouble, "message": "it repeats itself"}])
    line = f"{trouble}: it repeats itself" if trouble else "it repeats itself"
    assert f'<p class="{kind}">{line}</p>' in evaluation_page(told, [])
    assert evaluation_table(told).splitlines()[3] == line


@pytest.mark.parametrize(("columns", "left_out"), [(0, ""), (80, ""), (60, "from N"), (45, "better"), (40, "better")])
def test_a_narrow_terminal_has_fewer_columns(columns: int, left_out: str) -> None:
    lines = evaluation_table(result(score("label_accuracy_of_many", 123_456.7)), columns).splitlines()
    heading, line = (next(line for line in lines if line.startswith(name)) for name in ("metric", "label_"))
    assert len(heading) == len(line)
    assert not columns or len(line) <= columns
    assert {"metric", "samples", "real"} <= set(heading.split())
    assert left_out not in heading or not left_out
    assert "123,457" in line


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (0.0, "0"),
        (1.0, "1"),
        (0.123456, "0.1235"),
        (1.2e-7, "1.2e-07"),
        (-0.5, "-0.5"),
        (9999.4, "9999"),
        (44_850.0, "44,850"),
        (-123_456.0, "-123,456"),
    ],
)
def test_numbers_are_short(value: float | None, text: str) -> None:
    assert short(value) == text
