"""When a step is due and by how much it is late: its limit counted by the association's calendar (PLUG-11)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from sqlalchemy.orm import Session

from core import calendar, settings
from core.calendar import OfficeCalendar
from core.procedures.models import StepRun

MORNING = time(10)
SETTINGS = ("time_zone", "day_count", "weekend", "public_holidays", "country", "holidays")


def office(session: Session) -> OfficeCalendar:
    """The association's calendar, from its settings; read once per transaction."""
    return calendar.office_calendar({key: settings.get(session, f"core.{key}") for key in SETTINGS})


def due_at(session: Session, opened_at: datetime, duration: str | None) -> datetime | None:
    """The UTC moment until which a step may take; None without a limit."""
    return None if duration is None else calendar.due_at(opened_at, duration, office(session))


def local_day(session: Session, moment: datetime) -> date:
    """The association's day of a moment."""
    return calendar.local_day(moment, settings.time_zone(session))


def next_working_day(session: Session, now: datetime) -> datetime:
    """The morning of the next working day: what a page proposes for a call-back."""
    days, zone = office(session), settings.time_zone(session)
    today = calendar.local_day(now, zone)
    ahead = (today + timedelta(days=count) for count in range(1, 31))
    return datetime.combine(next((day for day in ahead if days.is_working(day)), today + timedelta(days=1)), MORNING, zone)


def counts_in_days(duration: str | None) -> bool:
    """Whether lateness is told in days: limits in hours are told in hours (LOOK 5)."""
    return duration is not None and calendar.parse_duration(duration).in_days


def late_words(run: StepRun, now: datetime, office: OfficeCalendar) -> str:
    """By how much a run is late (or was, when it ended), in the unit of its limit; empty in time."""
    moment = run.ended_at or now
    if run.due_at is None or moment <= run.due_at:
        return ""
    return calendar.late_words(run.due_at, moment, office, in_days=counts_in_days(run.step.duration))
