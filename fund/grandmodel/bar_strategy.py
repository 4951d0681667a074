"""What the strategic and the tactical world have in common: one instrument in bars, drawn or recorded.

Row t is the end of a bar: its close is the quote at which a step trades, half a spread and a fee away. Each episode has
`warm_up_sessions` before it, which the indicators need and nobody trades in.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.errors import DataError
from fund.grandmodel.bar_draw import draw_bars
from fund.grandmodel.bar_market import BarMarket
from fund.grandmodel.bars import SESSION, Bars, aggregate
from fund.grandmodel.external_signal import external_of
from fund.grandmodel.recorded_bars import COLUMNS, minutes_of
from fund.market.history import History
from fund.market.streams import Paths
from fund.market.tape import Tape, empty_block
from fund.market.weather import Weather
from fund.parameter import parameter
from fund.strategy import Box, Played, Strategy, names

Floats = NDArray[np.float64]

CHUNK = 8  # paths whose minutes are in memory together: they stay in the cache
OPENS = 570  # 09:30, of a generated session

QUIET: dict[str, Any] = {"trend_ratio": 0.0, "gap_edge": 0.0}  # nothing can be known of the price


class Drawn(NamedTuple):
    """Bars of some paths, what is known ahead of each row, the spread, what could be foreseen, all (n, rows)."""

    bars: Bars
    signal: Floats | None  # of the half hour after the row
    half_spread: Floats
    foreseen: Floats  # sum of the expected moves so far, price units; 0 where nobody knows


@dataclass(frozen=True)
class BarStrategy(BarMarket, Strategy):
    """Parameters of a world in bars, and its recording."""

    name: ClassVar[str]
    minutes: ClassVar[int] = 30  # of a bar
    needed: ClassVar[int] = 210  # rows that the indicators need before they can be seen
    matrix: ClassVar[tuple[str, ...]] = ()  # features that look back, in the order of the observation matrix
    actions = Box(9, 0.0, 1.0)  # three agents' probabilities of short, neutral and long
    flat_action = 1.0  # all choices alike: no direction

    steps_per_day: int = 13
    window: int = parameter(48, "rows of the observation matrix", at_least=1)
    observation_noise: float = parameter(
        0.01, "standard deviation of the noise on what agents see, in units of the features", at_least=0.0
    )
    position_limit: float = parameter(1.0, "exposure of a full position over NAV", at_least=0.0)
    half_spread: float = parameter(0.00003, "share of the price, in normal liquidity", at_least=0.0)
    cost_rate: float = 0.00005
    band: float = parameter(0.02, "smallest change of exposure that is traded, share of NAV", at_least=0.0)
    control_variate: bool = False
    zone: str = parameter("America/New_York", "of a recorded market's exchange")
    opens: str = parameter("09:30", "time of day at which a recorded session begins")
    closes: str = parameter("16:00", "and ends")

    def __post_init__(self) -> None:
        """Refuse numbers that no world has; raises InvalidParameter."""
        super().__post_init__()
        bars = SESSION // self.minutes
        whole = self.steps_per_day == bars or self.history is not None
        self.demand("steps_per_day", whole, f"{bars}: a generated session has {bars} bars")

    @property
    def leverage(self) -> float:
        """Largest exposure over NAV when trading."""
        return self.position_limit

    @property
    def first(self) -> int:
        """The row of the drawn bars at which an episode begins: the last of the warm-up."""
        per_session = SESSION // self.minutes
        return -(-(self.needed + self.window) // per_session) * per_session - 1

    @classmethod
    def needs(cls) -> tuple[str, ...]:
        """Columns of a history of 1-minute bars."""
        return COLUMNS

    def on(self, data: Any) -> Self:
        """The same world on recorded bars of a minute: a History, or a DataFrame."""
        history = data if isinstance(data, History) else History.from_frame(data, required=COLUMNS)
        history.select(COLUMNS)
        return self.with_parameters(history=history)

    def draw_bars(self, paths: Paths, sky: Weather) -> Drawn:
        """The bars of some paths, warm-up included."""
        per_session = SESSION // self.minutes
        warm_up = (self.first + 1) // per_session
        bars, signal, foreseen = draw_bars(self, paths, sky, self.days, warm_up, self.name, self.minutes)
        bars = bars.cut(slice(0, self.first + 1 + self.n_steps))
        row_day = np.maximum(bars.session - warm_up, 0)
        ahead = signal[:, 1 + (bars.session * SESSION + bars.minute + self.minutes - 1) // 30]
        spread = (self.half_spread / sky.liquidity[row_day]).T
        return Drawn(bars, ahead if self.edge else None, spread, foreseen[:, : bars.rows])

    def record(self, paths: Paths, weather: Weather | None = None) -> Tape:
        """The tape of these paths: windows of the history where there is one, else drawn."""
        if self.history is not None:
            return self._windows(self.history, paths)
        return self._drawn(paths, weather)

    def _drawn(self, paths: Paths, weather: Weather | None) -> Tape:
        # a few paths at a time, so that their minutes do not fill the memory
        sky = self.sky(paths, self.days, weather)
        width, n = len(self.features), len(paths)
        rows = self.n_steps + self.window
        wide = np.zeros((rows, n, width), dtype=np.float32)
        block = empty_block(self.n_steps + 1, len(names(self.step.columns)), n)
        for cut, some in paths.parts(CHUNK):
            drawn = self.draw_bars(some, sky.some(cut))
            columns, features = self.read(drawn, OPENS)
            self._write(columns, features, self.first, block[:, :, cut], wide[:, cut])
            self._blur(some, wide[:, cut])
        return self._tape(block, wide, np.zeros(0, dtype=np.int64))

    def read(self, drawn: Drawn, opens: int) -> tuple[Mapping[str, Floats], Mapping[str, Floats]]:
        """Columns and features by name, each (n, rows); NaN where an indicator has too few rows."""
        raise NotImplementedError

    def _windows(self, history: History, paths: Paths) -> Tape:
        # windows of the recorded market, one a path, whose starts are drawn
        drawn, columns, features = recorded(self, history)
        last = drawn.bars.rows - 1 - self.n_steps
        if last < self.first:
            raise DataError(
                f"{history.source}: {drawn.bars.rows} bars of {self.minutes} minutes, wanted "
                f"{self.first + 1 + self.n_steps} ({self.first} to warm up, {self.n_steps} steps)"
            )
        starts = self.first + paths.streams(self.name).integers("window", last - self.first + 1)
        n = len(paths)
        wide = np.zeros((self.n_steps + self.window, n, len(self.features)), dtype=np.float32)
        block = empty_block(self.n_steps + 1, len(names(self.step.columns)), n)
        for i, start in enumerate(starts.tolist()):
            self._write(columns, features, start, block[:, :, i : i + 1], wide[:, i : i + 1])
        self._blur(paths, wide)
        return self._tape(block, wide, starts)

    def _write(
        self,
        columns: Mapping[str, Floats],
        features: Mapping[str, Floats],
        start: int,
        block: Floats,
        wide: NDArray[np.float32],
    ) -> None:
        rows = slice(start, start + self.n_steps + 1)
        for k, name in enumerate(names(self.step.columns)):
            block[:, k] = columns[name][:, rows].T
        behind = slice(start - self.window + 1, start + self.n_steps + 1)
        for name, values in features.items():
            wide[:, :, self.features.index(name)] = values[:, behind].T

    def _blur(self, paths: Paths, wide: NDArray[np.float32]) -> None:
        # drawn row by row, so that a shorter tape is the beginning of a longer one
        if self.observation_noise > 0.0:
            places = np.array([self.features.index(name) for name in self.matrix])
            drawn = paths.streams(self.name).normal("noise", len(wide), len(places))
            add_noise(wide, drawn, self.observation_noise, places)

    def _tape(self, block: Floats, wide: NDArray[np.float32], rows: NDArray[np.int64]) -> Tape:
        if not (np.isfinite(block.sum()) and np.isfinite(wide.sum(dtype=np.float64))):
            raise DataError(f"{self.name}: a price or a feature is not finite")
        back = self.window - 1
        return Tape(
            names(self.step.columns), block, np.ascontiguousarray(wide[back:]), rows, wide[:back].copy()
        )

    def statistics(self, played: Played) -> dict[str, float]:
        """Return and Sharpe ratio a year of the mean episode, and trades' value over the capital."""
        steps = np.diff(played.nav, axis=0) / self.capital
        a_year, deviation = 252.0 * self.steps_per_day, float(steps.std())
        return {
            "return_rate": float(steps.mean()) * a_year,
            "sharpe": float(steps.mean()) / deviation * math.sqrt(a_year) if deviation > 0.0 else 0.0,
            "turnover": float(played.traded.mean()) / self.capital,
        }


@lru_cache(maxsize=4)
def recorded(
    strategy: BarStrategy, history: History
) -> tuple[Drawn, Mapping[str, Floats], Mapping[str, Floats]]:
    """The recorded market in bars with its columns and features, once a strategy: they are causal."""
    minutes = minutes_of(history, strategy.zone, strategy.opens, strategy.closes)
    bars = aggregate(minutes, strategy.minutes)
    external = external_of(history, strategy.minutes, strategy.zone, strategy.opens, strategy.closes)
    drawn = Drawn(bars, external, np.full(bars.close.shape, strategy.half_spread), bars.close)
    hours, _, rest = strategy.opens.partition(":")
    return drawn, *strategy.read(drawn, 60 * int(hours) + int(rest))


@compiled(nogil=True)
def add_noise(wide: NDArray[np.float32], drawn: Floats, deviation: float, places: NDArray[np.int64]) -> None:
    """Add noise (n, rows, places) to the columns at `places` of features (rows, n, width)."""
    for i in range(drawn.shape[0]):
        for t in range(drawn.shape[1]):
            for k in range(len(places)):
                wide[t, i, places[k]] += np.float32(deviation * drawn[i, t, k])


def clock_features(bars: Bars, opens: int) -> dict[str, Floats]:
    """Sine and cosine of the hour at the end of each bar, (n, rows)."""
    angle = 2.0 * math.pi * (opens + bars.minute + bars.minutes) / 1440.0
    return {"hour_sin": np.broadcast_to(np.sin(angle), bars.close.shape),
            "hour_cos": np.broadcast_to(np.cos(angle), bars.close.shape)}  # fmt: skip
