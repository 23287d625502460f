"""What a procedure's file says, checked, and what a step run is worth: plain values, no session, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from core.calendar import parse_duration
from core.errors import DiwanError, InvalidInput
from core.i18n import Bilingual

MODES = ("any", "all", "by_customer_class", "by_department", "both_informed_either_acts")
OVERDUE, TODAY, WEEK, LATER, WHEN_NEEDED = "overdue", "today", "week", "later", "when_needed"
GROUPS = (OVERDUE, TODAY, WEEK, LATER, WHEN_NEEDED)


@dataclass(frozen=True)
class StepSpec:
    """One step as its file states it. ``duration`` and ``frequency`` are ISO 8601 or None."""

    number: int
    roles: tuple[str, ...]
    mode: str
    role: Bilingual
    action: Bilingual
    act: Bilingual
    output: Bilingual
    duration: str | None
    frequency: str | None
    opens: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class ProcedureSpec:
    code: str
    plugin: str
    name: Bilingual
    clause: str
    source: str
    steps: tuple[StepSpec, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)


def read_procedures(owner: str, data: Mapping[str, Any], where: str) -> list[ProcedureSpec]:
    """The procedures of ``owner`` in a ``procedures.json``; entries of other owners are passed over. Raises DiwanError."""
    return [_procedure(entry, owner, where) for entry in data.get("procedures", ()) if entry.get("plugin", owner) == owner]


def _procedure(entry: Mapping[str, Any], owner: str, where: str) -> ProcedureSpec:
    try:
        steps = tuple(_step(one, f"{where}, {entry['code']} step {one['no']}") for one in entry["steps"])
        known = {"code", "name", "clause", "source", "plugin", "steps"}
        extra = {key: value for key, value in entry.items() if key not in known}
        spec = ProcedureSpec(entry["code"], owner, Bilingual.of(entry["name"]), entry.get("clause", ""), entry.get("source", ""), steps, extra)
    except (KeyError, TypeError) as exc:
        raise DiwanError(f"{where}: {entry.get('code', 'a procedure')} lacks {exc}. Compare it with core/procedures/procedures.json.") from exc
    _check_numbers(spec, where)
    return spec


def _step(one: Mapping[str, Any], where: str) -> StepSpec:
    role = one["role"]
    slugs = tuple(one.get("inbox") or role.get("slugs") or (role["slug"],))
    mode = role.get("mode", "any")
    if mode not in MODES:
        raise DiwanError(f"{where}: the mode '{mode}' is unknown; there are {', '.join(MODES)}.")
    for key in ("duration", "frequency"):
        check_duration(one.get(key), f"{where}, {key}")
    return StepSpec(
        number=int(one["no"]), roles=slugs, mode=mode, role=Bilingual.of(role), action=Bilingual.of(one["action"]), act=Bilingual.of(one.get("act") or {}),
        output=Bilingual.of(one.get("output") or {}), duration=one.get("duration"), frequency=one.get("frequency"), opens=tuple(one.get("opens") or ()),
    )


def check_duration(value: str | None, where: str) -> None:
    """Refuse what is no ISO 8601 duration; None is none."""
    try:
        if value is not None:
            parse_duration(value)
    except InvalidInput as exc:
        raise DiwanError(f"{where}: '{value}' is no duration. Write one like P1D (a day), P2W (two weeks) or PT3H (three hours).") from exc


def _check_numbers(spec: ProcedureSpec, where: str) -> None:
    numbers = [step.number for step in spec.steps]
    if len(set(numbers)) != len(numbers):
        raise DiwanError(f"{where}: {spec.code} has a step number twice.")
    for step in spec.steps:
        for follower in step.opens:
            if follower.get("number") not in numbers:
                raise DiwanError(f"{where}: {spec.code} step {step.number} opens step {follower.get('number')}, which does not exist.")


def bars(slugs: Sequence[str]) -> str:
    """Role slugs as they are stored: ``|a|b|``."""
    return f"|{'|'.join(slugs)}|" if slugs else ""


def followers(opens: Mapping[str, Any], outcome: str | None) -> list[int]:
    """Numbers of the steps that open when a step closes with ``outcome``."""
    return [one["number"] for one in opens.get("steps", ()) if one.get("when") in (None, outcome)]


def group_of(due_at: datetime | None, due_on: date | None, now: datetime, today: date) -> str:
    """In which group of the inbox a step stands. ``due_on`` and ``today`` are the association's days; weeks are seven days."""
    if due_at is None or due_on is None:
        return WHEN_NEEDED
    if due_at < now:
        return OVERDUE
    if due_on <= today:
        return TODAY
    return WEEK if (due_on - today).days <= 7 else LATER


def used_up(opened_at: datetime, due_at: datetime | None, now: datetime) -> int:
    """How much of the allowed time is gone, in per cent from 0 to 100."""
    if due_at is None:
        return 0
    allowed = (due_at - opened_at).total_seconds()
    if allowed <= 0 or now >= due_at:
        return 100
    return max(0, min(100, int((now - opened_at).total_seconds() * 100 / allowed)))
