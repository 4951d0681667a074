"""Ten steps of the desk, or its training: `python -m specialists.futures_spreads [train]`."""

from fund.training.desk import main
from specialists.futures_spreads import SPEC

raise SystemExit(main(SPEC))
