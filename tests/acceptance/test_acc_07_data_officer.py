"""ACC-07: only the data officer writes, or the deputy while the officer is recorded absent (CUST-08…10)."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from core import work
from core.audit.models import AuditEvent
from core.customers import entry, officers, queries
from core.errors import Conflict, NotAllowed
from tests.acceptance.register import approved_form, register_people

FEBRUARY = datetime(2026, 2, 20, 7, 0, tzinfo=UTC)


def refused(session, form, actor, now):
    with pytest.raises(NotAllowed) as refusal:
        entry.enter(session, form, actor=actor, now=now)
    assert refusal.value.rule == "CUST-10"


def test_the_deputy_enters_only_in_the_officers_absence(session):
    people = register_people(session, FEBRUARY)
    first = approved_form(session, people, FEBRUARY)
    second = approved_form(session, people, FEBRUARY, name="شركة أخرى", mobile="0550000002")

    refused(session, first, people.deputy, FEBRUARY)
    officers.record_absence(session, date(2026, 3, 1), date(2026, 3, 5), actor=people.manager, now=FEBRUARY)
    session.info["actor"] = people.deputy
    with work.time_at(datetime(2026, 3, 2, 7, 0, tzinfo=UTC)):
        entry.enter(session, first, actor=people.deputy, now=work.now())
        work.commit(session)
    work.begin_write(session)

    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "enter")).one()
    assert (event.actor_id, event.on_behalf_of_id) == (people.deputy.user_id, people.officer.user_id)
    for day in (5, 6):
        now = datetime(2026, 3, day, 22, 0, tzinfo=UTC)  # 01:00 of the following day in Makkah
        refused(session, second, people.deputy, now)
    for moment in (FEBRUARY, datetime(2026, 3, 2, 7, 0, tzinfo=UTC)):
        refused(session, second, people.employee, moment)
        refused(session, second, people.manager, moment)


def test_a_second_primary_is_refused_until_the_first_is_ended(session):
    people = register_people(session, FEBRUARY)
    with pytest.raises(Conflict) as refusal:
        officers.appoint(session, people.employee.user_id, "primary", actor=people.manager, now=FEBRUARY)
    assert refusal.value.rule == "CUST-08"

    officers.end_appointment(session, queries.officer(session, "primary"), actor=people.manager, now=FEBRUARY)
    officers.appoint(session, people.employee.user_id, "primary", actor=people.manager, now=FEBRUARY)
    assert queries.officer(session, "primary").user_id == people.employee.user_id
