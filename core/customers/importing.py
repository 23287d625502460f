"""Filling a form of kind *import*: many lines under one number, each with its own subject (CUST-11; DESIGN 4).

The lines' values were judged before (``values.clean``); here they are written through the audited bulk writer. The form is
reviewed, approved and entered like any other, never by who imported it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.audit import services as audit
from core.auth.actor import Actor, authorize
from core.customers.domain import FIELDS, changed_fields, name_key
from core.customers.models import Customer, CustomerForm, CustomerFormLine
from core.customers.services import FILL, _expect, _send, lock, withdraw
from core.customers.values import values_of
from core.errors import InvalidInput
from core.i18n import lazy_gettext as _l
from core.keys import new_subject, new_subjects
from core.sending import made_before

BLOCK = 1_000


def begin_import_form(session: Session, *, source: str, operation_key: str, actor: Actor, now: datetime) -> CustomerForm:
    """An empty import form, a draft until ``send_import``; the same key again returns the first."""
    authorize(session, actor, FILL, rule="CUST-14")
    earlier = made_before(session, CustomerForm, operation_key, made_by=actor.user_id)
    if earlier is not None:
        return earlier
    form = CustomerForm(kind="import", state="draft", line_count=0, subject_id=new_subject(session), operation_key=operation_key, imported=True,
                        source=source[:300], not_duplicates=True, made_by=actor.user_id, made_at=now)
    session.add(form)
    session.flush()
    return form


def add_lines(session: Session, form: CustomerForm, rows: Sequence[Mapping[str, Any]], *, actor: Actor) -> list[int]:
    """Append lines with judged values to an import form that was not sent; returns their ids in order.

    A row with ``customer_id`` changes that customer, others create one. Keep a block under a few thousand rows.
    """
    authorize(session, actor, FILL, rule="CUST-14")
    lock(session, form)
    _expect(form, "draft")
    last = session.scalar(select(func.max(CustomerFormLine.position)).where(CustomerFormLine.form_id == form.id)) or 0
    targets = _targets(session, rows)
    subjects = iter(new_subjects(session, sum(1 for row in rows if not row.get("customer_id"))))
    lines = [_line(form.id, last + offset, row, targets.get(row.get("customer_id") or 0), subjects) for offset, row in enumerate(rows, 1)]
    ids = audit.bulk(session, CustomerFormLine, lines)
    form.line_count = last + len(lines)
    session.flush()
    return ids


def _targets(session: Session, rows: Sequence[Mapping[str, Any]]) -> dict[int, Customer]:
    wanted = {row["customer_id"] for row in rows if row.get("customer_id")}
    return {one.id: one for one in session.scalars(select(Customer).where(Customer.id.in_(wanted)))} if wanted else {}


def _line(form_id: int, position: int, row: Mapping[str, Any], target: Customer | None, subjects: Any) -> dict[str, Any]:
    base = values_of(target) if target is not None else dict.fromkeys((*FIELDS, "extra"))
    values = {**base, **{name: value for name, value in row.items() if name in base}}
    return {
        **values, "form_id": form_id, "position": position, "action": "update" if target is not None else "create", "state": "open",
        "customer_id": target.id if target is not None else None, "subject_id": target.subject_id if target is not None else next(subjects),
        "name_key": name_key(values["name"]), "reference": row.get("reference"),
        "base": base if target is not None else None,
    }


def send_import(session: Session, form: CustomerForm, *, actor: Actor, now: datetime) -> CustomerForm:
    """Number the import form and put it before the reviewer; refused without lines."""
    authorize(session, actor, FILL, rule="CUST-14")
    lock(session, form)
    _expect(form, "draft")
    if form.line_count == 0:
        raise InvalidInput(_l("The import holds no line that could be entered."), rule="CUST-11")
    return _send(session, form, actor, now)


def fill_import(
    session: Session, rows: Sequence[Mapping[str, Any]], *, source: str, operation_key: str, actor: Actor, now: datetime,
) -> CustomerForm:
    """Begin, fill and send an import form in one transaction."""
    form = begin_import_form(session, source=source, operation_key=operation_key, actor=actor, now=now)
    if form.state != "draft":
        return form
    for start in range(0, len(rows), BLOCK):
        add_lines(session, form, rows[start:start + BLOCK], actor=actor)
    return send_import(session, form, actor=actor, now=now)


def withdraw_import(session: Session, form: CustomerForm, *, actor: Actor, now: datetime) -> None:
    """Take back an import while nobody reviewed it: a draft goes with its lines, a sent form stays as withdrawn.

    Raises Conflict when it was reviewed: then it is for the reviewer to reject.
    """
    authorize(session, actor, FILL, rule="CUST-14")
    lock(session, form)
    if form.state != "draft":
        withdraw(session, form, actor=actor, now=now)
        return
    while lines := list(session.scalars(select(CustomerFormLine).where(CustomerFormLine.form_id == form.id).limit(BLOCK))):
        for line in lines:
            session.delete(line)
        session.flush()
    session.delete(form)
    session.flush()


def changes_something(target: Customer, row: Mapping[str, Any]) -> bool:
    """Whether an imported row would change its customer at all."""
    base = values_of(target)
    return bool(changed_fields(base, {name: value for name, value in row.items() if name in base}))
