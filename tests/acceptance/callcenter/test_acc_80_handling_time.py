"""ACC-80: answered calls of 120, 180 and 300 seconds and one that nobody answered: on average 200 seconds, 00:03:20 (CALL-05)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core.testing import sign_in
from plugins.callcenter import reports
from plugins.callcenter.models import Call
from tests.plugins.callcenter.conftest import MONDAY, Staff


@pytest.fixture(autouse=True)
def four_calls(session: Session, english: None, staff: Staff, log: Callable[..., Call]) -> None:
    for place, seconds in enumerate((120, 180, 300)):
        log(staff.agent, duration=seconds, started_at=MONDAY - timedelta(hours=place + 1))
    log(staff.agent, result="no_answer", direction="out", duration=40, started_at=MONDAY - timedelta(hours=1))


@pytest.mark.parametrize("by", ["agent", "day", "subject"])
def test_the_average_is_that_of_the_answered_calls(session: Session, staff: Staff, by: str) -> None:
    report, asked = reports.reports()[1], {"by": by}
    loaded = report.load(session, asked, staff.manager.actor)

    rows: list[Any] = list(report.rows(session, asked, staff.manager.actor, loaded))

    assert [row[1:] for row in rows] == [(3, 1, 600, "00:03:20")]
    assert rows[0][0] == {"agent": str(staff.agent.user.name), "day": "2026-02-02", "subject": "Donation"}[by]
    assert [one.value for one in report.figures(session, asked, staff.manager.actor, loaded)] == ["00:03:20", 3]


def test_the_page_of_the_report_shows_it(client: FlaskClient, staff: Staff) -> None:
    page = sign_in(client, staff.manager.user).get("/reports/callcenter.handling/?by=agent").get_data(as_text=True)

    assert page.count("00:03:20") >= 2
