"""ACC-12: ten donors in two cities, counted by city on the page and in the file, and the export in the log (CUST-21, AUD-05)."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.audit.models import AuditEvent
from core.customers import entry
from core.organisation.models import City
from core.testing import sign_in
from tests.acceptance.register import People, approved_form, register_people

NOW = datetime(2026, 2, 1, 6, 0, tzinfo=UTC)
ASKED = {"class": "donor", "by": "city"}


@pytest.fixture
def people(session: Session) -> Iterator[People]:
    """The register of the story: 6 donors in Jeddah, 4 in Makkah, 5 beneficiaries in Taif."""
    with work.time_at(NOW):
        found = register_people(session, NOW)
        numbers = itertools.count(1)
        for name, english, kind, count in (("جدة", "Jeddah", "donor", 6), ("مكة", "Makkah", "donor", 4), ("الطائف", "Taif", "beneficiary", 5)):
            city = City(name_ar=name, name_en=english)
            session.add(city)
            session.flush()
            for number in itertools.islice(numbers, count):
                form = approved_form(session, found, NOW, name=f"عميل رقم {number}", customer_class=kind, mobile=f"05500001{number:02d}",
                                     city_id=str(city.id))
                entry.enter(session, form, actor=found.officer, now=NOW)
        found.users["manager"].language = "en"
        session.flush()
        yield found


@pytest.fixture
def manager(session: Session, client: FlaskClient, people: People) -> FlaskClient:
    sign_in(client, people.users["manager"])
    work.begin_write(session)
    return client


def test_the_page_has_two_rows_and_their_total(manager: FlaskClient) -> None:
    html = manager.get("/reports/customers.statistics/", query_string=ASKED).get_data(as_text=True)

    table = html[html.rindex('<table class="dw-listing">'):]
    text = re.sub(r"<[^>]+>", " ", table[:table.index("</table>")])
    assert re.search(r"Jeddah\s+6\s+Makkah\s+4\s*$", text.strip())
    assert re.search(r"Total of all 2 rows\s+10\s", text)
    assert "Taif" not in text


def test_the_file_has_the_same_numbers_and_leaves_one_entry_with_two_rows(manager: FlaskClient, session: Session, people: People) -> None:
    before = session.scalar(sa.select(sa.func.count(AuditEvent.id)).where(AuditEvent.action == "export"))

    answer = manager.post("/reports/customers.statistics/export", data=ASKED)

    lines = list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    assert lines == [["group", "customers"], ["Jeddah", "6"], ["Makkah", "4"], ["Total", "10"]]
    entries = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "export").order_by(AuditEvent.id)).all()[before or 0:]
    assert len(entries) == 1
    facts = json.loads(entries[0].data or "{}")
    assert (facts["report"], facts["rows"]) == ("customers.statistics", 2)
    assert facts["filter"] == {"class": "donor", "by": "city"}
    assert facts["sha256"] == hashlib.sha256(answer.get_data()).hexdigest()
    assert entries[0].actor_id == people.users["manager"].id
