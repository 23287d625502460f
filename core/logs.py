"""Log lines: one event a line, in UTC, with the reference that the error page shows; files rotated by size.

``$DIWAN_HOME/logs/diwan.log`` has what happened, ``access.log`` a line per request. Neither holds a query string, a
form value or a one-time link: what was searched for and who was invited is nobody's business there.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import re
import sys
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler
from pathlib import Path

from flask import g, has_app_context

from core.errors import DiwanError

MAX_BYTES = 10 * 1024 * 1024
KEPT = 10
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_SECRET = re.compile(r"(?<=/)[A-Za-z0-9_-]{24,}(?=/|$)")


class RotatingLog(WatchedFileHandler):
    """A log file that several processes write: whoever finds it full renames it under a lock, the others follow.

    ``diwan.log`` becomes ``diwan.log.1`` and so on; the oldest beyond ``kept`` goes.
    """

    def __init__(self, file: Path, *, max_bytes: int = MAX_BYTES, kept: int = KEPT) -> None:
        self.max_bytes, self.kept = max_bytes, kept
        super().__init__(file, encoding="utf-8", delay=True)

    def _open(self):  # type: ignore[no-untyped-def]
        stream = super()._open()
        os.chmod(self.baseFilename, 0o600)
        return stream

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(FileNotFoundError):
            if os.stat(self.baseFilename).st_size >= self.max_bytes:
                self._rotate()
        super().emit(record)

    def _rotate(self) -> None:
        with open(f"{self.baseFilename}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if os.stat(self.baseFilename).st_size < self.max_bytes:
                return
            for n in range(self.kept - 1, 0, -1):
                with contextlib.suppress(FileNotFoundError):
                    os.replace(f"{self.baseFilename}.{n}", f"{self.baseFilename}.{n + 1}")
            os.replace(self.baseFilename, f"{self.baseFilename}.1")


class LineFormatter(logging.Formatter):
    """``2026-02-01T09:00:00.000Z WARNING diwan.errors [A1B2C3D4] text``; a text cannot begin a line of its own."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = f"{moment} {record.levelname} {record.name} [{reference() or '-'}] {one_line(record.getMessage())}"
        if record.exc_info:
            line += "\n    " + self.formatException(record.exc_info).replace("\n", "\n    ")
        return line


def reference() -> str | None:
    """The reference of the present request, which its error page shows too."""
    return g.get("reference") if has_app_context() else None


def one_line(text: str) -> str:
    """The text with line ends and other controls written out, so that nobody forges a line."""
    return _CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def logged_path(path: str) -> str:
    """A path as it may be logged: one-time links and other long secrets in it are left out."""
    return one_line(_SECRET.sub("…", path))[:500]


def configure(home: Path, *, console: bool = True) -> None:
    """Write to ``home/logs``; warnings also to standard error. Level by ``DIWAN_LOG_LEVEL`` (INFO). Raises DiwanError."""
    level = os.environ.get("DIWAN_LOG_LEVEL", "INFO").upper()
    if level not in LEVELS:
        raise DiwanError(f"DIWAN_LOG_LEVEL is '{level}'; it must be one of {', '.join(LEVELS)}.")
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("diwan").setLevel(level)
    root.addHandler(_file(home, "diwan.log"))
    if console:
        root.addHandler(_console())


def access_logger(home: Path) -> logging.Logger:
    """The logger with one line per request, in a file of its own."""
    logger = logging.getLogger("diwan.access")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    if not logger.handlers:
        logger.addHandler(_file(home, "access.log"))
    return logger


def _file(home: Path, name: str) -> logging.Handler:
    folder = home / "logs"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (folder / name).open("a"):
            pass
    except OSError as exc:
        raise DiwanError(f"Logs cannot be written to {folder}: {exc.strerror}. Give this account the folder, or set DIWAN_HOME.") from exc
    handler = RotatingLog(folder / name)
    handler.setFormatter(LineFormatter())
    return handler


def _console() -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(logging.WARNING)
    handler.setFormatter(LineFormatter())
    return handler
