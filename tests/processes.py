"""Processes of their own, for what must not hit the tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Run code that has `fund.paths`, with arguments; standard input and output are pipes."""
    lines = "import os, sys, builtins\nfrom fund import paths\n" + code
    command = [sys.executable, "-c", lines, *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
