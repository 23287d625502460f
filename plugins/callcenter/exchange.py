"""What the exchange wrote, taken in: legs as they came, and the calls made of them (CALL-01).

Legs are known by all they say, calls by what links their legs: the same file again changes nothing, a leg that comes late
joins its call. Written in bulk, a block at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.audit import services as audit
from core.auth.actor import Actor, authorize
from core.customers.queries import read_phone
from core.database import section
from core.errors import Conflict
from core.i18n import lazy_gettext as _l
from core.keys import new_subjects
from plugins.callcenter import domain, queries
from plugins.callcenter.domain import Made
from plugins.callcenter.models import Call, Callback, Leg, Recording

IMPORT = "callcenter.import"
SOURCE = "exchange"
PART = 400
MADE_OF_LEGS = ("direction", "started_at", "duration_seconds", "talk_seconds", "answered", "extension", "legs", "group_key")
"""What a call has of its legs; a late one changes it."""
SAME = timedelta(minutes=10)
"""So far the time that somebody wrote down may be from the exchange's."""


def known(session: Session, keys: Iterable[str]) -> dict[str, int]:
    """Which of these legs are there, with the calls they belong to."""
    return {key: call_id for part in _parts(keys) for key, call_id in session.execute(sa.select(Leg.key, Leg.call_id).where(Leg.key.in_(part)))}


def _parts(wanted: Iterable[Any]) -> Iterable[list[Any]]:
    whole = list(wanted)
    return (whole[start:start + PART] for start in range(0, len(whole), PART))


def take_in(session: Session, legs: Sequence[domain.Leg], *, import_id: int, actor: Actor, now: datetime) -> list[int]:
    """The calls' ids, in the order of ``legs``; a leg that is there already adds nothing and answers with its call."""
    authorize(session, actor, IMPORT, rule="CALL-01")
    there = known(session, (one.key for one in legs))
    fresh = list({one.key: one for one in legs if one.key not in there}.values())
    groups: dict[str, list[domain.Leg]] = {}
    for one in fresh:
        groups.setdefault(one.group, []).append(one)
    calls = _calls_of(session, groups)
    house = queries.house(session)
    intake = Intake(session, import_id, actor, now)
    made = [domain.call_of(own, house) for group, own in groups.items() if group not in calls]
    calls |= intake.written_down(made)
    new = [one for one in made if one.group not in calls]
    ids = {one.group: call_id for one, call_id in zip(new, intake.add(new), strict=True)} | {group: call.id for group, call in calls.items()}
    intake.join([(call, domain.call_of([*_legs_of(session, call), *groups[group]], house)) for group, call in calls.items()])
    _write_legs(session, fresh, ids, import_id)
    _write_recordings(session, fresh, ids)
    return [there[one.key] if one.key in there else ids[one.group] for one in legs]


def _calls_of(session: Session, groups: Iterable[str]) -> dict[str, Call]:
    return {str(one.group_key): one for part in _parts(groups) for one in session.scalars(sa.select(Call).where(Call.group_key.in_(part)))}


def _legs_of(session: Session, call: Call) -> list[domain.Leg]:
    return [domain.Leg(one.key, one.group_key, one.started_at, one.duration_seconds, one.talk_seconds, one.disposition, one.source, one.destination,
                       one.did, one.context, one.channel, one.channel_to, one.application, one.recording, one.direction)
            for one in queries.legs_of(session, call)]


@dataclass
class Intake:
    """One block of calls on its way into the log, each with the person outside, as far as somebody has the number."""

    session: Session
    import_id: int
    actor: Actor
    now: datetime
    phones: dict[str, str | None] = field(default_factory=dict)

    def written_down(self, made: Sequence[Made]) -> dict[str, Call]:
        """Which of these calls somebody has written down by hand already: with the same number or customer, the same way, near in time; each once."""
        outside = [(one, phone) for one in made if one.direction != domain.INTERNAL and (phone := self._phone(one.party))]
        if not outside:
            return {}
        owners = {phone: found[0][0] for phone, found in queries.by_phone(self.session, {phone for _one, phone in outside}).items() if len(found) == 1}
        times = [one.started_at for one, _phone in outside]
        near = sa.select(Call).where(Call.source != SOURCE, Call.group_key.is_(None), Call.started_at.between(min(times) - SAME, max(times) + SAME))
        free = list(self.session.scalars(near.order_by(Call.started_at, Call.id)))
        found: dict[str, Call] = {}
        for one, phone in outside:
            same = [call for call in free if (call.direction, call.answered) == (one.direction, one.answered) and abs(call.started_at - one.started_at) <= SAME
                    and (call.phone == phone if call.phone else call.customer_id is not None and call.customer_id == owners.get(phone))]
            if same:
                found[one.group] = min(same, key=lambda call: abs(call.started_at - one.started_at))
                free.remove(found[one.group])
        return found

    def add(self, made: Sequence[Made]) -> list[int]:
        """Write new calls; each new number outside is one person of the audit log, however often it calls."""
        if not made:
            return []
        rows = [self._row(one) for one in made]
        self._name(rows)
        return [int(one) for one in audit.bulk(self.session, Call, rows)]

    def join(self, changed: Sequence[tuple[Call, Made]]) -> None:
        """Bring calls up to date with legs that came later; what somebody wrote about them stays."""
        rows, before = [], []
        for call, made in changed:
            new = {name: value for name, value in self._row(made).items() if name in MADE_OF_LEGS}
            old = {name: getattr(call, name) for name in new}
            if new != old:
                rows.append({"id": call.id, **new})
                before.append({"id": call.id, "subject_id": call.subject_id, **old})
        if rows:
            audit.bulk(self.session, Call, rows, before=before, action="leg")

    def _row(self, one: Made) -> dict[str, Any]:
        phone = self._phone(one.party)
        return {
            "direction": one.direction, "started_at": one.started_at, "duration_seconds": one.duration, "talk_seconds": one.talk, "answered": one.answered,
            "extension": one.extension or None, "legs": one.legs, "phone": phone, "party": None if phone or not one.party else one.party[:80],
            "source": SOURCE, "group_key": one.group, "import_id": self.import_id, "recorded_at": self.now, "recorded_by_id": self.actor.user_id,
        }

    def _phone(self, party: str) -> str | None:
        if party not in self.phones:
            self.phones[party] = read_phone(self.session, party) if party else None
        return self.phones[party]

    def _name(self, rows: Sequence[dict[str, Any]]) -> None:
        """The one customer with the number; whose it is of several is for the agent to say. Else the person whom earlier calls had."""
        phones = {row["phone"] for row in rows if row["phone"]}
        owners = {phone: found for phone, found in queries.by_phone(self.session, phones).items() if len(found) == 1}
        persons = self._earlier(phones - set(owners))
        for row in rows:
            who = owners.get(row["phone"])
            row["customer_id"] = who[0][0] if who else None
            if who:
                persons[row["phone"]] = who[0][1]
        strangers = list(dict.fromkeys(key for row in rows if (key := row["phone"] or row["party"]) and key not in persons))
        persons.update(zip(strangers, new_subjects(self.session, len(strangers)), strict=True))
        for row in rows:
            row["subject_id"] = persons.get(row["phone"] or row["party"])

    def _earlier(self, phones: Iterable[str]) -> dict[str, str]:
        query = sa.select(Call.phone, sa.func.min(Call.subject_id)).where(Call.customer_id.is_(None)).group_by(Call.phone)
        return {str(phone): subject for part in _parts(phones) for phone, subject in self.session.execute(query.where(Call.phone.in_(part)))}


def _write_legs(session: Session, legs: Sequence[domain.Leg], ids: Mapping[str, int], import_id: int) -> None:
    rows = [{"call_id": ids[one.group], "key": one.key, "group_key": one.group, "started_at": one.started_at, "duration_seconds": one.duration,
             "talk_seconds": one.talk, "disposition": one.disposition, "source": one.source, "destination": one.destination, "did": one.did,
             "context": one.context, "channel": one.channel, "channel_to": one.channel_to, "application": one.application, "recording": one.recording,
             "direction": one.direction, "import_id": import_id} for one in legs]
    if rows:
        with section("callcenter.legs"):
            session.execute(sa.insert(Leg), rows)


def _write_recordings(session: Session, legs: Sequence[domain.Leg], ids: Mapping[str, int]) -> None:
    """Name what was recorded, each file of a call once."""
    wanted = {(ids[one.group], one.recording) for one in legs if one.recording}
    there = {(call_id, reference) for part in _parts({call_id for call_id, _reference in wanted})
             for call_id, reference in session.execute(sa.select(Recording.call_id, Recording.reference).where(Recording.call_id.in_(part)))}
    rows = [{"call_id": call_id, "reference": reference, "sha256": None} for call_id, reference in sorted(wanted - there)]
    if rows:
        audit.bulk(session, Recording, rows)


def take_back(session: Session, ids: Sequence[int], *, import_id: int, actor: Actor, now: datetime) -> None:
    """Remove an import's legs, and the calls of which nothing is left; all or none. Conflict names the first that somebody worked on."""
    authorize(session, actor, IMPORT, rule="CALL-01")
    for part in _parts(dict.fromkeys(ids)):
        calls = session.scalars(sa.select(Call).where(Call.id.in_(part)).order_by(Call.id)).all()
        promised = set(session.scalars(sa.select(Callback.call_id).where(Callback.call_id.in_(part))))
        touched = next((one for one in calls if one.source == SOURCE and (one.subject or one.result or one.entry_number or one.id in promised)), None)
        if touched is not None:
            raise Conflict(_l("The call %(id)s was worked on since it came in, so it stays; nothing was taken back.", id=touched.id), rule="CALL-01")
        with section("callcenter.legs"):
            session.execute(sa.delete(Leg).where(Leg.call_id.in_(part), Leg.import_id == import_id))
        left = {call_id for (call_id,) in session.execute(sa.select(Leg.call_id).where(Leg.call_id.in_(part)).distinct())}
        gone = [one for one in calls if one.id not in left]
        _remove(session, [one for one in gone if one.source == SOURCE])
        for one in gone:
            if one.source != SOURCE:
                one.group_key, one.legs = None, 0
        house = queries.house(session)
        Intake(session, import_id, actor, now).join([(one, domain.call_of(_legs_of(session, one), house)) for one in calls if one.id in left])


def _remove(session: Session, calls: Sequence[Call]) -> None:
    for recording in session.scalars(sa.select(Recording).where(Recording.call_id.in_([one.id for one in calls]))).all():
        session.delete(recording)
    session.flush()
    for call in calls:
        audit.name_action(session, call, "undo")
        session.delete(call)
    session.flush()
