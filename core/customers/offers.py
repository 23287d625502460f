"""What a plugin offers for the customer's page: a panel with a summary, and entries of the timeline (CUST-19)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core.auth.actor import Actor
from core.customers.models import Customer


@dataclass(frozen=True)
class TimelineEntry:
    """One thing that happened with a customer. ``icon`` is a Tabler icon's name; ``link`` leads to the record: an
    address inside the association (``core.admin.addresses.path_to``)."""

    at: datetime
    title: Any
    detail: Any = ""
    icon: str = "point"
    link: str | None = None
    who: str = ""


@dataclass(frozen=True)
class SummaryLine:
    """One line of a panel: label and value; ``kind`` picks the macro that prints the value (text, money, number, date)."""

    label: Any
    value: Any
    kind: str = "text"
    link: str | None = None


@dataclass(frozen=True)
class CustomerPanel:
    """A part of the customer's page. ``name`` begins with its owner's; without ``permission`` of it a person sees nothing.

    ``summary(session, customer, actor)`` returns the panel's lines, an empty list hides it. ``entries(session,
    customer_id, actor, before, limit)`` returns at most ``limit`` entries older than ``before`` (None: the newest), newest
    first. Both run in a read transaction.
    """

    name: str
    title: Any
    permission: str
    summary: Callable[[Session, Customer, Actor], Sequence[SummaryLine]] | None = None
    entries: Callable[[Session, int, Actor, datetime | None, int], Sequence[TimelineEntry]] | None = None
    icon: str = "point"
