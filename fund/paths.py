"""Where models lie, and how a file gets there whole.

Three promises:

- *Place*: the folder of models is found by option, then environment variable, then working folder. A wheel of
  this project carries no `models/`, so no path is ever derived from where the code lies.
- *Wholeness*: `atomic_write` leaves the old file or the new one, never a part. The order
  write, fsync, replace, fsync of the folder is what makes that true for a power cut, too (T. S. Pillai et
  al., "All file systems are not created equal", OSDI 2014, section 3).
- *One owner*: `lock` lets one living process into a run folder. The operating system holds the lock and drops
  it when the process ends, however it ends; so there is no stale lock to guess about. What is written into
  the lock file only serves the message.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from fund.errors import DataError, InvalidParameter, RunInUse

MODELS_VARIABLE = "FUND_MODELS"

_RUN_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
# Windows gives these names to devices; the rest of the name rule keeps suffixes such as "con.txt" out.
_DEVICES = {"con", "prn", "aux", "nul"} | {f"{port}{i}" for port in ("com", "lpt") for i in range(1, 10)}
_LOCK_FILE = ".lock"
# Windows locks bytes and forbids reading them; a byte far behind the text keeps the text readable.
_LOCKED_BYTE = 1 << 30


def models_folder(option: str | os.PathLike[str] | None = None) -> Path:
    """Folder of trained models: `option`, else `FUND_MODELS`, else `models` in the working folder.

    Raises InvalidParameter for an option that is an empty text.
    """
    if option is not None and not os.fspath(option):
        raise InvalidParameter("The models folder is an empty text; wanted a path.")
    # An empty variable counts as unset, as shells write it.
    found = option if option is not None else os.environ.get(MODELS_VARIABLE) or "models"
    return Path(found).expanduser().absolute()


def run_name(name: str) -> str:
    """The name itself, when it may name a run: `[a-z0-9][a-z0-9_-]{0,63}` and no device of Windows.

    Raises:
        InvalidParameter: for any other text, such as paths, capitals, "" or "nul".
    """
    if _RUN_NAME.fullmatch(name) is None:
        shown = ascii(name if len(name) <= 40 else name[:40] + "...")
        raise InvalidParameter(
            f'Run name {shown} cannot be used; wanted 1 to 64 of "a-z", "0-9", "_", "-", neither sign first.'
        )
    if name in _DEVICES:
        raise InvalidParameter(f"Run name {name!r} cannot be used; Windows gives it to a device.")
    return name


def atomic_write(path: str | os.PathLike[str], content: bytes | Callable[[BinaryIO], object]) -> Path:
    """Write a file so that a reader, a crash or a power cut meets the old file or the new one whole.

    `content` is the bytes, or a function that writes them into the open binary file it is given (`file.name`
    is its path, for libraries that open files themselves). The folder is made when it is missing. When
    anything fails the temporary file is removed, the old file stays, and the error is passed on.

    Returns:
        The path written.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "xb") as file:
            if callable(content):
                content(file)
            else:
                file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _fsync_folder(target.parent)
    return target


def _fsync_folder(folder: Path) -> None:
    if os.name != "posix":  # Windows opens no folders, and its file system journals the rename
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # network file systems that cannot sync a folder
            raise
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def lock(folder: str | os.PathLike[str]) -> Iterator[Path]:
    """Sole use of a run folder while the block runs; yields the folder.

    The folder is made when it is missing. Temporary files that a killed writer left in it are removed. The
    file `.lock` stays behind: removing it would let two processes lock two files of one name.

    Raises:
        RunInUse: when a living process holds the folder, this one included.
        DataError: when the path is a file, or cannot be written.
    """
    place = Path(folder)
    descriptor = _open_lock_file(place)
    try:
        if not _try_lock(descriptor):
            raise RunInUse(f"{place} is in use by {_owner(descriptor)}; wait for it or name another folder.")
        try:
            _sign(descriptor, f"process {os.getpid()}")
            _sweep(place)
            yield place
        finally:
            _sign(descriptor, "")
            _unlock(descriptor)
    finally:
        os.close(descriptor)


def _open_lock_file(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return os.open(folder / _LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DataError(f"{folder}: cannot be used as a run folder ({reason}).") from error


def _sign(descriptor: int, text: str) -> None:
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, text.encode())


def _owner(descriptor: int) -> str:
    os.lseek(descriptor, 0, os.SEEK_SET)
    # An owner between locking and signing has left the file empty, or with the name of one that was killed.
    return os.read(descriptor, 80).decode(errors="replace") or "another process"


def _sweep(folder: Path) -> None:
    for leftover in folder.glob(".*.????????.tmp"):
        leftover.unlink(missing_ok=True)


# flock belongs to the open file, not to the process: a second lock in one process is refused, and closing
# some other descriptor of the file does not drop it, as it would with lockf.
if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
