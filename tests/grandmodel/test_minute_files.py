"""A user's minutes at a stage, from the command line; what is wrong with them in one line."""

import json

import numpy as np
import pytest

from fund.__main__ import main
from tests.grandmodel.test_bad_bars import good_rows

RULES = {"tactical": "textbook", "execution": "twap"}
HEADER = "timestamp,open,high,low,close,volume"


def written(path, rows):
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return str(path)


def words(name, data, *more):
    rule = RULES[name]
    return [
        "evaluate",
        name,
        "--policy",
        rule,
        "--episodes",
        "4",
        "--set",
        "n_steps=20",
        "--data",
        data,
        *more,
    ]


@pytest.mark.parametrize("name", RULES)
def test_a_file_of_minutes_is_a_stages_market(name, tmp_path, capsys):
    data = written(tmp_path / "etf.csv", good_rows())
    assert main(words(name, data, "--json")) == 0
    told = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert np.isfinite(told["pnl"]["mean"])
    assert (told["data"]["source"], told["data"]["rows"]) == (data, 6 * 390)


def test_of_several_files_one_is_named_and_a_damaged_one_is_told(tmp_path, capsys):
    rows = good_rows()
    for name in ("one", "two"):
        written(tmp_path / f"{name}.csv", rows)
    assert main(words("tactical", str(tmp_path))) == 2
    assert 'name one as --market: "one", "two"' in capsys.readouterr().err
    assert main(words("tactical", str(tmp_path), "--market", "two")) == 0
    capsys.readouterr()
    broken = written(tmp_path / "two.csv", [*rows[:700], rows[699].rpartition(",")[0] + ",1", *rows[700:]])
    assert main(words("tactical", str(tmp_path))) == 0  # the other one is left
    capsys.readouterr()
    assert main(words("tactical", broken)) == 1
    err = capsys.readouterr().err.strip()
    assert "two.csv:702:" in err and "with other numbers" in err and len(err.splitlines()) == 1


def test_a_wrong_zone_is_one_line(tmp_path, capsys):
    data = written(tmp_path / "etf.csv", good_rows())
    assert main([*words("tactical", data), "--set", "zone=Asia/Tokyo"]) == 1
    err = capsys.readouterr().err.strip()
    assert "a wrong zone" in err and len(err.splitlines()) == 1


def test_real_minutes_from_the_command_line(shared_data, capsys):
    data = shared_data / "intraday" / "us_etf_1m" / "DIA.csv.gz"
    assert main(words("tactical", str(data))) == 0
    assert "policies" in capsys.readouterr().out
