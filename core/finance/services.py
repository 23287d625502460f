"""Recording money: contributions, refunds, pledges and funds. Pages, imports, commands and jobs all come through here.

Nothing is rewritten: what was given back is a refund, what was promised in vain is cancelled with a reason, and what a
batch lacks (programme, fund, way of paying) is completed while the row is in no live batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.audit import services as audit
from core.auth.actor import Actor, authorize
from core.calendar import day_words, local_day
from core.customers.models import Customer
from core.errors import Conflict, InvalidInput, InvalidInputs
from core.finance import queries
from core.finance.domain import FUND_SEEDS, METHODS
from core.finance.models import Contribution, Fund, Pledge
from core.i18n import lazy_gettext as _l
from core.money import Money, to_minor
from core.numbering import next_numbers
from core.organisation.models import Programme
from core.sending import made_before
from core.text import check_plain

RECORD, SETTINGS = "finance.record", "finance.settings"
EARLIEST = date(1900, 1, 1)
LONGEST_REFERENCE, LONGEST_MEMO = 120, 500


@dataclass(frozen=True)
class Gift:
    """One contribution to record. Without ``reference`` it gets one; a negative amount only comes from an import.

    ``fund`` is a code; without one the programme's fund applies. ``pledge_id`` None finds the donor's oldest open pledge
    of the same programme and currency.
    """

    customer_id: int
    amount: Money
    received_on: date
    method: str = "other"
    programme_id: int | None = None
    fund: str | None = None
    reference: str | None = None
    memo: str | None = None
    pledge_id: int | None = None
    refund_of_id: int | None = None
    lacks: Sequence[str] = ()


# --- contributions ----------------------------------------------------------------------------------------------------


def record_contribution(
    session: Session, *, customer_id: int, amount: Money, received_on: date, method: str, programme_id: int | None = None, fund: str | None = None,
    reference: str | None = None, memo: str | None = None, pledge_id: int | None = None, source: str = "manual", source_name: str | None = None,
    imported: bool = False, lacks: Sequence[str] = (), operation_key: str | None = None, actor: Actor, now: datetime,
) -> Contribution:
    """Record one contribution of a customer (FIN-01) and announce it; the same ``operation_key`` gives the first result.

    Raises InvalidInputs naming every wrong field, Conflict for a reference that exists, NotAllowed.
    """
    authorize(session, actor, RECORD, rule="FIN-01")
    gift = Gift(customer_id, amount, received_on, method, programme_id, fund, reference, memo, pledge_id, lacks=lacks)
    known = made_before(session, Contribution, operation_key, customer_id=customer_id, recorded_by=actor.user_id)
    if known is not None:
        return known
    made = record_contributions(session, [gift], source=source, source_name=source_name, imported=imported, operation_keys=[operation_key],
                                actor=actor, now=now)
    return session.get_one(Contribution, made[0])


def record_contributions(
    session: Session, gifts: Sequence[Gift], *, source: str = "manual", source_name: str | None = None, imported: bool = False,
    operation_keys: Sequence[str | None] = (), actor: Actor, now: datetime,
) -> list[int]:
    """Record many contributions at once; returns their ids in order. All or none: one wrong gift refuses all."""
    authorize(session, actor, RECORD, rule="FIN-01")
    if not gifts:
        return []
    book = _Book.open(session, gifts)
    _check_gifts(session, book, gifts, imported=imported, today=_today(session, now))
    references = _references(session, "contribution", "C", [gift.reference for gift in gifts])
    common = {"source": source, "source_name": source_name, "imported": imported, "recorded_at": now, "recorded_by": actor.user_id}
    keys = [*operation_keys, *[None] * (len(gifts) - len(operation_keys))]
    rows = [
        {**common, **book.row(gift), "reference": reference, "received_on": gift.received_on, "method": gift.method, "operation_key": key,
         "pledge_id": gift.pledge_id or book.open_pledge(gift), "refund_of_id": gift.refund_of_id}
        for gift, reference, key in zip(gifts, references, keys, strict=True)
    ]
    ids = audit.bulk(session, Contribution, rows)
    _tell(session, "on_contribution_recorded", ids, actor, now)
    return ids


def faults_of_gifts(session: Session, gifts: Sequence[Gift], *, imported: bool = False, now: datetime) -> list[list[InvalidInput]]:
    """What is wrong with each of these gifts, before any is recorded: for whoever takes in the good ones and lists the others."""
    if not gifts:
        return []
    book, today = _Book.open(session, gifts), _today(session, now)
    return [_faults_of_gift(session, book, gift, imported=imported, today=today) for gift in gifts]


def record_refund(
    session: Session, contribution: Contribution, *, amount: Money | None = None, refunded_on: date, method: str | None = None, memo: str | None = None,
    reference: str | None = None, operation_key: str | None = None, actor: Actor, now: datetime,
) -> Contribution:
    """Give money back: a negative contribution that names what it takes back. ``amount`` is positive; None is all that is left.

    Never more than is left of it, in its currency, not before it was received.
    """
    authorize(session, actor, RECORD, rule="FIN-01")
    known = made_before(session, Contribution, operation_key, refund_of_id=contribution.id, recorded_by=actor.user_id)
    if known is not None:
        return known
    session.refresh(contribution, with_for_update=session.get_bind().dialect.name == "postgresql")
    left = queries.left_to_refund(session, contribution)
    amount = amount or left
    _check_refund(contribution, amount, left, refunded_on)
    gift = Gift(contribution.customer_id, -amount, refunded_on, method or contribution.method, contribution.programme_id,
                contribution.fund.code if contribution.fund else None, reference, memo, contribution.pledge_id, contribution.id)
    made = record_contributions(session, [gift], operation_keys=[operation_key], actor=actor, now=now)
    return session.get_one(Contribution, made[0])


def complete_contribution(
    session: Session, contribution: Contribution, *, programme_id: int | None, fund: str | None, method: str, memo: str | None = None, actor: Actor,
) -> Contribution:
    """Set what a batch lacks. Refused while the row is in a live batch: its file has been handed over (FIN-09)."""
    authorize(session, actor, RECORD, rule="FIN-09")
    batch = queries.live_batch_of(session, contribution)
    if batch is not None:
        raise Conflict(_l("%(reference)s was exported in batch %(batch)s. Correct it by a refund and a new contribution, or void the batch first.",
                          reference=contribution.reference, batch=batch.number), rule="FIN-09")
    programme = _programme(session, programme_id)
    contribution.programme_id = programme.id if programme else None
    found = _fund(session, fund) if fund else None
    contribution.fund_id = found.id if found else None
    contribution.method = _method(method)
    contribution.memo = _text(memo, "memo", LONGEST_MEMO)
    session.flush()
    return contribution


def remove_imported(session: Session, ids: Sequence[int], *, actor: Actor, now: datetime) -> None:
    """Take imported contributions back while nothing rests on them; Conflict names the first that something does.

    Undoing an import is the one way by which money rows leave: whatever was exported or refunded stays.
    """
    authorize(session, actor, RECORD, rule="FIN-09")
    for contribution in session.scalars(sa.select(Contribution).where(Contribution.id.in_(ids)).order_by(Contribution.id)):
        if not contribution.imported or queries.is_touched(session, contribution):
            raise Conflict(_l("%(reference)s was exported, refunded or matched since it came in, so it stays.", reference=contribution.reference),
                           rule="FIN-09")
        _tell(session, "on_contribution_removed", [contribution.id], actor, now)
        session.delete(contribution)
    session.flush()


def _tell(session: Session, hook: str, ids: Sequence[int], actor: Actor, now: datetime) -> None:
    """What plugins hear of contributions: recorded, or about to go."""
    hooks = session.info.get("hooks")
    if hooks is None:
        return
    for contribution_id in ids:
        hooks.tell(hook, session=session, contribution_id=contribution_id, actor=actor, now=now)


# --- pledges ----------------------------------------------------------------------------------------------------------


def record_pledge(
    session: Session, *, customer_id: int, amount: Money, promised_on: date, due_on: date | None = None, programme_id: int | None = None,
    fund: str | None = None, reference: str | None = None, memo: str | None = None, source: str = "manual", source_name: str | None = None,
    imported: bool = False, operation_key: str | None = None, permission: str = RECORD, actor: Actor, now: datetime,
) -> Pledge:
    """Record what a donor promised. Raises InvalidInputs, Conflict, NotAllowed.

    ``permission`` is a plugin's own where its record holds the proof, such as the written pledge of a lead.
    """
    authorize(session, actor, permission, rule="FIN-01")
    known = made_before(session, Pledge, operation_key, customer_id=customer_id, recorded_by=actor.user_id)
    if known is not None:
        return known
    gift = Gift(customer_id, amount, promised_on, "other", programme_id, fund, reference, memo)
    book = _Book.open(session, [gift])
    _check_pledge(session, book, gift, due_on, _today(session, now))
    number = _references(session, "pledge", "P", [reference])[0]
    pledge = Pledge(**{**book.row(gift), "lacks": None}, reference=number, promised_on=promised_on, due_on=due_on, source=source, source_name=source_name,
                    imported=imported, operation_key=operation_key, recorded_at=now, recorded_by=actor.user_id)
    session.add(pledge)
    session.flush()
    return pledge


def cancel_pledge(session: Session, pledge: Pledge, *, reason: str, permission: str = RECORD, actor: Actor, now: datetime) -> None:
    """A promise that will not be kept: it no longer counts as pledged or outstanding; what was received stays received.

    ``permission`` as in ``record_pledge``.
    """
    authorize(session, actor, permission, rule="FIN-04")
    if pledge.cancelled_at is not None:
        raise Conflict(_l("The pledge %(reference)s is cancelled already.", reference=pledge.reference))
    pledge.cancel_reason = _text(reason, "reason", LONGEST_MEMO)
    if not pledge.cancel_reason:
        raise InvalidInput(_l("Say why the pledge is cancelled."), field="reason")
    pledge.cancelled_at = now
    audit.name_action(session, pledge, "cancel")
    session.flush()


# --- funds ------------------------------------------------------------------------------------------------------------


def seed(session: Session) -> None:
    """The funds that a new association begins with; a second time adds nothing."""
    present = set(session.scalars(sa.select(Fund.code)))
    session.add_all(Fund(code=code, name_ar=ar, name_en=en, active=True) for code, ar, en in FUND_SEEDS if code not in present)
    session.flush()


def save_fund(session: Session, fund: Fund | None = None, *, code: str, name_ar: str, name_en: str = "", active: bool = True, actor: Actor) -> Fund:
    """Add or change a fund; its code is what accounts are set by and stays as it is."""
    authorize(session, actor, SETTINGS)
    code = fund.code if fund else _text(code, "code", 60) or ""
    name = _text(name_ar, "name_ar", 200)
    if not code or not name:
        raise InvalidInput(_l("Code and Arabic name are needed."), field="name_ar" if code else "code")
    if fund is None:
        if queries.fund_by_code(session, code) is not None:
            raise Conflict(_l("The fund “%(code)s” exists already.", code=code), field="code", value=code)
        fund = Fund(code=code)
        session.add(fund)
    fund.name_ar, fund.name_en, fund.active = name, _text(name_en, "name_en", 200) or "", active
    session.flush()
    return fund


# --- checks -----------------------------------------------------------------------------------------------------------


@dataclass
class _Book:
    """What many gifts need to know, read once: subjects of customers, programmes, funds, and open pledges."""

    subjects: Mapping[int, str]
    programmes: Mapping[int, Programme]
    funds: Mapping[str, Fund]
    pledges: dict[tuple[int, int | None, str], list[int]]

    @classmethod
    def open(cls, session: Session, gifts: Sequence[Gift]) -> _Book:
        customers = {gift.customer_id for gift in gifts}
        programmes = {gift.programme_id for gift in gifts if gift.programme_id}
        subjects = session.execute(sa.select(Customer.id, Customer.subject_id).where(Customer.id.in_(customers)))
        return cls(
            subjects={row.id: row.subject_id for row in subjects},
            programmes={one.id: one for one in session.scalars(sa.select(Programme).where(Programme.id.in_(programmes)))},
            funds={one.code: one for one in session.scalars(sa.select(Fund))},
            pledges=queries.open_pledges(session, customers),
        )

    def fund_of(self, gift: Gift) -> Fund | None:
        programme = self.programmes.get(gift.programme_id or 0)
        return self.funds.get(gift.fund or (programme.fund if programme else None) or "")

    def open_pledge(self, gift: Gift) -> int | None:
        if gift.amount.amount < 0:
            return None
        waiting = self.pledges.get((gift.customer_id, gift.programme_id, gift.amount.currency), [])
        return waiting[0] if waiting else None

    def row(self, gift: Gift) -> dict[str, Any]:
        fund = self.fund_of(gift)
        return {
            "customer_id": gift.customer_id, "subject_id": self.subjects[gift.customer_id], "programme_id": gift.programme_id,
            "fund_id": fund.id if fund else None, "amount_minor": gift.amount.minor, "currency": gift.amount.currency,
            "memo": _text(gift.memo, "memo", LONGEST_MEMO), "lacks": {"keys": list(gift.lacks)} if gift.lacks else None,
        }


def _check_gifts(session: Session, book: _Book, gifts: Sequence[Gift], *, imported: bool, today: date) -> None:
    faults = [fault for gift in gifts for fault in _faults_of_gift(session, book, gift, imported=imported, today=today)]
    if faults:
        raise InvalidInputs(faults)


def _faults_of_gift(session: Session, book: _Book, gift: Gift, *, imported: bool, today: date) -> list[InvalidInput]:
    faults = _faults_of(book, gift, today)
    if gift.amount.amount < 0 and gift.refund_of_id is None and not imported:
        faults.append(InvalidInput(_l("Money given back is recorded as a refund, on the page of the contribution."), field="amount", rule="FIN-01"))
    if gift.method not in METHODS:
        faults.append(InvalidInput(_l("“%(value)s” is no way of paying that is known here.", value=gift.method), field="method", value=gift.method))
    if gift.pledge_id is not None and not _pledge_fits(session, gift):
        faults.append(InvalidInput(_l("This pledge is not of this donor and currency."), field="pledge_id", value=gift.pledge_id))
    return faults


def _faults_of(book: _Book, gift: Gift, today: date) -> list[InvalidInput]:
    faults = []
    if gift.customer_id not in book.subjects:
        faults.append(InvalidInput(_l("There is no such customer."), field="customer_id", value=gift.customer_id))
    if gift.amount.amount == 0:
        faults.append(InvalidInput(_l("An amount of nothing is not recorded."), field="amount"))
    if not EARLIEST <= gift.received_on <= today:
        faults.append(InvalidInput(_l("The date %(value)s is not between 1900 and today.", value=day_words(gift.received_on)),
                                   field="received_on", value=gift.received_on))
    if gift.programme_id is not None and gift.programme_id not in book.programmes:
        faults.append(InvalidInput(_l("There is no such programme."), field="programme_id", value=gift.programme_id))
    if gift.fund and gift.fund not in book.funds:
        faults.append(InvalidInput(_l("There is no fund “%(value)s”. Add it in the settings of finance.", value=gift.fund), field="fund", value=gift.fund))
    return faults + _faults_of_words(gift)


def _faults_of_words(gift: Gift) -> list[InvalidInput]:
    faults = []
    for field, value, longest in (("reference", gift.reference, LONGEST_REFERENCE), ("memo", gift.memo, LONGEST_MEMO)):
        try:
            _text(value, field, longest)
        except InvalidInput as fault:
            faults.append(fault)
    try:
        to_minor(gift.amount.amount, gift.amount.currency)
    except InvalidInput as fault:
        faults.append(fault)
    return faults


def _check_pledge(session: Session, book: _Book, gift: Gift, due_on: date | None, today: date) -> None:
    faults = [_renamed(fault, "received_on", "promised_on") for fault in _faults_of(book, gift, today)]
    if gift.amount.amount < 0:
        faults.append(InvalidInput(_l("A pledge is a positive amount."), field="amount"))
    if due_on is not None and due_on < gift.received_on:
        faults.append(InvalidInput(_l("The promised day is before the day of the promise."), field="due_on", value=due_on))
    if faults:
        raise InvalidInputs(faults)


def _renamed(fault: InvalidInput, old: str, new: str) -> InvalidInput:
    if fault.field == old:
        fault.field = new
    return fault


def _check_refund(contribution: Contribution, amount: Money, left: Money, refunded_on: date) -> None:
    if contribution.amount_minor < 0:
        raise InvalidInput(_l("%(reference)s is a refund itself.", reference=contribution.reference), rule="FIN-01")
    if amount.currency != contribution.currency:
        raise InvalidInput(_l("It was given in %(currency)s and is given back in %(currency)s.", currency=contribution.currency), field="amount", rule="FIN-10")
    if not Decimal(0) < amount.amount <= left.amount:
        raise InvalidInput(_l("Between nothing and %(left)s can be given back.", left=str(left)), field="amount", value=str(amount.amount), rule="FIN-01")
    if refunded_on < contribution.received_on:
        raise InvalidInput(_l("The refund is dated before the contribution."), field="received_on", value=refunded_on)


def _pledge_fits(session: Session, gift: Gift) -> bool:
    pledge = session.get(Pledge, gift.pledge_id)
    return pledge is not None and pledge.customer_id == gift.customer_id and pledge.currency == gift.amount.currency and pledge.cancelled_at is None


def _references(session: Session, counter: str, prefix: str, given: Sequence[str | None]) -> list[str]:
    """The references as given, and new ones where none was; one that exists already refuses, with the record named."""
    wanted = [_text(one, "reference", LONGEST_REFERENCE) for one in given]
    model = Contribution if counter == "contribution" else Pledge
    asked = [one for one in wanted if one]
    taken = queries.taken_references(session, model, asked)
    double = _double(asked, taken)
    if double is not None:
        raise Conflict(_l("The reference “%(value)s” is already recorded. The same money is not recorded twice.", value=double), field="reference",
                       value=double, rule="FIN-01")
    fresh = iter(_fresh(session, model, counter, prefix, len(wanted) - len(asked)))
    return [one or next(fresh) for one in wanted]


def _double(asked: Sequence[str], taken: set[str]) -> str | None:
    seen = set(taken)
    for one in asked:
        if one in seen:
            return one
        seen.add(one)
    return None


def _fresh(session: Session, model: type[Contribution] | type[Pledge], counter: str, prefix: str, count: int) -> list[str]:
    """New references; one that somebody typed in before is passed over."""
    found: list[str] = []
    while len(found) < count:
        more = [f"{prefix}-{number}" for number in next_numbers(session, counter, count - len(found))]
        taken = queries.taken_references(session, model, more)
        found += [one for one in more if one not in taken]
    return found


def _programme(session: Session, programme_id: int | None) -> Programme | None:
    programme = session.get(Programme, programme_id) if programme_id else None
    if programme_id and programme is None:
        raise InvalidInput(_l("There is no such programme."), field="programme_id", value=programme_id)
    return programme


def _fund(session: Session, code: str) -> Fund:
    fund = queries.fund_by_code(session, code)
    if fund is None:
        raise InvalidInput(_l("There is no fund “%(value)s”. Add it in the settings of finance.", value=code), field="fund", value=code)
    return fund


def _method(method: str) -> str:
    if method not in METHODS:
        raise InvalidInput(_l("“%(value)s” is no way of paying that is known here.", value=method), field="method", value=method)
    return method


def _text(value: str | None, field: str, longest: int) -> str | None:
    if not value or not value.strip():
        return None
    return check_plain(value.strip(), field=field, longest=longest)


def _today(session: Session, now: datetime) -> date:
    return local_day(now, settings.time_zone(session))

