"""No person stands readable in the audit log: not who acted, not for whom, not who was searched for (DESIGN 10, CUST-34)."""

from __future__ import annotations

import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.audit.models import AuditEvent
from core.auth import services as auth
from core.auth.actor import Actor, Delegator, authorize
from core.finance.models import Fund
from core.testing import NOON
from tests.acceptance.register import approved_form, fill_noor, register_people
from tests.support.people import person, signed_in

ARABIC, ENGLISH = "عبدالعزيز السديري", "Abdulaziz Alsudairi"


def whole_log(session: Session) -> str:
    """Everything that stands in the log in clear."""
    session.expire_all()
    names = [column.key for column in AuditEvent.__table__.columns if column.key != "sealed"]
    return "\n".join(str(row) for row in session.execute(sa.select(*(AuditEvent.__table__.c[name] for name in names))))


def test_who_acted_stands_by_user_name_only(session: Session) -> None:
    user = person(session, "crm_employee", name_ar=ARABIC, name_en=ENGLISH)
    actor = auth.actor_for(session, user, source="web", now=NOON)
    fill_noor(session, actor, NOON)
    work.commit(session)

    told = whole_log(session)

    assert user.username in told
    assert ARABIC not in told
    assert ENGLISH not in told


def test_so_does_on_behalf_of(session: Session) -> None:
    lender = person(session, name_ar=ARABIC)
    deputy = person(session)
    lent = Delegator(lender.id, lender.label, frozenset({"finance.settings"}), frozenset(), lender.username)
    actor = Actor(deputy.id, deputy.label, username=deputy.username, delegators=(lent,))
    authorize(session, actor, "finance.settings")
    session.add(Fund(code="behalf", name_ar="صندوق", name_en="Fund", active=True))
    session.flush()
    work.commit(session)

    entry = session.scalars(sa.select(AuditEvent).where(AuditEvent.record_label == "behalf")).one()

    assert (entry.actor_label, entry.on_behalf_of_label) == (deputy.username, lender.username)
    assert ARABIC not in whole_log(session)


def test_the_steps_of_a_form_name_nobody(session: Session) -> None:
    people = register_people(session, NOON)
    approved_form(session, people, NOON)
    work.commit(session)

    told = whole_log(session)

    assert all(user.name_ar not in told for user in people.users.values())


def test_the_page_says_the_name_and_finds_by_it(session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "auditor")
    user = person(session, "crm_employee", name_ar=ARABIC, name_en=ENGLISH)
    fill_noor(session, auth.actor_for(session, user, source="web", now=NOON), NOON)
    work.commit(session)

    for typed in (user.username, ARABIC, ENGLISH):
        page = client.get("/audit/", query_string={"f.who": typed}).get_data(as_text=True)
        assert ENGLISH in page, typed
    assert ENGLISH not in client.get("/audit/", query_string={"f.who": "nobody"}).get_data(as_text=True)


def test_a_search_by_name_is_not_written_down(session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "crm_manager")
    work.commit(session)

    for typed in (ARABIC, "0559876543", "hidden@example.org", "1042712"):
        assert client.post("/customers/export", data={"q": typed}).status_code == 200
        assert typed not in whole_log(session)

    entry = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "export").order_by(AuditEvent.id.desc())).first()
    assert entry is not None
    assert '"searched":' in str(entry.data)
