"""A verdict in words: which entry, what kind of damage, what is still sound, what to do (LOOK: audit)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from core.calendar import gregorian_text, local_day
from core.i18n import gettext as _
from core.i18n import ngettext
from core.text import isolate

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Words:
    """``tone`` is good or bad; ``steps`` are what to do, in order."""

    tone: str
    title: str
    sentence: str
    steps: tuple[str, ...] = ()


def words_of(facts: Facts, zone: ZoneInfo) -> Words:
    """The verdict in the reader's language."""
    if facts["sound"]:
        return Words("good", _("The chain is whole"), _scope(facts, zone))
    first = facts["damages"][0]
    return Words("bad", _title(first), " ".join((damage_text(first), _rest(facts), _anchored(facts, zone))), _steps())


def _title(damage: Facts) -> str:
    if damage["entry"] is not None and damage["kind"] != "deleted":
        return str(_("The chain is broken at entry %(n)s", n=number(damage["entry"])))
    if damage["entry"] is not None:
        return str(_("The chain is broken after entry %(n)s", n=number(damage["entry"])))
    return str(_("The chain is broken at block %(n)s", n=number(damage["seq"])))


def damage_text(damage: Facts) -> str:
    """What happened, in one sentence."""
    kind, entry = damage["kind"], number(damage["entry"])
    told = {
        "changed": lambda: _("Entry %(n)s was changed after it was written.", n=entry),
        "swapped": lambda: _("Entries %(n)s and %(m)s were exchanged.", n=entry, m=number(damage["other"])),
        "deleted": lambda: _("An entry after %(n)s was deleted.", n=entry),
        "inserted": lambda: _("Entry %(n)s was slipped in; the system did not write it.", n=entry),
        "block_changed": lambda: _("The chain row %(n)s was changed, or written without the key.", n=number(damage["seq"])),
        "block_deleted": lambda: _("A whole transaction and its chain row were deleted, or the chain row was."),
        "rebuilt": lambda: _("From chain row %(n)s on the chain was written without this association's key.", n=number(damage["seq"])),
        "cut": lambda: _("The end of the log was cut off: an anchor names chain row %(n)s, which is not there.", n=number(damage["seq"])),
        "anchor_differs": lambda: _("Chain row %(n)s is not the one that an anchor names: the end was written anew.", n=number(damage["seq"])),
        "unknown_version": lambda: _("Chain row %(n)s has a form that this version does not know.", n=number(damage["seq"])),
    }
    return str(told[kind]())


def _scope(facts: Facts, zone: ZoneInfo) -> str:
    if not facts["entries"]:
        return str(_("The log has no entries yet."))
    told = ngettext("%(count)s entry from %(day)s until now.", "%(count)s entries from %(day)s until now.", facts["entries"],
                    count=number(facts["entries"]), day=_day(facts["first_at"], zone))
    return " ".join((told, _anchored(facts, zone), _("The check took %(n)s seconds.", n=isolate(facts["seconds"]))))


def _rest(facts: Facts) -> str:
    damages, sound, unjudged = facts["damage_count"], facts["still_sound"], facts["unjudged"]
    told = []
    if damages > 1:
        told.append(ngettext("%(count)s damage was found in all.", "%(count)s damages were found in all.", damages, count=number(damages)))
    told.append(ngettext("%(count)s other entry fits its code.", "%(count)s other entries fit their codes.", sound, count=number(sound)))
    if unjudged:
        told.append(ngettext("%(count)s entry cannot be judged.", "%(count)s entries cannot be judged.", unjudged, count=number(unjudged)))
    return " ".join(told)


def _anchored(facts: Facts, zone: ZoneInfo) -> str:
    anchor = facts["anchor"]
    if anchor is None:
        return str(_("No anchor kept outside the system was compared."))
    return str(_("The anchor of %(day)s, %(time)s, kept outside the database, fits up to entry %(n)s.",
                 day=_day(anchor["at"], zone), time=_time(anchor["at"], zone), n=number(anchor["entries"])))


def _steps() -> tuple[str, ...]:
    return (
        _("Issue no finance batch until this is settled."),
        _("Keep a copy of the database as it is, before anything is repaired."),
        _("Compare the entry with the backup before the damage, then write down what was found."),
    )


def number(value: int | None) -> str:
    return "" if value is None else isolate(f"{value:,}")


def _day(moment: str, zone: ZoneInfo) -> str:
    return gregorian_text(local_day(datetime.fromisoformat(moment), zone))


def _time(moment: str, zone: ZoneInfo) -> str:
    return isolate(f"{datetime.fromisoformat(moment).astimezone(zone):%H:%M}")
