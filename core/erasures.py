"""The list of erasures, outside the database that they changed: ``erasures.txt`` in the association's folder.

A backup made before an erasure still holds the person; ``diwan restore`` reads this list and erases again. It is appended and
synced, and holds keys only: an id, the customer's number, the form, the subjects. A line ``begun`` is written before the
transaction commits and its outcome (``done``, ``void``) once that is known from the database, so that no crash loses an erasure
or makes one up: what was begun and has no outcome is settled by whether the subject's key is there.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from core.errors import DiwanError

FILE_NAME = "erasures.txt"
_LINE = re.compile(r"(?P<at>\S+) (?P<state>begun|done|void) id=(?P<id>[0-9a-f]{16})"
                   r"(?: number=(?P<number>\d{1,20}) form=(?P<form>\S{1,40}) subjects=(?P<subjects>[0-9a-f,-]{36,}))?")


@dataclass(frozen=True)
class Erasure:
    """One erasure that was begun; ``subjects`` has the customer's own first, then those that belonged to it. ``outcome`` is done, void or None."""

    id: str
    at: datetime
    number: str
    form: str
    subjects: tuple[str, ...]
    outcome: str | None = None


def list_file(folder: Path) -> Path:
    return folder / FILE_NAME


def begin(folder: Path, *, number: str, form: str, subjects: Iterable[str], now: datetime) -> str:
    """Write, before the commit, that this erasure is under way; returns its id. Raises DiwanError, and nothing may be committed then."""
    key = secrets.token_hex(8)
    _append(folder, f"{_stamp(now)} begun id={key} number={number} form={form} subjects={','.join(subjects)}")
    return key


def settle(folder: Path, happened: Callable[[str], bool], *, now: datetime) -> None:
    """Write the outcome of what was begun and has none: ``happened`` tells of a subject whether its key is destroyed.

    Only while no erasure is under way elsewhere.
    """
    for one in read(list_file(folder)):
        if one.outcome is None:
            _append(folder, f"{_stamp(now)} {'done' if happened(one.subjects[0]) else 'void'} id={one.id}")


def keep(folder: Path, known: Iterable[Erasure]) -> None:
    """Add to the list what it lacks of ``known``: after a restore in a new place it is as long as the copy was."""
    present = {one.id for one in read(list_file(folder))}
    for one in known:
        if one.id not in present:
            _append(folder, f"{_stamp(one.at)} begun id={one.id} number={one.number} form={one.form} subjects={','.join(one.subjects)}")
            if one.outcome is not None:
                _append(folder, f"{_stamp(one.at)} {one.outcome} id={one.id}")


def read(file: Path) -> list[Erasure]:
    """All erasures of a list, in their order. A last line that a crash cut short says nothing; any other that is none raises DiwanError."""
    if not file.is_file():
        return []
    found: dict[str, Erasure] = {}
    lines = file.read_text(encoding="ascii", errors="replace").split("\n")
    for number, line in enumerate(lines, start=1):
        read_line = _LINE.fullmatch(line.strip())
        if read_line is None:
            if line.strip() and number < len(lines):
                raise DiwanError(f"Line {number} of {file} is no erasure. Take the copy kept elsewhere.")
            continue
        _take(found, read_line)
    return list(found.values())


def _take(found: dict[str, Erasure], line: re.Match[str]) -> None:
    key, state = line["id"], line["state"]
    if state == "begun" and line["number"]:
        at = datetime.fromisoformat(line["at"].replace("Z", "+00:00"))
        found[key] = Erasure(key, at, line["number"], line["form"], tuple(line["subjects"].split(",")))
    elif key in found:
        one = found[key]
        found[key] = Erasure(one.id, one.at, one.number, one.form, one.subjects, state)


def _stamp(now: datetime) -> str:
    return f"{now.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def _append(folder: Path, line: str) -> None:
    """One line on the disk, behind whatever a crash left of the one before; the folder is synced too, because the file may be new."""
    file = list_file(folder)
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            end = os.lseek(descriptor, 0, os.SEEK_END)
            if end and os.pread(descriptor, 1, end - 1) != b"\n":
                os.ftruncate(descriptor, _whole(descriptor, end))
            os.write(descriptor, f"{line}\n".encode("ascii"))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        _sync_folder(folder)
    except OSError as exc:
        raise DiwanError(f"The erasure could not be noted in {file}: {exc}. Without that a restore would bring the person back, so nothing was"
                         " erased.") from exc


def _whole(descriptor: int, end: int) -> int:
    """Where the last whole line ends."""
    return os.pread(descriptor, end, 0).rfind(b"\n") + 1


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
