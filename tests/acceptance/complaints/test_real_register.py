"""A real register of complaints of four years, taken in by its importer as marked history (CMPL-07, 10, 25).

Skipped where the shared data is absent.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings, work
from core.audit.commands import verify
from core.auth.actor import Actor
from core.calendar import local_day
from core.i18n import use_language
from core.imports import readers, services
from core.imports.models import Import, ImportLine
from core.procedures.models import StepRun
from core.testing import actor_with
from plugins.complaints import figures, importers
from plugins.complaints.domain import closing_rate
from plugins.complaints.models import Cause, Entry
from tests.plugins.complaints.conftest import Staff

NOW = datetime(2026, 2, 2, 7, 15, tzinfo=UTC)
IMPORTER = importers.importers()[0]
KEEPER = actor_with("complaints.import", "complaints.read_all", label="keeper")
MAPPING = {"received": "Date received", "channel": "Submitted via", "cause": "Issue", "text": "Sub-issue", "response": "Company response to consumer",
           "timely": "Timely response?"}
US_DATES = {"date_order": "mdy", "time_zone": "Asia/Riyadh"}
BEGIN, END = datetime(2000, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def file(shared: Path) -> Path:
    return shared / "data" / "complaints" / "cfpb_complaints.csv"


@pytest.fixture
def expected(shared: Path) -> dict[str, Any]:
    return dict(json.loads((shared / "data" / "expected.json").read_text())["complaints/cfpb_complaints.csv"])


@pytest.fixture
def english() -> Iterator[None]:
    with work.time_at(NOW), use_language("en"):
        yield


def check(session: Session, path: Path, declared: dict[str, str]) -> Import:
    row = services.receive(session, IMPORTER, file_name=path.name, token="0", sha256=hashlib.sha256(path.read_bytes()).hexdigest(), actor=KEEPER, now=NOW)
    headings = readers.read(path, services.declaration(declared)).headings
    services.declare(session, row, IMPORTER, headings, mapping=MAPPING, declared=declared, options={}, actor=KEEPER)
    services.stage_and_check(session, row, IMPORTER, path, actor=KEEPER, now=NOW)
    return row


def apply(session: Session, row: Import, actor: Actor = KEEPER) -> None:
    services.choose_to_apply(session, row, IMPORTER, expected=services.good(row.counts), leave_out_refused=False, actor=actor)
    services.run_whole(session, row, IMPORTER, actor=actor, now=NOW)


def test_the_whole_register_gives_its_figures_and_comes_in_once(
    session: Session, english: None, file: Path, expected: dict[str, Any], staff: Staff,
) -> None:
    first = check(session, file, US_DATES)
    apply(session, first)

    entries = session.scalars(sa.select(Entry)).all()
    zone = settings.time_zone(session)
    assert first.counts == {"create": expected["rows"]} == {"create": 3186}
    assert dict(Counter(local_day(one.received_at, zone).strftime("%Y-%m") for one in entries)) == expected["by_month"]
    closed, timely = sum(one.state == "closed" for one in entries), sum(bool(one.timely) for one in entries)
    assert (closed, timely) == (expected["closed"], expected["timely"]["yes"]) == (3157, 3093)
    assert (closing_rate(closed, len(entries)), closing_rate(timely, len(entries))) == (Decimal("99.1"), Decimal("97.1"))
    assert sum(count - 1 for count in Counter(whole_line(line) for line in staged(session, first)).values()) >= expected["duplicate_rows"] == 11
    assert all(one.imported and one.lacks["received_at"] == "hour" for one in entries)
    assert session.scalar(sa.select(sa.func.count(StepRun.id)).where(StepRun.record_type == "complaints_entry")) == 0

    count = figures.counted(figures.cases(session, BEGIN, END, NOW, staff.quality.actor))
    assert (count.received, count.closed, count.rate, count.minutes) == (3186, 3157, Decimal("99.1"), [])

    causes = session.scalar(sa.select(sa.func.count(Cause.id)))
    again = check(session, file, US_DATES)
    assert (again.counts, services.earlier_with_same_file(session, again)) == ({"duplicate": 3186}, first)
    assert session.scalar(sa.select(sa.func.count(Entry.id))) == 3186
    assert session.scalar(sa.select(sa.func.count(Cause.id))) == causes
    said: list[str] = []
    work.commit(session)
    assert verify(session, say=said.append) == 0, said


def staged(session: Session, row: Import) -> list[dict[str, Any]]:
    return list(session.scalars(sa.select(ImportLine.cells).where(ImportLine.import_id == row.id)))


def whole_line(cells: dict[str, Any]) -> str:
    return json.dumps(cells, sort_keys=True)


def test_dates_of_another_order_are_asked_for_and_never_guessed(session: Session, english: None, file: Path) -> None:
    row = check(session, file, {"time_zone": "Asia/Riyadh"})

    refused = {line: reason for line, key, reason, _cells in services.refused_lines(session, row.id) if key == "received"}
    assert 0 < len(refused) < 3186
    assert all("order" in reason for reason in refused.values())
