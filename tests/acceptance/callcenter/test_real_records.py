"""Real files of exchanges (Asterisk, FreePBX, cdr-stats): every line is a leg, and the figures over all of them are those that were counted apart.

Skipped where the shared data is absent.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import work
from core.audit.commands import verify
from core.calendar import local_day
from plugins.callcenter.models import Call, Leg, Recording
from tests.plugins.callcenter.conftest import RECORDS, check, take_in

FILES = {
    "asterisk_Master.csv": {"time_zone": "Asia/Riyadh"},
    "freepbx_cdr_2017.csv": {"time_zone": "Europe/Lisbon", "date_order": "dmy"},
    "cdrstats_CDRImport-2015-10-26.csv": {"time_zone": "Europe/Madrid"},
    "cdrstats_import_cdr_100.txt": {"time_zone": "Asia/Riyadh"},
}


@pytest.fixture
def expected(shared: Path) -> dict[str, Any]:
    return dict(json.loads((shared / "data" / "expected.json").read_text()))


def counted(session: Session, zone: str) -> dict[str, Any]:
    """What all legs come to, by a query of its own."""
    legs = session.scalars(sa.select(Leg)).all()
    return {
        "records": len(legs), "by_day": dict(Counter(local_day(one.started_at, ZoneInfo(zone)).isoformat() for one in legs)),
        "by_hour": dict(Counter(str(one.started_at.astimezone(ZoneInfo(zone)).hour) for one in legs)),
        "disposition": dict(Counter(one.disposition for one in legs)), "duration": sum(one.duration_seconds for one in legs),
        "talk": sum(one.talk_seconds for one in legs), "recordings": sum(bool(one.recording) for one in legs),
    }


@pytest.mark.parametrize("name", FILES)
def test_counts_are_those_of_the_file_and_stay_so_when_it_comes_again(
    session: Session, english: None, shared: Path, expected: dict[str, Any], name: str,
) -> None:
    path, declared, wanted = shared / "data" / "calls" / name, FILES[name], expected[f"calls/{name}"]

    first = take_in(session, RECORDS, path, **declared)

    found = counted(session, declared["time_zone"])
    assert first.counts == {"create": wanted["records"]}
    assert found["records"] == wanted["records"]
    assert found["by_day"] == wanted.get("by_day", wanted.get("by_day_asia_riyadh"))
    assert found["by_hour"] == wanted.get("by_hour", found["by_hour"])
    assert found["disposition"] == wanted.get("disposition", wanted.get("hangup_cause"))
    assert (found["duration"], found["talk"]) == (
        (wanted["duration"]["sum"], wanted["billsec"]["sum"]) if "duration" in wanted else (wanted["duration_sum"], wanted["billsec_sum"]))
    assert found["recordings"] == wanted.get("with_recording", 0) == session.scalar(sa.select(sa.func.count(Recording.id)))
    calls = session.execute(sa.select(Call.id, Call.direction, Call.answered, Call.talk_seconds, Call.subject_id, Call.legs).order_by(Call.id)).all()
    assert sum(one.legs for one in calls) == wanted["records"]

    again = take_in(session, RECORDS, path, **declared)

    assert again.counts == {"duplicate": wanted["records"]}
    assert counted(session, declared["time_zone"]) == found
    assert session.execute(sa.select(Call.id, Call.direction, Call.answered, Call.talk_seconds, Call.subject_id, Call.legs).order_by(Call.id)).all() == calls
    said: list[str] = []
    work.commit(session)
    assert verify(session, say=said.append) == 0, said


def test_days_first_are_asked_for_and_never_guessed(session: Session, english: None, shared: Path) -> None:
    row = check(session, RECORDS, shared / "data" / "calls" / "freepbx_cdr_2017.csv")

    assert row.counts == {"refused": 678, "create": 178}, "only the ninth of the ninth reads the same both ways"


def test_calls_between_extensions_are_internal(session: Session, english: None, shared: Path) -> None:
    take_in(session, RECORDS, shared / "data" / "calls" / "asterisk_Master.csv")

    assert dict(Counter(session.scalars(sa.select(Call.direction)))) == {"internal": 14}
    assert set(session.scalars(sa.select(Call.phone))) == {None}
