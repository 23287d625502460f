"""Who calls: a number, customer number or name typed or pasted in any writing, and whom it finds (CALL-01)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy.orm import Session

from core import settings
from core.admin.offers import Reading
from core.auth.actor import Actor
from core.calendar import local_day
from core.customers import finding
from core.customers import queries as customers
from core.customers.models import Customer
from core.errors import InvalidInput
from core.phones import format_phone
from core.procedures import timing
from plugins.callcenter import queries

MOST_CHOICES = 6
CALL_BACK_AT = time(10)
"""The hour that the page proposes for a call-back."""


@dataclass(frozen=True)
class Caller:
    """Whom a look-up found: one customer, several to choose from, or nobody; ``unsearched`` says what was not searched for."""

    customer: Customer | None = None
    choices: Sequence[Customer] = ()
    more: bool = False
    unknown: bool = False
    phone: str = ""
    """The number that was typed, where it is one."""
    unsearched: Any = None


def find_caller(session: Session, text: str, actor: Actor) -> Caller:
    """The customers that this person may read and whose number, phone or name was typed."""
    text = text.strip()[:200]
    if not text:
        return Caller()
    phone = queries.read_phone(session, text) or ""
    found = customers.search(session, text, actor, limit=MOST_CHOICES + 1).customers
    if len(found) == 1:
        return Caller(found[0], phone=phone)
    if found:
        return Caller(choices=found[:MOST_CHOICES], more=len(found) > MOST_CHOICES, phone=phone)
    return Caller(unknown=True, phone=phone, unsearched=finding.unsearched(Reading(text, "phone", phone), actor) if phone else None)


def known_caller(session: Session, number: str, text: str, actor: Actor) -> Caller:
    """The customer that was chosen before; nobody where the number names none that this person may read."""
    phone = queries.read_phone(session, text.strip()[:200]) or ""
    try:
        return Caller(customers.readable(session, number, actor), phone=phone)
    except InvalidInput:
        return Caller(unknown=True, phone=phone)


def reached_at(caller: Caller, typed: str, actor: Actor) -> str:
    """The number at which the caller can be called back, as far as this person may see it."""
    if caller.phone or caller.customer is None:
        return format_phone(caller.phone) if caller.phone else typed
    who = caller.customer
    found = (who.mobile or who.phone) if actor.may(customers.PERSONAL) else None
    return format_phone(found) if found else ""


def next_working_day(session: Session, now: datetime) -> datetime:
    """What the page proposes for a call-back: the morning of the next working day."""
    office, zone = timing.office(session), settings.time_zone(session)
    today = local_day(now, zone)
    ahead = (today + timedelta(days=count) for count in range(1, 31))
    return datetime.combine(next((day for day in ahead if office.is_working(day)), today + timedelta(days=1)), CALL_BACK_AT, zone)
