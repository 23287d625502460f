"""Leads of former registers as marked history: what a line becomes, why it is refused, and that nothing comes twice."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.customers.models import Customer
from core.errors import NotAllowed
from core.i18n import use_language
from core.imports import readers, services
from core.imports.models import Import
from core.procedures.models import StepRun
from core.testing import actor_with
from plugins.leads import history, importers, queries, reports
from plugins.leads.models import Former, Lead
from tests.plugins.leads.conftest import Person, Staff, sar

NOW = datetime(2026, 3, 10, 7, 0, tzinfo=UTC)
IMPORTER = importers.importers()[0]
MAPPING = {one.key: one.key for one in IMPORTER.fields}
KEEPER = actor_with(history.IMPORT, label="keeper", source="import")
Take = Callable[..., Import]


@pytest.fixture
def take(session: Session, tmp_path: Path) -> Iterator[Take]:
    """Check a file of these lines (donor, state, begun, ended, amount, about, agent, reference) and apply what is good."""

    def run(*lines: str, apply: bool = True) -> Import:
        path = tmp_path / "leads.csv"
        path.write_text("\n".join([",".join(MAPPING), *lines]) + "\n", encoding="utf-8")
        row = services.receive(session, IMPORTER, file_name=path.name, token="0", sha256=hashlib.sha256(path.read_bytes()).hexdigest(), actor=KEEPER, now=NOW)
        said = {"date_order": "ymd", "region": "SA"}
        services.declare(session, row, IMPORTER, readers.read(path, services.declaration(said)).headings, mapping=MAPPING, declared=said, options={},
                         actor=KEEPER)
        services.stage_and_check(session, row, IMPORTER, path, actor=KEEPER, now=NOW)
        if apply and services.good(row.counts):
            services.choose_to_apply(session, row, IMPORTER, expected=services.good(row.counts), leave_out_refused=True, actor=KEEPER)
            services.run_whole(session, row, IMPORTER, actor=KEEPER, now=NOW)
        return row

    with work.time_at(NOW), use_language("en"):
        yield run


def reasons(session: Session, row: Import) -> list[tuple[str, str]]:
    return [(field, reason.replace("\u2068", "").replace("\u2069", "")) for _line, field, reason, _cells in services.refused_lines(session, row.id)]


def test_each_stage_becomes_a_state_and_what_is_missing_is_named(session: Session, take: Take, donor: Customer, programme: object) -> None:
    row = take(f"{donor.number},Won,2025-01-05,2025-03-01,1054,تأهيل الشباب,سالم,A1", f"{donor.name},Lost,2025-01-05,2025-02-01,0,GTX Basic,سالم,A2",
               f"{donor.number},Engaging,2025-02-01,,,GTX Basic,سالم,A3", f"{donor.number},Prospecting,,,,,,A4")

    assert row.counts["create"] == 4
    found = session.scalars(sa.select(Former).order_by(Former.reference)).all()
    assert [(one.state, one.words, one.amount, one.began_on, one.ended_on) for one in found] == [
        ("successful", "Won", sar("1054"), date(2025, 1, 5), date(2025, 3, 1)), ("cancelled", "Lost", None, date(2025, 1, 5), date(2025, 2, 1)),
        ("follow_up", "Engaging", None, date(2025, 2, 1), None), ("identified", "Prospecting", None, None, None)]
    assert [one.programme is not None for one in found] == [True, False, False, False]
    assert [sorted(one.lacks) for one in found] == [[], ["amount"], ["amount"], ["about", "agent", "amount", "began"]]
    assert {one.customer_id for one in found} == {donor.id}


def test_lines_without_donor_state_or_day_are_refused_with_every_reason(session: Session, take: Take, donor: Customer) -> None:
    row = take(",Won,,2025-03-01,,,,B1", "لا أحد,Won,,2025-03-01,,,,B2", f"{donor.number},Maybe,,,,,,B3", f"{donor.number},Won,,,,,,B4",
               f"{donor.number},Engaging,,2025-03-01,,,,B5", f"{donor.number},Won,2025-03-02,2025-03-01,-5,,,B6", f"{donor.number},Won,,2027-03-01,,,,B7",
               apply=False)

    assert row.counts["refused"] == 7
    said = reasons(session, row)
    assert [field for field, _reason in said] == ["donor", "donor", "state", "ended", "ended", "ended", "amount", "ended"]
    assert "names no donor" in said[0][1]
    assert "Take the donors in first" in said[1][1]
    assert "“Maybe”" in said[2][1]


def test_two_donors_of_one_name_are_told_apart_by_number(session: Session, take: Take, donor: Customer, customer: Callable[..., Customer]) -> None:
    customer(name=donor.name, mobile="0559998877", not_duplicates=True)
    row = take(f"{donor.name},Lost,,2025-03-01,,,,C1", f"{donor.number},Lost,,2025-03-01,,,,C2")

    assert (row.counts["refused"], row.counts["create"]) == (1, 1)
    assert "2 customers" in reasons(session, row)[0][1]


def test_nothing_comes_twice_and_the_file_is_taken_back_whole(session: Session, take: Take, donor: Customer) -> None:
    lines = [f"{donor.number},Won,2025-01-05,2025-03-01,100,,,", f"{donor.number},Won,2025-01-05,2025-03-01,100,,,", f"{donor.number},Lost,,2025-03-01,,,,D3",
             f"{donor.number},Lost,,2025-03-02,,,,D3"]
    first = take(*lines)
    again = take(*lines)
    assert (first.counts["create"], first.counts["duplicate"]) == (3, 1), "a reference stands once"
    assert (again.counts["duplicate"], again.counts.get("create", 0)) == (4, 0)
    assert session.scalar(sa.select(sa.func.count(Former.id))) == 3

    services.undo(session, first, IMPORTER, actor=KEEPER, now=NOW)
    assert session.scalar(sa.select(sa.func.count(Former.id))) == 0


def test_history_is_no_lead_of_ours_but_counts_in_the_rate(
    session: Session, take: Take, donor: Customer, staff: Staff, browser: Callable[[Person], FlaskClient],
) -> None:
    steps = session.scalar(sa.select(sa.func.count(StepRun.id)))
    row = take(f"{donor.number},Won,2025-01-05,2025-03-01,1054,,,E1", f"{donor.number},Lost,,2025-03-02,,,,E2", f"{donor.number},Won,,2025-03-03,,,,E3",
               f"{donor.number},Engaging,2025-03-01,,,,,E4", f"{donor.number},Lost,,2025-04-01,,,,E5")

    assert session.scalar(sa.select(sa.func.count(StepRun.id))) == steps
    assert session.scalar(sa.select(sa.func.count(Lead.id))) == 0
    assert list(queries.open_leads(session)) == []
    asked = {"from_on": date(2025, 3, 1), "to_on": date(2025, 3, 31)}
    loaded = reports.outcomes(session, asked, staff.manager.actor)
    (line,) = [list(one) for one in reports.success(session, asked, staff.manager.actor, loaded)]
    assert line[1:] == [2, 1, Decimal("66.7"), None, None, None]

    client = browser(staff.manager)
    table = re.findall(r"<tbody>.*</tbody>", client.get(f"/leads/former/?f.import={row.id}&f.state=successful").get_data(as_text=True), re.DOTALL)[0]
    assert "E1" in table
    assert "E2" not in table
    assert browser(staff.quality).get("/leads/former/").status_code == 403


def test_only_who_may_import_takes_in(session: Session, take: Take, donor: Customer, staff: Staff) -> None:
    row = take(f"{donor.number},Won,,2025-03-01,,,,F1", apply=False)
    with pytest.raises(NotAllowed):
        history.take_in(session, [], import_id=row.id, actor=staff.employee.actor, now=NOW)
