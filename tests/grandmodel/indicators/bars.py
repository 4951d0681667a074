"""Bars drawn at random, that indicators are tried on."""

import numpy as np

ROWS = 420


def walk(paths=2, rows=ROWS, seed=1):
    """Open, high, low, close, volume (paths, rows) and sessions of 40 rows."""
    generator = np.random.default_rng(seed)
    moves = 0.004 * generator.standard_t(4, (paths, rows))
    close = 100.0 * np.exp(np.cumsum(moves, axis=1))
    opened = np.concatenate([np.full((paths, 1), 100.0), close[:, :-1]], axis=1)
    reach = 0.15 * np.abs(generator.standard_normal((2, paths, rows)))
    high, low = np.maximum(opened, close) + reach[0], np.minimum(opened, close) - reach[1]
    return opened, high, low, close, generator.gamma(2.0, 500.0, (paths, rows)), np.arange(rows) // 40
