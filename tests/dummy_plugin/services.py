"""What the hooks of the dummy do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from dummy_plugin.models import Remark
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.admin.offers import Figure, Reading, SearchHit
from core.auth.actor import Actor
from core.customers.models import Customer
from core.customers.offers import SummaryLine, TimelineEntry
from core.errors import Conflict, NotFound
from core.i18n import lazy_gettext as _l
from core.imports.offers import Context, Line, Verdict
from core.rest.offers import Call


def add(session: Session, text: str, *, customer_id: int | None = None, now: datetime) -> Remark:
    remark = Remark(text=text, customer_id=customer_id, made_at=now)
    session.add(remark)
    session.flush()
    return remark


def told(call: Call) -> dict[str, Any]:
    number = call.path["id"]
    remark = call.session.get(Remark, int(number)) if number.isascii() and number.isdigit() and len(number) < 10 else None
    if remark is None:
        raise NotFound(_l("There is no such remark."), field="id", value=number)
    return {"id": remark.id, "text": remark.text}


def add_told(call: Call) -> dict[str, Any]:
    refuse_by_veto(call.session)
    remark = add(call.session, call.body["text"], now=call.now)
    return {"id": remark.id, "text": remark.text}


def refuse_by_veto(session: Session, customer_id: int | None = None) -> None:
    """Raise when any remark (of this customer, or of none) begins with "veto"."""
    query = select(Remark.id).where(Remark.text.startswith("veto"), Remark.customer_id.is_(None) | (Remark.customer_id == customer_id))
    if session.scalar(query) is not None:
        raise Conflict(_l("A remark forbids this."))


def by_day(session: Session, parameters: Mapping[str, Any], actor: Actor) -> Iterator[tuple[Any, ...]]:
    for remark in session.scalars(select(Remark).order_by(Remark.id)):
        yield remark.made_at, remark.text


def check(session: Session, lines: Sequence[Line], context: Context) -> list[Verdict]:
    return [Verdict("create") for _line in lines]


def apply(session: Session, lines: Sequence[Line], context: Context, *, actor: Actor, now: datetime) -> list[int | None]:
    return [add(session, line.values["text"], now=now).id for line in lines]


def tick(session: Session, arguments: Mapping[str, Any], now: datetime) -> None:
    add(session, f"tick {arguments.get('period', arguments.get('text', ''))}", now=now)


def summary(session: Session, customer: Customer, actor: Actor) -> list[SummaryLine]:
    count = session.scalar(select(func.count()).select_from(Remark).where(Remark.customer_id == customer.id)) or 0
    return [SummaryLine(_l("Remarks"), count)]


def entries(session: Session, customer_id: int, actor: Actor, before: datetime | None, limit: int) -> list[TimelineEntry]:
    query = select(Remark).where(Remark.customer_id == customer_id).order_by(Remark.made_at.desc()).limit(limit)
    return [TimelineEntry(one.made_at, one.text, icon="message") for one in session.scalars(query if before is None else query.where(Remark.made_at < before))]


def figure(session: Session, actor: Actor, now: datetime) -> Figure | None:
    return Figure(session.scalar(select(func.count()).select_from(Remark)) or 0, link="/dummy_plugin/remarks/")


def find(session: Session, reading: Reading, actor: Actor, limit: int) -> list[SearchHit]:
    query = select(Remark).where(Remark.text.contains(reading.text, autoescape=True)).limit(limit)
    return [SearchHit(one.text, f"/dummy_plugin/remarks/details/?id={one.id}") for one in session.scalars(query)]
