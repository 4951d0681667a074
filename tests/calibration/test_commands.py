"""`fund calibrate`, `fund check market` and `--preset FILE` as a user types them."""

import json

import numpy as np
import pytest

from fund.market.streams import Paths
from specialists.delta_hedging.strategy import DeltaHedging
from tests.commands import run


@pytest.fixture
def stock(tmp_path):
    """A table of a stock and its quoted volatility, drawn by the desk's own market at sigma .3."""
    tape = DeltaHedging(sigma=0.3, volatility_premium=0.1).with_steps(900).record(Paths.of(3, 1))
    days = np.datetime64("2012-01-02") + np.arange(901)
    rows = zip(days, tape["spot"][:, 0], tape["sigma"][:, 0], strict=True)
    path = tmp_path / "stock.csv"
    path.write_text("Date,spot,implied_volatility\n" + "".join(f"{d},{s:.9g},{v:.9g}\n" for d, s, v in rows))
    return path


def test_calibrate_writes_a_preset_that_evaluate_takes(stock, tmp_path, capsys):
    out = str(tmp_path / "stock.json")
    code, printed, err = run(
        "calibrate", "delta_hedging", "--data", str(stock), "--out", out, "--json", capsys=capsys
    )
    assert (code, err) == (0, "")
    result = json.loads(printed.splitlines()[-1])
    written = json.loads((tmp_path / "stock.json").read_text())
    assert written["parameters"] == result["parameters"]
    assert written["record"]["source"] == "stock.csv"
    assert str(tmp_path) not in (tmp_path / "stock.json").read_text()  # no path of the machine
    sigma, error = written["parameters"]["sigma"], written["standard_errors"]["sigma"]
    assert abs(sigma - 0.3) < 4 * error

    words = ("evaluate", "delta_hedging", "--policy", "black_scholes", "--episodes", "50", "--json")
    code, one, _ = run(*words, "--preset", out, capsys=capsys)
    assert code == 0
    changes = [f"--set={key}={value!r}" for key, value in written["parameters"].items()]
    _, two, _ = run(*words, *changes, capsys=capsys)
    one, two = json.loads(one), json.loads(two)
    assert (one.pop("preset"), two.pop("preset")) == ("file_stock", "default")
    assert one == two
    # --set goes over the file
    _, three, _ = run(*words, "--preset", out, "--set", f"sigma={2 * sigma}", capsys=capsys)
    assert json.loads(three)["statistics"]["premium"] > 1.5 * one["statistics"]["premium"]


def test_check_market_prints_bands_and_the_file_beside_them(stock, capsys):
    words = ("check", "market", "delta_hedging", "--paths", "2", "--data", str(stock))
    code, printed, err = run(*words, "--json", capsys=capsys)
    assert (code, err) == (0, "")
    lines = json.loads(printed.splitlines()[-1])["prices"]["spot"]["lines"]
    assert len(lines) == 12
    assert lines["hurst"]["band"] == [0.45, 0.55]
    assert all(np.isfinite(line["market"]) and np.isfinite(line["file"]) for line in lines.values())
    assert "does not hold" in printed or "holds" in printed


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("check", "markt", "delta_hedging"), 2, 'Did you mean "market"'),
        (("check", "market", "delta_hedgin"), 2, 'Did you mean "delta_hedging"'),
        (("check", "market", "delta_hedging", "--paths", "0"), 2, "--paths 0, wanted 1 or more"),
        (("check", "market", "cio_allocator"), 2, "no CALIBRATION"),
        (("calibrate", "delta_hedging"), 2, "--data"),
        (("calibrate", "delta_hedging", "--data", "gone.csv"), 1, "no such folder or file"),
        (("calibrate", "execution", "--data", "gone.csv"), 1, "no such folder or file"),
        (("evaluate", "delta_hedging", "--policy", "flat", "--preset", "gone.json"), 1, "cannot be read"),
    ],
)
def test_bad_input_is_one_line(words, code, said, capsys):
    found, out, err = run(*words, capsys=capsys)
    assert found == code
    assert said in err
    assert len(err.strip().splitlines()) == 1
    assert out == ""


def test_a_wrong_ending_and_a_strategy_of_another_file(stock, tmp_path, capsys):
    code, _, err = run("calibrate", "delta_hedging", "--data", str(stock), "--out", "x.yaml", capsys=capsys)
    assert code == 2 and "ends with .json" in err
    path = tmp_path / "other.json"
    path.write_text(json.dumps({"strategy": "market_making", "base": "default", "parameters": {}}))
    code, _, err = run("evaluate", "delta_hedging", "--policy", "flat", "--preset", str(path), capsys=capsys)
    assert code == 1 and 'wanted one of "delta_hedging"' in err
    path.write_text(
        json.dumps({"strategy": "delta_hedging", "base": "default", "parameters": {"sigmo": 1.0}})
    )
    code, _, err = run("evaluate", "delta_hedging", "--policy", "flat", "--preset", str(path), capsys=capsys)
    assert code == 2 and 'Did you mean "sigma"' in err
