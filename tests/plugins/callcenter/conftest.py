"""An association with the call centre on, its people, and customers in its register."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from core import work
from core.auth import services as auth
from core.auth.models import User
from core.customers.models import Customer
from core.database import db
from core.i18n import use_language
from core.imports import readers
from core.imports import services as imports
from core.imports.models import Import
from core.imports.offers import Importer
from core.imports.views import guess
from core.organisation.models import Department
from core.testing import actor_with
from plugins.callcenter import importers, services
from plugins.callcenter.models import Call
from tests.core.customers.conftest import ADMIN, People, Person, approved, customer, fill, people, person  # noqa: F401 - fixtures

MONDAY = datetime(2026, 2, 2, 7, 15, tzinfo=UTC)
"""10:15 in Makkah."""
KEEPER = actor_with("callcenter.import", "callcenter.read", label="keeper")
RECORDS, TOTALS, RESULTS = importers.importers()
STAFF = {"agent": "call_agent", "donors": "donor_service_agent", "manager": "crm_manager", "quality": "quality_employee"}


@pytest.fixture(scope="session")
def shared_app(app_with: Callable[[str], Flask]) -> Flask:
    """The app with the call centre on; its staff is at work before the first test."""
    app = app_with("callcenter")
    with app.app_context(), work.unit_of_work(work.real(db.session)) as session:
        if session.scalar(sa.select(User.id).where(User.username == "cc_agent")) is None:
            hire(session)
    return app


def hire(session: Session) -> None:
    session.info["actor"] = actor_with()
    home = session.scalars(sa.select(Department).where(Department.slug == "crm")).one()
    for name, role in STAFF.items():
        person(session, f"cc_{name}", role).user.department_id = home.id


@dataclass
class Staff:
    """People of the call centre: who answers, who serves donors, who leads, who looks at quality."""

    agent: Person
    donors: Person
    manager: Person
    quality: Person


@pytest.fixture
def staff(session: Session) -> Staff:
    users = {one.username: one for one in session.scalars(sa.select(User).where(User.username.in_([f"cc_{name}" for name in STAFF])))}
    return Staff(**{name: Person(users[f"cc_{name}"], auth.actor_for(session, users[f"cc_{name}"], source="web", now=MONDAY)) for name in STAFF})


@pytest.fixture
def donor(customer: Callable[..., Customer]) -> Customer:  # noqa: F811
    return customer(name="مؤسسة الخير", mobile="0557654321")


@pytest.fixture
def log(session: Session) -> Callable[..., Call]:
    """Write a call down as ``by``; keywords change its values."""

    def make(by: Person, at: datetime = MONDAY, **values: Any) -> Call:
        given = {"direction": "in", "subject": "donation", "result": "solved", "duration": "2:00", "phone": "0559990000", **values}
        return services.log_call(session, given, actor=by.actor, now=at)

    return make


@pytest.fixture
def english() -> Iterator[None]:
    with work.time_at(MONDAY), use_language("en"):
        yield


def check(session: Session, importer: Importer, path: Path, **declared: Any) -> Import:
    """Take a file in as the page does: what it is known for, what was said of it, then every line judged."""
    known = importer.propose(path) if importer.propose is not None else None
    said = {"time_zone": "Asia/Riyadh", **(known.declared if known is not None else {}), **declared}
    row = imports.receive(session, importer, file_name=path.name, token="0", sha256=hashlib.sha256(path.read_bytes()).hexdigest(), actor=KEEPER, now=MONDAY)
    reading = readers.read(path, imports.declaration(said))
    mapping = known.mapping if known is not None else guess(importer, reading)
    imports.declare(session, row, importer, reading.headings, mapping=mapping, declared=said, options={}, actor=KEEPER)
    imports.stage_and_check(session, row, importer, path, actor=KEEPER, now=MONDAY)
    return row


def take_in(session: Session, importer: Importer, path: Path, **declared: Any) -> Import:
    row = check(session, importer, path, **declared)
    if imports.good(row.counts):
        imports.choose_to_apply(session, row, importer, expected=imports.good(row.counts), leave_out_refused=True, actor=KEEPER)
        imports.run_whole(session, row, importer, actor=KEEPER, now=MONDAY)
    return row
