"""What a plugin offers for the customer's page: a panel with a summary, and entries of the timeline (CUST-19)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy.orm import Session

from core.auth.actor import Actor
from core.customers.models import Customer


@dataclass(frozen=True)
class TimelineEntry:
    """One thing that happened with a customer. ``icon`` is a Tabler icon's name; ``link`` leads to the record: an
    address inside the association (``core.admin.addresses.path_to``). ``touch_point`` says through which part of the
    association's work the customer was met (a code of ``touch_points`` in the catalogue of customers, CUST-33). ``whole_day``: it has a
    day and no hour; ``at`` (``among_moments``) only says where it stands among the others."""

    at: datetime
    title: Any
    detail: Any = ""
    icon: str = "point"
    link: str | None = None
    who: str = ""
    touch_point: str | None = None
    whole_day: bool = False


def among_moments(day: date) -> datetime:
    """Where a day without an hour stands among moments."""
    return datetime.combine(day, time(9, tzinfo=UTC))


@dataclass(frozen=True)
class SummaryLine:
    """One line of a panel: label and value; ``kind`` picks the macro that prints the value (text, money, number, date)."""

    label: Any
    value: Any
    kind: str = "text"
    link: str | None = None


@dataclass(frozen=True)
class CustomerAct:
    """What one can begin with a customer, as a button on the page: ``link`` is the address of a form inside the association."""

    label: Any
    icon: str
    link: str


@dataclass(frozen=True)
class CustomerPanel:
    """A part of the customer's page. ``name`` begins with its owner's; without ``permission`` of it a person sees nothing.

    ``summary(session, customer, actor)`` returns the panel's lines, an empty list hides it. ``entries(session,
    customer_id, actor, before, limit)`` returns at most ``limit`` entries whose ``at`` is earlier than ``before`` (None: the
    newest), newest first. ``acts(session, customer, actor)`` returns the ``CustomerAct``s that this person may begin. All
    run in a read transaction. A panel of nothing but money stands as a band above the timeline, others beside it.
    """

    name: str
    title: Any
    permission: str
    summary: Callable[[Session, Customer, Actor], Sequence[SummaryLine]] | None = None
    entries: Callable[[Session, int, Actor, datetime | None, int], Sequence[TimelineEntry]] | None = None
    icon: str = "point"
    acts: Callable[[Session, Customer, Actor], Sequence[CustomerAct]] | None = None
