"""The exchange sends its calls itself, with a token or signed: taken in as from a file, and each request once."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from core import work
from core.audit.models import AuditEvent
from core.rest import services
from plugins.callcenter import exchange
from plugins.callcenter.importers import leg_of
from plugins.callcenter.models import Call, Leg
from tests.core.rest.conftest import KEEPER as ADMINISTRATOR
from tests.core.rest.conftest import System, make_token
from tests.plugins.callcenter.conftest import KEEPER, MONDAY

STAMP = str(int(MONDAY.timestamp()))


def leg(number: int = 1, **values: Any) -> dict[str, Any]:
    return {"started": "2026-02-01T10:00:00+03:00", "source": "0555120348", "destination": "200", "duration": 30, "talk": 20, "disposition": "ANSWERED",
            "linked": "1.1", "unique": f"1.{number}", **values}


@pytest.fixture
def pbx(session: Session, client: FlaskClient) -> Any:
    made = make_token(session, "Exchange", "callcenter.import", kind="signing", now=MONDAY)
    with work.time_at(MONDAY):
        yield System(client, made.token, made.secret)


def send(pbx: System, lines: list[Any], *, stamp: str = STAMP, key: str | None = None, raw: bytes | None = None, **more: str) -> TestResponse:
    body = json.dumps({"lines": lines}).encode()
    headers = {"X-Diwan-Key": key or pbx.token.prefix, "X-Diwan-Timestamp": stamp, "X-Diwan-Signature": services.signature_of(pbx.secret, stamp, body),
               "Content-Type": "application/json", "Accept-Language": "en", **more}
    return pbx.client.post("/api/v1/calls", data=raw if raw is not None else body, headers=headers)


def calls(session: Session) -> list[tuple[Any, ...]]:
    found = session.execute(sa.select(Call.phone, Call.legs, Call.source, Call.answered).order_by(Call.id))
    return [tuple(one) for one in found]


def test_legs_with_one_link_are_one_call_also_when_they_come_one_by_one(session: Session, pbx: System) -> None:
    first = send(pbx, [leg(1)])
    second = send(pbx, [leg(1), leg(2, destination="201")])

    assert first.json is not None and second.json is not None, first.text
    assert (first.json["created"], second.json["created"], second.json["duplicate"]) == (1, 1, 1)
    assert calls(session) == [("+966555120348", 2, "exchange", True)]
    assert {line["call"] for line in second.json["lines"]} == {first.json["lines"][0]["call"]}


def test_it_is_what_the_importer_makes_of_the_same_line(session: Session, pbx: System) -> None:
    assert send(pbx, [leg(1)]).status_code == 200
    key = session.scalars(sa.select(Leg.key)).one()
    entry = session.scalars(sa.select(AuditEvent).where(AuditEvent.record_type == "callcenter_call")).one()
    by_signature = entry.action, sorted(entry.fields)
    assert (entry.actor_label, entry.source) == ("api:Exchange", "api")

    assert key == leg_of({**leg(1), "started": datetime.fromisoformat("2026-02-01T10:00:00+03:00").astimezone(MONDAY.tzinfo)}).key
    work.rollback(session)
    work.begin_write(session)
    session.info["actor"] = KEEPER
    values = {**leg(3, linked="3.3"), "started": datetime.fromisoformat("2026-02-01T11:00:00+03:00")}
    exchange.take_in(session, [leg_of(values)], import_id=1, actor=KEEPER, now=MONDAY)
    work.commit(session)
    by_import = session.scalars(sa.select(AuditEvent).where(AuditEvent.record_type == "callcenter_call").order_by(AuditEvent.id.desc())).first()
    assert by_import is not None
    assert by_signature == (by_import.action, sorted(by_import.fields))


def test_refused_legs_are_listed_and_the_good_ones_taken_in(session: Session, pbx: System) -> None:
    answer = send(pbx, [leg(1), leg(2, started="2030-01-01T00:00:00Z"), leg(3, duration=10, talk=20), leg(1)])

    assert answer.json is not None
    assert [one["outcome"] for one in answer.json["lines"]] == ["created", "refused", "refused", "duplicate"]
    assert [one["reasons"][0]["field"] for one in answer.json["lines"][1:3]] == ["started", "talk"]
    assert len(calls(session)) == 1


def test_a_signed_request_is_taken_once(session: Session, pbx: System) -> None:
    assert send(pbx, [leg(1)]).status_code == 200

    again = send(pbx, [leg(1)])
    upper = send(pbx, [leg(1)], **{"X-Diwan-Signature": services.signature_of(pbx.secret, STAMP, json.dumps({"lines": [leg(1)]}).encode()).upper()})

    assert (again.status_code, upper.status_code) == (409, 409)
    assert again.json is not None and again.json["field"] == "X-Diwan-Signature"
    assert len(calls(session)) == 1


@pytest.mark.parametrize("wrong", [
    {"raw": b'{"lines": []}'}, {"key": "00000000"}, {"X-Diwan-Timestamp": str(int(STAMP) + 1)}, {"X-Diwan-Signature": "0" * 64},
    {"X-Diwan-Signature": "\u00e9"},
    {"stamp": str(int(STAMP) - 301)}, {"stamp": str(int(STAMP) + 301)}, {"stamp": "soon"}, {"stamp": ""},
])
def test_what_is_not_signed_so_is_not_recognised(session: Session, pbx: System, wrong: dict[str, Any]) -> None:
    assert send(pbx, [leg(1)], **wrong).status_code == 401
    assert calls(session) == []


def test_a_revoked_key_signs_nothing_any_more(session: Session, pbx: System) -> None:
    work.begin_write(session)
    token = services.token_named(session, "Exchange")
    services.revoke_token(session, token, actor=ADMINISTRATOR, now=MONDAY)
    work.commit(session)

    assert send(pbx, [leg(1)]).status_code == 401
    denied = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "denied")).one()
    assert denied.actor_label == "api:Exchange"


def test_a_token_opens_it_too_and_other_permissions_do_not(session: Session, client: FlaskClient, pbx: System) -> None:
    good, other = (make_token(session, name, permission, now=MONDAY) for name, permission in (("Recorder", "callcenter.import"), ("Other", "customers.read")))

    assert System(client, good.token, good.secret).post("/calls", {"lines": [leg(1)]}).status_code == 200
    assert System(client, other.token, other.secret).post("/calls", {"lines": [leg(2)]}).status_code == 403
    assert len(calls(session)) == 1


@pytest.mark.parametrize("lines", [[], [leg(1, duration="30")], [{"source": "1"}], [leg(1, started="2026-02-01 10:00")], [leg(1, colour="red")],
                                   [leg(1, duration=2**40)], [leg(1)] * 1001])
def test_lines_of_another_shape_are_no_request(session: Session, pbx: System, lines: list[Any]) -> None:
    assert send(pbx, lines).status_code == 422
    assert calls(session) == []
