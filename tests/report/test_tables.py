"""The report's tables against sums worked by hand."""

import numpy as np

from fund.report import tables
from tests.report.reports import FULL, NAVS, RETURNS


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
