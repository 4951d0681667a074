"""Cells that no paper prints, from the command line alone, against closed forms and sums written here."""

import json
import math

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.optimize import minimize_scalar
from scipy.special import erfi
from scipy.stats import norm

from fund.__main__ import main


@pytest.fixture(name="cell")
def _cell(capsys):
    """What `fund evaluate NAME --policy ... --preset ... --set ...` prints."""

    def evaluated(name, policy, preset, episodes, **parameters):
        words = [
            "evaluate",
            name,
            "--policy",
            policy,
            "--preset",
            preset,
            "--episodes",
            str(episodes),
            "--json",
        ]
        words += ["--set", *(f"{key}={value}" for key, value in parameters.items())]
        assert main(words) == 0
        return json.loads(capsys.readouterr().out.strip().splitlines()[-1])

    return evaluated


@pytest.mark.parametrize(
    ("gamma", "sigma", "horizon", "n", "arrivals", "decay"),
    [(0.5, 2.0, 1.0, 200, 140.0, 1.5), (0.3, 1.0, 2.0, 400, 60.0, 1.0), (1.0, 3.0, 0.5, 300, 200.0, 2.5)],
)
def test_symmetric_quotes(cell, gamma, sigma, horizon, n, arrivals, decay):
    # PAPERS 1.1: E profit = sum 2 p d, Var q = sum 2 p (1 - p), Var profit = sum 2 p (1-p) d^2 + sigma^2 dt sum Var q_i
    dt = horizon / n
    d = gamma * sigma**2 * (horizon - dt * np.arange(n)) / 2 + math.log(1 + gamma / decay) / gamma
    p = arrivals * np.exp(-decay * d) * dt
    held = np.cumsum(2 * p * (1 - p))
    mean, deviation = (
        (2 * p * d).sum(),
        math.sqrt((2 * p * (1 - p) * d * d).sum() + sigma**2 * dt * held.sum()),
    )
    found = cell(
        "market_making", "symmetric", "avellaneda_stoikov", 2000, gamma=gamma, sigma=sigma, horizon=horizon, n_steps=n,
        arrival_rate=arrivals, depth_decay=decay, max_half_spread=30, min_half_spread=-20,
    )["statistics"]  # fmt: skip
    assert found["average_spread"] == pytest.approx(2 * d.mean(), abs=1e-9)
    assert found["profit_mean"] == pytest.approx(mean, abs=4 * deviation / math.sqrt(2000))
    assert found["profit_std"] == pytest.approx(
        deviation, rel=4 * 0.5 * math.sqrt(5 / 2000)
    )  # kurtosis below 6
    assert found["final_inventory_std"] == pytest.approx(math.sqrt(held[-1]), rel=4 / math.sqrt(4000))


@pytest.mark.parametrize(
    ("arrivals", "k", "phi", "alpha", "horizon"), [(25, 2, 0.1, 0.05, 1), (5, 0.5, 0.02, 0.01, 2)]
)
def test_quotes_under_inventory_penalties(cell, arrivals, k, phi, alpha, horizon):
    # PAPERS 1.4: h(0, 0) = ln(exp(A T) z)_0 / k; fine steps come within a hundredth of continuous time
    q = np.arange(-30, 31)
    a = np.diag(-phi * k * q.astype(float) ** 2)
    a += np.diag(np.full(60, arrivals / math.e), 1) + np.diag(np.full(60, arrivals / math.e), -1)
    wanted = math.log((expm(a * horizon) @ np.exp(-alpha * k * q**2))[30]) / k
    told = cell(
        "market_making", "cartea_jaimungal", "cartea_jaimungal", 1500, arrival_rate=arrivals, depth_decay=k, phi=phi,
        alpha=alpha, horizon=horizon, n_steps=1000, sigma=0.3, max_half_spread=20, min_half_spread=-20,
    )  # fmt: skip
    assert told["statistics"]["value"] == pytest.approx(wanted, abs=4 * told["reward"]["se"] + 0.02)


def black_scholes(spot, strike, time, sigma):
    d = (np.log(spot / strike) + sigma**2 * time / 2) / (sigma * np.sqrt(time))
    return spot * norm.cdf(d) - strike * norm.cdf(d - sigma * np.sqrt(time)), norm.cdf(d)


@pytest.mark.parametrize(
    ("strike", "days", "every", "sigma", "mu", "rate", "option"),
    [
        (105, 40, 4, 0.3, 0.1, 0.005, "call"),
        (95, 30, 7, 0.15, 0.0, 0.02, "call"),
        (98, 25, 5, 0.4, -0.1, 0.003, "put"),
    ],
)
def test_cost_of_delta_hedging(cell, strike, days, every, sigma, mu, rate, option):
    # Cao et al.'s account by a loop of its own, on other random numbers
    n, put, draws = 20_000, option == "put", np.random.default_rng(3)
    spot, held = np.full(n, 100.0), np.zeros(n)
    price = float(black_scholes(100.0, strike, days / 250, sigma)[0]) - put * (100 - strike)
    cash = np.full(n, price)
    for day in range(days):
        if day % every == 0:
            delta = black_scholes(spot, strike, (days - day) / 250, sigma)[1] - put
            cash -= (delta - held) * spot + rate * np.abs(delta - held) * spot
            held = delta
        spot = spot * np.exp((mu - sigma**2 / 2) / 250 + sigma / math.sqrt(250) * draws.standard_normal(n))
    owed = np.maximum(strike - spot, 0.0) if put else np.maximum(spot - strike, 0.0)
    cost = -100 * (cash + held * spot - rate * np.abs(held) * spot - owed) / price
    found = cell(
        "delta_hedging", "black_scholes", "cao_2021", 4000, strike=strike, maturity_days=days, rebalance_days=every,
        sigma=sigma, mu=mu, cost_rate=rate, option=option,
    )["statistics"]  # fmt: skip
    assert found["premium"] == pytest.approx(price, abs=1e-9)
    assert found["cost_mean_pct"] == pytest.approx(
        cost.mean(), abs=4 * cost.std() * math.sqrt(1 / 4000 + 1 / n)
    )
    assert found["cost_std_pct"] == pytest.approx(cost.std(), rel=4 * 0.5 * math.sqrt(5 / 4000 + 5 / n))


def test_optimum_with_costs_that_may_trade_every_third_day(cell):
    # Hodges and Neuberger (1989) by twenty lines: hold by expectation, then the envelopes of buying and of selling
    n, lam, gamma, sigma, y = 63, 0.01, 1.0, 0.2, np.linspace(0.0, 1.0, 1501)
    up = math.exp(sigma * math.sqrt(1 / 252))
    p = (1 - 1 / up) / (up - 1 / up)
    s = 100.0 * up ** (2.0 * np.arange(n + 1) - n)[:, None]
    value = -gamma * (y * s * (1 - lam) - np.maximum(s - 100.0, 0.0))
    for i in range(n - 1, -1, -1):
        top = np.maximum(value[1:], value[:-1])
        value = top + np.log(p * np.exp(value[1:] - top) + (1 - p) * np.exp(value[:-1] - top))
        s = 100.0 * up ** (2.0 * np.arange(i + 1) - i)[:, None]
        if i % 3 == 0:
            paid, got = gamma * (1 + lam) * s * y, gamma * (1 - lam) * s * y
            buy = np.minimum.accumulate((value + paid)[:, ::-1], axis=1)[:, ::-1] - paid
            value = np.minimum(buy, np.minimum.accumulate(value + got, axis=1) - got)
    told = cell("delta_hedging", "optimum", "hodges_neuberger", 4000, rebalance_days=3)
    assert told["statistics"]["price"] == pytest.approx(value[0, 0], abs=6 * told["pnl"]["se"])


@pytest.mark.parametrize(("alpha", "eta", "cost"), [(60.0, 0.3, 0.004), (300.0, 0.1, 0.0005)])
def test_return_rate_of_thresholds(cell, alpha, eta, cost):
    # PAPERS 4.1: mu(a) = (-2 a - c) / E[T], E[T] = 2 pi erfi(-a sqrt(alpha) / eta) / alpha
    def rate(a):
        return (-2 * a - cost) * alpha / (2 * math.pi * erfi(-a * math.sqrt(alpha) / eta))

    best = minimize_scalar(
        lambda a: -rate(a), bounds=(-3 * eta / math.sqrt(alpha), -cost / 2), method="bounded"
    )
    told = cell("statistical_arbitrage", "bertram", "bertram", 64, alpha=alpha, eta=eta, round_trip_cost=cost)
    se = told["pnl"]["se"] / 1e6
    # crossings are seen a step late: of the order of eta sqrt(dt) a cycle
    late = 2 * eta * math.sqrt(5e-5) * told["statistics"]["cycles_per_year"] * 0.6
    assert told["statistics"]["return_rate"] == pytest.approx(-best.fun, abs=4 * se + late)


@pytest.mark.parametrize(("lam", "kappa", "theta", "xi"), [(-1.0, 3.0, 0.06, 0.4), (-3.0, 6.0, 0.03, 0.6)])
def test_exposure_to_variance(cell, lam, kappa, theta, xi):
    # PAPERS 3.5: exposure lam / xi^2, growth lam^2 theta / (2 xi^2), a little less by daily steps
    parameters = {"risk_premium": lam, "kappa": kappa, "theta": theta, "xi": xi}
    found = cell("volatility_trading", "liu_pan", "liu_pan", 2000, **parameters)["statistics"]
    growth, sharpe = lam**2 * theta / (2 * xi**2), abs(lam) * math.sqrt(theta) / xi
    assert found["exposure_mean"] == pytest.approx(lam / xi**2, abs=1e-9)
    assert found["growth"] == pytest.approx(growth, abs=4 * sharpe / math.sqrt(2000) + 0.03 * growth)


@pytest.mark.parametrize(
    "changes", [{"rho": -0.2, "lambda_chi": 0.2}, {"sigma_chi": 0.4, "sigma_xi": 0.2, "mu_xi": 0.03}]
)
def test_largest_sharpe_ratio_of_a_curve(cell, changes):
    oil = {
        "sigma_chi": 0.286,
        "sigma_xi": 0.145,
        "rho": 0.3,
        "lambda_chi": 0.157,
        "mu_xi": -0.0125,
        **changes,
    }
    premia = np.array([oil["lambda_chi"], oil["mu_xi"] - 0.0115])
    cross = oil["rho"] * oil["sigma_chi"] * oil["sigma_xi"]
    covariance = np.array([[oil["sigma_chi"] ** 2, cross], [cross, oil["sigma_xi"] ** 2]])
    sharpe = math.sqrt(premia @ np.linalg.solve(covariance, premia))
    found = cell("futures_spreads", "optimum", "schwartz_smith", 2000, **changes)["statistics"]
    assert found["sharpe"] == pytest.approx(sharpe, abs=4 / math.sqrt(2000))
    assert found["log_growth"] == pytest.approx(sharpe**2 / 2, abs=4 * sharpe / math.sqrt(2000) + 0.002)


@pytest.mark.parametrize(
    ("differentials", "volatilities", "correlation", "beta"),
    [((0.03, -0.01), (0.1, 0.12), -0.2, 0.0), ((-0.02, 0.02), (0.08, 0.09), 0.6, -2.0)],
)
def test_merton_on_other_premia(cell, differentials, volatilities, correlation, beta):
    a, b = ((1 - beta) * d / v for d, v in zip(differentials, volatilities, strict=True))
    sharpe = math.sqrt((a * a + b * b - 2 * correlation * a * b) / (1 - correlation**2))
    found = cell(
        "fx_arbitrage", "merton", "merton_carry", 2000, base_differential=differentials[0],
        terms_differential=differentials[1], base_volatility=volatilities[0], terms_volatility=volatilities[1],
        correlation=correlation, uip_beta=beta,
    )["statistics"]  # fmt: skip
    assert found["sharpe"] == pytest.approx(sharpe, abs=4 / math.sqrt(2000) + 0.01 * sharpe)


def test_trading_rate_of_another_problem(cell):
    # PAPERS 6.2 at gamma 5, lambda 10, rho .02, Sigma .5, by a loop of its own over the two signals
    gamma, lam, rho, variance, b, phi = 5.0, 10.0, 0.02, 0.5, (0.03, 0.04), np.array([0.1, 0.05])[:, None]
    linear = gamma * (1 - rho) + lam * rho
    rate = (math.sqrt(linear**2 + 4 * gamma * lam * (1 - rho) ** 2) - linear) / (2 * (1 - rho))
    aim = [w / (gamma * variance) / (1 + rate / gamma * f) for w, f in zip(b, phi[:, 0], strict=True)]
    draws, n = np.random.default_rng(0), 4000
    f, x, worth = draws.standard_normal((2, n)), np.zeros(n), np.zeros(n)
    for t in range(400):
        y = x + rate / lam * (aim[0] * f[0] + aim[1] * f[1] - x)
        worth -= (1 - rho) ** t * 0.5 * lam * variance * (y - x) ** 2
        x = y
        worth += (1 - rho) ** (t + 1) * (x * (b[0] * f[0] + b[1] * f[1]) - gamma / 2 * variance * x * x)
        f = (1 - phi) * f + np.sqrt(1 - (1 - phi) ** 2) * draws.standard_normal((2, n))
    told = cell(
        "factor_tracking", "garleanu_pedersen", "garleanu_pedersen_continuous", 2000, gamma=gamma, lambda_=lam, rho=rho,
        sigma=variance, loading_1=b[0], loading_2=b[1], phi_1=0.1, phi_2=0.05, n_steps=400,
    )  # fmt: skip
    # the game's own noise of returns comes on top of the signals': its worth has the deviation of the reward
    error = math.sqrt(worth.var() / n + (told["reward"]["std"] * 0.001) ** 2 / 2000)
    assert told["statistics"]["value"] == pytest.approx(worth.mean(), abs=4 * error)
