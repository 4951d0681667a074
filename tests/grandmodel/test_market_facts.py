"""Facts of the stages' markets: sessions, nights and the shape of the day, worked by hand; a record of minutes."""

import math

import numpy as np
import pytest

from fund.calibration.calibration import calibration_of
from fund.calibration.records import Files, recorded
from fund.grandmodel.bar_facts import details, prices
from fund.grandmodel.execution.calibration import details as execution_details
from fund.grandmodel.risk.calibration import prices as risk_prices
from fund.grandmodel.stages import STAGES
from fund.market.tape import write_tape

STAGE = STAGES["strategic"].cls()
DAY = STAGE.steps_per_day


def of(**columns):
    return write_tape({k: np.asarray(v, dtype=float)[:, None] for k, v in columns.items()}, {}, ("pad",))


def test_closes_are_every_thirteenth_bar():
    closes = np.exp(0.01 * np.arange(300 * DAY + 1))
    found = prices(STAGE, of(price=closes))["close"]
    assert found.kind == "equity"
    np.testing.assert_allclose(found.returns[:, 0], 0.01 * DAY, rtol=1e-9)
    assert prices(STAGE, of(price=closes[: 100 * DAY])) == {}


def test_the_night_is_no_part_of_the_session():
    # bars move by 2 at both ends, 1 at noon, and by 50 over night, which is in the first return of a day
    inside = np.array([50.0, 2.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0]) * 1e-3
    signs = np.where(np.arange(DAY * 4) % 2, 1.0, -1.0)
    level = np.concatenate([[0.0], np.cumsum(np.tile(inside, 4) * signs)])
    assert details(STAGE, of(price=np.exp(level)))["volatility_u"][0] == pytest.approx(2.0)


def test_risk_takes_the_close_of_every_day():
    stage = STAGES["risk"].cls()
    level = np.exp(0.001 * np.arange(260 * stage.steps_per_day + 1))
    found = risk_prices(stage, of(**{f"price_{k}": level for k in (1, 2, 3, 4)}))["price_1"]
    np.testing.assert_allclose(found.returns[:, 0], 0.001 * stage.steps_per_day, rtol=1e-9)


def test_volume_and_volatility_that_are_one():
    stage = STAGES["execution"].cls()
    minute = np.tile(np.arange(stage.steps_per_day), 2)
    busy = 1.0 + np.abs(minute / stage.steps_per_day - 0.5)
    mid = 100.0 + np.concatenate(
        [[0.0], np.cumsum(busy[:-1] * np.where(np.arange(len(busy) - 1) % 2, 1, -1))]
    )
    found = execution_details(stage, of(minute=minute, mid_a=mid, volume_a=busy))
    assert found["volume_and_volatility"][0] == pytest.approx(1.0)
    assert found["volume_u"][0] == pytest.approx(found["volatility_u"][0], rel=1e-3)
    # 1.45 on average in the outer tenths, 1.05 in the middle fifth
    assert found["volume_u"][0] == pytest.approx(1.45 / 1.05, rel=0.01)


def test_hours_before_the_open_are_no_part_of_the_shape(tmp_path):
    # ten days of minutes from 04:00 to 20:00; in the session the volume is 1 + |x - 1/2|, before and after it as
    # at the ends, because a record's column is a running mean
    generator = np.random.default_rng(0)
    lines, price = ["Datetime,Open,High,Low,Close,Volume"], 100.0
    for day in range(10):
        start = np.datetime64("2019-01-07") + 7 * (day // 5) + day % 5
        for minute in range(240, 1200):
            share = (minute - 570) / 390
            volume = 100_000 * (1.0 + abs(share - 0.5)) if 0.0 <= share < 1.0 else 150_000
            last, price = price, 100.0 + 0.01 * generator.standard_normal()
            stamp = str(start.astype("datetime64[m]") + minute).replace("T", " ")
            high, low = max(last, price), min(last, price)
            lines.append(f"{stamp}:00,{last:.6f},{high:.6f},{low:.6f},{price:.6f},{volume:.1f}")
    (tmp_path / "minutes.csv").write_text("\n".join(lines) + "\n")
    spec = STAGES["execution"]
    desk, tape = recorded(calibration_of(spec), spec, spec.cls(), Files((str(tmp_path / "minutes.csv"),)))
    assert execution_details(desk, tape)["volume_u"][0] == pytest.approx(1.45 / 1.05, rel=0.03)


def test_a_record_of_minutes(tmp_path):
    generator = np.random.default_rng(0)
    lines, price = ["Datetime,Open,High,Low,Close,Volume"], 100.0
    for day in range(40):
        start = np.datetime64("2019-01-07") + 7 * (day // 5) + day % 5
        for minute in range(390):
            stamp = start.astype("datetime64[m]") + 570 + minute
            last, price = price, price * math.exp(0.0005 * generator.standard_normal())
            high, low = max(last, price), min(last, price)
            lines.append(f"{str(stamp).replace('T', ' ')}:00,{last:.6f},{high:.6f},{low:.6f},{price:.6f},100")
    (tmp_path / "minutes.csv").write_text("\n".join(lines) + "\n")
    spec = STAGES["strategic"]
    desk, tape = recorded(calibration_of(spec), spec, spec.cls(), Files((str(tmp_path / "minutes.csv"),)))
    assert tape.steps == 40 * DAY - 1 - desk.first
    assert tape["price"][-1, 0] == pytest.approx(price, rel=1e-6)
