"""Whom somebody on the telephone is: a number, customer number or name typed or pasted in any writing, and whom it finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from core.admin.offers import Reading
from core.auth.actor import Actor
from core.customers import finding, queries
from core.customers.models import Customer
from core.errors import InvalidInput
from core.text import without_marks

MOST_CHOICES = 6
LONGEST = 200


@dataclass(frozen=True)
class Caller:
    """Whom a look-up found: one customer, several to choose from, or nobody; ``unsearched`` says what was not searched for."""

    customer: Customer | None = None
    choices: Sequence[Customer] = ()
    more: bool = False
    unknown: bool = False
    phone: str = ""
    """The number that was typed (E.164), where it is one."""
    unsearched: Any = None


def find_caller(session: Session, text: str, actor: Actor) -> Caller:
    """The customers that this person may read and whose number, phone or name was typed (CMPL-24, CALL-01)."""
    text = (without_marks(text) or "")[:LONGEST]
    if not text:
        return Caller()
    phone = queries.read_phone(session, text) or ""
    search = queries.search(session, text, actor, limit=MOST_CHOICES + 1)
    found = search.customers
    if len(found) == 1 and (search.reading.kind != "phone" or _has(session, found[0], phone)):
        return Caller(found[0], phone=phone)
    if found:
        return Caller(choices=found[:MOST_CHOICES], more=len(found) > MOST_CHOICES, phone=phone)
    return Caller(unknown=True, phone=phone, unsearched=finding.unsearched(Reading(text, "phone", phone), actor) if phone else None)


def _has(session: Session, customer: Customer, phone: str) -> bool:
    """Whether the whole number is this customer's: part of one proves nothing, and it is asked who it was."""
    return bool(phone) and customer.id in {one for _phone, one, _subject in queries.having_phones(session, [phone])}


def known_caller(session: Session, number: str, actor: Actor, text: str = "") -> Caller:
    """The customer that was chosen before, of whom ``text`` was typed; nobody where the number names none that this person may read."""
    phone = queries.read_phone(session, text.strip()[:LONGEST]) or ""
    try:
        return Caller(queries.readable(session, number, actor), phone=phone)
    except InvalidInput:
        return Caller(unknown=True, phone=phone)
