"""A step of the manual changed on its page: the next complaint follows, the open one ends by the rules it began with (PLUG-10, ORG-08)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.procedures import queries
from core.procedures.models import StepRun, StepVersion
from core.testing import sign_in
from plugins.complaints.models import Entry
from tests.core.customers.conftest import Person
from tests.plugins.complaints.conftest import Staff

STUDY = "/procedures/MAN-CMPL/3/"
DAY = timedelta(days=1)


def browser(app: Flask, session: Session, who: Person) -> FlaskClient:
    work.commit(session)
    client = sign_in(app.test_client(), who.user)
    client.set_cookie("diwan_language", "en")
    return client


def promised(session: Session, receive: Callable[..., Entry], staff: Staff) -> StepRun:
    """A complaint of now, whose caller was promised a call-back: the run of its study."""
    work.begin_write(session)
    now = work.now()
    entry = receive(staff.crm, at=now, answer_now="callback", promised_at=now + 5 * DAY, callback_to="0559990000")
    run = session.scalars(sa.select(StepRun).where(
        StepRun.record_type == "complaints_entry", StepRun.record_id == entry.id, StepRun.step_number == 3)).one()
    work.commit(session)
    return run


def versions_shown(client: FlaskClient) -> list[tuple[str, datetime]]:
    """Of the versions on the page of the clause: words and the moment from which each holds, the newest first."""
    page = client.get("/procedures/MAN-CMPL/").get_data(as_text=True)
    listed = page[page.index('class="dw-versions"'):]
    found = []
    for item in re.findall("<li>(.*?)</li>", listed[:listed.index("</ul>")], re.DOTALL):
        moment = re.search('<time[^>]* datetime="([^"]+)"', item)
        assert moment, item
        found.append((" ".join(unescape(re.sub("<[^>]+>", "", item)).split()), datetime.fromisoformat(moment[1])))
    return found


def held(session: Session) -> list[StepVersion]:
    session.expire_all()
    return list(queries.versions_of(session, "MAN-CMPL", 3))


def test_two_days_to_study_move_the_next_complaint_and_not_the_open_one(app: Flask, session: Session, staff: Staff, receive: Callable[..., Entry]) -> None:
    open_one = promised(session, receive, staff)
    due = open_one.due_at
    assert due == open_one.opened_at + DAY
    client = browser(app, session, staff.crm_manager)
    assert '<option selected value="P1D">' in client.get(STUDY).get_data(as_text=True)

    answer = client.post(STUDY, data={"duration": "P2D", "reason": "رمضان"})
    assert (answer.status_code, answer.location) == (302, STUDY)

    following = promised(session, receive, staff)
    session.refresh(open_one)
    assert following.due_at == following.opened_at + 2 * DAY
    assert (open_one.due_at, open_one.step.version, following.step.version) == (due, 1, 2)
    shown = versions_shown(client)
    assert [("within 2 days" in words, "within 1 day" in words) for words, _moment in shown] == [(True, False), (False, True)]
    assert [moment for _words, moment in shown] == [one.valid_from for one in held(session)]
    assert held(session)[0].author_label == staff.crm_manager.actor.label


def test_the_study_given_to_managers_moves_the_next_complaint_and_not_the_open_one(app: Flask, session: Session, staff: Staff,
                                                                                   receive: Callable[..., Entry]) -> None:
    open_one = promised(session, receive, staff)
    client = browser(app, session, staff.crm_manager)

    answer = client.post(STUDY, data={"roles": ["centres_manager", "crm_manager"], "own_department": "y", "roles_reason": "لجنة"})
    assert (answer.status_code, answer.location) == (302, STUDY)

    following = promised(session, receive, staff)
    session.refresh(open_one)
    assert (open_one.role_slugs, following.role_slugs) == (["crm_employee"], ["crm_manager"])

    def in_inbox(who: Person) -> set[int]:
        found = queries.inbox(session, who.actor, work.now()).groups.values()
        return {one.run.id for steps in found for one in steps} & {open_one.id, following.id}

    assert (in_inbox(staff.crm), in_inbox(staff.crm_manager), in_inbox(staff.centres_manager)) == ({open_one.id}, {following.id}, set())
    shown = versions_shown(client)
    assert ["manager" in words for words, _moment in shown] == [True, False]
    assert [moment for _words, moment in shown] == [one.valid_from for one in held(session)]


def test_an_employee_changes_neither(app: Flask, session: Session, staff: Staff) -> None:
    client = browser(app, session, staff.crm)

    for data in ({"duration": "P2D", "reason": "x"}, {"roles": ["crm_manager"], "roles_reason": "x"}):
        assert client.post(STUDY, data=data).status_code == 403
    assert [one.version for one in held(session)] == [1]
