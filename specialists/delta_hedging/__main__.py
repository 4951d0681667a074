"""Run the desk on its own: `python -m specialists.delta_hedging`."""

from fund.training.desk import main
from specialists.delta_hedging import SPEC

raise SystemExit(main(SPEC))
