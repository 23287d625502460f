"""The worked example of plugins/README.md does what it says, in few lines, and passes the check."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session
from visits import services
from visits.models import Visit

from core import work
from core.auth import services as auth
from core.auth.models import User
from core.commands import operator
from core.errors import Conflict, InvalidInput, NotAllowed
from core.procedures.models import StepRun
from core.procedures.queries import inbox
from core.testing import NOON, actor_with, sign_in
from tests.conftest import PLUGINS
from tests.core.customers.conftest import approved, customer, fill, people  # noqa: F401 - fixtures

ROOT = Path(__file__).resolve().parents[3]
EMPLOYEE = actor_with("visits.record", "customers.read", scopes={"*": "all"})
MANAGER = actor_with("visits.confirm")


@pytest.fixture
def shared_app(app_with: Callable[[str], Flask]) -> Flask:
    return app_with("visits")


@pytest.fixture
def visit(session: Session, customer: Any) -> Visit:  # noqa: F811
    return services.record(session, number=customer().number, visited_on=date(2026, 1, 5), remarks="بخير", actor=EMPLOYEE, now=NOON)


def test_it_is_short() -> None:
    files = [file for file in (PLUGINS / "visits").iterdir() if file.suffix in (".py", ".json", ".html")]
    assert sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files) < 120


@pytest.mark.processes
def test_the_check_is_green() -> None:
    done = subprocess.run([sys.executable, "-m", "core.cli", "plugins", "check", "visits"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:]


def test_both_steps_are_walked_by_whom_they_are_for(session: Session, visit: Visit) -> None:
    first, second = session.scalars(sa.select(StepRun).where(StepRun.record_type == "visits_visit").order_by(StepRun.step_number)).all()
    assert first.ended_at == NOON and second.ended_at is None and second.roles == "|crm_manager|"
    assert (second.due_at - NOON).days >= 1
    manager = actor_with(roles=frozenset({"crm_manager"}), user_id=1)
    assert [step.run.id for steps in inbox(session, manager, NOON).groups.values() for step in steps] == [second.id]

    with pytest.raises(NotAllowed):
        services.confirm(session, visit, actor=EMPLOYEE, now=NOON)
    services.confirm(session, visit, actor=MANAGER, now=NOON)
    assert visit.confirmed_at == second.ended_at == NOON
    with pytest.raises(Conflict):
        services.confirm(session, visit, actor=MANAGER, now=NOON)


def test_a_visit_needs_a_customer_one_may_read(session: Session, visit: Visit) -> None:
    stranger = actor_with("visits.record", scopes={"*": "own"}, user_id=0)
    for number, actor in (("999", EMPLOYEE), (str(session.scalar(sa.text("SELECT number FROM core_customer"))), stranger)):
        with pytest.raises(InvalidInput) as refused:
            services.record(session, number=number, visited_on=date(2026, 1, 5), remarks="", actor=actor, now=NOON)
        assert refused.value.field == "number"


@pytest.mark.parametrize(("language", "title"), [("ar", "الزيارات"), ("en", "Visits")])
def test_its_pages_speak_both_languages(app: Flask, session: Session, visit: Visit, language: str, title: str) -> None:
    clerk, manager = signed(app, session, "crm_employee", "crm_manager")
    number = session.scalar(sa.text("SELECT number FROM core_customer"))
    page = manager.get(f"/visits/visits/?lang={language}").get_data(as_text=True)
    assert title in page and "بخير" in page

    assert clerk.post("/visits/visits/new/", data={"number": number, "visited_on": "2026-01-06", "remarks": "زيارة ثانية"}).status_code == 302
    assert clerk.post(f"/visits/visits/edit/?id={visit.id}").status_code == 403
    assert manager.post(f"/visits/visits/edit/?id={visit.id}").status_code == 302
    assert session.scalar(sa.select(sa.func.count(Visit.confirmed_at))) == 1


def test_its_report_has_a_page_and_a_file(app: Flask, session: Session, visit: Visit) -> None:
    (manager,) = signed(app, session, "crm_manager")
    assert "visits.by_day" in manager.get("/reports/").get_data(as_text=True)
    file = manager.post("/reports/visits.by_day/export", data={"from_on": "2026-01-01", "to_on": "2026-01-31"})
    assert file.data.decode("utf-8-sig").splitlines()[-1] == "2026-01-05,1"


def signed(app: Flask, session: Session, *roles: str) -> list[Any]:
    """A client for somebody of each role, whose post is for every centre."""
    users = []
    for role in roles:
        user = auth.add_user(session, username=role.replace("_", "."), name_ar=role, actor=operator(), now=work.now())
        auth.grant_role(session, user, role, actor=operator())
        auth.set_scope(session, role, "all", actor=operator())
        users.append(user.id)
    session.flush()
    return [sign_in(app.test_client(), session.get_one(User, user_id)) for user_id in users]
