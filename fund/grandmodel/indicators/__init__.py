"""Indicators of bars: compiled, causal, over many paths, at a cost a bar that does not grow with history.

Arrays are (n, rows), one path a row of memory. The value at row t reads rows up to t and no other; rows before an
indicator has what it needs hold NaN. Each has a slow plain twin in its test.
"""
