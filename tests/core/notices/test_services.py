"""Notices and mail: queued with the transaction, sent once as far as SMTP allows, copied where no server is set."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from datetime import date
from email.message import EmailMessage
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings, work
from core.audit.models import AuditEvent
from core.calendar import day_words
from core.errors import Conflict, InvalidInput, NotAllowed, Unavailable
from core.i18n import Bilingual, lazy_ngettext, use_language
from core.i18n import lazy_gettext as _l
from core.jobs.models import JobRow
from core.notices import queries, secrets, services
from core.notices.domain import Server
from core.notices.models import Mail
from core.testing import NOON, actor_with
from tests.support.mailserver import mail_server

CLERK = actor_with("notices.outbox", "core.settings", user_id=5)


@pytest.fixture(autouse=True)
def english(session: Session) -> Iterator[None]:
    """Messages in English, as the tests below read them."""
    with use_language("en"):
        yield


@pytest.fixture
def server_set(session: Session) -> Session:
    settings.put(session, "notices.smtp_host", "mail.example.org")
    settings.put(session, "notices.smtp_from", "diwan@example.org")
    return session


def queued(session: Session, **more: Any) -> Mail:
    return services.queue_mail(session, **{"to": "a@example.org", "subject": "Hello", "body": "Text", "now": NOON, "language": "en", **more})


def send(session: Session, mail: Mail, sender: Any) -> Mail:
    """As the worker does: outside a unit of work, which the job opens itself."""
    mail_id = mail.id
    work.commit(session)
    try:
        services.send_mail(session, {"mail_id": mail_id}, NOON, sender=sender)
    finally:
        work.begin_write(session)
    return session.get_one(Mail, mail_id)


class Post:
    """Takes mails, after failing as often as told."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.taken: list[EmailMessage] = []

    def __call__(self, server: Server, mail: EmailMessage) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.taken.append(mail)


# --- notices -----------------------------------------------------------------------------------------------------------


def test_notice_is_read_in_each_readers_language(session: Session) -> None:
    services.notify(session, [11, 12, 11, None], _l("late by %(late)s", late=Bilingual("يومين", "2 days")), link="/x", now=NOON)

    notice = queries.notices_of(session, 11)[0]

    with use_language("ar"):
        assert services.words(notice) == "متأخرة يومين"
    with use_language("en"):
        assert services.words(notice) == "late by 2 days"
    assert [queries.unread(session, user) for user in (11, 12, 13, None)] == [1, 1, 0, 0]


def test_a_day_in_a_notice_is_named_in_the_readers_language(session: Session) -> None:
    services.notify(session, [11], _l("Waits since %(day)s.", day=day_words(date(2026, 2, 1))), now=NOON)

    notice = queries.notices_of(session, 11)[0]

    for code, day in (("ar", "1 فبراير 2026"), ("en", "1 February 2026")):
        with use_language(code):
            assert day in services.words(notice)


def test_reading_marks_ones_own_notices_only(session: Session) -> None:
    services.notify(session, [11, 12], "told", now=NOON)

    assert services.read_notices(session, actor_with(user_id=11), now=NOON) == 1
    assert (queries.unread(session, 11), queries.unread(session, 12)) == (0, 1)
    assert services.read_notices(session, actor_with(), now=NOON) == 0


# --- the outbox --------------------------------------------------------------------------------------------------------


def test_queued_mail_wants_one_job(session: Session) -> None:
    mail = queued(session)

    jobs = session.scalars(sa.select(JobRow).where(JobRow.name == "notices.send_mail", JobRow.unique_key == f"mail:{mail.id}:0")).all()
    assert [job.args for job in jobs] == [{"mail_id": mail.id}]


def test_same_unique_key_is_one_mail(session: Session) -> None:
    first = queued(session, unique_key="digest:2026-02-01:5")

    assert queued(session, unique_key="digest:2026-02-01:5") is first


def test_mail_to_no_address_is_refused(session: Session) -> None:
    with pytest.raises(InvalidInput, match="nobody"):
        queued(session, to="nobody")


def test_sent_mail_is_sent_once(server_set: Session) -> None:
    post = Post()
    mail = send(server_set, queued(server_set), post)
    mail = send(server_set, mail, post)

    assert (mail.state, mail.attempts, len(post.taken)) == ("sent", 1, 1)


def test_without_a_server_the_text_waits_to_be_copied(session: Session) -> None:
    post = Post()

    mail = send(session, queued(session), post)

    assert (mail.state, post.taken) == ("queued", [])
    services.mark_copied(session, mail.id, actor=CLERK, now=NOON)
    assert mail.state == "copied"
    with pytest.raises(Conflict):
        services.mark_copied(session, mail.id, actor=CLERK, now=NOON)


def test_secret_text_is_emptied_once_it_left(server_set: Session) -> None:
    sent = send(server_set, queued(server_set, body="https://…/one-time", secret=True), Post())
    passed_on = services.mark_copied(server_set, queued(server_set, body="https://…/other", secret=True).id, actor=CLERK, now=NOON)

    assert (sent.body, passed_on.body) == ("", "")


def test_mail_that_may_succeed_later_is_tried_again(server_set: Session) -> None:
    post = Post(TimeoutError("timed out"))
    mail = queued(server_set)

    with pytest.raises(Unavailable, match="timed out"):
        send(server_set, mail, post)
    assert (mail.state, mail.last_error) == ("queued", "TimeoutError: timed out")
    send(server_set, mail, post)

    assert (mail.state, mail.attempts, mail.last_error) == ("sent", 2, None)


def test_mail_refused_for_good_is_not_tried_again(server_set: Session) -> None:
    post = Post(smtplib.SMTPRecipientsRefused({"a@example.org": (550, b"no such user")}))

    mail = send(server_set, queued(server_set), post)

    assert (mail.state, mail.last_error) == ("failed", "recipient refused (550)")


def test_mail_fails_after_five_attempts(server_set: Session) -> None:
    mail = queued(server_set)
    post = Post(*(TimeoutError("timed out") for _time in range(5)))
    for _time in range(4):
        with pytest.raises(Unavailable):
            send(server_set, mail, post)

    send(server_set, mail, post)

    assert (mail.state, mail.attempts) == ("failed", 5)


def test_mail_left_in_the_middle_goes_again_under_the_same_id(server_set: Session) -> None:
    """What a crash leaves as "sending" is neither lost nor, for a receiver that knows message ids, doubled."""
    ids: list[str] = []

    def dying(server: Server, mail: EmailMessage) -> None:
        ids.append(mail["Message-ID"])
        raise KeyboardInterrupt

    mail = queued(server_set)
    with pytest.raises(KeyboardInterrupt):
        send(server_set, mail, dying)
    assert mail.state == "sending"
    post = Post()
    send(server_set, mail, post)

    assert (mail.state, [one["Message-ID"] for one in post.taken]) == ("sent", ids)


def test_network_is_spoken_to_outside_any_transaction(server_set: Session) -> None:
    seen: list[bool] = []

    send(server_set, queued(server_set), lambda server, mail: seen.append(bool(server_set.info.get("write"))))

    assert seen == [False]


def test_failed_mail_can_be_sent_again_by_staff(server_set: Session) -> None:
    mail = send(server_set, queued(server_set), Post(smtplib.SMTPDataError(554, b"spam")))

    services.send_again(server_set, mail.id, actor=CLERK, now=NOON)

    assert (mail.state, mail.attempts) == ("queued", 0)
    with pytest.raises(NotAllowed):
        services.send_again(server_set, mail.id, actor=actor_with(), now=NOON)


def test_sending_again_without_a_server_says_what_to_do(session: Session) -> None:
    mail = queued(session)

    with pytest.raises(Conflict, match="copy the text"):
        services.send_again(session, mail.id, actor=CLERK, now=NOON)


def test_server_set_later_wakes_what_waits(server_set: Session) -> None:
    mail = queued(server_set)

    services.resume(server_set, {"period": "2026-02-01T12"}, NOON.replace(hour=12))
    services.resume(server_set, {"period": "2026-02-01T12"}, NOON.replace(hour=12))

    wanted = server_set.scalars(sa.select(JobRow.unique_key).where(JobRow.unique_key.startswith(f"mail:{mail.id}:"))).all()
    assert sorted(key or "" for key in wanted) == [f"mail:{mail.id}:0", f"mail:{mail.id}:2026-02-01T12"]


def test_password_is_stored_encrypted_and_stays_out_of_the_log(session: Session) -> None:
    services.set_password(session, "correct horse", actor=CLERK)
    session.flush()

    stored = settings.get(session, "notices.smtp_password")
    assert "correct horse" not in stored
    assert secrets.open_token(session.info["keys"], stored) == "correct horse"
    work.commit(session)
    logged = session.scalars(sa.select(AuditEvent.changes)).all()
    assert not any("correct horse" in (text or "") for text in logged)


def test_password_needs_the_permission_and_can_be_removed(session: Session) -> None:
    with pytest.raises(NotAllowed):
        services.set_password(session, "x", actor=actor_with())

    services.set_password(session, "x", actor=CLERK)
    services.set_password(session, "", actor=CLERK)

    assert settings.get(session, "notices.smtp_password") is None


def test_tidy_forgets_old_mails(session: Session) -> None:
    mail = queued(session)
    services.mark_copied(session, mail.id, actor=CLERK, now=NOON)
    waiting = queued(session)

    services.tidy(session, {}, NOON.replace(month=6))

    assert session.scalars(sa.select(Mail.id).where(Mail.id.in_((mail.id, waiting.id)))).all() == [waiting.id]


# --- a real conversation -----------------------------------------------------------------------------------------------


@pytest.fixture
def post_office() -> Iterator[Any]:
    with mail_server() as server:
        yield server


def test_deliver_speaks_smtp(server_set: Session, post_office: Any) -> None:
    settings.put(server_set, "notices.smtp_host", "127.0.0.1")
    settings.put(server_set, "notices.smtp_port", post_office.port)
    settings.put(server_set, "notices.smtp_security", "none")

    mail = send(server_set, queued(server_set, subject="تجربة"), None)

    assert mail.state == "sent"
    assert len(post_office.mails) == 1
    assert f"Message-ID: {mail.message_id}" in post_office.mails[0]


def test_refusal_of_the_server_is_kept(server_set: Session, post_office: Any) -> None:
    post_office.answers["RCPT"] = "550 no such user"
    settings.put(server_set, "notices.smtp_host", "127.0.0.1")
    settings.put(server_set, "notices.smtp_port", post_office.port)
    settings.put(server_set, "notices.smtp_security", "none")

    mail = send(server_set, queued(server_set), None)

    assert (mail.state, mail.last_error) == ("failed", "recipient refused (550)")
    assert post_office.mails == []


def test_server_that_offers_no_encryption_gets_no_mail(server_set: Session, post_office: Any) -> None:
    settings.put(server_set, "notices.smtp_host", "127.0.0.1")
    settings.put(server_set, "notices.smtp_port", post_office.port)

    with pytest.raises(Unavailable):
        send(server_set, queued(server_set), None)

    assert post_office.mails == []


def test_a_counted_notice_agrees_with_its_number_in_each_language(session: Session) -> None:
    services.notify(session, [11], lazy_ngettext("%(num)s new notice", "%(num)s new notices", 2), now=NOON)
    notice = queries.notices_of(session, 11)[0]

    with use_language("ar"):
        assert services.words(notice) == "تنبيهان جديدان"
    with use_language("en"):
        assert services.words(notice) == "2 new notices"
