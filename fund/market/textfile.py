"""Text of a file that a stranger made: plain, .gz or .zip with one member, within limits of size.

What the file is, its first bytes say, not its name. Nothing is ever unpacked to disk. A file is read whole or
refused: a cut archive, a second member, a link, a bomb, a byte that is no UTF-8: each is one line of DataError.
"""

from __future__ import annotations

import gzip
import stat
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from fund.errors import DataError

MAX_BYTES = 256 * 2**20  # of text; about five million minute bars
MAX_RATIO = 200  # unfolded to packed bytes; tables of numbers reach 3 to 20
_FREE_BYTES = 16 * 2**20  # below this size the ratio does not matter
_OTHER_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


@dataclass(frozen=True)
class Text:
    """A file's text, where it came from, and what had to be put right to read it."""

    source: str
    text: str
    policies: tuple[str, ...] = ()
    first_line: int = 1  # of the text within the file


def read_text(path: str | Path) -> Text:
    """The whole text of a plain, .gz or one-member .zip file, UTF-8.

    Raises DataError for a missing, cut, oversized or binary file. A byte order mark is removed, by policy.
    """
    raw = _unpacked(Path(path), None)
    return _decoded(str(path), raw)


def head_lines(path: str | Path, size: int = 16384) -> list[str]:
    """The first complete lines of a file, from at most `size` bytes; empty for an empty or a binary file."""
    raw = _unpacked(Path(path), size)
    if b"\0" in raw or raw.startswith(_OTHER_MARKS):
        return []
    lines = raw.decode("utf-8-sig", errors="replace").splitlines()
    return lines[:-1] if len(raw) == size and len(lines) > 1 else lines


def _unpacked(path: Path, head: int | None) -> bytes:
    if path.is_dir():
        raise DataError(f"{path}: found a folder, wanted a file")
    try:
        with path.open("rb") as file:
            return _from_file(path, file, head)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except EOFError:
        raise DataError(f"{path}: the compressed file ends early (a cut download?)") from None
    except (OSError, zlib.error, zipfile.BadZipFile, NotImplementedError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from None


def _from_file(path: Path, file: IO[bytes], head: int | None) -> bytes:
    packed = path.stat().st_size
    magic = file.read(4)
    file.seek(0)
    if magic[:2] == b"\x1f\x8b":
        return _bounded(path, gzip.GzipFile(fileobj=file), packed, head)
    if magic[:2] == b"PK" and magic[2:] in (b"\x03\x04", b"\x05\x06"):
        with zipfile.ZipFile(file) as archive, archive.open(_only_member(path, archive)) as member:
            return _bounded(path, member, packed, head)
    return _bounded(path, file, packed, head)


def _bounded(path: Path, stream: IO[bytes] | gzip.GzipFile, packed: int, head: int | None) -> bytes:
    if head is not None:
        return stream.read(head)
    limit = min(MAX_BYTES, max(_FREE_BYTES, MAX_RATIO * packed))
    data = stream.read(limit + 1)
    if len(data) > limit:
        raise DataError(
            f"{path}: {packed} bytes unfold to more than {limit}; wanted less (cut the file in parts)"
        )
    return data


def _only_member(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = archive.infolist()
    if len(members) != 1:
        raise DataError(f"{path}: the archive has {len(members)} members, wanted exactly one table")
    info = members[0]
    parts = info.filename.replace("\\", "/").split("/")
    if info.is_dir() or stat.S_ISLNK(info.external_attr >> 16):
        raise DataError(f'{path}: the member "{info.filename}" is a folder or a link, wanted a table')
    if ".." in parts or parts[0] == "" or ":" in parts[0]:
        raise DataError(f'{path}: the member "{info.filename}" points outside the archive')
    if info.flag_bits & 1:
        raise DataError(f'{path}: the member "{info.filename}" is encrypted')
    return info


def _decoded(source: str, raw: bytes) -> Text:
    policies: tuple[str, ...] = ()
    if raw.startswith(b"\xef\xbb\xbf"):
        raw, policies = raw[3:], ("byte order mark removed",)
    if raw.startswith(_OTHER_MARKS):
        raise DataError(f"{source}:1: the text is UTF-16 or UTF-32, wanted UTF-8")
    _refuse_byte(source, raw, raw.find(b"\0"), "a NUL byte (a torn write or a binary file?)")
    try:
        return Text(source, raw.decode("utf-8"), policies)
    except UnicodeDecodeError as error:
        _refuse_byte(source, raw, error.start, f"byte 0x{raw[error.start]:02x} is no UTF-8")
        raise


def _refuse_byte(source: str, raw: bytes, position: int, reason: str) -> None:
    if position >= 0:
        line = raw[:position].count(b"\n") + 1
        raise DataError(f"{source}:{line}: {reason}") from None
