"""Rules."""

import numpy as np


def threshold(open_at, close_at):
    def make(strategy):
        side = None

        def act(view):
            nonlocal side
            z = view.observation[:, 0]
            if side is None or len(side) != view.n:
                side = np.zeros(view.n)
            side = np.where(view.clock == 0, 0.0, side)
            side = np.where((side > 0) & (z >= -close_at), 0, side)
            side = np.where((side < 0) & (z <= close_at), 0, side)
            side = np.where((side == 0) & (z >= open_at), -1.0, side)
            side = np.where((side == 0) & (z <= -open_at), 1.0, side)
            share = view.observation[:, 15]
            return np.where(side * share > 0, share, side)[:, None]

        return act

    return make


RULES = {"gatev": threshold(2.0, 0.0)}
