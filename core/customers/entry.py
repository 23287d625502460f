"""Entry: what an approved form says becomes the register, by the data officer's hand (CUST-10, CUST-17).

Number, customer, search text, the form's mark and the steps are one transaction. An import is entered in blocks: while it
is *entering* each block is complete in itself, so a run that was cut short goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core.audit import services as audit
from core.auth.actor import Actor
from core.bulk import insert_columns
from core.customers import erasure, indexing, merging, officers, steps, telling
from core.customers.domain import FIELDS, changed_fields, field_labels
from core.customers.models import Customer, CustomerAlias, CustomerForm, CustomerFormLine, CustomerState
from core.customers.services import _expect, lock, refuse_erased
from core.database import section
from core.errors import Conflict
from core.i18n import lazy_gettext as _l
from core.numbering import next_number, next_numbers

COUNTER = "customer"
BLOCK = 1_000
VALUES = (*FIELDS, "extra")
_customers: Any = Customer.__table__
_lines: Any = CustomerFormLine.__table__
_state: Any = CustomerState.__table__


def enter(session: Session, form: CustomerForm, *, actor: Actor, now: datetime) -> CustomerForm:
    """Enter an approved form: a new customer gets its number now, a changed one its new values (CUST-17).

    Only the data officer, or the deputy in the officer's absence (CUST-10). Conflict when a field that the form changes
    was changed by another form since, or two customers cannot become one. An import is entered whole, in the caller's transaction.
    """
    officers.authorize_entry(session, actor, now=now)
    lock(session, form)
    if form.kind == "import":
        return enter_import(session, form, actor=actor, now=now)
    _expect(form, "approved")
    _begin(session, form)
    if form.kind == "erase":
        erasure.enter(session, form, now=now)
    elif form.kind == "unmerge":
        merging.undo(session, form, actor=actor, now=now)
        form.line.state = "entered"
        session.flush()
    else:
        merge = merging.begin(session, form) if form.kind == "merge" else None
        _enter_line(session, form, form.line, now)
        if merge is not None:
            merging.take_in(session, form, merge, actor=actor, now=now)
    return _finish(session, form, actor, now)


def _begin(session: Session, form: CustomerForm) -> None:
    form.state = "entering"
    session.flush()


def _finish(session: Session, form: CustomerForm, actor: Actor, now: datetime) -> CustomerForm:
    form.state, form.entered_by, form.entered_at = "entered", actor.user_id, now
    audit.name_action(session, form, "enter")
    session.flush()
    steps.entered(session, form, actor=actor, now=now)
    telling.entered(session, form, actor=actor, now=now)
    return form


# --- one line --------------------------------------------------------------------------------------------------------


def _enter_line(session: Session, form: CustomerForm, line: CustomerFormLine, now: datetime) -> Customer:
    customer = _create(session, form, line, now) if line.action == "create" else _update(session, form, line, now)
    line.customer, line.state = customer, "entered"
    session.flush()
    former = _keep_references(session, form, [(customer.id, line.reference)], now)
    if line.action == "create":
        row = {"id": customer.id, "number": customer.number, **{name: getattr(line, name) for name in VALUES}}
        indexing.add_rows(session, [indexing.search_row(row, indexing.Places(session), former.get(customer.id, ()))])
    else:
        indexing.reindex(session, ids=[customer.id])
    return customer


def _create(session: Session, form: CustomerForm, line: CustomerFormLine, now: datetime) -> Customer:
    customer = Customer(number=next_number(session, COUNTER), subject_id=line.subject_id, form_id=form.id, line_id=line.id, imported=form.imported,
                        created_at=now, changed_at=now, **{name: getattr(line, name) for name in VALUES})
    session.add(customer)
    audit.name_action(session, customer, "create", form_number=form.number)
    session.flush()
    session.add(CustomerState(customer_id=customer.id, confirmed_at=None if form.imported else form.filled_at, confirmed_by=form.made_by))
    return customer


def _update(session: Session, form: CustomerForm, line: CustomerFormLine, now: datetime) -> Customer:
    customer = session.get_one(Customer, line.customer_id)
    refuse_erased(session, customer)
    base = line.base or {}
    changed = changed_fields(base, {name: getattr(line, name) for name in VALUES})
    lost = [name for name in changed if (getattr(customer, name) or None) not in ((base.get(name) or None), (getattr(line, name) or None))]
    if lost:
        labels = str(_l(", ")).join(str(field_labels().get(name, name)) for name in lost)
        raise Conflict(
            _l("Since this form was filled, another form changed: %(fields)s. Have it rejected and fill a new one from today's data.", fields=labels),
            value=lost[0], rule="CUST-13")
    for name in changed:
        setattr(customer, name, getattr(line, name))
    customer.form_id, customer.line_id, customer.changed_at = form.id, line.id, now
    audit.name_action(session, customer, "update", form_number=form.number)
    session.flush()
    state = session.get_one(CustomerState, customer.id)
    if form.kind == "modify" and not form.imported:
        state.confirmed_at, state.confirmed_by = form.filled_at, form.made_by
    return customer


# --- imports ---------------------------------------------------------------------------------------------------------


def begin_import(session: Session, form: CustomerForm, *, actor: Actor, now: datetime) -> None:
    """Take an approved import form into entry, or go on with one that was cut short."""
    officers.authorize_entry(session, actor, now=now)
    lock(session, form)
    if form.state != "entering":
        _expect(form, "approved")
        _begin(session, form)


def enter_block(session: Session, form: CustomerForm, *, actor: Actor, now: datetime, size: int = BLOCK) -> int:
    """Enter the next lines of an import, at most ``size``; returns how many are left. With the last the form is entered.

    Numbers come as one block of the counter, in the order of the lines.
    """
    officers.authorize_entry(session, actor, now=now)
    _expect(form, "entering")
    lines: list[Any] = list(session.execute(
        select(_lines).where(_lines.c.form_id == form.id, _lines.c.state == "open").order_by(_lines.c.position).limit(size)).mappings())
    _create_many(session, form, [line for line in lines if line["action"] == "create"], now)
    for line in (line for line in lines if line["action"] == "update"):
        _enter_line(session, form, session.get_one(CustomerFormLine, line["id"]), now)
    left = form.line_count - lines[-1]["position"] if lines else 0  # lines are entered in their order, none is passed over
    if left == 0:
        _finish(session, form, actor, now)
    return left


def enter_import(session: Session, form: CustomerForm, *, actor: Actor, now: datetime) -> CustomerForm:
    """Enter a whole import in the caller's transaction, block by block: all of it or nothing."""
    begin_import(session, form, actor=actor, now=now)
    while enter_block(session, form, actor=actor, now=now):
        pass
    return form


def open_lines(session: Session, form: CustomerForm) -> int:
    """How many lines of a form are not entered yet."""
    return session.scalar(select(func.count()).where(CustomerFormLine.form_id == form.id, CustomerFormLine.state == "open")) or 0


def _create_many(session: Session, form: CustomerForm, lines: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Create the customers of a block through the sanctioned bulk writer, which logs the same entries as a flush would."""
    if not lines:
        return
    numbers = next_numbers(session, COUNTER, len(lines))
    rows = [_row(form, line, number, now) for line, number in zip(lines, numbers, strict=True)]
    ids = audit.bulk(session, Customer, rows, form_number=form.number)
    places = indexing.Places(session)
    former = _keep_references(session, form, [(customer_id, line["reference"]) for customer_id, line in zip(ids, lines, strict=True)], now)
    found = [indexing.search_row({"id": customer_id, **row}, places, former.get(customer_id, ())) for customer_id, row in zip(ids, rows, strict=True)]
    mark = (update(_lines).where(_lines.c.form_id == form.id, _lines.c.position.between(lines[0]["position"], lines[-1]["position"]),
                                 _lines.c.action == "create", _lines.c.state == "open", _customers.c.line_id == _lines.c.id)
            .values(state="entered", customer_id=_customers.c.id))
    with section("customer entry"):
        insert_columns(session, _state, {"customer_id": ids}, len(ids))
        session.execute(mark)
    indexing.add_rows(session, found)


def _keep_references(
    session: Session, form: CustomerForm, pairs: Sequence[tuple[int, str | None]], now: datetime,
) -> dict[int, tuple[str, ...]]:
    """Keep numbers of a former register as aliases, so that they find the customer; one that is taken stays where it is."""
    given = {reference: customer_id for customer_id, reference in pairs if reference}
    if not given:
        return {}
    taken = set(session.scalars(select(CustomerAlias.number).where(CustomerAlias.number.in_(given))))
    rows: list[dict[str, Any]] = [{"customer_id": customer_id, "number": reference, "form_id": form.id, "created_at": now}
                                  for reference, customer_id in given.items() if reference not in taken]
    audit.bulk(session, CustomerAlias, rows, form_number=form.number)
    return {row["customer_id"]: (row["number"],) for row in rows}


def _row(form: CustomerForm, line: Mapping[str, Any], number: str, now: datetime) -> dict[str, Any]:
    return {"number": number, "subject_id": line["subject_id"], "form_id": form.id, "line_id": line["id"], "imported": form.imported,
            "created_at": now, "changed_at": now, **{name: line[name] for name in VALUES}}
