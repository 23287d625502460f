"""Pure rules of leads: states and their moves, channels, weighted values, the schedule of a pledge. No session, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from core.calendar import day_words, parse_date
from core.catalogue_file import Catalogue
from core.errors import InvalidInput
from core.i18n import Bilingual
from core.i18n import lazy_gettext as _l
from core.money import Money, parse_amount
from core.text import isolate

CATALOGUE = Catalogue(__file__)

CREATION = "MAN-LEAD"
RECEIVE, POTENTIAL, IDENTIFY, DOCUMENT, REVIEW, DECIDE = 1, 2, 3, 4, 5, 6
APPOINTING, ASKING, HARM = "LEAD-PERSON", "LEAD-ASK", "LEAD-HARM"
"""The procedures of the contact person, of a permission for one contact, and of a problem with a donor."""
PARTS = (2, 3, 4)
"""Steps of ``ASKING`` by which a contact is permitted: of the CRM manager, of resource development, of the secretary (LEAD-22)."""

PROPOSED, APPROVED, REJECTED, ENDED = "proposed", "approved", "rejected", "ended"
INTERNAL, EXTERNAL = "internal", "external"

IDENTIFIED, FOLLOW_UP, CLOSING, SUCCESSFUL, CANCELLED = "identified", "follow_up", "closing", "successful", "cancelled"
OPEN_STATES = (IDENTIFIED, FOLLOW_UP, CLOSING)
FINAL_STATES = (SUCCESSFUL, CANCELLED)
MOVES: Mapping[str, tuple[str, ...]] = {
    IDENTIFIED: (FOLLOW_UP, CANCELLED),
    FOLLOW_UP: (CLOSING, CANCELLED),
    CLOSING: (SUCCESSFUL, FOLLOW_UP, CANCELLED),
    SUCCESSFUL: (),
    CANCELLED: (),
}
"""From each state the states that may follow it (LEAD-13)."""
GATES: Mapping[str, Any] = {
    IDENTIFIED: _l("Programme, potential donor, probability and factors"),
    FOLLOW_UP: _l("First logged contact with a donor"),
    CLOSING: _l("Written pledge: file, date and amount"),
    SUCCESSFUL: _l("The pledged money has been received"),
    CANCELLED: _l("A written reason"),
}
"""What a lead needs to enter each state."""
WAYS: Mapping[tuple[str, str], str] = {
    (IDENTIFIED, FOLLOW_UP): "contact",
    (FOLLOW_UP, CLOSING): "pledge",
    (CLOSING, SUCCESSFUL): "succeed",
    (CLOSING, FOLLOW_UP): "withdraw",
    (IDENTIFIED, CANCELLED): "cancel",
    (FOLLOW_UP, CANCELLED): "cancel",
    (CLOSING, CANCELLED): "cancel",
}
"""By which act of ``services.NEEDS`` each move is made."""
LONGEST_TEXT = 5_000
LONGEST_SCHEDULE = 60
QUIET_AFTER_DAYS = 7


def states() -> dict[str, Bilingual]:
    return CATALOGUE.labels("states")


def appointments() -> dict[str, Bilingual]:
    """The states of a contact person."""
    return CATALOGUE.labels("appointments")


def developments() -> dict[str, Bilingual]:
    return CATALOGUE.labels("developments")


def relations() -> dict[str, Bilingual]:
    """With whom an improvement action betters the relation."""
    return CATALOGUE.labels("relations")


def channels() -> dict[str, Bilingual]:
    """The ways by which donors are contacted."""
    return CATALOGUE.labels("channels")


def may_move(state: str, to: str) -> bool:
    return to in MOVES[state]


def acts_in(state: str) -> list[str]:
    """What a lead in this state admits, whoever does it, by the names of ``services.NEEDS``, the likeliest first (LEAD-09…13)."""
    if state in FINAL_STATES:
        return []
    first = {IDENTIFIED: ["contact"], FOLLOW_UP: ["contact", "pledge"], CLOSING: ["succeed", "contact"]}[state]
    return [*first, "estimate", "donor", *(["withdraw"] if state == CLOSING else []), "cancel"]


def weighted_minor(expected_minor: int, probability: int) -> int:
    """Expected amount × probability in minor units, half up: 50000.00 at 80 % is 40000.00 (LEAD-26)."""
    return int((Decimal(expected_minor) * probability / 100).quantize(Decimal(1), ROUND_HALF_UP))


def success_rate(successful: int, cancelled: int) -> Decimal | None:
    """Successful of all that ended, in per cent with one decimal, half up: 3 of 5 is 60.0 (LEAD-25); None where nothing ended."""
    ended = successful + cancelled
    return (Decimal(successful) * 100 / ended).quantize(Decimal("0.1"), ROUND_HALF_UP) if ended else None


def is_quiet(days: int) -> bool:
    """Whether an open lead is flagged after so many days without an update (LEAD-15)."""
    return days > QUIET_AFTER_DAYS


@dataclass(frozen=True)
class Part:
    """One instalment of a pledge; ``due_on`` None where the donor named no day."""

    due_on: date | None
    amount: Money


def read_schedule(text: str, whole: Money, signed_on: date) -> list[Part]:
    """The instalments that ``text`` names, a line each: day and amount. Without a line the whole is one part without a day.

    Raises InvalidInput for a line that is none, a day before the signature, and parts that are not the whole together.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return [Part(None, whole)]
    if len(lines) > LONGEST_SCHEDULE:
        raise InvalidInput(_l("A schedule has at most %(most)s instalments; these are %(n)s.", most=LONGEST_SCHEDULE, n=len(lines)), field="schedule",
                           rule="LEAD-10")
    parts = [_part(line, whole.currency, signed_on) for line in lines]
    together = sum_of(parts, whole.currency)
    if together != whole:
        raise InvalidInput(_l("The instalments come to %(sum)s, the pledge is %(whole)s. Correct one of them.", sum=isolate(str(together)),
                              whole=isolate(str(whole))), field="schedule", value=str(together), rule="LEAD-10")
    return parts


def _part(line: str, currency: str, signed_on: date) -> Part:
    day, _space, amount = line.partition(" ")
    if not amount.strip():
        raise InvalidInput(_l("“%(value)s” is no instalment. Write day and amount, such as %(example)s.", value=isolate(line[:60], "auto"),
                              example=isolate("2026-06-01 25000")), field="schedule", value=line[:60], rule="LEAD-10")
    due_on = parse_date(day, field="schedule")
    part = Part(due_on, Money(parse_amount(amount.strip(), currency, field="schedule"), currency))
    if part.amount.amount <= 0:
        raise InvalidInput(_l("An instalment is a positive amount."), field="schedule", value=line[:60], rule="LEAD-10")
    if due_on < signed_on:
        raise InvalidInput(_l("The instalment of %(day)s is due before the pledge was signed.", day=day_words(due_on)), field="schedule",
                           value=line[:60], rule="LEAD-10")
    return part


def sum_of(parts: Sequence[Part], currency: str) -> Money:
    return sum((one.amount for one in parts), Money(Decimal(0), currency))
