"""The log as a file: what this person may see of it, with filter, rows and checksum in the audit log (AUD-05)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.admin.list_file import ListFile
from core.customers import domain as customers
from core.customers.models import Customer
from core.exporter.columns import Column
from core.i18n import lazy_gettext as _l
from core.organisation.models import Centre, Department
from plugins.complaints import domain, queries
from plugins.complaints.models import Cause, Entry
from plugins.complaints.queries import PERSONAL, READ

OPEN_COLUMNS = (
    Column("number", _l("Number")), Column("kind", _l("Kind")), Column("channel", _l("Channel")), Column("class", _l("Type")), Column("cause", _l("Cause")),
    Column("department", _l("Department")), Column("centre", _l("Centre")), Column("state", _l("State")), Column("received_at", _l("Receipt"), "moment"),
    Column("returned_at", _l("Told at"), "moment"), Column("due_at", _l("Due"), "moment"),
)
PERSONAL_COLUMNS = (Column("caller", _l("Caller")), Column("customer_number", _l("Customer number")), Column("phone", _l("Telephone"), "phone"),
                    Column("text", _l("What the caller said")), Column("answer", _l("Answer")))
BLOCK = 500


def rows(session: Session, scoped: sa.Select[Any]) -> Iterator[tuple[Any, ...]]:
    query = (scoped.outerjoin_from(Entry, Cause, Cause.id == Entry.cause_id).outerjoin_from(Entry, Department, Department.id == Entry.department_id)
             .outerjoin_from(Entry, Centre, Centre.id == Entry.centre_id).outerjoin_from(Entry, Customer, Customer.id == Entry.customer_id)
             .with_only_columns(Entry, Cause, Department, Centre, Customer, maintain_column_froms=True).order_by(None).order_by(Entry.id))
    for part in session.execute(query.execution_options(yield_per=BLOCK)).partitions():
        steps = queries.next_steps(session, [row[0].id for row in part])
        for entry, *names, customer in part:
            due = steps[entry.id].due_at if entry.id in steps else None
            yield (*_open(entry, names, due), *_personal(entry, customer))


def _open(entry: Entry, names: list[Any], due: Any) -> tuple[Any, ...]:
    cause, department, centre = (str(one.name) if one is not None else None for one in names)
    return (entry.number, domain.kinds()[entry.kind], domain.channels().get(entry.channel, entry.channel),
            customers.classes().get(entry.customer_class, entry.customer_class), cause, department, centre, domain.states()[entry.state],
            entry.received_at, entry.returned_at, due)


def _personal(entry: Entry, customer: Customer | None) -> tuple[Any, ...]:
    return (customer.name if customer is not None else entry.name, customer.number if customer is not None else None, entry.phone, entry.text, entry.answer)


LOG = ListFile("complaints.log", _l("log of complaints"), READ, PERSONAL, OPEN_COLUMNS, PERSONAL_COLUMNS, rows)
