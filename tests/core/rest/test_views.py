"""The page and the command on which other systems are let in and shut out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.audit.models import AuditEvent
from core.cli import main
from core.rest import services
from core.rest.models import RestToken
from core.testing import new_association, test_deployment
from tests.core.rest.conftest import make_token
from tests.support.people import signed_in

FORM = {"name": "Donation site", "kind": "bearer", "permissions": ["customers.read", "finance.record"], "scope": "all", "days": "30", "per_minute": "60"}


@pytest.mark.parametrize(("language", "direction"), [("ar", "rtl"), ("en", "ltr")])
def test_pages_open_in_both_languages(app: Flask, session: Session, client: FlaskClient, language: str, direction: str) -> None:
    make_token(session, "Exchange", "customers.read")
    work.begin_write(session)
    signed_in(client, session, "admin", language=language)
    work.commit(session)

    for address in ("/settings/api/", "/settings/api/new", "/settings/api/reference"):
        page = client.get(address)
        assert page.status_code == 200 and f'dir="{direction}"' in page.text, address
    reference = client.get("/settings/api/reference").text
    assert all(one.path in reference for one in app.extensions["diwan"].offered("register_api"))
    assert client.get("/settings/api/openapi.json").json["openapi"] == "3.1.0"  # type: ignore[index]


def test_it_is_shut_to_who_may_not(session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "crm_manager")
    work.commit(session)

    pages = [f"/settings/api/{name}" for name in ("", "new", "reference", "openapi.json")]
    assert [client.get(page).status_code for page in pages] == [403] * 4
    assert client.post("/settings/api/new", data=FORM).status_code == 403
    assert session.scalars(sa.select(RestToken)).all() == []


def test_a_token_is_shown_once_and_opens(session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "admin")
    work.commit(session)

    page = client.post("/settings/api/new", data={**FORM, "operation_key": "one"})
    found = re.search(r"diwan_[0-9a-f]{8}_[\w-]{43}", page.text)

    assert found is not None and f'data-copy="{found[0]}"' in page.text
    assert found[0] not in client.get("/settings/api/").text
    assert client.get("/api/v1/openapi.json", headers={"Authorization": f"Bearer {found[0]}"}).status_code == 200
    again = client.post("/settings/api/new", data={**FORM, "operation_key": "one"})
    assert again.status_code == 422 and "made already" in again.text


@pytest.mark.parametrize(("change", "said"), [
    ({"name": "1"}, "cannot be a system"), ({"permissions": []}, "at least one permission"), ({"permissions": ["auth.manage_users"]}, "is no permission"),
    ({"days": "9999"}, "valid for 1 to 730 days"), ({"days": "x"}, "no whole number"), ({"per_minute": "0"}, "requests a minute"),
    ({"scope": "department", "department_id": ""}, "Choose the department"), ({"scope": "centre", "centre_id": "99999"}, "Choose the centre"),
    ({"scope": "moon"}, "Not a valid choice"), ({"kind": "moon"}, "Not a valid choice"),
])
def test_each_fault_stands_beside_its_field(session: Session, client: FlaskClient, change: dict[str, object], said: str) -> None:
    signed_in(client, session, "admin")
    work.commit(session)

    page = client.post("/settings/api/new", data={**FORM, **change})

    assert page.status_code == 422 and said in page.text
    assert session.scalars(sa.select(RestToken)).all() == []


def test_revoking_acts_and_the_list_says_so(session: Session, client: FlaskClient) -> None:
    token_id = make_token(session, "Exchange", "customers.read").token.id
    work.begin_write(session)
    signed_in(client, session, "admin")
    work.commit(session)

    assert client.post(f"/settings/api/{token_id}/revoke").status_code == 302

    page = client.get("/settings/api/").text
    assert "revoked" in page and "/revoke" not in page
    entry = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "token_revoked")).one()
    assert entry.record_label == "Exchange" and entry.actor_id is not None


def test_the_command_makes_lists_and_revokes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    new_association(test_deployment(tmp_path), "one")
    monkeypatch.setenv("DIWAN_HOME", str(tmp_path))

    assert main(["token", "add", "Exchange", "--permission", "customers.read", "--days", "10"]) == 0
    secret = capsys.readouterr().out.splitlines()[0]
    assert main(["token", "list"]) == 0
    line = capsys.readouterr().out.strip().split("\t")
    assert main(["token", "revoke", secret.split("_")[1]]) == 0
    assert main(["token", "list"]) == 0
    revoked = capsys.readouterr().out
    assert main(["token", "add", "Other", "--permission", "auth.manage_users"]) == 1

    assert secret.startswith("diwan_") and line[:3] == ["Exchange", secret.split("_")[1], "ending"] and line[-1] == "customers.read"
    assert "revoked" in revoked
    assert "is no permission that a token can have" in capsys.readouterr().err
    assert services.digest(secret) != secret
