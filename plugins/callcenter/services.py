"""What happens to a call and to a promised call-back, and who may do it. Pages and what comes from the exchange call this."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import messages, settings
from core.audit import services as audit
from core.auth.actor import Actor, authorize
from core.auth.models import User
from core.consent import services as consent
from core.consent.domain import ALL
from core.customers import queries as customers
from core.customers.models import Customer
from core.errors import AppError, Conflict, InvalidInput, InvalidInputs, NotAllowed, NotFound, faults
from core.i18n import lazy_gettext as _l
from core.keys import new_subject
from core.messages import Message, Taken
from core.phones import parse_phone
from core.procedures import services as procedures
from core.sending import made_before
from core.text import clean, isolate
from plugins.callcenter import domain, queries, tasks
from plugins.callcenter.models import Call, Callback

RECORD, MANAGE = "callcenter.record", "callcenter.manage"
LONGEST_NAME = 200
PURPOSE = "service"
KINDS = ("complaint", "inquiry", "suggestion")
AHEAD = timedelta(minutes=5)
"""So far the clock of whoever types may be before ours."""


# --- writing a call down (CALL-01) -----------------------------------------------------------------------------------


def log_call(
    session: Session, values: Mapping[str, Any], *, purpose: str = PURPOSE, actor: Actor, now: datetime, operation_key: str | None = None,
) -> Call:
    """Write a call down. Raises InvalidInputs with every fault.

    ``values`` hold direction, subject, result; customer_number, or phone and name of somebody unknown, or neither; started_at (now less its
    duration where absent), duration (seconds, or text such as ``3:20``), agent_id (the writer where absent), note; with the result ``callback``
    also due_at and callback_to (CALL-04). Sent twice with the same ``operation_key``, it is one call. Whom this person may not call
    he has not called for ``purpose``: NotAllowed (CALL-10, LEAD-22); a call that came in is always written down.
    """
    authorize(session, actor, RECORD, rule="CALL-01")
    known = made_before(session, Call, operation_key, recorded_by_id=actor.user_id)
    if known is not None:
        return known
    call = _logged(session, values, actor, now, operation_key)
    if call.direction == domain.OUT:
        try:
            _check_called(session, call.customer_id, call.phone, purpose, actor, now)
        except NotAllowed as refused:
            refused.field = "caller"  # beside whom he called, with what was typed
            raise
    return call


def _check_called(session: Session, customer_id: int | None, phone: str | None, purpose: str, actor: Actor, now: datetime) -> None:
    """Whom this call reached may be called; where only the number is known, each customer who has it."""
    owners = [customer_id] if customer_id is not None else []
    if customer_id is None and phone:
        owners = [one for one, _subject in queries.by_phone(session, [phone]).get(phone, ())]
    for one in owners:
        consent.check_contact(session, one, "phone", purpose, actor=actor, now=now, made=True)


def _logged(
    session: Session, values: Mapping[str, Any], actor: Actor, now: datetime, operation_key: str | None, customer: Customer | None = None,
) -> Call:
    reading = Reading(session, values, actor, now, customer)
    read = reading.read()
    who = read.pop("customer")
    call = Call(**read, customer_id=who.id if who is not None else None, subject_id=who.subject_id if who is not None else new_subject(session),
                talk_seconds=read["duration_seconds"] if read["answered"] else 0,
                untimed=int(read["answered"] and values.get("duration") in (None, "")), source="staff", recorded_at=now, recorded_by_id=actor.user_id,
                operation_key=operation_key or None)
    session.add(call)
    session.flush()
    if call.result == "callback":
        _promise(session, call, reading.due_at, reading.callback_to, reading.callback_name, actor, now)
    return call


class Reading:
    """What was typed of a call, judged field by field; faults are collected and raised together."""

    def __init__(self, session: Session, values: Mapping[str, Any], actor: Actor, now: datetime, customer: Customer | None = None) -> None:
        self.session, self.values, self.actor, self.now, self.known = session, values, actor, now, customer
        self.faults: list[InvalidInput] = []
        self.due_at: datetime | None = None
        self.callback_to = self.callback_name = ""

    def read(self) -> dict[str, Any]:
        direction = self._choice("direction", (domain.IN, domain.OUT), _l("Say whether the call came in or went out."))
        subject = self._choice("subject", domain.subjects(), _l("Choose what the call was about."))
        result = self._choice("result", domain.results(), _l("Choose what came of the call."))
        customer = self._customer()
        phone, name = (None, None) if customer is not None else (self._phone("phone"), self._text("name", LONGEST_NAME) or None)
        duration = self._duration()
        found = {
            "direction": direction, "subject": subject, "result": result, "customer": customer, "phone": phone or self._called_at(customer), "name": name,
            "duration_seconds": duration, "started_at": self._started(duration), "answered": domain.is_answered(result), "agent_id": self._agent(),
            "note": self._text("note", domain.LONGEST_NOTE, multiline=True) or None,
        }
        if result == "callback":
            self._callback(customer, phone, name)
        if self.faults:
            raise InvalidInputs(self.faults)
        return found

    def _fault(self, field: str, message: Any, rule: str = "CALL-01") -> None:
        self.faults.append(InvalidInput(message, field=field, value=str(self.values.get(field) or "")[:40] or None, rule=rule))

    def _choice(self, key: str, known: Any, missing: Any) -> str:
        given = str(self.values.get(key) or "")
        if given not in known:
            self._fault(key, _l("“%(value)s” is not one of the choices.", value=given[:40]) if given else missing)
        return given

    def _customer(self) -> Customer | None:
        number = str(self.values.get("customer_number") or "").strip()
        if self.known is not None or not number:
            return self.known
        try:
            return customers.readable(self.session, number, self.actor, field="customer_number")
        except InvalidInput as error:
            self.faults.append(error)
            return None

    def _called_at(self, customer: Customer | None) -> str | None:
        """Of a customer, the number that was typed, so that the call says at which of them; nothing where it was found by name."""
        typed = str(self.values.get("phone") or "").strip()
        if customer is None or not typed:
            return None
        try:
            return parse_phone(typed, settings.get(self.session, "core.country"))
        except InvalidInput:
            return None

    def _phone(self, key: str) -> str | None:
        typed = str(self.values.get(key) or "").strip()
        if not typed:
            return None
        try:
            return parse_phone(typed, settings.get(self.session, "core.country"))
        except InvalidInput as error:
            self.faults.append(InvalidInput(error.message, field=key, value=typed[:40], rule="CALL-01"))
            return None

    def _text(self, key: str, longest: int, *, multiline: bool = False) -> str:
        try:
            return clean(str(self.values.get(key) or ""), key, multiline=multiline, longest=longest)
        except AppError as error:
            self.faults.extend(one for one in faults(error) if isinstance(one, InvalidInput))
            return ""

    def _duration(self) -> int:
        given = self.values.get("duration")
        seconds = given if isinstance(given, int) else domain.seconds_of(str(given)) if given not in (None, "") else 0
        if seconds is None or not 0 <= seconds <= domain.LONGEST_CALL_SECONDS:
            self._fault("duration", _l("“%(value)s” is no length of a call. Write minutes and seconds, such as %(example)s.",
                                       value=isolate(str(given)[:20], "auto"), example=isolate("3:20")))
            return 0
        return seconds

    def _started(self, duration: int) -> datetime:
        at: datetime = self.values.get("started_at") or self.now - timedelta(seconds=duration)
        if at > self.now + AHEAD:
            self._fault("started_at", _l("The time of the call lies in the future."))
        elif at.year < 1990:
            self._fault("started_at", _l("The time of the call lies in the year %(year)s. Write the year of the Gregorian calendar, such as 2026.",
                                         year=at.year))
        return at

    def _agent(self) -> int | None:
        given = str(self.values.get("agent_id") or "")
        if not given:
            return self.actor.user_id
        found = self.session.get(User, int(given)) if given.isascii() and given.isdigit() and len(given) < 10 else None
        if found is None:
            self._fault("agent_id", _l("Choose who spoke."))
            return None
        if found.id != self.actor.user_id and not self.actor.may(MANAGE):
            self._fault("agent_id", _l("Only who keeps the call centre writes down a call of somebody else."))
        return found.id

    def _callback(self, customer: Customer | None, phone: str | None, name: str | None) -> None:
        self.due_at, self.callback_name = self.values.get("due_at"), name or ""
        to = str(self.values.get("callback_to") or "").strip()
        self.callback_to = (self._phone("callback_to") if to else phone or (customer and (customer.mobile or customer.phone))) or ""
        if not self.callback_to and not to:
            self._fault("callback_to", _l("Write the number at which to call back."), "CALL-04")
        if self.due_at is None or self.due_at <= self.now:
            self._fault("due_at", _l("Say until when to call back: a time that is still to come."), "CALL-04")


def describe_call(session: Session, call: Call, *, subject: str, result: str = "", note: str = "", actor: Actor, now: datetime) -> Call:
    """What a call was about and what came of it, for one that the exchange counted and nobody has described yet."""
    authorize(session, actor, RECORD, rule="CALL-01")
    _lock(session, call)
    wrong = [InvalidInput(message, field=field, value=value[:40] or None, rule="CALL-01") for field, value, known, message in (
        ("subject", subject, domain.subjects(), _l("Choose what the call was about.")),
        ("result", result, {"", *domain.results()}, _l("Choose what came of the call."))) if value not in known]
    if wrong:
        raise InvalidInputs(wrong)
    call.subject, call.result = subject, result or None
    call.note = clean(note, "note", multiline=True, longest=domain.LONGEST_NOTE) or None
    call.agent_id = call.agent_id or actor.user_id
    audit.name_action(session, call, "describe")
    session.flush()
    return call


def stop_calling(session: Session, call: Call, *, actor: Actor, now: datetime) -> None:
    """The customer said in this call that he does not want to be called: recorded as his withdrawal, by telephone for every purpose (PERM-02)."""
    customer = session.get(Customer, call.customer_id) if call.customer_id is not None else None
    if customer is None or call.result != domain.NOT_WANTED:
        raise Conflict(_l("A withdrawal is recorded of a call with a customer who said that he does not want to be called."), rule="PERM-02")
    consent.withdraw(session, customer, "phone", ALL, source="call", actor=actor, now=now)


def attach(session: Session, call: Call, number: str, *, actor: Actor, now: datetime) -> Call:
    """Whoever called is this customer: chosen between several with one number, or registered since.

    Whom this person may not call he has not called; what the exchange counted has happened, and is only named.
    """
    authorize(session, actor, RECORD, rule="CALL-01")
    _lock(session, call)
    if call.direction == domain.INTERNAL:
        raise InvalidInput(_l("A call between own extensions is with no customer."), field="customer_number", rule="CALL-01")
    if call.customer_id is not None:
        raise Conflict(_l("This call stands with a customer already."), rule="CALL-01")
    call.customer_id = customers.readable(session, number, actor, field="customer_number").id
    if call.direction == domain.OUT and call.source == "staff":
        _check_called(session, call.customer_id, None, PURPOSE, actor, now)
    audit.name_action(session, call, "customer")
    session.flush()
    return call


# --- call-backs (CALL-04) ----------------------------------------------------------------------------------------------


def _promise(session: Session, call: Call, due_at: datetime | None, phone: str, name: str, actor: Actor, now: datetime) -> Callback:
    assert due_at is not None
    made = Callback(subject_id=call.subject_id, call_id=call.id, customer_id=call.customer_id, name=name or None, phone=phone, subject=call.subject,
                    due_at=due_at, note=call.note, promised_at=now, promised_by_id=actor.user_id)
    session.add(made)
    session.flush()
    procedures.open_step(session, domain.CALLS, domain.CALL_BACK, record=made, now=now, due_at=due_at)
    return made


def complete_callback(
    session: Session, callback: Callback, values: Mapping[str, Any], *, actor: Actor, now: datetime, operation_key: str | None = None,
) -> Call:
    """The call was made: it is recorded, outgoing and with the same person, and the step closes. Nobody answered: it is recorded and stays open.

    Whoever may not be called is not (CALL-10); the hour is not judged, as this is written down after the call. Raises Conflict for one
    that is settled, NotAllowed, InvalidInputs.
    """
    authorize(session, actor, RECORD, rule="CALL-04")
    _lock_open(session, callback)
    _check_called(session, callback.customer_id, callback.phone, PURPOSE, actor, now)
    customer = session.get(Customer, callback.customer_id) if callback.customer_id is not None else None
    given = {**values, "direction": domain.OUT, "customer_number": "", "phone": callback.phone, "name": callback.name or "",
             "subject": values.get("subject") or callback.subject}
    known = made_before(session, Call, operation_key, recorded_by_id=actor.user_id)
    if known is not None:
        return known
    if given.get("result") == "callback":
        raise InvalidInput(_l("A call-back leads to no further promise. Change its hour instead."), field="result", rule="CALL-04")
    call = _logged(session, given, actor, now, operation_key, customer)
    if call.answered:
        tasks.reached_by_call(session, callback.call_id, call, actor=actor, now=now)
        _settle(session, callback, domain.DONE, actor, now)
        callback.done_call_id = call.id
        procedures.close_step(session, domain.CALLS, domain.CALL_BACK, record=callback, actor=actor, now=now, outcome=domain.DONE)
    session.flush()
    return call


def postpone_callback(session: Session, callback: Callback, due_at: datetime | None, *, actor: Actor, now: datetime) -> Callback:
    """Another hour was agreed on; the step moves with it."""
    authorize(session, actor, RECORD, rule="CALL-04")
    _lock_open(session, callback)
    if due_at is None or due_at <= now:
        raise InvalidInput(_l("Say until when to call back: a time that is still to come."), field="due_at", rule="CALL-04")
    callback.due_at = due_at
    procedures.cancel_steps(session, record=callback, actor=actor, now=now, code=domain.CALLS)
    procedures.open_step(session, domain.CALLS, domain.CALL_BACK, record=callback, now=now, due_at=due_at)
    audit.name_action(session, callback, "postpone")
    session.flush()
    return callback


def drop_callback(session: Session, callback: Callback, reason: str, *, actor: Actor, now: datetime) -> Callback:
    """It is not needed any more, for this reason: the customer called in, or does not want it."""
    authorize(session, actor, RECORD, rule="CALL-04")
    _lock_open(session, callback)
    callback.reason = clean(reason, "reason", multiline=True, longest=domain.LONGEST_NOTE, missing=_l("Say why the call is not needed any more."))
    _settle(session, callback, domain.DROPPED, actor, now)
    procedures.cancel_steps(session, record=callback, actor=actor, now=now, code=domain.CALLS)
    audit.name_action(session, callback, "drop")
    session.flush()
    return callback


def _settle(session: Session, callback: Callback, state: str, actor: Actor, now: datetime) -> None:
    callback.state, callback.settled_at, callback.settled_by_id = state, now, actor.user_id


def _lock_open(session: Session, callback: Callback) -> None:
    _lock(session, callback)
    if callback.state != domain.OPEN:
        raise Conflict(_l("This call-back is settled already: %(state)s.", state=domain.CALLBACK_STATES[callback.state]), rule="CALL-04")


def objections(session: Session, customer_id: int, *, actor: Actor, now: datetime) -> list[Any]:
    """Why this customer may not be called now, as the page of a call shows it before the call (CALL-10)."""
    return consent.objections(session, customer_id, "phone", PURPOSE, actor=actor, now=now)


# --- a call becomes an entry of the log (CALL-09) ----------------------------------------------------------------------


def open_entry(session: Session, call: Call, kind: str, text: str, *, actor: Actor, now: datetime) -> Taken:
    """Hand what the caller said over to the log: with the customer, by telephone, at the time of the call, with its reference.

    Raises NotFound where no plugin keeps a log; what the log objects to. Handed over again, it is the same entry.
    """
    authorize(session, actor, RECORD, rule="CALL-09")
    _lock(session, call)
    if call.direction == domain.INTERNAL:
        raise InvalidInput(_l("A call between own extensions becomes no entry of the log."), field="kind", rule="CALL-09")
    if kind not in KINDS:
        raise InvalidInput(_l("Say whether it is a complaint, an inquiry or a suggestion."), field="kind", value=kind[:40], rule="CALL-09")
    customer = session.get(Customer, call.customer_id) if call.customer_id is not None else None
    taken = messages.hand_over(session, Message(
        "callcenter", str(call.id), "phone", clean(text, "text", multiline=True), kind=kind, said_at=call.started_at,
        customer_number=customer.number if customer is not None else "", name=call.name or str(call.party or ""), phone=call.phone or "",
        link=f"/callcenter/{call.id}"), actor=actor, now=now)
    call.entry_number, call.entry_link = taken.number, taken.link
    audit.name_action(session, call, "entry")
    session.flush()
    return taken


def acts(session: Session, call: Call, actor: Actor) -> list[str]:
    """What this person can do with a call now; an entry of the log only where a log is on (CALL-09)."""
    if not actor.may(RECORD) or call.direction == domain.INTERNAL:
        return ["describe"] if actor.may(RECORD) else []
    return [*(["entry"] if messages.takes(session) and not call.entry_number else []), "describe", *(["customer"] if call.customer_id is None else [])]


# --- shared ------------------------------------------------------------------------------------------------------------


def _lock(session: Session, record: Call | Callback) -> None:
    """Judge the record as it is now: whoever waited here for another act sees what it did."""
    session.refresh(record, with_for_update=True)


def call_for(session: Session, call_id: int, actor: Actor) -> Call:
    """The call with this id, for whom it may be read by; otherwise NotFound, whether it exists or not (CUST-37)."""
    found = session.scalar(queries.scope(sa.select(Call).where(Call.id == call_id), Call, actor))
    if found is None:
        raise NotFound(_l("There is no call %(id)s, or it is not among those you may read.", id=call_id), rule="CUST-37")
    return found


def callback_for(session: Session, callback_id: int, actor: Actor) -> Callback:
    """The call-back with this id, for whom it may be read by; otherwise NotFound, whether it exists or not (CUST-37)."""
    found = session.scalar(queries.scope(sa.select(Callback).where(Callback.id == callback_id), Callback, actor))
    if found is None:
        raise NotFound(_l("There is no call-back %(id)s, or it is not among those you may read.", id=callback_id), rule="CUST-37")
    return found
