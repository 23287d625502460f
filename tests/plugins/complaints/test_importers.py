"""Registers kept elsewhere, taken in as marked history: what a line becomes, what it lacks, and that nothing comes twice (CMPL-07)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.auth import services as auth
from core.auth.actor import Actor
from core.errors import Conflict, InvalidInput, NotAllowed
from core.i18n import use_language
from core.imports import readers, services
from core.imports.models import Import, ImportLine
from core.imports.views import guess
from core.organisation.models import Centre
from core.procedures.models import StepRun
from core.testing import actor_with, sign_in
from plugins.complaints import figures, history, importers
from plugins.complaints import services as log
from plugins.complaints.models import Assignment, Cause, Entry
from tests.plugins.complaints.conftest import MONDAY, Staff, department

IMPORTER = importers.importers()[0]
MAPPING = {one.key: one.key for one in IMPORTER.fields}
LINE = "2025-03-04 10:00,2025-03-05 11:30,شكوى,هاتف,تعامل الموظف,مستفيد,,سعاد,0551112222,مغلقة,نعم,,تأخر الرد"
Take = Callable[..., Import]


@pytest.fixture
def importer(session: Session) -> Actor:
    return actor_with(history.IMPORT, "complaints.read_all", "complaints.handle", label="importer", source="import")


@pytest.fixture
def take(session: Session, importer: Actor, tmp_path: Path) -> Take:
    """Check a file of these lines, and apply it where nothing is refused."""

    def run(*lines: str, declared: dict[str, Any] | None = None, apply: bool = True, actor: Actor = importer, name: str = "log.csv", **options: str) -> Import:
        path = tmp_path / name
        path.write_text("\n".join([",".join(MAPPING), *lines]) + "\n", encoding="utf-8")
        row = services.receive(session, IMPORTER, file_name=name, token="0", sha256=hashlib.sha256(path.read_bytes()).hexdigest(), actor=actor, now=MONDAY)
        said = {"date_order": "ymd", "time_zone": "Asia/Riyadh", "region": "SA", **(declared or {})}
        services.declare(session, row, IMPORTER, readers.read(path, services.declaration(said)).headings, mapping=MAPPING, declared=said, options=options,
                         actor=actor)
        services.stage_and_check(session, row, IMPORTER, path, actor=actor, now=MONDAY)
        if apply and services.good(row.counts):
            services.choose_to_apply(session, row, IMPORTER, expected=services.good(row.counts), leave_out_refused=True, actor=actor)
            services.run_whole(session, row, IMPORTER, actor=actor, now=MONDAY)
        return row

    with work.time_at(MONDAY), use_language("en"):
        yield run


def entries(session: Session) -> list[Entry]:
    return list(session.scalars(sa.select(Entry).order_by(Entry.id)))


def line(**values: str) -> str:
    given = dict(zip(MAPPING, LINE.split(","), strict=True)) | values
    return ",".join(given.values())


def reasons(session: Session, row: Import) -> list[tuple[str, str]]:
    return [(field, reason) for _line, field, reason, _cells in services.refused_lines(session, row.id)]


def test_a_block_takes_its_numbers_of_each_year_at_once(take: Take, session: Session) -> None:
    counted: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        counted.append(statement)

    sa.event.listen(session.get_bind(), "before_cursor_execute", note)
    take(*(line(received=f"{year}-03-0{day} 10:00", returned=f"{year}-03-0{day} 11:00", reference=f"N-{year}-{day}")
           for day in (4, 5, 6) for year in (2024, 2025)))
    sa.event.remove(session.get_bind(), "before_cursor_execute", note)

    numbers = [one.number for one in entries(session)]
    assert [number[:7] for number in numbers] == ["C-2024-", "C-2025-"] * 3
    assert numbers[::2] == sorted(numbers[::2]) and numbers[1::2] == sorted(numbers[1::2]) and len(set(numbers)) == 6
    assert sum("UPDATE core_counter" in one for one in counted) == 2


def test_a_line_becomes_a_marked_entry_where_its_class_belongs(take: Take, session: Session, centre: Centre) -> None:
    row = take(line(centre=centre.name_ar))

    entry, = entries(session)
    assert row.counts == {"create": 1}
    assert (entry.imported, entry.source, entry.import_id, entry.number[:7]) == (True, "import", row.id, "C-2025-")
    assert (entry.kind, entry.channel, entry.state, entry.customer_class, entry.name, entry.phone, entry.timely) == (
        "complaint", "phone", "closed", "beneficiary", "سعاد", "+966551112222", True)
    assert (entry.received_at, entry.returned_at) == (datetime(2025, 3, 4, 7, tzinfo=UTC), datetime(2025, 3, 5, 8, 30, tzinfo=UTC))
    assert (entry.department_id, entry.centre_id) == (department(session, "centres_affairs").id, centre.id)
    cause = session.get(Cause, entry.cause_id)
    assert cause is not None and cause.code == "conduct"
    assert entry.lacks == {}
    assert session.scalars(sa.select(Assignment.department_id).where(Assignment.entry_id == entry.id)).all() == [entry.department_id]
    assert session.scalars(sa.select(StepRun).where(StepRun.record_type == "complaints_entry")).all() == []


def test_what_the_source_has_not_is_named_and_stays_out_of_averages(take: Take, session: Session, importer: Actor) -> None:
    take(line(), line(returned="", name="", phone="", text="", cause=""), line(received="2025-03-06", returned="2025-03-07"), line(returned="", response=""))

    whole, bare, days, still_open = entries(session)
    assert whole.lacks == {}
    assert bare.lacks == {"name": True, "phone": True, "cause": True, "text": True, "returned_at": True}
    assert days.lacks == {"received_at": "hour", "returned_at": "hour"}
    assert (still_open.state, still_open.lacks) == ("received", {"state": True})
    start = datetime(2025, 3, 1, tzinfo=UTC)
    count = figures.counted(figures.cases(session, start, start + timedelta(days=31), MONDAY, importer))
    assert (count.received, count.closed, count.minutes) == (4, 3, [25 * 60 + 30])


def test_equal_lines_all_count_and_the_same_file_twice_adds_nothing(take: Take, session: Session) -> None:
    lines = [line(), line(), line(), line(text="another")]

    first, again = take(*lines), take(*lines, name="same.csv")

    assert (first.counts, again.counts) == ({"create": 4}, {"duplicate": 4})
    assert len({entry.number for entry in entries(session)}) == len(entries(session)) == 4


def test_by_its_reference_an_entry_is_recognised_in_another_file(take: Take, session: Session) -> None:
    first = take(line(reference="17"), line(reference="18"), line(reference="17"))
    second = take(line(reference="18"), line(reference="19"), name="next.csv")

    assert (first.counts, second.counts) == ({"create": 2, "duplicate": 1}, {"duplicate": 1, "create": 1})
    assert [entry.source_reference for entry in entries(session)] == ["17", "18", "19"]


def test_a_reference_is_recognised_across_blocks_of_one_file(take: Take, session: Session) -> None:
    assert take(*(line(reference=str(n % 600), text=f"t{n}") for n in range(1200))).counts == {"create": 600, "duplicate": 600}


@pytest.mark.parametrize(("changed", "field"), [
    ({"received": ""}, "received"), ({"received": "2026-02-03 10:00", "returned": ""}, "received"), ({"returned": "2025-03-03 10:00"}, "returned"),
    ({"returned": "2027-01-01"}, "returned"), ({"kind": "ticket"}, "kind"), ({"channel": "pigeon"}, "channel"), ({"channel": ""}, "channel"),
    ({"customer_class": "friend"}, "customer_class"), ({"centre": "المريخ"}, "centre"), ({"phone": "12"}, "phone"), ({"response": "perhaps"}, "response"),
    ({"timely": "maybe"}, "timely"),
])
def test_a_line_that_cannot_be_right_is_refused_with_its_field(take: Take, session: Session, changed: dict[str, str], field: str) -> None:
    row = take(line(**changed), apply=False)

    assert row.counts == {"refused": 1}
    assert {key for key, _reason in reasons(session, row)} == {field}


def test_options_say_what_holds_where_the_file_says_nothing(take: Take, session: Session) -> None:
    take(line(kind="", channel="", customer_class="", response="perhaps"), kind="inquiry", channel="fax", customer_class="government", states="closed")
    take(line(kind="", customer_class=""), name="plain.csv")

    first, second = entries(session)
    assert (first.kind, first.channel, first.customer_class, first.state) == ("inquiry", "fax", "government", "closed")
    assert (second.kind, second.customer_class) == ("complaint", "other")


def test_a_return_on_the_day_of_receipt_is_no_earlier_than_the_receipt(take: Take, session: Session) -> None:
    take(line(received="2025-03-04 10:00", returned="2025-03-04"))

    entry, = entries(session)
    assert (entry.returned_at, entry.lacks) == (entry.received_at, {"returned_at": "hour"})


def test_an_unknown_cause_is_shown_then_added_or_refused(take: Take, session: Session) -> None:
    refused = take(line(cause="ازدحام"), causes="refuse", apply=False)
    row = take(line(cause="ازدحام"), line(cause="إزدحام"), name="two.csv")

    assert refused.counts == {"refused": 1}
    shown = session.scalars(sa.select(ImportLine).where(ImportLine.import_id == row.id).order_by(ImportLine.line_no)).first()
    with use_language("en"):
        assert shown is not None and ("cause", "The cause “ازدحام” is added to the catalogue.") in shown.said
    added = session.scalars(sa.select(Cause).where(Cause.name_ar == "ازدحام")).one()
    assert {entry.cause_id for entry in entries(session)} == {added.id}


@pytest.mark.parametrize(("words", "state"), [
    ("Closed with explanation", "closed"), ("Closed", "closed"), ("مُغلقة", "closed"), ("Untimely response", "received"), ("In progress", "in_study"),
    ("قيد المعالجة", "in_study"), ("Under study", "in_study"), ("الحل جاهز", "solution_ready"), ("disclosed", None), ("", None),
])
def test_states_are_known_by_how_they_begin(words: str, state: str | None) -> None:
    assert importers.state_of(words) == state


def test_an_open_one_is_handled_by_the_rules_of_any_other(take: Take, session: Session, staff: Staff) -> None:
    take(line(response="قيد الدراسة", returned="", customer_class="other"))
    entry, = entries(session)

    with pytest.raises(InvalidInput):
        log.close(session, entry, answer="", answer_channel="phone", returned_at=MONDAY, actor=staff.crm.actor, now=MONDAY)
    log.study(session, entry, "وُجد السبب", "المركز", actor=staff.crm.actor, now=MONDAY)
    log.close(session, entry, answer="تم", answer_channel="phone", returned_at=MONDAY, actor=staff.crm.actor, now=MONDAY)

    assert (entry.state, entry.closed_at) == ("closed", MONDAY)
    still = session.scalars(sa.select(StepRun).where(StepRun.record_type == "complaints_entry", StepRun.record_id == entry.id, StepRun.ended_at.is_(None)))
    assert still.all() == []


def test_an_import_is_undone_while_nobody_has_worked_on_it(take: Take, session: Session, staff: Staff, importer: Actor) -> None:
    first, second = take(line()), take(line(response="قيد الدراسة", returned="", customer_class="other"), name="open.csv")
    log.add_update(session, entries(session)[1], "سُئل المركز", actor=staff.crm.actor, now=MONDAY)

    with pytest.raises(Conflict, match="was worked on"):
        services.undo(session, second, IMPORTER, actor=importer, now=MONDAY)
    services.undo(session, first, IMPORTER, actor=importer, now=MONDAY)

    assert [entry.import_id for entry in entries(session)] == [second.id]


def test_only_who_may_import_imports(take: Take, session: Session, staff: Staff) -> None:
    with pytest.raises(NotAllowed):
        take(line(), actor=staff.crm.actor)
    manager = auth.actor_for(session, staff.crm_manager.user, source="web", now=MONDAY)
    assert take(line(), actor=manager, name="b.csv").counts == {"create": 1}


def test_a_register_as_authorities_publish_it_is_understood_by_its_headings(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "register.csv"
    path.write_text("Date received,Product,Issue,State,Submitted via,Company response to consumer,Timely response?,Complaint ID\n", encoding="utf-8")

    with use_language("en"):
        found = guess(IMPORTER, readers.read(path, services.declaration({})))

    assert found == {"received": "Date received", "cause": "Issue", "channel": "Submitted via", "response": "Company response to consumer",
                     "timely": "Timely response?", "reference": "Complaint ID"}


def test_moments_are_shown_by_the_associations_clock_and_what_cannot_be_read_as_it_came(
    take: Take, session: Session, staff: Staff, client: FlaskClient,
) -> None:
    row = take(line(), line(received="yesterday noon"), apply=False)
    sign_in(client, staff.crm_manager.user)

    page = client.get(f"/imports/{row.id}?lang=en").get_data(as_text=True)

    assert "4 March 2025" in page and "10:00" in page and "yesterday noon" in page
    assert "2025-03-04 07:00:00" not in page
