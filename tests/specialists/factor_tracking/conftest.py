import fund  # noqa: F401 - first, as a program would
