"""Exceptions of the fund, one tree.

FundError                    anything that a user can put right; its text is one clear line
+-- UnknownName              a desk, preset, parameter, policy or column that does not exist (usage: exit 2)
+-- InvalidParameter         a parameter whose value cannot be used (usage: exit 2)
+-- InvalidAction            a non-finite or ill-shaped action
+-- ResetNeeded              a step before the first reset, or after the end of an episode
+-- DataError                a missing or malformed file or frame (the work failed: exit 1)
+-- ModelError               a model that is missing, damaged or made for something else (exit 1)
+-- RunInUse                 a run directory that another process holds (exit 1)
+-- BrokerUnavailable        a broker that cannot be reached; orders are held until it is (exit 1)
+-- ContractBroken           a strategy that breaks one of the laws (`fund check`, exit 1)
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class FundError(Exception):
    """Anything that a user can put right; the text is one clear line."""


class UnknownName(FundError, KeyError):
    """A name that does not exist; the text gives the nearest that does."""

    def __init__(self, kind: str, found: str, known: Iterable[str]) -> None:
        names = sorted(known)
        close = difflib.get_close_matches(found, names, n=1, cutoff=0.4)
        hint = f' Did you mean "{close[0]}"?' if close else ""
        super().__init__(f'No {kind} "{found}".{hint} Known: {", ".join(names)}.')

    __str__ = Exception.__str__  # KeyError would print the text in quotation marks


class InvalidParameter(FundError, ValueError):
    """A parameter whose value cannot be used; the text says found and wanted."""


class InvalidAction(FundError, ValueError):
    """An action that is not finite, or has the wrong shape."""


class ResetNeeded(FundError, RuntimeError):
    """A step before the first reset, or after the end of an episode."""


class DataError(FundError, ValueError):
    """A missing or malformed file or frame; the text says file, line and reason."""


class ModelError(FundError, ValueError):
    """A model that is missing, damaged or made for another environment."""


class RunInUse(FundError, RuntimeError):
    """A run directory that another process holds."""


class BrokerUnavailable(FundError, ConnectionError):
    """A call to a broker that came to nothing, as far as can be told."""


class ContractBroken(FundError, AssertionError):
    """A strategy that breaks one of the laws."""
