"""Recorded contracts: which prices are read, how legs roll, what is refused; real files where they are."""

import numpy as np
import pytest

from fund.envs import play as players
from fund.envs.contract import CHECKS
from fund.errors import DataError, UnknownName
from fund.market.history import History
from fund.market.streams import Paths
from specialists.futures_spreads.chains import combination, curve, multiple_prices, spots
from specialists.futures_spreads.features import WARM_UP
from specialists.futures_spreads.strategy import FuturesSpreads

DAY = 86_400_000_000
HEADER = "DATETIME,CARRY,CARRY_CONTRACT,PRICE,PRICE_CONTRACT,FORWARD,FORWARD_CONTRACT\n"
ROWS = """\
2010-01-04 23:00:00,9.0,20100200,10.0,20100300,11.0,20100400
2010-01-05 10:00:00,9.1,20100200,10.1,20100300,11.1,20100400
2010-01-05 23:00:00,,20100200,10.2,20100300,11.2,20100400
2010-01-06 23:00:00,9.3,20100200,10.3,20100300,11.3,20100400
2010-01-07 23:00:00,10.4,20100300,11.4,20100400,12.4,20100500
2010-01-08 23:00:00,10.5,20100300,11.5,20100400,12.5,20100500
"""


def file(tmp_path, rows=ROWS, header=HEADER):
    path = tmp_path / "CRUDE.csv"
    path.write_text(header + rows)
    return path


def test_a_day_is_its_last_whole_row_and_rolls_happen_at_both_prices(tmp_path):
    found = multiple_prices(file(tmp_path), "CARRY", "PRICE")
    assert found.column("near").tolist() == [9.0, 9.1, 9.3, 10.4, 10.5]
    assert found.column("far").tolist() == [10.0, 10.1, 10.3, 11.4, 11.5]
    # on the 6th both legs leave at 9.3 and 10.3 for the contracts that cost 10.3 and 11.3 on that day
    assert found.column("near_rolls").tolist() == [0.0, 0.0, 1.0, 0.0, 0.0]
    assert found.column("near_in").tolist() == [9.0, 9.1, 10.3, 10.4, 10.5]
    assert found.column("far_in").tolist() == [10.0, 10.1, 11.3, 11.4, 11.5]
    assert found.column("open").tolist() == [1.0] * 5
    assert found.column("far_gap") == pytest.approx(1.0 / 12.0)
    assert found.column("third").tolist()[:2] == [11.0, 11.1]


def test_a_roll_without_a_price_closes_the_pair_for_a_row(tmp_path):
    found = multiple_prices(file(tmp_path))  # PRICE and FORWARD: the May contract is not listed on the 6th
    assert found.column("open").tolist() == [1.0, 1.0, 0.0, 1.0, 1.0]
    assert found.column("far").tolist() == [11.0, 11.2, 11.3, 12.4, 12.5]
    assert "closed for a row at 1" in found.policies[-1]


def test_closed_rows_hold_nothing():
    generator = np.random.default_rng(0)
    rows = WARM_UP + 40
    near = 50.0 + np.cumsum(generator.standard_normal(rows))
    jump = np.where(np.arange(rows) > WARM_UP + 20, 30.0, 0.0)
    flags = (np.arange(rows) != WARM_UP + 20).astype(float)
    values = np.column_stack([near, near - 2.0 + jump, flags, 1.0 - flags, 1.0 - flags])
    source = History(("near", "far", "open", "near_rolls", "far_rolls"), values, np.arange(rows) * DAY)
    desk = FuturesSpreads.preset("history", n_steps=39, cost_rate=0.0, band=0.0, history=source)
    played = players.play(desk, players.constant(desk, [1.0]), Paths.of(0, 1))
    # the far leg jumps by 30 where it rolls: nobody is hurt
    moves = np.abs(np.diff(played.nav[:, 0]))
    assert moves[20] == 0.0
    assert moves.max() < 0.02 * desk.capital


@pytest.mark.parametrize(
    ("rows", "header", "legs", "message"),
    [
        (ROWS, HEADER.replace("FORWARD,", "FORWRD,"), ("PRICE", "FORWARD"), 'no column "FORWARD"'),
        (ROWS.replace("20100400", "20100300"), HEADER, ("PRICE", "FORWARD"), "one contract"),
        (ROWS, HEADER, ("FORWARD", "PRICE"), "crossed dates on 2010-01-04: far delivers before near"),
        (ROWS.replace("20100300", "20091200"), HEADER, ("PRICE", "FORWARD"), "priced after its delivery month"),
        (ROWS.replace("20100400", "20101400"), HEADER, ("PRICE", "FORWARD"), "wanted YYYYMM00"),
        ("".join(reversed(ROWS.splitlines(True)[:2])) + ROWS, HEADER, ("PRICE", "FORWARD"), "comes after"),
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path, rows, header, legs, message):
    with pytest.raises(DataError, match=message):
        multiple_prices(file(tmp_path, rows, header), *legs)


def test_legs_and_columns_by_name(tmp_path):
    with pytest.raises(UnknownName, match="FORWARD"):
        multiple_prices(file(tmp_path), "PRICE", "FORWRD")
    one = History(("near",), np.ones((300, 1)), np.arange(300) * DAY)
    with pytest.raises(UnknownName, match='No column "far"'):
        FuturesSpreads.preset("history", n_steps=20).on(one).record(Paths.of(0, 1))
    short = History(("near", "far"), np.ones((100, 2)), np.arange(100) * DAY, source="made")
    with pytest.raises(DataError, match="made: 100 rows, wanted"):
        FuturesSpreads.preset("history", n_steps=20).on(short).record(Paths.of(0, 1))


def contracts(switch=None):
    """Three months of daily prices of three contracts; open interest moves on at row `switch`."""
    out = {}
    times = np.datetime64("2020-01-01", "us").astype(np.int64) + np.arange(90) * DAY
    for k, name in enumerate((202002, 202003, 202004)):
        price = 50.0 + k + np.arange(90) * 0.1
        interest = np.where(np.arange(90) < switch[k], 100.0, 10.0) if switch else np.full(90, 50.0)
        out[name] = History(("price", "open_interest"), np.column_stack([price, interest]), times)
    return out


def test_rolls_by_calendar_and_by_open_interest():
    by_date = curve(contracts(), roll_days=10)
    # ten days before February begins is the 22nd of January
    assert np.flatnonzero(by_date.column("near_rolls"))[0] == 21
    early = curve(contracts(switch=(12, 80, 90)), roll="open_interest", roll_days=1)
    # larger in March from the 13th on (row 12), known a day later
    assert np.flatnonzero(early.column("near_rolls"))[0] == 13
    assert early.column("near_in")[13] == pytest.approx(early.column("near")[13] + 1.0)
    with pytest.raises(DataError, match="a curve with 1 contract"):
        curve({202002: contracts()[202002]})
    with pytest.raises(UnknownName, match="open_interest"):
        curve(contracts(), roll="interest")


def test_cracks_and_crushes_are_columns_with_units():
    prices = History(
        ("meal", "oil", "beans"), np.array([[400.0, 50.0, 13.0], [410.0, 52.0, 13.5]]), np.arange(2) * DAY
    )
    found = combination(prices, {"meal": 0.022, "oil": 0.11}, {"beans": 1.0})
    assert found.column("near") == pytest.approx([400 * 0.022 + 50 * 0.11, 410 * 0.022 + 52 * 0.11])
    with pytest.raises(UnknownName, match='"bean"'):
        combination(prices, {"meal": 1.0}, {"bean": 1.0})


def test_frames_with_negative_prices_are_taken():
    pandas = pytest.importorskip("pandas")
    days = pandas.date_range("2020-01-01", periods=200)
    near = np.linspace(20.0, -37.0, 200)
    frame = pandas.DataFrame({"near": near, "far": near + 3.0}, index=days)
    desk = FuturesSpreads.preset("history", n_steps=60).on(frame)
    played = players.play(desk, players.constant(desk, [1.0]), Paths.of(0, 4))
    assert np.isfinite(played.nav).all()


def test_wti_at_minus_37(shared_data):
    folder = shared_data / "futures" / "spot"
    source = spots(folder / "brent_spot_daily.csv", folder / "wti_spot_daily.csv")
    assert source.column("far").min() == -36.98
    stretch = source.between("2019-06-01", "2020-06-30")
    desk = FuturesSpreads.preset("history", n_steps=100, market="inter").on(stretch)
    for name in ("money_adds_up", "limits_hold", "future_is_invisible"):
        CHECKS[name](desk)
    rule = desk.rules["zscore_threshold"](desk)
    assert np.isfinite(players.play(desk, rule, Paths.of(0, 64)).nav).all()


@pytest.mark.parametrize(
    ("name", "near", "far"),
    [("CRUDE_W", "PRICE", "FORWARD"), ("GAS_US", "PRICE", "FORWARD"), ("SOYMEAL", "CARRY", "PRICE"),
     ("GOLD", "PRICE", "FORWARD"), ("VIX", "CARRY", "PRICE"), ("EDOLLAR", "CARRY", "PRICE")],
)  # fmt: skip
def test_real_contract_files(shared_data, name, near, far):
    source = multiple_prices(shared_data / "futures" / "multiple_prices" / f"{name}.csv.gz", near, far)
    assert len(source) > 2000
    assert source.column("near_rolls").sum() >= 12
    desk = FuturesSpreads.preset("history", n_steps=250).on(source)
    for check in ("money_adds_up", "limits_hold", "reward_is_its_parts"):
        CHECKS[check](desk)
    # a static position sees no jump of a roll: the largest day is one of the contracts' own moves
    played = players.play(desk, players.constant(desk, [0.2]), Paths.of(0, 32))
    tape = played.tape
    own = np.abs(np.diff(tape["near_a"], axis=0)) / np.abs(tape["near_a"][:-1])
    assert np.abs(np.diff(np.log(played.nav), axis=0)).max() < 0.6 * own.max() + 0.05


def test_one_contract_in_a_real_file_is_refused(shared_data):
    path = shared_data / "futures" / "multiple_prices" / "GAS_US.csv.gz"
    with pytest.raises(DataError, match="a curve with one contract on 2020-04-22"):
        multiple_prices(path, "CARRY", "PRICE")
