"""The page of scores: everything in one file, the oddest first, every column a heading that sorts by it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from sparring.kind import Artifact
from sparring.report.scores import MOST, scores_page
from sparring.scoring import Table


class Cells(HTMLParser):
    """The texts of the cells of each row, and the sources of pictures."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.sources: list[str] = []
        self.open = False
        self.feed(page)

    def handle_endtag(self, tag: str) -> None:
        self.open = self.open and tag not in ("td", "th")

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self.open = True
        elif tag == "img":
            self.sources.append(dict(attributes)["src"] or "")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1] and self.open:
            self.rows[-1][-1] += data.strip()


def row(name: str, p_value: float, decision: str = "usual") -> dict[str, Any]:
    return {"example": name, "label": None, "score": 1, "p_real": 0.25, "p_value": p_value, "decision": decision}


def test_the_oddest_comes_first_with_its_picture() -> None:
    drawn = {"b<i>.png": Artifact("a picture", "image/png", b"PNG")}
    rows = [row("a.png", 0.5), row("b<i>.png", 0.0125, "odd")]
    page = scores_page(Table(rows, {}, "head\n1 of 2 examples are odd", drawn), "Scores by <run>")
    found = Cells(page)
    assert found.rows[0][1:] == ["p_value", "decision", "p_real", "label", "example", "score"]
    assert found.rows[1][1:] == ["0.0125", "odd", "0.2500", "", "b<i>.png", "1"]
    assert found.rows[2][1:] == ["0.5000", "usual", "0.2500", "", "a.png", "1"]
    assert found.sources == ["data:image/png;base64,UE5H"]
    assert "1 of 2 examples are odd." in page
    assert "<run>" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_a_page_of_very_many_is_cut() -> None:
    page = scores_page(Table([row(f"{number}.png", 1.0) for number in range(MOST + 1)], {}, "all"), "Scores")
    assert len(Cells(page).rows) == MOST + 1
    assert f"The {MOST:,} oddest are shown." in page
