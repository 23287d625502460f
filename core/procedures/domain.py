"""What a procedure's file says, checked, and what a step run is worth: plain values, no session, no clock."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from core.calendar import add_months, parse_duration, period_of
from core.errors import DiwanError, InvalidInput
from core.i18n import Bilingual
from core.i18n import lazy_gettext as _l
from core.text import isolate, normalise_digits

MODES = ("any", "all", "by_customer_class", "by_department", "both_informed_either_acts")
PERIODS = {"P1D": "day", "P1W": "week", "P1M": "month", "P1Y": "year"}
OVERDUE, TODAY, WEEK, LATER, WHEN_NEEDED = "overdue", "today", "week", "later", "when_needed"
LONGEST_CATCH_UP = 400
GROUPS = (OVERDUE, TODAY, WEEK, LATER, WHEN_NEEDED)


@dataclass(frozen=True)
class Begins:
    """When a recurring step begins without anything that went before: ``begins`` of its file.

    ``every`` is P1D, P1W (from Sunday), P1M or P1Y; ``on`` the first (``start``) or the last day (``end``) of that period;
    ``each`` is ``role`` for one occurrence per role, ``record`` for one per open record, which its owner opens.
    """

    every: str
    on: str = "start"
    each: str = ""

    def period(self, day: date) -> tuple[date, date]:
        """The first and the last day of the period in which ``day`` lies."""
        return period_of(PERIODS[self.every], day)

    def as_json(self) -> dict[str, str]:
        return {"every": self.every, "on": self.on, "each": self.each}


@dataclass(frozen=True)
class StepSpec:
    """One step as its file states it. ``duration`` and ``frequency`` are ISO 8601 or None; ``page`` the address of its record."""

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
    begins: Begins | None = None
    same_as: int | None = None
    page: str = ""

    def flow(self) -> dict[str, Any]:
        """What follows and when it begins, as a version keeps it."""
        flow: dict[str, Any] = {"steps": [dict(one) for one in self.opens]}
        if self.begins is not None:
            flow["begins"] = self.begins.as_json()
        return {**flow, **{key: value for key, value in (("same_as", self.same_as), ("page", self.page)) if value}}


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
        begins=_begins(one.get("begins"), where), same_as=one.get("same_as"), page=str(one.get("page") or ""),
    )


def _begins(given: Mapping[str, Any] | None, where: str) -> Begins | None:
    if given is None:
        return None
    found = Begins(str(given.get("every")), str(given.get("on", "start")), str(given.get("each") or ""))
    for name, value, known in (("every", found.every, PERIODS), ("on", found.on, ("start", "end")), ("each", found.each, ("", "role", "record"))):
        if value not in known:
            raise DiwanError(f"{where}: begins.{name} '{value}' is unknown; there are {', '.join(filter(None, known))}.")
    return found


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
        if step.same_as is not None and (step.same_as not in numbers or step.same_as == step.number):
            raise DiwanError(f"{where}: {spec.code} step {step.number} is the same as step {step.same_as}, which is no other step of it.")
        for follower in step.opens:
            if follower.get("number") not in numbers:
                raise DiwanError(f"{where}: {spec.code} step {step.number} opens step {follower.get('number')}, which does not exist.")


def bars(slugs: Sequence[str]) -> str:
    """Role slugs as they are stored: ``|a|b|``."""
    return f"|{'|'.join(slugs)}|" if slugs else ""


def followers(opens: Mapping[str, Any], outcome: str | None) -> list[int]:
    """Numbers of the steps that open when a step closes with ``outcome``."""
    return [one["number"] for one in opens.get("steps", ()) if one.get("when") in (None, outcome)]


def begins_of(opens: Mapping[str, Any]) -> Begins | None:
    """When the step of this flow begins by itself; None where something before opens it."""
    given = opens.get("begins")
    return Begins(**given) if given else None


def periods_begun(begins: Begins, after: date | None, today: date) -> list[tuple[date, date]]:
    """Periods that began by ``today`` and lie after the one that starts on ``after``, the oldest first; None: the newest only.

    A period of ``on: end`` begins on its last day. At most ``LONGEST_CATCH_UP`` of them, the newest.
    """
    found: list[tuple[date, date]] = []
    first, last = begins.period(today)
    if begins.on == "end" and last > today:
        first, last = begins.period(first - timedelta(days=1))
    while len(found) < LONGEST_CATCH_UP and (after is None or first > after):
        found.append((first, last))
        if after is None:
            break
        first, last = begins.period(first - timedelta(days=1))
    return found[::-1]


def opening_day(begins: Begins, first: date, last: date) -> date:
    return last if begins.on == "end" else first


def next_opening_day(begins: Begins, first: date, last: date) -> date:
    """The day on which the following occurrence opens; without a limit of its own a step is due when it begins."""
    return opening_day(begins, *begins.period(last + timedelta(days=1)))


def openings_between(begins: Begins, after: date, last: date) -> list[date]:
    """The days after ``after`` and up to ``last`` on which an occurrence begins."""
    found: list[date] = []
    first, end = begins.period(after)
    while first <= last:
        found += [day for day in (opening_day(begins, first, end),) if after < day <= last]
        first, end = begins.period(end + timedelta(days=1))
    return found


def next_opening(begins: Begins, after: date) -> date:
    """The first day after ``after`` on which an occurrence begins."""
    first, end = begins.period(after)
    day = opening_day(begins, first, end)
    return day if day > after else next_opening_day(begins, first, end)


def read_month(text: str, today: date) -> date:
    """The first day of the month that ``2026-11`` writes, of the present one for "". Raises InvalidInput, also for a month that lies ahead."""
    if not text:
        return today.replace(day=1)
    found = re.fullmatch(r"([0-9]{4})-(0[1-9]|1[0-2])", normalise_digits(text[:20]).strip())
    if found is None or int(found[1]) < 2000 or (first := date(int(found[1]), int(found[2]), 1)) > today:
        raise InvalidInput(_l("“%(value)s” is no month that has begun. Write one like %(month)s.", value=isolate(text[:20]), month=isolate(f"{today:%Y-%m}")),
                           field="month", value=text[:20])
    return first


def month_end(first: date) -> date:
    """The first day of the month that follows."""
    return add_months(first, 1)


def period_label(first: date, last: date) -> str:
    """A period as the label of its record: 2026-02-01, 2026-02-01 – 2026-02-07, 2026-02 or 2026."""
    if first == last:
        return first.isoformat()
    if (first, last) == period_of("year", first):
        return f"{first:%Y}"
    return f"{first:%Y-%m}" if (first, last) == period_of("month", first) else f"{first.isoformat()} – {last.isoformat()}"


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
