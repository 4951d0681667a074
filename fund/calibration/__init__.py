"""Markets held against records: stylised facts beside their bands, and parameters fitted to a user's history.

A desk says in its `calibration` module how its files are read, which of its prices are held against which bands, which
parameters can be fitted and by which moments of a tape (`Calibration`). The same functions look at a generated tape and
at a recorded one, so that both are measured alike.
"""
