"""The life of a form: filled, reviewed, approved or rejected, entered, filed (manual 6.2); and what is done without one.

Each function judges what the database holds now, changes models and flushes; refusals carry the rule they rest on. Entry
itself is in ``core.customers.entry``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import settings
from core.audit import services as audit
from core.auth.actor import Actor, authorize
from core.auth.services import refuse_own, require_approver
from core.customers import officers, queries, steps, telling
from core.customers.domain import FIELDS, changed_fields, name_key
from core.customers.models import Customer, CustomerForm, CustomerFormLine, CustomerInfluence, CustomerState
from core.customers.values import Rules, clean, values_of
from core.database import section
from core.errors import AppError, Conflict, InvalidInput, NotAllowed, NotFound
from core.i18n import lazy_gettext as _l
from core.imports.models import Import
from core.keys import has_key, new_subject
from core.numbering import next_value, printed
from core.sending import made_before
from core.text import check_plain, isolate

DECISION = "customers.change"
FILL, REVIEW, APPROVE, FILE = "customers.fill", "customers.review", "customers.approve", "customers.file"
IMPORT_KEY = "import-"
"""With the number of an import, the operation key of the form that its lines became."""
STATE_WORDS = {
    "draft": _l("a draft"), "filled": _l("waiting for review"), "reviewed": _l("waiting for approval"), "approved": _l("waiting for entry"),
    "entering": _l("being entered"), "entered": _l("entered"), "rejected": _l("rejected"), "withdrawn": _l("withdrawn"), "filed": _l("filed"),
}


# --- filling ---------------------------------------------------------------------------------------------------------


def fill_form(
    session: Session, values: Mapping[str, Any], *, actor: Actor, now: datetime, customer: Customer | None = None,
    form: CustomerForm | None = None, draft: bool = False, operation_key: str | None = None, not_duplicates: bool = False,
) -> CustomerForm:
    """Fill a form for a new customer, or to change ``customer`` (CUST-11…14); ``form`` continues a draft.

    ``values`` maps names of ``domain.FIELDS`` (and ``extra``, a mapping of optional fields) to what was typed; those not
    named keep the register's value. A draft needs a name only and can be deleted. The same ``operation_key`` again returns
    the first form. Raises InvalidInputs with every fault.
    """
    authorize(session, actor, FILL, rule="CUST-14")
    earlier = made_before(session, CustomerForm, operation_key, made_by=actor.user_id)
    if earlier is not None:
        return earlier
    if form is not None:
        _check_draft(session, form, actor)
        customer = form.line.customer
    if customer is not None:
        _check_target(session, customer, form, actor)
    base = values_of(customer) if customer is not None else _defaults(session, actor)
    proposed = clean(Rules(session, "draft" if draft else "modify" if customer is not None else "new"), values, base)
    if customer is not None and not draft and not changed_fields(base, proposed):
        raise InvalidInput(_l("Nothing differs from the register. Change at least one field, or leave the form."), rule="CUST-13")
    form = form or _new_form(session, "modify" if customer is not None else "new", customer, actor, now, operation_key)
    form.not_duplicates = not_duplicates
    _write_line(form.line, proposed, base if customer is not None else None)
    session.flush()
    return form if draft else _send(session, form, actor, now)


def _check_draft(session: Session, form: CustomerForm, actor: Actor) -> None:
    lock(session, form)
    _expect(form, "draft")
    _check_own(form, actor)
    customer = form.line.customer
    if customer is not None and customer.subject_id != form.line.subject_id:
        raise Conflict(_l("The customer of this draft was merged into another since. Delete the draft and begin anew from today's record."), rule="CUST-13")


def _check_own(form: CustomerForm, actor: Actor) -> None:
    if form.made_by != actor.user_id:
        raise NotAllowed(_l("A draft belongs to the person who began it."), rule="CUST-14")


def _check_target(session: Session, customer: Customer, form: CustomerForm | None, actor: Actor) -> None:
    if not queries.may_read(session, customer.id, actor):
        raise NotFound(_l("There is no such customer, or it is not among the records you may read."), rule="CUST-37")
    refuse_erased(session, customer)
    under_way = queries.open_form_of(session, customer.id)
    if under_way is not None and under_way is not form:
        raise Conflict(_l("The form %(number)s for this customer is under way. Wait until it is entered or rejected.", number=under_way.number), rule="CUST-13")


def refuse_erased(session: Session, customer: Customer) -> None:
    """Nothing is written of a customer any more whose data was erased; the number stays and is nobody's."""
    if not has_key(session, customer.subject_id):
        raise Conflict(_l("The data of customer %(number)s was erased; nothing can be recorded of it any more. Register the person anew if they ask for it.",
                          number=isolate(printed(customer.number))), value=customer.number, rule="CUST-06")


def _defaults(session: Session, actor: Actor) -> dict[str, Any]:
    """A new customer belongs to its maker's department (CUST-37)."""
    return {**dict.fromkeys(FIELDS), "extra": None, "department_id": actor.department_id}


def _new_form(session: Session, kind: str, customer: Customer | None, actor: Actor, now: datetime, operation_key: str | None) -> CustomerForm:
    subject = customer.subject_id if customer is not None else new_subject(session)
    form = CustomerForm(kind=kind, state="draft", line_count=1, subject_id=subject, operation_key=operation_key or None, made_by=actor.user_id, made_at=now,
                        imported=False, not_duplicates=False)
    form.lines = [CustomerFormLine(position=1, action="update" if customer is not None else "create", state="open", customer=customer, subject_id=subject,
                                   name="", customer_class="other", name_key="")]
    session.add(form)
    return form


def _write_line(line: CustomerFormLine, proposed: Mapping[str, Any], base: Mapping[str, Any] | None) -> None:
    for name, value in proposed.items():
        if getattr(line, name) != value:
            setattr(line, name, value)
    line.name_key = name_key(proposed["name"] or "")
    if line.base != base:
        line.base = dict(base) if base is not None else None


def _send(session: Session, form: CustomerForm, actor: Actor, now: datetime) -> CustomerForm:
    """Number the form and put it before the reviewer."""
    form.number = next_form_number(session, now)
    form.state, form.filled_at = "filled", now
    audit.name_action(session, form, "fill")
    session.flush()
    steps.begin(session, form, actor=actor, now=now)
    return form


def next_form_number(session: Session, now: datetime) -> str:
    """``F-2026-0731``: counted per year of the association's calendar, without gaps."""
    year = now.astimezone(settings.time_zone(session)).year
    return f"F-{year}-{next_value(session, f'customer_form_{year}'):04d}"


def delete_draft(session: Session, form: CustomerForm, *, actor: Actor) -> None:
    """Delete one's own draft; nothing else can be deleted."""
    authorize(session, actor, FILL, rule="CUST-14")
    lock(session, form)
    _expect(form, "draft")
    _check_own(form, actor)
    for line in list(form.lines):
        session.delete(line)
    session.delete(form)
    session.flush()


# --- reviewing and deciding ------------------------------------------------------------------------------------------


def review(session: Session, form: CustomerForm, *, actor: Actor, now: datetime) -> CustomerForm:
    """Mark a filled form as reviewed (CUST-15)."""
    authorize(session, actor, REVIEW, rule="CUST-15")
    lock(session, form)
    _expect(form, "filled")
    form.state, form.reviewed_by, form.reviewed_at = "reviewed", actor.user_id, now
    audit.name_action(session, form, "review")
    session.flush()
    steps.reviewed(session, form, actor=actor, now=now)
    return form


def approve(session: Session, form: CustomerForm, *, actor: Actor, now: datetime) -> CustomerForm:
    """Approve a reviewed form (CUST-16); never by its maker, in person or on his behalf (ORG-09)."""
    _authorize_decision(session, form, actor)
    _expect(form, "reviewed")
    form.state, form.decided_by, form.decided_at = "approved", actor.user_id, now
    audit.name_action(session, form, "approve")
    session.flush()
    steps.approved(session, form, actor=actor, now=now)
    telling.approved(session, form, actor=actor, now=now)
    return form


def reject(session: Session, form: CustomerForm, reason: str, *, actor: Actor, now: datetime) -> CustomerForm:
    """Reject a reviewed form with a reason; the register stays as it is and no number is used (CUST-16).

    An approved form that cannot be entered, because the register has moved on, is rejected in the same way.
    """
    _authorize_decision(session, form, actor)
    reason = check_plain(reason or "", field="reason", multiline=True).strip()
    if not reason:
        raise InvalidInput(_l("Write why the form is rejected, so that its maker can mend it."), field="reason", rule="CUST-16")
    if len(reason) > 2000:
        raise InvalidInput(_l("At most %(n)s characters; this has %(found)s.", n=2000, found=len(reason)), field="reason", value=reason)
    _expect(form, "reviewed", "approved")
    form.state, form.decided_by, form.decided_at, form.reason = "rejected", actor.user_id, now, reason
    audit.name_action(session, form, "reject")
    session.flush()
    _drop_lines(session, form)
    steps.rejected(session, form, actor=actor, now=now)
    telling.rejected(session, form, actor=actor, now=now)
    return form


def withdraw(session: Session, form: CustomerForm, *, actor: Actor, now: datetime) -> CustomerForm:
    """Take back one's own form while nobody has reviewed it; it is kept, and nothing comes of it."""
    authorize(session, actor, FILL, rule="CUST-14")
    lock(session, form)
    if form.made_by != actor.user_id:
        raise NotAllowed(_l("Only the person who filled a form withdraws it; others reject it."), rule="CUST-14")
    _expect(form, "filled")
    form.state = "withdrawn"
    audit.name_action(session, form, "withdraw")
    session.flush()
    _drop_lines(session, form)
    steps.withdrawn(session, form, actor=actor, now=now)
    return form


def _drop_lines(session: Session, form: CustomerForm) -> None:
    # The mark only says that the line is settled; what happened is logged with the form.
    with section("customer forms"):
        session.execute(update(CustomerFormLine).where(CustomerFormLine.form_id == form.id).values(state="dropped"))


def _authorize_decision(session: Session, form: CustomerForm, actor: Actor) -> None:
    authorize(session, actor, APPROVE, rule="CUST-16")
    lock(session, form)
    makers = makers_of(session, form)
    for maker in makers:
        refuse_own(actor, maker, delegator=actor.delegator_for(APPROVE))
    require_approver(session, DECISION, actor, made_by=makers)


def makers_of(session: Session, form: CustomerForm) -> list[int | None]:
    """Who prepared a form: its maker, and of an import also who sent the file."""
    number = (form.operation_key or "").removeprefix(IMPORT_KEY)
    sent = session.scalars(select(Import.made_by_id).where(Import.id == int(number))) if form.kind == "import" and number.isdigit() else ()
    return [form.made_by, *sent]


def file_form(session: Session, form: CustomerForm, *, actor: Actor, now: datetime) -> CustomerForm:
    """Put a finished form in the archive; from then on the database lets nobody change it (CUST-18)."""
    authorize(session, actor, FILE, rule="CUST-18")
    lock(session, form)
    _expect(form, "entered", "rejected", "withdrawn")
    form.state, form.filed_by, form.filed_at = "filed", actor.user_id, now
    audit.name_action(session, form, "file")
    session.flush()
    steps.filed(session, form, actor=actor, now=now)
    return form


def lock(session: Session, form: CustomerForm) -> None:
    """Read the form anew and hold it until the transaction ends, so that of two deciders one finds it decided."""
    session.flush()
    session.refresh(form, with_for_update=True)


def _expect(form: CustomerForm, *states: str) -> None:
    if form.state not in states:
        raise Conflict(_l("The form %(number)s is %(state)s; this can be done only while it is %(expected)s.", number=form.number or "–",
                          state=STATE_WORDS[form.state], expected=STATE_WORDS[states[0]]), value=form.state, rule="CUST-11")


# --- many at once ----------------------------------------------------------------------------------------------------


@dataclass
class Outcome:
    """What became of many forms: those done, and those refused with the reason."""

    done: list[CustomerForm] = field(default_factory=list)
    refused: list[tuple[CustomerForm, AppError]] = field(default_factory=list)


def each(session: Session, forms: Iterable[CustomerForm], act: Callable[[CustomerForm], Any]) -> Outcome:
    """Do ``act`` to each form by itself: one that is refused is left as it was, and the others are done."""
    outcome = Outcome()
    for form in forms:
        try:
            with session.begin_nested():
                act(form)
        except AppError as error:
            outcome.refused.append((form, error))
        else:
            outcome.done.append(form)
    return outcome


def bulk_review(session: Session, forms: Iterable[CustomerForm], *, actor: Actor, now: datetime) -> Outcome:
    return each(session, forms, lambda form: review(session, form, actor=actor, now=now))


def bulk_approve(session: Session, forms: Iterable[CustomerForm], *, actor: Actor, now: datetime) -> Outcome:
    return each(session, forms, lambda form: approve(session, form, actor=actor, now=now))


def bulk_reject(session: Session, forms: Iterable[CustomerForm], reason: str, *, actor: Actor, now: datetime) -> Outcome:
    return each(session, forms, lambda form: reject(session, form, reason, actor=actor, now=now))


def bulk_file(session: Session, forms: Iterable[CustomerForm], *, actor: Actor, now: datetime) -> Outcome:
    return each(session, forms, lambda form: file_form(session, form, actor=actor, now=now))


# --- without a form --------------------------------------------------------------------------------------------------


def confirm(session: Session, customer: Customer, *, actor: Actor, now: datetime) -> CustomerState:
    """Record that somebody asked the customer and the data is right (CUST-01); the data itself does not change."""
    authorize(session, actor, FILL, rule="CUST-01")
    if not queries.may_read(session, customer.id, actor):
        raise NotFound(_l("There is no such customer, or it is not among the records you may read."), rule="CUST-37")
    state = session.get_one(CustomerState, customer.id)
    state.confirmed_at, state.confirmed_by = now, actor.user_id
    session.flush()
    return state


def add_influence(
    session: Session, customer: Customer, *, kind: str, influencer: Customer | None = None, name: str = "", actor: Actor, now: datetime,
) -> CustomerInfluence:
    """Name who influences a customer's decisions: another customer, or somebody by name (CUST-02). The data officer's act."""
    officers.authorize_entry(session, actor, now=now)
    refuse_erased(session, customer)
    kind, name = check_plain(kind, field="kind").strip(), check_plain(name, field="influencer_name").strip()
    if not kind:
        raise InvalidInput(_l("Write how this person influences the customer's decisions."), field="kind", rule="CUST-02")
    if (influencer is None) == (not name):
        raise InvalidInput(_l("Give either a customer number or a name."), field="influencer_name", rule="CUST-02")
    if influencer is customer:
        raise InvalidInput(_l("A customer does not influence itself."), field="influencer_number", rule="CUST-02")
    row = CustomerInfluence(customer_id=customer.id, influencer_id=influencer.id if influencer is not None else None, influencer_name=name[:300] or None,
                            kind=kind[:100], subject_id=customer.subject_id)
    session.add(row)
    session.flush()
    return row


def remove_influence(session: Session, influence: CustomerInfluence, *, actor: Actor, now: datetime) -> None:
    officers.authorize_entry(session, actor, now=now)
    session.delete(influence)
    session.flush()
