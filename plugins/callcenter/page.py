"""What pages tell of calls and call-backs: whose one is, who spoke, how long, when it is due, what can be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup
from sqlalchemy.orm import Session

from core import settings
from core.admin import values
from core.admin.addresses import path_to
from core.auth import queries as staff
from core.auth.actor import Actor
from core.consent import queries as consents
from core.consent import services as consent
from core.consent.domain import ALL
from core.customers import queries as customers
from core.customers.callers import Caller
from core.customers.models import Customer
from core.customers.shown import HIDDEN
from core.i18n import lazy_gettext as _l
from core.phones import format_phone
from core.procedures.models import StepRun
from core.text import isolate
from plugins.callcenter import domain, queries
from plugins.callcenter.models import Call, Callback, Reminder
from plugins.callcenter.queries import PERSONAL

ICONS = {domain.IN: "phone-incoming", domain.OUT: "phone-outgoing", domain.INTERNAL: "phone"}


@dataclass(frozen=True)
class Shown:
    """Names that stand behind a row's keys, in the reader's language, and of a call-back its open step."""

    who: str
    customer: Customer | None
    agent: str
    step: StepRun | None = None


def describe(session: Session, rows: Sequence[Call] | Sequence[Callback]) -> None:
    """Put ``shown`` beside each row: a few statements for a whole page of them."""
    people = queries.customers_of(session, [one.customer_id for one in rows])
    agents = staff.names_of(session, [_agent_id(one) for one in rows])
    steps = queries.steps_of(session, [one.id for one in rows if isinstance(one, Callback)])
    for one in rows:
        customer = people.get(one.customer_id or 0)
        step = steps.get(one.id) if isinstance(one, Callback) else None
        one.shown = Shown(who_of(one, customer), customer, agents.get(_agent_id(one) or 0, "") or _extension(one), step)  # type: ignore[union-attr]


def _agent_id(row: Call | Callback) -> int | None:
    return row.agent_id if isinstance(row, Call) else row.promised_by_id


def _extension(row: Call | Callback) -> str:
    return str(_l("Extension %(number)s", number=isolate(row.extension))) if isinstance(row, Call) and row.extension else ""


def who_of(row: Call | Callback, customer: Customer | None) -> str:
    """Whoever is outside: the customer, else the name, else the number, else that nobody knows."""
    if customer is not None:
        return customer.name
    if row.name:
        return row.name
    if isinstance(row, Call) and row.direction == domain.INTERNAL:
        return str(_l("between own extensions"))
    number = format_phone(row.phone) if row.phone else (row.party or "") if isinstance(row, Call) else ""
    return isolate(number) if number else str(_l("unknown number"))


def length_of(call: Call) -> Markup | str:
    """How long was talked, or how long it rang; nothing where nobody says."""
    seconds = call.talk_seconds if call.answered else call.duration_seconds
    return values.ltr(domain.clock_of(seconds)) if seconds else ""


def answer_tag(call: Call) -> str:
    return str(_l("answered") if call.answered else _l("not answered"))


def service_number(session: Session) -> str:
    """The donor service as staff refer people to it: number and extension; empty where the settings name none (CALL-08)."""
    number, extension = (str(settings.get(session, f"callcenter.service_{name}") or "").strip() for name in ("number", "extension"))
    if not number:
        return ""
    return str(_l("%(number)s, extension %(extension)s", number=isolate(number), extension=isolate(extension))) if extension else isolate(number)


def call_page(session: Session, call: Call, actor: Actor, now: datetime) -> dict[str, Any]:
    """What the page of a call shows beside its forms."""
    personal = actor.may(PERSONAL)
    waiting = queries.waiting_for(session, actor, customer_id=call.customer_id, phone=call.phone, call_id=call.id) if personal else []
    choices = choices_of(session, call, actor) if call.customer_id is None and call.phone and personal else []
    said = call.result == domain.NOT_WANTED and call.customer_id is not None and actor.may(consent.RECORD)
    return {"personal": personal, "hidden_words": HIDDEN, "legs": queries.legs_of(session, call), "recordings": queries.recordings_of(session, call),
            "stop": said and not consents.withdrawn(consents.events_of(session, call.customer_id or 0), "phone", ALL),
            "waiting": waiting, "choices": choices, "subjects": domain.subjects(), "results": domain.results(), "directions": domain.DIRECTIONS,
            "icons": ICONS, "clock": domain.clock_of, "recorded_by": staff.names_of(session, [call.recorded_by_id]).get(call.recorded_by_id or 0, "")}


def reached_at(caller: Caller, typed: str, actor: Actor) -> str:
    """The number at which the caller can be called back, as far as this person may see it."""
    if caller.phone or caller.customer is None:
        return format_phone(caller.phone) if caller.phone else typed
    who = caller.customer
    found = (who.mobile or who.phone) if actor.may(customers.PERSONAL) else None
    return format_phone(found) if found else ""


def choices_of(session: Session, call: Call, actor: Actor) -> Sequence[Customer]:
    """Customers with the call's number, where there are several: the agent says which of them it was."""
    found = queries.by_phone(session, [str(call.phone)]).get(str(call.phone), [])
    people = queries.customers_of(session, [customer_id for customer_id, _subject in found])
    return [one for one in people.values() if customers.may_read(session, one.id, actor)]


def address(call: Call) -> str:
    return path_to("callcenter_calls.call", id=call.id)


def callback_address(one: Callback) -> str:
    return path_to("callcenter_callbacks.callback", id=one.id)


def reminder_address(one: Reminder) -> str:
    return path_to("callcenter_reminders.reminder", id=one.id)
