"""MA-3 in full, and other algorithms on the same world: what `tests/golden/spread.json` holds, and how it comes.

PAPERS.md 10: the return of an agent is at least -11.0 for MAPPO, never above -7.5, and at most -25
for random agents. Bars of the others: what EPyMARL's authors got (10.1, converted by 10.2) less three of an agent's
standard errors over 500 episodes, or our own where that was not reached.
"""

import json
from pathlib import Path

import pytest
from train_simple_spread import TUNED, trained

KEPT = Path(__file__).parents[2] / "golden" / "spread.json"
BEST_KNOWN, RANDOM = -7.5, -25.0
BARS = {"mappo": -11.0}


def meets(found, bar):
    assert found["random"] <= RANDOM
    assert bar <= found["per_agent_return"] <= BEST_KNOWN


@pytest.mark.parametrize("algorithm", BARS)
def test_what_is_kept_meets_its_bar(algorithm):
    found = json.loads(KEPT.read_text())[algorithm]
    assert (found["episodes"], found["steps"]) == (500, TUNED[algorithm]["steps"])
    meets(found, BARS[algorithm])


@pytest.mark.slow
@pytest.mark.acceptance
@pytest.mark.parametrize("algorithm", BARS)
def test_the_command_gives_what_is_kept(algorithm, tmp_path):
    """Within two hours on two cores; the same machine gives the same number, another one about the same."""
    kept, found = json.loads(KEPT.read_text())[algorithm], trained(algorithm, tmp_path)
    meets(found, BARS[algorithm])
    assert found["seconds"] < 2 * 3600
    assert abs(found["per_agent_return"] - kept["per_agent_return"]) < 4 * kept["se"]
