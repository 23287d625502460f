"""ACC-06: nobody approves his own form, by page or in the database (ORG-09)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy import select

from core.audit.models import AuditEvent
from core.customers import services
from core.customers.models import CustomerForm
from core.errors import NotAllowed
from core.testing import sign_in
from tests.acceptance.register import fill_noor, register_people

NOW = datetime(2026, 2, 1, 6, 0, tzinfo=UTC)


def test_the_manager_cannot_approve_a_form_he_filled(session):
    people = register_people(session, NOW)
    form = fill_noor(session, people.manager, NOW)

    for state in ("filled", "reviewed"):
        with pytest.raises(NotAllowed) as refused:
            services.approve(session, form, actor=people.manager, now=NOW)
        assert refused.value.rule == "ORG-09"
        if state == "filled":
            services.review(session, form, actor=people.manager, now=NOW)

    with pytest.raises(sa.exc.IntegrityError), session.begin_nested():
        form.state, form.decided_by = "approved", people.manager.user_id
        session.flush()


def test_pressing_approve_is_refused_and_logged(session, client):
    people = register_people(session, NOW)
    form = services.review(session, fill_noor(session, people.manager, NOW), actor=people.manager, now=NOW)
    address = f"/customers/forms/{form.id}"

    answer = sign_in(client, people.users["manager"]).post(f"{address}/approve")

    assert answer.status_code == 403
    assert session.scalars(select(CustomerForm.state)).all() == ["reviewed"]
    assert session.scalars(select(AuditEvent.rule).where(AuditEvent.action == "denied")).all() == ["ORG-09"]
