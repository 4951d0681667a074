"""Default markets beside their bands (SF-1), and a user's file beside both."""

import math

import numpy as np
import pytest

from fund.calibration.calibration import calibration_of
from fund.calibration.market_check import Sample, check_market, drawn
from fund.calibration.records import Files
from fund.errors import DataError, InvalidParameter
from fund.grandmodel.stages import STAGES
from fund.roster import Spec
from specialists import ROSTER

PRICES = {
    "statistical_arbitrage": {"leg_1": "equity", "leg_2": "equity"},
    "delta_hedging": {"spot": "equity"},
    "volatility_trading": {"spot": "equity"},
    "fx_arbitrage": {"base": "fx", "terms": "fx", "cross": "fx"},
    "futures_spreads": {"near": "commodity", "far": "commodity"},
    "factor_tracking": {"market": "equity", **dict.fromkeys(("value", "momentum", "quality"), "portfolio")},
}


@pytest.mark.parametrize("name", PRICES)
def test_sf_1_what_the_desks_trade_looks_like_prices(name):
    verdicts, _ = drawn(calibration_of(ROSTER[name]), ROSTER[name].cls(), Sample())
    assert {price: verdict.kind for price, verdict in verdicts.items()} == PRICES[name]
    for price, verdict in verdicts.items():
        assert verdict.outside == (), price
        assert verdict.holds, (price, verdict.enough)


def test_order_book_and_stages_within_the_day():
    spec = ROSTER["market_making"]
    verdicts, details = drawn(calibration_of(spec), spec.cls(), Sample(16))
    assert verdicts == {}
    assert 0.05 < details["flow_r2"] < 0.9  # informed flow: the mid moves with it
    assert details["sign_autocorrelation_1"] > 0.0
    assert details["spread_and_volatility"] > 0.0
    # activity follows 1 + .35 (12 (u - 1/2)^2 - 1): 1.49 on average in the outer tenths, .66 in the middle fifth
    assert details["volume_u"] == pytest.approx(1.49 / 0.66, rel=0.25)
    assert details["volatility_u"] > 1.5
    execution = STAGES["execution"]
    _, details = drawn(calibration_of(execution), execution.cls(), Sample(64))
    # volume 1 + season (3 x^2 - 1) with season 1/2: (2 at the ends) / (1/2 at noon), averaged over tenths and fifths
    assert details["volume_u"] > 1.5 and details["volatility_u"] > 1.1
    assert details["volume_and_volatility"] > 0.0


def test_sf_8_assets_of_the_risk_stage_fall_together():
    spec = STAGES["risk"]
    _, details = drawn(calibration_of(spec), spec.cls(), Sample(3, 1500))
    assert details["tail_correlation_rise"] >= 0.1
    assert details["volatility_u"] > 1.0


def prices(path, rows=600):
    generator = np.random.default_rng(0)
    close = 50.0 * np.exp(np.cumsum(0.01 * generator.standard_normal(rows)))
    days = np.datetime64("2010-01-01") + np.arange(rows)
    path.write_text("Date,Close\n" + "".join(f"{d},{c:.9g}\n" for d, c in zip(days, close, strict=True)))
    return np.diff(np.log(np.array([float(f"{c:.9g}") for c in close])))


def test_a_file_of_one_price_stands_beside_every_price(tmp_path):
    r = prices(tmp_path / "ours.csv")
    spec = ROSTER["statistical_arbitrage"]
    result = check_market(spec, spec.cls(), Files((str(tmp_path / "ours.csv"),)), Sample(2, 300))
    wanted = float(np.mean((r - r.mean()) ** 4) / np.var(r) ** 2)
    for price in ("leg_1", "leg_2"):
        line = result["prices"][price]["lines"]["kurtosis"]
        assert line["file"] == pytest.approx(wanted)
        assert line["band"] == [5.0, 25.0]
        assert math.isfinite(line["market"])
    assert result["details"]["leg_1_gjr_persistence"]["file"] <= 1.0
    assert "kurtosis" in result["text"] and "5 to 25" in result["text"]


def test_short_files_and_strategies_without_a_market_are_refused(tmp_path):
    prices(tmp_path / "short.csv", 100)
    spec = ROSTER["delta_hedging"]
    with pytest.raises(DataError, match="99 returns, wanted 256 or more"):
        check_market(spec, spec.cls(), Files((str(tmp_path / "short.csv"),)), Sample(1, 300))
    mine = Spec("trend_following", "trend_following:TrendFollowing", "PPO", 0)
    with pytest.raises(InvalidParameter, match="no CALIBRATION in a module calibration"):
        check_market(mine, spec.cls())
