"""Nothing that a session changes escapes the log, and nothing that did not happen stands in it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from core import work
from core.audit import services as audit
from core.auth.actor import Actor, act_for
from core.database import Session
from core.errors import DiwanError, NotAllowed
from core.keys import decrypt, destroy_subject_key, new_subject
from tests.core.audit.conftest import Log
from tests.core.audit.models import Counter, Note, Person, Tag


def changes(entry: dict) -> dict:
    return json.loads(entry["changes"] or "{}")


def person(log: Log, **values) -> int:
    with log.begin() as session:
        one = Person(number="104271", **values)
        session.add(one)
        work.commit(session)
        return one.id


def test_create_update_delete_are_logged_with_old_and_new_values(log: Log) -> None:
    key = person(log, state="filled")
    with log.begin() as session:
        session.get(Person, key).state = "approved"
        work.commit(session)
    with log.begin() as session:
        session.delete(session.get(Person, key))
        work.commit(session)

    found = [(e["action"], e["record_type"], e["record_id"], e["record_label"], changes(e)) for e in log.entries()]

    assert found == [
        ("create", "probe_person", str(key), "104271", {"number": [None, "104271"], "state": [None, "filled"]}),
        ("update", "probe_person", str(key), "104271", {"state": ["filled", "approved"]}),
        ("delete", "probe_person", str(key), "104271", {"number": ["104271", None], "state": ["approved", None]}),
    ]


def test_entry_says_who_when_where_and_through_what(log: Log) -> None:
    with work.time_at(datetime(2026, 11, 22, 6, 41, 7, tzinfo=UTC)):
        person(log)

    entry = log.entries()[0]

    assert str(entry["at"]).startswith("2026-11-22 06:41:07")
    assert entry["offset_minutes"] == 180
    assert (entry["actor_label"], entry["source"], entry["address"], entry["request"]) == ("khalid", "web", "192.0.2.7", "REF1")
    assert (entry["plugin"], entry["on_behalf_of_label"]) == ("probe", None)


def test_delegated_act_names_both_persons(log: Log) -> None:
    with log.begin() as session:
        session.add(Person(number="1"))
        session.flush()
        act_for(session, 9, "fahd")
        work.commit(session)

    assert (log.entries()[0]["actor_label"], log.entries()[0]["on_behalf_of_label"]) == ("khalid", "fahd")


def test_nobody_is_logged_as_system(log: Log) -> None:
    with log.begin(actor=None) as session:
        session.add(Person(number="1"))
        work.commit(session)

    assert (log.entries()[0]["actor_id"], log.entries()[0]["actor_label"], log.entries()[0]["source"]) == (None, "system", "system")


def test_two_flushes_and_a_dirty_object_at_commit_make_one_entry_and_one_block(log: Log) -> None:
    key = person(log, state="a")
    with log.begin() as session:
        one = session.get(Person, key)
        one.state = "b"
        session.flush()
        one.number = "7"
        session.flush()
        one.state = "c"
        work.commit(session)

    assert changes(log.entries()[-1]) == {"state": ["a", "c"], "number": ["104271", "7"]}
    assert [(b["seq"], b["count"], b["entries"]) for b in log.blocks()] == [(1, 1, 1), (2, 1, 2)]


def test_change_and_change_back_is_no_entry(log: Log) -> None:
    key = person(log, state="a")
    with log.begin() as session:
        one = session.get(Person, key)
        one.state = "b"
        session.flush()
        one.state = "a"
        work.commit(session)

    assert len(log.entries()) == len(log.blocks()) == 1


def test_read_only_work_writes_no_block(log: Log) -> None:
    with log.begin() as session:
        session.scalars(sa.select(Person)).all()
        work.commit(session)

    assert log.blocks() == []


def test_savepoint_kept_stays_and_savepoint_rolled_back_goes(log: Log) -> None:
    with log.begin() as session:
        with session.begin_nested():
            session.add(Person(number="kept"))
            with session.begin_nested():
                session.add(Person(number="inner"))
        lost = session.begin_nested()
        session.add(Person(number="lost"))
        with session.begin_nested():
            session.add(Person(number="lost too"))
        audit.record(session, "export", data={"rows": 1})
        lost.rollback()
        session.add(Person(number="last"))
        work.commit(session)

    assert sorted(e["record_label"] for e in log.entries()) == ["inner", "kept", "last"]
    assert [b["count"] for b in log.blocks()] == [3]


def test_rolled_back_transaction_leaves_nothing(log: Log) -> None:
    with log.begin() as session:
        session.add(Person(number="1"))
        session.flush()
        work.rollback(session)
        session.info["write"] = True
        session.add(Person(number="2"))
        work.commit(session)

    assert [e["record_label"] for e in log.entries()] == ["2"]


def test_failed_flush_leaves_nothing(log: Log) -> None:
    key = person(log)
    with log.begin() as session:
        session.add(Note(person_id=key, body="kept"))
        session.flush()
        with pytest.raises(sa.exc.IntegrityError), session.begin_nested():
            session.add(Person(id=key, number="double"))
            session.flush()
        work.commit(session)

    assert [e["record_type"] for e in log.entries()] == ["probe_person", "probe_note"]


def test_old_values_of_unloaded_attributes_are_known(log: Log) -> None:
    key = person(log, remarks="long ago", state="a")
    with log.begin() as session:
        one = session.get(Person, key)
        session.expire(one)
        one.remarks = "now"
        one.state = "b"
        work.commit(session)

    assert changes(log.entries()[-1]) == {"remarks": ["long ago", "now"], "state": ["a", "b"]}


def test_deleted_row_is_logged_with_its_deferred_values(log: Log) -> None:
    key = person(log, remarks="long ago")
    with log.begin() as session:
        session.delete(session.get(Person, key))
        work.commit(session)

    assert changes(log.entries()[-1])["remarks"] == ["long ago", None]


def test_orphan_is_logged_as_deleted(log: Log) -> None:
    key = person(log, notes=[Note(body="to go")])
    with log.begin() as session:
        one = session.get(Person, key)
        one.notes.clear()
        work.commit(session)

    assert (log.entries()[-1]["action"], log.entries()[-1]["record_type"]) == ("delete", "probe_note")


@pytest.mark.parametrize(("field", "stored", "same"), [
    ("limit", Decimal("5.00"), Decimal("5.0")),
    ("seen_at", datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, 15, tzinfo=timezone(timedelta(hours=3)))),
    ("extra", {"a": 1, "b": 2}, {"b": 2, "a": 1}),
])
def test_unchanged_after_coercion_is_no_change(log: Log, field: str, stored: object, same: object) -> None:
    key = person(log, **{field: stored})
    with log.begin() as session:
        setattr(session.get(Person, key), field, same)
        work.commit(session)

    assert len(log.entries()) == 1


def test_text_that_means_the_same_number_is_no_change(log: Log) -> None:
    key = person(log, notes=[Note(body="x")])
    with log.begin() as session:
        note = session.scalars(sa.select(Note)).one()
        note.person_id = str(key)
        work.commit(session)

    assert len(log.entries()) == 2


def test_secondary_rows_are_logged_once_with_the_first_side(log: Log) -> None:
    key = person(log, tags=[Tag(slug="donor")])
    with log.begin() as session:
        one = session.get(Person, key)
        one.tags = [Tag(slug="council")]
        work.commit(session)

    by_record = {(e["record_type"], e["action"]): changes(e) for e in log.entries()}

    assert by_record["probe_person", "create"]["tags"] == [[], ["donor"]]
    assert by_record["probe_person", "update"] == {"tags": [["donor"], ["council"]]}
    assert ("probe_tag", "update") not in by_record


def test_secondary_change_from_the_other_side_is_logged_too(log: Log) -> None:
    key = person(log)
    log.add(Tag(slug="donor"))
    with log.begin() as session:
        tag = session.scalars(sa.select(Tag)).one()
        tag.people.append(session.get(Person, key))
        work.commit(session)

    told = [(e["record_type"], changes(e)) for e in log.entries()[2:]]
    assert told in ([("probe_person", {"tags": [[], ["donor"]]})], [("probe_tag", {"people": [[], ["104271"]]})])


def test_secret_values_never_stand_in_the_log(log: Log) -> None:
    key = person(log, password="correct horse")
    with log.begin() as session:
        session.get(Person, key).password = "battery staple"
        work.commit(session)

    assert changes(log.entries()[-1]) == {"password": ["•", "•"]}
    assert "horse" not in str(log.entries())


def test_personal_values_stand_encrypted_under_the_subjects_key(log: Log) -> None:
    with log.begin() as session:
        one = Person(number="1", subject_id=new_subject(session), name="أحمد", mobile="+966550000001")
        session.add(one)
        work.commit(session)
        subject_id = one.subject_id

    entry = log.entries()[0]
    with log.begin() as session:
        sealed = json.loads(decrypt(session, subject_id, entry["sealed"]))

    assert changes(entry)["name"] is None and changes(entry)["mobile"] is None
    assert "966550000001" not in str(log.entries())
    assert sealed == {"changes": {"name": [None, "أحمد"], "mobile": [None, "+966550000001"]}}


def test_personal_values_without_a_subject_are_not_kept(log: Log) -> None:
    person(log, name="أحمد")

    assert log.entries()[0]["sealed"] is None
    assert "أحمد" not in str(log.entries())


def test_clearing_values_after_the_key_was_destroyed_is_logged_by_field_only(log: Log) -> None:
    with log.begin() as session:
        one = Person(number="1", subject_id=new_subject(session), name="أحمد")
        session.add(one)
        work.commit(session)
    with log.begin() as session:
        one = session.scalars(sa.select(Person)).one()
        destroy_subject_key(session, one.subject_id)
        one.name = None
        audit.name_action(session, one, "erase", reason="asked in writing")
        work.commit(session)

    assert (log.entries()[-1]["action"], changes(log.entries()[-1]), log.entries()[-1]["sealed"]) == ("erase", {"name": None}, None)


def test_untracked_models_and_fields_are_left_out(log: Log) -> None:
    key = person(log)
    with log.begin() as session:
        session.add(Counter(value=1))
        session.get(Person, key).search = "folded"
        work.commit(session)

    assert len(log.entries()) == 1


def test_sql_expression_in_an_audited_field_is_refused(log: Log) -> None:
    key = person(log)
    with log.begin() as session:
        session.get(Person, key).limit = Person.limit + 1
        with pytest.raises(DiwanError, match="SQL expression"):
            work.commit(session)


# --- naming -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["before the change", "before the flush", "after the flush"])
def test_named_change_is_one_entry_under_its_name(log: Log, when: str) -> None:
    key = person(log, state="filled")
    with log.begin() as session:
        one = session.get(Person, key)
        if when == "before the change":
            audit.name_action(session, one, "approve", form_number="F-2026-0729")
        one.state = "approved"
        if when == "before the flush":
            audit.name_action(session, one, "approve", form_number="F-2026-0729")
        session.flush()
        if when == "after the flush":
            audit.name_action(session, one, "approve", form_number="F-2026-0729")
        work.commit(session)

    entry = log.entries()[-1]
    assert len(log.entries()) == 2
    assert (entry["action"], entry["form_number"], changes(entry)) == ("approve", "F-2026-0729", {"state": ["filled", "approved"]})


def test_two_named_acts_on_one_record_stay_two_entries(log: Log) -> None:
    key = person(log, state="approved")
    with log.begin() as session:
        one = session.get(Person, key)
        one.state = "entering"
        audit.name_action(session, one, "enter")
        one.state = "filed"
        audit.name_action(session, one, "file")
        work.commit(session)

    assert [(e["action"], changes(e)) for e in log.entries()[1:]] in (
        [("enter", {"state": ["approved", "entering"]}), ("file", {"state": ["entering", "filed"]})],
        [("enter", {"state": ["approved", "filed"]}), ("file", {})],
    )


def test_creation_keeps_its_entry_when_a_later_act_is_named(log: Log) -> None:
    with log.begin() as session:
        one = Person(number="1")
        session.add(one)
        session.flush()
        audit.name_action(session, one, "register")
        one.state = "approved"
        audit.name_action(session, one, "approve")
        work.commit(session)

    assert [(e["action"], changes(e).get("state")) for e in log.entries()] == [("register", [None, "new"]), ("approve", ["new", "approved"])]


def test_named_act_without_a_change_is_logged(log: Log) -> None:
    key = person(log)
    with log.begin() as session:
        audit.name_action(session, session.get(Person, key), "print")
        work.commit(session)

    assert (log.entries()[-1]["action"], log.entries()[-1]["record_label"], log.entries()[-1]["changes"]) == ("print", "104271", None)


def test_reason_about_a_person_is_encrypted_and_other_reasons_are_not(log: Log) -> None:
    with log.begin() as session:
        one = Person(number="1", subject_id=new_subject(session))
        two = Person(number="2")
        session.add_all([one, two])
        session.flush()
        audit.name_action(session, one, "reject", reason="his brother's number")
        audit.name_action(session, two, "reject", reason="no longer needed")
        work.commit(session)

    assert [e["reason"] for e in log.entries()] == [None, "no longer needed"]
    assert log.entries()[0]["sealed"] is not None


# --- acts that change no row ------------------------------------------------------------------------------------------


def test_recorded_act_carries_facts_and_record(log: Log) -> None:
    with log.begin() as session:
        audit.record(session, "export", record=("core_report", "donors", None), summary="200 rows", data={"rows": 200, "sha256": "9f2c"})
        work.commit(session)

    entry = log.entries()[0]
    assert (entry["action"], entry["plugin"], entry["record_type"], entry["record_id"]) == ("export", "core", "core_report", "donors")
    assert json.loads(entry["data"]) == {"summary": "200 rows", "rows": 200, "sha256": "9f2c"}


def test_act_in_a_read_transaction_is_refused(log: Log) -> None:
    with log.begin() as session:
        session.info["write"] = False
        with pytest.raises(DiwanError, match="begin_write"):
            audit.record(session, "export")


def test_refusal_is_logged_with_its_rule_after_the_refused_work_has_gone(log: Log) -> None:
    with log.begin() as session:
        session.add(Person(number="refused"))
        session.flush()
        work.denied(session, NotAllowed("Prepared by the same person.", rule="CUST-16"), record=("core_customer_form", 7, "F-2026-0731"))

    entry = log.entries()[0]
    assert [(e["action"], e["rule"], e["record_label"]) for e in log.entries()] == [("denied", "CUST-16", "F-2026-0731")]
    assert json.loads(entry["data"])["message"]["en"] == "Prepared by the same person."
    assert log.rows("SELECT * FROM probe_person") == []


# --- who tries to go round it -----------------------------------------------------------------------------------------


def test_statements_outside_a_flush_are_refused(log: Log) -> None:
    key = person(log)
    with log.begin() as session:
        attempts = [
            lambda: session.execute(sa.update(Person).values(state="x")),
            lambda: session.execute(sa.text("UPDATE probe_person SET state = 'x'")),
            lambda: session.connection().execute(sa.delete(Person)),
            lambda: session.bulk_insert_mappings(sa.inspect(Person), [{"number": "9"}]),
            lambda: session.bulk_save_objects([Person(number="9")]),
            lambda: session.connection().exec_driver_sql(f"UPDATE probe_person SET state = 'x' WHERE id = {key}"),
        ]
        for attempt in attempts:
            with pytest.raises(DiwanError, match="round the audit log"):
                attempt()
            session.rollback()


def test_change_by_a_later_before_commit_listener_is_refused(log: Log) -> None:
    def late(session: Session) -> None:
        session.add(Person(number="late"))

    with log.begin() as session:
        event.listen(session, "before_commit", late)
        session.add(Person(number="1"))
        with pytest.raises(DiwanError, match="after the audit log"):
            work.commit(session)
        event.remove(session, "before_commit", late)

    assert log.entries() == [] and log.rows("SELECT * FROM probe_person") == []


def test_session_goes_on_after_a_commit(log: Log) -> None:
    with log.begin() as session:
        for number in ("1", "2"):
            session.info["write"] = True
            session.add(Person(number=number))
            work.commit(session)

    assert [b["seq"] for b in log.blocks()] == [1, 2]


def test_outer_transaction_of_a_test_sees_the_block_and_can_take_it_back(log: Log) -> None:
    from core.database import db, writing
    from tests.core.audit.conftest import KEYS

    with writing(log.engine).connect() as connection:
        outer = connection.begin()
        session = Session(db, bind=connection)
        session.info.update(keys=KEYS, write=True)
        session.add(Person(number="1"))
        work.commit(session)
        seen = connection.execute(sa.text("SELECT count(*) FROM core_audit_block")).scalar_one()
        session.close()
        outer.rollback()

    assert seen == 1
    assert log.blocks() == []


# --- many rows --------------------------------------------------------------------------------------------------------


def test_bulk_writes_the_entries_that_a_flush_would_write(log: Log) -> None:
    from core.keys import new_subjects

    with log.begin() as session:
        subjects = new_subjects(session, 5)
        rows = [{"number": f"{n}", "state": "new", "subject_id": subjects[n], "name": f"name {n}", "search": "x"} for n in range(5)]
        keys = audit.bulk(session, Person, rows, form_number="F-1", block_rows=2)
        session.add(Note(person_id=keys[0], body="and a flush"))
        work.commit(session)

    entries, blocks = log.entries(), log.blocks()
    assert [b["count"] for b in blocks] == [2, 2, 1, 1] and blocks[-1]["entries"] == 6
    assert [(e["action"], e["record_id"], e["record_label"], e["form_number"]) for e in entries[:5]] == [
        ("create", str(key), f"{n}", "F-1") for n, key in enumerate(keys)]
    assert changes(entries[0]) == {"number": [None, "0"], "state": [None, "new"], "name": None}
    with log.begin() as session:
        assert json.loads(decrypt(session, subjects[3], entries[3]["sealed"])) == {"changes": {"name": [None, "name 3"]}}


def test_bulk_update_logs_old_and_new(log: Log) -> None:
    keys = [person(log, state="a") for _n in range(2)]
    with log.begin() as session:
        audit.bulk(session, Person, [{"id": key, "state": "b"} for key in keys], before=[{"number": "104271", "state": "a"}] * 2, action="approve")
        work.commit(session)

    assert [(e["action"], e["record_label"], changes(e)) for e in log.entries()[2:]] == [("approve", "104271", {"state": ["a", "b"]})] * 2
    assert {row["state"] for row in log.rows("SELECT state FROM probe_person")} == {"b"}


def test_bulk_in_a_rolled_back_savepoint_leaves_no_chain_row(log: Log) -> None:
    with log.begin() as session:
        nested = session.begin_nested()
        audit.bulk(session, Person, [{"number": "1", "state": "new"}])
        nested.rollback()
        session.add(Person(number="2"))
        work.commit(session)

    assert [b["count"] for b in log.blocks()] == [1] and [e["record_label"] for e in log.entries()] == ["2"]


def test_actor_is_the_one_of_the_moment(log: Log) -> None:
    with log.begin(actor=None) as session:
        session.info["actor"] = Actor(user_id=None, label="reem", source="api")
        session.add(Person(number="1"))
        work.commit(session)

    assert (log.entries()[0]["actor_label"], log.entries()[0]["source"]) == ("reem", "api")
