"""ACC-95 Permission matrix (ORG-01, ORG-08)."""

from __future__ import annotations

import csv
import hashlib
import io

import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.audit.models import AuditEvent
from core.auth import services
from core.auth.models import Role
from core.commands import operator
from core.plugins.manifest import Decision
from core.testing import actor_with, sign_in


def test_export_has_one_row_per_role_and_action_and_is_logged(client: FlaskClient, session: Session) -> None:
    user = services.add_user(session, username="boss", name_ar="مدير", actor=operator(), now=work.now())
    services.grant_role(session, user, "administrator", actor=operator())
    work.commit(session)
    sign_in(client, user)

    answer = client.post("/roles/matrix.csv")

    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    roles = session.scalars(sa.select(Role.slug).where(Role.active)).all()
    assert {(row["role"], row["permission"]) for row in rows} == {(role, name) for role in roles for name in session.info["permissions"]}
    assert len(rows) == len(roles) * len(session.info["permissions"])
    entry = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "export")).one()
    assert entry.facts["rows"] == len(rows)
    assert entry.facts["sha256"] == hashlib.sha256(answer.data).hexdigest()


def test_approval_is_for_the_role_that_the_table_names(session: Session) -> None:
    session.info["decisions"] = {**session.info["decisions"], "campaigns.channels": Decision("campaigns.channels", "Channel choice", decides="crm_manager")}
    manager, board = (actor_with(user_id=number, roles=frozenset({role})) for number, role in ((1, "crm_manager"), (2, "association_management")))
    assert services.approves(session, "campaigns.channels", manager)

    services.set_authority(session, "campaigns.channels", "crm_manager", "association_management", actor=operator())

    assert [services.approves(session, "campaigns.channels", actor) for actor in (manager, board)] == [False, True]
