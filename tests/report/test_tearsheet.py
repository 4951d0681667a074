"""The report: its verdicts and tables on hand-made facts, its page as a document that runs nothing foreign."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fund.errors import DataError
from fund.report import findings, tables, tearsheet, wording
from fund.report.findings import standings, verdict
from fund.report.inference import Paired
from fund.report.tearsheet import Desk, Progress, Provenance, Report, console, markdown, page, write

RNG = np.random.default_rng(0)
DAYS, WORLDS = 504, 20
RETURNS = RNG.normal(4e-4, 6e-3, (3, WORLDS, DAYS))
RUN = Provenance(
    command="python -m fund run --seed -3",
    seed=-3,
    git_commit="0123abcd",
    wall_time_s=134.4,
    hardware="2 cores",
    data="generated",
    data_hash="sha256 99ff",
    versions={"numpy": "2.4.6", "torch": "2.13.0"},
    when="2026-11-21 04:00 UTC",
)


def path(r: np.ndarray) -> np.ndarray:
    return 1e6 * np.concatenate([np.ones((*r.shape[:-1], 1)), np.cumprod(1 + r, axis=-1)], axis=-1)


def difference(mean: float, se: float, n: int = 1000) -> Paired:
    return Paired(mean, se, mean / se, n)


DESKS = (
    Desk(
        "market_making",
        "DDPG",
        "CARA utility",
        64.0,
        "symmetric",
        57.0,
        difference(7.0, 0.1),
        65.0,
        difference(-1, 0.2),
        0.0012,
        0.0034,
    ),
    Desk("factor_tracking", "DQN", "net return", 0.03, "equal_long", 0.031, difference(-0.001, 0.002)),
    Desk("fx_arbitrage", "DDPG", "net return", 0.02, "carry", 0.05, difference(-0.03, 0.005)),
)
NAVS = {"fund": path(RETURNS[0]), "equal_weight": path(RETURNS[1]), "ERC": path(RETURNS[2])}
PROFIT = float(np.mean(NAVS["fund"][:, -1] - 1e6))
FULL = Report(
    title="A fund",
    subtitle="Generated markets, out of sample.",
    times=np.arange(DAYS + 1),
    navs=NAVS,
    periods_per_year=252,
    run=RUN,
    currency="USD",
    trials=12,
    trial_variance=0.3,
    pbo=0.25,
    desks=DESKS,
    weights=np.full((DAYS, 3), 1 / 3),
    weight_names=("market_making", "factor_tracking", "cash"),
    attribution={"market_making": PROFIT + 4000, "execution": -4000.0},
    costs={"market_making": {"fees": 1200.0, "rebates": -200.0}, "execution": {"spread": 4000.0}},
    contributions={"market_making": RETURNS[0, 0] * 0.7, "factor_tracking": RETURNS[0, 0] * 0.3},
    progress={"market_making": Progress([0, 10_000], [1.0, 60.0], "CARA utility", 57.0, 65.0)},
    warnings=("The first day is missing.",),
)
ALONE = Report("Alone", "", np.arange(3), {"fund": [1.0, 1.02, 1.01]}, 252, RUN)


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


# What the numbers say


def test_standings_of_worlds_by_hand() -> None:
    fund, rule, _ = standings(FULL)
    assert fund.difference is None
    pooled = RETURNS[1].ravel()
    assert rule.sharpe == pytest.approx(pooled.mean() / pooled.std(ddof=1) * math.sqrt(252), abs=1e-9)
    assert rule.volatility == pytest.approx(pooled.std(ddof=1) * math.sqrt(252), abs=1e-12)
    daily = rule.sharpe / math.sqrt(252)
    wanted = math.sqrt(252 * (1 + daily**2 / 2) / (WORLDS * DAYS))
    assert rule.sharpe_se == pytest.approx(wanted, abs=1e-12)
    growth = np.prod(1 + RETURNS[1], axis=1) ** (252 / DAYS) - 1
    assert rule.annual_return == pytest.approx(growth.mean(), abs=1e-9)
    d = 252 * (RETURNS[0] - RETURNS[1]).mean(axis=1)
    assert rule.difference == Paired(
        pytest.approx(d.mean(), abs=1e-9),
        pytest.approx(d.std(ddof=1) / math.sqrt(WORLDS), abs=1e-9),
        pytest.approx(d.mean() / d.std(ddof=1) * math.sqrt(WORLDS), abs=1e-6),
        WORLDS,
    )


def test_standings_of_one_path_pair_the_days() -> None:
    one = replace(ALONE, times=np.arange(DAYS + 1), navs={n: nav[0] for n, nav in NAVS.items()})
    d = standings(one)[1].difference
    assert d is not None
    assert d.n == DAYS
    days = 252 * (RETURNS[0, 0] - RETURNS[1, 0])
    assert d.mean == pytest.approx(days.mean(), abs=1e-9)
    assert d.se == pytest.approx(days.std(ddof=1) / math.sqrt(DAYS), rel=0.25)


@pytest.mark.parametrize(
    ("d", "wanted"),
    [
        (difference(0.42, 0.1), "better than rule by 4.2 SE"),
        (difference(-0.5, 0.1), "worse than rule by 5.0 SE"),
        (difference(0.29, 0.1), "not distinguishable (+2.9 SE)"),
        (difference(-0.1, 0.1), "not distinguishable (-1.0 SE)"),
        (difference(5.0, 0.1, n=4), "too few pairs to tell (n = 4)"),
        (Paired(0.0, 0.0, math.nan, 100), "same as rule"),
        (Paired(0.1, 0.0, math.inf, 100), "better than rule in every pair alike"),
        (Paired(0.1, math.nan, math.nan, 1), "too few pairs to tell (n = 1)"),
    ],
)
def test_verdicts(d: Paired, wanted: str) -> None:
    assert verdict(d) == wanted


def test_above_the_optimum_is_a_fault() -> None:
    leak = replace(DESKS[0], against_optimum=difference(1.0, 0.2))
    assert findings.desk_verdict(leak) == "above the optimum by 5.0 SE: look for a leak"
    assert any(
        "market making: above the optimum" in text for text in findings.cautions(replace(FULL, desks=(leak,)))
    )
    assert findings.desk_verdict(DESKS[0]) == "better than rule by 70.0 SE"
    assert DESKS[0].gap_closed == pytest.approx(7 / 8)
    assert math.isnan(DESKS[1].gap_closed)


def test_deflated_sharpe_is_that_of_the_paper() -> None:
    """AL-9 through the report: annual SR 2.5, T = 1250, V = 1/2 a year, N = 100; a normal's moments instead."""
    r = RNG.normal(size=1250)
    r = (r - r.mean()) / r.std(ddof=1) * 0.01 + 0.01 * 2.5 / math.sqrt(250)
    report = replace(ALONE, times=np.arange(1251), navs={"fund": path(r)}, periods_per_year=250)
    z = (2.5 / math.sqrt(250) - 0.1132) * math.sqrt(1249)
    assert findings.deflated(replace(report, trials=100, trial_variance=0.5)) == pytest.approx(
        0.5 * math.erfc(-z / math.sqrt(2)), abs=0.01
    )
    assert findings.deflated(report) > 0.9999


def test_cautions() -> None:
    assert findings.cautions(FULL)[0] == "The first day is missing."
    many = replace(FULL, trials=100_000, trial_variance=4.0, pbo=0.55, warnings=())
    luck, overfit = findings.cautions(many)
    assert "after 100,000 trials" in luck
    assert "overfitting 0.55" in overfit


def test_attribution_that_does_not_add_up_shows_it() -> None:
    assert findings.residual(FULL) == 0.0
    short = replace(FULL, attribution={"market_making": PROFIT - 500})
    assert findings.residual(short) == pytest.approx(500, abs=1e-6)
    assert any("500" in text and "does not add up" in text for text in findings.cautions(short))
    assert [row[0] for row in tables.attribution(short).rows] == ["market making", "unexplained", "Fund P&L"]
    assert trace_sum(short) == pytest.approx(PROFIT, abs=1e-6)


def trace_sum(report: Report) -> float:
    bars = tearsheet.figures(report)["attribution"].data[0]
    scale = 1e3 if abs(PROFIT) < 1e6 else 1e6
    return float(bars.y[-1]) * scale


def test_conclusion_does_not_praise_more_risk() -> None:
    calm = path(RETURNS[0])
    bold = path(3.0 * RETURNS[0] + np.where(np.arange(DAYS) % 2 == 0, 0.02, -0.02))
    text = findings.conclusion(replace(FULL, navs={"fund": bold, "calm": calm}))
    assert "below that of calm, the best rule by Sharpe ratio: worse than calm by" in text
    assert "a year more, at" in text and "times its volatility" in text


def test_conclusion_names_the_best_rule() -> None:
    navs = {"fund": NAVS["fund"], "bad": path(RETURNS[1] - 2e-3), "flat": np.full_like(NAVS["fund"], 1e6)}
    text = findings.conclusion(replace(FULL, navs=navs))
    assert "Against flat, the best rule by Sharpe ratio, it made" in text
    assert findings.conclusion(ALONE).startswith("The fund returned")
    assert "nan" not in findings.conclusion(ALONE)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (wording.percent(0.01234), "1.2%"),
        (wording.percent(math.nan), "n/a"),
        (wording.number(1234.5678), "1,235"),
        (wording.number(0.0012345), "0.001234"),
        (wording.number(-0.0), "0"),
        (wording.money(1234.5), "1,234"),
        (wording.money(-0.5), "-0.50"),
        (wording.plus_minus(1.23456, 0.0123), "+1.235 ± 0.012"),
        (wording.plus_minus(-1234.5, 230.0), "-1,234 ± 230"),
        (wording.plus_minus(0.0123, 0.001, 100, "%"), "+1.23 ± 0.10%"),
        (wording.plus_minus(0.5, math.nan), "+0.5"),
        (wording.ratio(1.0, 0.25), "1.00 ± 0.25"),
    ],
)
def test_wording(found: str, wanted: str) -> None:
    assert found == wanted


# The tables


def test_costs_add_up() -> None:
    table = tables.costs(FULL)
    assert table.columns == ("Paid by", "fees", "rebates", "spread", "Total", "bp of NAV a year")
    assert table.rows[0][1:5] == ("1,200", "-200.00", "0", "1,000")
    assert table.rows[-1][:5] == ("Total", "1,200", "-200.00", "4,000", "5,000")
    bp = 1e4 * 5000 / np.mean(NAVS["fund"]) / 2
    assert table.rows[-1][5] == f"{bp:.1f}"


def test_contribution_shares() -> None:
    rows = {row[0]: row for row in tables.contribution(FULL).rows}
    assert rows["market making"][3:] == ("1.00", "70%")
    assert rows["factor tracking"][1] == f"{100 * RETURNS[0, 0].mean() * 0.3 * 252:.2f}%"


def test_headline_and_desks() -> None:
    head = tables.headline(FULL)
    assert [row[0] for row in head.rows] == ["fund", "equal weight", "ERC"]
    assert "12 trials" in head.note
    assert "overfitting 0.25" in head.note
    desks = tables.desks(FULL)
    assert desks.rows[0] == (
        "market making\nCARA utility",
        "64.00\nDDPG",
        "57.00\nsymmetric",
        "65.00\n88% of gap closed",
        "+7.00 ± 0.10\n1,000 pairs",
        "better than rule by 70.0 SE",
        "0.12%",
        "0.34%",
    )
    assert [row[-3] for row in desks.rows[1:]] == [
        "not distinguishable (-0.5 SE)",
        "worse than rule by 6.0 SE",
    ]


def test_statistics_are_means_over_worlds() -> None:
    rows = {row[0]: row for row in tables.statistics(FULL).rows}
    total = np.mean(np.prod(1 + RETURNS[0], axis=1) - 1)
    assert rows["Total return"][1] == f"{100 * total:.1f}%"
    assert rows["Winning periods"][2] == f"{100 * np.mean(RETURNS[1] > 0):.1f}%"


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


# Markdown and terminal


def test_markdown_tables_are_whole() -> None:
    text = markdown(FULL)
    assert text.startswith("# A fund\n")
    assert "| market making (CARA utility) | 64.00 (DDPG) | 57.00 (symmetric) |" in text
    assert "Simulation only" in text
    for block in re.findall(r"(?:^\|.*\|\n)+", text, flags=re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1


def test_console_is_short_and_plain() -> None:
    text = console(FULL)
    assert text.isascii()
    assert max(map(len, text.splitlines()[2:-2])) <= 110
    assert len(text.splitlines()) < 25
    for word in (
        "fund",
        "equal weight",
        "ERC",
        "market making",
        "better than rule by 70.0 SE",
        "Simulation only.",
    ):
        assert word in text
    assert "\x1b" not in console(replace(FULL, warnings=("\x1b[2J",), navs={"\x1b[31mfund": NAVS["fund"]}))


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
