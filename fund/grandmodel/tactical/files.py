"""Recorded bars among a user's files."""

from fund.grandmodel.minute_files import markets

__all__ = ["markets"]
