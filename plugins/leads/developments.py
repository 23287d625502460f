"""Developments inside and outside with the measure taken, and actions that better the relations with donors and beneficiaries (LEAD-24, 27)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.audit import services as audit
from core.auth.actor import Actor, authorize
from core.auth.models import User
from core.calendar import day_words, local_day
from core.customers import queries as customers
from core.customers.models import Customer
from core.errors import Conflict, InvalidInput, InvalidInputs, NotFound
from core.i18n import lazy_gettext as _l
from core.notices.services import notify
from core.numbering import next_value
from core.organisation.models import Programme
from core.sending import made_before
from core.text import clean, isolate
from plugins.leads import domain
from plugins.leads.models import Affected, Development, Improvement

RECORD, IMPROVE = "leads.developments", "leads.improve"
LONGEST_SOURCE = 200


# --- developments (LEAD-24) ------------------------------------------------------------------------------------------


def record(
    session: Session, *, kind: str, text: str, measure: str, happened_on: date | None, programme_ids: Iterable[int] = (), donors: Sequence[str] = (),
    operation_key: str | None = None, actor: Actor, now: datetime,
) -> Development:
    """Write down a development with the programmes and donors (by number) that it affects, and the measure. Raises InvalidInputs with every fault."""
    authorize(session, actor, RECORD, rule="LEAD-24")
    known = made_before(session, Development, operation_key, recorded_by_id=actor.user_id)
    if known is not None:
        return known
    text = clean(text, "text", multiline=True, longest=domain.LONGEST_TEXT)
    measure = clean(measure, "measure", multiline=True, longest=domain.LONGEST_TEXT)
    wanted = list(dict.fromkeys(programme_ids))
    programmes = session.scalars(sa.select(Programme).where(Programme.id.in_(wanted)).order_by(Programme.id)).all()
    people, faults = _donors(session, donors, actor)
    today = local_day(now, settings.time_zone(session))
    faults = [*(InvalidInput(message, field=field, value=value, rule="LEAD-24") for field, value, wrong, message in (
        ("kind", kind, kind not in domain.developments(), _l("Say whether it is an internal or an external development.")),
        ("text", None, not text, _l("Write what is new.")),
        ("measure", None, not measure, _l("Write which measure is taken.")),
        ("happened_on", None, happened_on is None, _l("Give the day of the development.")),
        ("happened_on", happened_on, happened_on is not None and happened_on > today, _l("The day of the development lies in the future.")),
        ("programme_ids", None, len(programmes) < len(wanted), _l("Choose the programme or activity.")),
        ("programme_ids", None, not wanted and not donors, _l("Name at least one programme or donor whom it affects.")),
    ) if wrong), *faults]
    if faults:
        raise InvalidInputs(faults)
    assert happened_on is not None
    made = Development(number=f"D-{next_value(session, 'leads_development'):04d}", kind=kind, text=text, measure=measure, happened_on=happened_on,
                       recorded_at=now, recorded_by_id=actor.user_id, operation_key=operation_key or None)
    session.add(made)
    session.flush()
    session.add_all([*(Affected(development_id=made.id, programme_id=one.id) for one in programmes),
                     *(Affected(development_id=made.id, customer_id=one.id) for one in people)])
    session.flush()
    return made


def _donors(session: Session, numbers: Sequence[str], actor: Actor) -> tuple[list[Customer], list[InvalidInput]]:
    found, faults = [], []
    for number in numbers:
        try:
            found.append(customers.readable(session, number, actor, field="donors"))
        except (InvalidInput, NotFound) as error:
            faults.append(InvalidInput(error.message, field="donors", value=number[:40], rule=error.rule))
    return list(dict.fromkeys(found)), faults


def affected(session: Session, developments: Sequence[Development]) -> dict[int, list[Affected]]:
    """Whom each of these developments affects, programmes first."""
    found: dict[int, list[Affected]] = {}
    query = sa.select(Affected).where(Affected.development_id.in_([one.id for one in developments]))
    for one in session.scalars(query.order_by(Affected.programme_id.is_(None), Affected.id)):
        found.setdefault(one.development_id, []).append(one)
    return found


# --- improvement actions (LEAD-27) -----------------------------------------------------------------------------------


def plan(
    session: Session, *, relation: str, source: str, action: str, person_id: int | None, due_on: date | None, operation_key: str | None = None,
    actor: Actor, now: datetime,
) -> Improvement:
    """Plan an action: whence the thought comes, what is done, by whom, until when; who is responsible is told. Raises InvalidInputs."""
    authorize(session, actor, IMPROVE, rule="LEAD-27")
    known = made_before(session, Improvement, operation_key, recorded_by_id=actor.user_id)
    if known is not None:
        return known
    source, action = clean(source, "source", longest=LONGEST_SOURCE), clean(action, "action", multiline=True, longest=domain.LONGEST_TEXT)
    person = session.get(User, person_id) if person_id is not None else None
    today = local_day(now, settings.time_zone(session))
    faults = [InvalidInput(message, field=field, value=value, rule="LEAD-27") for field, value, wrong, message in (
        ("relation", relation, relation not in domain.relations(), _l("Say with whom the relation is to be better: donors or beneficiaries.")),
        ("source", None, not source, _l("Write whence the thought comes: a complaint, a survey, a review …")),
        ("action", None, not action, _l("Write what is to be done.")),
        ("person_id", person_id, person is None or not person.active, _l("Choose who is responsible.")),
        ("due_on", None, due_on is None, _l("Give the day until which it is done.")),
        ("due_on", due_on, due_on is not None and due_on < today, _l("The day until which it is done is past.")),
    ) if wrong]
    if faults:
        raise InvalidInputs(faults)
    assert person is not None
    assert due_on is not None
    made = Improvement(number=f"I-{next_value(session, 'leads_improvement'):04d}", relation=relation, source=source, action=action, person_id=person.id,
                       due_on=due_on, result="", recorded_at=now, recorded_by_id=actor.user_id, operation_key=operation_key or None)
    session.add(made)
    session.flush()
    notify(session, {person.id} - {actor.user_id}, _l("You are responsible for the improvement action %(number)s, until %(day)s.",
                                                      number=isolate(made.number), day=day_words(due_on)),
           link=f"/leads/improvements/details/?id={made.id}", now=now)
    return made


def finish(session: Session, improvement: Improvement, *, result: str, actor: Actor, now: datetime) -> Improvement:
    """The action was carried out, with what came of it: by who is responsible, or by whoever plans actions. Raises InvalidInput, Conflict."""
    if improvement.person_id == actor.user_id:
        session.info["actor"] = actor
    else:
        authorize(session, actor, IMPROVE, rule="LEAD-27")
    session.refresh(improvement, with_for_update={"of": Improvement})
    if improvement.done_on is not None:
        raise Conflict(_l("The action %(number)s is carried out already.", number=isolate(improvement.number)), rule="LEAD-27")
    improvement.result = clean(result, "result", multiline=True, longest=domain.LONGEST_TEXT, missing=_l("Write what came of it."), rule="LEAD-27")
    improvement.done_on = local_day(now, settings.time_zone(session))
    audit.name_action(session, improvement, "finish")
    session.flush()
    return improvement
