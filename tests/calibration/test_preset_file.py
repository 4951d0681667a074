"""Preset files: written whole, read with care, over a named preset; a result that is that of `--set`."""

import json

import pytest

from fund.calibration.preset_file import is_file, label_of, read_preset, write_preset
from fund.errors import DataError, InvalidParameter

CONTENT = {"strategy": "delta_hedging", "base": "default", "parameters": {"sigma": 0.3, "market": "garch"}}


def test_what_is_written_is_read(tmp_path):
    path = write_preset(tmp_path / "My Stock.json", {**CONTENT, "standard_errors": {"sigma": 0.01}})
    found = read_preset(path, "delta_hedging")
    assert (found.base, found.parameters) == ("default", {"sigma": 0.3, "market": "garch"})
    assert found.over({"sigma": 0.5}) == {"sigma": 0.5, "market": "garch"}
    assert [p.name for p in tmp_path.iterdir()] == ["My Stock.json"]  # nothing temporary is left


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = write_preset(tmp_path / "kept.json", CONTENT)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_preset(path, {**CONTENT, "parameters": {"sigma": float("nan")}})
    assert read_preset(path, "delta_hedging").parameters["sigma"] == 0.3


def test_names():
    assert is_file("a/b.json")
    assert not is_file("history")
    # a file called as a preset must not write into that preset's models
    assert label_of("x/Default.json") == "file_default"
    assert label_of("KO & PEP.json") == "file_ko_pep"
    with pytest.raises(InvalidParameter, match=r"ends with \.json"):
        write_preset("preset.txt", CONTENT)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not a preset file"),
        ("[1]", 'wanted "strategy", "base" and "parameters"'),
        (json.dumps({**CONTENT, "base": None}), 'wanted "strategy"'),
        (
            json.dumps({**CONTENT, "parameters": {"sigma": [1]}}),
            'parameter "sigma" is \\[1\\], wanted a number',
        ),
        (
            json.dumps({**CONTENT, "strategy": "market_making"}),
            'of "market_making", wanted one of "delta_hedging"',
        ),
    ],
)
def test_what_is_no_preset_is_refused(tmp_path, text, message):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_preset(path, "delta_hedging")


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(DataError, match=r"gone\.json: cannot be read"):
        read_preset(tmp_path / "gone.json", "delta_hedging")
