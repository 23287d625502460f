"""ACC-103 Sign-in audit (AUD-03, AUD-04): one failed, one good sign-in, one role change, one refused approval are four entries."""

from __future__ import annotations

import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.audit.models import AuditEvent
from core.auth import passwords, signin
from core.auth import services as auth
from core.auth.models import User
from core.commands import operator
from core.customers import services as customers

PASSWORD = "a long walk in the morning"


def person(session: Session, username: str, *roles: str) -> User:
    with work.unit_of_work(session):
        user = auth.add_user(session, username=username, name_ar="ريم", actor=operator(), now=work.now())
        for role in roles:
            auth.grant_role(session, user, role, actor=operator())
        signin.change_password(session, user, passwords.hash_password(PASSWORD))
    return user


def last_entry(session: Session) -> int:
    return session.scalar(sa.select(sa.func.max(AuditEvent.id))) or 0


def test_one_failed_one_good_sign_in_one_role_change_one_refused_approval_are_four_entries(client: FlaskClient, session: Session) -> None:
    manager, employee = person(session, "manager103", "crm_manager"), person(session, "employee103")
    actor = auth.actor_for(session, manager, source="web", now=work.now())
    with work.unit_of_work(session):
        form = customers.fill_form(session, {"name": "شركة النور", "customer_class": "donor", "mobile": "0550000001", "registration_origin": "call"},
                                   actor=actor, now=work.now())
        customers.review(session, form, actor=actor, now=work.now())
        number, form_id = form.number, form.id
    before = last_entry(session)
    work.rollback(session)  # what was read would otherwise be the savepoint to which the next begin_write goes back

    assert client.post("/login/", data={"username": "manager103", "password": "not this one at all"}).status_code == 401
    assert client.post("/login/", data={"username": "manager103", "password": PASSWORD}).location == "/"
    session.info["actor"] = operator()
    with work.unit_of_work(session):
        auth.grant_role(session, employee, "crm_employee", actor=operator())
    assert client.post(f"/customers/forms/{form_id}/approve").status_code == 403

    session.expire_all()
    entries = session.scalars(sa.select(AuditEvent).where(AuditEvent.id > before).order_by(AuditEvent.id)).all()
    assert [entry.action for entry in entries] == ["sign_in_failed", "sign_in", "role_change", "denied"]
    assert entries[0].record_id == entries[1].record_id == str(manager.id)
    assert entries[2].reason == "crm_employee"
    assert (entries[3].rule, entries[3].actor_id, entries[3].record_type, entries[3].record_label) == ("ORG-09", manager.id, "core_customer_form", number)
