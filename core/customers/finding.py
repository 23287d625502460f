"""What the register offers elsewhere: hits for the global search, and a figure for "My day"."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import settings
from core.admin.offers import Figure, Reading, SearchHit
from core.auth.actor import Actor
from core.customers import domain, queries
from core.customers.models import Customer, CustomerForm
from core.i18n import lazy_gettext as _l


def find_customers(session: Session, reading: Reading, actor: Actor, limit: int) -> list[SearchHit]:
    """Customers by number, phone or name; only those this person may read, by phone only who may see phones."""
    text = reading.value if reading.kind == "phone" and actor.may(queries.PERSONAL) else reading.text
    found = queries.search(session, text, actor, limit=limit)
    return [_hit(session, one) for one in found.customers]


def unsearched(reading: Reading, actor: Actor) -> Any:
    """Phones are not searched for whoever may not see them: a hit would tell whose phone it is."""
    if reading.kind != "phone" or actor.may(queries.PERSONAL):
        return None
    return _l("Phones are not searched for your role: it does not include seeing them. Search by name or customer number, or ask the administrator.")


def _hit(session: Session, customer: Customer) -> SearchHit:
    place = " · ".join(str(one.name) for one in (customer.city, customer.centre) if one is not None)
    words = [str(domain.classes()[customer.customer_class]), *([place] if place else [])]
    return SearchHit(customer.name, f"/customers/{customer.number}", str(_l(", ")).join(words), customer.number, "user")


def find_forms(session: Session, reading: Reading, actor: Actor, limit: int) -> list[SearchHit]:
    """A form by its number, as it is printed on paper: F-2026-0731."""
    text = reading.text.strip().upper()
    if not text.startswith("F-"):
        return []
    query = queries.form_scope(select(CustomerForm).where(CustomerForm.number == text), actor).limit(limit)
    return [SearchHit(form.number, f"/customers/forms/{form.id}", domain.STATE_TITLES[form.state], form.number or "", "file-text")
            for form in session.scalars(query)]


def new_customers(session: Session, actor: Actor, now: datetime) -> Figure | None:
    """Customers entered since the first of the month, beside those of the month before."""
    zone = settings.time_zone(session)
    start = now.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    before = (start.replace(year=start.year - 1, month=12) if start.month == 1 else start.replace(month=start.month - 1))
    this, last = _count(session, actor, start, now), _count(session, actor, before, start)
    return Figure(this, _l("%(n)s in the month before; imported ones are not counted", n=last), link="/customers/?sort=-changed_at")


def _count(session: Session, actor: Actor, since: datetime, until: datetime) -> int:
    query: Any = select(func.count(Customer.id)).where(Customer.created_at >= since, Customer.created_at < until, Customer.imported.is_(False))
    return session.scalar(queries.scope(query, actor)) or 0


