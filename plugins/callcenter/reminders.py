"""Reminders: a customer is to be reminded of something at a time, by telephone or e-mail, and what came of it is written down (CALL-14).

One by telephone stands in the inbox at its hour; one by e-mail leaves by itself when it is due, after consent was asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.audit import services as audit
from core.auth.actor import Actor, authorize, system_actor
from core.calendar import day_words, local_day
from core.consent import services as consent
from core.consent.domain import EMAIL, PHONE
from core.customers import queries as customers
from core.customers.models import Customer
from core.errors import AppError, Conflict, InvalidInput, InvalidInputs, NotFound
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.i18n import use_language
from core.notices import services as notices
from core.notices.models import FAILED, Mail
from core.procedures import services as procedures
from core.sending import made_before
from core.text import clean
from plugins.callcenter import domain, services
from plugins.callcenter.models import Reminder

REMINDERS, REMIND = "REMINDERS", 1
CHANNELS = {PHONE: _l("by telephone"), EMAIL: _l("by e-mail")}
STATES = {domain.OPEN: _l("to be reminded"), domain.DONE: _l("reminded"), domain.DROPPED: _l("not needed")}
AFTER = ("came", domain.MISSED)
"""What is known only after the time of the thing itself."""
BLOCK = 200
LINES = "%(greeting)s\n\n%(about)s\n%(when)s\n%(association)s\n\n%(withdraw)s\n"


def plan(session: Session, values: Mapping[str, Any], *, actor: Actor, now: datetime, operation_key: str | None = None) -> Reminder:
    """Plan a reminder. ``values``: customer_number, kind, channel, about, due_at, and about_at where the thing has its own time.

    Raises InvalidInputs with every fault; NotAllowed where the customer may not be contacted by this channel at all.
    """
    authorize(session, actor, services.RECORD, rule="CALL-14")
    known = made_before(session, Reminder, operation_key, made_by_id=actor.user_id)
    if known is not None:
        return known
    customer, read = _read(session, values, actor, now)
    consent.check_contact(session, customer.id, read["channel"], services.PURPOSE, actor=actor, now=read["due_at"], made=True)
    reminder = Reminder(**read, customer_id=customer.id, subject_id=customer.subject_id, state=domain.OPEN, made_at=now, made_by_id=actor.user_id,
                        operation_key=operation_key or None)
    session.add(reminder)
    session.flush()
    if reminder.channel == PHONE:
        procedures.open_step(session, REMINDERS, REMIND, record=reminder, now=now, due_at=reminder.due_at)
    return reminder


def _read(session: Session, values: Mapping[str, Any], actor: Actor, now: datetime) -> tuple[Customer, dict[str, Any]]:
    faults: list[InvalidInput] = []
    customer, about = None, ""
    try:
        customer = customers.readable(session, str(values.get("customer_number") or ""), actor, field="customer_number")
    except InvalidInput as error:
        faults.append(error)
    try:
        about = clean(str(values.get("about") or ""), "about", multiline=True, longest=domain.LONGEST_NOTE, missing=_l("Write what to remind him of."))
    except InvalidInput as error:
        faults.append(error)
    given = {key: str(values.get(key) or "") for key in ("kind", "channel")}
    due_at, about_at = values.get("due_at"), values.get("about_at")
    for field, wrong, message in (
        ("kind", given["kind"] not in domain.reminder_kinds(), _l("Choose what it is about.")),
        ("channel", given["channel"] not in CHANNELS, _l("Choose telephone or e-mail.")),
        ("due_at", due_at is None or due_at <= now, _l("Say when to remind him: a time that is still to come.")),
        ("about_at", about_at is not None and due_at is not None and about_at < due_at, _l("He is to be reminded before it is, not afterwards.")),
        ("channel", customer is not None and given["channel"] == EMAIL and not customer.email, _l("No e-mail address of this customer is recorded.")),
        ("channel", customer is not None and given["channel"] == PHONE and not (customer.mobile or customer.phone),
         _l("No telephone number of this customer is recorded.")),
    ):
        if wrong:
            faults.append(InvalidInput(message, field=field, rule="CALL-14"))
    if faults or customer is None:
        raise InvalidInputs(faults)
    return customer, {**given, "about": about, "due_at": due_at, "about_at": about_at}


def note_result(
    session: Session, reminder: Reminder, values: Mapping[str, Any], *, actor: Actor, now: datetime, operation_key: str | None = None,
) -> Reminder:
    """Write down what came of it: ``result``, and the call itself where one was made (``duration``, ``note``).

    By telephone: reminded, or could not be reached. After the thing itself, of a reminder by either way: came, or did not.
    """
    authorize(session, actor, services.RECORD, rule="CALL-14")
    session.refresh(reminder, with_for_update=True)
    result = str(values.get("result") or "")
    if result not in results_for(reminder, now):
        raise InvalidInput(_l("Choose what came of it."), field="result", value=result[:40] or None, rule="CALL-14")
    if reminder.state == domain.DROPPED:
        raise Conflict(_l("This reminder is settled already: %(state)s.", state=STATES[reminder.state]), rule="CALL-14")
    if reminder.channel == PHONE and result in ("reminded", "not_reached"):
        reminder.attempts += 1
        reminder.call_id = _call(session, reminder, result, values, actor, now, operation_key)
    reminder.note = clean(str(values.get("note") or ""), "note", multiline=True, longest=domain.LONGEST_NOTE) or reminder.note
    reminder.result = result
    _settle(session, reminder, domain.DONE, actor, now, "result")
    return reminder


def results_for(reminder: Reminder, now: datetime) -> list[str]:
    """What can be written down now: whether somebody came only after the time of the thing."""
    over = (reminder.about_at or reminder.due_at) <= now
    if reminder.state == domain.DROPPED or reminder.result in AFTER:
        return []
    first = ["reminded", "not_reached"] if reminder.state == domain.OPEN and reminder.channel == PHONE else []
    return [*first, *(AFTER if over else ())]


def _call(session: Session, reminder: Reminder, result: str, values: Mapping[str, Any], actor: Actor, now: datetime, key: str | None) -> int:
    customer = session.get_one(Customer, reminder.customer_id)
    call = services.log_call(session, {
        "direction": domain.OUT, "subject": "follow_up", "result": "informed" if result == "reminded" else "no_answer", "duration": values.get("duration"),
        "note": values.get("note"), "customer_number": customer.number, "phone": customer.mobile or customer.phone or "",
    }, actor=actor, now=now, operation_key=key)
    return call.id


def drop(session: Session, reminder: Reminder, reason: str, *, actor: Actor, now: datetime) -> Reminder:
    """It is not needed any more, for a reason."""
    authorize(session, actor, services.RECORD, rule="CALL-14")
    session.refresh(reminder, with_for_update=True)
    if reminder.state != domain.OPEN:
        raise Conflict(_l("This reminder is settled already: %(state)s.", state=STATES[reminder.state]), rule="CALL-14")
    reminder.note = clean(reason, "reason", multiline=True, longest=domain.LONGEST_NOTE, missing=_l("Say why he is not to be reminded."))
    _settle(session, reminder, domain.DROPPED, actor, now, "drop")
    return reminder


def _settle(session: Session, reminder: Reminder, state: str, actor: Actor, now: datetime, action: str) -> None:
    first = reminder.state == domain.OPEN
    reminder.state, reminder.settled_at, reminder.settled_by_id = state, now, actor.user_id
    audit.name_action(session, reminder, action)
    if first and reminder.channel == PHONE and state == domain.DONE:
        procedures.close_step(session, REMINDERS, REMIND, record=reminder, actor=actor, now=now, outcome=reminder.result)
    elif first and reminder.channel == PHONE:
        procedures.cancel_steps(session, record=reminder, actor=actor, now=now, code=REMINDERS)
    session.flush()


# --- by e-mail ---------------------------------------------------------------------------------------------------------


def send_due(session: Session, arguments: Mapping[str, Any], now: datetime) -> None:
    """The job: mail what is due, to who may be written to; where he withdrew meanwhile, the planner is told. Then see what became of earlier mails."""
    actor = system_actor("job", "reminders")
    session.info["actor"] = actor
    waiting = sa.select(Reminder).where(Reminder.state == domain.OPEN, Reminder.channel == EMAIL, Reminder.due_at <= now).order_by(Reminder.due_at, Reminder.id)
    for reminder in session.scalars(waiting.limit(BLOCK).with_for_update()).all():
        _send(session, reminder, actor, now)
    _look_after(session, actor, now)


def _send(session: Session, reminder: Reminder, actor: Actor, now: datetime) -> None:
    customer = session.get_one(Customer, reminder.customer_id)
    try:
        address = consent.reach(session, customer, EMAIL, services.PURPOSE, actor=actor, now=now)
        mail = notices.queue_mail(session, to=address, now=now, unique_key=f"callcenter.reminder:{reminder.id}", **_text(session, reminder, customer, now))
        reminder.mail_id, reminder.result = mail.id, domain.SENT
    except AppError as error:
        reminder.result = "not_reached"
        with use_language(str(settings.get(session, "core.language"))):
            reminder.note = str(error.message)
        _tell(session, reminder, now)
    _settle(session, reminder, domain.DONE, actor, now, "mail")


def _text(session: Session, reminder: Reminder, customer: Customer, now: datetime) -> dict[str, str]:
    """The mail in the association's language; its last line is the address at which he withdraws (PERM-02)."""
    code = str(settings.get(session, "core.language"))
    association = session.info["association"]
    with use_language(code):
        when = ""
        if reminder.about_at is not None:
            here = reminder.about_at.astimezone(settings.time_zone(session))
            when = _("Time: %(day)s, %(hour)s", day=day_words(local_day(reminder.about_at, settings.time_zone(session))), hour=f"{here:%H:%M}") + "\n"
        body = LINES % {"greeting": _("Dear %(name)s,", name=customer.name), "about": reminder.about, "when": when, "association": association.name,
                        "withdraw": _way_out(session, customer, association.hosts, now)}
        return {"subject": str(_("Reminder: %(what)s", what=domain.reminder_kinds()[reminder.kind])), "body": body, "language": code}


def _way_out(session: Session, customer: Customer, hosts: Sequence[str], now: datetime) -> str:
    """How he receives no more: by his link where the association has a host of its own, else by an answer."""
    link = consent.links(session, [customer.id], now=now)[customer.id]
    return str(_("To receive no more messages: %(link)s", link=f"https://{hosts[0]}{link}") if hosts else _("To receive no more messages, answer this mail."))


def _tell(session: Session, reminder: Reminder, now: datetime) -> None:
    notices.notify(session, [reminder.made_by_id], _l("A reminder by e-mail could not be sent. Reach the customer otherwise, or note that it is not needed."),
                   link=f"/callcenter/reminders/{reminder.id}", now=now)


def _look_after(session: Session, actor: Actor, now: datetime) -> None:
    """Mails that the server refused for good: the reminder has not reached its customer, and who planned it is told."""
    failed = sa.select(Reminder).join(Mail, Mail.id == Reminder.mail_id).where(Reminder.result == domain.SENT, Mail.state == FAILED).order_by(Reminder.id)
    for reminder in session.scalars(failed.limit(BLOCK)).all():
        reminder.result = "not_reached"
        audit.name_action(session, reminder, "mail_failed")
        _tell(session, reminder, now)
    session.flush()


# --- looking -----------------------------------------------------------------------------------------------------------


def scope(query: sa.Select[Any], actor: Actor) -> sa.Select[Any]:
    """Reminders of customers that this actor may read (CUST-37)."""
    if customers.scope_of(actor) == "all":
        return query
    return query.where(Reminder.customer_id.in_(customers.scope(sa.select(Customer.id), actor)))


def reminder_for(session: Session, reminder_id: int, actor: Actor) -> Reminder:
    """The reminder with this id, for whom its customer may be read by; otherwise NotFound, whether it exists or not (CUST-37)."""
    found = session.scalar(scope(sa.select(Reminder).where(Reminder.id == reminder_id), actor))
    if found is None:
        raise NotFound(_l("There is no reminder %(id)s, or its customer is not among those you may read.", id=reminder_id), rule="CUST-37")
    return found


