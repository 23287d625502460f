"""ACC-92: reports of the plugins that are on stand on one page with period and CSV, and the late one is overdue (PLUG-05, RPT-10).

The plugins of complaints and leads are the real ones; the monthly performance report comes from a plugin of the test.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.testing import close_app, make_app, new_association, rolled_back, test_deployment
from tests.acceptance.plugins_of_a_story import StoryPlugin, write_plugins
from tests.support.people import signed_in

PLUGINS = (
    StoryPlugin("performance", reports=(("monthly", "تقرير الأداء الشهري", "Monthly performance report", "month", "crm_manager"),)),
)
NAMES = ("leads.weekly", "complaints.weekly", "complaints.monthly", "performance.monthly")
BEFORE = datetime(2026, 1, 1, 6, 0, tzinfo=UTC)
SUNDAY = datetime(2026, 1, 10, 21, 0, tzinfo=UTC)
"""The first moment of Sunday 2026-01-11 in Makkah."""
WEEK = {"from_on": "2026-01-04", "to_on": "2026-01-10"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An association that began on the first day of 2026, with complaints and leads on."""
    folder: Path = tmp_path_factory.mktemp(f"reports-{request.param}")
    url = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    deployment = test_deployment(folder / "home", (write_plugins(folder / "plugins", PLUGINS),))
    on = frozenset({"complaints", "leads", *(one.name for one in PLUGINS)})
    with work.time_at(BEFORE):
        app = make_app(new_association(deployment, "reports", postgres=url, plugins=on), deployment)
    yield app
    close_app(app)


@pytest.fixture
def at_work(place: Flask) -> Iterator[tuple[FlaskClient, Session]]:
    """An employee of customer relations, signed in on that Sunday."""
    with rolled_back(place) as session, work.time_at(SUNDAY):
        work.begin_write(session)
        client = place.test_client()
        signed_in(client, session, "crm_employee")
        yield client, session


def state_of(client: FlaskClient, report: str, period: str) -> str:
    """What the calendar says of one period of a report."""
    html = client.get("/reports/calendar").get_data(as_text=True)
    section = html[html.index(f'id="{report}"'):]
    rows = re.findall(r'data-state="(\w+)".*?dw-step-title"[^>]*><bdi>([^<]+)<', section[:section.index("</section>")], re.DOTALL)
    return {words: state for state, words in rows}[period]


def test_the_page_lists_them_all_each_with_period_and_csv(at_work: tuple[FlaskClient, Session]) -> None:
    client, session = at_work
    signed_in(client, session, "crm_employee", "crm_manager")  # the weekly summary goes over the whole log, which a manager reads
    listed = client.get("/reports/").get_data(as_text=True)

    for name in NAMES:
        assert f'href="/reports/{name}/"' in listed
        page = client.get(f"/reports/{name}/").get_data(as_text=True)
        assert re.search(r'name="from_on" value="2026-01-01" type="date"', page)
        answer = client.post(f"/reports/{name}/export", data=WEEK)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")


def test_on_sunday_the_week_that_was_not_produced_is_overdue(at_work: tuple[FlaskClient, Session]) -> None:
    client, _session = at_work

    assert state_of(client, "leads.weekly", "4 to 10 January 2026") == "overdue"
    assert state_of(client, "leads.weekly", "11 to 17 January 2026") == "due"
    assert state_of(client, "performance.monthly", "1 to 31 January 2026") == "due"
    with work.time_at(datetime(2026, 1, 10, 20, 59, 59, tzinfo=UTC)):
        assert state_of(client, "leads.weekly", "4 to 10 January 2026") == "due"


def test_my_day_says_so_to_whom_it_belongs(at_work: tuple[FlaskClient, Session]) -> None:
    client, _session = at_work

    html = client.get("/").get_data(as_text=True)
    assert "Overdue reports" in html
    assert 'href="/reports/calendar"' in html


def test_once_it_is_kept_it_is_produced(at_work: tuple[FlaskClient, Session]) -> None:
    client, _session = at_work

    assert client.post("/reports/leads.weekly/keep", data=WEEK).status_code == 302

    assert state_of(client, "leads.weekly", "4 to 10 January 2026") == "produced"
