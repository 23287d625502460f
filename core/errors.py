"""The few kinds of error that reach people, and how each becomes a message and a status.

A message names the thing, the value, the rule and the way out. ``rule`` is the requirement ID or clause that the
refusal rests on; it is written to the audit log (AUD-04).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class DiwanError(Exception):
    """Base of everything raised on purpose."""


class AppError(DiwanError):
    """An error for the person at the screen. ``message`` may be lazy; it is shown in the reader's language."""

    status = 400
    record: tuple[str, Any, str | None] | None = None
    """What the refused act was about, as (table, id, label), where ``core.audit.services.about`` was told."""

    def __init__(self, message: Any, *, field: str | None = None, value: object = None, rule: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.value = value
        self.rule = rule

    def __str__(self) -> str:
        return str(self.message)


class InvalidInput(AppError):
    """What was given breaks a rule; ``field`` names where."""

    status = 422


class InvalidInputs(InvalidInput):
    """All faults of one form together, so that nobody mends them one by one."""

    def __init__(self, faults: Sequence[InvalidInput]) -> None:
        first = faults[0]
        super().__init__(first.message, field=first.field, value=first.value, rule=first.rule)
        self.faults = tuple(faults)

    def __str__(self) -> str:
        return " ".join(str(fault) for fault in self.faults)


class NotAllowed(AppError):
    """A refusal by permission, role or separation of duties; always logged as ``denied`` with its rule."""

    status = 403


class NotFound(AppError):
    status = 404


class Conflict(AppError):
    """Somebody else was first, or the record is in a state that does not allow this act."""

    status = 409


class TooManyAttempts(AppError):
    """A limit counted in the database was reached; the message says until when, ``retry_after`` in how many seconds."""

    status = 429

    def __init__(self, message: Any, *, retry_after: int = 60, **more: Any) -> None:
        super().__init__(message, **more)
        self.retry_after = retry_after


class NotRecognised(AppError):
    """Another system did not say who it is, or not so that it can be believed."""

    status = 401


class Unavailable(AppError):
    """The service cannot answer now (database away, lock held, schema older); the message says what to do."""

    status = 503


class PluginError(DiwanError):
    """A plugin cannot be loaded. Names plugin, need, found and place, and what to do."""

    def __init__(self, plugin: str, problem: str, remedy: str) -> None:
        super().__init__(f"Plugin '{plugin}': {problem} {remedy}")
        self.plugin = plugin
        self.problem = problem
        self.remedy = remedy


def faults(error: AppError) -> tuple[AppError, ...]:
    """The single faults of ``error``, one for most kinds."""
    return error.faults if isinstance(error, InvalidInputs) else (error,)
