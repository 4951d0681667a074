"""Rules (first draft)."""
from __future__ import annotations
import numpy as np
WIDEST = 1.0 - 2.0**-20
def action(s, bid, ask):
    out = (np.stack([bid, ask], axis=1) - s.centre) / s.half_range
    return np.where(np.isfinite(out), np.clip(out, -1.0, WIDEST), 1.0)
def fixed(s):
    return lambda view: action(s, np.full(view.n, 1/s.depth_decay), np.full(view.n, 1/s.depth_decay))
RULES = {"fixed": fixed}
