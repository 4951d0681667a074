"""Ten steps of the desk, or its training: `python -m specialists.statistical_arbitrage [train]`."""

from fund.training.desk import main
from specialists.statistical_arbitrage import SPEC

raise SystemExit(main(SPEC))
