"""The command line, called from within."""

from fund.__main__ import main


def run(*words, capsys):
    """Exit code, standard output and standard error of a command."""
    try:
        code = main(list(words))
    except SystemExit as end:
        code = int(end.code or 0)
    printed = capsys.readouterr()
    return code, printed.out, printed.err
