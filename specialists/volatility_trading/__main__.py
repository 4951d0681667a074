"""Run the desk on its own: `python -m specialists.volatility_trading`."""

from fund.training.desk import main
from specialists.volatility_trading import SPEC

raise SystemExit(main(SPEC))
