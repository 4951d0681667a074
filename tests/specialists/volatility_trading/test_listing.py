"""Series against a slow plain listing, and Greeks of claims against Black and Scholes'."""

import math

import numpy as np
import pytest

from fund.market import black_scholes
from fund.market.streams import Paths
from specialists.volatility_trading import listing
from specialists.volatility_trading.features import WARM_UP, write_features
from specialists.volatility_trading.strategy import VolatilityTrading


@pytest.mark.parametrize(("claim", "signs"), [("straddle", (1, -1)), ("call", (1,)), ("put", (-1,))])
@pytest.mark.parametrize("time", [0.0, 0.02, 0.5])
def test_claims_are_calls_and_puts(claim, signs, time):
    for spot in (80.0, 100.0, 100.5, 130.0):
        found = listing.priced(spot, 100.0, time, 0.25, *listing.CLAIMS[claim])
        wanted = [black_scholes.greeks(sign, spot, 100.0, time, 0.0, 0.0, 0.25) for sign in signs]
        for name in ("value", "delta", "gamma", "vega", "theta", "vanna", "volga"):
            total = sum(float(getattr(w, name)) for w in wanted)
            assert getattr(found, name) == pytest.approx(total, rel=1e-11, abs=1e-11), name


def test_the_tape_equals_a_plain_listing():
    desk = VolatilityTrading(market="gbm", weather=False, n_steps=60, implied_volatility=0.3)
    tape = desk.record(Paths.of(4, 3))
    life = np.rint(tape.features[:, :, desk.features.index("days_to_expiry")] * 21).astype(int)
    for i in range(3):
        spot = tape["spot"][:, i]
        strikes = {t: spot[t] for t in range(1, 61) if life[t, i] == 21}
        first = min(strikes)
        for t in range(first, 60):
            listed = max(row for row in strikes if row <= t)
            left = 21 - (t - listed)
            assert left == life[t, i]
            price = sum(
                float(black_scholes.values(s, spot[t], strikes[listed], left / 252, 0, 0, 0.3))
                for s in (1, -1)
            )
            column = "straddle_b" if tape["active"][t, i] else "straddle_a"
            assert tape[column][t, i] == pytest.approx(price, rel=1e-10)
            vega = 2 * float(black_scholes.greeks(1, spot[t], strikes[listed], left / 252, 0, 0, 0.3).vega)
            assert tape["vega"][t, i] == pytest.approx(vega, rel=1e-10)
            if t > listed:
                assert tape["held_vega"][t, i] == pytest.approx(vega, rel=1e-10)
                theta = float(
                    black_scholes.greeks(1, spot[t - 1], strikes[listed], (left + 1) / 252, 0, 0, 0.3).theta
                )
                assert tape["theta_pnl"][t, i] == pytest.approx(2 * theta / 252, rel=1e-10)


def test_smile_and_term_structure():
    smile = listing.Smile(-0.1, 0.02)
    at = listing.smiled(smile, 100.0, 100.0, 30 / 365, 0.2, 0.25)
    assert at == pytest.approx(0.2)
    assert listing.smiled(smile, 100.0, 100.0, 90 / 365, 0.2, 0.25) == pytest.approx(0.25)
    low = 100.0 * math.exp(-0.2 * math.sqrt(30 / 365))
    assert listing.smiled(smile, 100.0, low, 30 / 365, 0.2, 0.25) == pytest.approx(0.2 * 1.12)


def test_features_equal_their_formulas():
    rows, n, dt = WARM_UP + 30, 3, 1 / 252
    rng = np.random.default_rng(0)
    log_spot = np.cumsum(0.01 * rng.standard_normal((rows, n)), axis=0)
    far = 0.2 * np.exp(0.1 * rng.standard_normal((4, rows, n)))
    out = np.zeros((31 - 1, n, 22), dtype=np.float32)
    write_features(log_spot, far, dt, WARM_UP, out)
    r, iv = np.diff(log_spot, axis=0), far[0]
    for t in (WARM_UP, WARM_UP + 17):
        for i in range(n):
            past = r[:t, i]
            realised = [math.sqrt((past[-k:] ** 2).sum() / (k * dt)) for k in (5, 20, 60)]
            changes = np.diff(np.log(iv[: t + 1, i]))[-20:]
            between = (90 * far[1, t, i] ** 2 - 30 * iv[t, i] ** 2) / 60
            wanted = [
                2 * math.log(iv[t, i] / 0.16), *(2 * math.log(x / 0.16) for x in realised),
                (iv[t, i] - realised[1]) / 0.05, math.sqrt((changes**2).mean()) / 0.06,
                math.log(between / iv[t, i] ** 2), 10 * math.log(far[2, t, i] / far[1, t, i]), 5 * far[3, t, i],
                5 * math.log(iv[t, i] / iv[t - 5, i]),
                *(past[-k:].sum() / (iv[t - k, i] * math.sqrt(k * dt)) for k in (1, 5, 20)),
            ]  # fmt: skip
            np.testing.assert_allclose(out[t - WARM_UP, i, :13], wanted, rtol=2e-5, atol=2e-5)
