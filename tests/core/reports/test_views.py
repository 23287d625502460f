"""The report centre: one page for all, each for whom it is meant, and exports in the audit log (PLUG-05, AUD-05)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core.audit.models import AuditEvent
from core.auth.actor import Actor
from core.exporter.columns import Column
from core.reports import services
from core.reports.offers import Report
from core.state import Offer
from core.testing import NOON, actor_with
from tests.support.people import signed_in

DONORS = 600


def by_day(session: Session, parameters: Mapping[str, Any], actor: Actor) -> Iterator[tuple[Any, ...]]:
    for number in range(DONORS):
        yield f"=cmd{number}", number, 150, parameters["from_on"]


DAYS = Report(
    "notes.by_day", "Notes by day", permission="reports.open", rows=by_day, totals=("count", "amount"),
    columns=(Column("name", "Name"), Column("count", "Count", "integer"), Column("amount", "Amount", "money", currency="KWD"), Column("day", "Day", "date")),
)
SECRET = Report("notes.secret", "Secret report", permission="jobs.manage", rows=by_day, columns=DAYS.columns)


@pytest.fixture
def offered(app: Flask) -> Iterator[Flask]:
    offers = app.extensions["diwan"].offers
    kept = offers.get("register_reports", [])
    offers["register_reports"] = [*kept, Offer("notes", DAYS), Offer("notes", SECRET)]
    yield app
    offers["register_reports"] = kept


def entries(session: Session) -> list[AuditEvent]:
    return list(session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "export").order_by(AuditEvent.id)))


def test_index_lists_the_reports_a_person_may_open(offered: Flask, session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "crm_manager")

    html = client.get("/reports/").get_data(as_text=True)

    assert "Notes by day" in html
    assert "Secret report" not in html


def test_page_shows_first_rows_and_totals_over_all(offered: Flask, session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "crm_manager")

    answer = client.get("/reports/notes.by_day/?from_on=2026-01-01&to_on=2026-01-31&centre_id=")
    html = answer.get_data(as_text=True)

    assert answer.status_code == 200
    assert html.count("=cmd") == services.SHOWN_ROWS
    assert "600 rows" in html
    assert "the CSV has all" in html
    assert html.index("90.000") < html.index("=cmd0")  # the totals are in view before the rows
    assert "90.000" in html  # 600 × KWD 0.150
    assert "179,700" in html
    assert 'value="2026-01-01"' in html


def test_the_next_page_goes_on_where_the_first_ended(offered: Flask, session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "crm_manager")
    seen: list[str] = []
    address: str | None = "/reports/notes.by_day/?from_on=2026-01-01&to_on=2026-01-31&code=x"
    while address:
        html = client.get(address).get_data(as_text=True)
        assert "90.000" in html
        seen += re.findall(r"=cmd(\d+)", html)
        following = re.search(r'rel="next" href="([^"]+)"', html)
        address = f"/reports/notes.by_day/{unescape(following.group(1))}" if following else None

    assert seen == [str(number) for number in range(DONORS)]


@pytest.mark.parametrize("start", ["x", "-1", "999999", "9" * 30])
def test_a_page_that_is_not_there_is_empty_or_the_first(offered: Flask, session: Session, client: FlaskClient, start: str) -> None:
    signed_in(client, session, "crm_manager")

    assert client.get(f"/reports/notes.by_day/?start={start}").status_code == 200


def test_page_of_a_wrong_period_says_so_and_keeps_the_input(offered: Flask, session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "crm_manager")

    answer = client.get("/reports/notes.by_day/?from_on=2026-02-01&to_on=2026-01-01")

    assert answer.status_code == 422
    assert "before it begins" in answer.get_data(as_text=True)
    assert 'value="2026-02-01"' in answer.get_data(as_text=True)


@pytest.mark.parametrize("address", ["/reports/notes.secret/", "/reports/nothing/"])
def test_report_of_others_does_not_exist(offered: Flask, session: Session, client: FlaskClient, address: str) -> None:
    signed_in(client, session, "crm_manager")

    assert client.get(address).status_code == 404
    assert client.post(f"{address}export").status_code == 404


def test_export_is_one_entry_with_user_filter_rows_and_checksum(offered: Flask, session: Session, client: FlaskClient) -> None:
    user = signed_in(client, session, "crm_manager")
    before = len(entries(session))

    answer = client.post("/reports/notes.by_day/export", data={"from_on": "2026-01-01", "to_on": "2026-01-31"})

    body = answer.get_data()
    assert answer.status_code == 200
    assert "attachment" in answer.headers["Content-Disposition"]
    logged = entries(session)[before:]
    assert len(logged) == 1
    facts = json.loads(logged[0].data or "{}")
    assert (logged[0].actor_id, logged[0].plugin) == (user.id, "notes")
    assert facts["report"] == "notes.by_day"
    assert facts["filter"] == {"from_on": "2026-01-01", "to_on": "2026-01-31"}
    assert (facts["rows"], facts["sha256"]) == (DONORS, hashlib.sha256(body).hexdigest())


def test_export_has_english_keys_and_defuses_formulas(offered: Flask, session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "crm_manager", language="ar")

    lines = client.post("/reports/notes.by_day/export", data={"from_on": "2026-01-01"}).get_data().decode("utf-8-sig").split("\r\n")

    assert lines[0] == "name,count,amount,day"
    assert lines[1] == "'=cmd0,0,0.150,2026-01-01"


def test_export_by_get_is_refused(offered: Flask, session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "crm_manager")

    assert client.get("/reports/notes.by_day/export").status_code == 405


def test_report_that_fails_midway_leaves_no_file_and_no_entry(app: Flask, session: Session) -> None:
    def failing(*_: Any) -> Iterator[tuple[Any, ...]]:
        yield "a", 1, 1, None
        raise RuntimeError("midway")

    report = Report("notes.failing", "Failing", permission="reports.open", rows=failing, columns=DAYS.columns)
    before = len(entries(session))

    with pytest.raises(RuntimeError, match="midway"):
        services.export(session, report, {}, actor=actor_with("reports.open"), now=NOON)

    assert len(entries(session)) == before


def test_person_of_one_centre_gets_that_centre(app: Flask, session: Session) -> None:
    seen: list[Any] = []

    def rows(_session: Session, parameters: Mapping[str, Any], _actor: Actor) -> Iterator[tuple[Any, ...]]:
        seen.append(parameters["centre_id"])
        return iter(())

    report = Report("notes.centre", "Centre", permission="reports.open", rows=rows, columns=DAYS.columns)

    services.run(session, report, {}, actor=actor_with("reports.open", centre_ids=frozenset({9})), now=NOON)

    assert seen == [9]
