"""Covariances that allocation rules are tried on: a published one, and random ones."""

import numpy as np


def maillard() -> np.ndarray:
    correlation = np.eye(4)
    correlation[0, 1] = correlation[1, 0] = 0.8
    correlation[2, 3] = correlation[3, 2] = -0.5
    volatility = np.array([0.1, 0.2, 0.3, 0.4])
    return correlation * np.outer(volatility, volatility)


def random_covariance(seed: int, n: int = 5) -> np.ndarray:
    mix = np.random.default_rng(seed).standard_normal((n, n))
    return 0.01 * (mix @ mix.T + 0.05 * np.eye(n))
