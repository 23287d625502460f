"""What the intake page tells before anything is written: who calls, what is open of the same caller, where the entry would go and until when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core import settings
from core.auth.actor import Actor
from core.calendar import local_day
from core.customers import queries as customers
from core.customers.models import Customer
from core.customers.queries import read_phone
from core.i18n import lazy_gettext as _l
from core.organisation.models import Centre, Department
from core.phones import format_phone
from core.procedures import services as procedures
from core.procedures import timing
from core.procedures.domain import followers
from core.text import row_id
from plugins.complaints import domain, queries
from plugins.complaints.models import Entry
from plugins.complaints.services import CALLBACK, SOLVED

# --- who calls -------------------------------------------------------------------------------------------------------


def guessed(session: Session, text: str) -> dict[str, str]:
    """What was typed about somebody unknown, as the field where it belongs: phone, e-mail or name."""
    if "@" in text:
        return {"email": text}
    return {"phone": text} if read_phone(session, text) else {"name": text}


def reached_at(customer: Customer | None, values: Mapping[str, Any], actor: Actor) -> list[str]:
    """Where the caller can be called back, as far as this person may see it."""
    told = [str(values[name]) for name in ("phone", "email") if values.get(name)]
    if customer is None:
        return told
    if not actor.may(customers.PERSONAL):
        return told
    return [*told, *(format_phone(one) for one in (customer.mobile, customer.phone) if one), *([customer.email] if customer.email else [])]


def proposed_callback(session: Session, entry: Entry, actor: Actor, now: datetime) -> dict[str, Any]:
    """What the form of a call-back begins with: the next working day, and where the complainant wrote that he is reached."""
    own = {"phone": format_phone(entry.phone) if entry.phone else None, "email": entry.email} if actor.may(queries.PERSONAL) else {}
    reach = reached_at(entry.shown.customer, own, actor)  # type: ignore[attr-defined]
    return {"promised_at": timing.next_working_day(session, now), "callback_to": reach[0] if reach else ""}


# --- where it would go and until when --------------------------------------------------------------------------------


TITLES = {domain.ANSWER: _l("Answer the caller"), domain.STUDY: _l("Study, and name who helps"), domain.CONTACT: _l("Call back"),
          domain.UPDATE: _l("Update of the log")}


@dataclass(frozen=True)
class Planned:
    """One step that would follow: when it is due, its limit (ISO 8601), and words where there is no moment."""

    number: int
    title: Any
    due_at: datetime | None = None
    limit: str | None = None
    words: Any = ""
    day_off: bool = False


@dataclass(frozen=True)
class Plan:
    """To whom, why (``clause``; empty where the association chose) and until when. Nothing is written."""

    department: Department
    centre: Centre | None
    customer_class: str
    clause: str
    steps: list[Planned] = field(default_factory=list)


def plan(session: Session, values: Mapping[str, Any], customer: Customer | None, *, now: datetime) -> Plan:
    """What saving these values at ``now`` would do, by the rules and limits by which saving does it (CMPL-02…05, 15…18)."""
    customer_class = customer.customer_class if customer is not None else str(values.get("customer_class") or "other")
    route, department, centre_id = queries.place(session, customer_class, _known_centre(session, values.get("centre_id")), customer)
    centre = session.get(Centre, centre_id) if centre_id is not None else None
    return Plan(department, centre, customer_class, route.clause, _steps(session, values, now))


def _known_centre(session: Session, given: Any) -> int | None:
    number = row_id(given)
    centre = session.get(Centre, number) if number is not None else None
    return centre.id if centre is not None else None


def _steps(session: Session, values: Mapping[str, Any], now: datetime) -> list[Planned]:
    how = values.get("answer_now")
    if how == SOLVED:
        return [Planned(domain.ANSWER, TITLES[domain.ANSWER], words=_l("Answered and closed at once; nothing is left to do."))]
    answer = procedures.step_at(session, domain.HANDLING, domain.ANSWER, now)
    numbers = followers(answer.opens, how) if how else [domain.ANSWER]
    promised = values.get("promised_at") if how == CALLBACK else None
    found = [_step(session, number, promised if number == domain.CONTACT else None, now) for number in numbers]
    return [*found, Planned(domain.UPDATE, TITLES[domain.UPDATE], words=_l("Every day while the entry is open"))]


def _step(session: Session, number: int, promised: datetime | None, now: datetime) -> Planned:
    step = procedures.step_at(session, domain.HANDLING, number, now)
    if number == domain.CONTACT:
        words = "" if promised else _l("Say when the caller is called back.")
        return Planned(number, TITLES[number], promised, words=words, day_off=promised is not None and not working(session, promised))
    return Planned(number, TITLES[number], timing.due_at(session, now, step.duration or step.frequency), step.duration)


def working(session: Session, moment: datetime) -> bool:
    return timing.office(session).is_working(local_day(moment, settings.time_zone(session)))
