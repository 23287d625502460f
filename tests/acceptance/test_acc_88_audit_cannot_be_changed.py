"""ACC-88 Audit cannot be changed (AUD-01, AUD-02)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.audit import queries
from core.audit.models import AuditBlock, AuditEvent
from core.auth import services as auth
from core.auth.actor import Actor
from core.auth.models import User
from core.commands import operator
from core.customers import entry, officers
from core.customers import services as customers
from core.customers.models import Customer, CustomerForm
from core.database import section
from core.errors import DiwanError
from core.testing import sign_in

NOW = datetime(2026, 2, 1, 6, 0, tzinfo=UTC)


def person(session: Session, username: str, *roles: str) -> User:
    user = auth.add_user(session, username=username, name_ar=f"شخص {username}", actor=operator(), now=NOW)
    for role in roles:
        auth.grant_role(session, user, role, actor=operator())
    return user


class Register:
    """An employee, a manager and the data officer, and what they do."""

    def __init__(self, session: Session) -> None:
        self.session = session
        with work.unit_of_work(session):
            roles = ("crm_employee", "crm_manager", "customer_data_officer")
            people = [person(session, f"{role}88", role) for role in roles]
            self.employee, self.manager, self.officer = (self.actor(user) for user in people)
            officers.appoint(session, people[2].id, "primary", actor=self.manager, now=NOW)

    def actor(self, user: User) -> Actor:
        return auth.actor_for(self.session, user, source="web", now=NOW)

    def through(self, values: dict[str, str], customer: Customer | None, now: datetime) -> CustomerForm:
        """A form from filling to entry, each act by its person in a transaction of its own."""
        session = self.session
        with work.time_at(now):
            form = self.by(self.employee, lambda: customers.fill_form(session, values, actor=self.employee, now=now, customer=customer))
            self.by(self.manager, lambda: customers.review(session, form, actor=self.manager, now=now))
            self.by(self.manager, lambda: customers.approve(session, form, actor=self.manager, now=now))
            self.by(self.officer, lambda: entry.enter(session, form, actor=self.officer, now=now))
        return form

    def by(self, actor: Actor, act):  # type: ignore[no-untyped-def]
        self.session.info["actor"] = actor
        with work.unit_of_work(self.session):
            return act()


@pytest.fixture
def register(session: Session) -> Register:
    return Register(session)


@pytest.fixture
def changed(register: Register, session: Session) -> tuple[CustomerForm, Customer]:
    """A customer whose mobile was changed by a form."""
    values = {"name": "شركة النور", "customer_class": "donor", "mobile": "0550000001", "registration_origin": "call"}
    form = register.through(values, None, NOW)
    assert form.line is not None
    customer = form.line.customer
    changing = register.through({"mobile": "0550000002"}, customer, NOW + timedelta(days=1))
    return changing, customer


def entries_of(session: Session, customer: Customer) -> list[AuditEvent]:
    query = sa.select(AuditEvent).where(AuditEvent.record_type == "core_customer", AuditEvent.record_id == str(customer.id))
    return list(session.scalars(query.order_by(AuditEvent.id)))


def test_changed_mobile_is_one_entry_with_old_new_user_time_and_form(changed: tuple[CustomerForm, Customer], register: Register, session: Session) -> None:
    form, customer = changed

    created, update = entries_of(session, customer)

    told = queries.told(session, [update], personal=True)[update.id]
    mobile = [(change.old, change.new) for change in told.changes if change.field == "mobile"]
    assert mobile == [("+966550000001", "+966550000002")]
    assert (update.action, update.actor_id, update.form_number) == ("update", register.officer.user_id, form.number)
    assert update.at == NOW + timedelta(days=1)
    assert update.record_label == customer.number
    assert created.action == "create"


def test_mobile_stands_nowhere_readable_in_the_log(changed: tuple[CustomerForm, Customer], session: Session) -> None:
    rows = session.execute(sa.select(AuditEvent.__table__)).all()

    assert not [row for row in rows if "550000001" in str(row) or "550000002" in str(row) or "النور" in str(row)]


@pytest.mark.parametrize("attempt", [
    lambda session, entry: setattr(entry, "actor_label", "nobody"),
    lambda session, entry: session.delete(entry),
])
def test_session_cannot_change_or_delete_an_entry(changed: tuple[CustomerForm, Customer], session: Session, attempt) -> None:  # type: ignore[no-untyped-def]
    found = entries_of(session, changed[1])[0]
    work.begin_write(session)

    attempt(session, session.merge(found))

    with pytest.raises(sa.exc.DBAPIError, match="append-only"):
        work.commit(session)


@pytest.mark.parametrize("statement", [
    sa.update(AuditEvent).values(actor_label="nobody"), sa.delete(AuditEvent), sa.update(AuditBlock).values(count=0), sa.delete(AuditBlock),
])
def test_bulk_statement_is_refused_by_the_session_and_by_the_database(changed: tuple[CustomerForm, Customer], session: Session, statement) -> None:  # type: ignore[no-untyped-def]
    work.begin_write(session)

    with pytest.raises(DiwanError, match="round the audit log"):
        session.execute(statement)
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), section("attack"):
        session.execute(statement, execution_options={"synchronize_session": False})
    work.rollback(session)


def test_no_address_changes_an_entry(changed: tuple[CustomerForm, Customer], client: FlaskClient, session: Session) -> None:
    found = entries_of(session, changed[1])[0]
    entry_id, code = found.id, found.code
    with work.unit_of_work(session):
        administrator = person(session, "administrator88", "admin", "auditor")
    own = sign_in(client, administrator)
    paths = ("/audit/{id}", "/audit/{id}/delete", "/audit/{id}/edit", "/audit/delete/", "/audit/edit/", "/audit/action/", "/api/v1/audit/{id}")

    answers = {
        (method, path): getattr(own, method)(path.format(id=entry_id), data={"id": entry_id, "actor_label": "nobody", "action": "delete"}).status_code
        for path in paths for method in ("post", "put", "patch", "delete")
    }

    assert not [asked for asked, status in answers.items() if status not in (404, 405)]
    session.expire_all()
    kept = session.get_one(AuditEvent, entry_id)
    assert (kept.code, queries.marks(session, [kept])[kept.id]) == (code, "sound")


def test_page_offers_no_change(changed: tuple[CustomerForm, Customer], client: FlaskClient, session: Session) -> None:
    with work.unit_of_work(session):
        administrator = person(session, "administrator88", "admin", "auditor")

    page = sign_in(client, administrator).get(f"/audit/{entries_of(session, changed[1])[0].id}").get_data(as_text=True)

    assert 'action="/audit' not in page
    assert "delete" not in page.split("<main")[1].split("</main>")[0]
