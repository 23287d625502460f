"""The page of background work."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.jobs import services
from core.jobs.models import JobRow
from tests.support.people import signed_in


@pytest.fixture
def dead(session: Session) -> int:
    """A job that five attempts did not bring to an end."""
    now = work.now()
    job_id = services.enqueue(session, "notices.tidy", due_at=now)
    for attempt in range(6):
        services.claim(session, now + timedelta(minutes=2 * attempt), 60, names=["notices.tidy"])
    return job_id


def test_failed_job_is_visible_and_can_be_tried_again(session: Session, client: FlaskClient, dead: int) -> None:
    signed_in(client, session, "admin")
    work.commit(session)

    html = client.get("/settings/jobs/?state=dead").get_data(as_text=True)

    assert "notices.tidy" in html
    assert "Try again" in html
    assert "failed for good" in html
    assert client.post(f"/settings/jobs/{dead}/retry").status_code == 302
    session.expire_all()
    assert session.get_one(JobRow, dead).state == "waiting"


def test_page_says_when_no_worker_looks(session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "admin")

    assert "No worker has looked after this association yet." in client.get("/settings/jobs/").get_data(as_text=True)


def test_page_is_shut_to_others(session: Session, client: FlaskClient, dead: int) -> None:
    signed_in(client, session, "crm_manager")
    work.commit(session)

    assert client.get("/settings/jobs/").status_code == 403
    assert client.post(f"/settings/jobs/{dead}/retry").status_code == 403


@pytest.mark.parametrize(("address", "status"), [("/settings/jobs/?state=nonsense", 422), ("/settings/jobs/?state=done", 200)])
def test_odd_addresses_are_answered_plainly(session: Session, client: FlaskClient, address: str, status: int) -> None:
    signed_in(client, session, "admin")

    assert client.get(address).status_code == status
