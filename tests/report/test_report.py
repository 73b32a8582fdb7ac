"""The report: one file that needs nothing else, true to the journal, unharmed by hostile texts or a crash."""

from __future__ import annotations

import base64
import html
import io
import json
import random
import re
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sparring.core.errors import UserError
from sparring.kind import ENDINGS
from sparring.modalities import ENTRIES
from sparring.report.curves import POINTS, charts, evenly
from sparring.report.previews import BEGINNINGS, BUDGET, MOST, previews
from sparring.report.report import write_report

HOSTILE = "</script><script>alert(1)</script><!--slot:data--> & \"'\u2028 <img src=x onerror=alert(2)>"
START = {
    "event": "start",
    "device": "cpu",
    "precision": "float32 on cpu (as asked)",
    "players": {"generator": 123456, "discriminator": 301234},
    "count": 1797,
}
END = {
    "event": "end", "reason": "the time is up", "examples": 64000, "step": 1000, "seconds": 180.0, "services": 0.0234
}  # fmt: skip


def step(number: int, **more: Any) -> dict[str, Any]:
    return {
        "event": "step",
        "step": number,
        "examples": number * 64,
        "seconds": number * 0.18,
        "examples_per_second": 355.5,
        "losses": {"generator": 0.7, "discriminator": 1 / 3},
        "accuracy": {"real": 0.8, "fake": 0.75},
        **more,
    }


def make_run(
    folder: Path, journal: list[dict[str, Any]], recipe: str = "name: digits\nsteps: 0\n", tail: str = ""
) -> Path:
    (folder / "samples").mkdir(parents=True)
    (folder / "recipe.yaml").write_text(recipe, encoding="utf-8")
    lines = [json.dumps(entry) + "\n" for entry in journal]
    (folder / "journal.jsonl").write_text("".join(lines) + tail, encoding="utf-8")
    return folder


def add_preview(run: Path, examples: int, size: tuple[int, int] = (16, 16), noise: bool = False) -> dict[str, Any]:
    name = f"{examples:012d}.png"
    pixels = random.Random(examples).randbytes(size[0] * size[1] * 3)
    picture = Image.frombytes("RGB", size, pixels) if noise else Image.new("RGB", size, (examples % 256, 0, 0))
    picture.save(run / "samples" / name)
    return {"event": "sample", "file": f"samples/{name}", "examples": examples}


CONTENTS = {
    ".wav": b"RIFF\x24\0\0\0WAVEfmt ",
    ".flac": b"fLaC\0\0\0\x22",
    ".mp3": b"ID3\x04\0",
    ".mp4": b"\0\0\0\x18ftypisom",
    ".webm": b"\x1a\x45\xdf\xa3\x9f",
    ".txt": "</script><b>a caption</b> & \u00e9\n".encode(),
    ".svg": b"<svg xmlns='http://www.w3.org/2000/svg'></svg>",
    ".gif": b"GIF89a\x01\0\x01\0",
    ".webp": b"RIFF\x24\0\0\0WEBPVP8 ",
    ".png": b"\x89PNG\r\n\x1a\n",
}
"""How files of each kind begin."""


def add_file(run: Path, examples: int, ending: str, content: bytes) -> dict[str, Any]:
    name = f"{examples:012d}{ending}"
    (run / "samples" / name).write_bytes(content)
    return {"event": "sample", "file": f"samples/{name}", "examples": examples}


def write_journal(run: Path, journal: list[dict[str, Any]]) -> None:
    (run / "journal.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in journal), encoding="utf-8")


def read(run: Path) -> str:
    return write_report(run).read_text(encoding="utf-8")


def data_of(page: str) -> dict[str, Any]:
    found = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, flags=re.DOTALL)
    assert len(found) == 1
    content: dict[str, Any] = json.loads(found[0])
    return content


class Tags(HTMLParser):
    """Every tag and attribute that a browser would see."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    run = make_run(tmp_path / "digits", [])
    health = {"event": "health", "diversity": 0.93, "overfitting": 0.1, "examples": 6400}
    samples = [add_preview(run, examples) for examples in (640, 6400, 64000)]
    journal = [START, *(step(number) for number in range(100, 1001, 100)), health, *samples, END]
    write_journal(run, journal)
    return run


def test_the_page_refers_to_nothing_outside_itself(run: Path) -> None:
    page = read(run)
    assert re.findall(r"https?://[^\s\"'<]*", page) == ["http://www.w3.org/2000/svg"]  # a namespace, never fetched
    assert not re.search(r"@import|url\((?!#)|\bfetch\(|XMLHttpRequest|import\(", page)
    for tag, attributes in Tags(page).seen:
        assert tag not in ("iframe", "object", "embed", "base", "form")
        for name in ("src", "href", "srcset", "action"):
            assert (attributes.get(name) or "data:").startswith("data:"), (tag, attributes)
    assert "default-src 'none'; img-src data:; media-src data:;" in page  # and the browser holds it to that


def test_curves_and_previews_are_those_of_the_run(run: Path) -> None:
    data = data_of(read(run))
    assert [chart["title"] for chart in data["charts"]] == [
        "Losses",
        "Discriminator accuracy",
        "Diversity and overfitting",
        "Speed",
    ]
    losses = data["charts"][0]
    assert losses["names"] == ["generator", "discriminator"]
    assert losses["examples"] == [number * 64 for number in range(100, 1001, 100)]
    assert losses["values"] == [[0.7] * 10, [0.33333] * 10]
    assert [preview["examples"] for preview in data["previews"]] == [640, 6400, 64000]
    for preview, path in zip(data["previews"], sorted((run / "samples").iterdir()), strict=True):
        assert preview["media"] == "image/png"
        assert base64.b64decode(preview["url"].removeprefix("data:image/png;base64,")) == path.read_bytes()


def test_the_verdict_the_facts_and_the_commands(run: Path) -> None:
    page = read(run)
    assert "Finished: the time is up, after 64,000 examples in 3:00." in page
    for fact in (
        "1,797 examples",
        "356 examples/s",
        "generator 0.12M, discriminator 0.30M",
        "float32 on cpu (as asked)",
        "2.3% of the time",
    ):
        assert f"<dd>{fact}</dd>" in page
    assert f"sparring resume {run} --more 3m" in page
    assert f"sparring sample {run} -n 64" in page
    assert "No warnings were raised." in page
    assert '<img id="preview" alt="Samples after 64,000 examples" src="data:image/png;base64,' in page


@pytest.mark.parametrize(
    ("uses", "line"),
    [
        (["translate {run} INPUT..."], "translate RUN INPUT..."),
        (["sample {run} -n 64", "sample {run} --cut 0.5"], "sample RUN --cut 0.5"),
        (["sample {run}; rm -rf ~"], "sample RUN -n 64"),
        (["sample {run} -n 64\n"], "sample RUN -n 64"),
        (["sample {run.__class__} $(reboot)"], "sample RUN -n 64"),
        ([None], "sample RUN -n 64"),
        ([], "sample RUN -n 64"),
    ],
)
def test_how_a_model_is_used_is_what_the_run_says(tmp_path: Path, uses: list[Any], line: str) -> None:
    sessions = [{**START, "event": "resume" if number else "start", "use": use} for number, use in enumerate(uses)]
    run = make_run(tmp_path / "run", [*(sessions or [START]), END])
    assert f"<code>sparring {line.replace('RUN', str(run))}</code>" in read(run)


@pytest.mark.parametrize(
    ("journal", "verdict"),
    [
        ([START, step(10), {**END, "reason": "stopped"}], "Stopped, and can go on, after 64,000 examples"),
        ([START, step(10)], "Interrupted, and can go on, after 640 examples"),
        ([START, step(10), {**END, "reason": "diverged: not finite"}], "Ended early, it diverged: not finite, after"),
        ([START, step(10), {**END, "examples": 640}, {"event": "resume"}, step(20)], "Interrupted"),
        ([], "Interrupted, and can go on, after 0 examples in 0:00."),
    ],
)
def test_how_the_last_session_ended(tmp_path: Path, journal: list[dict[str, Any]], verdict: str) -> None:
    page = read(make_run(tmp_path / "run", journal))
    assert verdict in page
    assert re.search(r"sparring resume \S+/run</code>", page)


def test_a_run_that_did_all_its_steps_is_offered_more_time(tmp_path: Path) -> None:
    page = read(make_run(tmp_path / "run", [START, END], recipe="steps: 1000\n"))
    assert f"sparring resume {tmp_path / 'run'} --more 3m" in page


def test_a_page_of_a_run_that_goes_on_asks_for_itself_until_the_run_has_ended(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", [START, step(10)])
    page = write_report(run, live=True).read_text(encoding="utf-8")
    assert "Training, after 640 examples in 0:02." in page
    assert '<noscript><meta http-equiv="refresh" content="60"></noscript>' in page
    live = data_of(page)["live"]
    assert abs(live["written"] - time.time()) < 60
    assert (live["every"], live["patience"]) == (15, 300)
    assert "sparring resume" not in page  # another process trains it
    for journal, is_live in (([START, step(10)], False), ([START, step(10), END], True)):
        write_journal(run, journal)
        page = write_report(run, live=is_live).read_text(encoding="utf-8")
        assert data_of(page)["live"] is None
        assert 'http-equiv="refresh"' not in page


@pytest.mark.parametrize(("kind", "use"), [(kind, entry.use) for kind, entry in ENTRIES.items()])
def test_an_older_run_of_each_kind_is_told_its_own_command(tmp_path: Path, kind: str, use: str) -> None:
    run = make_run(tmp_path / "run", [START, END], recipe=f"kind: {kind}\n")
    assert f"<code>sparring {use.replace('{run}', str(run))}</code>" in read(run)
    assert f"<code>sparring evaluate {run}</code>" in read(run)


def test_changed_settings_come_first_with_the_command_that_trains_it_again(tmp_path: Path) -> None:
    recipe = "sparring: 2\nkind: images\nname: digits\ndata: /home/someone/my digits\nbatch: 8\ntime: 90\nseed: 3\n"
    page = read(make_run(tmp_path / "run", [START, END], recipe=recipe))
    changed, others = page.split("All other settings")
    assert re.search(r"<dt>batch</dt><dd>8 \(recipe: \d+\)</dd>", changed)
    assert "<dt>batch</dt>" not in others
    command = page.split("<code>sparring train ")[1].split("</code>")[0]
    assert html.unescape(command).startswith("digits --data 'my digits'")
    assert "--time 1m30s" in command
    assert "--seed 3" in command


def test_columns_are_named_and_the_last_preview_can_be_made_again(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", [], recipe="kind: images\nseed: 7\n")
    told = {"count": 60, "columns": ["0", "<b>1", 2, None], "real_columns": ["<b>1"]}
    write_journal(run, [{**START, "preview": told}, add_preview(run, 64), END])
    (run / "samples" / "real.png").write_bytes((run / "samples" / "000000000064.png").read_bytes())
    page = read(run)
    assert page.count("<span title='&lt;b&gt;1'>&lt;b&gt;1</span>") == 2  # above what was made and what is real
    assert 'alt="Real examples"' in page
    assert data_of(page)["again"] == f"sparring sample {run} -n 60 --seed 7"
    for odd in ({"count": "60; reboot", "columns": "abc"}, [1], None, {"count": 0}):
        write_journal(run, [{**START, "preview": odd}, add_preview(run, 64), END])
        assert data_of(read(run))["again"] == ""


def test_the_machine_is_told_where_the_journal_knows_it(tmp_path: Path) -> None:
    told = {"cpu": "A <fast> one", "cores": 4, "torch": "2.13.0", "home": "/home/someone"}
    page = read(make_run(tmp_path / "run", [{**START, "machine": told}, END]))
    assert "<dt>cpu</dt><dd>A &lt;fast&gt; one</dd>" in page
    assert "<dt>cores</dt><dd>4</dd>" in page
    assert "/home/someone" not in page


def test_what_was_made_of_a_preview_is_remembered_until_its_file_changes(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", [])
    samples = [add_preview(run, 1, size=(1100, 275), noise=True)]
    (first,) = previews(run, samples)
    assert previews(run, samples)[0].artifact.data is first.artifact.data
    add_preview(run, 1, size=(900, 275), noise=True)
    assert previews(run, samples)[0].artifact.data != first.artifact.data


def test_warnings_stand_out(tmp_path: Path) -> None:
    warning = {
        "event": "warning",
        "kind": "collapse",
        "message": "it repeats itself",
        "examples": 640,
        "seconds": 61,
    }
    page = read(make_run(tmp_path / "run", [START, step(10), warning, END]))
    assert "1 warning was raised" in page
    assert "<li>it repeats itself <small>after 640 examples, at 1:01</small></li>" in page
    assert data_of(page)["warnings"] == [640]


@pytest.mark.parametrize("kind", ["event", "news"])
def test_events_are_told_beside_warnings(tmp_path: Path, kind: str) -> None:
    """Format 1 called them news."""
    event = {"event": kind, "message": "the adversarial phase begins <soon>", "examples": 320, "seconds": 30}
    page = read(make_run(tmp_path / "run", [START, step(10), event, END]))
    assert "No warnings were raised." in page
    told = "the adversarial phase begins &lt;soon&gt; <small>after 320 examples, at 0:30</small>"
    assert f'<p class="event">{told}</p>' in page
    assert data_of(page)["events"] == [320]


def test_the_same_run_gives_the_same_bytes(run: Path) -> None:
    assert write_report(run).read_bytes() == write_report(run).read_bytes()
    assert sorted(path.name for path in run.iterdir()) == [
        "journal.jsonl",
        "recipe.yaml",
        "report.html",
        "samples",
    ]


def test_hostile_texts_stay_texts(tmp_path: Path) -> None:
    journal = [
        {**START, "device": HOSTILE, "precision": HOSTILE, "players": {HOSTILE: 1}},
        step(10, **{HOSTILE: 0.5, "losses": {HOSTILE: 1.0, "generator": 2.0}}),
        {"event": "warning", "message": HOSTILE, "examples": 640},
        {"event": "event", "message": HOSTILE, "examples": 640},
        {"event": "metrics", HOSTILE: 1.0, "examples": 640},
        {"event": "resume", "use": HOSTILE},
        {**END, "reason": HOSTILE},
    ]
    recipe = json.dumps(
        {"name": HOSTILE, "about": HOSTILE, HOSTILE: [HOSTILE], "metric": HOSTILE, "data": "/home/someone/cats"}
    )
    calm = Tags(read(make_run(tmp_path / "calm", [START, step(10), END])))
    page = read(make_run(tmp_path / "<b>&amp;'run", journal, recipe=recipe))
    tags = Tags(page)
    assert [tag for tag, _ in tags.seen].count("script") == [tag for tag, _ in calm.seen].count("script")
    assert not any(tag in ("img", "b") or "onerror" in attributes for tag, attributes in tags.seen)
    assert HOSTILE in data_of(page)["charts"][0]["names"]
    assert "/home/someone" not in page  # a report is shown to others
    assert "<dd>cats</dd>" in page


def test_every_place_of_data_is_only_named(tmp_path: Path) -> None:
    recipe = "kind: translation\ndata: /home/someone/horses\ndata_b: /home/someone/zebras\n"
    page = read(make_run(tmp_path / "run", [START, END], recipe=recipe))
    assert "/home/someone" not in page
    assert "<dd>horses</dd>" in page
    assert "<dd>zebras</dd>" in page


def test_a_damaged_run_still_has_a_report(tmp_path: Path) -> None:
    odd = [
        {"event": "step"},
        {"event": "step", "examples": "many", "losses": {"generator": 1}},
        {"event": "step", "examples": 64, "losses": None, "accuracy": {"real": None, "fake": True}},
        {"event": "step", "examples": 128, "losses": {"generator": float("nan"), "discriminator": 10**400}},
        {"event": "never heard of", "examples": 1},
        {"event": "sample", "file": "samples/gone.png", "examples": 64},
        {"event": "sample", "file": "../../secret.png", "examples": 65},
        {"event": "sample", "file": "long" * 999, "examples": 66},
        {"event": "sample", "file": "..", "examples": 67},
        {"event": "warning"},
        {"event": "end"},
        {},
    ]
    run = make_run(tmp_path / "a" / "run", [START, *odd, step(10)], recipe=":\n\t- [", tail='[1]\n\n{"event": "st')
    Image.new("L", (4, 4)).save(tmp_path / "secret.png")
    data = data_of(read(run))
    assert data["charts"][0]["examples"] == [640]
    assert data["previews"] == []

    for name in ("recipe.yaml", "journal.jsonl"):
        (run / name).unlink()
    page = read(run)
    assert data_of(page)["charts"] == []
    assert "<img" not in page
    with pytest.raises(UserError, match="no such run folder"):
        write_report(tmp_path / "nowhere")


def test_gaps_are_kept_and_unknown_numbers_get_charts_of_their_own() -> None:
    journal = [
        step(1, gradient={"generator": 2.0}, learning_rate=2e-4),
        step(2, losses={"generator": None}, note="text"),
    ]
    found = {chart["title"]: chart for chart in charts([*journal, step(3)])}
    assert found["Losses"]["values"] == [[0.7, 0.7], [0.33333, 0.33333]]
    assert found["Losses"]["examples"] == [64, 192]
    assert found["Gradient"]["minor"]
    assert found["Learning rate"]["values"] == [[0.0002]]
    assert "Note" not in found
    half = charts([step(1), step(2, losses={"generator": None, "discriminator": 1.0})])[0]
    assert half["values"] == [[0.7, None], [0.33333, 1.0]]


def test_long_runs_are_thinned(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", [])
    many = [step(number) for number in range(5000)]
    samples = [add_preview(run, examples) for examples in range(150)]
    assert [len(chart["examples"]) for chart in charts(many)] == [POINTS] * 3
    shown = [preview.examples for preview in previews(run, samples)]
    assert len(shown) == MOST
    assert (shown[0], shown[-1]) == (0, 149)
    assert evenly(range(10), 4) == [0, 3, 6, 9]


def test_diversity_and_overfitting_are_one_chart_whoever_measured_them() -> None:
    journal = [
        {"event": "health", "examples": 64, "diversity": 0.5, "overfitting": 0.1},
        {"event": "metrics", "examples": 128, "frechet": 3.0, "diversity": 0.75, "overfitting": 0.2},
        {"event": "health", "examples": 192, "diversity": 0.875},
    ]
    drawn = {chart["title"]: chart for chart in charts(journal)}
    assert list(drawn) == ["Fréchet distance", "Diversity and overfitting"]
    health = drawn["Diversity and overfitting"]
    assert health["examples"] == [64, 128, 192]
    assert dict(zip(health["names"], health["values"], strict=True)) == {
        "diversity": [0.5, 0.75, 0.875],
        "overfitting": [0.1, 0.2, None],
    }


def test_likelihood_of_training_and_held_out_examples_share_a_chart() -> None:
    journal = [
        step(1, likelihood={"training": 3.0}),
        {"event": "metrics", "examples": 64, "likelihood": 3.5},
    ]
    (likelihood,) = [chart for chart in charts(journal) if chart["title"] == "Likelihood"]
    assert likelihood["names"] == ["training", "likelihood"]
    assert likelihood["values"] == [[3.0, None], [None, 3.5]]
    assert not likelihood["minor"]


def test_distances_of_several_outputs_share_a_chart() -> None:
    (distance,) = charts([{"event": "metrics", "examples": 64, "frechet": 2.0, "frechet a": 1.0, "frechet b": 3.0}])
    assert distance["title"] == "Fréchet distance"
    assert dict(zip(distance["names"], distance["values"], strict=True)) == {
        "frechet": [2.0],
        "frechet a": [1.0],
        "frechet b": [3.0],
    }


def test_large_pictures_are_made_small_and_stay_within_the_budget(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", [])
    samples = [add_preview(run, examples, size=(1100, 275), noise=True) for examples in range(3)]
    (run / "samples" / "000000000001.png").write_bytes((run / "samples" / "000000000001.png").read_bytes()[:-9999])
    shown = previews(run, samples)
    assert [preview.examples for preview in shown] == [0, 1, 2]
    assert shown[0].artifact.media_type == "image/webp"
    assert Image.open(io.BytesIO(shown[0].artifact.data)).size == (1024, 256)
    assert sum(len(preview.artifact.data) for preview in shown) < BUDGET


def test_long_sounds_are_thinned_to_the_budget(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", [])
    content = CONTENTS[".wav"] + bytes(BUDGET // 4)
    samples = [add_file(run, examples, ".wav", content) for examples in range(8)]
    assert [preview.examples for preview in previews(run, samples)] == [0, 7]


@pytest.mark.parametrize("ending", CONTENTS)
def test_a_preview_is_shown_by_its_media_type(tmp_path: Path, ending: str) -> None:
    run = make_run(tmp_path / "run", [])
    write_journal(run, [START, add_file(run, 64, ending, CONTENTS[ending]), END])
    page = read(run)
    (preview,) = data_of(page)["previews"]
    media_type = {ending: media_type for media_type, ending in ENDINGS.items()}[ending]
    assert preview["media"] == media_type
    assert base64.b64decode(preview["url"].removeprefix(f"data:{media_type};base64,")) == CONTENTS[ending]
    kind = media_type.partition("/")[0]
    name = {"image": "img", "text": "pre"}.get(kind, kind)
    (shown,) = [(tag, attributes) for tag, attributes in Tags(page).seen if attributes.get("id") == "preview"]
    assert shown[0] == name
    if name == "pre":
        assert '<pre id="preview">&lt;/script&gt;&lt;b&gt;a caption&lt;/b&gt; &amp; \u00e9\n</pre>' in page
        assert not any(tag == "b" for tag, _ in Tags(page).seen)
    else:
        assert shown[1]["src"] == preview["url"]
        assert shown[1]["alt" if name == "img" else "aria-label"] == "Samples after 64 examples"
        assert ("controls" in shown[1], "loop" in shown[1]) == (name in ("audio", "video"), name == "video")


def test_every_artifact_can_be_a_preview() -> None:
    assert BEGINNINGS.keys() == ENDINGS.keys()
    assert CONTENTS.keys() == set(ENDINGS.values())


@pytest.mark.parametrize(
    ("ending", "content"),
    [
        (".png", b"no picture"),
        (".wav", CONTENTS[".webp"]),
        (".mp4", CONTENTS[".webm"]),
        (".txt", CONTENTS[".mp4"]),
        (".html", b"<b>no preview</b>"),
    ],
)
def test_a_file_that_is_not_what_its_ending_says_is_no_preview(tmp_path: Path, ending: str, content: bytes) -> None:
    run = make_run(tmp_path / "run", [])
    assert previews(run, [add_file(run, 64, ending, content)]) == []


def test_previews_without_a_journal_are_those_in_the_folder(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", [])
    for examples in (64, 6400):
        add_preview(run, examples)
    add_file(run, 640, ".wav", CONTENTS[".wav"])
    (run / "samples" / "000000000128.png").write_text("no picture")
    (run / "samples" / "mine.png").write_text("no picture")
    assert [preview.examples for preview in previews(run, [])] == [64, 640, 6400]


def test_previews_that_would_take_the_memory_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "samples").mkdir()
    with (tmp_path / "samples" / "000000000001.png").open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        file.truncate(10**10)  # takes no room on the disk
    content = io.BytesIO()
    Image.new("1", (10_000, 10_000)).save(content, format="PNG", compress_level=0)
    (tmp_path / "samples" / "000000000002.png").write_bytes(content.getvalue())
    (tmp_path / "samples" / "000000000003.png").symlink_to("/dev/zero")
    (shown,) = previews(tmp_path, [])
    assert shown.artifact.data == content.getvalue()  # as it is: too many pixels to be made smaller
