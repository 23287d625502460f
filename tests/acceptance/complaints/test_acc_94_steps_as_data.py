"""ACC-94: the steps of the manual as data, of the owners that are installed (PLUG-10, ORG-02, ORG-03)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.auth.models import Role
from core.procedures import home, queries, services
from core.procedures.models import Procedure, StepVersion
from plugins.complaints.models import Entry
from tests.plugins.complaints.conftest import MONDAY, Staff

OWNERS = {"core": services.CORE_FILE, "complaints": Path(services.__file__).parents[2] / "plugins" / "complaints" / "procedures.json"}


def counted(session: Session) -> tuple[int, int]:
    own = sa.select(Procedure.id).where(Procedure.plugin.in_(OWNERS))
    return len(session.scalars(own).all()), session.scalar(sa.select(sa.func.count(StepVersion.id)).where(StepVersion.procedure_id.in_(own))) or 0


def test_core_and_complaints_give_three_procedures_of_twenty_steps(session: Session) -> None:
    assert counted(session) == (3, 20)


def test_a_second_time_adds_nothing(session: Session) -> None:
    assert services.load(session, list(OWNERS.items())) == 0
    assert counted(session) == (3, 20)


def test_every_role_of_the_catalogue_is_there(session: Session, shared: Path) -> None:
    wanted = {one["slug"] for one in json.loads((shared / "requirements" / "catalogues.json").read_text(encoding="utf-8"))["roles"]}

    assert wanted <= set(session.scalars(sa.select(Role.slug)))


def test_an_overdue_step_appears_for_its_holders_and_their_manager(session: Session, staff: Staff, receive: Callable[..., Entry]) -> None:
    entry = receive(staff.crm, answer_now="callback", promised_at=MONDAY + timedelta(days=3), callback_to="0559990000")
    later = MONDAY + timedelta(days=2)

    for found in (queries.inbox(session, staff.crm.actor, later), home.team(session, staff.crm_manager.actor, later)):
        assert [step.run.step_number for step in found.overdue if step.run.record_id == entry.id and step.run.step_number == 3] == [3]
    assert not [step for step in queries.inbox(session, staff.centres.actor, later).overdue if step.run.record_id == entry.id]
