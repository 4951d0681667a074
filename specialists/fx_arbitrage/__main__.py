"""Ten steps of the desk, or its training: `python -m specialists.fx_arbitrage [train]`."""

from fund.training.desk import main
from specialists.fx_arbitrage import SPEC

raise SystemExit(main(SPEC))
