"""ACC-95 with the real plugin: its permissions in the matrix, its line in the table of authorities (ORG-01, ORG-08).

The story's channel choice belongs to campaigns, which is not built. Its sentence is played with the line that complaints
brings: the recommendations from the log, whose button adopts them.
"""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.auth.models import Role
from core.errors import NotAllowed
from core.procedures import recurring
from core.procedures.models import StepPeriod
from core.recommendations import services as recommending
from core.recommendations.models import Recommendation
from core.testing import sign_in
from plugins.complaints.plugin import PLUGIN
from tests.core.customers.conftest import Person, person
from tests.plugins.complaints.conftest import MONDAY, Staff, department

LINE = "complaints.recommendations"


@pytest.fixture
def board(session: Session) -> Person:
    return person(session, "board", "association_management")


@pytest.fixture
def raised(session: Session, staff: Staff) -> Recommendation:
    """What customer relations' manager recommends in the week's review."""
    with work.time_at(MONDAY):
        recurring.open_periods(session, {}, MONDAY)
    home = department(session, "crm").id
    week = session.scalars(sa.select(StepPeriod).where(
        StepPeriod.procedure_code == "MAN-CMPL", StepPeriod.step_number == 8, StepPeriod.department_id == home)).one()
    source = recommending.source_of(session, week, link=f"/complaints/reviews/{week.id}", decision=LINE)
    return recommending.propose(session, "رسالة بعد كل موعد يتغير", source=source, actor=staff.crm_manager.actor, now=MONDAY)


def as_(app: Flask, who: Person) -> FlaskClient:
    client = sign_in(app.test_client(), who.user)
    client.set_cookie("diwan_language", "en")
    return client


def set_line(app: Flask, boss: Person, decides: str, approves: str) -> None:
    """On the page of the table, as an administrator does."""
    assert as_(app, boss).post("/roles/authorities", data={"decision": LINE, "decides": decides, "approves": approves}).status_code == 302


def offered(app: Flask, who: Person, one: int) -> tuple[bool, bool]:
    """Whether the button that adopts stands on the recommendation's own page, and on the page of the secretary's month."""
    button = f'action="/recommendations/{one}/decide"'
    return tuple(button in as_(app, who).get(address).get_data(as_text=True) for address in (  # type: ignore[return-value]
        f"/recommendations/{one}/", "/recommendations/decisions/"))


def test_the_matrix_has_one_row_for_each_role_and_permission_of_complaints(app: Flask, session: Session) -> None:
    boss = person(session, "boss", "administrator")
    work.commit(session)

    rows = list(csv.DictReader(io.StringIO(as_(app, boss).post("/roles/matrix.csv").data.decode("utf-8-sig"))))

    own = [(row["role"], row["permission"]) for row in rows if row["permission"].startswith("complaints.")]
    roles = session.scalars(sa.select(Role.slug).where(Role.active)).all()
    assert sorted(own) == sorted((role, one.name) for role in roles for one in PLUGIN.permissions)
    granted = {row["role"] for row in rows if row["permission"] == "complaints.decide" and row["granted"] == "true"}
    assert granted == {"subcouncil_secretary"}


def test_the_button_is_for_whom_the_table_names_to_approve(app: Flask, session: Session, staff: Staff, board: Person, raised: Recommendation) -> None:
    boss, one = person(session, "boss", "administrator"), raised.id
    work.commit(session)
    with work.time_at(MONDAY + timedelta(hours=1)):
        assert [offered(app, who, one) for who in (staff.secretary, staff.crm_manager, board)] == [(True, True), (False, False), (False, False)]

        set_line(app, boss, "crm_manager", "association_management")

        assert [offered(app, who, one) for who in (staff.secretary, staff.crm_manager, staff.centres_manager, board)] == [
            (False, False), (False, False), (False, False), (True, True)]
        assert as_(app, staff.secretary).post(f"/recommendations/{one}/decide", data={"verdict": "adopt"}).status_code == 403
        assert as_(app, board).post(f"/recommendations/{one}/decide", data={"verdict": "adopt"}).status_code == 302
    session.expire_all()
    assert (raised.state, raised.decided_by_id) == ("adopted", board.user.id)


def test_the_rule_holds_without_a_page_too(app: Flask, session: Session, staff: Staff, board: Person, raised: Recommendation) -> None:
    boss = person(session, "boss", "administrator")
    work.commit(session)
    with work.time_at(MONDAY):
        set_line(app, boss, "crm_manager", "association_management")
    work.begin_write(session)

    with pytest.raises(NotAllowed) as refused:
        recommending.decide(session, raised, True, actor=staff.secretary.actor, now=MONDAY)
    assert refused.value.rule == "ORG-08"
    assert recommending.decide(session, raised, True, actor=board.actor, now=MONDAY).state == "adopted"
