"""The database itself keeps events and wordings as they are; what is personal in them is sealed in the log."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import work
from core.audit.models import AuditEvent
from core.consent import queries
from core.consent.models import Consent
from core.customers.models import Customer


@pytest.mark.parametrize(("name", "value"), [("given", False), ("channel", "sms"), ("purpose", "survey"), ("source", "call"), ("note", "another")])
def test_an_event_is_never_rewritten(session: Session, give: Callable[..., list[Consent]], name: str, value: object) -> None:
    one, = give(note="F-77")

    with pytest.raises(sa.exc.DatabaseError, match="PERM-02"), session.begin_nested():
        setattr(one, name, value)
        session.flush()


def test_an_event_is_kept_but_follows_a_merged_customer_and_loses_its_note_when_erased(
    session: Session, give: Callable[..., list[Consent]], customer: Callable[..., Customer],
) -> None:
    one, = give(note="F-77")
    with pytest.raises(sa.exc.DatabaseError, match="PERM-02"), session.begin_nested():
        session.delete(one)
        session.flush()

    one.customer_id, one.note = customer(name="شركة الضحى", mobile="0550000777").id, ""
    session.flush()


def test_a_published_wording_stays_as_it_is(session: Session) -> None:
    wording = queries.wording_now(session, "privacy")
    assert wording is not None

    with pytest.raises(sa.exc.DatabaseError, match="PERM-16"), session.begin_nested():
        wording.text_en = "Other words"
        session.flush()


def test_the_log_tells_the_act_and_seals_the_note(session: Session, give: Callable[..., list[Consent]]) -> None:
    one, = give(note="the third page of his letter")
    work.commit(session)

    entry = session.scalars(sa.select(AuditEvent).where(AuditEvent.record_type == "core_consent", AuditEvent.record_id == str(one.id))).one()
    assert (entry.action, entry.subject_id) == ("consent_given", one.subject_id)
    assert "marketing" in str(entry.changes)
    assert "letter" not in str({column.key: getattr(entry, column.key) for column in sa.inspect(AuditEvent).columns})
