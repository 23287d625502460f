"""Who began an import hears that it ended, where he could not see it end."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from core.errors import Conflict
from core.i18n import use_language
from core.imports import services, telling
from core.imports.models import Import
from core.notices import queries
from core.notices.services import words
from core.testing import NOON, actor_with
from core.text import plain_text
from tests.support.people import person


def staged(session: Session, maker: int) -> Import:
    row = Import(kind="organisation.cities", file_name="مدن.csv", sha256="0" * 64, token="t", made_by_id=maker, made_by="maker", made_at=NOON,
                 state="applying", counts={"create": 2, "update": 1})
    session.add(row)
    session.flush()
    return row


@pytest.mark.parametrize(("source", "own", "heard"), [("web", True, 0), ("job", True, 1), ("web", False, 1)])
def test_told_is_whoever_did_not_sit_before_it(session: Session, source: str, own: bool, heard: int) -> None:
    maker = person(session, "crm_employee")
    row = staged(session, maker.id)
    telling.applied(session, row, actor=actor_with(user_id=maker.id if own else maker.id + 1000, source=source), now=NOON)

    assert queries.unread(session, maker.id) == heard


def test_the_sentence_counts_and_leads_to_the_import(session: Session) -> None:
    maker = person(session, "crm_employee")
    row = staged(session, maker.id)
    telling.applied(session, row, actor=actor_with(source="job"), now=NOON)
    notice = queries.notices_of(session, maker.id)[0]

    assert notice.link == f"/imports/{row.id}"
    with use_language("ar"):
        assert plain_text(words(notice)) == "انتهى استيراد ملفك مدن.csv: طُبِّقت 3 أسطر."
    with use_language("en"):
        assert plain_text(words(notice)) == "Your import of مدن.csv has ended: 3 lines are applied."


def test_an_import_that_stopped_says_so(session: Session) -> None:
    maker = person(session, "crm_employee")
    row = staged(session, maker.id)
    services.fail(session, row.id, Conflict("why"), now=NOON)

    assert (row.state, row.failure) == ("failed", "why")
    with use_language("en"):
        assert "has stopped" in words(queries.notices_of(session, maker.id)[0])
