"""Many rows at once say and hold what single ones would, on both engines and by each way into the database."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from core import bulk, work
from core.audit import chain
from core.audit import services as audit
from core.audit.models import AuditEvent
from core.database import section
from core.errors import DiwanError
from core.keys import KEY_BYTES, SubjectKey, decrypt, new_subjects
from tests.core.audit.conftest import Log
from tests.core.audit.models import Note, Person

NOON = datetime(2026, 2, 1, 12, 0, tzinfo=timezone(timedelta(hours=3)))
MANY = bulk.ROWS_A_STATEMENT + 1
BY = {"one statement": 3, "many": MANY}
ODD = 'tab\t, line\n, "quoted", \\N, 100 %s, عربي'


def people(count: int, subjects: list[str]) -> list[dict[str, Any]]:
    """Rows with every sort of value, of which some are alike in all."""
    return [{"number": f"{n}", "state": "new", "subject_id": subjects[n], "name": f"{ODD} {n}" if n % 2 else None, "mobile": None, "limit": Decimal("10.50"),
             "seen_at": NOON if n % 3 else None, "extra": {"ا": [1, None, "%"]} if n else None, "remarks": "same", "password": f"p{n}", "search": ODD}
            for n in range(count)]


@pytest.mark.parametrize("count", BY.values(), ids=BY)
def test_entries_and_rows_of_a_bulk_act_are_those_of_a_flush(log: Log, count: int) -> None:
    with log.begin() as session:
        subjects = new_subjects(session, 2 * count)
        rows = people(count, subjects)
        session.add_all([Person(**row) for row in rows])
        session.flush()
        again = [{**row, "subject_id": subject} for row, subject in zip(rows, subjects[count:], strict=True)]
        audit.bulk(session, Person, again)
        work.commit(session)

    with log.begin() as session:
        told = [{**entry, "sealed": entry["sealed"] and decrypt(session, entry["subject_id"], entry["sealed"])} for entry in log.entries()]
        kept = list(session.scalars(sa.select(Person).order_by(Person.id)))
        values = [{name: getattr(one, name) for name in rows[0] if name != "subject_id"} for one in kept]
    differing = {"id", "batch", "position", "at", "record_id", "subject_id", "code"}
    plain = sorted(json.dumps({name: value for name, value in entry.items() if name not in differing}, sort_keys=True) for entry in told)
    assert plain[::2] == plain[1::2] and len(plain) == 2 * count
    assert values[:count] == values[count:] == [{name: value for name, value in row.items() if name != "subject_id"} for row in rows]
    assert {entry["at"].__class__ for entry in log.entries()[:count]} == {entry["at"].__class__ for entry in log.entries()[count:]}


@pytest.mark.parametrize("count", BY.values(), ids=BY)
def test_codes_of_a_bulk_act_are_those_of_its_rows(log: Log, count: int) -> None:
    with log.begin() as session:
        subjects = new_subjects(session, count)
        audit.bulk(session, Person, people(count, subjects), reason="a % and a \"quote\"", form_number="F-1")
        key = session.info["keys"].audit
        work.commit(session)
        rows = session.execute(sa.select(AuditEvent.__table__).order_by(AuditEvent.id)).mappings().all()

    assert [row["code"] for row in rows] == [chain.event_code(key, row) for row in rows]
    assert log.blocks()[0]["digest"] == chain.digest(row["code"] for row in rows[:log.blocks()[0]["count"]])


def test_codes_of_many_are_the_codes_of_each() -> None:
    key = b"k" * KEY_BYTES
    shared = dict.fromkeys(chain.EVENT_FIELDS) | {"at": NOON, "actor_label": "100 %s", "offset_minutes": 180}
    own = {"id": [1, 2], "record_label": [None, ODD], "changes": ['{"a":[null,"\u2028\\u00e9"]}', None], "subject_id": ["\ud800", "%d"]}

    found = chain.event_codes(key, shared, own)

    assert found == [chain.event_code(key, {**shared, **{name: values[place] for name, values in own.items()}}) for place in range(2)]


@pytest.mark.parametrize("count", BY.values(), ids=BY)
def test_columns_that_are_left_out_get_their_defaults(log: Log, count: int) -> None:
    with log.begin() as session, section("test"):
        bulk.insert_rows(session, Person.__table__, [{"number": f"{n}"} for n in range(count)])
        assert set(session.execute(sa.select(Person.state, Person.extra))) == {("new", None)}
        assert len(set(session.scalars(sa.select(Person.id)))) == count


@pytest.mark.parametrize("count", BY.values(), ids=BY)
def test_rows_outside_a_section_are_refused(log: Log, count: int) -> None:
    with log.begin() as session:
        with pytest.raises(DiwanError, match="would go round the audit log"):
            bulk.insert_rows(session, Person.__table__, [{"number": f"{n}"} for n in range(count)])
        assert session.scalar(sa.select(sa.func.count()).select_from(Person)) == 0


@pytest.mark.parametrize("count", BY.values(), ids=BY)
def test_what_the_database_refuses_is_refused_like_any_statement(log: Log, count: int) -> None:
    same = {"subject_id": "0" * 36, "wrapped": b"\x00\\.\n", "created_at": NOON.astimezone(UTC)}
    with log.begin() as session, section("test"), pytest.raises(IntegrityError):
        bulk.insert_rows(session, SubjectKey.__table__, [same] * count)


@pytest.mark.parametrize("count", BY.values(), ids=BY)
def test_bytes_come_back_as_they_were(log: Log, count: int) -> None:
    rows = [{"subject_id": f"{n:036}", "wrapped": b"\x00\\.\n\xff" + bytes([n % 256]), "created_at": NOON} for n in range(count)]
    with log.begin() as session, section("test"):
        bulk.insert_rows(session, SubjectKey.__table__, rows)
        assert [tuple(row) for row in session.execute(sa.select(SubjectKey.subject_id, SubjectKey.wrapped, SubjectKey.created_at)
                                                      .order_by(SubjectKey.subject_id))] == [tuple(row.values()) for row in rows]


def test_row_without_a_value_of_the_first_is_refused(log: Log) -> None:
    with log.begin() as session, section("test"), pytest.raises(KeyError, match="body"):
        bulk.insert_rows(session, Note.__table__, [{"person_id": 1, "body": "x"}, {"person_id": 1}])
