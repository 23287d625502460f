"""Donors' contacts as CSV, out to another system and back, matched by the customer number; out only of who consented (CALL-13, PERM-11)."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import work
from core.consent import services as consent
from core.customers import entry, exports, importers
from core.customers import queries as register
from core.customers import services as forms
from core.customers.models import Customer, CustomerForm
from core.exporter.guard import unguard
from core.exporter.stream import read_all
from core.imports import readers
from core.imports import services as imports
from core.imports.views import guess
from core.testing import actor_with
from tests.core.customers.conftest import People
from tests.plugins.callcenter.conftest import MONDAY

SENDER = actor_with("customers.export", "customers.personal", scopes={"customers": "all"})
(IMPORTER,) = importers.importers()


def test_a_number_that_changed_elsewhere_comes_back_to_its_customer(
    session: Session, english: None, people: People, customer: Callable[..., Customer], tmp_path: Path,
) -> None:
    moved, silent = customer(name="سالم العتيبي", mobile="0551000001"), customer(name="نورة القحطاني", mobile="0551000002")
    consent.give(session, moved, "all", "sharing", source="form", actor=people.manager.actor, now=MONDAY)

    sent = read_all(exports.customer_file(session, register.scope(select(Customer).where(Customer.customer_class == moved.customer_class), SENDER), SENDER,
                                          outside=True)).decode("utf-8-sig")

    _labels, *rows = csv.DictReader(io.StringIO(sent))
    assert [(unguard(row["number"]), unguard(row["mobile"])) for row in rows] == [(moved.number, "+966551000001")]
    assert silent.name not in sent
    back = tmp_path / "back.csv"
    with back.open("w", encoding="utf-8", newline="") as file:
        lines = csv.DictWriter(file, ["number", "name", "mobile"], extrasaction="ignore")
        lines.writeheader()
        lines.writerow({**rows[0], "mobile": "0559998877"})

    work.begin_write(session)
    actor = people.employee.actor
    row = imports.receive(session, IMPORTER, file_name=back.name, token="0", sha256=hashlib.sha256(back.read_bytes()).hexdigest(), actor=actor, now=MONDAY)
    reading = readers.read(back, imports.declaration({"region": "SA"}))
    mapping = guess(IMPORTER, reading)
    assert set(mapping) >= {"number", "name", "mobile"}
    imports.declare(session, row, IMPORTER, reading.headings, mapping=mapping, declared={"region": "SA"}, options={}, actor=actor)
    imports.stage_and_check(session, row, IMPORTER, back, actor=actor, now=MONDAY)
    assert row.counts == {"update": 1}
    imports.choose_to_apply(session, row, IMPORTER, expected=1, leave_out_refused=False, actor=actor)
    imports.run_whole(session, row, IMPORTER, actor=actor, now=MONDAY)

    form = session.scalars(select(CustomerForm).where(CustomerForm.kind == "import").order_by(CustomerForm.id.desc())).first()
    assert form is not None and moved.mobile == "+966551000001"
    forms.review(session, form, actor=people.manager.actor, now=MONDAY)
    forms.approve(session, form, actor=people.manager.actor, now=MONDAY)
    entry.enter(session, form, actor=people.officer.actor, now=MONDAY)
    session.refresh(moved)
    assert moved.mobile == "+966559998877"
