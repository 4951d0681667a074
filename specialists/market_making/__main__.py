"""Run the desk on its own: `python -m specialists.market_making`."""

from fund.training.desk import main
from specialists.market_making import SPEC

raise SystemExit(main(SPEC))
