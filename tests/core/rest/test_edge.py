"""What every request of another system passes: its token, its limit, its shape; and the answer that is given once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from dummy_plugin.models import Remark
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.audit.models import AuditEvent
from core.rest import services
from core.rest.models import RestAnswer, RestCount, RestToken, RestUse
from core.rest.offers import Resource
from tests.core.customers.conftest import NOW
from tests.core.rest.conftest import KEEPER, System
from tests.support.people import signed_in

Systems = Callable[..., System]
REMARKS = "/dummy_plugin/remarks"


def entries(session: Session, action: str) -> list[AuditEvent]:
    return list(session.scalars(sa.select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.id)))


def remarks(session: Session) -> list[str]:
    return list(session.scalars(sa.select(Remark.text).order_by(Remark.id)))


# --- who calls ---------------------------------------------------------------------------------------------------------


def test_a_session_cookie_opens_nothing(session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "admin")

    answer = client.get("/api/v1/openapi.json", headers={"Accept-Language": "en"})

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic abc", "Bearer diwan_00000000_x", "bearer \u00e9", "Bearer " + "x" * 5000])
def test_what_is_no_token_is_not_recognised(app: Flask, client: FlaskClient, header: str) -> None:
    answer = client.get("/api/v1/openapi.json", headers={"Authorization": header} if header else {})

    assert answer.status_code == 401
    assert answer.json is not None and answer.json["type"] == "urn:diwan:problem:not-recognised"


def test_no_permission_is_a_logged_refusal_in_the_systems_name(session: Session, system: Systems) -> None:
    site = system("customers.read", name="Donation site")

    answer = site.post(REMARKS, {"text": "hello"}, key="a")

    assert answer.status_code == 403
    assert answer.json is not None and answer.json["value"] == "dummy_plugin.read" and answer.json["rule"] == "ORG-01"
    denied = entries(session, "denied")[-1]
    assert (denied.actor_label, denied.actor_id, denied.source, denied.rule) == ("api:Donation site", None, "api", "ORG-01")
    assert remarks(session) == []


def test_a_revoked_token_is_refused_and_its_use_logged(session: Session, system: Systems) -> None:
    site = system("dummy_plugin.read", name="Donation site")
    assert site.post(REMARKS, {"text": "before"}, key="a").status_code == 201
    work.begin_write(session)
    services.revoke_token(session, session.get_one(RestToken, site.token.id), actor=KEEPER, now=NOW)
    work.commit(session)

    answer = site.post(REMARKS, {"text": "after"}, key="b")

    assert answer.status_code == 401
    assert answer.json is not None and "was revoked" in answer.json["detail"]
    denied = entries(session, "denied")[-1]
    assert (denied.actor_label, denied.record_type, denied.record_label) == ("api:Donation site", "core_rest_token", "Donation site")
    assert remarks(session) == ["before"]


def test_an_expired_token_is_refused(session: Session, system: Systems) -> None:
    site = system("dummy_plugin.read", days=1)

    with work.time_at(NOW + timedelta(days=1)):
        answer = site.get(f"{REMARKS}/1")

    assert answer.status_code == 401
    assert answer.json is not None and "has expired" in answer.json["detail"]


def test_twenty_unknown_tokens_then_429_and_a_good_one_still_opens(session: Session, client: FlaskClient, system: Systems) -> None:
    good = system("dummy_plugin.read")
    statuses = [client.get("/api/v1/openapi.json", headers={"Authorization": f"Bearer wrong{number}"}).status_code for number in range(22)]
    rows = session.scalars(sa.select(RestCount.count).where(RestCount.key.startswith("bad:"))).all()

    assert statuses == [401] * 20 + [429] * 2
    assert rows == [20]  # what came after was refused by a read alone
    assert int(client.get("/api/v1/openapi.json", headers={"Authorization": "Bearer wrong"}).headers["Retry-After"]) == 3600
    assert good.get("/openapi.json").status_code == 200


def test_a_tokens_minute_is_counted_and_begins_anew(session: Session, system: Systems) -> None:
    site = system("dummy_plugin.read", per_minute=3)

    assert [site.get("/openapi.json").status_code for _n in range(5)] == [200, 200, 200, 429, 429]
    assert 1 <= int(site.get("/openapi.json").headers["Retry-After"]) <= 60
    with work.time_at(NOW + timedelta(seconds=61)):
        assert site.get("/openapi.json").status_code == 200
    use = session.scalars(sa.select(RestUse)).one()
    assert use.calls == 4
    assert session.get_one(RestToken, site.token.id).last_used_at == NOW + timedelta(seconds=61)


def test_refusals_are_counted(session: Session, system: Systems) -> None:
    site = system("dummy_plugin.read")

    for _n in range(3):
        site.get(f"{REMARKS}/999")

    assert [(one.calls, one.refused) for one in session.scalars(sa.select(RestUse))] == [(3, 3)]


# --- what it says --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("raw", "status"), [
    (b"", 400), (b"{", 400), (b'{"text": "a", "text": "b"}', 400), (b'{"text": NaN}', 400), (b'{"text": "\xff"}', 400), (b'{"text": "\\u0000"}', 400),
    (b'{"text": "\\ud800"}', 400), (b"[" * 60000, 400), (b'{"text": 1' + b"0" * 5000 + b"}", 400), (b'{"text": "' + b"a" * 70000 + b'"}', 413), (b"[]", 422),
    (b'{"text": 5}', 422), (b'{"text": ""}', 422), (b'{"text": "a", "more": 1}', 422), (b"null", 422),
])
def test_a_bad_body_is_a_clear_refusal(session: Session, system: Systems, raw: bytes, status: int) -> None:
    site = system("dummy_plugin.read")

    answer = site.client.post(f"/api/v1{REMARKS}", data=raw, headers={**site.shown({}), "Content-Type": "application/json", "Idempotency-Key": "a"})

    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert remarks(session) == []


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_only_json_is_taken(session: Session, system: Systems, kind: str) -> None:
    site = system("dummy_plugin.read")

    answer = site.client.post(f"/api/v1{REMARKS}", data=b'{"text": "a"}', headers={**site.shown({}), "Content-Type": kind})

    assert answer.status_code in (400, 415)
    assert remarks(session) == []


def test_each_fault_is_told_with_its_field_in_the_language_asked_for(system: Systems) -> None:
    site = system("dummy_plugin.read")

    english = site.post(REMARKS, {"text": 7, "word": "x"}, key="a").json
    arabic = site.post(REMARKS, {"text": 7, "word": "x"}, key="a", Accept_Language="ar-SA,en;q=0.5").json

    assert english is not None and arabic is not None
    assert [(one["field"], one["value"]) for one in english["errors"]] == [("word", "word"), ("text", "7")]
    assert english["title"] == "What was sent breaks a rule" and "There are: text" in english["errors"][0]["detail"]
    assert [one["field"] for one in arabic["errors"]] == ["word", "text"] and arabic["title"] != english["title"]


@pytest.mark.parametrize("query", ["?x=1", "?text=a&text=b"])
def test_unknown_parameters_are_refused(system: Systems, query: str) -> None:
    assert system("dummy_plugin.read").get(f"{REMARKS}/1{query}").status_code == 422


def test_what_is_not_there_is_a_problem_too(system: Systems) -> None:
    site = system("dummy_plugin.read")

    assert site.get("/nothing").json["type"] == "urn:diwan:problem:not-found"  # type: ignore[index]
    assert site.client.put(f"/api/v1{REMARKS}", headers=site.shown({})).json["status"] == 405  # type: ignore[index]
    assert site.client.options(f"/api/v1{REMARKS}", headers=site.shown({})).status_code == 405


# --- once ------------------------------------------------------------------------------------------------------------------


def test_the_same_key_and_body_give_the_first_answer(session: Session, system: Systems) -> None:
    site = system("dummy_plugin.read")

    first, second = (site.post(REMARKS, {"text": "once"}, key="a") for _n in range(2))

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json == second.json and second.headers["Idempotency-Replayed"] == "true" and "Idempotency-Replayed" not in first.headers
    assert remarks(session) == ["once"]


def test_blanks_do_not_make_another_request_but_words_do(session: Session, system: Systems) -> None:
    site = system("dummy_plugin.read")
    site.post(REMARKS, {"text": "once"}, key="a")
    spaced = site.client.post(f"/api/v1{REMARKS}", data=b' { "text" : "once" } ',
                              headers={**site.shown({}), "Content-Type": "application/json", "Idempotency-Key": "a"})

    other = site.post(REMARKS, {"text": "twice"}, key="a")

    assert spaced.status_code == 201
    assert other.status_code == 409 and other.json is not None and other.json["field"] == "Idempotency-Key"
    assert remarks(session) == ["once"]


def test_each_system_has_its_own_keys(session: Session, system: Systems) -> None:
    one, other = system("dummy_plugin.read"), system("dummy_plugin.read")

    assert [each.post(REMARKS, {"text": "mine"}, key="1").status_code for each in (one, other)] == [201, 201]
    assert remarks(session) == ["mine", "mine"]


def test_a_refused_request_leaves_its_key_free(session: Session, system: Systems) -> None:
    site = system("dummy_plugin.read")
    assert site.post(REMARKS, {"text": "veto"}, key="v").status_code == 201
    refused = site.post(REMARKS, {"text": "later"}, key="a")
    work.begin_write(session)
    session.delete(session.scalars(sa.select(Remark)).one())
    work.commit(session)

    assert refused.status_code == 409
    assert site.post(REMARKS, {"text": "later"}, key="a").status_code == 201
    assert remarks(session) == ["later"]


@pytest.mark.parametrize("key", ["a b", "ü", "x" * 65])
def test_a_key_that_cannot_be_one_is_refused(session: Session, system: Systems, key: str) -> None:
    site = system("dummy_plugin.read")

    answer = site.client.post(f"/api/v1{REMARKS}", json={"text": "a"}, headers=[*site.shown({}).items(), ("Idempotency-Key", key)])

    assert answer.status_code == 422 and remarks(session) == []


def test_kept_answers_are_encrypted(session: Session, system: Systems) -> None:
    system("dummy_plugin.read").post(REMARKS, {"text": "a secret code"}, key="a")

    kept = session.scalars(sa.select(RestAnswer)).one()
    assert kept.sealed is not None and "secret" not in kept.sealed
    assert json.loads(services._opened(session, services.PURPOSE_ANSWER, kept.sealed))["text"] == "a secret code"


def test_an_answer_that_its_schema_does_not_know_saves_nothing(app: Flask, session: Session, system: Systems, monkeypatch: pytest.MonkeyPatch) -> None:
    site = system("dummy_plugin.read")
    resource: Resource = next(one for one in app.extensions["diwan"].offered("register_api") if one.name == "dummy_plugin.add")
    monkeypatch.setitem(resource.answer, "required", ["id", "text", "colour"])  # type: ignore[arg-type]

    answer = site.post(REMARKS, {"text": "half"}, key="a")

    assert answer.status_code == 500 and answer.json is not None and answer.json["type"] == "urn:diwan:problem:fault"
    assert remarks(session) == []


# --- signed ------------------------------------------------------------------------------------------------------------------


def signed(site: System, body: Any, *, at: int = int(NOW.timestamp()), **more: str) -> dict[str, Any]:
    raw = json.dumps(body).encode()
    headers = {"X-Diwan-Key": site.token.prefix, "X-Diwan-Timestamp": str(at), "X-Diwan-Signature": services.signature_of(site.secret, str(at), raw)}
    return {"data": raw, "headers": {**headers, "Content-Type": "application/json", **more}}


def test_a_signature_stands_in_only_where_the_resource_says_so(system: Systems, session: Session) -> None:
    exchange = system("dummy_plugin.read", kind="signing")

    assert exchange.client.post(f"/api/v1{REMARKS}", **signed(exchange, {"text": "a"})).status_code == 401
    assert exchange.post(REMARKS, {"text": "a"}, key="a").status_code == 401  # its key is no token
    assert remarks(session) == []
