"""Giving and withdrawing consent, and asking before a contact: whoever calls, writes or sends asks here first.

A sender takes the address from ``reach``, which asks by itself, or calls ``check_contact``; a list is narrowed with
``queries.contactable``. Core's own rules and the objections of plugins are judged together (PERM-01, PERM-02, CALL-10).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.audit import services as audit
from core.auth.actor import Actor, authorize
from core.calendar import day_words, gregorian_text, local_day
from core.consent import domain, queries
from core.consent.domain import ALL, CONSENT, LINK, PHONE, SHARING, WITHDRAWN, Objection
from core.consent.models import Consent, WithdrawalLink, Wording
from core.customers import domain as customers
from core.customers import queries as register
from core.customers.models import Customer
from core.customers.services import refuse_erased
from core.errors import Conflict, DiwanError, InvalidInput, InvalidInputs, NotAllowed, NotFound
from core.i18n import LazyString
from core.i18n import lazy_gettext as _l
from core.keys import has_key
from core.sending import check_key
from core.text import clean, isolate

READ, RECORD, WORDING = "consent.read", "consent.record", "consent.wording"
CONTACT_HOOK, CONTACTED_HOOK = "contact_objections", "on_contact"
LONGEST_NOTE, LONGEST_WORDING = 300, 4_000
KEY_ROOM = 10
"""Characters that an operation key needs beside the form's own, for one event of each channel."""


# --- giving and withdrawing -------------------------------------------------------------------------------------------


def give(
    session: Session, customer: Customer, channel: str, purpose: str, *, source: str, said_at: datetime | None = None, note: str = "",
    operation_key: str | None = None, actor: Actor, now: datetime,
) -> list[Consent]:
    """Record that a customer consented, one event for each channel (``all`` is every one of them), with the wording of then.

    ``said_at`` is when, if not now. A consent older than a withdrawal changes nothing and is refused. Sent twice with the
    same ``operation_key``, it is the same events. Raises InvalidInputs, Conflict.
    """
    _authorized(session, customer, actor)
    asked = _checked(channel, purpose, source, giving=True)
    note, said_at = clean(note, "note", longest=LONGEST_NOTE), said_at or now
    known = _recorded_before(session, customer, operation_key, [place for place, _purpose in asked])
    if known:
        return known
    if said_at > now:
        raise InvalidInput(_l("The customer cannot have consented at a later moment than now. Correct the day."), field="said_on", rule="PERM-01")
    _refuse_older(session, customer, asked, said_at)
    wording = queries.wording_at(session, CONSENT, said_at)
    if wording is None:
        raise Conflict(_l("No wording of the consent is published yet. Publish one first: “Consent and privacy”."), rule="PERM-01")
    made = [Consent(customer_id=customer.id, subject_id=customer.subject_id, channel=place, purpose=what, given=True, said_at=said_at, source=source,
                    wording_id=wording.id, note=note, recorded_at=now, recorded_by_id=actor.user_id, operation_key=_key(operation_key, place))
            for place, what in asked]
    return _added(session, made, "consent_given")


def withdraw(
    session: Session, customer: Customer, channel: str, purpose: str, *, source: str, note: str = "", operation_key: str | None = None,
    actor: Actor, now: datetime,
) -> Consent | None:
    """Record that a customer withdrew, for a channel and purpose or ``all`` of them; it holds at once (PERM-02).

    None where everything of it is withdrawn already. Raises InvalidInputs.
    """
    _authorized(session, customer, actor)
    _checked(channel, purpose, source, giving=False)
    return _withdraw(session, customer, channel, purpose, source, clean(note, "note", longest=LONGEST_NOTE), operation_key, actor, now)


def withdraw_all(session: Session, customer: Customer, *, source: str, note: str = "", actor: Actor, now: datetime) -> Consent | None:
    """Withdraw wholly: from now on this customer is on no list, in no export for others, and is not contacted at all (PERM-02)."""
    return withdraw(session, customer, ALL, ALL, source=source, note=note, actor=actor, now=now)


def _authorized(session: Session, customer: Customer, actor: Actor) -> None:
    authorize(session, actor, RECORD, rule="PERM-01")
    if not register.may_read(session, customer.id, actor):
        raise NotFound(_l("There is no such customer, or it is not among the records you may read."), rule="CUST-37")
    refuse_erased(session, customer)


def _checked(channel: str, purpose: str, source: str, *, giving: bool) -> tuple[tuple[str, str], ...]:
    """The cells that an event is about. Raises InvalidInputs with every fault."""
    whole = purpose == ALL and not giving
    faults = [InvalidInput(message, field=field, value=value, rule="PERM-01") for field, value, wrong, message in (
        ("purpose", purpose, purpose not in domain.PURPOSES and not whole, _l("Say for what the customer consents: one purpose at a time.") if giving
         else _l("Say for what the customer withdraws, or for all purposes.")),
        ("channel", channel, channel not in domain.all_channels(), _l("Choose a channel, or all of them.")),
        ("channel", channel, purpose == SHARING and channel in domain.CHANNELS, _l("Sharing data has no channel. Choose all channels.")),
        ("source", source, source not in domain.sources() or source == LINK, _l("Say how the customer told it: form, call, letter …")),
    ) if wrong]
    if faults:
        raise InvalidInputs(faults)
    return domain.cells(channel, purpose)


def _refuse_older(session: Session, customer: Customer, asked: Iterable[tuple[str, str]], said_at: datetime) -> None:
    events = queries.events_of(session, customer.id)
    later = next((one for channel, purpose in asked if (one := queries.latest(events, channel, purpose)) is not None and not one.given
                  and one.said_at > said_at), None)
    if later is not None:
        raise InvalidInput(_l("The customer withdrew on %(day)s, which is not before this consent: the withdrawal holds. Record a consent that was given "
                              "afterwards.", day=_day(session, later.said_at)), field="said_on", rule="PERM-02")


def _withdraw(
    session: Session, customer: Customer, channel: str, purpose: str, source: str, note: str, operation_key: str | None, actor: Actor, now: datetime,
) -> Consent | None:
    known = _recorded_before(session, customer, operation_key, [channel])
    if known:
        return known[0]
    events = queries.events_of(session, customer.id)
    if queries.withdrawn(events, channel, purpose):
        return None
    at = max([now, *(one.said_at for one in events[:1])])  # a clock that was set back does not undo a withdrawal
    made = Consent(customer_id=customer.id, subject_id=customer.subject_id, channel=channel, purpose=purpose, given=False, said_at=at, source=source, note=note,
                   recorded_at=at, recorded_by_id=actor.user_id, operation_key=_key(operation_key, channel))
    return _added(session, [made], "consent_withdrawn")[0]


def _added(session: Session, made: list[Consent], action: str) -> list[Consent]:
    session.add_all(made)
    for one in made:
        audit.name_action(session, one, action)
    session.flush()
    return made


def _key(operation_key: str | None, channel: str) -> str | None:
    return f"{operation_key}:{channel}" if operation_key else None


def _recorded_before(session: Session, customer: Customer, operation_key: str | None, channels: Iterable[str]) -> list[Consent]:
    if not check_key(operation_key, Consent.operation_key.type.length - KEY_ROOM):
        return []
    known = list(session.scalars(sa.select(Consent).where(Consent.operation_key.in_([_key(operation_key, one) for one in channels])).order_by(Consent.id)))
    if any(one.customer_id != customer.id for one in known):
        raise Conflict(_l("This sending belongs to something else. Open the page anew and fill it again."))
    return known


def _day(session: Session, moment: datetime) -> LazyString:
    return day_words(local_day(moment, settings.time_zone(session)))


# --- before a contact -------------------------------------------------------------------------------------------------


def objections(session: Session, customer_id: int, channel: str, purpose: str, *, actor: Actor, now: datetime, made: bool = False) -> list[Any]:
    """Why this customer may not be contacted by this channel for this purpose now, as lazy texts; any of them refuses.

    Core's rules first, then the plugins' (``contact_objections``). ``made`` is for a contact that is written down afterwards:
    the hour in which somebody writes is not the hour of the call. Channels beyond the catalogue's (a fax, a visit) are asked
    too: who withdrew wholly is not contacted by them either.
    """
    return [one.text for one in _objections(session, customer_id, channel, purpose, actor, now, made)]


def check_contact(session: Session, customer_id: int, channel: str, purpose: str, *, actor: Actor, now: datetime, made: bool = False) -> None:
    """Let a contact go on, or raise NotAllowed with every reason and its way out; the edge logs the attempt as denied (AUD-04).

    Called in the transaction in which the contact is made or written down: plugins are told, and what allowed it only once is
    used up.
    """
    found = _objections(session, customer_id, channel, purpose, actor, now, made)
    if found:
        reasons = LazyString(lambda: " ".join(str(one.text) for one in found))
        with audit.about(session.get_one(Customer, customer_id)):
            raise NotAllowed(_l("This customer is not contacted for “%(purpose)s” by “%(channel)s”: %(reasons)s", purpose=domain.purposes()[purpose],
                                channel=_channel(channel), reasons=reasons), field="channel", value=channel, rule=found[0].rule)
    _tell(session, sa.select(Customer.id).where(Customer.id == customer_id), channel, purpose, actor, now)


def note_listed(session: Session, listed: sa.Select[Any], channel: str, purpose: str, *, actor: Actor, now: datetime) -> None:
    """The customers of ``listed`` (a select over Customer, narrowed with ``queries.contactable``) stand in a file that is handed
    out: plugins are told in this writing transaction, as of a single contact. Raising refuses the file."""
    ids = listed.with_only_columns(Customer.id, maintain_column_froms=True).order_by(None)
    _tell(session, ids, channel, purpose, actor, now)


def _tell(session: Session, customer_ids: sa.Select[Any], channel: str, purpose: str, actor: Actor, now: datetime) -> None:
    session.info["hooks"].tell(CONTACTED_HOOK, session=session, customer_ids=customer_ids, channel=channel, purpose=purpose, actor=actor, now=now)


def reach(session: Session, customer: Customer, channel: str, purpose: str, *, actor: Actor, now: datetime) -> str:
    """The number or address at which a sender reaches this customer, after asking; NotAllowed as in ``check_contact``.

    Raises Conflict where none is known.
    """
    check_contact(session, customer.id, channel, purpose, actor=actor, now=now)
    found = _reached_at(customer, channel)
    if found is None:
        raise Conflict(_l("The customer %(number)s cannot be reached by “%(channel)s”: nothing is recorded for it. Add it by a form, or choose another "
                          "channel.", number=isolate(customer.number), channel=_channel(channel)), rule="CUST-27")
    return found


@dataclass(frozen=True)
class Proposal:
    """A channel by which a customer can be reached; ``objections`` say why not now, ``preferred`` that he chose it."""

    channel: str
    title: Any
    preferred: bool
    objections: tuple[Any, ...] = ()


def channels_for(session: Session, customer: Customer, purpose: str, *, actor: Actor, now: datetime) -> list[Proposal]:
    """The channels at which this customer can be reached: those that are allowed first, among them the preferred one (CUST-27)."""
    found = [Proposal(code, title, customer.contact_channel == code, tuple(objections(session, customer.id, code, purpose, actor=actor, now=now)))
             for code, title in domain.channels().items() if _reached_at(customer, code)]
    return sorted(found, key=lambda one: (bool(one.objections), not one.preferred))


def _reached_at(customer: Customer, channel: str) -> str | None:
    return next((value for name in domain.REACHED_BY.get(channel, ()) if (value := getattr(customer, name))), None)


def _objections(session: Session, customer_id: int, channel: str, purpose: str, actor: Actor, now: datetime, made: bool) -> list[Objection]:
    if purpose not in domain.PURPOSES:
        raise DiwanError(f"There is no purpose '{purpose}'; core/consent/catalogue.json lists them.")
    asked = session.info["hooks"].objections(CONTACT_HOOK, session=session, customer_id=customer_id, channel=channel, purpose=purpose, actor=actor)
    own = [_by_erasure(session, customer_id), _by_consent(session, customer_id, channel, purpose), None if made or channel != PHONE else _by_hour(session, now)]
    return [*(one for one in own if one is not None), *(one if isinstance(one, Objection) else Objection(one, "PERM-01") for one in asked)]


def _by_erasure(session: Session, customer_id: int) -> Objection | None:
    if has_key(session, session.get_one(Customer, customer_id).subject_id):
        return None
    return Objection(_l("The data of this customer was erased; nobody contacts the person any more. Who asks for it is registered anew."), "CUST-06")


def _by_consent(session: Session, customer_id: int, channel: str, purpose: str) -> Objection | None:
    standing = queries.Standing(channel, purpose, queries.latest(queries.events_of(session, customer_id), channel, purpose))
    if queries.allowed(session, standing):
        return None
    words = {"purpose": domain.purposes()[purpose], "channel": domain.all_channels()[ALL] if purpose == SHARING else _channel(channel)}
    if standing.state == WITHDRAWN and standing.event is not None:
        return Objection(_l("The customer withdrew “%(purpose)s” by “%(channel)s” on %(day)s; that holds until he consents anew.",
                            day=_day(session, standing.event.said_at), **words), "PERM-02")
    return Objection(_l("No consent to “%(purpose)s” by “%(channel)s” is recorded. Ask the customer for it and record it first.", **words),
                     "PERM-11" if purpose == SHARING else "PERM-01")


def _by_hour(session: Session, now: datetime) -> Objection | None:
    hours = queries.contact_hours(session)
    if hours.open_at(now):
        return None
    opening = hours.next_opening(now)
    if opening is None:
        return Objection(_l("No day is chosen on which customers are called. The administrator chooses the contact hours in the settings."), "CALL-10")
    return Objection(_l("Customers are called from %(start)s to %(until)s only. Call again from %(day)s, %(start)s.", start=isolate(f"{hours.start:%H:%M}"),
                        until=isolate(f"{hours.until:%H:%M}"), day=LazyString(gregorian_text, opening.date(), weekday=True)), "CALL-10")


def outside_hours(session: Session, now: datetime) -> Any:
    """Why nobody is called at this hour, and from when again; None inside the contact hours (CALL-10)."""
    found = _by_hour(session, now)
    return found.text if found is not None else None


def _channel(channel: str) -> Any:
    return domain.channels().get(channel) or customers.channels().get(channel, channel)


# --- links without sign-in --------------------------------------------------------------------------------------------


def links(session: Session, customer_ids: Iterable[int], *, now: datetime) -> Mapping[int, str]:
    """For each customer the address, inside the association, of the page on which he withdraws; made where there is none.

    For the last line of every message to customers. In a writing transaction.
    """
    wanted = list(dict.fromkeys(customer_ids))
    found = {row.customer_id: row.token for row in session.scalars(
        sa.select(WithdrawalLink).where(WithdrawalLink.customer_id.in_(wanted)).order_by(WithdrawalLink.id.desc()))}
    fresh = [WithdrawalLink(customer_id=one, token=secrets.token_urlsafe(18), made_at=now) for one in wanted if one not in found]
    session.add_all(fresh)
    session.flush()
    return {one: address_of(token) for one, token in {**found, **{row.customer_id: row.token for row in fresh}}.items()}


def address_of(token: str) -> str:
    return f"/p/consent/{token}"


SCOPES = {"news": tuple((ALL, purpose) for purpose in (domain.MARKETING, domain.FUNDRAISING, domain.SURVEY)), "sharing": ((ALL, SHARING),),
          "all": ((ALL, ALL),), **{channel: ((channel, ALL),) for channel in domain.CHANNELS}}
"""What each choice on the withdrawal page withdraws."""


def withdraw_by_link(session: Session, token: str, choice: str, *, actor: Actor, now: datetime) -> list[Consent]:
    """Withdraw with a link, without signing in: the token is the permission, and can do nothing else (PERM-02).

    What is withdrawn already is not written again, so a link that is pressed a thousand times makes no more than one event for
    each choice. Raises NotFound for a link that is none, InvalidInput.
    """
    customer = queries.customer_of_link(session, token)
    if customer is None:
        raise NotFound(_l("This link is not valid. Compare it with the one in the message, or ask the association."), rule="PERM-02")
    if choice not in SCOPES:
        raise InvalidInput(_l("Choose one of the lines."), field="choice", value=choice[:40], rule="PERM-02")
    session.info["actor"] = actor
    made = [_withdraw(session, customer, channel, purpose, LINK, "", None, actor, now) for channel, purpose in SCOPES[choice]]
    return [one for one in made if one is not None]


# --- wordings ---------------------------------------------------------------------------------------------------------


def publish(session: Session, kind: str, *, text_ar: str, text_en: str, actor: Actor, now: datetime) -> Wording:
    """Publish the next version of a text; it holds from now on, and earlier consents keep theirs (PERM-16). Raises InvalidInputs."""
    authorize(session, actor, WORDING, rule="PERM-16")
    if kind not in domain.WORDINGS:
        raise InvalidInput(_l("Choose one of the texts."), field="kind", value=kind, rule="PERM-16")
    session.execute(sa.select(Wording.id).where(Wording.kind == kind).with_for_update())
    texts = {name: clean(text, name, multiline=True, longest=LONGEST_WORDING) for name, text in (("text_ar", text_ar), ("text_en", text_en))}
    faults = [InvalidInput(_l("Write the text in both languages."), field=name, rule="PERM-16") for name, text in texts.items() if not text]
    if faults:
        raise InvalidInputs(faults)
    former = queries.wording_now(session, kind)
    if former is not None and (former.text_ar, former.text_en) == (texts["text_ar"], texts["text_en"]):
        raise InvalidInput(_l("This is the text that holds already. Change it, or leave it."), field="text_ar", rule="PERM-16")
    made = Wording(kind=kind, version=former.version + 1 if former is not None else 1, published_at=now, published_by_id=actor.user_id, **texts)
    session.add(made)
    audit.name_action(session, made, "publish")
    session.flush()
    return made


def seed(session: Session, *, now: datetime) -> None:
    """The first version of each text, general enough for any association; a second time adds nothing."""
    present = set(session.scalars(sa.select(Wording.kind).distinct()))
    for item in domain.CATALOGUE["wordings"]:
        if item["code"] not in present:
            session.add(Wording(kind=item["code"], version=1, text_ar=item["text"]["ar"], text_en=item["text"]["en"], published_at=now))
    session.flush()
