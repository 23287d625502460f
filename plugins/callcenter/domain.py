"""Pure rules of calls: directions, answered or not, how legs are one call, averages and rates. No session, no clock."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from core.catalogue_file import Catalogue
from core.i18n import Bilingual
from core.i18n import lazy_gettext as _l
from core.text import fold, normalise_digits

CATALOGUE = Catalogue(__file__)

CALLS, CALL_BACK = "CALLS", 1
IN, OUT, INTERNAL = "in", "out", "internal"
NOT_WANTED = "not_wanted"
"""The result of a call in which the customer said that he does not want to be called."""
OPEN, DONE, DROPPED = "open", "done", "dropped"
DIRECTIONS = {OUT: _l("Outgoing"), IN: _l("Incoming"), INTERNAL: _l("Internal")}
CALLBACK_STATES = {OPEN: _l("to be called"), DONE: _l("called"), DROPPED: _l("not needed")}
REACHED, UNREACHED = "reached", "unreached"
TASK_STATES = {OPEN: _l("left"), REACHED: _l("reached"), UNREACHED: _l("not reached")}
NOTICE, LIST, RESULTS = "notice", "list", "results"
KINDS = {NOTICE: _l("Notice"), LIST: _l("List by a rule"), RESULTS: _l("Results of another system")}
ENDED_DONE, ENDED_CLOSED = "done", "closed"
CAMPAIGN_STATES = {OPEN: _l("being called"), ENDED_DONE: _l("nobody is left"), ENDED_CLOSED: _l("closed")}
APPOINTMENT, SENT, MISSED = "appointment", "sent", "missed"
ANSWERED, NO_ANSWER, BUSY, FAILED = "answered", "no_answer", "busy", "failed"
LONGEST_NOTE = 5_000
LONGEST_CALL_SECONDS = 24 * 3600
LEAST_DIGITS = 3
"""A number with fewer digits is nobody outside: a feature code of the exchange."""


def subjects() -> dict[str, Bilingual]:
    """Every known subject; which of them an association uses is its setting (CALL-01)."""
    return CATALOGUE.labels("subjects")


def results() -> dict[str, Bilingual]:
    return CATALOGUE.labels("results")


def is_answered(result: str) -> bool:
    """Whether somebody was spoken to, by the result that the agent chose."""
    return any(item["code"] == result and item["answered"] for item in CATALOGUE["results"])


def reminder_kinds() -> dict[str, Bilingual]:
    """What customers are reminded of (CALL-14)."""
    return CATALOGUE.labels("reminders")


def reminder_results() -> dict[str, Bilingual]:
    """What came of a reminder."""
    return CATALOGUE.labels("reminder_results")


# --- figures ---------------------------------------------------------------------------------------------------------


def closing_rate(closed: int, received: int) -> Decimal | None:
    """Closed complaints of received ones in per cent with one decimal, half up (CALL-03): 1707 of 1793 is 95.2."""
    return rate(closed, received, "0.1")


def rate(part: int, whole: int, places: str = "0.01") -> Decimal | None:
    """A part of a whole in per cent, half up, with two decimals: 4640 of 41188 is 11.27."""
    return (Decimal(part) * 100 / whole).quantize(Decimal(places), ROUND_HALF_UP) if whole else None


def average_seconds(total: int, answered: int) -> int | None:
    """Handling time (CALL-05): all seconds of the answered calls by their number, in whole seconds, half up; None of none."""
    return int((Decimal(total) / answered).quantize(Decimal(1), ROUND_HALF_UP)) if answered else None


def clock_of(seconds: int | None) -> str:
    """``00:03:20``: hours, minutes and seconds; more than a day goes on counting hours."""
    if seconds is None:
        return ""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def seconds_of(text: str) -> int | None:
    """What somebody typed as a duration: ``3:20``, ``1:02:05``, or seconds; None for anything else."""
    parts = normalise_digits(text).strip().split(":")
    if not 1 <= len(parts) <= 3 or not all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts):
        return None
    if len(parts) > 1 and any(int(part) > 59 for part in parts[1:]):
        return None
    return sum(int(part) * 60 ** place for place, part in enumerate(reversed(parts)))


# --- what the exchange writes ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Leg:
    """One line of the exchange: somebody's part of a call, or all of it. Times in UTC, lengths in seconds."""

    key: str
    group: str
    started_at: datetime
    duration: int
    talk: int
    disposition: str
    source: str
    destination: str
    did: str = ""
    context: str = ""
    channel: str = ""
    channel_to: str = ""
    application: str = ""
    recording: str = ""
    direction: str = ""

    @property
    def outcome(self) -> str:
        return outcome_of(self.disposition, self.talk)

    @property
    def answered(self) -> bool:
        return self.outcome == ANSWERED


def outcome_of(disposition: str, talk: int) -> str:
    """Answered, not answered, busy or failed, by the exchange's word or its cause of hanging up (Q.850).

    A cause alone says only how a call ended: 16 is answered where somebody talked, else not.
    """
    word = " ".join(disposition.split()).upper()
    if word in ("16", ""):
        return ANSWERED if talk > 0 else NO_ANSWER
    return next((outcome for outcome, words in CATALOGUE["dispositions"].items() if word in words), FAILED)


def direction_word(text: str) -> str:
    """The direction that a file's word means; empty where it says none."""
    words = fold(text)
    return next((code for code, writings in CATALOGUE["directions"].items() if words in {fold(one) for one in writings}), "") if words else ""


@dataclass(frozen=True)
class House:
    """What is the association's own: its numbers (digits as they are dialled, without the zero or code before) and how long extensions are."""

    extension_digits: int = 5
    own: frozenset[str] = frozenset()

    def is_outside(self, number: str) -> bool:
        """Whether a number is somebody's outside: more digits than an extension has, and none of the own numbers."""
        found = digits_of(number)
        return len(found) > max(self.extension_digits, LEAST_DIGITS) and not self.is_own(found)

    def is_own(self, number: str) -> bool:
        found = digits_of(number)
        return bool(found) and any(found == one or (found.endswith(one) and len(found) - len(one) <= 5) for one in self.own)


def digits_of(number: str) -> str:
    """The digits of a number; empty for a name, a feature code (``*60``) or ``s``."""
    text = normalise_digits(number).strip()
    return re.sub(r"\D", "", text) if re.fullmatch(r"\+?[0-9][0-9\s().-]*", text) else ""


@dataclass(frozen=True)
class Made:
    """The call that some legs make: what its row holds."""

    group: str
    direction: str
    started_at: datetime
    duration: int
    talk: int
    answered: bool
    party: str
    extension: str
    legs: int
    recordings: tuple[str, ...] = ()


def call_of(legs: Iterable[Leg], house: House) -> Made:
    """One call of its legs: answered if any leg was, from the first ring to the last end; times in which several legs talk count once."""
    ordered = sorted(legs, key=lambda one: (one.started_at, one.key))
    first = ordered[0]
    answering = next((one for one in ordered if one.answered and one.talk > 0), next((one for one in ordered if one.answered), first))
    direction, party = _sides(ordered, house)
    inside = answering.source if direction == OUT else answering.destination
    ends = max(one.started_at + timedelta(seconds=one.duration) for one in ordered)
    return Made(first.group, direction, first.started_at, int((ends - first.started_at).total_seconds()), talk_of(ordered),
                any(one.answered for one in ordered), party, extension_of(inside, answering.channel if direction == OUT else answering.channel_to),
                len(ordered), tuple(dict.fromkeys(one.recording for one in ordered if one.recording)))


def _sides(legs: Sequence[Leg], house: House) -> tuple[str, str]:
    """Direction and the number outside, as the first leg says that has one; between own ends it is internal.

    A file's own word on the direction decides; where both ends are outside, the context or the own numbers, else it came in.
    """
    for leg in legs:
        ends = {IN: leg.source, OUT: leg.destination}
        outside = [way for way, number in ends.items() if house.is_outside(number)]
        if not outside:
            continue
        said = direction_word(leg.direction)
        if said in outside:
            return said, ends[said]
        if len(outside) == 1:
            return outside[0], ends[outside[0]]
        way = OUT if leg.context.startswith("from-internal") else IN
        return way, ends[way]
    return INTERNAL, ""


def talk_of(legs: Iterable[Leg]) -> int:
    """Seconds in which somebody talked: the answered legs' times, each second once (legs of a queue lie over one another)."""
    spans = sorted((one.started_at + timedelta(seconds=one.duration - one.talk), one.started_at + timedelta(seconds=one.duration))
                   for one in legs if one.answered and one.talk > 0)
    total, until = timedelta(), None
    for begin, end in spans:
        begin = begin if until is None else max(begin, until)
        if end > begin:
            total += end - begin
            until = end
    return int(total.total_seconds())


def extension_of(number: str, channel: str) -> str:
    """The own end of a call: its number, else the one in the channel's name (``SIP/112-00000508``)."""
    found = re.fullmatch(r"[A-Za-z]+/([A-Za-z0-9_.]+?)(?:@.*)?-[0-9a-f;]+", channel)
    return (found[1] if found else number)[:40]


def whole_numbers(given: str) -> frozenset[str]:
    """The association's own numbers as the setting has them, divided by commas or lines; by their last digits, however they are written."""
    return frozenset(found for one in re.split(r"[,،;\n]+", normalise_digits(given)) if (found := re.sub(r"\D", "", one).lstrip("0")))


def layout_of(rows: Sequence[Sequence[str]]) -> Mapping[str, Any] | None:
    """The kind of file without headings that these first lines are, by their width and what their columns hold; None where none fits.

    Most lines must fit, not all: a damaged one is refused by itself. A whole first line without any number is one of headings.
    """
    headings = not any(_NUMBER.fullmatch(cell.strip()) or _MOMENT.fullmatch(cell.strip()) for cell in rows[0])
    for one in CATALOGUE["layouts"]:
        if headings and len(rows[0]) == one["width"]:
            continue
        fitting = [row for row in rows if len(row) == one["width"] and _fits(row, one)]
        named = all(any(_FILE.search(row[place - 1]) for row in fitting) for place in one.get("files", ()))
        if named and 2 * len(fitting) > len(rows):
            return one  # type: ignore[no-any-return]
    return None


_FILE = re.compile(r"\.(wav|mp3|gsm|ogg)$", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d+")
_MOMENT = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4} \d{1,2}:\d{2}(:\d{2})?|\d{9,10}")


def _fits(row: Sequence[str], layout: Mapping[str, Any]) -> bool:
    def cell(place: int) -> str:
        return row[place - 1].strip()

    return (all(_MOMENT.fullmatch(cell(place)) for place in layout["moments"]) and all(_NUMBER.fullmatch(cell(place)) for place in layout["numbers"])
            and all(outcome_of(cell(place), 1) != FAILED or cell(place).upper() in CATALOGUE["dispositions"][FAILED] for place in layout["words"]))
