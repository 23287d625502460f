"""The list of customers as a file: what one may see, with filter, rows and checksum in the audit log (CUST-34, AUD-05)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.audit import services as audit
from core.auth.actor import Actor, authorize
from core.consent import services as consent
from core.consent.domain import ALL, SHARING
from core.consent.queries import contactable
from core.customers import domain
from core.customers.models import Customer
from core.customers.queries import PERSONAL
from core.exporter.columns import Column
from core.exporter.stream import Outcome, Stream
from core.exporter.text import Options, write_csv
from core.i18n import Bilingual
from core.i18n import lazy_gettext as _l
from core.organisation.models import Centre, City, Department

EXPORT = "customers.export"
AT_ONCE = 5_000
"""Up to here a file is made before it is sent, and one entry holds filter, rows and checksum; above, it is streamed between
an entry at its start and one at its end."""

OPEN_COLUMNS = (
    Column("number", Bilingual("رقم العميل", "Customer number")),
    Column("name", domain.field_labels()["name"]),
    Column("class", domain.field_labels()["customer_class"]),
    Column("other_detail", domain.field_labels()["other_detail"]),
    Column("city", domain.field_labels()["city_id"]),
    Column("centre", domain.field_labels()["centre_id"]),
    Column("department", domain.field_labels()["department_id"]),
    Column("contact_channel", domain.field_labels()["contact_channel"]),
    Column("created_at", _l("Created at"), "moment"),
    Column("changed_at", _l("Changed at"), "moment"),
)
PERSONAL_COLUMNS = (
    Column("mobile", domain.field_labels()["mobile"], "phone"),
    Column("phone", domain.field_labels()["phone"], "phone"),
    Column("email", domain.field_labels()["email"]),
    Column("address", domain.field_labels()["address"]),
    Column("remarks", domain.field_labels()["remarks"]),
)


def columns_for(actor: Actor, *, outside: bool = False) -> tuple[Column, ...]:
    """What this person's file holds: without the permission no personal column, for an outside party no remarks of ours."""
    personal = PERSONAL_COLUMNS[:-1] if outside else PERSONAL_COLUMNS
    return OPEN_COLUMNS + (personal if actor.may(PERSONAL) else ())


def customer_file(session: Session, scoped: sa.Select[Any], actor: Actor, *, outside: bool = False) -> Stream:
    """The customers of ``scoped`` (a select of Customer, narrowed by scope, filters and search) as CSV, by number.

    For an ``outside`` party only those who consented to that are in it, whatever was chosen (PERM-11).
    """
    authorize(session, actor, EXPORT, rule="CUST-34")
    options = Options(headings=True, zone=settings.time_zone(session))
    columns = columns_for(actor, outside=outside)
    scoped = for_outside(session, scoped, actor) if outside else scoped
    return write_csv(columns, (row[:len(columns)] for row in _rows(session, scoped, actor)), options)


def for_outside(session: Session, scoped: sa.Select[Any], actor: Actor) -> sa.Select[Any]:
    """Those of ``scoped`` who may stand in a file for an outside party (PERM-11)."""
    return contactable(session, scoped, ALL, SHARING, actor=actor)


def note_outside(session: Session, scoped: sa.Select[Any], actor: Actor, now: datetime) -> None:
    """Tell plugins, in the writing transaction, who stands in the file that is handed out."""
    consent.note_listed(session, for_outside(session, scoped, actor), ALL, SHARING, actor=actor, now=now)


def _rows(session: Session, scoped: sa.Select[Any], actor: Actor) -> Iterator[tuple[Any, ...]]:
    taken = [Customer.number, Customer.name, Customer.customer_class, Customer.other_detail, City.name_ar, Centre.name_ar, Department.name_ar,
             Customer.contact_channel, Customer.created_at, Customer.changed_at]
    if actor.may(PERSONAL):
        taken += [Customer.mobile, Customer.phone, Customer.email, Customer.address, Customer.remarks]
    query = (scoped.outerjoin_from(Customer, City, City.id == Customer.city_id).outerjoin_from(Customer, Centre, Centre.id == Customer.centre_id)
             .outerjoin_from(Customer, Department, Department.id == Customer.department_id)
             .with_only_columns(*taken, maintain_column_froms=True).order_by(None).order_by(Customer.id))
    for part in session.execute(query.execution_options(yield_per=2_000)).partitions():
        yield from part


def note_export(session: Session, filters: Mapping[str, Any], search: str, actor: Actor, outcome: Outcome | None) -> None:
    """Log an export: with its outcome when the file was made first, without when it is about to be streamed.

    What was searched for is a person's name or telephone and is not logged, only that there was a search (DESIGN 10).
    """
    facts: dict[str, Any] = {"filter": dict(filters), "personal": actor.may(PERSONAL), "searched": bool(search)}
    if outcome is not None:
        facts |= {"rows": outcome.rows, "sha256": outcome.sha256, "whole": outcome.whole}
    audit.record(session, "export", summary="core.customers", data=facts)


def note_end(session: Session, outcome: Outcome) -> None:
    """Log how a streamed export ended."""
    audit.record(session, "export_end", summary="core.customers", data={"rows": outcome.rows, "sha256": outcome.sha256, "whole": outcome.whole})
