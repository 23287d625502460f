"""ACC-79: the panel of 2016 from its imported totals; what is closed are complaints, and the label says so (CALL-02, 03)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core.testing import sign_in
from plugins.callcenter import reports
from tests.plugins.callcenter.conftest import TOTALS, Staff, take_in

LINES = "السنة,مكالمة صادرة,مكالمة واردة,شكاوى,مكالمة مغلقة\n2016,49424,12033,1793,1707\n"
BY_YEAR = {"by": "year", "year": 2016}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "panel-2016.csv"
    path.write_text(LINES, encoding="utf-8")
    return path


def test_the_totals_of_2016_are_the_panel_of_2016(session: Session, english: None, staff: Staff, file: Path) -> None:
    assert take_in(session, TOTALS, file).counts == {"create": 1}

    panel = reports.reports()[0]
    loaded = panel.load(session, BY_YEAR, staff.manager.actor)
    assert list(panel.rows(session, BY_YEAR, staff.manager.actor, loaded)) == [("2016", 49424, 12033, 1793, 1707, Decimal("95.2"))]
    assert [str(column.label) for column in panel.columns] == [
        "Period", "Outgoing calls", "Incoming calls", "Complaints received", "Complaints closed", "Closing of complaints %"]
    assert [(str(one.label), one.value) for one in panel.figures(session, BY_YEAR, staff.manager.actor, loaded)] == [
        ("Outgoing calls", 49424), ("Incoming calls", 12033), ("Complaints received", 1793), ("Complaints closed", 1707), ("Closing of complaints", "95.2%")]
    assert take_in(session, TOTALS, file).counts == {"duplicate": 1}


@pytest.mark.parametrize(("language", "label"), [("ar", "الشكاوى المغلقة"), ("en", "Complaints closed")])
def test_the_page_shows_them_and_labels_1707_as_complaints(
    session: Session, english: None, client: FlaskClient, staff: Staff, file: Path, language: str, label: str,
) -> None:
    take_in(session, TOTALS, file)
    staff.manager.user.language = language
    session.flush()

    page = sign_in(client, staff.manager.user).get("/reports/callcenter.panel/?by=year&year=2016").get_data(as_text=True)

    assert label in page
    for figure in ("49,424", "12,033", "1,793", "1,707", "95.2"):
        assert figure in page
    assert "closed calls</" not in page.casefold()


def test_totals_are_refused_for_a_period_whose_calls_are_recorded_here(session: Session, english: None, staff: Staff, file: Path, log) -> None:  # type: ignore[no-untyped-def]
    log(staff.agent, started_at=datetime(2016, 5, 1, 9, tzinfo=UTC))

    assert take_in(session, TOTALS, file).counts == {"refused": 1}
