"""What areas of core offer: the same services, the same scope, the same log entries as the pages."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.audit.models import AuditEvent
from core.customers.models import Customer
from core.finance import batches
from core.finance import services as finance
from core.finance.models import Contribution, FinanceBatch
from core.money import Money
from core.organisation.models import Department
from tests.core.customers.conftest import NOW
from tests.core.finance.conftest import FINANCE
from tests.core.rest.conftest import System
from tests.support.people import signed_in

Systems = Callable[..., System]
SAID = ("action", "plugin", "record_type", "record_label", "rule", "form_number", "subject_id")
"""What two entries of the same act have in common; who, when and where differ."""


def entries(session: Session, after: int = 0) -> list[AuditEvent]:
    """What was logged since, taken out of the session, whose reading ends: a request after it would stand inside it."""
    found = list(session.scalars(sa.select(AuditEvent).where(AuditEvent.id > after).order_by(AuditEvent.id)))
    for one in found:
        session.expunge(one)
    work.rollback(session)
    return found


def newest(session: Session) -> int:
    if session.info["write"]:
        work.commit(session)
    found = session.scalar(sa.select(sa.func.max(AuditEvent.id))) or 0
    work.rollback(session)
    return found


def of(session: Session, after: int) -> list[tuple[Any, ...]]:
    return [tuple(getattr(one, name) for name in SAID) for one in entries(session, after)]


# --- customers -------------------------------------------------------------------------------------------------------------


def test_a_customer_by_number_is_masked_without_the_permission(session: Session, system: Systems, customer: Callable[..., Customer]) -> None:
    one = customer(email="noor@example.org")

    shown = system("customers.read").get(f"/customers/{one.number}").json
    whole = system("customers.read", "customers.personal").get(f"/customers/{one.number[:-1]}-{one.number[-1]}").json

    assert shown is not None and whole is not None
    assert (shown["name"], shown["masked"], whole["masked"]) == ("شركة النور", True, False)
    assert whole["mobile"] == "+966550000001" and whole["email"] == "noor@example.org"
    assert "•" in shown["mobile"] and shown["email"] == "n•••@example.org"


@pytest.mark.parametrize("writing", ["0550000001", "+966 55 000 0001", "٠٥٥٠٠٠٠٠٠١", "00966550000001"])
def test_a_customer_by_phone_in_any_writing(system: Systems, customer: Callable[..., Customer], writing: str) -> None:
    one, asking = customer(), system("customers.read", "customers.personal")

    answer = asking.client.get("/api/v1/customers", query_string={"phone": writing}, headers=asking.shown({}))

    assert answer.json is not None and [each["number"] for each in answer.json["customers"]] == [one.number]


def test_phones_are_not_searched_for_who_may_not_see_them(system: Systems, customer: Callable[..., Customer]) -> None:
    customer()

    answer = system("customers.read").get("/customers?phone=0550000001")

    assert answer.status_code == 403 and answer.json is not None and answer.json["rule"] == "CUST-34"


def test_a_token_of_one_department_reads_no_other(session: Session, system: Systems, customer: Callable[..., Customer]) -> None:
    here, there = session.scalars(sa.select(Department.id).order_by(Department.id).limit(2)).all()
    own, other = customer(department_id=here), customer(department_id=there, name="أخرى", mobile="0550000002")
    asking = system("customers.read", "customers.personal", scope="department", department_id=here)

    assert asking.get(f"/customers/{own.number}").status_code == 200
    assert asking.get(f"/customers/{other.number}").status_code == 404
    assert asking.get("/customers?phone=0550000002").json == {"customers": []}
    assert asking.get(f"/customers/{other.number}").json["detail"] == asking.get("/customers/999999").json["detail"].replace(  # type: ignore[index]
        "999999", other.number)


# --- contributions -----------------------------------------------------------------------------------------------------------


def line(one: Customer, **values: Any) -> dict[str, Any]:
    return {"customer": one.number, "day": "2026-01-10", "amount": "100.00", "method": "bank", "fund": "zakat", **values}


def test_good_lines_are_recorded_and_the_others_listed(session: Session, system: Systems, customer: Callable[..., Customer]) -> None:
    one, asking = customer(), system("finance.record")
    lines = [line(one, reference="A-1"), line(one, reference="A-1"), line(one, amount="1.234"), line(one, customer="404"), line(one, day="2027-01-01"),
             line(one, amount="-5"), line(one, fund="no such"), line(one, programme="no such"), line(one, amount="0"), line(one)]

    answer = asking.post("/contributions", {"lines": lines}, key="batch-1")

    assert answer.status_code == 200 and answer.json is not None
    told = answer.json
    assert (told["created"], told["duplicate"], told["refused"]) == (2, 1, 7)
    assert [each["outcome"][0] for each in told["lines"]] == list("cdrrrrrrrc")
    assert [each["reasons"][0]["field"] for each in told["lines"] if each["outcome"] == "refused"] == [
        "amount", "customer", "day", "amount", "fund", "programme", "amount"]
    stored = session.scalars(sa.select(Contribution).order_by(Contribution.id)).all()
    assert [(each.reference, each.amount_minor, each.source, each.imported, each.source_name) for each in stored] == [
        (told["lines"][0]["reference"], 10000, "api", False, "System 1"), (told["lines"][9]["reference"], 10000, "api", False, "System 1")]


def test_the_same_request_again_records_nothing(session: Session, system: Systems, customer: Callable[..., Customer]) -> None:
    one, asking = customer(), system("finance.record")

    first, second = (asking.post("/contributions", {"lines": [line(one)]}, key="k") for _n in range(2))

    assert first.json == second.json
    assert session.scalar(sa.select(sa.func.count()).select_from(Contribution)) == 1


def test_a_contribution_leaves_the_entry_that_the_page_leaves(
    session: Session, client: FlaskClient, system: Systems, customer: Callable[..., Customer],
) -> None:
    one = customer()
    asking = system("finance.record")
    work.begin_write(session)
    signed_in(client, session, "finance_manager")
    work.commit(session)
    before = newest(session)
    page = client.post("/finance/contributions/new/", data={"customer_number": one.number, "amount": "100.00", "currency": "SAR", "received_on": "2026-01-10",
                                                            "method": "bank", "fund": "zakat", "reference": "R-1"})
    assert page.status_code == 302, page.text[:2000]
    by_page, before = entries(session, before), newest(session)

    assert asking.post("/contributions", {"lines": [line(one, reference="R-2")]}, key="k").status_code == 200

    by_system = entries(session, before)
    of_one = {"lacks", "source_name", "recorded_by"}  # who or what it came from
    assert [(each.action, each.record_type, each.subject_id, set(each.fields) - of_one) for each in by_system] == [
        (each.action, each.record_type, each.subject_id, set(each.fields) - of_one) for each in by_page]
    assert {each.actor_label for each in by_system} == {"api:System 1"} and {each.source for each in by_system} == {"api"}


def test_customers_beyond_the_scope_are_refused_lines(session: Session, system: Systems, customer: Callable[..., Customer]) -> None:
    here, there = session.scalars(sa.select(Department.id).order_by(Department.id).limit(2)).all()
    other = customer(department_id=there)

    answer = system("finance.record", scope="department", department_id=here).post("/contributions", {"lines": [line(other)]}, key="k")

    assert answer.json is not None and answer.json["lines"][0]["reasons"][0]["field"] == "customer"


@pytest.mark.parametrize("lines", [[], [{}], [{"customer": "1", "day": "10.01.2026", "amount": "1"}], [{"customer": "1", "day": "2026-01-10", "amount": 1}],
                                   [{"customer": "1", "day": "2026-W01-1", "amount": "1"}], [{"customer": "1", "day": "2026-01-10", "amount": "1,5"}],
                                   [{"customer": "1", "day": "2026-01-10", "amount": "1", "x": 1}]])
def test_lines_of_another_shape_are_no_request(session: Session, system: Systems, lines: list[Any]) -> None:
    assert system("finance.record").post("/contributions", {"lines": lines}, key="k").status_code == 422


# --- batches and reports -------------------------------------------------------------------------------------------------------


@pytest.fixture
def batch(session: Session, customer: Callable[..., Customer]) -> FinanceBatch:
    one = customer()
    work.begin_write(session)
    finance.record_contribution(session, customer_id=one.id, amount=Money(Decimal("100.00"), "SAR"), received_on=date(2026, 1, 10), method="bank",
                                fund="zakat", actor=FINANCE, now=NOW)
    made = batches.issue_batch(session, batches.Choice(date(2026, 1, 1), date(2026, 1, 31), "generic"), actor=FINANCE, now=NOW)
    work.commit(session)
    return made


def test_a_batchs_file_is_the_pages_with_its_checksum_and_its_log_entry(session: Session, client: FlaskClient, system: Systems, batch: FinanceBatch) -> None:
    asking, number = system("finance.export", "finance.read"), batch.number
    before = newest(session)

    first = asking.post(f"/finance/batches/{number}/file")
    handed, before = of(session, before), newest(session)
    again = asking.post(f"/finance/batches/{number}/file")
    by_system, before = entries(session, before), newest(session)
    work.begin_write(session)
    signed_in(client, session, "finance_manager")
    work.commit(session)
    before = newest(session)
    page = client.post(f"/finance/batches/{number}/re-export")
    by_page = entries(session, before)

    assert first.data == again.data == page.data
    assert first.headers["X-Content-SHA256"] == hashlib.sha256(first.data).hexdigest() == batch.sha256
    assert [one[0] for one in handed] == ["download"]
    assert [(one.action, one.record_type, one.record_label) for one in by_system] == [(one.action, one.record_type, one.record_label) for one in by_page]
    facts = [next(one.facts for one in several if one.action == "re_export") for several in (by_system, by_page)]
    assert {**facts[0], "re_export": 2} == facts[1]
    assert asking.get("/finance/batches").json["batches"][0]["number"] == number  # type: ignore[index]


def test_a_batch_is_for_who_reads_the_whole_register(session: Session, system: Systems, batch: FinanceBatch) -> None:
    here = session.scalars(sa.select(Department.id)).first()
    asking = system("finance.export", "finance.read", scope="department", department_id=here)

    assert asking.post(f"/finance/batches/{batch.number}/file").status_code == 403
    assert system("finance.export").post("/finance/batches/FB-404/file").status_code == 404


@pytest.mark.parametrize("format", ["csv", "json"])
def test_a_report_is_the_pages_file_with_its_log_entry(session: Session, client: FlaskClient, system: Systems, customer: Callable[..., Customer],
                                                       format: str) -> None:
    customer()
    asking = system("customers.read")
    before = newest(session)
    answer = asking.post("/reports/customers.statistics/run", {"format": format, "parameters": {"by": "class"}})
    assert answer.status_code == 200, answer.text
    by_system = entries(session, before)
    work.begin_write(session)
    signed_in(client, session, "crm_manager")
    work.commit(session)
    before = newest(session)
    page = client.post("/reports/customers.statistics/export", data={"_format": format, "by": "class"})
    by_page = entries(session, before)

    assert answer.headers["X-Content-SHA256"] == hashlib.sha256(answer.data).hexdigest() == by_system[0].facts["sha256"]
    assert answer.data == page.data.removeprefix(b"\xef\xbb\xbf")
    assert [(one.action, one.plugin, {**one.facts, "sha256": ""}) for one in by_system] == [
        (one.action, one.plugin, {**one.facts, "sha256": ""}) for one in by_page]


def test_reports_are_listed_and_run_by_their_own_permission(system: Systems) -> None:
    asking = system("customers.read")

    listed = [one["name"] for one in asking.get("/reports").json["reports"]]  # type: ignore[index]
    assert "customers.statistics" in listed and "dummy_plugin.remarks" not in listed
    assert asking.post("/reports/dummy_plugin.remarks/run", {}).status_code == 404
    assert asking.post("/reports/customers.statistics/run", {"parameters": {"colour": "red"}}).json["field"] == "parameters.colour"  # type: ignore[index]
    rows = json.loads(system("dummy_plugin.read").post("/reports/dummy_plugin.remarks/run", {}).data)
    assert rows["report"] == "dummy_plugin.remarks"
