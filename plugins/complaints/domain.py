"""Pure rules of the log: kinds, channels, states, where an entry goes, rates and spans. No session, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from statistics import mean, median
from typing import Any

from core.catalogue_file import Catalogue
from core.i18n import Bilingual
from core.i18n import lazy_gettext as _l

CATALOGUE = Catalogue(__file__)

HANDLING, PERFORMANCE = "MAN-CMPL", "MAN-RPT"
RECEIVE, ANSWER, STUDY, UPDATE, CONTACT, REPEATED, WEEKLY, DECIDE = 1, 2, 3, 4, 5, 7, 8, 9
PREPARE, REVIEW, FOLLOW_UP, INVESTIGATE, DISCUSS, ARCHIVE = 1, 2, 3, 4, 5, 6

COMPLAINT, INQUIRY, SUGGESTION = "complaint", "inquiry", "suggestion"
RECEIVED, CALLBACK, IN_STUDY, READY, CLOSED = "received", "answered_callback", "in_study", "solution_ready", "closed"
OPEN_STATES = (RECEIVED, CALLBACK, IN_STUDY, READY)
ACCEPTED, DECLINED = "accepted", "declined"
LONGEST_TEXT = 5_000
EARLIEST_YEAR = 1900
"""A year of receipt before it is one of another calendar, or a slip."""


def kinds() -> dict[str, Bilingual]:
    """Complaint, inquiry, suggestion: one log holds all three (CMPL-07)."""
    return CATALOGUE.labels("kinds")


def channels() -> dict[str, Bilingual]:
    """Every known channel; which of them an association uses is its setting (CMPL-01)."""
    return CATALOGUE.labels("channels")


def consents() -> dict[str, Bilingual]:
    """What the public form has asked its senders to agree to, by version; the last is asked now. A new wording is a new version."""
    return CATALOGUE.labels("consents")


def consent_now() -> str:
    return list(consents())[-1]


def channel_icons() -> dict[str, str]:
    return {item["code"]: item["icon"] for item in CATALOGUE["channels"]}


def states() -> dict[str, Bilingual]:
    return CATALOGUE.labels("states")


@dataclass(frozen=True)
class Route:
    """Where an entry goes: the department's slug, whether with the centre responsible for the service, and the clause that says so."""

    department: str
    with_centre: bool = False
    clause: str = ""


def route_for(customer_class: str, chosen: Mapping[str, str]) -> Route:
    """The department for a complainant of this class (CMPL-02…04).

    ``chosen`` are the association's own choices for classes of which the manual says nothing: ``{"other": "crm"}``.
    """
    for line in CATALOGUE["routing"]:
        if customer_class in line["classes"]:
            own = chosen.get(customer_class) if not line["clause"] else None
            return Route(own or line["department"], bool(line.get("with_centre")), line["clause"])
    return Route("crm")


def acts_in(kind: str, state: str, *, decided: bool = False, studied: bool = False, known: bool = True) -> list[str]:
    """What an entry in this state admits, whoever does it, by the names of ``services.NEEDS``, the likeliest first
    (CMPL-05, 11, 17…19, 23, 24, 29)."""
    found = ["decide"] if kind == SUGGESTION and state != CLOSED and not decided else []
    then = ["ready", "close", "study"] if studied else ["study", "ready", "close"]
    found += {RECEIVED: ["promise", "close", "study", "ready"], CALLBACK: then, IN_STUDY: then, READY: ["close"]}.get(state, [])
    found += ["update", "reassign"] if state != CLOSED else []
    return [*found, "remark", "follow-up", *([] if known else ["customer"])]


def closing_rate(closed: int, received: int) -> Decimal | None:
    """Closed of received in per cent with one decimal, half up (CMPL-25): 1707 of 1793 is 95.2; None where nothing was received."""
    if not received:
        return None
    return (Decimal(closed) * 100 / received).quantize(Decimal("0.1"), ROUND_HALF_UP)


def response_minutes(received_at: datetime, returned_at: datetime | None) -> int | None:
    """From receipt to the return to the customer, in whole minutes (CMPL-10); None while nobody has returned."""
    return None if returned_at is None else int((returned_at - received_at).total_seconds() // 60)


@dataclass(frozen=True)
class Span:
    """Average and median of some response times, in minutes; None of nothing."""

    count: int
    average: int | None
    middle: int | None


def span_of(minutes: Sequence[int]) -> Span:
    if not minutes:
        return Span(0, None, None)
    return Span(len(minutes), round(mean(minutes)), round(median(minutes)))


LENGTHS = ((24 * 60, "day"), (3 * 24 * 60, "three"), (7 * 24 * 60, "week"))
"""Bounds of how long closing took, in minutes."""


def length_of(minutes: int) -> str:
    """In which class a response time falls: within a day, two to three days, up to a week, or longer."""
    return next((name for bound, name in LENGTHS if minutes <= bound), "longer")


def too_early(received_at: datetime) -> Any:
    """Why this is no moment of receipt, where its year cannot be meant; else None."""
    if received_at.year >= EARLIEST_YEAR:
        return None
    return _l("The time of receipt lies in the year %(year)s, before 1900. Write the year of the Gregorian calendar, such as 2026.", year=received_at.year)
