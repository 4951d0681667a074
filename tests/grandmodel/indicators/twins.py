"""The indicators written a second time, slowly and plainly, one path at a time, straight from their definitions."""

import math

import numpy as np


def sma(x, period, t):
    return sum(x[t - period + 1 : t + 1]) / period


def wma(x, period, t):
    return sum((period - k) * x[t - k] for k in range(period)) / sum(range(1, period + 1))


def rsi(close, period, t):
    moves = [close[k] - close[k - 1] for k in range(1, t + 1)]
    gain = sum(max(m, 0.0) for m in moves[:period]) / period
    loss = sum(max(-m, 0.0) for m in moves[:period]) / period
    for m in moves[period:]:
        gain = (gain * (period - 1) + max(m, 0.0)) / period
        loss = (loss * (period - 1) + max(-m, 0.0)) / period
    if gain + loss == 0.0:
        return 50.0
    return 100.0 if loss == 0.0 else 100.0 - 100.0 / (1.0 + gain / loss)


def atr(high, low, close, period, t):
    true = [
        max(high[k] - low[k], abs(high[k] - close[k - 1]), abs(low[k] - close[k - 1]))
        for k in range(1, t + 1)
    ]
    smooth = sum(true[:period]) / period
    for one in true[period:]:
        smooth = (smooth * (period - 1) + one) / period
    return smooth


def ema(x, period, t):
    share = 2.0 / (period + 1.0)
    return x[0] * (1.0 - share) ** t + sum(share * (1.0 - share) ** k * x[t - k] for k in range(t))


def vwap(high, low, close, volume, session, t):
    today = [k for k in range(t + 1) if session[k] == session[t]]
    typical = [(high[k] + low[k] + close[k]) / 3.0 for k in today]
    traded = sum(volume[k] for k in today)
    return (
        sum(volume[k] * p for k, p in zip(today, typical, strict=True)) / traded if traded > 0.0 else close[t]
    )


def usual_deviation(x, span, t):
    """The mean square of the first `span` rows, then an exponential one; of the rows before t."""
    square = sum(v * v for v in x[: min(t, span)]) / min(t, span)
    for v in x[span:t]:
        square = square * (span - 1) / span + v * v / span
    return math.sqrt(square)


def synergy(signals, window, cooldown):
    """Type and direction of each row, with the last signal of each kind in a dictionary."""
    orders = [(0, 1, 2), (0, 2, 1), (1, 2, 0), (1, 0, 2)]
    out, last, until, found = [], {}, 0, (0.0, 0.0)
    for t in range(len(signals[0])):
        fresh = {k: (t, signals[k][t]) for k in range(3) if signals[k][t] != 0.0}
        last.update(fresh)
        ready = fresh and t >= until and len(last) == 3 and len({side for _, side in last.values()}) == 1
        if ready and t - min(when for when, _ in last.values()) < window:
            when = [last[k][0] for k in range(3)]
            kinds = [n for n, (a, b, c) in enumerate(orders, 1) if when[a] <= when[b] <= when[c]]
            if kinds:
                until, found = t + cooldown, (float(kinds[0]), last[0][1])
        out.append(found if t < until else (0.0, 0.0))
    return np.array(out).T


def nwrqk(y, length, h, r, t):
    w = [(1.0 + i * i / (2.0 * r * h * h)) ** (-r) for i in range(length)]
    return sum(w[i] * y[t - i] for i in range(length)) / sum(w)


def mmd(x, window, t):
    """By the double sums of the definition."""
    renewed = (t + 1) // window * window - 1
    y = x[renewed - 2 * window + 1 : renewed - window + 1]
    mean, spread = np.mean(y), np.std(y)
    a = np.clip((x[t - window + 1 : t + 1] - mean) / spread, -4.0, 4.0)
    b = np.clip((y - mean) / spread, -4.0, 4.0)

    def kernel(u, v):
        return np.mean(np.exp(-0.5 * (u[:, None] - v[None, :]) ** 2))

    return math.sqrt(max(kernel(a, a) + kernel(b, b) - 2.0 * kernel(a, b), 0.0))


def mlmi(close, neighbours, memory):
    """Value and signal of each row, with the events in a list."""
    rows = len(close)
    safe = {p: [rsi(close, p, t) if t >= p else 50.0 for t in range(rows)] for p in (20, 5)}
    value, signal, events, pending = [0.0] * rows, [0.0] * rows, [], None
    for t in range(20, rows):
        now = wma(close, 5, t) - wma(close, 20, t)
        before = wma(close, 5, t - 1) - wma(close, 20, t - 1)
        here = (wma(safe[20], 20, t), wma(safe[5], 20, t))
        crossed = now * before < 0.0 or (before == 0.0 and now != 0.0)
        if crossed:
            if pending is not None:
                events.append((pending[0], np.sign(close[t] - pending[1])))
            pending = (here, close[t])
        kept = events[-memory:]
        if kept:
            order = sorted(
                range(len(kept)),
                key=lambda k: ((kept[k][0][0] - here[0]) ** 2 + (kept[k][0][1] - here[1]) ** 2, -k),
            )
            near = [kept[k][1] for k in order[:neighbours]]
            value[t] = sum(near) / len(near)
            if crossed:
                signal[t] = np.sign(value[t])
    return value, signal


def low_volume_node(high, low, close, volume, window, t):
    span = range(t - window + 1, t + 1)
    bottom, top = min(low[k] for k in span), max(high[k] for k in span)
    size = (top - bottom) / 40
    profile = [0.0] * 40
    for k in span:
        bins = range(min(int((low[k] - bottom) / size), 39), min(int((high[k] - bottom) / size), 39) + 1)
        for b in bins:
            profile[b] += volume[k] / len(bins)
    thin = [
        (abs(bottom + (b + 0.5) * size - close[t]), b) for b in range(40) if profile[b] < 0.3 * max(profile)
    ]
    if not thin:
        return 0.0, 0.0
    b = min(thin)[1]
    return (bottom + (b + 0.5) * size - close[t]) / (top - bottom), 1.0 - profile[b] / (0.3 * max(profile))


def gaps(o, h, lo, c, session, impulse):
    """Bullish, bearish, level and signal of each row, with the open gaps in a list of dictionaries."""
    rows, alive, out = len(c), [], []
    for t in range(rows):
        alive = [g for g in alive if t - g["born"] < 50]
        alive = [g for g in alive if not (lo[t] <= g["bottom"] if g["side"] > 0 else h[t] >= g["top"])]
        side = 0
        if t >= 12 and session[t] == session[t - 2]:
            usual = np.mean([abs(c[k] - o[k]) for k in range(t - 11, t - 1)])
            if abs(c[t - 1] - o[t - 1]) > impulse * usual:
                side = 1 if lo[t] > h[t - 2] else (-1 if h[t] < lo[t - 2] else 0)
        if side:
            edges = (h[t - 2], lo[t]) if side > 0 else (h[t], lo[t - 2])
            alive.append({"side": side, "bottom": edges[0], "top": edges[1], "born": t})
        fresh = {
            s: max([1.0 - (t - g["born"]) / 50 for g in alive if g["side"] == s], default=0.0)
            for s in (1, -1)
        }
        away = [0.5 * (g["bottom"] + g["top"]) - c[t] for g in alive]
        out.append((fresh[1], fresh[-1], min(away, key=abs, default=0.0), float(side)))
    return np.array(out).T
