"""Anchors: the chain's end written outside the database, so that a cut tail is found (reliability 2.6).

A line ``2026-11-22T05:30:02.000000Z seq=48211 entries=48219 code=…`` is appended to ``anchors.txt`` in the association's
folder, daily and with each finance batch, and is worth the more the farther away a copy is kept.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import work
from core.audit.chain import GENESIS
from core.audit.models import AuditBlock
from core.errors import DiwanError

FILE_NAME = "anchors.txt"
_LINE = re.compile(r"(?P<at>\S+) seq=(?P<seq>\d{1,18}) entries=(?P<entries>\d{1,18}) code=(?P<code>[0-9a-f]{64})")


@dataclass(frozen=True)
class Anchor:
    """Where the chain ended at a moment."""

    at: datetime
    seq: int
    entries: int
    code: str

    def __str__(self) -> str:
        at = self.at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
        return f"{at}Z seq={self.seq} entries={self.entries} code={self.code}"

    @classmethod
    def parse(cls, line: str) -> Anchor:
        found = _LINE.fullmatch(line.strip())
        if found is None:
            raise ValueError(line)
        at = datetime.fromisoformat(found["at"].replace("Z", "+00:00"))
        return cls(at, int(found["seq"]), int(found["entries"]), found["code"])


def chain_end(session: Session) -> Anchor:
    """The last committed chain row; sequence 0 while the log is empty."""
    with session.no_autoflush:
        columns = (AuditBlock.seq, AuditBlock.entries, AuditBlock.code)
        row = session.execute(sa.select(*columns).order_by(AuditBlock.seq.desc()).limit(1)).first()
    return Anchor(work.now(), *(row or (0, 0, GENESIS)))


def anchors_file(folder: Path) -> Path:
    return folder / FILE_NAME


def write_anchor(file: Path, anchor: Anchor) -> None:
    """Append one line and have it on the disk before going on; raises DiwanError when that fails."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, f"{anchor}\n".encode("ascii"))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as exc:
        raise DiwanError(f"The anchor could not be written to {file}: {exc}. Without it a cut-off end of the log is not found.") from exc


def read_anchors(file: Path) -> list[Anchor]:
    """All anchors of a file; raises DiwanError naming the first line that is none."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise DiwanError(f"The anchors in {file} cannot be read: {exc}.") from exc
    return list(_parsed(file, lines))


def _parsed(file: Path, lines: Iterable[str]) -> Iterator[Anchor]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield Anchor.parse(line)
        except ValueError:
            raise DiwanError(f"Line {number} of {file} is no anchor. Take the copy kept elsewhere.") from None
