"""The drop folder: whole files only, taken in as uploads are, moved away with a report (CALL-01)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings, work
from core.imports.models import Import
from core.notices.models import Notice
from core.state import state
from plugins.callcenter import drop
from plugins.callcenter.models import Call, Leg
from tests.plugins.callcenter.conftest import MONDAY, Staff
from tests.plugins.callcenter.test_exchange import ANSWER, HEADINGS, OTHERS, QUEUE

LATER = MONDAY + timedelta(minutes=5)
FREEPBX = ('"1/12/2025 18:00:19","""User 6"" <110>","110","0551112223","from-internal","SIP/110-000001b6",,"Dial","x","19","12","ANSWERED","3",,'
           '"15.482",,"a.wav",,"110","User 6",,,,"0",')


@pytest.fixture
def folder(session: Session, english: None) -> Iterator[Path]:
    home = drop.folder_of(state().association.folder)
    home.mkdir(parents=True, exist_ok=True)
    work.commit(session)
    yield home
    for path in sorted(home.rglob("*"), reverse=True):
        path.unlink() if path.is_file() or path.is_symlink() else path.rmdir()


def lay(folder: Path, name: str, *lines: str) -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    os.utime(path, (MONDAY.timestamp(), MONDAY.timestamp()))
    return path


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_whole_file_is_taken_in_and_moved_to_done_with_its_report(session: Session, folder: Path) -> None:
    lay(folder, "monday.csv", HEADINGS, *QUEUE, ANSWER, *OTHERS)

    drop.look(session, {}, LATER)

    assert (session.scalar(sa.select(sa.func.count(Leg.id))), session.scalar(sa.select(sa.func.count(Call.id)))) == (8, 4)
    assert names(folder) == ["done/monday.csv", "done/monday.csv.report.txt"]
    report = (folder / "done" / "monday.csv.report.txt").read_text(encoding="utf-8")
    assert "8 lines are new, 0 were there before, 0 are refused" in report and "الأسطر الجديدة 8" in report
    assert [(one.state, one.made_by_id) for one in session.scalars(sa.select(Import))] == [("applied", None)]


def test_the_same_file_again_and_one_of_the_same_name_add_nothing_twice(session: Session, folder: Path) -> None:
    for _time in range(2):
        lay(folder, "cdr.csv", HEADINGS, *QUEUE)
        drop.look(session, {}, LATER)
    lay(folder, "cdr.csv", HEADINGS, *QUEUE, ANSWER)
    drop.look(session, {}, LATER)

    assert [(one.legs, one.answered) for one in session.scalars(sa.select(Call))] == [(5, True)]
    assert len([name for name in names(folder) if name.endswith(".csv")]) == 3


def test_files_that_are_not_whole_stay(session: Session, folder: Path) -> None:
    lay(folder, "half.csv.part", HEADINGS, *QUEUE)
    lay(folder, ".hidden.csv", HEADINGS, *QUEUE)
    fresh = lay(folder, "fresh.csv", HEADINGS, *QUEUE)
    os.utime(fresh, (LATER.timestamp() - 5, LATER.timestamp() - 5))
    (folder / "link.csv").symlink_to(fresh)

    drop.look(session, {}, LATER)

    assert names(folder) == [".hidden.csv", "fresh.csv", "half.csv.part", "link.csv"]
    assert session.scalar(sa.select(sa.func.count(Leg.id))) == 0


def test_what_cannot_be_read_is_refused_with_the_reason_in_both_languages(session: Session, folder: Path) -> None:
    lay(folder, "list.csv", "a,b", "1,2")

    drop.look(session, {}, LATER)

    assert names(folder) == ["refused/list.csv", "refused/list.csv.report.txt"]
    report = (folder / "refused" / "list.csv.report.txt").read_text(encoding="utf-8")
    assert "Choose the column that holds “Start”" in report and "البداية" in report
    assert [one.state for one in session.scalars(sa.select(Import))] == ["failed"]


def test_good_lines_are_taken_and_the_others_come_back_in_a_file(session: Session, folder: Path) -> None:
    lay(folder, "some.csv", HEADINGS, OTHERS[0], "2026-01-05 10:00:00,1,2,10,20,BUSY,7.0,,,,,")

    drop.look(session, {}, LATER)

    assert session.scalar(sa.select(sa.func.count(Leg.id))) == 1
    assert "done/some.csv.refused.csv" in names(folder)
    assert "7.0" in (folder / "done" / "some.csv.refused.csv").read_text(encoding="utf-8")


def test_zone_and_order_of_dates_are_those_of_the_settings(session: Session, folder: Path) -> None:
    lay(folder, "free.csv", FREEPBX)
    drop.look(session, {}, LATER)
    assert "refused/free.csv" in names(folder)

    work.begin_write(session)
    settings.put(session, "callcenter.drop_date_order", "dmy")
    settings.put(session, "callcenter.drop_zone", "Europe/Lisbon")
    work.commit(session)
    lay(folder, "again.csv", FREEPBX)
    drop.look(session, {}, LATER)
    assert "again.csv: 1 lines are new, 0 were there before, 0 are refused." in (folder / "done/again.csv.report.txt").read_text()
    lay(folder, "third.csv", FREEPBX)
    drop.look(session, {}, LATER)
    assert "third.csv: 0 lines are new, 1 were there before, 0 are refused." in (folder / "done/third.csv.report.txt").read_text()
    lay(folder, "free.csv", FREEPBX, FREEPBX.replace("15.482", "15.483"))
    drop.look(session, {}, LATER)

    assert {one.started_at.isoformat() for one in session.scalars(sa.select(Leg))} == {"2025-12-01T18:00:19+00:00"}
    assert [(one.direction, one.phone) for one in session.scalars(sa.select(Call))] == [("out", "+966551112223")] * 2


def test_who_may_import_is_told_of_what_was_refused(session: Session, folder: Path, staff: Staff) -> None:
    lay(folder, "list.csv", "a,b", "1,2")
    lay(folder, "some.csv", HEADINGS, OTHERS[0], "2026-01-05 10:00:00,1,2,10,20,BUSY,7.0,,,,,")

    drop.look(session, {}, LATER)

    told = session.scalars(sa.select(Notice).order_by(Notice.id)).all()
    assert [(one.user_id, one.args) for one in told if one.user_id == staff.manager.user.id] == [
        (staff.manager.user.id, {"file": "list.csv"}), (staff.manager.user.id, {"n": 1, "file": "some.csv"})]
    assert staff.agent.user.id not in {one.user_id for one in told}
    assert {one.link for one in told} == {f"/imports/{one.id}" for one in session.scalars(sa.select(Import))}
