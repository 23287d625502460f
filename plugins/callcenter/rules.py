"""Rules by which call lists are built: each is a select over the register, whatever its size (CALL-11, CALL-12).

Whoever may not be telephoned for the purpose, or has no number, is in none of them (CALL-10).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.auth.actor import Actor
from core.calendar import local_day
from core.consent import queries as consent
from core.consent.domain import FUNDRAISING, PHONE, SERVICE
from core.customers.models import Customer, OptionalField
from core.finance.models import Contribution
from core.i18n import lazy_gettext as _l
from plugins.callcenter import domain
from plugins.callcenter.models import Call, Campaign, Reminder, Task

BIRTH = "birth_date"
LARGEST = 120
Condition = Callable[[Session, int, date, datetime], list[sa.ColumnElement[bool]]]


@dataclass(frozen=True)
class Rule:
    """One rule: whom it finds, for what they are called, and the one number that it asks for."""

    code: str
    title: Any
    about: Any
    purpose: str
    subject: str
    label: Any
    number: int
    conditions: Condition


# --- what each finds ---------------------------------------------------------------------------------------------------


def _gifts() -> sa.Select[Any]:
    """Customers with their gifts; what was given back is no gift."""
    return sa.select(Contribution.customer_id).where(Contribution.amount_minor > 0).group_by(Contribution.customer_id)


def without_gift(session: Session, months: int, today: date, now: datetime) -> list[sa.ColumnElement[bool]]:
    """Gave once, and nothing in the last ``months`` months."""
    return [Customer.id.in_(_gifts().having(sa.func.max(Contribution.received_on) < months_before(today, months)))]


def birthdays(session: Session, days: int, today: date, now: datetime) -> list[sa.ColumnElement[bool]]:
    """Born on today's day of the year, or on one of the next ``days``; nobody where the association does not keep birthdays.

    Who was born on 29 February has his day on the 28th in other years.
    """
    born = sa.func.substr(Customer.extra[BIRTH].as_string(), 6, 5)
    return [born.in_(days_of_year(today, days)) if keeps_birthdays(session) else sa.false()]


def loyal(session: Session, days: int, today: date, now: datetime) -> list[sa.ColumnElement[bool]]:
    """Gave as often within a year as the setting asks, and nobody has spoken to them personally for ``days`` days (CALL-12)."""
    often = _gifts().where(Contribution.received_on >= months_before(today, 12)).having(
        sa.func.count(Contribution.id) >= int(settings.get(session, "callcenter.loyal_gifts")))
    return [Customer.id.in_(often), ~_spoken_since(now - timedelta(days=days)), ~_mailed_since(now - timedelta(days=days))]


def missed(session: Session, days: int, today: date, now: datetime) -> list[sa.ColumnElement[bool]]:
    """Did not come to an appointment of the last ``days`` days, and nobody has spoken to them since."""
    absent = (sa.select(Reminder.id).where(
        Reminder.customer_id == Customer.id, Reminder.kind == domain.APPOINTMENT, Reminder.result == domain.MISSED,
        Reminder.settled_at >= now - timedelta(days=days), ~_answered().where(Call.started_at > Reminder.settled_at).correlate(Customer, Reminder).exists())
        .correlate(Customer))
    return [absent.exists()]


def _answered() -> sa.Select[Any]:
    return sa.select(Call.id).where(Call.customer_id == Customer.id, Call.answered, Call.direction != domain.INTERNAL)


def _spoken_since(moment: datetime) -> sa.ColumnElement[bool]:
    return _answered().where(Call.started_at >= moment).correlate(Customer).exists()


def _mailed_since(moment: datetime) -> sa.ColumnElement[bool]:
    return sa.select(Reminder.id).where(Reminder.customer_id == Customer.id, Reminder.result == domain.SENT, Reminder.settled_at >= moment).correlate(
        Customer).exists()


def keeps_birthdays(session: Session) -> bool:
    return session.scalar(sa.select(OptionalField.enabled).where(OptionalField.code == BIRTH)) is True


def months_before(day: date, months: int) -> date:
    """The same day ``months`` months earlier, or the last one of a month that is shorter."""
    years, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    last = (date(years + (month + 1) // 12, (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return date(years, month + 1, min(day.day, last))


def days_of_year(today: date, days: int) -> list[str]:
    """``MM-DD`` of today and the ``days`` days after it."""
    ahead = [today + timedelta(days=count) for count in range(days + 1)]
    leap = any(day.month == 2 and day.day == 28 and (day + timedelta(days=1)).month == 3 for day in ahead)
    return sorted({f"{day:%m-%d}" for day in ahead} | ({"02-29"} if leap else set()))


RULES: Mapping[str, Rule] = {one.code: one for one in (
    Rule("no_gift", _l("No donation for some months"), _l("Donors who gave before and have given nothing for so long."), FUNDRAISING, "donation",
         _l("Months without a donation"), 12, without_gift),
    Rule("loyal", _l("Loyal customers nobody has spoken to"),
         _l("Donors who gave often in the last year, as the settings count it, and had no personal call or mail for so long."), SERVICE, "thanks",
         _l("Days without a personal contact"), 90, loyal),
    Rule("birthday", _l("Birthdays"), _l("Customers whose birthday is today or on one of the next days; only where the register keeps it."), SERVICE, "thanks",
         _l("Days ahead"), 0, birthdays),
    Rule("missed", _l("Missed appointments"), _l("Customers who did not come to an appointment that they were reminded of, and whom nobody has called since."),
         SERVICE, "follow_up", _l("Appointments of the last days"), 30, missed),
)}


# --- the list ----------------------------------------------------------------------------------------------------------


def offered(session: Session) -> list[Rule]:
    """The rules that can find somebody here: birthdays only where the register keeps them."""
    return [one for one in RULES.values() if one.code != "birthday" or keeps_birthdays(session)]


def default_number(session: Session, rule: Rule) -> int:
    return int(settings.get(session, "callcenter.contact_days")) if rule.code == "loyal" else rule.number


def found(session: Session, rule: Rule, number: int, now: datetime, *, actor: Actor) -> sa.Select[Any]:
    """A select of Customer (id, subject): whom the rule finds now, whom ``actor`` may have called, and who waits in no other list of this rule."""
    today = local_day(now, settings.time_zone(session))
    waiting = (sa.select(Task.id).join(Campaign, Campaign.id == Task.campaign_id)
               .where(Task.customer_id == Customer.id, Task.state == domain.OPEN, Campaign.rule == rule.code).correlate(Customer))
    query = sa.select(Customer.id, Customer.subject_id).where(*rule.conditions(session, number, today, now), ~waiting.exists())
    return consent.contactable(session, query, PHONE, rule.purpose, actor=actor)


