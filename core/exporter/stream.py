"""A file in the making: bytes while it is read, and at its end whether it is whole, its rows and its sha256."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.errors import DiwanError

Piece = tuple[bytes, int]
"""Bytes, and how many data rows they hold."""
BROKEN_TEXT = b'\r\n"*** BROKEN: this export failed and the file is not complete'


@dataclass(frozen=True)
class Outcome:
    """What became of a file. ``rows`` are data rows without headings; ``sha256`` (hex) and ``size`` cover every byte sent."""

    rows: int
    size: int
    sha256: str
    whole: bool


class Stream:
    """The bytes of one file, read once. ``outcome`` is None until the reading has ended, one way or the other.

    A failing source raises out of the iteration, after ``broken`` was sent: a server then cuts the connection short, and
    where something in between hides that, the file itself cannot be taken for a complete one (an open quote, no rows).
    ``finished`` callbacks are told the outcome, also of a broken stream and of one whose reader went away.
    """

    def __init__(self, pieces: Iterable[Piece], *, extension: str, media_type: str, broken: bytes = b"") -> None:
        self.extension = extension
        self.media_type = media_type
        self.outcome: Outcome | None = None
        self._listeners: list[Callable[[Outcome], None]] = []
        self._bytes = self._run(pieces, broken)
        self._first: bytes | None = None

    def finished(self, listener: Callable[[Outcome], None]) -> Stream:
        """Call ``listener`` with the outcome when the stream ends; returns the stream."""
        self._listeners.append(listener)
        return self

    def prime(self) -> Stream:
        """Make the first piece now, so that a source that fails at once does so before anything was answered."""
        if self._first is None and self.outcome is None:
            self._first = next(self._bytes, None)
        return self

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        return next(self._bytes)

    def close(self) -> None:
        """Stop early; an unfinished stream ends as broken."""
        self._bytes.close()
        if self.outcome is None:
            self._end(0, 0, hashlib.sha256(), whole=False)

    def _run(self, pieces: Iterable[Piece], broken: bytes) -> Generator[bytes]:
        digest, rows, size = hashlib.sha256(), 0, 0
        try:
            for data, count in pieces:
                digest.update(data)
                rows += count
                size += len(data)
                yield data
        except GeneratorExit:
            self._end(rows, size, digest, whole=False)
            raise
        except BaseException:
            digest.update(broken if size else b"")
            self._end(rows, size, digest, whole=False)
            if size and broken:
                yield broken
            raise
        self._end(rows, size, digest, whole=True)

    def _end(self, rows: int, size: int, digest: hashlib._Hash, *, whole: bool) -> None:
        self.outcome = Outcome(rows, size, digest.hexdigest(), whole)
        for listener in self._listeners:
            listener(self.outcome)


def read_all(stream: Stream) -> bytes:
    """The whole file in memory; for files known to be small."""
    return b"".join(stream)


def save(stream: Stream, path: Path) -> Outcome:
    """Write to ``path``, which appears only when it is whole; raises what the source raised."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            for data in stream:
                out.write(data)
            out.flush()
            os.fsync(out.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    if stream.outcome is None or not stream.outcome.whole:
        raise DiwanError(f"The export to {path} did not end as a whole file.")
    return stream.outcome


def group_digest(sha256: str, size: int = 8) -> str:
    """A checksum in groups, as people compare it."""
    return " ".join(sha256[start : start + size] for start in range(0, len(sha256), size))
