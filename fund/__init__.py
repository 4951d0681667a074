"""A hierarchical multi-strategy fund: markets, one ledger, environments, training, reports.

`import fund` registers the Gymnasium ids and is light.
`fund.make` gives a Gymnasium environment by name, `fund.make_vec` the vector form; both
take `data=frame` for one's own market.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fund.roster import import_rosters

if TYPE_CHECKING:
    import gymnasium as gym
    import pandas as pd

__all__ = ["make", "make_vec"]
__version__ = "0.1.0"


def _strategy(name: str, preset: str, data: pd.DataFrame | None, parameters: dict[str, Any]) -> Any:
    from fund.envs.spaces import resolve

    strategy = resolve(name, preset, parameters)
    return strategy if data is None else strategy.on(data)


def make(
    name: str,
    *,
    preset: str = "default",
    data: pd.DataFrame | None = None,
    render_mode: str | None = None,
    **parameters: Any,
) -> gym.Env[Any, Any]:
    """A strategy as a Gymnasium environment, on generated data or on a DataFrame of one's own.

    Raises UnknownName with the nearest name (strategy, preset, parameter, column), DataError for bad data.
    """
    from fund.envs.gym import FundEnv

    return FundEnv(_strategy(name, preset, data, parameters), render_mode=render_mode)


def make_vec(
    name: str, num_envs: int, *, preset: str = "default", data: pd.DataFrame | None = None, **parameters: Any
) -> gym.vector.VectorEnv[Any, Any, Any]:
    """The same as n environments stepped together."""
    from fund.envs.vector import FundVectorEnv

    return FundVectorEnv(num_envs, _strategy(name, preset, data, parameters))


import_rosters()
