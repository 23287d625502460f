"""The cards of who runs the installation."""

from __future__ import annotations

import os
from datetime import timedelta

from flask import Flask
from sqlalchemy.orm import Session

from core import work
from core.backup import newest
from core.i18n import use_language
from core.jobs import cards, services
from core.jobs.models import JobRow, WorkerBeat
from core.notices.models import Mail
from core.state import state
from core.testing import actor_with

IT = actor_with("jobs.manage")


def test_failed_work_is_counted_and_a_worker_that_is_away_is_named(app: Flask, session: Session) -> None:
    now = work.now()
    assert cards.failed_work(session, IT, now).tone == "bad", "no worker was ever seen"

    session.add(WorkerBeat(worker="one", started_at=now, seen_at=now - timedelta(minutes=1)))
    session.flush()
    figure = cards.failed_work(session, IT, now)
    assert (figure.value, figure.tone, figure.link) == (0, "", "/settings/jobs/")

    session.get_one(JobRow, services.enqueue(session, "notices.tidy", due_at=now)).state = "dead"
    session.flush()
    figure = cards.failed_work(session, IT, now)
    assert (figure.value, figure.tone, figure.link) == (1, "bad", "/settings/jobs/?state=dead")


def test_waiting_mail_is_a_link_only_for_who_may_read_it(app: Flask, session: Session) -> None:
    session.add(Mail(to_address="a@example.com", language="ar", subject="s", body="b", message_id="<1@x>", state="failed", made_at=work.now()))
    session.flush()

    figure = cards.waiting_mail(session, IT, work.now())
    assert (figure.value, figure.tone, figure.link) == (0, "bad", "")
    assert cards.waiting_mail(session, actor_with("jobs.manage", "notices.outbox"), work.now()).link == "/settings/outbox/"
    with use_language("en"):
        assert "no mail server" in cards.waiting_mail(session, IT, work.now()).comparison


def test_the_last_backup_is_told_by_its_age(app: Flask, session: Session) -> None:
    folder = state().association.backups_folder
    folder.mkdir(parents=True, exist_ok=True)
    now = work.now()
    for name, hours in (("a.zip", 50), ("b.zip", 3)):
        (folder / name).write_bytes(b"")
        os.utime(folder / name, ((now - timedelta(hours=hours)).timestamp(),) * 2)
    try:
        assert newest(state().association) == folder / "b.zip"
        figure = cards.last_backup(session, IT, now)
        assert ("3" in figure.value, figure.tone) == (True, "")
        assert cards.last_backup(session, IT, now + timedelta(days=2)).tone == "bad"
    finally:
        for name in ("a.zip", "b.zip"):
            (folder / name).unlink()
    assert cards.last_backup(session, IT, now).tone == "bad"
