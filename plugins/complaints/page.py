"""What pages tell of entries: whose one is, where it lies, when it is due, its way through the procedure, what happened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.admin.addresses import path_to
from core.auth import queries as staff
from core.auth.actor import Actor
from core.auth.models import Role
from core.customers import domain as customers
from core.customers.models import Customer
from core.customers.offers import TimelineEntry
from core.customers.shown import HIDDEN, TrackStep, masked
from core.files import services as files
from core.i18n import lazy_gettext as _l
from core.organisation import queries as organisation
from core.organisation.models import Centre, Department, Programme
from core.procedures import queries as runs
from core.procedures import services as procedures
from core.procedures.models import StepRun
from core.state import state
from core.text import isolate
from plugins.complaints import domain, queries
from plugins.complaints.models import Cause, Entry, Update
from plugins.complaints.queries import PERSONAL

# --- lines of a list -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """Names that stand behind an entry's keys, in the reader's language, and the open step that is due first."""

    caller: str
    customer: Customer | None
    place: str
    department: str
    centre: str
    cause: str
    step: StepRun | None


def describe(session: Session, entries: Sequence[Entry]) -> None:
    """Put ``shown`` beside each entry: six statements for a whole page of them."""
    people = {one.id: one for one in session.scalars(sa.select(Customer).where(Customer.id.in_(_ids(entries, "customer_id"))))} if entries else {}
    departments = organisation.names_of(session, Department, _ids(entries, "department_id"))
    centres = organisation.names_of(session, Centre, _ids(entries, "centre_id"))
    causes = {one.id: str(one.name) for one in session.scalars(sa.select(Cause).where(Cause.id.in_(_ids(entries, "cause_id"))))} if entries else {}
    steps = queries.next_steps(session, [one.id for one in entries]) if entries else {}
    for one in entries:
        who, department, centre = people.get(one.customer_id or 0), departments[one.department_id], centres.get(one.centre_id or 0, "")
        one.shown = Shown(who.name if who is not None else one.name or "", who, " · ".join(part for part in (department, centre) if part),  # type: ignore[attr-defined]
                          department, centre, causes.get(one.cause_id or 0, ""), steps.get(one.id))


def _ids(entries: Iterable[Entry], name: str) -> set[int]:
    return {found for one in entries if (found := getattr(one, name)) is not None}


def classes() -> Mapping[str, Any]:
    return customers.classes()


# --- one entry -------------------------------------------------------------------------------------------------------


def entry_page(session: Session, entry: Entry, actor: Actor, now: datetime) -> dict[str, Any]:
    """What the entry's page shows beside its forms; without the permission no name, number or word of the complainant."""
    personal = actor.may(PERSONAL)
    asked = queries.follow_ups_of(session, entry)
    return {
        "may_plan": actor.may("complaints.handle"),
        "personal": personal, "hidden_words": HIDDEN, "track": track(session, entry, now) if not entry.imported else [],
        "timeline": history(session, entry, personal), "follow_ups": asked, "departments": _departments(session, entry, asked),
        "assignments": queries.assignments_of(session, entry), "people": people(session, entry),
        "may_answer": {one.id for one in asked if one.done_at is None and (one.department_id == actor.department_id or actor.may("complaints.follow_up"))},
        "contacts": contacts(entry, actor), "callback": callback(entry, actor),
        "programme": session.get(Programme, entry.programme_id) if entry.programme_id else None,
        "same": [one for one in queries.open_of(session, actor, customer_id=entry.customer_id, phone=entry.phone) if one.id != entry.id],
        "consent": domain.consents().get(entry.consent_version or "", ""), "origin": origin(entry),
        "files": files.attached_to(session, entry) if personal else [],
        "next_step": runs.next_in_inbox(session, actor, record_type=entry.__tablename__, record_id=entry.id),
    }


def open_runs(session: Session, entry: Entry) -> list[StepRun]:
    """What is to be done with an entry, the nearest first."""
    found = runs.steps_of(session, record_type=entry.__tablename__, record_id=entry.id)
    return sorted((one for one in found if one.is_open()), key=lambda one: (one.due_at is None, one.due_at))


def origin(entry: Entry) -> tuple[Any, str] | None:
    """What the plugin is called at which an entry's message arrived, and where the message lies: nowhere while that plugin is off."""
    if entry.source_link is None:
        return None
    on = any(one.name == entry.source for one in state().active)
    title = state().owner_title(entry.source)
    return title if title != entry.source else _l("a part of Diwan that is not installed"), entry.source_link if on else ""


def _departments(session: Session, entry: Entry, asked: Sequence[Any]) -> dict[int, str]:
    given = [*(one.department_id for one in queries.assignments_of(session, entry)), *(one.department_id for one in asked)]
    return organisation.names_of(session, Department, given)


def people(session: Session, entry: Entry) -> dict[int, str]:
    """Names of everybody who wrote in the entry."""
    wanted = {entry.registered_by_id, entry.closed_by_id, *(one.made_by_id for one in queries.updates_of(session, entry)),
              *(one.assigned_by_id for one in queries.assignments_of(session, entry)), *(one.asked_by_id for one in queries.follow_ups_of(session, entry))}
    return staff.names_of(session, wanted)


def contacts(entry: Entry, actor: Actor) -> list[tuple[str, Any]]:
    """Where the complainant is reached, each with its kind: as he said it, and of a customer then by the register."""
    customer = entry.shown.customer  # type: ignore[attr-defined]
    told = [(kind, value if actor.may(PERSONAL) else HIDDEN) for kind, value in (("phone", entry.phone), ("email", entry.email)) if value]
    if customer is None:
        return told
    whole = actor.may("customers.personal")
    kinds = (("phone", "mobile"), ("phone", "phone"), ("email", "email"))
    return [*told, *((kind, value if whole else masked(name, value)) for kind, name in kinds if (value := getattr(customer, name)))]


def callback(entry: Entry, actor: Actor) -> tuple[str, Any] | None:
    """Where the promised call-back goes, with its kind: the number or address of a customer as far as the register shows it to this reader."""
    if not entry.callback_to:
        return None
    kind = "email" if "@" in entry.callback_to else "phone"
    if not actor.may(PERSONAL):
        return kind, HIDDEN
    known = entry.customer_id is not None and not actor.may("customers.personal")
    return kind, masked(kind, entry.callback_to) if known else entry.callback_to


SHORT = {domain.RECEIVE: _l("Receipt"), domain.ANSWER: _l("Answer"), domain.STUDY: _l("Study"), domain.UPDATE: _l("Update of the log"),
         domain.CONTACT: _l("Telling the customer")}


def track(session: Session, entry: Entry, now: datetime) -> list[TrackStep]:
    """The steps of the manual's table 5.2 for one entry: who did each and when, what is due, what was not needed."""
    last: dict[int, StepRun] = {}
    done = runs.steps_of(session, record_type=entry.__tablename__, record_id=entry.id)
    names = staff.names_of(session, {run.ended_by_id for run in done})
    for run in done:
        if run.procedure_code == domain.HANDLING and not (run.step_number in last and last[run.step_number].is_open()):
            last[run.step_number] = run
    return [_cell(session, entry, number, last.get(number), names, now) for number in SHORT]


def _cell(session: Session, entry: Entry, number: int, run: StepRun | None, names: Mapping[int, str], now: datetime) -> TrackStep:
    if run is None:
        step = procedures.step_at(session, domain.HANDLING, number, entry.received_at)
        return TrackStep(number, SHORT[number], _holders(session, step.role_slugs), limit=step.duration, state=_state(entry, run, now))
    by_public = run.ended_by_id is None and entry.source == "public"
    who = names.get(run.ended_by_id or 0, str(_l("the complainant")) if by_public else run.ended_by_label) if run.closed_at is not None else None
    due_at = run.due_at if run.ended_as != "cancelled" else None
    return TrackStep(number, SHORT[number], who or _holders(session, run.role_slugs), run.closed_at, due_at, run.step.duration,
                     _state(entry, run, now))


def _holders(session: Session, slugs: Sequence[str]) -> str:
    """The roles that are to do a step, as people call them."""
    return " / ".join(str(one.name) for one in session.scalars(sa.select(Role).where(Role.slug.in_(slugs)).order_by(Role.id)))


def _state(entry: Entry, run: StepRun | None, now: datetime) -> str:
    if run is None or run.ended_as == "cancelled":
        return "skipped" if entry.state == domain.CLOSED else "ahead"
    if run.closed_at is not None:
        return "late" if run.is_overdue(now) else "done"
    return "overdue" if run.is_overdue(now) else "now"


# --- what happened ---------------------------------------------------------------------------------------------------


UPDATES = {
    "note": (_l("Update"), "note"), "study": (_l("Studied"), "search"), "solution": (_l("A solution is ready"), "bulb"), "answer": (_l("Answered"), "check"),
    "promise": (_l("Call-back promised"), "phone-call"), "reassign": (_l("Handed to another department"), "transfer"),
    "remark": (_l("Remark of quality"), "flag"), "customer": (_l("Linked with a customer"), "link"), domain.ACCEPTED: (_l("Accepted"), "check"),
    domain.DECLINED: (_l("Declined"), "x"),
}
OPEN_WORDS = ("customer",)
"""Updates whose words are the system's own."""


def history(session: Session, entry: Entry, personal: bool) -> list[TimelineEntry]:
    """Every line of the entry, the newest first, ending with its receipt."""
    names = people(session, entry)
    lines = [_line(one, names, personal) for one in queries.updates_of(session, entry)]
    words = domain.channels().get(entry.channel, entry.channel)
    return [*lines, TimelineEntry(entry.received_at, _l("Receipt"), words, "message-report", who=names.get(entry.registered_by_id or 0, ""))]


def _line(one: Update, names: Mapping[int, str], personal: bool) -> TimelineEntry:
    title, icon = UPDATES.get(one.kind, UPDATES["note"])
    words = "" if one.kind == "promise" else one.text if personal or one.kind in OPEN_WORDS else HIDDEN
    return TimelineEntry(one.made_at, title, isolate(words, "auto") if words else "", icon, who=names.get(one.made_by_id or 0, ""))


def address(entry: Entry) -> str:
    return path_to("complaints_log.entry", id=entry.id)

