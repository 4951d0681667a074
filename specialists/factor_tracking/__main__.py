"""Run the desk on its own: `python -m specialists.factor_tracking`."""

from fund.training.desk import main
from specialists.factor_tracking import SPEC

raise SystemExit(main(SPEC))
