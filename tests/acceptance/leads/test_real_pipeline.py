"""A real register of 8,800 leads, its accounts taken in as customers before, becomes marked history with the rate of its own figures (LEAD-25).

Skipped where the shared data is absent.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import work
from core.customers import entry as entering
from core.customers import importers as customer_importers
from core.customers import services as forms
from core.customers.models import Customer, CustomerForm
from core.i18n import use_language
from core.imports import readers, services
from core.imports.models import Import
from core.imports.offers import Importer
from core.procedures.models import StepRun
from core.testing import actor_with
from plugins.leads import domain, importers, reports
from plugins.leads.models import Former, Lead
from tests.core.customers.conftest import People
from tests.plugins.leads.conftest import Staff

NOW = datetime(2026, 2, 2, 7, 15, tzinfo=UTC)
KEEPER = actor_with("leads.import", label="keeper", scopes={"*": "all"})
SAID = {"date_order": "ymd", "region": "SA"}


@pytest.fixture
def english() -> Iterator[None]:
    with work.time_at(NOW), use_language("en"):
        yield


def taken(session: Session, importer: Importer, path: Path, mapping: dict[str, str], actor: Any, options: dict[str, str]) -> Import:
    row = services.receive(session, importer, file_name=path.name, token="0", sha256=hashlib.sha256(path.read_bytes()).hexdigest(), actor=actor, now=NOW)
    headings = readers.read(path, services.declaration(SAID)).headings
    services.declare(session, row, importer, headings, mapping=mapping, declared=SAID, options=options, actor=actor)
    services.stage_and_check(session, row, importer, path, actor=actor, now=NOW)
    if services.good(row.counts):
        services.choose_to_apply(session, row, importer, expected=services.good(row.counts), leave_out_refused=True, actor=actor)
        services.run_whole(session, row, importer, actor=actor, now=NOW)
    return row


def accounts(session: Session, people: People, file: Path) -> None:
    """The 85 accounts become donors by their form, as any other register would."""
    taken(session, customer_importers.importers()[0], file, {"name": "account"}, people.employee.actor, {"customer_class": "donor"})
    form = session.scalars(sa.select(CustomerForm).where(CustomerForm.kind == "import")).one()
    forms.review(session, form, actor=people.manager.actor, now=NOW)
    forms.approve(session, form, actor=people.manager.actor, now=NOW)
    entering.enter_import(session, form, actor=people.officer.actor, now=NOW)


def test_the_whole_register_gives_its_figures_as_marked_history(session: Session, english: None, shared: Path, people: People, staff: Staff) -> None:
    folder = shared / "data" / "crm"
    expected = json.loads((shared / "data" / "expected.json").read_text())["crm/sales_pipeline.csv"]
    accounts(session, people, folder / "accounts.csv")
    assert session.scalar(sa.select(sa.func.count(Customer.id))) == 85
    steps = session.scalar(sa.select(sa.func.count(StepRun.id)))

    file, importer = folder / "sales_pipeline.csv", importers.importers()[0]
    headings = readers.read(file, services.declaration(SAID)).headings
    mapping = {one.key: heading for one in importer.fields for heading in headings if heading in one.headings}
    assert mapping == {"reference": "opportunity_id", "donor": "account", "state": "deal_stage", "about": "product", "amount": "close_value",
                       "began": "engage_date", "ended": "close_date", "agent": "sales_agent"}
    row = taken(session, importer, file, mapping, KEEPER, {"currency": "USD"})

    assert (row.counts["create"], row.counts["refused"]) == (expected["rows"] - expected["account_missing"], expected["account_missing"])
    refused = Counter((field, reason) for _line, field, reason, _cells in services.refused_lines(session, row.id))
    assert refused == {("donor", "The line names no donor; a lead belongs to one."): expected["account_missing"]}
    states = {state: count for state, count in session.execute(sa.select(Former.state, sa.func.count(Former.id)).group_by(Former.state))}
    assert (states[domain.SUCCESSFUL], states[domain.CANCELLED]) == (expected["stages"]["Won"], expected["stages"]["Lost"])
    assert states[domain.FOLLOW_UP] + states[domain.IDENTIFIED] == expected["open"] - expected["account_missing"]
    assert session.scalar(sa.select(sa.func.sum(Former.amount_minor))) == round(expected["all"]["won_value"] * 100)
    assert (session.scalar(sa.select(sa.func.count(Lead.id))), session.scalar(sa.select(sa.func.count(StepRun.id)))) == (0, steps)

    asked = {"from_on": date(2016, 1, 1), "to_on": date(2017, 12, 31)}
    loaded = reports.outcomes(session, asked, staff.manager.actor)
    (figure, *_days) = [one.value for one in reports.success_figures(session, asked, staff.manager.actor, loaded)]
    assert (len(loaded), figure) == (6711, "63.2%")
    assert [one.value for one in reports.success_figures(session, asked, staff.manager.actor, loaded)][1:] == ["–", "–", "–"]
    for quarter, months in (("2017Q1", (1, 3)), ("2017Q3", (7, 9))):
        days = {"from_on": date(2017, months[0], 1), "to_on": date(2017, months[1], 31 if quarter == "2017Q1" else 30)}
        (line,) = list(reports.success(session, days, staff.manager.actor, reports.outcomes(session, days, staff.manager.actor)))
        assert list(line)[1:3] == [expected["by_quarter_closed"][quarter]["won"], expected["by_quarter_closed"][quarter]["lost"]]
