"""D0's nested configuration: a dictionary, or the YAML file of it, checked against what a stage knows.

    strategic_marl:
      environment: {max_episode_steps: 500}
      agents: {mlmi_expert: {expertise_weight: 0.5}}

A schema has the shape of the configuration; each leaf is a `Value` that says which parameter it sets. An unknown key is
answered with the nearest known one, a value of the wrong kind with its place. YAML is read without code; a key that
stands twice, an infinite number, an alias and a file beyond 64 kB are refused.

D0 is the document that specified the four environments, with this form of configuration and its values; a parameter
whose source is D0 has that value as its default, and `fund list NAME` shows it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Self

import yaml

from fund.errors import DataError, InvalidParameter, UnknownName
from fund.stage import Debug, Stage
from fund.strategy import Strategy

MOST_BYTES = 65_536


def _as_it_is(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Value:
    """A leaf of a schema: the parameter that it sets, its kind and its bounds."""

    field: str  # "": it is checked, and sets nothing
    kind: type = float  # float, int, bool, str, or list (of whole numbers; of words where `words`)
    low: float = -math.inf
    high: float = math.inf
    words: bool = False
    read: Callable[[Any], Any] = _as_it_is  # what it says as the parameter's value


Schema = Mapping[str, Any]


def read_configuration(config: Any, section: str, schema: Schema) -> tuple[dict[str, Any], Debug]:
    """Parameters by name, and what to do beside the work; raises UnknownName, InvalidParameter, DataError."""
    found = load_configuration(config)
    debug = _debug(found)
    known = (section, *(f.name for f in fields(Debug)))
    for key in found:
        if key not in known:
            raise UnknownName("section of the configuration", str(key), known)
    values: dict[str, Any] = {}
    _walk(found.get(section), schema, section, values)
    return values, debug


@dataclass(frozen=True)
class ConfiguredStage(Stage):
    """A stage that has a section in D0's configuration. Subclasses say over which world, and what stands in it."""

    world: ClassVar[type[Strategy]]
    schema: ClassVar[Schema]

    @classmethod
    def of(cls, world: Any = None, **given: Any) -> Self:
        """The stage over a world; `given` is what the configuration says of agents and not of the world."""
        return cls(strategy=world or cls.world(), **given)

    @classmethod
    def configured(cls, config: Any = None) -> tuple[Self, Debug]:
        """The stage of D0's configuration; raises UnknownName, InvalidParameter, DataError."""
        values, debug = read_configuration(config, cls.section, cls.schema)
        known = {f.name for f in fields(cls.world)}
        changes = {key: value for key, value in values.items() if key in known}
        rest = {key: value for key, value in values.items() if key not in known}
        return cls.of(cls.world().with_parameters(**changes), **rest), debug


def load_configuration(config: Any) -> Mapping[Any, Any]:
    """The configuration as a dictionary, unchecked; raises InvalidParameter, DataError."""
    if config is None:
        return {}
    if isinstance(config, Mapping):
        return config
    if not isinstance(config, (str, Path)):
        raise InvalidParameter(
            f"configuration of type {type(config).__name__}, wanted a dictionary or a file"
        )
    path = Path(config)
    try:
        text = path.read_bytes()[: MOST_BYTES + 1]
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from None
    if len(text) > MOST_BYTES:
        raise DataError(f"{path}: larger than {MOST_BYTES} bytes, no configuration")
    return _parsed(text, path)


def _parsed(text: bytes, path: Path) -> Mapping[Any, Any]:
    try:
        loaded = yaml.load(text.decode("utf-8"), Loader=_Strict)  # noqa: S506 - a SafeLoader that refuses more
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{path}: {first}") from None
    if loaded is None:
        return {}
    if not isinstance(loaded, Mapping):
        raise DataError(f"{path}: found a {type(loaded).__name__}, wanted keys and values")
    return loaded


class _Strict(yaml.SafeLoader):  # type: ignore[misc]  # yaml ships no types
    """SafeLoader without aliases, in which no key stands twice."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias (*name) is not allowed here")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = [key for k, key in enumerate(keys) if key in keys[:k]]
        if twice:
            raise yaml.YAMLError(f'the key "{twice[0]}" stands twice')
        return super().construct_mapping(node, deep)


def _debug(found: Mapping[Any, Any]) -> Debug:
    asked = {}
    for f in fields(Debug):
        if f.name in found:
            asked[f.name] = _checked(found[f.name], Value(f.name, bool), f.name)
    everything = asked.get("debug", False)
    return Debug(**{f.name: asked.get(f.name, everything) for f in fields(Debug)})


def _walk(found: Any, schema: Schema, place: str, values: dict[str, Any]) -> None:
    if found is None:
        return
    if not isinstance(found, Mapping):
        raise InvalidParameter(f"{place}: found {found!r}, wanted keys and values")
    for key, value in found.items():
        if key not in schema:
            raise UnknownName(f"key of {place}", str(key), schema)
        leaf = schema[key]
        if isinstance(leaf, Value):
            said = leaf.read(_checked(value, leaf, f"{place}.{key}"))
            if leaf.field:
                values[leaf.field] = said
        else:
            _walk(value, leaf, f"{place}.{key}", values)


def _checked(value: Any, leaf: Value, place: str) -> Any:
    if leaf.kind is list:
        return _list(value, leaf, place)
    if leaf.kind is bool or leaf.kind is str:
        if not isinstance(value, leaf.kind):
            raise InvalidParameter(
                f"{place}: found {value!r}, wanted {'true or false' if leaf.kind is bool else 'a word'}"
            )
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise InvalidParameter(f"{place}: found {value!r}, wanted a finite number")
    if leaf.kind is int and value != int(value):
        raise InvalidParameter(f"{place}: found {value!r}, wanted a whole number")
    if not leaf.low <= value <= leaf.high:
        raise InvalidParameter(f"{place}: found {value!r}, wanted {leaf.low:g} to {leaf.high:g}")
    return leaf.kind(value)


def _list(value: Any, leaf: Value, place: str) -> tuple[Any, ...]:
    kind = str if leaf.words else int
    sound = isinstance(value, (list, tuple)) and len(value) > 0
    if not sound or any(isinstance(v, bool) or not isinstance(v, kind) for v in value):
        raise InvalidParameter(
            f"{place}: found {value!r}, wanted a list of {'words' if leaf.words else 'whole numbers'}"
        )
    if not leaf.words and any(not leaf.low <= v <= leaf.high for v in value):
        raise InvalidParameter(f"{place}: found {value!r}, wanted numbers from {leaf.low:g} to {leaf.high:g}")
    return tuple(value)
