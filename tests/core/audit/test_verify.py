"""Whoever has only the database leaves a trace, whatever he does to the log."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core import work
from core.audit import chain
from core.audit import services as audit
from core.audit.anchor import Anchor, chain_end, read_anchors, write_anchor
from core.audit.verify import Verdict, verify
from core.database import section, writing
from core.errors import DiwanError
from tests.core.audit.conftest import KEYS, Log
from tests.core.audit.models import Person


@pytest.fixture
def written(log: Log) -> Log:
    """Ten transactions of three entries each: numbers 1 to 30."""
    for n in range(10):
        log.add(*(Person(number=f"{n}-{m}") for m in range(3)))
    return log


def judge(log: Log, anchors: list[Anchor] = [], key: bytes = KEYS.audit) -> Verdict:  # noqa: B006
    with log.engine.connect() as connection:
        return verify(connection, key, anchors)


def end_of(log: Log) -> Anchor:
    with log.begin() as session:
        return chain_end(session)


def found(verdict: Verdict) -> list[tuple[str, int | None]]:
    return [(damage.kind, damage.entry) for damage in verdict.damages]


def number(log: Log, place: int) -> int:
    """The id of the entry at this place, 1 for the first."""
    return int(log.entries()[place - 1]["id"])


def test_untouched_log_is_sound(written: Log) -> None:
    verdict = judge(written, [end_of(written)])

    assert verdict.sound
    assert (verdict.entries, verdict.blocks, verdict.still_sound) == (30, 10, 30)
    assert verdict.anchor is not None


def test_empty_log_is_sound(log: Log) -> None:
    assert judge(log, [end_of(log)]).sound


@pytest.mark.parametrize("column", ["changes = '{}'", "actor_label = 'somebody else'", "at = '2020-01-01 00:00:00'", "on_behalf_of_label = 'fahd'",
                                    "action = 'approve'", "rule = 'X'", "offset_minutes = 0", "record_id = '99'", "sealed = NULL, data = '{}'"])
def test_changed_value_names_the_entry(written: Log, column: str) -> None:
    entry = number(written, 14)
    written.tamper(f"UPDATE core_audit_event SET {column} WHERE id = {entry}")

    verdict = judge(written)

    assert found(verdict) == [("changed", entry)]
    assert verdict.still_sound == 29


def test_deleted_row_is_found_and_its_neighbours_cannot_be_judged(written: Log) -> None:
    entry = number(written, 14)
    written.tamper(f"DELETE FROM core_audit_event WHERE id = {entry}")

    verdict = judge(written)

    assert found(verdict) == [("deleted", number(written, 13))]
    assert (verdict.entries, verdict.unjudged, verdict.still_sound) == (29, 2, 27)


def test_deleted_transaction_is_found(written: Log) -> None:
    written.tamper("DELETE FROM core_audit_event WHERE batch = (SELECT batch FROM core_audit_block WHERE seq = 4)",
                   "DELETE FROM core_audit_block WHERE seq = 4")

    assert [(one.kind, one.seq) for one in judge(written).damages] == [("block_deleted", 5)]


def test_deleted_chain_row_is_found(written: Log) -> None:
    written.tamper("DELETE FROM core_audit_block WHERE seq = 10")

    verdict = judge(written)

    assert found(verdict) == [("block_deleted", number(written, 28))]
    assert verdict.unjudged == 3


@pytest.mark.parametrize("places", [(13, 14), (2, 29)])
@pytest.mark.parametrize("columns", [("batch", "position"), ("changes", "code"), ("id",)])
def test_swapped_pair_is_found(written: Log, places: tuple[int, int], columns: tuple[str, ...]) -> None:
    one, other = (number(written, place) for place in places)
    rows = {entry["id"]: entry for entry in written.entries()}
    if columns == ("changes", "code"):
        columns = tuple(name for name in (*chain.EVENT_FIELDS, "code") if name not in ("id", "batch", "position"))
    spare = {"id": 999_999, "batch": 999_999}
    statements = [_move(columns, one, spare), _move(columns, other, rows[one], one if "id" in columns else None)]
    moved = spare["id"] if "id" in columns else one
    statements.append(_move(columns, moved, rows[other], other if "id" in columns else None))
    written.tamper(*(statement for statement in statements if statement))

    kinds = {damage.kind for damage in judge(written).damages}

    assert kinds == {"swapped"}


def _move(columns: tuple[str, ...], entry: int, values: dict[str, Any], new_id: int | None = None) -> str:
    given = {name: values[name] for name in columns if name in values}
    if new_id is not None:
        given["id"] = new_id
    assignments = ", ".join(f"{name} = {_literal(value)}" for name, value in given.items())
    return f"UPDATE core_audit_event SET {assignments} WHERE id = {entry}" if assignments else ""


def _literal(value: Any) -> str:
    return "NULL" if value is None else str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''").replace("+00:00", "") + "'"


COPIED = ", ".join(name for name in (*chain.EVENT_FIELDS, "code") if name not in ("id", "batch", "position"))


@pytest.mark.parametrize(("batch", "position"), [("batch", "position + 3"), ("500", "0")])
def test_inserted_row_is_found(written: Log, batch: str, position: str) -> None:
    written.tamper(f"INSERT INTO core_audit_event (id, batch, position, {COPIED}) SELECT 999, {batch}, {position}, {COPIED} "
                   f"FROM core_audit_event WHERE id = {number(written, 14)}")

    assert found(judge(written)) == [("inserted", 999)]


def test_cut_tail_is_found_with_an_anchor_and_only_with_one(written: Log) -> None:
    anchor = end_of(written)
    written.tamper("DELETE FROM core_audit_event WHERE batch >= (SELECT batch FROM core_audit_block WHERE seq = 9)",
                   "DELETE FROM core_audit_block WHERE seq >= 9")

    assert judge(written).sound
    verdict = judge(written, [anchor])
    assert [(one.kind, one.seq) for one in verdict.damages] == [("cut", 10)]
    assert verdict.still_sound == 24


def test_cut_tail_that_was_written_over_differs_from_its_anchor(written: Log) -> None:
    anchor = end_of(written)
    written.tamper("DELETE FROM core_audit_event WHERE batch >= (SELECT batch FROM core_audit_block WHERE seq = 10)",
                   "DELETE FROM core_audit_block WHERE seq >= 10")
    written.add(Person(number="another end"))

    assert judge(written).sound
    assert [one.kind for one in judge(written, [anchor]).damages] == ["anchor_differs"]


def test_chain_rebuilt_without_the_key_is_found(written: Log) -> None:
    rebuild(written, os.urandom(32), first=5)

    verdict = judge(written)

    assert [(one.kind, one.seq) for one in verdict.damages] == [("rebuilt", 5)]
    assert (verdict.still_sound, verdict.unjudged) == (12, 18)


def test_anchor_before_the_rebuilt_part_still_fits(written: Log) -> None:
    anchor = Anchor(datetime.now(UTC), 3, 9, written.blocks()[2]["code"])
    rebuild(written, os.urandom(32), first=5)

    assert judge(written, [anchor]).anchor == anchor


def rebuild(log: Log, key: bytes, first: int) -> None:
    """Change one entry and write the rest of the chain anew with a key of one's own."""
    events, blocks, previous, statements = log.entries(), log.blocks(), "", []
    for block in blocks:
        if block["seq"] < first:
            previous = block["code"]
            continue
        mine = [dict(event, at=moment(event["at"])) for event in events if event["batch"] == block["batch"]]
        mine[0]["actor_label"] = "nobody"
        for event in mine:
            event["code"] = chain.event_code(key, event)
            statements.append(f"UPDATE core_audit_event SET actor_label = '{event['actor_label']}', code = '{event['code']}' WHERE id = {event['id']}")
        digest = chain.digest(event["code"] for event in mine)
        row = {**block, "at": moment(block["at"]), "previous": previous, "digest": digest}
        previous = chain.block_code(key, row)
        statements.append(f"UPDATE core_audit_block SET previous = '{row['previous']}', digest = '{digest}', code = '{previous}' WHERE seq = {block['seq']}")
    log.tamper(*statements)


def moment(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value).replace(tzinfo=UTC)


@pytest.mark.parametrize("change", ["count = 2", "entries = 99", "at = '2020-01-01 00:00:00'", "digest = 'x'", "version = 2"])
def test_changed_chain_row_is_found(written: Log, change: str) -> None:
    written.tamper(f"UPDATE core_audit_block SET {change} WHERE seq = 4")

    verdict = judge(written)

    assert [(one.kind, one.seq) for one in verdict.damages] == [("unknown_version" if "version" in change else "block_changed", 4)]
    assert verdict.still_sound == 27


def test_wrong_key_judges_nothing_sound(written: Log) -> None:
    verdict = judge(written, key=os.urandom(32))

    assert ([one.kind for one in verdict.damages], verdict.still_sound) == (["rebuilt"], 0)


def test_many_damages_are_counted_and_not_all_listed(log: Log) -> None:
    with log.begin() as session:
        audit.bulk(session, Person, [{"number": f"{n}", "state": "new"} for n in range(300)])
        work.commit(session)
    log.tamper("UPDATE core_audit_event SET actor_label = 'x'")

    verdict = judge(log)

    assert (verdict.damage_count, len(verdict.damages), verdict.still_sound) == (300, 50, 0)


def test_entries_written_during_the_verification_are_no_damage(written: Log) -> None:
    class Writes:
        """A connection during whose first look somebody else commits."""

        def __init__(self, connection: Any) -> None:
            self.connection, self.asked = connection, 0

        def execute(self, *args: Any, **kwargs: Any) -> Any:
            result = self.connection.execute(*args, **kwargs)
            self.asked += 1
            if self.asked == 1:
                value = result.scalar_one()
                self.connection.rollback()
                written.add(Person(number="meanwhile"))
                return type("Result", (), {"scalar_one": lambda self: value})()
            return result

    with written.engine.connect() as connection:
        verdict = verify(Writes(connection), KEYS.audit)  # type: ignore[arg-type]

    assert (verdict.sound, verdict.entries) == (True, 30)


# --- what the database refuses ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("statement", [
    "UPDATE core_audit_event SET actor_label = 'x'",
    "UPDATE core_audit_event SET actor_label = 'x' WHERE id = (SELECT min(id) FROM core_audit_event)",
    "DELETE FROM core_audit_event",
    "UPDATE core_audit_block SET count = 0",
    "DELETE FROM core_audit_block WHERE seq = 10",
])
def test_database_refuses_update_and_delete(written: Log, statement: str) -> None:
    before = written.entries(), written.blocks()

    refuse(written, statement)

    assert (written.entries(), written.blocks()) == before


@pytest.mark.parametrize("table", ["core_audit_event", "core_audit_block"])
def test_database_refuses_truncate_and_replace(written: Log, table: str) -> None:
    before = written.entries(), written.blocks()
    columns = ", ".join(sa.inspect(written.engine).get_columns(table)[n]["name"] for n in range(len(sa.inspect(written.engine).get_columns(table))))
    if written.engine.dialect.name == "postgresql":
        key = "id" if table == "core_audit_event" else "seq"
        refuse(written, f"TRUNCATE {table}")
        refuse(written, f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table} ON CONFLICT ({key}) DO UPDATE SET code = 'x'")
    else:
        refuse(written, f"INSERT OR REPLACE INTO {table} ({columns}) SELECT {columns} FROM {table} LIMIT 1")
        refuse(written, f"REPLACE INTO {table} ({columns}) SELECT {columns} FROM {table} LIMIT 1")
        refuse(written, f"UPDATE OR REPLACE {table} SET batch = 1")
    assert (written.entries(), written.blocks()) == before


def refuse(log: Log, statement: str) -> None:
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), section("attack"), writing(log.engine).begin() as connection:
        connection.exec_driver_sql(statement)


# --- anchors ----------------------------------------------------------------------------------------------------------


def test_anchor_file_round_trip(written: Log, tmp_path: Path) -> None:
    anchor, file = end_of(written), tmp_path / "anchors.txt"

    write_anchor(file, anchor)
    write_anchor(file, anchor)

    assert read_anchors(file) == [anchor, anchor]
    assert file.stat().st_mode & 0o077 == 0


def test_anchor_file_with_a_damaged_line_is_refused_by_number(tmp_path: Path) -> None:
    file = tmp_path / "anchors.txt"
    file.write_text(f"{Anchor(datetime.now(UTC), 1, 1, 'a' * 64)}\nseq=1\n")

    with pytest.raises(DiwanError, match="Line 2"):
        read_anchors(file)


# --- many at once -----------------------------------------------------------------------------------------------------


def test_chain_stays_whole_under_writers_at_the_same_time(log: Log) -> None:
    def write(worker: int) -> None:
        for n in range(8):
            log.add(Person(number=f"{worker}-{n}"), Person(number=f"{worker}-{n}b"))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))

    verdict = judge(log)
    assert (verdict.sound, verdict.blocks, verdict.entries) == (True, 48, 96)
    assert [block["seq"] for block in log.blocks()] == list(range(1, 49))
