"""What happens to an entry of the log, and who may do it. Pages, the public form, imports and other plugins all call this."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from email_validator import EmailNotValidError, validate_email
from sqlalchemy.orm import Session

from core import settings
from core.audit import services as audit
from core.auth.actor import Actor, authorize
from core.customers import queries as customers
from core.customers.domain import classes, email_key
from core.customers.models import Customer
from core.errors import Conflict, InvalidInput, InvalidInputs, NotFound
from core.i18n import lazy_gettext as _l
from core.keys import new_subject
from core.messages import Message
from core.notices.services import notify
from core.numbering import next_value
from core.organisation.models import Centre, Department, Programme
from core.phones import parse_phone
from core.procedures import services as procedures
from core.recommendations.domain import checked_link
from core.sending import made_before
from core.text import clean, isolate, row_id
from plugins.complaints import domain, follow, queries, steps
from plugins.complaints.models import Assignment, Cause, Entry, FollowUp, Update

RECORD, HANDLE, REASSIGN, FOLLOW_UP = "complaints.record", "complaints.handle", "complaints.reassign", "complaints.follow_up"
SOLVED, CALLBACK, STUDY = "solved", "callback", "study"


@dataclass(frozen=True)
class Received:
    """An entry just made, with the code that its complainant is told; the code is kept nowhere and cannot be shown again."""

    entry: Entry
    code: str


@dataclass(frozen=True)
class Source:
    """Where an entry comes from: ``staff``, ``public``, ``api`` or a plugin with its key of the message and where that lies."""

    name: str
    reference: str | None = None
    link: str | None = None


STAFF, PUBLIC = Source("staff"), Source("public")


# --- receiving (steps 1 and 2) ---------------------------------------------------------------------------------------


def receive(
    session: Session, values: Mapping[str, Any], *, source: Source = STAFF, actor: Actor, now: datetime, operation_key: str | None = None,
) -> Received:
    """Write a complaint, inquiry or suggestion into the log, route it, and answer it at once or promise a call-back.

    ``values`` hold kind, channel, text; customer_number, or name, phone and email of somebody unknown (CMPL-24); class,
    centre_id, programme_id, cause_id; received_at (now where absent); ``answer_now`` (solved, callback, study or nothing
    yet) with answer, or promised_at and callback_to. ``source`` is ``api`` where another system sends it.
    Raises InvalidInputs with every fault (CMPL-01…07, 15, 16).
    """
    authorize(session, actor, RECORD, rule="CMPL-15")
    earlier = _earlier(session, operation_key, actor)
    return earlier or _receive(session, values, source, actor, now, operation_key)


def receive_from_public(session: Session, values: Mapping[str, Any], *, actor: Actor, now: datetime, operation_key: str | None = None) -> Received:
    """The same from the association's site: nobody has answered yet, so step 2 waits in the inbox.

    ``values`` hold in ``consent`` the version of the wording that the sender agreed to (``domain.consents``); without one nothing is kept.
    """
    if values.get("consent") not in domain.consents():
        raise InvalidInput(_l("Tick that you agree, so that you can be answered."), field="consent")
    given = {key: values.get(key) for key in ("kind", "text", "name", "phone", "email", "centre_id", "programme_id")}
    earlier = _earlier(session, operation_key, actor)
    consent = {"consented_at": now, "consent_version": values["consent"]}
    return earlier or _receive(session, {**given, "channel": "website"}, PUBLIC, actor, now, operation_key, **consent)


def receive_message(session: Session, message: Message, *, actor: Actor, now: datetime) -> Received:
    """The same from a message that another plugin hands over (a comment, a call): its answer is due at once, like any (CMPL-28).

    Whoever wrote it may be reached where it was written only. Handed over again, it is the entry that it was, with no new code.
    """
    authorize(session, actor, RECORD, rule="CMPL-28")
    if not (message.source and message.reference):
        raise InvalidInput(_l("A message is handed over with the plugin it comes from and its key there."), field="reference", rule="CMPL-28")
    known = session.scalar(sa.select(Entry).where(Entry.source == message.source, Entry.source_reference == message.reference))
    if known is not None:
        return Received(known, "")
    given = {key: getattr(message, key) for key in ("kind", "channel", "text", "customer_number", "name", "phone", "email")}
    source = Source(message.source, message.reference, checked_link(message.link) or None)
    return _receive(session, {**given, "received_at": message.said_at}, source, actor, now, None)


def _earlier(session: Session, operation_key: str | None, actor: Actor) -> Received | None:
    """A repeated sending answers with what the first one made, and with its code. Raises InvalidInput for a key of no page."""
    found = made_before(session, Entry, operation_key, registered_by_id=actor.user_id)
    return Received(found, follow.code_again(session, found)) if found is not None else None


def _receive(session: Session, values: Mapping[str, Any], source: Source, actor: Actor, now: datetime, operation_key: str | None, **more: Any) -> Received:
    read = Reading(session, values, actor, now, elsewhere=source.link is not None).read()
    (number,) = next_numbers(session, [read["received_at"]])
    who = read.pop("customer")
    entry = Entry(**read, **more, number=number, state=domain.RECEIVED, subject_id=who.subject_id if who is not None else new_subject(session),
                  customer_id=who.id if who is not None else None, registered_at=now, registered_by_id=actor.user_id, updated_at=now,
                  source=source.name, source_reference=source.reference, source_link=source.link, operation_key=operation_key or None, imported=False)
    session.add(entry)
    code = follow.give_code(session, entry)
    session.flush()
    _assign(session, entry, "", actor, now)
    steps.received(session, entry, actor=actor, now=now)
    _answer_now(session, entry, values, actor, now)
    return Received(entry, code)


def next_numbers(session: Session, received_at: Iterable[datetime]) -> list[str]:
    """``C-2026-0418`` for each of these moments: one running number for all kinds, counted per year of the association's calendar (CMPL-07)."""
    zone = settings.time_zone(session)
    years = [moment.astimezone(zone).year for moment in received_at]
    following = {}
    for year, count in sorted(Counter(years).items()):
        last = next_value(session, f"complaints_entry_{year}", count=count)
        following[year] = iter(range(last - count + 1, last + 1))
    return [f"C-{year}-{next(following[year]):04d}" for year in years]


def _answer_now(session: Session, entry: Entry, values: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    """Step 2 (CMPL-05, 16): solved at once, a call-back promised, or, where neither is wanted, handed on to study."""
    how = values.get("answer_now")
    if how == SOLVED:
        steps.solved(session, entry, actor=actor, now=now)
        _close(session, entry, str(values.get("answer") or ""), entry.channel, entry.received_at, actor, now)
    elif how == CALLBACK:
        promise(session, entry, values.get("promised_at"), str(values.get("callback_to") or ""), actor=actor, now=now)
    elif how == STUDY:
        if entry.kind == domain.COMPLAINT:
            raise InvalidInput(_l("A complaint is answered at once, or its complainant is promised a call-back."), field="answer_now", rule="CMPL-05")
        entry.state = domain.IN_STUDY
        steps.to_study(session, entry, actor=actor, now=now)
    elif how:
        raise InvalidInput(_l("“%(value)s” is not one of the answers.", value=str(how)[:40]), field="answer_now", value=str(how)[:40])


def promise(session: Session, entry: Entry, promised_at: datetime | None, to: str, *, actor: Actor, now: datetime) -> None:
    """Tell the caller that he will be called back: until when, and where he is reached (CMPL-05)."""
    authorize(session, actor, RECORD, rule="CMPL-16")
    _lock(session, entry)
    _expect(entry, domain.RECEIVED)
    faults = []
    if promised_at is None or promised_at <= entry.received_at:
        faults.append(InvalidInput(_l("Say until when the caller is called back: a time after the receipt."), field="promised_at", rule="CMPL-05"))
    if not to.strip():
        faults.append(InvalidInput(_l("Say where the caller is reached: a telephone number or an e-mail address."), field="callback_to", rule="CMPL-05"))
    if faults:
        raise InvalidInputs(faults)
    entry.promised_at, entry.callback_to, entry.state = promised_at, _reached_at(session, to), domain.CALLBACK
    steps.promised(session, entry, actor=actor, now=now)
    _note(session, entry, "promise", str(_l("A call-back was promised.")), actor, now)


def _reached_at(session: Session, to: str) -> str:
    text = clean(to, "callback_to")
    return _email(text, "callback_to") if "@" in text else _phone(session, text, "callback_to")


def _email(text: str, field: str) -> str:
    """The address, its domain in small letters. Raises InvalidInput that names the field."""
    try:
        return _whole(validate_email(text, check_deliverability=False, allow_smtputf8=True).normalized, field, Entry.email)
    except EmailNotValidError:
        raise InvalidInput(_l("“%(value)s” is no e-mail address. Write it like %(example)s.", value=isolate(text[:60], "auto"),
                              example=isolate("name@example.org")), field=field, value=text[:60]) from None


def _whole(text: str, field: str, column: Any) -> str:
    """The text as long as its column keeps it; nothing is cut. Raises InvalidInput."""
    most = column.type.length
    if len(text) > most:
        raise InvalidInput(_l("At most %(most)s letters are kept here; these are %(n)s. Shorten the text.", most=most, n=len(text)), field=field,
                           value=text[:40])
    return text


def _phone(session: Session, text: str, field: str) -> str:
    """The number in international writing. Raises InvalidInput that names the field."""
    try:
        return parse_phone(text, settings.get(session, "core.country"))
    except InvalidInput as error:
        raise InvalidInput(error.message, field=field, value=text[:40], rule=error.rule) from None


class Reading:
    """What somebody typed at intake, read and checked against the register: every fault is found, then all are told."""

    def __init__(self, session: Session, values: Mapping[str, Any], actor: Actor, now: datetime, *, elsewhere: bool = False) -> None:
        """``elsewhere``: the caller is reached where the message lies, so neither number nor address is needed."""
        self.session, self.values, self.actor, self.now, self.elsewhere = session, values, actor, now, elsewhere
        self.faults: list[InvalidInput] = []

    def read(self) -> dict[str, Any]:
        """The columns of an entry, with its ``customer``. Raises InvalidInputs."""
        found: dict[str, Any] = {"customer": self._tried(self._customer)}
        found.update(kind=self._choice("kind", domain.kinds()), channel=self._choice("channel", domain.channels()), text=self._tried(self._text),
                     received_at=self._tried(self._received_at))
        found["name"], found["phone"], found["email"] = self._tried(self._stranger, found["customer"]) or (None, None, None)
        found.update(centre_id=self._row("centre_id", Centre), programme_id=self._row("programme_id", Programme), cause_id=self._row("cause_id", Cause))
        found["customer_class"] = self._class(found["customer"])
        if self.faults:
            raise InvalidInputs(self.faults)
        found.update(self._route(found))
        return found

    def _tried(self, read: Any, *given: Any) -> Any:
        try:
            return read(*given)
        except InvalidInputs as several:
            self.faults += several.faults
        except InvalidInput as fault:
            self.faults.append(fault)
        return None

    def _choice(self, key: str, known: Mapping[str, Any]) -> str:
        value = self.values.get(key)
        if value not in known:
            self.faults.append(InvalidInput(_l("“%(value)s” is not one of the choices.", value=str(value or "")[:40]), field=key, value=str(value or "")[:40]))
        return str(value)

    def _text(self) -> str:
        text = clean(str(self.values.get("text") or ""), "text", multiline=True, missing=_l("Write what the caller said."), rule="CMPL-07")
        if len(text) > domain.LONGEST_TEXT:
            raise InvalidInput(_l("The text has %(n)s letters; at most %(most)s are kept. Shorten it, or attach it as a file.", n=len(text),
                                  most=domain.LONGEST_TEXT), field="text")
        return text

    def _received_at(self) -> datetime:
        at: datetime = self.values.get("received_at") or self.now
        if at > self.now:
            raise InvalidInput(_l("The time of receipt lies in the future."), field="received_at", rule="CMPL-09")
        if early := domain.too_early(at):
            raise InvalidInput(early, field="received_at", rule="CMPL-09")
        return at

    def _customer(self) -> Customer | None:
        number = str(self.values.get("customer_number") or "").strip()
        return customers.readable(self.session, number, self.actor, field="customer_number") if number else None

    def _stranger(self, customer: Customer | None) -> tuple[str | None, str | None, str | None]:
        """Name, phone and e-mail of somebody who is no customer; of a customer those at which he is reached this time and the register has not."""
        name = self._tried(self._name) if customer is None else None
        typed, address = str(self.values.get("phone") or "").strip(), str(self.values.get("email") or "").strip()
        if customer is None and not (typed or address or self.elsewhere):
            raise InvalidInput(_l("Write a telephone number or an e-mail address at which the caller is reached."), field="phone", rule="CMPL-24")
        phone = self._tried(_phone, self.session, typed, "phone") if typed else None
        email = self._tried(_email, address, "email") if address else None
        if customer is not None:
            phone = phone if phone not in (customer.mobile, customer.phone) else None
            email = email if email_key(email) != email_key(customer.email) else None
        return name, phone, email

    def _name(self) -> str:
        missing = _l("Choose a customer, or write the caller's name.")
        return _whole(clean(str(self.values.get("name") or ""), "name", missing=missing, rule="CMPL-24"), "name", Entry.name)

    def _row(self, key: str, model: Any) -> int | None:
        given = self.values.get(key)
        number = row_id(given)
        row = self.session.get(model, number) if number is not None else None
        if given and (row is None or not getattr(row, "active", True)):
            self.faults.append(InvalidInput(_l("“%(value)s” is not one of the choices.", value=str(given)[:40]), field=key, value=str(given)[:40]))
        return row.id if row is not None else None

    def _class(self, customer: Customer | None) -> str:
        """The class at the time of filing; of somebody unknown the one that was told, else "other"."""
        if customer is not None:
            return customer.customer_class
        return self._choice("customer_class", classes()) if self.values.get("customer_class") else "other"

    def _route(self, found: Mapping[str, Any]) -> dict[str, Any]:
        _route, department, centre_id = queries.place(self.session, found["customer_class"], found["centre_id"], found["customer"])
        return {"department_id": department.id, "centre_id": centre_id}


# --- handling (steps 3 to 6) -----------------------------------------------------------------------------------------


def study(session: Session, entry: Entry, analysis: str, helping_party: str, *, actor: Actor, now: datetime, cause_id: int | None = None) -> Entry:
    """Step 3: what the matter is, and who helps to solve it (CMPL-06, 17)."""
    authorize(session, actor, HANDLE, rule="CMPL-17")
    _lock(session, entry)
    _expect(entry, domain.RECEIVED, domain.CALLBACK, domain.IN_STUDY)
    analysis = clean(analysis, "analysis", multiline=True)
    party = _whole(clean(helping_party, "helping_party"), "helping_party", Entry.helping_party)
    missing = [InvalidInput(message, field=field, rule="CMPL-17") for field, value, message in (
        ("analysis", analysis, _l("Write what the study found.")), ("helping_party", party, _l("Name the party that helps to solve it."))) if not value]
    if missing:
        raise InvalidInputs(missing)
    entry.analysis, entry.helping_party, entry.state = analysis, party, domain.IN_STUDY
    if cause_id is not None:
        entry.cause_id = cause_id
    audit.name_action(session, entry, "study")
    steps.studied(session, entry, actor=actor, now=now)
    _note(session, entry, "study", analysis, actor, now)
    return entry


def add_update(
    session: Session, entry: Entry, text: str, *, actor: Actor, now: datetime, public: bool = False, operation_key: str | None = None,
) -> Update:
    """Steps 4 and 6: write into the log what was done today (CMPL-18). ``public``: the complainant may read it.

    Sent twice with the same ``operation_key``, it is one line; so with a remark and with what a department is asked.
    """
    authorize(session, actor, HANDLE, rule="CMPL-18")
    _lock(session, entry)
    known = made_before(session, Update, operation_key, entry_id=entry.id)
    if known is not None:
        return known
    _expect_open(entry)
    return _note(session, entry, "note", _needed(text, "text"), actor, now, public=public, operation_key=operation_key)


def solution_ready(session: Session, entry: Entry, text: str, *, actor: Actor, now: datetime) -> Entry:
    """A solution exists; step 5 is to tell the customer."""
    authorize(session, actor, HANDLE, rule="CMPL-19")
    _lock(session, entry)
    _expect(entry, domain.RECEIVED, domain.CALLBACK, domain.IN_STUDY)
    entry.state = domain.READY
    audit.name_action(session, entry, "solution")
    steps.solution(session, entry, actor=actor, now=now)
    _note(session, entry, "solution", _needed(text, "text"), actor, now)
    return entry


def close(session: Session, entry: Entry, *, answer: str, answer_channel: str, returned_at: datetime | None, actor: Actor, now: datetime) -> Entry:
    """Step 5: the customer was told; answer, channel and time of contact are needed (CMPL-09, 19). Raises InvalidInputs."""
    authorize(session, actor, HANDLE, rule="CMPL-19")
    _lock(session, entry)
    _expect_open(entry)
    return _close(session, entry, answer, answer_channel, returned_at, actor, now)


def _close(session: Session, entry: Entry, answer: str, channel: str, returned_at: datetime | None, actor: Actor, now: datetime) -> Entry:
    faults = list(_closing_faults(entry, answer, channel, returned_at, now))
    if faults:
        raise InvalidInputs(faults)
    entry.answer, entry.answer_channel, entry.returned_at = clean(answer, "answer", multiline=True), channel, returned_at
    _note(session, entry, "answer", entry.answer, actor, now, public=True)
    entry.state, entry.closed_at, entry.closed_by_id = domain.CLOSED, now, actor.user_id
    audit.name_action(session, entry, "close")
    session.flush()
    steps.closed(session, entry, actor=actor, now=now)
    return entry


def _closing_faults(entry: Entry, answer: str, channel: str, returned_at: datetime | None, now: datetime) -> Any:
    if not answer.strip():
        yield InvalidInput(_l("Write the answer that the customer was given."), field="answer", rule="CMPL-19")
    if channel not in domain.channels():
        yield InvalidInput(_l("Say by which channel the customer was told."), field="answer_channel", value=channel[:40], rule="CMPL-19")
    if returned_at is None:
        yield InvalidInput(_l("Say when the customer was told."), field="returned_at", rule="CMPL-09")
    elif returned_at < entry.received_at:
        yield InvalidInput(_l("The customer cannot have been told before the complaint was received."), field="returned_at", rule="CMPL-09")
    elif returned_at > now:
        yield InvalidInput(_l("The time of contact lies in the future."), field="returned_at", rule="CMPL-09")


def decide_suggestion(session: Session, entry: Entry, decision: str, reason: str, *, actor: Actor, now: datetime) -> Entry:
    """Accept or decline a suggestion, with the reason; nobody needs to be called unless a call-back was asked for (CMPL-23)."""
    authorize(session, actor, HANDLE, rule="CMPL-23")
    _lock(session, entry)
    _expect_open(entry)
    if entry.kind != domain.SUGGESTION or decision not in (domain.ACCEPTED, domain.DECLINED):
        raise InvalidInput(_l("Only a suggestion is accepted or declined."), field="decision", value=decision[:40], rule="CMPL-23")
    entry.decision, entry.decision_reason = decision, _whole(_needed(reason, "decision_reason"), "decision_reason", Entry.decision_reason)
    _note(session, entry, decision, entry.decision_reason, actor, now, public=True)
    audit.name_action(session, entry, decision)
    if entry.promised_at is None:
        entry.state, entry.closed_at, entry.closed_by_id, entry.returned_at = domain.CLOSED, now, actor.user_id, now
        session.flush()
        steps.closed(session, entry, actor=actor, now=now)
    session.flush()
    return entry


# --- assignments, quality, complainants ------------------------------------------------------------------------------


def reassign(session: Session, entry: Entry, department_id: int, reason: str, *, actor: Actor, now: datetime, centre_id: int | None = None) -> Entry:
    """Hand an entry to another department; the history keeps both, the due moments stay (CMPL-29)."""
    authorize(session, actor, REASSIGN, rule="CMPL-29")
    _lock(session, entry)
    _expect_open(entry)
    reason = _whole(_needed(reason, "reason"), "reason", Assignment.reason)
    if session.get(Department, department_id) is None:
        raise InvalidInput(_l("Choose a department."), field="department_id", value=department_id)
    if (department_id, centre_id) == (entry.department_id, entry.centre_id):
        raise InvalidInput(_l("The entry is with this department already."), field="department_id", rule="CMPL-29")
    entry.department_id, entry.centre_id = department_id, centre_id
    audit.name_action(session, entry, "reassign", reason=reason)
    _assign(session, entry, reason, actor, now)
    procedures.hand_over(session, record=entry, department_id=department_id, centre_id=centre_id)
    _note(session, entry, "reassign", reason, actor, now)
    return entry


def _assign(session: Session, entry: Entry, reason: str, actor: Actor, now: datetime) -> None:
    session.add(Assignment(entry_id=entry.id, department_id=entry.department_id, centre_id=entry.centre_id, assigned_at=now,
                           assigned_by_id=actor.user_id, reason=reason))


def remark(session: Session, entry: Entry, text: str, *, actor: Actor, now: datetime, operation_key: str | None = None) -> Update:
    """A remark of quality on any entry, also a closed one (CMPL-11)."""
    authorize(session, actor, FOLLOW_UP, rule="CMPL-11")
    _lock(session, entry)
    known = made_before(session, Update, operation_key, entry_id=entry.id)
    return known or _note(session, entry, "remark", _needed(text, "text"), actor, now, operation_key=operation_key)


def follow_up(
    session: Session, entry: Entry, department_id: int, task: str, *, actor: Actor, now: datetime, operation_key: str | None = None,
) -> FollowUp:
    """Quality asks a department to act, according to what the complaint is about (CMPL-11); its people have a notice."""
    authorize(session, actor, FOLLOW_UP, rule="CMPL-11")
    _lock(session, entry)
    known = made_before(session, FollowUp, operation_key, entry_id=entry.id)
    if known is not None:
        return known
    if session.get(Department, department_id) is None:
        raise InvalidInput(_l("Choose a department."), field="department_id", value=department_id)
    asked = FollowUp(entry_id=entry.id, subject_id=entry.subject_id, department_id=department_id, task=_needed(task, "task"), asked_at=now,
                     asked_by_id=actor.user_id, operation_key=operation_key)
    session.add(asked)
    session.flush()
    notify(session, queries.people_of(session, department_id) - {actor.user_id},
           _l("Quality asks your department to act on %(number)s.", number=isolate(entry.number)), link=f"/complaints/{entry.id}", now=now)
    return asked


def finish_follow_up(session: Session, asked: FollowUp, outcome: str, *, actor: Actor, now: datetime) -> FollowUp:
    """The department did what quality asked, or says why not."""
    if actor.department_id != asked.department_id:
        authorize(session, actor, FOLLOW_UP, rule="CMPL-11")
    session.info["actor"] = actor
    if asked.done_at is not None:
        raise Conflict(_l("This was answered before."))
    asked.outcome, asked.done_at, asked.done_by_id = _needed(outcome, "outcome"), now, actor.user_id
    session.flush()
    return asked


def attach(session: Session, entry: Entry, number: str, *, actor: Actor, now: datetime) -> Entry:
    """The caller is a customer after all, or has become one (CMPL-24). Class and route stay as they were at filing."""
    authorize(session, actor, RECORD, rule="CMPL-24")
    _lock(session, entry)
    customer = customers.readable(session, number, actor, field="customer_number")
    if entry.customer_id is not None:
        raise Conflict(_l("This entry belongs to a customer already."), rule="CMPL-24")
    entry.customer_id = customer.id
    procedures.name_customer(session, record=entry, customer_id=customer.id)
    _note(session, entry, "customer", str(_l("Linked with customer %(number)s.", number=customer.number)), actor, now)
    return entry


# --- what can be done now ----------------------------------------------------------------------------------------------

NEEDS = {"decide": HANDLE, "promise": RECORD, "study": HANDLE, "ready": HANDLE, "close": HANDLE, "update": HANDLE, "reassign": REASSIGN, "remark": FOLLOW_UP,
         "follow-up": FOLLOW_UP, "customer": RECORD}
"""The permission of each act of the entry's page."""


def acts(entry: Entry, actor: Actor) -> list[str]:
    """What this person can do with the entry now, what is nearest to its end first."""
    return [act for act in domain.acts_in(entry.kind, entry.state, decided=entry.decision is not None, studied=entry.analysis is not None,
                                           known=entry.customer_id is not None) if actor.may(NEEDS[act])]


# --- shared ----------------------------------------------------------------------------------------------------------


def _note(
    session: Session, entry: Entry, kind: str, text: str, actor: Actor, now: datetime, *, public: bool = False, operation_key: str | None = None,
) -> Update:
    """One line of the entry's history; while it is open that is its update of the day (CMPL-18), unless it is quality's remark."""
    line = Update(entry_id=entry.id, subject_id=entry.subject_id, kind=kind, text=text, made_at=now, made_by_id=actor.user_id, public=public,
                  operation_key=operation_key)
    session.add(line)
    session.flush()
    if kind != "remark":
        entry.updated_at = now
        session.flush()
        if entry.state != domain.CLOSED:
            steps.updated(session, entry, actor=actor, now=now)
    return line


def _needed(text: str, field: str) -> str:
    found = clean(text, field, multiline=True, missing=_l("Write something here; it is kept in the log."))
    if len(found) > domain.LONGEST_TEXT:
        raise InvalidInput(_l("The text has %(n)s letters; at most %(most)s are kept.", n=len(found), most=domain.LONGEST_TEXT), field=field)
    return found


def _lock(session: Session, entry: Entry) -> None:
    """Judge the entry as it is now: whoever waited here for another act sees what it did."""
    session.refresh(entry, with_for_update=True)


def _expect(entry: Entry, *states: str) -> None:
    if entry.state not in states:
        raise Conflict(_l("The entry %(number)s is in the state “%(state)s”; somebody else was first, or this is not its turn.", number=entry.number,
                          state=domain.states()[entry.state]))


def _expect_open(entry: Entry) -> None:
    _expect(entry, *domain.OPEN_STATES)


def entry_for(session: Session, entry_id: int, actor: Actor) -> Entry:
    """The entry with this id, for whom it may be read by; otherwise NotFound, whether it exists or not (CUST-37)."""
    found = queries.by_id(session, entry_id, actor)
    if found is None:
        raise NotFound(_l("There is no such entry in the log, or it is not among those you may read."), rule="CUST-37")
    return found
