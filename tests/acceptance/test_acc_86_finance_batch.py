"""ACC-86: a batch is numbered, holds each row once, and is exported again byte for byte and marked so (FIN-02, 09, 10)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import settings, work
from core.audit.models import AuditEvent
from core.auth.actor import Actor
from core.customers import entry
from core.customers.models import Customer
from core.finance import batches, services
from core.finance.models import FinanceBatch
from core.money import Money
from core.testing import actor_with
from tests.acceptance.register import approved_form, register_people
from tests.support.people import signed_in

NOW = datetime(2026, 2, 1, 6, 0, tzinfo=UTC)
FINANCE = actor_with("finance.read", "finance.record", "finance.export", label="finance")
JANUARY = {"from_on": "2026-01-01", "until_on": "2026-01-31", "layout": "generic", "content": "contributions"}
HEADER = ["customer_number", "kind", "date", "reference", "programme", "fund", "method", "amount", "currency", "memo", "due_date"]


@pytest.fixture
def donor(session: Session) -> Iterator[Customer]:
    with work.time_at(NOW):
        people = register_people(session, NOW)
        yield entry.enter(session, approved_form(session, people, NOW), actor=people.officer, now=NOW).line.customer


def give(session: Session, donor: Customer, day: date, amount: str, currency: str = "SAR", actor: Actor = FINANCE) -> None:
    services.record_contribution(session, customer_id=donor.id, amount=Money(Decimal(amount), currency), received_on=day, method="bank", actor=actor, now=NOW)


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def test_batch_holds_each_row_once_and_its_re_export_is_marked(session: Session, client: FlaskClient, donor: Customer) -> None:
    give(session, donor, date(2026, 1, 5), "1000.00")
    give(session, donor, date(2026, 1, 20), "250.50")
    give(session, donor, date(2026, 2, 1), "9.00")
    signed_in(client, session, "finance_officer")
    work.commit(session)

    client.post("/finance/issue", data={**JANUARY, "operation_key": "first"})
    client.post("/finance/issue", data={**JANUARY, "operation_key": "second"})
    first, second = session.scalars(sa.select(FinanceBatch).order_by(FinanceBatch.id)).all()
    file = client.post(f"/finance/batches/{first.number}/file")
    again = client.post(f"/finance/batches/{first.number}/re-export")

    rows = rows_of(file.data)
    assert list(rows[0]) == HEADER
    assert [row["date"] for row in rows] == ["2026-01-05", "2026-01-20"]
    assert {row["customer_number"] for row in rows} == {donor.number}
    assert (first.row_count, sum(Decimal(row["amount"]) for row in rows)) == (2, Decimal("1250.50"))
    assert [row["amount"] for row in rows] == ["1000.00", "250.50"]
    assert second.row_count == 0
    assert again.data == file.data
    assert "re-export" in again.headers["Content-Disposition"] and "re-export" not in file.headers["Content-Disposition"]
    assert "exported again once" in client.get(f"/finance/batches/{first.number}").get_data(as_text=True)
    logged = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "re_export")).one()
    assert first.sha256 in str(logged.data) and logged.record_label == first.number


def test_a_kuwaiti_association_writes_three_decimals(session: Session, donor: Customer) -> None:
    settings.put(session, "core.currency", "KWD")
    give(session, donor, date(2026, 1, 5), "1000", settings.currency(session))

    batch = batches.issue_batch(session, batches.Choice(date(2026, 1, 1), date(2026, 1, 31)), actor=FINANCE, now=NOW)

    assert [(row["amount"], row["currency"]) for row in rows_of(batches.file_of(session, batch).content)] == [("1000.000", "KWD")]
