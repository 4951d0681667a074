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
            "steps": 600_000,
            "n_envs": 64,
            "net_arch": [64, 64],
            "learning_rate": 3e-4,
            "final_learning_rate": 3e-5,
            "log_std_init": -1.0,
            "evaluation_paths": 128,
            "model": {"n_steps": 63, "batch_size": 1008, "n_epochs": 5, "gamma": 0.97, "gae_lambda": 0.9},
        },
    },
)

ROSTER = Roster((SPEC,))
register(ROSTER)
