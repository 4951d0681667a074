"""The report's page: a document that runs nothing foreign, and facts that do not fit together."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fund.errors import DataError
from fund.report import tables, tearsheet
from fund.report.tearsheet import Progress, Report, console, markdown, page, write
from tests.report.reports import ALONE, DAYS, DESKS, FULL, NAVS, PROFIT, RETURNS, RUN


class Document(HTMLParser):
    """Tags, attributes, scripts and visible text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] == "script" and self.scripts[-1:] == [""] and self.lasttag == "script":
            self.scripts[-1] = data
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def full() -> tuple[str, Document]:
    text = page(FULL)
    return text, Document(text)


# The page


def test_page_holds_all_parts(full: tuple[str, Document]) -> None:
    text = full[1].text
    for table in tables.all_tables(FULL):
        assert table.title in text
    for fact in (
        "python -m fund run --seed -3",
        "0123abcd",
        "2 min 14 s",
        "2 cores",
        "sha256 99ff",
        "torch 2.13.0",
    ):
        assert fact in text
    for word in (
        "Simulation only",
        "The first day is missing.",
        "worse than rule by 6.0 SE",
        "Training",
        "12 trials",
    ):
        assert word in text
    places = {value for name, value in full[1].attributes if name == "id"}
    names = {"equity", "sharpe", "desks", "weights", "attribution", "returns", "training"}
    assert places == {f"figure-{name}" for name in names}
    assert names == set(tearsheet.figures(FULL))
    assert all(f'"figure-{name}":' in full[1].scripts[1] for name in names)


def test_page_asks_for_nothing_from_outside(full: tuple[str, Document]) -> None:
    text, document = full
    assert len(document.scripts) == 2
    assert text.count("plotly.js v") == document.scripts[0].count("plotly.js v") == 1
    assert not {"link", "img", "iframe", "object", "base"} & set(document.tags)
    assert not {"src", "href", "action", "data"} & {name for name, _ in document.attributes}
    own = text.replace(document.scripts[0], "")
    assert not re.search(r"https?:|[\"'(]//|@import|url\(", own)


def test_policy_names_the_two_scripts(full: tuple[str, Document]) -> None:
    policy = next(value for name, value in full[1].attributes if name == "content" and "script-src" in value)
    hashes = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in full[1].scripts]
    assert f"script-src '{'sha256-' + hashes[0]}' 'sha256-{hashes[1]}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "\r" not in "".join(full[1].scripts)  # a parser would change it, and with it the hash


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</script><b>x</b>",
    "a|b`c`[d](javascript:e)",
)


def hostile(text: str) -> Report:
    desk = replace(DESKS[0], name=text, algorithm=text, measure=text, rule=text)
    run = replace(RUN, command=text, hardware=text, data=text, data_hash=text, git_commit=text, when=text)
    return replace(
        FULL,
        title=text,
        subtitle=text,
        time_title=text,
        period=text,
        currency=text,
        navs={text: NAVS["fund"], "rule" + text: NAVS["ERC"]},
        run=replace(run, versions={text: text}),
        desks=(desk,),
        weight_names=(text, "b", "c"),
        attribution={text: PROFIT - 1},
        costs={text: {text: 1.0}},
        contributions={text: RETURNS[0, 0]},
        progress={text: Progress([0], [1.0], text)},
        warnings=(text,),
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_never_run(text: str, full: tuple[str, Document]) -> None:
    report = hostile(text)
    found = page(report)
    document = Document(found)
    allowed = set(full[1].tags)
    assert set(document.tags) <= allowed
    assert len(document.scripts) == 2
    assert document.scripts[0] == full[1].scripts[0]
    assert "<" not in document.scripts[1]
    assert not [name for name, _ in document.attributes if name.startswith("on")]
    assert document.words.count(text) >= 10
    written = markdown(report)
    assert not re.search(r"<(script|img|b|/script)", written)
    assert "](javascript" not in written.replace("\\]", "")


def test_same_report_same_bytes() -> None:
    assert page(FULL) == page(replace(FULL))


def test_page_of_little() -> None:
    document = Document(page(ALONE))
    assert "Fund against its rules" in document.text
    assert "Attribution" not in document.text
    bare = replace(ALONE, times=np.arange(2), navs={"fund": [1.0, 1.0]})
    assert "nan" not in Document(page(bare)).text.lower()
    assert "nan" not in console(bare).lower()


def test_dashboard_of_a_report() -> None:
    assert len(tearsheet.dashboard(FULL).layout.annotations) == 6
    assert len(tearsheet.dashboard(ALONE).layout.annotations) == 6


def test_write_leaves_the_old_page_when_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "report.html"
    write(ALONE, target)
    old = target.read_bytes()
    assert old.decode() == page(ALONE)

    def broken(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", broken)
    with pytest.raises(OSError, match="disk full"):
        write(replace(ALONE, title="New"), target)
    assert target.read_bytes() == old
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


# Facts that do not fit together


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"navs": {}}, "two times or more"),
        ({"navs": {"fund": [1.0, 2.0]}}, r'NAV of "fund" has shape \(2,\); wanted \(505,\)'),
        ({"navs": {"fund": NAVS["fund"], "rule": NAVS["ERC"][0]}}, 'NAV of "rule"'),
        ({"navs": {"fund": np.full(DAYS + 1, np.nan)}}, "NAV at index 0 is nan"),
        ({"weights": np.ones((DAYS, 2))}, r"Weights have shape \(504, 2\); wanted \(504, 3\)"),
        ({"weights": np.full((DAYS, 3), np.inf)}, "weight at index"),
        ({"contributions": {"a": [1.0]}}, 'Contribution of "a"'),
    ],
)
def test_misfits_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        replace(FULL, **change)
