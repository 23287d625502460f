"""What the log offers elsewhere: a panel and the timeline of a customer, figures of "My day", hits of the search."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.admin.offers import Figure, Reading, SearchHit
from core.auth.actor import Actor
from core.calendar import day_bounds, local_day
from core.customers.models import Customer
from core.customers.offers import CustomerAct, SummaryLine, TimelineEntry
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from plugins.complaints import contacts, domain, page, queries
from plugins.complaints.models import Contact, Entry
from plugins.complaints.queries import PERSONAL

LOG, CONTACTS = "/complaints/", "/complaints/contacts/"


def panel(session: Session, customer: Customer, actor: Actor) -> list[SummaryLine]:
    """How many entries the customer has, those that are open, each with its state, and the next contact that is planned."""
    planned = [SummaryLine(_l("Contact planned for"), one.due_on, "date", CONTACTS) for one in contacts.open_of(session, customer.id, actor)[:1]]
    mine = sa.select(Entry).where(Entry.customer_id == customer.id)
    count = session.scalar(sa.select(sa.func.count()).select_from(queries.scope(mine, actor).with_only_columns(Entry.id).subquery())) or 0
    if not count:
        return planned
    lines = [SummaryLine(_l("Entries in the log"), count, "integer")]
    return lines + planned + [SummaryLine(domain.kinds()[one.kind], f"{one.number} · {domain.states()[one.state]}", link=page.address(one))
                              for one in queries.open_of(session, actor, customer_id=customer.id)]


def entries(session: Session, customer_id: int, actor: Actor, before: datetime | None, limit: int) -> list[TimelineEntry]:
    """The customer's entries by their receipt; what was said stays on the entry's own page."""
    query = queries.scope(sa.select(Entry).where(Entry.customer_id == customer_id), actor)
    if before is not None:
        query = query.where(Entry.received_at < before)
    found = session.scalars(query.order_by(Entry.received_at.desc(), Entry.id.desc()).limit(limit)).all()
    page.describe(session, found)
    return [_told(one) for one in found]


def acts(session: Session, customer: Customer, actor: Actor) -> list[CustomerAct]:
    """An entry of the log begins with the customer found."""
    return [CustomerAct(_l("Complaint"), "message-report", f"{LOG}new?caller={customer.number}")] if actor.may("complaints.record") else []


def _told(one: Entry) -> TimelineEntry:
    title = _l("%(kind)s %(number)s", kind=domain.kinds()[one.kind], number=one.number)
    words = [str(domain.states()[one.state]), one.shown.cause, str(domain.channels().get(one.channel, one.channel))]  # type: ignore[attr-defined]
    return TimelineEntry(one.received_at, title, " · ".join(word for word in words if word), "message-report", page.address(one),
                         touch_point="website" if one.channel == "website" else "service")


# --- "My day" --------------------------------------------------------------------------------------------------------


def _count(session: Session, actor: Actor, *conditions: sa.ColumnElement[bool]) -> int:
    query = queries.scope(sa.select(Entry.id).where(Entry.state != domain.CLOSED, *conditions), actor)
    return session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0


def open_entries(session: Session, actor: Actor, now: datetime) -> Figure:
    late = _count(session, actor, queries.overdue(now))
    words = _("%(n)s overdue", n=late) if late else _("none overdue")
    return Figure(_count(session, actor), words, f"{LOG}?f.state=open", "bad" if late else "")


def without_update(session: Session, actor: Actor, now: datetime) -> Figure:
    """Open entries in which nothing was written today (CMPL-18)."""
    zone = settings.time_zone(session)
    found = _count(session, actor, queries.quiet(*day_bounds(local_day(now, zone), zone)))
    return Figure(found, _l("to be updated by the end of the day"), f"{LOG}?f.quiet=1", "warn" if found else "")


def callbacks(session: Session, actor: Actor, now: datetime) -> Figure:
    """Call-backs and answers that are due today or were before (CMPL-19)."""
    zone = settings.time_zone(session)
    found, late = (_count(session, actor, queries.callback_by(moment)) for moment in (day_bounds(local_day(now, zone), zone)[1], now))
    words = _("%(n)s overdue", n=late) if late else _("none overdue")
    return Figure(found, words, f"{LOG}?f.callback=1", "bad" if late else "")


def later_contacts(session: Session, actor: Actor, now: datetime) -> Figure:
    """Contacts some months after an event whose day has come (CMPL-27)."""
    today = local_day(now, settings.time_zone(session))
    due = contacts.scope(sa.select(Contact.id).where(contacts.due(today)), actor)
    found = session.scalar(sa.select(sa.func.count()).select_from(due.subquery())) or 0
    return Figure(found, _l("3, 6 or 12 months after an event"), f"{CONTACTS}?f.due=1", "warn" if found else "")


# --- the search ------------------------------------------------------------------------------------------------------


def find(session: Session, reading: Reading, actor: Actor, limit: int) -> list[SearchHit]:
    """Entries by number; by the complainant's phone and name for who may see them."""
    text = reading.value if reading.kind == "phone" else reading.text
    query = queries.scope(queries.matching(sa.select(Entry), session, text, actor, newest=True), actor)
    found = session.scalars(query.order_by(Entry.id.desc()).limit(limit)).all()
    page.describe(session, found)
    return [_hit(one, actor) for one in found]


def _hit(one: Entry, actor: Actor) -> SearchHit:
    shown = one.shown  # type: ignore[attr-defined]
    words = [str(domain.states()[one.state]), *([shown.caller] if actor.may(PERSONAL) and shown.caller else [])]
    return SearchHit(domain.kinds()[one.kind], page.address(one), " · ".join(words), one.number, "message-report")
