"""The CIO: capital allocation among the trained desks, and the fund that they make together."""

from fund.envs import register
from fund.roster import Roster, Spec

SPEC = Spec(
    name="cio_allocator",
    where="allocator.cio:CioAllocator",
    algorithm="PPO",
    horizon=252,
    settings={
        "default": {
            "steps": 1_000_000,
            "n_envs": 128,
            "net_arch": [64, 64],
            "learning_rate": 1e-3,
            "final_learning_rate": 1e-5,
            "log_std_init": -1.0,
            "evaluation_paths": 128,
            # on four days of five an action does nothing, and what all desks earn alike is noise to the choice
            "world": {"rebalance_days": 1, "control_variate": True},
            "model": {"n_steps": 63, "batch_size": 4032, "n_epochs": 6, "gamma": 0.5, "gae_lambda": 0.8},
        },
    },
)

ROSTER = Roster((SPEC,))
register(ROSTER)
