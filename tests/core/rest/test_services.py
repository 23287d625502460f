"""Tokens: made with what they need and no more, shown once, revoked for good, and what the log says of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import work
from core.audit.models import AuditEvent
from core.errors import Conflict, InvalidInputs, NotAllowed
from core.keys import keys_of
from core.rest import queries, services
from core.rest.models import RestAnswer, RestCount, RestToken, RestUse
from core.testing import actor_with
from tests.core.customers.conftest import NOW
from tests.core.rest.conftest import KEEPER, make_token


def last_entry(session: Session) -> AuditEvent:
    return session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id.desc())).all()[0]


def test_the_secret_lies_nowhere_and_its_hash_is_not_in_the_log(session: Session) -> None:
    made = make_token(session, "Donation site", "customers.read")

    stored = session.scalars(sa.select(RestToken)).one()
    assert made.secret not in str({column.key: getattr(stored, column.key) for column in sa.inspect(RestToken).columns})
    assert stored.secret_hash == services.digest(made.secret)
    entry = last_entry(session)
    assert (entry.action, entry.record_type, entry.record_label) == ("token_made", "core_rest_token", "Donation site")
    assert stored.secret_hash not in str(entry.changes)


def test_a_signing_key_is_encrypted_and_opens_with_the_associations_keys_only(session: Session) -> None:
    made = make_token(session, "Exchange", "customers.read", kind="signing")

    assert made.token.sealed_key is not None and made.secret not in made.token.sealed_key
    assert services._opened(session, services.PURPOSE_KEY, made.token.sealed_key) == made.secret
    assert len(keys_of(session).subjects) == 32


@pytest.mark.parametrize(("given", "field"), [
    ({"name": "x"}, "name"), ({"name": "a\nb"}, "name"), ({"permissions": ()}, "permissions"), ({"permissions": ("auth.manage_users",)}, "permissions"),
    ({"permissions": ("no.such",)}, "permissions"), ({"kind": "cookie"}, "kind"), ({"scope": "own"}, "scope"), ({"scope": "department"}, "department_id"),
    ({"scope": "centre", "centre_id": 999}, "centre_id"), ({"days": 0}, "days"), ({"days": 731}, "days"), ({"per_minute": 0}, "per_minute"),
])
def test_each_wrong_field_is_named(session: Session, given: dict[str, object], field: str) -> None:
    values = {"name": "Donation site", "permissions": ("customers.read",), **given}

    with pytest.raises(Exception) as refused:
        services.add_token(session, actor=KEEPER, now=NOW, **values)  # type: ignore[arg-type]

    assert getattr(refused.value, "field", None) == field


def test_all_faults_are_told_together(session: Session) -> None:
    with pytest.raises(InvalidInputs) as refused:
        services.add_token(session, name="1", permissions=(), days=0, actor=KEEPER, now=NOW)

    assert [one.field for one in refused.value.faults] == ["name", "permissions", "days"]


def test_a_name_is_used_once_also_after_it_was_revoked(session: Session) -> None:
    made = make_token(session, "Exchange", "customers.read")
    work.begin_write(session)
    services.revoke_token(session, made.token, actor=KEEPER, now=NOW)

    with pytest.raises(InvalidInputs) as refused:
        make_token(session, "exchange", "customers.read")

    assert (refused.value.field, refused.value.value) == ("name", "exchange")


def test_nobody_hands_on_more_than_he_has_unless_he_changes_the_matrix(session: Session) -> None:
    clerk = actor_with("rest.tokens", "customers.read", label="clerk")
    make_token(session, "Reader", "customers.read", actor=clerk)

    with pytest.raises(NotAllowed):
        make_token(session, "Writer", "finance.record", actor=clerk)
    with pytest.raises(NotAllowed):
        make_token(session, "Reader 2", "customers.read", actor=actor_with("customers.read"))
    work.rollback(session)


def test_the_same_form_twice_makes_one_token(session: Session) -> None:
    make_token(session, "Exchange", "customers.read", operation_key="once")

    with pytest.raises(Conflict):
        make_token(session, "Exchange 2", "customers.read", operation_key="once")

    assert session.scalar(sa.select(sa.func.count()).select_from(RestToken)) == 1


def test_revoking_is_logged_once_and_stays(session: Session) -> None:
    made = make_token(session, "Exchange", "customers.read")
    work.begin_write(session)
    for _n in range(2):
        services.revoke_token(session, made.token, actor=KEEPER, now=NOW)
    work.commit(session)

    entries = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "token_revoked")).all()
    assert [one.record_label for one in entries] == ["Exchange"]
    assert queries.state_of(made.token, NOW) == "revoked"


def test_states_and_uses_of_the_last_day(session: Session) -> None:
    old, fresh = make_token(session, "Old", "customers.read", days=10), make_token(session, "Fresh", "customers.read")
    work.begin_write(session)
    for hours in (0, 5, 30):
        services.count_call(session, fresh.token, NOW - timedelta(hours=hours))
    services.count_refused(session, fresh.token.id, NOW)

    shown = {one.token.name: (one.state, one.calls, one.refused) for one in queries.tokens(session, NOW)}
    assert shown == {"Fresh": ("valid", 2, 1), "Old": ("ending", 0, 0)}
    assert queries.state_of(old.token, NOW + timedelta(days=10)) == "expired"


def test_what_is_old_is_forgotten(session: Session) -> None:
    token = make_token(session, "Exchange", "customers.read").token
    work.begin_write(session)
    assert services.claim(session, token, "1.k.a", "0" * 64, NOW - timedelta(days=31))
    assert services.claim(session, token, "1.k.b", "0" * 64, NOW)
    services.count_call(session, token, NOW - timedelta(days=91))

    services.sweep(session, {}, NOW)

    assert session.scalars(sa.select(RestAnswer.operation_key)).all() == ["1.k.b"]
    assert session.scalars(sa.select(RestUse)).all() == []
    assert session.scalars(sa.select(RestCount)).all() == []
