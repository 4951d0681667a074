#!/usr/bin/env bash
# The whole fund in under a minute, as a user starts it; the words go on, as in `tests/smoke.sh --json`.
set -e
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=.venv/Scripts/python.exe
[ -x "$python" ] || python=python
exec "$python" -m fund smoke "$@"
