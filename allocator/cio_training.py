"""The CIO's part of a run: trained on streams of days that the desks have seen, played on days that nobody has."""

from __future__ import annotations

from dataclasses import replace

from allocator.cio import ORACLE, CioAllocator
from allocator.features import WARM_UP
from allocator.findings import BOUND
from allocator.fund_play import FundPlayed, play_fund
from allocator.run import Run
from allocator.streams import NavStreams
from fund.roster import rosters
from fund.training.evaluate import policy_named
from fund.training.interruption import demand_whole
from fund.training.train import Budget, settings_of, train


def train_and_play(
    run: Run, learning: NavStreams, test: NavStreams, episode: int, preset: str = "default"
) -> dict[str, FundPlayed]:
    """The fund under the trained CIO and under every rule, on the test streams; the agent comes first.

    `episode` is the length of a training episode in days, where the streams have so many. The regime oracle, an upper
    bound, plays where the regimes are known: a record has none.
    """
    spec = rosters()["cio_allocator"]
    settings = settings_of(spec)
    strategy = CioAllocator(streams=learning, n_steps=min(episode, learning.days - WARM_UP))
    budget = Budget(max(int(settings.steps * run.size.cio_share), settings.n_envs))
    demand_whole(train(spec, strategy, preset, budget, run.seed, run.store).interrupted)
    final = replace(strategy, streams=test, n_steps=test.days - WARM_UP, in_order=True)
    plays = {"CIO agent": play_fund(final, policy_named(final, "latest", run.store, preset), test.worlds)}
    for name, rule in final.rules.items():
        if name != ORACLE:
            plays[name] = play_fund(final, rule(final), test.worlds)
        elif test.regime is not None:
            plays[BOUND] = play_fund(final, rule(final), test.worlds)
    return plays
