"""Bounds of parameters: what is refused, in which words, and who describes a name."""

from __future__ import annotations

from dataclasses import dataclass, fields

import pytest

from allocator import ROSTER as ALLOCATOR
from fund.errors import InvalidParameter, UnknownName
from fund.parameter import COMMON, Parameter, check_bounds, described, fitted, inverse, parameter
from specialists import ROSTER

NAN = float("nan")


@dataclass(frozen=True)
class World:
    leverage: float = 1.5
    capital: float = 2.0
    own: float = 3.0
    market: str = parameter("pair", "pair or walks", one_of=("pair", "walks"))
    alpha: float = parameter(60.0, "a year", above=0.0)
    share: float = parameter(0.5, "of it", at_least=0.0, below=1.0)
    form: int = parameter(0, "of an action", one_of=(0, 1))


@pytest.mark.parametrize(
    ("bounds", "inside", "outside", "wanted"),
    [
        ({"above": 0.0}, (1e-9, 5), (0, -1.0, NAN), "above 0"),
        ({"at_least": 0.0}, (0, 7.0), (-1e-9, NAN), "at least 0"),
        ({"below": 1.0}, (0.99,), (1.0, NAN), "below 1"),
        ({"at_most": 1.0}, (1.0,), (1.01, NAN), "at most 1"),
        ({"above": -1.0, "below": 1.0}, (0.0,), (-1.0, 1.0), "above -1 and below 1"),
        ({"at_least": 0.0, "at_most": 1.0}, (0.0, 1.0), (-0.1, 1.1), "at least 0 and at most 1"),
        ({"one_of": (0, 1, 2)}, (0, 2), (3, 0.5), "one of 0, 1, 2"),
        ({}, (NAN, None, "anything"), (), ""),
    ],
)
def test_bounds_and_their_words(bounds, inside, outside, wanted):
    bound = Parameter("unit", **bounds)
    assert bound.wanted == wanted
    assert all(bound.allows(value) for value in inside)
    for value in outside:
        with pytest.raises(InvalidParameter, match=f"^owner: name is {value}, wanted {wanted}$"):
            bound.check("owner", "name", value)


def test_every_described_parameter_of_a_dataclass_is_checked():
    check_bounds("world", World())
    for wrong, text in (
        (World(leverage=-1.0), "world: leverage is -1.0, wanted at least 0"),
        (World(alpha=0.0), "world: alpha is 0.0, wanted above 0"),
        (World(share=1.0), "world: share is 1.0, wanted at least 0 and below 1"),
        (World(form=2), "world: form is 2, wanted one of 0, 1"),
    ):
        with pytest.raises(InvalidParameter, match=f"^{text}$"):
            check_bounds("world", wrong)
    with pytest.raises(UnknownName, match='No market "pear". Did you mean "pair"'):
        check_bounds("world", World(market="pear"))


def test_own_words_go_before_common_ones():
    told = described(World)
    assert list(told) == ["leverage", "capital", "market", "alpha", "share", "form"]
    assert told["capital"] is COMMON["capital"]
    assert told["alpha"].unit == "a year"
    assert [f.default for f in fields(World)] == [1.5, 2.0, 3.0, "pair", 60.0, 0.5, 0]


SPECS = [*ROSTER.values(), *ALLOCATOR.values()]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_every_parameter_has_a_unit(spec):
    assert [f.name for f in fields(spec.cls) if not spec.cls.unit_of(f.name)] == []


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_a_strategy_refuses_what_is_out_of_bounds(spec):
    with pytest.raises(InvalidParameter, match=f"^{spec.name}: capital is 0.0, wanted above 0$"):
        spec.cls(capital=0.0)


@pytest.mark.parametrize(
    ("present", "value", "kept"),
    [
        (True, False, False), (5, 1e3, 1000), (5, 7, 7), (0.5, 3, 3), (float("inf"), float("inf"), float("inf")),
        ("KO", "PEP", "PEP"), ("KO", 5, "5"), (("a", "b"), "x, y", ("x", "y")), (("a",), ("x",), ("x",)),
        (("a",), ["x"], ("x",)), (None, {"a": 1}, {"a": 1}), (0.0, 0, 0),
    ],
)  # fmt: skip
def test_a_value_is_taken_as_the_kind_of_the_present_one(present, value, kept):
    found = fitted("desk", "it", present, value)
    assert found == kept and type(found) is type(kept)


@pytest.mark.parametrize(
    ("present", "value", "wanted"),
    [
        (True, "off", "true or false"), (True, 1, "true or false"), (True, None, "true or false"),
        (5, 1.5, "a whole number"), (5, "many", "a number"), (0.5, True, "a number"), (0.5, NAN, "a finite number"),
        (0.5, float("-inf"), "a finite number"), (0.5, 1e308, r"a size between 1e-18 and 1e\+18, or 0"),
        (0.5, -1e-308, "a size between"), (5, 2**63, "a size between"), ("KO", None, "a word"),
        ("KO", True, "a word"), (("a",), 3, "words with commas"), (None, "file.csv", "data"), (None, 3, "data"),
    ],
)  # fmt: skip
def test_a_value_of_another_kind_is_refused(present, value, wanted):
    with pytest.raises(InvalidParameter, match=f'^desk: parameter "it" is .*, wanted {wanted}'):
        fitted("desk", "it", present, value)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_a_whole_number_may_be_written_with_an_exponent(spec):
    taken = spec.cls().with_parameters(steps_per_day=1e0).steps_per_day
    assert taken == 1 and isinstance(taken, int)


def test_an_inverse_is_a_number_over_a_parameter():
    class Odds:
        per_capital = inverse("capital")
        tenth = inverse("capital", 10.0)
        capital = 4

    assert (Odds().per_capital, Odds().tenth) == (0.25, 2.5)
    assert Odds.tenth.__doc__ == "10 over `capital`."


def test_a_strategy_tells_what_its_parameters_may_be():
    desk = ROSTER["delta_hedging"].cls
    assert desk.wanted_of("option") == "one of call, put"
    assert desk.wanted_of("spot") == "above 0"
    assert desk.wanted_of("mu") == ""
