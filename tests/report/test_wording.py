"""Numbers as a reader sees them."""

import math

import pytest

from fund.report import wording


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
