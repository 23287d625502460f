"""What the call centre offers elsewhere: a panel and the timeline of a customer, figures of "My day", hits of the search."""

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
from plugins.callcenter import domain, page, queries, reminders
from plugins.callcenter.models import Call, Callback, Campaign, Reminder, Task
from plugins.callcenter.queries import PERSONAL

SHOWN = 5
CALLS, CALLBACKS = "/callcenter/", "/callcenter/callbacks/"


def panel(session: Session, customer: Customer, actor: Actor) -> list[SummaryLine]:
    """How many calls there were with the customer, when the last was, what was promised, and of what he is to be reminded."""
    count, last = session.execute(sa.select(sa.func.count(Call.id), sa.func.max(Call.started_at)).where(Call.customer_id == customer.id)).one()
    lines = [SummaryLine(_l("Calls"), count, "integer"), SummaryLine(_l("Last call"), last, "moment")] if count else []
    lines += [SummaryLine(_l("To be called back until"), one.due_at, "moment", page.callback_address(one))
              for one in queries.waiting_for(session, actor, customer_id=customer.id)]
    waiting = sa.select(Reminder).where(Reminder.customer_id == customer.id, Reminder.state == domain.OPEN).order_by(Reminder.due_at, Reminder.id).limit(SHOWN)
    return lines + [SummaryLine(_l("To be reminded at"), one.due_at, "moment", page.reminder_address(one)) for one in session.scalars(waiting)]


def entries(session: Session, customer_id: int, actor: Actor, before: datetime | None, limit: int) -> list[TimelineEntry]:
    """The customer's calls by their time; what was said stays on the call's own page."""
    query = queries.of_customer(customer_id)
    if before is not None:
        query = query.where(Call.started_at < before)
    found = session.scalars(query.order_by(Call.started_at.desc(), Call.id.desc()).limit(limit)).all()
    page.describe(session, found)
    return [_told(one) for one in found]


def acts(session: Session, customer: Customer, actor: Actor) -> list[CustomerAct]:
    """A call begins with the customer found, and with whatever speaks against calling him."""
    return [CustomerAct(_l("Call"), "phone", f"{CALLS}new?caller={customer.number}")] if actor.may("callcenter.record") else []


def _told(one: Call) -> TimelineEntry:
    length = str(_l("not answered")) if not one.answered else "" if one.untimed else domain.clock_of(one.talk_seconds)
    words = [str(domain.subjects().get(one.subject or "", "")), str(domain.results().get(one.result or "", "")), length]
    title = _l("Incoming call") if one.direction == domain.IN else _l("Outgoing call")
    return TimelineEntry(one.started_at, title, " · ".join(word for word in words if word), page.ICONS[one.direction], page.address(one),
                         one.shown.agent, touch_point="service")  # type: ignore[attr-defined]


# --- "My day" --------------------------------------------------------------------------------------------------------


def _today(session: Session, now: datetime) -> tuple[datetime, datetime]:
    zone = settings.time_zone(session)
    return day_bounds(local_day(now, zone), zone)


def _day(session: Session, now: datetime) -> str:
    return local_day(now, settings.time_zone(session)).isoformat()


def _count(session: Session, *conditions: sa.ColumnElement[bool]) -> int:
    return session.scalar(sa.select(sa.func.count(Call.id)).where(*conditions)) or 0


def callbacks(session: Session, actor: Actor, now: datetime) -> Figure:
    """Call-backs that are due by the end of the day (CALL-04)."""
    waiting = Callback.state == domain.OPEN
    found, late = (_waiting(session, actor, waiting, Callback.due_at < until) for until in (_today(session, now)[1], now))
    return Figure(found, _("%(n)s overdue", n=late) if late else _("none overdue"), f"{CALLBACKS}?f.today=1", "bad" if late else "")


def _waiting(session: Session, actor: Actor, *conditions: sa.ColumnElement[bool]) -> int:
    query = queries.scope(sa.select(Callback.id).where(*conditions), Callback, actor)
    return session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0


def left(session: Session, actor: Actor, now: datetime) -> Figure | None:
    """Customers of the campaigns that are being called (CALL-07)."""
    query = (sa.select(sa.func.count(Task.id), sa.func.count(sa.distinct(Task.campaign_id))).join(Campaign, Campaign.id == Task.campaign_id)
             .where(Campaign.state == domain.OPEN, Task.state == domain.OPEN))
    found, of = session.execute(query).one()
    return Figure(found, _("in %(n)s campaigns", n=of), "/callcenter/campaigns/?f.state=open") if found else None


def reminders_due(session: Session, actor: Actor, now: datetime) -> Figure | None:
    """Customers to be reminded by telephone by the end of the day (CALL-14)."""
    waiting = [Reminder.state == domain.OPEN, Reminder.channel == "phone"]
    found, late = (session.scalar(reminders.scope(sa.select(sa.func.count(Reminder.id)).where(*waiting, Reminder.due_at < until), actor)) or 0
                   for until in (_today(session, now)[1], now))
    return Figure(found, _("%(n)s overdue", n=late) if late else _("none overdue"), "/callcenter/reminders/", "bad" if late else "") if found else None


def missed(session: Session, actor: Actor, now: datetime) -> Figure:
    """Incoming calls of today that nobody answered."""
    today = queries.within(*_today(session, now))
    found = _count(session, today, Call.direction == domain.IN, Call.answered.is_(False))
    whole = _count(session, today, Call.direction == domain.IN)
    return Figure(found, _("of %(n)s that came in today", n=whole), f"{CALLS}?f.missed=1&f.from={_day(session, now)}", "warn" if found else "")


def my_calls(session: Session, actor: Actor, now: datetime) -> Figure | None:
    """What this person has done on the telephone today."""
    mine = [queries.within(*_today(session, now)), Call.agent_id == actor.user_id]
    found = _count(session, *mine)
    timed = [*mine, Call.answered, Call.untimed == 0]
    seconds = session.scalar(sa.select(sa.func.sum(Call.talk_seconds)).where(*timed)) or 0
    average = domain.average_seconds(int(seconds), _count(session, *timed))
    words = _("%(time)s each on average", time=domain.clock_of(average)) if average is not None else ""
    return Figure(found, words, f"{CALLS}?f.mine=1&f.from={_day(session, now)}")


# --- the search ------------------------------------------------------------------------------------------------------


def find(session: Session, reading: Reading, actor: Actor, limit: int) -> list[SearchHit]:
    """The last calls with a number or a name, for who may see them."""
    if not actor.may(PERSONAL):
        return []
    text = reading.value if reading.kind == "phone" else reading.text
    query = queries.scope(queries.matching(sa.select(Call), session, text, actor, newest=True), Call, actor).where(queries.outside())
    found = session.scalars(query.order_by(Call.started_at.desc(), Call.id.desc()).limit(limit)).all()
    page.describe(session, found)
    return [_hit(one) for one in found]


def _hit(one: Call) -> SearchHit:
    words = [one.shown.who, str(domain.subjects().get(one.subject or "", ""))]  # type: ignore[attr-defined]
    return SearchHit(_l("Incoming call") if one.direction == domain.IN else _l("Outgoing call"), page.address(one), " · ".join(word for word in words if word),
                     f"{one.started_at:%Y-%m-%d}", page.ICONS[one.direction])
