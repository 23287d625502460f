"""Files of the exchange: legs into calls, the same file twice, late legs, callers found by their numbers, taken back (CALL-01)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings, work
from core.audit.commands import verify
from core.audit.models import AuditEvent
from core.customers.models import Customer
from core.errors import Conflict
from core.imports import services as imports
from plugins.callcenter import panel, services
from plugins.callcenter.importers import period_bounds
from plugins.callcenter.models import Call, Leg, Recording
from tests.plugins.callcenter.conftest import KEEPER, MONDAY, RECORDS, Staff, check, take_in
from tests.support.statements import counting

HEADINGS = "calldate,src,dst,duration,billsec,disposition,uniqueid,linkedid,channel,dstchannel,lastapp,recordingfile"
DONOR, STRANGER = "0557654321", "0551112223"
QUEUE = [f"2026-01-05 10:00:00,{DONOR},20{place},20,0,NO ANSWER,1.{place},1.0,SIP/trunk-0000000{place},SIP/20{place}-0000001{place},Dial,"
         for place in range(4)]
ANSWER = f"2026-01-05 10:00:05,{DONOR},205,95,80,ANSWERED,1.5,1.0,SIP/trunk-00000005,SIP/205-00000015,Dial,q-1.0.wav"
OTHERS = [
    f"2026-01-05 11:00:00,201,{STRANGER},40,30,ANSWERED,2.0,2.0,SIP/201-00000020,SIP/trunk-00000021,Dial,",
    "2026-01-05 11:05:00,201,202,12,10,ANSWERED,3.0,3.0,SIP/201-00000030,SIP/202-00000031,Dial,",
    f"2026-01-05 11:10:00,{STRANGER},201,15,0,NO ANSWER,4.0,4.0,SIP/trunk-00000040,SIP/201-00000041,Dial,",
]
Write = Callable[..., Path]
MOST_A_BLOCK = 60
"""Statements, for 500 lines to be checked and applied."""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(*lines: str, name: str = "cdr.csv") -> Path:
        path = tmp_path / name
        path.write_text("\n".join([HEADINGS, *lines]) + "\n", encoding="utf-8")
        return path

    return make


def calls(session: Session) -> list[Call]:
    session.expire_all()
    return list(session.scalars(sa.select(Call).order_by(Call.started_at)))


def test_legs_with_one_linked_number_are_one_call_with_its_customer(session: Session, english: None, donor: Customer, write: Write) -> None:
    row = take_in(session, RECORDS, write(*QUEUE, ANSWER, *OTHERS))

    queue, out, internal, missed = calls(session)
    assert row.counts == {"create": 8}
    assert (queue.direction, queue.answered, queue.legs, queue.talk_seconds, queue.duration_seconds, queue.extension) == ("in", True, 5, 80, 100, "205")
    assert (queue.customer_id, queue.subject_id, queue.phone) == (donor.id, donor.subject_id, donor.mobile)
    assert (out.direction, out.phone, out.extension, out.customer_id) == ("out", "+966551112223", "201", None)
    assert (internal.direction, internal.phone, internal.subject_id) == ("internal", None, None)
    assert (missed.direction, missed.answered, missed.subject_id) == ("in", False, out.subject_id)
    assert [(one.call_id, one.reference) for one in session.scalars(sa.select(Recording))] == [(queue.id, "q-1.0.wav")]


def test_the_same_file_again_changes_nothing_in_either_table(session: Session, english: None, donor: Customer, write: Write) -> None:
    path = write(*QUEUE, ANSWER, *OTHERS)
    take_in(session, RECORDS, path)
    events = sa.select(sa.func.count(AuditEvent.id)).where(AuditEvent.record_type == "callcenter_call")
    legs, before = session.scalars(sa.select(Leg.id)).all(), session.scalar(events)

    again = take_in(session, RECORDS, path, time_zone="Europe/London")

    assert again.counts == {"duplicate": 8}
    assert (session.scalars(sa.select(Leg.id)).all(), session.scalar(events), len(calls(session))) == (legs, before, 4)


def test_a_late_leg_joins_its_call_and_what_was_written_of_it_stays(session: Session, english: None, staff: Staff, write: Write) -> None:
    take_in(session, RECORDS, write(*QUEUE))
    (call,) = calls(session)
    assert (call.answered, call.legs) == (False, 4)
    services.describe_call(session, call, subject="donation", note="تبرع", actor=staff.agent.actor, now=MONDAY)

    late = take_in(session, RECORDS, write(*QUEUE[:2], ANSWER, name="late.csv"))

    (call,) = calls(session)
    assert late.counts == {"duplicate": 2, "create": 1}
    assert (call.answered, call.legs, call.talk_seconds, call.subject, call.note, call.agent_id) == (True, 5, 80, "donation", "تبرع", staff.agent.user.id)
    said: list[str] = []
    work.commit(session)
    assert verify(session, say=said.append) == 0, said


def test_a_call_that_was_written_down_by_hand_gets_its_legs_and_stays_one(
    session: Session, english: None, staff: Staff, donor: Customer, log: Callable[..., Call], write: Write,
) -> None:
    at = datetime(2026, 1, 5, 7, 3, tzinfo=UTC)
    by_name = log(staff.agent, at, customer_number=donor.number, phone="", started_at=at, duration=60)
    by_number = log(staff.agent, at, started_at=at, phone=STRANGER)
    other_way = log(staff.agent, at, started_at=at, phone=DONOR, direction="out")

    row = take_in(session, RECORDS, write(*QUEUE, ANSWER, OTHERS[0]))

    assert session.scalar(sa.select(sa.func.count(Call.id))) == 4
    assert (by_name.legs, by_name.talk_seconds, by_name.subject, by_name.agent_id) == (5, 80, "donation", staff.agent.user.id)
    assert [(one.legs, one.group_key) for one in (by_number, other_way)] == [(0, None)] * 2
    imports.undo(session, row, RECORDS, actor=KEEPER, now=MONDAY)
    session.expire_all()
    assert [(one.id, one.legs, one.group_key) for one in calls(session)] == [(one.id, 0, None) for one in (by_name, by_number, other_way)]


def test_a_line_that_stands_twice_is_one_leg(session: Session, english: None, write: Write) -> None:
    assert take_in(session, RECORDS, write(OTHERS[0], OTHERS[0])).counts == {"create": 1, "duplicate": 1}


def test_a_number_of_several_customers_is_given_to_none(session: Session, english: None, donor: Customer, customer: Any, write: Write) -> None:
    customer(name="فرع المؤسسة", mobile="0557654322", phone=DONOR)

    take_in(session, RECORDS, write(ANSWER))

    assert [one.customer_id for one in calls(session)] == [None]


def test_own_numbers_are_never_taken_for_a_caller(session: Session, english: None, donor: Customer, write: Write) -> None:
    settings.put(session, "callcenter.own_numbers", f"1888808، {DONOR}")

    take_in(session, RECORDS, write(f"2026-01-05 10:00:00,{DONOR},{STRANGER},20,10,ANSWERED,9.0,,,,Dial,"))

    assert [(one.direction, one.phone, one.customer_id) for one in calls(session)] == [("out", "+966551112223", None)]


def test_internal_calls_are_left_out_of_the_panel(session: Session, english: None, staff: Staff, write: Write) -> None:
    take_in(session, RECORDS, write(*QUEUE, ANSWER, *OTHERS))

    january = panel.of_year(session, 2026, staff.manager.actor, MONDAY)[0]
    assert (january.outgoing, january.incoming) == (1, 2)
    assert panel.handling(session, *period_bounds(session, 2026, 1), "agent") == {
        (None, "205"): panel.Handling(1, 0, 80), (None, "201"): panel.Handling(1, 1, 30)}


@pytest.mark.parametrize(("line", "field"), [
    ("2027-01-05 10:00:00,1,2,20,0,BUSY,1,,,,,", "started"), ("1926-01-05 10:00:00,1,2,20,0,BUSY,1,,,,,", "started"),
    ("2026-01-05 10:00:00,1,2,-3,0,BUSY,1,,,,,", "duration"), ("2026-01-05 10:00:00,1,2,10,20,BUSY,1,,,,,", "talk"), ("no day,1,2,10,2,BUSY,1,,,,,", "started"),
])
def test_what_cannot_be_is_refused_with_its_field(session: Session, english: None, write: Write, line: str, field: str) -> None:
    row = check(session, RECORDS, write(line))

    assert [(one[1], bool(one[2])) for one in imports.refused_lines(session, row.id)] == [(field, True)]


def test_an_import_is_taken_back_whole_unless_somebody_worked_on_a_call(session: Session, english: None, staff: Staff, write: Write) -> None:
    first = take_in(session, RECORDS, write(*QUEUE, OTHERS[1]))
    second = take_in(session, RECORDS, write(ANSWER, *OTHERS[:1], name="second.csv"))

    imports.undo(session, second, RECORDS, actor=KEEPER, now=MONDAY)
    assert [(one.legs, one.answered) for one in calls(session)] == [(4, False), (1, True)]
    services.describe_call(session, calls(session)[0], subject="donation", actor=staff.agent.actor, now=MONDAY)
    with pytest.raises(Conflict):
        imports.undo(session, first, RECORDS, actor=KEEPER, now=MONDAY)
    assert session.scalar(sa.select(sa.func.count(Leg.id))) == 5


def test_a_block_of_lines_takes_a_few_statements(session: Session, english: None, write: Write) -> None:
    lines = [f"2026-01-{1 + place % 28:02} {place % 24:02}:00:{place % 60:02},05{50000000 + place % 3000},201,40,30,ANSWERED,{place}.0,{place // 2}.0,,,Dial,"
             for place in range(3_000)]
    path = write(*lines)

    with counting(session) as counted:
        take_in(session, RECORDS, path)

    assert (session.scalar(sa.select(sa.func.count(Leg.id))), session.scalar(sa.select(sa.func.count(Call.id)))) == (3_000, 1_500)
    assert len(counted) < 3_000 / imports.BLOCK * MOST_A_BLOCK


MASTER = ('"c","0557654321","201","d","PJSIP/a-01","PJSIP/201-02","Dial","x","2026-01-04 01:51:3{n}","","2026-01-04 01:52:04","31","13","ANSWERED","D","",'
          '"1.{n}","",2')


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("damaged", ['"c","0557654321","201"', '"c","x"', MASTER.format(n=9).replace('"31"', '"?"'), MASTER.format(n=9) + ",7,8"])
def test_one_damaged_line_does_not_hide_what_kind_of_file_it_is(session: Session, english: None, tmp_path: Path, damaged: str, place: int) -> None:
    lines = [MASTER.format(n=number) for number in range(3)]
    lines.insert(place, damaged)
    path = tmp_path / "Master.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    row = check(session, RECORDS, path)

    assert row.counts == {"create": 3, "refused": 1}
    (line, _field, reason, _cells), = imports.refused_lines(session, row.id)
    assert line == place + 1
    assert reason


def test_a_file_with_headings_is_not_taken_for_one_without(tmp_path: Path) -> None:
    path = tmp_path / "Master.csv"
    headings = ",".join(f"heading{number}" for number in range(19))
    path.write_text("\n".join([headings, *(MASTER.format(n=number) for number in range(5))]) + "\n", encoding="utf-8")

    assert RECORDS.propose is not None and RECORDS.propose(path) is None
