"""Recorded bars of a minute as the GrandModel takes them: sessions cut by the exchange's own clock.

What is done about bad rows is a policy, applied before this or refused here; nothing is filled in:

    duplicate stamps, disorder, NaN, bars that do not bracket     `fund.market.checks`, when the file is read
    zero volume                                                   dropped or kept, as the file's `Rules` say
    missing minutes                                               a longer bar is made of those that are there
    minutes out of the session                                    left out, counted
    stamps without a zone                                         taken as the exchange's local time
    a local time that does not exist, or comes twice (daylight saving)   refused, with the row
    less than half of the volume within the session                refused: the zone is wrong
"""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from fund.errors import DataError, InvalidParameter
from fund.grandmodel.bars import Bars
from fund.market.history import History

COLUMNS = ("open", "high", "low", "close", "volume")
_MINUTE = 60_000_000  # microseconds
_DAY = 1440  # minutes


def clock(text: str) -> int:
    """Minutes since midnight of "HH:MM"; "24:00" is the end of the day. Raises InvalidParameter."""
    hours, colon, minutes = text.partition(":")
    if not (colon and hours.isdigit() and minutes.isdigit() and int(minutes) < 60 and int(hours) <= 24):
        raise InvalidParameter(f'a time of day is "{text}", wanted "HH:MM"')
    return int(hours) * 60 + int(minutes)


def minutes_of(history: History, zone: str, opens: str = "09:30", closes: str = "16:00") -> Bars:
    """The minutes of a history within its sessions, one path; stamps are the beginnings of the minutes.

    `zone` is the exchange's ("America/New_York"). A session that closes at or before it opens runs overnight.
    Raises DataError, InvalidParameter, UnknownName for a missing column.
    """
    local = local_minutes(history, zone)
    begin, end = clock(opens), clock(closes)
    length = (end - begin) % _DAY or _DAY
    since = local - begin
    session, minute = since // _DAY, since % _DAY
    inside = minute < length
    volume = history.column("volume")
    share = float(volume[inside].sum() / max(volume.sum(), 1e-300))
    if share < 0.5:
        place = f"within {opens} to {closes} of {zone}"
        raise DataError(f"{history.source}: {100.0 * share:.0f}% of the volume is {place}: a wrong zone?")
    prices = [history.column(name)[inside][None] for name in COLUMNS]
    o, h, low, c, v = (np.ascontiguousarray(field) for field in prices)
    _, number = np.unique(session[inside], return_inverse=True)
    return Bars(o, h, low, c, v, minute[inside], number.astype(np.int64), 1, length)


def local_minutes(history: History, zone: str) -> NDArray[np.int64]:
    """Each row's local time, minutes since 1970 on the exchange's wall; raises DataError, InvalidParameter."""
    try:
        there = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise InvalidParameter(
            f'zone is "{zone}", wanted a name such as "America/New_York" or "UTC"'
        ) from None
    if history.zone == "UTC":
        return (history.times + _offsets(history.times, there)) // _MINUTE
    if history.zone not in ("", zone):
        raise DataError(
            f"{history.source}: stamps are in {history.zone}, the exchange is in {zone}; convert them"
        )
    _refuse_changes(history, there)
    return history.times // _MINUTE


def _offsets(times: NDArray[np.int64], there: ZoneInfo) -> NDArray[np.int64]:
    # the zone's distance from UTC, looked up once an hour
    hours = times // (60 * _MINUTE)
    different, place = np.unique(hours, return_inverse=True)
    found = [dt.datetime.fromtimestamp(int(hour) * 3600, there).utcoffset() for hour in different]
    return np.array([int(f.total_seconds()) * 1_000_000 for f in found if f is not None], dtype=np.int64)[
        place
    ]


def _refuse_changes(history: History, there: ZoneInfo) -> None:
    # a wall time is sound where going to UTC and back gives it again, whichever way a doubled hour is read
    for hour in np.unique(history.times // (60 * _MINUTE)):
        wall = dt.datetime(1970, 1, 1) + dt.timedelta(hours=int(hour))  # noqa: DTZ001 - a wall has no zone
        first, second = (wall.replace(tzinfo=there, fold=fold) for fold in (0, 1))
        if first.utcoffset() == second.utcoffset():
            continue
        back = first.astimezone(dt.UTC).astimezone(there).replace(tzinfo=None)
        what = "comes twice" if back == wall else "does not exist"
        row = int(np.searchsorted(history.times, int(hour) * 60 * _MINUTE))
        raise DataError(
            f"{history.source}:row {row}: {wall} {what} in {there.key} (daylight saving); give stamps in UTC"
        )
