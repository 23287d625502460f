"""The daily digest: one mail a person, in his language, only where something is to be done."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.notices import digest, services
from core.notices.models import Mail
from core.procedures import services as procedures
from core.testing import NOON
from tests.support.people import person


def form(ident: int) -> Any:
    return SimpleNamespace(__tablename__="core_customer_form", id=ident, number=f"F-2026-{ident}")


@pytest.fixture
def steps(session: Session) -> Session:
    """One review overdue by two days, one due tomorrow."""
    procedures.open_step(session, "MAN-CUST", 2, record=form(731), now=NOON - timedelta(days=3))
    procedures.open_step(session, "MAN-CUST", 2, record=form(732), now=NOON)
    return session


def mail_of(session: Session, user: Any) -> Mail | None:
    return session.scalar(sa.select(Mail).where(Mail.user_id == user.id))


def test_digest_lists_what_is_overdue_first(steps: Session) -> None:
    manager = person(steps, "crm_manager", email="manager@example.org")

    digest.send_digests(steps, {"period": "2026-02-01"}, NOON)

    mail = mail_of(steps, manager)
    assert mail is not None
    assert (mail.subject, mail.language, mail.to_address) == ("1 step is overdue", "en", "manager@example.org")
    assert mail.body.startswith("1 February 2026")
    assert mail.body.index("Overdue (1)") < mail.body.index("F-2026-731") < mail.body.index("This week (1)") < mail.body.index("F-2026-732")
    assert "late by 2 days" in mail.body


def test_digest_is_written_in_the_readers_language(steps: Session) -> None:
    manager = person(steps, "crm_manager", email="manager@example.org", language="ar")

    digest.send_digests(steps, {"period": "2026-02-01"}, NOON)

    mail = mail_of(steps, manager)
    assert mail is not None
    assert mail.subject == "خطوة واحدة متأخرة"
    assert "مراجعة نموذج إنشاء وتعديل معلومات العملاء (F-2026-731)" in mail.body


def test_digest_of_one_day_goes_once(steps: Session) -> None:
    manager = person(steps, "crm_manager", email="manager@example.org")

    for _time in range(2):
        digest.send_digests(steps, {"period": "2026-02-01"}, NOON)
    digest.send_digests(steps, {"period": "2026-02-02"}, NOON + timedelta(days=1))

    assert len(steps.scalars(sa.select(Mail).where(Mail.user_id == manager.id)).all()) == 2


def test_nobody_is_bothered_without_need(steps: Session) -> None:
    idle = person(steps, "quality_employee", email="idle@example.org")
    without = person(steps, "crm_manager")

    digest.send_digests(steps, {"period": "2026-02-01"}, NOON)

    assert mail_of(steps, idle) is None
    assert mail_of(steps, without) is None


def test_manager_hears_of_his_teams_overdue_steps(session: Session) -> None:
    procedures.open_step(session, "MAN-CUST", 5, record=form(733), now=NOON - timedelta(days=3))
    manager = person(session, "crm_manager", email="manager@example.org")

    digest.send_digests(session, {"period": "2026-02-01"}, NOON)

    mail = mail_of(session, manager)
    assert mail is not None
    assert "Overdue in my team (1)" in mail.body


def test_digest_can_be_turned_off(steps: Session) -> None:
    settings.put(steps, "notices.digest", False)
    manager = person(steps, "crm_manager", email="manager@example.org")

    digest.send_digests(steps, {"period": "2026-02-01"}, NOON)

    assert mail_of(steps, manager) is None


def test_notices_of_the_last_day_that_are_unread_come_along(session: Session) -> None:
    reader = person(session, "quality_employee", email="reader@example.org")
    services.notify(session, [reader.id], "told two days ago", now=NOON - timedelta(days=2))
    services.notify(session, [reader.id], "told this night", now=NOON - timedelta(hours=9))
    digest.send_digests(session, {"period": "2026-02-01"}, NOON)

    mail = mail_of(session, reader)
    assert mail is not None
    assert mail.subject == "1 new notice"
    assert "Notices (1)\n- told this night\n" in mail.body
