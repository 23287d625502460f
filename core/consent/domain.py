"""Purposes, channels and states of consent, and the hours in which people are called: pure rules over plain values."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any

from core.calendar import OfficeCalendar
from core.catalogue_file import Catalogue
from core.customers import domain as customers
from core.i18n import Bilingual
from core.i18n import lazy_gettext as _l

CATALOGUE = Catalogue(__file__)
ALL = "all"
"""As a channel: every one of them; as a purpose: everything."""
PHONE, SMS, EMAIL, WHATSAPP, POST = CHANNELS = ("phone", "sms", "email", "whatsapp", "post")
SERVICE, SURVEY, MARKETING, FUNDRAISING, SHARING = PURPOSES = ("service", "survey", "marketing", "fundraising", "sharing")
ASKED_FOR = (SERVICE, SURVEY, MARKETING, FUNDRAISING)
"""What customers are contacted for; sharing their data contacts nobody, so it has no channel."""
ALWAYS_NEEDED = frozenset({MARKETING, SHARING})
"""Marketing only after consent (PERM-01), and nothing to third parties without (PERM-11); no setting changes that."""
WORDINGS = CONSENT, PRIVACY = ("consent", "privacy")
LINK = "link"
GIVEN, WITHDRAWN, NEVER = "given", "withdrawn", "never"
STATES = {GIVEN: _l("Consented"), WITHDRAWN: _l("Consent withdrawn"), NEVER: _l("Never asked")}
REACHED_BY = {PHONE: ("mobile", "phone"), SMS: ("mobile",), EMAIL: ("email",), WHATSAPP: ("mobile",), POST: ("address",)}
"""Which fields of a customer a channel needs, the better one first."""


def purposes() -> dict[str, Bilingual]:
    return CATALOGUE.labels("purposes")


@cache
def channels() -> dict[str, Bilingual]:
    """The channels that need somebody's leave, named as the register names them; nobody visits by consent."""
    return {code: customers.channels()[code] for code in CHANNELS}


def sources() -> dict[str, Bilingual]:
    """How a consent or withdrawal was said."""
    return CATALOGUE.labels("sources")


def wordings() -> dict[str, Bilingual]:
    """The texts of which versions are kept."""
    return CATALOGUE.labels("wordings")


def withdrawals() -> dict[str, Bilingual]:
    """What somebody with a withdrawal link may choose."""
    return CATALOGUE.labels("withdrawals")


def all_channels() -> dict[str, Bilingual]:
    return {ALL: Bilingual.of(CATALOGUE["every_channel"]), **channels()}


def all_purposes() -> dict[str, Bilingual]:
    return {ALL: Bilingual.of(CATALOGUE["every_purpose"]), **purposes()}


@dataclass(frozen=True)
class Condition:
    """One line of the checklist for messages: what a message should be, and the question to ask of it."""

    code: str
    title: Bilingual
    ask: Bilingual


@cache
def checklist() -> tuple[Condition, ...]:
    """What every message and its template is held against before it is sent: timely, short, relevant, consistent,
    trustworthy (PERM-13)."""
    return tuple(Condition(item["code"], Bilingual.of(item), Bilingual.of(item["ask"])) for item in CATALOGUE["checklist"])


def unmet(checked: Collection[str]) -> tuple[Condition, ...]:
    """The conditions that a sender has not ticked, in their order; empty when a message may go (PERM-13)."""
    return tuple(one for one in checklist() if one.code not in checked)


# --- what an event is about -------------------------------------------------------------------------------------------


def cells(channel: str, purpose: str) -> tuple[tuple[str, str], ...]:
    """Every single (channel, purpose) that an event for ``channel`` and ``purpose`` is about; ``all`` is each of them.

    Sharing has no channel: it belongs to "all channels", so that who wants no calls keeps his consent to share, and who
    wants nothing at all loses it.
    """
    found = [(one, what) for what in ASKED_FOR if purpose in (what, ALL) for one in CHANNELS if channel in (one, ALL)]
    return (*found, *([(ALL, SHARING)] if purpose == SHARING or (purpose == ALL and channel == ALL) else []))


def bearing_on(channel: str, purpose: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Channels and purposes of the events that decide about one cell: its own, and those for all."""
    return ((ALL,) if purpose == SHARING else (channel, ALL)), (purpose, ALL)


@dataclass(frozen=True)
class Objection:
    """One reason against a contact, with the way out, and the rule it rests on."""

    text: Any
    rule: str


# --- contact hours (CALL-10) ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ContactHours:
    """When people are called, by the association's clock. ``until`` before ``start`` runs past midnight, as in Ramadan, and
    belongs to the day on which it began; the same time twice is the whole day. ``office`` knows the holidays."""

    days: frozenset[int]
    start: time
    until: time
    office: OfficeCalendar
    holidays: bool = False

    def open_at(self, moment: datetime) -> bool:
        here = moment.astimezone(self.office.zone)
        day, clock = here.date(), here.time()
        if self.start < self.until:
            return self.start <= clock < self.until and self._is_open(day)
        if clock >= self.start:
            return self._is_open(day)
        return clock < self.until and self._is_open(day - timedelta(days=1))

    def next_opening(self, moment: datetime) -> datetime | None:
        """When calls may be made again; None where no day is chosen. ``moment`` lies outside the hours."""
        here = moment.astimezone(self.office.zone)
        for ahead in range(60):
            opening = datetime.combine(here.date() + timedelta(days=ahead), self.start, self.office.zone)
            if opening > here and self._is_open(opening.date()):
                return opening
        return None

    def _is_open(self, day: date) -> bool:
        return day.weekday() in self.days and (self.holidays or self.office.is_working(day))
